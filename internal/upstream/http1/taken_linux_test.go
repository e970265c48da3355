package http1

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"syscall"
	"testing"
)

func TestU08ARequestThatWasReadBeforeAResetIsNotSentAgain(t *testing.T) {
	var requests atomic.Int32
	u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
		for i := 0; readRequest(r); i++ {
			if requests.Add(1); n == 0 && i == 1 {
				acknowledge(t, c)
				_ = c.SetLinger(0) // the close is a reset
				return
			}
			_, _ = io.WriteString(c, okAnswer)
		}
	})
	c := tcp(t)
	if _, _, err := call(c, u, []byte("{}"), long); err != nil {
		t.Fatal(err)
	}
	if _, body, err := call(c, u, []byte("{}"), long); !errors.Is(err, syscall.ECONNRESET) || requests.Load() != 2 {
		t.Errorf("%q %v, the upstream read %d requests", body, err, requests.Load())
	}
}

// acknowledge makes the system acknowledge what was read, as it does by itself after
// 40 ms at most.
func acknowledge(t *testing.T, c *net.TCPConn) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Error(err)
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if err := syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1); err != nil {
			t.Error(err)
		}
	})
}
