package http1

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

const (
	// maxInterim bounds the interim (1xx) answers before the answer.
	maxInterim = 16
	// maxFields bounds the header lines of one answer.
	maxFields = 1000
)

// readHead reads the header of the answer; interim answers are passed over.
func (a *Response) readHead(until time.Time) error {
	c, left := a.conn, a.conn.owner.MaxHeaderBytes
	for range maxInterim + 1 {
		size, err := c.headSize(until, left)
		if err != nil {
			return err
		}
		block := c.buf[c.start : c.start+size]
		c.start += size
		left -= size
		if err := a.parseHead(block); err != nil {
			return err
		}
		switch {
		case a.Status == http.StatusSwitchingProtocols:
			return malformed("status 101 without having been asked to switch")
		case a.Status >= 200:
			return a.frame()
		}
		a.Header = nil
	}
	return malformed("too many interim answers")
}

// headSize waits for a whole header block and returns its size with the empty
// line at its end.
func (c *conn) headSize(until time.Time, limit int) (int, error) {
	scanned := 0
	for {
		size, next := headEnd(c.buffered(), scanned)
		if size > limit || size < 0 && c.end-c.start >= limit {
			return 0, malformed("the header is too large")
		}
		if size > 0 {
			return size, nil
		}
		scanned = next
		if !looksLikeHTTP(c.buffered()) {
			return 0, malformed("it does not begin with HTTP/")
		}
		err := c.fill(until, limit+1)
		if err == io.EOF && c.end > c.start {
			err = io.ErrUnexpectedEOF
		}
		if err != nil {
			return 0, err
		}
	}
}

// looksLikeHTTP spares waiting for the end of what is no header.
func looksLikeHTTP(b []byte) bool {
	const begin = "HTTP/"
	n := min(len(b), len(begin))
	return string(b[:n]) == begin[:n]
}

// headEnd finds the empty line, looking from an offset; size is -1 when it is not
// there yet, and next is where to look from then.
func headEnd(b []byte, from int) (size, next int) {
	for {
		i := bytes.IndexByte(b[from:], '\n')
		if i < 0 {
			return -1, from
		}
		i += from
		switch rest := b[i+1:]; {
		case len(rest) == 0 || len(rest) == 1 && rest[0] == '\r':
			return -1, i
		case rest[0] == '\n':
			return i + 2, 0
		case rest[0] == '\r' && rest[1] == '\n':
			return i + 3, 0
		}
		from = i + 1
	}
}

// parseHead reads a header block. Names are made canonical in place, so that the
// whole block becomes one string, of which names and values are parts.
func (a *Response) parseHead(block []byte) error {
	line, rest := httpsyntax.CutLine(block)
	if err := a.statusLine(line); err != nil {
		return err
	}
	n, wrong := httpsyntax.CheckFields(rest, maxFields)
	switch {
	case wrong != "":
		return malformed(wrong)
	case n > maxFields:
		return malformed("too many header lines")
	}
	a.Header = make(http.Header, n)
	values := make([]string, n)
	text := string(rest)
	for i := range n {
		end := strings.IndexByte(text, '\n')
		name, value, _ := strings.Cut(text[:end], ":")
		values[i] = httpsyntax.TrimSpace(value)
		text = text[end+1:]
		if have := a.Header[name]; have != nil {
			a.Header[name] = append(have, values[i])
			continue
		}
		a.Header[name] = values[i : i+1 : i+1]
	}
	return nil
}

func (a *Response) statusLine(line []byte) error {
	if len(line) < len("HTTP/1.1 200") || string(line[:7]) != "HTTP/1." || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return malformed("the status line")
	}
	if len(line) > 12 && line[12] != ' ' {
		return malformed("the status line")
	}
	status := 0
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return malformed("the status")
		}
		status = status*10 + int(c-'0')
	}
	if status < 100 {
		return malformed("the status")
	}
	a.Status, a.old = status, line[7] == '0'
	return nil
}

// frame decides how long the body is, and whether the connection can be used
// again. It refuses whatever two readers could understand in two ways.
func (a *Response) frame() error {
	lengths := a.Header["Content-Length"]
	length, ok := httpsyntax.ContentLength(lengths)
	if !ok {
		return malformed("the length")
	}
	if len(lengths) > 1 {
		a.Header["Content-Length"] = lengths[:1]
	}
	codings := a.Header["Transfer-Encoding"]
	a.keep = a.keepAlive()
	switch {
	case codings != nil && (length >= 0 || a.old || len(codings) > 1 || !strings.EqualFold(codings[0], "chunked")):
		return malformed("the transfer encoding")
	case a.head || a.Status == http.StatusNoContent || a.Status == http.StatusNotModified:
		// 204 with a length or chunks leaves open whether something follows.
		a.keep = a.keep && (a.head || a.Status == http.StatusNotModified || codings == nil && length <= 0)
		a.Length, a.state = 0, stateEnd
	case codings != nil:
		a.Length, a.state, a.chunked.MaxTrailers = -1, stateChunked, maxTrailers
	case length == 0:
		a.Length, a.state = 0, stateEnd
	case length > 0:
		a.Length, a.left, a.state = length, length, stateFixed
	default:
		a.Length, a.state, a.keep = -1, stateUntilClose, false
	}
	delete(a.Header, "Transfer-Encoding")
	return nil
}

func (a *Response) keepAlive() bool {
	lines := a.Header["Connection"]
	return !httpsyntax.HasOption(lines, "close") && (!a.old || httpsyntax.HasOption(lines, "keep-alive"))
}
