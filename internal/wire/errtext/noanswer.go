package errtext

import (
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// NoAnswer is the error for a successful status with a body that is not an answer.
// What goes on after "The upstream's answer"; cause may be nil.
func NoAnswer(what string, cause error) *llm.Error {
	return &llm.Error{
		Kind: llm.KindInternal, Status: http.StatusInternalServerError, Type: "internal_server_error",
		Message:  "litellm.InternalServerError: The upstream's answer " + what + ".",
		Upstream: true, UpstreamStatus: http.StatusOK, Cause: cause,
	}
}
