package route

import (
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// learn tells the table what calls of a deployment have shown.
func learn(table *Table, id string, f Feedback, firstToken time.Duration, now time.Time) {
	s := Step{member: table.byID[id].members[0]}
	plan := &Plan{table: table}
	if firstToken > 0 {
		plan.FirstToken(s, firstToken, now)
	}
	plan.Observed(s, f, now)
}

func TestLeastBusyTakesTheDeploymentWithTheFewestCallsInFlight(t *testing.T) {
	table := New(Settings{Strategy: LeastBusy, Rand: seeded()}, groupOf("lb", "a", "b", "c"))
	seen := map[string]int{}
	var last *Plan
	for range 9 {
		plan, step := begin(t, table, "lb", Overrides{}, start)
		seen[step.Deployment.ID]++
		last = plan
	}
	if seen["a"] != 3 || seen["b"] != 3 || seen["c"] != 3 {
		t.Fatalf("nine open calls stand as %v", seen)
	}
	freed := last.active.ID
	last.Close()
	if _, step := begin(t, table, "lb", Overrides{}, start); step.Deployment.ID != freed {
		t.Fatalf("called %s though %s has one call less", step.Deployment.ID, freed)
	}
}

func TestLeastBusySharesAnIdleGroupEvenly(t *testing.T) {
	table := New(Settings{Strategy: LeastBusy, Rand: seeded()}, groupOf("lb", "a", "b"))
	if got := share(t, table, Overrides{}, "a", 1000); !near(got, 0.5) {
		t.Fatalf("share of a is %v", got)
	}
}

func TestEveryEndOfACallFreesItsPlace(t *testing.T) {
	table := New(Settings{}, groupOf("lb", "a"))
	h := table.byID["a"].members[0].health
	ends := map[string]func(*Plan, Step){
		"success":          func(p *Plan, s Step) { p.Succeeded(s, start) },
		"failure":          func(p *Plan, s Step) { p.Failed(s, broken, start) },
		"client gone":      func(p *Plan, s Step) { p.Failed(s, &llm.Error{Kind: llm.KindClientGone}, start) },
		"close":            func(p *Plan, _ Step) { p.Close() },
		"failure and more": func(p *Plan, s Step) { p.Failed(s, broken, start); p.Close(); p.Close() },
	}
	for name, end := range ends {
		plan, step := begin(t, table, "lb", Overrides{}, start)
		if n := h.inflight.Load(); n != 1 {
			t.Fatalf("%s: %d in flight before", name, n)
		}
		end(plan, step)
		if n := h.inflight.Load(); n != 0 {
			t.Errorf("%s: %d in flight after", name, n)
		}
	}
}

func TestLatencyBasedTakesTheFastestPerTokenAndForStreamsToTheFirstToken(t *testing.T) {
	table := New(Settings{Strategy: LatencyBased, Rand: seeded()}, groupOf("lb", "a", "b"))
	// a is slow to begin and quick to go on: 1 s to the first token, 10 ms a token.
	learn(table, "a", Feedback{Total: 2 * time.Second, Output: 200}, time.Second, start)
	learn(table, "b", Feedback{Total: 2 * time.Second, Output: 50}, 100*time.Millisecond, start)
	if got := share(t, table, Overrides{}, "a", 100); got != 1 {
		t.Errorf("whole answers: share of a is %v, want all", got)
	}
	if got := share(t, table, Overrides{Stream: true}, "b", 100); got != 1 {
		t.Errorf("streams: share of b is %v, want all", got)
	}
}

func TestLatencyBufferLetsTheNearlyFastestShare(t *testing.T) {
	for buffer, want := range map[float64]float64{0: 1, 0.5: 0.5} {
		table := New(Settings{Strategy: LatencyBased, LatencyBuffer: buffer, Rand: seeded()}, groupOf("lb", "a", "b", "c"))
		learn(table, "a", Feedback{Total: 1000 * time.Millisecond, Output: 10}, 0, start)
		learn(table, "b", Feedback{Total: 1400 * time.Millisecond, Output: 10}, 0, start)
		learn(table, "c", Feedback{Total: 1600 * time.Millisecond, Output: 10}, 0, start)
		if got := share(t, table, Overrides{}, "a", 1000); !near(got, want) {
			t.Errorf("buffer %v: share of a is %v, want %v", buffer, got, want)
		}
		if got := share(t, table, Overrides{}, "c", 100); got != 0 {
			t.Errorf("buffer %v: c is outside and gets %v", buffer, got)
		}
	}
}

func TestUnknownLatencyIsTriedFirstByOneCallAtATime(t *testing.T) {
	table := New(Settings{Strategy: LatencyBased, Rand: seeded()}, groupOf("lb", "a", "b"))
	learn(table, "a", Feedback{Total: time.Second, Output: 10}, 0, start)
	plan, step := begin(t, table, "lb", Overrides{}, start)
	if step.Deployment.ID != "b" {
		t.Fatal("the unknown deployment is not tried")
	}
	for range 5 {
		other, s := begin(t, table, "lb", Overrides{}, start)
		if s.Deployment.ID != "a" {
			t.Fatal("a second call goes to a deployment that nobody knows yet")
		}
		other.Close()
	}
	plan.Failed(step, broken, start)
	if _, s := begin(t, table, "lb", Overrides{}, start); s.Deployment.ID != "a" {
		t.Fatal("a deployment that failed and was never quick is tried first again")
	}
}

func TestLatencyIsAnAverageThatForgets(t *testing.T) {
	r := newRetention(&Settings{LatencyWindow: 3, LatencyTTL: time.Minute})
	var a average
	for range 3 {
		a.add(1, r, start)
	}
	a.add(3, r, start)
	if got, known := a.get(r, start); !known || got != 2 {
		t.Errorf("after 1, 1, 1, 3 the average is %v", got)
	}
	if _, known := a.get(r, start.Add(time.Minute)); known {
		t.Error("it holds longer than its time")
	}
	a.add(7, r, start.Add(time.Hour))
	if got, _ := a.get(r, start.Add(time.Hour)); got != 7 {
		t.Errorf("what was forgotten still counts: %v", got)
	}
}

func TestTimeoutMakesADeploymentSlowButNotTheClientsOwn(t *testing.T) {
	slow := fault(llm.KindTimeout, 408)
	for own, want := range map[bool]float64{false: 0, true: 1} {
		table := New(Settings{Strategy: LatencyBased, Rand: seeded()}, groupOf("lb", "a", "b"))
		learn(table, "a", Feedback{Total: 1 * time.Second, Output: 10}, 0, start)
		learn(table, "b", Feedback{Total: 2 * time.Second, Output: 10}, 0, start)
		plan, step := begin(t, table, "lb", Overrides{OwnTimeout: own}, start)
		plan.Failed(step, slow, start)
		if got := share(t, table, Overrides{}, "a", 50); got != want {
			t.Errorf("own timeout %v: share of a is %v, want %v", own, got, want)
		}
	}
}

func TestUsageBasedTakesTheFewestTokensOfThisMinuteThenTheFewestRequests(t *testing.T) {
	for _, name := range []string{UsageBased, UsageBasedV2} {
		table := New(Settings{Strategy: name, Rand: seeded()}, groupOf("lb", "a", "b"))
		learn(table, "a", Feedback{Tokens: 1000}, 0, start)
		learn(table, "b", Feedback{Tokens: 999}, 0, start)
		if got := share(t, table, Overrides{}, "b", 20); got != 1 {
			t.Errorf("%s: share of b is %v", name, got)
		}
		learn(table, "b", Feedback{Tokens: 1}, 0, start)
		if got := share(t, table, Overrides{}, "a", 20); got != 1 {
			t.Errorf("%s: equal tokens and fewer requests, but the share of a is %v", name, got)
		}
		learn(table, "b", Feedback{Tokens: 1}, 0, start.Add(time.Minute))
		if _, step := begin(t, table, "lb", Overrides{}, start.Add(time.Minute)); step.Deployment.ID != "a" {
			t.Errorf("%s: the last minute still counts", name)
		}
	}
}

func TestCostBasedTakesTheCheapestAndTheUnpricedLast(t *testing.T) {
	list := groupOf("lb", "a", "b", "c")
	list[0].Price, list[0].Priced = 3e-6, true
	list[1].Price, list[1].Priced = 1e-6, true
	table := New(Settings{Strategy: CostBased, Rand: seeded()}, list)
	if got := share(t, table, Overrides{}, "b", 20); got != 1 {
		t.Errorf("share of the cheapest is %v", got)
	}
	calls, _ := drive(t, table, "lb", Overrides{}, start, map[string]*llm.Error{"a": broken, "b": broken})
	if got := ids(calls); got[1] != "a" || got[2] != "c" {
		t.Errorf("called %v, want the cheaper ones first", got)
	}
}

func TestDefaultStrategyPrefersTheFasterAndTheIdleWithoutStarvingAny(t *testing.T) {
	table := New(Settings{Rand: seeded()}, groupOf("lb", "a", "b"))
	if got := share(t, table, Overrides{}, "a", 2000); !near(got, 0.5) {
		t.Errorf("nothing known: share of a is %v", got)
	}
	learn(table, "a", Feedback{}, 100*time.Millisecond, start)
	learn(table, "b", Feedback{}, 300*time.Millisecond, start)
	if got := share(t, table, Overrides{Stream: true}, "a", 2000); !near(got, 0.9) {
		t.Errorf("a is three times as fast: its share is %v", got)
	}
	plan, step := begin(t, table, "lb", Overrides{}, start)
	defer plan.Close()
	if got := share(t, table, Overrides{}, step.Deployment.ID, 2000); !near(got, 0.2) {
		t.Errorf("one call in flight against none: share is %v", got)
	}
}

func TestDefaultStrategyIgnoresNoise(t *testing.T) {
	table := New(Settings{Rand: seeded()}, groupOf("lb", "a", "b"))
	learn(table, "a", Feedback{Total: 40 * time.Microsecond, Output: 1}, 0, start)
	learn(table, "b", Feedback{Total: 900 * time.Microsecond, Output: 1}, 0, start)
	if got := share(t, table, Overrides{}, "a", 2000); !near(got, 0.5) {
		t.Errorf("share of a is %v", got)
	}
}

func TestDefaultStrategyAvoidsTheFailing(t *testing.T) {
	table := New(Settings{AllowedFails: number(100), Rand: seeded()}, groupOf("lb", "a", "b"))
	for range 9 {
		table.fail(table.byID["a"].members[0], broken, false, start)
	}
	hits := 0
	for range 500 {
		plan, step := begin(t, table, "lb", Overrides{}, start)
		if step.Deployment.ID == "a" {
			hits++
		}
		plan.Close()
	}
	if hits > 20 {
		t.Errorf("a failed nine times of nine and still gets %d of 500 requests", hits)
	}
}

func TestWeightRPMOrTPMMeansSimpleShuffleUnlessAStrategyIsNamed(t *testing.T) {
	for name, set := range map[string]func(*Deployment){
		"weight": func(d *Deployment) { d.Weight = 1 },
		"rpm":    func(d *Deployment) { d.RPM = 1 },
		"tpm":    func(d *Deployment) { d.TPM = 1 },
	} {
		list := groupOf("lb", "a", "b")
		set(&list[1])
		if _, ok := New(Settings{}, list).groups["lb"].strategy.(shuffle); !ok {
			t.Errorf("%s: no simple-shuffle", name)
		}
		if _, ok := New(Settings{Strategy: LeastBusy}, list).groups["lb"].strategy.(leastBusy); !ok {
			t.Errorf("%s: the named strategy is not used", name)
		}
	}
	for name, want := range map[string]bool{"": false, SimpleShuffle: true, "no-such-strategy": true} {
		if _, ok := New(Settings{Strategy: name}, groupOf("lb", "a", "b")).groups["lb"].strategy.(shuffle); ok != want {
			t.Errorf("%q: simple-shuffle %v", name, ok)
		}
	}
}

func BenchmarkPick(b *testing.B) {
	for _, name := range []string{"", SimpleShuffle, LeastBusy, LatencyBased, UsageBasedV2, CostBased} {
		b.Run(name, func(b *testing.B) {
			table := New(Settings{Strategy: name, Rand: func() float64 { return 0.5 }}, groupOf("g", "a", "b", "c", "d"))
			b.ReportAllocs()
			for b.Loop() {
				plan, _ := table.Plan("g", Overrides{})
				step, _ := plan.Next(start)
				plan.Start(step, start)
				plan.Observed(step, Feedback{Total: time.Second, Output: 10, Tokens: 20}, start)
				plan.Succeeded(step, start)
			}
		})
	}
}
