package errtext

import "strings"

// All phrases are in lower case; texts are lowered before they are compared.
var contextPhrases = []string{
	"exceed context limit",
	"this model's maximum context length is",
	"requested token count exceeds the model's maximum context length",
	"model's maximum context limit",
	"is longer than the model's context length",
	"input tokens exceed the configured limit",
	"`inputs` tokens + `max_new_tokens` must be",
	"exceeds the available context size",
	"exceeds the maximum number of tokens allowed",
	`"code": "context_length_exceeded"`,
	`"code":"context_length_exceeded"`,
}

// contextPairs are phrases that tell only together.
var contextPairs = [][2]string{
	{"current length is", "while limit is"},
	{"maximum input length is", "tokens"},
	{"input too long:", "input tokens, limit is"},
}

var contextByProvider = map[string][]string{
	"anthropic":   {"prompt is too long", "prompt: length"},
	"bedrock":     {"too many tokens", "expected maxlength:", "input is too long", "prompt: length: 1", "too many input tokens"},
	"gemini":      {"request payload size exceeds"},
	"cohere":      {"too many tokens"},
	"huggingface": {"length limit exceeded"},
	"replicate":   {"input is too long"},
	"nlp_cloud":   {"input text length should not exceed"},
}

var policyPhrases = []string{
	"request was rejected as a result of the safety system",
	"request was rejected as a result of our safety system",
	"rejected as a result of our safety system",
	"responsibleaipolicyviolation",
	"the response was filtered due to the prompt triggering azure openai's content management",
	"your task failed as a result of our safety system",
	"content_filter_policy",
}

var policyByProvider = map[string][]string{
	"anthropic": {"content filtering policy"},
	"gemini":    {"the response was blocked.", "output blocked by content filtering policy"},
	"azure":     {"content_policy_violation", "the model produced invalid content"},
}

var authPhrases = []string{
	"api key not valid",
	"incorrect api key provided",
	"invalid api key",
	"invalid x-api-key",
	"api key expired",
	"unable to locate credentials",
	"security token included in the request is invalid",
}

var ratePhrases = []string{
	"rate limit", "rate_limit", "rate-limit", "ratelimit",
	"service tier capacity exceeded",
	"request too large",
	"quota exceeded for",
	"resource exhausted",
	"resource_exhausted",
	"token_quota_reached",
}

var internalPhrases = []string{
	"the server had an error processing your request",
	"the server had an error while processing your request",
	"web server is returning an unknown error",
	"overloaded_error",
	"overloaded",
	"none unknown error.",
	"content has no parts.",
	"500 internal server error",
}

// family folds provider names onto the keys of the tables above.
func family(provider string) string {
	switch {
	case strings.HasPrefix(provider, "vertex_ai"), provider == "google_ai_studio":
		return "gemini"
	case strings.HasPrefix(provider, "azure"):
		return "azure"
	case strings.HasPrefix(provider, "bedrock"):
		return "bedrock"
	case strings.HasPrefix(provider, "cohere"):
		return "cohere"
	}
	return provider
}
