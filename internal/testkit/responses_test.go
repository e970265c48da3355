package testkit_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"
	"github.com/tidwall/sjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

const responsesLoop = `{"model":"gpt-4o","store":false,"instructions":"be brief","input":[
 {"type":"message","role":"developer","content":[{"type":"input_text","text":"d"}]},
 {"role":"user","content":"weather?"},
 {"type":"function_call","id":"fc_1","call_id":"call_1","name":"weather","arguments":"{}"},
 {"type":"function_call_output","call_id":"call_1","output":"sun"}],
 "tools":[{"type":"function","name":"weather","description":"d","strict":false,"parameters":{"type":"object","properties":{}}}]}`

func askResponses(f *testkit.Fake) func(*testing.T, string) answer {
	return func(t *testing.T, body string) answer {
		t.Helper()
		a, err := post(t, f.URL()+"/responses", body, "Authorization", "Bearer "+f.Key())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
}

func TestResponsesRefusesWhatTheRealOneRefuses(t *testing.T) {
	f := testkit.NewOpenAI(t)
	check(t, f, responsesLoop, askResponses(f), []rule{
		{"correct request", nil, ""},
		{"a string for input", one("input", `"hi"`), ""},
		{"unknown top-level key", one("messages", `[]`), "Unknown parameter: 'messages'"},
		{"a chat setting", one("max_tokens", `5`), "Unknown parameter: 'max_tokens'"},
		{"include_usage", one("stream_options", `{"include_usage":true}`), "Unknown parameter: 'stream_options.include_usage'"},
		{"a tiny limit", one("max_output_tokens", `5`), "Expected a value >= 16"},
		{"unknown include", one("include", `["everything"]`), "Invalid value: 'everything'"},
		{"unknown previous response", one("previous_response_id", `"resp_1"`), "Previous response with id 'resp_1' not found"},
		{"no input", one("input", `[]`), "Missing required parameter: 'input'"},
		{"unknown item", one("input.0.type", `"hologram"`), "Invalid value: 'hologram'"},
		{"reference to nothing", one("input.-1", `{"type":"item_reference","id":"rs_1"}`), "Item with id 'rs_1' not found"},
		{"unknown role", one("input.1.role", `"model"`), "Invalid value: 'model'"},
		{"chat part", one("input.1.content", `[{"type":"text","text":"x"}]`), "Invalid value: 'text'"},
		{"unknown key of a part", one("input.0.content.0.cache_control", `{}`), "input[0].content[0].cache_control"},
		{"unknown key of a call", one("input.2.provider_specific_fields", `{}`), "input[2].provider_specific_fields"},
		{"id of a call", one("input.2.id", `"call_1"`), "Expected an ID that begins with 'fc'"},
		{"long call_id", []edit{{"input.2.call_id", `"` + strings.Repeat("x", 65) + `"`}}, "maximum length 64"},
		{"arguments as object", one("input.2.arguments", `{}`), "'input[2].name' or '.arguments'"},
		{"missing output", one("input.3", "-"), "No tool output found for function call call_1"},
		{"orphan output", one("input.3.call_id", `"call_9"`), "No tool call found for function call output with call_id call_9"},
		{"empty output", one("input.3.output", `[]`), "input[3].output"},
		{"chat tool", one("tools.0.function", `{}`), "Unknown parameter: 'tools[0].function'"},
		{"tool without name", one("tools.0.name", "-"), "Missing required parameter: 'tools[0].name'"},
		{"unknown tool", one("tools.0.type", `"bash_20250124"`), "Invalid value: 'bash_20250124'"},
		{"choice without tools", []edit{{"tools", "-"}, {"tool_choice", `"required"`}}, "must be specified with 'tools'"},
		{"effort on gpt-4o", one("reasoning", `{"effort":"low"}`), "'reasoning.effort' is not supported"},
		{"effort on gpt-5", []edit{{"model", `"gpt-5"`}, {"reasoning", `{"effort":"low","summary":"auto"}`}}, ""},
		{"temperature on gpt-5", []edit{{"model", `"gpt-5"`}, {"temperature", `0.5`}}, "'temperature' does not support 0.5"},
		{"schema without name", one("text", `{"format":{"type":"json_schema","schema":{"type":"object"}}}`), "'text.format.name'"},
		{"open strict schema", one("text", `{"format":{"type":"json_schema","name":"a","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}}}}}`), "'additionalProperties' is required"},
		{"reasoning that nobody kept", one("input.2", `{"type":"reasoning","id":"rs_1","summary":[]}`), "Item with id 'rs_1' not found"},
		{"foreign reasoning", one("input.2", `{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"Zm9v"}`), "could not be verified"},
		{"unknown model", one("model", `"claude-3"`), "does not exist"},
	})
}

func TestResponsesWantsItsReasoningBackWithTheCall(t *testing.T) {
	f := testkit.NewOpenAI(t)
	ask := askResponses(f)
	body := apply(t, responsesLoop, edit{"model", `"gpt-5"`}, edit{"include", `["reasoning.encrypted_content"]`},
		edit{"input", `[{"role":"user","content":"<<call:weather {}>>"}]`})
	first := ask(t, body)
	output := `{"type":"function_call_output","call_id":` + gjson.Get(first.body, "output.1.call_id").Raw + `,"output":"sun"}`
	whole := apply(t, body, edit{"input.-1", gjson.Get(first.body, "output.0").Raw}, edit{"input.-1", gjson.Get(first.body, "output.1").Raw}, edit{"input.-1", output})
	if a := ask(t, whole); a.status != http.StatusOK || f.Last(t).State.Real != 1 {
		t.Errorf("%d %s, state %+v", a.status, a.body, f.Last(t).State)
	}
	alone := apply(t, body, edit{"input.-1", gjson.Get(first.body, "output.1").Raw}, edit{"input.-1", output})
	if ask(t, alone); !strings.Contains(f.Last(t).Refused, "without its required 'reasoning' item") {
		t.Errorf("a call without its reasoning: %q", f.Last(t).Refused)
	}
	other := testkit.NewOpenAI(t, testkit.WithAccount("other"))
	if askResponses(other)(t, whole); !strings.Contains(other.Last(t).Refused, "could not be verified") {
		t.Errorf("another account takes the reasoning: %q", other.Last(t).Refused)
	}
}

func TestResponsesStreamsNumberedEvents(t *testing.T) {
	f := testkit.NewOpenAI(t)
	body := apply(t, responsesLoop, edit{"stream", "true"}, edit{"model", `"gpt-5"`}, edit{"reasoning", `{"summary":"auto"}`})
	var types []string
	for i, block := range strings.Split(strings.TrimSpace(askResponses(f)(t, body).body), "\n\n") {
		event, data, _ := strings.Cut(block, "\ndata: ")
		if gjson.Get(data, "sequence_number").Int() != int64(i) || "event: "+gjson.Get(data, "type").String() != event {
			t.Errorf("event %d: %s", i, block)
		}
		types = append(types, gjson.Get(data, "type").String())
	}
	if types[0] != "response.created" || types[len(types)-1] != "response.completed" {
		t.Errorf("events %q", types)
	}
	f.Inject(testkit.CutAfterEvents(-1))
	if a, err := post(t, f.URL()+"/responses", body, "Authorization", "Bearer "+f.Key()); err == nil || strings.Contains(a.body, "response.completed") {
		t.Errorf("a stream cut one event before its end: %v %s", err, a.body)
	}
}

func TestChatOnlyServersHaveNoSecondAPI(t *testing.T) {
	openAI, deepSeek := testkit.NewOpenAI(t, testkit.ChatOnly()), testkit.NewDeepSeek(t, testkit.ChatOnly())
	for _, c := range []struct {
		f    *testkit.Fake
		path string
	}{{openAI, "/v1/responses"}, {deepSeek, "/anthropic/v1/messages"}} {
		if a, err := post(t, c.f.Root()+c.path, `{}`); err != nil || a.status != http.StatusNotFound || len(c.f.Refusals()) != 0 || len(c.f.Requests()) != 1 {
			t.Errorf("%s: %d %s, %v", c.path, a.status, a.body, c.f.Refusals())
		}
	}
}

func TestDeepSeekMessagesWantItsThoughtsBack(t *testing.T) {
	f := testkit.NewDeepSeek(t)
	const thought = `{"type":"thinking","thinking":"hm","signature":"any"}`
	body := `{"model":"deepseek-v4-flash","max_tokens":64,"messages":[{"role":"user","content":"?"},
		{"role":"assistant","content":[` + thought + `,{"type":"tool_use","id":"a","name":"weather","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"sun"}]}],"tools":[{"name":"weather","input_schema":{"type":"object"}}]}`
	ask := func(t *testing.T, body string) answer {
		t.Helper()
		a, err := post(t, f.Root()+"/anthropic/v1/messages", body, "X-Api-Key", f.Key())
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	check(t, f, body, ask, []rule{
		{"correct request", nil, ""},
		{"lost thought", one("messages.1.content.0", "-"), "must be passed back"},
		{"lost thought without thinking", []edit{{"messages.1.content.0", "-"}, {"thinking", `{"type":"disabled"}`}}, ""},
		{"missing result", one("messages.2.content", `"hi"`), "without `tool_result` blocks"},
		{"no limit", one("max_tokens", "-"), "max_tokens: Field required"},
		{"unknown model", one("model", `"claude-3"`), "Model Not Exist"},
	})
}

func TestCountsAreAnsweredAndHeldToTheSameRules(t *testing.T) {
	claude, gemini, openAI := testkit.NewAnthropic(t), testkit.NewGemini(t), testkit.NewOpenAI(t)
	messages := `{"model":"claude-sonnet-4-5-20250929","messages":[{"role":"user","content":"How many?"}]}`
	contents := `{"contents":[{"parts":[{"text":"How many?"}]}]}`
	for _, c := range []struct {
		f                      *testkit.Fake
		path, body, key, field string
	}{
		{claude, "/v1/messages/count_tokens", messages, "X-Api-Key", "input_tokens"},
		{gemini, "/v1beta/models/gemini-2.5-pro:countTokens", contents, "X-Goog-Api-Key", "totalTokens"},
		{gemini, "/v1beta/models/gemini-2.5-pro:countTokens", `{"generateContentRequest":` + contents + `}`, "X-Goog-Api-Key", "totalTokens"},
		{openAI, "/v1/responses/input_tokens", `{"model":"gpt-4o","input":"How many?"}`, "Authorization", "input_tokens"},
	} {
		key := c.f.Key()
		if c.key == "Authorization" {
			key = "Bearer " + key
		}
		a, err := post(t, c.f.Root()+c.path, c.body, c.key, key, "anthropic-version", "2023-06-01")
		if err != nil || a.status != http.StatusOK || gjson.Get(a.body, c.field).Int() < 2 {
			t.Errorf("%s: %d %s %v", c.path, a.status, a.body, err)
		}
		bad, err := sjson.Set(c.body, "made_up", 1)
		if err != nil {
			t.Fatal(err)
		}
		if a, _ := post(t, c.f.Root()+c.path, bad, c.key, key, "anthropic-version", "2023-06-01"); a.status != http.StatusBadRequest {
			t.Errorf("%s takes an unknown field: %d %s", c.path, a.status, a.body)
		}
	}
}
