package testkit_test

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestDeepSeekRefusesWhatTheRealOneRefuses(t *testing.T) {
	f := testkit.NewDeepSeek(t, testkit.WithModels("my-r1"))
	correct := apply(t, chatLoop, edit{"model", `"deepseek-v4-flash"`}, edit{"messages.2.reasoning_content", `"hm"`})
	const back = "The reasoning_content in the thinking mode must be passed back to the API."
	check(t, f, correct, askChat(f), []rule{
		{"correct request", nil, ""},
		{"reasoning missing", one("messages.2.reasoning_content", "-"), back},
		{"reasoning empty", one("messages.2.reasoning_content", `""`), ""},
		{"reasoning missing, thinking off", []edit{{"messages.2.reasoning_content", "-"}, {"thinking", `{"type":"disabled"}`}}, ""},
		{"chat model does not think", []edit{{"messages.2.reasoning_content", "-"}, {"model", `"deepseek-chat"`}}, ""},
		{"chat model told to think", []edit{{"messages.2.reasoning_content", "-"}, {"model", `"deepseek-chat"`}, {"thinking", `{"type":"enabled"}`}}, back},
		{"reasoning on R1", one("model", `"my-r1"`), "not allowed in the input"},
		{"none on R1", []edit{{"model", `"my-r1"`}, {"messages.2.reasoning_content", "-"}}, ""},
		{"unknown model", one("model", `"deepseek-r1"`), "Model Not Exist"},
		{"developer role", one("messages.0.role", `"developer"`), "unknown variant `developer`"},
		{"image", one("messages.1.content.0", `{"type":"image_url","image_url":{"url":"x"}}`), "unknown variant `image_url`"},
		{"tool of another type", one("tools.0.type", `"namespace"`), "unknown variant `namespace`, expected `function`"},
		{"json schema", one("response_format", `{"type":"json_schema","json_schema":{}}`), "This response_format type is unavailable now"},
		{"unpaired call", one("messages.4", "-"), "did not have response messages: call_1"},
		{"no messages", one("messages", "[]"), "Empty input messages"},
	})
}

func TestDeepSeekThinksByDefaultAndNamesItsErrors(t *testing.T) {
	f := testkit.NewDeepSeek(t)
	got := askChat(f)(t, `{"model":"deepseek-v4-pro","messages":[{"role":"user","content":"hi"}]}`)
	if got.get("choices.0.message.reasoning_content") == "" || got.get("usage.prompt_cache_miss_tokens") == "" {
		t.Fatalf("no reasoning: %s", got.body)
	}
	f.Inject(testkit.Fail(402))
	got = askChat(f)(t, `{"model":"deepseek-v4-pro","messages":[{"role":"user","content":"hi"}]}`)
	if got.status != 402 || got.get("error.message") != "Insufficient Balance" {
		t.Fatalf("402 is %d %s", got.status, got.body)
	}
}
