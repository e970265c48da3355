package http1

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// certificate is that of every server here, for the name "up" and loopback.
var certificate = sync.OnceValue(func() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	of := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1<<33, 0),
		DNSNames: []string{"up"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
})

func serverTLS(protocols ...string) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{certificate()}, NextProtos: protocols}
}

// trusting is the client's side.
func trusting() *tls.Config {
	leaf, err := x509.ParseCertificate(certificate().Certificate[0])
	if err != nil {
		panic(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{RootCAs: pool, NextProtos: []string{"h2", "http/1.1"}}
}

// secured is a client that speaks TLS over what dial returns.
func secured(t testing.TB, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	c := client(t, dial)
	c.TLS, c.TLSTimeout = trusting(), time.Minute
	return c
}

func securedTCP(t testing.TB) *Client { return secured(t, new(net.Dialer).DialContext) }

// secureServer is server over TLS.
func secureServer(t testing.TB, serve func(n int, c *tls.Conn, r *bufio.Reader)) *url.URL {
	u := server(t, func(n int, c *net.TCPConn, _ *bufio.Reader) {
		s := tls.Server(c, serverTLS())
		serve(n, s, bufio.NewReader(s))
	})
	u.Scheme = "https"
	return u
}

// securePipe is a client whose servers are at the other ends of pipes, for a test
// whose clock is a false one.
func securePipe(t testing.TB, serve func(c net.Conn, r *bufio.Reader)) *Client {
	var serving sync.WaitGroup
	t.Cleanup(serving.Wait)
	return secured(t, func(context.Context, string, string) (net.Conn, error) {
		near, far := net.Pipe()
		serving.Go(func() {
			defer far.Close()
			s := tls.Server(far, serverTLS())
			serve(s, bufio.NewReader(s))
		})
		return near, nil
	})
}

var secureURL = &url.URL{Scheme: "https", Host: "up"}

func TestConnectionOverTLSIsKept(t *testing.T) {
	for name, limit := range map[string]uint16{"1.2": tls.VersionTLS12, "1.3": tls.VersionTLS13} {
		var conns atomic.Int32
		u := server(t, func(_ int, c *net.TCPConn, _ *bufio.Reader) {
			conns.Add(1)
			config := serverTLS()
			config.MaxVersion = limit
			s := tls.Server(c, config)
			repeating(s, bufio.NewReader(s))
		})
		u.Scheme = "https"
		c := securedTCP(t)
		for range 3 {
			if _, text, err := call(c, u, []byte("{}"), long); err != nil || text != "ok" {
				t.Fatalf("%s: %q %v", name, text, err)
			}
			if _, text, err := waitingCall(c, u, []byte("{}"), long); err != nil || text != "ok" {
				t.Fatalf("%s: %q %v", name, text, err)
			}
		}
		if n := conns.Load(); n != 1 {
			t.Errorf("%s: %d connections", name, n)
		}
	}
}

func TestPlainAndSecureConnectionsToAHostAreNotMixedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := securePipe(t, repeating)
		if _, text, err := call(c, secureURL, nil, long); err != nil || text != "ok" {
			t.Fatalf("%q %v", text, err)
		}
		if c.pool.pop(target{host: "up"}) != nil {
			t.Error("a connection over TLS is given to plain http")
		}
	})
}

// echoed answers with the body, in chunks of odd sizes and records as they come.
func echoed(w io.Writer, body []byte) {
	_, _ = io.WriteString(w, okHeader)
	for size := 1; len(body) > 0; size = size*3 + 1 {
		n := min(size, len(body))
		chunk := append([]byte(nil), body[:n]...)
		body = body[n:]
		_, _ = w.Write(append(append([]byte(hexadecimal(n)+"\r\n"), chunk...), "\r\n"...))
	}
	_, _ = io.WriteString(w, "0\r\n\r\n")
}

func hexadecimal(n int) string { return big.NewInt(int64(n)).Text(16) }

func TestLargeBodiesPassOverTLSInBothDirections(t *testing.T) {
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) {
		for {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			body, err := io.ReadAll(q.Body)
			if err != nil {
				return
			}
			echoed(c, body)
		}
	})
	c := securedTCP(t)
	for _, size := range []int{0, 1, 4 << 10, 16<<10 - 200, 16 << 10, 40 << 10, 3 << 20} {
		body := make([]byte, size)
		_, _ = rand.Read(body)
		for _, by := range []func(*Client, *url.URL, []byte, Limits) (*Response, string, error){call, waitingCall} {
			if _, text, err := by(c, u, body, long); err != nil || text != string(body) {
				t.Fatalf("%d bytes: %d bytes %v", size, len(text), err)
			}
		}
	}
}

