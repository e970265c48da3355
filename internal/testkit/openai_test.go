package testkit_test

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

const chatLoop = `{"model":"gpt-4o","messages":[
 {"role":"system","content":"be brief, answer in json"},
 {"role":"user","content":[{"type":"text","text":"weather?"}]},
 {"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"weather","arguments":"{}"}},
   {"id":"call_2","type":"function","function":{"name":"weather","arguments":"{\"a\":1}"}}]},
 {"role":"tool","tool_call_id":"call_2","content":"sun"},{"role":"tool","tool_call_id":"call_1","content":"rain"}],
 "tools":[{"type":"function","function":{"name":"weather","description":"d","parameters":{"type":"object","properties":{}}}}]}`

func askChat(f *testkit.Fake) func(*testing.T, string) answer {
	return func(t *testing.T, body string) answer {
		t.Helper()
		a, err := post(t, f.URL()+"/chat/completions", body, "Authorization", "Bearer "+f.Key())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

func TestOpenAIRefusesWhatTheRealOneRefuses(t *testing.T) {
	f := testkit.NewOpenAI(t)
	check(t, f, chatLoop, askChat(f), []rule{
		{"correct request", nil, ""},
		{"unknown top-level key", one("thinking", `{}`), "Unrecognized request argument supplied: thinking"},
		{"top_k", one("top_k", `1`), "Unrecognized request argument supplied: top_k"},
		{"message psf", one("messages.2.provider_specific_fields", `{}`), "Unknown parameter: 'messages[2].provider_specific_fields'"},
		{"message thinking_blocks", one("messages.2.thinking_blocks", `[]`), "messages[2].thinking_blocks"},
		{"message reasoning_content", one("messages.2.reasoning_content", `"x"`), "messages[2].reasoning_content"},
		{"call extra_content", one("messages.2.tool_calls.0.extra_content", `{}`), "messages[2].tool_calls[0].extra_content"},
		{"call index", one("messages.2.tool_calls.0.index", `0`), "messages[2].tool_calls[0].index"},
		{"function psf", one("messages.2.tool_calls.0.function.provider_specific_fields", `{}`), "tool_calls[0].function.provider_specific_fields"},
		{"long tool id", one("messages.2.tool_calls.0.id", `"`+strings.Repeat("x", 41)+`"`), "maximum length 40, but got a string with length 41"},
		{"missing tool id", one("messages.2.tool_calls.0.id", "-"), "tool_calls[0].id"},
		{"missing call type", one("messages.2.tool_calls.0.type", "-"), "tool_calls[0].type"},
		{"arguments as object", one("messages.2.tool_calls.0.function.arguments", `{}`), "expected a string"},
		{"missing tool result", one("messages.4", "-"), "did not have response messages: call_1"},
		{"text before the results", one("messages.3", `{"role":"user","content":"hi"}`), "did not have response messages: call_1, call_2"},
		{"orphan result", one("messages.3.tool_call_id", `"call_9"`), "must be a response to a preceeding message"},
		{"unknown role", one("messages.0.role", `"model"`), "Invalid value: 'model'"},
		{"null content of a user", one("messages.1.content", `null`), "expected a string, got null"},
		{"unknown part", one("messages.1.content.0.type", `"thinking"`), "Invalid value: 'thinking'"},
		{"part with cache_control", one("messages.1.content.0.cache_control", `{}`), "messages[1].content[0].cache_control"},
		{"empty tool_calls", one("messages.2.tool_calls", `[]`), "tool_calls': empty array"},
		{"empty messages", one("messages", `[]`), "'messages': empty array"},
		{"unknown model", one("model", `"claude-3"`), "does not exist"},
		{"max_tokens on gpt-5", []edit{{"model", `"gpt-5"`}, {"max_tokens", `5`}}, "Use 'max_completion_tokens'"},
		{"max_completion_tokens on gpt-5", []edit{{"model", `"gpt-5"`}, {"max_completion_tokens", `5`}}, ""},
		{"temperature on o3", []edit{{"model", `"o3-mini"`}, {"temperature", `0.5`}}, "'temperature' does not support 0.5"},
		{"reasoning_effort on gpt-4o", one("reasoning_effort", `"low"`), "reasoning_effort"},
		{"unknown key of a function", one("tools.0.function.cache_control", `{}`), "tools[0].function.cache_control"},
		{"tool name", one("tools.0.function.name", `"a.b"`), "does not match pattern"},
		{"tool type", one("tools.0.type", `"web_search"`), "Supported values are: 'function' and 'custom'"},
		{"empty tools", one("tools", `[]`), "'tools': empty array"},
		{"tool_choice without tools", []edit{{"tools", "-"}, {"tool_choice", `"auto"`}}, "'tool_choice' is only allowed when 'tools' are specified"},
		{"parameters without type", one("tools.0.function.parameters", `{}`), "'type: \"object\"'"},
		{"stream_options without stream", one("stream_options", `{}`), "'stream_options' parameter is only allowed"},
		{"metadata without store", one("metadata", `{}`), "'metadata' parameter is only allowed"},
		{"json mode with the word", one("response_format", `{"type":"json_object"}`), ""},
		{"json mode without the word", []edit{{"messages.0.content", `"x"`}, {"response_format", `{"type":"json_object"}`}}, "must contain the word 'json'"},
		{"strict schema left open", one("response_format", `{"type":"json_schema","json_schema":{"name":"a","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}}}}}`), "additionalProperties"},
		{"schema without name", one("response_format", `{"type":"json_schema","json_schema":{"schema":{}}}`), "json_schema.name"},
	})
}

func TestOpenAIAnswersAndStreams(t *testing.T) {
	f := testkit.NewOpenAI(t, testkit.WithScript(testkit.Loop("done", []testkit.Call{{Name: "weather", Args: `{"a":1}`}})))
	first := apply(t, chatLoop, edit{"messages", `[{"role":"user","content":"hi"}]`})
	got := askChat(f)(t, first)
	if got.get("choices.0.finish_reason") != "tool_calls" || got.get("choices.0.message.tool_calls.0.function.arguments") != `{"a":1}` {
		t.Fatalf("no tool call: %s", got.body)
	}
	if got := askChat(f)(t, chatLoop); got.get("choices.0.message.content") != "done" || got.get("usage.total_tokens") == "" {
		t.Fatalf("no text after the results: %s", got.body)
	}
	stream := askChat(f)(t, apply(t, chatLoop, edit{"stream", "true"}, edit{"stream_options", `{"include_usage":true}`}))
	if !strings.HasSuffix(stream.body, "data: [DONE]\n\n") || !strings.Contains(stream.body, `"choices":[],`) {
		t.Fatalf("stream without usage or end: %s", stream.body)
	}
}

func TestOpenAIRefusesAWrongKeyAndPath(t *testing.T) {
	f := testkit.NewOpenAI(t)
	got, err := post(t, f.URL()+"/chat/completions", chatLoop, "Authorization", "Bearer other")
	if err != nil || got.status != 401 || got.get("error.code") != "invalid_api_key" {
		t.Fatalf("wrong key: %v %d %s", err, got.status, got.body)
	}
	got, err = post(t, f.Root()+"/chat/completions", chatLoop, "Authorization", "Bearer "+f.Key())
	if err != nil || got.status != 404 {
		t.Fatalf("wrong path: %v %d %s", err, got.status, got.body)
	}
}
