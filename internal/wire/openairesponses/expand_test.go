package openairesponses

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

func TestStringInputIsTheUsersMessageAfterTheInstructions(t *testing.T) {
	req := expanded(t, `{"input":"Hi","instructions":"Be brief."}`)
	wantOutline(t, req.Messages, "system: text(Be brief.)", "user: text(Hi)")
}

func TestDeveloperSpeaksForTheSystem(t *testing.T) {
	req := expanded(t, `{"input":[{"type":"message","role":"developer","content":[{"type":"input_text","text":"rules"}]},{"role":"user","content":"q"}]}`)
	wantOutline(t, req.Messages, "system: text(rules)", "user: text(q)")
}

func TestItemsOfOneAnswerBecomeOneMessage(t *testing.T) {
	req := expanded(t, `{"input":[{"role":"user","content":"w"},
		{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}]},
		{"type":"message","role":"assistant","content":[{"type":"output_text","text":"I look."},{"type":"refusal","refusal":"no"}]},
		{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
		{"type":"function_call","call_id":"c2","name":"g","arguments":{"b":2}},
		{"type":"function_call_output","call_id":"c2","output":"two"},
		{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"one"},{"type":"input_image","image_url":"data:image/png;base64,AAAA"}]},
		{"type":"function_call","call_id":"c3","name":"f","arguments":""},
		{"type":"function_call_output","call_id":"c3","output":""}]}`)
	wantOutline(t, req.Messages, "user: text(w)",
		`assistant: think(hm) text(I look.) refuse(no) call(c1 f {"a":1}) call(c2 g {"b":2})`,
		"tool: result(c2 text(two))", "tool: result(c1 text(one) media(image/png AAAA))",
		"assistant: call(c3 f )", "tool: result(c3)")
}

func TestTextAfterACallStandsBeforeIt(t *testing.T) {
	req := expanded(t, `{"input":[{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
		{"type":"message","role":"assistant","content":"later"},{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"}]}`)
	wantOutline(t, req.Messages, "assistant: text(later) call(c1 f {}) call(c2 f {})")
}

func TestContentPartsAreReadLeniently(t *testing.T) {
	req := expanded(t, `{"input":[{"role":"user","content":[
		{"type":"input_text","text":"a"},"b",
		{"type":"input_image","image_url":"https://x/y.png","detail":"low"},
		{"type":"input_image","file_id":"file-1"},
		{"type":"image_url","image_url":{"url":"data:image/gif;base64,R0"}},
		{"type":"input_file","filename":"A.PDF","file_data":"JVBERi0="},
		{"type":"input_file","file_url":"https://x/z.pdf"},
		{"type":"input_file","file_id":"file-2"},
		{"type":"input_audio","input_audio":{"data":"UklG","format":"mp3"}},
		{"type":"input_hologram"}]}]}`)
	wantOutline(t, req.Messages, "user: text(a) text(b) media( https://x/y.png) media( file-1) media(image/gif R0) "+
		"media(application/pdf JVBERi0=) media( https://x/z.pdf) media( file-2) media(audio/mpeg UklG) unknown")
	if d := req.Messages[0].Parts[2].Media.Detail; d != "low" {
		t.Errorf("detail %q", d)
	}
}

func TestOutputWithoutItsCallGetsOne(t *testing.T) {
	req := expanded(t, `{"input":[{"role":"user","content":"w"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"1"},{"type":"function_call_output","call_id":"lost","output":"2"}]}`)
	wantOutline(t, req.Messages, "user: text(w)", "assistant: call(c1 f {}) call(lost unknown_tool {})",
		"tool: result(c1 text(1))", "tool: result(lost text(2))")
	req = expanded(t, `{"input":[{"role":"user","content":"w"},{"type":"function_call_output","call_id":"lost","name":"g","output":"2"}]}`)
	wantOutline(t, req.Messages, "user: text(w)", "assistant: call(lost g {})", "tool: result(lost text(2))")
}

func TestLastOutputOfACallCounts(t *testing.T) {
	req := expanded(t, `{"input":[{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"c1","output":"old"},{"type":"function_call_output","call_id":"c1","output":"new"}]}`)
	wantOutline(t, req.Messages, "assistant: call(c1 f {})", "tool: result(c1 text(new))")
	if len(req.Drops) != 1 {
		t.Errorf("the first output was dropped silently: %v", req.Drops)
	}
}

