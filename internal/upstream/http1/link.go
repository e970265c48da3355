package http1

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// link is the connection to the network, which TLS may lie upon.
type link struct {
	net.Conn
	raw syscall.RawConn // nil where the connection is not a socket
	// armed is the deadline that is set, zero for none. It may be earlier than the
	// limit of the moment, until, never later: what comes too early is set again, so
	// that most reads and writes set none.
	armed, until time.Time
	// apart says that a goroutine writes. Then only reads have a deadline: the call
	// ends the write by closing.
	apart bool
	// leaving has a write take no time.
	leaving bool
	// taken counts what was written of the last piece.
	taken int
	// out takes what is written, when it was diverted.
	out io.Writer
	// offer is try, kept so that a write need not make it; the others are what it
	// writes, and what came of it.
	offer   func(fd uintptr) bool
	offered []byte
	took    int
	refused error

	// still makes reads give what was read ahead and never wait.
	still bool
	// wide makes them read as much as there is, for TLS to take its records from.
	wide         bool
	fetch        func(fd uintptr) bool // receiveAhead, kept as offer
	ahead        *[aheadSize]byte      // nil for nothing
	first, after int
	ended        error // what comes after it
}

// aheadSize is a record of TLS, the largest there is.
const aheadSize = 16<<10 + 512

var aheads = sync.Pool{New: func() any { return new([aheadSize]byte) }}

func newLink(nc net.Conn) link {
	l := link{Conn: nc}
	if s, ok := nc.(syscall.Conn); ok {
		l.raw, _ = s.SyscallConn()
	}
	return l
}

func (l *link) arm(until time.Time) {
	l.armed = until
	if l.apart {
		_ = l.SetReadDeadline(until)
		return
	}
	_ = l.SetDeadline(until)
}

// prepare makes until the limit of what comes.
func (l *link) prepare(until time.Time) {
	l.until = until
	if l.armed.IsZero() || l.armed.After(until) {
		l.arm(until)
	}
}

// early reports whether an error is a deadline that passed before the limit; then
// the deadline is set to the limit.
func (l *link) early(err error) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(l.until) {
		return false
	}
	l.arm(l.until)
	return true
}

// Read implements net.Conn.
func (l *link) Read(p []byte) (int, error) {
	switch {
	case l.ahead != nil:
		return l.readAhead(p), nil
	case l.ended != nil:
		return 0, l.ended
	case l.still:
		return 0, errNothing
	case l.wide:
		return l.readWide(p)
	}
	for {
		n, err := l.Conn.Read(p)
		if n > 0 || err == nil || !l.early(err) {
			return n, err
		}
	}
}

// readWide waits for bytes without a buffer.
func (l *link) readWide(p []byte) (int, error) {
	if err := l.raw.Read(l.fetch); err != nil {
		return 0, err
	}
	return l.Read(p)
}

func (l *link) readAhead(p []byte) int {
	n := copy(p, l.ahead[l.first:l.after])
	if l.first += n; l.first == l.after {
		aheads.Put(l.ahead)
		l.ahead = nil
	}
	return n
}

// Write implements net.Conn.
func (l *link) Write(p []byte) (written int, err error) {
	if l.out != nil {
		return l.out.Write(p)
	}
	if l.leaving {
		if written, _ = l.writeNow(p); written < len(p) {
			err = errNothing
		}
		return written, err
	}
	for {
		n, err := l.Conn.Write(p[written:])
		written += n
		if err == nil || !l.early(err) {
			l.taken = written
			return written, err
		}
	}
}

// arrived notes what was read ahead into block, which it takes.
func (l *link) arrived(block *[aheadSize]byte, n int, err error) {
	if n > 0 {
		l.ahead, l.first, l.after = block, 0, n
		return
	}
	aheads.Put(block)
	if err == nil {
		err = io.EOF
	}
	l.ended = err
}

// nothing is the error of a read that may not wait. TLS takes it for a passing one.
type nothing struct{}

func (nothing) Error() string   { return "http1: nothing has arrived" }
func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

var errNothing error = nothing{}
