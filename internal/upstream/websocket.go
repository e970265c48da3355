package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// RefusedError is the answer of an upstream that did not open a WebSocket.
type RefusedError struct {
	Status int
	Header http.Header
	Body   []byte
}

// Error implements error.
func (e *RefusedError) Error() string {
	return "the upstream answered a WebSocket with " + http.StatusText(e.Status)
}

// maxRefusal bounds what is read of such an answer.
const maxRefusal = 64 << 10

// DialWebSocket opens a WebSocket at the address of a request, which has no body. The
// error's cause is a *[RefusedError] when the upstream answered otherwise.
func (c *Client) DialWebSocket(ctx context.Context, r *Request, subprotocols []string) (*websocket.Conn, *llm.Error) {
	u := r.URL
	if u == nil {
		var e *llm.Error
		if u, e = r.Base.Join(r.Path); e != nil {
			return nil, e
		}
	}
	c.complete(r)
	r.Header.Del("Accept-Encoding")
	if err := http1.CheckHeader(r.Header); err != nil {
		return nil, c.failure(ctx, r, err)
	}
	limit := orDefault(r.Timeouts.Header, 30*time.Second)
	dialing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	conn, resp, err := websocket.Dial(dialing, u.String(), &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: c.upgrading(), CheckRedirect: noRedirect}, HTTPHeader: r.Header, Subprotocols: subprotocols,
	})
	if err == nil {
		return conn, nil
	}
	if resp != nil && resp.StatusCode != http.StatusSwitchingProtocols {
		refusal := &RefusedError{Status: resp.StatusCode, Header: resp.Header}
		if resp.Body != nil {
			refusal.Body, _ = io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
			resp.Body.Close()
		}
		e := badGateway("The upstream did not open a WebSocket.")
		e.Provider, e.Model, e.UpstreamStatus, e.Cause = r.Provider, r.Model, refusal.Status, refusal
		return nil, e
	}
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		e := timeout("The upstream did not open a WebSocket within " + limit.String() + ".")
		e.Provider, e.Model, e.Cause = r.Provider, r.Model, err
		return nil, e
	}
	return nil, c.failure(ctx, r, err)
}

// noRedirect keeps a key from travelling to another host.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// upgrading is a transport for one upgrade: HTTP/2 has none, and its connection is
// not used again.
func (c *Client) upgrading() *http.Transport {
	t := c.pooled.Clone()
	t.ForceAttemptHTTP2, t.HTTP2, t.Protocols = false, nil, nil
	t.TLSNextProto = map[string]func(string, *tls.Conn) http.RoundTripper{}
	t.DisableKeepAlives = true
	if t.TLSClientConfig != nil {
		t.TLSClientConfig = t.TLSClientConfig.Clone()
		t.TLSClientConfig.NextProtos = []string{"http/1.1"}
	}
	return t
}
