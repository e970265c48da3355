package openaichat

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func messagesIn(t *testing.T, messages string) []llm.Message {
	t.Helper()
	return expand(t, `{"messages":[`+messages+`]}`).Messages
}

func TestContentIsReadLeniently(t *testing.T) {
	for _, m := range []string{
		`{"role":"user"}`, `{"role":"user","content":null}`, `{"role":"user","content":""}`, `{"role":"user","content":[]}`,
		`{"role":"user","content":[{"type":"text","text":""}]}`, `{"role":"assistant","content":null,"tool_calls":null}`,
		`{"role":"assistant","tool_calls":[],"function_call":null,"refusal":null,"audio":null}`,
	} {
		if got := messagesIn(t, m)[0].Parts; len(got) != 0 {
			t.Errorf("%s: %+v", m, got)
		}
	}
	got := messagesIn(t, `{"role":"developer","content":["a",{"type":"text","text":"b","cache_control":{"type":"ephemeral"}}],"name":"n"}`)[0]
	if got.Role != llm.Developer || got.Name != "n" || len(got.Parts) != 2 || got.Parts[1].Text != "b" || got.Parts[1].CacheControl == nil {
		t.Errorf("%+v", got)
	}
}

func TestMediaPartsAreReadInEveryForm(t *testing.T) {
	tests := []struct {
		part string
		kind llm.PartKind
		want llm.Media
	}{
		{`{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"high"}}`, llm.PartImage, llm.Media{MIME: "image/png", Data: "AA", Detail: "high"}},
		{`{"type":"image_url","image_url":"https://x/y.png"}`, llm.PartImage, llm.Media{URL: "https://x/y.png"}},
		{`{"type":"image_url","image_url":{"url":"gs://b/o","format":"image/webp"}}`, llm.PartImage, llm.Media{URL: "gs://b/o", MIME: "image/webp"}},
		{`{"type":"image_url","image_url":{"url":"data:image/svg+xml;utf8,<svg/>"}}`, llm.PartImage, llm.Media{URL: "data:image/svg+xml;utf8,<svg/>", MIME: "image/svg+xml"}},
		{`{"type":"input_audio","input_audio":{"data":"AA","format":"mp3"}}`, llm.PartAudio, llm.Media{MIME: "audio/mpeg", Data: "AA"}},
		{`{"type":"input_audio","input_audio":{"data":"data:audio/ogg;base64,AA"}}`, llm.PartAudio, llm.Media{MIME: "audio/ogg", Data: "AA"}},
		{`{"type":"video_url","video_url":{"url":"https://youtu.be/x"}}`, llm.PartVideo, llm.Media{URL: "https://youtu.be/x"}},
		{`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,AA"}}`, llm.PartFile, llm.Media{MIME: "application/pdf", Data: "AA", Name: "a.pdf"}},
		{`{"type":"file","file":{"file_data":"AA","format":"text/plain"}}`, llm.PartFile, llm.Media{MIME: "text/plain", Data: "AA"}},
		{`{"type":"file","file":{"file_id":"gs://b/o"}}`, llm.PartFile, llm.Media{URL: "gs://b/o"}},
		{`{"type":"file","file":{"file_id":"file-1"}}`, llm.PartFile, llm.Media{FileID: "file-1"}},
		{`{"type":"input_image","image_url":"https://x","detail":"low"}`, llm.PartImage, llm.Media{URL: "https://x", Detail: "low"}},
	}
	for _, tc := range tests {
		p := messagesIn(t, `{"role":"user","content":[`+tc.part+`]}`)[0].Parts[0]
		if string(p.Media.Raw) != tc.part {
			t.Errorf("raw = %s", p.Media.Raw)
		}
		p.Media.Raw = nil
		if p.Kind != tc.kind || !cmp.Equal(*p.Media, tc.want) {
			t.Errorf("%s: %d %+v", tc.part, p.Kind, *p.Media)
		}
	}
}

