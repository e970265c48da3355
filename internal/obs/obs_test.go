package obs

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestSecretsAreHiddenByValueAndByShape(t *testing.T) {
	r := NewRedactor([]string{"my-own-secret-value", "", "short"})
	in := `bad key my-own-secret-value, also sk-proj-abcdefgh12345678 and AIzaSyA-1234567890abcdefghijkl; short stays`
	out := r.Text(in)
	for _, secret := range []string{"my-own-secret-value", "sk-proj-abcdefgh12345678", "AIzaSyA-1234567890abcdefghijkl"} {
		if strings.Contains(out, secret) {
			t.Errorf("%q is still in %q", secret, out)
		}
	}
	if !strings.Contains(out, "short stays") || !strings.Contains(out, Hidden) {
		t.Errorf("text %q lost more than the secrets", out)
	}
}

// gate is a writer that blocks until it is opened.
type gate struct {
	open chan struct{}
	mu   sync.Mutex
	buf  bytes.Buffer
}

func (g *gate) Write(p []byte) (int, error) {
	<-g.open
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.buf.Write(p)
}

func TestABlockedLogNeverBlocksARequest(t *testing.T) {
	g := &gate{open: make(chan struct{})}
	a := NewAsync(g)
	for range 5 * asyncLines { // what waits, what is being written, and more
		if n, err := a.Write([]byte("line\n")); n != 5 || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	close(g.open)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !strings.Contains(g.buf.String(), "lines dropped: ") {
		t.Error("dropped lines are not mentioned")
	}
}

func TestJSONLogsAreOneObjectALine(t *testing.T) {
	var buf bytes.Buffer
	NewLogger(&buf, LogOptions{JSON: true}).Info("request\nforged line", "model", "a\nb")
	if n := strings.Count(buf.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1: %q", n, buf.String())
	}
	var v map[string]any
	if err := json.Unmarshal(buf.Bytes(), &v); err != nil || v["model"] != "a\nb" {
		t.Errorf("%v %v", v, err)
	}
}

func TestATextLogLineCannotBeForged(t *testing.T) {
	var buf bytes.Buffer
	NewLogger(&buf, LogOptions{}).Info("request", "model", "a\n12:00:00 INF forged")
	if n := strings.Count(buf.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1: %q", n, buf.String())
	}
}

func TestDurationsOfJSONLogsNameTheirUnit(t *testing.T) {
	out := &bytes.Buffer{}
	NewLogger(out, LogOptions{JSON: true}).Info("request", slog.Duration("total", 1234567*time.Nanosecond), slog.Int("in", 9))
	if line := out.String(); !strings.Contains(line, `"total_ms":1.234,"in":9`) {
		t.Error(line)
	}
}

func TestDurationsOnATerminalAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		2_357_593_454: "2.358s", 44_459_684: "44.46ms", 355_878: "355.9µs", 90: "90ns", 0: "0s", 75_123_456_789: "1m15.12s",
	} {
		if got := rounded(nil, slog.Duration("total", d)).Value.Duration().String(); got != want {
			t.Errorf("%d is shown as %s, want %s", d, got, want)
		}
	}
}

// written counts what is written to it.
type written struct {
	mu    sync.Mutex
	lines int
}

func (w *written) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lines += bytes.Count(p, []byte{'\n'})
	return len(p), nil
}

func (w *written) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.lines
}

func TestLinesWaitForOthersUntilThereAreMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &written{}
		a := NewAsync(w)
		defer a.Close()
		line := append(bytes.Repeat([]byte("x"), 300), '\n')
		write := func(n int) {
			for range n {
				_, _ = a.Write(line)
			}
			synctest.Wait()
		}
		if write(1); w.count() != 1 {
			t.Error("the first line waits")
		}
		if write(2); w.count() != 1 {
			t.Error("the others do not wait")
		}
		time.Sleep(gather)
		if synctest.Wait(); w.count() != 3 {
			t.Errorf("%d of 3 lines were written", w.count())
		}
		time.Sleep(gather)
		if write(1); w.count() != 4 {
			t.Error("a line after a silence waits")
		}
		for range 20 { // no time passes: what comes fast is not lost
			write(asyncLines / 2)
		}
		time.Sleep(gather)
		if synctest.Wait(); w.count() != 4+20*asyncLines/2 || a.dropped.Load() != 0 {
			t.Errorf("%d lines were written, %d dropped", w.count(), a.dropped.Load())
		}
	})
}
