//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/url"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// keptConn is the one unused connection of a client.
func keptConn(t *testing.T, c *Client) *conn {
	t.Helper()
	for _, list := range c.pool.hosts {
		if len(list) == 1 {
			return list[0]
		}
	}
	t.Fatal("no connection is kept")
	return nil
}

// polite is a server that answers every request.
func polite(t *testing.T) *url.URL {
	return server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		for readRequest(r) {
			_, _ = io.WriteString(c, okAnswer)
		}
	})
}

func TestU08KeptConnectionsThatWereClosedArePassedOver(t *testing.T) {
	const kept = 3
	var asked, on atomic.Int32
	all, leave, left := make(chan bool), make(chan bool), make(chan bool)
	u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
		for i := 0; readRequest(r); i++ {
			if on.Add(1); n < kept && asked.Add(1) == kept {
				close(all)
			}
			if n < kept {
				<-all
			}
			_, _ = io.WriteString(c, okAnswer)
			if n < kept {
				<-leave
				c.Close()
				left <- true
				return
			}
		}
	})
	c := tcp(t)
	done := make(chan error)
	for range kept {
		go func() { _, _, err := call(c, u, []byte("{}"), long); done <- err }()
	}
	for range kept {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	close(leave)
	for range kept {
		<-left
	}
	if _, body, err := call(c, u, []byte("{}"), long); err != nil || body != "ok" || on.Load() != kept+1 {
		t.Errorf("%q %v, the upstream read %d requests", body, err, on.Load())
	}
}

func TestAnswerThatComesBeforeTheRequestIsRead(t *testing.T) {
	u := server(t, func(_ int, c *net.TCPConn, r *bufio.Reader) {
		_, _ = io.WriteString(c, "HTTP/1.1 503 Busy\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
		_ = c.CloseWrite()
		_, _ = io.Copy(io.Discard, r)
	})
	c := tcp(t)
	dial := c.Dial
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		nc, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		awaitReadable(t, nc.(*socket).TCPConn)
		return nc, nil
	}
	if a, body, err := call(c, u, []byte("{}"), long); err != nil || a.Status != 503 || body != "no" {
		t.Errorf("%d %q %v", a.Status, body, err)
	}
}

// awaitReadable returns when a connection has something to read, which it leaves there.
func awaitReadable(t *testing.T, nc *net.TCPConn) {
	t.Helper()
	c := newConn(nil, target{}, nc)
	_ = c.raw.Read(func(fd uintptr) bool { c.peek(fd); return !c.open })
}

func TestWordsThatNobodyAskedForEndAKeptConnection(t *testing.T) {
	spoken := make(chan bool, 1)
	u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
		for readRequest(r) {
			_, _ = io.WriteString(c, okAnswer)
			if n == 0 {
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
				spoken <- true
			}
		}
	})
	c := tcp(t)
	if _, _, err := call(c, u, []byte("{}"), long); err != nil {
		t.Fatal(err)
	}
	<-spoken
	for _, list := range c.pool.hosts {
		for _, cn := range list {
			awaitReadable(t, cn.Conn.(*socket).TCPConn)
		}
	}
	if _, body, err := call(c, u, []byte("{}"), long); err != nil || body != "ok" {
		t.Errorf("%q %v", body, err)
	}
}

func TestADeadlineOfAnEarlierCallDoesNotEndAnother(t *testing.T) {
	u := polite(t)
	c := tcp(t)
	if _, _, err := call(c, u, []byte("{}"), long); err != nil {
		t.Fatal(err)
	}
	cn := keptConn(t, c)
	cn.arm(time.Now().Add(-time.Second))
	if _, body, err := call(c, u, []byte("{}"), long); err != nil || body != "ok" {
		t.Errorf("%q %v", body, err)
	}
	if keptConn(t, c) != cn {
		t.Error("the connection was not kept")
	}
}

func TestARequestThatTheSystemDoesNotTakeAtOnceIsWrittenWhole(t *testing.T) {
	u := polite(t)
	c := tcp(t)
	if _, _, err := call(c, u, []byte("{}"), long); err != nil {
		t.Fatal(err)
	}
	cn := keptConn(t, c)
	cn.converse = func(fd uintptr) bool {
		cn.took, _ = syscall.Write(int(fd), cn.offered[:20])
		return true // as when the system has no more room
	}
	if _, body, err := call(c, u, []byte("{}"), long); err != nil || body != "ok" {
		t.Errorf("%q %v", body, err)
	}
}
