package e2e_test

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestARoutingGroupIsAskedByItsNameWithItsOwnStrategy(t *testing.T) {
	dear, cheap, other := testkit.NewOpenAI(t), testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	g := start(t, modelList("router_settings: {routing_strategy: simple-shuffle, routing_groups: [{group_name: any-of-both, models: [x, y], routing_strategy: cost-based-routing}]}",
		deployment("x", "openai/gpt-4o", dear, "input_cost_per_token: 0.5", "output_cost_per_token: 0.5"),
		deployment("y", "openai/gpt-4o", cheap, "input_cost_per_token: 0.1", "output_cost_per_token: 0.1"),
		deployment("z", "openai/gpt-4o", other)))
	for range 10 {
		g.post(plain("any-of-both", "hi")).ok()
	}
	if n := len(cheap.Requests()); n != 10 {
		t.Errorf("the cheaper model got %d of 10", n)
	}
	if list := g.send("GET", "/v1/models", "").ok(); !strings.Contains(list.body, "any-of-both") {
		t.Errorf("the list of models: %s", list.body)
	}
}

func TestAProviderWhoseBudgetIsSpentIsNotAsked(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		first, second := testkit.NewOpenAI(t), testkit.NewAnthropic(t)
		g := start(t, modelList("router_settings: {num_retries: 0, provider_budget_config: {openai: {budget_limit: 1e-12, time_period: 1d}}}",
			deployment("m", "openai/gpt-4o", first, "order: 1"), deployment("m", sonnet, second, "order: 2"), deployment("alone", "openai/gpt-4o", first)))
		body := func(model string) string {
			if stream {
				return streamed(plain(model, "hi"))
			}
			return plain(model, "hi")
		}
		g.post(body("m")).ok()
		g.log.Find(0, requestLine, g.done)
		g.post(body("m")).ok()
		if n, m := len(first.Requests()), len(second.Requests()); n != 1 || m != 1 {
			t.Errorf("%d and %d calls", n, m)
		}
		r := g.post(body("alone"))
		if r.status != 429 || !strings.Contains(r.body, "crossed budget: Exceeded budget for provider openai") || r.header.Get("Retry-After") == "" {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

func TestTagRegexSendsClientsToTheirDeployment(t *testing.T) {
	g, coders, rest := twoOf(t, "enable_tag_filtering: true", []string{"tag_regex: ['^User-Agent: claude-code/']"}, []string{"tags: [default]"})
	g.post(plain("m", "hi"), "User-Agent", "claude-code/2.1.7").ok()
	g.post(plain("m", "hi"), "User-Agent", "curl/8").ok()
	if n, m := len(coders.Requests()), len(rest.Requests()); n != 1 || m != 1 {
		t.Errorf("%d and %d", n, m)
	}
}

func TestFailuresAreFeignedOnlyWhereTheOperatorAllowsIt(t *testing.T) {
	f, spare := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	yaml := func(allowed string) string {
		return modelList("litellm_settings: {fallbacks: [{m: [general]}], context_window_fallbacks: [{m: [longer]}], content_policy_fallbacks: [{m: [freer]}]}\nfairlead_settings: {allow_mock_testing: "+allowed+"}",
			deployment("m", "openai/gpt-4o", f), deployment("general", "openai/gpt-4o", spare), deployment("longer", "openai/gpt-4o", spare), deployment("freer", "openai/gpt-4o", spare))
	}
	g := start(t, yaml("true"))
	for key, group := range map[string]string{
		"mock_testing_fallbacks": "general", "mock_testing_rate_limit_error": "general",
		"mock_testing_context_fallbacks": "longer", "mock_testing_content_policy_fallbacks": "freer",
	} {
		if r := g.post(with(plain("m", "hi"), key, "true")).ok(); r.header.Get("x-litellm-model-group") != group {
			t.Errorf("%s leads to %s, want %s", key, r.header.Get("x-litellm-model-group"), group)
		}
		if r := g.post(with(with(plain("m", "hi"), key, "true"), "disable_fallbacks", "true")); r.status < 400 || !strings.Contains(r.body, "mock exception") {
			t.Errorf("%s without fallbacks: %d %s", key, r.status, r.body)
		}
		g.post(with(plain("m", "hi"), key, "false")).ok()
	}
	if n := len(f.Requests()); n != 4 {
		t.Errorf("%d calls of the model that was to fail, want the 4 that were not feigned", n)
	}
	for _, in := range append(f.Requests(), spare.Requests()...) {
		if strings.Contains(string(in.Body), "mock") {
			t.Errorf("it went upstream: %s", in.Body)
		}
	}
	off := start(t, yaml("false"))
	if r := off.post(with(plain("m", "hi"), "mock_testing_fallbacks", "true")); r.status != 400 || !strings.Contains(r.body, "allow_mock_testing") {
		t.Errorf("not allowed: %d %s", r.status, r.body)
	}
}
