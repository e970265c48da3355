package route

import (
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// others is what other nodes have.
type others struct {
	requests, tokens int64
	full             bool
	asked            []string
	left             []*Ticket
	cooled           map[string]time.Time
	stays            map[Conversation]Stay
	stayed, where    int // how often told, and asked
}

func (o *others) Admit(id string, l Limits, tokens int64, _ time.Time) (*Ticket, Usage) {
	o.asked = append(o.asked, id)
	u := Usage{Requests: o.requests, Tokens: o.tokens, Full: o.full}
	if o.full || l.Requests > 0 && o.requests >= l.Requests || l.Tokens > 0 && o.tokens+tokens > l.Tokens {
		return nil, u
	}
	return &Ticket{Deployment: id, Reserved: tokens}, u
}

func (o *others) Leave(t *Ticket) { o.left = append(o.left, t) }

func (o *others) Cooled(id string, until time.Time) {
	if o.cooled == nil {
		o.cooled = map[string]time.Time{}
	}
	o.cooled[id] = until
}

func (o *others) Stay(c Conversation, _ string) (Stay, bool) {
	o.where++
	s, ok := o.stays[c]
	return s, ok
}

func (o *others) Stayed(c Conversation, _ string, s Stay, _ time.Duration) {
	o.stayed++
	if o.stays == nil {
		o.stays = map[Conversation]Stay{}
	}
	o.stays[c] = s
}

// with is a table of two deployments that counts with other nodes, a before b.
func (o *others) with(s Settings, a Deployment) *Table {
	list := groupOf("lb", "a", "b")
	a.ID, a.Group, a.Upstream, a.Order = "a", "lb", "u", 1
	list[0], list[1].Order = a, 2
	table := New(s, list)
	table.Share(o)
	return table
}

func TestOnlyDeploymentsWithLimitsAskTheOthers(t *testing.T) {
	o := &others{}
	table := o.with(Settings{PreCallChecks: true}, Deployment{})
	drive(t, table, "lb", Overrides{}, start, nil)
	o.with(Settings{}, Deployment{RPM: 5, TPM: 5}) // which nobody enforces
	drive(t, table, "lb", Overrides{}, start, nil)
	if len(o.asked) != 0 {
		t.Errorf("asked for %v", o.asked)
	}
}

func TestWhatOthersHaveLeadsElsewhereAndIsNotAskedAgain(t *testing.T) {
	for name, c := range map[string]struct {
		o    others
		a    Deployment
		over Overrides
	}{
		"requests": {others{requests: 5}, Deployment{RPM: 5}, Overrides{}},
		"tokens":   {others{tokens: 50}, Deployment{TPM: 100}, Overrides{Tokens: func() int64 { return 60 }}},
		"places":   {others{full: true}, Deployment{MaxParallel: 3}, Overrides{}},
	} {
		t.Run(name, func(t *testing.T) {
			o := c.o
			table := o.with(Settings{PreCallChecks: true}, c.a)
			for range 3 {
				calls, e := drive(t, table, "lb", c.over, start, nil)
				if e != nil || len(calls) != 1 || calls[0].ID != "b" {
					t.Fatalf("%v %v", calls, e)
				}
			}
			if len(o.asked) != 1 {
				t.Errorf("asked %d times", len(o.asked))
			}
			o.requests, o.tokens, o.full = 0, 0, false
			if calls, _ := drive(t, table, "lb", c.over, start.Add(usageHolds), nil); calls[0].ID != "a" {
				t.Error("not asked again later")
			}
			h := table.groups["lb"].members[0].health
			if h.inflight.Load() != 0 || h.requests != 1 {
				t.Errorf("%d in flight, %d requests: a refusal was counted", h.inflight.Load(), h.requests)
			}
		})
	}
}

func TestASmallRequestFitsWhereALargeOneDoesNot(t *testing.T) {
	o := &others{tokens: 50}
	table := o.with(Settings{PreCallChecks: true}, Deployment{TPM: 100})
	drive(t, table, "lb", Overrides{Tokens: func() int64 { return 60 }}, start, nil)
	if calls, _ := drive(t, table, "lb", Overrides{Tokens: func() int64 { return 40 }}, start, nil); calls[0].ID != "a" {
		t.Error("refused")
	}
}

func TestATicketComesBackOnceWhateverHappens(t *testing.T) {
	for name, end := range map[string]func(*Plan, Step){
		"success":     func(p *Plan, s Step) { p.Succeeded(s, start) },
		"failure":     func(p *Plan, s Step) { p.Failed(s, broken, start) },
		"client gone": func(p *Plan, s Step) { p.Failed(s, &llm.Error{Kind: llm.KindClientGone}, start) },
		"closed":      func(*Plan, Step) {},
	} {
		o := &others{}
		table := o.with(Settings{PreCallChecks: true}, Deployment{TPM: 1000})
		plan, step := begin(t, table, "lb", Overrides{Tokens: func() int64 { return 7 }}, start)
		plan.Observed(step, Feedback{Tokens: 30}, start)
		end(plan, step)
		plan.Close()
		plan.Close()
		if len(o.left) != 1 || o.left[0].Reserved != 7 || o.left[0].Used != 30 {
			t.Errorf("%s: %+v", name, o.left)
		}
	}
}

func TestCooldownsAreToldAndTakenOver(t *testing.T) {
	o := &others{}
	table := o.with(Settings{}, Deployment{})
	drive(t, table, "lb", Overrides{}, start, map[string]*llm.Error{"a": badKey})
	if !o.cooled["a"].Equal(start.Add(defaultCooldown)) {
		t.Errorf("told %v", o.cooled)
	}
	there := (&others{}).with(Settings{}, Deployment{})
	there.Rest("a", start.Add(time.Minute), start)
	there.Rest("unknown", start.Add(time.Minute), start)
	if calls, _ := drive(t, there, "lb", Overrides{}, start, nil); calls[0].ID != "b" {
		t.Error("the cooldown of another node does not count")
	}
	if calls, _ := drive(t, there, "lb", Overrides{}, start.Add(time.Minute), nil); calls[0].ID != "a" {
		t.Error("it does not end")
	}
}

func TestCooldownsOfOthersKeepToTheSettingsHere(t *testing.T) {
	one := groupOf("one", "a")
	for name, c := range map[string]struct {
		s     Settings
		rests bool
	}{
		"a single deployment":                    {Settings{}, false},
		"a single deployment with allowed_fails": {Settings{AllowedFails: number(0)}, true},
		"disable_cooldowns":                      {Settings{AllowedFails: number(0), DisableCooldowns: true}, false},
	} {
		table := New(c.s, one)
		table.Rest("a", start.Add(time.Minute), start)
		if rests := !table.Cooling("a", start).IsZero(); rests != c.rests {
			t.Errorf("%s: rests %v", name, rests)
		}
	}
}

// waits makes a plan look again and fails the test unless it waits in line.
func waits(t *testing.T, p *Plan, now time.Time) Step {
	t.Helper()
	for range 3 {
		s, e := p.Next(now)
		if e != nil {
			t.Fatal(e)
		}
		if s.Turn != nil {
			return s
		}
		if p.Start(s, now) {
			t.Fatal("it has a place")
		}
	}
	t.Fatal("it neither waits nor starts")
	return Step{}
}

// gets makes a plan look again and fails the test unless its call starts.
func gets(t *testing.T, p *Plan, now time.Time) Step {
	t.Helper()
	s, e := p.Next(now)
	if e != nil || s.Turn != nil || !p.Start(s, now) {
		t.Fatalf("no place: %+v %v", s, e)
	}
	return s
}

func TestPlacesThatOtherNodesFillAreWaitedForInOrder(t *testing.T) {
	o := &others{full: true}
	list := groupOf("m", "a")
	list[0].MaxParallel = 5
	table := New(Settings{MaxQueue: 10, QueueWait: time.Minute}, list)
	table.Share(o)
	plan := func() *Plan {
		p, e := table.Plan("m", Overrides{})
		if e != nil {
			t.Fatal(e)
		}
		return p
	}
	first, second := plan(), plan()
	if s := waits(t, first, start); s.Wait > fullHolds {
		t.Errorf("the first waits %v before it looks again", s.Wait)
	}
	waits(t, second, start.Add(time.Millisecond))
	now := start
	for range 100 { // the first asks, nobody else does
		now = now.Add(fullHolds)
		asked := len(o.asked)
		waits(t, second, now)
		newer := plan()
		waits(t, newer, now)
		newer.Close()
		if len(o.asked) != asked {
			t.Fatal("who is not the first asked for a place")
		}
		waits(t, first, now)
		if len(o.asked) != asked+1 {
			t.Fatalf("the first asked %d times", len(o.asked)-asked)
		}
	}
	now = now.Add(fullHolds)
	o.full = false
	newer := plan()
	waits(t, newer, now)
	gets(t, first, now)
	if n := len(first.Decisions()); n > 6 {
		t.Errorf("%d decisions for one wait: %+v", n, first.Decisions())
	}
	if d := first.Decisions()[len(first.Decisions())-1]; d.What != DecisionQueued || d.Wait != now.Sub(start) {
		t.Errorf("%+v", d)
	}
	gets(t, second, now)
}

func TestWaitingForOtherNodesEnds(t *testing.T) {
	o := &others{full: true}
	list := groupOf("m", "a")
	list[0].MaxParallel = 5
	table := New(Settings{MaxQueue: 10, QueueWait: time.Second}, list)
	table.Share(o)
	p, _ := table.Plan("m", Overrides{})
	for now := start; now.Before(start.Add(time.Second)); now = now.Add(fullHolds) {
		waits(t, p, now)
	}
	end := start.Add(time.Second)
	if s, e := p.Next(end); e == nil && p.Start(s, end) {
		t.Error("it has a place")
	}
	if s, e := p.Next(end); e == nil || e.Status != 429 {
		t.Errorf("%+v %v", s, e)
	}
	p.Close()
	if h := table.groups["m"].members[0].health; h.inflight.Load() != 0 {
		t.Errorf("%d in flight", h.inflight.Load())
	}
}

func TestASecondCallBesideAnotherAsksTheOthersToo(t *testing.T) {
	o := &others{}
	list := groupOf("m", "a", "b")
	list[0].MaxParallel, list[1].MaxParallel = 5, 5
	table := New(Settings{Hedges: map[string]Hedge{"*": {After: time.Second}}}, list)
	table.Share(o)
	plan, step := begin(t, table, "m", Overrides{}, start)
	second, ok := plan.Hedge(step, start)
	if !ok || len(o.asked) != 2 {
		t.Fatalf("%v, asked %v", ok, o.asked)
	}
	plan.Lost(step, time.Second, start)
	if len(o.left) != 1 || o.left[0].Deployment != step.Deployment.ID {
		t.Fatalf("the loser: %+v", o.left)
	}
	plan.Succeeded(second, start)
	plan.Close()
	if len(o.left) != 2 {
		t.Errorf("%d of 2 tickets came back", len(o.left))
	}
	plan, step = begin(t, table, "m", Overrides{}, start)
	o.full = true
	if _, ok := plan.Hedge(step, start); ok {
		t.Error("a second call where other nodes have all places")
	}
	plan.Close()
	for _, m := range table.groups["m"].members {
		if m.health.inflight.Load() != 0 {
			t.Errorf("%s: %d in flight", m.ID, m.health.inflight.Load())
		}
	}
}

func TestAConversationGoesOnAtItsDeploymentFromAnotherNode(t *testing.T) {
	o := &others{}
	for id := range byte(10) {
		here, there := sticky(Settings{}), sticky(Settings{})
		here.Share(o)
		there.Share(o)
		calls, _ := drive(t, here, "lb", Overrides{Talker: speaker{id + 1, false}}, start, nil)
		if seen := turns(t, there, speaker{id + 1, true}, 20, start); seen[calls[0].ID] != 20 {
			t.Errorf("it began at %s and went on at %v", calls[0].ID, seen)
		}
	}
	if o.where != 10 || o.stayed != 10 {
		t.Errorf("10 conversations were asked for %d times and told %d times", o.where, o.stayed)
	}
}

func TestAConversationThatNobodyKnowsIsAskedForOnceAndToldNowAndThen(t *testing.T) {
	o := &others{}
	table := sticky(Settings{})
	table.Share(o)
	drive(t, table, "lb", Overrides{Talker: speaker{1, false}}, start, nil) // which begins: nobody can know it
	if o.where != 0 {
		t.Error("a conversation that begins was asked for")
	}
	drive(t, table, "lb", Overrides{Talker: speaker{2, true}}, start, map[string]*llm.Error{"a": broken, "b": broken})
	turns(t, table, speaker{2, true}, 10, start)
	if o.where != 1 {
		t.Errorf("asked for %d times", o.where)
	}
	told := o.stayed
	turns(t, table, speaker{2, true}, 1, start.Add(time.Hour/retellAfter))
	if o.stayed != told+1 {
		t.Error("one that goes on for long is forgotten by the others")
	}
}

func TestAProbeIsCountedByAllNodesAndTellsWhatItFound(t *testing.T) {
	o := &others{}
	list := groupOf("m", "a", "b")
	list[0].MaxParallel, list[0].RPM = 5, 1
	table := New(Settings{PreCallChecks: true}, list)
	table.Share(o)
	o.requests = 1 // which is no limit for a probe
	plan, step, ok := table.Probe("a", start)
	if !ok || len(o.asked) != 1 {
		t.Fatalf("%v, asked %v", ok, o.asked)
	}
	plan.Succeeded(step, start)
	if len(o.left) != 1 {
		t.Errorf("%d tickets came back", len(o.left))
	}
	o.full = true
	if _, _, ok := table.Probe("a", start); ok {
		t.Error("a probe where other nodes have all places")
	}
	table.Probed("a", false, time.Minute, start)
	if !o.cooled["a"].Equal(start.Add(time.Minute)) {
		t.Errorf("told %v", o.cooled)
	}
	table.Probed("a", true, time.Minute, start.Add(time.Second))
	if o.cooled["a"].After(start.Add(time.Second)) {
		t.Errorf("the end of a rest was not told: %v", o.cooled)
	}
}
