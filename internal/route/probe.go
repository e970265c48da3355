package route

import "time"

// Probe begins a call of one deployment that nobody asked for, to see whether it
// answers: also of one that rests. It is false when all its places are taken, and for an
// id that is not known. The caller ends it with Succeeded or Close.
func (t *Table) Probe(id string, now time.Time) (*Plan, Step, bool) {
	g := t.byID[id]
	if g == nil {
		return nil, Step{}, false
	}
	m := g.members[0]
	if !m.health.enter(admission{parallel: m.health.parallel.Load()}, now) {
		return nil, Step{}, false
	}
	p := &Plan{ // which counts as a place, not as a request of the minute
		table: t, requested: id, home: g.name, group: m.Group, active: m, attempt: 1,
		hop: found{group: g}, over: Overrides{DisableFallbacks: true},
	}
	if !p.admit(m, Limits{Parallel: m.health.parallel.Load()}, now) {
		return nil, Step{}, false
	}
	return p, Step{Deployment: m.Deployment, Model: m.Upstream, Group: m.Group, Attempt: 1, member: m}, true
}

// Probed lets a probe decide about the choice: a deployment that did not answer rests for
// so long, unless it is the only one of its group, and one that did rests no longer.
func (t *Table) Probed(id string, well bool, rest time.Duration, now time.Time) {
	g := t.byID[id]
	if g == nil {
		return
	}
	m := g.members[0]
	switch {
	case well:
		if m.health.until.Swap(0) != 0 {
			t.tellCooled(m, now)
		}
	case !m.alone:
		m.health.rest(now, rest)
		t.tellCooled(m, now.Add(rest))
	}
}

// LastSuccess returns when a deployment last answered, the zero time when it has not
// since the start.
func (t *Table) LastSuccess(id string) time.Time {
	return t.last(id, func(h *health) int64 { return h.seen.Load() })
}

// LastFailure returns when a call last failed in a way that speaks of the deployment, and
// not of its limits or a slow moment; the zero time when none has since the start.
func (t *Table) LastFailure(id string) time.Time {
	return t.last(id, func(h *health) int64 { return h.broke.Load() })
}

// last reads when something last happened, kept as ns since 1970.
func (t *Table) last(id string, of func(*health) int64) time.Time {
	g := t.byID[id]
	if g == nil {
		return time.Time{}
	}
	if at := of(g.members[0].health); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}
