package http2

import (
	"math"
	"net/http"

	"golang.org/x/net/http2/hpack"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

const (
	// maxInterim bounds the interim (1xx) answers before the answer, maxFields the
	// fields of one header.
	maxInterim = 16
	maxFields  = 1000
	// maxFragments bounds the frames of one header.
	maxFragments = 64
	// maxNames bounds the names of fields that a connection remembers.
	maxNames = 128
)

// block is a header that is being read.
type block struct {
	open bool
	id   uint32
	last bool // END_STREAM
	// fragments and size are those of the frames, list what the fields take.
	fragments, size, list int
	fields                []hpack.HeaderField
	wrong                 string // what makes the header malformed
}

// header takes HEADERS or CONTINUATION. A header that nobody waits for is decoded too:
// those after it build upon it.
func (c *Conn) header(f frame) error {
	b := &c.block
	fragment := f.payload
	if f.kind == kindHeaders {
		var ok bool
		if fragment, ok = f.unpadded(); !ok {
			return broke(codeProtocol, "more padding than frame")
		}
		if err := c.begin(f); err != nil {
			return err
		}
	}
	b.fragments++
	if b.size += len(fragment); b.size > c.options.MaxHeaderBytes || b.fragments > maxFragments {
		return broke(codeEnhanceYourCalm, "a header is too large")
	}
	if _, err := c.dec.Write(fragment); err != nil {
		return broke(codeCompression, "the compression of a header is broken")
	}
	if !f.has(flagEndHeaders) {
		return nil
	}
	if c.dec.Close() != nil {
		return broke(codeCompression, "the compression of a header is broken")
	}
	b.open = false
	if a := c.streams[b.id]; a != nil {
		c.answered(a)
	}
	clear(b.fields)
	return nil
}

// begin opens a header.
func (c *Conn) begin(f frame) error {
	a, err := c.stream(f.id)
	if err != nil {
		return err
	}
	c.block = block{open: true, id: f.id, last: f.has(flagEndStream), fields: c.block.fields[:0]}
	c.dec.SetEmitEnabled(a != nil)
	c.asked = false
	return nil
}

// field takes a field of a header.
func (c *Conn) field(f hpack.HeaderField) {
	b := &c.block
	b.list += int(f.Size())
	if b.list > c.options.MaxHeaderBytes || len(b.fields) == maxFields {
		b.wrong = "the header is too large"
		c.dec.SetEmitEnabled(false)
		return
	}
	b.fields = append(b.fields, f)
}

// answered gives a whole header to its stream.
func (c *Conn) answered(a *Response) {
	b := &c.block
	status, wrong := check(b.fields, a.Header != nil)
	if b.wrong != "" {
		wrong = b.wrong
	}
	switch {
	case wrong != "":
	case a.Header != nil:
		if !b.last {
			wrong = "trailers are not the end"
			break
		}
		c.finish(a)
		return
	case status >= 200:
		wrong = c.complete(a, status)
	case status == http.StatusSwitchingProtocols:
		wrong = "status 101 over HTTP/2"
	case b.last:
		wrong = "an interim answer is the end"
	default:
		if a.interim++; a.interim > maxInterim {
			wrong = "too many interim answers"
		}
	}
	if wrong != "" {
		c.cancel(a, codeProtocol, malformed(wrong))
	}
}

// complete makes the header an answer's. It returns what is wrong with it.
func (c *Conn) complete(a *Response, status int) string {
	fields := c.block.fields[1:]
	h := make(http.Header, len(fields))
	values := make([]string, len(fields))
	for i, f := range fields {
		name := remembered(c.names, f.Name, http.CanonicalHeaderKey)
		values[i] = f.Value
		if have := h[name]; have != nil {
			h[name] = append(have, f.Value)
			continue
		}
		h[name] = values[i : i+1 : i+1]
	}
	lengths := h["Content-Length"]
	length, ok := httpsyntax.ContentLength(lengths)
	if !ok {
		return "the length"
	}
	if len(lengths) > 1 {
		h["Content-Length"] = lengths[:1]
	}
	a.Status, a.Header, a.Length, a.expected = status, h, length, length
	switch {
	case a.head || status == http.StatusNoContent || status == http.StatusNotModified:
		a.Length, a.expected = 0, 0
	case length < 0:
		a.expected = math.MaxInt64
	}
	a.news.Signal()
	if c.block.last {
		c.finish(a)
	}
	return ""
}

// remembered is a name in the other side's form. The same come again and again.
func remembered(known map[string]string, name string, form func(string) string) string {
	if formed, ok := known[name]; ok {
		return formed
	}
	formed := form(name)
	if len(known) < maxNames {
		known[name] = formed
	}
	return formed
}

// check looks at the fields of a header, or of trailers, which have no status. It
// returns what is wrong with them (RFC 9113, section 8.2).
func check(fields []hpack.HeaderField, trailers bool) (status int, wrong string) {
	for i, f := range fields {
		switch {
		case f.Name == ":status" && i == 0 && !trailers:
			if status = statusOf(f.Value); status == 0 {
				return 0, "the status"
			}
		case !validName(f.Name):
			return 0, "a header name"
		case !httpsyntax.All(f.Value, httpsyntax.Value):
			return 0, "a header value"
		case ofConnection(f.Name):
			return 0, "a header of the connection"
		}
	}
	if status == 0 && !trailers {
		return 0, "no status"
	}
	return status, ""
}

func statusOf(s string) int {
	if len(s) != 3 || s[0] < '1' || s[0] > '9' || s[1] < '0' || s[1] > '9' || s[2] < '0' || s[2] > '9' {
		return 0
	}
	return int(s[0]-'0')*100 + int(s[1]-'0')*10 + int(s[2]-'0')
}

// validName reports whether a name is one of HTTP/2: a token in lower case, which no
// pseudo-header is.
func validName(name string) bool {
	for i := range len(name) {
		if name[i] >= 'A' && name[i] <= 'Z' {
			return false
		}
	}
	return httpsyntax.IsToken(name)
}

// ofConnection reports whether a field, by its name in lower case, is about a
// connection of HTTP/1.1, and must not be sent over HTTP/2.
func ofConnection(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return true
	}
	return false
}
