package config

import (
	"encoding/json"
	"strings"
	"time"
)

// HealthChecks say how deployments are looked at in the background.
type HealthChecks struct {
	// Background calls every deployment that has not answered for an Interval.
	Background  bool
	Interval    time.Duration
	Concurrency int
	// Details shows in /health what was found.
	Details bool
	// Routing leaves out deployments that did not answer, for Staleness or until they do;
	// IgnoreTransient does not for rate limits and timeouts.
	Routing, IgnoreTransient bool
	Staleness                time.Duration
	// Groups, when given, are the only ones that are called.
	Groups []string
	// Retention is how long the data directory keeps what was found.
	Retention time.Duration
}

// LiteLLM's defaults, but for the concurrency: it calls all at once.
const (
	checkInterval    = 300 * time.Second
	checkConcurrency = 4
	checkTimeout     = 60 * time.Second
	checkRetention   = 30 * day
	// checkTokens is the least that every vendor takes as a limit.
	checkTokens = 16
)

// healthChecks reads the keys of general_settings.
func (l *loader) healthChecks(n *node) HealthChecks {
	const path = "general_settings"
	at := func(key string) (*node, string) { return n.get(key), child(path, key) }
	h := HealthChecks{
		Background: l.flag(at("background_health_checks")), Interval: checkInterval, Concurrency: checkConcurrency, Details: true,
		Routing: l.flag(at("enable_health_check_routing")), IgnoreTransient: l.flag(at("health_check_ignore_transient_errors")),
		Groups: l.texts(at("background_health_check_model_groups")),
	}
	v, where := at("health_check_interval")
	l.overSeconds(&h.Interval, v, where)
	h.Staleness = 2 * h.Interval
	v, where = at("health_check_staleness_threshold")
	l.overSeconds(&h.Staleness, v, where)
	v, where = at("health_check_concurrency")
	l.overCount(&h.Concurrency, v, where)
	h.Concurrency = max(1, h.Concurrency)
	h.Retention = l.retention(at("maximum_health_check_retention_period"))
	if details := l.boolean(at("health_check_details")); details != nil {
		h.Details = *details
	}
	return h
}

// retention reads how long the findings of checks are kept.
func (l *loader) retention(n *node, path string) time.Duration {
	if !l.given(n, path) {
		return checkRetention
	}
	d, ok := asPeriod(n)
	if !ok || d <= 0 {
		l.wrong(n, path, "a period such as 12h, 7d, 1mo")
		return checkRetention
	}
	return d
}

// HealthCheck is what model_info says of the checks of one deployment.
type HealthCheck struct {
	// Off leaves it out, Model is asked instead of the deployment's own, and Tokens
	// limits the answer.
	Off     bool
	Model   string
	Timeout time.Duration
	Tokens  int64
}

// HealthCheck reads model_info. What is not given has its default.
func (d *Deployment) HealthCheck() HealthCheck {
	h := HealthCheck{Timeout: checkTimeout, Tokens: checkTokens}
	h.Off = string(d.Info["disable_background_health_check"]) == "true"
	_ = json.Unmarshal(d.Info["health_check_model"], &h.Model) // "" stays when it is no text
	if provider, bare, ok := strings.Cut(h.Model, "/"); ok && provider == d.Provider {
		h.Model = bare
	}
	var seconds float64
	if json.Unmarshal(d.Info["health_check_timeout"], &seconds) == nil && seconds > 0 && seconds < 3600 {
		h.Timeout = time.Duration(seconds * float64(time.Second))
	}
	var n int64
	if json.Unmarshal(d.Info["health_check_max_tokens"], &n) == nil && n > 0 {
		h.Tokens = n
	}
	return h
}
