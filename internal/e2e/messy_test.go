package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// messy are requests that clients really send and that OpenAI may refuse; every
// translated family must answer them.
var messy = map[string]string{
	"T29 results out of order, one missing, one orphan": chat("m", user("?"),
		`{"role":"assistant","content":"","tool_calls":[`+toolCall("a", "weather", paris)+","+toolCall("b", "clock", "{}")+","+toolCall("c", "clock", "{}")+`]}`,
		result("c", "noon"), result("z", "orphan"), result("a", "sun"), user("go on")),
	"T30 results that are an array, a number, a reference": chat("m", user("?"),
		`{"role":"assistant","content":null,"tool_calls":[`+toolCall("a", "weather", paris)+","+toolCall("b", "clock", "{}")+","+toolCall("c", "clock", `{"a":1}`)+`]}`,
		result("a", `[1,2]`), result("b", "5"), result("c", `{"x":{"$ref":"y"}}`)),
	"T31 broken arguments": chat("m", user("?"),
		`{"role":"assistant","content":null,"tool_calls":[`+toolCall("a", "weather", "")+","+toolCall("b", "clock", "not json")+","+toolCall("c", "clock", "[1]")+`]}`,
		result("a", "x"), result("b", "y"), result("c", "z")),
	"T31 arguments as object": chat("m", user("?"),
		`{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"weather","arguments":{"city":"Paris"}}}]}`, result("a", "x")),
	"T32 system and developer everywhere": chat("m", `{"role":"developer","content":"a"}`, `{"role":"system","content":"b"}`, user("?"), `{"role":"assistant","content":"hm"}`,
		`{"role":"system","content":"c"}`, user("!"), `{"role":"developer","content":"d"}`),
	"T33 last turn of the assistant":  plainMessages(user("?"), `{"role":"assistant","content":"It is "}`),
	"T36 difficult schema":            with(plain("m", "?"), "tools", `[{"type":"function","function":{"name":"f","strict":true,"parameters":`+difficult+`}}]`),
	"T35 empty parameters":            with(plain("m", "?"), "tools", `[{"type":"function","function":{"name":"a","parameters":{"type":"object","properties":{}}}},{"type":"function","function":{"name":"b"}},{"type":"function","function":{"name":"c","parameters":{}}}]`),
	"T57 effort with few tokens":      with(with(plain("m", "?"), "reasoning_effort", `"high"`), "max_tokens", "1000"),
	"T60 text between results":        chat("m", user("?"), twoCalls, result("a", "sun"), user("wait"), result("b", "noon")),
	"T61 call without result":         chat("m", user("?"), call("a", "weather", paris), user("never mind")),
	"T61 ends with a call":            chat("m", user("?"), call("a", "weather", paris)),
	"T63 tool names":                  with(plain("m", "?"), "tools", `[{"type":"function","function":{"name":"a.b"}},{"type":"function","function":{"name":"a/b"}},{"type":"function","function":{"name":"a b"}}]`),
	"T68 difficult answer schema":     with(plain("m", "?"), "response_format", `{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":`+difficult+`}}`),
	"T70 no parallel calls":           with(with(chat("m", user("?")), "parallel_tool_calls", "false"), "tool_choice", `"none"`),
	"forced tool":                     with(chat("m", user("?")), "tool_choice", `"required"`),
	"forced tool and effort":          with(thinkingChat("m", user("?")), "tool_choice", `{"type":"function","function":{"name":"clock"}}`),
	"schema and tools":                with(chat("m", user("?")), "response_format", `{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"a":{"type":"string"}}}}}`),
	"json mode and tools":             with(chat("m", user("?")), "response_format", `{"type":"json_object"}`),
	"choice without tools":            with(with(plain("m", "?"), "tool_choice", `"auto"`), "parallel_tool_calls", "true"),
	"empty contents":                  plainMessages(`{"role":"system","content":""}`, `{"role":"user","content":""}`, `{"role":"assistant","content":null}`, `{"role":"assistant","content":[]}`, `{"role":"user","content":[]}`, `{"role":"user","content":" "}`),
	"empty tool lists":                plainMessages(user("?"), `{"role":"assistant","content":"a","tool_calls":null}`, user("?"), `{"role":"assistant","content":"b","tool_calls":[]}`, user("!")),
	"empty result":                    chat("m", user("?"), call("a", "weather", paris), result("a", "")),
	"odd ids":                         chat("m", user("?"), call("c.1/x:y", "weather", paris), result("c.1/x:y", "sun")),
	"the same id again":               chat("m", user("?"), call("call_0", "weather", paris), result("call_0", "sun"), call("call_0", "clock", "{}"), result("call_0", "noon")),
	"identical calls":                 chat("m", user("?"), `{"role":"assistant","content":null,"tool_calls":[`+toolCall("a", "clock", "{}")+","+toolCall("b", "clock", "{}")+`]}`, result("b", "1"), result("a", "2")),
	"users in a row":                  plainMessages(user("a"), user("b"), `{"role":"assistant","content":"c"}`, `{"role":"assistant","content":"d"}`, user("e")),
	"assistant first":                 plainMessages(`{"role":"assistant","content":"hello"}`, user("a")),
	"call first":                      chat("m", call("a", "weather", paris), result("a", "sun")),
	"system alone":                    plainMessages(`{"role":"system","content":"say hello"}`),
	"no messages":                     `{"model":"m","messages":[]}`,
	"history of tools without tools":  plainMessages(user("?"), call("a", "weather", paris), result("a", "sun")),
	"text beside calls":               chat("m", user("?"), with(call("a", "weather", paris), "content", `"let me see"`), result("a", "sun"), `{"role":"assistant","content":"sun"}`, user("thanks")),
	"unknown part":                    plainMessages(`{"role":"user","content":[{"type":"text","text":"a"},{"type":"hologram","hologram":1}]}`),
	"image in a message and a result": chat("m", `{"role":"user","content":[{"type":"text","text":"a"},`+pixel+`]}`, call("a", "weather", paris), `{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"look"},`+pixel+`]}`),
	"deprecated functions":            with(plain("m", "?"), "functions", `[{"name":"f","parameters":{"type":"object","properties":{}}}]`),
	"deprecated function messages":    plainMessages(user("?"), `{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}`, `{"role":"function","name":"f","content":"x"}`),
	"every sampling parameter": `{"model":"m","messages":[` + user("?") + `],"temperature":1.7,"top_p":0.5,"top_k":3,"seed":1,"n":1,"logprobs":true,"top_logprobs":2,"presence_penalty":1,
 "frequency_penalty":1,"logit_bias":{"1":2},"user":"me@example.org","metadata":{"a":"b"},"store":true,"service_tier":"auto","verbosity":"low","safety_identifier":"x","prompt_cache_key":"k","made_up":1}`,
	"foreign state everywhere": chat("m", user("?"), with(with(with(call("a", "weather", paris), "thinking_blocks", `[{"type":"thinking","thinking":"x","signature":"gemini:abc"},{"type":"redacted_thinking","data":""}]`),
		"reasoning_content", `"x"`), "provider_specific_fields", `{"thought_signatures":["zzz"]}`), result("a", "sun")),
	"several stops": with(plain("m", "?"), "stop", `["a"," ","b","c"]`),
}

