// Package errtext tells from the words of an upstream's error what kind of error
// it is: many providers say only there that a prompt is too long, that a filter
// refused it, or that a limit was reached. It also cleans such words for a client.
// Source: wire-format specification §7.
package errtext

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Classify reads the kind of an error from its text (an error message or a whole
// body). Status is the upstream's, 0 when it did not send one (an error within a
// stream). ok is false when the text tells nothing beyond the status; [ByStatus]
// knows the rest.
func Classify(provider string, status int, text string) (kind llm.ErrorKind, ok bool) {
	lower := strings.ToLower(text)
	switch {
	case mayBeContext(status) && contextWindow(provider, lower):
		return llm.KindContextWindow, true
	case mayBePolicy(status) && contentPolicy(provider, lower):
		return llm.KindContentPolicy, true
	case mayBeAuth(status) && containsAny(lower, authPhrases):
		return llm.KindAuthentication, true
	case rateLimit(status, lower):
		return llm.KindRateLimit, true
	case notFound(lower):
		return llm.KindNotFound, true
	case overloaded(status, lower):
		return llm.KindInternal, true
	case status == 0 && strings.Contains(lower, "a timeout occurred"):
		return llm.KindTimeout, true
	}
	return 0, false
}

// ByStatus is the kind that an HTTP status tells.
func ByStatus(status int) llm.ErrorKind {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge:
		return llm.KindBadRequest
	case http.StatusUnauthorized:
		return llm.KindAuthentication
	case http.StatusPaymentRequired:
		return llm.KindPayment
	case http.StatusForbidden:
		return llm.KindPermission
	case http.StatusNotFound:
		return llm.KindNotFound
	case http.StatusRequestTimeout, http.StatusGatewayTimeout:
		return llm.KindTimeout
	case http.StatusUnprocessableEntity:
		return llm.KindUnprocessable
	case http.StatusTooManyRequests:
		return llm.KindRateLimit
	case http.StatusInternalServerError:
		return llm.KindInternal
	case http.StatusBadGateway:
		return llm.KindBadGateway
	case http.StatusServiceUnavailable:
		return llm.KindUnavailable
	}
	return llm.KindAPI
}

// Status is the HTTP status that LiteLLM's clients expect for a kind.
func Status(k llm.ErrorKind) int {
	switch k {
	case llm.KindAuthentication:
		return http.StatusUnauthorized
	case llm.KindPayment:
		return http.StatusPaymentRequired
	case llm.KindPermission:
		return http.StatusForbidden
	case llm.KindNotFound:
		return http.StatusNotFound
	case llm.KindTimeout:
		return http.StatusRequestTimeout
	case llm.KindUnprocessable:
		return http.StatusUnprocessableEntity
	case llm.KindRateLimit, llm.KindCooldown:
		return http.StatusTooManyRequests
	case llm.KindBadGateway:
		return http.StatusBadGateway
	case llm.KindUnavailable:
		return http.StatusServiceUnavailable
	case llm.KindInternal, llm.KindConnection, llm.KindAPI:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

// Type is the type of OpenAI's error object for a kind and the status that the
// client gets.
func Type(k llm.ErrorKind, status int) string {
	switch {
	case k == llm.KindRateLimit:
		return "throttling_error"
	case k == llm.KindCooldown:
		return "all_deployments_in_cooldown"
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= http.StatusInternalServerError:
		return "internal_server_error"
	}
	return "invalid_request_error"
}

func mayBeContext(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusTooManyRequests:
		return false
	}
	return true
}

func mayBePolicy(status int) bool {
	return status == 0 || (status >= 400 && status < 500 && status != http.StatusTooManyRequests)
}

func mayBeAuth(status int) bool {
	switch status {
	case 0, http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden:
		return true
	}
	return false
}

func contextWindow(provider, lower string) bool {
	if strings.Contains(lower, "string too long. expected a string with maximum length") {
		return !containsAny(lower, []string{"string_above_max_length", "invalid 'user'"})
	}
	if containsAny(lower, contextPhrases) || containsAny(lower, contextByProvider[family(provider)]) {
		return true
	}
	for _, pair := range contextPairs {
		if strings.Contains(lower, pair[0]) && strings.Contains(lower, pair[1]) {
			return true
		}
	}
	return false
}

func contentPolicy(provider, lower string) bool {
	if containsAny(lower, policyPhrases) || containsAny(lower, policyByProvider[family(provider)]) {
		return true
	}
	return (strings.Contains(lower, "invalid_request_error") && strings.Contains(lower, "content_policy_violation")) ||
		(strings.Contains(lower, "invalid prompt") && strings.Contains(lower, "violating our usage policy"))
}

func rateLimit(status int, lower string) bool {
	switch {
	case status == http.StatusTooManyRequests:
		return true
	case status == http.StatusRequestEntityTooLarge:
		return strings.Contains(lower, "request too large")
	case status != 0 && status < http.StatusInternalServerError:
		return false
	case containsAny(lower, ratePhrases):
		return true
	case status == 0:
		return word429(lower)
	}
	return strings.Contains(lower, `"code":429`) || strings.Contains(lower, `"code": 429`)
}

func notFound(lower string) bool {
	return strings.Contains(lower, "model_not_found") && strings.Contains(lower, "invalid_request_error") ||
		strings.Contains(lower, "deploymentnotfound")
}

func overloaded(status int, lower string) bool {
	if status != 0 && status < http.StatusInternalServerError {
		return false
	}
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return false
	}
	return containsAny(lower, internalPhrases)
}

// word429 finds 429 that is not part of a longer number or word.
func word429(s string) bool {
	for {
		i := strings.Index(s, "429")
		if i < 0 {
			return false
		}
		if (i == 0 || !wordByte(s[i-1])) && (i+3 == len(s) || !wordByte(s[i+3])) {
			return true
		}
		s = s[i+3:]
	}
}

func wordByte(c byte) bool {
	return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z')
}

func containsAny(s string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(s, p) {
			return true
		}
	}
	return false
}
