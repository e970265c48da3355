package http1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

// state is what comes next of a body.
type state uint8

const (
	stateEnd   state = iota
	stateFixed       // a body whose length is known
	stateChunked
)

const (
	// maxRest is how much of a body that a handler did not read is read for it after
	// the answer, so that the connection can be used again.
	maxRest = 256 << 10
	// restIdle is how long it may pause.
	restIdle = time.Second
)

// body is the body of a request.
type body struct {
	mu      sync.Mutex // a handler may read in another goroutine, also after its end
	c       *conn
	req     *http.Request
	state   state
	left    int64 // of a body whose length is known
	chunked httpsyntax.Chunks
	err     error // what every later read gets
	closed  bool
	passed  bool // what is left is passed over

	ask sync.Mutex // guards the two; whoever reads may not be who answers
	// expected says that the client waits for a 100 before it sends, answered that
	// it gets none any more, since the answer has begun.
	expected, answered bool

	// idle limits each wait for bytes, total all of them, which end is the end of.
	idle, total time.Duration
	end         time.Time
}

// Read implements io.Reader. Its error is io.EOF at the end and nowhere else.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.closed || b.passed:
		return 0, http.ErrBodyReadAfterClose
	case b.err != nil:
		return 0, b.err
	case len(p) == 0:
		return 0, nil
	}
	if err := b.proceed(); err != nil {
		return 0, b.fail(err)
	}
	return b.some(p)
}

// proceed tells a client to send that waits for being told.
func (b *body) proceed() error {
	b.ask.Lock()
	defer b.ask.Unlock()
	if !b.expected || b.answered {
		return nil
	}
	b.expected = false
	return b.c.send(continueLine)
}

// begun says that the answer begins: nothing may come between its parts.
func (b *body) begun() {
	b.ask.Lock()
	defer b.ask.Unlock()
	b.answered = true
}

// waits reports whether the client still waits for being told to send.
func (b *body) waits() bool {
	b.ask.Lock()
	defer b.ask.Unlock()
	return b.expected
}

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// some reads on; the lock is held.
func (b *body) some(p []byte) (int, error) {
	n, err := b.pull(p)
	switch {
	case err != nil:
		return n, b.fail(err)
	case b.state == stateEnd:
		b.err = io.EOF
		b.c.listen()
		return n, io.EOF
	}
	return n, nil
}

// fail remembers an error; one of the connection says that the client has left.
func (b *body) fail(err error) error {
	var op *net.OpError
	if err == io.EOF || errors.As(err, &op) && !op.Timeout() {
		b.c.leave()
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	b.err = err
	return err
}

func (b *body) pull(p []byte) (int, error) {
	if b.state != stateFixed {
		return b.chunks(p)
	}
	n, err := b.data(p, b.left)
	if b.left -= int64(n); b.left == 0 && err == nil {
		b.state = stateEnd
	}
	return n, err
}

// data reads no more than what is left of the body or the chunk: what is buffered, else
// from the connection.
func (b *body) data(p []byte, left int64) (n int, err error) {
	c := b.c
	if int64(len(p)) > left {
		p = p[:left]
	}
	if c.start < c.end {
		n = copy(p, c.buffered())
		c.take(n)
	} else if n, err = c.read(p, b.until()); n > 0 {
		err = nil
	}
	return n, err
}

// until is the limit of a wait, zero for none.
func (b *body) until() time.Time {
	if b.idle <= 0 {
		return time.Time{}
	}
	now := time.Now()
	if b.end.IsZero() {
		b.end = now.Add(b.total)
	}
	if until := now.Add(b.idle); until.Before(b.end) {
		return until
	}
	return b.end
}

// Close implements io.Closer. What was not read is read at the end of the answer.
func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	return nil
}

// ended reports whether the whole body was read.
func (b *body) ended() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.state == stateEnd
}

// pass passes over what the handler left and has arrived, and reports whether the rest
// may be passed over after the answer, so that the connection can be used again: when
// it is not much. A client that still waits for a 100 has sent nothing, so the next
// bytes could be anything.
func (b *body) pass() bool {
	if !b.mu.TryLock() {
		return true // somebody is reading it
	}
	defer b.mu.Unlock()
	if !b.mayEnd() {
		return false
	}
	b.passed = b.state != stateEnd
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	for b.state != stateEnd && b.ready() {
		if _, err := b.some(block[:]); err != nil && err != io.EOF {
			return false
		}
	}
	return true
}

func (b *body) mayEnd() bool {
	return b.state == stateEnd || b.err == nil && !b.waits() && (b.state != stateFixed || b.left <= maxRest)
}

// rest passes over what pass could not, and reports whether that was all.
func (b *body) rest() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.state == stateEnd || !b.mayEnd() {
		return b.state == stateEnd
	}
	b.passed = true // what the handler has missed is no end
	b.hurry(b.c.owner.HeaderTimeout)
	return b.skip(maxRest) == io.EOF
}

// hurry limits what nobody reads: it may not take the time of what somebody wants.
func (b *body) hurry(limit time.Duration) {
	if b.idle <= 0 || b.idle > restIdle {
		b.idle = restIdle
	}
	if end := time.Now().Add(limit); b.end.IsZero() || b.end.After(end) {
		b.end = end
	}
}

// skip reads a little more than limit bytes, if there are as many.
func (b *body) skip(limit int) (err error) {
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	for n := 0; limit >= 0 && err == nil; limit -= n {
		n, err = b.some(block[:])
	}
	return err
}

// over ends the use of the body.
func (b *body) over() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}
