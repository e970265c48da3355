package http2

import "time"

// arm has the timer fire at this time, if not before.
func (c *Conn) arm(until time.Time) {
	if until.Before(c.due) {
		c.due = until
		c.timer.Reset(time.Until(until))
	}
}

// tick looks which limits have passed, and has the timer fire for the next.
func (c *Conn) tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	next := c.probe(now)
	for _, a := range c.streams {
		switch {
		case a.until.IsZero():
		case a.until.After(now):
			next = earlier(next, a.until)
		case a.closed:
			c.cancel(a, codeCancel, errClosed)
		default:
			c.cancel(a, codeCancel, a.late(now))
		}
	}
	if c.err != nil {
		return
	}
	c.due = next
	c.timer.Reset(next.Sub(now))
	c.flush(false)
}

// probe ends a connection that nobody has used for long, or that is dead, and asks one
// that is silent. It returns when to look again.
func (c *Conn) probe(now time.Time) time.Time {
	unused := len(c.streams) == 0 && c.reserved == 0
	asked, answer := c.heard.Add(c.options.PingAfter), c.pinged.Add(c.options.PingAfter)
	switch {
	case unused && !now.Before(c.used.Add(c.options.IdleTimeout)):
		c.end(errUnused)
	case !c.pinged.IsZero() && !now.Before(answer):
		c.end(errSilent)
	case c.pinged.IsZero() && !now.Before(asked):
		c.ping()
		answer = now.Add(c.options.PingAfter)
	}
	if !c.stuck.IsZero() && now.Sub(c.stuck) >= c.options.PingAfter {
		c.leaving = true // what cannot be written to is no use for more
	}
	next := asked
	if !c.pinged.IsZero() {
		next = answer
	}
	if unused {
		next = earlier(next, c.used.Add(c.options.IdleTimeout))
	}
	return next
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
