package upstream

import (
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
	conn, release := s.multi.Take(s.ctx, s.u.Host, patience, &s.r.Opening)
	if release != nil {
		defer release()
	}
	if conn == nil {
		a, err := s.overHTTP1(release)
		var other *http1.SwitchError
		if !errors.As(err, &other) {
			return a, err
		}
		conn = s.multi.Add(s.u.Host, other)
	}
	if release != nil {
		release()
	}
	return s.overHTTP2(conn)
}

// overHTTP1 opens a connection when none is kept, and then tells opened.
func (s *secured) overHTTP1(opened func()) (*answer, error) {
	a := &ownAnswer{}
	q := s.request()
	q.Opened = opened
	if err := s.direct.Do(s.ctx, &q, &a.direct); err != nil {
		return nil, err
	}
	return a.complete(s.ctx), nil
}

// sharedAnswer is one over HTTP/2.
type sharedAnswer struct {
	answer
	shared http2.Response
}

func (s *secured) overHTTP2(conn *http2.Conn) (*answer, error) {
	a := &sharedAnswer{}
	q := s.request()
	if err := conn.Do(s.ctx, &q, &a.shared); err != nil {
		return nil, err
	}
	a.Response = Response{Status: a.shared.Status, Header: a.shared.Header, length: a.shared.Length}
	a.body = Body{from: &a.shared, ctx: s.ctx}
	return &a.answer, nil
}

func (s *secured) request() http1.Request {
	return http1.Request{
		Method: s.r.Method, URL: s.u, Header: s.r.Header, Body: s.r.Body, Rest: s.r.Rest,
		Limits: http1.Limits(s.limits), Began: s.began, Opening: &s.r.Opening,
	}
}
