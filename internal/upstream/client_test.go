package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

var discardLog = log.New(io.Discard, "", 0)

func hello(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s HTTP/%d", r.Method, body, r.ProtoMajor)
}

func TestRequestIsSentAsItIsWithWhatIsMissing(t *testing.T) {
	got := make(chan *http.Request, 1)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got <- r.Clone(context.Background())
		hello(w, r)
	}))
	defer s.Close()
	c := client(t, Options{Instance: "me", UserAgent: "fairlead/1"}, Profile{})
	resp, e := c.Do(context.Background(), &Request{
		URL: parse(t, s.URL+"/v1/x?alt=sse"), Body: []byte("body"), Hops: "other",
		Header: http.Header{"Authorization": {"Bearer k"}, "Content-Type": {"application/json"}},
	})
	if e != nil {
		t.Fatal(e)
	}
	body, e := resp.ReadAll(0)
	if e != nil || resp.Status != 200 || string(body) != "POST body HTTP/1" {
		t.Fatalf("status %d body %q error %v", resp.Status, body, e)
	}
	r := <-got
	want := map[string]string{
		"Authorization": "Bearer k", "Content-Type": "application/json", "Accept-Encoding": "identity",
		"User-Agent": "fairlead/1", "X-Fairlead-Hop": "other, me", "Content-Length": "4",
	}
	if r.RequestURI != "/v1/x?alt=sse" || len(r.Header) != len(want) {
		t.Errorf("request %s %v", r.RequestURI, r.Header)
	}
	for name, value := range want {
		if r.Header.Get(name) != value {
			t.Errorf("%s: %q, want %q", name, r.Header.Get(name), value)
		}
	}
}

func TestErrorStatusIsAnAnswerForTheWire(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(429)
			_, _ = io.WriteString(w, strings.Repeat("x", 100))
		}))
		defer s.Close()
		resp, e := post(t, client(t, over(Options{}), Profile{}), s.URL, Timeouts{})
		if e != nil || resp.Status != 429 {
			t.Fatalf("%+v %v", resp, e)
		}
		if text := resp.Excerpt(10); len(text) != 10 {
			t.Errorf("excerpt of %d bytes", len(text))
		}
	})
}

func TestRequestWithoutAddressIsAnErrorNotAPanic(t *testing.T) {
	if _, e := client(t, Options{}, Profile{}).Do(context.Background(), &Request{}); e == nil || e.Status != 500 {
		t.Fatalf("error %v", e)
	}
}

func TestU02RefusedConnection(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener.Close()
	_, e := post(t, client(t, Options{}, Profile{}), "http://"+listener.Addr().String(), Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	if want := "nothing listens at " + listener.Addr().String(); !strings.Contains(e.Message, want) || !strings.Contains(e.Message, "host.docker.internal") || !e.Retryable() {
		t.Errorf("message %q retryable %v", e.Message, e.Retryable())
	}
}

func TestU01U03CausesOfAFailedDialAreTold(t *testing.T) {
	cases := []struct {
		err    error
		kind   llm.ErrorKind
		status int
		say    string
	}{
		{&net.DNSError{Name: "secret.internal", IsNotFound: true}, llm.KindConnection, 500, "could not be resolved"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{IsTimeout: true}}, llm.KindTimeout, 408, "within 5s"},
		{&net.OpError{Op: "proxyconnect", Err: errors.New("x")}, llm.KindConnection, 500, "proxy"},
		{errors.New("boom secret.internal"), llm.KindConnection, 500, "failed"},
		{tls.AlertError(40), llm.KindConnection, 500, "secure connection"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, llm.KindConnection, 500, "check that it runs"},
		{&net.OpError{Op: "dial", Err: syscall.EHOSTUNREACH}, llm.KindConnection, 500, "HTTPS_PROXY"},
		{&tls.CertificateVerificationError{Err: x509.UnknownAuthorityError{}}, llm.KindConnection, 500, "SSL_CERT_FILE"},
		{io.EOF, llm.KindConnection, 500, "closed the connection"},
	}
	secret, err := NewNetwork(Options{}).Base("https://user:secret@secret.internal/v1?key=secret", "")
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, Options{}, Profile{})
	for _, tc := range cases {
		e := c.failure(context.Background(), &Request{Provider: "openai", Model: "gpt", Base: secret}, tc.err)
		wantError(t, e, tc.kind, tc.status)
		if !strings.Contains(e.Message, tc.say) || strings.Contains(e.Message, "secret") || !errors.Is(e, tc.err) {
			t.Errorf("%v: message %q cause %v", tc.err, e.Message, e.Cause)
		}
		if text := e.Cause.Error(); e.Kind == llm.KindConnection && (!strings.HasPrefix(text, "calling https://secret.internal: ") || strings.Contains(text, "user")) {
			t.Errorf("the log would say %q", text)
		}
	}
	_, e := post(t, client(t, Options{ConnectTimeout: time.Nanosecond}, Profile{}), "http://127.0.0.1:9", Timeouts{})
	wantError(t, e, llm.KindTimeout, 408)
}

