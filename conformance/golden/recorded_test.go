package golden

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
)

type testData struct {
	pack  []*Vector
	rules []Rule
	err   error
}

// readTestData reads the data once; nothing changes it.
var readTestData = sync.OnceValue(func() (d testData) {
	z, err := openGzip("../testdata/golden-public.jsonl.gz")
	if err != nil {
		return testData{err: err}
	}
	rules, err := os.ReadFile("../testdata/better.jsonl")
	if err != nil {
		return testData{err: err}
	}
	if d.rules, d.err = ReadRules(bytes.NewReader(rules)); d.err != nil {
		return d
	}
	d.pack, d.err = ReadPack(z)
	return d
})

func openGzip(path string) (io.Reader, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return gzip.NewReader(bytes.NewReader(b))
}

func readTestPack(t testing.TB) ([]*Vector, []Rule) {
	t.Helper()
	d := readTestData()
	if d.err != nil {
		t.Fatal(d.err)
	}
	return d.pack, d.rules
}

func vectorNamed(t testing.TB, pack []*Vector, name string) *Vector {
	t.Helper()
	for _, v := range pack {
		if v.Case == name {
			return v
		}
	}
	t.Fatalf("no vector is named %s", name)
	return nil
}

// recorded gives back what LiteLLM itself sent upstream and answered.
func recorded(v *Vector) ([]Call, Answer) {
	var calls []Call
	for _, u := range v.Upstream {
		if u.Request.Path != "/img.png" {
			calls = append(calls, u.Request)
		}
	}
	return calls, v.Response
}

func TestLiteLLMPassesItsOwnRecordingWhereNoStricterRuleStands(t *testing.T) {
	pack, rules := readTestPack(t)
	strict := 0
	for _, v := range pack {
		calls, answer := recorded(v)
		r := Evaluate(v, calls, answer, rules)
		if r.Must {
			strict++
		}
		if !r.Passed() && !r.Must && v.Case != "bad_api_base_in_body" {
			t.Errorf("%s: %v %v", v.Case, r.Request, r.Response)
		}
	}
	if strict != 40 {
		t.Errorf("%d cases have a rule stricter than LiteLLM, want 40", strict)
	}
}

// edit replaces the first occurrence of old in what was recorded, which must be there.
func edit(t *testing.T, body json.RawMessage, old, replacement string) json.RawMessage {
	t.Helper()
	if !strings.Contains(string(body), old) {
		t.Fatalf("%s is not in %s", old, body)
	}
	return json.RawMessage(strings.Replace(string(body), old, replacement, 1))
}

func TestChangedRequestIsFound(t *testing.T) {
	pack, rules := readTestPack(t)
	for _, c := range []struct{ name, old, replacement, pointer string }{
		{"chat_gpt_plain", `"gpt-4o`, `"gpt-5o`, "/upstream/0/body/model"},
		{"chat_gpt_tools", `get_weather`, `get_wether`, "/upstream/0/body/tools/0/function/name"},
		{"chat_claude_plain", `"max_tokens":`, `"max_tokens": 1, "x":`, "/upstream/0/body/max_tokens"},
		{"chat_gem3_tools", `"function_declarations"`, `"function_declaration"`, "/upstream/0/body/tools/0/functionDeclarations"},
		{"chat_gem3_tools", `"type":"object"`, `"type":"array"`, "/upstream/0/body/tools/0/functionDeclarations/0/parameters/type"},
		{"sig_gem3_back_full", `"thoughtSignature":"`, `"thoughtSignature":"x`, "/upstream/0/…functionCall[0]/thoughtSignature"},
		{"sig_gem25_back_plain_openai", `"function_call"`, `"thoughtSignature":"c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=","function_call"`, "/upstream/0/…/thoughtSignature"},
		{"chat_ds_tools_stream", `"stream":true`, `"stream":false`, "/upstream/0/body/stream"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := vectorNamed(t, pack, c.name)
			calls, answer := recorded(v)
			calls[0].Body = edit(t, calls[0].Body, c.old, c.replacement)
			wantPointer(t, Evaluate(v, calls, answer, rules).Request, c.pointer)
		})
	}
}

func wantPointer(t *testing.T, ds []Difference, pointer string) {
	t.Helper()
	for _, d := range ds {
		if d.Pointer == pointer {
			return
		}
	}
	t.Errorf("no difference at %s, only %v", pointer, ds)
}

