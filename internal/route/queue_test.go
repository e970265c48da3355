package route

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// queued is a table with one deployment that takes one call at a time, and so many
// waiting.
func queued(room int, more ...Deployment) *Table {
	list := append(groupOf("lb", "a"), more...)
	list[0].MaxParallel = 1
	return New(Settings{MaxQueue: room, QueueWait: 10 * time.Second}, list)
}

// stand makes a plan that waits in line.
func stand(t *testing.T, table *Table, priority int64, now time.Time) (*Plan, Step) {
	t.Helper()
	plan, e := table.Plan("lb", Overrides{Priority: priority})
	if e != nil {
		t.Fatal(e)
	}
	step, e := plan.Next(now)
	if e != nil || step.Turn == nil || step.Deployment != nil {
		t.Fatalf("it does not wait: %+v, error %v", step, e)
	}
	return plan, step
}

// signalled reports whether a step's turn has come.
func signalled(s Step) bool {
	select {
	case <-s.Turn:
		return true
	default:
		return false
	}
}

// answer starts what the plan takes next, and fails the test when it cannot.
func serve(t *testing.T, plan *Plan, now time.Time) Step {
	t.Helper()
	step, e := plan.Next(now)
	if e != nil || step.Deployment == nil || !plan.Start(step, now) {
		t.Fatalf("its turn has come, yet: %+v, error %v", step, e)
	}
	return step
}

func TestWaitingRequestsAreServedByPriorityAndThenInOrder(t *testing.T) {
	table := queued(10)
	current, step := begin(t, table, "lb", Overrides{}, start)
	type waiting struct {
		name string
		plan *Plan
		step Step
	}
	var all []waiting
	for _, w := range []struct {
		name     string
		priority int64
	}{{"late", 5}, {"first", 0}, {"second", 0}, {"urgent", -1}, {"later", 5}} {
		plan, s := stand(t, table, w.priority, start)
		all = append(all, waiting{w.name, plan, s})
	}
	var served []string
	for range all {
		current.Succeeded(step, start)
		i := slices.IndexFunc(all, func(w waiting) bool { return signalled(w.step) })
		if i < 0 {
			t.Fatalf("after %v nobody's turn comes", served)
		}
		served = append(served, all[i].name)
		current = all[i].plan
		step = serve(t, current, start.Add(time.Second))
	}
	if got := strings.Join(served, " "); got != "urgent first second late later" {
		t.Errorf("served in the order %s", got)
	}
	d := current.Decisions()
	if q := d[len(d)-2]; q.What != DecisionQueued || q.Wait != time.Second || d[len(d)-1].What != DecisionChosen {
		t.Errorf("the record says %+v", d)
	}
}

func TestAFreedPlaceGoesToTheFirstInLineAndNotToWhoComesMeanwhile(t *testing.T) {
	table := queued(10)
	first, step := begin(t, table, "lb", Overrides{}, start)
	plan, waiting := stand(t, table, 0, start)
	first.Succeeded(step, start)
	if !signalled(waiting) {
		t.Fatal("no signal")
	}
	_, behind := stand(t, table, -5, start)
	if signalled(behind) {
		t.Fatal("it was given what another has")
	}
	serve(t, plan, start)
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	table := queued(1)
	begin(t, table, "lb", Overrides{}, start)
	stand(t, table, 0, start)
	e := refused(t, table, "lb", Overrides{}, start)
	if e.Status != 429 || e.Kind != llm.KindRateLimit || e.RetryAfter != time.Second || !strings.Contains(e.Message, "max_queue 1") {
		t.Errorf("%+v", e)
	}
}

func TestAFullQueueSendsItsLastAwayForOneThatIsMoreUrgent(t *testing.T) {
	table := queued(1)
	begin(t, table, "lb", Overrides{}, start)
	plan, last := stand(t, table, 3, start)
	stand(t, table, 2, start)
	if !signalled(last) {
		t.Fatal("it is not told")
	}
	if step, e := plan.Next(start); e == nil || e.Status != 429 {
		t.Errorf("step %+v error %v", step, e)
	}
}

