package openaichat

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func TestCanonicalRequestIsWrittenForAnotherDialect(t *testing.T) {
	req := expand(t, `{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"system","content":"s"},{"role":"user","name":"n","content":[{"type":"text","text":"a"},
		{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}},{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}},
		{"type":"file","file":{"filename":"f","file_data":"data:application/pdf;base64,AA"}},{"type":"odd","x":1}]},
		{"role":"assistant","content":null,"reasoning_content":"r","tool_calls":[{"id":"a__thought__`+sig+`","type":"function","function":{"name":"f","arguments":""}}]},
		{"role":"tool","tool_call_id":"a","content":"20"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],"tool_choice":"auto"}`)
	req.From, req.Body = "anthropic", rawjson.Value(`{}`)
	c, err := Wire{}.Encode(req, openAITarget())
	if err != nil {
		t.Fatal(err)
	}
	sameJSON(t, c.Whole(), `{"model":"gpt-4o","messages":[{"role":"system","content":"s"},{"role":"user","name":"n","content":[{"type":"text","text":"a"},
		{"type":"image_url","image_url":{"url":"data:image/png;base64,AA","detail":"low"}},{"type":"input_audio","input_audio":{"data":"AA","format":"wav"}},
		{"type":"file","file":{"filename":"f","file_data":"data:application/pdf;base64,AA"}}]},
		{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},
		{"role":"tool","tool_call_id":"a","content":"20"}],"tools":[{"type":"function","function":{"name":"f","parameters":{}}}],
		"max_tokens":5,"tool_choice":"auto","stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}}`)
	if c.Native {
		t.Error("another dialect's answer cannot pass through")
	}
	c, err = Wire{}.Encode(req, deepSeekTarget("deepseek-v4-pro"))
	if err != nil || !strings.Contains(string(c.Whole()), `"reasoning_content":"r"`) {
		t.Errorf("DeepSeek: %v %s", err, c.Whole())
	}
}

// foreign is a request of another dialect.
func foreign(messages ...llm.Message) *llm.Request {
	return &llm.Request{From: "anthropic", Model: "m", Messages: messages, Expanded: true}
}

func encodeForeign(t *testing.T, req *llm.Request, target *wire.Target) *wire.Call {
	t.Helper()
	c, err := Wire{}.Encode(req, target)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestToolResultsAreTextAndTheirImagesFollow(t *testing.T) {
	image := llm.Part{Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "AA"}}
	result := func(id string, failed bool, parts ...llm.Part) llm.Part {
		return llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: id, Parts: parts, IsError: failed}}
	}
	c := encodeForeign(t, foreign(
		llm.Message{Role: llm.Tool, Parts: []llm.Part{result("a", false, text("x"), image), result("b", true, text("no"))}},
		llm.Message{Role: llm.Tool, Parts: []llm.Part{result("c", false)}},
		llm.Message{Role: llm.User, Parts: []llm.Part{text("go on")}}), openAITarget())
	sameJSON(t, messagesOf(c), `[{"role":"tool","tool_call_id":"a","content":"x"},{"role":"tool","tool_call_id":"b","content":"Error: no"},
		{"role":"tool","tool_call_id":"c","content":""},
		{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]},{"role":"user","content":"go on"}]`)
}

func TestT86LongToolNamesAreShortenedAndMappedBack(t *testing.T) {
	long := "mcp__" + strings.Repeat("server_with.a/name__", 5)
	req := foreign(llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: long}}}})
	req.Tools = []llm.ToolDef{{Type: "function", Name: long}, {Type: "function", Name: long + "2"}}
	req.ToolChoice = &llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{long}}
	c := encodeForeign(t, req, openAITarget())
	var sent []string
	for _, tool := range raw(string(c.Whole())).Get("tools").Elems() {
		sent = append(sent, tool.Path("function", "name").Text())
	}
	if len(sent) != 2 || sent[0] == sent[1] || len(sent[0]) > 64 || !plainName(sent[0]) {
		t.Fatalf("sent %v", sent)
	}
	if strings.Count(string(c.Whole()), sent[0]) != 3 {
		t.Errorf("tool, call and choice differ: %s", c.Whole())
	}
	resp, err := Wire{}.Response(c, []byte(`{"choices":[{"index":0,"message":{"tool_calls":[{"id":"x","type":"function","function":{"name":"`+sent[0]+`","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`))
	if err != nil || resp.Choices[0].Parts[0].Call.Name != long {
		t.Errorf("%v %+v", err, resp)
	}
	events, err := collect(c, frames(chunk(`{"role":"assistant","tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"`+sent[1]+`","arguments":"{}"}}]}`, `"tool_calls"`)))
	if err != nil || events[1].Call.Name != long+"2" {
		t.Errorf("%v %+v", err, events)
	}
}

