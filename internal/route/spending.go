package route

import (
	"maps"
	"slices"
	"time"
)

// Spending is what was spent of one budget in the period that runs. It is what outlives
// the process, and what nodes tell each other.
type Spending struct {
	// Of says whose budget it is: "provider openai", "deployment ID".
	Of string
	// Spent is in pico-dollars, since Since, the zero time when no period runs, and until
	// Period after it.
	Spent  int64
	Since  time.Time
	Period time.Duration
	// Untold is the part of Spent that the other nodes have not heard of.
	Untold int64
}

// OnSpending sets what is called, often and by many, when a budget is spent of. It must
// not wait. Call it before t serves.
func (t *Table) OnSpending(told func()) { t.spent = told }

// Spending lists every budget, in the order of their names.
func (t *Table) Spending(now time.Time) []Spending {
	out := make([]Spending, 0, len(t.budgeted))
	for _, of := range slices.Sorted(maps.Keys(t.budgeted)) {
		b := t.budgeted[of]
		out = append(out, b.spending(now))
	}
	return out
}

func (b *budget) spending(now time.Time) Spending {
	b.purse.mu.Lock()
	defer b.purse.mu.Unlock()
	s := Spending{Of: b.of, Period: b.Period}
	if b.purse.runs(b.Period, now) {
		s.Spent, s.Since, s.Untold = b.purse.spent, b.purse.since, b.purse.untold
	}
	return s
}

// runs reports whether the period that began with the first spending lasts; mu is held.
func (p *purse) runs(period time.Duration, now time.Time) bool {
	return !p.since.IsZero() && now.Sub(p.since) < period
}

// Recall takes over what an earlier process has spent of budgets that this one has not
// spent of yet. A beginning that is still to come, as after a clock was set back, is now.
func (t *Table) Recall(list []Spending, now time.Time) {
	for _, s := range list {
		b, ok := t.budgeted[s.Of]
		if !ok || s.Spent <= 0 || s.Since.IsZero() {
			continue
		}
		b.purse.mu.Lock()
		if b.purse.since.IsZero() {
			b.purse.spent, b.purse.since = s.Spent, s.Since
			if s.Since.After(now) {
				b.purse.since = now
			}
		}
		b.purse.mu.Unlock()
	}
}

// Heard takes over what all nodes together have spent of a budget, in return for what
// this one has told. What was spent here meanwhile comes on top; a period that has begun
// here meanwhile stays.
func (t *Table) Heard(told, all Spending, now time.Time) {
	b, ok := t.budgeted[told.Of]
	if !ok || all.Since.IsZero() || all.Spent < 0 {
		return
	}
	p := b.purse
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.since.Equal(told.Since) && p.runs(b.Period, now) {
		return
	}
	if !p.runs(b.Period, now) {
		p.untold = told.Untold // of nothing that is left
	}
	p.untold = max(0, p.untold-told.Untold)
	p.spent, p.since = max(all.Spent, all.Spent+p.untold), all.Since // unless it overflows
}
