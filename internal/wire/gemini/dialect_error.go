package gemini

import (
	"net/http"
	"strconv"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error writes Google's error object with the canonical status of the HTTP status
// (§2.14, §5.4), and the wait that the upstream asked for.
func (Dialect) Error(e *llm.Error) (status int, body []byte) {
	status = e.Status
	if status < 400 || status > 599 {
		status = errtext.Status(e.Kind)
	}
	dst := append(make([]byte, 0, 128+len(e.Message)), `{"error":{"code":`...)
	dst = rawjson.AppendInt(dst, int64(status))
	dst = rawjson.AppendStringMember(dst, "message", e.Message)
	dst = rawjson.AppendStringMember(dst, "status", canonicalStatus(status))
	if e.RetryAfter > 0 {
		dst = append(dst, `,"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"`...)
		dst = append(appendSeconds(dst, e.RetryAfter), `"}]`...)
	}
	return status, append(dst, "}}"...)
}

func appendSeconds(dst []byte, d time.Duration) []byte {
	return append(strconv.AppendFloat(dst, d.Seconds(), 'f', -1, 64), 's')
}

// canonicalStatus is google.rpc's word for an HTTP status.
func canonicalStatus(status int) string {
	switch status {
	case http.StatusUnauthorized:
		return "UNAUTHENTICATED"
	case http.StatusForbidden:
		return "PERMISSION_DENIED"
	case http.StatusNotFound:
		return "NOT_FOUND"
	case http.StatusPaymentRequired:
		return "FAILED_PRECONDITION"
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return "DEADLINE_EXCEEDED"
	case http.StatusConflict:
		return "ABORTED"
	case http.StatusTooManyRequests:
		return "RESOURCE_EXHAUSTED"
	case 499: // the client left
		return "CANCELLED"
	case http.StatusNotImplemented, http.StatusMethodNotAllowed:
		return "UNIMPLEMENTED"
	case http.StatusBadGateway, http.StatusServiceUnavailable:
		return "UNAVAILABLE"
	}
	if status < http.StatusInternalServerError {
		return "INVALID_ARGUMENT"
	}
	return "INTERNAL"
}
