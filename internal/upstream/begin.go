package upstream

import (
	"bytes"
	"mime"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/sse"
)

// Events reports whether the answer is a stream of events. Servers that send one
// under another type, or none, are many; so where the type does not say it, the
// beginning of the body does, and is waited for.
func (r *Response) Events() bool {
	return EventStream(r.Header) || LooksLikeEvents(r.Body.begin())
}

// EventStream reports whether a header announces a stream of events.
func EventStream(h http.Header) bool {
	kind := h.Get("Content-Type")
	if strings.HasPrefix(kind, sse.ContentType) {
		return true
	}
	kind, _, _ = mime.ParseMediaType(kind)
	return kind == sse.ContentType
}

// LooksLikeEvents reports whether a body begins as a stream of events does and no
// other answer: with one of its fields, or a comment.
func LooksLikeEvents(body []byte) bool {
	body = bytes.TrimLeft(bytes.TrimPrefix(body, byteOrderMark), "\r\n")
	for _, field := range [...]string{"data:", "event:", ":", "id:", "retry:"} {
		if bytes.HasPrefix(body, []byte(field)) {
			return true
		}
	}
	return false
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// beginning is how much of a body tells what it is: the longest field after a mark.
const beginning = len("\xef\xbb\xbfretry:")

// mostBlank bounds the blank lines that are looked past.
const mostBlank = 4 << 10

// begin returns the beginning of the body, which is read later all the same.
func (b *Body) begin() []byte {
	got := make([]byte, 0, 64)
	for len(bytes.TrimLeft(got, "\r\n")) < beginning && len(got) < mostBlank {
		var piece [64]byte
		n, err := b.Read(piece[:])
		got = append(got, piece[:n]...)
		if err != nil {
			break // comes again with the next read
		}
	}
	b.ahead = got
	return got
}
