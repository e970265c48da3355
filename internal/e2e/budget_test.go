package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
	"github.com/fairlead-gateway/fairlead/internal/testkit/redisserver"
)

// dear is a deployment of which one answer uses up a budget of a cent.
func dear(f *testkit.Fake, more string) string {
	return deployment("m", "openai/gpt-4o", f, "input_cost_per_token: 1", "output_cost_per_token: 1") + more
}

// spent waits until a gateway refuses for its budget.
func spent(t *testing.T, g *gateway) {
	t.Helper()
	deadline := time.Now().Add(testkit.Patience)
	r := g.post(plain("m", "hi"))
	for ; r.status == http.StatusOK && time.Now().Before(deadline); r = g.post(plain("m", "hi")) {
		continue // the next beat tells it
	}
	if r.status != http.StatusTooManyRequests || !strings.Contains(r.body, "Exceeded budget for") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

const providerBudget = "provider_budget_config: {openai: {budget_limit: 0.01, time_period: 1d}}"

func TestWhatABudgetHasSpentSurvivesARestart(t *testing.T) {
	for name, tt := range map[string]struct{ settings, more string }{
		"of a provider":   {"router_settings: {num_retries: 0, " + providerBudget + "}\n", ""},
		"of a deployment": {noRetries + "\n", "    max_budget: 0.01\n    budget_duration: 1d\n"},
	} {
		bothWays(t, func(t *testing.T, stream bool) {
			f := testkit.NewOpenAI(t)
			yaml := modelList(tt.settings+"fairlead_settings: {data_dir: "+t.TempDir()+"}", dear(f, tt.more))
			g := start(t, yaml)
			body := plain("m", "hi")
			if stream {
				body = streamed(body)
			}
			g.post(body).ok()
			g.log.Find(0, requestLine, g.done)
			spent(t, g)
			g.stop()
			asked := len(f.Requests())
			g = start(t, yaml)
			if r := g.post(plain("m", "hi")); r.status != http.StatusTooManyRequests || len(f.Requests()) != asked {
				t.Errorf("%s, after a restart: %d %s", name, r.status, r.body)
			}
		})
	}
}

func TestABudgetIsSharedByTheNodes(t *testing.T) {
	s, f := redisserver.Start(t), testkit.NewOpenAI(t)
	a := node(t, s, ", "+providerBudget, dear(f, ""))
	b := node(t, s, ", "+providerBudget, dear(f, ""))
	a.post(plain("m", "hi")).ok()
	spent(t, b)
	spent(t, node(t, s, ", "+providerBudget, dear(f, "")))
}

func TestTheHistoryOfChecksSurvivesARestart(t *testing.T) {
	well, ill := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	ill.Always(testkit.Fail(503))
	yaml := modelList(fmt.Sprintf("router_settings: {num_retries: 0}\ngeneral_settings: {background_health_checks: true, health_check_interval: 3600}\nfairlead_settings: {data_dir: %s}", t.TempDir()),
		deployment("w", "openai/gpt-4o", well), deployment("i", "openai/gpt-4o", ill))
	g := start(t, yaml)
	history := "/health/history?status_filter=unhealthy"
	before := g.until(history, "a failure", func(r reply) bool { return r.get("total_records").Int() == 1 })
	g.until("/health/history", "both", func(r reply) bool { return r.get("total_records").Int() == 2 })
	g.stop()
	g = start(t, yaml)
	after := g.until(history, "a failure more", func(r reply) bool { return r.get("total_records").Int() == 2 })
	if old, same := after.get("health_checks.1").Raw, before.get("health_checks.0").Raw; old != same {
		t.Errorf("before the restart %s, after it %s", same, old)
	}
}
