package route

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

const (
	defaultCooldown = 5 * time.Second
	// maxRetryAfter is the longest Retry-After that is obeyed as a wait or as the
	// length of a cooldown.
	maxRetryAfter = 60 * time.Second
	// defaultAllowedFails counts where allowed_fails_policy has nothing for a cause.
	defaultAllowedFails = 3
	// minTraffic is how many requests of a minute the share of failures is taken of.
	minTraffic = 5
)

// health is what is known of a deployment's failures and load. It outlives the table.
//
// Its failures make a circuit breaker: closed while until is 0; open before until;
// half-open after it, when one call at a time probes the deployment, until a success
// closes it or a failure opens it again.
type health struct {
	fullUntil atomic.Int64 // ns since 1970; other nodes have all places before it

	until    atomic.Int64 // ns since 1970; resting before it
	firm     atomic.Int64 // ns since 1970; before it not even a last resort
	longest  atomic.Int64 // the longest rest so far, in ns
	probe    atomic.Bool  // a probe is under way
	inflight atomic.Int64 // calls that have started and not ended
	seen     atomic.Int64 // when a call last succeeded, ns since 1970
	broke    atomic.Int64 // when one last failed other than by a limit, ns since 1970
	// parallel is how many may be, as the latest table has it; 0 is no limit.
	parallel atomic.Int64
	// line is where requests wait for a place, nil without max_parallel_requests or queue.
	line atomic.Pointer[line]

	mu sync.Mutex
	// fails within the window of allowed_fails, which ends at expires.
	fails   int
	expires time.Time
	// Calls of the current minute, for the default policy.
	minute       int64
	good, failed int
	// What began in the current minute, and the tokens that were used in it.
	requests, used int64
	// all is what all nodes together have, believed until allUntil.
	all      Usage
	allUntil time.Time
	// Seconds to the first token of a stream, and of an answer per token.
	first, perToken average
	// How long it said nothing, of streams and whole answers; nil where nobody asks.
	streams, wholes *samples
}

// cooling reports whether the deployment rests. More left than it ever had to rest
// means that the clock was set back meanwhile: then the rest is over.
func (h *health) cooling(now time.Time) bool {
	left := h.until.Load() - now.UnixNano()
	return left > 0 && left <= h.longest.Load()
}

// mayBeAsked reports whether the deployment rests for failures that may pass, so that it
// is better than nobody.
func (h *health) mayBeAsked(now time.Time) bool {
	left := h.firm.Load() - now.UnixNano()
	return h.cooling(now) && (left <= 0 || left > h.longest.Load())
}

// stand makes a rest a firm one until then, if it is not for longer.
func (h *health) stand(until time.Time) {
	for before := h.firm.Load(); before < until.UnixNano() && !h.firm.CompareAndSwap(before, until.UnixNano()); {
		before = h.firm.Load()
	}
}

// askedAgain is when a deployment that rests may be asked at last.
func (h *health) askedAgain() time.Time {
	return time.Unix(0, min(h.firm.Load(), h.until.Load()))
}

func (h *health) restsUntil() time.Time { return time.Unix(0, h.until.Load()) }

// halfOpen reports whether the cooldown is over and no call has succeeded since.
func (h *health) halfOpen(now time.Time) bool {
	return h.until.Load() != 0 && !h.cooling(now)
}

// probed reports whether another call is finding out if the deployment is well again.
func (h *health) probed(now time.Time) bool { return h.probe.Load() && h.halfOpen(now) }

func (h *health) succeeded(now time.Time) {
	h.seen.Store(now.UnixNano())
	h.recovered(now)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	h.good++
}

// recovered closes the breaker of a deployment whose cooldown is over, false when there
// is nothing to close.
func (h *health) recovered(now time.Time) bool {
	until := h.until.Load()
	return until != 0 && !h.cooling(now) && h.until.CompareAndSwap(until, 0)
}

// turn begins a new minute.
func (h *health) turn(now time.Time) {
	if minute := now.Unix() / 60; minute != h.minute {
		h.minute, h.good, h.failed, h.requests, h.used = minute, 0, 0, 0, 0
		h.allUntil = time.Time{}
	}
}

// rest cools until now+d, never shorter than already decided.
func (h *health) rest(now time.Time, d time.Duration) {
	for before := h.longest.Load(); before < int64(d) && !h.longest.CompareAndSwap(before, int64(d)); {
		before = h.longest.Load()
	}
	until := now.Add(d).UnixNano()
	for {
		before := h.until.Load()
		if before >= until && h.cooling(now) || h.until.CompareAndSwap(before, until) {
			return
		}
	}
}

