package anthropic

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error implements [wire.Dialect] (specification §5.2.8).
func (Dialect) Error(e *llm.Error) (status int, body []byte) {
	status = messagesStatus(e)
	return status, appendError(make([]byte, 0, 128+len(e.Message)), e, status)
}

// messagesStatus is the status of an error on this surface: Anthropic's own for an
// overloaded service, which its clients know and wait for, else the canonical one.
func messagesStatus(e *llm.Error) int {
	if e.UpstreamStatus == statusOverloaded && e.Status >= http.StatusInternalServerError {
		return statusOverloaded
	}
	if e.Status < 400 || e.Status > 599 {
		return errtext.Status(e.Kind)
	}
	return e.Status
}

// errorType is Anthropic's name for the errors of a status.
func errorType(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "timeout_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusServiceUnavailable, statusOverloaded:
		return "overloaded_error"
	}
	if status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}

// tooLong is how Anthropic says that a prompt exceeds the context window; clients
// look for these words to compact the conversation.
const tooLong = "prompt is too long"

func appendError(dst []byte, e *llm.Error, status int) []byte {
	message := e.Message
	if e.Kind == llm.KindContextWindow && !strings.Contains(message, tooLong) {
		message = tooLong + ": " + message
	}
	dst = append(dst, `{"type":"error","error":{"type":`...)
	dst = rawjson.AppendString(dst, errorType(status))
	dst = append(rawjson.AppendStringMember(dst, "message", message), '}')
	if id := e.Header.Get("Request-Id"); id != "" {
		dst = rawjson.AppendStringMember(dst, "request_id", id)
	}
	return append(dst, '}')
}
