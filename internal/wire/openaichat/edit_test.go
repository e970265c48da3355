package openaichat

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// rawValue is a value of a body under test.
type rawValue = rawjson.Value

func raw(s string) rawValue { return rawValue(s) }

func TestPassedBodyChangesOnlyTheModel(t *testing.T) {
	body := `{"zeta": {"b":1,"a":[ 1 , 2 ]},"model":"smart","messages":[{"role":"user","content":"h\u00e9 \/","x":null}],"seed":12345678901234567890123,"temperature":0.10,"unknown":null,"tools":[{"type":"function","function":{"name":"f"}}]}`
	c := encode(t, body, openAITarget())
	if want := strings.Replace(body, `"smart"`, `"gpt-4o"`, 1); string(c.Whole()) != want {
		t.Errorf("got  %s\nwant %s", c.Whole(), want)
	}
	if !c.Native || c.Path != "/chat/completions" || len(c.Dropped) != 0 {
		t.Errorf("call = %+v", c)
	}
}

func TestGatewayOnlyKeysNeverGoUpstream(t *testing.T) {
	c := encode(t, `{"model":"a","messages":[],"metadata":{"x":1},"api_key":"k","drop_params":true,"tags":[],"num_retries":3,
		"extra_body":{"top_k":5,"metadata":1},"litellm_metadata":{},"cache":{},"user":"u"}`, openAITarget())
	sameJSON(t, c.Whole(), `{"model":"gpt-4o","messages":[],"top_k":5,"user":"u"}`)
}

func TestMissingModelIsAdded(t *testing.T) {
	sameJSON(t, encode(t, `{"messages":[]}`, openAITarget()).Body, `{"messages":[],"model":"gpt-4o"}`)
}

func TestStreamAsksForUsageAndKeepsTheClientsOptions(t *testing.T) {
	custom := openAITarget()
	custom.Base = "http://localhost:8000/v1"
	silent := plainTarget()
	silent.Quirks = &wire.Quirks{NoStreamUsage: true}
	tests := []struct {
		name, body, want string
		target           *wire.Target
	}{
		{"none", `{"messages":[],"stream":true}`, `{"include_usage":true,"include_obfuscation":false}`, openAITarget()},
		{"other server", `{"messages":[],"stream":true}`, `{"include_usage":true}`, custom},
		{"client refuses", `{"messages":[],"stream":true,"stream_options":{"include_usage":false,"x":1}}`, `{"include_usage":true,"x":1}`, plainTarget()},
		{"client pads", `{"messages":[],"stream":true,"stream_options":{"include_obfuscation":true}}`, `{"include_usage":true,"include_obfuscation":true}`, openAITarget()},
		{"null", `{"messages":[],"stream":true,"stream_options":null}`, `{"include_usage":true}`, plainTarget()},
		{"not understood", `{"messages":[],"stream":true,"stream_options":{"include_usage":true}}`, `null`, silent},
		{"no stream", `{"messages":[]}`, `null`, openAITarget()},
	}
	for _, tc := range tests {
		t.Run(tc.name, func(t *testing.T) {
			got := raw(string(encode(t, tc.body, tc.target).Body)).Get("stream_options")
			if got == nil {
				got = raw("null")
			}
			sameJSON(t, got, tc.want)
		})
	}
}

func TestUnsupportedParametersFollowThePolicy(t *testing.T) {
	body := `{"messages":[],"verbosity":"low","reasoning_effort":"low","thinking":{"type":"enabled"}}`
	if e := encodeError(t, body, openAITarget()); e.Status != 400 || e.Kind != llm.KindUnsupportedParams || !strings.Contains(e.Message, "verbosity") {
		t.Errorf("error = %+v", e)
	}
	drop := openAITarget()
	drop.Policy.Drop = true
	c := encode(t, body, drop)
	sameJSON(t, c.Whole(), `{"messages":[],"model":"gpt-4o"}`)
	if len(c.Dropped) != 3 {
		t.Errorf("dropped = %+v", c.Dropped)
	}
	allow := openAITarget()
	allow.Policy = wire.Policy{Drop: true, Allow: []string{"verbosity"}}
	sameJSON(t, encode(t, body, allow).Body, `{"messages":[],"model":"gpt-4o","verbosity":"low"}`)
}