func TestUnknownPartsAreKeptRaw(t *testing.T) {
	part := `{"type":"hologram","x":1}`
	p := messagesIn(t, `{"role":"user","content":[`+part+`]}`)[0].Parts[0]
	if p.Kind != llm.PartUnknown || string(p.Raw) != part {
		t.Errorf("%+v", p)
	}
}

func TestAssistantPartsComeInOrder(t *testing.T) {
	m := messagesIn(t, `{"role":"assistant","tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x": 1}}},{"id":"b","type":"custom","custom":{"name":"g","input":"in"}}],
		"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}],"refusal":"no","content":"text","reasoning_content":"hm","prefix":true}`)[0]
	var kinds []llm.PartKind
	for _, p := range m.Parts {
		kinds = append(kinds, p.Kind)
	}
	want := []llm.PartKind{llm.PartThinking, llm.PartText, llm.PartRefusal, llm.PartImage, llm.PartToolCall, llm.PartToolCall}
	if !cmp.Equal(kinds, want) || !m.Prefix {
		t.Fatalf("%v", kinds)
	}
	first, second := m.Parts[4].Call, m.Parts[5].Call
	if first.Arguments != `{"x": 1}` || !second.Custom || second.Arguments != "in" || m.Parts[0].State != nil {
		t.Errorf("%+v %+v", first, second)
	}
}

func TestThinkingBlocksComeWithTheirState(t *testing.T) {
	m := messagesIn(t, `{"role":"assistant","content":"a","reasoning_content":"ignored","thinking_blocks":[{"type":"thinking","thinking":"t","signature":"s"},
		{"type":"redacted_thinking","data":"d"},{"type":"thinking","thinking":"g","signature":"gemini:`+sig+`"},{"type":"thinking","thinking":""}]}`)[0]
	want := []llm.Part{
		{Kind: llm.PartThinking, Text: "t", State: &llm.State{Signature: "s"}},
		{Kind: llm.PartThinking, State: &llm.State{Redacted: "d"}},
		{Kind: llm.PartThinking, Text: "g", State: &llm.State{Provider: "gemini", Signature: sig}},
		{Kind: llm.PartText, Text: "a"},
	}
	if d := cmp.Diff(want, m.Parts); d != "" {
		t.Error(d)
	}
}

func TestSignatureOfACallIsTakenFromTheFirstValidPlace(t *testing.T) {
	other := strings.Replace(sig, "Zm", "Zn", 1)
	function := func(rest string) string { return `"function":{"name":"f","arguments":"{}"` + rest + `}` }
	psf := func(s string) string { return `"provider_specific_fields":{"thought_signature":"` + s + `"}` }
	tests := map[string]struct{ call, message, want string }{
		"tool field":       {`{"id":"a__thought__` + other + `",` + psf(sig) + `,` + function("") + `}`, "", sig},
		"function field":   {`{"id":"a__thought__` + other + `",` + function(","+psf(sig)) + `}`, "", sig},
		"google":           {`{"id":"a","extra_content":{"google":{"thought_signature":"` + sig + `"}},` + function("") + `}`, "", sig},
		"id":               {`{"id":"a__thought__` + sig + `",` + function("") + `}`, "", sig},
		"id, not padded":   {`{"id":"a__thought__` + strings.TrimRight(sig, "=") + `",` + function("") + `}`, "", sig},
		"invalid, then id": {`{"id":"a__thought__` + sig + `",` + psf("!!") + `,` + function("") + `}`, "", sig},
		"corrupt id":       {`{"id":"a__thought__!!!",` + function("") + `}`, "", ""},
		"details":          {`{"id":"a",` + function("") + `}`, `,"reasoning_details":[{"type":"reasoning.encrypted","format":"google-gemini-v1","id":"a","data":"` + sig + `"}]`, sig},
		"other details":    {`{"id":"a",` + function("") + `}`, `,"reasoning_details":[{"type":"reasoning.encrypted","format":"openai-responses-v1","id":"a","data":"` + sig + `"}]`, ""},
		"none":             {`{"id":"a",` + function("") + `}`, "", ""},
	}
	for name, tc := range tests {
		p := messagesIn(t, `{"role":"assistant","tool_calls":[`+tc.call+`]`+tc.message+`}`)[0].Parts
		call := p[len(p)-1]
		got := ""
		if call.State != nil {
			got = call.State.Signature
			if call.State.Provider != "gemini" {
				t.Errorf("%s: provider %q", name, call.State.Provider)
			}
		}
		if got != tc.want || call.Call.ID != "a" {
			t.Errorf("%s: %q on %q", name, got, call.Call.ID)
		}
	}
}

