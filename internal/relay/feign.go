package relay

import (
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// feigned is the failure that a client asked for, to see its fallbacks at work. No
// deployment is called, and none is blamed.
func (x *exchange) feigned() *llm.Error {
	kind := x.controls.MockFailure
	e := &llm.Error{
		Kind: kind, Status: http.StatusBadRequest, Type: "invalid_request_error",
		Message: "litellm." + kind.String() + ": This is a mock exception for model=" + clip(x.rq.LLM.Model) + ", to trigger a fallback (" + x.controls.MockKey + ").",
	}
	switch kind {
	case llm.KindInternal:
		e.Status, e.Type = http.StatusInternalServerError, "internal_server_error"
	case llm.KindRateLimit:
		e.Status, e.Type = http.StatusTooManyRequests, "throttling_error"
	}
	return e
}
