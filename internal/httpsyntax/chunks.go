package httpsyntax

import "bytes"

const (
	// maxSizeLine bounds the line of a chunk's size, with its extensions.
	maxSizeLine = 2 << 10
	// maxExcess bounds what is not data in a chunked body, beyond 16 bytes a chunk and
	// twice the data.
	maxExcess = 16 << 10
)

// Chunks takes a chunked body apart (RFC 9112 section 7.1): what of it is data, and what
// stands between. The zero value is at the begin of a body, and takes no trailers.
type Chunks struct {
	// MaxTrailers bounds all trailer lines together, in bytes.
	MaxTrailers int
	// Left is how much of the data of a chunk is left. While it is not 0, data come next.
	Left int64
	// Ended says that the end of the body was taken.
	Ended bool

	next   part
	excess int64 // what is no data, beyond what is usual; then the trailers
}

// part is what comes next, when no data do.
type part uint8

const (
	partSize    part = iota // the line with the size of a chunk
	partDataEnd             // the line end after its data
	partTrailer
)

// Took counts data that were taken.
func (c *Chunks) Took(n int64) {
	if c.Left -= n; c.Left == 0 {
		c.next = partDataEnd
	}
}

// Ready reports whether b, which has what comes next, has enough for data or a step.
func (c *Chunks) Ready(b []byte) bool {
	switch {
	case c.Left > 0:
		return len(b) > 0
	case c.next == partDataEnd:
		return len(b) > 1
	}
	return bytes.IndexByte(b, '\n') >= 0
}

// Step takes what stands at the begin of b, when no data do: a line with a size, the end
// of a line after data, a trailer, the end. n is how much that was, 0 when not all of it
// is there; trailer is a field, its name made canonical in b. wrong says what is wrong
// with it, "" if nothing is.
func (c *Chunks) Step(b []byte) (n int, trailer []byte, wrong string) {
	switch c.next {
	case partDataEnd:
		n, wrong = c.dataEnd(b)
		return n, nil, wrong
	case partSize:
		n, wrong = c.size(b)
		return n, nil, wrong
	}
	return c.trailer(b)
}

func (c *Chunks) dataEnd(b []byte) (n int, wrong string) {
	switch {
	case len(b) < 2:
		return 0, ""
	case b[0] != '\r' || b[1] != '\n':
		return 0, "the end of a chunk"
	}
	c.next = partSize
	return 2, ""
}

// size reads the line before a chunk. The end of the data is a chunk of size 0.
func (c *Chunks) size(b []byte) (n int, wrong string) {
	line, n, wrong := wholeLine(b, maxSizeLine)
	if n == 0 {
		return 0, wrong
	}
	size, ok := ChunkSize(line)
	if !ok {
		return 0, "a chunk size"
	}
	c.excess = max(c.excess+int64(n)-16-2*size, 0)
	if c.excess > maxExcess {
		return 0, "more chunk extensions than data"
	}
	if c.Left = size; size == 0 {
		c.excess, c.next = 0, partTrailer
	}
	return n, ""
}

func (c *Chunks) trailer(b []byte) (n int, line []byte, wrong string) {
	line, n, wrong = wholeLine(b, c.MaxTrailers)
	switch {
	case n == 0:
		return 0, nil, wrong
	case len(line) == 0:
		c.Ended = true
		return n, nil, ""
	}
	if c.excess += int64(n); c.excess > int64(c.MaxTrailers) {
		return 0, nil, "too many trailers"
	}
	if wrong = CheckField(line); wrong != "" {
		return 0, nil, wrong
	}
	return n, line, ""
}

// wholeLine returns a line that ends in CR LF and is not long, and its size with that
// end, 0 when it is not all there.
func wholeLine(b []byte, limit int) (line []byte, n int, wrong string) {
	i := bytes.IndexByte(b, '\n')
	switch {
	case i < 0 && len(b) <= limit:
		return nil, 0, ""
	case i < 1 || i > limit || b[i-1] != '\r':
		return nil, 0, "a line between chunks"
	}
	return b[: i-1 : i-1], i + 1, ""
}
