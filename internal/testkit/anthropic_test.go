package testkit_test

import (
	"net/http"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// anthropicLoop is a correct second request of a tool loop with thinking.
func anthropicLoop(f *testkit.Fake) string {
	return `{"model":"claude-sonnet-4-5-20250929","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":2000},
 "system":[{"type":"text","text":"be brief"}],"messages":[
 {"role":"user","content":"weather?"},
 {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + f.ThinkingSignature("hm") + `"},
   {"type":"tool_use","id":"toolu_1","name":"weather","input":{}},{"type":"tool_use","id":"toolu_2","name":"weather","input":{}}]},
 {"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"sun"},{"type":"tool_result","tool_use_id":"toolu_2","content":[{"type":"text","text":"rain"}]},
   {"type":"text","text":"go on"}]}],
 "tools":[{"name":"weather","input_schema":{"type":"object"}}]}`
}

func askAnthropic(f *testkit.Fake) func(*testing.T, string) answer {
	return func(t *testing.T, body string) answer {
		t.Helper()
		a, err := post(t, f.URL()+"/v1/messages", body, "X-Api-Key", f.Key(), "Anthropic-Version", "2023-06-01")
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

func TestAnthropicRefusesWhatTheRealOneRefuses(t *testing.T) {
	f := testkit.NewAnthropic(t)
	const unpaired = "`tool_use` ids were found without `tool_result` blocks immediately after: "
	check(t, f, anthropicLoop(f), askAnthropic(f), []rule{
		{"correct request", nil, ""},
		{"no max_tokens", one("max_tokens", "-"), "max_tokens: Field required"},
		{"unknown key", one("reasoning_effort", `"low"`), "reasoning_effort: Extra inputs are not permitted"},
		{"unknown model", one("model", `"gpt-4o"`), "model: gpt-4o"},
		{"budget above max_tokens", one("max_tokens", `2000`), "`max_tokens` must be greater than `thinking.budget_tokens`"},
		{"small budget", one("thinking.budget_tokens", `1000`), "greater than or equal to 1024"},
		{"temperature with thinking", one("temperature", `0.5`), "`temperature` may only be set to 1"},
		{"forced tool with thinking", one("tool_choice", `{"type":"any"}`), "Thinking may not be enabled when tool_choice forces tool use"},
		{"temperature range", []edit{{"thinking", "-"}, {"temperature", `1.5`}}, "temperature: range: 0..1"},
		{"temperature and top_p", []edit{{"thinking", "-"}, {"temperature", `1`}, {"top_p", `0.9`}}, "cannot both be specified"},
		{"adaptive on an old model", one("thinking", `{"type":"adaptive"}`), "adaptive thinking is not supported"},
		{"manual on a new model", one("model", `"claude-opus-5-5"`), "\"thinking.type.enabled\" is not supported"},
		{"whitespace stop", one("stop_sequences", `[" "]`), "must contain non-whitespace"},
		{"calls by the user", one("messages.1.role", `"user"`), "does not match any of the expected tags"},
		{"user twice", []edit{{"messages.1", `{"role":"user","content":"x"}`}, {"messages.2.content", `"y"`}}, "multiple \"user\" roles in a row"},
		{"assistant first", []edit{{"messages.0", `{"role":"assistant","content":"x"}`}, {"messages.1", `{"role":"user","content":"y"}`}, {"messages.2", "-"}}, "first message must use the \"user\" role"},
		{"system between", one("messages.0.role", `"system"`), "Input should be 'user' or 'assistant'"},
		{"message name", one("messages.0.name", `"bob"`), "messages.0.name: Extra inputs are not permitted"},
		{"empty content", one("messages.0.content", `""`), "all messages must have non-empty content"},
		{"empty text", one("messages.2.content.2.text", `""`), "text content blocks must be non-empty"},
		{"blank text", one("messages.2.content.2.text", `" \n"`), "must contain non-whitespace text"},
		{"result missing", one("messages.2.content.1", "-"), unpaired + "toolu_2"},
		{"ends with calls", one("messages.2", "-"), unpaired + "toolu_1, toolu_2"},
		{"text before results", one("messages.2.content.0", `{"type":"text","text":"x"}`), unpaired + "toolu_1, toolu_2"},
		{"orphan result", one("messages.2.content.2", `{"type":"tool_result","tool_use_id":"toolu_9","content":"x"}`), "unexpected `tool_use_id` found in `tool_result` blocks: toolu_9"},
		{"tool id", one("messages.1.content.1.id", `"a.b"`), "tool_use.id: String should match pattern"},
		{"tool input", one("messages.1.content.1.input", `"{}"`), "Input should be a valid dictionary"},
		{"tool name", one("tools.0.name", `"a.b"`), "tools.0.custom.name: String should match pattern"},
		{"unknown tool key", one("tools.0.parameters", `{}`), "tools.0.custom.parameters: Extra inputs"},
		{"schema type", one("tools.0.input_schema", `{}`), "input_schema.type: Field required"},
		{"tools missing", one("tools", "-"), "must define tools"},
		{"choice without tools", []edit{{"tools", "-"}, {"tool_choice", `{"type":"auto"}`}}, "only be specified while providing tools"},
		{"choice of an unknown tool", []edit{{"thinking", "-"}, {"messages.1.content.0", "-"}, {"tool_choice", `{"type":"tool","name":"x"}`}}, "Tool 'x' not found"},
		{"unknown block", one("messages.0.content", `[{"type":"input_audio"}]`), "Input tag 'input_audio'"},
		{"unknown block field", one("messages.1.content.1.provider_specific_fields", `{}`), "provider_specific_fields: Extra inputs"},
		{"http image", one("messages.2.content.2", `{"type":"image","source":{"type":"url","url":"http://x"}}`), "Only HTTPS URLs"},
		{"five cache marks", one("system", `[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]`), "maximum of 4 blocks"},
	})
}

func TestAnthropicRefusesLostOrChangedThinking(t *testing.T) {
	f := testkit.NewAnthropic(t)
	other := testkit.NewAnthropic(t, testkit.WithAccount("other"))
	const block = "messages.1.content.0"
	check(t, f, anthropicLoop(f), askAnthropic(f), []rule{
		{"dropped", one(block, "-"), "messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`"},
		{"dropped without thinking", []edit{{block, "-"}, {"thinking", "-"}}, ""},
		{"changed", one(block+".thinking", `"other"`), "cannot be modified"},
		{"unsigned", one(block+".signature", "-"), "thinking.signature: Field required"},
		{"of another account", one(block+".signature", `"`+other.ThinkingSignature("hm")+`"`), "Invalid `signature` in `thinking` block"},
		{"of Gemini", one(block+".signature", `"gemini:abc"`), "Invalid `signature` in `thinking` block"},
		{"not first", []edit{{"messages.1.content.-1", `{"type":"thinking","thinking":"hm","signature":"` + f.ThinkingSignature("hm") + `"}`}}, "thinking blocks come first"},
		{"invented redacted block", one(block, `{"type":"redacted_thinking","data":"abc"}`), "Invalid `data`"},
	})
}

