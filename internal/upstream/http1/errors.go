package http1

import (
	"errors"
	"strconv"
	"time"
)

// Stage is what an upstream did not do in time, as the end of a sentence.
type Stage string

// The stages of a call.
const (
	StageHeader Stage = "begin to answer"
	StageIdle   Stage = "go on with its answer"
	StageTotal  Stage = "finish its answer"
	// StageTLS is kept by the caller's way of dialling, the last two by who reads the
	// answer as tokens.
	StageTLS        Stage = "finish the TLS handshake"
	StageFirstToken Stage = "send its first token"
	StageNextToken  Stage = "send another token"
)

// TimeoutError ends a call whose stage took too long.
type TimeoutError struct {
	Stage Stage
	Limit time.Duration
}

// Error implements error.
func (e *TimeoutError) Error() string {
	return "the upstream did not " + string(e.Stage) + " within " + e.Limit.String()
}

// Timeout makes it a timeout for net.Error.
func (e *TimeoutError) Timeout() bool { return true }

// ProtocolError says which rule of HTTP an answer broke; it holds nothing of the
// answer.
type ProtocolError struct{ What string }

// Error implements error.
func (e *ProtocolError) Error() string { return "malformed answer: " + e.What }

// FieldError says which part of a request cannot be sent: the name of a header
// field whose name or value has a byte that HTTP does not allow, or "the method",
// "the path".
type FieldError struct{ Field string }

// Error implements error.
func (e *FieldError) Error() string {
	return "http1: " + strconv.Quote(e.Field) + " of the request has a byte that HTTP does not allow"
}

var (
	// errGone: a kept connection had been closed before anything was written.
	errGone = errors.New("http1: the kept connection was closed")
	// errStale: the upstream was closing a kept connection when the request came.
	errStale  = errors.New("http1: the connection was not kept")
	errClosed = errors.New("http1: read of a closed response")
)

func malformed(what string) error { return &ProtocolError{what} }
