package http1

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"time"
)

// blockSize is the read buffer of a connection in use. One that is idle has none.
const blockSize = 4 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// target is where a connection leads to.
type target struct {
	host   string
	secure bool
}

// conn is a connection. It is used by one call at a time.
type conn struct {
	link
	secure *tls.Conn // upon the link, nil for plain http
	more   bool      // TLS may have something that has not been read
	owner  *Client
	to     target
	// abort closes the connection; kept, so that a call need not make it.
	abort     func()
	idleSince time.Time
	reused    bool

	// arrive is receive, kept as abort; failed is its error.
	arrive func(fd uintptr) bool
	failed error
	// probe is peek, kept as abort; open is what it found, peeked what it needs.
	probe  func(fd uintptr)
	open   bool
	peeked [1]byte
	// converse is askAt, kept as abort; asked is what came of it.
	converse func(fd uintptr) bool
	asked    asked

	block      *[blockSize]byte
	buf        []byte // the block, or something larger for a large header
	start, end int

	// writing is not nil when a goroutine writes the rest of a large body; it is
	// closed at its end, after which unwritten is its error.
	writing   chan struct{}
	unwritten error
}

func newConn(owner *Client, to target, nc net.Conn) *conn {
	c := &conn{link: newLink(nc), owner: owner, to: to, abort: func() { _ = nc.Close() }}
	c.arrive, c.probe, c.converse = c.receive, c.peek, c.askAt
	return c
}

// read reads into p, waiting no longer than until.
func (c *conn) read(p []byte, until time.Time) (int, error) {
	c.prepare(until)
	if c.secure != nil {
		return c.readSecure(p)
	}
	return c.link.Read(p)
}

// write writes p and returns how much of it was taken.
func (c *conn) write(p []byte, until time.Time) (int, error) {
	c.prepare(until)
	if c.secure == nil {
		return c.link.Write(p)
	}
	c.taken = 0
	n, err := c.secure.Write(p)
	if err != nil {
		n = c.taken
	}
	return n, err
}

// writeAll writes a request and returns how much of it was taken. Of a large one that is
// what the system takes at once; what remains is written by a goroutine, because an
// upstream that refuses a request may answer without reading it.
func (c *conn) writeAll(out *output, until time.Time) (int, error) {
	if len(out.rest) > 0 && c.secure == nil && c.raw != nil {
		return c.writeLarge(append([][]byte{out.first}, out.rest...))
	}
	n, err := c.write(out.first, until)
	if err == nil && len(out.rest) > 0 {
		c.writeApart(slices.Clone(out.rest))
	}
	return n, err
}

// writeLarge takes over the list. Its first piece is the caller's, and may be another
// request's after the call.
func (c *conn) writeLarge(pieces [][]byte) (int, error) {
	first := len(pieces[0])
	n, err := c.writeNow(pieces...)
	if err != nil {
		return n, err
	}
	pieces = after(pieces, n)
	if n < first {
		pieces[0] = slices.Clone(pieces[0])
	}
	if len(pieces) > 0 {
		c.writeApart(pieces)
	}
	return n, nil
}

// after returns what follows the first n bytes of pieces, which it changes.
func after(pieces [][]byte, n int) [][]byte {
	for len(pieces) > 0 && n >= len(pieces[0]) {
		n -= len(pieces[0])
		pieces = pieces[1:]
	}
	if len(pieces) > 0 {
		pieces[0] = pieces[0][n:]
	}
	return pieces
}

// writeApart writes in a goroutine. The list must not be the caller's, whose ends
// with the call: the goroutine may not.
func (c *conn) writeApart(pieces net.Buffers) {
	c.writing, c.unwritten, c.apart = make(chan struct{}), nil, true
	_ = c.SetWriteDeadline(time.Time{})
	to := io.Writer(c.Conn)
	if c.secure != nil {
		to = c.secure
	}
	go func() {
		defer close(c.writing)
		_, c.unwritten = pieces.WriteTo(to)
	}()
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
	if c.secure != nil {
		return c.fillSecure()
	}
	for {
		err := c.raw.Read(c.arrive)
		if err == nil {
			return c.failed
		}
		if !c.early(err) {
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
		_ = c.Close()
	}
	if c.writing != nil {
		<-c.writing // closing has ended it; the body is the caller's again
		c.writing, c.apart = nil, false
		c.armed = time.Time{}
	}
	c.drop()
	if keep {
		c.idleSince = time.Now()
		c.owner.pool.put(c)
	}
}
