// Package http2 is a lean HTTP/2 client for upstreams: it keeps the connections, and
// decides which call goes over which. It dials nothing: who finds that an upstream
// speaks HTTP/2 brings the connection. Frames are read and written here, the
// compression of headers is golang.org/x/net/http2/hpack's.
//
// It is stricter than it need be where an answer could be understood in two ways, and
// everything that an upstream makes it keep is bounded: of each answer that nobody
// reads, of headers, and of what the upstream asks without reading the answers.
package http2

import (
	"context"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// Options of the connections.
type Options struct {
	// IdleTimeout is how long an unused connection is kept.
	IdleTimeout time.Duration
	// PingAfter is the silence after which a connection is probed; one that does not
	// answer for as long is given up.
	PingAfter time.Duration
	// MaxHeaderBytes bounds the header of an answer.
	MaxHeaderBytes int
}

// Pool is the connections by host. It is safe for concurrent use.
type Pool struct {
	options Options

	mu    sync.Mutex
	hosts map[string]*host
}

// host is what is known of an upstream that has spoken HTTP/2.
type host struct {
	conns []*Conn
	// opening is not nil while a caller opens a connection, and closed afterwards.
	opening chan struct{}
}

// maxHosts bounds the memory of hosts whose connections have ended.
const maxHosts = 1024

// NewPool returns a pool without connections.
func NewPool(o Options) *Pool { return &Pool{options: o, hosts: map[string]*host{}} }

// Take reserves a stream on a connection to a host ("example.com:8443", as in the
// URL). nil means that there is none: the caller should open a connection and give it
// to [Pool.Add], if it speaks HTTP/2. When release is not nil, others wait until it
// is called: then after Add, or when nothing came of it. The caller itself may wait for
// another's connection, until its context ends or for as long as patience. How it came
// by the connection is noted in o, when not nil.
func (p *Pool) Take(ctx context.Context, name string, patience time.Duration, o *http1.Opening) (c *Conn, release func()) {
	p.mu.Lock()
	h := p.hosts[name]
	if h == nil {
		p.mu.Unlock()
		return nil, nil
	}
	if c = h.reserve(); c != nil {
		p.mu.Unlock()
		o.Note(http1.Kept, 0, 0)
		return c, nil
	}
	others := h.opening
	if others == nil {
		opening := make(chan struct{})
		h.opening = opening
		p.mu.Unlock()
		return nil, func() { p.release(h, opening) }
	}
	p.mu.Unlock()
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-others:
	case <-ctx.Done():
	}
	o.Note(http1.Awaited, time.Since(began), 0)
	if ctx.Err() != nil {
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return h.reserve(), nil
}

func (p *Pool) release(h *host, opening chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if h.opening == opening {
		close(opening)
		h.opening = nil
	}
}

// reserve returns a connection with a stream that may be opened, and forgets those
// that have ended. The latest comes first: an older one may be at the end of its
// life, and what is not used is closed.
func (h *host) reserve() *Conn {
	for i := len(h.conns) - 1; i >= 0; i-- {
		c := h.conns[i]
		if c.reserve() {
			return c
		}
		if c.ended() {
			h.conns = slices.Delete(h.conns, i, i+1)
		}
	}
	return nil
}

// Add keeps a connection to a host on which HTTP/2 was agreed, and reserves a stream
// on it; when another has room meanwhile, that is taken, and this one closed.
func (p *Pool) Add(name string, agreed *http1.SwitchError) *Conn {
	s := &spill{}
	s.now, s.slow = agreed.Divert(s)
	return p.add(name, agreed.Conn, agreed.Conn, s)
}

func (p *Pool) add(name string, nc net.Conn, out io.Writer, s *spill) *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	h := p.hosts[name]
	if h == nil {
		h = &host{}
		p.forget()
		p.hosts[name] = h
	}
	if c := h.reserve(); c != nil {
		_ = nc.Close()
		return c
	}
	c := newConn(nc, out, s, &p.options)
	c.reserved++
	h.conns = append(h.conns, c)
	return c
}

// Available reports whether HTTP/2 may be spoken; GODEBUG=http2client=0, of which
// net/http knows, has it not.
func Available() bool {
	t := &http.Transport{ForceAttemptHTTP2: true}
	t.CloseIdleConnections() // which sets it up
	return t.TLSNextProto["h2"] != nil
}

// forget makes room for another host.
func (p *Pool) forget() {
	if len(p.hosts) < maxHosts {
		return
	}
	for name, h := range p.hosts {
		if len(h.conns) == 0 && h.opening == nil {
			delete(p.hosts, name)
		}
	}
}

// CloseIdle closes the connections without a request, and those in use when they have
// none any more.
func (p *Pool) CloseIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, h := range p.hosts {
		for _, c := range h.conns {
			c.leave()
		}
		h.conns = nil
		if h.opening == nil {
			delete(p.hosts, name)
		}
	}
}
