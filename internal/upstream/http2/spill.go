package http2

import (
	"io"
	"sync"
)

// spill is a way out on which a write takes no time: what the system does not take at
// once is kept until somebody drains it. So whoever has something to send can write it
// himself, and an upstream that does not read holds nobody up.
type spill struct {
	// now writes what is taken without a wait, slow waits.
	now  func(p []byte) (int, error)
	slow io.Writer

	mu   sync.Mutex
	kept []byte
	busy bool // something was taken out of kept, and is not written yet
	err  error
}

// Write implements io.Writer. An error of an earlier write comes with a later one.
func (s *spill) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return 0, s.err
	}
	n := 0
	if len(s.kept) == 0 && !s.busy {
		if n, s.err = s.now(p); s.err != nil {
			return n, s.err
		}
	}
	s.kept = append(s.kept, p[n:]...)
	return len(p), nil
}

// full reports whether something is kept.
func (s *spill) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.kept) > 0 || s.busy
}

// drain writes what is kept, as long as it takes.
func (s *spill) drain() error {
	for p := s.take(); p != nil; p = s.take() {
		if _, err := s.slow.Write(p); err != nil {
			s.fail(err)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// take returns what is to be written next, nil for nothing.
func (s *spill) take() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.kept
	s.kept, s.busy = nil, len(p) > 0 && s.err == nil
	if !s.busy {
		return nil
	}
	return p
}

func (s *spill) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// nothingNow is now for a connection that cannot say what it takes without a wait.
func nothingNow([]byte) (int, error) { return 0, nil }
