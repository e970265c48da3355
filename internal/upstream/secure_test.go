package upstream

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// secureServer serves each connection with serve, which gets its number, and agrees on
// the protocol that the number leads to.
func secureServer(t *testing.T, protocol func(n int) string, serve func(n int, c *tls.Conn)) string {
	cert := httptest.NewUnstartedServer(nil)
	cert.StartTLS()
	t.Cleanup(cert.Close)
	address := rawServer(t, func(n int, c *net.TCPConn) {
		s := tls.Server(c, &tls.Config{Certificates: cert.TLS.Certificates, NextProtos: []string{protocol(n)}})
		if s.Handshake() == nil {
			serve(n, s)
		}
	})
	return "https" + strings.TrimPrefix(address, "http")
}

func always(protocol string) func(int) string { return func(int) string { return protocol } }

// stream is a request of HTTP/2 that was read whole.
type stream struct {
	*http2.Framer
	id uint32
}

func (s stream) answer() bool {
	return s.begin() && s.WriteData(s.id, true, []byte("two")) == nil
}

func (s stream) refuse() bool { return s.WriteRSTStream(s.id, http2.ErrCodeRefusedStream) == nil }

// frames serves HTTP/2: do is called for each request, in order, and reset for each that
// the client ends.
func frames(c *tls.Conn, do func(s stream) bool, reset ...func()) {
	fr := http2.NewFramer(c, c)
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(c, preface); err != nil || fr.WriteSettings() != nil {
		return
	}
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		if s, ok := f.(*http2.SettingsFrame); ok && !s.IsAck() && fr.WriteSettingsAck() != nil {
			return
		}
		if _, ok := f.(*http2.RSTStreamFrame); ok {
			for _, f := range reset {
				f()
			}
		}
		if p, ok := f.(*http2.PingFrame); ok && !p.IsAck() && fr.WritePing(true, p.Data) != nil {
			return
		}
		if d, ok := f.(*http2.DataFrame); ok && d.StreamEnded() && !do(stream{fr, d.StreamID}) {
			return
		}
	}
}

func insecure(t *testing.T, o Options) *Client { return client(t, o, Profile{Insecure: true}) }

func TestEveryNewConnectionDecidesAnewWhichHTTPIsSpoken(t *testing.T) {
	address := secureServer(t, func(n int) string { return []string{"http/1.1", "h2"}[n%2] }, func(n int, c *tls.Conn) {
		if n%2 == 0 {
			if readRequest(bufio.NewReader(c)) {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\none")
			}
			return
		}
		frames(c, func(s stream) bool { return s.answer() && s.WriteGoAway(s.id, http2.ErrCodeNo, nil) == nil && false })
	})
	c := insecure(t, Options{})
	for i := range 6 {
		want := []string{"one", "two"}[i%2]
		got, e := whole(t, c, address, Timeouts{})
		if e != nil || got != want {
			t.Fatalf("call %d: %q %v, want %q", i, got, e, want)
		}
	}
}

func TestCallsOfHTTP2ShareAConnection(t *testing.T) {
	var conns atomic.Int32
	s := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) {
		s.EnableHTTP2 = true
		s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
			if state == http.StateNew {
				conns.Add(1)
			}
		}
	})
	c := insecure(t, Options{})
	if _, e := whole(t, c, s.URL, Timeouts{}); e != nil {
		t.Fatal(e)
	}
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if body, e := whole(t, c, s.URL, Timeouts{}); e != nil || !strings.HasSuffix(body, "HTTP/2") {
				t.Errorf("%q %v", body, e)
			}
		})
	}
	all.Wait()
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestRequestThatAnUpstreamRefusedIsSentOnceMore(t *testing.T) {
	for name, tc := range map[string]struct {
		refusals int32
		right    bool
		want     int32 // requests that the upstream sees
	}{"once": {1, true, 2}, "always": {100, false, 2}} {
		var seen atomic.Int32
		address := secureServer(t, always("h2"), func(_ int, c *tls.Conn) {
			frames(c, func(s stream) bool {
				if seen.Add(1) <= tc.refusals {
					return s.refuse()
				}
				return s.answer()
			})
		})
		_, e := whole(t, insecure(t, Options{}), address, Timeouts{})
		if tc.right != (e == nil) || seen.Load() != tc.want {
			t.Errorf("%s: %v, %d requests", name, e, seen.Load())
		}
		if e != nil {
			wantError(t, e, llm.KindConnection, 500)
		}
	}
}

