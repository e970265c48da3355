package upstream

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http2"
)

// Client sends requests over pools of connections: HTTP/1.1 and HTTP/2 with clients of
// its own, and what goes through a proxy or is read while it is sent with net/http's.
type Client struct {
	options Options
	pooled  *http.Transport
	direct  *http1.Client
	multi   *http2.Pool
	// agent and hop are the header values of a request that has none.
	agent, hop []string
}

func newClient(p Profile, o Options) (*Client, error) {
	config, err := p.tls()
	if err != nil {
		return nil, err
	}
	return &Client{
		options: o, pooled: newTransport(o, config), direct: newDirect(o, config), multi: newMulti(),
		agent: []string{o.UserAgent}, hop: []string{o.Instance},
	}, nil
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
	// Body is sent whole, then Rest; nil for none. They must not change until the
	// answer's body is closed.
	Body []byte
	Rest [][]byte
	// Timeouts of this call; zero fields mean the defaults.
	Timeouts Timeouts
	// Hops is the client's own x-fairlead-hop header, "" for none.
	Hops string
	// Provider and Model are for the error.
	Provider, Model string
	// Opening is what [Client.Do] fills in: how the call came by its connection. Nothing
	// is known of one through a proxy.
	Opening Opening
}

// Opening tells how a call came by its connection.
type Opening = http1.Opening

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
// A request is sent again in two cases only. When it met the closing of a kept
// connection and was not taken, it is sent once more: a POST that the upstream may have worked on is
// never repeated here, since it may have been billed; that is for the retries of
// the plan, which are counted. And a 404 of a base URL without a version is tried
// once with it, see [Base].
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
	c.complete(r)
	switch {
	case !http1.Speaks(u) || c.options.Proxies.For(u) != nil:
		return c.sendPooled(ctx, r, u)
	case u.Scheme == "https":
		return c.sendSecure(ctx, r, u)
	}
	return c.sendDirect(ctx, r, u)
}

// answer is an answer with its body, in one piece.
type answer struct {
	Response
	body Body
}

// ownAnswer is one of the own client.
type ownAnswer struct {
	answer
	direct http1.Response
}

// sendDirect sends over the own client, which keeps the limits of the stages
// itself.
func (c *Client) sendDirect(ctx context.Context, r *Request, u *url.URL) (*Response, *llm.Error) {
	a := &ownAnswer{}
	err := c.direct.Do(ctx, &http1.Request{
		Method: r.Method, URL: u, Header: r.Header, Body: r.Body, Rest: r.Rest, Limits: http1.Limits(c.options.fill(r.Timeouts)),
		Opening: &r.Opening,
	}, &a.direct)
	if err != nil {
		return nil, c.failure(ctx, r, err)
	}
	return c.accepted(a.complete(ctx), r)
}

func (a *ownAnswer) complete(ctx context.Context) *answer {
	a.Response = Response{Status: a.direct.Status, Header: a.direct.Header, length: a.direct.Length}
	a.body = Body{from: &a.direct, ctx: ctx}
	return &a.answer
}

// complete takes over an answer of net/http.
func (a *answer) complete(ctx context.Context, resp *http.Response, w *watch) *answer {
	w.begun()
	a.Response = Response{Status: resp.StatusCode, Header: resp.Header, length: resp.ContentLength}
	a.body = Body{from: resp.Body, watch: w, ctx: ctx}
	return a
}

// sendPooled sends over net/http, under a watch for the limits.
func (c *Client) sendPooled(ctx context.Context, r *Request, u *url.URL) (*Response, *llm.Error) {
	if err := http1.CheckHeader(r.Header); err != nil {
		return nil, c.failure(ctx, r, err)
	}
	w := newWatch(ctx, c.options.fill(r.Timeouts), time.Now())
	resp, err := c.pooled.RoundTrip(pooledRequest(w.ctx, r, u))
	if err != nil {
		w.stop()
		return nil, c.failure(ctx, r, w.cause(err))
	}
	return c.accepted(new(answer).complete(ctx, resp, w), r)
}

// accepted completes an answer, or closes one that cannot be taken.
func (c *Client) accepted(a *answer, r *Request) (*Response, *llm.Error) {
	b := &a.body
	b.client, b.request, b.limit = c, r, c.options.MaxStreamBytes
	encoding, e := accept(r, a.Status, a.Header)
	if e != nil {
		b.Close()
		return nil, e
	}
	if encoding != "" {
		b.encoding = encoding
		a.Header.Del("Content-Encoding")
		a.length = -1
	}
	a.Body = b
	return &a.Response, nil
}

// complete adds what a request lacks.
func (c *Client) complete(r *Request) {
	if r.Method == "" {
		r.Method = http.MethodPost
	}
	if r.Header == nil {
		r.Header = make(http.Header, 4)
	}
	h := r.Header
	if len(h["Accept-Encoding"]) == 0 {
		h["Accept-Encoding"] = identity
	}
	if len(h["User-Agent"]) == 0 {
		h["User-Agent"] = c.agent
	}
	switch {
	case c.options.Instance == "":
	case r.Hops == "":
		h[HopHeader] = c.hop
	default:
		h[HopHeader] = []string{appendHop(r.Hops, c.options.Instance)}
	}
}

// pooledRequest is one for net/http, which repeats it when nothing of it was written.
func pooledRequest(ctx context.Context, r *Request, u *url.URL) *http.Request {
	out := blank.WithContext(ctx)
	out.Method, out.URL, out.Host, out.Header, out.ContentLength = r.Method, u, u.Host, r.Header, int64(len(r.Body))
	for _, p := range r.Rest {
		out.ContentLength += int64(len(p))
	}
	if out.ContentLength > 0 {
		out.Body = bodyOf(r)
		out.GetBody = func() (io.ReadCloser, error) { return bodyOf(r), nil }
	}
	return out
}

// blank is what every request for net/http begins with.
var blank = http.Request{Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}

// bodyOf reads the body of a request from its begin.
func bodyOf(r *Request) io.ReadCloser {
	if len(r.Rest) == 0 {
		return io.NopCloser(bytes.NewReader(r.Body))
	}
	pieces := []io.Reader{bytes.NewReader(r.Body)}
	for _, p := range r.Rest {
		pieces = append(pieces, bytes.NewReader(p))
	}
	return io.NopCloser(io.MultiReader(pieces...))
}

var identity = []string{"identity"}
