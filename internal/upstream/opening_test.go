package upstream

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// opening calls address, and returns how the call came by its connection.
func opening(t *testing.T, c *Client, address string) Opening {
	t.Helper()
	r := &Request{URL: parse(t, address), Body: []byte("{}")}
	if resp, e := c.Do(t.Context(), r); e == nil {
		if _, e = resp.ReadAll(0); e != nil {
			t.Fatal(e)
		}
	}
	return r.Opening
}

func TestCallTellsHowItCameByItsConnection(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(hello))
	defer plain.Close()
	one := quietTLS(t, http.HandlerFunc(hello), nil)
	two := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) { s.EnableHTTP2 = true })
	c := insecure(t, Options{})
	for address, secure := range map[string]bool{plain.URL: false, one.URL: true, two.URL: true} {
		if o := opening(t, c, address); o.How != http1.Opened || o.Connect <= 0 || (o.TLS > 0) != secure {
			t.Errorf("%s: the first call: %+v", address, o)
		}
		if o := opening(t, c, address); o != (Opening{How: http1.Kept}) {
			t.Errorf("%s: the second call: %+v", address, o)
		}
	}
	proxied := client(t, Options{Proxies: &Proxies{choose: func(*url.URL) (*url.URL, error) { return url.Parse(plain.URL) }}}, Profile{})
	if o := opening(t, proxied, "http://upstream.test/"); o != (Opening{}) {
		t.Errorf("through a proxy: %+v", o)
	}
}

func TestConnectionThatDidNotComeAboutHasItsTimeToo(t *testing.T) {
	const limit = 20 * time.Millisecond
	closed := httptest.NewServer(nil)
	closed.Close()
	silent := "https" + rawServer(t, func(_ int, c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })[len("http"):]
	c := insecure(t, Options{TLSTimeout: limit})
	if o := opening(t, c, closed.URL); o.How != http1.Opened || o.Connect <= 0 || o.TLS != 0 {
		t.Errorf("a port that nobody listens at: %+v", o)
	}
	if o := opening(t, c, silent); o.How != http1.Opened || o.Connect <= 0 || o.TLS < limit {
		t.Errorf("a server that does not answer the handshake: %+v", o)
	}
}

func TestCallOverAKeptConnectionNotesItWithoutMemory(t *testing.T) {
	var o http1.Opening
	if n := testing.AllocsPerRun(100, func() { o.Note(http1.Kept, 0, 0) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
