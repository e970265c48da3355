package route

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// once sends a request that is not retried.
func once(t *testing.T, table *Table, model string, now time.Time, failures map[string]*llm.Error) ([]call, *llm.Error) {
	t.Helper()
	return drive(t, table, model, Overrides{NumRetries: number(0), DisableFallbacks: true}, now, failures)
}

func TestAllowedFailsCoolsASingleDeployment(t *testing.T) {
	table := New(Settings{AllowedFails: number(1)}, groupOf("ds", "only"))
	failing := map[string]*llm.Error{"only": broken}
	for range 2 {
		if calls, e := once(t, table, "ds", start, failing); len(calls) != 1 || e.Status != 500 {
			t.Fatalf("calls %v error %v", calls, e)
		}
	}
	calls, e := once(t, table, "ds", start, failing)
	if len(calls) != 0 || e.Kind != llm.KindCooldown || e.Status != 429 || e.Type != "all_deployments_in_cooldown" || e.Code != "429" || e.RetryAfter != 5*time.Second {
		t.Fatalf("calls %v error %+v", calls, e)
	}
	want := "No deployments available for selected model, Try again in 5 seconds. All deployments for selected model are in cooldown. Passed model=ds. cooldown_list=['only']"
	if e.Message != want {
		t.Errorf("message %q", e.Message)
	}
	if calls, _ := once(t, table, "ds", start.Add(6*time.Second), nil); len(calls) != 1 {
		t.Error("it still rests after its time")
	}
}

func TestRetriesOfOneRequestCountAsOneFailure(t *testing.T) {
	table := New(Settings{AllowedFails: number(1)}, groupOf("ds", "only"))
	failing := map[string]*llm.Error{"only": broken}
	o := Overrides{NumRetries: number(3), DisableFallbacks: true}
	if calls, _ := drive(t, table, "ds", o, start, failing); len(calls) != 4 {
		t.Fatalf("first request: %d calls, want 4", len(calls))
	}
	if calls, e := drive(t, table, "ds", o, start, failing); len(calls) != 1 || e.Status != 500 {
		t.Fatalf("second request: calls %v error %v, want one and the upstream's error", calls, e)
	}
}

func TestFailuresOlderThanTheCooldownTimeAreForgotten(t *testing.T) {
	table := New(Settings{AllowedFails: number(1)}, groupOf("ds", "only"))
	for i := range 5 {
		calls, _ := once(t, table, "ds", start.Add(time.Duration(i)*6*time.Second), map[string]*llm.Error{"only": broken})
		if len(calls) != 1 {
			t.Fatalf("request %d was refused", i)
		}
	}
}

func TestSingleDeploymentIsNotCooledByDefault(t *testing.T) {
	for _, e := range []*llm.Error{broken, limited, badKey, fault(llm.KindNotFound, 404)} {
		table := New(Settings{}, groupOf("one", "only"))
		for range 50 {
			if calls, _ := once(t, table, "one", start, map[string]*llm.Error{"only": e}); len(calls) != 1 {
				t.Fatalf("%v cooled the only deployment", e)
			}
		}
	}
}

func TestDefaultPolicyOfSeveralDeployments(t *testing.T) {
	cases := []struct {
		name   string
		e      *llm.Error
		cooled bool
	}{
		{"429", limited, true},
		{"401", badKey, true},
		{"402", fault(llm.KindPayment, 402), true},
		{"404", fault(llm.KindNotFound, 404), true},
		{"400", refusal, false},
		{"403", fault(llm.KindPermission, 403), false},
		{"422", fault(llm.KindUnprocessable, 422), false},
		{"one 500", broken, false},
		{"one timeout", fault(llm.KindTimeout, 408), false},
		{"gateway's own", &llm.Error{Kind: llm.KindRateLimit, Status: 429}, false},
		{"APIConnectionError", &llm.Error{Kind: llm.KindRateLimit, Status: 429, Upstream: true, Message: "litellm.APIConnectionError: x"}, false},
	}
	for _, c := range cases {
		table := New(Settings{}, groupOf("two", "a", "b"))
		_, _ = once(t, table, "two", start, map[string]*llm.Error{"a": c.e, "b": c.e})
		cooled := !table.Cooling("a", start).IsZero() || !table.Cooling("b", start).IsZero()
		if cooled != c.cooled {
			t.Errorf("%s: cooled %v", c.name, cooled)
		}
	}
}

func TestMoreThanHalfOfFiveFailuresCoolsOneOfSeveral(t *testing.T) {
	table := New(Settings{}, groupOf("two", "a", "b"))
	m := table.groups["two"].members[0]
	for range 2 {
		m.health.succeeded(start)
	}
	for i := range 3 {
		if cooled := table.fail(m, broken, false, start); cooled != (i == 2) {
			t.Fatalf("failure %d of 5 calls: cooled %v", i+1, cooled)
		}
	}
	late := start.Add(time.Minute)
	m.health.succeeded(late)
	if table.fail(m, broken, false, late) {
		t.Fatal("the calls of the last minute still count")
	}
}

