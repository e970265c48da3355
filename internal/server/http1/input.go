package http1

import (
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// blockSize is the size of the buffers: of what is read, and of an answer until it
// is written.
const blockSize = 4 << 10

// maxHeads bounds what the buffers that are larger than a block take of all connections
// together: slow clients with large headers are many, and bound by nothing else.
const maxHeads = 64 << 20

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input is the reading half of a connection. Its buffer is there only while it
// holds something.
type input struct {
	block      *[blockSize]byte
	buf        []byte // the block, or something larger for a large header
	large      int64  // the size of what is larger, counted in heads
	heads      *atomic.Int64
	start, end int

	// armed is the read deadline that is set, zero for none. It may be earlier than
	// the limit of the moment, never later: what comes too early is set again, so
	// that most waits set none.
	armed time.Time
	// surplus is how many bytes of a line end may come before the next request; 1 says
	// that its first half has come.
	surplus int
	// headUntil is the limit of a header; zero is for one whose first byte has just
	// come.
	headUntil time.Time
	// own says that a handler has set the deadline; it holds until the answer.
	own ownDeadline

	// arrive is receive, kept so that a wait need not make it; arrived is its error.
	arrive  func(fd uintptr) bool
	arrived error
}

// ownDeadline notes that a handler has set a deadline. It is shared, since handlers
// set deadlines in any goroutine.
type ownDeadline struct {
	mu  sync.Mutex
	set bool
}

func (o *ownDeadline) note(set bool) (before bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	before, o.set = o.set, set
	return before
}

func (o *ownDeadline) is() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.set
}

func (c *conn) buffered() []byte { return c.buf[c.start:c.end] }

func (c *conn) obtain() {
	c.block = blocks.Get().(*[blockSize]byte)
	c.buf = c.block[:]
}

// drop gives the buffer back; of a larger one nothing is kept.
func (c *conn) drop() {
	if c.block != nil {
		blocks.Put(c.block)
	}
	c.heads.Add(-c.large)
	c.block, c.buf, c.start, c.end, c.large = nil, nil, 0, 0, 0
}

// take counts bytes of the buffer as used.
func (c *conn) take(n int) {
	if c.start += n; c.start == c.end {
		c.drop()
	}
}

// await waits for the first byte of a request.
func (c *conn) await() bool {
	for c.arrives() {
		if !c.passLineEnd() {
			return true
		}
	}
	return false
}

func (c *conn) arrives() bool {
	if c.start < c.end {
		c.headUntil = time.Time{}
		return true
	}
	until := c.opened.Add(c.owner.HeaderTimeout)
	c.headUntil = until
	if c.phase.Load() != phaseFresh {
		c.phase.Store(phaseIdle)
		until, c.headUntil = time.Now().Add(c.owner.IdleTimeout), time.Time{}
	}
	err := c.fill(until, blockSize)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.readNow() // what came in time is answered, also when this process had no time to look
	}
	c.phase.Store(phaseActive)
	return c.start < c.end
}

// passLineEnd passes over a byte of the one line end that old clients send behind
// the body of a POST.
func (c *conn) passLineEnd() bool {
	if c.surplus == 0 || c.buf[c.start] != "\n\r"[c.surplus-1] {
		return false
	}
	c.surplus--
	c.take(1)
	return true
}

// waiting reports whether Shutdown may end the wait of this connection.
func (c *conn) waiting() bool { return c.phase.Load() != phaseActive && c.owner.closing.Load() }

// prepare sees to it that there is a deadline, no later than until. Zero is none.
func (c *conn) prepare(until time.Time) {
	if !until.IsZero() && (c.armed.IsZero() || c.armed.After(until)) {
		c.arm(until)
	}
}

func (c *conn) arm(until time.Time) {
	c.armed = until
	_ = c.nc.SetReadDeadline(until)
	if c.waiting() { // Shutdown may have set one that this has overwritten
		_ = c.nc.SetReadDeadline(longAgo)
	}
}

// early reports whether an error is a deadline that passed before the limit; then
// the deadline is set to the limit.
func (c *conn) early(err error, until time.Time) bool {
	if !errors.Is(err, os.ErrDeadlineExceeded) || c.waiting() || !until.IsZero() && !time.Now().Before(until) {
		return false
	}
	c.arm(until)
	return true
}

// read reads into p, waiting no longer than until, or than a handler has said.
func (c *conn) read(p []byte, until time.Time) (int, error) {
	if c.own.is() {
		return c.nc.Read(p)
	}
	c.prepare(until)
	for {
		n, err := c.nc.Read(p)
		if n > 0 || err == nil || !c.early(err, until) {
			return n, err
		}
	}
}

var (
	// errFull says that the buffer must not grow.
	errFull = errors.New("http1: the buffer is full")
	// errCrowded says that all buffers together must not.
	errCrowded = errors.New("http1: the buffers take too much")
)

// fill reads more into the buffer, making room first; the buffer grows up to
// limit bytes. An empty one is given back before the wait.
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
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// fillEmpty waits for bytes without a buffer.
func (c *conn) fillEmpty(until time.Time) error {
	own := c.own.is()
	if !own {
		c.prepare(until)
	}
	for {
		err := c.raw.Read(c.arrive)
		if err == nil {
			return c.arrived
		}
		if own || !c.early(err, until) {
			return err
		}
	}
}

func (c *conn) room(limit int) error {
	if c.start > 0 {
		c.end = copy(c.buf, c.buf[c.start:c.end])
		c.start = 0
		return nil
	}
	if len(c.buf) >= limit {
		return errFull
	}
	size := min(2*len(c.buf), max(limit, blockSize))
	if more := int64(size) - c.large; c.heads.Add(more) > maxHeads {
		c.heads.Add(-more)
		return errCrowded
	}
	c.large = int64(size)
	grown := make([]byte, size)
	copy(grown, c.buf[:c.end])
	if c.block != nil {
		blocks.Put(c.block)
		c.block = nil
	}
	c.buf = grown
	return nil
}

// unread puts a byte behind what is buffered.
func (c *conn) unread(b byte) {
	if c.buf == nil {
		c.obtain()
	}
	if c.end < len(c.buf) || c.room(2*len(c.buf)) == nil {
		c.buf[c.end] = b
		c.end++
		return
	}
	_ = c.nc.Close() // without the byte what follows would be another request
}
