package http1

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
)

// SwitchError hands over a connection on which another protocol was agreed than
// HTTP/1.1 (HTTP/2, when [Client.TLS] offers it). Nothing was sent; the connection is
// the caller's, who must close it.
type SwitchError struct {
	Conn *tls.Conn
	link *link
}

// Error implements error.
func (e *SwitchError) Error() string {
	return "http1: the upstream speaks " + e.Conn.ConnectionState().NegotiatedProtocol
}

// Divert has everything that TLS writes from now on go to out instead of to the
// network. There, now writes what the system takes without a wait, which may be
// nothing, and slow waits. They must not be used both at once.
func (e *SwitchError) Divert(out io.Writer) (now func(p []byte) (int, error), slow io.Writer) {
	l := e.link
	l.out, l.fetch, l.offer = out, l.receiveAhead, l.try
	l.wide = l.raw != nil && waitsEmpty
	return l.writeOne, l.Conn
}

// handshake lays TLS upon a new connection.
func (c *conn) handshake(ctx context.Context, host string) error {
	config := c.owner.TLS.Clone()
	config.ServerName = host
	// A small request is one record, whatever was sent before.
	config.DynamicRecordSizingDisabled = true
	limit := c.owner.TLSTimeout
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &TimeoutError{StageTLS, limit})
	defer cancel()
	secure := tls.Client(&c.link, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		return err
	}
	c.secure, c.more = secure, true
	if p := secure.ConnectionState().NegotiatedProtocol; p != "" && p != "http/1.1" {
		return &SwitchError{secure, &c.link}
	}
	return nil
}

// take reads records into p as far as they have arrived, without waiting; more says
// afterwards whether TLS may have something left. The error is errNothing when there
// was nothing; another one comes again at the next read.
func (c *conn) take(p []byte) (n int, err error) {
	c.still = true
	for n < len(p) && err == nil {
		var m int
		m, err = c.secure.Read(p[n:])
		n += m
	}
	c.still = false
	c.more = !errors.Is(err, errNothing)
	if n > 0 {
		return n, nil
	}
	return n, err
}

// decrypt takes what has arrived into a new buffer; false means that it was nothing.
func (c *conn) decrypt() (bool, error) {
	c.obtain()
	n, err := c.take(c.buf)
	if c.end = n; n > 0 {
		return true, nil
	}
	c.drop()
	if err == errNothing {
		return false, nil
	}
	return false, err
}

// fillSecure waits for bytes without a buffer.
func (c *conn) fillSecure() error {
	for {
		if c.more {
			if some, err := c.decrypt(); some || err != nil {
				return err
			}
		}
		if err := c.raw.Read(c.arrive); err != nil && !c.early(err) {
			return err
		}
	}
}

// readNow fills an empty buffer with what has arrived, without waiting.
func (c *conn) readNow() {
	c.drop()
	if c.secure == nil {
		c.look()
		return
	}
	if c.more {
		if some, _ := c.decrypt(); some {
			return
		}
	}
	if c.look(); c.more {
		_, _ = c.decrypt() // an error comes again
	}
}

// readSecure waits for bytes and takes along what else has arrived.
func (c *conn) readSecure(p []byte) (int, error) {
	n, err := c.secure.Read(p)
	c.more = true
	if n == 0 || err != nil || n == len(p) {
		return n, err
	}
	m, _ := c.take(p[n:])
	return n + m, nil
}

// maxSettling bounds what is read of an idle connection.
const maxSettling = 4

// settled takes what a server says at the level of TLS when nobody asks: tickets, new
// keys. It reports whether there was no more than that.
func (c *conn) settled() bool {
	if !c.silent() {
		return false
	}
	for range maxSettling {
		if c.raw == nil || c.quiet() {
			return true
		}
		if c.look(); !c.silent() {
			return false
		}
	}
	return false
}

// silent reports whether what has been read has nothing for HTTP.
func (c *conn) silent() bool {
	if !c.more {
		return true
	}
	var b [1]byte
	n, err := c.take(b[:])
	return n == 0 && err == errNothing
}

// idle reports whether a kept connection is still open and says nothing.
func (c *conn) idle() bool {
	if c.secure != nil {
		return c.settled()
	}
	return c.quiet()
}

// leave closes a connection that is not in use, and says so to the server unless it
// would have to wait for that.
func (c *conn) leave() {
	if c.secure == nil {
		_ = c.Close()
		return
	}
	c.leaving = true
	_ = c.secure.Close()
}
