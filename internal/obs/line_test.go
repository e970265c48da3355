package obs

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"testing"
	"time"
)

// both writes a record with slog's own handler and with ours.
func both(t testing.TB, r slog.Record) (theirs, ours string) {
	t.Helper()
	var a, b bytes.Buffer
	if err := slog.NewTextHandler(&a, nil).Handle(context.Background(), r.Clone()); err != nil {
		t.Fatal(err)
	}
	out := NewAsync(&b)
	if err := NewLogger(out, LogOptions{}).Handler().Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	return a.String(), b.String()
}

func TestALineOfTheLogIsSlogsByteForByte(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 6_789_000, time.FixedZone("", 5*3600+1800))
	for name, attrs := range map[string][]slog.Attr{
		"plain": {slog.String("id", "a-b"), slog.Int64("in", 5), slog.Int("out", -7), slog.Float64("cost", 0.00012), slog.Duration("total", 1234567), slog.Bool("stream", true)},
		"texts": {slog.String("empty", ""), slog.String("space", "a b"), slog.String("quote", `a"b`), slog.String("equals", "a=b"), slog.String("back", `a\b`), slog.String("umlaut", "ä"), slog.String("line", "a\nb=c"), slog.String("bad", "\xff")},
		"kinds": {slog.Any("error", errors.New("no")), slog.Time("at", at), slog.Group("g", slog.Int("n", 1)), slog.Any("nil", nil), slog.Uint64("u", math.MaxUint64)},
		"keys":  {slog.Int("a b", 1), slog.Int("", 2), {}},
		"odd":   {slog.Float64("nan", math.NaN()), slog.Float64("inf", math.Inf(1)), slog.Float64("big", 1e300), slog.Duration("zero", 0)},
		"none":  nil,
	} {
		for _, when := range []time.Time{at, at.UTC(), at.Add(999_999_999), {}} {
			r := slog.NewRecord(when, slog.LevelWarn, "request", 0)
			r.AddAttrs(attrs...)
			if theirs, ours := both(t, r); theirs != ours {
				t.Errorf("%s:\n%s%s", name, theirs, ours)
			}
		}
	}
}

func TestALoggerWithFieldsKeepsThem(t *testing.T) {
	var b bytes.Buffer
	out := NewAsync(&b)
	log := NewLogger(out, LogOptions{})
	log.With("node", 1).WithGroup("g").Info("a", "k", "v")
	log.Debug("unseen")
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); !strings.Contains(got, "msg=a node=1 g.k=v\n") || strings.Contains(got, "unseen") {
		t.Errorf("%q", got)
	}
}

func FuzzLine(f *testing.F) {
	f.Add("request", "id", "a-b", int64(0), 0.5)
	f.Add("a b", "x=y", "\"", int64(-1), math.Inf(-1))
	f.Fuzz(func(t *testing.T, msg, key, text string, n int64, x float64) {
		r := slog.NewRecord(time.Unix(n%(1<<34), n).UTC(), slog.Level(n%9), msg, 0)
		r.AddAttrs(slog.String(key, text), slog.Int64("n", n), slog.Float64("x", x), slog.Duration("d", time.Duration(n)))
		if theirs, ours := both(t, r); theirs != ours {
			t.Errorf("%q, slog has %q", ours, theirs)
		}
	})
}

func BenchmarkLine(b *testing.B) {
	r := slog.NewRecord(time.Now(), slog.LevelInfo, "request", 0)
	r.AddAttrs(slog.String("id", "0b9f9d2e-8f1c-4a6e-9d0b-1f2e3d4c5b6a"), slog.String("model", "smart"), slog.Int("status", 200), slog.String("deployment", "d1"),
		slog.String("upstream", "openai/gpt"), slog.Int64("in", 12), slog.Int64("out", 30), slog.Float64("cost", 0.00012), slog.Duration("total", 1234567))
	theirs := slog.NewTextHandler(discard{}, nil)
	b.Run("slog", func(b *testing.B) {
		for b.Loop() {
			_ = theirs.Handle(context.Background(), r)
		}
	})
	b.Run("own", func(b *testing.B) {
		for b.Loop() {
			appendLine(make([]byte, 0, usualLine), &r)
		}
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
