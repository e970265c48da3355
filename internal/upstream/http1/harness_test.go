package http1

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// long are limits that no test reaches.
var long = Limits{Header: time.Minute, Idle: time.Minute, Total: time.Hour}

// counted counts what is open, so that a test sees a descriptor that is left.
type counted struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// socket is counted with the system's handle, as a real connection has it.
type socket struct {
	*net.TCPConn
	counted
}

func (s *socket) Close() error                       { return s.counted.Close() }
func (s *socket) Read(p []byte) (int, error)         { return s.TCPConn.Read(p) }
func (s *socket) LocalAddr() net.Addr                { return s.TCPConn.LocalAddr() }
func (s *socket) RemoteAddr() net.Addr               { return s.TCPConn.RemoteAddr() }
func (s *socket) SetDeadline(t time.Time) error      { return s.TCPConn.SetDeadline(t) }
func (s *socket) SetReadDeadline(t time.Time) error  { return s.TCPConn.SetReadDeadline(t) }
func (s *socket) SetWriteDeadline(t time.Time) error { return s.TCPConn.SetWriteDeadline(t) }

func (s *socket) Write(p []byte) (int, error) { return s.TCPConn.Write(p) }

// client dials with dial and fails the test when a connection is left open.
func client(t testing.TB, dial func(ctx context.Context, network, address string) (net.Conn, error)) *Client {
	t.Helper()
	var open atomic.Int32
	c := &Client{IdleTimeout: time.Minute, MaxIdle: 100, MaxIdlePerHost: 50, MaxHeaderBytes: 64 << 10}
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		open.Add(1)
		if tcp, ok := nc.(*net.TCPConn); ok {
			return &socket{TCPConn: tcp, counted: counted{Conn: tcp, open: &open}}, nil
		}
		return &counted{Conn: nc, open: &open}, nil
	}
	t.Cleanup(func() {
		c.CloseIdle()
		if n := open.Load(); n != 0 {
			t.Errorf("%d connections are left open", n)
		}
	})
	return c
}

func tcp(t testing.TB) *Client { return client(t, new(net.Dialer).DialContext) }

// server serves each connection, which it counts, and ends with the test.
func server(t testing.TB, serve func(n int, c *net.TCPConn, r *bufio.Reader)) *url.URL {
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
				serve(n, conn.(*net.TCPConn), bufio.NewReader(conn))
			})
		}
	})
	t.Cleanup(func() { listener.Close(); wg.Wait() })
	return &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/v1/x"}
}

// readRequest takes one whole request off a connection.
func readRequest(r *bufio.Reader) bool {
	q, err := http.ReadRequest(r)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, q.Body)
	return err == nil
}

// call sends body and returns the answer and its whole body.
func call(c *Client, u *url.URL, body []byte, limits Limits) (*Response, string, error) {
	a := &Response{}
	if err := c.Do(context.Background(), &Request{Method: "POST", URL: u, Body: body, Limits: limits}, a); err != nil {
		return a, "", err
	}
	defer a.Close()
	text, err := io.ReadAll(a)
	return a, string(text), err
}

// waitFirst reads as whoever holds no buffer while it waits.
type waitFirst struct{ a *Response }

func (w waitFirst) Read(p []byte) (int, error) {
	if err := w.a.Wait(); err != nil {
		return 0, err
	}
	return w.a.Read(p)
}

// waitingCall is call with a Wait before every read.
func waitingCall(c *Client, u *url.URL, body []byte, limits Limits) (*Response, string, error) {
	a := &Response{}
	if err := c.Do(context.Background(), &Request{Method: "POST", URL: u, Body: body, Limits: limits}, a); err != nil {
		return a, "", err
	}
	defer a.Close()
	text, err := io.ReadAll(waitFirst{a})
	return a, string(text), err
}

// script is a connection that answers with pieces, and then with its end.
type script struct {
	pieces  [][]byte
	written bytes.Buffer
	writes  int
	// refuse is the error of a write, after this many bytes.
	refuse error
	taken  int
	// end is the error after the pieces, io.EOF when nil, and pause the time to it.
	end    error
	pause  time.Duration
	closed bool
}

func (s *script) Read(p []byte) (int, error) {
	if s.closed {
		return 0, net.ErrClosed
	}
	for len(s.pieces) > 0 {
		n := copy(p, s.pieces[0])
		if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
			s.pieces = s.pieces[1:]
		}
		if n > 0 {
			return n, nil
		}
	}
	time.Sleep(s.pause)
	if s.end != nil {
		return 0, s.end
	}
	return 0, io.EOF
}

func (s *script) Write(p []byte) (int, error) {
	s.writes++
	if s.refuse != nil {
		s.written.Write(p[:s.taken])
		return s.taken, s.refuse
	}
	return s.written.Write(p)
}

func (s *script) Close() error                     { s.closed = true; return nil }
func (s *script) LocalAddr() net.Addr              { return nil }
func (s *script) RemoteAddr() net.Addr             { return nil }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// scripted is a client whose dials lead to the connections, one after another.
func scripted(t testing.TB, conns ...*script) *Client {
	return client(t, func(context.Context, string, string) (net.Conn, error) {
		if len(conns) == 0 {
			return nil, io.ErrNoProgress
		}
		c := conns[0]
		conns = conns[1:]
		return c, nil
	})
}

var upURL = &url.URL{Scheme: "http", Host: "up", Path: "/v1/x"}