func TestAnthropicRefusesSchemasOutsideItsSubset(t *testing.T) {
	f := testkit.NewAnthropic(t)
	const at = "output_config.format"
	format := func(schema string) []edit { return one(at, `{"type":"json_schema","schema":`+schema+`}`) }
	check(t, f, anthropicLoop(f), askAnthropic(f), []rule{
		{"closed object", format(`{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}`), ""},
		{"open object", format(`{"type":"object","properties":{}}`), "'additionalProperties' must be explicitly set to false"},
		{"minimum", format(`{"type":"object","properties":{"a":{"type":"integer","minimum":1}},"additionalProperties":false}`), "'minimum' is not supported"},
		{"oneOf", format(`{"type":"object","properties":{"a":{"oneOf":[]}},"additionalProperties":false}`), "'oneOf' is not supported"},
		{"old field without beta", one("output_format", `{"type":"json_schema","schema":{}}`), "output_format: Extra inputs"},
	})
}

func TestAnthropicDemandsVersionAndKey(t *testing.T) {
	f := testkit.NewAnthropic(t)
	got, err := post(t, f.URL()+"/v1/messages", anthropicLoop(f), "X-Api-Key", f.Key())
	if err != nil || got.status != http.StatusBadRequest || got.get("error.message") != "anthropic-version: header is required" {
		t.Fatalf("%v %d %s", err, got.status, got.body)
	}
	got, err = post(t, f.URL()+"/v1/messages", anthropicLoop(f), "X-Api-Key", "no", "Anthropic-Version", "2023-06-01")
	if err != nil || got.status != http.StatusUnauthorized || got.get("error.type") != "authentication_error" {
		t.Fatalf("%v %d %s", err, got.status, got.body)
	}
}

func TestAnthropicReturnsThinkingThatItAcceptsBack(t *testing.T) {
	for _, reply := range []testkit.Reply{{}, {Omitted: true}, {Redacted: true}} {
		reply.Calls = []testkit.Call{{Name: "weather"}}
		f := testkit.NewAnthropic(t, testkit.WithReplies(reply, testkit.Reply{Text: "done"}))
		first := apply(t, anthropicLoop(f), edit{"messages.2", "-"}, edit{"messages.1", "-"})
		got := askAnthropic(f)(t, first)
		id := got.get("content.#(type==tool_use).id")
		next := apply(t, first, edit{"messages.1", `{"role":"assistant","content":` + got.get("content") + `}`},
			edit{"messages.2", `{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + id + `","content":"x"}]}`})
		if got := askAnthropic(f)(t, next); got.get("content.#(type==text).text") != "done" {
			t.Fatalf("%+v is refused: %s", reply, got.body)
		}
	}
}
