// Package http1 is a lean HTTP/1.1 client for upstreams, over plain http or TLS: one
// write for a small request, no goroutine for a connection or a small request,
// deadlines on the connection instead of timers, answers parsed in place. It is
// stricter than net/http: what is ambiguous in an answer (a length beside chunks, two
// lengths, folded lines) is refused, since a connection is shared by the calls of
// different clients.
//
// A request is sent once, since a POST that the upstream has seen may have been
// billed. It is written again, once and on a new connection, only when a kept
// connection took not a single byte of it, or ended before it had taken all of it,
// without a byte of an answer: then the upstream was closing an idle connection.
package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Client sends requests over kept connections. Its fields must not change after
// the first call. It is safe for concurrent use.
type Client struct {
	// Dial opens a connection to host:port; it should limit the time to connect and
	// keep TCP_NODELAY on, which is Go's default.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// IdleTimeout is how long an unused connection is kept.
	IdleTimeout time.Duration
	// MaxIdle and MaxIdlePerHost bound the number of unused connections.
	MaxIdle, MaxIdlePerHost int
	// MaxHeaderBytes bounds the header of an answer, interim answers included.
	MaxHeaderBytes int
	// TLS is for https. When it offers other protocols than HTTP/1.1 (NextProtos) and
	// the server takes one, the call ends with a [SwitchError].
	TLS *tls.Config
	// TLSTimeout limits the handshake.
	TLSTimeout time.Duration

	pool pool
}

// Request is one call.
type Request struct {
	// Method is written as it is.
	Method string
	// URL is where to; see [Speaks].
	URL *url.URL
	// Header is written in any order. Host, Content-Length, Transfer-Encoding and
	// Trailer are left out, they are the client's.
	Header http.Header
	// Body is written whole, then Rest. They must not change until the response is
	// closed.
	Body []byte
	Rest [][]byte
	// Limits of the stages, all of them set.
	Limits Limits
	// Began is when the call began, from which the limits count; now when it is zero.
	Began time.Time
	// Opened is called, when not nil, after a new connection was opened for the
	// request and before it is sent.
	Opened func()
	// Opening is filled, when not nil, with how the connection came about; also when
	// none did.
	Opening *Opening
}

// Limits bound the stages of a call.
type Limits struct {
	// Header limits the wait for the header of the answer, connecting included.
	Header time.Duration
	// Idle limits each wait for bytes of the body.
	Idle time.Duration
	// Total limits the whole call.
	Total time.Duration
}

// Speaks reports whether a URL can be called by this package: http or https, and a
// host that needs no translation of its name.
func Speaks(u *url.URL) bool {
	if u.Scheme != "http" && u.Scheme != "https" || u.Opaque != "" || u.Host == "" {
		return false
	}
	for i := range len(u.Host) {
		if c := u.Host[i]; c <= ' ' || c >= 0x7f || c == '%' {
			return false
		}
	}
	return true
}

// Do sends a request and fills a with the answer, whose header is then there; a
// must be the zero Response. When the error is not nil, nothing is left open. When
// ctx ends, the connection is closed at once, also while nobody reads.
//
// Errors are ctx.Err(), [*TimeoutError], [*ProtocolError], [*FieldError],
// [*SwitchError], or what the network and TLS report; an upstream that closed is
// io.EOF or io.ErrUnexpectedEOF.
func (c *Client) Do(ctx context.Context, q *Request, a *Response) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	out, err := newOutput(q)
	if err != nil {
		return err
	}
	defer out.free()
	now := time.Now()
	a.ctx, a.limits, a.start, a.head = ctx, q.Limits, now, q.Method == http.MethodHead
	if !q.Began.IsZero() {
		a.start = q.Began
	}
	to := targetOf(q.URL)
	for cn := c.pool.take(to, now, c.IdleTimeout); cn != nil; cn = c.pool.take(to, now, c.IdleTimeout) {
		q.Opening.Note(Kept, 0, 0)
		err := a.exchange(cn, out, now)
		if err == errStale {
			break
		}
		if err != errGone {
			return err
		}
	}
	cn, err := c.open(q, a)
	if err != nil {
		return err
	}
	if q.Opened != nil {
		q.Opened()
	}
	return a.exchange(cn, out, now)
}

// open dials, and lays TLS upon the connection for https.
func (c *Client) open(q *Request, a *Response) (*conn, error) {
	until, late := a.headerLimit()
	ctx, cancel := context.WithDeadlineCause(a.ctx, until, late)
	defer cancel()
	cn, err := c.connect(ctx, q)
	var other *SwitchError
	switch gone := a.ctx.Err(); {
	case err == nil || errors.As(err, &other):
		return cn, err
	case gone != nil:
		return nil, gone
	case ctx.Err() != nil || timedOut(err) && !time.Now().Before(until): // a dialler looks at its own clock
		return nil, late
	}
	return nil, err
}

func (c *Client) connect(ctx context.Context, q *Request) (*conn, error) {
	began := time.Now()
	nc, err := c.Dial(ctx, "tcp", hostPort(q.URL))
	connected := time.Now()
	q.Opening.Note(Opened, connected.Sub(began), 0)
	if err != nil {
		return nil, err
	}
	cn := newConn(c, targetOf(q.URL), nc)
	if !cn.to.secure {
		return cn, nil
	}
	err = cn.handshake(ctx, q.URL.Hostname())
	q.Opening.Note(Opened, connected.Sub(began), time.Since(connected))
	if err == nil {
		return cn, nil
	}
	var other *SwitchError
	if !errors.As(err, &other) {
		_ = nc.Close()
	}
	return nil, err
}

func targetOf(u *url.URL) target { return target{u.Host, u.Scheme == "https"} }

// hostPort is the address to dial.
func hostPort(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// CloseIdle closes the connections that are not in use, and those that come back
// until the next call.
func (c *Client) CloseIdle() { c.pool.closeAll() }
