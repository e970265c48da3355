//go:build !unix

package main

import (
	"errors"
	"syscall"
)

// There are no such signals here; bench measures on Linux.
const (
	sigReload = syscall.SIGHUP
	sigFreeze = syscall.Signal(0)
	sigThaw   = syscall.Signal(0)
)

func send(int, syscall.Signal) error {
	return errors.New("signals of Unix are needed for this measurement")
}
