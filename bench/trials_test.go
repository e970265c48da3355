package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestStreamsThatPauseSayAllThatOthersSay(t *testing.T) {
	for model, want := range map[string][2]int{modelStream: {0, 1}, modelSlow: {100, 1}, modelDrip: {1000, 10}, modelText: {0, 0}} {
		pause, together, stream := pace(model)
		if int(pause.Milliseconds()) != want[0] || together != want[1] || stream != (model != modelText) {
			t.Errorf("%s: %v, %d", model, pause, together)
		}
		if together == 0 {
			continue
		}
		w := httptest.NewRecorder()
		chatFormat.stream(w, 0, together)
		if n := strings.Count(w.Body.String(), strings.TrimSpace(sentence)); n != chunks {
			t.Errorf("%s has %d chunks", model, n)
		}
	}
}

func TestWhatIsShedIsToldFromWhatFails(t *testing.T) {
	for _, c := range []struct {
		status       int
		header       string
		shed, failed int
	}{{503, "1", 3, 3}, {503, "", 0, 3}, {500, "1", 0, 3}, {429, "1", 0, 3}} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if c.header != "" {
				w.Header().Set("Retry-After", c.header)
			}
			w.WriteHeader(c.status)
		}))
		address := s.Listener.Addr().String()
		o := run(&load{address: address, request: request(address, modelText, false, ""), connections: 1, times: 3})
		if s.Close(); o.shed != c.shed || o.failed != c.failed || o.done != 0 {
			t.Errorf("%+v: %d shed, %d failed", c, o.shed, o.failed)
		}
	}
}

func TestAClientSendsOnAnotherConnectionWhenItIsToldTo(t *testing.T) {
	var mu sync.Mutex
	var remotes []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		remotes = append(remotes, r.RemoteAddr)
		w.Header().Set("Connection", "close")
		_, _ = w.Write(chatFormat.whole)
	}))
	defer s.Close()
	o := run(&load{to: func() string { return s.Listener.Addr().String() }, request: request("x", modelText, false, ""), connections: 1, times: 3})
	mu.Lock()
	defer mu.Unlock()
	slices.Sort(remotes)
	if o.done != 3 || len(slices.Compact(remotes)) != 3 {
		t.Errorf("%d done over %v: %v", o.done, remotes, o.err)
	}
}

func TestEveryDialectLeavesEveryWireInEveryPhase(t *testing.T) {
	seen := map[farewell]bool{}
	for _, f := range farewells() {
		seen[f] = true
		if f.phase != phaseSending && !strings.HasSuffix(f.text("mark-1-"), "}") {
			t.Errorf("%+v is no request", f)
		}
	}
	// Seven phases of a call and two of each of the others, and the ways to leave.
	if want := 4 * 2 * (len(leaveGroups)*7 + 2*3); len(seen) != want {
		t.Errorf("%d cases, want %d", len(seen), want)
	}
}

func TestWhatIsNotClosedInTimeDoesNotHoldTheBar(t *testing.T) {
	d := departures{took: map[string][]time.Duration{}, missed: map[string]int{phaseFirst: 1}}
	for _, p := range phaseNames {
		d.took[p[0]] = []time.Duration{time.Millisecond}
	}
	d.took[phaseHeader] = []time.Duration{101 * time.Millisecond}
	for i, row := range d.table().rows {
		good := phaseNames[i][0] != phaseHeader && phaseNames[i][0] != phaseFirst
		if got := row[len(row)-1]; got != held(good) {
			t.Errorf("%s: %s", phaseNames[i][0], got)
		}
	}
}

func TestATableIsMarkdown(t *testing.T) {
	var b strings.Builder
	tab := &table{title: "T", columns: []string{"a", "b"}}
	tab.add("1", held(true))
	tab.write(&b)
	if want := "\n## T\n\n| a | b |\n|---|---|\n| 1 | held |\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}
