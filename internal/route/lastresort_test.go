package route

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// dice lets one call in five fail, with one of these failures.
type dice struct {
	rng      *rand.Rand
	failures []*llm.Error
}

// ask drives one request, and returns its error and how long it waited.
func (d *dice) ask(t *testing.T, table *Table, model string, now time.Time) (waited time.Duration, failed *llm.Error) {
	t.Helper()
	plan, e := table.Plan(model, Overrides{})
	if e != nil {
		t.Fatal(e)
	}
	defer plan.Close()
	for {
		step, e := plan.Next(now)
		if e != nil {
			return waited, e
		}
		if waited += step.Wait; !plan.Start(step, now) {
			continue
		}
		if step.Deployment.Group == "spare" || d.rng.IntN(5) > 0 {
			plan.Succeeded(step, now)
			return waited, nil
		}
		plan.Failed(step, d.failures[d.rng.IntN(len(d.failures))], now)
	}
}

func TestAFifthOfCallsThatFailIsNeitherWaitedForNorRefused(t *testing.T) {
	for name, failures := range map[string][]*llm.Error{
		"500": {broken}, "429": {limited}, "503": {fault(llm.KindUnavailable, 503)}, "each": {broken, limited, fault(llm.KindUnavailable, 503)},
	} {
		for _, deployments := range []int{2, 3, 5} {
			d := &dice{rand.New(rand.NewPCG(7, 8)), failures}
			ids := []string{"a", "b", "c", "d", "e"}[:deployments]
			table := New(Settings{Rand: d.rng.Float64}, groupOf("lb", ids...))
			const asked = 50_000
			failed := 0
			for i := range asked { // a hundred minutes, so that many begin
				waited, e := d.ask(t, table, "lb", start.Add(time.Duration(i)*120*time.Millisecond))
				if waited != 0 {
					t.Fatalf("%s, %d deployments: request %d waited %v", name, deployments, i, waited)
				}
				if e == nil {
					continue
				}
				if failed++; e.Kind == llm.KindCooldown {
					t.Fatalf("%s, %d deployments: request %d is refused: %v", name, deployments, i, e)
				}
			}
			if failed > asked*8/1000+3*20 { // three calls of five in a row, and three sigma
				t.Errorf("%s, %d deployments: %d of %d requests failed", name, deployments, failed, asked)
			}
		}
	}
}

func TestAFallbackGroupIsAskedBeforeOnesThatRest(t *testing.T) {
	d := &dice{rand.New(rand.NewPCG(7, 8)), []*llm.Error{broken, limited}}
	table := New(Settings{Rand: d.rng.Float64, Fallbacks: []Rule{{"lb", to("spare")}}}, join(groupOf("lb", "a", "b"), groupOf("spare", "spare")))
	for i := range 50_000 {
		if waited, e := d.ask(t, table, "lb", start.Add(time.Duration(i)*120*time.Millisecond)); e != nil || waited != 0 {
			t.Fatalf("request %d: %v after %v", i, e, waited)
		}
	}
	for _, m := range table.groups["lb"].members {
		table.fail(m, limited, false, start)
	}
	if calls, _ := drive(t, table, "lb", Overrides{}, start, nil); !cmp.Equal(ids(calls), []string{"spare"}) {
		t.Errorf("a group that rests was asked before its fallback: %v", ids(calls))
	}
	if calls, e := drive(t, table, "lb", Overrides{DisableFallbacks: true}, start, nil); e != nil || len(calls) != 1 {
		t.Errorf("without fallbacks: %v, %v", ids(calls), e)
	}
}

func TestTheLastFallbackIsAskedThoughItRests(t *testing.T) {
	table := New(Settings{NumRetries: number(0), Fallbacks: []Rule{{"lb", to("gone", "more")}}}, join(groupOf("lb", "a", "b"), groupOf("more", "c", "d")))
	for _, id := range []string{"a", "b", "c", "d"} {
		table.fail(table.byID[id].members[0], limited, false, start)
	}
	calls, e := drive(t, table, "lb", Overrides{}, start, nil)
	if e != nil || len(calls) != 1 || calls[0].Fallback == 0 {
		t.Errorf("%v, %v", calls, e)
	}
}

func TestWhatRestsForGoodReasonIsNoLastResort(t *testing.T) {
	waits := *limited
	waits.RetryAfter = time.Second
	cases := map[string]struct {
		s Settings
		e *llm.Error
	}{
		"the vendor named a time": {Settings{}, &waits},
		"its key is refused":      {Settings{}, badKey},
		"it has no such model":    {Settings{}, fault(llm.KindNotFound, 404)},
		"it does not answer":      {Settings{}, fault(llm.KindTimeout, 504)},
		"allowed_fails":           {Settings{AllowedFails: number(0)}, broken},
		"allowed_fails_policy":    {Settings{AllowedFailsPolicy: &Counts{InternalServer: number(0)}}, broken},
	}
	for name, c := range cases {
		table := New(c.s, groupOf("two", "a", "b"))
		for _, m := range table.groups["two"].members {
			for range minTraffic {
				table.fail(m, c.e, false, start)
			}
		}
		if e := refused(t, table, "two", Overrides{}, start); e.Kind != llm.KindCooldown {
			t.Errorf("%s: %v", name, e)
		}
	}
}

func TestALastResortKeepsToItsLimits(t *testing.T) {
	list := groupOf("two", "a", "b")
	list[0].MaxParallel, list[1].RPM = 1, 1
	table := New(Settings{EnforceLimits: true}, list)
	for _, m := range table.groups["two"].members {
		table.fail(m, limited, false, start)
	}
	first, _ := begin(t, table, "two", Overrides{}, start)
	defer first.Close()
	second, _ := begin(t, table, "two", Overrides{}, start)
	second.Close()
	if e := refused(t, table, "two", Overrides{}, start); e.Status != 429 {
		t.Error(e)
	}
	if !slices.ContainsFunc(first.Decisions(), func(d Decision) bool { return d.What == DecisionLastResort }) {
		t.Errorf("the record does not tell: %v", first.Decisions())
	}
}

func TestAVendorsTimeIsKeptToAndNoLonger(t *testing.T) {
	table := New(Settings{}, groupOf("two", "a", "b"))
	waits := *limited
	waits.RetryAfter = 2 * time.Second
	for _, m := range table.groups["two"].members {
		table.fail(m, &waits, false, start)
	}
	if e := refused(t, table, "two", Overrides{}, start.Add(500*time.Millisecond)); e.Kind != llm.KindCooldown || e.RetryAfter != 2*time.Second {
		t.Errorf("%v, retry after %v", e, e.RetryAfter)
	}
	if calls, e := drive(t, table, "two", Overrides{}, start.Add(2*time.Second), nil); e != nil || len(calls) != 1 {
		t.Errorf("when its time has come: %v, %v", calls, e)
	}
}

func TestALighterFailureDoesNotSoftenARest(t *testing.T) {
	table := New(Settings{}, groupOf("two", "a", "b"))
	for _, m := range table.groups["two"].members {
		table.fail(m, badKey, false, start)
		table.fail(m, limited, false, start)
	}
	if e := refused(t, table, "two", Overrides{}, start.Add(time.Second)); e.Kind != llm.KindCooldown {
		t.Error(e)
	}
}
