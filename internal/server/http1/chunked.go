package http1

import (
	"bytes"
	"errors"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

const (
	// maxLine bounds the line of a chunk's size, with its extensions.
	maxLine = 2 << 10
	// maxTrailers bounds all trailer lines together.
	maxTrailers = 8 << 10
	// maxExcess bounds what is not data in a chunked body, beyond 16 bytes a chunk
	// and twice the data.
	maxExcess = 16 << 10
)

// chunks reads data of a chunked body: it waits once, and takes along what has
// arrived.
func (b *body) chunks(p []byte) (n int, err error) {
	for n < len(p) && b.state != stateEnd || n == len(p) && b.state != stateEnd && b.state != stateData && b.ready() {
		if n > 0 && !b.ready() {
			return n, nil
		}
		if b.state != stateData {
			if err = b.step(); err != nil {
				return n, err
			}
			continue
		}
		m, err := b.chunkData(p[n:])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// ready reports whether the next step needs no waiting.
func (b *body) ready() bool {
	have := b.c.buffered()
	switch b.state {
	case stateFixed, stateData:
		return len(have) > 0
	case stateDataEnd:
		return len(have) > 1
	}
	return bytes.IndexByte(have, '\n') >= 0
}

// step goes on to the next data, or the end.
func (b *body) step() error {
	switch b.state {
	case stateSize:
		return b.size()
	case stateDataEnd:
		return b.dataEnd()
	}
	return b.trailerLine()
}

// chunkData reads from a chunk. Before a small one the buffer is filled, since
// more than the chunk will have arrived; a large one goes past the buffer.
func (b *body) chunkData(p []byte) (int, error) {
	if b.c.start == b.c.end && b.left < blockSize {
		if err := b.fill(); err != nil {
			return 0, err
		}
	}
	n, err := b.data(p)
	if b.left == 0 {
		b.state = stateDataEnd
	}
	return n, err
}

func (b *body) fill() error { return b.c.fill(b.until(), blockSize) }

// size reads the line before a chunk. The end of the data is a chunk of size 0.
func (b *body) size() error {
	line, err := b.line(maxLine)
	if err != nil {
		return err
	}
	size, ok := httpsyntax.ChunkSize(line)
	if !ok {
		return errChunk
	}
	b.excess = max(b.excess+int64(len(line))+2-16-2*size, 0)
	if b.excess > maxExcess {
		return errors.New("http1: more chunk extensions than data")
	}
	b.c.take(len(line) + 2)
	b.left, b.state = size, stateData
	if size == 0 {
		b.excess, b.state = 0, stateTrailer
	}
	return nil
}

var errChunk = errors.New("http1: malformed chunked encoding")

// dataEnd takes the line end after a chunk.
func (b *body) dataEnd() error {
	c := b.c
	for c.end-c.start < 2 {
		if err := b.fill(); err != nil {
			return err
		}
	}
	if c.buf[c.start] != '\r' || c.buf[c.start+1] != '\n' {
		return errChunk
	}
	c.take(2)
	b.state = stateSize
	return nil
}

// trailerLine reads one trailer; the empty line is the end.
func (b *body) trailerLine() error {
	line, err := b.line(maxTrailers)
	if err != nil {
		return err
	}
	if len(line) == 0 {
		b.c.take(2)
		b.state = stateEnd
		return nil
	}
	if b.excess += int64(len(line)) + 2; b.excess > maxTrailers || httpsyntax.CheckField(line) != "" {
		return errors.New("http1: malformed or too many trailers")
	}
	name, value, _ := strings.Cut(string(line), ":")
	if b.req.Trailer == nil {
		b.req.Trailer = http.Header{}
	}
	b.req.Trailer[name] = append(b.req.Trailer[name], httpsyntax.TrimSpace(value))
	b.c.take(len(line) + 2)
	return nil
}

// line waits for a line that ends in CR LF and is not long. It stays in the buffer.
func (b *body) line(limit int) ([]byte, error) {
	for {
		have := b.c.buffered()
		i := bytes.IndexByte(have, '\n')
		switch {
		case i == 0 || i > limit || i < 0 && len(have) > limit || i > 0 && have[i-1] != '\r':
			return nil, errChunk
		case i > 0:
			return have[:i-1], nil
		}
		if err := b.c.fill(b.until(), max(blockSize, limit+2)); err != nil {
			return nil, err
		}
	}
}
