package config

import (
	"slices"
	"strings"
)

// strategies are the values of routing_strategy. The last one is simple-shuffle within
// the budgets of provider_budget_config, which hold with every strategy.
var strategies = []string{
	"simple-shuffle", "least-busy", "usage-based-routing", "usage-based-routing-v2", "latency-based-routing", "cost-based-routing",
	"provider-budget-routing",
}

// router reads router_settings, with the keys that LiteLLM also accepts in
// litellm_settings; router_settings wins.
func (l *loader) router(n, settings *node) RouterSettings {
	const path = "router_settings"
	at := func(key string) (*node, string) { return n.get(key), child(path, key) }
	either := func(key string) (*node, string) {
		if v := n.get(key); !v.isNull() || settings.get(key) == nil {
			return v, child(path, key)
		}
		return settings.get(key), child("litellm_settings", key)
	}
	return RouterSettings{
		RoutingStrategy:             l.strategy(at("routing_strategy")),
		StrategyArgs:                l.strategyArgs(at("routing_strategy_args")),
		NumRetries:                  l.count(either("num_retries")),
		Timeout:                     l.limit(at("timeout")),
		StreamTimeout:               l.limit(at("stream_timeout")),
		RetryAfter:                  l.seconds(at("retry_after")),
		AllowedFails:                l.count(either("allowed_fails")),
		CooldownTime:                l.seconds(at("cooldown_time")),
		DisableCooldowns:            l.flag(at("disable_cooldowns")),
		Fallbacks:                   l.fallbacks(either("fallbacks")),
		ContextWindowFallbacks:      l.fallbacks(either("context_window_fallbacks")),
		ContentPolicyFallbacks:      l.fallbacks(either("content_policy_fallbacks")),
		DefaultFallbacks:            l.targets(either("default_fallbacks")),
		MaxFallbacks:                l.count(either("max_fallbacks")),
		RetryPolicy:                 l.failureCounts(n.get("retry_policy"), "router_settings.retry_policy", "Retries"),
		ModelGroupRetryPolicy:       l.groupPolicies(at("model_group_retry_policy")),
		AllowedFailsPolicy:          l.failureCounts(n.get("allowed_fails_policy"), "router_settings.allowed_fails_policy", "AllowedFails"),
		EnablePreCallChecks:         l.flag(at("enable_pre_call_checks")),
		EnableTagFiltering:          l.flag(at("enable_tag_filtering")),
		TagFilteringMatchAny:        l.boolean(at("tag_filtering_match_any")),
		TagRoutingPrefix:            l.text(at("tag_routing_prefix")),
		DefaultMaxParallelRequests:  deref(l.count(at("default_max_parallel_requests"))),
		RoutingGroups:               l.routingGroups(at("routing_groups")),
		ProviderBudgets:             l.providerBudgets(at("provider_budget_config")),
		EnforceRateLimits:           l.preCallChecks(at("optional_pre_call_checks")),
		AffinityTTL:                 l.seconds(at("deployment_affinity_ttl_seconds")),
		DefaultPriority:             int64(deref(l.count(at("default_priority")))),
		EnableWeightedFailover:      l.flag(at("enable_weighted_failover")),
		FallbackOnUnsupportedParams: l.boolean(at("fallback_on_unsupported_params")),
	}
}

func deref(p *int) int {
	if p == nil {
		return 0
	}
	return *p
}

// strategy reads routing_strategy.
func (l *loader) strategy(n *node, path string) string {
	s := l.text(n, path)
	switch {
	case s == "" || slices.Contains(strategies, s):
	default:
		l.report.warnf(n.pos, path, didYouMean(s, strategies), "%q is no routing strategy; simple-shuffle is used.", n.show())
	}
	return s
}

// strategyArgs reads routing_strategy_args.
func (l *loader) strategyArgs(n *node, path string) (a StrategyArgs) {
	if !l.given(n, path) {
		return a
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map")
		return a
	}
	if ttl := l.seconds(n.get("ttl"), child(path, "ttl")); ttl != nil {
		a.TTL = *ttl
	}
	if buffer := l.number(n.get("lowest_latency_buffer"), child(path, "lowest_latency_buffer")); buffer != nil {
		a.LowestLatencyBuffer = *buffer
	}
	a.MaxLatencyListSize = deref(l.count(n.get("max_latency_list_size"), child(path, "max_latency_list_size")))
	return a
}

