package upstream

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http2"
)

// secured is a call over TLS, without a proxy.
type secured struct {
	*Client
	ctx    context.Context
	r      *Request
	u      *url.URL
	limits Timeouts
	began  time.Time
}

// sendSecure sends over HTTP/2 where a connection that speaks it is open or the
// upstream agrees to it, else over the own HTTP/1.1 client. Every new connection
// decides that anew. A request that the upstream has not looked at, by its own word, is
// sent once more.
func (c *Client) sendSecure(ctx context.Context, r *Request, u *url.URL) (*Response, *llm.Error) {
	s := &secured{c, ctx, r, u, c.options.fill(r.Timeouts), time.Now()}
	a, err := s.send()
	if err != nil && ctx.Err() == nil && http2.Unseen(err) {
		a, err = s.send()
	}
	if err != nil {
		return nil, c.failure(ctx, r, err)
	}
	return c.accepted(a, r)
}

func (s *secured) send() (*answer, error) {
	patience := min(s.limits.Header, s.limits.Total) - time.Since(s.began)
	conn, release := s.multi.Take(s.ctx, s.u.Host, patience)
	if release != nil {
		defer release()
	}
	if conn == nil {
		a, err := s.overHTTP1(release)
		var other *http1.SwitchError
		if !errors.As(err, &other) {
			return a, err
		}
		if conn, err = s.multi.Add(s.u.Host, other.Conn); err != nil {
			return nil, err
		}
	}
	if release != nil {
		release()
	}
	return s.overHTTP2(conn)
}

// overHTTP1 opens a connection when none is kept, and then tells opened.
func (s *secured) overHTTP1(opened func()) (*answer, error) {
	a := &ownAnswer{}
	err := s.direct.Do(s.ctx, &http1.Request{
		Method: s.r.Method, URL: s.u, Header: s.r.Header, Body: s.r.Body, Rest: s.r.Rest,
		Limits: http1.Limits(s.limits), Began: s.began, Opened: opened,
	}, &a.direct)
	if err != nil {
		return nil, err
	}
	return a.complete(s.ctx), nil
}

// shared is a call over HTTP/2, in one piece.
type shared struct {
	answer
	watch watch
	life  life
	sent  bytes.Reader
}

// Close implements io.Closer for the body of the request.
func (*shared) Close() error { return nil }

// Read implements io.Reader for it.
func (c *shared) Read(p []byte) (int, error) { return c.sent.Read(p) }

func (s *secured) overHTTP2(conn *http2.Conn) (*answer, error) {
	c := &shared{}
	c.life.begin(s.ctx)
	c.watch.ctx, c.watch.cancel, c.watch.limits, c.watch.start = &c.life, c.life.stop, s.limits, s.began
	c.watch.begin()
	r := request(&c.life, s.r, s.u)
	switch {
	case len(s.r.Rest) > 0:
		r.Body = bodyOf(s.r)
	case len(s.r.Body) > 0:
		c.sent.Reset(s.r.Body)
		r.Body = c
	}
	resp, err := conn.RoundTrip(r)
	if err == nil {
		return c.complete(s.ctx, resp, &c.watch), nil
	}
	c.watch.stop()
	if field := http1.CheckHeader(s.r.Header); field != nil {
		return nil, field
	}
	return nil, c.watch.cause(err)
}