func TestU04CertificatesAreChecked(t *testing.T) {
	s := quietTLS(t, http.HandlerFunc(hello), nil)
	ca := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}))
	_, e := whole(t, client(t, Options{}, Profile{}), s.URL, Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	if !strings.Contains(e.Message, "certificate") {
		t.Errorf("message %q", e.Message)
	}
	for name, p := range map[string]Profile{"CA": {CA: ca}, "insecure": {Insecure: true}} {
		if body, e := whole(t, client(t, Options{}, p), s.URL, Timeouts{}); e != nil || !strings.HasPrefix(body, "POST") {
			t.Errorf("%s: %q %v", name, body, e)
		}
	}
	_, e = whole(t, client(t, Options{}, Profile{CA: ca}), strings.Replace(s.URL, "127.0.0.1", "localhost", 1), Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	if _, err := NewNetwork(Options{}).Client(Profile{CA: "no pem"}); err == nil {
		t.Error("a CA bundle without a certificate is taken")
	}
}

func TestU04OldTLSAndStalledHandshakeAreRefused(t *testing.T) {
	old := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) {
		s.TLS.MinVersion, s.TLS.MaxVersion = tls.VersionTLS10, tls.VersionTLS10
	})
	_, e := whole(t, client(t, Options{}, Profile{Insecure: true}), old.URL, Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	stalled := rawServer(t, func(_ int, c *net.TCPConn) { _, _ = io.Copy(io.Discard, c) })
	_, e = whole(t, client(t, Options{ConnectTimeout: 50 * time.Millisecond}, Profile{}), "https"+strings.TrimPrefix(stalled, "http"), Timeouts{})
	wantError(t, e, llm.KindTimeout, 408)
}

func TestHTTP2IsUsedWhereOffered(t *testing.T) {
	s := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) { s.EnableHTTP2 = true })
	body, e := whole(t, client(t, Options{}, Profile{Insecure: true}), s.URL, Timeouts{})
	if e != nil || !strings.HasSuffix(body, "HTTP/2") {
		t.Fatalf("%q %v", body, e)
	}
}

// keepAlive answers the first request of a connection, and does with the next as
// second says. It counts requests that were read whole.
func keepAlive(t *testing.T, seen *atomic.Int32, second func(c *net.TCPConn)) string {
	return rawServer(t, func(n int, c *net.TCPConn) {
		r := bufio.NewReader(c)
		for i := 0; readRequest(r); i++ {
			seen.Add(1)
			if n == 0 && i == 1 {
				second(c)
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
	})
}

func TestU08RequestOnAReusedConnectionIsNotRepeatedOnceItWasWritten(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		var seen atomic.Int32
		address := keepAlive(t, &seen, func(*net.TCPConn) {})
		c := client(t, over(Options{}), Profile{})
		if body, e := whole(t, c, address, Timeouts{}); e != nil || body != "ok" {
			t.Fatalf("%q %v", body, e)
		}
		if _, e := whole(t, c, address, Timeouts{}); e == nil || seen.Load() != 2 {
			t.Errorf("error %v, the upstream saw %d requests, want an error and no repetition", e, seen.Load())
		}
	})
}

func TestU08RequestThatMayHaveBeenSeenIsNotSentAgain(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		var fresh atomic.Int32
		address := rawServer(t, func(_ int, c *net.TCPConn) {
			if readRequest(bufio.NewReader(c)) {
				fresh.Add(1)
			}
		})
		_, e := whole(t, client(t, over(Options{}), Profile{}), address, Timeouts{})
		wantError(t, e, llm.KindConnection, 500)
		if n := fresh.Load(); n != 1 {
			t.Errorf("a new connection that closed: the upstream saw %d requests", n)
		}
		var seen atomic.Int32
		address = keepAlive(t, &seen, func(c *net.TCPConn) { _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Le") })
		c := client(t, over(Options{}), Profile{})
		_, _ = whole(t, c, address, Timeouts{})
		if _, e := whole(t, c, address, Timeouts{}); e == nil || seen.Load() != 2 {
			t.Errorf("an answer that had begun: error %v, the upstream saw %d requests", e, seen.Load())
		}
	})
}