func TestSignatureOfTheMessageBelongsToItsText(t *testing.T) {
	list := `"provider_specific_fields":{"thought_signatures":["` + sig + `"]}`
	m := messagesIn(t, `{"role":"assistant","content":"a",`+list+`}`)[0]
	if m.Parts[0].State == nil || m.Parts[0].State.Signature != sig {
		t.Errorf("%+v", m.Parts[0])
	}
	m = messagesIn(t, `{"role":"assistant","content":"a",`+list+`,"tool_calls":[{"id":"x__thought__`+sig+`","function":{"name":"f"}}]}`)[0]
	if m.Parts[0].State != nil || m.Parts[1].State.Signature != sig {
		t.Errorf("a call has the same signature: %+v", m.Parts)
	}
}

func TestToolResultsAreRead(t *testing.T) {
	ms := messagesIn(t, `{"role":"tool","tool_call_id":"a__thought__`+sig+`","content":[{"type":"text","text":"20"},{"type":"text","text":" deg"}]},
		{"role":"function","name":"f","content":"x"},{"role":"tool","tool_call_id":"b","is_error":true}`)
	r := ms[0].Parts[0].Result
	if ms[0].Role != llm.Tool || r.CallID != "a" || r.Text() != "20 deg" {
		t.Errorf("%+v", r)
	}
	if f := ms[1].Parts[0].Result; ms[1].Role != llm.Tool || f.CallID != "" || f.Name != "f" || f.Text() != "x" {
		t.Errorf("%+v", f)
	}
	if e := ms[2].Parts[0].Result; !e.IsError || len(e.Parts) != 0 {
		t.Errorf("%+v", e)
	}
}

