package http2

import (
	"errors"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// code is why a stream or connection ends (RFC 9113, section 7).
type code uint32

const (
	codeNone            code = 0x0
	codeProtocol        code = 0x1
	codeFlowControl     code = 0x3
	codeStreamClosed    code = 0x5
	codeFrameSize       code = 0x6
	codeRefused         code = 0x7
	codeCancel          code = 0x8
	codeCompression     code = 0x9
	codeEnhanceYourCalm code = 0xb
)

// ResetError is an upstream's word that it ends a stream, or the connection.
type ResetError struct {
	// Code is that of RFC 9113, section 7.
	Code uint32
	// Whole says that it is the connection.
	Whole bool
}

// Error implements error.
func (e *ResetError) Error() string {
	what := "stream"
	if e.Whole {
		what = "connection"
	}
	return "http2: the upstream ended the " + what + " with code " + strconv.FormatUint(uint64(e.Code), 10)
}

// Unseen reports whether the upstream has not looked at a request that failed: by its
// own word, since it refused the stream or was leaving, or because nothing of it was
// written.
func Unseen(err error) bool {
	var reset *ResetError
	return errors.Is(err, errUnseen) || errors.As(err, &reset) && !reset.Whole && code(reset.Code) == codeRefused
}

var (
	errUnseen = errors.New("http2: the connection ended before the upstream looked at the request")
	errSilent = errors.New("http2: the upstream does not answer a PING")
	errClosed = errors.New("http2: read of a closed response")
	// errUnused ends a connection that is not needed any more.
	errUnused = errors.New("http2: the connection was closed because nobody used it")
)

// violation ends the connection: the upstream broke a rule that concerns all streams.
type violation struct {
	code code
	what string
}

// Error implements error.
func (e *violation) Error() string { return "http2: " + e.what }

func broke(c code, what string) error { return &violation{c, what} }

func malformed(what string) error { return &http1.ProtocolError{What: what} }