// affinityChecks are the values of optional_pre_call_checks that keep conversations where
// they were, which happens anyway.
var affinityChecks = []string{
	"prompt_caching", "session_affinity", "deployment_affinity", "responses_api_deployment_check", "encrypted_content_affinity",
}

// preCallChecks reads optional_pre_call_checks and reports whether rates are limited.
func (l *loader) preCallChecks(n *node, path string) (limits bool) {
	known := append([]string{"enforce_model_rate_limits", "router_budget_limiting", "forward_client_headers_by_model_group"}, affinityChecks...)
	for _, check := range l.texts(n, path) {
		switch {
		case check == "enforce_model_rate_limits":
			limits = true
		case check == "forward_client_headers_by_model_group":
			l.report.warnf(n.pos, path, "Set general_settings.forward_client_headers_to_llm_api.", "The check %s is planned.", check)
		case !slices.Contains(known, check):
			l.report.warnf(n.pos, path, didYouMean(check, known), "%q is no check of optional_pre_call_checks and is ignored.", check)
		}
	}
	return limits
}

// fallbacks reads a list of one-key maps ({group: [targets]}). A single map is
// read as if each key stood in a map of its own.
func (l *loader) fallbacks(n *node, path string) Fallbacks {
	if !l.given(n, path) {
		return nil
	}
	var out Fallbacks
	for i, item := range n.elements() {
		at := path
		if n.kind == listKind {
			at = element(path, i)
		}
		out = append(out, l.fallbackRules(item, at)...)
	}
	return out
}

const fallbackShape = "Write `- group: [first, second]`."

func (l *loader) fallbackRules(n *node, path string) Fallbacks {
	if n == nil || n.kind != mapKind {
		l.report.warnf(n.pos, path, fallbackShape, "A fallback must be a map of a group to a list; this is %s and is ignored.", n.name())
		return nil
	}
	if rule, ok := l.namedRule(n, path); ok {
		return rule
	}
	var out Fallbacks
	for i := range n.fields {
		f := &n.fields[i]
		at := child(path, f.key)
		targets := l.targets(f.val, at)
		if slices.ContainsFunc(targets, func(t FallbackTarget) bool { return t.Model == f.key }) {
			l.report.warnf(f.pos, at, "Remove it.", "%q falls back to itself, which cannot help; that target is left out.", f.key)
			targets = slices.DeleteFunc(targets, func(t FallbackTarget) bool { return t.Model == f.key })
		}
		if len(targets) == 0 {
			l.report.warnf(f.pos, at, fallbackShape, "The fallback of %q names no target and is ignored.", f.key)
			continue
		}
		out = append(out, FallbackRule{Group: f.key, Targets: targets})
	}
	return out
}

// namedRule recognises the mistaken form {model: a, fallback_model: b}, which
// LiteLLM reads as fallbacks of groups named "model" and "fallback_model".
func (l *loader) namedRule(n *node, path string) (Fallbacks, bool) {
	model := n.get("model")
	if model == nil || len(n.fields) < 2 {
		return nil, false
	}
	for _, key := range []string{"fallback_model", "fallback_models", "fallback", "fallbacks"} {
		if n.get(key) == nil {
			continue
		}
		l.report.warnf(n.pos, path, "Write `- "+model.show()+": ["+n.get(key).show()+"]`.", "This is not the shape of a fallback: LiteLLM would read `model` and `%s` as names of groups. It is ignored.", key)
		return nil, true
	}
	return nil, false
}

// targets reads the groups of a fallback: names, or maps with a model.
func (l *loader) targets(n *node, path string) []FallbackTarget {
	if !l.given(n, path) {
		return nil
	}
	var out []FallbackTarget
	for i, item := range n.elements() {
		t := l.fallbackTarget(item, element(path, i))
		again := func(before FallbackTarget) bool {
			return before.Model == t.Model && before.Params == nil && t.Params == nil
		}
		if t.Model != "" && !slices.ContainsFunc(out, again) {
			out = append(out, t)
		}
	}
	return out
}