// tapped counts the writes of a connection.
type tapped struct {
	net.Conn
	writes atomic.Int32
}

func (c *tapped) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestSmallRequestIsOneRecordAndOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := securePipe(t, repeating)
		var tap *tapped
		dial := inner.Dial
		inner.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := dial(ctx, network, address)
			tap = &tapped{Conn: nc}
			return tap, err
		}
		if _, _, err := call(inner, secureURL, nil, long); err != nil {
			t.Fatal(err)
		}
		before := tap.writes.Load()
		if _, _, err := call(inner, secureURL, make([]byte, 12<<10), long); err != nil {
			t.Fatal(err)
		}
		if n := tap.writes.Load() - before; n != 1 {
			t.Errorf("%d writes", n)
		}
	})
}

func TestOtherProtocolIsHandedOver(t *testing.T) {
	got := make(chan string, 1)
	u := server(t, func(_ int, c *net.TCPConn, _ *bufio.Reader) {
		s := tls.Server(c, serverTLS("h2"))
		text, _ := io.ReadAll(s)
		got <- string(text)
	})
	u.Scheme = "https"
	opened := false
	err := securedTCP(t).Do(t.Context(), &Request{Method: "POST", URL: u, Limits: long, Opened: func() { opened = true }}, &Response{})
	var other *SwitchError
	if !errors.As(err, &other) || !strings.Contains(err.Error(), "h2") {
		t.Fatal(err)
	}
	if _, err := io.WriteString(other.Conn, "PRI"); err != nil {
		t.Error(err)
	}
	other.Conn.Close()
	if text := <-got; text != "PRI" || opened {
		t.Errorf("the server got %q, opened %v", text, opened)
	}
}

// TestWhatIsWrittenToAConnectionThatWasHandedOverCanBeDiverted: what the system takes at
// once is written then, the rest by whoever has time.
func TestWhatIsWrittenToAConnectionThatWasHandedOverCanBeDiverted(t *testing.T) {
	text := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	got := make(chan bool, 1)
	begin := make(chan bool)
	u := server(t, func(_ int, c *net.TCPConn, _ *bufio.Reader) {
		s := tls.Server(c, serverTLS("h2"))
		if s.Handshake() != nil {
			return
		}
		<-begin
		p := make([]byte, len(text))
		_, err := io.ReadFull(s, p)
		got <- err == nil && bytes.Equal(p, text)
		_, _ = s.Write(text[:100_000])
	})
	u.Scheme = "https"
	var other *SwitchError
	if err := securedTCP(t).Do(t.Context(), &Request{Method: "POST", URL: u, Limits: long}, &Response{}); !errors.As(err, &other) {
		t.Fatal(err)
	}
	defer other.Conn.Close()
	var kept bytes.Buffer
	var now func([]byte) (int, error)
	out := writer(func(p []byte) (n int, err error) {
		if kept.Len() == 0 {
			n, err = now(p)
		}
		kept.Write(p[n:])
		return len(p), err
	})
	now, slow := other.Divert(out)
	if _, err := other.Conn.Write(text); err != nil { // nobody reads yet
		t.Fatal(err)
	}
	close(begin)
	if _, err := kept.WriteTo(slow); err != nil || !<-got {
		t.Errorf("%v, or something else arrived", err)
	}
	p := make([]byte, 100_000)
	if _, err := io.ReadFull(other.Conn, p); err != nil || !bytes.Equal(p, text[:100_000]) {
		t.Errorf("%v, or something else was read", err)
	}
	other.Conn.Close()
	if _, err := other.Conn.Read(p); err == nil {
		t.Error("it is open")
	}
	if n, _ := now([]byte("x")); n != 0 {
		t.Error("it is written to")
	}
}

