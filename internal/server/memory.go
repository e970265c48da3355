package server

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// bodies counts the bytes of the large request bodies that are held. Where there is no
// room for another, its request waits, in the order in which they came, and the body
// stays with the client: that costs nothing, while a refusal would be sent again.
type bodies struct {
	mu      sync.Mutex
	held    int64
	waiting []*awaited
}

// awaited is a body that has no room yet. The lock of the bodies guards all but ready.
type awaited struct {
	size  int64
	ready chan struct{} // closed when it has room
}

const (
	// smallBody is too small to be worth counting.
	smallBody = 64 << 10
	// bodyStep is how much of a body of unknown or great length is counted at once, and
	// firstStep how much at most at first of one whose length is known: who waits for
	// all of it at the door need not be refused in the middle.
	bodyStep, firstStep = 256 << 10, 8 << 20
	// bodyWait is how long a request waits for room, and maxAwaited how many do: more
	// than that are not served within the time that clients are patient.
	bodyWait   = 5 * time.Second
	maxAwaited = 1024
)

// enter counts n bytes for a request that holds none, when there is room; of room bytes
// a quarter is kept for bodies that turn out to be larger.
func (b *bodies) enter(ctx context.Context, n, room int64) bool {
	b.mu.Lock()
	if len(b.waiting) == 0 && b.fits(n, room) {
		b.held += n
		b.mu.Unlock()
		return true
	}
	if n > room || len(b.waiting) >= maxAwaited {
		b.mu.Unlock()
		return false
	}
	a := &awaited{size: n, ready: make(chan struct{})}
	b.waiting = append(b.waiting, a)
	b.mu.Unlock()
	return b.await(ctx, a)
}

// fits reports whether there is room; the lock is held. An empty memory has room for
// whatever is not larger than it.
func (b *bodies) fits(n, room int64) bool { return b.held+n <= room-room/4 || b.held == 0 && n <= room }

// await reports whether a got its room in time.
func (b *bodies) await(ctx context.Context, a *awaited) bool {
	t := time.NewTimer(bodyWait)
	defer t.Stop()
	select {
	case <-a.ready:
		return true
	case <-t.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.Index(b.waiting, a)
	if at < 0 {
		return true // it was given room meanwhile
	}
	b.waiting = slices.Delete(b.waiting, at, at+1)
	return false
}

// grow counts n bytes more for a request that holds some. It does not wait: those who
// hold something could wait for each other.
func (b *bodies) grow(n, room int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.held+n > room {
		return false
	}
	b.held += n
	return true
}

// leave gives n bytes back, to those that wait.
func (b *bodies) leave(n, room int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.held -= n
	for len(b.waiting) > 0 && b.fits(b.waiting[0].size, room) {
		b.held += b.waiting[0].size
		close(b.waiting[0].ready)
		b.waiting = slices.Delete(b.waiting, 0, 1)
	}
}

// take counts n bytes more for a call, or refuses them: a process that dies of memory
// takes every request with it.
func (s *Server) take(ctx context.Context, c *call, n int64) error {
	if s.MaxBodies <= 0 {
		return nil
	}
	room := false
	if c.held == 0 {
		room = s.bodies.enter(ctx, n, s.MaxBodies)
	} else {
		room = s.bodies.grow(n, s.MaxBodies)
	}
	if !room {
		return noMemory("large requests")
	}
	c.held += n
	return nil
}

// roomy refuses requests while the memory is nearly used up, and gives back at the end
// of each what was counted for it.
func (s *Server) roomy(next handler) handler {
	return func(w http.ResponseWriter, r *http.Request, c *call) error {
		if s.Crowded != nil && s.Crowded() {
			return noMemory("requests")
		}
		defer func() {
			if c.held > 0 {
				s.bodies.leave(c.held, s.MaxBodies)
			}
		}()
		return next(w, r, c)
	}
}

func noMemory(what string) error {
	return &llm.Error{
		Kind: llm.KindUnavailable, Status: http.StatusServiceUnavailable, RetryAfter: time.Second,
		Message: "The gateway's memory is taken by the " + what + " that it already handles (its limit is GOMEMLIMIT); try again in a second.",
	}
}

// firstStep is what is counted of a body of a length, less than 0 when unknown, before
// it is read: never more than there is room for.
func (s *Server) firstStep(length int64) int64 { return min(length, firstStep, s.MaxBodies) }

// metered counts a body as it arrives.
type metered struct {
	io.Reader
	first int64 // what is counted before anything is read
	ctx   context.Context
	s     *Server
	c     *call
	left  int64 // counted and not read yet
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	if m.left <= 0 {
		step := max(m.first, bodyStep)
		if refused := m.s.take(m.ctx, m.c, step); refused != nil {
			return 0, refused
		}
		m.left, m.first = m.left+step, 0
	}
	n, err := m.Reader.Read(p[:min(int64(len(p)), m.left)])
	m.left -= int64(n)
	return n, err
}
