package http2

import (
	"net/http"
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// encoded is where the encoder writes.
type encoded []byte

// Write implements io.Writer.
func (e *encoded) Write(p []byte) (int, error) {
	*e = append(*e, p...)
	return len(p), nil
}

// open begins a stream with the header of its request, and as much of the body as
// there is room for.
func (c *Conn) open(a *Response, q *http1.Request, target []byte) error {
	c.reserved--
	switch {
	case a.err != nil:
		c.rest()
		return a.err
	case !c.usable():
		c.rest()
		return errUnseen
	}
	a.id, a.batch, a.open = c.nextID, c.batch, true
	c.nextID += 2
	c.streams[a.id] = a
	a.window, a.sendWindow, a.left = streamWindow, c.streamWindow, int64(len(q.Body))
	for _, p := range q.Rest {
		a.left += int64(len(p))
	}
	a.unsent, a.rest = q.Body, q.Rest
	c.encode(q, target, a.left)
	c.opening(a)
	c.queue(a)
	return nil
}

// encode makes the header of a request. All of it goes into the table of the
// compression, keys too, as net/http has it: they come with each request again, and
// who could guess at them by the sizes of the frames would have to send requests of
// his choice with them over the same connection, and see the frames. Only the length
// does not, which differs each time.
func (c *Conn) encode(q *http1.Request, target []byte, size int64) {
	c.encoded = c.encoded[:0]
	c.put(":method", q.Method)
	c.put(":scheme", q.URL.Scheme)
	c.put(":authority", strings.TrimSuffix(q.URL.Host, ":"))
	if string(target) != c.target {
		c.target = string(target)
	}
	c.put(":path", c.target)
	for name, values := range q.Header {
		name = remembered(c.lower, name, strings.ToLower)
		if ofConnection(name) || name == "host" || name == "content-length" || name == "trailer" || name == "te" {
			continue
		}
		for _, v := range values {
			c.put(name, v)
		}
	}
	if size > 0 || q.Method == http.MethodPost || q.Method == http.MethodPut || q.Method == http.MethodPatch {
		_ = c.enc.WriteField(hpack.HeaderField{Name: "content-length", Value: strconv.FormatInt(size, 10), Sensitive: true})
	}
}

func (c *Conn) put(name, value string) {
	_ = c.enc.WriteField(hpack.HeaderField{Name: name, Value: value}) // encoded never fails
}

// opening appends the frames of a request's header.
func (c *Conn) opening(a *Response) {
	p, k, flags := c.encoded, kindHeaders, uint8(0)
	if a.left == 0 {
		flags = flagEndStream
	}
	b := c.output().b
	for {
		n := min(len(p), maxFrame)
		if n == len(p) {
			flags |= flagEndHeaders
		}
		b = append(appendFrame(b, n, k, flags, a.id), p[:n]...)
		if p = p[n:]; len(p) == 0 {
			break
		}
		k, flags = kindContinuation, 0
	}
	c.write(b)
	if cap(c.encoded) > maxFrame {
		c.encoded = nil
	}
}
