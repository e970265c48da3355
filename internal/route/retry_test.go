package route

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestDefaultIsTwoRetriesForWhatMayPass(t *testing.T) {
	cases := []struct {
		e     *llm.Error
		calls int
	}{
		{broken, 3},
		{limited, 3},
		{fault(llm.KindTimeout, 408), 3},
		{fault(llm.KindConnection, 500), 3},
		{fault(llm.KindBadGateway, 502), 3},
		{fault(llm.KindUnavailable, 503), 3},
		{fault(llm.KindAPI, 520), 3},
		{refusal, 1},
		{badKey, 1},
		{fault(llm.KindPermission, 403), 1},
		{fault(llm.KindNotFound, 404), 1},
		{fault(llm.KindUnprocessable, 422), 1},
		{fault(llm.KindAPI, 418), 1},
		{tooLong, 1},
		{unfit, 1},
		{&llm.Error{Kind: llm.KindInternal, Status: 500}, 1},
		{&llm.Error{Kind: llm.KindClientGone, Status: 499}, 1},
	}
	for _, c := range cases {
		calls, e := drive(t, New(Settings{}, groupOf("one", "only")), "one", Overrides{}, start, map[string]*llm.Error{"only": c.e})
		if len(calls) != c.calls || e == nil || e.Status != c.e.Status {
			t.Errorf("%v %d: %d calls, error %v; want %d calls", c.e.Kind, c.e.Status, len(calls), e, c.calls)
		}
	}
}

func TestNumberOfRetriesBySource(t *testing.T) {
	cases := []struct {
		name                         string
		request, deployment, setting *int
		want                         int
	}{
		{"default", nil, nil, nil, 2},
		{"settings", nil, nil, number(1), 1},
		{"deployment over settings", nil, number(4), number(1), 4},
		{"request over deployment", number(0), number(4), number(1), 0},
		{"negative is none", number(-3), nil, nil, 0},
	}
	for _, c := range cases {
		list := groupOf("one", "only")
		list[0].NumRetries = c.deployment
		calls, _ := drive(t, New(Settings{NumRetries: c.setting}, list), "one", Overrides{NumRetries: c.request}, start, map[string]*llm.Error{"only": broken})
		if len(calls)-1 != c.want {
			t.Errorf("%s: %d retries, want %d", c.name, len(calls)-1, c.want)
		}
	}
}

func TestRetryPolicyDecidesByCauseAndGroup(t *testing.T) {
	s := Settings{
		RetryPolicy:      &Counts{RateLimit: number(5), BadRequest: number(1), Timeout: number(0)},
		GroupRetryPolicy: map[string]Counts{"special": {RateLimit: number(0), Default: number(4)}},
	}
	cases := []struct {
		group string
		e     *llm.Error
		want  int
	}{
		{"plain", limited, 5},
		{"plain", refusal, 1},
		{"plain", fault(llm.KindTimeout, 408), 0},
		{"plain", broken, 2},
		{"special", limited, 0},
		{"special", broken, 4},
		{"special", badKey, 4},
		{"plain", llm.BadRequest("x", "the gateway's own"), 0},
	}
	for _, c := range cases {
		calls, _ := drive(t, New(s, groupOf(c.group, "only")), c.group, Overrides{}, start, map[string]*llm.Error{"only": c.e})
		if len(calls)-1 != c.want {
			t.Errorf("%s %v: %d retries, want %d", c.group, c.e.Kind, len(calls)-1, c.want)
		}
	}
}

func TestWaitsGrowFromHalfASecondToEightWithJitter(t *testing.T) {
	for _, c := range []struct {
		rand float64
		want []time.Duration
	}{
		{0, []time.Duration{0, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 8 * time.Second}},
		{0.5, []time.Duration{0, 875 * time.Millisecond, 1375 * time.Millisecond, 2375 * time.Millisecond, 4375 * time.Millisecond, 8 * time.Second, 8 * time.Second}},
	} {
		table := New(Settings{NumRetries: number(6), Rand: func() float64 { return c.rand }}, groupOf("one", "only"))
		calls, _ := drive(t, table, "one", Overrides{}, start, map[string]*llm.Error{"only": broken})
		var waits []time.Duration
		for _, call := range calls {
			waits = append(waits, call.Wait)
		}
		if diff := cmp.Diff(c.want, waits); diff != "" {
			t.Errorf("jitter %v: %s", c.rand, diff)
		}
	}
}