type writer func(p []byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

func TestHandshakeHasItsLimitAndThatOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mute := func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() {
				defer far.Close()
				_, _ = io.Copy(io.Discard, far)
			}()
			return near, nil
		}
		c := secured(t, mute)
		c.TLSTimeout = 3 * time.Second
		for want, limits := range map[TimeoutError]Limits{
			{StageTLS, 3 * time.Second}:    {Header: time.Minute, Idle: time.Minute, Total: time.Minute},
			{StageHeader, 2 * time.Second}: {Header: 2 * time.Second, Idle: time.Minute, Total: time.Minute},
			{StageTotal, time.Second}:      {Header: 2 * time.Second, Idle: time.Minute, Total: time.Second},
		} {
			began := time.Now()
			_, _, err := call(c, secureURL, nil, limits)
			var late *TimeoutError
			if !errors.As(err, &late) || *late != want || time.Since(began) != want.Limit {
				t.Errorf("%v after %v, want %v", err, time.Since(began), want)
			}
		}
		ctx, leave := context.WithTimeout(t.Context(), time.Second)
		defer leave()
		if err := c.Do(ctx, &Request{Method: "GET", URL: secureURL, Limits: long}, &Response{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
}

func TestLimitsCountFromTheBeginOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := securePipe(t, func(c net.Conn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
		began := time.Now()
		time.Sleep(4 * time.Second)
		err := c.Do(t.Context(), &Request{Method: "GET", URL: secureURL, Began: began, Limits: Limits{10 * time.Second, time.Minute, time.Minute}}, &Response{})
		var late *TimeoutError
		if !errors.As(err, &late) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// TestDeadlineOfAnEarlierCallEndsNoLaterOne has a deadline left over from a call with a
// short limit, when the next one writes and reads.
func TestDeadlineOfAnEarlierCallEndsNoLaterOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conns := 0
		c := securePipe(t, func(c net.Conn, r *bufio.Reader) {
			conns++
			for {
				time.Sleep(5 * time.Second) // nobody reads meanwhile
				if !readRequest(r) {
					return
				}
				_, _ = io.WriteString(c, okHeader)
				time.Sleep(5 * time.Second)
				_, _ = io.WriteString(c, "2\r\nok\r\n0\r\n\r\n")
			}
		})
		if _, _, err := call(c, secureURL, nil, Limits{10 * time.Second, 10 * time.Second, 12 * time.Second}); err != nil {
			t.Fatal(err)
		}
		if _, text, err := call(c, secureURL, make([]byte, 100<<10), Limits{time.Minute, time.Minute, time.Minute}); err != nil || text != "ok" {
			t.Errorf("%q %v", text, err)
		}
		if conns != 1 {
			t.Errorf("%d connections", conns)
		}
	})
}

func TestConnectionThatSaysMoreThanTheAnswerIsNotUsedAgain(t *testing.T) {
	for name, more := range map[string]func(c *tls.Conn){
		"in one record": func(c *tls.Conn) { _, _ = io.WriteString(c, okAnswer+"HTTP/1.1 200 OK\r\n") },
		"in another":    func(c *tls.Conn) { _, _ = io.WriteString(c, okAnswer); _, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n") },
		"a farewell":    func(c *tls.Conn) { _, _ = io.WriteString(c, okAnswer); _ = c.Close() },
		"an end":        func(c *tls.Conn) { _, _ = io.WriteString(c, okAnswer); _ = c.NetConn().Close() },
		"what is no TLS": func(c *tls.Conn) {
			_, _ = io.WriteString(c, okAnswer)
			_, _ = io.WriteString(c.NetConn(), "HTTP/1.1 200 OK\r\n")
		},
	} {
		var conns atomic.Int32
		said := make(chan bool, 2)
		u := secureServer(t, func(n int, c *tls.Conn, r *bufio.Reader) {
			conns.Add(1)
			for readRequest(r) {
				if n == 0 {
					more(c)
				} else {
					_, _ = io.WriteString(c, okAnswer)
				}
				said <- true
			}
		})
		c := securedTCP(t)
		for range 2 {
			if _, text, err := call(c, u, nil, long); err != nil || text != "ok" {
				t.Fatalf("%s: %q %v", name, text, err)
			}
			<-said
		}
		if n := conns.Load(); n != 2 {
			t.Errorf("%s: %d connections", name, n)
		}
	}
}

func TestClientThatLeavesClosesAConnectionOverTLSAtOnce(t *testing.T) {
	for name, answer := range map[string]string{"before the answer": "", "in the body": okHeader + "2\r\nok\r\n"} {
		ended := make(chan bool)
		u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) {
			if readRequest(r) {
				_, _ = io.WriteString(c, answer)
				_, _ = r.ReadByte()
				close(ended)
			}
		})
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		a := &Response{}
		if answer == "" {
			go leave()
		}
		err := securedTCP(t).Do(ctx, &Request{Method: "POST", URL: u, Limits: long}, a)
		if answer == "" {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(a, make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
		leave()
		<-ended // while nobody reads
		if _, err := a.Read(make([]byte, 1)); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAnswerBeforeALargeRequestIsWrittenIsSeenOverTLS(t *testing.T) {
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) {
		if _, err := http.ReadRequest(r); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
			_, _ = io.Copy(io.Discard, r)
		}
	})
	c := securedTCP(t)
	a, text, err := call(c, u, make([]byte, 64<<20), long)
	if err != nil || a.Status != 413 || text != "no" {
		t.Errorf("%d %q %v", a.Status, text, err)
	}
}

