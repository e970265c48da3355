package http1

import (
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Phases of a connection.
const (
	phaseFresh  = iota // nothing has come yet
	phaseActive        // a request is read or answered
	phaseIdle          // between requests
)

// conn is a connection. All but what is said to be shared belongs to its one
// goroutine, or to the handler that runs in it.
type conn struct {
	nc     net.Conn
	raw    syscall.RawConn // nil where the connection is not a socket
	owner  *Server
	opened time.Time
	remote string
	base   context.Context // of all requests; it holds the local address

	watcher *watcher // nil for none
	// fd and serial name the connection in the watcher; watched says that it is there.
	fd      int32
	serial  int32
	watched bool

	phase atomic.Int32 // shared with Shutdown
	// excess says that the connection is one too many.
	excess bool

	input
	output
	ear ear

	mu sync.Mutex // guards the rest, which is shared
	// left says that the client is gone, life is that of the request that runs.
	left bool
	life *life
}

func newConn(owner *Server, nc net.Conn) *conn {
	c := &conn{nc: nc, owner: owner, opened: time.Now()}
	if a := nc.RemoteAddr(); a != nil {
		c.remote = a.String()
	}
	c.base = context.WithValue(context.Background(), http.LocalAddrContextKey, nc.LocalAddr())
	if s, ok := nc.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
	}
	c.arrive, c.push, c.stall, c.heads = c.receive, c.writeNow, owner.IdleTimeout, &owner.heads
	return c
}

// serve answers request after request.
func (c *conn) serve() {
	c.watched = c.watcher.add(c)
	end := c.close
	defer func() { end() }()
	for c.await() {
		r, refused := c.readRequest()
		if refused != nil {
			c.refuse(refused)
			return
		}
		if r == nil {
			return
		}
		switch c.answer(r) {
		case thenClose:
			return
		case thenLinger:
			c.linger()
			return
		case thenNothing:
			end = c.drop
			return
		}
	}
}

// then is what becomes of a connection after an answer.
type then uint8

const (
	thenNext then = iota
	thenClose
	thenLinger
	thenNothing // it belongs to somebody else
)

// answer runs the handler.
func (c *conn) answer(r *request) then {
	r.life.base = c.base
	defer r.life.end()
	r.complete(&r.life)
	c.begin(&r.life)
	ok := c.run(r)
	c.begin(nil)
	switch {
	case r.w.hijacked.Load():
		return thenNothing
	case !ok:
		r.w.abandon()
		return thenClose
	}
	r.w.finish()
	c.settle()
	return r.w.after()
}

// begin makes l what ends with a client that leaves; with one that has left already
// it ends at once.
func (c *conn) begin(l *life) {
	c.mu.Lock()
	c.life = l
	left := c.left
	c.mu.Unlock()
	if left && l != nil {
		l.end()
	}
}

// leave says that the client is gone, or that it is not to be served any more.
func (c *conn) leave() {
	c.mu.Lock()
	c.left = true
	l := c.life
	c.mu.Unlock()
	if l != nil {
		l.end()
	}
}

// run reports whether the handler came to its end.
func (c *conn) run(r *request) (ok bool) {
	defer func() {
		if ok {
			return
		}
		if p := recover(); p != nil && p != http.ErrAbortHandler {
			c.owner.Log.Error("a handler failed with a panic", "path", r.url.Path, "panic", p, "stack", string(debug.Stack()))
		}
	}()
	if r.body.state == stateEnd {
		c.listen()
	}
	c.owner.Handler.ServeHTTP(&r.w, r.w.req)
	return true
}

// close ends the connection.
func (c *conn) close() {
	c.silence()
	c.watcher.remove(c)
	_ = c.nc.Close()
	c.drop()
	c.owner.ended(c)
}

const (
	// lingerTime is how long a client may go on to send after an answer that it did
	// not wait for, lingerIdle how long it may pause, and lingerBytes how much of it is
	// read: a connection that is closed with something unread is reset, and the answer
	// may be lost.
	lingerTime  = 10 * time.Second
	lingerIdle  = 2 * time.Second
	lingerBytes = 64 << 20
)

// linger ends the answers, and waits for the client to close.
func (c *conn) linger() {
	half, ok := c.nc.(interface{ CloseWrite() error })
	if !ok || half.CloseWrite() != nil {
		return
	}
	c.drop()
	c.obtain()
	now := time.Now()
	end, until := now.Add(lingerTime), now.Add(lingerIdle)
	for total := 0; total < lingerBytes; {
		_ = c.nc.SetReadDeadline(until)
		n, err := c.nc.Read(c.buf)
		if err != nil {
			return
		}
		total += n
		now = time.Now()
		if soon := now.Add(lingerIdle); c.owner.closing.Load() && end.After(soon) {
			end = soon
		}
		until = earlier(now.Add(lingerIdle), end)
	}
	time.Sleep(time.Until(until))
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// turnAway answers a connection that is one too many. It waits for the request: many
// clients take an answer that comes before it for a broken connection.
func (c *conn) turnAway() {
	defer c.close()
	if c.fill(time.Now().Add(lingerIdle), blockSize) == nil {
		c.refuse(&refusal{http.StatusServiceUnavailable, "the gateway has as many connections open as it may; try again in a second"})
	}
}
