//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import (
	"io"
	"os"
	"slices"
	"syscall"
)

// quiet reports whether an idle connection is open and has nothing to read: a
// server that closed, or sent what nobody asked for, makes it useless.
func (c *conn) quiet() bool {
	return c.raw == nil || c.raw.Control(c.probe) == nil && c.open
}

// peek looks whether the connection is open and has nothing to read.
func (c *conn) peek(fd uintptr) {
	_, _, err := syscall.Recvfrom(int(fd), c.peeked[:], syscall.MSG_PEEK)
	c.open = err == syscall.EAGAIN || err == syscall.EINTR
}

// askAt is a step of ask: at first it looks and writes, then it reads; false means that
// nothing has come yet.
func (c *conn) askAt(fd uintptr) bool {
	if c.asked.done {
		return c.receive(fd)
	}
	c.probe(fd)
	if c.asked.gone = c.reused && !c.open; c.asked.gone {
		return true
	}
	c.try(fd)
	if c.asked.done = c.refused != nil || c.took == len(c.offered); !c.asked.done {
		return true
	}
	// What came before the stay is not told again; nor is an answer before a refusal.
	return (c.refused != nil || !c.open) && c.receive(fd)
}

// writeNow writes what the system takes without waiting, pieces in one call.
func (l *link) writeNow(pieces ...[]byte) (written int, err error) {
	if l.raw == nil {
		return 0, nil
	}
	// When the connection cannot be used, the goroutine's write will say so.
	_ = l.raw.Write(func(fd uintptr) bool {
		written, err = writeSome(int(fd), pieces)
		return true
	})
	return written, err
}

// writeOne is writeNow for the many writes of a connection that was handed over; it
// makes nothing anew.
func (l *link) writeOne(p []byte) (written int, err error) {
	if l.raw == nil {
		return 0, nil
	}
	l.offered, l.took, l.refused = p, 0, nil
	_ = l.raw.Write(l.offer)
	l.offered = nil
	return l.took, l.refused
}

func (l *link) try(fd uintptr) bool {
	for l.took < len(l.offered) {
		n, err := syscall.Write(int(fd), l.offered[l.took:])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			l.refused = os.NewSyscallError("write", err)
			return true
		default:
			l.took += n
		}
	}
	return true
}

func writeSome(fd int, pieces [][]byte) (written int, err error) {
	pieces = after(slices.Clone(pieces), 0) // without empty ones at the begin
	for len(pieces) > 0 {
		n, err := writePieces(fd, pieces[:min(len(pieces), maxPieces)])
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
			pieces = after(pieces, n)
		}
	}
	return written, nil
}

// maxPieces is how many pieces are written at once; systems take at least 1,024.
const maxPieces = 64

// waitsEmpty: waiting for bytes needs no buffer.
const waitsEmpty = true

// receive reads what has arrived, into a new buffer or, for TLS, ahead of it; false
// means that nothing has.
func (c *conn) receive(fd uintptr) bool {
	if c.secure != nil {
		some := c.receiveAhead(fd)
		c.more = c.more || some
		return some
	}
	c.obtain()
	n, err := readOnce(int(fd), c.buf)
	if err == syscall.EAGAIN {
		c.drop()
		return false
	}
	c.end, c.failed = max(n, 0), nil
	switch {
	case err != nil:
		c.failed = os.NewSyscallError("read", err)
	case n == 0:
		c.failed = io.EOF
	}
	return true
}

func (l *link) receiveAhead(fd uintptr) bool {
	block := aheads.Get().(*[aheadSize]byte)
	n, err := readOnce(int(fd), block[:])
	if err == syscall.EAGAIN {
		aheads.Put(block)
		return false
	}
	if err != nil {
		err = os.NewSyscallError("read", err)
	}
	l.arrived(block, n, err)
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

// look reads what has arrived, without waiting.
func (c *conn) look() {
	if c.raw != nil {
		_ = c.raw.Control(func(fd uintptr) { c.receive(fd) })
	}
}
