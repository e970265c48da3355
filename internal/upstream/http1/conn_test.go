package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// twice calls an upstream that answers each request with raw, and returns how many
// connections it took.
func twice(t *testing.T, raw string) int32 {
	t.Helper()
	var conns atomic.Int32
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		conns.Add(1)
		for readRequest(r) {
			_, _ = io.WriteString(c, raw)
			if !strings.HasPrefix(raw, "HTTP/1.1") {
				return
			}
		}
	})
	c := tcp(t)
	for range 2 {
		if _, body, err := call(c, u, []byte("{}"), long); err != nil || body != "ok" {
			t.Fatalf("%q: %q %v", raw, body, err)
		}
	}
	return conns.Load()
}

func TestConnectionIsKeptOnlyAfterAWholeUnambiguousAnswer(t *testing.T) {
	for raw, want := range map[string]int32{
		okAnswer: 1,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n":    1,
		"HTTP/1.1 200 OK\r\nConnection: foo, Close\r\nContent-Length: 2\r\n\r\nok":     2,
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok":                               2,
		okAnswer + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged":                2,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nxyz": 2,
	} {
		if got := twice(t, raw); got != want {
			t.Errorf("%q: %d connections, want %d", raw, got, want)
		}
	}
}

func TestOldServerMayKeepItsConnection(t *testing.T) {
	conn := scriptOf("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok")
	if _, _, err := call(scripted(t, conn), upURL, nil, long); err != nil || conn.closed {
		t.Errorf("closed %v %v", conn.closed, err)
	}
}

func TestClosedBodyLetsGoOfTheConnection(t *testing.T) {
	for name, tc := range map[string]struct {
		raw  string
		read int
		kept bool
	}{
		"end of stream arrived": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 2, true},
		"a chunk arrived":       {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n3\r\nabc\r\n0\r\n\r\n", 1, true},
		"length arrived":        {okAnswer, 1, true},
		"stream goes on":        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n", 2, false},
		"length missing":        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", 2, false},
		"broken end":            {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n", 2, false},
	} {
		conn := scriptOf(tc.raw)
		a := &Response{}
		if err := scripted(t, conn).Do(context.Background(), &Request{Method: "POST", URL: upURL, Limits: long}, a); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(a, make([]byte, tc.read)); err != nil {
			t.Fatal(err)
		}
		a.Close()
		a.Close()
		if conn.closed == tc.kept {
			t.Errorf("%s: closed %v", name, conn.closed)
		}
		if n, err := a.Read(make([]byte, 1)); n != 0 || err == nil || err == io.EOF && tc.read == 1 {
			t.Errorf("%s: a closed body gave %d %v", name, n, err)
		}
	}
}

func TestEndThatArrivesAfterTheLastReadKeepsTheConnection(t *testing.T) {
	var conns atomic.Int32
	sent := make(chan bool)
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		conns.Add(1)
		for readRequest(r) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
			<-sent
			_, _ = io.WriteString(c, "0\r\n\r\n")
			sent <- true
		}
	})
	c := tcp(t)
	for range 2 {
		a := &Response{}
		if err := c.Do(context.Background(), &Request{Method: "POST", URL: u, Limits: long}, a); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(a, make([]byte, 2)); err != nil {
			t.Fatal(err)
		}
		sent <- true
		<-sent // on loopback, what was written has arrived
		a.Close()
	}
	if n := conns.Load(); n != 1 {
		t.Errorf("%d connections", n)
	}
}

func TestU08ConnectionThatTheServerClosedIsNotUsed(t *testing.T) {
	closed := make(chan bool, 1)
	u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
		for readRequest(r) {
			_, _ = io.WriteString(c, okAnswer)
			if n == 0 {
				c.Close()
				closed <- true
				return
			}
		}
	})
	c := tcp(t)
	for i := range 2 {
		if _, body, err := call(c, u, []byte("{}"), long); err != nil || body != "ok" {
			t.Fatalf("call %d: %q %v", i, body, err)
		}
		if i == 0 {
			<-closed
		}
	}
}

// kept is a client with one kept connection, first, that dials second next.
func kept(t *testing.T, first, second *script) *Client {
	t.Helper()
	c := scripted(t, first, second)
	if _, _, err := call(c, upURL, []byte("{}"), long); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestU08RequestThatMetTheClosingOfAKeptConnectionIsSentOnceMore(t *testing.T) {
	for name, closing := range map[string]script{
		"nothing was taken":         {refuse: syscall.EPIPE},
		"a part was taken":          {refuse: syscall.EPIPE, taken: 1},
		"a part, and then a reset":  {refuse: syscall.ECONNRESET, taken: 1, end: syscall.ECONNRESET},
		"all was taken, then reset": {end: syscall.ECONNRESET},
	} {
		first, second := scriptOf(okAnswer), scriptOf(okAnswer)
		c := kept(t, first, second)
		first.refuse, first.taken, first.end = closing.refuse, closing.taken, closing.end
		if _, body, err := call(c, upURL, []byte("{}"), long); err != nil || body != "ok" || second.writes != 1 || !first.closed {
			t.Errorf("%s: %q %v, %d writes on the new connection", name, body, err, second.writes)
		}
	}
}

func TestU08RequestThatTheUpstreamMayHaveWorkedOnIsNotSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, tc := range map[string]struct {
			begun string
			pause time.Duration
			end   error
		}{
			"a reset comes later":     {pause: crossing, end: syscall.ECONNRESET},
			"it closed after reading": {},
			"an answer had begun":     {begun: "HTTP/1.1 2"},
			"an interim answer came":  {begun: "HTTP/1.1 100 Continue\r\n\r\n"},
		} {
			first, second := scriptOf(okAnswer), scriptOf(okAnswer)
			c := kept(t, first, second)
			first.pause, first.end = tc.pause, tc.end
			if tc.begun != "" {
				first.pieces = [][]byte{[]byte(tc.begun)}
			}
			if _, _, err := call(c, upURL, []byte("{}"), long); err == nil || second.writes != 0 || !first.closed {
				t.Errorf("%s: %v, %d writes on the new connection", name, err, second.writes)
			}
		}
	})
}

