package http2

import (
	"net"
	"sync"
	"time"
)

// corked writes the header of a request together with the begin of its body: net/http
// writes them one after the other, each a record of TLS and a packet.
type corked struct {
	net.Conn

	mu      sync.Mutex
	held    []byte
	timer   *time.Timer
	ticking bool
	err     error
}

// holdFor is how long a header waits for the body, which may not come: when the
// upstream has no room for it.
const holdFor = time.Millisecond

// maxJoined bounds what is written in one piece; it is a record of TLS.
const maxJoined = 16 << 10

func newCorked(nc net.Conn) *corked {
	c := &corked{Conn: nc}
	c.timer = time.AfterFunc(time.Hour, c.tick)
	c.timer.Stop()
	return c
}

// Write implements net.Conn. An error of what was held comes with the next piece.
func (c *corked) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	if hold := announces(p); hold && len(c.held)+len(p) <= maxJoined {
		c.held = append(c.held, p...)
		if !c.ticking {
			c.ticking = true
			c.timer.Reset(holdFor)
		}
		return len(p), nil
	}
	if len(c.held) == 0 {
		return c.Conn.Write(p)
	}
	if len(c.held)+len(p) > maxJoined {
		if c.flush(); c.err != nil {
			return 0, c.err
		}
		return c.Conn.Write(p)
	}
	c.held = append(c.held, p...)
	if c.flush(); c.err != nil {
		return 0, c.err
	}
	return len(p), nil
}

func (c *corked) flush() {
	if len(c.held) > 0 {
		_, c.err = c.Conn.Write(c.held)
		c.held = c.held[:0]
	}
}

func (c *corked) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticking = false
	c.flush()
}

// Close implements net.Conn.
func (c *corked) Close() error {
	c.timer.Stop()
	return c.Conn.Close()
}

// announces reports whether a piece is the header of a request and nothing else, whose
// body is to follow: one frame HEADERS with END_HEADERS, without END_STREAM (RFC 9113,
// section 6.2). What only looks so waits for a moment.
func announces(p []byte) bool {
	const headerSize, headers, endStream, endHeaders = 9, 1, 1, 4
	return len(p) > headerSize && int(p[0])<<16|int(p[1])<<8|int(p[2]) == len(p)-headerSize &&
		p[3] == headers && p[4]&(endStream|endHeaders) == endHeaders
}
