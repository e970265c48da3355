//go:build !linux

package http1

// untaken is not known here; then a request is not sent again.
func (c *conn) untaken() bool { return false }
