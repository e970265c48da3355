package openaichat

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// class says what the gateway does with a top-level key of a request.
type class uint8

const (
	// param is a parameter for the upstream (the zero value: also every unknown key).
	param class = iota
	// envelope keys are read by Decode itself.
	envelope
	// control keys are for the gateway only and never go upstream.
	control
)

// topKeys are the keys that the gateway acts on. Source: wire-format
// specification §1.1, last paragraph, and LiteLLM's list of internal keys.
var topKeys = map[string]class{
	"model": envelope, "messages": envelope, "tools": envelope, "stream": envelope, "stream_options": envelope,

	"additional_drop_params": control, "allowed_openai_params": control, "api_base": control, "api_key": control,
	"api_type": control, "api_version": control, "base_url": control, "cache": control, "caching": control,
	"content_policy_fallbacks": control, "context_window_fallbacks": control, "custom_llm_provider": control,
	"default_fallbacks": control, "disable_fallbacks": control, "drop_params": control, "extra_body": control,
	"extra_headers": control, "fallbacks": control, "guardrails": control, "headers": control,
	"litellm_call_id": control, "litellm_metadata": control, "litellm_params": control, "litellm_session_id": control,
	"litellm_trace_id": control, "max_retries": control, "merge_reasoning_content_in_choices": control,
	"metadata": control, "mock_response": control, "mock_testing_fallbacks": control, "mock_timeout": control,
	"mock_tool_calls": control, "model_info": control, "modify_params": control, "no-log": control,
	"num_retries": control, "organization": control, "proxy_server_request": control, "request_timeout": control,
	"retry_policy": control, "secret_fields": control, "stream_timeout": control, "tags": control, "timeout": control,
	"thought_signature_in_tool_call_id": control, "ttl": control, "priority": control,
	"keepalive_seconds": control, "allowed_model_region": control,
	"mock_testing_content_policy_fallbacks": control, "mock_testing_context_fallbacks": control,
	"mock_testing_rate_limit_error": control,

	"audio": param, "frequency_penalty": param, "function_call": param, "functions": param, "logit_bias": param,
	"logprobs": param, "max_completion_tokens": param, "max_tokens": param, "modalities": param, "n": param,
	"parallel_tool_calls": param, "prediction": param, "presence_penalty": param, "prompt_cache_key": param,
	"reasoning_effort": param, "response_format": param, "seed": param, "service_tier": param, "stop": param,
	"store": param, "temperature": param, "thinking": param, "tool_choice": param, "top_k": param,
	"top_logprobs": param, "top_p": param, "user": param, "verbosity": param, "web_search_options": param,
}

// topKey is one entry of topKeys.
type topKey struct {
	name  string
	class class
}

// keysByLength holds topKeys by the length of their names: a request has few keys
// of each length, so that finding one is a comparison or two.
var keysByLength = func() [][]topKey {
	var out [][]topKey
	for name, c := range topKeys {
		for len(out) <= len(name) {
			out = append(out, nil)
		}
		out[len(name)] = append(out[len(name)], topKey{name, c})
	}
	return out
}()

// readKey decodes a quoted key of the top level. Known says that it is one of
// topKeys; any other is a parameter.
func readKey(key rawjson.Value) (k topKey, known bool) {
	bare := key.Bare()
	if k, known = findKey(bare); known {
		return k, true
	}
	name := key.Text()
	if key.Escaped() {
		if k, known = findKey([]byte(name)); known {
			return k, true
		}
	}
	return topKey{name: name}, false
}

func findKey(name []byte) (topKey, bool) {
	if len(name) < len(keysByLength) {
		for _, k := range keysByLength[len(name)] {
			if string(name) == k.name {
				return k, true
			}
		}
	}
	return topKey{}, false
}

// guarded are the keys that must not come in another case: a client or upstream
// that folds case would read another value than the one that was checked.
var guarded = func() []string {
	var out []string
	for k, c := range topKeys {
		if c != param {
			out = append(out, k)
		}
	}
	return out
}()

// misspelt returns the guarded key that name equals but for case, or "".
func misspelt(name string) string {
	for _, k := range guarded {
		if k != name && strings.EqualFold(k, name) {
			return k
		}
	}
	return ""
}
