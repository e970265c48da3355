package openairesponses

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error reads an unsuccessful answer: the class by text first, then by status.
// Source: §7.2–7.4.
func (Wire) Error(status int, h http.Header, body []byte) *llm.Error {
	body = body[:min(len(body), maxErrorBody)]
	text, code := strings.TrimSpace(string(body)), ""
	if v, err := rawjson.Check(body); err == nil {
		text, code = errorText(v)
	}
	e := upstreamError(status, text, code, string(body))
	if text == "" {
		e.Message = fmt.Sprintf("The upstream answered with status %d and no text.", status)
	}
	e.Header, e.RetryAfter = h, errtext.RetryAfter(h)
	return e
}

// maxErrorBody bounds what of an error body is read, in bytes.
const maxErrorBody = 16 << 10

// errorText finds the sentence and the code of an error body.
func errorText(v rawjson.Value) (text, code string) {
	inner := v
	if o := v.Get("error"); o.Present() {
		inner = o
	}
	for _, candidate := range []rawjson.Value{inner, inner.Get("message"), inner.Get("detail"), v.Get("message")} {
		if s := candidate.Text(); s != "" {
			return s, inner.Get("code").Text()
		}
	}
	return string(v), inner.Get("code").Text()
}

// kept are codes of an upstream that clients, or the gateway itself, act on.
var kept = map[string]bool{"model_not_found": true, "previous_response_not_found": true}

// upstreamError builds the error for a status (0: an error within a good answer).
func upstreamError(status int, message, code, whole string) *llm.Error {
	e := &llm.Error{Upstream: true, UpstreamStatus: status}
	kind, told := errtext.Classify("openai", status, message+"\n"+whole)
	switch {
	case told:
		e.Kind, e.Status = kind, errtext.Status(kind)
	case status == 0:
		e.Kind, e.Status = llm.KindInternal, http.StatusInternalServerError
	default:
		e.Kind, e.Status = errtext.ByStatus(status), status
	}
	if e.Status < 400 || e.Status > 599 {
		e.Status = errtext.Status(e.Kind)
	}
	if kept[code] {
		e.Code = code
	}
	e.Type = errtext.Type(e.Kind, e.Status)
	e.Message = "litellm." + e.Kind.String() + ": " + errtext.Clean(message)
	if code != "" && !strings.Contains(e.Message, code) && strings.Contains(code, "encrypted") {
		e.Message += " (" + errtext.Clean(code) + ")"
	}
	return e
}

// errorWithin reads an error object of a response that failed.
func errorWithin(v rawjson.Value) *llm.Error {
	text, code := errorText(v)
	status := 0
	switch code {
	case "rate_limit_exceeded":
		status = http.StatusTooManyRequests
	case "invalid_prompt", "invalid_image", "invalid_base64_image", "context_length_exceeded", "image_content_policy_violation":
		status = http.StatusBadRequest
	}
	e := upstreamError(status, text, code, string(v[:min(len(v), maxErrorBody)]))
	e.UpstreamStatus = max(status, http.StatusOK)
	return e
}
