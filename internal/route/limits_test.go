package route

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestMaxParallelRequestsAreNeverExceeded(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxParallel, list[1].MaxParallel = 2, 3
	table := New(Settings{Rand: seeded()}, list)
	seen := map[string]int{}
	var open *Plan
	for range 5 {
		plan, step := begin(t, table, "lb", Overrides{}, start)
		seen[step.Deployment.ID]++
		open = plan
	}
	if seen["a"] != 2 || seen["b"] != 3 {
		t.Fatalf("in flight: %v", seen)
	}
	e := refused(t, table, "lb", Overrides{}, start)
	if e.Status != 429 || e.Kind != llm.KindRateLimit || e.RetryAfter != time.Second || !strings.Contains(e.Message, "max_parallel_requests") {
		t.Fatalf("%+v", e)
	}
	open.Close()
	if calls, _ := drive(t, table, "lb", Overrides{}, start, nil); len(calls) != 1 {
		t.Fatal("a freed place is not taken")
	}
}

func TestMaxParallelRequestsHoldUnderConcurrency(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxParallel, list[1].MaxParallel = 1, 2
	var chance atomic.Uint64
	table := New(Settings{Rand: func() float64 { return float64(chance.Add(7)%100) / 100 }}, list)
	var most [2]atomic.Int64
	var open [2]atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 300 {
				plan, _ := table.Plan("lb", Overrides{})
				for range 20 {
					step, e := plan.Next(start)
					if e != nil {
						break
					}
					if !plan.Start(step, start) {
						continue
					}
					i := int(step.Deployment.ID[0] - 'a')
					if n := open[i].Add(1); n > most[i].Load() {
						most[i].Store(n)
					}
					open[i].Add(-1)
					plan.Succeeded(step, start)
					break
				}
				plan.Close()
			}
		})
	}
	wg.Wait()
	if most[0].Load() > 1 || most[1].Load() > 2 {
		t.Fatalf("in flight at once: %d and %d", most[0].Load(), most[1].Load())
	}
	for _, m := range table.groups["lb"].members {
		if n := m.health.inflight.Load(); n != 0 {
			t.Errorf("%s: %d places are lost", m.ID, n)
		}
	}
}

func TestPlaceTakenMeanwhileLeadsToAnotherDeploymentWithoutCostingARetry(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxParallel, list[1].Order = 1, 2
	table := New(Settings{}, list)
	late, _ := table.Plan("lb", Overrides{})
	step, _ := late.Next(start)
	begin(t, table, "lb", Overrides{}, start)
	if late.Start(step, start) {
		t.Fatal("two calls where one may be")
	}
	step, e := late.Next(start)
	if e != nil || step.Deployment.ID != "b" || step.Attempt != 1 || step.Retry != 0 {
		t.Fatalf("step %+v error %v", step, e)
	}
}

func TestFullGroupFallsBack(t *testing.T) {
	list := join(groupOf("small", "s"), groupOf("spare", "x"))
	list[0].MaxParallel = 1
	table := New(Settings{Fallbacks: []Rule{{"small", to("spare")}}}, list)
	begin(t, table, "small", Overrides{}, start)
	if calls, e := drive(t, table, "small", Overrides{}, start, nil); e != nil || calls[0].ID != "x" {
		t.Fatalf("calls %v error %v", calls, e)
	}
}

