package http1

import (
	"errors"
	"net"
	"os"
	"time"
)

// output is the writing half of a connection.
type output struct {
	// stall is how long a client may take nothing of an answer: as long as it may be
	// idle, when no handler says otherwise.
	stall time.Duration
	// late is the write deadline that is set, zero for none.
	late time.Time
	// mine says that a handler has set the write deadline; it holds until the answer.
	mine ownDeadline
	// broken is the error of the first write that failed.
	broken error

	// push is writeNow, kept so that a write need not make it; it works on pending
	// and leaves its error in refused.
	push    func(fd uintptr) bool
	pending []byte
	refused error

	pieces  [3][]byte
	buffers net.Buffers
}

// send writes p. Mostly the system takes it at once, and no deadline is needed; a
// client that then takes nothing for the time of a stall is given up.
func (c *conn) send(p []byte) error {
	if c.broken != nil {
		return c.broken
	}
	if c.raw != nil {
		err := c.sendNow(&p)
		if err != nil {
			return c.fail(err)
		}
	}
	for len(p) > 0 {
		c.limitWrite()
		n, err := c.nc.Write(p)
		p = p[n:]
		if err != nil && !c.moved(n, err) {
			return c.fail(err)
		}
	}
	return nil
}

// sendNow writes what the system takes without waiting, and leaves the rest in p.
func (c *conn) sendNow(p *[]byte) error {
	c.pending, c.refused = *p, nil
	err := c.raw.Write(c.push)
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) && !c.mine.is() {
		err = nil // one of an earlier wait; the next wait has its own
	}
	if err == nil {
		err = c.refused
	}
	*p, c.pending = c.pending, nil
	return err
}

// sendAll writes several pieces in one write, without copying them.
func (c *conn) sendAll(pieces ...[]byte) error {
	if c.broken != nil {
		return c.broken
	}
	c.buffers = c.pieces[:copy(c.pieces[:], pieces)]
	defer func() { c.pieces, c.buffers = [3][]byte{}, nil }()
	for len(c.buffers) > 0 {
		c.limitWrite()
		n, err := c.buffers.WriteTo(c.nc)
		if err != nil && !c.moved(int(n), err) {
			return c.fail(err)
		}
	}
	return nil
}

// limitWrite sets the deadline of a write that may wait.
func (c *conn) limitWrite() {
	if c.mine.is() {
		return
	}
	var until time.Time
	if c.stall > 0 {
		until = time.Now().Add(c.stall)
	}
	if until != c.late {
		c.late = until
		_ = c.nc.SetWriteDeadline(until)
	}
}

// moved reports whether an error is a deadline that passed though the client took
// something.
func (c *conn) moved(n int, err error) bool {
	return n > 0 && errors.Is(err, os.ErrDeadlineExceeded) && !c.mine.is()
}

// fail remembers that nothing more can be written, and tells the handler as one
// tells it of a client that leaves.
func (c *conn) fail(err error) error {
	c.broken = err
	c.leave()
	return err
}

// settle takes back the deadlines that a handler has set, and its limits.
func (c *conn) settle() {
	if c.own.note(false) {
		c.arm(time.Time{})
	}
	if c.mine.note(false) {
		c.late = time.Time{}
		_ = c.nc.SetWriteDeadline(time.Time{})
	}
	c.stall = c.owner.IdleTimeout
}
