package route

import "time"

// pick chooses a healthy deployment for the next call, nil when all are resting.
// One that failed in this plan is chosen only when no other is healthy, the one
// that failed last only when it is the last: the lowest order first, the
// strategy among equals.
func (p *Plan) pick(now time.Time) *member {
	members := p.hop.members
	if len(members) == 1 {
		return p.only(members[0], now)
	}
	var space [16]*member
	healthy := space[:0]
	for _, m := range members {
		if m.health.cooling(now) {
			p.note(m, DecisionCooling, 0)
			continue
		}
		healthy = append(healthy, m)
	}
	healthy = prefer(healthy, func(m *member) bool { return !p.failedIn(m) })
	healthy = prefer(healthy, func(m *member) bool { return m != p.last })
	healthy = lowestOrder(healthy)
	switch len(healthy) {
	case 0:
		return nil
	case 1:
		return healthy[0]
	}
	return healthy[min(p.table.strategy.pick(healthy, p.table.rand), len(healthy)-1)]
}

func (p *Plan) only(m *member, now time.Time) *member {
	if m.health.cooling(now) {
		p.note(m, DecisionCooling, 0)
		return nil
	}
	return m
}

// prefer keeps the members that fit, or all when none does. It reorders in place.
func prefer(members []*member, fits func(*member) bool) []*member {
	n := 0
	for i, m := range members {
		if fits(m) {
			members[n], members[i] = m, members[n]
			n++
		}
	}
	if n == 0 {
		return members
	}
	return members[:n]
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
