//go:build darwin || freebsd || netbsd || openbsd || dragonfly

package http1

import "syscall"

// writePieces writes the first piece.
func writePieces(fd int, pieces [][]byte) (int, error) { return syscall.Write(fd, pieces[0]) }
