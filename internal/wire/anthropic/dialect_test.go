package anthropic

import (
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// sig is a valid Gemini signature in the standard alphabet, sigURL in the URL one.
const (
	sig    = "ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUt+/8/Pz4+fn4="
	sigURL = "ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUt-_8_Pz4-fn4"
)

// messages decodes and expands a body that the test knows to be good.
func messages(t testing.TB, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatalf("the test's body is not JSON: %v", err)
	}
	req, err := Dialect{}.Decode(v)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	if err := (Dialect{}).Expand(req); err != nil {
		t.Fatalf("Expand: %v", err)
	}
	return req
}

// ask is a request with these members besides model, max_tokens and a user message.
func ask(t testing.TB, members string) *llm.Request {
	t.Helper()
	return messages(t, `{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"Hi"}]`+members+`}`)
}

// history is a request with these messages.
func history(t testing.TB, list string) *llm.Request {
	t.Helper()
	return messages(t, `{"model":"m","max_tokens":10,"messages":[`+list+`]}`)
}

func TestMessagesEnvelopeIsDecoded(t *testing.T) {
	req := ask(t, `,"stream":true,"temperature":0.3,"top_p":0.8,"top_k":9,"stop_sequences":["END"],"metadata":{"user_id":"u1"},"container":"c","drop_params":true`)
	if req.From != Name || req.Model != "m" || !req.Stream || !req.IncludeUsage || !req.LenientParams {
		t.Errorf("%+v", req)
	}
	for name, want := range map[string]string{
		"max_tokens": "10", "temperature": "0.3", "top_p": "0.8", "top_k": "9", "stop": `["END"]`, "user": `"u1"`,
		"container": `"c"`, "stop_sequences": "", "metadata": "", "drop_params": "", "system": "", "stream": "",
	} {
		if got := string(req.Param(name)); got != want {
			t.Errorf("%s is %s, not %s", name, got, want)
		}
	}
}