func TestU17AnswerWithoutEndIsCutAtTheLimit(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			chunk := bytes.Repeat([]byte("x"), 64<<10)
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		}))
		defer s.Close()
		_, e := whole(t, client(t, over(Options{MaxResponseBytes: 1 << 20}), Profile{}), s.URL, Timeouts{})
		wantError(t, e, llm.KindBadGateway, 502)
		resp, e := post(t, client(t, over(Options{MaxStreamBytes: 1 << 20}), Profile{}), s.URL, Timeouts{})
		if e != nil {
			t.Fatal(e)
		}
		_, err := io.Copy(io.Discard, resp.Body)
		wantError(t, llm.AsError(err), llm.KindBadGateway, 502)
		resp.Body.Close()
	})
}

func TestU17AnnouncedLengthOverTheLimitIsRefusedUnread(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		address := answerOnce(t, "HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\nx")
		_, e := whole(t, client(t, over(Options{}), Profile{}), address, Timeouts{})
		wantError(t, e, llm.KindBadGateway, 502)
	})
}

func TestU20BrokenBodies(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		cases := map[string]string{
			"short content-length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
			"chunk cut":            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
			"no last chunk":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n",
		}
		for name, answer := range cases {
			_, e := whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, answer), Timeouts{})
			wantError(t, e, llm.KindConnection, 500)
			if !errors.Is(e, io.ErrUnexpectedEOF) {
				t.Errorf("%s: cause %v", name, e.Cause)
			}
		}
		_, e := whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab"), Timeouts{})
		if e == nil || e.Status < 500 || !e.Upstream {
			t.Errorf("chunk size that is no number: %v", e)
		}
	})
}

func TestU20ConnectionAfterABrokenBodyIsNotUsedAgain(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		var conns atomic.Int32
		address := rawServer(t, func(n int, c *net.TCPConn) {
			conns.Add(1)
			r := bufio.NewReader(c)
			for readRequest(r) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
			}
		})
		c := client(t, over(Options{}), Profile{})
		for range 2 {
			if _, e := whole(t, c, address, Timeouts{}); e == nil {
				t.Fatal("a broken chunk was read")
			}
		}
		if n := conns.Load(); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
	})
}

func TestU21InformationalAnswersArePassedOver(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		early := "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
		body, e := whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, early+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), Timeouts{})
		if e != nil || body != "ok" {
			t.Fatalf("%q %v", body, e)
		}
		_, e = whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), Timeouts{})
		wantError(t, e, llm.KindBadGateway, 502)
		_, e = whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 20000)), Timeouts{})
		if e == nil || e.Status < 500 {
			t.Fatalf("endless 1xx: %v", e)
		}
	})
}

func TestU22RedirectIsNeverFollowed(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		var visited atomic.Int32
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { visited.Add(1) }))
		defer other.Close()
		for _, status := range []int{301, 302, 303, 307, 308} {
			s := httptest.NewServer(http.RedirectHandler(other.URL+"/steal", status))
			_, e := whole(t, client(t, over(Options{}), Profile{}), s.URL, Timeouts{})
			s.Close()
			wantError(t, e, llm.KindBadGateway, 502)
			if e.UpstreamStatus != status || strings.Contains(e.Message, other.URL) || !strings.Contains(e.Cause.Error(), "/steal") {
				t.Errorf("%d: %+v", status, e)
			}
		}
		if visited.Load() != 0 {
			t.Error("a redirect was followed")
		}
	})
}

func TestU26HugeOrBrokenHeaders(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		for name, answer := range map[string]string{
			"1 MiB":        "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 1<<20) + "\r\n\r\n",
			"no HTTP":      "SSH-2.0-OpenSSH_9.6\r\n\r\n",
			"bad line":     "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
			"two lengths":  "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
			"status words": "HTTP/1.1 abc\r\n\r\n",
		} {
			_, e := whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, answer), Timeouts{})
			if e == nil || e.Status < 500 || !e.Upstream || len(e.Message) > 200 {
				t.Errorf("%s: %+v", name, e)
			}
		}
		_, e := whole(t, client(t, over(Options{}), Profile{}), answerOnce(t, "SSH-2.0-OpenSSH_9.6\r\n\r\n"), Timeouts{})
		wantError(t, e, llm.KindBadGateway, 502)
	})
}