func TestAdditionalDropParamsTakePaths(t *testing.T) {
	target := openAITarget()
	target.Policy.Also = []string{"seed", "tools[*].function.strict", "nothing.here", "response_format"}
	c := encode(t, `{"messages":[],"seed":1,"tools":[{"type":"function","function":{"name":"f","strict":true}}]}`, target)
	sameJSON(t, c.Whole(), `{"messages":[],"model":"gpt-4o","tools":[{"type":"function","function":{"name":"f"}}]}`)
	if len(c.Dropped) != 2 {
		t.Errorf("dropped = %+v", c.Dropped)
	}
}

func TestDefaultsAndExtraBodyAreAdded(t *testing.T) {
	target := openAITarget()
	target.Defaults = []llm.Param{{Name: "temperature", Value: raw("0.1")}, {Name: "seed", Value: raw("7")}}
	target.ExtraBody = []llm.Param{{Name: "top_k", Value: raw("9")}, {Name: "user", Value: raw(`"fixed"`)}}
	c := encode(t, `{"messages":[],"temperature":0.9,"user":"me","seed":null}`, target)
	sameJSON(t, c.Whole(), `{"messages":[],"model":"gpt-4o","temperature":0.9,"seed":7,"top_k":9,"user":"fixed"}`)
}

func TestOpenAIModelsGetTheParametersTheyTake(t *testing.T) {
	tests := []struct {
		model, body, want string
		refused           bool // without drop_params
	}{
		{"gpt-4o", `"max_tokens":5,"stop":"x"`, `"max_tokens":5,"stop":"x"`, false},
		{"gpt-5.2", `"max_tokens":5`, `"max_completion_tokens":5`, false},
		{"o3", `"max_tokens":5,"max_completion_tokens":6`, `"max_completion_tokens":6`, false},
		{"gpt-5", `"stop":"x"`, ``, true},
		{"gpt-5", `"temperature":0.2`, ``, true},
		{"gpt-5", `"temperature":1`, `"temperature":1`, false},
		{"gpt-5.2", `"temperature":0.2`, `"temperature":0.2`, false},
		{"gpt-5.2", `"temperature":0.2,"reasoning_effort":"high"`, `"reasoning_effort":"high"`, true},
		{"gpt-5.2", `"top_p":0.2,"reasoning_effort":"none"`, `"top_p":0.2,"reasoning_effort":"none"`, false},
		{"gpt-5.2", `"reasoning_effort":"xhigh","verbosity":"low"`, `"reasoning_effort":"xhigh","verbosity":"low"`, false},
		{"gpt-5", `"reasoning_effort":"xhigh"`, ``, true},
		{"gpt-5", `"reasoning_effort":{"effort":"low","summary":"auto"}`, `"reasoning_effort":"low"`, false},
		{"gpt-5", `"reasoning_effort":"default"`, ``, false},
		{"gpt-5", `"thinking":{"type":"enabled"}`, ``, true},
		{"o3", `"top_p":0.5`, ``, true},
		{"o3", `"reasoning_effort":"high"`, `"reasoning_effort":"high"`, false},
		{"my-own-model", `"reasoning_effort":"high","thinking":{"type":"enabled"},"temperature":0`, `"reasoning_effort":"high","thinking":{"type":"enabled"},"temperature":0`, false},
	}
	for _, tc := range tests {
		target := openAITarget()
		target.Model = tc.model
		target.Info, _ = catalog.Lookup("openai", tc.model)
		body := `{"messages":[],` + tc.body + `}`
		_, err := Wire{}.Encode(decode(t, body), target)
		if (err != nil) != tc.refused {
			t.Errorf("%s %s: refused = %v", tc.model, tc.body, err)
		}
		target.Policy.Drop = true
		want := `{"messages":[],"model":"` + tc.model + `"`
		if tc.want != "" {
			want += "," + tc.want
		}
		sameJSON(t, encode(t, body, target).Body, want+"}")
	}
}