func TestMessagesBadBodiesAreTheClientsMistakes(t *testing.T) {
	const good = `"model":"m","max_tokens":1,"messages":[{"role":"user","content":"Hi"}]`
	for body, param := range map[string]string{
		`{"model":"m","messages":[]}`:                                                                 "max_tokens",
		`{"model":"m","max_tokens":1}`:                                                                "messages",
		`{"model":"m","max_tokens":1,"messages":{}}`:                                                  "messages",
		`{"model":1,"max_tokens":1,"messages":[]}`:                                                    "model",
		`{"model":"m","max_tokens":"1","messages":[]}`:                                                "max_tokens",
		`{"model":"m","max_tokens":-1,"messages":[]}`:                                                 "max_tokens",
		`{"model":"m","max_tokens":1.5,"messages":[]}`:                                                "max_tokens",
		`{` + good + `,"model":"n"}`:                                                                  "model",
		`{` + good + `,"Stream":true}`:                                                                "stream",
		`{` + good + `,"stream":"yes"}`:                                                               "stream",
		`{` + good + `,"system":1}`:                                                                   "system",
		`{` + good + `,"tools":{}}`:                                                                   "tools",
		`{` + good + `,"tool_choice":{"type":"perhaps"}}`:                                             "tool_choice.type",
		`{` + good + `,"tool_choice":{"type":"tool"}}`:                                                "tool_choice.name",
		`{` + good + `,"temperature":"hot"}`:                                                          "temperature",
		`{` + good + `,"tools":[{"input_schema":{}}]}`:                                                "tools.0.name",
		`{` + good + `,"tools":[{"name":"f","input_schema":1}]}`:                                      "tools.0.input_schema",
		`{` + good + `,"tools":["f"]}`:                                                                "tools.0",
		`{` + good + `,"system":[{"type":"image"}]}`:                                                  "system.0",
		`{"max_tokens":1,"messages":["Hi"]}`:                                                          "messages.0",
		`{"max_tokens":1,"messages":[{"role":"tool","content":"x"}]}`:                                 "messages.0.role",
		`{"max_tokens":1,"messages":[{"role":"user","content":1}]}`:                                   "messages.0.content",
		`{"max_tokens":1,"messages":[{"role":"user","content":["x"]}]}`:                               "messages.0.content.0",
		`{"max_tokens":1,"messages":[{"role":"system","content":[1]}]}`:                               "messages.0.content.0",
		`{"max_tokens":1,"messages":[{"role":"assistant","content":[1]}]}`:                            "messages.0.content.0",
		`{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}`:            "messages.0.content.0.tool_use_id",
		`{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a"}]}]}`: "messages.0.content.0.name",
	} {
		v, err := rawjson.Check([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		req, err := Dialect{}.Decode(v)
		if err == nil {
			err = Dialect{}.Expand(req)
		}
		if e := llm.AsError(err); e == nil || e.Status != http.StatusBadRequest || e.Param != param || e.Message == "" {
			t.Errorf("%s: %+v", body, e)
		}
	}
	if _, err := (Dialect{}).Decode(rawjson.Value(`[]`)); err == nil {
		t.Error("a list passes as a request")
	}
	if _, err := (Dialect{}).Decode(rawjson.Value(`{"a":1` + manyKeys() + `}`)); err == nil || !strings.Contains(err.Error(), "keys stand") {
		t.Errorf("a request of hundreds of keys: %v", err)
	}
}

func manyKeys() string {
	var b strings.Builder
	for i := range 2 * maxTopKeys {
		b.WriteString(`,"k` + string(rawjson.Int(int64(i))) + `":1`)
	}
	return b.String()
}

func TestThinkingBecomesAnEffort(t *testing.T) {
	for members, want := range map[string]string{
		``:                                "",
		`,"thinking":{"type":"disabled"}`: `"none"`,
		`,"thinking":{"type":"enabled","budget_tokens":31999}`:                    `"high"`,
		`,"thinking":{"type":"enabled","budget_tokens":4096}`:                     `"high"`,
		`,"thinking":{"type":"enabled","budget_tokens":2048}`:                     `"medium"`,
		`,"thinking":{"type":"enabled","budget_tokens":1024}`:                     `"low"`,
		`,"thinking":{"type":"enabled","budget_tokens":10}`:                       `"minimal"`,
		`,"thinking":{"type":"adaptive"}`:                                         `"medium"`,
		`,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`:        `"low"`,
		`,"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}`:        `"high"`,
		`,"output_config":{"effort":"low"}`:                                       "",
		`,"thinking":{"type":"adaptive"},"output_config":{"effort":"unheard of"}`: `"medium"`,
		`,"thinking":{"type":"between_tools"},"output_config":{"effort":"high"}`:  `"high"`,
		`,"thinking":{"type":"enabled"},"output_config":{"effort":"high"}`:        `"minimal"`,
	} {
		if got := string(ask(t, members).Param(effortParam)); got != want {
			t.Errorf("%s becomes %s, not %s", members, got, want)
		}
	}
}

func TestSchemaTierAndLongUserIDsAreTranslated(t *testing.T) {
	for _, members := range []string{
		`,"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`,
		`,"output_format":{"type":"json_schema","schema":{"type":"object"}}`,
	} {
		equalJSON(t, members, string(ask(t, members).Param("response_format")),
			`{"type":"json_schema","json_schema":{"name":"structured_output","schema":{"type":"object"}}}`)
	}
	if got := ask(t, `,"service_tier":"standard_only"`).Param("service_tier"); !got.Is("default") {
		t.Errorf("standard_only becomes %s", got)
	}
	if got := ask(t, `,"service_tier":"auto"`).Param("service_tier"); got != nil {
		t.Errorf("auto becomes %s", got)
	}
	req := ask(t, `,"metadata":{"user_id":"`+strings.Repeat("x", 65)+`"}`)
	if req.Param("user") != nil || len(req.Drops) != 1 || req.Drops[0].What != "metadata.user_id" {
		t.Errorf("a long user id: %s, reported %v", req.Param("user"), req.Drops)
	}
}

func TestToolChoiceIsTranslated(t *testing.T) {
	const tools = `,"tools":[{"name":"f","input_schema":{"type":"object"}}]`
	for choice, want := range map[string]struct {
		mode llm.ChoiceMode
		raw  string
	}{
		`{"type":"auto"}`:            {llm.ChoiceAuto, `"auto"`},
		`{"type":"any"}`:             {llm.ChoiceRequired, `"required"`},
		`{"type":"none"}`:            {llm.ChoiceNone, `"none"`},
		`{"type":"tool","name":"f"}`: {llm.ChoiceNamed, `{"type":"function","function":{"name":"f"}}`},
	} {
		req := ask(t, tools+`,"tool_choice":`+choice)
		if req.ToolChoice == nil || req.ToolChoice.Mode != want.mode || string(req.Param("tool_choice")) != want.raw {
			t.Errorf("%s: %+v, %s", choice, req.ToolChoice, req.Param("tool_choice"))
		}
		if req.ParallelToolCalls != nil {
			t.Errorf("%s forbids parallel calls", choice)
		}
	}
	req := ask(t, tools+`,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`)
	if req.ParallelToolCalls == nil || *req.ParallelToolCalls || !req.Param("parallel_tool_calls").Present() {
		t.Errorf("parallel calls: %v", req.ParallelToolCalls)
	}
	req = ask(t, `,"tools":[{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"tool","name":"web_search","disable_parallel_tool_use":true}`)
	if req.ToolChoice != nil || req.Param("tool_choice") != nil || req.Param("parallel_tool_calls") != nil {
		t.Errorf("a choice without tools: %+v", req.ToolChoice)
	}
}

func TestToolsAreTranslated(t *testing.T) {
	req := ask(t, `,"tools":[
		{"name":"read","description":"Reads.","input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","additionalProperties":false},"strict":true,"cache_control":{"type":"ephemeral"}},
		{"type":"custom","name":"plain"},
		{"name":"DeferredToolPlaceholder","input_schema":{"type":"object"},"defer_loading":true},
		{"name":"later","input_schema":{"type":"object"},"defer_loading":true},
		{"type":"bash_20250124","name":"bash"},
		{"type":"text_editor_20250728","name":"str_replace_based_edit_tool"},
		{"type":"computer_20251124","name":"computer","display_width_px":1,"display_height_px":1},
		{"type":"memory_20250818","name":"memory"},
		{"type":"code_execution_20250825","name":"code_execution"},
		{"type":"web_search_20250305","name":"web_search","user_location":{"type":"approximate","city":"Paris"}}]`)
	var names []string
	for _, tool := range req.Tools {
		names = append(names, tool.Name)
		if tool.Type != "function" || tool.Parameters != nil && tool.Parameters.Get("$schema") != nil {
			t.Errorf("%+v", tool)
		}
		if _, err := rawjson.Check(tool.Parameters); tool.Name != "plain" && (err != nil || tool.Parameters.Kind() != '{') {
			t.Errorf("the schema of %s: %v", tool.Name, err)
		}
	}
	if got := strings.Join(names, " "); got != "read plain later bash str_replace_based_edit_tool computer memory" {
		t.Errorf("tools: %s", got)
	}
	if first := req.Tools[0]; first.Description != "Reads." || first.Strict == nil || !*first.Strict || first.CacheControl == nil {
		t.Errorf("%+v", first)
	}
	equalJSON(t, "search", string(req.Param("web_search_options")), `{"user_location":{"type":"approximate","approximate":{"city":"Paris"}}}`)
	if len(req.Drops) != 2 {
		t.Errorf("reported: %v", req.Drops)
	}
}

func TestT83BillingHeaderAndSystemMessagesWithinTheConversation(t *testing.T) {
	req := messages(t, `{"model":"m","max_tokens":32000,"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"high"},
		"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.328; cc_entrypoint=sdk-cli;"},{"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}}],
		"messages":[{"role":"user","content":[{"type":"text","text":"Hi"}]},{"role":"system","content":"# Environment","output_config":{"effort":"low"}},{"role":"user","content":"go"}],
		"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"metadata":{"user_id":"{\"device_id\":\"`+strings.Repeat("0", 64)+`\"}"}}`)
	var roles, texts []string
	for _, m := range req.Messages {
		roles = append(roles, string(m.Role))
		texts = append(texts, llm.JoinText(m.Parts))
	}
	if got := strings.Join(roles, " "); got != "system user system user" {
		t.Errorf("roles: %s", got)
	}
	if got := strings.Join(texts, "|"); got != "You are Claude Code.|Hi|# Environment|go" {
		t.Errorf("texts: %s", got)
	}
	if got := req.Param(effortParam); !got.Is("low") {
		t.Errorf("the effort of the conversation's last system message is lost: %s", got)
	}
}

func TestToolResultsBecomeMessagesBeforeTheRest(t *testing.T) {
	req := history(t, `{"role":"user","content":"w"},
		{"role":"assistant","content":[{"type":"text","text":"calling"},{"type":"tool_use","id":"a","name":"f","input":{"x": 1}},{"type":"tool_use","id":"b","name":"g","input":{}}]},
		{"role":"user","content":[{"type":"text","text":"go on"},{"type":"tool_result","tool_use_id":"a","content":"20"},
			{"type":"tool_result","tool_use_id":"b","is_error":true,"content":[{"type":"text","text":"no"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]},
			{"type":"tool_result","tool_use_id":"srvtoolu_1","content":"x"}]}`)
	if len(req.Messages) != 5 {
		t.Fatalf("%d messages", len(req.Messages))
	}
	calls := req.Messages[1].Parts
	if len(calls) != 3 || calls[1].Call.Arguments != `{"x": 1}` || calls[2].Call.Arguments != "{}" {
		t.Errorf("%+v", calls)
	}
	a, b := req.Messages[2], req.Messages[3]
	if a.Role != llm.Tool || b.Role != llm.Tool || a.Parts[0].Result.CallID != "a" || a.Parts[0].Result.Text() != "20" {
		t.Errorf("%+v %+v", a, b)
	}
	if r := b.Parts[0].Result; !r.IsError || len(r.Parts) != 2 || r.Parts[1].Media.Data != "aGk=" {
		t.Errorf("%+v", r)
	}
	if last := req.Messages[4]; last.Role != llm.User || llm.JoinText(last.Parts) != "go on" {
		t.Errorf("%+v", last)
	}
}

func TestContentBlocksBecomeParts(t *testing.T) {
	req := history(t, `{"role":"user","content":[
		{"type":"image","source":{"type":"url","url":"https://x/y.png"}},
		{"type":"image","source":{"type":"file","file_id":"file_1"}},
		{"type":"document","title":"Plan","source":{"type":"text","media_type":"text/plain","data":"one"}},
		{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"JVBERi0="},"context":"from 2024"},
		{"type":"document","source":{"type":"url","url":"https://x/y"}},
		{"type":"document","source":{"type":"content","content":[{"type":"text","text":"two"}]}},
		{"type":"document","source":{"type":"content","content":"three"}},
		{"type":"search_result","title":"T","source":"https://s","content":[{"type":"text","text":"found"}]},
		{"type":"tool_reference","tool_name":"f"},
		{"type":"mystery","text":"readable"},{"type":"mystery"},{"type":"text","text":""}]}`)
	var got []string
	for _, p := range req.Messages[0].Parts {
		switch {
		case p.Media != nil:
			got = append(got, p.Media.MIME+p.Media.URL+p.Media.FileID+p.Media.Name)
		default:
			got = append(got, p.Text)
		}
	}
	want := []string{
		"https://x/y.png", "file_1", "Plan\n\none", "from 2024", "application/pdfdocument.pdf",
		"application/pdfhttps://x/ydocument.pdf", "two", "three", "T (https://s)\nfound", "Tool found: f", "readable",
	}
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if len(req.Drops) != 1 || !strings.Contains(req.Drops[0].What, "mystery") {
		t.Errorf("reported: %v", req.Drops)
	}
}

func TestEveryCarrierOfAGeminiSignatureIsAccepted(t *testing.T) {
	for name, block := range map[string]string{
		"LiteLLM's field":      `{"type":"tool_use","id":"call_1","name":"f","input":{},"provider_specific_fields":{"signature":"` + sig + `"}}`,
		"LiteLLM's chat field": `{"type":"tool_use","id":"call_1","name":"f","input":{},"provider_specific_fields":{"thought_signature":"` + sig + `"}}`,
		"plain field":          `{"type":"tool_use","id":"call_1","name":"f","input":{},"signature":"` + sig + `"}`,
		"Google's field":       `{"type":"tool_use","id":"call_1","name":"f","input":{},"extra_content":{"google":{"thought_signature":"` + sig + `"}}}`,
		"suffix":               `{"type":"tool_use","id":"call_1__thought__` + sigURL + `","name":"f","input":{}}`,
		"other suffix":         `{"type":"tool_use","id":"call_1_ts_` + sigURL + `","name":"f","input":{}}`,
		"block before":         `{"type":"thinking","thinking":"","signature":"gemini-next:` + sig + `"},{"type":"tool_use","id":"call_1","name":"f","input":{}}`,
		"empty block":          `{"type":"thinking","thinking":"","signature":"gemini:` + sig + `"},{"type":"tool_use","id":"call_1","name":"f","input":{}}`,
		"invalid field first":  `{"type":"tool_use","id":"call_1__thought__` + sigURL + `","name":"f","input":{},"signature":"cut"}`,
	} {
		req := history(t, `{"role":"assistant","content":[`+block+`]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1__thought__`+sigURL+`","content":"1"}]}`)
		p := req.Messages[0].Parts[0]
		if p.Call == nil || p.Call.ID != "call_1" || p.State == nil || p.State.Signature != sig || p.State.Provider != "gemini" {
			t.Errorf("%s: %+v %+v", name, p.Call, p.State)
		}
		if id := req.Messages[1].Parts[0].Result.CallID; id != "call_1" {
			t.Errorf("%s: the result is for %s", name, id)
		}
	}
}

func TestThinkingBlocksKeepTheirState(t *testing.T) {
	req := history(t, `{"role":"assistant","content":[
		{"type":"thinking","thinking":"plain","signature":""},{"type":"thinking","thinking":"ours","signature":"`+signature.Unsigned+`"},
		{"type":"thinking","thinking":"claude","signature":"EqQB"},{"type":"thinking","thinking":"gemini","signature":"gemini:`+sig+`"},
		{"type":"redacted_thinking","data":"opaque"},{"type":"thinking","thinking":"","signature":""},
		{"type":"thinking","thinking":"","signature":"gemini:`+sig+`"},{"type":"text","text":"answer"},
		{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]}]}`)
	parts := req.Messages[0].Parts
	if len(parts) != 6 {
		t.Fatalf("%d parts: %+v", len(parts), parts)
	}
	if parts[0].State != nil || parts[1].State != nil {
		t.Error("unsigned reasoning got a state")
	}
	if s := parts[2].State; s == nil || s.Signature != "EqQB" || s.Provider != "" {
		t.Errorf("Claude's block: %+v", s)
	}
	if s := parts[3].State; s == nil || s.Signature != sig || s.Provider != "gemini" {
		t.Errorf("Gemini's block: %+v", s)
	}
	if s := parts[4].State; s == nil || s.Redacted != "opaque" {
		t.Errorf("redacted block: %+v", s)
	}
	if p := parts[5]; p.Text != "answer" || p.State == nil || p.State.Signature != sig {
		t.Errorf("the text: %+v", p)
	}
}

func TestSignatureOfACallIsNotRepeatedOnTheText(t *testing.T) {
	req := history(t, `{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"gemini:`+sig+`"},{"type":"text","text":"x"},
		{"type":"tool_use","id":"call_1__thought__`+sigURL+`","name":"f","input":{}}]}`)
	if p := req.Messages[0].Parts[0]; p.Kind != llm.PartText || p.State != nil {
		t.Errorf("%+v %+v", p, p.State)
	}
}

func TestMessagesErrorsHaveAnthropicsTypes(t *testing.T) {
	for status, typ := range map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error",
		408: "timeout_error", 413: "request_too_large", 415: "invalid_request_error", 422: "invalid_request_error", 429: "rate_limit_error",
		500: "api_error", 502: "api_error", 503: "overloaded_error", 504: "timeout_error", 529: "overloaded_error",
	} {
		got, body := Dialect{}.Error(&llm.Error{Status: status, Message: "m"})
		equalJSON(t, "body", string(body), `{"type":"error","error":{"type":"`+typ+`","message":"m"}}`)
		if got != status {
			t.Errorf("%d became %d", status, got)
		}
	}
	if status, body := (Dialect{}).Error(&llm.Error{Status: 500, UpstreamStatus: 529, Message: "m", Header: http.Header{"Request-Id": {"req_1"}}}); status != 529 ||
		!rawjson.Value(body).Path("error", "type").Is("overloaded_error") || !rawjson.Value(body).Get("request_id").Is("req_1") {
		t.Errorf("overloaded: %d %s", status, body)
	}
	if status, _ := (Dialect{}).Error(&llm.Error{Kind: llm.KindRateLimit, Message: "m"}); status != 429 {
		t.Errorf("an error without a status: %d", status)
	}
}

func TestContextOverflowSaysThatThePromptIsTooLong(t *testing.T) {
	for _, message := range []string{"maximum context length is 8192", "prompt is too long: 9 > 8"} {
		_, body := Dialect{}.Error(&llm.Error{Kind: llm.KindContextWindow, Status: 400, Message: message})
		got := rawjson.Value(body).Path("error", "message").Text()
		if strings.Count(got, "prompt is too long") != 1 || !strings.Contains(got, message) {
			t.Errorf("%q", got)
		}
	}
}

func TestMessagesAnswerIsWrittenInAnthropicsOrder(t *testing.T) {
	req := ask(t, `,"thinking":{"type":"enabled","budget_tokens":1024}`)
	req.ToolNames = map[string]string{"short": "the long name"}
	resp := &llm.Response{ID: "x", Model: "gpt", Choices: []llm.Choice{{Finish: llm.FinishStop, Parts: []llm.Part{
		text("Hello"),
		{Kind: llm.PartThinking, Text: "hm"},
		{Kind: llm.PartThinking, Text: "signed", State: &llm.State{Provider: "gemini", Signature: sig}},
		{Kind: llm.PartThinking, State: &llm.State{Redacted: "r"}},
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "call_1", Name: "short", Arguments: `{"a":1}`}, State: &llm.State{Provider: "gemini", Signature: sig}},
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "call_2", Name: "f", Arguments: ""}},
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "call_3", Name: "f", Arguments: "{broken"}},
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "srv", Name: "f", Server: true}},
	}}}, Usage: &llm.Usage{Input: 3000, CacheRead: 2000, CacheWrite5m: 100, Output: 8, WebSearches: 2}}
	got := Dialect{}.Response(req, resp, wire.Answer{Model: "upstream", CallID: "11-22", SignatureInID: true})
	equalJSON(t, "answer", string(got), `{"id":"msg_1122","type":"message","role":"assistant","model":"m","content":[
		{"type":"thinking","thinking":"hm","signature":"`+signature.Unsigned+`"},{"type":"thinking","thinking":"signed","signature":"gemini:`+sig+`"},
		{"type":"redacted_thinking","data":"r"},{"type":"text","text":"Hello"},
		{"type":"tool_use","id":"call_1__thought__`+sigURL+`","name":"the long name","provider_specific_fields":{"signature":"`+sig+`"},"input":{"a":1}},
		{"type":"tool_use","id":"call_2","name":"f","input":{}},{"type":"tool_use","id":"call_3","name":"f","input":{"_raw":"{broken"}}],
		"stop_reason":"tool_use","stop_sequence":null,
		"usage":{"input_tokens":900,"cache_creation_input_tokens":100,"cache_read_input_tokens":2000,"output_tokens":8,"server_tool_use":{"web_search_requests":2}}}`)
}

