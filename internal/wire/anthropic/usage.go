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

// counted are the members of a usage object, or of one of its iterations.
type counted struct {
	input, output, cacheRead, cacheWritten, split    rawjson.Value
	iterations, serverTools, outputDetails, tierName rawjson.Value
}

func readCounted(v rawjson.Value) (n counted) {
	for f := range v.Fields() {
		if slot := n.slot(f.Key.Bare()); slot != nil {
			*slot = f.Value
		}
	}
	return n
}

func (n *counted) slot(key []byte) *rawjson.Value {
	switch string(key) {
	case "input_tokens":
		return &n.input
	case "output_tokens":
		return &n.output
	case "cache_read_input_tokens":
		return &n.cacheRead
	case "cache_creation_input_tokens":
		return &n.cacheWritten
	case "cache_creation":
		return &n.split
	case "iterations":
		return &n.iterations
	case "server_tool_use":
		return &n.serverTools
	case "output_tokens_details":
		return &n.outputDetails
	case "service_tier":
		return &n.tierName
	}
	return nil
}

// update takes over the counts that v has: in a stream they are cumulative, so the
// last one holds.
func (u *usage) update(v rawjson.Value) {
	u.Raw = v
	c := readCounted(v)
	if c.iterations.First() != nil {
		u.iterations(c.iterations)
	} else {
		u.counts(&c, false)
	}
	if n, ok := c.serverTools.Get("web_search_requests").Int(); ok {
		u.WebSearches = bounded(n)
	}
	if n, ok := c.outputDetails.Get("thinking_tokens").Int(); ok {
		u.Reasoning, u.reasoning = bounded(n), true
	}
	if s := c.tierName.Text(); s != "" {
		u.ServiceTier = s
	}
}

// iterations sums the rounds that the provider made within one answer.
func (u *usage) iterations(list rawjson.Value) {
	u.input, u.Output, u.CacheRead, u.CacheWrite5m, u.CacheWrite1h = 0, 0, 0, 0, 0
	for _, it := range list.Elems() {
		c := readCounted(it)
		u.counts(&c, true)
	}
}

func (u *usage) counts(c *counted, add bool) {
	count(&u.input, c.input, add)
	count(&u.Output, c.output, add)
	count(&u.CacheRead, c.cacheRead, add)
	hour, known := c.split.Get("ephemeral_1h_input_tokens").Int()
	total, given := c.cacheWritten.Int()
	switch {
	case given && known:
		hour = min(bounded(hour), bounded(total))
		set(&u.CacheWrite1h, hour, add)
		set(&u.CacheWrite5m, bounded(total)-hour, add)
	case given:
		set(&u.CacheWrite5m, bounded(total), add)
	case c.split.Kind() == '{':
		count(&u.CacheWrite5m, c.split.Get("ephemeral_5m_input_tokens"), add)
		count(&u.CacheWrite1h, c.split.Get("ephemeral_1h_input_tokens"), add)
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
