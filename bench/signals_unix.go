//go:build unix

package main

import "syscall"

// What tells a process to read its file again, to stop at once and to go on.
const (
	sigReload = syscall.SIGHUP
	sigFreeze = syscall.SIGSTOP
	sigThaw   = syscall.SIGCONT
)

func send(pid int, s syscall.Signal) error { return syscall.Kill(pid, s) }
