package gemini

import (
	"errors"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func withParams(params ...llm.Param) *llm.Request {
	req := request(user("hi"))
	req.Params = params
	return req
}

// refuse expects Encode to fail with a client's mistake.
func refuse(t *testing.T, req *llm.Request, to *wire.Target) *llm.Error {
	t.Helper()
	_, err := Wire{}.Encode(req, to)
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 400 {
		t.Fatalf("Encode = %v, want an error with status 400", err)
	}
	return e
}

func TestParametersHaveTheirPlaceInGenerationConfig(t *testing.T) {
	for _, tc := range []struct{ name, value, want string }{
		{"temperature", "0.5", `{"temperature":0.5}`},
		{"top_p", "0.9", `{"topP":0.9}`},
		{"top_k", "5", `{"topK":5}`},
		{"max_tokens", "10", `{"maxOutputTokens":10}`},
		{"max_completion_tokens", "10", `{"maxOutputTokens":10}`},
		{"n", "2", `{"candidateCount":2}`},
		{"seed", "7", `{"seed":7}`},
		{"presence_penalty", "0.5", `{"presencePenalty":0.5}`},
		{"frequency_penalty", "0.5", `{"frequencyPenalty":0.5}`},
		{"stop", `"END"`, `{"stopSequences":["END"]}`},
		{"stop", `["a","b"]`, `{"stopSequences":["a","b"]}`},
		{"logprobs", "true", `{"responseLogprobs":true}`},
		{"modalities", `["text","image"]`, `{"responseModalities":["TEXT","IMAGE"]}`},
		{"image_config", `{"aspectRatio":"1:1"}`, `{"imageConfig":{"aspectRatio":"1:1"}}`},
		{"response_format", `{"type":"json_object"}`, `{"responseMimeType":"application/json"}`},
	} {
		same(t, at(t, encode(t, withParams(param(tc.name, tc.value)), target(g25)), "generationConfig"), tc.want)
	}
}

func TestParametersThatSayNothingSendNothing(t *testing.T) {
	c := encode(t, withParams(param("stop", "[]"), param("logprobs", "false"), param("temperature", "null"), param("user", `"u"`),
		param("parallel_tool_calls", "true"), param("response_format", `{"type":"text"}`), param("reasoning_effort", `"default"`)), target(g25))
	same(t, at(t, c), `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`)
}

func TestTheNewerTokenLimitWins(t *testing.T) {
	c := encode(t, withParams(param("max_completion_tokens", "10"), param("max_tokens", "20")), target(g25))
	same(t, at(t, c, "generationConfig"), `{"maxOutputTokens":10}`)
	c = encode(t, withParams(param("max_tokens", "20"), param("max_completion_tokens", "10")), target(g25))
	same(t, at(t, c, "generationConfig"), `{"maxOutputTokens":10}`)
}

func TestServiceTierAndSafetySettingsStandAtTheTop(t *testing.T) {
	for tier, want := range map[string]string{"auto": "priority", "default": "standard", "Flex": "flex"} {
		c := encode(t, withParams(param("service_tier", `"`+tier+`"`), param("safety_settings", `[{"category":"X"}]`)), target(g25))
		if got := at(t, c, "serviceTier"); got != want {
			t.Errorf("service tier %q = %v", tier, got)
		}
		same(t, at(t, c, "safetySettings"), `[{"category":"X"}]`)
	}
}

func TestMistakesInParametersAreTheClients(t *testing.T) {
	for _, p := range []llm.Param{
		param("temperature", `"hot"`), param("max_tokens", "1.5"), param("n", "true"), param("stop", "5"), param("stop", "[1]"), param("modalities", "[1]"),
		param("response_format", `"json"`), param("response_format", `{"type":"yaml"}`), param("reasoning_effort", `"loads"`), param("reasoning_effort", "5"),
		param("thinking", `"on"`), param("thinking", `{"type":"enabled","budget_tokens":"x"}`),
	} {
		if e := refuse(t, withParams(p), target(g25)); e.Message == "" {
			t.Errorf("%s: no message", p.Name)
		}
	}
}

func TestUnsupportedParametersFollowThePolicy(t *testing.T) {
	for _, name := range []string{"logit_bias", "top_logprobs", "store", "prediction", "audio", "verbosity", "safety_identifier", "prompt_cache_key"} {
		e := refuse(t, withParams(param(name, "1")), target(g25))
		if e.Kind != llm.KindUnsupportedParams {
			t.Errorf("%s: %v", name, e.Kind)
		}
		to := target(g25)
		to.Policy.Drop = true
		c := encode(t, withParams(param(name, "1")), to)
		if !dropped(c, name) || at(t, c, "generationConfig") != nil {
			t.Errorf("%s is not dropped: %s", name, c.Body)
		}
	}
}

func TestParametersAllowedByForceAreReported(t *testing.T) {
	to := target(g25)
	to.Policy.Allow = []string{"verbosity"}
	if c := encode(t, withParams(param("verbosity", `"low"`)), to); !dropped(c, "verbosity") {
		t.Error("not reported")
	}
}

func TestSamplingIsRefusedWhereTheModelKnowsNone(t *testing.T) {
	if e := refuse(t, withParams(param("temperature", "0.2")), target("gemini-3.6-flash")); e.Kind != llm.KindUnsupportedParams {
		t.Errorf("kind = %v", e.Kind)
	}
	to := target("gemini-3.6-flash")
	to.Policy.Drop = true
	if c := encode(t, withParams(param("temperature", "0.2")), to); !dropped(c, "temperature") {
		t.Error("temperature is not dropped")
	}
}

func TestPenaltiesAreDroppedSinceGemini3(t *testing.T) {
	c := encode(t, withParams(param("presence_penalty", "0.5")), target(g3))
	if !dropped(c, "presence_penalty") || at(t, c, "generationConfig") != nil {
		t.Errorf("body = %s", c.Body)
	}
}

func TestReasoningEffortOfEveryCell(t *testing.T) {
	for _, tc := range []struct{ model, effort, want string }{
		{g25, "none", `{"thinkingBudget":0,"includeThoughts":false}`},
		{g25, "disable", `{"thinkingBudget":0,"includeThoughts":false}`},
		{"gemini-2.5-pro", "none", `{"thinkingBudget":128,"includeThoughts":false}`},
		{"gemini-2.5-flash-lite", "none", `{"thinkingBudget":0,"includeThoughts":false}`},
		{g25, "minimal", `{"thinkingBudget":1,"includeThoughts":true}`},
		{"gemini-2.5-pro", "minimal", `{"thinkingBudget":128,"includeThoughts":true}`},
		{"gemini-2.5-flash-lite", "minimal", `{"thinkingBudget":512,"includeThoughts":true}`},
		{g25, "low", `{"thinkingBudget":1024,"includeThoughts":true}`},
		{"gemini-2.5-pro", "medium", `{"thinkingBudget":2048,"includeThoughts":true}`},
		{"gemini-2.5-flash-lite", "high", `{"thinkingBudget":4096,"includeThoughts":true}`},
		{g3, "none", `{"thinkingLevel":"low","includeThoughts":false}`},
		{"gemini-3.5-flash", "none", `{"thinkingLevel":"minimal","includeThoughts":false}`},
		{g3, "minimal", `{"thinkingLevel":"low","includeThoughts":true}`},
		{"gemini-3-flash-preview", "minimal", `{"thinkingLevel":"minimal","includeThoughts":true}`},
		{"gemini-3.7-flash", "minimal", `{"thinkingLevel":"low","includeThoughts":true}`},
		{g3, "medium", `{"thinkingLevel":"medium","includeThoughts":true}`},
		{g3, "high", `{"thinkingLevel":"high","includeThoughts":true}`},
	} {
		c := encode(t, withParams(param("reasoning_effort", `"`+tc.effort+`"`)), target(tc.model))
		same(t, at(t, c, "generationConfig", "thinkingConfig"), tc.want)
		c = encode(t, withParams(param("reasoning_effort", `{"effort":"`+tc.effort+`","summary":"auto"}`)), target(tc.model))
		same(t, at(t, c, "generationConfig", "thinkingConfig"), tc.want)
	}
}

func TestT38_EffortBeyondHighIsClampedAndContradictionsRefused(t *testing.T) {
	c := encode(t, withParams(param("reasoning_effort", `"xhigh"`)), target(g3))
	same(t, at(t, c, "generationConfig", "thinkingConfig"), `{"thinkingLevel":"high","includeThoughts":true}`)
	if !dropped(c, "reasoning_effort") {
		t.Error("the clamp is not reported")
	}
	refuse(t, withParams(param("reasoning_effort", `"low"`), param("thinking", `{"type":"enabled","budget_tokens":2048}`)), target(g3))
	refuse(t, withParams(param("reasoning_effort", `"low"`), param("extra_body", `{"generationConfig":{"thinkingConfig":{"thinkingBudget":5}}}`)), target(g3))
	refuse(t, withParams(param("reasoning_effort", `"low"`), param("thinking_config", `{"thinkingBudget":5}`)), target(g3))
}

func TestThinkingInAnthropicsForm(t *testing.T) {
	for _, tc := range []struct {
		model, thinking, want string
		reported              bool
	}{
		{g25, `{"type":"enabled","budget_tokens":2048}`, `{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":2048}}`, false},
		{g25, `{"type":"enabled","budget_tokens":99999}`, `{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":24576}}`, true},
		{"gemini-2.5-pro", `{"type":"enabled","budget_tokens":1}`, `{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":128}}`, true},
		{"gemini-2.5-pro", `{"type":"enabled","budget_tokens":-1}`, `{"thinkingConfig":{"includeThoughts":true,"thinkingBudget":-1}}`, false},
		{g25, `{"type":"enabled","budget_tokens":0}`, `{"thinkingConfig":{"includeThoughts":false,"thinkingBudget":0}}`, false},
		{g25, `{"type":"adaptive"}`, `{"thinkingConfig":{"includeThoughts":true}}`, false},
		{g25, `{"type":"disabled"}`, `null`, true},
		{g3, `{"type":"enabled","budget_tokens":2048}`, `{"thinkingConfig":{"includeThoughts":true}}`, true},
		{g3, `{"type":"disabled"}`, `{"thinkingConfig":{"includeThoughts":false}}`, false},
	} {
		c := encode(t, withParams(param("thinking", tc.thinking)), target(tc.model))
		same(t, at(t, c, "generationConfig"), tc.want)
		if dropped(c, "thinking") != tc.reported {
			t.Errorf("%s %s: dropped = %v", tc.model, tc.thinking, c.Dropped)
		}
	}
}

func TestReasoningIsUnsupportedWhereTheModelCannotThink(t *testing.T) {
	if e := refuse(t, withParams(param("reasoning_effort", `"low"`)), &wire.Target{Provider: Name, Model: "gemini-2.0-flash"}); e.Kind != llm.KindUnsupportedParams {
		t.Errorf("kind = %v", e.Kind)
	}
}

func TestSpeechModelsTakeAVoice(t *testing.T) {
	to := target("gemini-2.5-pro-preview-tts")
	c := encode(t, withParams(param("audio", `{"voice":"Kore","format":"pcm16"}`), param("modalities", `["audio"]`)), to)
	same(t, at(t, c, "generationConfig"), `{"speechConfig":{"voiceConfig":{"prebuiltVoiceConfig":{"voiceName":"Kore"}}},"responseModalities":["AUDIO"]}`)
	refuse(t, withParams(param("audio", `{}`)), to)
}

func TestExtraBodyIsMergedLast(t *testing.T) {
	to := target(g25)
	to.ExtraBody = []llm.Param{param("labels", `{"a_b":"1"}`), param("generation_config", `{"top_k":3}`)}
	c := encode(t, withParams(param("temperature", "0.5"), param("extra_body", `{"top_k":5,"generationConfig":{"temperature":1,"thinking_config":{"thinking_budget":7}}}`)), to)
	same(t, at(t, c), `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"labels":{"a_b":"1"},"topK":5,
		"generationConfig":{"temperature":1,"topK":3,"thinkingConfig":{"thinkingBudget":7}}}`)
}

func TestGooglesOwnExtensionIsUnderstood(t *testing.T) {
	for _, p := range []llm.Param{
		param("extra_body", `{"google":{"thinking_config":{"thinking_budget":7,"include_thoughts":true},"cached_content":"cachedContents/1","odd":1}}`),
		param("google", `{"thinking_config":{"thinking_budget":7,"include_thoughts":true},"cached_content":"cachedContents/1","odd":1}`),
	} {
		c := encode(t, withParams(p), target(g25))
		same(t, at(t, c, "generationConfig"), `{"thinkingConfig":{"thinkingBudget":7,"includeThoughts":true}}`)
		if got := at(t, c, "cachedContent"); got != "cachedContents/1" || !dropped(c, "extra_body.google.odd") {
			t.Errorf("cachedContent = %v, dropped = %v", got, c.Dropped)
		}
	}
}

func TestGenerationConfigAsAParameterIsMerged(t *testing.T) {
	c := encode(t, withParams(param("seed", "1"), param("generation_config", `{"top_k":5}`)), target(g25))
	same(t, at(t, c, "generationConfig"), `{"seed":1,"topK":5}`)
}

func TestAnswerSchemaIsSentAsJSONSchema(t *testing.T) {
	format := `{"type":"json_schema","json_schema":{"name":"ans","strict":true,"schema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}}}`
	c := encode(t, withParams(param("response_format", format)), target(g25))
	same(t, at(t, c, "generationConfig"), `{"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"],"additionalProperties":false}}`)
	old := &wire.Target{Provider: Name, Model: "gemini-1.5-flash"}
	c = encode(t, withParams(param("response_format", format)), old)
	same(t, at(t, c, "generationConfig", "responseSchema"), `{"type":"object","properties":{"a":{"type":"integer"}},"propertyOrdering":["a"],"required":["a"]}`)
	c = encode(t, withParams(param("response_format", `{"type":"json_object","response_schema":{"type":"string"}}`)), target(g25))
	same(t, at(t, c, "generationConfig", "responseJsonSchema"), `{"type":"string"}`)
}

func TestJSONModeBesideToolsGoesIntoWordsBeforeGemini3(t *testing.T) {
	format := param("response_format", `{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"answer":{"type":"string"}}}}}`)
	req := withParams(format)
	req.Tools = []llm.ToolDef{function("f", "")}
	c := encode(t, req, target(g25))
	hint, _ := at(t, c, "systemInstruction", "parts", 0, "text").(string)
	if at(t, c, "generationConfig") != nil || !contains(hint, []string{`"answer"`}) || !dropped(c, "response_format") {
		t.Errorf("body = %s", c.Body)
	}
	c = encode(t, req, target(g3))
	if at(t, c, "generationConfig", "responseMimeType") != "application/json" || at(t, c, "systemInstruction") != nil {
		t.Errorf("body = %s", c.Body)
	}
}

func TestMapsToolWithJSONUsesTheNewerForm(t *testing.T) {
	req := withParams(param("response_format", `{"type":"json_schema","json_schema":{"schema":{"type":"string"}}}`))
	req.Tools = []llm.ToolDef{{Type: "googleMaps", Raw: rawjson.Value(`{"googleMaps":{}}`)}}
	c := encode(t, req, target(g3))
	same(t, at(t, c, "generationConfig"), `{"responseFormat":{"text":{"mimeType":"APPLICATION_JSON","schema":{"type":"string"}}}}`)
}
