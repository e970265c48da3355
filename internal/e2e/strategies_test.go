package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// twoOf is a group of two deployments, each with its own options.
func twoOf(t *testing.T, settings string, a, b []string) (g *gateway, first, second *testkit.Fake) {
	t.Helper()
	first, second = testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	g = start(t, modelList("router_settings: {num_retries: 0, "+settings+"}", deployment("m", "openai/gpt-4o", first, a...), deployment("m", "openai/gpt-4o", second, b...)))
	return g, first, second
}

// occupy opens a request that its upstream does not answer, and returns how its client
// leaves.
func occupy(t *testing.T, g *gateway, f *testkit.Fake) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		if resp, err := g.do(ctx, plain("m", "wait")); err == nil {
			_ = resp.Body.Close()
		}
	}()
	within(t, "the request to arrive", f.Arrived())
	return func() {
		cancel()
		within(t, "the upstream to be left", f.Gone())
	}
}

func TestLeastBusyAvoidsADeploymentWithAnOpenCall(t *testing.T) {
	g, first, second := twoOf(t, "routing_strategy: least-busy", []string{"order: 1"}, []string{"order: 1"})
	hold := make(chan struct{})
	defer close(hold)
	first.Inject(testkit.Wait(hold))
	second.Inject(testkit.Wait(hold))
	busy, idle := first, second
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { _, _ = g.do(ctx, plain("m", "wait")) }() // the body is never read: the test ends first
	select {
	case <-first.Arrived():
	case <-second.Arrived():
		busy, idle = second, first
	}
	idle.Heal()
	for range 10 {
		g.post(plain("m", "hi")).ok()
	}
	if n, m := len(busy.Requests()), len(idle.Requests()); n != 1 || m != 10 {
		t.Errorf("the busy one got %d more, the idle one %d of 10", n-1, m)
	}
}

func TestMaxParallelRequestsOfADeploymentAreNeverExceeded(t *testing.T) {
	f := testkit.NewOpenAI(t)
	f.Inject(testkit.Hang())
	g := start(t, modelList(noRetries+"\nfairlead_settings: {max_queue: 0}", deployment("m", "openai/gpt-4o", f, "max_parallel_requests: 1")))
	release := occupy(t, g, f)
	r := g.post(plain("m", "hi"))
	if r.status != 429 || !strings.Contains(r.get("error.message").String(), "max_parallel_requests") || r.header.Get("Retry-After") != "1" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	release()
	deadline := time.Now().Add(testkit.Patience)
	for r = g.post(plain("m", "hi")); r.status == 429 && time.Now().Before(deadline); r = g.post(plain("m", "hi")) {
		continue // the client has left and the gateway is about to notice
	}
	r.ok()
}

func TestRequestThatMayNotLeaveItsRegionDoesNot(t *testing.T) {
	g, eu, us := twoOf(t, "num_retries: 0", []string{"region_name: eu"}, []string{"region_name: us"})
	asks := map[string]func(region string) reply{
		"/v1/chat/completions": func(region string) reply {
			return g.post(with(plain("m", "hi"), "allowed_model_region", region), "X-Litellm-Keepalive-Seconds", "20")
		},
		"/v1/messages": func(region string) reply {
			return g.send(http.MethodPost, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"keepalive_seconds":9,"allowed_model_region":`+region+`}`)
		},
		"/v1/responses": func(region string) reply {
			return g.send(http.MethodPost, "/v1/responses", `{"model":"m","input":"hi","keepalive_seconds":9,"allowed_model_region":`+region+`}`)
		},
	}
	for name, ask := range asks {
		for region, want := range map[string]*testkit.Fake{`"eu"`: eu, `"us"`: us} {
			eu.Forget()
			us.Forget()
			for range 5 {
				if r := ask(region); r.status != 200 {
					t.Errorf("%s: %d %s", name, r.status, r.body)
				}
			}
			if len(want.Requests()) != 5 {
				t.Errorf("%s: of 5 requests %d stayed in %s", name, len(want.Requests()), region)
			}
			for _, in := range want.Requests() {
				if strings.Contains(string(in.Body), "region") || strings.Contains(string(in.Body), "keepalive") {
					t.Errorf("%s: what is for the gateway went upstream: %s", name, in.Body)
				}
			}
		}
		if r := ask(`"mars"`); r.status != 400 || !strings.Contains(r.body, "region_name") {
			t.Errorf("%s: no deployment is there: %d %s", name, r.status, r.body)
		}
		if r := ask("7"); r.status != 400 || !strings.Contains(r.body, "allowed_model_region") {
			t.Errorf("%s: a region that is none: %d %s", name, r.status, r.body)
		}
	}
	if r := g.post(plain("m", "hi"), "X-Litellm-Keepalive-Seconds", "soon"); r.status != 400 {
		t.Errorf("a keepalive that is no number: %d %s", r.status, r.body)
	}
}

func TestRequestTagsChooseTheDeployment(t *testing.T) {
	g, free, paid := twoOf(t, "enable_tag_filtering: true", []string{"tags: [free, default]"}, []string{"tags: [paid]"})
	for name, ask := range map[string]func() reply{
		"header":        func() reply { return g.post(plain("m", "hi"), "X-Litellm-Tags", "eu, paid") },
		"body":          func() reply { return g.post(with(plain("m", "hi"), "tags", `["paid"]`)) },
		"body metadata": func() reply { return g.post(with(plain("m", "hi"), "metadata", `{"tags":["paid"]}`)) },
		"litellm_metadata of a Messages client": func() reply {
			return g.send(http.MethodPost, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}],"litellm_metadata":{"tags":["paid"]}}`)
		},
	} {
		free.Forget()
		paid.Forget()
		if r := ask(); r.status != 200 || len(paid.Requests()) != 1 {
			t.Errorf("%s: %d %s; the paid deployment got %d", name, r.status, r.body, len(paid.Requests()))
		}
	}
	free.Forget()
	g.post(plain("m", "hi")).ok()
	if len(free.Requests()) != 1 {
		t.Error("a request without tags does not go to the default deployment")
	}
	if r := g.post(plain("m", "hi"), "X-Litellm-Tags", "!free,!paid"); r.status != 400 || !strings.Contains(r.get("error.message").String(), "tags configuration") {
		t.Errorf("no deployment fits: %d %s", r.status, r.body)
	}
	for _, f := range []*testkit.Fake{free, paid} {
		for _, in := range f.Requests() {
			if strings.Contains(string(in.Body), "tags") {
				t.Errorf("the tags went upstream: %s", in.Body)
			}
		}
	}
}

