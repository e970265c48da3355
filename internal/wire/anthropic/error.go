package anthropic

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Error implements [wire.Wire] (specification §3.12, §7.3).
func (Wire) Error(status int, h http.Header, body []byte) *llm.Error {
	kind, text := errorText(body)
	e := &llm.Error{
		Status: status, Provider: providerName, Upstream: true, UpstreamStatus: status, Header: h, RetryAfter: errtext.RetryAfter(h),
	}
	e.Kind = classify(status, kind, text)
	e.Status = clientStatus(status, e.Kind)
	e.Type = errtext.Type(e.Kind, e.Status)
	if text == "" {
		text = "status " + strconv.Itoa(status) + " without a message"
	}
	e.Message = "litellm." + e.Kind.String() + ": AnthropicException - " + text
	return e
}

// eventError names the event of an error.
const eventError = "error"

// failedWith is the error that an event of this name holds, whatever its form.
func failedWith(data []byte) error {
	kind, _ := errorText(data)
	return Wire{}.Error(statusOf(kind), nil, data)
}

// stray looks at an event of no known type: when it says something in words, as the
// errors of other formats do, it is an error; else nil.
func stray(v rawjson.Value) error {
	if v.Get("type").Is(eventError) || v.Get("error").Present() || v.Get("message").Kind() == '"' || v.Get("detail").Kind() == '"' {
		return failedWith(v)
	}
	return nil
}

// errorText finds type and message in an error body, which may be Anthropic's, that
// of a proxy in front of it, or a page of HTML.
func errorText(body []byte) (kind, text string) {
	v, err := rawjson.Check(body)
	if err != nil {
		return "", errtext.Clean(string(body))
	}
	inner := v.Get("error")
	switch {
	case inner.Kind() == '"':
		return "", errtext.Clean(inner.Text())
	case inner.Get("message").Kind() == '"':
		return inner.Get("type").Text(), errtext.Clean(inner.Get("message").Text())
	case v.Get("message").Kind() == '"':
		return v.Get("type").Text(), errtext.Clean(v.Get("message").Text())
	}
	return inner.Get("type").Text(), errtext.Clean(string(v))
}

// classify names the class of an upstream error: by its type and words first, then
// by its status.
func classify(status int, kind, text string) llm.ErrorKind {
	if kind == "overloaded_error" {
		return llm.KindInternal
	}
	if status != http.StatusRequestEntityTooLarge {
		if k, ok := errtext.Classify(providerName, status, text); ok {
			return k
		}
	}
	switch status {
	case http.StatusUnprocessableEntity: // LiteLLM has no class of its own for it here
		return llm.KindBadRequest
	case statusOverloaded:
		return llm.KindInternal
	}
	return errtext.ByStatus(status)
}

// statusOverloaded is Anthropic's own status for an overloaded service.
const statusOverloaded = 529

// clientStatus is the status for the client: LiteLLM's, also where it is odd.
func clientStatus(status int, kind llm.ErrorKind) int {
	switch kind {
	case llm.KindContextWindow, llm.KindContentPolicy:
		return http.StatusBadRequest
	case llm.KindAuthentication:
		return http.StatusUnauthorized
	case llm.KindRateLimit:
		return http.StatusTooManyRequests
	case llm.KindInternal:
		return http.StatusInternalServerError
	case llm.KindBadRequest:
		if status == http.StatusRequestEntityTooLarge {
			return http.StatusBadRequest
		}
	}
	return status
}

// statusOf is the status that goes with an error type, for errors that arrive under
// status 200 or within a stream.
func statusOf(kind string) int {
	switch kind {
	case "invalid_request_error":
		return 400
	case "authentication_error":
		return 401
	case "billing_error":
		return 402
	case "permission_error":
		return 403
	case "not_found_error":
		return 404
	case "request_too_large":
		return 413
	case "rate_limit_error":
		return 429
	case "timeout_error":
		return 504
	case "overloaded_error":
		return statusOverloaded
	}
	return 500
}

// unreadable is the error for an answer that cannot be read: another try may help.
func unreadable(c *wire.Call, message string, cause error) *llm.Error {
	e := &llm.Error{
		Kind: llm.KindConnection, Status: http.StatusInternalServerError, Provider: providerName, Upstream: true,
		Message: "litellm.APIConnectionError: AnthropicException - " + message, Cause: cause,
	}
	if c.Target != nil {
		e.Model = c.Target.Model
	}
	return e
}

// Mend implements [wire.Mender].
func (Wire) Mend(c *wire.Call, e *llm.Error) (wire.Repair, bool) {
	if e == nil || e.UpstreamStatus != http.StatusBadRequest || c.Target == nil || c.Target.Repair != "" {
		return "", false
	}
	low := strings.ToLower(e.Message)
	switch {
	case thinkingRefused(low):
		return wire.RepairThinking, true
	case !c.Native && schemaRefused(low):
		return wire.RepairSchema, true
	}
	return "", false
}

// thinkingRefused recognises Anthropic's texts about lost, changed or foreign
// thinking blocks (specification §3.6).
func thinkingRefused(low string) bool {
	if !strings.Contains(low, "thinking") {
		return false
	}
	for _, s := range []string{
		"signature", "cannot be modified", "expected `thinking`", "must start with a thinking block", "redacted_thinking",
		"must be passed back", // DeepSeek's Messages API
	} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return false
}

// schemaRefused recognises complaints about a schema that the compiler rejects.
func schemaRefused(low string) bool {
	if !strings.Contains(low, "schema") {
		return false
	}
	for _, s := range []string{"output_config", "output_format", "strict", "too complex", "grammar", "compil", "optional param", "union"} {
		if strings.Contains(low, s) {
			return true
		}
	}
	return false
}