func TestU08OnlyARequestThatWasNotTakenIsSentAgain(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells what the other side has taken")
	}
	for name, tc := range map[string]struct {
		crossing bool
		requests int32
	}{
		"closed while the request was on its way": {true, 2},
		"closed after the request was read":       {false, 2},
	} {
		var requests atomic.Int32
		leave, left := make(chan bool, 1), make(chan bool, 1)
		u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
			for i := 0; readRequest(r); i++ {
				if requests.Add(1); n == 0 && i == 1 {
					return // without an answer
				}
				_, _ = io.WriteString(c, okAnswer)
				if n == 0 && tc.crossing {
					<-leave
					c.Close()
					left <- true
					return
				}
			}
		})
		c := tcp(t)
		if _, _, err := call(c, u, []byte("{}"), long); err != nil {
			t.Fatal(err)
		}
		if kept := c.pool.hosts[targetOf(u)][0]; tc.crossing {
			look := kept.probe
			kept.probe = func(fd uintptr) {
				if look(fd); kept.open {
					leave <- true
					<-left
				}
			}
		}
		_, body, err := call(c, u, []byte("{}"), long)
		if again := err == nil && body == "ok"; again != tc.crossing || requests.Load() != tc.requests {
			t.Errorf("%s: %q %v, the upstream read %d requests", name, body, err, requests.Load())
		}
	}
}

func TestU08RequestOnANewConnectionIsNotSentAgain(t *testing.T) {
	first := &script{refuse: syscall.ECONNRESET}
	second := scriptOf(okAnswer)
	if _, _, err := call(scripted(t, first, second), upURL, nil, long); !errors.Is(err, syscall.ECONNRESET) || second.writes != 0 {
		t.Errorf("%v, %d writes", err, second.writes)
	}
}

func TestEarlyAnswerIsReadWhenTheRequestWasNotTaken(t *testing.T) {
	conn := &script{pieces: [][]byte{[]byte("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")}, refuse: syscall.EPIPE, taken: 5}
	a, body, err := call(scripted(t, conn), upURL, []byte("{}"), long)
	if err != nil || a.Status != 413 || body != "no" || !conn.closed {
		t.Errorf("%d %q closed %v %v", a.Status, body, conn.closed, err)
	}
}

func TestEarlyAnswerComesWhileALargeBodyIsNotRead(t *testing.T) {
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		if _, err := r.ReadString('\n'); err == nil {
			_, _ = io.WriteString(c, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
			<-t.Context().Done()
		}
	})
	a, body, err := call(tcp(t), u, make([]byte, 64<<20), long)
	if err != nil || a.Status != 413 || body != "no" {
		t.Errorf("%d %q %v", a.Status, body, err)
	}
}

func TestU21InterimAnswersDoNotEndALargeUpload(t *testing.T) {
	body := bytes.Repeat([]byte("0123456789abcdef"), 1<<20)
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		for {
			q, err := http.ReadRequest(r)
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n")
			got, err := io.ReadAll(q.Body)
			if err != nil || !bytes.Equal(got, body) {
				t.Errorf("the upstream got %d bytes, %v", len(got), err)
			}
			_, _ = io.WriteString(c, okAnswer)
		}
	})
	c := tcp(t)
	for range 3 {
		if _, text, err := call(c, u, body, long); err != nil || text != "ok" {
			t.Fatalf("%q %v", text, err)
		}
	}
}

func TestWaitingForAnUpstreamHoldsNoBuffer(t *testing.T) {
	u := server(t, func(_ int, _ *net.TCPConn, r *bufio.Reader) { _, _ = io.Copy(io.Discard, r) })
	nc, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	c := newConn(nil, targetOf(u), nc)
	defer nc.Close()
	c.obtain()
	if err := c.fill(time.Now(), blockSize); !timedOut(err) {
		t.Fatal(err)
	}
	if waitsEmpty && c.buf != nil {
		t.Error("an empty buffer was kept")
	}
}

// punctual is a dialler whose own clock ends the dial, before the context's does.
type punctual struct{ error }

func (punctual) Timeout() bool   { return true }
func (p punctual) Unwrap() error { return p.error }

func TestDialThatTheLimitOfTheAnswerEndsIsToldAsSuch(t *testing.T) {
	limits := Limits{Header: time.Second, Idle: time.Minute, Total: time.Minute}
	synctest.Test(t, func(t *testing.T) {
		c := client(t, func(ctx context.Context, _, _ string) (net.Conn, error) {
			end, _ := ctx.Deadline()
			time.Sleep(time.Until(end))
			return nil, punctual{io.ErrNoProgress}
		})
		for range 200 { // whichever of the two clocks is the first
			_, _, err := call(c, upURL, nil, limits)
			if late := (*TimeoutError)(nil); !errors.As(err, &late) || late.Stage != StageHeader {
				t.Fatal(err)
			}
		}
	})
}

func TestDialThatIsTooLateByItsOwnLimitIsNotTheUpstreamsAnswer(t *testing.T) {
	c := client(t, func(context.Context, string, string) (net.Conn, error) { return nil, punctual{io.ErrNoProgress} })
	_, _, err := call(c, upURL, nil, long)
	if late := (*TimeoutError)(nil); errors.As(err, &late) || !errors.Is(err, io.ErrNoProgress) {
		t.Error(err)
	}
}
