package route

import (
	"strings"
	"testing"
	"time"
)

const cent = 10_000_000_000 // pico-dollars

// spend answers one request for lb that costs so much, and returns who did.
func spend(t *testing.T, table *Table, cost int64, now time.Time) string {
	t.Helper()
	plan, step := begin(t, table, "lb", Overrides{}, now)
	plan.Observed(step, Feedback{Cost: cost}, now)
	plan.Succeeded(step, now)
	return step.Deployment.ID
}

func budgeted() *Table {
	list := groupOf("lb", "a", "b")
	list[0].Provider, list[1].Provider, list[1].Order = "openai", "anthropic", 2
	return New(Settings{ProviderBudgets: map[string]Budget{"openai": {5 * cent, 24 * time.Hour}}}, list)
}

func TestAProviderWhoseBudgetIsUsedUpIsLeftOutUntilItsPeriodEnds(t *testing.T) {
	table := budgeted()
	if a, b := spend(t, table, 3*cent, start), spend(t, table, 3*cent, start.Add(time.Hour)); a != "a" || b != "a" {
		t.Fatalf("within the budget %s and %s answered", a, b)
	}
	if id := spend(t, table, cent, start.Add(2*time.Hour)); id != "b" {
		t.Errorf("over the budget %s answered", id)
	}
	plan, _ := begin(t, table, "lb", Overrides{}, start.Add(2*time.Hour))
	if d := plan.Decisions(); d[0].What != DecisionBudget || d[0].Deployment != "a" {
		t.Errorf("%+v", d)
	}
	if id := spend(t, table, cent, start.Add(24*time.Hour)); id != "a" {
		t.Errorf("in the next period %s answered", id)
	}
}

func TestTheErrorOfABudgetSaysWhoseAndWhenItEnds(t *testing.T) {
	list := groupOf("lb", "a")
	list[0].Budget = Budget{2 * cent, time.Hour}
	table := New(Settings{}, list)
	spend(t, table, 3*cent, start)
	e := refused(t, table, "lb", Overrides{}, start.Add(10*time.Minute))
	if e.Status != 429 || e.RetryAfter != 50*time.Minute || !strings.Contains(e.Message, "Exceeded budget for deployment a: 0.03 >= 0.02") {
		t.Errorf("%+v", e)
	}
}

func TestWhatWasSpentOutlivesAReload(t *testing.T) {
	old := budgeted()
	spend(t, old, 6*cent, start)
	running, step := begin(t, old, "lb", Overrides{}, start)
	fresh := budgeted()
	fresh.Inherit(old)
	if id := spend(t, fresh, cent, start); id != "b" {
		t.Errorf("after a reload %s answered", id)
	}
	running.Observed(step, Feedback{Cost: 1 << 62}, start)
	running.Observed(step, Feedback{Cost: 1 << 62}, start) // together more than fits
	if id := spend(t, fresh, cent, start.Add(time.Hour)); id != "b" {
		t.Errorf("after an overflow %s answered", id)
	}
}

func TestARoutingGroupHasItsOwnStrategyAndAName(t *testing.T) {
	list := join(groupOf("x", "x1", "x2"), groupOf("y", "y1"), groupOf("z", "z1", "z2"))
	for i, price := range []float64{3, 2, 1, 5, 4} {
		list[i].Price, list[i].Priced = price, true
	}
	table := New(Settings{Strategy: LeastBusy, RoutingGroups: []RoutingGroup{{Name: "cheap", Models: []string{"x", "y"}, Strategy: CostBased}}}, list)
	for name, want := range map[string]string{"x": "x2", "cheap": "y1", "y": "y1"} {
		for range 5 {
			if calls, e := drive(t, table, name, Overrides{}, start, nil); e != nil || calls[0].ID != want {
				t.Errorf("%s: %v, want %s (error %v)", name, calls, want, e)
			}
		}
	}
	seen := map[string]bool{}
	for range 20 { // least-busy draws between equals
		table.settings.Rand = seeded()
		plan, step := begin(t, table, "z", Overrides{}, start)
		seen[step.Deployment.ID] = true
		defer plan.Close()
	}
	if len(seen) != 2 {
		t.Errorf("the others keep the strategy of all: %v", seen)
	}
	if !table.Has("cheap") || len(table.Deployments("cheap")) != 3 {
		t.Errorf("%d deployments", len(table.Deployments("cheap")))
	}
}

func TestLimitsAreEnforcedInTheRoutingGroupThatHasThemOnly(t *testing.T) {
	list := join(groupOf("x", "x1"), groupOf("y", "y1"))
	list[0].RPM, list[1].RPM = 1, 1
	table := New(Settings{RoutingGroups: []RoutingGroup{{Models: []string{"x"}, Strategy: UsageBasedV2}}}, list)
	for name, want := range map[string]bool{"x": true, "y": false} {
		if _, e := drive(t, table, name, Overrides{}, start, nil); e != nil {
			t.Fatal(e)
		}
		if _, e := drive(t, table, name, Overrides{}, start, nil); (e != nil) != want {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestARoutingGroupWaitsTogetherWithItsModels(t *testing.T) {
	list := join(groupOf("x", "x1"), groupOf("y", "y1"))
	list[0].MaxParallel, list[1].MaxParallel = 1, 1
	table := New(Settings{MaxQueue: 5, QueueWait: time.Minute, RoutingGroups: []RoutingGroup{{Name: "both", Models: []string{"x", "y"}}}}, list)
	first, one := begin(t, table, "x", Overrides{}, start)
	begin(t, table, "y", Overrides{}, start)
	plan, _ := table.Plan("both", Overrides{})
	waiting, e := plan.Next(start)
	if e != nil || waiting.Turn == nil {
		t.Fatalf("%+v %v", waiting, e)
	}
	first.Succeeded(one, start)
	if step := serve(t, plan, start); step.Deployment.ID != "x1" || step.Group != "both" {
		t.Errorf("%+v", step)
	}
}