func TestQuirksRenameMapAndClampParameters(t *testing.T) {
	target := &wire.Target{Provider: "mistral", Model: "m", Quirks: &wire.Quirks{
		Rename: map[string]string{"max_completion_tokens": "max_tokens", "seed": "random_seed"},
		Values: map[string]string{"tool_choice=required": "any"}, MaxTemperature: 1, StoreFalse: true,
		Remove: []string{"logit_bias"}, Headers: map[string]string{"X-Title": "t"}, ModelPrefix: "accounts/",
	}}
	c := encode(t, `{"messages":[],"max_completion_tokens":5,"seed":3,"tool_choice":"required","temperature":1.7}`, target)
	sameJSON(t, c.Whole(), `{"messages":[],"model":"accounts/m","max_tokens":5,"random_seed":3,"tool_choice":"any","temperature":1,"store":false}`)
	if c.Header.Get("X-Title") != "t" {
		t.Errorf("header = %v", c.Header)
	}
	if e := encodeError(t, `{"messages":[],"logit_bias":{"1":2}}`, target); e.Status != 400 {
		t.Errorf("logit_bias: %+v", e)
	}
}

func TestEffortBecomesTheProvidersSwitch(t *testing.T) {
	tests := []struct{ style, body, want string }{
		{"deepseek", `"reasoning_effort":"low"`, `"reasoning_effort":"low","thinking":{"type":"enabled"}`},
		{"deepseek", `"reasoning_effort":"none"`, `"thinking":{"type":"disabled"}`},
		{"deepseek", `"reasoning_effort":"disable"`, `"thinking":{"type":"disabled"}`},
		{"deepseek", `"thinking":{"type":"enabled","budget_tokens":2048}`, `"thinking":{"type":"enabled"}`},
		{"deepseek", `"thinking":{"type":"disabled"},"reasoning_effort":"high"`, `"thinking":{"type":"disabled"}`},
		{"dashscope", `"reasoning_effort":"high"`, `"enable_thinking":true`},
		{"dashscope", `"reasoning_effort":"none"`, `"enable_thinking":false`},
		{"dashscope", `"thinking":{"type":"enabled","budget_tokens":99}`, `"enable_thinking":true,"thinking_budget":99`},
		{"dashscope", `"reasoning_effort":"none","enable_thinking":true`, `"enable_thinking":true`},
		{"zai", `"reasoning_effort":"high"`, `"thinking":{"type":"enabled"}`},
		{"zai", `"thinking":{"type":"enabled","clear_thinking":false}`, `"thinking":{"type":"enabled","clear_thinking":false}`},
		{"volcengine", `"thinking":{"type":"auto"}`, `"thinking":{"type":"auto"}`},
	}
	for _, tc := range tests {
		target := &wire.Target{Provider: "p", Model: "m", Quirks: &wire.Quirks{EffortToThinking: tc.style}}
		sameJSON(t, encode(t, `{"messages":[],`+tc.body+`}`, target).Body, `{"messages":[],"model":"m",`+tc.want+`}`)
	}
}

func TestForeignFieldsAreStrippedFromHistory(t *testing.T) {
	id := "call_1__thought__ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUtMDAwMQ=="
	c := encode(t, `{"messages":[{"role":"user","content":"hi","name":"bob"},
		{"role":"assistant","content":null,"annotations":[],"images":[],"thinking_blocks":[{"type":"thinking","thinking":"t","signature":"s"}],
		 "reasoning_content":"r","reasoning_details":[],"provider_specific_fields":{"a":1},"extra_content":{"google":{}},
		 "tool_calls":[{"index":0,"id":"`+id+`","type":"function","provider_specific_fields":{"thought_signature":"x"},
		   "extra_content":{},"function":{"name":"f","arguments":"{}","provider_specific_fields":{}}}]},
		{"role":"tool","tool_call_id":"`+id+`","content":"20"},
		{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"ok"}]}]}`, openAITarget())
	sameJSON(t, messagesOf(c), `[{"role":"user","content":"hi","name":"bob"},
		{"role":"assistant","content":null,"annotations":[],"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"call_1","content":"20"},
		{"role":"assistant","content":[{"type":"text","text":"ok"}]}]`)
}

func TestArgumentsThatAreNotTextBecomeText(t *testing.T) {
	c := encode(t, `{"messages":[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":{"x":1}}},
		{"id":"b","type":"function","function":{"name":"g","arguments":null}}]}]}`, openAITarget())
	sameJSON(t, messagesOf(c), `[{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},
		{"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}]`)
}