func TestRPMIsAskedOnlyWithPreCallChecks(t *testing.T) {
	for settings, want := range map[string]int{"enable_pre_call_checks: true": 429, "enable_pre_call_checks: false": 200, "routing_strategy: usage-based-routing-v2": 429} {
		g, _, _ := twoOf(t, settings, []string{"rpm: 1"}, []string{"rpm: 1"})
		began := time.Now().Truncate(time.Minute)
		var last reply
		for range 3 {
			last = g.post(plain("m", "hi"))
		}
		if time.Now().Truncate(time.Minute) != began {
			continue // a minute has begun, and with it the limits
		}
		if last.status != want {
			t.Errorf("%s: the third request of 1+1 a minute: %d, want %d: %s", settings, last.status, want, last.body)
		}
	}
}

func TestTPMCountsTheTokensOfAnswers(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList("router_settings: {num_retries: 0, routing_strategy: usage-based-routing-v2}", deployment("m", "openai/gpt-4o", f, "tpm: 40")))
	used, began := int64(0), time.Now().Truncate(time.Minute)
	for used <= 40 {
		r := g.post(plain("m", "hi"))
		if r.status == 429 {
			break
		}
		used += r.ok().get("usage.total_tokens").Int()
	}
	r := g.post(plain("m", "hi"))
	if time.Now().Truncate(time.Minute) == began && (r.status != 429 || !strings.Contains(r.body, "rpm or tpm")) {
		t.Errorf("%d tokens of 40 are used: %d %s", used, r.status, r.body)
	}
	if used == 0 {
		t.Error("no answer said what it used, so this proves nothing")
	}
}

func TestPreCallChecksSendALongRequestWhereItFits(t *testing.T) {
	small, large := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	yaml := modelList("router_settings: {enable_pre_call_checks: true}",
		deployment("m", "openai/gpt-4o", small)+"  model_info: {max_input_tokens: 100}\n", deployment("m", "openai/gpt-4o", large))
	g := start(t, yaml)
	for range 10 {
		g.post(plain("m", strings.Repeat("a long text ", 200))).ok()
	}
	if n := len(small.Requests()); n != 0 {
		t.Errorf("the deployment whose window is too small got %d of 10", n)
	}
}

func TestCostBasedRoutingReadsThePricesOfTheFile(t *testing.T) {
	g, dear, cheap := twoOf(t, "routing_strategy: cost-based-routing",
		[]string{"input_cost_per_token: 0.5", "output_cost_per_token: 0.5"}, []string{"input_cost_per_token: 0.1", "output_cost_per_token: 0.1"})
	for range 10 {
		g.post(plain("m", "hi")).ok()
	}
	if n := len(cheap.Requests()); n != 10 {
		t.Errorf("the cheaper one got %d of 10, the dearer one %d", n, len(dear.Requests()))
	}
}

func TestLatencyBasedRoutingAvoidsADeploymentThatTimedOut(t *testing.T) {
	for _, stream := range []bool{false, true} {
		g, slow, quick := twoOf(t, "routing_strategy: latency-based-routing, disable_cooldowns: true", []string{"timeout: 0.2", "stream_timeout: 0.2"}, nil)
		slow.Always(testkit.Hang())
		ask := plain("m", "hi")
		if stream {
			ask = streamed(ask)
		}
		for len(slow.Requests()) == 0 {
			g.post(ask)
		}
		g.post(ask).ok()
		quick.Forget()
		for range 10 {
			g.post(ask).ok()
		}
		if n := len(quick.Requests()); n != 10 {
			t.Errorf("stream %v: the one that answers got %d of 10", stream, n)
		}
	}
}

func TestDefaultRoutingSharesBetweenEquals(t *testing.T) {
	var n, m int
	for range 10 { // one of them is slower when the machine is busy at the wrong moment
		g, first, second := twoOf(t, "cooldown_time: 5", nil, nil)
		for range 60 {
			g.post(plain("m", "hi")).ok()
		}
		if n, m = len(first.Requests()), len(second.Requests()); n >= 10 && m >= 10 {
			return
		}
	}
	t.Errorf("of 60 requests one got %d and the other %d, and ten times the like", n, m)
}
