package route

import (
	"math"
	"net/http"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// LiteLLM's waits between two calls of the same deployment.
const (
	defaultRetries = 2
	firstDelay     = 500 * time.Millisecond
	maxDelay       = 8 * time.Second
	jitter         = 750 * time.Millisecond
)

// retry returns the next call within the group, if the failure and the number of
// retries so far allow one.
func (p *Plan) retry(now time.Time) (Step, bool) {
	failed, e := p.last, p.failure
	if failed == nil || e.Kind == llm.KindClientGone {
		return Step{}, false
	}
	budget, byPolicy := p.budget(e, failed)
	if p.retries >= budget || p.hasOwnFallback(e) {
		return Step{}, false
	}
	m := p.pick(now)
	if m == nil || m == failed {
		if other := p.lastResort(now); other != nil {
			m = other
		}
	}
	if m == nil {
		if !mayRetry(e, true, byPolicy) {
			return Step{}, false
		}
		return p.wait(now)
	}
	if !mayRetry(e, m != failed, byPolicy) {
		return Step{}, false
	}
	wait := p.delay(e, m == failed)
	if p.tooLong(wait) {
		return Step{}, false
	}
	p.retries++
	return p.step(m, wait), true
}

// mayRetry reports whether a call of another, or the same, deployment may cure a
// failure. A policy that names the cause decides alone.
func mayRetry(e *llm.Error, other, byPolicy bool) bool {
	if byPolicy {
		return true
	}
	if other && elsewhere(e) {
		return true
	}
	if !e.Retryable() {
		return false
	}
	return other || e.RetryAfter <= maxRetryAfter && !forbidsRetry(e.Header)
}

// elsewhere reports whether the failure hangs on the deployment's key or model, so
// that its neighbour may do better though a second call of it cannot.
func elsewhere(e *llm.Error) bool {
	switch e.Kind {
	case llm.KindAuthentication, llm.KindPayment, llm.KindPermission, llm.KindNotFound:
		return e.Upstream
	}
	return e.Upstream && (e.Status == http.StatusPaymentRequired || e.Status == http.StatusForbidden)
}

// forbidsRetry reports whether the upstream said that trying again is useless.
func forbidsRetry(h http.Header) bool { return h.Get("X-Should-Retry") == "false" }

// hasOwnFallback reports whether the failure has a fallback of its own kind, for
// which no retry is worth the time.
func (p *Plan) hasOwnFallback(e *llm.Error) bool {
	switch {
	case p.over.DisableFallbacks:
		return false
	case e.Kind == llm.KindContextWindow:
		return p.table.contextWindow.given()
	case e.Kind == llm.KindContentPolicy:
		return p.table.contentPolicy.given()
	}
	return false
}

// budget is the number of retries for a failure: by policy, else as the request,
// the deployment or the settings say.
func (p *Plan) budget(e *llm.Error, m *member) (n int, byPolicy bool) {
	s := &p.table.settings
	if policy, ok := s.GroupRetryPolicy[m.Group]; ok && e.Upstream {
		if n := policy.of(e); n != nil {
			return *n, true
		}
	}
	if s.RetryPolicy != nil && e.Upstream {
		if n := s.RetryPolicy.of(e); n != nil {
			return *n, true
		}
	}
	return p.table.numRetries(p.over, m), false
}

func (t *Table) numRetries(o Overrides, m *member) int {
	for _, n := range [...]*int{o.NumRetries, m.NumRetries, t.settings.NumRetries} {
		if n != nil {
			return max(0, *n)
		}
	}
	return defaultRetries
}

// tooLong reports whether a wait, one longer than our own, is longer than the whole
// request may take, or than anybody need wait while a fallback can answer now.
func (p *Plan) tooLong(wait time.Duration) bool {
	return wait > maxDelay && (p.over.Patience > 0 && wait > p.over.Patience || p.fallsBack())
}

// delay is how long to wait before a retry: not at all when another deployment
// takes over, else what the upstream asked for, else longer each time.
func (p *Plan) delay(e *llm.Error, same bool) time.Duration {
	if !same {
		return 0
	}
	least := p.table.settings.RetryAfter
	if e.RetryAfter > 0 {
		return max(least, min(e.RetryAfter, maxRetryAfter))
	}
	grown := float64(firstDelay) * math.Pow(2, float64(min(p.retries, 10)))
	wait := time.Duration(grown) + time.Duration(p.table.rand()*float64(jitter))
	return max(least, min(wait, maxDelay))
}