func TestWhatArrivedInSeveralRecordsIsReadAtOnce(t *testing.T) {
	sent := make(chan bool)
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) {
		if readRequest(r) {
			_, _ = io.WriteString(c, okHeader)
			<-sent
			for range 10 {
				_, _ = io.WriteString(c, "2\r\nok\r\n")
			}
			sent <- true
			_, _ = r.ReadByte()
		}
	})
	c := securedTCP(t)
	a := &Response{}
	if err := c.Do(t.Context(), &Request{Method: "POST", URL: u, Limits: long}, a); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	sent <- true
	<-sent // on loopback, what was written has arrived
	got := make([]byte, 100)
	if n, err := (waitFirst{a}).Read(got); err != nil || string(got[:n]) != strings.Repeat("ok", 10) {
		t.Errorf("%q %v", got[:n], err)
	}
}

func TestWaitingOverTLSHoldsNoBuffer(t *testing.T) {
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) { repeating(c, r) })
	c := securedTCP(t)
	cn, err := c.connect(t.Context(), &Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	defer cn.release(false)
	cn.obtain()
	if err := cn.fill(time.Now(), blockSize); !timedOut(err) {
		t.Fatal(err)
	}
	if waitsEmpty && (cn.buf != nil || cn.ahead != nil) {
		t.Error("an empty buffer was kept")
	}
}

func TestAnswerThatEndsWithTheConnectionIsWholeOverTLS(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789"), 5000)
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) {
		if readRequest(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			_, _ = c.Write(body)
			_ = c.Close()
		}
	})
	c := securedTCP(t)
	for _, by := range []func(*Client, *url.URL, []byte, Limits) (*Response, string, error){call, waitingCall} {
		if _, text, err := by(c, u, nil, long); err != nil || text != string(body) {
			t.Errorf("%d bytes %v", len(text), err)
		}
	}
}

func TestUntrustedServerGetsNoRequest(t *testing.T) {
	u := secureServer(t, func(_ int, _ *tls.Conn, r *bufio.Reader) {
		if readRequest(r) {
			t.Error("a server that is not trusted got a request")
		}
	})
	c := securedTCP(t)
	c.TLS = &tls.Config{}
	_, _, err := call(c, u, nil, long)
	var untrusted *tls.CertificateVerificationError
	if !errors.As(err, &untrusted) {
		t.Error(err)
	}
	plain := server(t, func(_ int, c *net.TCPConn, _ *bufio.Reader) {
		_, _ = io.WriteString(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
	})
	plain.Scheme = "https"
	_, _, err = call(securedTCP(t), plain, nil, long)
	var record tls.RecordHeaderError
	if !errors.As(err, &record) {
		t.Error(err)
	}
}

func TestFarewellOfAnIdleConnectionWaitsForNobody(t *testing.T) {
	told := make(chan error, 1)
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) {
		_, err := r.ReadByte()
		told <- err
	})
	cn, err := securedTCP(t).connect(t.Context(), &Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	cn.leave()
	if err := <-told; err != io.EOF && waitsEmpty {
		t.Errorf("the server sees %v", err)
	}
	end := make(chan bool)
	u = secureServer(t, func(_ int, c *tls.Conn, _ *bufio.Reader) { _ = c.Handshake(); <-end })
	if cn, err = securedTCP(t).connect(t.Context(), &Request{URL: u}); err != nil {
		t.Fatal(err)
	}
	cn.leaving = true // a write that waited would never end
	for err == nil {
		_, err = cn.link.Write(make([]byte, 1<<20))
	}
	if err != errNothing {
		t.Error(err)
	}
	cn.leave()
	close(end)
}
