package http1

import "golang.org/x/sys/unix"

// writePieces writes pieces in one call of the system.
func writePieces(fd int, pieces [][]byte) (int, error) { return unix.Writev(fd, pieces) }
