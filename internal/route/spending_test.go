package route

import (
	"testing"
	"time"
)

// of returns the spending of one budget.
func of(t *testing.T, table *Table, name string, now time.Time) Spending {
	t.Helper()
	for _, s := range table.Spending(now) {
		if s.Of == name {
			return s
		}
	}
	t.Fatalf("there is no budget %q", name)
	return Spending{}
}

const openai = "provider openai"

func TestWhatWasSpentIsRecalledByTheNextProcess(t *testing.T) {
	old := budgeted()
	spend(t, old, 6*cent, start)
	next := budgeted()
	next.Recall(old.Spending(start), start)
	if id := spend(t, next, cent, start.Add(time.Hour)); id != "b" {
		t.Errorf("with the budget used up %s answered", id)
	}
	if id := spend(t, next, cent, start.Add(24*time.Hour)); id != "a" {
		t.Errorf("in the next period %s answered", id)
	}
}

func TestWhatThisProcessHasSpentIsNotRecalledOver(t *testing.T) {
	table := budgeted()
	spend(t, table, cent, start)
	table.Recall([]Spending{{Of: openai, Spent: 9 * cent, Since: start}, {Of: "provider nobody", Spent: 1, Since: start}}, start)
	if s := of(t, table, openai, start); s.Spent != cent {
		t.Errorf("%+v", s)
	}
}

func TestAPeriodThatBeginsInTheFutureBeginsNow(t *testing.T) {
	table := budgeted()
	table.Recall([]Spending{{Of: openai, Spent: 6 * cent, Since: start.Add(240 * time.Hour)}}, start)
	if id := spend(t, table, cent, start.Add(24*time.Hour)); id != "a" {
		t.Errorf("after its period %s answered", id)
	}
}

func TestWhoeverFollowsIsToldOfSpending(t *testing.T) {
	table, told := budgeted(), 0
	table.OnSpending(func() { told++ })
	spend(t, table, 0, start)
	if told != 0 {
		t.Error("told of nothing")
	}
	spend(t, table, cent, start)
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}

func TestWhatAllNodesHaveSpentCounts(t *testing.T) {
	table := budgeted()
	idle := of(t, table, openai, start)
	if idle.Spent != 0 || !idle.Since.IsZero() {
		t.Fatalf("%+v", idle)
	}
	table.Heard(idle, Spending{Of: openai, Spent: 2 * cent, Since: start}, start)
	spend(t, table, cent, start.Add(time.Hour))
	told := of(t, table, openai, start.Add(time.Hour))
	if told.Spent != 3*cent || told.Untold != cent || !told.Since.Equal(start) {
		t.Fatalf("%+v", told)
	}
	spend(t, table, cent, start.Add(time.Hour)) // while the question is on its way
	table.Heard(told, Spending{Of: openai, Spent: 4 * cent, Since: start}, start.Add(time.Hour))
	if s := of(t, table, openai, start.Add(time.Hour)); s.Spent != 5*cent || s.Untold != cent {
		t.Errorf("%+v", s)
	}
	if id := spend(t, table, cent, start.Add(time.Hour)); id != "b" {
		t.Errorf("with the budget of all used up %s answered", id)
	}
}

func TestAPeriodThatBeganMeanwhileStays(t *testing.T) {
	table := budgeted()
	spend(t, table, 4*cent, start)
	late := start.Add(23 * time.Hour)
	told := of(t, table, openai, late)
	next := start.Add(25 * time.Hour)
	spend(t, table, cent, next)
	table.Heard(told, Spending{Of: openai, Spent: 9 * cent, Since: start}, next)
	if s := of(t, table, openai, next); s.Spent != cent || s.Untold != cent {
		t.Errorf("%+v", s)
	}
	table.Heard(told, Spending{}, next)
	table.Heard(Spending{Of: "provider nobody"}, Spending{Spent: 1, Since: start}, next)
	if s := of(t, table, openai, next); s.Spent != cent {
		t.Errorf("an answer of nothing counts: %+v", s)
	}
}

func TestWhatWasToldIsToldOnceThoughAReloadComesBetween(t *testing.T) {
	old := budgeted()
	spend(t, old, cent, start)
	told := of(t, old, openai, start)
	fresh := budgeted()
	fresh.Inherit(old)
	fresh.Heard(told, Spending{Of: openai, Spent: cent, Since: start}, start)
	if s := of(t, fresh, openai, start); s.Untold != 0 || s.Spent != cent {
		t.Errorf("%+v", s)
	}
}
