//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import (
	"io"
	"net"
	"os"
	"syscall"
)

// waitsEmpty: waiting for bytes needs no buffer.
const waitsEmpty = true

// receive reads what has arrived into a new buffer; false means that nothing has.
func (c *conn) receive(fd uintptr) bool {
	c.obtain()
	n, err := readOnce(int(fd), c.buf)
	if err == syscall.EAGAIN {
		c.drop()
		return false
	}
	c.end, c.arrived = max(n, 0), nil
	switch {
	case err != nil:
		c.arrived = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", err)}
	case n == 0:
		c.arrived = io.EOF
	}
	return true
}

func readOnce(fd int, p []byte) (int, error) {
	for {
		n, err := syscall.Read(fd, p)
		if err != syscall.EINTR {
			return n, err
		}
	}
}

// readNow fills an empty buffer with what has arrived, without waiting.
func (c *conn) readNow() {
	c.drop()
	if c.raw != nil {
		_ = c.raw.Control(func(fd uintptr) { c.receive(fd) })
	}
}

// writeNow writes of the pending bytes what the system takes without waiting.
func (c *conn) writeNow(fd uintptr) bool {
	for len(c.pending) > 0 {
		n, err := syscall.Write(int(fd), c.pending)
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			c.refused = os.NewSyscallError("write", err)
			return true
		default:
			c.pending = c.pending[n:]
		}
	}
	return true
}
