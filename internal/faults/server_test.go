//go:build unix

package faults

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// call is one request at an upstream that is a script.
type call struct {
	net.Conn
	in     *bufio.Reader
	format *format
	stream bool
	seed   int
	rng    *rand.Rand
	// nth is which request of its connection this is, from 0.
	nth  int
	over <-chan struct{} // closed at the end of the test
}

// script answers a request; the connection is closed after it unless it returns true.
type script func(c *call) bool

// server is an upstream that is a script of raw bytes.
type server struct {
	addr string
	hits atomic.Int64 // requests that arrived
}

var seeded = regexp.MustCompile(`seed=(\d+)`)

// serve starts an upstream; secure, when not nil, is its side of TLS.
func serve(t testing.TB, do script, secure *tls.Config) *server {
	t.Helper()
	s := &server{}
	over := make(chan struct{})
	var listening func()
	s.addr, listening = listen(t, secure, func(conn net.Conn) { s.converse(conn, do, over) })
	t.Cleanup(func() {
		close(over)
		listening()
	})
	return s
}

// listen serves every connection in its own goroutine until stop is called, which
// waits for all of them.
func listen(t testing.TB, secure *tls.Config, serve func(net.Conn)) (addr string, stop func()) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr = ln.Addr().String()
	if secure != nil {
		ln = tls.NewListener(ln, secure)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			all.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	return addr, func() {
		ln.Close()
		all.Wait()
	}
}

func (s *server) converse(conn net.Conn, do script, over <-chan struct{}) {
	in := bufio.NewReader(conn)
	for nth := 0; ; nth++ {
		req, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		body, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		s.hits.Add(1)
		c := &call{Conn: counting{conn, new(atomic.Int64)}, in: in, nth: nth, over: over}
		c.understand(req.URL.Path, string(body))
		if !do(c) {
			return
		}
	}
}

// counting counts what a script wrote.
type counting struct {
	net.Conn
	n *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.n.Add(int64(n))
	return n, err
}

func (c *call) understand(path, body string) {
	switch {
	case strings.HasSuffix(path, "/messages"):
		c.format = &messagesFormat
	case strings.HasSuffix(path, "/responses"):
		c.format = &responsesFormat
	case strings.Contains(path, "enerateContent"):
		c.format = &geminiFormat
	default:
		c.format = &chatFormat
	}
	c.stream = strings.Contains(path, ":stream") || strings.Contains(strings.ReplaceAll(body, " ", ""), `"stream":true`)
	if m := seeded.FindStringSubmatch(body); m != nil {
		c.seed, _ = strconv.Atoi(m[1])
	}
	c.rng = rand.New(rand.NewPCG(uint64(c.seed), uint64(len(c.format.name))))
}

// send writes text; one that the gateway no longer takes is no failure of a script.
func (c *call) send(text string) bool {
	_, err := io.WriteString(c.Conn, text)
	return err == nil
}

// body is the right answer, as an answer of this kind or as the events of a stream.
func (c *call) body() []string {
	if c.stream {
		return c.format.events(said)
	}
	return []string{c.format.whole(said)}
}

// head are the status line and the header of an answer in chunks or, given a length,
// of that length.
func (c *call) head(length int, lines ...string) string {
	kind := "application/json"
	if c.stream {
		kind = "text/event-stream"
	}
	framing := "Transfer-Encoding: chunked"
	if length >= 0 {
		framing = fmt.Sprintf("Content-Length: %d", length)
	}
	return "HTTP/1.1 200 OK\r\n" + strings.Join(append(lines, "Content-Type: "+kind, framing), "\r\n") + "\r\n\r\n"
}

func chunk(s string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(s), s) }

const lastChunk = "0\r\n\r\n"

// answer is the right answer as raw bytes: its head and its body.
func (c *call) answer() (head, body string) {
	if !c.stream {
		body = c.format.whole(said)
		return c.head(len(body)), body
	}
	for _, ev := range c.body() {
		body += chunk(ev)
	}
	return c.head(-1), body + lastChunk
}

// healthy answers rightly.
func healthy(c *call) bool {
	head, body := c.answer()
	return c.send(head + body)
}

// status answers with a status and a body that is no stream.
func status(code int, body, kind string, lines ...string) string {
	return fmt.Sprintf("HTTP/1.1 %d %s\r\n", code, http.StatusText(code)) +
		strings.Join(append(lines, "Content-Type: "+kind, fmt.Sprintf("Content-Length: %d", len(body))), "\r\n") + "\r\n\r\n" + body
}

// gone waits until the gateway has closed the connection.
func (c *call) gone() bool {
	_, _ = io.Copy(io.Discard, c.in)
	return false
}

// reset ends the connection with a reset.
func (c *call) reset() bool {
	conn := c.Conn.(counting).Conn
	if t, ok := conn.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	conn.Close()
	return false
}

// drip sends text in pieces with a pause before each, until the gateway takes no more.
func (c *call) drip(text string, size int, pause time.Duration) bool {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for text != "" {
		select {
		case <-tick.C:
		case <-c.over:
			return false
		}
		n := min(size, len(text))
		if !c.send(text[:n]) {
			return false
		}
		text = text[n:]
	}
	return true
}

// endless sends text again and again, until the gateway takes no more.
func (c *call) endless(text string, most int64) bool {
	for sent := int64(0); sent < most; sent += int64(len(text)) {
		if !c.send(text) {
			return false
		}
	}
	return false
}
