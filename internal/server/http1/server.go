// Package http1 is a lean HTTP/1.1 server for a listener without TLS: it runs an
// ordinary http.Handler with one goroutine a connection and none a request,
// buffers that are given back while a connection waits, deadlines on the
// connection instead of timers, and one write for an answer that is small.
//
// It is stricter than net/http: what two readers could understand in two ways (a
// length beside chunks, two lengths, folded lines, bare line feeds) is refused
// with 400, and the connection is closed. A client that leaves cancels the
// context of its request as with net/http: when its FIN or its reset arrives.
package http1

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves a handler. Its exported fields are set before Serve and not
// changed after. A Request has no http.ServerContextKey in its context, since
// there is no http.Server, and a nil TLS.
type Server struct {
	Handler http.Handler
	// HeaderTimeout limits the time for the header of a request: from the
	// beginning of the connection for the first, from their first byte for others.
	HeaderTimeout time.Duration
	// IdleTimeout is how long a connection is kept without a request.
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds the header of a request with its first line.
	MaxHeaderBytes int
	// MaxConns tells how many connections may be open; nil or 0 is no limit. More are
	// answered with 503.
	MaxConns func() int
	// Log gets what a handler did wrong, its panics, and failures to accept.
	Log *slog.Logger

	closing atomic.Bool
	heads   atomic.Int64 // bytes of all buffers that are larger than a block

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*conn]struct{}
	watcher   *watcher      // nil when there is none here, or nobody uses it
	excess    int           // of conns, those that are turned away
	warned    time.Time     // when it was last logged
	users     int           // of the watcher: listeners and connections
	deaf      bool          // it cannot be made
	stopped   chan struct{} // closed by Shutdown and Close
	empty     chan struct{} // closed when the last connection has ended, after stopped
}

// freshTime is how long Shutdown waits for a connection that has sent nothing.
const freshTime = 5 * time.Second

// Serve accepts connections until Shutdown or Close, and then returns
// http.ErrServerClosed; it closes the listener.
func (s *Server) Serve(ln net.Listener) error {
	defer ln.Close()
	stopped, err := s.open(ln)
	if err != nil {
		return err
	}
	defer s.leave(ln)
	pause := time.Duration(0)
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			s.start(nc)
			continue
		}
		if s.closing.Load() {
			return http.ErrServerClosed
		}
		if !passing(err) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		s.Log.Warn("no connection can be accepted; trying again", "error", err, "after", pause)
		select {
		case <-time.After(pause):
		case <-stopped:
		}
	}
}

// passing reports whether accepting may succeed later, as when descriptors have
// run out.
func passing(err error) bool {
	var t interface{ Temporary() bool }
	return errors.As(err, &t) && t.Temporary()
}

// open takes a listener on.
func (s *Server) open(ln net.Listener) (stopped chan struct{}, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return nil, http.ErrServerClosed
	}
	if s.stopped == nil {
		s.stopped, s.empty = make(chan struct{}), make(chan struct{})
		s.listeners, s.conns = map[net.Listener]struct{}{}, map[*conn]struct{}{}
	}
	s.users++
	s.listeners[ln] = struct{}{}
	return s.stopped, nil
}

// unuse ends a use of the watcher; the lock is held.
func (s *Server) unuse() {
	if s.users--; s.users == 0 {
		s.watcher.close()
		s.watcher = nil
	}
}

// watch makes the watcher with the first socket; the lock is held.
func (s *Server) watch() *watcher {
	if s.watcher == nil && !s.deaf {
		var err error
		if s.watcher, err = newWatcher(); err != nil {
			s.deaf = true
			s.Log.Warn("each connection watches by itself whether its client leaves, which costs more", "error", err)
		}
	}
	return s.watcher
}

func (s *Server) leave(ln net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.listeners, ln)
	s.unuse()
}

// maxTurned is how many connections are turned away with an answer at once; more are
// closed without one.
const maxTurned = 256

// start serves a connection.
func (s *Server) start(nc net.Conn) {
	c := newConn(s, nc)
	if !s.admit(c) {
		_ = nc.Close()
		return
	}
	if c.excess {
		go c.turnAway()
		return
	}
	go c.serve()
}

// admit counts a connection, and notes when it is one too many.
func (s *Server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Load() {
		return false
	}
	if limit := s.limit(); limit > 0 && len(s.conns)-s.excess >= limit {
		if s.tellExcess(limit); s.excess >= maxTurned {
			return false
		}
		c.excess = true
		s.excess++
	}
	s.conns[c] = struct{}{}
	s.users++
	if c.raw != nil && !c.excess {
		c.watcher = s.watch()
	}
	return true
}

func (s *Server) limit() int {
	if s.MaxConns == nil {
		return 0
	}
	return s.MaxConns()
}

// tellExcess logs that connections are turned away, once a minute; the lock is held.
func (s *Server) tellExcess(limit int) {
	if now := time.Now(); now.Sub(s.warned) >= time.Minute {
		s.warned = now
		s.Log.Warn("connections are turned away: as many are open as may be", "limit", limit)
	}
}

// ended forgets a connection.
func (s *Server) ended(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if c.excess {
		s.excess--
	}
	s.unuse()
	if s.closing.Load() && len(s.conns) == 0 {
		s.closeEmpty()
	}
}

func (s *Server) closeEmpty() {
	select {
	case <-s.empty:
	default:
		close(s.empty)
	}
}

// stop ends accepting.
func (s *Server) stop() (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing.Swap(true) || s.stopped == nil {
		return nil
	}
	close(s.stopped)
	for ln := range s.listeners {
		err = errors.Join(err, ln.Close())
	}
	if len(s.conns) == 0 {
		s.closeEmpty()
	}
	return err
}

// Shutdown stops accepting, closes connections that wait for a request, and
// returns when all others have answered theirs, or with the error of ctx.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.stop()
	if s.empty == nil {
		return err
	}
	tick := time.NewTicker(freshTime / 10)
	defer tick.Stop()
	for {
		s.wake()
		select {
		case <-s.empty:
			return err
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// wake makes connections that wait for a request look whether there is one, and
// end.
func (s *Server) wake() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	for c := range s.conns {
		phase := c.phase.Load()
		if phase == phaseIdle || phase == phaseFresh && now.Sub(c.opened) >= freshTime {
			_ = c.nc.SetReadDeadline(longAgo)
		}
	}
}

var longAgo = time.Unix(1, 0)

// Close ends everything at once. Handlers that run find their context cancelled;
// it does not wait for them.
func (s *Server) Close() error {
	err := s.stop()
	s.mu.Lock()
	conns := make([]*conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.nc.Close()
		c.leave()
	}
	return err
}
