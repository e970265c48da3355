package server_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/server"
)

// stalling is a response writer that remembers the deadlines it was given.
type stalling struct {
	*httptest.ResponseRecorder
	read, write []time.Time
}

func (s *stalling) SetReadDeadline(t time.Time) error {
	s.read = append(s.read, t)
	return nil
}

func (s *stalling) SetWriteDeadline(t time.Time) error {
	s.write = append(s.write, t)
	return nil
}

func TestC06ABodyThatPausesHasADeadlineThatEveryPieceMoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stalling{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("POST", "/", strings.NewReader("ab"))
		server.UnderDeadlines(w, r)
		start, one := time.Now(), make([]byte, 1)
		for range 2 {
			if _, err := r.Body.Read(one); err != nil {
				t.Fatal(err)
			}
			time.Sleep(20 * time.Second)
		}
		_, _ = r.Body.Read(one) // the end
		if len(w.read) != 4 || w.read[0].Sub(start) != 30*time.Second || w.read[1].Sub(start) != 50*time.Second || !w.read[3].IsZero() {
			t.Errorf("deadlines %v, want 30 s after each read and none after the end", w.read)
		}
	})
}

func TestABodyHasALimitInAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &stalling{ResponseRecorder: httptest.NewRecorder()}
		r := httptest.NewRequest("POST", "/", strings.NewReader(strings.Repeat("x", 100)))
		server.UnderDeadlines(w, r)
		start, one := time.Now(), make([]byte, 1)
		for range 40 {
			_, _ = r.Body.Read(one)
			time.Sleep(20 * time.Second)
		}
		if last := w.read[len(w.read)-1].Sub(start); last != 10*time.Minute {
			t.Errorf("the last deadline is %v after the begin, want 10 minutes", last)
		}
	})
}

func TestC04AClientThatStopsReadingHasADeadlineThatIsNotSetWithEveryChunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &stalling{ResponseRecorder: httptest.NewRecorder()}
		w := server.UnderDeadlines(rec, httptest.NewRequest("GET", "/", nil))
		start := time.Now()
		for range 20 {
			_, _ = w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			time.Sleep(time.Second)
		}
		if len(rec.write) != 2 || rec.write[0].Sub(start) != time.Minute || rec.write[1].Sub(start) <= time.Minute {
			t.Errorf("deadlines %v, want one at once and one more within 20 s", rec.write)
		}
	})
}

// own is a writer that keeps its deadlines itself.
type own struct {
	*stalling
	limits []time.Duration
}

func (o *own) Limit(bodyIdle, bodyTotal, writeStall time.Duration) {
	o.limits = []time.Duration{bodyIdle, bodyTotal, writeStall}
}

func TestWriterThatKeepsDeadlinesIsToldThemOnce(t *testing.T) {
	o := &own{stalling: &stalling{ResponseRecorder: httptest.NewRecorder()}}
	r := httptest.NewRequest("POST", "/", strings.NewReader("ab"))
	body := r.Body
	if w := server.UnderDeadlines(o, r); w != http.ResponseWriter(o) || r.Body != body {
		t.Error("it was wrapped all the same")
	}
	if want := []time.Duration{30 * time.Second, 10 * time.Minute, time.Minute}; !slices.Equal(o.limits, want) {
		t.Errorf("limits %v, want %v", o.limits, want)
	}
}