func TestRPMIsEnforcedWithPreCallChecksAndByStrategiesThatKeepIt(t *testing.T) {
	cases := map[string]struct {
		s    Settings
		held bool
	}{
		"simple-shuffle alone":           {Settings{Strategy: SimpleShuffle}, false},
		"least-busy alone":               {Settings{Strategy: LeastBusy}, false},
		"simple-shuffle with the checks": {Settings{PreCallChecks: true}, true},
		"usage-based-routing-v2":         {Settings{Strategy: UsageBasedV2}, true},
		"latency-based-routing":          {Settings{Strategy: LatencyBased}, true},
		"cost-based-routing":             {Settings{Strategy: CostBased}, true},
	}
	for name, c := range cases {
		list := groupOf("lb", "a", "b")
		list[0].RPM, list[1].RPM = 2, 1
		table := New(c.s, list)
		for range 3 {
			if calls, e := drive(t, table, "lb", Overrides{}, start, nil); e != nil {
				t.Fatalf("%s: %v %v", name, calls, e)
			}
		}
		calls, e := drive(t, table, "lb", Overrides{}, start.Add(20*time.Second), nil)
		if held := e != nil; held != c.held {
			t.Errorf("%s: the fourth request of 2+1 a minute: calls %v error %v", name, calls, e)
		}
		if e != nil && (e.Status != 429 || e.RetryAfter != 40*time.Second || !strings.Contains(e.Message, "rpm or tpm")) {
			t.Errorf("%s: %+v", name, e)
		}
		if calls, e := drive(t, table, "lb", Overrides{}, start.Add(time.Minute), nil); e != nil {
			t.Errorf("%s: the next minute: %v %v", name, calls, e)
		}
	}
}

func TestTPMCountsWhatWasUsedAndWhatTheRequestWillNeed(t *testing.T) {
	list := groupOf("lb", "a")
	list[0].TPM = 1000
	table := New(Settings{Strategy: UsageBasedV2}, list)
	learn(table, "a", Feedback{Tokens: 900}, 0, start)
	need := func(n int64) Overrides { return Overrides{Tokens: func() int64 { return n }} }
	if calls, e := drive(t, table, "lb", need(100), start, nil); e != nil {
		t.Fatalf("%v %v", calls, e)
	}
	if e := refused(t, table, "lb", need(101), start); e.Status != 429 {
		t.Fatalf("%+v", e)
	}
}

func TestPreCallChecksLeaveOutWindowsThatAreTooSmall(t *testing.T) {
	list := groupOf("lb", "small", "large", "unknown")
	list[0].MaxInput, list[1].MaxInput, list[2].Order = 1000, 5000, 2
	estimates := 0
	need := func(n int64) Overrides { return Overrides{Tokens: func() int64 { estimates++; return n }} }
	table := New(Settings{PreCallChecks: true, Rand: seeded()}, list)
	if got := share(t, table, need(2000), "large", 20); got != 1 || estimates != 20 {
		t.Errorf("share of the only one with room is %v, after %d estimates for 20 requests", got, estimates)
	}
	if got := share(t, table, need(1100), "small", 1000); !near(got, 0.5) {
		t.Errorf("a window that the estimate exceeds by less than its error is left out: %v", got)
	}
	if got := share(t, table, need(9000), "unknown", 20); got != 1 {
		t.Errorf("a window that is not known is left out: %v", got)
	}
	table = New(Settings{PreCallChecks: true, ContextWindowFallbacks: []Rule{{"lb", to("spare")}}}, join(list[:2], groupOf("spare", "x")))
	if calls, e := drive(t, table, "lb", need(9000), start, nil); e != nil || calls[0].ID != "x" {
		t.Errorf("context_window_fallbacks: %v %v", calls, e)
	}
	e := refused(t, New(Settings{PreCallChecks: true}, list[:2]), "lb", need(9000), start)
	if e.Kind != llm.KindContextWindow || e.Status != 400 || !strings.Contains(e.Message, "about 9000 input tokens") || !strings.Contains(e.Message, "5000 tokens") {
		t.Errorf("%+v", e)
	}
	estimates = 0
	if calls, e := drive(t, New(Settings{}, list[:2]), "lb", need(9000), start, nil); e != nil || estimates != 0 {
		t.Errorf("without the checks: %v %v, %d estimates", calls, e, estimates)
	}
}

func TestRestingAndTooSmallIsTooSmall(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxInput, list[1].MaxInput = 10, 10
	table := New(Settings{PreCallChecks: true}, list)
	table.fail(table.groups["lb"].members[0], limited, false, start)
	if e := refused(t, table, "lb", Overrides{Tokens: func() int64 { return 20 }}, start); e.Kind != llm.KindContextWindow {
		t.Fatalf("%+v", e)
	}
}

