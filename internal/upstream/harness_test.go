package upstream

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// client returns a client whose connections end with the test.
func client(t testing.TB, o Options, p Profile) *Client {
	t.Helper()
	n := NewNetwork(o)
	c, err := n.Client(p)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return c
}

// way changes the options so that calls take one of the ways to an upstream.
type way func(Options) Options

// ways runs a test over the own HTTP/1.1 client and over net/http's, which an
// upstream that is its own proxy leads to.
func ways(t *testing.T, test func(t *testing.T, over way)) {
	t.Run("direct", func(t *testing.T) { test(t, func(o Options) Options { return o }) })
	t.Run("pooled", func(t *testing.T) {
		test(t, func(o Options) Options {
			o.Proxies = &Proxies{choose: func(u *url.URL) (*url.URL, error) {
				return &url.URL{Scheme: "http", Host: u.Host}, nil
			}}
			return o
		})
	})
}

// rawServer serves every connection with serve, which gets the number of the
// connection, and waits for all at the end of the test.
func rawServer(t testing.TB, serve func(n int, c *net.TCPConn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ; n++ {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer conn.Close()
				serve(n, conn.(*net.TCPConn))
			})
		}
	})
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	return "http://" + listener.Addr().String()
}

// readRequest takes one whole request off a connection.
func readRequest(r *bufio.Reader) bool {
	req, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, req.Body)
	return err == nil
}

// answerOnce serves each connection with one raw answer and closes it.
func answerOnce(t testing.TB, answer string) string {
	return rawServer(t, func(_ int, c *net.TCPConn) {
		if readRequest(bufio.NewReader(c)) {
			_, _ = io.WriteString(c, answer)
		}
	})
}

func parse(t testing.TB, raw string) *url.URL {
	t.Helper()
	u, err := url.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// post sends a small request to address.
func post(t testing.TB, c *Client, address string, limits Timeouts) (*Response, *llm.Error) {
	t.Helper()
	return c.Do(context.Background(), &Request{URL: parse(t, address), Body: []byte(`{"a":1}`), Timeouts: limits, Provider: "openai", Model: "gpt"})
}

// whole sends a small request and reads the whole answer.
func whole(t testing.TB, c *Client, address string, limits Timeouts) (string, *llm.Error) {
	t.Helper()
	resp, e := post(t, c, address, limits)
	if e != nil {
		return "", e
	}
	body, e := resp.ReadAll(0)
	return string(body), e
}

// wantError fails unless e has this kind and status and is complete.
func wantError(t testing.TB, e *llm.Error, kind llm.ErrorKind, status int) {
	t.Helper()
	if e == nil || e.Kind != kind || e.Status != status {
		t.Fatalf("error %+v (cause %v), want %v %d", e, errors.Unwrap(e), kind, status)
	}
	if e.Message == "" || kind != llm.KindClientGone && (!e.Upstream || e.Provider != "openai" || e.Model != "gpt") {
		t.Fatalf("error %+v does not say whose it is", e)
	}
}

// quietTLS is a TLS server that does not log failed handshakes.
func quietTLS(t testing.TB, handler http.Handler, change func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(handler)
	s.Config.ErrorLog = discardLog
	s.TLS = &tls.Config{}
	if change != nil {
		change(s)
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}
