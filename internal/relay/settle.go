package relay

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// settle ends a request: the price of what was used, and one line in the log.
// It runs also when the client has left.
func (x *exchange) settle(err error) {
	if !x.priced {
		x.price()
	}
	x.together()
	level, status := slog.LevelInfo, x.status
	var e *llm.Error
	if errors.As(err, &e) {
		level = slog.LevelWarn
		if !x.begun {
			status = e.Status
		}
	}
	now := x.relay.Now()
	x.remember(status, e, now)
	if !x.relay.Log.Enabled(context.Background(), level) {
		return
	}
	// A record of our own saves the logger's walk over the stack for a source line
	// that no form of the log shows.
	line := slog.NewRecord(now, level, "request", 0)
	room := attrs.Get().(*[maxAttrs]slog.Attr)
	line.AddAttrs(x.logLine(room[:0], status, e, now)...)
	clear(room[:])
	attrs.Put(room)
	_ = x.relay.Log.Handler().Handle(context.Background(), line) // there is nobody to tell
}

// maxAttrs is what a line in the log has at most.
const maxAttrs = 24

// attrs hold the parts of a line while it is put together.
var attrs = sync.Pool{New: func() any { return new([maxAttrs]slog.Attr) }}

func (x *exchange) logLine(attrs []slog.Attr, status int, e *llm.Error, now time.Time) []slog.Attr {
	attrs = append(attrs, slog.String("id", x.rq.ID), slog.String("model", clip(x.rq.LLM.Model)), slog.Int("status", status))
	if x.step.Deployment != nil {
		attrs = append(attrs, slog.String("deployment", x.step.Deployment.ID))
	}
	if x.target != nil {
		attrs = append(attrs, slog.String("upstream", x.upstreamName()))
	}
	if u := x.usage; u != nil {
		attrs = append(attrs, slog.Int64("in", u.Input), slog.Int64("out", u.Output))
		attrs = appendCount(attrs, "cached", u.CacheRead)
		attrs = appendCount(attrs, "reasoning", u.Reasoning)
	}
	if x.priced {
		attrs = append(attrs, slog.Float64("cost", float64(x.cost.Total)/float64(catalog.USD)))
	} else if x.usage != nil {
		attrs = append(attrs, slog.String("cost", "unknown"))
	}
	if !x.firstToken.IsZero() {
		attrs = append(attrs, slog.Duration("first", x.firstToken.Sub(x.rq.Start)))
	}
	attrs = append(attrs, slog.Duration("total", now.Sub(x.rq.Start)))
	if x.rq.LLM.Stream {
		attrs = append(attrs, slog.Bool("stream", true))
	}
	if x.finish != "" && x.finish != llm.FinishStop {
		attrs = append(attrs, slog.String("finish", string(x.finish)))
	}
	return x.logExceptions(attrs, e)
}

// logExceptions adds what does not happen in a plain request.
func (x *exchange) logExceptions(attrs []slog.Attr, e *llm.Error) []slog.Attr {
	attrs = appendCount(attrs, "retries", int64(x.retries))
	attrs = appendCount(attrs, "fallbacks", int64(x.step.Fallback))
	attrs = appendCount(attrs, "signatures_restored", int64(x.restored.Signatures))
	attrs = appendCount(attrs, "thinking_restored", int64(x.restored.Blocks))
	if len(x.repairs) > 0 {
		names := make([]string, len(x.repairs))
		for i, r := range x.repairs {
			names[i] = string(r)
		}
		attrs = append(attrs, slog.String("repairs", strings.Join(names, ",")))
	}
	if x.call != nil && len(x.call.Dropped) > 0 {
		attrs = append(attrs, slog.String("dropped", droppedHeader(x.call.Dropped)))
	}
	if e != nil {
		attrs = append(attrs, slog.String("kind", e.Kind.String()), slog.String("error", clip(x.relay.Redact(e.Message))))
	}
	return attrs
}

func appendCount(attrs []slog.Attr, name string, n int64) []slog.Attr {
	if n == 0 {
		return attrs
	}
	return append(attrs, slog.Int64(name, n))
}

// maxLogText bounds what a client or an upstream puts into one field of the log.
const maxLogText = 400

func clip(s string) string {
	if len(s) <= maxLogText {
		return s
	}
	return s[:maxLogText] + "…"
}

// debugBody shows a body with --detailed_debug, secrets masked.
func (x *exchange) debugBody(what string, body []byte) {
	if x.relay.Debug {
		x.relay.Log.Info(what, "id", x.rq.ID, "body", x.relay.Redact(string(body)))
	}
}
