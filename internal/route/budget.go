package route

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Budget is what may be spent in a period. Limit is in pico-dollars; a Period of 0 is no
// budget.
type Budget struct {
	Limit  int64
	Period time.Duration
}

// budget is a budget that a deployment has to keep to, with what was spent of it.
type budget struct {
	Budget
	// of says whose it is: "provider openai".
	of    string
	purse *purse
}

// purse is what was spent in the current period, which begins with the first spending.
// It outlives the table.
type purse struct {
	mu    sync.Mutex
	spent int64
	since time.Time
	// untold is the part of spent that the other nodes have not heard of.
	untold int64
}

// spend adds a cost in pico-dollars.
func (b *budget) spend(cost int64, now time.Time) {
	b.purse.mu.Lock()
	defer b.purse.mu.Unlock()
	if b.purse.since.IsZero() || now.Sub(b.purse.since) >= b.Period {
		b.purse.spent, b.purse.untold, b.purse.since = 0, 0, now
	}
	if sum := b.purse.spent + cost; sum >= b.purse.spent { // else it would overflow
		b.purse.spent = sum
		b.purse.untold += cost
	}
}

// state returns what was spent, and how long the period still lasts.
func (b *budget) state(now time.Time) (spent int64, left time.Duration) {
	b.purse.mu.Lock()
	defer b.purse.mu.Unlock()
	left = b.Period - now.Sub(b.purse.since)
	if b.purse.since.IsZero() || left <= 0 {
		return 0, b.Period
	}
	return b.purse.spent, left
}

func (b *budget) used(now time.Time) bool {
	spent, _ := b.state(now)
	return spent >= b.Limit
}

// budgets returns what a deployment has to keep to.
func (t *Table) budgets(d *Deployment) (out []budget) {
	add := func(of string, limit Budget) {
		if limit.Period <= 0 {
			return
		}
		if t.purses[of] == nil {
			t.purses[of] = &purse{}
		}
		b := budget{limit, of, t.purses[of]}
		t.budgeted[of] = b
		out = append(out, b)
	}
	add("provider "+d.Provider, t.settings.ProviderBudgets[d.Provider])
	add("deployment "+d.ID, d.Budget)
	return out
}

// overBudget reports whether a budget of m is used up.
func (m *member) overBudget(now time.Time) bool {
	for i := range m.budgets {
		if m.budgets[i].used(now) {
			return true
		}
	}
	return false
}

// spend counts what a call of m has cost.
func (t *Table) spend(m *member, cost int64, now time.Time) {
	if cost <= 0 || len(m.budgets) == 0 {
		return
	}
	for i := range m.budgets {
		m.budgets[i].spend(cost, now)
	}
	if t.spent != nil {
		t.spent()
	}
}

// spentError is the error of a group whose deployments have used up their budgets.
func (p *Plan) spentError(now time.Time) *llm.Error {
	why, wait := "", time.Duration(0)
	for _, m := range p.hop.members {
		for i := range m.budgets {
			b := &m.budgets[i]
			spent, left := b.state(now)
			if spent < b.Limit {
				continue
			}
			if why == "" || left < wait {
				wait = left
			}
			if len(why) < 1000 {
				why += fmt.Sprintf(" Exceeded budget for %s: %s >= %s.", b.of, dollars(spent), dollars(b.Limit))
			}
		}
	}
	e := throttled(max(time.Second, wait), "No deployments available - crossed budget:"+why)
	return e
}

// dollars writes an amount in USD.
func dollars(pico int64) string { return strconv.FormatFloat(float64(pico)/1e12, 'g', -1, 64) }