func TestForeignToolsBecomeFunctionsOrAreLeftOut(t *testing.T) {
	req := foreign(llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: "exec", Arguments: "ls \"x\"", Custom: true}}}})
	req.Tools = []llm.ToolDef{{Type: "custom", Name: "exec", Description: "d"}, {Type: "web_search_20250305", Name: "web_search", Raw: raw(`{}`)}}
	req.ToolChoice = &llm.ToolChoice{Mode: llm.ChoiceRequired}
	c := encodeForeign(t, req, openAITarget())
	sameJSON(t, c.Whole(), `{"model":"gpt-4o","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"exec","arguments":"{\"content\":\"ls \\\"x\\\"\"}"}}]}],
		"tools":[{"type":"function","function":{"name":"exec","description":"d","parameters":{"type":"object","properties":{"content":{"type":"string"}},"required":["content"]}}}],"tool_choice":"required"}`)
	if len(c.Dropped) != 1 {
		t.Errorf("dropped = %+v", c.Dropped)
	}
	req.Tools = req.Tools[1:]
	if c = encodeForeign(t, req, openAITarget()); strings.Contains(string(c.Whole()), "tool_choice") {
		t.Errorf("a choice without tools: %s", c.Whole())
	}
}

func TestForeignToolChoicesAreWritten(t *testing.T) {
	for want, choice := range map[string]llm.ToolChoice{
		`"auto"`: {Mode: llm.ChoiceAuto}, `"none"`: {Mode: llm.ChoiceNone}, `"required"`: {Mode: llm.ChoiceRequired},
		`{"type":"function","function":{"name":"f"}}`: {Mode: llm.ChoiceNamed, Names: []string{"f"}},
		`{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}`: {Mode: llm.ChoiceAllowedRequired, Names: []string{"f"}},
	} {
		req := foreign()
		req.Tools, req.ToolChoice = []llm.ToolDef{{Type: "function", Name: "f"}}, &choice
		sameJSON(t, raw(string(encodeForeign(t, req, openAITarget()).Body)).Get("tool_choice"), want)
	}
}

func TestForeignParametersAreFitted(t *testing.T) {
	req := foreign()
	req.LenientParams = true
	req.Params = []llm.Param{
		{Name: "max_tokens", Value: raw("128000")},
		{Name: "thinking", Value: raw(`{"type":"adaptive"}`)},
		{Name: "metadata", Value: raw(`{"user_id":"x"}`)},
		{Name: "context_management", Value: raw("{}")},
		{Name: "temperature", Value: raw("0.5")},
	}
	target := openAITarget()
	target.Info, _ = catalog.Lookup("openai", "gpt-4o")
	c := encodeForeign(t, req, target)
	sameJSON(t, c.Whole(), `{"model":"gpt-4o","messages":[],"max_tokens":16384,"temperature":0.5}`)
	if len(c.Dropped) != 4 {
		t.Errorf("dropped = %+v", c.Dropped)
	}
	target.Model = "o3"
	target.Info, _ = catalog.Lookup("openai", "o3")
	if c = encodeForeign(t, req, target); strings.Contains(string(c.Whole()), "temperature") {
		t.Errorf("a temperature that o3 refuses: %s", c.Whole())
	}
}

func TestForeignThinkingStaysWithItsProvider(t *testing.T) {
	signed := llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartThinking, Text: "secret", State: &llm.State{Signature: "s"}}, text("a")}}
	own := llm.Message{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartThinking, Text: "mine"}, text("b")}}
	c := encodeForeign(t, foreign(signed, own), deepSeekTarget("deepseek-v4-pro"))
	sameJSON(t, messagesOf(c), `[{"role":"assistant","content":"a"},{"role":"assistant","content":"b","reasoning_content":"mine"}]`)
}