// TestRequestThatMetTheEndOfAConnection has a kept connection end when a request comes.
func TestRequestThatMetTheEndOfAConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		last  func(s stream) bool
		right bool
		want  int32 // requests that the upstream sees
	}{
		"with a word":    {func(s stream) bool { return s.WriteGoAway(s.id-2, http2.ErrCodeNo, nil) == nil && false }, true, 3},
		"without a word": {func(stream) bool { return false }, false, 2},
	} {
		var seen atomic.Int32
		address := secureServer(t, always("h2"), func(n int, c *tls.Conn) {
			frames(c, func(s stream) bool {
				seen.Add(1)
				if n == 0 && s.id > 1 {
					return tc.last(s)
				}
				return s.answer()
			})
		})
		c := insecure(t, Options{})
		if _, e := whole(t, c, address, Timeouts{}); e != nil {
			t.Fatal(e)
		}
		got, e := whole(t, c, address, Timeouts{})
		if tc.right != (e == nil && got == "two") || seen.Load() != tc.want {
			t.Errorf("%s: %q %v, the upstream saw %d requests", name, got, e, seen.Load())
		}
	}
}

func TestRequestOnANewConnectionThatEndsIsNotRepeated(t *testing.T) {
	var seen atomic.Int32
	address := secureServer(t, always("h2"), func(_ int, c *tls.Conn) {
		frames(c, func(stream) bool { seen.Add(1); return false })
	})
	_, e := whole(t, insecure(t, Options{}), address, Timeouts{})
	wantError(t, e, llm.KindConnection, 500)
	if n := seen.Load(); n != 1 {
		t.Errorf("the upstream saw %d requests", n)
	}
}

func TestStagesOfHTTP2HaveLimits(t *testing.T) {
	address := secureServer(t, always("h2"), func(n int, c *tls.Conn) {
		frames(c, func(s stream) bool { return n == 0 || s.begin() })
	})
	for _, tc := range []struct {
		limits Timeouts
		want   string
	}{
		{Timeouts{Header: 50 * time.Millisecond}, "begin to answer within 50ms."},
		{Timeouts{Idle: 50 * time.Millisecond}, "go on with its answer within 50ms."},
	} {
		_, e := whole(t, insecure(t, Options{}), address, tc.limits)
		wantError(t, e, llm.KindTimeout, 408)
		if !strings.Contains(e.Message, tc.want) {
			t.Error(e.Message)
		}
	}
}

// begin answers with a header alone.
func (s stream) begin() bool {
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	return s.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block.Bytes(), EndHeaders: true}) == nil
}

func TestClientThatLeavesEndsItsStreamAtOnce(t *testing.T) {
	for name, begun := range map[string]bool{"before the answer": false, "in the body": true} {
		came, reset := make(chan bool, 1), make(chan bool, 1)
		address := secureServer(t, always("h2"), func(_ int, c *tls.Conn) {
			frames(c, func(s stream) bool {
				came <- true
				return !begun || s.begin()
			}, func() { reset <- true })
		})
		ctx, leave := context.WithCancel(context.Background())
		defer leave()
		c := insecure(t, Options{})
		if !begun {
			go func() { <-came; leave() }()
		}
		resp, e := c.Do(ctx, &Request{URL: parse(t, address), Body: []byte("{}"), Provider: "openai", Model: "gpt"})
		if begun {
			if e != nil {
				t.Fatal(e)
			}
			leave()
			<-reset // while nobody reads
			_, err := io.ReadAll(resp.Body)
			e = llm.AsError(err)
		} else {
			<-reset
		}
		if e == nil || e.Kind != llm.KindClientGone {
			t.Errorf("%s: %v", name, e)
		}
	}
}

