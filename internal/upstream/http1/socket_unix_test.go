//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import (
	"bufio"
	"crypto/tls"
	"syscall"
	"testing"
)

func TestTicketsAreNoAnswer(t *testing.T) {
	u := secureServer(t, func(_ int, c *tls.Conn, r *bufio.Reader) { repeating(c, r) })
	c := securedTCP(t)
	c.TLS.ClientSessionCache = tls.NewLRUClientSessionCache(1) // else it gets none
	cn, err := c.connect(t.Context(), &Request{URL: u})
	if err != nil {
		t.Fatal(err)
	}
	// The server's tickets come when it has seen the end of the handshake.
	_ = cn.raw.Read(func(fd uintptr) bool {
		n, _, _ := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return n > 0
	})
	for range 2 {
		if !cn.idle() {
			t.Error("a connection with tickets counts as dead")
		}
	}
	cn.release(true)
	if _, text, err := call(c, u, nil, long); err != nil || text != "ok" {
		t.Errorf("%q %v", text, err)
	}
}
