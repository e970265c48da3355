package upstream

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Proxies is the way out that the environment asks for. The proxy's own address
// is never subject to the guard for private addresses. nil dials directly.
type Proxies struct {
	choose func(*url.URL) (*url.URL, error)
	// lines describe it for a person.
	lines []string
}

// ProxiesFrom reads HTTP_PROXY, HTTPS_PROXY, ALL_PROXY (for what the first two do
// not say) and NO_PROXY, in capitals or small letters, through getenv. Proxies may
// be http, https, socks5 or socks5h; loopback is never proxied. The error names
// variables that cannot be used; the rest is in force all the same.
func ProxiesFrom(getenv func(string) string) (*Proxies, error) {
	var problems []error
	p := &Proxies{}
	plain := p.variable("http", getenv, &problems, "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy")
	secure := p.variable("https", getenv, &problems, "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")
	if plain == "" && secure == "" {
		return nil, errors.Join(problems...)
	}
	config := httpproxy.Config{HTTPProxy: plain, HTTPSProxy: secure, NoProxy: first(getenv, "NO_PROXY", "no_proxy")}
	if config.NoProxy != "" {
		p.lines = append(p.lines, "not for "+config.NoProxy+" (NO_PROXY)")
	}
	p.choose = config.ProxyFunc()
	return p, errors.Join(problems...)
}

func first(getenv func(string) string, names ...string) string {
	for _, name := range names {
		if v := getenv(name); v != "" {
			return v
		}
	}
	return ""
}

// variable returns the proxy for a scheme from the first variable that is set.
func (p *Proxies) variable(scheme string, getenv func(string) string, problems *[]error, names ...string) string {
	for _, name := range names {
		value := getenv(name)
		if value == "" {
			continue
		}
		u, err := proxyURL(value)
		if err != nil {
			*problems = append(*problems, fmt.Errorf("%s is not a proxy address; write it as http://host:port or socks5://host:port", name))
			return ""
		}
		p.lines = append(p.lines, fmt.Sprintf("%s through %s (%s)", scheme, sameHost(u), name))
		return u.String()
	}
	return ""
}

// proxyURL reads a proxy address; one without a scheme is http.
func proxyURL(value string) (*url.URL, error) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" {
		return nil, errors.New("no host")
	}
	switch u.Scheme {
	case "http", "https", "socks5", "socks5h":
		return u, nil
	}
	return nil, errors.New("unknown scheme")
}

// Describe says for a person which proxy is in use, one line each; empty when
// none is. Credentials are left out.
func (p *Proxies) Describe() []string {
	if p == nil {
		return nil
	}
	return p.lines
}

// For returns the proxy for a URL, nil when it is dialled directly.
func (p *Proxies) For(u *url.URL) *url.URL {
	if p == nil || p.choose == nil {
		return nil
	}
	proxy, err := p.choose(u)
	if err != nil {
		return nil
	}
	return proxy
}

func (p *Proxies) transport() func(*http.Request) (*url.URL, error) {
	if p == nil || p.choose == nil {
		return nil
	}
	return func(r *http.Request) (*url.URL, error) { return p.choose(r.URL) }
}
