package upstream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func environment(pairs ...string) func(string) string {
	set := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		set[pairs[i]] = pairs[i+1]
	}
	return func(name string) string { return set[name] }
}

func TestProxyVariablesAreHonoured(t *testing.T) {
	cases := []struct {
		name           string
		env            []string
		plain, secure  string // the proxy for http://a.example and https://a.example
		describe, fail string
	}{
		{"none", nil, "", "", "", ""},
		{"https only", []string{"HTTPS_PROXY", "http://p:3128"}, "", "http://p:3128", "https through http://p:3128 (HTTPS_PROXY)", ""},
		{"small letters", []string{"http_proxy", "p:80"}, "http://p:80", "", "http through http://p:80 (http_proxy)", ""},
		{
			"ALL_PROXY fills",
			[]string{"ALL_PROXY", "socks5://s:1080", "HTTPS_PROXY", "https://p"},
			"socks5://s:1080", "https://p",
			"http through socks5://s:1080 (ALL_PROXY)|https through https://p (HTTPS_PROXY)", "",
		},
		{
			"credentials stay hidden",
			[]string{"HTTPS_PROXY", "http://u:hunter2@p:1"},
			"", "http://u:hunter2@p:1",
			"https through http://p:1 (HTTPS_PROXY)", "",
		},
		{
			"NO_PROXY",
			[]string{"HTTP_PROXY", "http://p", "HTTPS_PROXY", "http://p", "NO_PROXY", ".example"},
			"", "",
			"http through http://p (HTTP_PROXY)|https through http://p (HTTPS_PROXY)|not for .example (NO_PROXY)", "",
		},
		{
			"unusable",
			[]string{"HTTPS_PROXY", "gopher://hunter2", "HTTP_PROXY", "http://p"},
			"http://p", "",
			"http through http://p (HTTP_PROXY)", "HTTPS_PROXY",
		},
		{"unusable alone", []string{"HTTPS_PROXY", "http://"}, "", "", "", "HTTPS_PROXY"},
	}
	for _, c := range cases {
		p, err := ProxiesFrom(environment(c.env...))
		for address, want := range map[string]string{"http://a.example/x": c.plain, "https://a.example/x": c.secure, "http://127.0.0.1:1/x": "", "https://localhost/": ""} {
			got := ""
			if u := p.For(parse(t, address)); u != nil {
				got = u.String()
			}
			if got != want {
				t.Errorf("%s: %s through %q, want %q", c.name, address, got, want)
			}
		}
		if diff := cmp.Diff(c.describe, strings.Join(p.Describe(), "|")); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if (err != nil) != (c.fail != "") || err != nil && (!strings.Contains(err.Error(), c.fail) || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: error %v", c.name, err)
		}
	}
}

// proxyServer is a plain proxy that answers itself with what it was asked.
func proxyServer(t *testing.T, body string) *Proxies {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body != "" {
			_, _ = io.WriteString(w, body)
			return
		}
		_, _ = io.WriteString(w, r.URL.String())
	}))
	t.Cleanup(s.Close)
	p, err := ProxiesFrom(environment("HTTP_PROXY", s.URL, "HTTPS_PROXY", s.URL))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestUpstreamIsReachedThroughTheProxy(t *testing.T) {
	body, e := whole(t, client(t, Options{Proxies: proxyServer(t, "")}, Profile{}), "http://api.example/v1/x", Timeouts{})
	if e != nil || body != "http://api.example/v1/x" {
		t.Fatalf("%q %v", body, e)
	}
}

func TestProxyThatIsDownIsNamedAsTheCause(t *testing.T) {
	p, err := ProxiesFrom(environment("HTTP_PROXY", "http://127.0.0.1:1"))
	if err != nil {
		t.Fatal(err)
	}
	_, e := whole(t, client(t, Options{Proxies: p}, Profile{}), "http://api.example/v1/x", Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	if !strings.Contains(e.Message, "proxy") {
		t.Errorf("message %q", e.Message)
	}
}

func TestProxyThatRefusesIsNamedAsTheCause(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }))
	defer s.Close()
	p, err := ProxiesFrom(environment("HTTPS_PROXY", strings.Replace(s.URL, "http://", "http://me:hidden@", 1)))
	if err != nil {
		t.Fatal(err)
	}
	_, e := whole(t, client(t, Options{Proxies: p}, Profile{}), "https://api.example/v1/x", Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	if !strings.Contains(e.Message, "password in HTTP_PROXY") || strings.Contains(e.Message+e.Cause.Error(), "hidden") {
		t.Errorf("message %q cause %v", e.Message, e.Cause)
	}
}
