package server

import (
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// bodies counts the bytes of the large request bodies that are held.
type bodies struct{ held atomic.Int64 }

const (
	// smallBody is too small to be worth counting.
	smallBody = 64 << 10
	// bodyStep is how much of a body of unknown or great length is counted at once.
	bodyStep = 256 << 10
)

// take counts n bytes more for a call, or refuses them: what is refused costs nothing,
// and a process that dies of memory takes every request with it.
func (s *Server) take(c *call, n int64) error {
	if s.MaxBodies <= 0 {
		return nil
	}
	c.held += n
	if s.bodies.held.Add(n) > s.MaxBodies {
		return noMemory("large requests")
	}
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
				s.bodies.held.Add(-c.held)
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

// metered counts a body as it arrives: a declared length costs nothing yet.
type metered struct {
	io.Reader
	s    *Server
	c    *call
	left int64 // counted and not read yet
}

// Read implements io.Reader.
func (m *metered) Read(p []byte) (int, error) {
	n, err := m.Reader.Read(p)
	if m.left -= int64(n); m.left < 0 {
		m.left += bodyStep
		if refused := m.s.take(m.c, bodyStep); refused != nil {
			return n, refused
		}
	}
	return n, err
}