func TestToolsAreReadInEveryShape(t *testing.T) {
	req := expand(t, `{"messages":[],"tools":[
		{"type":"function","function":{"name":"a","description":"d","parameters":{"type":"object"},"strict":true},"cache_control":{"type":"ephemeral"}},
		{"type":"function","name":"b","parameters":null},{"name":"c","input_schema":{"x":1}},{"function":{"name":"d"}},
		{"type":"custom","custom":{"name":"e","description":"x"}},{"googleSearch":{}},{"type":"web_search_20250305","name":"web_search"}]}`)
	var got []string
	for _, tool := range req.Tools {
		got = append(got, tool.Type+":"+tool.Name+":"+string(tool.Parameters))
	}
	want := []string{`function:a:{"type":"object"}`, "function:b:", `function:c:{"x":1}`, "function:d:", "custom:e:", "googleSearch::", "web_search_20250305:web_search:"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if first := req.Tools[0]; !*first.Strict || first.CacheControl == nil || first.Description != "d" || len(first.Raw) == 0 {
		t.Errorf("%+v", first)
	}
}

func TestLegacyFunctionsBecomeTools(t *testing.T) {
	req := expand(t, `{"messages":[{"role":"assistant","function_call":{"name":"f","arguments":"{}"}}],"functions":[{"name":"f"}],"function_call":{"name":"f"}}`)
	if !req.LegacyFunctions || req.Tools[0].Name != "f" || req.ToolChoice.Mode != llm.ChoiceNamed || req.Messages[0].Parts[0].Call.Name != "f" {
		t.Errorf("%+v", req)
	}
}

func TestToolChoiceIsReadInEveryShape(t *testing.T) {
	tests := map[string]llm.ToolChoice{
		`"auto"`: {Mode: llm.ChoiceAuto}, `"none"`: {Mode: llm.ChoiceNone}, `"required"`: {Mode: llm.ChoiceRequired}, `"any"`: {Mode: llm.ChoiceRequired},
		`{"type":"function","function":{"name":"f"}}`: {Mode: llm.ChoiceNamed, Names: []string{"f"}},
		`{"type":"custom","custom":{"name":"f"}}`:     {Mode: llm.ChoiceNamed, Names: []string{"f"}},
		`{"type":"tool","name":"f"}`:                  {Mode: llm.ChoiceNamed, Names: []string{"f"}},
		`{"type":"any"}`:                              {Mode: llm.ChoiceRequired},
		`{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}`: {Mode: llm.ChoiceAllowedRequired, Names: []string{"f"}},
		`{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","name":"g"}]}}`:                  {Mode: llm.ChoiceAllowedAuto, Names: []string{"g"}},
	}
	for choice, want := range tests {
		req := expand(t, `{"messages":[],"parallel_tool_calls":false,"tool_choice":`+choice+`}`)
		if !cmp.Equal(*req.ToolChoice, want) || *req.ParallelToolCalls {
			t.Errorf("%s: %+v", choice, req.ToolChoice)
		}
	}
}

func TestWhatCannotBeReadIsRefusedWithItsPath(t *testing.T) {
	tests := []struct{ body, param string }{
		{`"messages":[{"role":"alien","content":"x"}]`, "messages[0].role"},
		{`"messages":[{"content":"x"}]`, "messages[0].role"},
		{`"messages":["x"]`, "messages[0]"},
		{`"messages":[{"role":"user","content":5}]`, "messages[0].content"},
		{`"messages":[{"role":"user","content":{"type":"text"}}]`, "messages[0].content"},
		{`"messages":[{"role":"user","content":[5]}]`, "messages[0].content[0]"},
		{`"messages":[{"role":"user","content":[{"type":"text","text":5}]}]`, "messages[0].content[0].text"},
		{`"messages":[{"role":"user","content":[{"type":"image_url","image_url":{}}]}]`, "messages[0].content[0]"},
		{`"messages":[{"role":"assistant","tool_calls":{}}]`, "messages[0].tool_calls"},
		{`"messages":[{"role":"assistant","tool_calls":[5]}]`, "messages[0].tool_calls[0]"},
		{`"messages":[{"role":"assistant","tool_calls":[{"id":"a"}]}]`, "messages[0].tool_calls[0]"},
		{`"messages":[],"temperature":"hot"`, "temperature"},
		{`"messages":[],"max_tokens":"5"`, "max_tokens"},
		{`"messages":[],"stop":5`, "stop"},
		{`"messages":[],"tools":{}`, "tools"},
		{`"messages":[],"tools":[5]`, "tools[0]"},
		{`"messages":[],"tools":[{}]`, "tools[0]"},
		{`"messages":[],"tools":[{"type":"function","function":{}}]`, "tools[0].function.name"},
		{`"messages":[],"tools":[{"type":"function","function":{"name":"f","parameters":"x"}}]`, "tools[0].function.parameters"},
		{`"messages":[],"tool_choice":"sometimes"`, "tool_choice"},
		{`"messages":[],"functions":[{}]`, "functions[0].name"},
	}
	for _, tc := range tests {
		req := decode(t, "{"+tc.body+"}")
		e := llm.AsError(Dialect{}.Expand(req))
		if e == nil || e.Status != 400 || e.Param != tc.param || !strings.Contains(e.Message, tc.param) {
			t.Errorf("%s: %+v", tc.body, e)
		}
	}
}
