package upstream

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// FetchOptions are the limits of a Fetcher. Zero values mean the defaults.
type FetchOptions struct {
	// MaxBytes limits one file; 20 MiB.
	MaxBytes int64
	// Timeout limits one fetch, redirects included; 10 s.
	Timeout time.Duration
	// Allowed, as host or host:port, may be fetched although they are private
	// (litellm_settings.user_url_allowed_hosts).
	Allowed []string
	// Unguarded lifts the guard (litellm_settings.user_url_validation: false).
	Unguarded bool
	// Proxies is the way out. A fetch through a proxy is guarded by the written host
	// only, because the proxy resolves the name.
	Proxies *Proxies
	// UserAgent is sent; "fairlead" by default.
	UserAgent string
}

// File is fetched content.
type File struct {
	// MIME is the type by content, else by the server's word.
	MIME string
	Data []byte
}

// Fetcher gets images and files from addresses that clients name. It never sends
// a credential, and reaches only public addresses and what the operator allows.
type Fetcher struct {
	options FetchOptions
	allowed map[string]bool
	// guarded checks every address that it dials; open does not, for hosts that the
	// operator allows and for proxies.
	guarded, open *http.Transport
}

const maxRedirects = 3

// NewFetcher returns a fetcher.
func NewFetcher(o FetchOptions) *Fetcher {
	o.MaxBytes = orDefault(o.MaxBytes, 20<<20)
	o.Timeout = orDefault(o.Timeout, 10*time.Second)
	if o.UserAgent == "" {
		o.UserAgent = "fairlead"
	}
	f := &Fetcher{options: o, allowed: make(map[string]bool, len(o.Allowed))}
	for _, host := range o.Allowed {
		f.allowed[strings.ToLower(strings.TrimSpace(host))] = true
	}
	dialer := net.Dialer{Timeout: 5 * time.Second}
	f.open = mediaTransport(dialer, o.Proxies)
	dialer.Control = guardDial
	f.guarded = mediaTransport(dialer, nil)
	return f
}

// mediaTransport keeps no connections: a fetch is rare, and a kept connection
// would outlive the check of its address.
func mediaTransport(d net.Dialer, p *Proxies) *http.Transport {
	return &http.Transport{
		Proxy: p.transport(), DialContext: d.DialContext, DisableKeepAlives: true, DisableCompression: true,
		TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, TLSHandshakeTimeout: 5 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// Fetch gets the content of an address. The error is a client's mistake with
// status 400; it does not tell why a host could not be reached, so that nobody
// can explore the gateway's network with it. The cause is in the error for the
// log.
func (f *Fetcher) Fetch(ctx context.Context, address string) (*File, *llm.Error) {
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return nil, refused(&url.URL{}, err)
	}
	for range maxRedirects + 1 {
		resp, err := f.get(ctx, u)
		if err != nil {
			return nil, refused(u, err)
		}
		next, e := follow(u, resp)
		if e != nil {
			return nil, e
		}
		if next == nil {
			return f.file(u, resp)
		}
		u = next
	}
	return nil, unfetched(u, fmt.Sprintf("It redirects more than %d times.", maxRedirects), nil)
}

// get sends one request, after the written address was checked.
func (f *Fetcher) get(ctx context.Context, u *url.URL) (*http.Response, error) {
	transport, err := f.way(u)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", f.options.UserAgent)
	r.Header.Set("Accept", "*/*")
	r.Header.Set("Accept-Encoding", "identity")
	return transport.RoundTrip(r)
}

// way checks an address as written and returns the transport for it.
func (f *Fetcher) way(u *url.URL) (*http.Transport, error) {
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Opaque != "" {
		return nil, errors.New("not an http or https address")
	}
	if u.User != nil {
		return nil, errors.New("an address with a user name")
	}
	bare, full := hostPort(u.Hostname(), u.Port(), u.Scheme)
	if f.options.Unguarded || f.allowed[bare] || f.allowed[full] {
		return f.open, nil
	}
	if err := publicHost(u.Hostname()); err != nil {
		return nil, err
	}
	if !publicPort(u.Port()) {
		return nil, fmt.Errorf("%w: port %s", errForbidden, u.Port())
	}
	if f.options.Proxies.For(u) != nil {
		return f.open, nil
	}
	return f.guarded, nil
}

// follow returns where an answer redirects to, nil when it is the content. An
// answer that is not the content is closed.
func follow(u *url.URL, resp *http.Response) (*url.URL, *llm.Error) {
	switch resp.StatusCode {
	case http.StatusOK:
		return nil, nil
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		resp.Body.Close()
		next, err := u.Parse(resp.Header.Get("Location"))
		if err != nil || resp.Header.Get("Location") == "" {
			return nil, unfetched(u, "It redirects to nowhere.", err)
		}
		return next, nil
	}
	resp.Body.Close()
	return nil, unfetched(u, fmt.Sprintf("It answered with status %d.", resp.StatusCode), nil)
}

// file reads the content up to the limit.
func (f *Fetcher) file(u *url.URL, resp *http.Response) (*File, *llm.Error) {
	defer resp.Body.Close()
	if encoding, known := encodingOf(resp.Header); encoding != "" || !known {
		return nil, unfetched(u, "It is compressed, which was not asked for.", nil)
	}
	if resp.ContentLength > f.options.MaxBytes {
		return nil, f.tooLarge(u)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, f.options.MaxBytes+1))
	switch {
	case err != nil:
		return nil, unfetched(u, "It broke off or took too long.", err)
	case int64(len(data)) > f.options.MaxBytes:
		return nil, f.tooLarge(u)
	case len(data) == 0:
		return nil, unfetched(u, "It is empty.", nil)
	}
	kind := kindOf(data, resp.Header.Get("Content-Type"))
	if kind == "text/html" {
		return nil, unfetched(u, "It is a web page, not a file.", nil)
	}
	return &File{MIME: kind, Data: data}, nil
}

func (f *Fetcher) tooLarge(u *url.URL) *llm.Error {
	return unfetched(u, fmt.Sprintf("It is larger than %d bytes, the limit of fairlead_settings.media_max_bytes.", f.options.MaxBytes), nil)
}

// kindOf is the type that the first bytes show; where they show none, the type
// that the server says.
func kindOf(data []byte, header string) string {
	sniffed, _, _ := mime.ParseMediaType(http.DetectContentType(data))
	if sniffed != "application/octet-stream" && sniffed != "text/plain" && sniffed != "text/xml" {
		return sniffed
	}
	if said, _, err := mime.ParseMediaType(header); err == nil && said != "application/octet-stream" && said != "binary/octet-stream" {
		return said
	}
	return sniffed
}

// refused is the one sentence for whatever kept the gateway from reaching a
// host.
func refused(u *url.URL, cause error) *llm.Error {
	return unfetched(u, "The proxy could not resolve or reach this host, or its URL policy rejected it; an admin can check the proxy log and `user_url_allowed_hosts` in litellm_settings.", cause)
}

func unfetched(u *url.URL, why string, cause error) *llm.Error {
	e := llm.BadRequest("", "Unable to fetch image from URL. "+why)
	if u.Host != "" {
		shown := sameHost(u) + u.EscapedPath()
		if len(shown) > 200 {
			shown = shown[:200] + "…"
		}
		e.Message += " url=" + shown
	}
	e.Cause = cause
	return e
}
