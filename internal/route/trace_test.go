package route

import (
	"slices"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// course runs a request through the failures of its calls in order, and returns the plan.
func course(t *testing.T, table *Table, failures ...*llm.Error) *Plan {
	t.Helper()
	plan, e := table.Plan("g", Overrides{})
	if e != nil {
		t.Fatal(e)
	}
	for _, failure := range failures {
		step, e := plan.Next(start)
		if e != nil || !plan.Start(step, start) {
			t.Fatalf("no step: %v", e)
		}
		if failure == nil {
			plan.Succeeded(step, start)
			break
		}
		plan.Failed(step, failure, start)
	}
	return plan
}

// reasons are why deployments were passed over, by the one that was chosen and their ids.
func reasons(p *Plan) map[string]string {
	out := map[string]string{}
	for _, o := range p.PassedOver() {
		out[p.Decisions()[o.For].Deployment+" over "+o.Deployment] = o.Why
	}
	return out
}

func TestTheTraceTellsWhyEveryOtherCandidateWasNotChosen(t *testing.T) {
	ranked := groupOf("g", "a", "b", "c")
	ranked[1].Order, ranked[2].Order = 2, 3
	priced := groupOf("g", "a", "b")
	priced[0].Price, priced[0].Priced, priced[1].Price, priced[1].Priced = 1, true, 2, true
	for name, tt := range map[string]struct {
		strategy    string
		deployments []Deployment
		failures    []*llm.Error
		want        map[string]string
	}{
		"order, and a failure": {
			"", ranked,
			[]*llm.Error{broken, nil},
			map[string]string{"a over b": PassedOrder, "a over c": PassedOrder, "b over a": PassedFailed, "b over c": PassedOrder},
		},
		"cost":    {CostBased, priced, []*llm.Error{nil}, map[string]string{"a over b": PassedDear}},
		"busy":    {LeastBusy, groupOf("g", "a", "b"), []*llm.Error{nil}, map[string]string{"b over a": PassedBusy}},
		"shuffle": {SimpleShuffle, groupOf("g", "a", "b"), []*llm.Error{nil}, map[string]string{"a over b": PassedShuffle}},
		"alone":   {LeastBusy, groupOf("g", "a"), []*llm.Error{nil}, map[string]string{}},
	} {
		got := reasons(course(t, New(Settings{Strategy: tt.strategy, AllowedFails: number(9)}, tt.deployments), tt.failures...))
		for key, why := range tt.want {
			if got[key] != why {
				t.Errorf("%s: %s because %q, want %q", name, key, got[key], why)
			}
		}
		if len(got) != len(tt.want) {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTheTraceTellsThatAConversationWasElsewhere(t *testing.T) {
	table := New(Settings{AffinityTTL: time.Hour, Rand: seeded()}, groupOf("g", "a", "b"))
	for n := range 3 {
		plan, _ := table.Plan("g", Overrides{Talker: speaker{1, true}})
		step, e := plan.Next(start)
		if e != nil || !plan.Start(step, start) {
			t.Fatal(e)
		}
		plan.Succeeded(step, start)
		over := plan.PassedOver()
		if want := map[bool]string{true: PassedChoices, false: PassedStay}[n == 0]; len(over) != 1 || over[0].Why != want {
			t.Errorf("request %d: %+v, want %q", n, over, want)
		}
	}
}

func TestWhatAChoiceHasPassedOverIsBounded(t *testing.T) {
	ids := make([]string, 40)
	for i := range ids {
		ids[i] = string(rune('A' + i))
	}
	p := course(t, New(Settings{Strategy: SimpleShuffle}, groupOf("g", ids...)), broken, broken, nil)
	if n := len(p.PassedOver()); n != maxPassed {
		t.Errorf("%d are remembered", n)
	}
	if slices.ContainsFunc(p.PassedOver(), func(o Passed) bool { return o.For >= len(p.Decisions()) }) {
		t.Error("one stands for no decision")
	}
}
