package upstream

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Base is a base URL as it was configured. It is used literally; when it has no
// version in its path and the upstream answers 404, the provider's version is
// tried once, and kept if it works.
type Base struct {
	raw    string
	url    url.URL
	suffix string // "" when there is nothing to try
	shown  string // without credentials
	report func(base, used string)
	state  atomic.Int32
	last   atomic.Pointer[joined]
}

// joined is the address that was used last: most calls of a base go to the same.
type joined struct {
	suffix, path string
	url          url.URL
}

// What is known of a base.
const (
	baseUnknown   int32 = iota
	baseLiteral         // works as it is
	baseVersioned       // works with the suffix
)

type baseKey struct{ raw, suffix string }

// maxBases bounds the memory of base URLs; beyond it each use starts anew.
const maxBases = 4096

// Base returns the base for a URL and the version suffix of its provider
// ("/v1", "/v1beta", "" for none), the same one each time.
func (n *Network) Base(raw, suffix string) (*Base, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	key := baseKey{raw, suffix}
	if b := n.bases[key]; b != nil {
		return b, nil
	}
	b, err := newBase(raw, suffix, n.options.OnBase)
	if err == nil && len(n.bases) < maxBases {
		n.bases[key] = b
	}
	return b, err
}

var version = regexp.MustCompile(`^(v\d+([a-z]+\d*)?|beta)$`)

func newBase(raw, suffix string, report func(base, used string)) (*Base, error) {
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the base URL %q is not an http or https address; write it as https://host/path", redact(raw))
	}
	u.Path, u.RawPath, u.Fragment = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/"), ""
	b := &Base{raw: raw, url: *u, suffix: suffix, report: report}
	if u.Port() == ollamaPort && suffix != "" {
		b.url.Path, b.url.RawPath = ollamaRoot(u.Path), ""
		u.Path, u.RawPath = b.url.Path, ""
	}
	u.User, u.RawQuery = nil, ""
	b.shown = u.String()
	for segment := range strings.SplitSeq(u.Path, "/") {
		if version.MatchString(segment) {
			b.suffix = ""
		}
	}
	if b.suffix != "" && u.Port() == ollamaPort && u.Path == "" {
		b.learn(baseVersioned) // Ollama's root serves its own API; OpenAI's is below /v1
	}
	return b, nil
}

const ollamaPort = "11434"

// ollamaRoot is the root that a path of Ollama's own API belongs to: people write
// http://host:11434/api, or the address of a call, for the root.
func ollamaRoot(path string) string {
	switch path {
	case "/api", "/api/chat", "/api/generate":
		return ""
	}
	return path
}

// redact shows a URL that cannot be used without what may be a credential.
func redact(raw string) string {
	raw, _, _ = strings.Cut(raw, "?")
	if i := strings.LastIndexByte(raw, '@'); i >= 0 {
		raw = raw[i+1:]
	}
	return raw
}

// String returns the base that is in use, without credentials.
func (b *Base) String() string { return b.shown + b.suffixInUse() }

func (b *Base) suffixInUse() string {
	if b.state.Load() == baseVersioned {
		return b.suffix
	}
	return ""
}

// Join appends a path, with its query, to the base in use. The error is for the
// client: a model name must not lead out of the path. The URL is shared and must
// not be changed.
func (b *Base) Join(path string) (*url.URL, *llm.Error) { return b.join(b.suffixInUse(), path) }

func (b *Base) join(suffix, path string) (*url.URL, *llm.Error) {
	if j := b.last.Load(); j != nil && j.path == path && j.suffix == suffix {
		return &j.url, nil
	}
	j := &joined{suffix: suffix, path: path, url: b.url}
	path, query, _ := strings.Cut(path, "?")
	plain, err := url.PathUnescape(path)
	if err != nil || odd(path) || odd(query) || climbs(plain) {
		return nil, llm.BadRequest("model", "The model name has characters that cannot be part of an address.")
	}
	u := &j.url
	u.Path, u.RawPath = u.Path+suffix+plain, u.EscapedPath()+suffix+path
	u.RawQuery = joinQuery(u.RawQuery, query)
	b.last.Store(j)
	return u, nil
}

func joinQuery(a, b string) string {
	if a == "" || b == "" {
		return a + b
	}
	return a + "&" + b
}

// odd reports whether s has a byte that cannot stand in a path or query.
func odd(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f || s[i] == '#' || s[i] == '\\' || s[i] == '?' {
			return true
		}
	}
	return false
}

// climbs reports whether a path has a segment that leads upwards or stays.
func climbs(path string) bool {
	if !strings.Contains(path, ".") {
		return false
	}
	for segment := range strings.FieldsFuncSeq(path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return false
}

func (b *Base) learn(state int32) {
	if b.state.Swap(state) == state || state != baseVersioned || b.report == nil {
		return
	}
	b.report(b.shown, b.String())
}

// doBase sends a request below its base and, when nothing is known of the base
// yet, follows a 404 by one try with the version.
func (c *Client) doBase(ctx context.Context, r *Request) (*Response, *llm.Error) {
	b := r.Base
	u, e := b.Join(r.Path)
	if e != nil {
		return nil, e
	}
	resp, e := c.send(ctx, r, u)
	if e != nil || b.suffix == "" || b.state.Load() != baseUnknown {
		return resp, e
	}
	if resp.Status != http.StatusNotFound {
		if resp.Status < 300 {
			b.learn(baseLiteral)
		}
		return resp, nil
	}
	return c.withVersion(ctx, r, resp)
}

// withVersion tries the version after a 404; when that is no better, the first
// answer counts.
func (c *Client) withVersion(ctx context.Context, r *Request, first *Response) (*Response, *llm.Error) {
	u, e := r.Base.join(r.Base.suffix, r.Path)
	if e != nil {
		return first, nil
	}
	second, e := c.send(ctx, r, u)
	if e != nil {
		return first, nil
	}
	if second.Status == http.StatusNotFound || second.Status == http.StatusMethodNotAllowed {
		second.Body.Close()
		return first, nil
	}
	first.Body.Close()
	if second.Status < 500 {
		r.Base.learn(baseVersioned)
	}
	return second, nil
}
