package openaichat

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// maxTokens bounds what an upstream may claim, so that sums never overflow.
const maxTokens = 1 << 40

// ParseUsage reads a usage object of Chat Completions in any of its variants
// (OpenAI, DeepSeek's cache hits, Moonshot's top-level cached_tokens, xAI's
// reasoning outside of completion_tokens). It is nil when v is not an object.
// Negative and absurd numbers are clamped. Source: §1.3, §4, §6.
func ParseUsage(v rawjson.Value) *llm.Usage {
	if v.Kind() != '{' {
		return nil
	}
	u := &llm.Usage{Raw: v}
	hasTotal := false
	var creation int64
	c := rawjson.Cursor{B: v}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch key := c.Key().Bare(); string(key) {
		case "prompt_tokens":
			u.Input = count(c.Skip())
		case "completion_tokens":
			u.Output = count(c.Skip())
		case "total_tokens":
			u.Total, hasTotal = count(c.Skip()), true
		case "prompt_tokens_details":
			creation = max(creation, inputDetails(u, &c))
		case "completion_tokens_details":
			outputDetails(u, &c)
		case "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens":
			u.CacheRead = max(u.CacheRead, count(c.Skip()))
		case "cache_creation_input_tokens":
			creation = max(creation, count(c.Skip()))
		case "num_search_queries":
			u.WebSearches = count(c.Skip())
		case "service_tier":
			u.ServiceTier = c.Skip().Text()
		default:
			c.Skip()
		}
	}
	u.CacheWrite5m = max(creation-u.CacheWrite1h, u.CacheWrite5m)
	foldReasoning(u, hasTotal)
	if !hasTotal {
		u.Total = u.Input + u.Output
	}
	u.CacheRead = min(u.CacheRead, u.Input)
	return u
}

// foldReasoning adds reasoning tokens that the provider counts beside the
// completion (xAI): the total tells.
func foldReasoning(u *llm.Usage, hasTotal bool) {
	if hasTotal && u.Reasoning > 0 && u.Total == u.Input+u.Output+u.Reasoning {
		u.Output += u.Reasoning
	}
}

// inputDetails reads the object at the cursor and steps over it.
func inputDetails(u *llm.Usage, c *rawjson.Cursor) (creation int64) {
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch key := c.Key().Bare(); string(key) {
		case "cached_tokens":
			u.CacheRead = max(u.CacheRead, count(c.Skip()))
		case "cache_write_tokens", "cache_creation_tokens":
			creation = max(creation, count(c.Skip()))
		case "cache_creation_token_details":
			written := c.Skip()
			u.CacheWrite5m = count(written.Get("ephemeral_5m_input_tokens"))
			u.CacheWrite1h = count(written.Get("ephemeral_1h_input_tokens"))
		case "audio_tokens":
			u.AudioIn = count(c.Skip())
		case "image_tokens":
			u.ImageIn = count(c.Skip())
		case "text_tokens":
			u.TextIn = count(c.Skip())
		default:
			c.Skip()
		}
	}
	return creation
}

// outputDetails reads the object at the cursor and steps over it.
func outputDetails(u *llm.Usage, c *rawjson.Cursor) {
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch key := c.Key().Bare(); string(key) {
		case "reasoning_tokens":
			u.Reasoning = count(c.Skip())
		case "audio_tokens":
			u.AudioOut = count(c.Skip())
		case "image_tokens":
			u.ImageOut = count(c.Skip())
		case "text_tokens":
			u.TextOut = count(c.Skip())
		case "accepted_prediction_tokens":
			u.AcceptedPrediction = count(c.Skip())
		case "rejected_prediction_tokens":
			u.RejectedPrediction = count(c.Skip())
		default:
			c.Skip()
		}
	}
}

func count(v rawjson.Value) int64 {
	n, ok := v.Int()
	if !ok {
		f, ok := v.Float()
		if !ok || f != f {
			return 0
		}
		n = int64(max(0, min(f, maxTokens)))
	}
	return max(0, min(n, maxTokens))
}

// appendUsage appends a usage object as clients of LiteLLM know it; cost is left
// out when absent.
func appendUsage(dst []byte, u *llm.Usage, cost rawjson.Value) []byte {
	dst = append(dst, '{')
	dst = rawjson.AppendIntMember(dst, "completion_tokens", u.Output)
	dst = rawjson.AppendIntMember(dst, "prompt_tokens", u.Input)
	total := u.Total
	if total == 0 {
		total = u.Input + u.Output
	}
	dst = rawjson.AppendIntMember(dst, "total_tokens", total)
	dst = append(rawjson.AppendKey(dst, "completion_tokens_details"), '{')
	dst = rawjson.AppendIntMember(dst, "reasoning_tokens", u.Reasoning)
	dst = appendCount(dst, "text_tokens", u.TextOut)
	dst = appendCount(dst, "audio_tokens", u.AudioOut)
	dst = appendCount(dst, "image_tokens", u.ImageOut)
	dst = appendCount(dst, "accepted_prediction_tokens", u.AcceptedPrediction)
	dst = appendCount(dst, "rejected_prediction_tokens", u.RejectedPrediction)
	dst = append(rawjson.AppendKey(append(dst, '}'), "prompt_tokens_details"), '{')
	dst = rawjson.AppendIntMember(dst, "cached_tokens", u.CacheRead)
	dst = appendCount(dst, "text_tokens", u.TextIn)
	dst = appendCount(dst, "audio_tokens", u.AudioIn)
	dst = appendCount(dst, "image_tokens", u.ImageIn)
	dst = appendCacheWrites(dst, u)
	if u.CacheWrite() > 0 || u.CacheRead > 0 {
		dst = rawjson.AppendIntMember(dst, "cache_creation_input_tokens", u.CacheWrite())
		dst = rawjson.AppendIntMember(dst, "cache_read_input_tokens", u.CacheRead)
	}
	if u.WebSearches > 0 {
		dst = append(rawjson.AppendKey(dst, "server_tool_use"), '{')
		dst = append(rawjson.AppendIntMember(dst, "web_search_requests", u.WebSearches), '}')
	}
	if u.ServiceTier != "" {
		dst = rawjson.AppendStringMember(dst, "service_tier", u.ServiceTier)
	}
	return append(rawjson.AppendMember(dst, "cost", cost), '}')
}

// appendCacheWrites closes the prompt details with what was written to a cache.
func appendCacheWrites(dst []byte, u *llm.Usage) []byte {
	if n := u.CacheWrite(); n > 0 {
		dst = rawjson.AppendIntMember(dst, "cache_write_tokens", n)
		dst = rawjson.AppendIntMember(dst, "cache_creation_tokens", n)
		dst = append(rawjson.AppendKey(dst, "cache_creation_token_details"), '{')
		dst = rawjson.AppendIntMember(dst, "ephemeral_5m_input_tokens", u.CacheWrite5m)
		dst = append(rawjson.AppendIntMember(dst, "ephemeral_1h_input_tokens", u.CacheWrite1h), '}')
	}
	return append(dst, '}')
}

func appendCount(dst []byte, key string, n int64) []byte {
	if n == 0 {
		return dst
	}
	return rawjson.AppendIntMember(dst, key, n)
}
