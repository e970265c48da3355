package upstream

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Body is the body of an answer. Its errors, but io.EOF, are *llm.Error; a body
// that breaks off is one that wraps io.ErrUnexpectedEOF.
type Body struct {
	from    io.ReadCloser
	decoded io.Reader // nil: not compressed
	watch   *watch    // nil: from keeps the limits itself
	ctx     context.Context
	client  *Client
	request *Request
	limit   int64
	read    int64
	err     error
	// encoding of the body that is to be undone at the first read.
	encoding string
	ahead    []byte // was read to see how the body begins, and is to be read again
}

// Read implements io.Reader under the limits of the call.
func (b *Body) Read(p []byte) (int, error) {
	if len(b.ahead) > 0 {
		n := copy(p, b.ahead)
		b.ahead = b.ahead[n:]
		return n, nil
	}
	if b.err != nil {
		return 0, b.err
	}
	b.watch.wait()
	n, err := b.pull(p)
	b.watch.done()
	b.read += int64(n)
	switch {
	case b.read > b.limit:
		b.end(tooLong(b.request, b.limit))
		return 0, b.err
	case err == io.EOF:
		b.end(io.EOF)
	case err != nil:
		b.end(b.client.broken(b.ctx, b.request, b.watch.cause(err)))
	}
	return n, b.err
}

// Wait returns when something has arrived, without taking it; at once when the
// connection cannot tell.
func (b *Body) Wait() error {
	from, ok := b.from.(interface{ Wait() error })
	if b.err != nil || b.encoding != "" || !ok || len(b.ahead) > 0 {
		return nil
	}
	if err := from.Wait(); err != nil {
		b.end(b.client.broken(b.ctx, b.request, b.watch.cause(err)))
		return b.err
	}
	return nil
}

// hurry shortens what is left of the time for the call.
func (b *Body) hurry(left time.Duration) {
	if from, ok := b.from.(interface{ Hurry(left time.Duration) }); ok {
		from.Hurry(left)
		return
	}
	b.watch.hurry(left)
}

// pull reads from the connection, through the decoder of a compressed body.
func (b *Body) pull(p []byte) (int, error) {
	if b.encoding == "" {
		return b.from.Read(p)
	}
	if b.decoded == nil {
		d, err := decoder(b.encoding, b.from)
		if err != nil {
			return 0, err
		}
		b.decoded = d
	}
	return b.decoded.Read(p)
}

// end remembers how the body ended and lets go of the connection.
func (b *Body) end(err error) {
	b.err = err
	b.from.Close()
	b.watch.stop()
}

// Close lets go of the connection; one whose body was not read to its end is
// closed.
func (b *Body) Close() error {
	if b.err == nil {
		b.end(errClosed)
	}
	return nil
}

var errClosed = errors.New("upstream: read of a closed body")

// unreadable is the encoding of an error's text that cannot be undone.
const unreadable = "unknown"

// decoder undoes a Content-Encoding that was not asked for.
func decoder(encoding string, r io.Reader) (io.Reader, error) {
	switch encoding {
	case "gzip":
		return gzip.NewReader(r)
	case unreadable:
		return nil, errors.New("upstream: an unknown Content-Encoding")
	}
	return zlib.NewReader(r)
}

// encodingOf names the compression of an answer: "", "gzip", "deflate", or
// false when it is one that cannot be undone.
func encodingOf(h http.Header) (string, bool) {
	switch e := strings.ToLower(strings.TrimSpace(h.Get("Content-Encoding"))); e {
	case "", "identity":
		return "", true
	case "gzip", "x-gzip":
		return "gzip", true
	case "deflate":
		return "deflate", true
	}
	return "", false
}

// ReadAll reads the whole body, up to the configured size, and closes it. 0 means
// the default limit.
func (r *Response) ReadAll(limit int64) ([]byte, *llm.Error) {
	defer r.Body.Close()
	limit = orDefault(limit, r.Body.client.options.MaxResponseBytes)
	if r.length > limit {
		return nil, tooLong(r.Body.request, limit)
	}
	r.Body.limit = limit
	out := make([]byte, 0, firstBuffer(r.length))
	for {
		if len(out) == cap(out) {
			out = append(out, 0)[:len(out)]
		}
		n, err := r.Body.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, llm.AsError(err)
		}
	}
}

// firstBuffer is the size to begin with: what is announced, one byte more to see
// its end, but never much on the word of an upstream alone.
func firstBuffer(length int64) int64 {
	const most = 1 << 20
	if length < 0 {
		return 4 << 10
	}
	return min(length+1, most)
}

// excerptTime is how long the text of an error may take: that there is one is known, and
// somebody waits for the next try.
const excerptTime = 10 * time.Second

// Excerpt reads at most limit bytes of a body, for the text of an error, and
// closes it. What breaks off, or takes long, is returned as far as it came.
func (r *Response) Excerpt(limit int64) []byte { return r.excerptWithin(limit, excerptTime) }

func (r *Response) excerptWithin(limit int64, left time.Duration) []byte {
	defer r.Body.Close()
	r.Body.hurry(left)
	out, _ := io.ReadAll(io.LimitReader(r.Body, limit))
	return out
}

func tooLong(r *Request, limit int64) *llm.Error {
	return &llm.Error{
		Kind: llm.KindBadGateway, Status: http.StatusBadGateway, Upstream: true, Provider: r.Provider, Model: r.Model,
		Message: fmt.Sprintf("The upstream's answer is longer than %d bytes; it was cut off. The limit is fairlead_settings.max_response_bytes.", limit),
	}
}
