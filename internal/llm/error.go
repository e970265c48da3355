package llm

import (
	"errors"
	"net/http"
	"time"
)

// ErrorKind is the class of an error. Retries, fallbacks, cooldowns and the
// client's status all follow from it.
type ErrorKind uint8

// The error classes, named as in LiteLLM.
const (
	KindBadRequest ErrorKind = iota + 1
	KindUnsupportedParams
	KindContextWindow
	KindContentPolicy
	KindAuthentication
	KindPayment
	KindPermission
	KindNotFound
	KindTimeout
	KindUnprocessable
	KindRateLimit
	KindInternal
	KindConnection
	KindBadGateway
	KindUnavailable
	// KindAPI is an upstream status without a class of its own (403 plain, 418 …).
	KindAPI
	// KindCooldown says that every deployment of the group is cooling down.
	KindCooldown
	// KindClientGone says that the client left; nobody reads the answer.
	KindClientGone
)

var kindNames = [...]string{
	KindBadRequest: "BadRequestError", KindUnsupportedParams: "UnsupportedParamsError",
	KindContextWindow: "ContextWindowExceededError", KindContentPolicy: "ContentPolicyViolationError",
	KindAuthentication: "AuthenticationError", KindPayment: "PaymentRequiredError",
	KindPermission: "PermissionDeniedError", KindNotFound: "NotFoundError", KindTimeout: "Timeout",
	KindUnprocessable: "UnprocessableEntityError", KindRateLimit: "RateLimitError",
	KindInternal: "InternalServerError", KindConnection: "APIConnectionError",
	KindBadGateway: "BadGatewayError", KindUnavailable: "ServiceUnavailableError", KindAPI: "APIError",
	KindCooldown: "RateLimitError", KindClientGone: "ClientDisconnected",
}

// String is the class name that LiteLLM's clients know.
func (k ErrorKind) String() string {
	if int(k) < len(kindNames) && kindNames[k] != "" {
		return kindNames[k]
	}
	return "APIError"
}

// Error is what a request failed with: a public message for the client and a
// private cause for the log.
type Error struct {
	Kind ErrorKind
	// Status is the HTTP status for the client.
	Status int
	// Message is a sentence for the client. Never a secret.
	Message string
	// Type, Code and Param are the fields of OpenAI's error object. Code defaults
	// to the status, Type to what the status says; Param "" is null.
	Type, Code, Param string
	// Provider and Model say whose error it is, "" for the gateway's own.
	Provider, Model string
	// RetryAfter is what the upstream asked for, 0 when it did not.
	RetryAfter time.Duration
	// Upstream says that the error came from the upstream (or the way to it) and
	// another deployment may do better.
	Upstream bool
	// UpstreamStatus is the status that the upstream sent, 0 when none.
	UpstreamStatus int
	// Header is the upstream's answer header, nil when none.
	Header http.Header
	// Cause is private.
	Cause error
}

// Error implements error.
func (e *Error) Error() string { return e.Message }

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.Cause }

// AsError returns err as an *Error; anything else becomes an internal error
// whose text stays private.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{
		Kind: KindInternal, Status: http.StatusInternalServerError,
		Message: "The gateway failed while it handled this request; its log has the cause.", Cause: err,
	}
}

// BadRequest is a client's mistake: status 400, with the name of the parameter
// at fault or "".
func BadRequest(param, message string) *Error {
	return &Error{Kind: KindBadRequest, Status: http.StatusBadRequest, Type: "invalid_request_error", Param: param, Message: message}
}

// Retryable reports whether another try, on another deployment or after a
// while, may succeed: rate limits, timeouts, 5xx and connection errors. 508 is not
// among them: a request that came back to its sender will come back again.
func (e *Error) Retryable() bool {
	switch e.Kind {
	case KindTimeout, KindRateLimit, KindInternal, KindConnection, KindBadGateway, KindUnavailable:
		return e.Upstream
	case KindAPI:
		return e.Upstream && e.Status >= 500 && e.Status != http.StatusLoopDetected
	}
	return false
}
