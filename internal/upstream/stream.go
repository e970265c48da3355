package upstream

import (
	"context"
	"io"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// DoStream is [Client.Do] for a body that is read while it is sent, of this length
// or -1 when nobody knows. It is sent once only: neither a connection that turns out
// to be closed nor a base without a version leads to another try. An error of the
// reader is the cause of the error. The reader may still be read for a moment after
// the answer has come.
func (c *Client) DoStream(ctx context.Context, r *Request, body io.Reader, length int64) (*Response, *llm.Error) {
	u := r.URL
	if u == nil {
		var e *llm.Error
		if u, e = r.Base.Join(r.Path); e != nil {
			return nil, e
		}
	}
	c.complete(r)
	if err := http1.CheckHeader(r.Header); err != nil {
		return nil, c.failure(ctx, r, err)
	}
	w := newWatch(ctx, c.options.fill(r.Timeouts), time.Now())
	out := pooledRequest(w.ctx, r, u)
	out.Body, out.ContentLength = io.NopCloser(body), length
	resp, err := c.pooled.RoundTrip(out)
	if err != nil {
		w.stop()
		return nil, c.failure(ctx, r, w.cause(err))
	}
	return c.accepted(new(answer).complete(ctx, resp, w), r)
}
