package sqlite

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

func openState(t *testing.T, dir string, l StateLimits, w *watch) (*State, *journal) {
	t.Helper()
	log := &journal{}
	s, err := OpenState(dir, l, slog.New(slog.NewTextHandler(log, nil)), w.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, log
}

// drivenState is a file whose writer the test drives itself.
func drivenState(t *testing.T, dir string, l StateLimits, w *watch) (*State, *journal) {
	t.Helper()
	s, log := openState(t, dir, l, w)
	close(s.stop)
	<-s.done
	s.once.Do(func() {})
	s.db.SetMaxOpenConns(1) // what a test sets holds for all that follows
	return s, log
}

// spends says that budgets have spent so much since the beginning.
func spends(w *watch, amounts map[string]int64) func() []route.Spending {
	since := w.now()
	return func() (out []route.Spending) {
		for of, spent := range amounts {
			out = append(out, route.Spending{Of: of, Spent: spent, Since: since, Period: time.Hour})
		}
		return append(out, route.Spending{Of: "unspent", Period: time.Hour})
	}
}

// amounts is what a file recalls.
func (s *State) amounts() string {
	var out []string
	for _, b := range s.Recalled() {
		out = append(out, fmt.Sprint(b.Of, "=", b.Spent, " in ", b.Period))
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func TestWhatWasSpentIsOnDiskThoughNobodyClosesTheFile(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	s, _ := drivenState(t, dir, StateLimits{}, w)
	s.Follow(spends(w, map[string]int64{"provider a": 1 << 62, "deployment b": 2}))
	s.Spent()
	s.Spent() // which waits for nobody
	s.commit(nil, false)
	next, _ := openState(t, dir, StateLimits{}, w)
	if got, want := next.amounts(), "deployment b=2 in 1h0m0s, provider a=4611686018427387904 in 1h0m0s"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if b := next.Recalled()[0]; !b.Since.Equal(w.now()) {
		t.Errorf("since %v", b.Since)
	}
}

func TestTheEndWritesWhatWasSpentLast(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	s, _ := openState(t, dir, StateLimits{}, w)
	spent := map[string]int64{"p": 1}
	s.Follow(spends(w, spent))
	s.Spent()
	s.KeepFinding("d", "g", true, w.now(), []byte("f"))
	s.Close()
	next, _ := openState(t, dir, StateLimits{}, w)
	if got := next.amounts(); got != "p=1 in 1h0m0s" {
		t.Error(got)
	}
	if list, total, err := next.Findings("", nil, 9, 0); err != nil || total != 1 || string(list[0]) != "f" {
		t.Errorf("%s %d %v", list, total, err)
	}
}

func TestOnlyWhatChangedIsWritten(t *testing.T) {
	w := newWatch()
	s, _ := drivenState(t, t.TempDir(), StateLimits{}, w)
	spent := map[string]int64{"p": 1}
	s.Follow(spends(w, spent))
	s.commit(nil, false)
	if n := len(s.changed()); n != 0 {
		t.Errorf("%d have changed", n)
	}
	spent["p"] = 2
	if n := len(s.changed()); n != 1 {
		t.Errorf("%d have changed", n)
	}
}

func TestBudgetsWhosePeriodIsOverAreForgotten(t *testing.T) {
	dir, w := t.TempDir(), newWatch()
	s, _ := drivenState(t, dir, StateLimits{}, w)
	s.Follow(spends(w, map[string]int64{"p": 1}))
	s.commit(nil, false)
	w.wait(time.Hour)
	s.commit(nil, true)
	next, _ := openState(t, dir, StateLimits{}, w)
	if got := next.amounts(); got != "" {
		t.Error(got)
	}
}

func TestFindingsAreToldNewestFirstByNameAndState(t *testing.T) {
	w := newWatch()
	s, _ := drivenState(t, t.TempDir(), StateLimits{}, w)
	for i, d := range []string{"a1", "b1", "a2", "a1"} {
		s.KeepFinding(d, d[:1], i != 2, w.now(), fmt.Append(nil, i))
	}
	s.commit(s.waiting(nil), false)
	yes, no := true, false
	for _, tt := range []struct {
		name          string
		healthy       *bool
		limit, offset int
		want          string
		total         int
	}{
		{"", nil, 9, 0, "3 2 1 0", 4},
		{"", nil, 2, 1, "2 1", 4},
		{"a", nil, 9, 0, "3 2 0", 3},
		{"a1", nil, 9, 0, "3 0", 2},
		{"", &no, 9, 0, "2", 1},
		{"a", &yes, 9, 0, "3 0", 2},
		{"x", nil, 9, 0, "", 0},
	} {
		list, total, err := s.Findings(tt.name, tt.healthy, tt.limit, tt.offset)
		if got := strings.Trim(fmt.Sprintf("%s", list), "[]"); err != nil || got != tt.want || total != tt.total {
			t.Errorf("%q from %d: %q of %d, want %q of %d (%v)", tt.name, tt.offset, got, total, tt.want, tt.total, err)
		}
	}
	last, err := s.LastFindings()
	if got := fmt.Sprintf("%s", last); err != nil || got != "[1 2 3]" {
		t.Errorf("the last are %s (%v)", got, err)
	}
}

func TestFindingsAreBoundedInNumberAndAge(t *testing.T) {
	w := newWatch()
	s, _ := drivenState(t, t.TempDir(), StateLimits{Findings: 3, Age: time.Hour}, w)
	for i := range 9 {
		s.KeepFinding("d", "g", true, w.now(), fmt.Append(nil, i))
	}
	s.commit(s.waiting(nil), true)
	if _, total, err := s.Findings("", nil, 9, 0); err != nil || total != 3 {
		t.Errorf("%d are left (%v)", total, err)
	}
	w.wait(time.Hour)
	if _, total, err := s.Findings("", nil, 9, 0); err != nil || total != 0 {
		t.Errorf("after an hour %d are told (%v)", total, err)
	}
	s.commit(nil, true)
	if last, err := s.LastFindings(); err != nil || len(last) != 0 {
		t.Errorf("%s (%v)", last, err)
	}
}

func TestADiskThatRefusesTheStateIsNamedOnceAndNothingSpentIsLost(t *testing.T) {
	w := newWatch()
	dir := t.TempDir()
	s, log := drivenState(t, dir, StateLimits{}, w)
	spent := map[string]int64{"p": 1}
	s.Follow(spends(w, spent))
	set := func(q string) {
		t.Helper()
		if _, err := s.db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	set("PRAGMA query_only = 1")
	for range 3 {
		s.commit(nil, false)
		s.failing = false // it is tried again
	}
	if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "level=ERROR") || !strings.Contains(text, "state.db") {
		t.Errorf("the log says %q", text)
	}
	set("PRAGMA query_only = 0")
	spent["p"] = 5
	s.commit(nil, false)
	if text := log.String(); !strings.Contains(text, "written to disk again") {
		t.Errorf("then the log says %q", text)
	}
	next, _ := openState(t, dir, StateLimits{}, w)
	if got := next.amounts(); got != "p=5 in 1h0m0s" {
		t.Error(got)
	}
}

func TestFindingsThatComeTooFastArePassedOverAndCounted(t *testing.T) {
	w := newWatch()
	s, log := drivenState(t, t.TempDir(), StateLimits{}, w)
	for range findingQueue + 5 { // nobody writes
		s.KeepFinding("d", "g", true, w.now(), nil)
	}
	s.commit(s.waiting(nil), false)
	if text := log.String(); !strings.Contains(text, "findings=5") {
		t.Errorf("the log says %q", text)
	}
}

func TestABrokenStateFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "state.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenState(dir, StateLimits{}, slog.New(slog.DiscardHandler), time.Now); err == nil || !strings.Contains(err.Error(), "state.db") {
		t.Errorf("%v", err)
	}
}

func TestADirectoryMayHaveAnyName(t *testing.T) {
	w := newWatch()
	for _, name := range []string{"a#1", "b?c=d", "100%41", "with space", "ü"} {
		dir := filepath.Join(t.TempDir(), name)
		s, _ := drivenState(t, dir, StateLimits{}, w)
		s.Follow(spends(w, map[string]int64{name: 1}))
		s.commit(nil, false)
		files, err := filepath.Glob(filepath.Join(filepath.Dir(dir), "*"))
		if err != nil || len(files) != 1 {
			t.Errorf("%s: beside it stand %v (%v)", name, files, err)
		}
		next, _ := openState(t, dir, StateLimits{}, w)
		if got := next.amounts(); got != name+"=1 in 1h0m0s" {
			t.Errorf("%s: %s", name, got)
		}
	}
}
