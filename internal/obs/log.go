// Package obs is what an operator sees of the gateway: the log, and the rule
// that no secret and no prompt ever reaches it.
package obs

import (
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"
)

// LogOptions choose the form of the log.
type LogOptions struct {
	// JSON writes one JSON object a line (litellm_settings.json_logs).
	JSON bool
	// Color is for a terminal.
	Color bool
	// Debug also shows what happens on the way (--debug).
	Debug bool
}

// NewLogger makes the gateway's logger over w.
func NewLogger(w io.Writer, o LogOptions) *slog.Logger {
	level := slog.LevelInfo
	if o.Debug {
		level = slog.LevelDebug
	}
	switch {
	case o.JSON:
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: withUnit}))
	case o.Color:
		return slog.New(tint.NewTextHandler(w, &tint.Options{Level: level, TimeFormat: time.TimeOnly, ReplaceAttr: rounded}))
	}
	// Into a file or a pipe: key=value, at a third of the cost of the form for eyes.
	text := slog.NewTextHandler(w, &slog.HandlerOptions{Level: level})
	if out, ok := w.(*Async); ok {
		return slog.New(lineHandler{text, out})
	}
	return slog.New(text)
}

// withUnit writes a duration in milliseconds, and says so in its name: what reads
// JSON logs cannot know that slog's own number is nanoseconds.
func withUnit(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	return slog.Float64(a.Key+"_ms", float64(a.Value.Duration().Microseconds())/1000)
}

// rounded shortens a duration for eyes, to about four digits.
func rounded(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() != slog.KindDuration {
		return a
	}
	d, unit := a.Value.Duration(), time.Microsecond/100
	for d >= 10_000*unit {
		unit *= 10
	}
	return slog.Duration(a.Key, d.Round(unit))
}
