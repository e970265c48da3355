package route

import "time"

// Feedback is what a call has shown, for the strategies that learn.
type Feedback struct {
	// Total is how long the whole answer took, 0 when that says nothing.
	Total time.Duration
	// Tokens are all that were used, for tpm; Output those of the answer.
	Tokens, Output int64
	// Cost is what it cost in pico-dollars, 0 when that is not known.
	Cost int64
}

// maxBounces is how often a step may find its place taken before the group counts as
// busy.
const maxBounces = 8

// Start takes the step's place at its deployment, just before the call. It is false
// when another request has taken the last one since Next: then call Next again.
func (p *Plan) Start(s Step, now time.Time) bool {
	m := s.member
	why := DecisionTaken
	if p.probes(m, now) && p.take(m, now) {
		if p.admitted(m, now) {
			p.active = m
			p.served(m, now)
			return true
		}
		why = DecisionElsewhere
	}
	p.Close()
	p.attempt--
	if p.tries() != nil { // and goes on waiting
		p.forgetChoice()
		return false
	}
	p.note(m, why, 0)
	if p.bounced++; p.bounced%maxBounces == 0 {
		p.failure = p.busy()
	}
	return false
}

// take takes a place at m, or the one that was given in line.
func (p *Plan) take(m *member, now time.Time) bool {
	a := m.admission()
	if p.queue == nil || p.queue.given != m {
		return m.health.enter(a, now)
	}
	if !m.health.begin(a, now) {
		return false // Close gives the place on
	}
	p.queue.given = nil
	return true
}

// probes takes the part of the one probe of a half-open deployment. Without another
// deployment, or after a first refusal, several may probe: that is better than none.
func (p *Plan) probes(m *member, now time.Time) bool {
	if !m.health.halfOpen(now) {
		return true
	}
	if m.health.probe.CompareAndSwap(false, true) {
		p.probing = m.health
		return true
	}
	return len(p.hop.members) == 1 || p.bounced > 0
}

// Close gives back the places of steps that have started and not ended, or the turn in
// line. Further calls do nothing.
func (p *Plan) Close() {
	if p.beside != nil {
		p.release(p.beside)
	}
	p.release(p.active)
	p.leaveLine()
}

// FirstToken records how long a step's stream took to its first token. A half-open
// deployment that speaks is well: its stream may last for minutes, in which the others
// need not wait.
func (p *Plan) FirstToken(s Step, d time.Duration, now time.Time) {
	h := s.member.health
	if h.recovered(now) {
		h.probe.Store(false)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first.add(d.Seconds(), s.member.memory, now)
	s.member.spoke(true, d)
}

// Observed records what a step has shown. Call it before Failed or Succeeded.
func (p *Plan) Observed(s Step, f Feedback, now time.Time) {
	p.table.spend(s.member, f.Cost, now)
	h := s.member.health
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	h.used += max(0, f.Tokens)
	p.tellUsed(s.member, f.Tokens)
	p.used = f.Tokens
	if f.Total > 0 {
		h.perToken.add(f.Total.Seconds()/float64(max(1, f.Output)), s.member.memory, now)
		if !p.over.Stream {
			s.member.spoke(false, f.Total)
		}
	}
}

// timeoutPenalty are the seconds that a timeout counts for, as in LiteLLM.
const timeoutPenalty = 1000

// timedOut makes a deployment slow that did not answer in time.
func (m *member) timedOut(now time.Time) {
	m.health.mu.Lock()
	defer m.health.mu.Unlock()
	m.health.first.add(timeoutPenalty, m.memory, now)
	m.health.perToken.add(timeoutPenalty, m.memory, now)
}

// admission are the limits of a deployment that Start enforces; 0 is none.
type admission struct{ parallel, requests int64 }

func (m *member) admission() admission {
	a := admission{parallel: m.health.parallel.Load()}
	if m.limited {
		a.requests = m.RPM
	}
	return a
}

// enter counts a call in, false when a limit forbids it.
func (h *health) enter(a admission, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	if a.parallel > 0 && h.inflight.Load() >= a.parallel || a.requests > 0 && h.requests >= a.requests {
		return false
	}
	h.inflight.Add(1)
	h.requests++
	return true
}

// begin is enter for a call that has its place already.
func (h *health) begin(a admission, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	if a.requests > 0 && h.requests >= a.requests {
		return false
	}
	h.requests++
	return true
}

// usage returns the requests and tokens of the current minute, of all nodes where that
// is known.
func (h *health) usage(now time.Time) (requests, tokens int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	if now.Before(h.allUntil) {
		return max(h.requests, h.all.Requests), max(h.used, h.all.Tokens)
	}
	return h.requests, h.used
}

// latency returns the seconds that a client waits: of a stream for its first token,
// of a whole answer per token. It is false when that is not known.
func (h *health) latency(stream bool, r retention, now time.Time) (float64, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if stream {
		return h.first.get(r, now)
	}
	return h.perToken.get(r, now)
}

// failureShare returns how many times more calls of the minute were begun than
// succeeded, 1 when none failed.
func (h *health) failureShare(now time.Time) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	return float64(h.good+h.failed+1) / float64(h.good+1)
}

// retention is what averages remember.
type retention struct {
	weight float64 // of the newest value
	ttl    time.Duration
}

const (
	defaultLatencyWindow = 10
	defaultLatencyTTL    = time.Hour
)

func newRetention(s *Settings) retention {
	window, ttl := s.LatencyWindow, s.LatencyTTL
	if window <= 0 {
		window = defaultLatencyWindow
	}
	if ttl <= 0 {
		ttl = defaultLatencyTTL
	}
	return retention{weight: 2 / float64(window+1), ttl: ttl}
}

// average is an exponentially weighted moving average. The zero value knows nothing.
type average struct {
	value float64
	at    time.Time // of the newest value
}

func (a *average) add(v float64, r retention, now time.Time) {
	if _, known := a.get(r, now); known {
		v = a.value + r.weight*(v-a.value)
	}
	a.value, a.at = v, now
}

func (a *average) get(r retention, now time.Time) (float64, bool) {
	return a.value, !a.at.IsZero() && now.Sub(a.at) < r.ttl
}
