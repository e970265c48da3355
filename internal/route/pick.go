package route

import (
	"strings"
	"time"
)

// pick chooses a healthy deployment for the next call, nil when none can answer now;
// p.barred then says why. One that failed in this plan is chosen only when no other is
// left, the one that failed last only when it is the last; one that another call
// probes after its cooldown when nothing else is healthy. Among the rest the lowest
// order comes first, and the strategy decides between equals.
func (p *Plan) pick(now time.Time) *member {
	p.barred = 0
	if m := p.called(now); m != nil {
		return m
	}
	healthy := p.healthy(now)
	switch len(healthy) {
	case 0:
		return nil
	case 1:
		return healthy[0]
	}
	return p.oneOf(healthy, now)
}

// oneOf chooses between several, and remembers over which others.
func (p *Plan) oneOf(healthy []*member, now time.Time) *member {
	p.remained = false
	best := p.best(healthy, now) // at the front of the same space
	m := best[0]
	if len(best) > 1 {
		m = p.among(best, now)
	}
	p.passOver(healthy, m, now)
	return m
}

// best keeps those between which the strategy decides.
func (p *Plan) best(healthy []*member, now time.Time) []*member {
	healthy = prefer(healthy, func(m *member) bool { return !p.failedIn(m) })
	healthy = prefer(healthy, func(m *member) bool { return m != p.last })
	healthy = prefer(healthy, func(m *member) bool { return !m.health.probed(now) })
	return lowestOrder(healthy)
}

// healthy returns the members that can answer this request now, in the plan's own
// space.
func (p *Plan) healthy(now time.Time) []*member {
	out := p.candidates[:0]
	for _, m := range p.hop.members {
		if why := p.bar(m, now); why != 0 {
			p.leaveOut(m, why)
			continue
		}
		out = append(out, m)
	}
	if !p.table.settings.TagFiltering {
		return out
	}
	fit := p.tagged(out)
	for _, m := range out[len(fit):] {
		p.leaveOut(m, barTags)
	}
	return fit
}

func (p *Plan) leaveOut(m *member, why bars) {
	p.barred |= why
	if p.stands() == nil && p.tries() == nil { // who waits looks often, and sees the same
		p.note(m, why.decision(), 0)
	}
}

// bar returns why m cannot answer now, 0 when it can. What does not pass with time
// comes first.
func (p *Plan) bar(m *member, now time.Time) bars {
	why := p.unfit(m, now)
	if why == 0 && p.full(m, now) {
		return barFull
	}
	return why
}

func (p *Plan) full(m *member, now time.Time) bool {
	most := m.health.parallel.Load()
	return most > 0 && (m.health.inflight.Load() >= most || p.behind(m, now))
}

// unfit is bar without a look at how many calls are in flight.
func (p *Plan) unfit(m *member, now time.Time) bars {
	switch {
	case p.abroad(m):
		return barRegion
	case p.tooSmall(m):
		return barWindow
	case m.health.cooling(now):
		return barCooling
	}
	return p.spent(m, now)
}

// abroad reports whether m is not where the request may go: what does not say where it
// is, is nowhere.
func (p *Plan) abroad(m *member) bool {
	return p.over.Region != "" && !strings.EqualFold(m.Region, p.over.Region)
}

func (p *Plan) tooSmall(m *member) bool {
	return p.table.settings.PreCallChecks && m.MaxInput > 0 && tooMany(p.estimate(), m.MaxInput)
}

// spent returns what m has used up, its budget or its limits, 0 for neither.
func (p *Plan) spent(m *member, now time.Time) bars {
	switch {
	case m.budgets != nil && m.overBudget(now):
		return barBudget
	case m.limited && (m.RPM > 0 || m.TPM > 0) && p.overLimits(m, now):
		return barLimit
	}
	return 0
}

// lastResort chooses among those that rest for failures that may pass, other than the one
// that failed last, nil when there is none. To ask it is better than to refuse a request,
// or to wait: where a fifth of all calls fails, every deployment may rest at once, and
// four of five calls would still be answered.
func (p *Plan) lastResort(now time.Time) *member {
	resting := p.candidates[:0]
	for _, m := range p.hop.members {
		if m != p.last && m.health.mayBeAsked(now) && !p.abroad(m) && !p.tooSmall(m) && p.spent(m, now) == 0 && !p.full(m, now) {
			resting = append(resting, m)
		}
	}
	if p.table.settings.TagFiltering {
		resting = p.tagged(resting)
	}
	if len(resting) == 0 {
		return nil
	}
	m := resting[0]
	if len(resting) > 1 {
		m = p.oneOf(resting, now)
	}
	p.note(m, DecisionLastResort, 0)
	return m
}

// overLimits reports whether one more call would exceed the rpm or tpm.
func (p *Plan) overLimits(m *member, now time.Time) bool {
	requests, used := m.health.usage(now)
	return m.RPM > 0 && requests >= m.RPM || m.TPM > 0 && used+p.estimate() > m.TPM
}

// tooMany reports whether an estimate exceeds a window by more than its error of a
// fifth: what may fit is for the provider to say.
func tooMany(estimate, window int64) bool { return estimate-estimate/6 > window }

// estimate is about how many input tokens the request has, 0 when nobody can tell.
func (p *Plan) estimate() int64 {
	if p.tokens == 0 && p.over.Tokens != nil {
		p.tokens = max(1, p.over.Tokens())
	}
	return p.tokens
}

// keep moves the members that fit to the front and returns them.
func keep(members []*member, fits func(*member) bool) []*member {
	n := 0
	for i, m := range members {
		if fits(m) {
			members[n], members[i] = m, members[n]
			n++
		}
	}
	return members[:n]
}

// prefer keeps the members that fit, or all when none does. It reorders in place.
func prefer(members []*member, fits func(*member) bool) []*member {
	if fit := keep(members, fits); len(fit) > 0 {
		return fit
	}
	return members
}

// lowestOrder keeps the members of the first rank.
func lowestOrder(members []*member) []*member {
	best := 0
	for i, m := range members {
		if rank := max(1, m.Order); i == 0 || rank < best {
			best = rank
		}
	}
	return prefer(members, func(m *member) bool { return max(1, m.Order) == best })
}

func (t *Table) rand() float64 {
	if t.settings.Rand == nil {
		return 0
	}
	return t.settings.Rand()
}