func TestT91_UnknownItemsAreDroppedAndReported(t *testing.T) {
	req := expanded(t, `{"truncation":"auto","input":[{"type":"hologram_call","id":"x"},{"type":"web_search_call","id":"ws_1"},{"role":"user","content":"q"}],
		"tools":[{"type":"file_search"},{"type":"mcp","server_label":"s"}]}`)
	wantOutline(t, req.Messages, "user: text(q)")
	var got []string
	for _, d := range req.Drops {
		got = append(got, d.What)
	}
	if want := []string{"tools[0]", "tools[1]", "input[0]", "input[1]", "truncation"}; !slices.Equal(got, want) {
		t.Errorf("reported %v, want %v", got, want)
	}
}

func TestReportsStayBounded(t *testing.T) {
	items := strings.Repeat(`{"type":"hologram"},`, 500)
	if n := len(expanded(t, `{"input":[`+items+`{"role":"user","content":"q"}]}`).Drops); n != maxDrops {
		t.Errorf("%d reports", n)
	}
}

func callState(t *testing.T, item string) string {
	t.Helper()
	req := expanded(t, `{"input":[`+item+`]}`)
	for _, m := range req.Messages {
		for _, p := range m.Parts {
			if p.Call != nil && p.State != nil {
				return p.Call.ID + " " + p.State.Provider + " " + p.State.Signature
			}
		}
	}
	return ""
}

