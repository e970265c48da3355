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
	for f := range v.Fields() {
		switch string(f.Key.Bare()) {
		case "prompt_tokens":
			u.Input = count(f.Value)
		case "completion_tokens":
			u.Output = count(f.Value)
		case "total_tokens":
			u.Total, hasTotal = count(f.Value), true
		case "prompt_tokens_details":
			creation = max(creation, inputDetails(u, f.Value))
		case "completion_tokens_details":
			outputDetails(u, f.Value)
		case "prompt_cache_hit_tokens", "cached_tokens", "cache_read_input_tokens":
			u.CacheRead = max(u.CacheRead, count(f.Value))
		case "cache_creation_input_tokens":
			creation = max(creation, count(f.Value))
		case "num_search_queries":
			u.WebSearches = count(f.Value)
		case "service_tier":
			u.ServiceTier = f.Value.Text()
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

func inputDetails(u *llm.Usage, v rawjson.Value) (creation int64) {
	for f := range v.Fields() {
		switch string(f.Key.Bare()) {
		case "cached_tokens":
			u.CacheRead = max(u.CacheRead, count(f.Value))
		case "cache_write_tokens", "cache_creation_tokens":
			creation = max(creation, count(f.Value))
		case "cache_creation_token_details":
			u.CacheWrite5m = count(f.Value.Get("ephemeral_5m_input_tokens"))
			u.CacheWrite1h = count(f.Value.Get("ephemeral_1h_input_tokens"))
		case "audio_tokens":
			u.AudioIn = count(f.Value)
		case "image_tokens":
			u.ImageIn = count(f.Value)
		case "text_tokens":
			u.TextIn = count(f.Value)
		}
	}
	return creation
}

func outputDetails(u *llm.Usage, v rawjson.Value) {
	for f := range v.Fields() {
		switch string(f.Key.Bare()) {
		case "reasoning_tokens":
			u.Reasoning = count(f.Value)
		case "audio_tokens":
			u.AudioOut = count(f.Value)
		case "image_tokens":
			u.ImageOut = count(f.Value)
		case "text_tokens":
			u.TextOut = count(f.Value)
		case "accepted_prediction_tokens":
			u.AcceptedPrediction = count(f.Value)
		case "rejected_prediction_tokens":
			u.RejectedPrediction = count(f.Value)
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
