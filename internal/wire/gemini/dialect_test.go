package gemini

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// decode reads a client's body as far as Decode does.
func decode(t *testing.T, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatalf("bad test body: %v\n%s", err, body)
	}
	req, err := Dialect{}.Decode(v)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return req
}

func expand(t *testing.T, body string) *llm.Request {
	t.Helper()
	req := decode(t, body)
	if err := (Dialect{}).Expand(req); err != nil {
		t.Fatalf("Expand: %v", err)
	}
	return req
}

// said wraps contents and further members into a body.
func said(contents, more string) string { return `{"contents":` + contents + more + `}` }

const hi = `[{"role":"user","parts":[{"text":"hi"}]}]`

// outline writes messages in one line each.
func outline(messages []llm.Message) string {
	var b strings.Builder
	for i := range messages {
		fmt.Fprintf(&b, "%s:", messages[i].Role)
		for j := range messages[i].Parts {
			b.WriteString(" " + outlinePart(&messages[i].Parts[j]))
		}
		b.WriteString("\n")
	}
	return b.String()
}

func outlinePart(p *llm.Part) string {
	out := ""
	switch p.Kind {
	case llm.PartText:
		out = fmt.Sprintf("%q", p.Text)
	case llm.PartThinking:
		out = fmt.Sprintf("think(%q)", p.Text)
	case llm.PartToolCall:
		out = p.Call.Name + p.Call.Arguments
	case llm.PartToolResult:
		out = fmt.Sprintf("result(%s %q err=%v)", p.Result.Name, p.Result.Text(), p.Result.IsError)
	default:
		out = fmt.Sprintf("media%d(%s %s%s)", p.Kind, p.Media.MIME, p.Media.Data, p.Media.URL)
	}
	if p.State != nil {
		out += "/" + p.State.Provider + ":" + p.State.Signature + p.State.Redacted
	}
	return out
}

