package http1

import (
	"errors"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// ear hears of a client that leaves where no watcher does: while a handler runs it
// reads one byte ahead, as net/http does.
type ear struct {
	done    chan struct{} // nil when it does not listen
	byte    [1]byte
	heard   int
	silence atomic.Bool // it is to end
}

// listen begins when the whole request has been read.
func (c *conn) listen() {
	e := &c.ear
	if c.watched || e.done != nil {
		return
	}
	if !c.own.is() {
		c.armed = time.Time{}
		_ = c.nc.SetReadDeadline(c.armed)
	}
	e.done, e.heard = make(chan struct{}), 0
	e.silence.Store(false)
	go e.hear(c, e.done)
}

func (e *ear) hear(c *conn, done chan struct{}) {
	defer close(done)
	for {
		n, err := io.ReadFull(c.nc, e.byte[:])
		e.heard = n
		late := errors.Is(err, os.ErrDeadlineExceeded)
		switch {
		case n > 0 || late && e.silence.Load():
			return
		case !late || c.own.is():
			c.leave()
			return
		}
		// Shutdown meant the wait before this request. Who silences sets the deadline
		// last.
		_ = c.nc.SetReadDeadline(time.Time{})
		if e.silence.Load() {
			return
		}
	}
}

// silence ends it, and keeps what it has read.
func (c *conn) silence() {
	e := &c.ear
	if e.done == nil {
		return
	}
	e.silence.Store(true)
	_ = c.nc.SetReadDeadline(longAgo)
	<-e.done
	e.done = nil
	c.armed = time.Time{}
	_ = c.nc.SetReadDeadline(c.armed)
	if e.heard > 0 {
		c.unread(e.byte[0])
	}
}
