package http1

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

// writeSize is what is written in one piece: the header and, when it fits, the
// whole body. A socket takes this much without waiting.
const writeSize = 16 << 10

var outputs = sync.Pool{New: func() any { return &output{first: make([]byte, 0, writeSize)} }}

// output is an encoded request: the header with the begin of the body, and the
// rest of the body in pieces.
type output struct {
	first []byte
	rest  [][]byte
}

func newOutput(q *Request) (*output, error) {
	o := outputs.Get().(*output)
	head, err := appendHead(o.first[:0], q)
	if err != nil {
		o.free()
		return nil, err
	}
	o.first = head
	o.add(q.Body)
	for _, p := range q.Rest {
		o.add(p)
	}
	return o, nil
}

// add puts a piece of the body behind the header while there is room.
func (o *output) add(p []byte) {
	if n := min(len(p), max(writeSize-len(o.first), 0)); n > 0 && len(o.rest) == 0 {
		o.first, p = append(o.first, p[:n]...), p[n:]
	}
	if len(p) > 0 {
		o.rest = append(o.rest, p)
	}
}

func (o *output) free() {
	clear(o.rest)
	o.rest = o.rest[:0]
	if cap(o.first) <= 2*writeSize {
		outputs.Put(o)
	}
}

// appendHead writes the request line and the header.
func appendHead(b []byte, q *Request) ([]byte, error) {
	if !httpsyntax.IsToken(q.Method) {
		return b, &FieldError{"the method"}
	}
	b = append(b, q.Method...)
	b = append(b, ' ')
	b, err := AppendTarget(b, q.URL)
	if err != nil {
		return b, err
	}
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, strings.TrimSuffix(q.URL.Host, ":")...)
	b = append(b, "\r\n"...)
	for name, values := range q.Header {
		if ours(name) {
			continue
		}
		if b, err = appendField(b, name, values); err != nil {
			return b, err
		}
	}
	size := len(q.Body)
	for _, p := range q.Rest {
		size += len(p)
	}
	if size > 0 || q.Method == "POST" || q.Method == "PUT" || q.Method == "PATCH" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, int64(size), 10)
		b = append(b, "\r\n"...)
	}
	return append(b, "\r\n"...), nil
}

// AppendTarget appends the path and query of a URL as they are sent. The error is a
// [*FieldError].
func AppendTarget(b []byte, u *url.URL) ([]byte, error) {
	from := len(b)
	path := u.EscapedPath()
	if path == "" || path[0] != '/' {
		b = append(b, '/')
	}
	b = append(b, path...)
	if u.ForceQuery || u.RawQuery != "" {
		b = append(b, '?')
		b = append(b, u.RawQuery...)
	}
	for _, c := range b[from:] {
		if c <= ' ' || c == 0x7f {
			return b, &FieldError{"the path"}
		}
	}
	return b, nil
}

// CheckHeader returns a [*FieldError] for a header that cannot be sent.
func CheckHeader(h http.Header) error {
	for name, values := range h {
		if !httpsyntax.IsToken(name) {
			return &FieldError{name}
		}
		for _, v := range values {
			if !httpsyntax.All(v, httpsyntax.Value) {
				return &FieldError{name}
			}
		}
	}
	return nil
}

func appendField(b []byte, name string, values []string) ([]byte, error) {
	if !httpsyntax.IsToken(name) {
		return b, &FieldError{name}
	}
	for _, v := range values {
		if !httpsyntax.All(v, httpsyntax.Value) {
			return b, &FieldError{name}
		}
		b = append(b, name...)
		b = append(b, ": "...)
		b = append(b, v...)
		b = append(b, "\r\n"...)
	}
	return b, nil
}

// ours reports whether a field is written by the client itself, in whatever case
// its name is.
func ours(name string) bool {
	switch len(name) {
	case len("host"):
		return strings.EqualFold(name, "host")
	case len("trailer"):
		return strings.EqualFold(name, "trailer")
	case len("content-length"):
		return strings.EqualFold(name, "content-length")
	case len("transfer-encoding"):
		return strings.EqualFold(name, "transfer-encoding")
	}
	return false
}
