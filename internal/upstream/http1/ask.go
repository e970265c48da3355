package http1

import "time"

// asked is how far ask has come.
type asked struct {
	done bool // all is written, or nothing more can be
	gone bool // the connection had been closed before
}

// send writes a request, and returns how much of it was taken; unsent is why not all was.
// Of a small one it waits for the answer, too, whose begin is then in the buffer unless
// failed says what came instead.
func (c *conn) send(out *output, until time.Time) (n int, unsent, failed error) {
	if !c.asks() {
		n, unsent = c.writeAll(out, until)
		return n, unsent, nil
	}
	if len(out.rest) == 0 {
		return c.ask(out.first, until)
	}
	if c.reused && !c.quiet() {
		return 0, errGone, nil
	}
	n, unsent = c.writeAll(out, until)
	return n, unsent, nil
}

// asks reports whether sending looks itself whether the connection is open.
func (c *conn) asks() bool { return waitsEmpty && c.secure == nil && c.raw != nil }

// ask looks whether the connection is open, writes a request and waits for the answer,
// in one stay at the poller. So nothing that comes after the look is missed, and the
// read that finds nothing yet is saved.
func (c *conn) ask(request []byte, until time.Time) (n int, unsent, failed error) {
	c.asked, c.offered, c.took, c.refused = asked{}, request, 0, nil
	c.prepare(until)
	err := c.raw.Read(c.converse)
	for c.early(err) {
		err = c.raw.Read(c.converse)
	}
	c.offered = nil
	switch {
	case c.asked.gone:
		return 0, errGone, nil
	case err != nil && !c.asked.done:
		return c.took, err, nil
	case !c.asked.done:
		n, unsent = c.write(request[c.took:], until)
		return c.took + n, unsent, nil
	case err == nil && c.start == c.end:
		err = c.failed
	}
	return c.took, c.refused, err
}
