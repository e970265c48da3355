package openaichat

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error reads an unsuccessful answer: the class by text first, then by status.
// Source: §7.2–7.4.
func (Wire) Error(status int, h http.Header, body []byte) *llm.Error {
	text := errorText(body)
	e := upstreamError(status, text, string(body[:min(len(body), maxErrorBody)]))
	if text == "" {
		e.Message = fmt.Sprintf("The upstream answered with status %d and no text.", status)
	}
	e.Header, e.RetryAfter = h, errtext.RetryAfter(h)
	return e
}

// maxErrorBody bounds what of an error body is searched for a class, in bytes.
const maxErrorBody = 16 << 10

// upstreamError builds the error for a status (0: an error within a good answer)
// and its texts: the message, and the whole body for the class.
func upstreamError(status int, message, whole string) *llm.Error {
	e := &llm.Error{Upstream: true, UpstreamStatus: status}
	kind, told := errtext.Classify("openai", status, message+"\n"+whole)
	switch {
	case told:
		e.Kind = kind
		e.Status = errtext.Status(kind)
	case status == 0:
		e.Kind, e.Status = llm.KindInternal, http.StatusInternalServerError
	default:
		e.Kind, e.Status = errtext.ByStatus(status), status
	}
	if strings.Contains(whole, `"content_filter"`) && e.Kind == llm.KindBadRequest {
		e.Kind = llm.KindContentPolicy
	}
	if e.Status < 400 || e.Status > 599 {
		e.Status = errtext.Status(e.Kind)
	}
	e.Type = errtext.Type(e.Kind, e.Status)
	e.Message = "litellm." + e.Kind.String() + ": " + errtext.Clean(message)
	return e
}

// errorText finds the sentence in an error body, whatever its shape: OpenAI's
// object, a bare string, FastAPI's detail, a list, HTML.
func errorText(body []byte) string {
	v, err := rawjson.Check(body)
	if err != nil {
		return strings.TrimSpace(string(body[:min(len(body), maxErrorBody)]))
	}
	if s := jsonErrorText(v, 0); s != "" {
		return s
	}
	return string(v)
}

// maxErrorDepth bounds how deep a sentence is searched.
const maxErrorDepth = 4

func jsonErrorText(v rawjson.Value, depth int) string {
	if depth > maxErrorDepth {
		return ""
	}
	switch v.Kind() {
	case '"':
		return v.Text()
	case '[':
		return jsonErrorText(v.First(), depth+1)
	case '{':
		for _, key := range []string{"error", "message", "msg", "detail", "errors", "error_message", "status_msg"} {
			if s := jsonErrorText(v.Get(key), depth+1); s != "" {
				return s
			}
		}
	}
	return ""
}

// namedError reads an event that is named error, whatever it holds.
func namedError(data []byte) *llm.Error {
	v, err := rawjson.Check(data)
	if err != nil {
		return upstreamError(0, strings.TrimSpace(string(data[:min(len(data), maxErrorBody)])), "")
	}
	if inner := v.Get("error"); inner.Present() {
		v = inner
	}
	return errorWithin(v)
}

// strayError looks at an event of a stream that has neither choices nor usage: when it
// says something in words, as vLLM's errors do, it is an error; else it is none of the
// answer.
func strayError(t *top, v rawjson.Value) error {
	if n, ok := t.baseResp.Get("status_code").Int(); ok && n != 0 {
		return baseRespError(n, t.baseResp)
	}
	if jsonErrorText(v, 0) != "" {
		return errorWithin(v)
	}
	return nil
}

// errorWithin reads an error object that came inside an answer with status 200.
func errorWithin(v rawjson.Value) *llm.Error {
	status := 0
	code := v.Get("code")
	if n, ok := code.Int(); ok {
		status = int(n)
	} else if n, err := strconv.Atoi(code.Text()); err == nil {
		status = n
	}
	if status < 400 || status > 599 {
		status = 0
	}
	message := jsonErrorText(v, 0)
	if message == "" {
		message = string(v)
	}
	e := upstreamError(status, message, string(v[:min(len(v), maxErrorBody)]))
	e.UpstreamStatus = max(status, http.StatusOK)
	return e
}
