package server

import (
	"bytes"
	"fmt"
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
)

// maxEach bounds how many calls one request may cause.
const maxEach = 10

// completeEach answers a comma list of models as LiteLLM does: the same question
// to each, and the answers as one list under the upstreams' own model names.
func (s *Server) completeEach(w http.ResponseWriter, r *http.Request, rq *relay.Request, names []string) error {
	if len(names) > maxEach {
		return llm.BadRequest("model", fmt.Sprintf("The list names %d models; at most %d can be asked at once.", len(names), maxEach))
	}
	if rq.LLM.Stream {
		return llm.BadRequest("stream", "A list of models cannot be answered as one stream; send one request per model.")
	}
	out := []byte{'['}
	for _, name := range names {
		one, req := *rq, *rq.LLM
		req.Model = name
		one.LLM, one.UpstreamName = &req, true
		answer := &held{header: http.Header{}}
		if err := s.Relay.Serve(r.Context(), &one, answer); err != nil {
			return err
		}
		out = append(rawjson.AppendComma(out), answer.body.Bytes()...)
	}
	return writeJSON(w, append(out, ']'))
}

// held keeps an answer instead of sending it.
type held struct {
	header http.Header
	body   bytes.Buffer
}

func (h *held) Header() http.Header         { return h.header }
func (h *held) WriteHeader(int)             {}
func (h *held) Write(b []byte) (int, error) { return h.body.Write(b) }
