package route

import (
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// speaker is a request of a conversation.
type speaker struct {
	id     byte
	goesOn bool
}

func (s speaker) Conversation() (Conversation, bool) { return Conversation{s.id}, s.goesOn }

func (speaker) UserAgent() string { return "" }

// sticky is a table of two deployments between which chance decides.
func sticky(s Settings) *Table {
	s.AffinityTTL, s.Rand = time.Hour, seeded()
	return New(s, groupOf("lb", "a", "b"))
}

// turns answers n turns of a conversation and counts where.
func turns(t *testing.T, table *Table, s Talker, n int, now time.Time) map[string]int {
	t.Helper()
	seen := map[string]int{}
	for range n {
		calls, e := drive(t, table, "lb", Overrides{Talker: s}, now, nil)
		if e != nil {
			t.Fatal(e)
		}
		seen[calls[0].ID]++
	}
	return seen
}

func TestAConversationStaysWithItsDeployment(t *testing.T) {
	for _, strategy := range []string{"", SimpleShuffle, LeastBusy, UsageBasedV2, LatencyBased} {
		table := sticky(Settings{Strategy: strategy})
		for id := range byte(20) {
			if seen := turns(t, table, speaker{id + 1, true}, 20, start); len(seen) != 1 {
				t.Errorf("strategy %q: a conversation went to %v", strategy, seen)
			}
		}
	}
}

func TestAConversationThatBeginsIsSharedOutAndThenStays(t *testing.T) {
	table := sticky(Settings{})
	if seen := turns(t, table, speaker{1, false}, 60, start); len(seen) != 2 {
		t.Errorf("the same question went to %v only", seen)
	}
	calls, _ := drive(t, table, "lb", Overrides{Talker: speaker{2, false}}, start, nil)
	if seen := turns(t, table, speaker{2, true}, 10, start); seen[calls[0].ID] != 10 {
		t.Errorf("it began at %s and went on at %v", calls[0].ID, seen)
	}
}

func TestAConversationLetsGoOfADeploymentThatCannotAnswerAndStaysWithTheNext(t *testing.T) {
	table := sticky(Settings{AllowedFails: number(0), NumRetries: number(1)})
	talk := Overrides{Talker: speaker{1, true}}
	first, _ := drive(t, table, "lb", talk, start, nil)
	home := first[0].ID
	moved, e := drive(t, table, "lb", talk, start, map[string]*llm.Error{home: broken})
	if e != nil || len(moved) != 2 || moved[0].ID != home || moved[1].ID == home {
		t.Fatalf("calls %v error %v", moved, e)
	}
	later := start.Add(time.Minute) // the cooldown is over
	if seen := turns(t, table, talk.Talker, 10, later); seen[moved[1].ID] != 10 {
		t.Errorf("it goes on at %v", seen)
	}
}

func TestAConversationIsForgottenAfterItsTime(t *testing.T) {
	table := sticky(Settings{})
	moved := 0
	now := start
	for range 40 {
		var at [2]string
		for i := range at {
			calls, _ := drive(t, table, "lb", Overrides{Talker: speaker{1, true}}, now, nil)
			at[i], now = calls[0].ID, now.Add(time.Hour)
		}
		if at[0] != at[1] {
			moved++
		}
	}
	if moved == 0 {
		t.Error("after an hour it is still held")
	}
}

func TestACrowdedDeploymentIsLeft(t *testing.T) {
	table := sticky(Settings{})
	talk := Overrides{Talker: speaker{1, true}}
	calls, _ := drive(t, table, "lb", talk, start, nil)
	home := table.byID[calls[0].ID].members[0].health
	home.inflight.Add(crowd)
	if again, _ := drive(t, table, "lb", talk, start, nil); again[0].ID != calls[0].ID {
		t.Error("it is left too early")
	}
	home.inflight.Add(1)
	left := false
	for range 20 {
		again, _ := drive(t, table, "lb", talk, start, nil)
		left = left || again[0].ID != calls[0].ID
	}
	if !left {
		t.Error("all of a conversation go to a crowded deployment")
	}
}

func TestOrderComesBeforeAffinity(t *testing.T) {
	list := groupOf("lb", "a", "b")
	list[1].Order = 2
	table := New(Settings{AffinityTTL: time.Hour, AllowedFails: number(0), NumRetries: number(1)}, list)
	talk := Overrides{Talker: speaker{1, true}}
	if calls, _ := drive(t, table, "lb", talk, start, map[string]*llm.Error{"a": broken}); len(calls) != 2 {
		t.Fatalf("calls %v", calls)
	}
	if calls, _ := drive(t, table, "lb", talk, start.Add(time.Minute), nil); calls[0].ID != "a" {
		t.Error("it stays with a deployment of a later order")
	}
}

func TestAWarmCacheIsPartOfTheCost(t *testing.T) {
	for name, c := range map[string]struct {
		tokens, input int64
		after         time.Duration
		want          string
	}{
		"all of it is cached":       {4000, 4000, 0, "dear"},
		"a tenth of it is cached":   {4000, 40000, 0, "cheap"},
		"too short to be cached":    {900, 900, 0, "cheap"},
		"the cache has gone by now": {4000, 4000, 5 * time.Minute, "cheap"},
	} {
		list := groupOf("lb", "dear", "cheap")
		list[0].Price, list[0].Priced, list[0].CacheSaving = 10, true, 5
		list[1].Price, list[1].Priced, list[1].Order = 8, true, 2
		table := New(Settings{Strategy: CostBased, AffinityTTL: time.Hour}, list)
		plan, step := begin(t, table, "lb", Overrides{Talker: speaker{1, true}}, start)
		plan.Observed(step, Feedback{Tokens: c.tokens}, start)
		plan.Succeeded(step, start)
		list[1].Order = 1
		calls, e := drive(t, table, "lb", Overrides{Talker: speaker{1, true}, Tokens: func() int64 { return c.input }}, start.Add(c.after), nil)
		if e != nil || calls[0].ID != c.want {
			t.Errorf("%s: %v, want %s (error %v)", name, calls, c.want, e)
		}
	}
}

func TestAffinityOutlivesAReloadAndCanBeSwitchedOff(t *testing.T) {
	old := sticky(Settings{})
	calls, _ := drive(t, old, "lb", Overrides{Talker: speaker{1, true}}, start, nil)
	fresh := sticky(Settings{})
	fresh.Inherit(old)
	if seen := turns(t, fresh, speaker{1, true}, 20, start); seen[calls[0].ID] != 20 {
		t.Errorf("after a reload: %v, before %s", seen, calls[0].ID)
	}
	off := New(Settings{Rand: seeded()}, groupOf("lb", "a", "b"))
	if seen := turns(t, off, speaker{1, true}, 60, start); len(seen) != 2 {
		t.Errorf("switched off: %v", seen)
	}
}

func TestTheRecordSaysWhyADeploymentWasPreferredOrLeft(t *testing.T) {
	table := sticky(Settings{AllowedFails: number(0)})
	talk := Overrides{Talker: speaker{1, true}}
	calls, _ := drive(t, table, "lb", talk, start, nil)
	plan, step := begin(t, table, "lb", talk, start)
	if d := plan.Decisions(); d[0].What != DecisionStayed || d[0].Deployment != calls[0].ID {
		t.Errorf("%+v", d)
	}
	plan.Failed(step, broken, start)
	next, _ := table.Plan("lb", talk)
	if _, e := next.Next(start); e != nil || next.Decisions()[0].What != DecisionCooling {
		t.Errorf("%+v", next.Decisions())
	}
	if allocs := testing.AllocsPerRun(100, func() {
		p, _ := table.Plan("lb", Overrides{})
		p.Close()
	}); allocs > 1 {
		t.Errorf("%v allocations a plan", allocs)
	}
}
