package route

import (
	"slices"
	"time"
)

// Hedge says when a second deployment is asked beside one that says nothing: after a
// fixed time, or after the time within which the deployment has said something in 19 of
// 20 calls. The zero value is never.
type Hedge struct {
	After time.Duration
	P95   bool
}

const (
	// sampled is of how many calls the quantile is taken, and enough from how many on.
	sampled, enough = 64, 20
	quantile        = 0.95
	// soonest bounds a hedge by quantile from below: nobody notices less.
	soonest = 10 * time.Millisecond
)

// samples are the last silences of a deployment in seconds.
type samples struct {
	values [sampled]float32
	n      int // how many were ever added
}

func (s *samples) add(seconds float64) {
	s.values[s.n%sampled] = float32(seconds)
	s.n++
}

// late is the quantile, false while too few are known.
func (s *samples) late() (time.Duration, bool) {
	n := min(s.n, sampled)
	if n < enough {
		return 0, false
	}
	sorted := s.values
	slices.Sort(sorted[:n])
	return time.Duration(float64(sorted[int(quantile*float64(n))]) * float64(time.Second)), true
}

// hedgeOf is the rule of a group: its own, else that of all.
func (s *Settings) hedgeOf(group string) Hedge {
	if h, ok := s.Hedges[group]; ok {
		return h
	}
	return s.Hedges["*"]
}

// HedgeAfter returns after which silence of a step's deployment another may be asked
// beside it, false for never.
func (p *Plan) HedgeAfter(s Step) (time.Duration, bool) {
	rule := s.member.hedge
	if rule == (Hedge{}) || len(p.hop.members) < 2 {
		return 0, false
	}
	if !rule.P95 {
		return rule.After, true
	}
	h := s.member.health
	h.mu.Lock()
	defer h.mu.Unlock()
	d, ok := h.silences(p.over.Stream).late()
	return max(d, soonest), ok
}

// silences are the samples for streams, or for whole answers; mu is held.
func (h *health) silences(stream bool) *samples {
	at := &h.wholes
	if stream {
		at = &h.streams
	}
	if *at == nil {
		*at = &samples{}
	}
	return *at
}

// spoke keeps how long a deployment said nothing, where somebody asks; mu is held.
func (m *member) spoke(stream bool, d time.Duration) {
	if m.hedge.P95 {
		m.health.silences(stream).add(d.Seconds())
	}
}

// Hedge starts the call of another deployment of the group beside a step that is under
// way; at most one. Both end on their own, by Failed, Succeeded or Lost. It is false when
// no other can answer now.
func (p *Plan) Hedge(beside Step, now time.Time) (Step, bool) {
	if p.beside != nil {
		return Step{}, false
	}
	rest := keep(p.healthy(now), func(m *member) bool {
		return m != beside.member && !p.failedIn(m) && !m.health.halfOpen(now)
	})
	if len(rest) == 0 {
		return Step{}, false
	}
	rest = lowestOrder(rest)
	m := rest[0]
	if len(rest) > 1 {
		m = rest[p.strategic(rest, now)]
	}
	if !m.health.enter(m.admission(), now) {
		p.note(m, DecisionTaken, 0)
		return Step{}, false
	}
	if !p.admitted(m, now) {
		p.note(m, DecisionElsewhere, 0)
		return Step{}, false
	}
	p.beside = m
	s := beside
	p.attempt++
	s.Deployment, s.member, s.Model, s.Wait, s.Attempt = m.Deployment, m, fill(m.Upstream, p.hop.captures), 0, p.attempt
	p.note(m, DecisionHedged, 0)
	return s, true
}

// Lost ends a step because another spoke first. It had said nothing for d.
func (p *Plan) Lost(s Step, d time.Duration, now time.Time) {
	p.note(s.member, DecisionLost, 0)
	p.release(s.member)
	h := s.member.health
	h.mu.Lock()
	defer h.mu.Unlock()
	s.member.spoke(p.over.Stream, d)
	if p.over.Stream {
		h.first.add(d.Seconds(), s.member.memory, now) // at least so long
	}
}

// release gives back the place of one step.
func (p *Plan) release(m *member) {
	if m != nil && p.beside == m {
		p.leaveShared(m)
		p.beside.health.leave()
		p.beside = nil
		return
	}
	if p.probing != nil {
		p.probing.probe.Store(false)
		p.probing = nil
	}
	if p.active != nil {
		p.leaveShared(p.active)
		p.active.health.leave()
		p.active = nil
	}
}