func TestSignatureOfATextIsShownOnlyToThoseWhoAskForThinking(t *testing.T) {
	resp := &llm.Response{ID: "msg_1", Choices: []llm.Choice{{Finish: llm.FinishStop, Parts: []llm.Part{
		{Kind: llm.PartText, Text: "Hello", State: &llm.State{Provider: "gemini", Signature: sig}},
	}}}}
	got := rawjson.Value(Dialect{}.Response(ask(t, ""), resp, wire.Answer{}))
	if first := got.Get("content").First(); !first.Get("type").Is("text") {
		t.Errorf("the text is not first: %s", first)
	}
	got = Dialect{}.Response(ask(t, `,"thinking":{"type":"adaptive"}`), resp, wire.Answer{})
	if first := got.Get("content").First(); !first.Get("signature").Is("gemini:"+sig) || !got.Get("id").Is("msg_1") {
		t.Errorf("the signature is not first: %s", got)
	}
}

func TestStopReasons(t *testing.T) {
	for finish, want := range map[llm.Finish]string{
		llm.FinishStop: "end_turn", llm.FinishLength: "max_tokens", llm.FinishToolCalls: "tool_use",
		llm.FinishFunctionCall: "tool_use", llm.FinishContentFilter: "refusal", "": "end_turn",
	} {
		if got := stopReason(finish, false); got != want {
			t.Errorf("%s becomes %s", finish, got)
		}
	}
}

