package http1

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

const (
	// maxFields bounds the header lines of one request.
	maxFields = 1000
	// maxShared is the largest header that names and values are parts of. Of a larger
	// one they are copies, so that a value that is kept does not keep all of it.
	maxShared = 2 << 10
)

// refusal is the answer to what is no request that can be served.
type refusal struct {
	status int
	why    string
}

func bad(why string) *refusal { return &refusal{http.StatusBadRequest, why} }

// refuse answers with an error and ends the connection.
func (c *conn) refuse(r *refusal) {
	text := strconv.Itoa(r.status) + " " + http.StatusText(r.status)
	if r.why != "" {
		text += ": " + r.why
	}
	b := append([]byte("HTTP/1.1 "), strconv.Itoa(r.status)...)
	b = append(b, ' ')
	b = append(b, http.StatusText(r.status)...)
	if r.status == http.StatusServiceUnavailable {
		b = append(b, "\r\nRetry-After: 1"...)
	}
	b = append(b, "\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(text)), 10)
	b = append(b, "\r\n\r\n"...)
	c.stall = lingerIdle
	if c.send(append(b, text...)) == nil {
		c.linger()
	}
}

// headSize waits for a whole header and returns its size with the empty line at
// its end, 0 when the connection has ended.
func (c *conn) headSize() (int, *refusal) {
	until, scanned := c.headUntil, 0
	for {
		if c.surplus == 1 || !httpsyntax.Token.Has(c.buf[c.start]) {
			return 0, bad("malformed request line")
		}
		size, next, refused := headEnd(c.buffered(), scanned)
		limit := c.owner.MaxHeaderBytes
		switch {
		case refused != nil:
			return 0, refused
		case size > limit || size == 0 && c.end-c.start >= limit:
			return 0, tooLong(c.buffered())
		case size > 0:
			return size, nil
		}
		scanned = next
		if until.IsZero() {
			until = time.Now().Add(c.owner.HeaderTimeout)
		}
		if err := c.fill(until, limit+1); err == errCrowded {
			return 0, &refusal{http.StatusServiceUnavailable, "too many large headers at once; try again in a second"}
		} else if err != nil {
			return 0, nil
		}
	}
}

func tooLong(b []byte) *refusal {
	if bytes.IndexByte(b, '\n') < 0 {
		return &refusal{http.StatusRequestURITooLong, ""}
	}
	return &refusal{http.StatusRequestHeaderFieldsTooLarge, ""}
}

// headEnd finds the empty line, looking from the begin of a line at an offset; size
// is 0 when it is not there yet, and next is where to look from then.
func headEnd(b []byte, from int) (size, next int, refused *refusal) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		switch {
		case i < 0:
			return 0, from, nil
		case i == 0 || b[from+i-1] != '\r':
			return 0, 0, bad("a line that ends without a carriage return")
		case i == 1 && from > 0:
			return from + 2, 0, nil
		}
		from += i + 1
	}
}

// parse reads a header. Names are made canonical in place, so that the whole block
// becomes one string, of which the target, names and values are parts.
func (r *request) parse(block []byte) *refusal {
	line, rest := httpsyntax.CutLine(block)
	method, target, refused := requestLine(line)
	if refused != nil {
		return refused
	}
	n, wrong := httpsyntax.CheckFields(rest, maxFields)
	switch {
	case wrong != "":
		return bad(wrong)
	case n > maxFields:
		return &refusal{http.StatusRequestHeaderFieldsTooLarge, ""}
	}
	text := string(block)
	from := len(method) + 1
	r.old = line[len(line)-1] == '0'
	r.method, r.target = methodName(text[:len(method)]), text[from:from+len(target)]
	if len(text) > maxShared {
		r.target = strings.Clone(r.target)
	}
	r.fields(text[len(line)+2:], n, len(text) > maxShared)
	return r.frame()
}

// methodName spares keeping a header for the sake of its method.
func methodName(s string) string {
	switch s {
	case http.MethodGet:
		return http.MethodGet
	case http.MethodPost:
		return http.MethodPost
	}
	return strings.Clone(s)
}

func requestLine(line []byte) (method, target []byte, refused *refusal) {
	method, rest, ok := bytes.Cut(line, []byte{' '})
	target, version, ok2 := bytes.Cut(rest, []byte{' '})
	switch {
	case !ok || !ok2 || len(version) != len("HTTP/1.1"):
		return nil, nil, bad("malformed request line")
	case !httpsyntax.IsToken(method):
		return nil, nil, bad("invalid method")
	case len(target) == 0 || !httpsyntax.All(target, httpsyntax.Target):
		return nil, nil, bad("invalid target")
	case string(version) == "HTTP/1.1" || string(version) == "HTTP/1.0":
		return method, target, nil
	}
	if string(version[:5]) == "HTTP/" && httpsyntax.Hex(version[5]) >= 0 && version[6] == '.' && httpsyntax.Hex(version[7]) >= 0 {
		return nil, nil, &refusal{http.StatusHTTPVersionNotSupported, "unsupported protocol version"}
	}
	return nil, nil, bad("malformed HTTP version")
}

// fields makes the header of n checked lines. The values share one array.
func (r *request) fields(text string, n int, own bool) {
	r.header = make(http.Header, n)
	values := r.few[:]
	if n > len(values) {
		values = make([]string, n)
	}
	for i := range n {
		end := strings.IndexByte(text, '\n')
		name, value, _ := strings.Cut(text[:end-1], ":")
		value = httpsyntax.TrimSpace(value)
		if own {
			name, value = strings.Clone(name), strings.Clone(value)
		}
		text = text[end+1:]
		values[i] = value
		if have := r.header[name]; have != nil {
			r.header[name] = append(have, value)
			continue
		}
		r.header[name] = values[i : i+1 : i+1]
	}
}
