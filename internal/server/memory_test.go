package server

import (
	"bytes"
	"context"
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// full is a server whose bodies may take 1 MiB, of which another holds all.
func full(t *testing.T) *Server {
	t.Helper()
	s := &Server{MaxBodies: 1 << 20}
	if !s.bodies.enter(t.Context(), 1<<20, s.MaxBodies) {
		t.Fatal("an empty memory has no room")
	}
	return s
}

// reading starts to read a body, and sends how that went.
func reading(ctx context.Context, s *Server, c *call, body io.Reader) <-chan error {
	done := make(chan error, 1)
	r := httptest.NewRequestWithContext(ctx, "POST", "/", body)
	go func() {
		_, err := s.readBody(httptest.NewRecorder(), r, c, 100<<20)
		done <- err
	}()
	return done
}

// large is a body of known length, chunked one of unknown.
func large() io.Reader   { return bytes.NewReader(make([]byte, 100<<10)) }
func chunked() io.Reader { return io.MultiReader(large()) }

func TestALargeBodyWaitsForRoomAndIsReadThen(t *testing.T) {
	for name, body := range map[string]func() io.Reader{"known length": large, "unknown length": chunked} {
		synctest.Test(t, func(t *testing.T) {
			s, c := full(t), &call{}
			done := reading(t.Context(), s, c, body())
			synctest.Wait()
			select {
			case err := <-done:
				t.Fatalf("%s: it did not wait: %v", name, err)
			default:
			}
			s.bodies.leave(1<<20, s.MaxBodies)
			if err := <-done; err != nil || c.held == 0 || s.bodies.held != c.held {
				t.Errorf("%s: %v, %d bytes are counted, %d of this one", name, err, s.bodies.held, c.held)
			}
		})
	}
}

func TestABodyThatFindsNoRoomInTimeIsRefusedUnread(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, began, rest := full(t), time.Now(), large()
		e := llm.AsError(<-reading(t.Context(), s, &call{}, rest))
		if e.Status != 503 || e.RetryAfter <= 0 || time.Since(began) != bodyWait {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
		if left := rest.(*bytes.Reader).Len(); left != 100<<10 {
			t.Errorf("%d bytes of it were read", 100<<10-left)
		}
		if len(s.bodies.waiting) != 0 || s.bodies.held != 1<<20 {
			t.Error("it still waits, or is counted")
		}
	})
}

func TestAClientThatLeavesWaitsForRoomNoLonger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t)
		ctx, leave := context.WithCancel(t.Context())
		done, began := reading(ctx, s, &call{}, large()), time.Now()
		synctest.Wait()
		leave()
		if err := <-done; err == nil || time.Since(began) != 0 || len(s.bodies.waiting) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestBodiesGetRoomInTheOrderInWhichTheyCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := full(t)
		first := reading(t.Context(), s, &call{}, bytes.NewReader(make([]byte, 700<<10)))
		synctest.Wait()
		second := reading(t.Context(), s, &call{}, large())
		synctest.Wait()
		s.bodies.leave(500<<10, s.MaxBodies) // enough for the second alone
		synctest.Wait()
		if len(s.bodies.waiting) != 2 {
			t.Fatalf("%d wait", len(s.bodies.waiting))
		}
		s.bodies.leave(524<<10, s.MaxBodies)
		if err := <-first; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if len(s.bodies.waiting) != 1 { // 700 KiB are held, and a quarter is kept
			t.Error("the second does not wait")
		}
		s.bodies.leave(700<<10, s.MaxBodies)
		if err := <-second; err != nil {
			t.Error(err)
		}
	})
}

func TestNobodyWaitsWhoHoldsSomethingOrWhereTooManyDo(t *testing.T) {
	s := full(t)
	if s.bodies.grow(1, s.MaxBodies) {
		t.Error("more is held than may be")
	}
	s.bodies.waiting = make([]*awaited, maxAwaited)
	if s.bodies.enter(t.Context(), 1, s.MaxBodies) {
		t.Error("one more waits")
	}
	if new(bodies).enter(t.Context(), 2, 1) {
		t.Error("a body that is larger than all room waits")
	}
}

func TestProbesAreAnsweredHoweverFullTheGatewayIs(t *testing.T) {
	cfg := &config.Config{}
	cfg.Fairlead.MaxConcurrent = 1
	s := &Server{Now: time.Now, Crowded: func() bool { return true }}
	s.Swap(&State{Config: cfg})
	s.inFlight.Add(1)
	h := s.Handler()
	for path, want := range map[string]int{"/health/liveliness": 200, "/health/liveness": 200, "/health/readiness": 200, "/": 503} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, strings.NewReader("")))
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestABodyOfKnownLengthIsCountedAtTheDoor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{MaxBodies: 20 << 20}
		four := func() io.Reader { return bytes.NewReader(make([]byte, 4<<20)) }
		calls := make([]call, 8)
		var done []<-chan error
		for i := range calls {
			done = append(done, reading(t.Context(), s, &calls[i], four()))
		}
		for range calls { // three at a time, and nobody is refused in the middle
			synctest.Wait()
			if s.bodies.held > s.MaxBodies {
				t.Fatalf("%d bytes are held", s.bodies.held)
			}
			var read []int64
			for i := range calls {
				read = append(read, calls[i].held)
				calls[i].held = 0
			}
			for _, n := range read { // from here on those that wait run
				s.bodies.leave(n, s.MaxBodies)
			}
		}
		for i, d := range done {
			if err := <-d; err != nil {
				t.Errorf("body %d: %v", i, err)
			}
		}
	})
}

func TestAVeryLargeBodyIsCountedInSteps(t *testing.T) {
	s, c := &Server{MaxBodies: 100 << 20}, &call{}
	if err := <-reading(t.Context(), s, c, bytes.NewReader(make([]byte, 20<<20))); err != nil || c.held < 20<<20 || c.held > 21<<20 {
		t.Errorf("%v, %d bytes are counted", err, c.held)
	}
	small := &Server{MaxBodies: 1 << 20}
	if err := <-reading(t.Context(), small, &call{}, bytes.NewReader(make([]byte, 2<<20))); llm.AsError(err).Status != 503 {
		t.Errorf("a body that never has room: %v", err)
	}
}
