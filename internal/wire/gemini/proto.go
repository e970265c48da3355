package gemini

import (
	"iter"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// spellings are the members that clients send often, by both of their spellings,
// so that reading a key costs no memory.
var spellings = func() map[string]string {
	out := make(map[string]string, 128)
	for _, name := range []string{
		"contents", "system_instruction", "tools", "tool_config", "generation_config", "safety_settings", "cached_content",
		"model", "labels", "service_tier", "role", "parts", "text", "thought", "thought_signature", "function_call",
		"function_response", "inline_data", "file_data", "mime_type", "data", "file_uri", "display_name", "video_metadata",
		"media_resolution", "executable_code", "code_execution_result", "part_metadata", "id", "name", "args", "response",
		"function_declarations", "description", "parameters", "parameters_json_schema", "function_calling_config", "mode",
		"allowed_function_names", "temperature", "top_p", "top_k", "max_output_tokens", "candidate_count", "stop_sequences",
		"thinking_config", "include_thoughts", "thinking_budget", "thinking_level", "response_mime_type", "response_schema",
		"response_json_schema", "response_format", "seed",
	} {
		out[name] = camel(name)
		out[camel(name)] = camel(name)
	}
	return out
}()

// members iterates over the members of a message under their names in camelCase:
// proto JSON reads both spellings at every level. Where a member stands there in
// both, the one in camelCase counts (§2.1). null is absent.
func members(v rawjson.Value) iter.Seq2[string, rawjson.Value] {
	return func(yield func(string, rawjson.Value) bool) {
		var better map[string]bool // the camelCase members, known once it matters
		for f := range v.Fields() {
			if !f.Value.Present() {
				continue
			}
			name := memberName(f.Key)
			if !f.Key.Is(name) {
				if better == nil {
					better = camelMembersOf(v)
				}
				if better[name] {
					continue
				}
			}
			if !yield(name, f.Value) {
				return
			}
		}
	}
}

// camelMembersOf lists the frequent members that stand there in camelCase. It is
// made once an object, so that many keys cost no more than their number.
func camelMembersOf(v rawjson.Value) map[string]bool {
	out := make(map[string]bool, 8)
	for f := range v.Fields() {
		if name, ok := spellings[string(f.Key.Bare())]; ok && f.Key.Is(name) {
			out[name] = true
		}
	}
	return out
}

func memberName(key rawjson.Value) string {
	if name, ok := spellings[string(key.Bare())]; ok {
		return name
	}
	return camel(key.Text())
}

// member finds one member in either spelling; name is in camelCase.
func member(v rawjson.Value, name string) rawjson.Value {
	for k, m := range members(v) {
		if k == name {
			return m
		}
	}
	return nil
}

// elems iterates over a repeated field; clients may send a single element without
// its list.
func elems(v rawjson.Value) iter.Seq2[int, rawjson.Value] {
	if v.Kind() != '{' {
		return v.Elems()
	}
	return func(yield func(int, rawjson.Value) bool) { yield(0, v) }
}

// numberOf reads a number, which proto JSON may write as a string; anything else
// is returned as it is.
func numberOf(v rawjson.Value) rawjson.Value {
	s, ok := v.Str()
	if !ok {
		return v
	}
	if n, err := rawjson.Check([]byte(strings.TrimSpace(s))); err == nil && n.Kind() == '0' {
		return n
	}
	return v
}
