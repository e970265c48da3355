//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package http1

// waitsEmpty: here a read needs a buffer.
const waitsEmpty = false

func (c *conn) receive(uintptr) bool { return true }

// readNow has nothing.
func (c *conn) readNow() {}

// writeNow leaves everything to a write that waits.
func (c *conn) writeNow(uintptr) bool { return true }
