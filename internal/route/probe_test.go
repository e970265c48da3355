package route

import (
	"testing"
	"time"
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

func TestAProbeNeverTakesTheLastDeploymentAway(t *testing.T) {
	table := New(Settings{}, groupOf("lb", "a"))
	table.Probed("a", false, time.Hour, start)
	if calls, e := drive(t, table, "lb", Overrides{}, start, nil); e != nil || len(calls) != 1 {
		t.Errorf("%v %v", calls, e)
	}
}
