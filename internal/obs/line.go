package obs

import (
	"context"
	"log/slog"
	"strconv"
	"time"
)

// lineHandler writes slog's text form. Records of plain values, as every request leaves
// one, it writes itself at less than half the cost; what would be quoted, and whatever else
// there is, is left to slog.
type lineHandler struct {
	slog.Handler
	out *Async
}

// usualLine is room for the line of a request.
const usualLine = 384

// Handle implements slog.Handler.
func (h lineHandler) Handle(ctx context.Context, r slog.Record) error {
	line, ok := appendLine(make([]byte, 0, usualLine), &r)
	if !ok {
		return h.Handler.Handle(ctx, r)
	}
	h.out.take(line)
	return nil
}

// appendLine writes a record, unless something of it is not plain.
func appendLine(b []byte, r *slog.Record) (line []byte, ok bool) {
	if y := r.Time.Year(); y < 1000 || y > 9999 || !plain(r.Message) {
		return b, false
	}
	b = appendTime(append(b, "time="...), r.Time)
	b = append(append(b, " level="...), r.Level.String()...)
	b = append(append(b, " msg="...), r.Message...)
	ok = true
	r.Attrs(func(a slog.Attr) bool {
		b, ok = appendAttr(b, a)
		return ok
	})
	return append(b, '\n'), ok
}

// appendTime writes a time to the millisecond: RFC 3339, which package time writes
// fastest without a fraction, with one put in.
func appendTime(b []byte, t time.Time) []byte {
	n := len(b) + len("2006-01-02T15:04:05")
	b = append(t.AppendFormat(b, time.RFC3339), ".000"...)
	copy(b[n+len(".000"):], b[n:])
	ms := t.Nanosecond() / 1_000_000
	b[n], b[n+1], b[n+2], b[n+3] = '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10)
	return b
}

func appendAttr(b []byte, a slog.Attr) (line []byte, ok bool) {
	if !plain(a.Key) {
		return b, false
	}
	b = append(append(append(b, ' '), a.Key...), '=')
	switch v := a.Value; v.Kind() {
	case slog.KindString:
		s := v.String()
		return append(b, s...), plain(s)
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10), true
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64), true
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool()), true
	case slog.KindDuration:
		return append(b, v.Duration().String()...), true
	}
	return b, false
}

// plain reports whether a text is written as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c > '~' || c == '=' || c == '"' {
			return false
		}
	}
	return s != ""
}
