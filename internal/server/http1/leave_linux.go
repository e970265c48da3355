package http1

import (
	"os"
	"sync"
	"syscall"
	"time"
)

// watcher tells connections that their client has left: one epoll for all of them,
// in which each is registered once. It costs nothing a request, since only the end
// of a connection wakes it, and no thread, since its descriptor is itself polled by
// the runtime.
type watcher struct {
	file *os.File
	raw  syscall.RawConn

	mu     sync.Mutex
	serial int32
	conns  map[int32]*conn // by descriptor
}

// leaving are the events: the end of what the client sends, on its edge. Resets are
// reported anyway.
const leaving = syscall.EPOLLRDHUP | 1<<31

func newWatcher() (*watcher, error) {
	fd, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		_ = syscall.Close(fd)
		return nil, os.NewSyscallError("fcntl", err)
	}
	w := &watcher{file: os.NewFile(uintptr(fd), "epoll"), conns: map[int32]*conn{}}
	// What the runtime does not poll has no deadlines; then this way is closed.
	err = w.file.SetReadDeadline(time.Time{})
	if err == nil {
		w.raw, err = w.file.SyscallConn()
	}
	if err != nil {
		_ = w.file.Close()
		return nil, err
	}
	go w.run()
	return w, nil
}

// close ends it; no connection is in it any more.
func (w *watcher) close() {
	if w != nil {
		_ = w.file.Close()
	}
}

// add reports whether c will be told.
func (w *watcher) add(c *conn) bool {
	if w == nil || c.raw == nil {
		return false
	}
	if c.raw.Control(func(fd uintptr) { c.fd = int32(fd) }) != nil {
		return false
	}
	w.mu.Lock()
	w.serial++
	c.serial = w.serial
	w.conns[c.fd] = c
	w.mu.Unlock()
	if !w.register(c) {
		w.forget(c)
		return false
	}
	return true
}

// register puts c into the epoll, where it stays until it is closed.
func (w *watcher) register(c *conn) (ok bool) {
	event := syscall.EpollEvent{Events: leaving, Fd: c.fd, Pad: c.serial}
	_ = w.raw.Control(func(epoll uintptr) {
		_ = c.raw.Control(func(fd uintptr) {
			ok = syscall.EpollCtl(int(epoll), syscall.EPOLL_CTL_ADD, int(fd), &event) == nil
		})
	})
	return ok
}

// remove takes c out.
func (w *watcher) remove(c *conn) {
	if !c.watched {
		return
	}
	c.watched = false
	w.forget(c)
}

func (w *watcher) forget(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns[c.fd] == c { // a descriptor that was closed may be another's already
		delete(w.conns, c.fd)
	}
}

func (w *watcher) find(e syscall.EpollEvent) *conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	if c := w.conns[e.Fd]; c != nil && c.serial == e.Pad {
		return c
	}
	return nil
}

func (w *watcher) run() {
	events := make([]syscall.EpollEvent, 64)
	n := 0
	take := func(fd uintptr) bool {
		n, _ = syscall.EpollWait(int(fd), events, 0)
		return n != 0 // a signal is no end of it
	}
	for w.raw.Read(take) == nil {
		for _, e := range events[:max(n, 0)] {
			if c := w.find(e); c != nil {
				c.leave()
			}
		}
	}
}
