package http2

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// output is what waits to be written.
type output struct{ b []byte }

// outputSize is what an output begins with: a record of TLS and some.
const outputSize = 17 << 10

var outputs = sync.Pool{New: func() any { return &output{make([]byte, 0, outputSize)} }}

func (o *output) free() {
	if cap(o.b) <= 2*maxPending {
		o.b = o.b[:0]
		outputs.Put(o)
	}
}

// output is where to append what is to be written; [Conn.write] takes the result.
func (c *Conn) output() *output {
	if c.pending == nil {
		c.pending = outputs.Get().(*output)
	}
	return c.pending
}

func (c *Conn) write(b []byte) { c.pending.b = b }

// answer appends an answer to something that the upstream asked; it fails when there
// are too many that it does not read.
func (c *Conn) answer(k kind, payload []byte) error {
	if c.control++; c.control > maxControl {
		return broke(codeEnhanceYourCalm, "the upstream asks and does not read the answers")
	}
	b := appendFrame(c.output().b, len(payload), k, flagAck, 0)
	c.write(append(b, payload...))
	return nil
}

// flush has what is pending written: by whoever writes already, else here and now.
// Before that, with patience, others may add to it that are about to run: together it
// is one record of TLS and one packet. c.mu is held, and let go of meanwhile.
func (c *Conn) flush(patience bool) {
	if c.writing || c.err != nil || c.pending == nil && len(c.senders) == 0 {
		return
	}
	c.writing = true
	if patience {
		c.mu.Unlock()
		runtime.Gosched()
		c.mu.Lock()
	}
	for n := 1; c.writeOnce(); n++ {
		if n == maxRounds {
			go c.drain()
			return
		}
	}
}

// maxRounds bounds what somebody writes of what others add to it meanwhile; his own call
// waits.
const maxRounds = 8

// writeOnce writes what is pending. It reports whether there may be more; else nobody
// writes any more, or a goroutine of its own does.
func (c *Conn) writeOnce() bool {
	c.pump()
	o := c.pending
	if o == nil || c.err != nil {
		c.writing = false
		return false
	}
	c.pending, c.control = nil, 0
	c.batch++
	c.mu.Unlock()
	_, err := c.out.Write(o.b)
	full := err == nil && c.spill.full()
	c.mu.Lock()
	o.free()
	if err != nil {
		c.end(err)
	}
	if c.err != nil {
		c.writing = false
		return false
	}
	if full {
		c.stuck = time.Now()
		go c.drain()
	}
	return !full
}

// drain goes on with a write that takes time, or with others'.
func (c *Conn) drain() {
	err := c.spill.drain()
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil && c.err != nil { // a last word may have come meanwhile
		c.mu.Unlock()
		err = c.spill.drain()
		c.mu.Lock()
	}
	c.stuck = time.Time{}
	if err != nil {
		c.end(err)
	}
	if c.err != nil {
		c.writing = false
		_ = c.nc.Close()
		return
	}
	for c.writeOnce() {
	}
}

// pump appends of the bodies of requests what there is room for, in turns.
func (c *Conn) pump() {
	for len(c.senders) > 0 && c.sendWindow > 0 {
		a := c.senders[0]
		room := maxPending
		if c.pending != nil {
			room -= len(c.pending.b)
		}
		n := min(a.left, maxFrame, a.sendWindow, c.sendWindow, int64(room))
		if n <= 0 && a.open && a.left > 0 && a.sendWindow > 0 {
			return
		}
		c.senders = slices.Delete(c.senders, 0, 1)
		a.queued = false
		if n > 0 {
			c.send(a, n)
			c.queue(a)
		}
	}
}

// queue has the rest of a request's body sent when its turn comes.
func (c *Conn) queue(a *Response) {
	if !a.queued && a.left > 0 && a.sendWindow > 0 {
		a.queued = true
		c.senders = append(c.senders, a)
	}
}

// send appends n bytes of a request's body.
func (c *Conn) send(a *Response, n int64) {
	a.left -= n
	a.sendWindow -= n
	c.sendWindow -= n
	flags := uint8(0)
	if a.left == 0 {
		flags = flagEndStream
	}
	b := appendFrame(c.output().b, int(n), kindData, flags, a.id)
	for n > 0 {
		if len(a.unsent) == 0 {
			a.unsent, a.rest = a.rest[0], a.rest[1:]
		}
		m := min(n, int64(len(a.unsent)))
		b, a.unsent = append(b, a.unsent[:m]...), a.unsent[m:]
		n -= m
	}
	c.write(b)
}