const (
	pixel     = `{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="}}`
	difficult = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"T","required":["node","gone"],"properties":{
 "node":{"$ref":"#/$defs/node","description":"d"},"n":{"type":["string","null"]},"m":{"anyOf":[{"type":"integer","minimum":1},{"type":"null"}]},"o":{"oneOf":[{"type":"string"},{"type":"number"}]},
 "e":{"type":"integer","enum":[1,2]},"s":{"type":"string","enum":["","a"]},"c":{"const":"x"},"u":{"type":"string","format":"uuid","pattern":"^a","minLength":1},"l":{"type":"array"},"i":{"type":"array","items":{}},
 "a":{"allOf":[{"type":"object","properties":{"z":{"type":"boolean"}}}]},"b":{"type":"boolean","enum":[true]},"free":{"type":"object"},"map":{"type":"object","additionalProperties":{"type":"string"}},"t":{"type":"object","properties":{},"required":null}},
 "$defs":{"node":{"type":"object","properties":{"v":{"type":"string","exclusiveMinimum":3},"next":{"$ref":"#/$defs/node"}},"additionalProperties":false}}}`
)

var twoCalls = `{"role":"assistant","content":null,"tool_calls":[` + toolCall("a", "weather", paris) + "," + toolCall("b", "clock", "{}") + `]}`

func plainMessages(messages ...string) string {
	return `{"model":"m","messages":[` + strings.Join(messages, ",") + `]}`
}

func TestMessyRequestsAreAnsweredByEveryTranslatedFamily(t *testing.T) {
	for _, model := range []string{
		"gemini/gemini-3.1-pro-preview", "gemini/gemini-3.6-flash", "gemini/gemini-2.5-pro", "gemini/gemini-2.5-flash",
		sonnet, opus, "anthropic/claude-haiku-4-5-20251001", "anthropic/claude-opus-4-7",
	} {
		t.Run(model, func(t *testing.T) {
			f := testkit.NewGemini(t)
			if strings.HasPrefix(model, "anthropic/") {
				f = testkit.NewAnthropic(t)
			}
			g := start(t, modelList(noRetries+"\nlitellm_settings: {drop_params: true}", deployment("m", model, f)))
			for name, body := range messy {
				t.Run(name, func(t *testing.T) {
					g.t = t
					f.Forget()
					r := g.post(body)
					if r.status != 200 || r.get("choices.#").Int() == 0 {
						t.Fatalf("%d %s\nupstream: %s", r.status, r.body, last(f))
					}
					unrefused(t, f)
					g.post(streamed(body)).assembled()
				})
			}
			g.t = t
		})
	}
}

func last(f *testkit.Fake) string {
	all := f.Requests()
	if len(all) == 0 {
		return "never asked"
	}
	return string(all[len(all)-1].Body)
}

func TestT63SanitisedToolNamesComeBackAsTheyWere(t *testing.T) {
	f := testkit.NewAnthropic(t, testkit.WithScript(func(turn *testkit.Turn) testkit.Reply {
		return testkit.Reply{Calls: []testkit.Call{{Name: turn.Tools[0].Name}, {Name: turn.Tools[1].Name, Args: `{"a":1}`}}}
	}))
	g := start(t, modelList(noRetries, deployment("m", sonnet, f)))
	body := with(plain("m", "?"), "tools", `[{"type":"function","function":{"name":"a.b"}},{"type":"function","function":{"name":"a/b"}}]`)
	for _, r := range []reply{g.post(body).ok(), g.post(streamed(body)).assembled()} {
		calls := r.get("choices.0.message.tool_calls").Array()
		if len(calls) != 2 || calls[0].Get("function.name").String() != "a.b" || calls[1].Get("function.name").String() != "a/b" || calls[0].Get("function.arguments").String() != "{}" {
			t.Errorf("calls %s", r.body)
		}
	}
	unrefused(t, f)
}

func TestT76StateOfOthersNeverReachesOpenAI(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	id := "call_1__thought__" + testkit.NewGemini(t).Signature()
	m := call(id, "weather", paris)
	for path, raw := range map[string]string{
		"reasoning_content": `"x"`, "thinking_blocks": `[{"type":"thinking","thinking":"x","signature":"y"}]`, "provider_specific_fields": `{"a":1}`,
		"extra_content": `{"google":{}}`, "reasoning_details": `[]`, "images": `[]`, "tool_calls.0.index": "0",
		"tool_calls.0.provider_specific_fields": `{"thought_signature":"x"}`, "tool_calls.0.extra_content": `{}`, "tool_calls.0.function.provider_specific_fields": `{}`,
	} {
		m = with(m, path, raw)
	}
	for _, body := range []string{chat("m", user("?"), m, result(id, "sun")), streamed(chat("m", user("?"), m, result(id, "sun")))} {
		if r := g.post(body); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	unrefused(t, f)
}

func TestT64LaterSystemMessagesStayInPlace(t *testing.T) {
	body := plainMessages(`{"role":"system","content":"first"}`, user("a"), `{"role":"assistant","content":"b"}`, user("c"), `{"role":"system","content":"later rule"}`)
	for _, model := range []string{"gemini/gemini-3.1-pro-preview", sonnet, opus} {
		f := testkit.NewGemini(t)
		if strings.HasPrefix(model, "anthropic/") {
			f = testkit.NewAnthropic(t)
		}
		start(t, modelList(noRetries, deployment("m", model, f))).post(body).ok()
		sent := gjson.ParseBytes(f.Last(t).Body)
		if strings.Contains(sent.Get("system").Raw+sent.Get("systemInstruction").Raw, "later rule") || !strings.Contains(sent.Raw, "later rule") {
			t.Errorf("%s: %s", model, sent.Raw)
		}
		unrefused(t, f)
	}
}
