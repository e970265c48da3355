package e2e_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// checking is a gateway that looks at its deployments all the time.
func checking(t *testing.T, more string, deployments ...string) *gateway {
	t.Helper()
	return start(t, modelList("router_settings: {num_retries: 0, allowed_fails: 1000}\ngeneral_settings: {background_health_checks: true, health_check_interval: 0.02"+more+"}", deployments...))
}

// until asks again until the answer is as wanted, or fails the test.
func (g *gateway) until(path, what string, wanted func(reply) bool) reply {
	g.t.Helper()
	deadline := time.Now().Add(testkit.Patience)
	for {
		r := g.send("GET", path, "")
		if wanted(r) {
			return r
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("%s never said %s: %d %s", path, what, r.status, r.body)
		}
	}
}

func TestDeploymentsAreLookedAtInTheBackground(t *testing.T) {
	well, ill, embeds, off := testkit.NewOpenAI(t), testkit.NewAnthropic(t), testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	ill.Always(testkit.FailWith(401, `{"type":"error","error":{"type":"authentication_error","message":"no such key"}}`))
	g := checking(t, "", deployment("w", "openai/gpt-4o", well), deployment("i", sonnet, ill),
		deployment("e", "openai/gpt-4o", embeds)+"  model_info: {health_check_model: openai/gpt-4o-mini, health_check_max_tokens: 33}\n",
		deployment("o", "openai/gpt-4o", off)+"  model_info: {disable_background_health_check: true}\n")
	r := g.until("/health", "that one is ill", func(r reply) bool { return r.get("unhealthy_count").Int() == 1 })
	if r.get("unhealthy_endpoints.0.model_name").String() != "i" || !strings.Contains(r.get("unhealthy_endpoints.0.error").String(), "no such key") {
		t.Errorf("%s", r.body)
	}
	r = g.until("/health/latest", "three deployments", func(r reply) bool { return r.get("total_models").Int() == 3 })
	if n := strings.Count(r.body, `"status":"healthy"`); n != 2 {
		t.Errorf("%d healthy: %s", n, r.body)
	}
	g.until("/health/history?status_filter=healthy&model=w", "two successes that somebody was asked for", func(r reply) bool {
		return strings.Count(r.body, `"checked_by":"background"`) >= 2
	})
	r = g.until("/health/history?status_filter=unhealthy&model=i", "two failures", func(r reply) bool { return r.get("total_records").Int() >= 2 })
	if r.get("health_checks.0.error_message").String() == "" || r.get("health_checks.0.response_time_ms").Float() <= 0 || r.get("health_checks.0.checked_at").String() == "" {
		t.Errorf("%s", r.body)
	}
	if one := g.send("GET", "/health/history?limit=1&offset=1", "").ok(); one.get("health_checks.#").Int() != 1 {
		t.Errorf("%s", one.body)
	}
	if len(off.Requests()) != 0 {
		t.Error("a deployment that was left out was asked")
	}
	var in struct {
		Model     string `json:"model"`
		MaxTokens int    `json:"max_tokens"`
	}
	if err := json.Unmarshal(embeds.Last(t).Body, &in); err != nil || in.Model != "gpt-4o-mini" || in.MaxTokens != 33 {
		t.Errorf("asked %+v %v", in, err)
	}
	if strings.Contains(g.log.String(), "msg=request ") {
		t.Error("a check is logged as a request")
	}
}

func TestADeploymentThatAnswersRequestsIsNotAsked(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList("general_settings: {background_health_checks: true, health_check_interval: 3600}", deployment("m", "openai/gpt-4o", f)))
	g.until("/health/latest", "one deployment", func(r reply) bool { return r.get("total_models").Int() == 1 })
	asked := len(f.Requests())
	posts := 1
	g.post(plain("m", "hi")).ok()
	g.configure(modelList("general_settings: {background_health_checks: true, health_check_interval: 0.5}", deployment("m", "openai/gpt-4o", f)))
	g.reload()
	g.until("/health/latest", "that traffic has shown it", func(r reply) bool {
		if strings.Contains(r.body, `"checked_by":"traffic"`) {
			return true
		}
		g.post(plain("m", "hi")).ok() // so that the last answer is never older than the interval
		posts++
		return false
	})
	if n := len(f.Requests()) - asked; n != posts {
		t.Errorf("%d calls, want the %d of the client", n, posts)
	}
}

func TestWithRoutingAnIllDeploymentIsLeftOutUntilItAnswersAgain(t *testing.T) {
	first, second := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	first.Always(testkit.Fail(500))
	g := checking(t, ", enable_health_check_routing: true, health_check_staleness_threshold: 3600",
		deployment("m", "openai/gpt-4o", first, "order: 1"), deployment("m", "openai/gpt-4o", second, "order: 2"))
	g.until("/health", "that one is ill", func(r reply) bool { return r.get("unhealthy_count").Int() == 1 })
	for i := range 5 {
		if r := g.post(plain("m", fmt.Sprint(i))); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	first.Heal()
	g.until("/health", "that both are well", func(r reply) bool { return r.get("unhealthy_count").Int() == 0 })
	second.Always(testkit.Fail(500))
	if r := g.post(plain("m", "well again")); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestWhatChecksFoundIsForTheMasterKey(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList("general_settings: {master_key: sk-the-master-key}", deployment("m", "openai/gpt-4o", f)))
	for _, path := range []string{"/health/history", "/health/latest"} {
		if r := g.send("GET", path, ""); r.status != 401 {
			t.Errorf("%s without a key: %d", path, r.status)
		}
		if r := g.send("GET", path, "", "Authorization", "Bearer sk-the-master-key"); r.status != 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
}

func TestAModelForEmbeddingsIsAskedForOneAndAnImageForNothing(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/embeddings": {jsonAnswer(embedded), jsonAnswer(embedded), jsonAnswer(embedded)}})
	g := start(t, modelList("general_settings: {background_health_checks: true, health_check_interval: 3600}",
		up.model("emb", "openai/text-embedding-3-small", "/v1"), up.model("img", "openai/gpt-image-1", "/v1")))
	r := g.until("/health/latest", "one deployment", func(r reply) bool { return r.get("total_models").Int() == 1 })
	if !strings.Contains(r.body, `"status":"healthy"`) || up.count() != 1 {
		t.Errorf("%d calls: %s", up.count(), r.body)
	}
	if in := up.last(t); !strings.Contains(string(in.body), `"input":"ping"`) {
		t.Errorf("asked %s", in.body)
	}
}

func TestHealthTellsWhatTrafficHasShownWithoutChecks(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	for _, tt := range []struct {
		fault     testkit.Fault
		unhealthy int64
	}{{testkit.Fail(429), 0}, {testkit.Fail(401), 1}, {testkit.Fault{}, 0}, {testkit.Fail(503), 1}} {
		f.Inject(tt.fault)
		status := fmt.Sprint("what a ", g.post(plain("m", "hi")).status, " has shown")
		g.until("/health", status, func(r reply) bool { return r.get("unhealthy_count").Int() == tt.unhealthy })
	}
}
