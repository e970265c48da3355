//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import "syscall"

// quiet reports whether an idle connection is open and has nothing to read: a
// server that closed, or sent what nobody asked for, makes it useless.
func (c *conn) quiet() bool {
	if c.raw == nil {
		return true
	}
	open := false
	err := c.raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK)
		open = err == syscall.EAGAIN || err == syscall.EINTR
	})
	return err == nil && open
}

// writeNow writes what the system takes without waiting.
func (c *conn) writeNow(p []byte) (written int, err error) {
	if c.raw == nil {
		return 0, nil
	}
	// When the connection cannot be used, the goroutine's write will say so.
	_ = c.raw.Write(func(fd uintptr) bool {
		written, err = writeAll(int(fd), p)
		return true
	})
	return written, err
}

func writeAll(fd int, p []byte) (written int, err error) {
	for written < len(p) {
		n, err := syscall.Write(fd, p[written:])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return written, nil
		case err != nil:
			return written, err
		case n == 0:
			return written, nil
		default:
			written += n
		}
	}
	return written, nil
}

// readNow reads what has arrived, without waiting.
func (c *conn) readNow(p []byte) (n int) {
	if c.raw == nil {
		return 0
	}
	_ = c.raw.Control(func(fd uintptr) {
		n, _ = syscall.Read(int(fd), p)
	})
	return max(n, 0)
}
