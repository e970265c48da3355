package http2

import (
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// Response is an answer. It is read, and must be closed, by one goroutine at a time.
type Response struct {
	Status int
	Header http.Header
	// Length of the body, -1 when unknown.
	Length int64

	ctx    context.Context
	stop   func() bool
	limits http1.Limits
	start  time.Time
	conn   *Conn
	head   bool // the request was HEAD: no body

	// What follows is guarded by the connection's mutex.
	id    uint32
	batch uint64    // in which the header of the request is written
	open  bool      // both sides may still say something
	news  sync.Cond // something happened
	until time.Time // the limit of the wait, zero for none
	err   error     // how it ended, if not well
	done  bool      // the answer is whole
	// closed says that nobody will read; the stream is open only because its end may
	// be on its way.
	closed  bool
	interim int

	// Of the request's body: what was not sent, how much that is, and whether the
	// stream is among the senders.
	unsent     []byte
	rest       [][]byte
	left       int64
	sendWindow int64
	queued     bool

	// Of the answer's body: how much may come (window) and was read since the upstream
	// heard of it, how much must come, and what nobody has read yet.
	window, read, expected int64
	block                  *[]byte
	buf                    []byte
	from                   int
}

const (
	// blockSize is what the buffer of a body begins with.
	blockSize = 4 << 10
	// linger is how long the end of an answer is awaited after it was closed: that of a
	// stream comes a moment after its last event.
	linger = 20 * time.Millisecond
)

var blocks = sync.Pool{New: func() any { return newBlock(blockSize) }}

// Do sends a request on the stream that was reserved, and fills a with the answer,
// whose header is then there; a must be the zero Response. It is sent once; see
// [Unseen]. When ctx ends, the stream is ended at once, also while nobody reads.
//
// Errors are ctx.Err(), [*http1.TimeoutError], [*http1.ProtocolError],
// [*http1.FieldError], [*ResetError], or what the network and TLS report; an upstream
// that closed is io.ErrUnexpectedEOF.
func (c *Conn) Do(ctx context.Context, q *http1.Request, a *Response) error {
	a.conn, a.ctx, a.limits, a.start, a.head = c, ctx, q.Limits, q.Began, q.Method == http.MethodHead
	a.news.L = &c.mu
	if a.start.IsZero() {
		a.start = time.Now()
	}
	var room [256]byte
	target, err := http1.AppendTarget(room[:0], q.URL)
	if err == nil {
		err = http1.CheckHeader(q.Header)
	}
	if err == nil && !httpsyntax.IsToken(q.Method) {
		err = &http1.FieldError{Field: "the method"}
	}
	if err == nil {
		err = ctx.Err()
	}
	a.err = err
	if err == nil {
		a.stop = http1.OnEnd(ctx, a.abandon)
	}
	if err = a.exchange(q, target); err != nil {
		a.letGo()
	}
	return err
}

// exchange sends the request and waits for the header of the answer.
func (a *Response) exchange(q *http1.Request, target []byte) error {
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.open(a, q, target); err != nil {
		return err
	}
	c.flush(true)
	until := a.start.Add(min(a.limits.Header, a.limits.Total))
	for a.Header == nil && a.err == nil {
		a.wait(until)
	}
	if a.Header != nil {
		return nil
	}
	return a.err
}

// wait waits for news, no longer than until.
func (a *Response) wait(until time.Time) {
	a.until = until
	a.conn.arm(until)
	a.news.Wait()
	a.until = time.Time{}
}

// abandon ends the call because its context has ended.
func (a *Response) abandon() {
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.err == nil {
		a.done = false // nobody will have read it
		a.drop()
		c.cancel(a, codeCancel, a.ctx.Err())
		c.flush(false)
	}
}

// fail remembers how the call failed, and wakes its caller.
func (a *Response) fail(err error) {
	if a.err == nil && !a.done {
		a.err = err
	}
	a.news.Signal()
}

// letGo ends the watch over the context. It must not be called under the mutex, which
// the watch may want.
func (a *Response) letGo() {
	if a.stop != nil {
		a.stop()
		a.stop = nil
	}
}

// take keeps a part of the body.
func (a *Response) take(p []byte) {
	a.expected -= int64(len(p))
	if len(p) == 0 {
		return
	}
	if a.buf == nil {
		a.block = blocks.Get().(*[]byte)
		a.buf = (*a.block)[:0]
	}
	if len(a.buf)+len(p) > cap(a.buf) {
		a.room()
	}
	a.buf = append(a.buf, p...)
	if a.block != nil && cap(a.buf) > blockSize {
		blocks.Put(a.block)
		a.block = nil
	}
	a.news.Signal()
}

// room moves what was not read to the begin, unless that is much for little.
func (a *Response) room() {
	if a.from >= len(a.buf)/2 {
		a.buf = a.buf[:copy(a.buf, a.buf[a.from:])]
		a.from = 0
	}
}

// drop gives the buffer back.
func (a *Response) drop() {
	if a.block != nil {
		blocks.Put(a.block)
	}
	a.block, a.buf, a.from = nil, nil, 0
}

// Read reads the body. Its error is io.EOF at the end and nowhere else; an answer
// that breaks off is another one, after what came of it.
func (a *Response) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	n, err := a.pull(p)
	if err != nil {
		a.letGo()
	}
	return n, err
}

