package http1

import (
	"errors"
	"net"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"
)

// blockSize is the read buffer of a connection in use. One that is idle has none.
const blockSize = 4 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// conn is a connection. It is used by one call at a time.
type conn struct {
	nc    net.Conn
	raw   syscall.RawConn // nil where the connection is not a socket
	owner *Client
	host  string
	// abort closes the connection; kept, so that a call need not make it.
	abort     func()
	idleSince time.Time
	reused    bool
	// armed is the deadline that is set, zero for none. It may be earlier than the
	// limit of the moment, never later: what comes too early is set again, so that
	// most reads set none.
	armed time.Time

	// arrive is receive, kept as abort; arrived is its error.
	arrive  func(fd uintptr) bool
	arrived error

	block      *[blockSize]byte
	buf        []byte // the block, or something larger for a large header
	start, end int

	// writing is not nil when a goroutine writes the rest of a large body; it is
	// closed at its end, after which unwritten is its error.
	writing   chan struct{}
	unwritten error
}

func newConn(owner *Client, host string, nc net.Conn) *conn {
	c := &conn{nc: nc, owner: owner, host: host, abort: func() { _ = nc.Close() }}
	if s, ok := nc.(syscall.Conn); ok {
		c.raw, _ = s.SyscallConn()
	}
	c.arrive = c.receive
	return c
}

// arm sets the deadline. While a goroutine writes, only reads have one: the call
// ends the write by closing.
func (c *conn) arm(until time.Time) {
	c.armed = until
	if c.writing != nil {
		_ = c.nc.SetReadDeadline(until)
		return
	}
	_ = c.nc.SetDeadline(until)
}

// early reports whether an error is a deadline that passed before the limit; then
// the deadline is set to the limit.
func (c *conn) early(err error, until time.Time) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(until) {
		return false
	}
	c.arm(until)
	return true
}

func (c *conn) prepare(until time.Time) {
	if c.armed.IsZero() || c.armed.After(until) {
		c.arm(until)
	}
}

// read reads into p, waiting no longer than until.
func (c *conn) read(p []byte, until time.Time) (int, error) {
	c.prepare(until)
	for {
		n, err := c.nc.Read(p)
		if n > 0 || err == nil || !c.early(err, until) {
			return n, err
		}
	}
}

// write writes p and returns how much of it was taken.
func (c *conn) write(p []byte, until time.Time) (written int, err error) {
	c.prepare(until)
	for {
		n, err := c.nc.Write(p[written:])
		written += n
		if err == nil || !c.early(err, until) {
			return written, err
		}
	}
}

// writeRest writes the rest of a large body: what the system takes at once, and
// what remains in a goroutine, because an upstream that refuses a request may
// answer without reading it.
func (c *conn) writeRest(pieces [][]byte) error {
	for i, p := range pieces {
		n, err := c.writeNow(p)
		if err != nil {
			return err
		}
		if n == len(p) {
			continue
		}
		c.writing, c.unwritten = make(chan struct{}), nil
		_ = c.nc.SetWriteDeadline(time.Time{})
		// The list is the caller's and ends with the call; the goroutine may not.
		go c.writeOn(slices.Concat([][]byte{p[n:]}, pieces[i+1:]))
		return nil
	}
	return nil
}

func (c *conn) writeOn(pieces net.Buffers) {
	defer close(c.writing)
	_, c.unwritten = pieces.WriteTo(c.nc)
}

// written reports whether the whole request was sent.
func (c *conn) written() bool {
	if c.writing == nil {
		return true
	}
	select {
	case <-c.writing:
		return c.unwritten == nil
	default:
		return false
	}
}

// fill reads more into the buffer, making room first; the buffer grows up to
// limit bytes, where it is full with [errFull]. An empty one is given back before
// the wait: an upstream may think for minutes.
func (c *conn) fill(until time.Time, limit int) error {
	if c.start == c.end {
		c.drop()
	}
	if c.buf == nil && c.raw != nil && waitsEmpty {
		return c.fillEmpty(until)
	}
	if c.buf == nil {
		c.obtain()
	} else if c.end == len(c.buf) {
		if err := c.room(limit); err != nil {
			return err
		}
	}
	n, err := c.read(c.buf[c.end:], until)
	c.end += n
	if n > 0 {
		return nil
	}
	return err
}

// fillEmpty waits for bytes without a buffer.
func (c *conn) fillEmpty(until time.Time) error {
	c.prepare(until)
	for {
		err := c.raw.Read(c.arrive)
		if err == nil {
			return c.arrived
		}
		if !c.early(err, until) {
			return err
		}
	}
}

func (c *conn) obtain() {
	c.block = blocks.Get().(*[blockSize]byte)
	c.buf = c.block[:]
}

// drop gives the buffer back; of a larger one nothing is kept.
func (c *conn) drop() {
	if c.block != nil {
		blocks.Put(c.block)
	}
	c.block, c.buf, c.start, c.end = nil, nil, 0, 0
}

var errFull = errors.New("http1: the buffer is full")

func (c *conn) room(limit int) error {
	if c.start > 0 {
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
		return nil
	}
	if len(c.buf) >= limit {
		return errFull
	}
	grown := make([]byte, min(2*len(c.buf), max(limit, blockSize)))
	copy(grown, c.buf)
	c.buf = grown
	return nil
}

func (c *conn) buffered() []byte { return c.buf[c.start:c.end] }

// release ends the use of the connection: it is kept, or closed.
func (c *conn) release(keep bool) {
	if !keep {
		c.nc.Close()
	}
	if c.writing != nil {
		<-c.writing // closing has ended it; the body is the caller's again
		c.writing = nil
		c.armed = time.Time{}
	}
	c.drop()
	if keep {
		c.idleSince = time.Now()
		c.owner.pool.put(c)
	}
}
