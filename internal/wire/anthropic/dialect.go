package anthropic

import (
	"fmt"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Name of the format, as wire and as dialect.
const Name = "anthropic"

// Dialect is the Messages API as clients speak it. The zero value is ready.
// Source: wire-format specification §5.1 and §5.2.
type Dialect struct{}

var _ wire.Dialect = Dialect{}

// Name implements [wire.Dialect].
func (Dialect) Name() string { return Name }

// Decode reads the envelope of a checked body in one pass over its top level.
func (Dialect) Decode(body rawjson.Value) (*llm.Request, error) {
	d, err := decode(body)
	if err != nil {
		return nil, err
	}
	if !d.maxTokens {
		return nil, missing("max_tokens")
	}
	return d.req, nil
}

// DecodeCount reads the body of POST /v1/messages/count_tokens: a request without
// max_tokens and without a stream.
func (Dialect) DecodeCount(body rawjson.Value) (*llm.Request, error) {
	d, err := decode(body)
	if err != nil {
		return nil, err
	}
	d.req.Stream = false
	return d.req, nil
}

func missing(name string) *llm.Error {
	return llm.BadRequest(name, "anthropic_messages: Missing required parameter: '"+name+"'.")
}

func decode(body rawjson.Value) (*decoder, error) {
	if body.Kind() != '{' {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: expected an object")
	}
	d := &decoder{req: &llm.Request{
		From: Name, Body: body, IncludeUsage: true, LenientParams: true, Params: make([]llm.Param, 0, 8),
	}}
	for f := range body.Fields() {
		if err := d.field(f); err != nil {
			return nil, err
		}
	}
	if !d.messages {
		return nil, missing("messages")
	}
	d.finish()
	return d, nil
}

// decoder collects the envelope.
type decoder struct {
	req                                *llm.Request
	seen                               []string
	messages, maxTokens                bool
	thinking, output, format, metadata rawjson.Value
}

// kindOf says which JSON kinds the keys that the gateway acts on may have.
var kindOf = map[string]string{
	"model": `"`, "messages": "[", "max_tokens": "0", "stream": "tf", "system": `"[`, "tools": "[", "tool_choice": "{",
	"thinking": "{", "output_config": "{", "output_format": "{", "metadata": "{", "stop_sequences": "[",
	"temperature": "0", "top_p": "0", "top_k": "0", "service_tier": `"`,
}

// gatewayKeys are for the gateway itself and never go upstream. Source: LiteLLM's
// list of internal keys.
var gatewayKeys = map[string]bool{
	"additional_drop_params": true, "allowed_openai_params": true, "api_base": true, "api_key": true, "api_type": true,
	"api_version": true, "base_url": true, "cache": true, "caching": true, "content_policy_fallbacks": true,
	"context_window_fallbacks": true, "custom_llm_provider": true, "default_fallbacks": true, "disable_fallbacks": true,
	"drop_params": true, "extra_headers": true, "fallbacks": true, "guardrails": true, "headers": true,
	"litellm_call_id": true, "litellm_metadata": true, "litellm_params": true, "litellm_session_id": true,
	"litellm_trace_id": true, "max_retries": true, "mock_response": true, "mock_testing_fallbacks": true,
	"mock_timeout": true, "mock_tool_calls": true, "model_info": true, "modify_params": true, "no-log": true,
	"num_retries": true, "organization": true, "proxy_server_request": true, "request_timeout": true,
	"retry_policy": true, "secret_fields": true, "stream_timeout": true, "tags": true, "timeout": true,
	"thought_signature_in_tool_call_id": true, "merge_reasoning_content_in_choices": true, "ttl": true, "priority": true,
	"keepalive_seconds": true, "allowed_model_region": true,
	"mock_testing_content_policy_fallbacks": true, "mock_testing_context_fallbacks": true,
	"mock_testing_rate_limit_error": true,
}

// maxTopKeys bounds the keys at the top level, so that looking for duplicates stays
// cheap; real requests have a dozen.
const maxTopKeys = 128

func (d *decoder) field(f rawjson.Field) error {
	name := f.Name()
	if len(d.seen) >= maxTopKeys {
		return llm.BadRequest("request_body", fmt.Sprintf("Invalid JSON payload: more than %d keys stand at the top level.", maxTopKeys))
	}
	for _, s := range d.seen {
		if s == name {
			return llm.BadRequest(name, fmt.Sprintf("Invalid JSON payload: the key %q stands twice at the top level; send it once.", name))
		}
	}
	d.seen = append(d.seen, name)
	kinds, known := kindOf[name]
	if !known {
		return d.other(name, f.Value)
	}
	if f.Value.Present() && strings.IndexByte(kinds, f.Value.Kind()) < 0 {
		return llm.BadRequest(name, fmt.Sprintf("%s must be %s.", name, kindText(kinds)))
	}
	return d.known(name, f.Value)
}

var kindTexts = map[string]string{
	`"`: "a string", "[": "a list", "0": "a number", "tf": "true or false", "{": "an object", `"[`: "a string or a list",
}

func kindText(kinds string) string { return kindTexts[kinds] }

// other keeps a key that only Anthropic knows, unless it is the gateway's own or a
// key that the gateway acts on in another case.
func (d *decoder) other(name string, v rawjson.Value) error {
	if gatewayKeys[name] {
		return nil
	}
	for known := range kindOf {
		if strings.EqualFold(known, name) {
			return llm.BadRequest(known, fmt.Sprintf("Invalid JSON payload: the key %q must be written %q.", name, known))
		}
	}
	// Not Anthropic's, but it goes on to whoever knows it, and some answer this with 500.
	if name == "response_format" && v.Present() && v.Kind() != '{' {
		return llm.BadRequest(name, "response_format must be an object.")
	}
	d.param(name, v)
	return nil
}

func (d *decoder) param(name string, v rawjson.Value) {
	d.req.Params = append(d.req.Params, llm.Param{Name: name, Value: v})
}

func (d *decoder) known(name string, v rawjson.Value) error {
	switch name {
	case "model":
		d.req.Model = v.Text()
	case "messages":
		d.messages = v.Present()
	case "max_tokens":
		d.maxTokens = v.Present()
		if n, ok := v.Int(); v.Present() && (!ok || n < 0) {
			return llm.BadRequest(name, "max_tokens must be a whole number that is not negative.")
		}
		d.param(name, v)
	case "stream":
		d.req.Stream = v.True()
	case "temperature", "top_p", "top_k":
		d.param(name, v)
	case "stop_sequences":
		d.param("stop", v)
	case "service_tier":
		d.serviceTier(v)
	case "tool_choice":
		return d.toolChoice(v)
	case "thinking":
		d.thinking = v
	case "output_config":
		d.output = v
	case "output_format":
		d.format = v
	case "metadata":
		d.metadata = v
	}
	return nil
}
