package server

import (
	"net/http"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
	"github.com/fairlead-gateway/fairlead/internal/responses"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openairesponses"
)

// openAIResponses is the dialect of Codex and the Agents SDK.
var openAIResponses wire.Dialect = openairesponses.Dialect{}

func (s *Server) responseRoutes() []route {
	row := func(pattern string, h handler) route {
		return route{pattern: pattern, handler: h, dialect: openAIResponses}
	}
	var out []route
	for _, path := range []string{"/v1/responses", "/responses"} {
		out = append(out,
			row("POST "+path, s.createResponse),
			row("GET "+path, s.refuseWebSocket),
			row("POST "+path+"/input_tokens", s.countResponseTokens),
			row("GET "+path+"/{id}", s.getResponse),
			row("DELETE "+path+"/{id}", s.deleteResponse),
			row("GET "+path+"/{id}/input_items", s.inputItems),
			row("POST "+path+"/{id}/cancel", s.cancelResponse),
		)
	}
	return out
}

// createResponse brings the conversation behind previous_response_id into the
// request, and keeps the answer unless the client does not want it kept.
func (s *Server) createResponse(w http.ResponseWriter, r *http.Request, c *call) error {
	body, err := s.readBody(w, r, c, c.state.Config.Fairlead.MaxBodyBytes)
	if err != nil {
		return err
	}
	v, err := checkObject(body)
	if err != nil {
		return err
	}
	tenant := c.principal.Tenant
	whole, previous, err := responses.Prepare(s.Responses, tenant, v)
	if err != nil {
		return err
	}
	req, err := c.dialect.Decode(whole)
	if err != nil {
		return err
	}
	return s.relayRequest(w, r, c, req, func(rq *relay.Request) error {
		rq.Endpoint = "/v1/responses"
		if !responses.Keeps(v) {
			return nil
		}
		input := v.Get("input")
		rq.OnDone = func(id string, answer rawjson.Value) {
			if err := s.Responses.Save(tenant, responses.NewRecord(input, previous, answer)); err != nil {
				s.Log.Warn("an answer was not kept; its id cannot be used again", "id", id, "error", err)
			}
		}
		return nil
	})
}

// refuseWebSocket tells a client that wants a WebSocket at once to use HTTP.
func (s *Server) refuseWebSocket(w http.ResponseWriter, r *http.Request, c *call) error {
	if r.Header.Get("Upgrade") == "" {
		return s.notFound(w, r, c)
	}
	w.Header().Set("Connection", "close")
	return &llm.Error{
		Kind: llm.KindBadRequest, Status: http.StatusUpgradeRequired, Type: "invalid_request_error",
		Message: "Responses are not served over a WebSocket; send POST /v1/responses.",
	}
}

func (s *Server) countResponseTokens(w http.ResponseWriter, r *http.Request, c *call) error {
	decode := func(body rawjson.Value) (*llm.Request, error) {
		whole, _, err := responses.Prepare(s.Responses, c.principal.Tenant, body)
		if err != nil {
			return nil, err
		}
		return openairesponses.Dialect{}.Decode(whole)
	}
	return s.count(w, r, c, decode, endpoint("/v1/responses/input_tokens"), func(n int64) []byte { return responses.InputTokens(n) })
}

// record finds a kept answer of the caller's.
func (s *Server) record(r *http.Request, c *call) (responses.Record, error) {
	id := r.PathValue("id")
	rec, ok, err := s.Responses.Get(c.principal.Tenant, id)
	if err != nil {
		return rec, err
	}
	if !ok {
		return rec, responses.NotFound(id)
	}
	return rec, nil
}

// getResponse answers with a kept answer whole: its events are gone.
func (s *Server) getResponse(w http.ResponseWriter, r *http.Request, c *call) error {
	rec, err := s.record(r, c)
	if err != nil {
		return err
	}
	if on, _ := strconv.ParseBool(r.URL.Query().Get("stream")); on {
		return llm.BadRequest("stream", "A kept response is not streamed again; ask for it without 'stream'.")
	}
	return writeJSON(w, rec.Body)
}

func (s *Server) deleteResponse(w http.ResponseWriter, r *http.Request, c *call) error {
	id := r.PathValue("id")
	ok, err := s.Responses.Delete(c.principal.Tenant, id)
	if err != nil {
		return err
	}
	if !ok {
		return responses.NotFound(id)
	}
	return writeJSON(w, responses.Deleted(id))
}

func (s *Server) inputItems(w http.ResponseWriter, r *http.Request, c *call) error {
	rec, err := s.record(r, c)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	page, err := responses.ParsePage(q.Get("limit"), q.Get("order"), q.Get("after"))
	if err != nil {
		return err
	}
	out, err := responses.InputItems(&rec, page)
	if err != nil {
		return err
	}
	return writeJSON(w, out)
}

func (s *Server) cancelResponse(w http.ResponseWriter, r *http.Request, c *call) error {
	rec, err := s.record(r, c)
	if err != nil {
		return err
	}
	out, err := responses.Cancelled(&rec)
	if err != nil {
		return err
	}
	return writeJSON(w, out)
}