// TestManyCallsAtOnceGetTheirOwnAnswers over one connection, of all sizes, some of which
// their clients leave.
func TestManyCallsAtOnceGetTheirOwnAnswers(t *testing.T) {
	s := quietTLS(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	}), func(s *httptest.Server) { s.EnableHTTP2 = true })
	c := insecure(t, Options{})
	u := parse(t, s.URL)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for n := range 12 {
				sent := bytes.Repeat([]byte{byte('a' + i)}, 1+(i*7919+n*104729)%300_000)
				ctx, leave := context.WithCancel(t.Context())
				resp, e := c.Do(ctx, &Request{URL: u, Body: sent[:len(sent)/2], Rest: [][]byte{sent[len(sent)/2:]}, Provider: "openai", Model: "gpt"})
				if e != nil {
					t.Errorf("%d: %v", len(sent), e)
				} else if n%3 == 2 {
					leave()
					resp.Body.Close()
				} else if got, e := resp.ReadAll(0); e != nil || !bytes.Equal(got, sent) {
					t.Errorf("%d: %d bytes came back, %v", len(sent), len(got), e)
				}
				leave()
			}
		})
	}
	all.Wait()
}

// TestSecureUpstreamThatDoesNotReadHoldsNobodyUp has an upstream offer large windows, and
// read nothing.
func TestSecureUpstreamThatDoesNotReadHoldsNobodyUp(t *testing.T) {
	done := make(chan bool)
	address := secureServer(t, always("h2"), func(_ int, c *tls.Conn) {
		fr := http2.NewFramer(c, nil)
		_ = fr.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
		_ = fr.WriteWindowUpdate(0, 1<<30)
		<-done
	})
	defer close(done)
	c := insecure(t, Options{})
	body := make([]byte, 64<<20)
	_, e := c.Do(context.Background(), &Request{URL: parse(t, address), Body: body, Timeouts: Timeouts{Header: 300 * time.Millisecond}, Provider: "openai", Model: "gpt"})
	wantError(t, e, llm.KindTimeout, 408)
	ctx, leave := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer leave()
	_, e = c.Do(ctx, &Request{URL: parse(t, address), Body: body, Provider: "openai", Model: "gpt"})
	wantError(t, e, llm.KindTimeout, 408)
}

func TestMalformedAnswerOfHTTP2IsABadGateway(t *testing.T) {
	address := secureServer(t, always("h2"), func(_ int, c *tls.Conn) {
		frames(c, func(s stream) bool { return s.WriteData(s.id, true, []byte("two")) == nil })
	})
	_, e := whole(t, insecure(t, Options{}), address, Timeouts{})
	wantError(t, e, llm.KindBadGateway, 502)
}

func TestHeaderThatCannotBeSentIsNoFaultOfTheUpstream(t *testing.T) {
	s := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) { s.EnableHTTP2 = true })
	c := insecure(t, Options{})
	for range 2 {
		_, e := c.Do(context.Background(), &Request{URL: parse(t, s.URL), Header: http.Header{"X-A": {"b\n"}}, Provider: "openai", Model: "gpt"})
		if e == nil || e.Kind != llm.KindBadRequest {
			t.Errorf("%v", e)
		}
		if _, e := whole(t, c, s.URL, Timeouts{}); e != nil {
			t.Fatal(e)
		}
	}
}

func TestHTTP2CanBeTurnedOff(t *testing.T) {
	t.Setenv("GODEBUG", "http2client=0")
	s := quietTLS(t, http.HandlerFunc(hello), func(s *httptest.Server) { s.EnableHTTP2 = true })
	if body, e := whole(t, insecure(t, Options{}), s.URL, Timeouts{}); e != nil || !strings.HasSuffix(body, "HTTP/1") {
		t.Errorf("%q %v", body, e)
	}
}