func TestMediaOfTheModelIsMentioned(t *testing.T) {
	resp := &llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png"}}}}}}
	got := rawjson.Value(Dialect{}.Response(ask(t, ""), resp, wire.Answer{}))
	if text := got.Get("content").First().Get("text").Text(); !strings.Contains(text, "image/png") {
		t.Errorf("%s", got)
	}
}

func FuzzMessagesDecodeAndExpand(f *testing.F) {
	f.Add(`{"model":"m","max_tokens":1,"system":"s","messages":[{"role":"user","content":"Hi"}],"tools":[{"name":"f","input_schema":{}}]}`)
	f.Add(`{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"gemini:x"},{"type":"tool_use","id":"a__thought__b","name":"f"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"document"}]}]}]}`)
	f.Add(`{"max_tokens":1,"messages":[],"thinking":{"type":"adaptive"},"tool_choice":{"type":"tool","name":"x"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		v, err := rawjson.Check([]byte(body))
		if err != nil {
			return
		}
		req, err := Dialect{}.Decode(v)
		if err == nil {
			err = Dialect{}.Expand(req)
		}
		if err != nil {
			if e := llm.AsError(err); e.Status != http.StatusBadRequest || e.Message == "" {
				t.Errorf("%+v", e)
			}
			return
		}
		if _, err := New().Encode(req, target(legacyModel)); err != nil {
			t.Errorf("Encode: %v", err)
		}
		other := *req
		other.From = "chat"
		if call, err := New().Encode(&other, target(legacyModel)); err == nil {
			if _, err := rawjson.Check(call.Body); err != nil {
				t.Errorf("translated: %v", err)
			}
		}
	})
}
