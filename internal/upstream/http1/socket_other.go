//go:build !(linux || darwin || freebsd || netbsd || openbsd || dragonfly)

package http1

// quiet cannot be told here: a closed connection is noticed when it is used.
func (c *conn) quiet() bool { return true }

func (c *conn) peek(uintptr) {}

// writeNow leaves everything to the goroutine.
func (l *link) writeNow(...[]byte) (int, error) { return 0, nil }

func (l *link) writeOne([]byte) (int, error) { return 0, nil }

func (l *link) try(uintptr) bool { return true }

// waitsEmpty: here a read needs a buffer.
const waitsEmpty = false

func (c *conn) receive(uintptr) bool { return true }

func (l *link) receiveAhead(uintptr) bool { return true }

func (c *conn) askAt(uintptr) bool { return true }

// look has nothing.
func (c *conn) look() {}
