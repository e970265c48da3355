// Package route decides which deployment answers a request, and what happens
// when it fails: model groups and their names, the choice inside a group,
// cooldowns, retries and fallbacks. It is pure: time and chance are given to it,
// and it neither sleeps nor dials. The relay drives a [Plan]:
//
//	plan, err := table.Plan(model, overrides)  // err: no such model
//	for {
//		step, err := plan.Next(now)   // err is what the client gets
//		// wait step.Wait; with step.Turn, for its signal or step.Wait, then Next again
//		if !plan.Start(step, now) {   // its place was taken meanwhile
//			continue
//		}
//		// call step.Deployment with step.Model, tell plan.FirstToken
//		plan.Observed(step, feedback, now)
//		plan.Failed(step, err, now)   // or plan.Succeeded(step, now), and done
//	}
//	plan.Close()
package route

import (
	"regexp"
	"slices"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Deployment is one upstream model that can answer for a group. The table never
// changes it.
type Deployment struct {
	// ID is unique in a table and stable over reloads: cooldowns hang on it.
	ID string
	// Group is the name that clients ask for; with a "*" it is a pattern.
	Group string
	// Upstream is the provider's name of the model. What the "*" of Group stood
	// for replaces its "*".
	Upstream string
	// Name is the full upstream name with the provider ("openai/gpt-4o"), by which
	// a client may also ask; "" for none.
	Name string
	// Weight, RPM and TPM share out the requests of a group; 0 means not given.
	Weight   float64
	RPM, TPM int64
	// Order ranks the deployments of a group, lowest first; 0 means not given and
	// ranks with 1.
	Order int
	// MaxParallel caps requests in flight; 0 means no cap.
	MaxParallel int
	// Provider is the name of who is paid, for Settings.ProviderBudgets, and Budget the
	// deployment's own.
	Provider string
	Budget   Budget
	// TagRegex says by patterns over "User-Agent: …" which requests it is for, when
	// Settings.TagFiltering is on.
	TagRegex []*regexp.Regexp
	// Tags say which requests it is for, when Settings.TagFiltering is on.
	Tags []string
	// Region is where it is, for Overrides.Region; "" is not known.
	Region string
	// Price is the price in USD of a token of input and one of output together, for
	// cost-based-routing; Priced says that it is known.
	Price  float64
	Priced bool
	// CacheSaving is how much less a token of input costs when it comes from the
	// vendor's cache, in USD; 0 when that is not known.
	CacheSaving float64
	// MaxInput is the context window for input in tokens, 0 when unknown.
	MaxInput int64
	// Timeout and StreamTimeout are the deployment's own; 0 means not given. They
	// are carried for the relay.
	Timeout, StreamTimeout time.Duration
	// NumRetries overrides Settings.NumRetries, nil when not given.
	NumRetries *int
	// CooldownTime overrides Settings.CooldownTime; 0 never cools it.
	CooldownTime *time.Duration
	// Ref is whatever the relay needs beside the above.
	Ref any
}

// Counts holds one number per cause of failure, for retry_policy and
// allowed_fails_policy; nil means not given. Its fields are those of the
// configuration's FailureCounts, so that one converts to the other.
type Counts struct {
	BadRequest, Authentication, Timeout, RateLimit, ContentPolicy, InternalServer, ServiceUnavailable, BadGateway, NotFound, Default *int
}

// Rule says which names answer, in order, when Group has failed. Group "*"
// stands for every group without a rule of its own.
type Rule struct {
	Group   string
	Targets []Fallback
}

// RoutingGroup gives groups a strategy of their own, and all their deployments one name.
type RoutingGroup struct {
	Name   string
	Models []string
	// The rest replaces what Settings say by the same names.
	Strategy      string
	LatencyBuffer float64
	LatencyWindow int
	LatencyTTL    time.Duration
}

// of returns the settings of a group.
func (s *Settings) of(group string) Settings {
	for i := range s.RoutingGroups {
		if slices.Contains(s.RoutingGroups[i].Models, group) {
			return s.under(&s.RoutingGroups[i])
		}
	}
	return *s
}

// under returns the settings of a routing group.
func (s *Settings) under(rg *RoutingGroup) Settings {
	out := *s
	out.Strategy, out.LatencyBuffer, out.LatencyWindow, out.LatencyTTL = rg.Strategy, rg.LatencyBuffer, rg.LatencyWindow, rg.LatencyTTL
	return out
}

// Settings are the routing rules of a table. The zero value has LiteLLM's
// defaults.
type Settings struct {
	// Strategy is routing_strategy. "" means simple-shuffle for a group with a weight,
	// rpm or tpm, and else the less loaded of two; an unknown name simple-shuffle.
	Strategy string
	// LatencyBuffer is lowest_latency_buffer: how much slower than the fastest, as a
	// share, still counts as fast. LatencyWindow is max_latency_list_size, about how
	// many calls an average is taken of, and LatencyTTL how long it holds; 0 means 10
	// and one hour.
	LatencyBuffer float64
	LatencyWindow int
	LatencyTTL    time.Duration
	// RoutingGroups have strategies of their own; a group belongs to the first that names
	// it.
	RoutingGroups []RoutingGroup
	// ProviderBudgets are budgets of all deployments of a provider.
	ProviderBudgets map[string]Budget
	// AffinityTTL is how long a conversation prefers the deployment that answered it
	// last; 0 is not at all.
	AffinityTTL time.Duration
	// Hedges says by group when a second deployment is asked; "*" stands for all others.
	Hedges map[string]Hedge
	// PreCallChecks is enable_pre_call_checks: deployments over their rpm or tpm, or
	// whose window is too small, are left out whatever the strategy.
	PreCallChecks bool
	// EnforceLimits keeps to rpm and tpm whatever the strategy.
	EnforceLimits bool
	// MaxQueue is how many requests of a group may wait for a place at a deployment
	// whose max_parallel_requests are in flight, and QueueWait how long; 0 is none.
	MaxQueue  int
	QueueWait time.Duration
	// TagFiltering is enable_tag_filtering; MatchAllTags says that
	// tag_filtering_match_any is off.
	TagFiltering, MatchAllTags bool
	// TagPrefix is tag_routing_prefix: it is taken off the tags of requests that have it,
	// and such a tag is meant for routing even where no deployment has it.
	TagPrefix string
	// NumRetries is the number of retries a group gets; nil means 2.
	NumRetries *int
	// RetryAfter is the least wait before a retry on the same deployment.
	RetryAfter time.Duration
	// RetryPolicy sets the number of retries by cause, and GroupRetryPolicy does
	// so for one group.
	RetryPolicy      *Counts
	GroupRetryPolicy map[string]Counts

	// AllowedFails is the number of failures within CooldownTime that a deployment
	// may have; nil means LiteLLM's default policy.
	AllowedFails       *int
	AllowedFailsPolicy *Counts
	// CooldownTime is how long a deployment rests; nil means 5 s, 0 never.
	CooldownTime     *time.Duration
	DisableCooldowns bool

	Fallbacks              []Rule
	ContextWindowFallbacks []Rule
	ContentPolicyFallbacks []Rule
	DefaultFallbacks       []Fallback
	// MaxFallbacks limits the fallbacks of one request; nil means 5.
	MaxFallbacks *int
	// FallbackOnUnsupportedParams lets a refused parameter lead to a fallback; nil
	// means true.
	FallbackOnUnsupportedParams *bool

	// Aliases maps further names to groups.
	Aliases map[string]string
	// Guess finds the provider of a bare model name ("gpt-4o" is openai's), so that
	// "openai/*" answers for it; nil guesses nothing.
	Guess func(model string) (provider string, ok bool)
	// Rand gives numbers in [0,1) and must be safe for concurrent use; nil always
	// gives 0.
	Rand func() float64
}

// Overrides are what one request says about its own routing.
type Overrides struct {
	// Endpoint is the path that the client called, for the sentence about an
	// unknown model: "/chat/completions".
	Endpoint string
	// NumRetries overrides the configured number; nil when not given.
	NumRetries *int
	// Fallbacks replace the configured general fallbacks when not nil.
	Fallbacks []Fallback
	// ContextWindowFallbacks and ContentPolicyFallbacks do so for their cause.
	ContextWindowFallbacks, ContentPolicyFallbacks []Fallback
	// DisableFallbacks forbids every fallback.
	DisableFallbacks bool
	// OwnTimeout says that the client set the timeout itself: running into it then
	// says nothing about the deployment, and does not cool it.
	OwnTimeout bool
	// Patience is the longest wait before a retry that makes sense, the time that a call
	// may take; 0 is no limit but the general one.
	Patience time.Duration
	// Tags are the request's, for Settings.TagFiltering: "tag" is one of those wanted,
	// "&tag" is required and "!tag" excluded.
	Tags []string
	// Region limits the request to deployments of this region; "" is any.
	Region string
	// Talker tells the conversation and the client; nil is neither.
	Talker Talker
	// Priority orders the requests that wait for a place, lowest first.
	Priority int64
	// Stream says that the client waits for the first token rather than the whole.
	Stream bool
	// Tokens estimates the input tokens; it is called at most once, and only when a
	// limit hangs on it. nil means none.
	Tokens func() int64
}

// Fallback is one name to ask instead of another.
type Fallback struct {
	// Group limits one that a request names itself to failures of this group; "" is any.
	Group string
	// Model is the name to ask instead.
	Model string
	// Params replace parameters of the request for this fallback.
	Params []llm.Param
}

// Step is one attempt.
type Step struct {
	// Deployment to call.
	Deployment *Deployment
	// Model is the provider's name of the model, patterns filled in.
	Model string
	// Group is the name under which the deployment was asked for: the client's, or
	// that of a fallback.
	Group string
	// Wait is how long to wait before the call; in line, the longest wait for Turn.
	Wait time.Duration
	// Turn is set when there is no deployment yet, because all are at their
	// max_parallel_requests: call Next again after its signal, or after Wait.
	Turn <-chan struct{}
	// Attempt counts the calls of the request from 1, Retry the retries within the
	// current group from 0, Fallback the fallbacks from 0.
	Attempt, Retry, Fallback int
	// MaxRetries is how many retries the group gets at most for a failure that has
	// no policy of its own.
	MaxRetries int
	// Params replace parameters of the request, nil for none.
	Params []llm.Param

	member *member
}
