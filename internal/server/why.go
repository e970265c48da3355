package server

import (
	"encoding/json"
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// whyRequest tells what happened to one of the last requests and why, to who may see
// everything: it names deployments and what upstreams said.
func (s *Server) whyRequest(w http.ResponseWriter, r *http.Request, c *call) error {
	if !c.principal.Admin {
		return &llm.Error{Kind: llm.KindPermission, Status: http.StatusForbidden, Message: "What happened to a request is shown to the master key only."}
	}
	id := r.PathValue("id")
	why, ok := s.Relay.Why(id)
	if !ok {
		return &llm.Error{
			Kind: llm.KindNotFound, Status: http.StatusNotFound, Type: "invalid_request_error",
			Message: "No request with this id is remembered. " + s.remembered() + " The id is the x-litellm-call-id header of the answer.",
		}
	}
	body, err := json.Marshal(why)
	if err != nil {
		return err
	}
	return writeJSON(w, body)
}

// remembered says which requests are.
func (s *Server) remembered() string {
	if s.Relay.Archive == nil {
		return "The last 2,048 are, until a restart; with fairlead_settings.data_dir the last 100,000 of a week, also after one."
	}
	return "The last 100,000 of a week are."
}
