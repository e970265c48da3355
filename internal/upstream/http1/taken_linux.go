package http1

import "golang.org/x/sys/unix"

// closed is a connection's state after a reset (TCP_CLOSE of Linux).
const closed = 7

// untaken reports, of a connection that the other side has closed, whether its system
// has not acknowledged all that was written: the closing crossed the request, and
// nobody can have read it whole.
func (c *conn) untaken() bool {
	if c.raw == nil {
		return false
	}
	crossed := false
	_ = c.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		crossed = err == nil && (info.State == closed || info.Unacked > 0)
	})
	return crossed
}
