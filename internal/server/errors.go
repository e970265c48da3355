package server

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/relay"
)

// fail is the only place that turns an error into an HTTP answer.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, c *call, err error) {
	var begun *relay.BegunError
	if errors.As(err, &begun) {
		return // the answer had begun; the dialect has written the error into it
	}
	e := llm.AsError(err)
	if e.Kind == llm.KindClientGone {
		return
	}
	if e.Cause != nil && e.Status >= http.StatusInternalServerError {
		s.Log.Error("request failed", "id", c.id, "path", r.URL.Path, "status", e.Status, "cause", s.Relay.Redact(e.Cause.Error()))
	}
	h := w.Header()
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((e.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if e.Provider == "" && (e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden) {
		// Some clients try a refused key a dozen times, silently; another try can't help.
		h.Set("X-Should-Retry", "false")
	}
	status, body := c.dialect.Error(e)
	if c.state.Config.General.IncludeCallIDInErrorBody {
		body = withCallID(body, c.id)
	}
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	rest := unread(r)
	if rest != nil {
		h.Set("Connection", "close")
	}
	w.WriteHeader(status)
	// A client that has left cannot be told anything.
	_, _ = w.Write(body)
	rest.linger()
}

func withCallID(body []byte, id string) []byte {
	o := rawjson.ParseObject(body)
	e := rawjson.ParseObject(o.Get("error"))
	e.Set("litellm_call_id", rawjson.String(id))
	o.Set("error", e.Value())
	return o.Value()
}

func (s *Server) notFound(w http.ResponseWriter, r *http.Request, c *call) error {
	return &llm.Error{
		Kind: llm.KindNotFound, Status: http.StatusNotFound, Type: "invalid_request_error",
		Message: "There is no " + r.Method + " " + r.URL.Path + " here. Chat is POST /v1/chat/completions, the models are GET /v1/models; GET /openapi.json lists every route.",
	}
}

// clientGone makes a failed write into the error that needs no answer.
func clientGone(err error) error {
	if err == nil {
		return nil
	}
	return &llm.Error{Kind: llm.KindClientGone, Cause: err}
}

// writeJSON writes a 200 answer.
func writeJSON(w http.ResponseWriter, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return clientGone(err)
}
