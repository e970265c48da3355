package gemini

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

const (
	g25 = "gemini-2.5-flash"
	g3  = "gemini-3.1-pro-preview"
)

// sigOf makes a valid signature in standard base64.
func sigOf(text string) string {
	return base64.StdEncoding.EncodeToString([]byte("a thought signature: " + text))
}

func text(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func signedTextPart(s, sig string) llm.Part {
	return llm.Part{Kind: llm.PartText, Text: s, State: &llm.State{Provider: Name, Signature: sig}}
}

func call(id, name, args string) llm.Part {
	return llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: args}}
}

func signedCall(id, name, args, sig string) llm.Part {
	p := call(id, name, args)
	p.State = &llm.State{Provider: Name, Signature: sig}
	return p
}

func message(role llm.Role, parts ...llm.Part) llm.Message {
	return llm.Message{Role: role, Parts: parts}
}

func user(s string) llm.Message                    { return message(llm.User, text(s)) }
func assistant(parts ...llm.Part) llm.Message      { return message(llm.Assistant, parts...) }
func result(id string, content string) llm.Message { return message(llm.Tool, resultPart(id, content)) }

func resultPart(id, content string) llm.Part {
	return llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: id, Parts: []llm.Part{text(content)}}}
}

func function(name, parameters string) llm.ToolDef {
	d := llm.ToolDef{Type: "function", Name: name}
	if parameters != "" {
		d.Parameters = rawjson.Value(parameters)
	}
	return d
}

func param(name, value string) llm.Param { return llm.Param{Name: name, Value: rawjson.Value(value)} }

func target(model string) *wire.Target {
	info, _ := catalog.Lookup(Name, model)
	return &wire.Target{Provider: Name, Model: model, Info: info, Quirks: &wire.Quirks{}}
}

func request(messages ...llm.Message) *llm.Request {
	return &llm.Request{From: "chat", Expanded: true, Messages: messages}
}

func encode(t *testing.T, req *llm.Request, to *wire.Target) *wire.Call {
	t.Helper()
	c, err := Wire{}.Encode(req, to)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	if _, err := rawjson.Check(c.Body); err != nil {
		t.Fatalf("Encode wrote broken JSON: %v\n%s", err, c.Body)
	}
	return c
}

// at decodes the body and follows a path of keys and indices.
func at(t *testing.T, c *wire.Call, path ...any) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(c.Body, &v); err != nil {
		t.Fatal(err)
	}
	for _, step := range path {
		switch step := step.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[step]
		case int:
			l, _ := v.([]any)
			if step >= len(l) {
				return nil
			}
			v = l[step]
		}
	}
	return v
}

// same compares decoded JSON with JSON text.
func same(t *testing.T, got any, want string) {
	t.Helper()
	var w any
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("bad expectation %s: %v", want, err)
	}
	if !reflect.DeepEqual(got, w) {
		g, _ := json.Marshal(got)
		t.Errorf("got  %s\nwant %s", g, want)
	}
}

func dropped(c *wire.Call, what string) bool {
	for _, d := range c.Dropped {
		if strings.HasPrefix(d.What, what) {
			return true
		}
	}
	return false
}

func TestPathNamesModelAndMethod(t *testing.T) {
	for _, tc := range []struct {
		model  string
		stream bool
		want   string
	}{
		{g25, false, "/models/gemini-2.5-flash:generateContent"},
		{g25, true, "/models/gemini-2.5-flash:streamGenerateContent?alt=sse"},
		{"models/gemini-3.1-pro-preview", false, "/models/gemini-3.1-pro-preview:generateContent"},
		{"tunedModels/mine", false, "/tunedModels/mine:generateContent"},
		{"a/../b?x", false, "/models/a%2F..%2Fb%3Fx:generateContent"},
	} {
		req := request(user("hi"))
		req.Stream = tc.stream
		if got := encode(t, req, target(tc.model)).Path; got != tc.want {
			t.Errorf("path of %q = %q, want %q", tc.model, got, tc.want)
		}
	}
}

func TestT25_GenerationIsReadFromTheName(t *testing.T) {
	for name, want := range map[string]bool{
		"gemini-flash-latest": true, "gemini-flash-lite-latest": true, "gemini-pro-latest": true, "gemini-4-argon": true,
		"models/gemini-3.1-pro-preview": true, "gemini-3-flash-preview": true, "gemini-10.5-x": true,
		"1234567890": false, "gemma-3-27b-it": false, "gemini-gemma-2-9b-it": false, "gemini-2.5-pro": false, "gemini-2.0-flash-001": false,
		"gemini-1.5-flash": false, "gemini-exp-1206": false, "gemini-pro": false, "gemini-pro-vision": false, "gemini-flash": false,
		"gemini-2": false, "tunedModels/x": false, "": false,
	} {
		if got := IsGemini3OrNewer(name); got != want {
			t.Errorf("IsGemini3OrNewer(%q) = %v", name, got)
		}
	}
}

