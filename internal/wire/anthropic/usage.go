package anthropic

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// maxCount bounds what an upstream may count: more is a fault, and would overflow a
// sum of money.
const maxCount = 1 << 40

// usage collects Anthropic's counts. Input here is what was read from neither cache.
type usage struct {
	llm.Usage
	input     int64
	reasoning bool // the provider itself counted the reasoning
}

// readUsage reads a usage object.
func readUsage(v rawjson.Value) *usage {
	u := &usage{}
	u.update(v)
	return u
}

// update takes over the counts that v has: in a stream they are cumulative, so the
// last one holds.
func (u *usage) update(v rawjson.Value) {
	u.Raw = v
	if it := v.Get("iterations"); it.First() != nil {
		u.iterations(it)
	} else {
		u.counts(v, false)
	}
	if n, ok := v.Path("server_tool_use", "web_search_requests").Int(); ok {
		u.WebSearches = bounded(n)
	}
	if n, ok := v.Path("output_tokens_details", "thinking_tokens").Int(); ok {
		u.Reasoning, u.reasoning = bounded(n), true
	}
	if s := v.Get("service_tier").Text(); s != "" {
		u.ServiceTier = s
	}
}

// iterations sums the rounds that the provider made within one answer.
func (u *usage) iterations(list rawjson.Value) {
	u.input, u.Output, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h = 0, 0, 0, 0, 0
	for _, it := range list.Elems() {
		u.counts(it, true)
	}
}

func (u *usage) counts(v rawjson.Value, add bool) {
	count(&u.input, v.Get("input_tokens"), add)
	count(&u.Output, v.Get("output_tokens"), add)
	count(&u.CacheRead, v.Get("cache_read_input_tokens"), add)
	split := v.Get("cache_creation")
	hour, known := split.Get("ephemeral_1h_input_tokens").Int()
	total, given := v.Get("cache_creation_input_tokens").Int()
	switch {
	case given && known:
		hour = min(bounded(hour), bounded(total))
		set(&u.CacheWrite1h, hour, add)
		set(&u.CacheWrite5m, bounded(total)-hour, add)
	case given:
		set(&u.CacheWrite5m, bounded(total), add)
	case split.Kind() == '{':
		count(&u.CacheWrite5m, split.Get("ephemeral_5m_input_tokens"), add)
		count(&u.CacheWrite1h, split.Get("ephemeral_1h_input_tokens"), add)
	}
}

func count(dst *int64, v rawjson.Value, add bool) {
	if n, ok := v.Int(); ok {
		set(dst, bounded(n), add)
	}
}

func set(dst *int64, n int64, add bool) {
	if add {
		n += *dst
	}
	*dst = bounded(n)
}

func bounded(n int64) int64 { return min(max(n, 0), maxCount) }

// finish works out the sums. Estimated is the reasoning as counted from its text,
// for providers that do not count it.
func (u *usage) finish(estimated int64) {
	u.Input = u.input + u.CacheRead + u.CacheWrite()
	u.Total = u.Input + u.Output
	if !u.reasoning {
		u.Reasoning = estimated
	}
	u.Reasoning = min(u.Reasoning, u.Output)
	u.TextOut = u.Output - u.Reasoning
	u.TextIn = u.Input
}
