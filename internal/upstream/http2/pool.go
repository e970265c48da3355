// Package http2 keeps the HTTP/2 connections to upstreams: net/http speaks on them,
// this package decides which request goes over which. It dials nothing: who finds
// that an upstream speaks HTTP/2 brings the connection.
package http2

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
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
	transport *http.Transport

	mu    sync.Mutex
	hosts map[string]*host
}

// host is what is known of an upstream that has spoken HTTP/2.
type host struct {
	conns []*Conn
	// opening is not nil while a caller opens a connection, and closed afterwards.
	opening chan struct{}
}

// Conn is a connection on which a stream is reserved, for one call of RoundTrip.
type Conn struct{ cc *http.ClientConn }

// maxHosts bounds the memory of hosts whose connections have ended.
const maxHosts = 1024

// carried is the key of a context for the connection that net/http shall take.
type carried struct{}

var errNoConn = errors.New("http2: no connection to speak on")

// NewPool returns a pool without connections.
func NewPool(o Options) *Pool {
	protocols := &http.Protocols{}
	// TLS is already spoken on what net/http gets.
	protocols.SetUnencryptedHTTP2(true)
	return &Pool{hosts: map[string]*host{}, transport: &http.Transport{
		Protocols:              protocols,
		DisableCompression:     true,
		IdleConnTimeout:        o.IdleTimeout,
		MaxResponseHeaderBytes: int64(o.MaxHeaderBytes),
		HTTP2:                  &http.HTTP2Config{SendPingTimeout: o.PingAfter, PingTimeout: o.PingAfter},
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			if nc, ok := ctx.Value(carried{}).(net.Conn); ok {
				return nc, nil
			}
			return nil, errNoConn
		},
	}}
}

// Take reserves a stream on a connection to a host ("example.com:8443", as in the
// URL). nil means that there is none: the caller should open a connection and give it
// to [Pool.Add], if it speaks HTTP/2. When release is not nil, others wait until it
// is called: then after Add, or when nothing came of it. The caller itself may wait for
// another's connection, until its context ends or for as long as patience.
func (p *Pool) Take(ctx context.Context, name string, patience time.Duration) (c *Conn, release func()) {
	p.mu.Lock()
	h := p.hosts[name]
	if h == nil {
		p.mu.Unlock()
		return nil, nil
	}
	if c = h.reserve(); c != nil {
		p.mu.Unlock()
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
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-others:
	case <-ctx.Done():
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
		if c.cc.Reserve() == nil {
			return c
		}
		if c.cc.Err() != nil {
			h.conns = append(h.conns[:i], h.conns[i+1:]...)
		}
	}
	return nil
}

// Add keeps a connection to a host on which HTTP/2 was agreed, and reserves a stream
// on it; when another has room meanwhile, that is taken, and this one closed.
func (p *Pool) Add(name string, nc net.Conn) (*Conn, error) {
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
		return c, nil
	}
	g := gather(nc)
	cc, err := p.transport.NewClientConn(context.WithValue(context.Background(), carried{}, g), "https", "upstream:443")
	if err == nil {
		err = cc.Reserve()
	}
	if err != nil {
		_ = g.Close()
		return nil, err
	}
	c := &Conn{cc}
	h.conns = append(h.conns, c)
	return c, nil
}

// Available reports whether net/http speaks HTTP/2; GODEBUG=http2client=0 has it not.
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
			c.cc.SetStateHook(closeIdle)
			closeIdle(c.cc)
		}
		h.conns = nil
		if h.opening == nil {
			delete(p.hosts, name)
		}
	}
}

func closeIdle(cc *http.ClientConn) {
	if cc.InFlight() == 0 {
		_ = cc.Close()
	}
}

// RoundTrip sends a request on the stream that was reserved, and returns when the
// header of its answer is there. It is sent once; see [Unseen].
func (c *Conn) RoundTrip(r *http.Request) (*http.Response, error) { return c.cc.RoundTrip(r) }

// Unseen reports whether the upstream has, by its own word, not looked at a request
// that failed: it refused the stream or was leaving.
func Unseen(err error) bool {
	var reset streamError
	if errors.As(err, &reset) {
		return reset.Code == refusedStream
	}
	// net/http has no type for these.
	text := err.Error()
	return strings.Contains(text, "client conn not usable") || strings.Contains(text, "graceful shutdown GOAWAY")
}

// streamError is what net/http's error of a stream converts itself into.
type streamError struct {
	StreamID uint32
	Code     uint32
	Cause    error
}

// Error implements error.
func (e streamError) Error() string { return "http2: the upstream ended the stream" }

// refusedStream is the code REFUSED_STREAM (RFC 9113, section 7).
const refusedStream = 7