func TestChangedAnswerIsFound(t *testing.T) {
	pack, rules := readTestPack(t)
	for _, c := range []struct{ name, old, replacement, pointer string }{
		{"chat_gem3_plain", `"content":`, `"contents":`, "/body/choices/0/message/content"},
		{"chat_gem3_tools", `\"city\"`, `\"town\"`, "/body/choices/0/message/tool_calls/0/args/city"},
		{"chat_gpt_plain", `"prompt_tokens":`, `"prompt_tokens":1`, "/body/usage/prompt_tokens"},
		{"chat_gpt_plain", `"finish_reason":"stop"`, `"finish_reason":"length"`, "/body/choices/0/finish_reason"},
		{"err_gpt_err429", `"throttling_error"`, `"other_error"`, "/type"},
		{"info_nokey_v1_models", `"id":"gpt"`, `"id":"gtp"`, "/body/models/"},
		{"chat_gpt_stream", `data: [DONE]`, ``, "rule: [DONE] is the last event"},
		{"chat_gpt_stream", `\"role\":`, `\"rule\":`, "rule: first chunk of each choice has role assistant"},
		{"chat_claude_tools_stream", `\"tool_calls\":[{`, `\"tool_calls\":[{\"index\":7},{`, "rule: tool_call index dense from 0"},
		{"chat_gem25_stream", `\"chat.completion.chunk\"`, `\"chunk\"`, "rule: object is chat.completion.chunk"},
		{"messages_claude_stream", `event: message_start`, `event: start`, "rule: event name equals data.type"},
		{"responses_gpt_stream", `\"sequence_number\":1`, `\"sequence_number\":5`, "rule: sequence_number 0,1,2…"},
	} {
		t.Run(c.name+" "+c.pointer, func(t *testing.T) {
			v := vectorNamed(t, pack, c.name)
			calls, answer := recorded(v)
			answer.Body = edit(t, answer.Body, c.old, c.replacement)
			for _, d := range Evaluate(v, calls, answer, rules).Response {
				if strings.HasPrefix(d.Pointer, c.pointer) {
					return
				}
			}
			t.Errorf("no difference at %s: %v", c.pointer, Evaluate(v, calls, answer, rules).Response)
		})
	}
}

func TestForeignCredentialUpstreamIsFound(t *testing.T) {
	pack, rules := readTestPack(t)
	v := vectorNamed(t, pack, "chat_claude_plain")
	calls, answer := recorded(v)
	calls[0].Headers = map[string]string{"x-api-key": v.Upstream[0].Request.Headers["x-api-key"], "authorization": "Bearer sk-client"}
	wantPointer(t, Evaluate(v, calls, answer, rules).Request, "/upstream/0/auth/authorization")
}

func TestMissingUpstreamCallIsFound(t *testing.T) {
	pack, rules := readTestPack(t)
	v := vectorNamed(t, pack, "chat_claude_plain")
	wantPointer(t, Evaluate(v, nil, v.Response, rules).Request, "/upstream/length")
}

func TestSecretInErrorIsNeverForgiven(t *testing.T) {
	pack, rules := readTestPack(t)
	v := vectorNamed(t, pack, "bad_badrole")
	answer := Answer{Status: 400, Body: json.RawMessage(`{"error":{"message":"no: sk-fake-openai","type":"invalid_request_error","param":null,"code":"400"}}`)}
	wantPointer(t, Evaluate(v, nil, answer, rules).Response, "/body")
}

func TestAnotherWayToSayTheSameIsEqual(t *testing.T) {
	for _, c := range []struct{ name, path, a, b string }{
		{"snake case", "/m:generateContent", `{"system_instruction":{"parts":[{"text":"s"}]}}`, `{"systemInstruction":{"role":"user","parts":[{"text":"s"}]}}`},
		{"null", "/chat/completions", `{"user":null}`, `{}`},
		{"string content", "/chat/completions", `{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}`, `{"messages":[{"role":"user","content":"a"}]}`},
		{
			"minted ids", "/v1/messages", `{"messages":[{"content":[{"type":"tool_use","id":"a"}]},{"content":[{"type":"tool_result","tool_use_id":"a"}]}]}`,
			`{"messages":[{"content":[{"type":"tool_use","id":"b"}]},{"content":[{"type":"tool_result","tool_use_id":"b"}]}]}`,
		},
		{
			"JSON Schema for Gemini", "/m:generateContent",
			`{"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}}]}]}`,
			`{"tools":[{"function_declarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}}]}]}`,
		},
		{"arguments", "/chat/completions", `{"messages":[{"tool_calls":[{"id":"a","function":{"arguments":""}}]}]}`, `{"messages":[{"tool_calls":[{"id":"a","function":{"arguments":"{ }"}}]}]}`},
		{"output format", "/v1/messages", `{"output_format":{"type":"json_schema"}}`, `{"output_config":{"format":{"type":"json_schema"}}}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := canonicalBody(formatOf(c.path), c.path, json.RawMessage(c.a))
			b := canonicalBody(formatOf(c.path), c.path, json.RawMessage(c.b))
			if d := diff(a, b, ""); len(d) > 0 {
				t.Error(d)
			}
		})
	}
}

func TestUserDataIsNotTakenForGeminiKeys(t *testing.T) {
	body := func(key string) any {
		return canonicalGemini(tree([]byte(`{"contents":[{"parts":[{"functionCall":{"name":"f","args":{"` + key + `":1}}}]}]}`)))
	}
	if equal(body("big_city"), body("bigCity")) {
		t.Error("arguments big_city and bigCity count as equal")
	}
}

func TestBigIntegersAreComparedExactly(t *testing.T) {
	if equal(tree([]byte(`9007199254740993`)), tree([]byte(`9007199254740992`))) {
		t.Error("two different integers beyond 2^53 count as equal")
	}
	if !equal(tree([]byte(`1`)), tree([]byte(`1.0`))) {
		t.Error("1 and 1.0 differ")
	}
}
