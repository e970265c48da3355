package http2

import (
	"crypto/tls"
	"net"
	"runtime"
	"sync"
	"time"
)

// gathered writes in a goroutine of its own what net/http writes piece by piece: the
// header of a request, the begin of its body, those of other requests, and how much
// was read. Together they are one record of TLS and one packet.
type gathered struct {
	net.Conn

	mu sync.Mutex
	// wanted wakes the goroutine, room those who wait for it.
	wanted, room sync.Cond
	pending      []byte
	written      []byte // the buffer of the write before
	urgent       bool   // pending is to be written now
	err          error

	timer   *time.Timer
	ticking bool
}

const (
	// patience is how long a piece waits that has time: the header of a request for its
	// body, which does not come when the upstream has no room for it.
	patience = time.Millisecond
	// farewell is how long the end of TLS may take to be written.
	farewell = 250 * time.Millisecond
	// maxPending bounds what waits; it is four records of TLS.
	maxPending = 64 << 10
)

func gather(nc net.Conn) *gathered {
	g := &gathered{Conn: nc}
	g.wanted.L, g.room.L = &g.mu, &g.mu
	g.timer = time.AfterFunc(time.Hour, g.tick)
	g.timer.Stop()
	go g.run()
	return g
}

// Write implements net.Conn. An error of writing comes with a later piece, and ends
// the connection.
func (g *gathered) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for len(g.pending) > 0 && len(g.pending)+len(p) > maxPending && g.err == nil {
		g.hurry()
		g.room.Wait()
	}
	if g.err != nil {
		return 0, g.err
	}
	g.pending = append(g.pending, p...)
	switch {
	case g.urgent:
	case !hasTime(p):
		g.hurry()
	case !g.ticking:
		g.ticking = true
		g.timer.Reset(patience)
	}
	return len(p), nil
}

func (g *gathered) hurry() {
	if !g.urgent {
		g.urgent = true
		g.wanted.Signal()
	}
}

// tick ends the patience. It may have begun for an earlier piece.
func (g *gathered) tick() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ticking = false; len(g.pending) > 0 {
		g.hurry()
	}
}

// run writes until the connection is closed.
func (g *gathered) run() {
	for p := g.next(); p != nil; p = g.next() {
		if _, err := g.Conn.Write(p); err != nil {
			g.end(err)
			_ = g.Conn.Close()
		}
	}
}

// next waits for what is to be written, nil at the end. Before it takes it, others may
// add to it that are about to run.
func (g *gathered) next() []byte {
	g.mu.Lock()
	defer g.mu.Unlock()
	for !g.urgent && g.err == nil {
		g.wanted.Wait()
	}
	g.mu.Unlock()
	runtime.Gosched()
	g.mu.Lock()
	if g.err != nil {
		return nil
	}
	p := g.pending
	g.pending, g.written, g.urgent = g.written[:0], p, false
	g.room.Broadcast()
	return p
}

// end refuses what comes from now on.
func (g *gathered) end(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err == nil {
		g.err = err
	}
	g.timer.Stop()
	g.wanted.Signal()
	g.room.Broadcast()
}

// Close implements net.Conn. What is pending is not written.
func (g *gathered) Close() error {
	g.end(net.ErrClosed)
	if secure, ok := g.Conn.(*tls.Conn); ok {
		// An upstream that does not read takes no farewell either.
		defer time.AfterFunc(farewell, func() { _ = secure.NetConn().Close() }).Stop()
	}
	return g.Conn.Close()
}

// Types and flags of frames (RFC 9113, section 6).
const (
	frameHeader      = 9
	typeHeaders      = 1
	typeWindowUpdate = 8
	flagEndStream    = 1
	flagEndHeaders   = 4
)

// hasTime reports whether a piece can wait for more: whole frames that begin a request
// whose body follows, or tell how much was read. What only looks so waits in vain, for
// a moment.
func hasTime(p []byte) bool {
	for len(p) > 0 {
		if len(p) < frameHeader {
			return false
		}
		size := frameHeader + int(p[0])<<16 + int(p[1])<<8 + int(p[2])
		opens := p[3] == typeHeaders && p[4]&(flagEndStream|flagEndHeaders) == flagEndHeaders
		if !opens && p[3] != typeWindowUpdate || size > len(p) {
			return false
		}
		p = p[size:]
	}
	return true
}
