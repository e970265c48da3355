package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxErrorBody bounds what is read of an error, in bytes.
const maxErrorBody = 1 << 20

// Error is what the gateway or the provider behind it answered instead of a
// completion.
type Error struct {
	// Status is the HTTP status; of an error within a stream, what its code says, or 0.
	Status int
	// Type, Code and Param are OpenAI's fields of those names, "" when absent.
	Type  string
	Code  string
	Param string
	// Message is a sentence for a person.
	Message string
	// RetryAfter is how long the server asks to wait, 0 when it does not say.
	RetryAfter time.Duration
	// Header is that of the response, nil within a stream.
	Header http.Header
}

// Error returns the message with the status before it.
func (e *Error) Error() string {
	if e.Status == 0 {
		return e.Message
	}
	return fmt.Sprintf("%d %s: %s", e.Status, http.StatusText(e.Status), e.Message)
}

// UnreachableError says that no server answered.
type UnreachableError struct {
	// BaseURL is the address that was tried, without a password.
	BaseURL string
	// Err is the cause.
	Err error
}

// Error says what was tried.
func (e *UnreachableError) Error() string {
	return fmt.Sprintf("no gateway answers at %s: %v", e.BaseURL, e.Err)
}

// Unwrap returns the cause.
func (e *UnreachableError) Unwrap() error { return e.Err }

// unreachable names the address; the end of the caller's context stays what it is.
func unreachable(base string, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if parsed, parseErr := url.Parse(base); parseErr == nil {
		base = parsed.Redacted()
	}
	return &UnreachableError{BaseURL: base, Err: err}
}

// errorBody is OpenAI's envelope; code is text or a number, and servers that know
// no better send a text for the whole error.
type errorBody struct {
	Error   json.RawMessage `json:"error"`
	Detail  json.RawMessage `json:"detail"`
	Message string          `json:"message"`
}

type errorFields struct {
	Message string          `json:"message"`
	Type    string          `json:"type"`
	Param   string          `json:"param"`
	Code    json.RawMessage `json:"code"`
}

func decodeError(status int, h http.Header, body []byte) *Error {
	e := &Error{Status: status, Header: h, RetryAfter: retryAfter(h)}
	var b errorBody
	if json.Unmarshal(body, &b) == nil {
		e.fill(b)
	}
	if e.Message == "" {
		e.Message = excerpt(body)
	}
	return e
}

// fill takes what the envelope tells.
func (e *Error) fill(b errorBody) {
	var f errorFields
	if json.Unmarshal(b.Error, &f) == nil {
		e.Message, e.Type, e.Param, e.Code = f.Message, f.Type, f.Param, plain(f.Code)
	}
	for _, text := range []string{plain(b.Error), plain(b.Detail), b.Message} {
		if e.Message == "" && !strings.HasPrefix(text, "{") {
			e.Message = text
		}
	}
}

// plain returns a JSON text or number as text; null is "".
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if bytes.Equal(raw, []byte("null")) {
		return ""
	}
	return string(raw)
}

// maxExcerpt is how much of a body that is no error envelope is shown, in bytes.
const maxExcerpt = 300

// excerpt is for answers of servers that are no gateway, such as an HTML page.
func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), maxExcerpt)]), "")), " ")
	if text == "" {
		return "the server gave no reason"
	}
	return text
}

// retryAfter reads seconds; a date is left to callers who have a clock.
func retryAfter(h http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(h.Get("Retry-After"), 64)
	if err != nil || seconds < 0 || seconds > 1e6 {
		return 0
	}
	return time.Duration(seconds * float64(time.Second))
}

// streamError reads an error event of a stream; ok is false when the event is none.
func streamError(data []byte) (*Error, bool) {
	if !bytes.Contains(data, []byte(`"error"`)) {
		return nil, false
	}
	var b errorBody
	if json.Unmarshal(data, &b) != nil || len(b.Error) == 0 || string(b.Error) == "null" {
		return nil, false
	}
	e := decodeError(0, nil, data)
	if status, err := strconv.Atoi(e.Code); err == nil && status >= 400 && status < 600 {
		e.Status = status
	}
	return e, true
}
