package http1

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/httpsyntax"
)

// request is what one request needs, in one piece of memory. It is never used
// again, so that who keeps a part of it sees nothing of another.
type request struct {
	w      response
	url    url.URL
	body   body
	header http.Header
	few    [16]string // values of the header, when they are not more

	method, target, host string
	old                  bool // HTTP/1.0
	close                bool // the client wants the connection closed
	length               int64
	chunked              bool
	trailer              http.Header
	life                 life
}

// readRequest reads a header; without a refusal and a request the connection has
// ended.
func (c *conn) readRequest() (*request, *refusal) {
	size, refused := c.headSize()
	if size == 0 {
		return nil, refused
	}
	r := &request{}
	r.w.c, r.body.c = c, c
	block := c.buf[c.start : c.start+size]
	if refused := r.parse(block); refused != nil {
		return nil, refused
	}
	c.take(size)
	if c.surplus = 0; r.method == http.MethodPost {
		c.surplus = len(lineEnd)
	}
	return r, nil
}

// frame decides what the header means: the length of the body, the host, and the
// target. It refuses whatever two readers could understand in two ways.
func (r *request) frame() *refusal {
	if refused := r.frameBody(); refused != nil {
		return refused
	}
	if refused := r.frameHost(); refused != nil {
		return refused
	}
	if cc := r.header["Pragma"]; len(cc) > 0 && cc[0] == "no-cache" && r.header["Cache-Control"] == nil {
		r.header["Cache-Control"] = []string{"no-cache"}
	}
	connection := r.header["Connection"]
	r.close = httpsyntax.HasOption(connection, "close") || r.old && !httpsyntax.HasOption(connection, "keep-alive")
	return r.expect()
}

func (r *request) frameBody() *refusal {
	lengths, codings := r.header["Content-Length"], r.header["Transfer-Encoding"]
	switch {
	case codings == nil:
	case len(codings) > 1 || !strings.EqualFold(codings[0], "chunked"):
		return &refusal{http.StatusNotImplemented, "unsupported transfer encoding"}
	case lengths != nil:
		return bad("Content-Length beside Transfer-Encoding")
	case r.old:
		return bad("Transfer-Encoding in HTTP/1.0")
	default:
		r.chunked, r.length, r.body.state = true, -1, stateChunked
		r.body.chunked.MaxTrailers = maxTrailers
		delete(r.header, "Transfer-Encoding")
		return r.announced()
	}
	n, ok := httpsyntax.ContentLength(lengths)
	if !ok {
		return bad("invalid Content-Length")
	}
	if len(lengths) > 1 {
		r.header["Content-Length"] = lengths[:1]
	}
	if r.length = max(n, 0); n > 0 {
		r.body.state, r.body.left = stateFixed, n
	}
	return nil
}

// announced takes the names of trailers.
func (r *request) announced() *refusal {
	lines := r.header["Trailer"]
	if lines == nil {
		return nil
	}
	delete(r.header, "Trailer")
	for _, line := range lines {
		for name := range strings.SplitSeq(line, ",") {
			name = http.CanonicalHeaderKey(httpsyntax.TrimSpace(name))
			switch name {
			case "":
				continue
			case "Transfer-Encoding", "Trailer", "Content-Length":
				return bad("a trailer that must not be one")
			}
			if r.trailer == nil {
				r.trailer = http.Header{}
			}
			r.trailer[name] = nil
		}
	}
	return nil
}

func (r *request) frameHost() *refusal {
	hosts := r.header["Host"]
	switch {
	case len(hosts) > 1:
		return bad("too many Host headers")
	case len(hosts) == 0 && !r.old:
		return bad("missing required Host header")
	case len(hosts) == 1 && !httpsyntax.All(hosts[0], httpsyntax.Host):
		return bad("malformed Host header")
	}
	if refused := r.parseTarget(); refused != nil {
		return refused
	}
	if r.host = r.url.Host; r.host == "" && len(hosts) == 1 {
		r.host = hosts[0]
	}
	delete(r.header, "Host")
	return nil
}

// parseTarget reads the target: a path, an address, or "*".
func (r *request) parseTarget() *refusal {
	target := r.target
	if path, query, asked := strings.Cut(target, "?"); path[:min(1, len(path))] == "/" && httpsyntax.All(path, httpsyntax.Path) {
		r.url.Path, r.url.RawQuery, r.url.ForceQuery = path, query, asked && query == ""
		return nil
	}
	if target == "*" && r.method != http.MethodOptions {
		return bad("invalid target")
	}
	authority := r.method == http.MethodConnect && target[0] != '/'
	if authority {
		target = "http://" + target
	}
	u, err := url.ParseRequestURI(target)
	if err != nil || !addresses(u) {
		return bad("invalid target")
	}
	if r.url = *u; authority {
		r.url.Scheme = ""
	}
	return nil
}

// addresses reports whether a target is a path, "*", or the address of something on
// a server; who asks is not a part of it.
func addresses(u *url.URL) bool {
	if u.Scheme == "" {
		return u.Host == ""
	}
	return (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" && u.User == nil && httpsyntax.All(u.Host, httpsyntax.Host)
}

func (r *request) expect() *refusal {
	lines := r.header["Expect"]
	if len(lines) == 0 || lines[0] == "" {
		return nil
	}
	if !httpsyntax.HasOption(lines[:1], "100-continue") {
		return &refusal{http.StatusExpectationFailed, ""}
	}
	r.body.expected = !r.old && r.body.state != stateEnd
	return nil
}

// blank is what requests are made of: only a copy can have a context.
var blank = new(http.Request)

// complete makes the http.Request.
func (r *request) complete(ctx context.Context) {
	q := blank.WithContext(ctx)
	q.Method, q.URL, q.RequestURI, q.Host = r.method, &r.url, r.target, r.host
	q.Proto, q.ProtoMajor, q.ProtoMinor = "HTTP/1.1", 1, 1
	if r.old {
		q.Proto, q.ProtoMinor = "HTTP/1.0", 0
	}
	q.Header, q.Trailer, q.Close = r.header, r.trailer, r.close
	q.RemoteAddr = r.body.c.remote
	q.ContentLength = r.length
	if r.chunked {
		q.TransferEncoding = []string{"chunked"}
	}
	q.Body = http.NoBody
	if r.body.state != stateEnd {
		q.Body = &r.body
	}
	r.body.req, r.w.req = q, q
	r.w.begin(r)
}