func TestWaitingEndsAfterItsTimeAndTheRequestFallsBackOrIsRefused(t *testing.T) {
	for _, fallback := range []bool{false, true} {
		list := join(groupOf("lb", "a"), groupOf("spare", "x"))
		list[0].MaxParallel = 1
		s := Settings{MaxQueue: 5, QueueWait: 10 * time.Second}
		if fallback {
			s.Fallbacks = []Rule{{"lb", to("spare")}}
		}
		table := New(s, list)
		begin(t, table, "lb", Overrides{}, start)
		plan, waiting := stand(t, table, 0, start)
		if waiting.Wait != 10*time.Second {
			t.Errorf("it waits for %v", waiting.Wait)
		}
		if early, e := plan.Next(start.Add(4 * time.Second)); e != nil || early.Turn == nil || early.Wait != 6*time.Second {
			t.Errorf("called early: %+v, error %v", early, e)
		}
		step, e := plan.Next(start.Add(10 * time.Second))
		switch {
		case fallback && (e != nil || step.Deployment.ID != "x"):
			t.Errorf("with a fallback: %+v, error %v", step, e)
		case !fallback && (e == nil || e.Status != 429 || !strings.Contains(e.Message, "max_queue_wait 10s")):
			t.Errorf("without: %+v, error %+v", step, e)
		}
		if n := len(table.groups["lb"].line.waiting); n != 0 {
			t.Errorf("%d are left in line", n)
		}
	}
}

func TestWhoLeavesTheLineTakesNothingAlong(t *testing.T) {
	table := queued(5)
	current, step := begin(t, table, "lb", Overrides{}, start)
	gone, _ := stand(t, table, 0, start)
	called, _ := stand(t, table, 0, start)
	last, waiting := stand(t, table, 0, start)
	gone.Close()
	current.Succeeded(step, start) // it goes to called, which leaves just then
	called.Close()
	if !signalled(waiting) {
		t.Fatal("the place is lost")
	}
	last.Succeeded(serve(t, last, start), start)
	if n := table.groups["lb"].members[0].health.inflight.Load(); n != 0 {
		t.Errorf("%d places are lost", n)
	}
}

func TestTheLineLearnsThatWhatItWaitsForIsCoolingDown(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxParallel, list[1].MaxParallel = 1, 1
	table := New(Settings{MaxQueue: 5, QueueWait: 10 * time.Second, AllowedFails: number(0), NumRetries: number(0)}, list)
	first, one := begin(t, table, "lb", Overrides{}, start)
	second, two := begin(t, table, "lb", Overrides{}, start)
	plan, waiting := stand(t, table, 0, start)
	first.Failed(one, broken, start)
	if !signalled(waiting) {
		t.Fatal("no signal")
	}
	again, e := plan.Next(start)
	if e != nil || again.Turn == nil || again.Wait != 5*time.Second {
		t.Fatalf("the other may still become free, or the cooldown end: %+v, error %v", again, e)
	}
	second.Succeeded(two, start)
	if !signalled(again) {
		t.Fatal("no signal of the other")
	}
	if got := serve(t, plan, start).Deployment.ID; got != two.Deployment.ID {
		t.Errorf("served by %s", got)
	}
}

func TestARetryWaitsForThePlaceOfANeighbour(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[1].MaxParallel, list[1].Order = 1, 2
	table := New(Settings{MaxQueue: 5, QueueWait: 10 * time.Second, AllowedFails: number(0)}, list)
	other, e := table.Plan("b", Overrides{})
	if e != nil {
		t.Fatal(e)
	}
	busy := serve(t, other, start)
	plan, step := begin(t, table, "lb", Overrides{}, start)
	plan.Failed(step, broken, start)
	waiting, e := plan.Next(start)
	if e != nil || waiting.Turn == nil {
		t.Fatalf("%+v error %v", waiting, e)
	}
	other.Succeeded(busy, start)
	if got := serve(t, plan, start); got.Deployment.ID != "b" || got.Retry != 1 {
		t.Errorf("%+v", got)
	}
}

func TestTheLineSurvivesAReload(t *testing.T) {
	old := queued(5)
	current, step := begin(t, old, "lb", Overrides{}, start)
	plan, waiting := stand(t, old, 0, start)
	fresh := queued(5)
	fresh.Inherit(old)
	_, behind := stand(t, fresh, 0, start)
	current.Succeeded(step, start)
	if !signalled(waiting) || signalled(behind) {
		t.Fatal("the place does not go to the first")
	}
	plan.Succeeded(serve(t, plan, start), start)
	if !signalled(behind) {
		t.Error("the next one is forgotten")
	}
}

// capped is queued with another max_parallel_requests, 0 for none.
func capped(room, parallel int) *Table {
	list := groupOf("lb", "a")
	list[0].MaxParallel = parallel
	return New(Settings{MaxQueue: room, QueueWait: 10 * time.Second}, list)
}

func TestWhoWaitsIsServedAtOnceWhenAReloadTakesTheLimitAway(t *testing.T) {
	old := capped(5, 1)
	begin(t, old, "lb", Overrides{}, start)
	first, one := stand(t, old, 0, start)
	second, two := stand(t, old, 0, start)
	capped(5, 0).Inherit(old)
	if !signalled(one) || !signalled(two) {
		t.Fatal("they wait on")
	}
	serve(t, first, start)
	serve(t, second, start)
}