func (l *loader) fallbackTarget(n *node, path string) FallbackTarget {
	if n.kind != mapKind {
		return FallbackTarget{Model: l.text(n, path)}
	}
	model := n.get("model")
	if model == nil {
		l.report.warnf(n.pos, path, "Give the name of a group.", "A fallback target that is a map needs a `model`; it is ignored.")
		return FallbackTarget{}
	}
	return FallbackTarget{Model: l.text(model, path), Params: l.targetParams(n, path)}
}

// targetParams reads what stands beside the model of a fallback. What is asked, and
// where and how it is sent, is not a fallback's to change.
func (l *loader) targetParams(n *node, path string) []Param {
	var out []Param
	for i := range n.fields {
		f := &n.fields[i]
		at := child(path, f.key)
		switch {
		case f.key == "model":
		case f.key == "messages" || f.key == "stream" || !isCallParam(f.key):
			l.report.warnf(f.pos, at, "Set it at the deployments of that group.", "`%s` is no parameter that a fallback can replace, and has no effect here.", f.key)
		default:
			if value := l.paramJSON(f, at); value != nil {
				out = append(out, Param{Name: f.key, JSON: value})
			}
		}
	}
	return out
}

// failureClasses are the prefixes of the keys of retry_policy and
// allowed_fails_policy.
func failureClasses(c *FailureCounts) map[string]**int {
	return map[string]**int{
		"BadRequestError": &c.BadRequest, "AuthenticationError": &c.Authentication, "TimeoutError": &c.Timeout,
		"RateLimitError": &c.RateLimit, "ContentPolicyViolationError": &c.ContentPolicy, "InternalServerError": &c.InternalServer,
		"ServiceUnavailableError": &c.ServiceUnavailable, "BadGatewayError": &c.BadGateway, "NotFoundError": &c.NotFound, "Default": &c.Default,
	}
}

func (l *loader) failureCounts(n *node, path, suffix string) *FailureCounts {
	if !l.given(n, path) {
		return nil
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map of failure classes to numbers")
		return nil
	}
	var c FailureCounts
	classes := failureClasses(&c)
	for _, f := range n.fields {
		if slot, ok := classes[strings.TrimSuffix(f.key, suffix)]; ok {
			*slot = l.count(f.val, child(path, f.key))
		}
	}
	return &c
}

func (l *loader) groupPolicies(n *node, path string) map[string]FailureCounts {
	if !l.given(n, path) {
		return nil
	}
	out := map[string]FailureCounts{}
	for _, f := range n.fields {
		if c := l.failureCounts(f.val, child(path, f.key), "Retries"); c != nil {
			out[f.key] = *c
		}
	}
	return out
}

// aliases reads model_group_alias: name to group, or to {model, hidden}.
func (l *loader) aliases(n *node) map[string]Alias {
	const path = "router_settings.model_group_alias"
	if !l.given(n, path) {
		return nil
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map of names to groups")
		return nil
	}
	out := make(map[string]Alias, len(n.fields))
	for _, f := range n.fields {
		at := child(path, f.key)
		a := Alias{Pos: f.pos}
		switch f.val.kind {
		case mapKind:
			a.Target = l.text(f.val.get("model"), child(at, "model"))
			a.Hidden = l.flag(f.val.get("hidden"), child(at, "hidden"))
		case listKind:
			l.report.warnf(f.pos, at, "Give the deployments one model_name to choose between them, or list the others in fallbacks.", "The alias %q is a list, but an alias stands for one group; it is ignored.", f.key)
			continue
		default:
			a.Target = l.text(f.val, at)
		}
		if a.Target == "" {
			l.report.warnf(f.pos, at, "Write `"+f.key+": GROUP`.", "The alias %q names no group and is ignored.", f.key)
			continue
		}
		out[f.key] = a
	}
	return out
}
