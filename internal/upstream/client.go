package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Client sends requests over a pool of connections.
type Client struct {
	options Options
	pooled  *http.Transport
}

func newClient(p Profile, o Options) (*Client, error) {
	config, err := p.tls()
	if err != nil {
		return nil, err
	}
	return &Client{options: o, pooled: newTransport(o, config)}, nil
}

// Request is one call of an upstream.
type Request struct {
	// Method is POST when empty.
	Method string
	// Base and Path are where the call goes: Path, with its query, is appended to
	// the base URL.
	Base *Base
	Path string
	// URL replaces Base and Path when not nil.
	URL *url.URL
	// Header is sent as it is, with what is missing added; the call owns it.
	Header http.Header
	// Body is sent whole; nil for none. It must not change until the answer's body
	// is closed.
	Body []byte
	// Timeouts of this call; zero fields mean the defaults.
	Timeouts Timeouts
	// Hops is the client's own x-fairlead-hop header, "" for none.
	Hops string
	// Provider and Model are for the error.
	Provider, Model string
}

// Response is an answer of any status but a redirect. Its Body must be closed.
type Response struct {
	Status int
	Header http.Header
	Body   *Body
	// length is the announced length of the body, -1 when unknown.
	length int64
}

// Do sends a request and returns when the header of the answer is there. ctx is
// the client's: when it ends, the connection to the upstream is closed at once.
//
// A request is sent again in two cases only. When a pooled connection turns out to
// be closed before anything was written on it, net/http takes another: a POST that
// the upstream may have seen is never repeated here, since it may have been billed;
// that is for the retries of the plan, which are counted. And a 404 of a base URL
// without a version is tried once with it, see [Base].
func (c *Client) Do(ctx context.Context, r *Request) (*Response, *llm.Error) {
	if r.URL != nil || r.Base == nil {
		return c.send(ctx, r, r.URL)
	}
	return c.doBase(ctx, r)
}

func (c *Client) send(ctx context.Context, r *Request, u *url.URL) (*Response, *llm.Error) {
	if u == nil {
		return nil, llm.AsError(errors.New("upstream: a request without a URL"))
	}
	w := newWatch(ctx, c.options.fill(r.Timeouts))
	resp, err := c.pooled.RoundTrip(c.request(w.ctx, r, u))
	if err != nil {
		w.stop()
		return nil, c.failure(w, r, err)
	}
	encoding, e := c.accept(r, resp)
	if e != nil {
		w.stop()
		resp.Body.Close()
		return nil, e
	}
	if encoding != "" {
		resp.Header.Del("Content-Encoding")
		resp.ContentLength = -1
	}
	w.begun()
	return &Response{
		Status: resp.StatusCode, Header: resp.Header, length: resp.ContentLength,
		Body: &Body{from: resp.Body, watch: w, client: c, request: r, limit: c.options.MaxStreamBytes, encoding: encoding},
	}, nil
}

func (c *Client) request(ctx context.Context, r *Request, u *url.URL) *http.Request {
	h := r.Header
	if h == nil {
		h = make(http.Header, 4)
		r.Header = h
	}
	if len(h["Accept-Encoding"]) == 0 {
		h["Accept-Encoding"] = identity
	}
	if len(h["User-Agent"]) == 0 {
		h["User-Agent"] = []string{c.options.UserAgent}
	}
	if c.options.Instance != "" {
		h[HopHeader] = []string{appendHop(r.Hops, c.options.Instance)}
	}
	method := r.Method
	if method == "" {
		method = http.MethodPost
	}
	out := &http.Request{
		Method: method, URL: u, Host: u.Host, Header: h,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(len(r.Body)),
	}
	if len(r.Body) > 0 {
		body := r.Body
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	return out.WithContext(ctx)
}

var identity = []string{"identity"}