// fail records a failed call and cools the deployment when the rules say so; a
// failure counts also where nothing cools, as with LiteLLM.
// repeated says that this request has failed there before: LiteLLM counts a
// request once per deployment, however often it is retried.
func (t *Table) fail(m *member, e *llm.Error, repeated bool, now time.Time) (cooled bool) {
	if !concerns(e) {
		return false
	}
	if e.Status != 429 && e.Status != 408 {
		m.health.broke.Store(now.UnixNano())
	}
	d := t.cooldownTime(m)
	if !t.exceeded(m, e, repeated, now, d) || t.settings.DisableCooldowns || d <= 0 {
		return false
	}
	d = max(d, min(e.RetryAfter, maxRetryAfter))
	m.health.rest(now, d)
	m.health.stand(now.Add(t.firmFor(e, d)))
	t.tellCooled(m, now.Add(d))
	return true
}

// firmFor is for how much of a rest the deployment is not even a last resort: as long as
// the vendor said after a failure that may pass, which came quickly, else all the time.
// The file's own rules leave no such hope, as with LiteLLM.
func (t *Table) firmFor(e *llm.Error, rest time.Duration) time.Duration {
	if _, set := t.allowedFails(e); set || e.Kind == llm.KindTimeout || e.Status != 429 && e.Status < 500 {
		return rest
	}
	return min(e.RetryAfter, rest)
}

// exceeded counts the failure and reports whether it is one too many.
func (t *Table) exceeded(m *member, e *llm.Error, repeated bool, now time.Time, window time.Duration) bool {
	h := m.health
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	if !repeated {
		h.failed++
	}
	allowed, set := t.allowedFails(e)
	if !set {
		return !m.alone && (h.halfOpen(now) || h.byDefault(e))
	}
	if !now.Before(h.expires) {
		h.fails = 0
	}
	if !repeated {
		h.fails++
		h.expires = now.Add(window)
	}
	if h.fails <= allowed {
		return false
	}
	h.fails = 0
	return true
}

// byDefault is LiteLLM's policy for several deployments without allowed_fails: at
// once for what a retry cannot cure and for a rate limit, else when more than
// half of at least five requests of the minute failed.
func (h *health) byDefault(e *llm.Error) bool {
	switch e.Status {
	case 429, 401, 402, 404:
		return true
	}
	total := h.good + h.failed
	return total >= minTraffic && 2*h.failed > total
}

// concerns reports whether a failure says anything about the deployment.
func concerns(e *llm.Error) bool {
	if !e.Upstream || strings.Contains(e.Message, "APIConnectionError") {
		return false
	}
	switch e.Status {
	case 401, 402, 404, 408, 429:
		return true
	}
	return e.Status >= 500
}

func (t *Table) cooldownTime(m *member) time.Duration {
	if m.CooldownTime != nil {
		return *m.CooldownTime
	}
	if t.settings.CooldownTime != nil {
		return *t.settings.CooldownTime
	}
	return defaultCooldown
}

// allowedFails is the number of failures that the configuration allows for the
// cause, and whether it says one at all.
func (t *Table) allowedFails(e *llm.Error) (int, bool) {
	s := &t.settings
	if s.AllowedFailsPolicy != nil {
		if n := s.AllowedFailsPolicy.of(e); n != nil {
			return *n, true
		}
	}
	if s.AllowedFails != nil {
		return *s.AllowedFails, true
	}
	return defaultAllowedFails, s.AllowedFailsPolicy != nil
}

// of returns the number for an error's cause, else the default, else nil.
func (c *Counts) of(e *llm.Error) *int {
	if n := c.cause(e.Kind); n != nil {
		return n
	}
	return c.Default
}

func (c *Counts) cause(kind llm.ErrorKind) *int {
	switch kind {
	case llm.KindBadRequest, llm.KindUnsupportedParams, llm.KindContextWindow, llm.KindUnprocessable:
		return c.BadRequest
	case llm.KindContentPolicy:
		return c.ContentPolicy
	case llm.KindAuthentication, llm.KindPermission:
		return c.Authentication
	case llm.KindNotFound:
		return c.NotFound
	case llm.KindTimeout:
		return c.Timeout
	case llm.KindRateLimit:
		return c.RateLimit
	case llm.KindInternal, llm.KindConnection:
		return c.InternalServer
	case llm.KindUnavailable:
		return c.ServiceUnavailable
	case llm.KindBadGateway:
		return c.BadGateway
	}
	return nil
}