func TestRetryAfterLengthensTheCooldownToASixtySecondCap(t *testing.T) {
	for asked, want := range map[time.Duration]time.Duration{
		2 * time.Second: 5 * time.Second, 20 * time.Second: 20 * time.Second, 365 * 24 * time.Hour: time.Minute,
	} {
		table := New(Settings{}, groupOf("two", "a", "b"))
		e := *limited
		e.RetryAfter = asked
		m := table.groups["two"].members[0]
		table.fail(m, &e, false, start)
		if got := table.Cooling("a", start).Sub(start); got != want {
			t.Errorf("retry-after %v: rests %v, want %v", asked, got, want)
		}
	}
}

func TestCooldownSwitches(t *testing.T) {
	cases := map[string]func(*Settings, *Deployment){
		"disable_cooldowns":         func(s *Settings, _ *Deployment) { s.DisableCooldowns = true },
		"cooldown_time 0":           func(s *Settings, _ *Deployment) { s.CooldownTime = span(0) },
		"deployment cooldown_time":  func(_ *Settings, d *Deployment) { d.CooldownTime = span(0) },
		"allowed_fails_policy 1000": func(s *Settings, _ *Deployment) { s.AllowedFailsPolicy = &Counts{RateLimit: number(1000)} },
		"allowed_fails_policy without this cause": func(s *Settings, _ *Deployment) {
			s.AllowedFailsPolicy = &Counts{Timeout: number(0)}
		},
	}
	for name, change := range cases {
		s, list := Settings{}, groupOf("two", "a", "b")
		change(&s, &list[0])
		table := New(s, list)
		if table.fail(table.groups["two"].members[0], limited, false, start) {
			t.Errorf("%s: cooled", name)
		}
		if got := table.groups["two"].members[0].health.failed; got != 1 {
			t.Errorf("%s: %d failures are counted, want 1", name, got)
		}
	}
	table := New(Settings{AllowedFailsPolicy: &Counts{RateLimit: number(0)}}, groupOf("one", "only"))
	if !table.fail(table.groups["one"].members[0], limited, false, start) {
		t.Error("allowed_fails_policy 0 does not cool at the first failure")
	}
}

func TestClientsOwnTimeoutAndLeavingDoNotCool(t *testing.T) {
	table := New(Settings{AllowedFails: number(0)}, groupOf("one", "only"))
	for _, e := range []*llm.Error{fault(llm.KindTimeout, 408), {Kind: llm.KindClientGone, Status: 499, Upstream: true}} {
		_, _ = drive(t, table, "one", Overrides{OwnTimeout: true, NumRetries: number(0)}, start, map[string]*llm.Error{"only": e})
		if !table.Cooling("only", start).IsZero() {
			t.Errorf("%v cooled the deployment", e.Kind)
		}
	}
	_, _ = drive(t, table, "one", Overrides{NumRetries: number(0)}, start, map[string]*llm.Error{"only": fault(llm.KindTimeout, 408)})
	if table.Cooling("only", start).IsZero() {
		t.Error("a timeout of the deployment does not count")
	}
}

func TestAHalfOpenDeploymentWhoseStreamSpeaksTakesOthersBeforeItEnds(t *testing.T) {
	list := groupOf("two", "a", "b")
	list[1].Order = 2
	table := New(Settings{}, list)
	table.fail(table.groups["two"].members[0], limited, false, start)
	now := start.Add(time.Minute)
	plan, step := begin(t, table, "two", Overrides{Stream: true}, now)
	if step.Deployment.ID != "a" {
		t.Fatalf("%s probes", step.Deployment.ID)
	}
	if _, other := begin(t, table, "two", Overrides{}, now); other.Deployment.ID != "b" {
		t.Errorf("beside the probe %s is asked", other.Deployment.ID)
	}
	plan.FirstToken(step, time.Second, now)
	second, other := begin(t, table, "two", Overrides{}, now)
	if other.Deployment.ID != "a" {
		t.Errorf("while the stream goes on %s is asked", other.Deployment.ID)
	}
	second.Failed(other, limited, now)
	if table.Cooling("a", now).IsZero() {
		t.Error("it does not rest again")
	}
	later := now.Add(time.Minute) // the first stream still goes on
	if _, probe := begin(t, table, "two", Overrides{}, later); probe.Deployment.ID != "a" {
		t.Errorf("%s probes", probe.Deployment.ID)
	}
}

func TestReloadKeepsCooldowns(t *testing.T) {
	old := New(Settings{}, groupOf("two", "a", "b"))
	old.fail(old.groups["two"].members[0], limited, false, start)
	table := New(Settings{}, groupOf("two", "b", "a", "c"))
	table.Inherit(old)
	table.Inherit(nil)
	if table.Cooling("a", start).IsZero() || !table.Cooling("b", start).IsZero() {
		t.Fatal("cooldowns were lost or mixed up")
	}
	if !table.Cooling("unknown", start).IsZero() {
		t.Fatal("an unknown deployment rests")
	}
}

func TestCooldownListIsBounded(t *testing.T) {
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("deployment-%d", i))
	}
	table := New(Settings{}, groupOf("many", names...))
	waits := *limited
	waits.RetryAfter = time.Second
	for _, m := range table.groups["many"].members {
		table.fail(m, &waits, false, start)
	}
	_, e := once(t, table, "many", start, nil)
	if e.Kind != llm.KindCooldown || strings.Count(e.Message, "deployment-") != 20 {
		t.Fatalf("message %q", e.Message)
	}
}