func wantOutline(t *testing.T, req *llm.Request, want ...string) {
	t.Helper()
	if got := strings.TrimSpace(outline(req.Messages)); got != strings.Join(want, "\n") {
		t.Errorf("messages:\n%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}

func TestPathIsSplitAtTheLastColon(t *testing.T) {
	for rest, want := range map[string][2]string{
		"gemini-2.5-flash:generateContent":              {"gemini-2.5-flash", "generateContent"},
		"openai/gpt-x:free:streamGenerateContent":       {"openai/gpt-x:free", "streamGenerateContent"},
		"openai%2Fgpt-x%3Afree%3AstreamGenerateContent": {"openai/gpt-x:free", "streamGenerateContent"},
		"50%:countTokens":                               {"50%", "countTokens"},
	} {
		if model, verb, ok := ParsePath(rest); !ok || model != want[0] || verb != want[1] {
			t.Errorf("ParsePath(%q) = %q %q %v", rest, model, verb, ok)
		}
	}
	for _, rest := range []string{"", "gemini", ":generateContent", "gemini:"} {
		if model, verb, ok := ParsePath(rest); ok {
			t.Errorf("ParsePath(%q) = %q %q", rest, model, verb)
		}
	}
}

func TestGenerationConfigBecomesParameters(t *testing.T) {
	req := decode(t, said(hi, `,"generationConfig":{"temperature":0.2,"topP":0.95,"topK":"64","maxOutputTokens":50,"candidateCount":2,
		"stopSequences":["E"],"seed":7,"presencePenalty":0.1,"frequencyPenalty":0.3,"responseLogprobs":true,"logprobs":3,
		"responseModalities":["TEXT","IMAGE"],"speechConfig":{"a":1}},"safetySettings":[{}],"serviceTier":"standard"`))
	for name, want := range map[string]string{
		"temperature": "0.2", "top_p": "0.95", "top_k": "64", "max_tokens": "50", "n": "2", "stop": `["E"]`, "seed": "7",
		"presence_penalty": "0.1", "frequency_penalty": "0.3", "logprobs": "true", "top_logprobs": "3",
		"modalities": `["text","image"]`, "speechConfig": `{"a":1}`, "safetySettings": "[{}]", "service_tier": `"default"`,
	} {
		if got := string(req.Param(name)); got != want {
			t.Errorf("%s = %s, want %s", name, got, want)
		}
	}
	if !req.LenientParams || !req.IncludeUsage || req.From != Name {
		t.Errorf("envelope = %+v", req)
	}
}

func TestSnakeCaseIsReadAtEveryLevelAndCamelCaseWins(t *testing.T) {
	req := expand(t, `{"contents":[{"role":"user","parts":[{"inline_data":{"mime_type":"image/png","data":"AA=="}}]},
		{"role":"model","parts":[{"function_call":{"name":"f"},"thought_signature":"`+sigOf("a")+`"}]},
		{"role":"user","parts":[{"function_response":{"name":"f","response":{"output":"x"}}}]}],
		"system_instruction":{"parts":[{"text":"sys"}]},
		"tools":[{"function_declarations":[{"name":"f","parameters_json_schema":{"type":"object"}}]}],
		"tool_config":{"function_calling_config":{"mode":"ANY","allowed_function_names":["f"]}},
		"generation_config":{"top_p":0.5,"topP":0,"max_output_tokens":9,"thinking_config":{"thinking_budget":2000}}}`)
	wantOutline(t, req, `system: "sys"`, `user: media2(image/png AA==)`, `assistant: f{}/gemini:`+sigOf("a"), `tool: result(f "x" err=false)`)
	if got := string(req.Param("top_p")); got != "0" {
		t.Errorf("top_p = %s, want the camelCase 0", got)
	}
	if string(req.Param("max_tokens")) != "9" || string(req.Param("reasoning_effort")) != `"medium"` {
		t.Errorf("params = %v", req.Params)
	}
	if c := req.ToolChoice; c == nil || c.Mode != llm.ChoiceNamed || c.Names[0] != "f" {
		t.Errorf("choice = %+v", c)
	}
}

func TestThinkingConfigBecomesAnEffort(t *testing.T) {
	for cfg, want := range map[string]string{
		`{"thinkingBudget":0}`: `"none"`, `{"thinkingBudget":-5}`: `"none"`, `{"thinkingBudget":512}`: `"low"`, `{"thinkingBudget":1024}`: `"low"`,
		`{"thinkingBudget":1025}`: `"medium"`, `{"thinkingBudget":8192}`: `"medium"`, `{"thinkingBudget":24576}`: `"high"`,
		`{"thinkingBudget":-1}`: "", `{"includeThoughts":true}`: "", `{"thinkingLevel":"HIGH"}`: `"high"`, `{"thinkingLevel":"MINIMAL"}`: `"minimal"`,
		`{"thinkingLevel":"low","includeThoughts":false}`: `"low"`, `{"thinkingLevel":"THINKING_LEVEL_UNSPECIFIED"}`: "", `{"thinkingBudget":"512"}`: `"low"`,
	} {
		req := decode(t, said(hi, `,"generationConfig":{"thinkingConfig":`+cfg+`}`))
		if got := string(req.Param("reasoning_effort")); got != want {
			t.Errorf("%s gives %s, want %s", cfg, got, want)
		}
	}
}

func TestT93_UppercaseTypesBecomeJSONSchema(t *testing.T) {
	classifier := `{"type":"OBJECT","properties":{"reasoning":{"type":"STRING","description":"why"},"complexity_score":{"type":"INTEGER","minimum":1},
		"type":{"type":"STRING"},"list":{"type":"ARRAY","items":{"type":"NUMBER"}}},"required":["reasoning","complexity_score"]}`
	want := `{"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object","properties":{"reasoning":{"type":"string","description":"why"},
		"complexity_score":{"type":"integer","minimum":1},"type":{"type":"string"},"list":{"type":"array","items":{"type":"number"}}},"required":["reasoning","complexity_score"]}}}`
	for _, member := range []string{"responseJsonSchema", "responseSchema", "response_schema"} {
		req := decode(t, said(hi, `,"generationConfig":{"responseMimeType":"application/json","`+member+`":`+classifier+`}`))
		var got any
		if err := json.Unmarshal(req.Param("response_format"), &got); err != nil {
			t.Fatal(err)
		}
		same(t, got, want)
	}
}

func TestSchemaMessageBecomesJSONSchema(t *testing.T) {
	for in, want := range map[string]string{
		`{"type":"STRING","nullable":true,"enum":["a"],"format":"enum"}`:                          `{"type":["string","null"],"enum":["a",null]}`,
		`{"type":"INTEGER","enum":["1","2"],"format":"int32"}`:                                    `{"type":"integer","enum":[1,2],"format":"int32"}`,
		`{"type":"ARRAY","min_items":"1","max_items":5,"items":{"type":"STRING"}}`:                `{"type":"array","minItems":1,"maxItems":5,"items":{"type":"string"}}`,
		`{"any_of":[{"type":"STRING"},{"type":"NUMBER"}],"nullable":true}`:                        `{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}`,
		`{"type":"OBJECT","property_ordering":["b","a"],"properties":{"a_b":{"type":"BOOLEAN"}}}`: `{"type":"object","properties":{"a_b":{"type":"boolean"}}}`,
		`{"type":"TYPE_UNSPECIFIED","example":{"x":1},"title":"T"}`:                               `{"examples":[{"x":1}],"title":"T"}`,
		`true`: `true`,
	} {
		var got any
		if err := json.Unmarshal(appendJSONSchema(nil, rawjson.Value(in), true, plenty()), &got); err != nil {
			t.Fatalf("%s: %v", in, err)
		}
		same(t, got, want)
	}
	raw := `{"$defs":{"N":{"type":"OBJECT","properties":{"any_of":{"type":["STRING","NULL"]}}}},"$ref":"#/$defs/N","additionalProperties":false,"const":"STRING"}`
	var got any
	if err := json.Unmarshal(appendJSONSchema(nil, rawjson.Value(raw), false, plenty()), &got); err != nil {
		t.Fatal(err)
	}
	same(t, got, `{"$defs":{"N":{"type":"object","properties":{"any_of":{"type":["string","null"]}}}},"$ref":"#/$defs/N","additionalProperties":false,"const":"STRING"}`)
}

func TestFormsOfAnswer(t *testing.T) {
	for cfg, want := range map[string]string{
		`{"responseMimeType":"application/json"}`:                                                                 `{"type":"json_object"}`,
		`{"responseMimeType":"text/plain"}`:                                                                       ``,
		`{"responseSchema":{"type":"STRING"}}`:                                                                    `{"type":"json_schema","json_schema":{"name":"response","schema":{"type":"string"}}}`,
		`{"responseFormat":{"text":{"mimeType":"APPLICATION_JSON"}}}`:                                             `{"type":"json_object"}`,
		`{"responseFormat":{"text":{"mimeType":"APPLICATION_JSON","schema":{"type":"OBJECT","nullable":false}}}}`: `{"type":"json_schema","json_schema":{"name":"response","schema":{"type":"object"}}}`,
	} {
		req := decode(t, said(hi, `,"generationConfig":`+cfg))
		if got := string(req.Param("response_format")); got != want {
			t.Errorf("%s gives %s, want %s", cfg, got, want)
		}
	}
	req := decode(t, said(hi, `,"generationConfig":{"responseMimeType":"text/x.enum","responseSchema":{"type":"STRING","enum":["a","b"]}}`))
	if req.Param("response_format") != nil || string(req.Param("responseMimeType")) != `"text/x.enum"` {
		t.Errorf("a choice among words must be reported, not turned into JSON: %v", req.Params)
	}
}

func TestConversationBecomesMessages(t *testing.T) {
	wantOutline(t, expand(t, said(`[{"parts":[{"text":"a"},{"text":""},{"text":"b"}]},{"role":"model","parts":[{"text":"c"}]},{"role":"user","parts":{"text":"d"}}]`,
		`,"systemInstruction":{"role":"user","parts":[{"text":"s1"},{"text":"s2"}]}`)),
		`system: "s1" "s2"`, `user: "a" "b"`, `assistant: "c"`, `user: "d"`)
	wantOutline(t, expand(t, said(`{"parts":{"text":"a"}}`, `,"systemInstruction":"s"`)), `system: "s"`, `user: "a"`)
}

func TestCallsWithoutIdsAreAnsweredByNameAndOrder(t *testing.T) {
	body := said(`[{"role":"user","parts":[{"text":"w"}]},
		{"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}},{"functionCall":{"name":"g"}},{"functionCall":{"name":"f","args":{"n":2}}}]},
		{"role":"user","parts":[{"text":"see"},{"functionResponse":{"name":"g","response":{"output":"G"}}},{"functionResponse":{"name":"f","response":{"t":20}}},
			{"functionResponse":{"name":"f","response":{"error":"no"}}}]},
		{"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}}]},
		{"role":"function","parts":[{"functionResponse":{"name":"f","response":{"output":"a","more":1}}}]}]`, "")
	req := expand(t, body)
	wantOutline(t, req, `user: "w"`, `assistant: f{"n":1} g{} f{"n":2}`, `tool: result(g "G" err=false)`, `tool: result(f "{\"t\":20}" err=false)`,
		`tool: result(f "no" err=true)`, `user: "see"`, `assistant: f{"n":1}`, `tool: result(f "{\"output\":\"a\",\"more\":1}" err=false)`)
	calls := req.Messages[1].Parts
	if got := req.Messages[3].Parts[0].Result.CallID; got != calls[0].Call.ID {
		t.Errorf("the first answer of f goes to %s, want %s", got, calls[0].Call.ID)
	}
	if got := req.Messages[4].Parts[0].Result.CallID; got != calls[2].Call.ID {
		t.Errorf("the second answer of f goes to %s, want %s", got, calls[2].Call.ID)
	}
	seen := map[string]bool{}
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			if p.Call != nil && (seen[p.Call.ID] || len(p.Call.ID) != 33) {
				t.Errorf("id %q is minted twice or malformed", p.Call.ID)
			} else if p.Call != nil {
				seen[p.Call.ID] = true
			}
		}
	}
	if outline(expand(t, body).Messages) != outline(req.Messages) || expand(t, body).Messages[1].Parts[0].Call.ID != calls[0].Call.ID {
		t.Error("the same history must give the same ids")
	}
}

func TestResultsFindTheirCallsByIdAndElseByPlace(t *testing.T) {
	req := expand(t, said(`[{"role":"user","parts":[{"text":"w"}]},
		{"role":"model","parts":[{"functionCall":{"id":"a","name":"f"}},{"functionCall":{"id":"b__thought__`+sigOf("b")+`","name":"f"}},{"functionCall":{"id":"c","name":"h"}}]},
		{"role":"user","parts":[{"functionResponse":{"id":"b__thought__x","name":"f","response":{"output":"B"}}},{"functionResponse":{"name":"other","response":{"output":"C"}}},
			{"functionResponse":{"name":"h","response":{"output":"H"}}},{"functionResponse":{"name":"h","response":{"output":"extra"}}}]}]`, ""))
	var got []string
	for _, m := range req.Messages[2:5] {
		got = append(got, m.Parts[0].Result.CallID+"="+m.Parts[0].Result.Text())
	}
	if !slices.Equal(got, []string{"b=B", "a=C", "c=H"}) {
		t.Errorf("results = %v", got)
	}
	if p := req.Messages[1].Parts[1]; p.Call.ID != "b" || p.State == nil || p.State.Signature != sigOf("b") {
		t.Errorf("signature within the id = %+v", p)
	}
	if last := req.Messages[5]; last.Role != llm.User || !strings.Contains(last.Parts[0].Text, "extra") {
		t.Errorf("a result without a call must come back as text, got %+v", last)
	}
}

func TestThoughtsAndTheirSignaturesAreKept(t *testing.T) {
	claude := carrier(&llm.State{Provider: "anthropic", Signature: "EqQB+/=="})
	redacted := carrier(&llm.State{Provider: "anthropic", Redacted: "cmVk"})
	req := expand(t, said(`[{"role":"user","parts":[{"text":"w"}]},{"role":"model","parts":[{"text":"let ","thought":true},{"text":"me","thought":true},
		{"text":"","thought":true,"thoughtSignature":"`+claude+`"},{"thought":true,"thoughtSignature":"`+redacted+`"},{"text":"more","thought":true},{"text":"so"},
		{"functionCall":{"name":"f"},"thoughtSignature":"`+strings.NewReplacer("+", "-", "/", "_").Replace(strings.TrimRight(sigOf("c"), "="))+`"},{"text":"late"}]}]`, ""))
	wantOutline(t, req, `user: "w"`, `assistant: think("let me")/anthropic:EqQB+/== think("")/anthropic:cmVk think("more") "so" "late" f{}/gemini:`+sigOf("c"))
}

func TestLateSignatureInHistoryBelongsToTheFirstCall(t *testing.T) {
	req := expand(t, said(`[{"role":"user","parts":[{"text":"w"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}},{"text":"","thoughtSignature":"`+sigOf("l")+`"}]},
		{"role":"user","parts":[{"text":"x"}]},{"role":"model","parts":[{"text":"t"},{"text":"","thoughtSignature":"`+sigOf("m")+`"}]}]`, ""))
	wantOutline(t, req, `user: "w"`, `assistant: f{}/gemini:`+sigOf("l")+` g{}`, `user: "x"`, `assistant: "t"/gemini:`+sigOf("m"))
}

func TestNeighbouringModelContentsAreOneMessage(t *testing.T) {
	req := expand(t, said(`[{"role":"user","parts":[{"text":"w"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"model","parts":[{"text":"t"},{"functionCall":{"name":"f"}}]},
		{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"1"}}},{"functionResponse":{"name":"f","response":{"output":"2"}}}]}]`, ""))
	wantOutline(t, req, `user: "w"`, `assistant: "t" f{} f{}`, `tool: result(f "1" err=false)`, `tool: result(f "2" err=false)`)
	if a, b := req.Messages[1].Parts[1].Call.ID, req.Messages[1].Parts[2].Call.ID; a == b {
		t.Errorf("two calls share the id %s", a)
	}
}

// Google's Python SDK replays a stream so, when it calls functions by itself.
func TestStreamReplayedChunkByChunkIsOneMessage(t *testing.T) {
	claude := carrier(&llm.State{Provider: "anthropic", Signature: "EqQB"})
	req := expand(t, said(`[{"role":"user","parts":[{"text":"q"}]},{"parts":[{"text":"Let me ","thought":true}],"role":"model"},{"parts":[{"text":"think","thought":true}],"role":"model"},
		{"parts":[{"text":"","thought":true,"thoughtSignature":"`+claude+`"}],"role":"model"},{"parts":[{"text":"Hel"}],"role":"model"},{"parts":[{"text":"lo"}],"role":"model"},
		{"parts":[{"functionCall":{"name":"f"}}],"role":"model"},{"parts":[{"text":""}],"role":"model"},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"result":"r"}}}]}]`, ""))
	wantOutline(t, req, `user: "q"`, `assistant: think("Let me think")/anthropic:EqQB "Hello" f{}`, `tool: result(f "{\"result\":\"r\"}" err=false)`)
}

func TestMediaOfEveryKind(t *testing.T) {
	req := expand(t, said(`[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"-_8"},"mediaResolution":{"level":"MEDIA_RESOLUTION_HIGH"}},
		{"inlineData":{"mimeType":"audio/wav","data":"UklGRg=="}},{"fileData":{"fileUri":"https://x.test/v.mp4","mimeType":"video/mp4"},"videoMetadata":{"fps":2}},
		{"inlineData":{"mimeType":"application/pdf","data":"JVBE","displayName":"a.pdf"}}]},
		{"role":"model","parts":[{"functionCall":{"name":"f"}}]},
		{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"o"},"parts":[{"inlineData":{"mimeType":"image/jpeg","data":"AAAA"}}]}}]}]`, ""))
	p := req.Messages[0].Parts
	if got := outline(req.Messages[:1]); got != "user: media2(image/png +/8=) media3(audio/wav UklGRg==) media4(video/mp4 https://x.test/v.mp4) media5(application/pdf JVBE)\n" {
		t.Errorf("media = %s", got)
	}
	if p[0].Media.Detail != "high" || p[3].Media.Name != "a.pdf" || videoMetadata(p[2].Media.Raw) == nil {
		t.Errorf("hints = %+v %+v", p[0].Media, p[3].Media)
	}
	if r := req.Messages[2].Parts[0].Result; len(r.Parts) != 2 || r.Parts[1].Media.Data != "AAAA" {
		t.Errorf("result = %+v", r)
	}
}

func TestCodeOfTheModelIsKeptAsText(t *testing.T) {
	req := expand(t, said(`[{"role":"user","parts":[{"text":"w"}]},{"role":"model","parts":[{"executableCode":{"language":"PYTHON","code":"print(1)"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}},{"toolCall":{"id":"x"}}]}]`, ""))
	wantOutline(t, req, `user: "w"`, "assistant: \"```python\\nprint(1)\\n```\\n```\\n1\\n```\\n\"")
	if len(req.Drops) != 1 || req.Drops[0].What != "contents[1].parts[2]" {
		t.Errorf("drops = %v", req.Drops)
	}
}

func TestToolsAndChoice(t *testing.T) {
	const tools = `,"tools":[{"functionDeclarations":[{"name":"f","description":"d","parameters":{"type":"OBJECT","properties":{"city":{"type":"STRING"}}}},{"name":"g"}]},
		{"googleSearch":{}},{"codeExecution":{}}]`
	req := expand(t, said(hi, tools))
	if len(req.Tools) != 2 || req.Tools[0].Name != "f" || req.Tools[0].Description != "d" || req.Tools[0].Type != "function" || req.Tools[1].Parameters != nil {
		t.Fatalf("tools = %+v", req.Tools)
	}
	if got := string(req.Tools[0].Parameters); got != `{"type":"object","properties":{"city":{"type":"string"}}}` {
		t.Errorf("parameters = %s", got)
	}
	if string(req.Param("web_search_options")) != "{}" || string(req.Param("codeExecution")) != "{}" {
		t.Errorf("server tools = %v", req.Params)
	}
	for cfg, want := range map[string]llm.ToolChoice{
		`{"mode":"NONE"}`: {Mode: llm.ChoiceNone}, `{"mode":"ANY"}`: {Mode: llm.ChoiceRequired},
		`{"mode":"ANY","allowedFunctionNames":["f"]}`:       {Mode: llm.ChoiceNamed, Names: []string{"f"}},
		`{"mode":"ANY","allowedFunctionNames":["f","g"]}`:   {Mode: llm.ChoiceAllowedRequired, Names: []string{"f", "g"}},
		`{"mode":"VALIDATED","allowedFunctionNames":["f"]}`: {Mode: llm.ChoiceAllowedAuto, Names: []string{"f"}},
		`{"mode":"VALIDATED"}`:                              {Mode: llm.ChoiceAuto},
	} {
		req := expand(t, said(hi, tools+`,"toolConfig":{"functionCallingConfig":`+cfg+`}`))
		if c := req.ToolChoice; c == nil || c.Mode != want.Mode || !slices.Equal(c.Names, want.Names) {
			t.Errorf("%s gives %+v", cfg, c)
		}
	}
	for _, body := range []string{said(hi, tools+`,"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}`), said(hi, `,"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}`)} {
		if c := expand(t, body).ToolChoice; c != nil {
			t.Errorf("%s gives %+v", body, c)
		}
	}
}

func TestMistakesAreNamedWithTheirPlace(t *testing.T) {
	for body, want := range map[string]string{
		`[]`: "request_body", `{}`: "contents", `{"contents":[]}`: "contents", `{"contents":"hi"}`: "contents", `{"contents":[7]}`: "contents[0]",
		`{"Contents":[],"contents":` + hi + `}`: "request_body", `{"contents":` + hi + `,"contents":` + hi + `}`: "request_body",
		`{"contents":[{"role":"user","parts":[]}]}`:                                                                   "contents",
		`{"contents":[{"role":"assistant","parts":[{"text":"a"}]}]}`:                                                  "contents[0].role",
		`{"contents":[{"parts":"a"}]}`:                                                                                "contents[0].parts",
		`{"contents":[{"parts":[{"text":7}]}]}`:                                                                       "contents[0].parts[0].text",
		`{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{}}]}]}`:                      "contents[1].parts[0].functionCall.name",
		`{"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"functionCall":{"name":"f","args":"x"}}]}]}`: "contents[1].parts[0].functionCall.args",
		`{"contents":[{"parts":[{"functionResponse":[]}]}]}`:                                                          "contents[0].parts[0].functionResponse",
		said(hi, `,"generationConfig":[]`):                                                                            "generationConfig",
		said(hi, `,"generationConfig":{"temperature":"hot"}`):                                                         "generationConfig.temperature",
		said(hi, `,"generationConfig":{"stopSequences":"E"}`):                                                         "generationConfig.stopSequences",
		said(hi, `,"tools":"x"`):                                                                                      "tools",
		said(hi, `,"tools":[{"functionDeclarations":[{}]}]`):                                                          "tools[0].functionDeclarations[0].name",
		said(hi, `,"tools":[{"functionDeclarations":[{"name":"f","parameters":[]}]}]`):                                "tools[0].functionDeclarations[0]",
		said(hi, `,"toolConfig":7`):                                                                                   "toolConfig",
		said(hi, `,"systemInstruction":7`):                                                                            "systemInstruction",
	} {
		req, err := Dialect{}.Decode(rawjson.Value(body))
		if err == nil {
			err = Dialect{}.Expand(req)
		}
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != 400 || e.Param != want {
			t.Errorf("%s: %v, want a 400 about %s", body, err, want)
		}
	}
}

func TestErrorsHaveGooglesShape(t *testing.T) {
	for status, want := range map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 402: "FAILED_PRECONDITION", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 408: "DEADLINE_EXCEEDED",
		409: "ABORTED", 413: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 501: "UNIMPLEMENTED",
		502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "INTERNAL",
	} {
		got, body := Dialect{}.Error(&llm.Error{Status: status, Message: "No \"x\"."})
		if text := fmt.Sprintf(`{"error":{"code":%d,"message":"No \"x\".","status":"%s"}}`, status, want); got != status || string(body) != text {
			t.Errorf("%d: %d %s", status, got, body)
		}
	}
	_, body := Dialect{}.Error(&llm.Error{Kind: llm.KindRateLimit, Message: "m", RetryAfter: 1500e6})
	if e := (Wire{}).Error(429, nil, body); e.RetryAfter != 1500e6 || e.Kind != llm.KindRateLimit {
		t.Errorf("our own wire reads %s as %+v", body, e)
	}
}