func TestReloadKeepsCallsInFlightAndLimits(t *testing.T) {
	list := groupOf("lb", "a")
	list[0].MaxParallel = 1
	old := New(Settings{}, list)
	plan, step := begin(t, old, "lb", Overrides{}, start)
	table := New(Settings{}, list)
	table.Inherit(old)
	if e := refused(t, table, "lb", Overrides{}, start); e.Status != 429 {
		t.Fatalf("%+v", e)
	}
	plan.Succeeded(step, start)
	if calls, e := drive(t, table, "lb", Overrides{}, start, nil); e != nil {
		t.Fatalf("%v %v", calls, e)
	}
}

// tripped is a group of two in which a has just been cooled for five seconds.
func tripped() (*Table, *member) {
	table := New(Settings{Rand: seeded()}, groupOf("lb", "a", "b"))
	m := table.groups["lb"].members[0]
	table.fail(m, limited, false, start)
	return table, m
}

func TestAfterTheCooldownOneCallProbes(t *testing.T) {
	table, m := tripped()
	after := start.Add(5 * time.Second)
	table.groups["lb"].members[1].Order = 2 // so that a is preferred once it may be
	plan, step := begin(t, table, "lb", Overrides{}, after)
	if step.Deployment.ID != "a" {
		t.Fatal("nobody probes")
	}
	for range 5 {
		other, s := begin(t, table, "lb", Overrides{}, after)
		if s.Deployment.ID != "b" {
			t.Fatal("a second call goes to a deployment on probation")
		}
		other.Close()
	}
	plan.Succeeded(step, after)
	if m.health.halfOpen(after) {
		t.Fatal("a success does not close the breaker")
	}
	for range 3 {
		if _, s := begin(t, table, "lb", Overrides{}, after); s.Deployment.ID != "a" {
			t.Fatal("it is avoided though it is well")
		}
	}
}

func TestTwoThatWantToProbeAtOnceDoNot(t *testing.T) {
	table, _ := tripped()
	after := start.Add(5 * time.Second)
	table.groups["lb"].members[1].Order = 2
	first, _ := table.Plan("lb", Overrides{})
	second, _ := table.Plan("lb", Overrides{})
	one, _ := first.Next(after)
	two, _ := second.Next(after)
	if !first.Start(one, after) || second.Start(two, after) {
		t.Fatal("not exactly one of two probes")
	}
	if step, e := second.Next(after); e != nil || step.Deployment.ID != "b" || !second.Start(step, after) {
		t.Fatalf("step %+v error %v", step, e)
	}
}

func TestFailedProbeOpensAgainAtOnce(t *testing.T) {
	table, m := tripped()
	after := start.Add(5 * time.Second)
	table.groups["lb"].members[1].Order = 2
	plan, step := begin(t, table, "lb", Overrides{}, after)
	plan.Failed(step, broken, after)
	if !m.health.cooling(after) {
		t.Fatal("one failure of a probe does not open the breaker")
	}
	if table.fail(table.groups["lb"].members[1], broken, false, after) {
		t.Fatal("one failure opens a breaker that was closed")
	}
}

func TestLastResortIsCalledThoughAnotherProbes(t *testing.T) {
	table, _ := tripped()
	table.fail(table.groups["lb"].members[1], limited, false, start)
	after := start.Add(5 * time.Second)
	for i := range 6 {
		plan, _ := table.Plan("lb", Overrides{})
		started := false
		for range 2 {
			step, e := plan.Next(after)
			if e != nil {
				t.Fatal(e)
			}
			started = started || plan.Start(step, after)
		}
		if !started {
			t.Fatalf("request %d of a group that may be well again is not sent", i+1)
		}
	}
}

func TestLeftProbeLetsAnotherProbe(t *testing.T) {
	table, _ := tripped()
	after := start.Add(5 * time.Second)
	table.groups["lb"].members[1].Order = 2
	for range 3 {
		plan, step := begin(t, table, "lb", Overrides{}, after)
		if step.Deployment.ID != "a" {
			t.Fatal("nobody probes")
		}
		plan.Failed(step, &llm.Error{Kind: llm.KindClientGone}, after)
	}
}
