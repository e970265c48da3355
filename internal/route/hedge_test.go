package route

import (
	"testing"
	"time"
)

// hedged is a table whose groups ask a second deployment by a rule.
func hedged(h Hedge, list []Deployment) *Table {
	return New(Settings{Hedges: map[string]Hedge{"*": h}, Rand: seeded()}, list)
}

func TestASecondDeploymentIsAskedOnlyWhereThereIsOne(t *testing.T) {
	two := hedged(Hedge{After: time.Second}, groupOf("lb", "a", "b"))
	plan, step := begin(t, two, "lb", Overrides{}, start)
	if d, ok := plan.HedgeAfter(step); !ok || d != time.Second {
		t.Fatalf("after %v, %v", d, ok)
	}
	second, ok := plan.Hedge(step, start)
	if !ok || second.Deployment.ID == step.Deployment.ID || second.Attempt != 2 || second.Retry != 0 {
		t.Fatalf("%+v %v", second, ok)
	}
	if third, ok := plan.Hedge(step, start); ok {
		t.Errorf("three at once: %+v", third)
	}
	one := hedged(Hedge{After: time.Second}, groupOf("lb", "a"))
	plan, step = begin(t, one, "lb", Overrides{}, start)
	if _, ok := plan.HedgeAfter(step); ok {
		t.Error("a group of one is hedged")
	}
	named := New(Settings{Hedges: map[string]Hedge{"other": {After: 1}}}, groupOf("lb", "a", "b"))
	plan, step = begin(t, named, "lb", Overrides{}, start)
	if _, ok := plan.HedgeAfter(step); ok {
		t.Error("a group that is not named is hedged")
	}
}

func TestASecondDeploymentIsHealthyAndHasAFreePlace(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[1].MaxParallel, list[1].Order = 1, 2
	table := hedged(Hedge{After: time.Second}, list)
	other, _ := table.Plan("b", Overrides{})
	busy := serve(t, other, start)
	plan, step := begin(t, table, "lb", Overrides{}, start)
	if s, ok := plan.Hedge(step, start); ok {
		t.Fatalf("asked a full one: %+v", s)
	}
	other.Failed(busy, limited, start) // which cools it
	if s, ok := plan.Hedge(step, start); ok {
		t.Errorf("asked one that rests: %+v", s)
	}
	if s, ok := plan.Hedge(step, start.Add(6*time.Second)); ok {
		t.Errorf("asked one that has to prove itself: %+v", s)
	}
}

func TestTheEndsOfTwoCallsGiveBackTheirPlaces(t *testing.T) {
	for name, end := range map[string]func(p *Plan, first, second Step){
		"the first wins": func(p *Plan, first, second Step) {
			p.Lost(second, time.Second, start)
			p.Succeeded(first, start)
		},
		"the second wins": func(p *Plan, first, second Step) {
			p.Lost(first, time.Second, start)
			p.Succeeded(second, start)
		},
		"the first fails, the second answers": func(p *Plan, first, second Step) {
			p.Failed(first, broken, start)
			p.Succeeded(second, start)
		},
		"both fail": func(p *Plan, first, second Step) {
			p.Failed(second, broken, start)
			p.Failed(first, broken, start)
		},
		"the client leaves": func(p *Plan, _, _ Step) { p.Close() },
	} {
		table := hedged(Hedge{After: time.Second}, groupOf("lb", "a", "b"))
		plan, step := begin(t, table, "lb", Overrides{}, start)
		second, ok := plan.Hedge(step, start)
		if !ok {
			t.Fatal("no second call")
		}
		end(plan, step, second)
		plan.Close()
		for _, m := range table.groups["lb"].members {
			if n := m.health.inflight.Load(); n != 0 {
				t.Errorf("%s: %s has %d in flight", name, m.ID, n)
			}
		}
	}
}

func TestBothFailuresOfAHedgedCallCountAsTried(t *testing.T) {
	table := New(Settings{Hedges: map[string]Hedge{"*": {After: 1}}, Rand: seeded(), NumRetries: number(1)}, groupOf("lb", "a", "b", "c"))
	plan, step := begin(t, table, "lb", Overrides{}, start)
	second, _ := plan.Hedge(step, start)
	plan.Failed(step, broken, start)
	plan.Failed(second, broken, start)
	third, e := plan.Next(start)
	if e != nil || third.Deployment.ID == step.Deployment.ID || third.Deployment.ID == second.Deployment.ID || third.Retry != 1 {
		t.Errorf("%+v error %v", third, e)
	}
}

func TestTheQuantileIsOfWhatTheDeploymentTook(t *testing.T) {
	for _, stream := range []bool{true, false} {
		table := hedged(Hedge{P95: true}, groupOf("lb", "a", "b"))
		o := Overrides{Stream: stream}
		plan, step := begin(t, table, "lb", o, start)
		took := func(d time.Duration) {
			if stream {
				plan.FirstToken(step, d, start)
			} else {
				plan.Observed(step, Feedback{Total: d}, start)
			}
		}
		for i := range enough {
			if _, ok := plan.HedgeAfter(step); ok {
				t.Fatalf("stream %v: known after %d calls", stream, i)
			}
			took(time.Second)
		}
		for range 180 {
			took(time.Second)
		}
		took(9 * time.Second)
		if d, ok := plan.HedgeAfter(step); !ok || d != time.Second {
			t.Errorf("stream %v: one slow call of many: %v %v", stream, d, ok)
		}
		for range 4 {
			plan.Lost(step, 9*time.Second, start)
		}
		if d, ok := plan.HedgeAfter(step); !ok || d != 9*time.Second {
			t.Errorf("stream %v: five slow ones of the last %d: %v %v", stream, sampled, d, ok)
		}
	}
}

func TestAStreamThatWasTooSlowIsKnownToBe(t *testing.T) {
	table := New(Settings{Strategy: LatencyBased, Hedges: map[string]Hedge{"*": {After: 1}}, Rand: seeded()}, groupOf("lb", "a", "b"))
	o := Overrides{Stream: true}
	plan, slow := begin(t, table, "lb", o, start)
	quick, _ := plan.Hedge(slow, start)
	plan.FirstToken(quick, time.Millisecond, start)
	plan.Lost(slow, 5*time.Second, start)
	plan.Succeeded(quick, start)
	for range 10 {
		if calls, _ := drive(t, table, "lb", o, start, nil); calls[0].ID != quick.Deployment.ID {
			t.Error("the slow one is asked again")
		}
	}
}