func TestServiceTierHeaderIsTranslated(t *testing.T) {
	for in, want := range map[string]string{"standard": "default", "PRIORITY": "priority", "": ""} {
		h := http.Header{}
		h.Set("x-gemini-service-tier", in)
		if got := (Wire{}).ServiceTier(h); got != want {
			t.Errorf("ServiceTier(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestPlainConversationBecomesContents(t *testing.T) {
	c := encode(t, request(message(llm.System, text("Be brief.")), user("a"), assistant(text("b")), user("c")), target(g25))
	same(t, at(t, c), `{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"b"}]},
		{"role":"user","parts":[{"text":"c"}]}],"systemInstruction":{"parts":[{"text":"Be brief."}]}}`)
}

func TestConsecutiveUserMessagesBecomeOneTurn(t *testing.T) {
	c := encode(t, request(user("a"), user("b"), assistant(), user("")), target(g25))
	same(t, at(t, c, "contents"), `[{"role":"user","parts":[{"text":"a"},{"text":"b"}]}]`)
}

func TestEmptyConversationsGetAPlaceholderTurn(t *testing.T) {
	same(t, at(t, encode(t, request(), target(g25)), "contents"), `[{"role":"user","parts":[{"text":" "}]}]`)
	same(t, at(t, encode(t, request(user("")), target(g25)), "contents"), `[{"role":"user","parts":[{"text":" "}]}]`)
	c := encode(t, request(message(llm.System, text("A"))), target(g25))
	same(t, at(t, c), `{"contents":[{"role":"user","parts":[{"text":"."}]}],"systemInstruction":{"parts":[{"text":"A"}]}}`)
}

func TestT32_OnlyLeadingSystemMessagesBecomeTheInstruction(t *testing.T) {
	c := encode(t, request(message(llm.System, text("one")), message(llm.Developer, text("two")), user("q"),
		assistant(text("r")), message(llm.Developer, text("late")), user("s")), target(g3))
	same(t, at(t, c, "systemInstruction"), `{"parts":[{"text":"one"},{"text":"two"}]}`)
	same(t, at(t, c, "contents", 2), `{"role":"user","parts":[{"text":"late"},{"text":"s"}]}`)
}

func TestModelWithoutInstructionsReadsThemAsUserText(t *testing.T) {
	c := encode(t, request(message(llm.System, text("Be brief.")), user("hi")), target("gemma-3-27b-it"))
	same(t, at(t, c), `{"contents":[{"role":"user","parts":[{"text":"Be brief."},{"text":"hi"}]}]}`)
}

func TestCacheMarkersAreReported(t *testing.T) {
	p := text("long")
	p.CacheControl = rawjson.Value(`{"type":"ephemeral"}`)
	if c := encode(t, request(message(llm.User, p)), target(g25)); !dropped(c, "cache_control") || strings.Contains(string(c.Body), "ephemeral") {
		t.Errorf("dropped = %v, body = %s", c.Dropped, c.Body)
	}
}

func TestT33_AnswerAtTheEndGetsAUserTurnWhereDemanded(t *testing.T) {
	for model, added := range map[string]bool{
		"gemini-3.6-flash": true, "gemini-flash-latest": true, "gemini-3.5-flash-lite": true, "gemini-4-argon": true,
		"gemini-2.5-pro": false, "gemini-3-pro-preview": false, g3: false, "gemini-3.5-flash": false,
	} {
		c := encode(t, request(user("q"), assistant(text("pre"))), target(model))
		if got := at(t, c, "contents", 2) != nil; got != added {
			t.Errorf("%s: user turn added = %v, want %v", model, got, added)
		}
	}
}

func TestHistoryThatOpensWithACallGetsAUserTurnFirst(t *testing.T) {
	c := encode(t, request(assistant(call("1", "f", "{}")), result("1", "x")), target(g25))
	same(t, at(t, c, "contents", 0), `{"role":"user","parts":[{"text":"."}]}`)
}

func TestCustomToolTravelsAsFunctionWithOneText(t *testing.T) {
	req := request(user("q"), assistant(llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "1", Name: "exec", Arguments: "ls", Custom: true}}), result("1", "ok"))
	req.Tools = []llm.ToolDef{{Type: "custom", Name: "exec", Raw: rawjson.Value(`{"type":"custom","custom":{"name":"exec","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: X"}}}}`)}}
	c := encode(t, req, target(g25))
	same(t, at(t, c, "contents", 1, "parts", 0, "functionCall", "args"), `{"content":"ls"}`)
	same(t, at(t, c, "tools", 0, "functionDeclarations", 0), `{"name":"exec","description":"The input must follow this lark grammar:\nstart: X",
		"parametersJsonSchema":{"type":"object","properties":{"content":{"type":"string"}},"required":["content"]}}`)
	resp, err := Wire{}.Response(c, []byte(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"exec","args":{"content":"pwd"}}}]},"finishReason":"STOP"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := resp.Choices[0].Parts[0].Call; !got.Custom || got.Arguments != "pwd" {
		t.Errorf("custom call came back as %+v", got)
	}
}

// placeholder is what a part's thoughtSignature may be besides a real one.
var placeholder any = signature.Placeholder

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
