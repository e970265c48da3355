package route

import (
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestAProbeReachesADeploymentThatRestsAndDecidesOnlyWhenAsked(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxParallel = 1
	table := New(Settings{AllowedFails: number(0)}, list)
	table.Probed("a", false, time.Hour, start)
	if table.Cooling("a", start).IsZero() {
		t.Fatal("one that did not answer is not left out")
	}
	plan, step, ok := table.Probe("a", start)
	if !ok || step.Deployment.ID != "a" {
		t.Fatalf("%+v %v", step, ok)
	}
	if _, _, ok := table.Probe("a", start); ok {
		t.Error("a probe took a place that another had")
	}
	plan.Succeeded(step, start)
	if table.Cooling("a", start).IsZero() || !table.LastSuccess("a").Equal(start) {
		t.Error("a success alone ends no cooldown")
	}
	table.Probed("a", true, 0, start)
	if !table.Cooling("a", start).IsZero() {
		t.Error("one that answered is still left out")
	}
	if _, _, ok := table.Probe("nobody", start); ok {
		t.Error("an unknown deployment was probed")
	}
}

func TestTheLastFailureIsThatOfTheDeploymentItself(t *testing.T) {
	table := New(Settings{NumRetries: number(0)}, each("a"))
	for i, c := range []struct {
		e    *llm.Error
		told bool
	}{{limited, false}, {refusal, false}, {fault(llm.KindTimeout, 408), false}, {broken, true}, {badKey, true}} {
		now := start.Add(time.Duration(i+1) * time.Minute)
		if _, e := drive(t, table, "a", Overrides{}, now, map[string]*llm.Error{"a": c.e}); e == nil {
			t.Fatal("no failure")
		}
		if got := table.LastFailure("a").Equal(now); got != c.told {
			t.Errorf("after %v: %v", c.e.Kind, table.LastFailure("a"))
		}
	}
	if !table.LastFailure("nobody").IsZero() {
		t.Error("an unknown deployment has failed")
	}
}

func TestAProbeNeverTakesTheLastDeploymentAway(t *testing.T) {
	table := New(Settings{}, groupOf("lb", "a"))
	table.Probed("a", false, time.Hour, start)
	if calls, e := drive(t, table, "lb", Overrides{}, start, nil); e != nil || len(calls) != 1 {
		t.Errorf("%v %v", calls, e)
	}
}