func TestRetryAfterIsWaitedForUpToSixtySeconds(t *testing.T) {
	cases := []struct {
		name            string
		asked, least    time.Duration
		shouldRetry     string
		calls           int
		wait            time.Duration
		otherDeployment bool
	}{
		{name: "asked", asked: 2 * time.Second, calls: 2, wait: 2 * time.Second},
		{name: "a minute", asked: time.Minute, calls: 2, wait: time.Minute},
		{name: "a year is not waited for", asked: 365 * 24 * time.Hour, calls: 1},
		{name: "a year, but another deployment", asked: 365 * 24 * time.Hour, calls: 2, otherDeployment: true},
		{name: "retry_after is the least", asked: time.Second, least: 3 * time.Second, calls: 2, wait: 3 * time.Second},
		{name: "retry_after without the upstream's", least: 3 * time.Second, calls: 2, wait: 3 * time.Second},
		{name: "x-should-retry false", shouldRetry: "false", calls: 1},
	}
	for _, c := range cases {
		e := *limited
		e.RetryAfter = c.asked
		if c.shouldRetry != "" {
			e.Header = header("X-Should-Retry", c.shouldRetry)
		}
		list := groupOf("g", "a")
		if c.otherDeployment {
			list = groupOf("g", "a", "b")
		}
		table := New(Settings{RetryAfter: c.least, DisableCooldowns: true}, list)
		calls, _ := drive(t, table, "g", Overrides{NumRetries: number(1)}, start, map[string]*llm.Error{"a": &e, "b": &e})
		if len(calls) != c.calls || calls[len(calls)-1].Wait != c.wait {
			t.Errorf("%s: %v, want %d calls, the last after %v", c.name, calls, c.calls, c.wait)
		}
	}
}

func TestRetryGoesAtOnceToAnotherDeployment(t *testing.T) {
	for _, rand := range []float64{0, 0.49, 0.5, 0.99} {
		table := New(Settings{Rand: func() float64 { return rand }}, groupOf("lb", "bad", "good"))
		calls, e := drive(t, table, "lb", Overrides{}, start, map[string]*llm.Error{"bad": broken})
		last := calls[len(calls)-1]
		if e != nil || last.ID != "good" || last.Wait != 0 || len(calls) > 2 {
			t.Errorf("rand %v: calls %v error %v", rand, calls, e)
		}
	}
}

func TestRetryNeverTakesTheOneThatJustFailedWhileAnotherIsThere(t *testing.T) {
	for _, n := range []int{2, 3} {
		names := []string{"a", "b", "c"}[:n]
		seed := uint64(1)
		table := New(Settings{NumRetries: number(9), DisableCooldowns: true, Rand: func() float64 {
			seed = seed*6364136223846793005 + 1442695040888963407
			return float64(seed>>11) / (1 << 53)
		}}, groupOf("lb", names...))
		for range 200 {
			calls, _ := drive(t, table, "lb", Overrides{}, start, map[string]*llm.Error{"a": broken, "b": limited, "c": broken})
			seen := map[string]bool{}
			for i, c := range calls {
				if i > 0 && c.ID == calls[i-1].ID {
					t.Fatalf("%s twice in a row: %v", c.ID, ids(calls))
				}
				if i < n && seen[c.ID] {
					t.Fatalf("%s again while one was not tried: %v", c.ID, ids(calls))
				}
				seen[c.ID] = true
			}
			if len(calls) != 10 {
				t.Fatalf("%d calls", len(calls))
			}
		}
	}
}

func TestBadKeyOrMissingModelIsTriedOnlyElsewhere(t *testing.T) {
	for _, e := range []*llm.Error{badKey, fault(llm.KindPayment, 402), fault(llm.KindPermission, 403), fault(llm.KindNotFound, 404), fault(llm.KindAPI, 403)} {
		calls, err := drive(t, New(Settings{}, groupOf("lb", "bad", "good")), "lb", Overrides{}, start, map[string]*llm.Error{"bad": e})
		if err != nil || !cmp.Equal(ids(calls), []string{"bad", "good"}) {
			t.Errorf("%v: calls %v error %v", e.Kind, ids(calls), err)
		}
		calls, _ = drive(t, New(Settings{DisableCooldowns: true}, groupOf("lb", "bad", "too")), "lb", Overrides{NumRetries: number(5)}, start, map[string]*llm.Error{"bad": e, "too": e})
		if len(calls) > 6 {
			t.Errorf("%v: calls %v", e.Kind, ids(calls))
		}
	}
}

