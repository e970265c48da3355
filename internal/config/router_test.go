package config

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestRouterSettingsWinOverLitellmSettings(t *testing.T) {
	cfg, _ := usable(t, gpt(`router_settings: {num_retries: 1, fallbacks: [{gpt: [a]}]}
litellm_settings:
  num_retries: 9
  allowed_fails: 2
  fallbacks: [{gpt: [b]}]
  context_window_fallbacks: [{gpt: [c]}]
  default_fallbacks: [d]
`), nil)
	r := cfg.Router
	first, _ := r.Fallbacks.For("gpt")
	context, _ := r.ContextWindowFallbacks.For("gpt")
	if *r.NumRetries != 1 || *cfg.Defaults.NumRetries != 9 || *r.AllowedFails != 2 || !slices.Equal(first, []string{"a"}) || !slices.Equal(context, []string{"c"}) || !slices.Equal(TargetNames(r.DefaultFallbacks), []string{"d"}) {
		t.Errorf("%+v", r)
	}
}

func TestFallbackShapes(t *testing.T) {
	cfg, report := usable(t, gpt(`router_settings:
  fallbacks:
    - gpt: [a, {model: b}, {model: c, temperature: "0", stop: [x], timeout: 5, stream: true}, a, {model: a, n: 2}]
    - {x: [y], z: w}
    - "*": [star]
  content_policy_fallbacks: {gpt: [p]}
`), nil)
	for group, want := range map[string][]string{"gpt": {"a", "b", "c", "a"}, "x": {"y"}, "z": {"w"}, "*": {"star"}} {
		if got, ok := cfg.Router.Fallbacks.For(group); !ok || !slices.Equal(got, want) {
			t.Errorf("%s: %v", group, got)
		}
	}
	if got, _ := cfg.Router.ContentPolicyFallbacks.For("gpt"); !slices.Equal(got, []string{"p"}) {
		t.Errorf("%v", got)
	}
	if _, ok := cfg.Router.Fallbacks.For("nobody"); ok {
		t.Error("a group without a rule has one")
	}
	targets := cfg.Router.Fallbacks[0].Targets
	if got := fmt.Sprintf("%s", [][]Param{targets[0].Params, targets[1].Params, targets[2].Params, targets[3].Params}); got != "[[] [] [{temperature 0} {stop [\"x\"]}] [{n 2}]]" {
		t.Errorf("parameters %s", got)
	}
	for _, key := range []string{"timeout", "stream"} {
		says(t, report, Warning, "`"+key+"` is no parameter that a fallback can replace")
	}
}

func TestMalformedFallbacksAreNamed(t *testing.T) {
	cfg, report := usable(t, gpt(`litellm_settings:
  fallbacks:
    - {model: gpt, fallback_model: other}
    - gpt: [gpt]
    - text
    - gpt: [nope]
    - other: []
`), nil)
	if len(cfg.Router.Fallbacks) != 1 {
		t.Errorf("%v", cfg.Router.Fallbacks)
	}
	at(t, says(t, report, Warning, "not the shape of a fallback", "- gpt: [other]"), 8, 7)
	says(t, report, Warning, `"gpt" falls back to itself`)
	says(t, report, Warning, "A fallback must be a map of a group to a list; this is text")
	at(t, says(t, report, Warning, `The fallback target "nope" is not in model_list`), 11, 13)
	says(t, report, Warning, `The fallback of "other" names no target`)
}

func TestUnknownStrategyIsNamedWithTheNearest(t *testing.T) {
	cfg, report := usable(t, gpt("router_settings: {routing_strategy: latency-based}\n"), nil)
	at(t, says(t, report, Warning, `"latency-based" is no routing strategy`, "latency-based-routing?"), 6, 37)
	if cfg.Router.RoutingStrategy != "latency-based" {
		t.Errorf("%q", cfg.Router.RoutingStrategy)
	}
	for _, name := range strategies {
		_, report = usable(t, gpt("router_settings: {routing_strategy: "+name+"}\n"), nil)
		silent(t, report, "strategy")
	}
}