func TestWhoWaitsGetsThePlacesThatAReloadAddsAndKeepsItsTimeInLine(t *testing.T) {
	old := capped(5, 1)
	current, step := begin(t, old, "lb", Overrides{}, start)
	first, _ := stand(t, old, 0, start)
	second, _ := stand(t, old, 0, start)
	fresh := capped(5, 2)
	fresh.Inherit(old)
	later := start.Add(time.Second)
	serve(t, first, later)
	again, e := second.Next(later)
	if e != nil || again.Turn == nil || again.Wait != 9*time.Second {
		t.Fatalf("%+v %v", again, e)
	}
	_, behind := stand(t, fresh, 0, later)
	current.Succeeded(step, later)
	if !signalled(again) || signalled(behind) {
		t.Fatal("the place does not go to who has waited longest")
	}
	serve(t, second, later)
	if n := fresh.InFlight(); n != 2 {
		t.Errorf("%d in flight", n)
	}
}

func TestWhoWaitsIsServedAfterAReloadWithoutAQueue(t *testing.T) {
	old := capped(5, 1)
	current, step := begin(t, old, "lb", Overrides{}, start)
	plan, waiting := stand(t, old, 0, start)
	fresh := capped(0, 1)
	fresh.Inherit(old)
	current.Succeeded(step, start)
	if !signalled(waiting) {
		t.Fatal("it is forgotten")
	}
	serve(t, plan, start)
	refused, e := fresh.Plan("lb", Overrides{})
	if e != nil {
		t.Fatal(e)
	}
	if _, e := refused.Next(start); e == nil || e.Status != 429 {
		t.Errorf("%v, want 429: there is no queue any more", e)
	}
}

func TestAPlaceThatBecomesFreeWhileSomebodyJoinsTheLineIsTaken(t *testing.T) {
	table := queued(5)
	current, step := begin(t, table, "lb", Overrides{}, start)
	plan, e := table.Plan("lb", Overrides{})
	if e != nil {
		t.Fatal(e)
	}
	if m := plan.pick(start); m != nil {
		t.Fatalf("%s is free", m.ID)
	}
	current.Succeeded(step, start)
	if waiting, ok := plan.wait(start); !ok || !signalled(waiting) {
		t.Fatalf("%+v, %v: %v", waiting, ok, plan.unavailable(start))
	}
	serve(t, plan, start)
}

func TestNobodyIsLostInLineUnderConcurrency(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[0].MaxParallel, list[1].MaxParallel = 1, 2
	table := New(Settings{MaxQueue: 100, QueueWait: time.Hour}, list)
	var open [2]atomic.Int64
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			for range 200 {
				plan, _ := table.Plan("lb", Overrides{Priority: int64(i % 3)})
				for {
					step, e := plan.Next(start)
					if e != nil {
						t.Error(e)
						break
					}
					if step.Turn != nil {
						<-step.Turn
						continue
					}
					if !plan.Start(step, start) {
						continue
					}
					at := int(step.Deployment.ID[0] - 'a')
					if n := open[at].Add(1); n > int64(list[at].MaxParallel) {
						t.Errorf("%d calls at %s", n, step.Deployment.ID)
					}
					open[at].Add(-1)
					plan.Succeeded(step, start)
					done.Add(1)
					break
				}
				plan.Close()
			}
		})
	}
	wg.Wait()
	if done.Load() != 12*200 {
		t.Errorf("%d of %d were served", done.Load(), 12*200)
	}
	for _, m := range table.groups["lb"].members {
		if n := m.health.inflight.Load(); n != 0 {
			t.Errorf("%s: %d places are lost", m.ID, n)
		}
	}
}

func TestAPlaceThatIsNotUsedAfterAllIsGivenOn(t *testing.T) {
	list := join(groupOf("lb", "a", "b"), groupOf("spare", "x"))
	list[0].MaxParallel, list[1].Order = 1, 2
	table := New(Settings{
		MaxQueue: 5, QueueWait: time.Minute, Fallbacks: []Rule{{"lb", to("spare")}}, RetryPolicy: &Counts{InternalServer: number(1)},
	}, list)
	table.groups["lb"].members[1].health.parallel.Store(1)
	busy, one := begin(t, table, "lb", Overrides{}, start)
	other, two := begin(t, table, "lb", Overrides{}, start)
	plan, _ := stand(t, table, 0, start)
	busy.Succeeded(one, start) // its place goes to plan
	if step, e := plan.Next(start); e != nil || step.Deployment.ID != "a" {
		t.Fatalf("%+v %v", step, e)
	}
	plan.failure = broken
	plan.nextTarget() // and plan goes elsewhere before it has begun
	other.Succeeded(two, start)
	for _, m := range table.groups["lb"].members {
		if n := m.health.inflight.Load(); n != 0 {
			t.Errorf("%s has %d in flight", m.ID, n)
		}
	}
}
