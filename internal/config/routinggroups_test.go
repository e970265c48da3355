package config

import (
	"slices"
	"testing"
	"time"
)

func TestRoutingGroupsAreReadAndTheirMistakesNamed(t *testing.T) {
	cfg, report := usable(t, gpt(`router_settings:
  routing_groups:
    - group_name: fast
      models: [gpt, other]
      routing_strategy: latency-based-routing
      routing_strategy_args: {ttl: 60}
    - {group_name: default, models: [gpt, third], routing_strategy: nonsense}
    - {group_name: empty}
    - text
`), nil)
	g := cfg.Router.RoutingGroups
	if len(g) != 2 || g[0].Name != "fast" || !slices.Equal(g[0].Models, []string{"gpt", "other"}) || g[0].Strategy != "latency-based-routing" || g[0].Args.TTL != time.Minute {
		t.Fatalf("%+v", g)
	}
	if g[1].Name != "" || !slices.Equal(g[1].Models, []string{"third"}) {
		t.Errorf("%+v", g[1])
	}
	says(t, report, Warning, `names "other", which is not in model_list`)
	says(t, report, Warning, `"gpt" is in the routing group "fast" already`)
	says(t, report, Warning, `"default" stands for all other models`)
	says(t, report, Warning, `"nonsense" is no routing strategy`)
	says(t, report, Warning, `The routing group "empty" has no models`)
}

func TestBudgetsAreReadWithTheirPeriods(t *testing.T) {
	cfg, report := usable(t, gpt(`router_settings:
  provider_budget_config:
    openai: {budget_limit: 0.5, time_period: 1d}
    anthropic: {budget_limit: 100, time_period: 2mo}
    gemini: {max_budget: 3, budget_duration: 2w}
    azure: {budget_limit: 1, time_period: soon}
    cohere: {budget_limit: 1}
    empty: {}
`), nil)
	want := map[string]Budget{"openai": {0.5, day}, "anthropic": {100, 60 * day}, "gemini": {3, 14 * day}, "cohere": {1, forever}}
	got := cfg.Router.ProviderBudgets
	for name, b := range want {
		if got[name] != b {
			t.Errorf("%s: %+v, want %+v", name, got[name], b)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	says(t, report, Warning, "a period such as")
}

func TestADeploymentHasABudgetAndPatternsOfClients(t *testing.T) {
	cfg, report := usable(t, `model_list:
  - model_name: gpt
    litellm_params:
      model: openai/gpt-4o
      api_key: sk-x
      max_budget: 2.5
      budget_duration: 12h
      tag_regex: ["^User-Agent: claude-code/", "("]
`, nil)
	d := one(t, cfg)
	if d.Budget != (Budget{2.5, 12 * time.Hour}) || len(d.TagRegex) != 1 || !d.TagRegex[0].MatchString("User-Agent: claude-code/2") {
		t.Errorf("%+v %v", d.Budget, d.TagRegex)
	}
	says(t, report, Warning, "no regular expression")
}

func TestSettingsOfHedgesQueueAndAffinity(t *testing.T) {
	cfg, _ := usable(t, gpt("fairlead_settings: {hedge_after: {smart: 4, fast: p95, \"*\": \"10s\"}, affinity: false, max_queue: 0, max_queue_wait: 2, allow_mock_testing: true}\n"), nil)
	f := cfg.Fairlead
	if f.HedgeAfter["smart"] != (Hedge{After: 4 * time.Second}) || f.HedgeAfter["fast"] != (Hedge{P95: true}) || f.HedgeAfter["*"] != (Hedge{After: 10 * time.Second}) {
		t.Errorf("%+v", f.HedgeAfter)
	}
	if f.Affinity || f.MaxQueue != 0 || f.MaxQueueWait != 2*time.Second || !f.AllowMockTesting {
		t.Errorf("%+v", f)
	}
	cfg, report := usable(t, gpt("fairlead_settings: {hedge_after: p95}\nrouter_settings: {tag_routing_prefix: 'route:', default_priority: 3, deployment_affinity_ttl_seconds: 60, optional_pre_call_checks: [session_affinity, enforce_model_rate_limits, promt_caching]}\n"), nil)
	r := cfg.Router
	if cfg.Fairlead.HedgeAfter["*"] != (Hedge{P95: true}) || r.DefaultPriority != 3 || r.TagRoutingPrefix != "route:" || *r.AffinityTTL != time.Minute || !r.EnforceRateLimits || !cfg.Fairlead.Affinity {
		t.Errorf("%+v %+v", cfg.Fairlead.HedgeAfter, r)
	}
	says(t, report, Warning, `"promt_caching" is no check`, "prompt_caching")
}

func TestHealthChecksAreReadWithTheirDefaults(t *testing.T) {
	cfg, _ := usable(t, gpt("general_settings: {background_health_checks: true}\n"), nil)
	if h := cfg.General.HealthChecks; !h.Background || h.Interval != 5*time.Minute || h.Staleness != 10*time.Minute || h.Concurrency != 4 || !h.Details || h.Routing || h.Retention != 30*24*time.Hour {
		t.Errorf("%+v", h)
	}
	cfg, _ = usable(t, `model_list:
  - model_name: gpt
    litellm_params: {model: openai/gpt-4o, api_key: sk-x}
    model_info: {health_check_model: openai/gpt-4o-mini, health_check_timeout: 7, health_check_max_tokens: 20, disable_background_health_check: true}
general_settings: {health_check_interval: 60, health_check_concurrency: 0, health_check_details: false, enable_health_check_routing: true,
  health_check_staleness_threshold: 90, health_check_ignore_transient_errors: true, background_health_check_model_groups: [gpt], maximum_health_check_retention_period: 7d}
`, nil)
	h := cfg.General.HealthChecks
	if h.Background || h.Interval != time.Minute || h.Staleness != 90*time.Second || h.Concurrency != 1 || h.Retention != 7*24*time.Hour || h.Details || !h.Routing || !h.IgnoreTransient || !slices.Equal(h.Groups, []string{"gpt"}) {
		t.Errorf("%+v", h)
	}
	if cfg, report := usable(t, gpt("general_settings: {maximum_health_check_retention_period: never}\n"), nil); cfg.General.HealthChecks.Retention != 30*24*time.Hour {
		t.Error(report)
	}
	d := one(t, cfg)
	if c := d.HealthCheck(); c != (HealthCheck{true, "gpt-4o-mini", 7 * time.Second, 20}) {
		t.Errorf("%+v", c)
	}
	d.Info = nil
	if c := d.HealthCheck(); c != (HealthCheck{Timeout: time.Minute, Tokens: 16}) {
		t.Errorf("%+v", c)
	}
}

func TestTheRateAtWhichAnAnswerMayBeginIsRead(t *testing.T) {
	cfg, _ := usable(t, gpt("fairlead_settings: {commit_rate: 12.5, commit_window: 2}\n"), nil)
	if f := cfg.Fairlead; f.CommitRate != 12.5 || f.CommitWindow != 2*time.Second {
		t.Errorf("%v within %v", f.CommitRate, f.CommitWindow)
	}
	cfg, report := usable(t, gpt("fairlead_settings: {commit_rate: -1}\n"), nil)
	if f := cfg.Fairlead; f.CommitRate != 0 || f.CommitWindow != time.Second {
		t.Errorf("%v within %v: %v", f.CommitRate, f.CommitWindow, report)
	}
}