func TestClientThatLeavesClosesTheUpstreamAtOnce(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		begun, gone := make(chan bool, 1), make(chan bool, 1)
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if r.URL.Path == "/stream" {
				_, _ = io.WriteString(w, "data: 1\n\n")
				w.(http.Flusher).Flush()
			}
			begun <- true
			<-r.Context().Done()
			gone <- true
		}))
		defer s.Close()
		c := client(t, over(Options{}), Profile{})

		ctx, cancel := context.WithCancel(context.Background())
		go func() { <-begun; cancel() }()
		_, e := c.Do(ctx, &Request{URL: parse(t, s.URL), Body: []byte("x")})
		wantError(t, e, llm.KindClientGone, 499)
		<-gone

		ctx, cancel = context.WithCancel(context.Background())
		resp, e := c.Do(ctx, &Request{URL: parse(t, s.URL+"/stream"), Body: []byte("x")})
		if e != nil {
			t.Fatal(e)
		}
		<-begun
		if _, err := resp.Body.Read(make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
		cancel()
		_, err := resp.Body.Read(make([]byte, 100))
		wantError(t, llm.AsError(err), llm.KindClientGone, 499)
		<-gone

		resp, e = c.Do(context.Background(), &Request{URL: parse(t, s.URL+"/stream"), Body: []byte("x")})
		if e != nil {
			t.Fatal(e)
		}
		<-begun
		resp.Body.Close()
		resp.Body.Close()
		<-gone
		if _, err := resp.Body.Read(make([]byte, 1)); err == nil {
			t.Error("a closed body can be read")
		}
	})
}

func TestProfilesShareConnectionsAndBasesMemory(t *testing.T) {
	n := NewNetwork(Options{})
	a, _ := n.Client(Profile{})
	b, _ := n.Client(Profile{})
	c, _ := n.Client(Profile{Insecure: true})
	if a != b || a == c {
		t.Error("clients are not kept by profile")
	}
	one, _ := n.Base("http://h", "/v1")
	two, _ := n.Base("http://h", "/v1")
	if one != two {
		t.Error("bases are not kept")
	}
}

func TestLoopIsNoticed(t *testing.T) {
	h := http.Header{}
	if Looped(h, "me") || Looped(h, "") {
		t.Error("a request without hops")
	}
	h.Set(HopHeader, appendHop("other", "me"))
	if !Looped(h, "me") || !Looped(h, "other") || Looped(h, "m") || Looped(h, "") {
		t.Errorf("hops %v", h)
	}
	long := appendHop(strings.Repeat("x\r\n", 1000), "me")
	if len(long) > 600 || strings.ContainsAny(long, "\r\n") || !strings.HasSuffix(long, ", me") {
		t.Errorf("hops of %d bytes: %q", len(long), long)
	}
}

func BenchmarkDo(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	c := client(b, Options{}, Profile{})
	u := parse(b, s.URL)
	b.ReportAllocs()
	for b.Loop() {
		resp, e := c.Do(context.Background(), &Request{URL: u, Body: []byte("x")})
		if e != nil {
			b.Fatal(e)
		}
		if _, e := resp.ReadAll(0); e != nil {
			b.Fatal(e)
		}
	}
}

func BenchmarkPlainTransport(b *testing.B) {
	s := httptest.NewServer(http.HandlerFunc(hello))
	defer s.Close()
	c := client(b, Options{}, Profile{})
	b.ReportAllocs()
	for b.Loop() {
		r, _ := http.NewRequest(http.MethodPost, s.URL, strings.NewReader("x"))
		resp, err := c.pooled.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
}

func TestS27HeaderThatCannotBeSentIsTheCallersMistake(t *testing.T) {
	ways(t, func(t *testing.T, over way) {
		c := client(t, over(Options{}), Profile{})
		_, e := c.Do(context.Background(), &Request{
			URL: parse(t, "http://127.0.0.1:9"), Header: http.Header{"X-Extra": {"a\r\nAuthorization: b"}}, Body: []byte("{}"),
		})
		if e == nil || e.Status != 400 || !strings.Contains(e.Message, "X-Extra") || strings.Contains(e.Message, "Authorization") {
			t.Errorf("error %+v", e)
		}
	})
}

// TestBodyInPiecesArrivesOverTheStandardTransport: TLS, HTTP/2 and proxies take it.
func TestBodyInPiecesArrivesOverTheStandardTransport(t *testing.T) {
	s := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) { s.EnableHTTP2 = true })
	c := client(t, Options{}, Profile{Insecure: true})
	resp, e := c.Do(context.Background(), &Request{URL: parse(t, s.URL), Body: []byte("one "), Rest: [][]byte{[]byte("two "), []byte("three")}})
	if e != nil {
		t.Fatal(e)
	}
	body, err := resp.ReadAll(0)
	if err != nil || string(body) != "POST one two three HTTP/2" {
		t.Errorf("%s, %v", body, err)
	}
}
