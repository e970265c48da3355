package sqlite

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/reasoning"
)

func open1(t *testing.T, dir string, now time.Time) (*Turns, *bytes.Buffer) {
	t.Helper()
	log := &bytes.Buffer{}
	s, err := OpenTurns(dir, slog.New(slog.NewTextHandler(log, nil)), func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	return s, log
}

func turn(sig string) *reasoning.Turn {
	return &reasoning.Turn{Provider: "gemini", Calls: []reasoning.Call{{ID: "c", Name: "f", Arguments: "{}", Signature: sig}}}
}

func TestTurnsOutliveARestart(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	s, _ := open1(t, dir, now)
	var k1, k2 reasoning.Key
	k1[0], k2[0] = 1, 2
	s.Save([]reasoning.Key{k1, k2}, turn("first"), now.Add(time.Hour))
	s.Save([]reasoning.Key{k2}, turn("second"), now.Add(time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, log := open1(t, dir, now)
	defer s.Close()
	for key, want := range map[reasoning.Key]string{k1: "first", k2: "second"} {
		got, ok := s.Load(key)
		if !ok || got.Calls[0].Signature != want {
			t.Errorf("loaded %+v %v, want %s (log: %s)", got, ok, want, log)
		}
	}
}

func TestExpiredTurnsAreNotFoundAndArePurged(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	s, _ := open1(t, dir, now)
	var k reasoning.Key
	s.Save([]reasoning.Key{k}, turn("old"), now.Add(-time.Hour))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = open1(t, dir, now)
	defer s.Close()
	if _, ok := s.Load(k); ok {
		t.Error("an expired turn was found")
	}
	s.purge()
	var n int
	if err := s.db.QueryRow(`SELECT (SELECT count(*) FROM turn) + (SELECT count(*) FROM turn_key)`).Scan(&n); err != nil || n != 0 {
		t.Errorf("%d rows left after the purge (%v), want none", n, err)
	}
}

func TestAFileThatIsNoDatabaseIsNamedInTheError(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "reasoning.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := OpenTurns(dir, slog.New(slog.DiscardHandler), time.Now)
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v, want one that names the file", err)
	}
}

func TestNobodyElseMayReadTheFile(t *testing.T) {
	dir := t.TempDir()
	s, _ := open1(t, dir, time.Now())
	defer s.Close()
	info, err := os.Stat(filepath.Join(dir, "reasoning.db"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v (%v), want 0600", info.Mode(), err)
	}
}
