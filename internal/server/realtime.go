package server

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/relay"
)

// realtimeRoutes are those of the Realtime API over WebSocket. The key may stand in a
// subprotocol, so they look for it themselves.
func (s *Server) realtimeRoutes() []route {
	var out []route
	for _, path := range [...]string{"/v1/realtime", "/realtime", "/openai/v1/realtime"} {
		out = append(out, route{pattern: "GET " + path, handler: s.realtime, open: true})
	}
	return out
}

func (s *Server) realtime(w http.ResponseWriter, r *http.Request, c *call) error {
	p, refused := c.state.Auth.Check(keyFromProtocol(r), false)
	if refused != nil {
		return refused
	}
	if !strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
		w.Header().Set("Upgrade", "websocket")
		return &llm.Error{
			Kind: llm.KindAPI, Status: http.StatusUpgradeRequired, Type: "invalid_request_error",
			Message: r.URL.Path + " is a WebSocket: connect to it with ws:// or wss:// and ?model=NAME.",
		}
	}
	model := r.URL.Query().Get("model")
	if model == "" {
		return llm.BadRequest("model", "/realtime: Missing required parameter: 'model' (as ?model=NAME).")
	}
	c.principal = p
	rq := s.request(r, c, &llm.Request{From: "realtime", Model: model, Stream: true})
	rq.Endpoint = "/realtime"
	return s.Relay.Realtime(r.Context(), rq, w, r)
}

// keyFromProtocol moves a key that a browser sent as a subprotocol to where keys are
// looked for.
func keyFromProtocol(r *http.Request) *http.Request {
	for _, line := range r.Header["Sec-Websocket-Protocol"] {
		for p := range strings.SplitSeq(line, ",") {
			key, ok := strings.CutPrefix(strings.TrimSpace(p), relay.KeyProtocol)
			if ok && r.Header.Get("Authorization") == "" {
				out := r.Clone(r.Context())
				out.Header.Set("Authorization", "Bearer "+key)
				return out
			}
		}
	}
	return r
}
