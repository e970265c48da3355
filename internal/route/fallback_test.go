package route

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// each makes groups of one deployment whose id is the name.
func each(names ...string) []Deployment {
	var out []Deployment
	for _, name := range names {
		out = append(out, groupOf(name, name)...)
	}
	return out
}

func TestFallbacksByCause(t *testing.T) {
	general := []Rule{{"a", to("b", "c")}, {"a", to("never")}, {"vendor-model", to("c")}}
	window := []Rule{{"a", to("w")}}
	policy := []Rule{{"a", to("p")}}
	cases := []struct {
		name  string
		s     Settings
		o     Overrides
		asked string
		e     *llm.Error
		want  []string
	}{
		{"general", Settings{Fallbacks: general}, Overrides{}, "a", broken, []string{"b"}},
		{"plain 400 too", Settings{Fallbacks: general}, Overrides{}, "a", refusal, []string{"b"}},
		{"unlisted", Settings{Fallbacks: general}, Overrides{}, "d", broken, nil},
		{"alias", Settings{Fallbacks: general, Aliases: map[string]string{"nick": "a"}}, Overrides{}, "nick", broken, []string{"b"}},
		{"star rule", Settings{Fallbacks: append([]Rule{{"*", to("s")}}, general...)}, Overrides{}, "d", broken, []string{"s"}},
		{"default", Settings{Fallbacks: general, DefaultFallbacks: to("z")}, Overrides{}, "d", badKey, []string{"z"}},
		{"specific before default", Settings{Fallbacks: general, DefaultFallbacks: to("z")}, Overrides{}, "a", badKey, []string{"b"}},
		{"context window", Settings{Fallbacks: general, ContextWindowFallbacks: window}, Overrides{}, "a", tooLong, []string{"w"}},
		{"context window, none configured", Settings{Fallbacks: general}, Overrides{}, "a", tooLong, []string{"b"}},
		{"context window, unlisted gets no default", Settings{ContextWindowFallbacks: window, DefaultFallbacks: to("z")}, Overrides{}, "d", tooLong, nil},
		{"context window, unlisted gets the request's", Settings{ContextWindowFallbacks: window}, Overrides{Fallbacks: []Fallback{{Model: "b"}}}, "d", tooLong, []string{"b"}},
		{"content policy", Settings{Fallbacks: general, ContentPolicyFallbacks: policy}, Overrides{}, "a", unfit, []string{"p"}},
		{"content policy, unlisted", Settings{ContentPolicyFallbacks: policy, DefaultFallbacks: to("z")}, Overrides{}, "d", unfit, nil},
		{"request's own", Settings{Fallbacks: general, DefaultFallbacks: to("z")}, Overrides{Fallbacks: []Fallback{{Model: "d"}}}, "a", broken, []string{"d"}},
		{"request's own, empty", Settings{Fallbacks: general}, Overrides{Fallbacks: []Fallback{}}, "a", broken, nil},
		{"request's own, by group", Settings{}, Overrides{Fallbacks: []Fallback{{Group: "b", Model: "c"}, {Group: "a", Model: "d"}}}, "a", broken, []string{"d"}},
		{"request's own for a long prompt", Settings{ContextWindowFallbacks: window}, Overrides{ContextWindowFallbacks: []Fallback{{Model: "d"}}}, "a", tooLong, []string{"d"}},
		{"request's own for a refused prompt", Settings{ContentPolicyFallbacks: policy}, Overrides{ContentPolicyFallbacks: []Fallback{{Model: "d"}}}, "a", unfit, []string{"d"}},
		{"disabled", Settings{Fallbacks: general}, Overrides{DisableFallbacks: true}, "a", broken, nil},
		{"itself is skipped", Settings{DefaultFallbacks: to("a", "b")}, Overrides{}, "a", broken, []string{"b"}},
		{"itself under another name", Settings{DefaultFallbacks: to("a"), Aliases: map[string]string{"nick": "a"}}, Overrides{}, "nick", broken, nil},
		{"unknown is skipped", Settings{DefaultFallbacks: to("nowhere", "b")}, Overrides{}, "a", broken, []string{"b"}},
		{"client gone", Settings{DefaultFallbacks: to("b")}, Overrides{}, "a", &llm.Error{Kind: llm.KindClientGone}, nil},
		{"parameter refused", Settings{DefaultFallbacks: to("b")}, Overrides{}, "a", &llm.Error{Kind: llm.KindUnsupportedParams, Status: 400}, []string{"b"}},
		{"parameter refused, switched off", Settings{DefaultFallbacks: to("b"), FallbackOnUnsupportedParams: new(bool)}, Overrides{}, "a", &llm.Error{Kind: llm.KindUnsupportedParams, Status: 400}, nil},
	}
	for _, c := range cases {
		c.s.NumRetries = number(0)
		table := New(c.s, each("a", "b", "c", "d", "w", "p", "s", "z"))
		home := c.asked
		if target, ok := c.s.Aliases[c.asked]; ok {
			home = target
		}
		calls, _ := drive(t, table, c.asked, c.o, start, map[string]*llm.Error{home: c.e})
		if diff := cmp.Diff(append([]string{home}, c.want...), ids(calls)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

func TestEveryFallbackGroupGetsItsOwnRetries(t *testing.T) {
	table := New(Settings{NumRetries: number(1), Fallbacks: []Rule{{"a", to("b", "c")}}, DefaultFallbacks: to("z")}, each("a", "b", "c", "z"))
	plan, _ := table.Plan("a", Overrides{})
	var seen []string
	for _, e := range []*llm.Error{limited, limited, broken, broken} {
		step, _ := plan.Next(start)
		seen = append(seen, step.Deployment.ID)
		plan.Failed(step, e, start)
	}
	step, e := plan.Next(start)
	if e != nil || !cmp.Equal(seen, []string{"a", "a", "b", "b"}) || step.Deployment.ID != "c" || step.Group != "c" || step.Fallback != 2 || step.Retry != 0 || step.Attempt != 5 {
		t.Fatalf("seen %v, then %+v, %v", seen, step, e)
	}
	plan.Succeeded(step, start)
	if plan.Fallbacks() != 2 || plan.Attempts() != 5 {
		t.Fatalf("fallbacks %d attempts %d", plan.Fallbacks(), plan.Attempts())
	}
}

func TestWhenAllFailTheFirstErrorIsReturnedAndNamesTheOthers(t *testing.T) {
	table := New(Settings{NumRetries: number(0)}, each("a", "b", "c"))
	first, second, third := *fault(llm.KindUnavailable, 503), *broken, *badKey
	first.Message, second.Message, third.Message = "overloaded", "server error", "bad key"
	_, e := drive(t, table, "a", Overrides{Fallbacks: []Fallback{{Model: "b"}, {Model: "c"}}}, start,
		map[string]*llm.Error{"a": &first, "b": &second, "c": &third})
	want := "overloaded\n\nModel group 'a' failed with the error above. Fallback to b, c also failed: bad key"
	if e.Status != 503 || e.Kind != llm.KindUnavailable || e.Message != want {
		t.Fatalf("error %+v", e)
	}
	if first.Message != "overloaded" {
		t.Fatal("the upstream's error was changed in place")
	}
}

func TestErrorSaysThatNoFallbackWasAttempted(t *testing.T) {
	table := New(Settings{}, each("a"))
	_, e := drive(t, table, "a", Overrides{}, start, map[string]*llm.Error{"a": badKey})
	if !strings.HasSuffix(e.Message, "\n\nModel group 'a' failed with the error above. No fallback was attempted.") {
		t.Errorf("message %q", e.Message)
	}
	_, e = drive(t, table, "a", Overrides{DisableFallbacks: true}, start, map[string]*llm.Error{"a": badKey})
	if e.Message != badKey.Message {
		t.Errorf("message with fallbacks disabled %q", e.Message)
	}
	_, e = drive(t, table, "a", Overrides{Fallbacks: []Fallback{{Model: "nowhere"}}}, start, map[string]*llm.Error{"a": badKey})
	if !strings.HasSuffix(e.Message, "Fallback to nowhere also failed: no model of this configuration has that name.") {
		t.Errorf("message %q", e.Message)
	}
}

func TestAtMostFiveFallbacks(t *testing.T) {
	for _, c := range []struct {
		limit *int
		want  int
	}{{nil, 6}, {number(2), 3}, {number(0), 1}} {
		failing := map[string]*llm.Error{}
		names := strings.Split("a b c d e f g h", " ")
		for _, name := range names {
			failing[name] = refusal
		}
		table := New(Settings{MaxFallbacks: c.limit, DefaultFallbacks: to(names[1:]...)}, each(names...))
		calls, e := drive(t, table, "a", Overrides{}, start, failing)
		if len(calls) != c.want || e.Status != 400 {
			t.Errorf("limit %v: %d calls, want %d", c.limit, len(calls), c.want)
		}
	}
}

func TestRestingGroupFallsBackAtOnce(t *testing.T) {
	table := New(Settings{AllowedFails: number(0), NumRetries: number(0), DefaultFallbacks: to("b")}, each("a", "b"))
	failing := map[string]*llm.Error{"a": broken}
	if calls, e := drive(t, table, "a", Overrides{}, start, failing); e != nil || len(calls) != 2 {
		t.Fatalf("calls %v error %v", calls, e)
	}
	if calls, e := drive(t, table, "a", Overrides{}, start, failing); e != nil || !cmp.Equal(ids(calls), []string{"b"}) {
		t.Fatalf("calls %v error %v", calls, e)
	}
	table.fail(table.groups["b"].members[0], broken, false, start)
	calls, e := drive(t, table, "a", Overrides{}, start, failing)
	if len(calls) != 0 || e.Kind != llm.KindCooldown || !strings.Contains(e.Message, "Passed model=a") {
		t.Fatalf("calls %v error %v", calls, e)
	}
}

func TestContextErrorWithItsOwnFallbacksIsNotRetried(t *testing.T) {
	s := Settings{ContextWindowFallbacks: []Rule{{"a", to("b")}}, RetryPolicy: &Counts{BadRequest: number(3)}}
	calls, _ := drive(t, New(s, each("a", "b")), "a", Overrides{}, start, map[string]*llm.Error{"a": tooLong})
	if !cmp.Equal(ids(calls), []string{"a", "b"}) {
		t.Fatalf("calls %v", ids(calls))
	}
}

func TestFilteredAnswerIsAFailureOnlyWhenAnotherGroupWouldAnswer(t *testing.T) {
	policy := []Rule{{"a", to("b")}}
	cases := []struct {
		name  string
		s     Settings
		o     Overrides
		asked string
		want  bool
	}{
		{"listed", Settings{ContentPolicyFallbacks: policy}, Overrides{}, "a", true},
		{"unlisted", Settings{ContentPolicyFallbacks: policy, DefaultFallbacks: to("b")}, Overrides{}, "c", false},
		{"default fallbacks alone", Settings{DefaultFallbacks: to("b")}, Overrides{}, "c", true},
		{"nothing configured", Settings{}, Overrides{}, "a", false},
		{"disabled", Settings{ContentPolicyFallbacks: policy}, Overrides{DisableFallbacks: true}, "a", false},
	}
	for _, c := range cases {
		plan, _ := New(c.s, each("a", "b", "c")).Plan(c.asked, c.o)
		step, _ := plan.Next(start)
		if got := plan.FallsBackOnContentFilter(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		if !c.want {
			continue
		}
		plan.Failed(step, unfit, start)
		if step, e := plan.Next(start); e != nil || step.Deployment.ID != "b" || plan.FallsBackOnContentFilter() {
			t.Errorf("%s: then %+v %v, and again", c.name, step, e)
		}
	}
}

func TestParametersOfAFallbackReachItsSteps(t *testing.T) {
	own := []Fallback{{Model: "b", Params: []llm.Param{{Name: "temperature", Value: []byte("0.5")}}}}
	plan, _ := New(Settings{NumRetries: number(0)}, each("a", "b")).Plan("a", Overrides{Fallbacks: own})
	step, _ := plan.Next(start)
	if step.Params != nil {
		t.Fatal("the first step has parameters")
	}
	plan.Failed(step, broken, start)
	step, _ = plan.Next(start)
	if len(step.Params) != 1 || step.Params[0].Name != "temperature" || string(step.Params[0].Value) != "0.5" {
		t.Fatalf("parameters %v", step.Params)
	}
}

func TestTraceTellsWhyARequestWentWhereItWent(t *testing.T) {
	table := New(Settings{NumRetries: number(1), AllowedFails: number(0), Fallbacks: []Rule{{"a", to("nowhere", "b")}}}, each("a", "b"))
	plan, _ := table.Plan("a", Overrides{})
	step, _ := plan.Next(start)
	plan.Failed(step, broken, start)
	step, _ = plan.Next(start)
	plan.Succeeded(step, start)
	want := []Decision{
		{Group: "a", Deployment: "a", What: DecisionChosen},
		{Group: "a", Deployment: "a", What: DecisionFailed, Kind: llm.KindInternal, Status: 500},
		{Group: "a", Deployment: "a", What: DecisionCooled},
		{Group: "a", Deployment: "a", What: DecisionCooling},
		{Group: "nowhere", What: DecisionUnknown},
		{Group: "b", Deployment: "b", What: DecisionChosen},
	}
	if diff := cmp.Diff(want, plan.Decisions()); diff != "" {
		t.Fatal(diff)
	}
}

func TestTraceIsBounded(t *testing.T) {
	table := New(Settings{NumRetries: number(500)}, each("a"))
	plan, _ := table.Plan("a", Overrides{})
	for range 400 {
		step, e := plan.Next(start)
		if e != nil {
			t.Fatal(e)
		}
		plan.Failed(step, broken, start)
	}
	if n := len(plan.Decisions()); n != maxDecisions {
		t.Fatalf("%d decisions", n)
	}
}

func BenchmarkPlanSingleDeployment(b *testing.B) {
	table := New(Settings{}, each("a", "b", "c"))
	b.ReportAllocs()
	for b.Loop() {
		plan, _ := table.Plan("b", Overrides{})
		step, _ := plan.Next(start)
		plan.Start(step, start)
		plan.Observed(step, Feedback{Total: time.Second, Output: 10, Tokens: 20}, start)
		plan.Succeeded(step, start)
	}
}

func BenchmarkPlanFourDeployments(b *testing.B) {
	list := groupOf("g", "a", "b", "c", "d")
	for i := range list {
		list[i].Weight = float64(i + 1)
	}
	table := New(Settings{Rand: func() float64 { return 0.5 }}, list)
	b.ReportAllocs()
	for b.Loop() {
		plan, _ := table.Plan("g", Overrides{})
		step, _ := plan.Next(start)
		plan.Start(step, start)
		plan.Observed(step, Feedback{Total: time.Second, Output: 10, Tokens: 20}, start)
		plan.Succeeded(step, start)
	}
}
