package http1

import (
	"errors"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

// maxTrailers bounds all trailer lines of a request together.
const maxTrailers = 8 << 10

// chunks reads data of a chunked body: it waits once, and takes along what has
// arrived.
func (b *body) chunks(p []byte) (n int, err error) {
	for n < len(p) && b.state != stateEnd || n == len(p) && b.state != stateEnd && b.chunked.Left == 0 && b.ready() {
		if n > 0 && !b.ready() {
			return n, nil
		}
		if b.chunked.Left == 0 {
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
	if b.state == stateFixed {
		return b.c.start < b.c.end
	}
	return b.chunked.Ready(b.c.buffered())
}

// step goes on to the next data, or the end.
func (b *body) step() error {
	for {
		n, trailer, wrong := b.chunked.Step(b.c.buffered())
		if wrong != "" {
			return errors.New("http1: malformed chunked encoding: " + wrong)
		}
		if n == 0 {
			if err := b.c.fill(b.until(), max(blockSize, maxTrailers+2)); err != nil {
				return err
			}
			continue
		}
		if trailer != nil {
			b.keep(trailer)
		}
		b.c.take(n)
		if b.chunked.Ended {
			b.state = stateEnd
		}
		return nil
	}
}

// keep gives a trailer to the handler.
func (b *body) keep(trailer []byte) {
	name, value, _ := strings.Cut(string(trailer), ":")
	if b.req.Trailer == nil {
		b.req.Trailer = http.Header{}
	}
	b.req.Trailer[name] = append(b.req.Trailer[name], httpsyntax.TrimSpace(value))
}

// chunkData reads from a chunk. Before a small one the buffer is filled, since
// more than the chunk will have arrived; a large one goes past the buffer.
func (b *body) chunkData(p []byte) (int, error) {
	if b.c.start == b.c.end && b.chunked.Left < blockSize {
		if err := b.c.fill(b.until(), blockSize); err != nil {
			return 0, err
		}
	}
	n, err := b.data(p, b.chunked.Left)
	b.chunked.Took(int64(n))
	return n, err
}