func TestT28_EveryCarrierOfAThoughtSignatureIsRead(t *testing.T) {
	sealed := (&envelope{provider: gemini, signatures: []string{realSignature}}).seal()
	for name, item := range map[string]string{
		"provider_specific_fields": `{"type":"function_call","call_id":"c","name":"f","arguments":"{}","provider_specific_fields":{"thought_signature":"` + realSignature + `"}}`,
		"extra_content":            `{"type":"function_call","call_id":"c","name":"f","arguments":"{}","extra_content":{"google":{"thought_signature":"` + realSignature + `"}}}`,
		"suffix":                   `{"type":"function_call","call_id":"c__thought__` + realSignature + `","name":"f","arguments":"{}"}`,
		"envelope":                 `{"type":"reasoning","summary":[],"encrypted_content":"` + sealed + `"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}`,
		"invalid field, suffix":    `{"type":"function_call","call_id":"c__thought__` + realSignature + `","name":"f","arguments":"{}","provider_specific_fields":{"thought_signature":"cut"}}`,
		"custom tool":              `{"type":"custom_tool_call","call_id":"c__thought__` + realSignature + `","name":"f","input":"x"}`,
	} {
		if got := callState(t, item); got != "c gemini "+realSignature {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := callState(t, `{"type":"function_call","call_id":"c__thought__cut","name":"f","arguments":"{}"}`); got != "" {
		t.Errorf("a cut signature counts: %q", got)
	}
}

func TestEnvelopeSignsOnlyTheCallsOfItsAnswer(t *testing.T) {
	sealed := (&envelope{provider: gemini, signatures: []string{realSignature}}).seal()
	req := expanded(t, `{"input":[{"type":"reasoning","summary":[],"encrypted_content":"`+sealed+`"},
		{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"b","name":"f","arguments":"{}"},
		{"type":"function_call_output","call_id":"a","output":"1"},{"type":"function_call_output","call_id":"b","output":"1"},
		{"type":"function_call","call_id":"d","name":"f","arguments":"{}"}]}`)
	wantOutline(t, req.Messages, "assistant: call(a f {})!gemini/"+realSignature+" call(b f {})", "tool: result(a text(1))", "tool: result(b text(1))", "assistant: call(d f {})")
}

func TestResultsOfSignedCallsLoseTheSuffixToo(t *testing.T) {
	id := signature.Join("c", realSignature)
	req := expanded(t, `{"input":[{"type":"function_call","call_id":"`+id+`","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"`+id+`","output":"1"}]}`)
	wantOutline(t, req.Messages, "assistant: call(c f {})!gemini/"+realSignature, "tool: result(c text(1))")
}

func TestThinkingBlocksComeBackAsTheirProviderSignedThem(t *testing.T) {
	sealed := (&envelope{provider: "anthropic", blocks: []block{{"why", "sig1", ""}, {"", "", "secret"}}}).seal()
	for _, item := range []string{
		`{"type":"reasoning","summary":[{"type":"summary_text","text":"why"}],"encrypted_content":"` + sealed + `"}`,
	} {
		req := expanded(t, `{"input":[`+item+`,{"type":"message","role":"assistant","content":"so"}]}`)
		wantOutline(t, req.Messages, "assistant: think(why)!anthropic/sig1 think()!anthropic/secret text(so)")
	}
	litellm := `[{\"type\":\"thinking\",\"thinking\":\"why\",\"signature\":\"sig1\"},{\"type\":\"thinking\",\"thinking\":\"g\",\"signature\":\"gemini:sig2\"}]`
	req := expanded(t, `{"input":[{"type":"reasoning","summary":[],"encrypted_content":"`+litellm+`"},{"type":"message","role":"assistant","content":"so"}]}`)
	wantOutline(t, req.Messages, "assistant: think(why)!/sig1 think(g)!gemini/sig2 text(so)")
}

func TestEncryptedContentOfOpenAIReachesNoOtherProvider(t *testing.T) {
	req := expanded(t, `{"input":[{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"gAAAAABsecret"},
		{"type":"reasoning","summary":[],"encrypted_content":"gAAAAABother"},{"role":"user","content":"q"}]}`)
	wantOutline(t, req.Messages, "assistant: think(s)", "user: text(q)")
	if len(req.Drops) != 2 {
		t.Errorf("reported %v", req.Drops)
	}
}

func identityOf(req *llm.Request, name string) identity {
	o := offered{req: req}
	return o.identity(name)
}

func toolLines(req *llm.Request) string {
	var out []string
	for _, tool := range req.Tools {
		id := identityOf(req, tool.Name)
		out = append(out, tool.Name+"="+string(rune(id.kind))+"/"+id.namespace+"/"+id.name)
	}
	return strings.Join(out, " ")
}

// codexLite is the form of Codex's request for models that it knows: the tools stand
// in the input only.
const codexLite = `{"model":"gpt-6","stream":true,"store":false,"include":["reasoning.encrypted_content"],"tool_choice":"auto","input":[
	{"type":"additional_tools","role":"developer","tools":[{"type":"namespace","name":"functions","tools":[
		{"type":"custom","name":"exec","description":"Run code.","format":{"type":"grammar","syntax":"lark","definition":"start: /.+/"}},
		{"type":"function","name":"wait","parameters":{"type":"object","properties":{},"encrypted":true},"strict":false}]}]},
	{"type":"message","role":"user","content":[{"type":"input_text","text":"go"}]}]}`

func TestT87_ToolsOfCodexLiteBecomeFunctions(t *testing.T) {
	req := expanded(t, codexLite)
	if got := toolLines(req); got != "functions__exec=c/functions/exec functions__wait=f/functions/wait" {
		t.Errorf("tools %s", got)
	}
	exec := req.Tools[0]
	if exec.Type != "function" || exec.Description != "Run code.\n\nFormat:\n```lark\nstart: /.+/\n```" || string(exec.Parameters) != customSchema {
		t.Errorf("exec: %q %q %s", exec.Type, exec.Description, exec.Parameters)
	}
	sameJSON(t, req.Tools[1].Parameters, `{"type":"object","properties":{}}`)
	wantOutline(t, req.Messages, "user: text(go)")
	if req.ToolChoice == nil || req.ToolChoice.Mode != llm.ChoiceAuto {
		t.Errorf("choice %+v", req.ToolChoice)
	}
}

func TestModelThatForgetsTheNamespaceMeansTheTool(t *testing.T) {
	req := expanded(t, codexLite)
	if id := identityOf(req, "exec"); id != (identity{custom, "functions", "exec"}) {
		t.Errorf("%+v", id)
	}
	if id := identityOf(req, "other"); id != (identity{function, "", "other"}) {
		t.Errorf("%+v", id)
	}
	req.Tools = append(req.Tools, llm.ToolDef{Type: "function", Name: "exec"})
	if id := identityOf(req, "exec"); id != (identity{function, "", "exec"}) {
		t.Errorf("another tool of that name: %+v", id)
	}
}

func TestHistoryOfANamespaceNamesTheSameTools(t *testing.T) {
	req := expanded(t, strings.Replace(codexLite, `{"type":"message"`, `
		{"type":"custom_tool_call","call_id":"c1","name":"exec","namespace":"functions","input":"print(1)\n"},
		{"type":"custom_tool_call_output","call_id":"c1","output":"1"},
		{"type":"custom_tool_call","call_id":"c2","name":"exec","input":"x"},
		{"type":"custom_tool_call_output","call_id":"c2","output":"2"},{"type":"message"`, 1))
	wantOutline(t, req.Messages, `assistant: call(c1 functions__exec {"content":"print(1)\n"})`, "tool: result(c1 text(1))",
		`assistant: call(c2 functions__exec {"content":"x"})`, "tool: result(c2 text(2))", "user: text(go)")
}

func TestFlatNamesAreShortAndDistinct(t *testing.T) {
	long := strings.Repeat("n", 70)
	req := expanded(t, `{"input":"x","tools":[{"type":"function","name":"a__b"},
		{"type":"namespace","name":"a","tools":[{"type":"function","name":"b"},{"type":"function","name":"`+long+`"}]},
		{"type":"function","name":"a__b"},{"type":"namespace","name":"z","tools":[{"type":"namespace","name":"deep","tools":[]}]}]}`)
	if len(req.Tools) != 3 {
		t.Fatalf("tools %s", toolLines(req))
	}
	seen := map[string]bool{}
	for _, tool := range req.Tools {
		if len(tool.Name) > maxName || seen[tool.Name] {
			t.Errorf("name %q", tool.Name)
		}
		seen[tool.Name] = true
	}
	if id := identityOf(req, req.Tools[1].Name); id != (identity{function, "a", "b"}) {
		t.Errorf("%+v", id)
	}
	if id := identityOf(req, req.Tools[2].Name); id.name != long {
		t.Errorf("%+v", id)
	}
}

func TestBuiltInToolsOfTheClientBecomeFunctions(t *testing.T) {
	req := expanded(t, `{"tools":[{"type":"shell"},{"type":"local_shell"},{"type":"apply_patch"}],"input":[
		{"type":"shell_call","call_id":"s","action":{"commands":["ls"]}},
		{"type":"shell_call_output","call_id":"s","output":[{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]},
		{"type":"local_shell_call","id":"l","action":{"type":"exec","command":["ls"]}},
		{"type":"local_shell_call_output","id":"l","output":"{}"},
		{"type":"apply_patch_call","call_id":"p","operation":{"type":"delete_file","path":"x"}},
		{"type":"apply_patch_call_output","call_id":"p","status":"failed","output":"no"}]}`)
	if got := toolLines(req); got != "shell=s//shell local_shell=l//local_shell apply_patch=p//apply_patch" {
		t.Errorf("tools %s", got)
	}
	wantOutline(t, req.Messages, `assistant: call(s shell {"commands":["ls"]})`,
		`tool: result(s text([{"stdout":"a","stderr":"","outcome":{"type":"exit","exit_code":0}}]))`,
		`assistant: call(l local_shell {"command":["ls"]})`, "tool: result(l text({}))",
		`assistant: call(p apply_patch {"type":"delete_file","path":"x"})`, "tool: result(p text(no))")
	if !req.Messages[5].Parts[0].Result.IsError {
		t.Error("a failed patch is not told")
	}
}

func TestWebSearchBecomesWebSearchOptions(t *testing.T) {
	req := expanded(t, `{"input":"x","tools":[{"type":"web_search","search_context_size":"low","user_location":{"type":"approximate","city":"Paris"}}]}`)
	sameJSON(t, req.Param("web_search_options"), `{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Paris"}}}`)
	req = expanded(t, `{"input":"x","tools":[{"type":"web_search","external_web_access":true}]}`)
	sameJSON(t, req.Param("web_search_options"), `{}`)
}

func TestToolChoices(t *testing.T) {
	const tools = `"tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"g"}]}]`
	for choice, want := range map[string]string{
		`"auto"`: "1", `"none"`: "2", `"required"`: "3", `{"type":"function","name":"f"}`: "4 f", `{"type":"custom","name":"c"}`: "4 c",
		`{"type":"function","name":"g"}`: "4 n__g", `{"type":"function","function":{"name":"f"}}`: "4 f",
		`{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"function","name":"gone"}]}`: "5 f",
		`{"type":"allowed_tools","mode":"required","tools":[{"type":"custom","name":"c"}]}`:                                 "6 c",
		`{"type":"function","name":"gone"}`: "", `{"type":"web_search_preview"}`: "",
	} {
		req := expanded(t, `{"input":"x",`+tools+`,"tool_choice":`+choice+`}`)
		got := ""
		if c := req.ToolChoice; c != nil {
			got = strings.TrimSpace(strconv.Itoa(int(c.Mode)) + " " + strings.Join(c.Names, " "))
		} else if len(req.Drops) != 1 {
			t.Errorf("%s was dropped silently", choice)
		}
		if got != want {
			t.Errorf("%s: %q, want %q", choice, got, want)
		}
	}
	if c := expanded(t, `{"input":"x","tool_choice":"required"}`).ToolChoice; c != nil {
		t.Errorf("a choice without tools stays: %+v", c)
	}
}

func TestParallelToolCallsAreTold(t *testing.T) {
	if p := expanded(t, `{"input":"x","parallel_tool_calls":false}`).ParallelToolCalls; p == nil || *p {
		t.Errorf("%v", p)
	}
	if p := expanded(t, `{"input":"x"}`).ParallelToolCalls; p != nil {
		t.Errorf("%v", *p)
	}
}