func (a *Response) pull(p []byte) (int, error) {
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	a.await()
	n := copy(p, a.buf[a.from:])
	if a.from += n; a.from == len(a.buf) {
		a.drop()
	}
	if n > 0 && a.open {
		c.credit(a, n)
		c.flush(false)
	}
	switch {
	case a.buf != nil, n > 0 && !a.done:
		return n, nil
	case a.done:
		return n, io.EOF
	}
	return n, a.err
}

// Wait returns when Read has something, or the end, to give without a wait: whoever
// waits so needs no buffer meanwhile.
func (a *Response) Wait() error {
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	a.await()
	if a.buf != nil || a.done {
		return nil
	}
	return a.err
}

// await waits for bytes of the body, or its end.
func (a *Response) await() {
	if a.closed {
		a.fail(errClosed)
	}
	for a.buf == nil && !a.done && a.err == nil {
		a.wait(a.limit(time.Now()))
	}
}

// Hurry leaves this time for the rest of the body, or what was left when that is less.
func (a *Response) Hurry(left time.Duration) {
	a.conn.mu.Lock()
	defer a.conn.mu.Unlock()
	a.limits.Total = min(a.limits.Total, time.Since(a.start)+left)
}

// limit is that of a wait for bytes of the body.
func (a *Response) limit(now time.Time) time.Time {
	idle, total := now.Add(a.limits.Idle), a.start.Add(a.limits.Total)
	if total.Before(idle) {
		return total
	}
	return idle
}

// late is the error of a wait that took too long.
func (a *Response) late(now time.Time) error {
	l := a.limits
	switch {
	case a.Header == nil && l.Header <= l.Total:
		return &http1.TimeoutError{Stage: http1.StageHeader, Limit: l.Header}
	case a.Header == nil || now.Sub(a.start) >= l.Total:
		return &http1.TimeoutError{Stage: http1.StageTotal, Limit: l.Total}
	}
	return &http1.TimeoutError{Stage: http1.StageIdle, Limit: l.Idle}
}

// Close lets go of the stream. One whose answer is not whole is ended, after a moment
// in which its end may come.
func (a *Response) Close() error {
	a.letGo()
	c := a.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	whole := a.done && a.buf == nil
	a.drop()
	switch {
	case whole || a.err != nil:
	case a.open && a.left == 0 && a.ctx.Err() == nil:
		a.until = time.Now().Add(linger)
		c.arm(a.until)
	default:
		c.cancel(a, codeCancel, errClosed)
		c.flush(false)
	}
	return nil
}
