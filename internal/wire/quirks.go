package wire

// Quirks are a provider's deviations from its wire format, as data. The zero
// value is a plain provider. Source: wire-format specification §4 and §6.
type Quirks struct {
	// Rename maps parameter names: max_completion_tokens → max_tokens.
	Rename map[string]string
	// Values maps a parameter's string value: tool_choice required → any. Keys are
	// "param=value".
	Values map[string]string
	// Remove names parameters that the provider rejects; they are unsupported
	// parameters for the policy.
	Remove []string
	// MaxTemperature clamps temperature when > 0.
	MaxTemperature float64
	// TextContent collapses text-only content lists to a string.
	TextContent bool
	// KeepCacheControl keeps cache_control in messages; elsewhere it is removed.
	KeepCacheControl bool
	// StoreFalse sends store:false always.
	StoreFalse bool
	// Reasoning says what happens to reasoning_content in history: "" removes it,
	// "deepseek" follows DeepSeek's rules, "echo" keeps what the client sends,
	// "fill" also fills it in on assistant messages with tool calls (Moonshot).
	Reasoning string
	// ReasoningField is how the provider names reasoning in requests, when not
	// reasoning_content ("reasoning", "reasoning_details").
	ReasoningField string
	// FunctionsOnly drops tools whose type is not "function".
	FunctionsOnly bool
	// NoJSONSchema turns response_format json_schema into json_object with the
	// schema in the prompt.
	NoJSONSchema bool
	// NoMedia drops images, sound and files from messages unless the catalog says
	// that the model can see.
	NoMedia bool
	// ToolChoiceAuto removes every tool_choice but auto and none; a forced choice
	// becomes a sentence in the prompt when the text is not empty.
	ToolChoiceAuto bool
	ToolChoiceHint string
	// ToolIDs is the form that tool-call ids must have: "" any, "mistral9" nine
	// alphanumerics, "openai40" at most 40 characters.
	ToolIDs string
	// StreamOnly names (by prefix) models that answer only as a stream.
	StreamOnly []string
	// NoStreamUsage says that stream_options is not understood.
	NoStreamUsage bool
	// EffortToThinking maps reasoning_effort onto a thinking switch: "deepseek",
	// "dashscope", "zai", "volcengine".
	EffortToThinking string
	// StrictTools removes "strict" from tools.
	NoStrictTools bool
	// BaseResp says that an HTTP 200 with base_resp.status_code ≠ 0 is an error.
	BaseResp bool
	// OpenAI says that the parameters are OpenAI's own and its model rules hold
	// (o-series, gpt-5: max_completion_tokens, no temperature, developer role).
	OpenAI bool
	// Headers are sent with every request: name → value.
	Headers map[string]string
	// ModelPrefix is put before bare model names (Fireworks).
	ModelPrefix string
	// Note is a sentence for the person who configures it, "" for none.
	Note string
}
