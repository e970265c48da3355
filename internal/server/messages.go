package server

import (
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
)

// messages is the dialect of Claude Code and the Anthropic SDKs.
var messages wire.Dialect = anthropic.Dialect{}

func (s *Server) messageRoutes() []route {
	return []route{
		{pattern: "POST /v1/messages", handler: s.createMessage, dialect: messages},
		{pattern: "POST /v1/messages/count_tokens", handler: s.countMessageTokens, dialect: messages},
		// Claude Code asks whether anybody is there before it has a key.
		{pattern: "HEAD /api/hello", open: true, handler: s.hello, dialect: messages},
	}
}

func (s *Server) createMessage(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.complete(w, r, c, endpoint("/v1/messages"))
}

// endpoint names the path in errors.
func endpoint(path string) func(*relay.Request) error {
	return func(rq *relay.Request) error {
		rq.Endpoint = path
		return nil
	}
}

func (s *Server) hello(http.ResponseWriter, *http.Request, *call) error { return nil }

func (s *Server) countMessageTokens(w http.ResponseWriter, r *http.Request, c *call) error {
	return s.count(w, r, c, anthropic.Dialect{}.DecodeCount, endpoint("/v1/messages/count_tokens"), anthropic.CountResponse)
}

// count reads a request, has its input tokens counted, and writes the number.
func (s *Server) count(w http.ResponseWriter, r *http.Request, c *call, decode func(rawjson.Value) (*llm.Request, error),
	prepare func(*relay.Request) error, write func(int64) []byte,
) error {
	body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
	if err != nil {
		return err
	}
	v, err := checkObject(body)
	if err != nil {
		return err
	}
	req, err := decode(v)
	if err != nil {
		return err
	}
	rq := s.request(r, c, req)
	if err := prepare(rq); err != nil {
		return err
	}
	n, estimated, err := s.Relay.Count(r.Context(), rq, w)
	if err != nil {
		return err
	}
	if estimated {
		w.Header().Set("X-Fairlead-Token-Count", "estimate")
	}
	return writeJSON(w, write(n))
}
