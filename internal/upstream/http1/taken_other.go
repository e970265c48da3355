//go:build !linux

package http1

// acknowledged cannot be told here.
func (c *conn) acknowledged() (all, known bool) { return false, false }