func TestStrategyArgsAreRead(t *testing.T) {
	cfg, report := usable(t, gpt("router_settings: {routing_strategy_args: {ttl: 60, lowest_latency_buffer: 0.5, max_latency_list_size: 20, latency: 1}}\n"), nil)
	if want := (StrategyArgs{TTL: time.Minute, LowestLatencyBuffer: 0.5, MaxLatencyListSize: 20}); cfg.Router.StrategyArgs != want {
		t.Errorf("%+v", cfg.Router.StrategyArgs)
	}
	says(t, report, Warning, "`latency` is an unknown key of routing_strategy_args")
	_, report = usable(t, gpt("router_settings: {routing_strategy_args: fast}\n"), nil)
	says(t, report, Warning, "must be a map")
}

func TestAliases(t *testing.T) {
	cfg, report := usable(t, gpt("router_settings:\n  model_group_alias:\n    a: gpt\n    b: {model: gpt, hidden: true}\n    c: gtp\n    d:\n"), nil)
	if cfg.Aliases["a"].Target != "gpt" || cfg.Aliases["a"].Hidden || !cfg.Aliases["b"].Hidden || cfg.Aliases["b"].Target != "gpt" {
		t.Errorf("%+v", cfg.Aliases)
	}
	at(t, says(t, report, Warning, `The alias "c" leads to "gtp"`, "Did you mean gpt?"), 10, 5)
	says(t, report, Warning, `The alias "d" names no group`)
	if _, ok := cfg.Aliases["d"]; ok {
		t.Error("an alias without a target is kept")
	}
}

func TestPoliciesByFailureClass(t *testing.T) {
	cfg, report := usable(t, gpt(`router_settings:
  retry_policy: {RateLimitErrorRetries: 4, TimeoutErrorRetries: "2", DefaultRetries: 1, Nonsense: 1}
  model_group_retry_policy: {gpt: {BadRequestErrorRetries: 1}}
  allowed_fails_policy: {InternalServerErrorAllowedFails: 10}
  retry_after: 0.5
  cooldown_time: 30
`), nil)
	r := cfg.Router
	if *r.RetryPolicy.RateLimit != 4 || *r.RetryPolicy.Timeout != 2 || *r.RetryPolicy.Default != 1 || r.RetryPolicy.BadRequest != nil {
		t.Errorf("%+v", r.RetryPolicy)
	}
	if *r.ModelGroupRetryPolicy["gpt"].BadRequest != 1 || *r.AllowedFailsPolicy.InternalServer != 10 || *r.RetryAfter != 500*time.Millisecond || *r.CooldownTime != 30*time.Second {
		t.Errorf("%+v", r)
	}
	says(t, report, Warning, "`Nonsense` is an unknown key of retry_policy")
}

func TestFallbackToAWildcardOrAnIDExists(t *testing.T) {
	_, report := usable(t, `model_list:
  - {model_name: "openai/*", litellm_params: {model: "openai/*", api_key: k}}
  - {model_name: g, litellm_params: {model: openai/gpt-4o, api_key: k}, model_info: {id: my-id}}
router_settings: {fallbacks: [{g: [openai/gpt-5, my-id]}]}
`, nil)
	silent(t, report, "fallback target")
}

func TestPatternsMatchLikeTheRouter(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"*", "anything", true},
		{"openai/*", "openai/gpt", true},
		{"openai/*", "azure/gpt", false},
		{"*-mini", "gpt-mini", true},
		{"*-mini", "gpt-max", false},
		{"a*b*c", "a1b2c", true},
		{"a*b*c", "a1c", false},
		{"plain", "plain", true},
		{"plain", "other", false},
		{"a*a", "a", false},
	} {
		if got := matchPattern(c.pattern, c.name); got != c.want {
			t.Errorf("matchPattern(%q, %q) = %v", c.pattern, c.name, got)
		}
	}
}