func TestLongToolIDsAreShortenedAlikeOnCallAndResult(t *testing.T) {
	long := strings.Repeat("toolu_0123456789", 4)
	c := encode(t, `{"messages":[{"role":"assistant","tool_calls":[{"id":"`+long+`","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"`+long+`","content":"x"}]}`, openAITarget())
	m := raw(string(messagesOf(c)))
	call := m.First().Get("tool_calls").First().Get("id").Text()
	var result string
	for _, e := range m.Elems() {
		if id := e.Get("tool_call_id").Text(); id != "" {
			result = id
		}
	}
	if call != result || len(call) > 40 || !strings.HasPrefix(call, "call_") {
		t.Errorf("call %q, result %q", call, result)
	}
}

func TestCacheControlIsKeptOnlyWhereItIsUnderstood(t *testing.T) {
	body := `{"messages":[{"role":"user","cache_control":{"type":"ephemeral"},"content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]}`
	sameJSON(t, messagesOf(encode(t, body, plainTarget())), `[{"role":"user","content":[{"type":"text","text":"a"}]}]`)
	keep := plainTarget()
	keep.Quirks = &wire.Quirks{KeepCacheControl: true}
	sameJSON(t, messagesOf(encode(t, body, keep)), `[{"role":"user","cache_control":{"type":"ephemeral"},"content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}}]}]`)
}

func TestImageAddressAsTextBecomesAnObject(t *testing.T) {
	c := encode(t, `{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"https://x/y.png"}]}]}`, openAITarget())
	sameJSON(t, messagesOf(c), `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}}]}]`)
}

func TestUntouchedMessagesAreCopiedByteForByte(t *testing.T) {
	odd := `{"role":"user" , "content":"\u00e9\/" , "weird" : [1.0, 2e3]}`
	c := encode(t, `{"messages":[`+odd+`,{"role":"assistant","content":"x","thinking_blocks":[]},`+odd+`]}`, openAITarget())
	want := `[` + odd + `,{"role":"assistant","content":"x"},` + odd + `]`
	if got := string(messagesOf(c)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// TestLongMembersAreNotCopied: a long prompt goes upstream as the client's own bytes,
// wherever the members stand.
func TestLongMembersAreNotCopied(t *testing.T) {
	messages := `[{"role":"user","content":"` + strings.Repeat("x", longMember) + `"}]`
	tools := `[{"type":"function","function":{"name":"f","description":"` + strings.Repeat("y", longMember) + `"}}]`
	for _, body := range []string{
		`{"model":"smart","messages":` + messages + `,"tools":` + tools + `}`,
		`{ "messages" : ` + messages + ` , "model" : "smart" , "seed":1}`,
		`{"tools":` + tools + `,"metadata":{},"messages":` + messages + `,"temperature":0.5,"model":"smart"}`,
	} {
		req := decode(t, body)
		c, err := Wire{}.Encode(req, openAITarget())
		if err != nil {
			t.Fatal(err)
		}
		want := strings.Replace(strings.Replace(body, `"smart"`, `"gpt-4o"`, 1), `"metadata":{},`, "", 1)
		sameJSON(t, c.Whole(), want)
		if len(c.Rest) == 0 || len(c.Body) >= longMember {
			t.Fatalf("%d bytes in one piece", len(c.Body))
		}
		shared := 0
		for _, p := range c.Rest {
			if at := bytes.Index(req.Body, p); len(p) > longMember && at >= 0 && &req.Body[at] == &p[0] {
				shared += len(p)
			}
		}
		if shared < longMember {
			t.Errorf("%.60s: only %d bytes are the client's own", body, shared)
		}
	}
}

func TestPathsAreDroppedFromLongMembersToo(t *testing.T) {
	target := openAITarget()
	target.Policy.Also = []string{"messages[*].name"}
	c := encode(t, `{"model":"smart","messages":[{"role":"user","name":"bob","content":"`+strings.Repeat("x", longMember)+`"}]}`, target)
	if strings.Contains(string(c.Whole()), "bob") || len(c.Rest) != 0 {
		t.Errorf("%d pieces: %.80s", len(c.Rest), c.Whole())
	}
}
