package http1

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"
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
	line, rest := cutLine(block)
	if err := a.statusLine(line); err != nil {
		return err
	}
	n, err := checkFields(rest)
	if err != nil {
		return err
	}
	a.Header = make(http.Header, n)
	values := make([]string, n)
	text := string(rest)
	for i := range n {
		end := strings.IndexByte(text, '\n')
		name, value, _ := strings.Cut(text[:end], ":")
		values[i] = strings.Trim(value, " \t\r")
		text = text[end+1:]
		if have := a.Header[name]; have != nil {
			a.Header[name] = append(have, values[i])
			continue
		}
		a.Header[name] = values[i : i+1 : i+1]
	}
	return nil
}

// cutLine returns the first line without its ending, and what follows.
func cutLine(b []byte) (line, rest []byte) {
	i := bytes.IndexByte(b, '\n')
	if i < 0 {
		return b, nil
	}
	return bytes.TrimSuffix(b[:i], []byte{'\r'}), b[i+1:]
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

// checkFields checks the lines up to the empty one, makes their names canonical,
// and counts them.
func checkFields(b []byte) (int, error) {
	for n := 0; n <= maxFields; n++ {
		var line []byte
		if line, b = cutLine(b); len(line) == 0 {
			return n, nil
		}
		if err := checkField(line); err != nil {
			return 0, err
		}
	}
	return 0, malformed("too many header lines")
}

func checkField(line []byte) error {
	if line[0] == ' ' || line[0] == '\t' {
		return malformed("a folded header line")
	}
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return malformed("a header line without a name")
	}
	upper := true
	for i, c := range line[:colon] {
		switch {
		case class[c]&tokenByte == 0:
			return malformed("a header name")
		case upper && c >= 'a' && c <= 'z':
			line[i] = c - ('a' - 'A')
		case !upper && c >= 'A' && c <= 'Z':
			line[i] = c + ('a' - 'A')
		}
		upper = c == '-'
	}
	for _, c := range line[colon+1:] {
		if class[c]&valueByte == 0 {
			return malformed("a header value")
		}
	}
	return nil
}

// frame decides how long the body is, and whether the connection can be used
// again. It refuses whatever two readers could understand in two ways.
func (a *Response) frame() error {
	lengths := a.Header["Content-Length"]
	length, err := contentLength(lengths)
	if err != nil {
		return err
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
		a.Length, a.state = -1, stateSize
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

// contentLength returns -1 when there is none. A repeated length must be the
// same.
func contentLength(values []string) (int64, error) {
	if len(values) == 0 {
		return -1, nil
	}
	first := values[0]
	for _, v := range values[1:] {
		if v != first {
			return 0, malformed("two lengths")
		}
	}
	var n int64
	for i := range len(first) {
		if first[i] < '0' || first[i] > '9' {
			return 0, malformed("the length")
		}
		n = n*10 + int64(first[i]-'0')
	}
	if first == "" || len(first) > 18 {
		return 0, malformed("the length")
	}
	return n, nil
}

func (a *Response) keepAlive() bool {
	keep := !a.old
	for _, line := range a.Header["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			switch option = strings.TrimSpace(option); {
			case strings.EqualFold(option, "close"):
				return false
			case strings.EqualFold(option, "keep-alive"):
				keep = true
			}
		}
	}
	return keep
}
