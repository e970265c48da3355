package http1

import (
	"context"
	"errors"
	"io"
	"net/http"
	"syscall"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

// Response is an answer. It is read, and must be closed, by one goroutine at a
// time.
type Response struct {
	Status int
	Header http.Header
	// Length of the body, -1 when unknown.
	Length int64

	ctx    context.Context
	stop   func() bool
	limits Limits
	start  time.Time
	conn   *conn
	head   bool // the request was HEAD: no body
	old    bool // HTTP/1.0
	keep   bool // the connection can be used again after the body
	state  state
	left   int64 // of a body whose length is known
	err    error

	chunked httpsyntax.Chunks
}

// state is what comes next of a body.
type state uint8

const (
	stateEnd state = iota
	stateFixed
	stateUntilClose
	stateChunked
)

// headerLimit is when the header must be there, and the error else.
func (a *Response) headerLimit() (time.Time, error) {
	if a.limits.Header <= a.limits.Total {
		return a.start.Add(a.limits.Header), &TimeoutError{StageHeader, a.limits.Header}
	}
	return a.start.Add(a.limits.Total), &TimeoutError{StageTotal, a.limits.Total}
}

// exchange sends the request, of a call that began at now, and reads the header of the
// answer.
func (a *Response) exchange(c *conn, out *output, now time.Time) error {
	a.conn = c
	a.stop = OnEnd(a.ctx, c.abort)
	until := a.start.Add(min(a.limits.Header, a.limits.Total))
	n, unsent, err := c.send(out, until)
	if unsent == errGone {
		a.let(false)
		return errGone
	}
	if unsent != nil && (a.ctx.Err() != nil || timedOut(unsent)) {
		return a.fail(unsent)
	}
	if unsent != nil && n == 0 && c.reused {
		a.let(false)
		return errStale
	}
	// When the upstream took only a part, it may have answered without reading on.
	if err == nil {
		err = a.readHead(until)
	}
	if err != nil {
		if a.crossed(err, unsent, now) {
			a.let(false)
			return errStale
		}
		if unsent != nil {
			err = unsent
		}
		return a.fail(err)
	}
	a.keep = a.keep && unsent == nil
	if a.state == stateEnd {
		a.finish(io.EOF)
	}
	return nil
}

// OnEnd has f called when ctx ends. A context that can do that by itself, as the
// server's can, need not be wrapped for it. stop is nil for one that never ends.
func OnEnd(ctx context.Context, f func()) (stop func() bool) {
	if own, ok := ctx.(interface {
		AfterFunc(func()) func() bool
	}); ok {
		return own.AfterFunc(f)
	}
	if ctx.Done() == nil {
		return nil
	}
	return context.AfterFunc(ctx, f)
}

// crossing is the time in which a request can meet the reset of its connection: a
// round trip to the other end of the world and some. An upstream that resets a
// connection later had the request, and may have worked on it.
const crossing = 2 * time.Second

// crossed reports whether the upstream closed a kept connection while the request
// was on its way: no byte of an answer came, and the other side's system has not
// acknowledged all of the request. Where that cannot be told, a reset says so, at once.
func (a *Response) crossed(err, unsent error, began time.Time) bool {
	c := a.conn
	if !c.reused || a.Status != 0 || len(c.buffered()) > 0 || a.ctx.Err() != nil || time.Since(began) >= crossing {
		return false
	}
	reset := isReset(err) || isReset(unsent)
	if !reset && err != io.EOF {
		return false
	}
	if all, known := c.acknowledged(); known {
		return !all
	}
	return reset
}

func isReset(err error) bool {
	return errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

// fail ends the call before its answer, and returns the error in the terms of
// this package.
func (a *Response) fail(err error) error {
	if timedOut(err) {
		_, err = a.headerLimit()
	}
	if gone := a.ctx.Err(); gone != nil {
		err = gone
	}
	a.end(err)
	return err
}

// end remembers how the body ended and closes the connection.
func (a *Response) end(err error) {
	if a.err == nil {
		a.err = err
		a.let(false)
	}
}

// finish ends the body at its end.
func (a *Response) finish(err error) {
	a.err = err
	c := a.conn
	a.let(a.keep && c.start == c.end && c.written())
}

// let lets go of the connection. One that the context has closed, or is about
// to, is not kept.
func (a *Response) let(keep bool) {
	c := a.conn
	a.conn = nil
	if a.stop != nil && !a.stop() {
		keep = false
	}
	a.stop = nil
	c.release(keep)
}

// Read reads the body. Its error is io.EOF at the end and nowhere else; an answer
// that breaks off is io.ErrUnexpectedEOF.
func (a *Response) Read(p []byte) (int, error) {
	if a.err != nil {
		return 0, a.err
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := a.pull(p)
	switch {
	case a.state == stateEnd && err == nil:
		a.finish(io.EOF)
		return n, io.EOF
	case err != nil:
		a.end(a.broken(err))
		return n, a.err
	}
	return n, nil
}

// Wait returns when Read has something, or the end, to give without a wait: whoever
// waits so needs no buffer meanwhile.
func (a *Response) Wait() error {
	if a.err != nil || len(a.conn.buffered()) > 0 {
		return nil
	}
	err := a.conn.fill(a.until(), blockSize)
	if err == nil || err == io.EOF && a.state == stateUntilClose {
		return nil
	}
	a.end(a.broken(err))
	return a.err
}

// broken is the error of a body that cannot be read on.
func (a *Response) broken(err error) error {
	if gone := a.ctx.Err(); gone != nil {
		return gone
	}
	switch {
	case timedOut(err):
		if time.Since(a.start) >= a.limits.Total {
			return &TimeoutError{StageTotal, a.limits.Total}
		}
		return &TimeoutError{StageIdle, a.limits.Idle}
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	}
	return err
}

func (a *Response) pull(p []byte) (int, error) {
	switch a.state {
	case stateFixed:
		n, err := a.some(p[:min(int64(len(p)), a.left)])
		if a.left -= int64(n); a.left == 0 && err == nil {
			a.state = stateEnd
		}
		return n, err
	case stateUntilClose:
		n, err := a.some(p)
		if err == io.EOF {
			a.state = stateEnd
			return n, nil
		}
		return n, err
	}
	return a.chunks(p)
}

// Hurry leaves this time for the rest of the body, or what was left when that is less.
func (a *Response) Hurry(left time.Duration) {
	a.limits.Total = min(a.limits.Total, time.Since(a.start)+left)
}

// until is the limit of a wait for bytes of the body.
func (a *Response) until() time.Time {
	now := time.Now()
	idle, total := now.Add(a.limits.Idle), a.start.Add(a.limits.Total)
	if total.Before(idle) {
		return total
	}
	return idle
}

// some reads what is buffered, else from the connection.
func (a *Response) some(p []byte) (int, error) {
	c := a.conn
	if c.start < c.end {
		n := copy(p, c.buffered())
		c.start += n
		return n, nil
	}
	c.drop()
	n, err := c.read(p, a.until())
	if n > 0 {
		return n, nil
	}
	return n, err
}

// Close lets go of the connection. It is kept when what is missing of the body
// has already arrived, as the end of a stream after its last event; else it is
// closed.
func (a *Response) Close() error {
	if a.err != nil {
		return nil
	}
	if a.keep && a.rest() {
		a.finish(errClosed)
		return nil
	}
	a.end(errClosed)
	return nil
}

// rest takes the rest of the body, as far as it is in the buffer or, in one look,
// in the connection; it reports whether that was all.
func (a *Response) rest() bool {
	if !a.skip() {
		return false
	}
	if c := a.conn; a.state != stateEnd && c.start == c.end {
		c.readNow()
		return a.skip() && a.state == stateEnd
	}
	return a.state == stateEnd
}

// skip passes over what is in the buffer of the body; false means that it is
// broken.
func (a *Response) skip() bool {
	if a.state == stateFixed {
		c := a.conn
		n := min(int64(c.end-c.start), a.left)
		c.start += int(n)
		if a.left -= n; a.left == 0 {
			a.state = stateEnd
		}
		return true
	}
	for a.state == stateChunked && a.ready() {
		if a.chunked.Left > 0 {
			a.pass()
		} else if a.step() != nil {
			return false
		}
	}
	return true
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
