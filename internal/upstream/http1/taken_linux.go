package http1

import "golang.org/x/sys/unix"

// closed is a connection's state after a reset (TCP_CLOSE of Linux).
const closed = 7

// acknowledged reports, of a connection that the other side has closed or reset, whether
// its system has acknowledged all that was written. Without that the closing crossed the
// request, and nobody can have read it whole.
func (c *conn) acknowledged() (all, known bool) {
	if c.raw == nil {
		return false, false
	}
	_ = c.raw.Control(func(fd uintptr) {
		info, err := unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO)
		switch {
		case err != nil:
		case info.Bytes_sent == 0: // before Linux 4.19 nobody counted
			known = info.State == closed || info.Unacked > 0
		default: // the first byte that was acknowledged is the SYN
			all, known = info.Bytes_acked > info.Bytes_sent-info.Bytes_retrans, true
		}
	})
	return all, known
}
