package http1

import (
	"bytes"
	"io"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

const (
	// maxLine bounds the line of a chunk's size, with its extensions, and all
	// trailer lines together.
	maxLine = 2 << 10
	// maxExcess bounds what is not data in a chunked body, beyond 16 bytes a chunk
	// and twice the data.
	maxExcess = 16 << 10
)

// chunks reads data of a chunked body: it waits once, and takes along what has
// arrived.
func (a *Response) chunks(p []byte) (n int, err error) {
	for n < len(p) && a.state != stateEnd {
		if n > 0 && !a.ready() {
			return n, nil
		}
		if a.state != stateData {
			if err = a.step(); err != nil {
				return n, err
			}
			continue
		}
		m, err := a.chunkData(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// ready reports whether the next step needs no waiting.
func (a *Response) ready() bool {
	b := a.conn.buffered()
	switch a.state {
	case stateData:
		return len(b) > 0
	case stateDataEnd:
		return len(b) > 1
	}
	return bytes.IndexByte(b, '\n') >= 0
}

// step goes one step on; buffered data of a chunk are thrown away.
func (a *Response) step() error {
	switch a.state {
	case stateSize:
		return a.size()
	case stateDataEnd:
		return a.dataEnd()
	case stateTrailer:
		return a.trailer()
	}
	c := a.conn
	n := min(int64(c.end-c.start), a.left)
	c.start += int(n)
	a.took(n)
	return nil
}

func (a *Response) took(n int64) {
	if a.left -= n; a.left == 0 {
		a.state = stateDataEnd
	}
}

// chunkData reads from a chunk. Before a small one the buffer is filled, since
// more than the chunk will have arrived; a large one goes past the buffer.
func (a *Response) chunkData(p []byte) (int, error) {
	c := a.conn
	if c.start == c.end && a.left < blockSize {
		if err := a.fill(); err != nil {
			return 0, err
		}
	}
	if int64(len(p)) > a.left {
		p = p[:a.left]
	}
	n, err := a.some(p)
	a.took(int64(n))
	return n, err
}

func (a *Response) fill() error {
	err := a.conn.fill(a.until(), blockSize)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// size reads the line before a chunk. The end of the data is a chunk of size 0.
func (a *Response) size() error {
	line, err := a.line()
	if err != nil {
		return err
	}
	size, ok := httpsyntax.ChunkSize(line)
	if !ok {
		return malformed("a chunk size")
	}
	a.excess = max(a.excess+int64(len(line))+2-16-2*size, 0)
	if a.excess > maxExcess {
		return malformed("more chunk extensions than data")
	}
	a.left, a.state = size, stateData
	if size == 0 {
		a.excess, a.state = 0, stateTrailer
	}
	return nil
}

// dataEnd takes the line end after a chunk.
func (a *Response) dataEnd() error {
	c := a.conn
	for c.end-c.start < 2 {
		if err := a.fill(); err != nil {
			return err
		}
	}
	if c.buf[c.start] != '\r' || c.buf[c.start+1] != '\n' {
		return malformed("the end of a chunk")
	}
	c.start += 2
	a.state = stateSize
	return nil
}

// trailer passes over one trailer line; the empty one is the end.
func (a *Response) trailer() error {
	line, err := a.line()
	if err != nil {
		return err
	}
	if len(line) == 0 {
		a.state = stateEnd
		return nil
	}
	if a.excess += int64(len(line)) + 2; a.excess > maxLine {
		return malformed("too many trailers")
	}
	if wrong := httpsyntax.CheckField(line); wrong != "" {
		return malformed(wrong)
	}
	return nil
}

// line reads a line that ends in CR LF and is not long.
func (a *Response) line() ([]byte, error) {
	c := a.conn
	for {
		b := c.buffered()
		i := bytes.IndexByte(b, '\n')
		if i == 0 || i > maxLine || i < 0 && len(b) > maxLine || i > 0 && b[i-1] != '\r' {
			return nil, malformed("a line between chunks")
		}
		if i > 0 {
			c.start += i + 1
			return b[:i-1], nil
		}
		if err := a.fill(); err != nil {
			return nil, err
		}
	}
}
