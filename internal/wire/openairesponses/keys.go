package openairesponses

import "strings"

// class says what the gateway does with a top-level key of a request.
type class uint8

const (
	// other keys are parameters that the format does not know; they are kept.
	other class = iota
	// leading keys are read by Decode itself.
	leading
	// control keys are for the gateway only and never go upstream.
	control
	// same keys are parameters with the same name and shape as in Chat Completions.
	same
	// mapped keys become parameters of another name or shape.
	mapped
	// held keys mean something to the gateway or are echoed in the answer; a
	// translation has no parameter for them.
	held
	// unheard keys have no meaning outside of OpenAI; a translation leaves them out and
	// says so.
	unheard
)

// topKeys are the keys of a request. Source: §5.3.1, and for the gateway's own
// keys §1.1 (last paragraph).
var topKeys = map[string]class{
	"model": leading, "input": leading, "stream": leading,

	"additional_drop_params": control, "allowed_openai_params": control, "api_base": control, "api_key": control,
	"api_type": control, "api_version": control, "base_url": control, "cache": control, "caching": control,
	"content_policy_fallbacks": control, "context_window_fallbacks": control, "custom_llm_provider": control,
	"default_fallbacks": control, "disable_fallbacks": control, "drop_params": control, "extra_body": control,
	"extra_headers": control, "fallbacks": control, "guardrails": control, "headers": control,
	"litellm_call_id": control, "litellm_metadata": control, "litellm_params": control, "litellm_session_id": control,
	"litellm_trace_id": control, "max_retries": control, "merge_reasoning_content_in_choices": control,
	"mock_response": control, "mock_testing_fallbacks": control, "mock_timeout": control, "mock_tool_calls": control,
	"model_info": control, "modify_params": control, "no-log": control, "num_retries": control,
	"organization": control, "proxy_server_request": control, "request_timeout": control, "retry_policy": control,
	"secret_fields": control, "stream_timeout": control, "tags": control, "timeout": control,
	"thought_signature_in_tool_call_id": control, "ttl": control, "priority": control,
	"keepalive_seconds": control, "allowed_model_region": control,
	"mock_testing_content_policy_fallbacks": control, "mock_testing_context_fallbacks": control,
	"mock_testing_rate_limit_error": control,

	previousKey: control,

	"temperature": same, "top_p": same, "parallel_tool_calls": same, "user": same, "safety_identifier": same,
	"prompt_cache_key": same, "prompt_cache_retention": same, "service_tier": same,

	"max_output_tokens": mapped, "reasoning": mapped, "text": mapped, "top_logprobs": mapped, "include": mapped,

	"instructions": held, "tools": held, "tool_choice": held, "previous_response_id": held, "store": held,
	"metadata": held, "stream_options": held, "client_metadata": held, "prompt": held, "conversation": held,

	"background": unheard, "background_options": unheard, "max_tool_calls": unheard, "truncation": unheard,
	"context_management": unheard, "prompt_cache_options": unheard, "moderation": unheard, "access_programs": unheard,
	"image": unheard,
}

// previousKey is the gateway's own key for the id of the answer that a request goes
// on from, after the conversation before it was put into the input: the answer
// still tells it.
const previousKey = "fairlead_previous_response_id"

// guarded are the keys that must not come in another case: an upstream that folds
// case would read another value than the one that was checked.
var guarded = func() []string {
	var out []string
	for k, c := range topKeys {
		if c == leading || c == control || k == "previous_response_id" {
			out = append(out, k)
		}
	}
	return out
}()

// misspelt returns the guarded key that name equals but for case, or "".
func misspelt(name string) string {
	for _, k := range guarded {
		if len(k) == len(name) && k != name && strings.EqualFold(k, name) {
			return k
		}
	}
	return ""
}
