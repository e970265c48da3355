package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience ends what would otherwise hang a failing test; nothing is measured by
// it.
const patience = 2 * time.Minute

// note is a log that tests look into.
type note struct {
	mu sync.Mutex
	b  strings.Builder
}

func (n *note) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *note) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

func newServer(h http.HandlerFunc) (*Server, *note) {
	log := &note{}
	return &Server{
		Handler: h, HeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}, log
}

// server runs on a loopback port until the test ends; then no connection may be
// left.
type server struct {
	*Server
	t    testing.TB
	addr string
	log  *note
}

func start(t testing.TB, h http.HandlerFunc) *server {
	t.Helper()
	s, log := newServer(h)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve ended with %v", err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("connections are left: %v", err)
		}
	})
	return &server{s, t, ln.Addr().String(), log}
}

// client is a raw connection.
type client struct {
	*net.TCPConn
	t testing.TB
	r *bufio.Reader
}

func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &client{c.(*net.TCPConn), t, bufio.NewReader(c)}
}

func (s *server) dial() *client {
	s.t.Helper()
	return dial(s.t, s.addr)
}

func (c *client) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads one answer.
func (c *client) answer(method string) (*http.Response, string) {
	c.t.Helper()
	a, err := http.ReadResponse(c.r, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	b, err := io.ReadAll(a.Body)
	if err != nil {
		c.t.Fatalf("after %q: %v", b, err)
	}
	return a, string(b)
}

// all reads until the server closes.
func (c *client) all() string {
	c.t.Helper()
	b, err := io.ReadAll(c.r)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal(err)
	}
	return string(b)
}

// until waits for ch, or fails the test.
func until[T any](t testing.TB, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("this never happened: %s", what)
		panic(what)
	}
}

// script is a connection that gives its pieces, and then its end.
type script struct {
	mu      sync.Mutex
	pieces  [][]byte
	written strings.Builder
	closed  bool
}

func (s *script) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.pieces) > 0 {
		n := copy(p, s.pieces[0])
		if s.pieces[0] = s.pieces[0][n:]; len(s.pieces[0]) == 0 {
			s.pieces = s.pieces[1:]
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, io.EOF
}

func (s *script) Write(p []byte) (int, error) { return s.written.Write(p) }

func (s *script) Close() error                     { s.closed = true; return nil }
func (s *script) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (s *script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }

// seen is what a handler sees of a request.
type seen struct{ Head, Header, Body string }

func see(r *http.Request) seen {
	header := r.Header.Clone()
	header.Del("Host")
	b, err := io.ReadAll(r.Body)
	return seen{
		Head: fmt.Sprintf("%s %s %s %d.%d host %q length %d %v close %v url %#v", r.Method, r.RequestURI, r.Proto, r.ProtoMajor, r.ProtoMinor,
			r.Host, r.ContentLength, r.TransferEncoding, r.Close, *r.URL),
		Header: lines(header),
		Body:   fmt.Sprintf("%q %v %s", b, err, lines(r.Trailer)),
	}
}

func lines(h http.Header) string {
	out := make([]string, 0, len(h))
	for name, values := range h {
		out = append(out, fmt.Sprintf("%s: %q", name, values))
	}
	sort.Strings(out)
	return strings.Join(out, "\n")
}

// feed serves pieces without a network and returns what the handler saw, and the
// answers.
func feed(pieces ...string) ([]seen, string) {
	var all []seen
	s, _ := newServer(func(_ http.ResponseWriter, r *http.Request) { all = append(all, see(r)) })
	s.users = 2 // nobody is to close it
	conn := &script{}
	for _, p := range pieces {
		conn.pieces = append(conn.pieces, []byte(p))
	}
	newConn(s, conn).serve()
	return all, conn.written.String()
}