func TestLowestOrderFirstAndTheNextWhenItFails(t *testing.T) {
	list := groupOf("ranked", "third", "first", "second")
	list[0].Order, list[1].Order, list[2].Order = 3, 1, 2
	table := New(Settings{}, list)
	calls, e := drive(t, table, "ranked", Overrides{}, start, map[string]*llm.Error{"first": broken, "second": broken})
	if e != nil || !cmp.Equal(ids(calls), []string{"first", "second", "third"}) {
		t.Fatalf("calls %v error %v", ids(calls), e)
	}
	table.fail(table.groups["ranked"].members[1], limited, false, start)
	if calls, _ := drive(t, table, "ranked", Overrides{}, start, nil); calls[0].ID != "second" {
		t.Fatalf("first rests, but %s is called", calls[0].ID)
	}
}

func TestSharesFollowWeightThenRPMThenTPM(t *testing.T) {
	cases := []struct {
		name string
		set  func(a, b *Deployment)
		want float64 // share of a
	}{
		{"none", func(_, _ *Deployment) {}, 0.5},
		{"weight", func(a, b *Deployment) { a.Weight, b.Weight, a.RPM, b.RPM = 3, 1, 1, 99 }, 0.75},
		{"weight of one only", func(a, _ *Deployment) { a.Weight = 2 }, 1},
		{"rpm", func(a, b *Deployment) { a.RPM, b.RPM, a.TPM, b.TPM = 900, 100, 1, 1 }, 0.9},
		{"rpm of one only", func(a, _ *Deployment) { a.RPM = 60 }, 0.5},
		{"tpm", func(a, b *Deployment) { a.TPM, b.TPM = 10, 30 }, 0.25},
	}
	for _, c := range cases {
		list := groupOf("lb", "a", "b")
		c.set(&list[0], &list[1])
		const n = 1000
		i, hits := 0, 0
		table := New(Settings{Strategy: SimpleShuffle, Rand: func() float64 { i++; return float64(i%n) / n }}, list)
		for range n {
			calls, _ := drive(t, table, "lb", Overrides{}, start, nil)
			if calls[0].ID == "a" {
				hits++
			}
		}
		if got := float64(hits) / n; got < c.want-0.01 || got > c.want+0.01 {
			t.Errorf("%s: share of a is %.3f, want %.3f", c.name, got, c.want)
		}
	}
}

func TestRandomNumberAtTheEdgeStaysInRange(t *testing.T) {
	list := groupOf("lb", "a", "b", "c")
	list[0].Weight, list[1].Weight = 1, 1
	table := New(Settings{Rand: func() float64 { return 1 }}, list)
	if calls, _ := drive(t, table, "lb", Overrides{}, start, nil); calls[0].ID != "b" {
		t.Fatalf("called %s, which has no weight", calls[0].ID)
	}
	if calls, _ := drive(t, New(Settings{Strategy: SimpleShuffle, Rand: func() float64 { return 1 }}, groupOf("lb", "a", "b")), "lb", Overrides{}, start, nil); calls[0].ID != "b" {
		t.Fatalf("called %s", calls[0].ID)
	}
	if calls, _ := drive(t, New(Settings{Rand: func() float64 { return 1 }}, groupOf("lb", "a", "b", "c")), "lb", Overrides{}, start, nil); len(calls) != 1 {
		t.Fatalf("calls %v", calls)
	}
}

func TestNobodyWaitsLongerThanTheRequestMayTakeOrWhileAFallbackCanAnswer(t *testing.T) {
	asks := *limited
	asks.RetryAfter = 30 * time.Second
	general := []Rule{{"g", to("spare")}}
	for _, c := range []struct {
		name     string
		settings Settings
		patience time.Duration
		calls    []call
	}{
		{"time enough", Settings{}, time.Minute, []call{{ID: "a"}, {ID: "a", Wait: 30 * time.Second}}},
		{"too little time", Settings{}, 10 * time.Second, []call{{ID: "a"}}},
		{"a fallback", Settings{Fallbacks: general}, time.Minute, []call{{ID: "a"}, {ID: "s", Fallback: 1}}},
	} {
		c.settings.DisableCooldowns = true
		table := New(c.settings, join(groupOf("g", "a"), groupOf("spare", "s")))
		calls, e := drive(t, table, "g", Overrides{NumRetries: number(1), Patience: c.patience}, start, map[string]*llm.Error{"a": &asks})
		if diff := cmp.Diff(c.calls, calls); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if failed := len(c.settings.Fallbacks) == 0; failed != (e != nil) || failed && (e.Status != 429 || e.RetryAfter != 30*time.Second) {
			t.Errorf("%s: %v", c.name, e)
		}
	}
}
