package http1

import "io"

// maxTrailers bounds all trailer lines of an answer together; they are passed over.
const maxTrailers = 2 << 10

// chunks reads data of a chunked body: it waits once, and takes along what has
// arrived.
func (a *Response) chunks(p []byte) (n int, err error) {
	for n < len(p) && a.state != stateEnd {
		if n > 0 && !a.ready() {
			return n, nil
		}
		if a.chunked.Left == 0 {
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
func (a *Response) ready() bool { return a.chunked.Ready(a.conn.buffered()) }

// step goes on to the next data, or the end.
func (a *Response) step() error {
	for {
		n, _, wrong := a.chunked.Step(a.conn.buffered())
		if wrong != "" {
			return malformed(wrong)
		}
		if n == 0 {
			if err := a.fill(); err != nil {
				return err
			}
			continue
		}
		a.conn.start += n
		if a.chunked.Ended {
			a.state = stateEnd
		}
		return nil
	}
}

// chunkData reads from a chunk. Before a small one the buffer is filled, since
// more than the chunk will have arrived; a large one goes past the buffer.
func (a *Response) chunkData(p []byte) (int, error) {
	if a.conn.start == a.conn.end && a.chunked.Left < blockSize {
		if err := a.fill(); err != nil {
			return 0, err
		}
	}
	n, err := a.some(p[:min(int64(len(p)), a.chunked.Left)])
	a.chunked.Took(int64(n))
	return n, err
}

// pass takes what has come of a chunk, for nobody.
func (a *Response) pass() {
	c := a.conn
	n := min(int64(c.end-c.start), a.chunked.Left)
	c.start += int(n)
	a.chunked.Took(n)
}

func (a *Response) fill() error {
	err := a.conn.fill(a.until(), blockSize)
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
