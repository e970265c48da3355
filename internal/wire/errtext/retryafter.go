package errtext

import (
	"net/http"
	"strconv"
	"time"
)

// MaxRetryAfter bounds what an upstream may ask for.
const MaxRetryAfter = 24 * time.Hour

// RetryAfter is how long the upstream asks to wait, by Retry-After-Ms, else by
// Retry-After in seconds or as a date, measured against the answer's own Date.
// 0: not said, or not readable.
func RetryAfter(h http.Header) time.Duration {
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil && ms > 0 {
		return time.Duration(min(ms*float64(time.Millisecond), float64(MaxRetryAfter)))
	}
	v := h.Get("Retry-After")
	if s, err := strconv.ParseFloat(v, 64); err == nil && s > 0 {
		return time.Duration(min(s*float64(time.Second), float64(MaxRetryAfter)))
	}
	at, err := http.ParseTime(v)
	now, errNow := http.ParseTime(h.Get("Date"))
	if err != nil || errNow != nil || !at.After(now) {
		return 0
	}
	return min(at.Sub(now), MaxRetryAfter)
}
