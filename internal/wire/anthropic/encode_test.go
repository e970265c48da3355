package anthropic

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

const userW = `{"role":"user","content":[{"type":"text","text":"w"}]}`

func TestT54_ThinkingWithEmptyTextGoesBackUnmodifiedAndFirst(t *testing.T) {
	req := request(params("thinking", `{"type":"enabled","budget_tokens":2048}`, "max_tokens", "4096"),
		say(llm.User, "w"),
		assistant(thought("", "sigA"), text("I call."), callPart("toolu_1", "f", `{"a": 1}`)), result("toolu_1", "20"))
	call := encode(t, req, target(legacyModel))
	equalJSON(t, "messages", member(t, call, "messages"), `[`+userW+`,
		{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"sigA"},{"type":"text","text":"I call."},
			{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"20"}]}]`)
	equalJSON(t, "thinking", member(t, call, "thinking"), `{"type":"enabled","budget_tokens":2048}`)
}

func TestT55_ManualThinkingIsDroppedWhenTheToolTurnLostItsBlocks(t *testing.T) {
	msgs := []llm.Message{say(llm.User, "w"), assistant(callPart("a", "f", `{}`)), result("a", "20")}
	req := request(params("thinking", `{"type":"enabled","budget_tokens":2048}`), msgs...)
	call := encode(t, req, target(legacyModel))
	if got := member(t, call, "thinking"); got != "" || !dropped(call, "thinking") {
		t.Errorf("thinking %s, dropped %v", got, call.Dropped)
	}
	adaptive := encode(t, request(params("reasoning_effort", `"low"`), msgs...), target(adaptiveModel))
	equalJSON(t, "adaptive thinking stays", member(t, adaptive, "thinking"), `{"type":"adaptive","display":"summarized"}`)
}

func TestManualThinkingStaysWhenOnlyAnOlderTurnLostItsBlocks(t *testing.T) {
	req := request(params("thinking", `{"type":"enabled","budget_tokens":2048}`),
		say(llm.User, "w"), assistant(callPart("a", "f", `{}`)), result("a", "20"), say(llm.Assistant, "20 degrees"), say(llm.User, "and now?"))
	if got := member(t, encode(t, req, target(legacyModel)), "thinking"); got == "" {
		t.Error("thinking was dropped although no tool loop is running")
	}
}

func TestT56_RepairStripsEveryThinkingBlockAndKeepsAlternation(t *testing.T) {
	req := request(nil, say(llm.User, "a"), assistant(thought("only this", "bad")), say(llm.User, "b"),
		assistant(thought("x", "bad"), callPart("c1", "f", "{}")), result("c1", "r"))
	tg := target(legacyModel)
	first := encode(t, req, tg)
	e := New().Error(400, nil, []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `+"`signature` in `thinking`"+` block"}}`))
	repair, ok := New().Mend(first, e)
	if !ok || repair != wire.RepairThinking {
		t.Fatalf("Mend = %q, %v", repair, ok)
	}
	again := *tg
	again.Repair = repair
	call := encode(t, req, &again)
	if strings.Contains(string(call.Body), "thinking") {
		t.Errorf("thinking is left in %s", call.Body)
	}
	checkConversation(t, call)
	if _, ok := New().Mend(call, e); ok {
		t.Error("a repaired request is mended again")
	}
}

func TestT57_BudgetIsAlwaysBelowMaxTokens(t *testing.T) {
	for _, tc := range []struct{ max, thinking, maxOut string }{
		{"1000", "", "1000"},
		{"1024", "", "1024"},
		{"1025", `{"type":"enabled","budget_tokens":1024}`, "1025"},
		{"3000", `{"type":"enabled","budget_tokens":2999}`, "3000"},
		{"9000", `{"type":"enabled","budget_tokens":4096}`, "9000"},
	} {
		req := request(params("reasoning_effort", `"high"`, "max_tokens", tc.max), say(llm.User, "w"))
		call := encode(t, req, target(legacyModel))
		equalJSON(t, "thinking at "+tc.max, member(t, call, "thinking"), tc.thinking)
		equalJSON(t, "max_tokens", member(t, call, "max_tokens"), tc.maxOut)
	}
}

func TestT58_TemperatureIsRefusedOrDroppedWhereOnlyOneIsAllowed(t *testing.T) {
	req := request(params("temperature", "0.2"), say(llm.User, "w"))
	tg := target(strictModel)
	_, err := New().Encode(req, tg)
	var e *llm.Error
	if !errors.As(err, &e) || e.Kind != llm.KindUnsupportedParams || e.Status != 400 || !strings.Contains(e.Message, "temperature=0.2") {
		t.Fatalf("without drop_params: %v", err)
	}
	tg.Policy.Drop = true
	call := encode(t, req, tg)
	if member(t, call, "temperature") != "" || !dropped(call, "temperature") {
		t.Errorf("with drop_params: %s", call.Body)
	}
	one := encode(t, request(params("temperature", "1.0"), say(llm.User, "w")), target(strictModel))
	equalJSON(t, "temperature 1", member(t, one, "temperature"), "1")
}

func TestT60_ResultsOfOneTurnComeFirstTextLast(t *testing.T) {
	req := request(nil, say(llm.User, "w"), assistant(callPart("a", "f", ""), callPart("b", "g", "")),
		result("a", "1"), say(llm.User, "hurry"), result("b", "2"))
	equalJSON(t, "last message", lastMessage(t, encode(t, req, target(legacyModel))), `{"role":"user","content":[
		{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"tool_result","tool_use_id":"b","content":"2"},
		{"type":"text","text":"hurry"}]}`)
}

func TestT61_MissingResultIsSynthesizedBeforeTheText(t *testing.T) {
	req := request(nil, say(llm.User, "w"), assistant(callPart("a", "f", "{}")), say(llm.User, "never mind"))
	call := encode(t, req, target(legacyModel))
	equalJSON(t, "last message", lastMessage(t, call), `{"role":"user","content":[
		{"type":"tool_result","tool_use_id":"a","content":"`+missingResult+`","is_error":true},{"type":"text","text":"never mind"}]}`)
	atEnd := encode(t, request(nil, say(llm.User, "w"), assistant(callPart("a", "f", "{}"))), target(legacyModel))
	checkConversation(t, atEnd)
}

func TestOrphanResultBecomesText(t *testing.T) {
	req := request(nil, say(llm.User, "w"), assistant(callPart("a", "f", "{}")), result("zzz", "20"))
	call := encode(t, req, target(legacyModel))
	checkConversation(t, call)
	if got := lastMessage(t, call); !strings.Contains(got, "zzz") || !strings.Contains(got, "20") || !dropped(call, "tool result of zzz") {
		t.Errorf("last message %s, reported %v", got, call.Dropped)
	}
}

func TestResultWithoutIDIsPairedByNameThenPosition(t *testing.T) {
	r := result("", "20")
	r.Parts[0].Result.Name = "g"
	req := request(nil, say(llm.User, "w"), assistant(callPart("a", "f", "{}"), callPart("b", "g", "{}")), r, result("", "1"))
	got := lastMessage(t, encode(t, req, target(legacyModel)))
	equalJSON(t, "results", got, `{"role":"user","content":[{"type":"tool_result","tool_use_id":"b","content":"20"},
		{"type":"tool_result","tool_use_id":"a","content":"1"}]}`)
}

func TestRepeatedAndIllegalCallIDsBecomeUniqueAndLegal(t *testing.T) {
	req := request(nil, say(llm.User, "w"),
		assistant(callPart("c.1/x", "f", "{}"), callPart("c_1_x", "f", "{}")), result("c_1_x", "second"), result("c.1/x", "first"),
		assistant(callPart("c.1/x", "f", "{}")), result("c.1/x", "third"))
	call := encode(t, req, target(legacyModel))
	checkConversation(t, call)
	equalJSON(t, "last result", lastMessage(t, call), `{"role":"user","content":[{"type":"tool_result","tool_use_id":"c_1_x_3","content":"third"}]}`)
	equalJSON(t, "results keep the client's order", string(elem(rawjson.Value(call.Body).Get("messages"), 2)), `{"role":"user","content":[
		{"type":"tool_result","tool_use_id":"c_1_x_2","content":"second"},{"type":"tool_result","tool_use_id":"c_1_x","content":"first"}]}`)
}

func TestT63_ToolNamesAreMadeLegalDistinctAndMappedBack(t *testing.T) {
	req := request(params("tool_choice", `{}`), say(llm.User, "w"), assistant(callPart("1", "a/b", "{}")), result("1", "r"))
	req.Tools = []llm.ToolDef{function("a.b", ""), function("a/b", ""), function("a_b", ""), function(strings.Repeat("n", 200), "")}
	req.ToolChoice = &llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{"a/b"}}
	call := encode(t, req, target(legacyModel))
	seen := map[string]bool{}
	i := 0
	for _, tool := range rawjson.Value(call.Body).Get("tools").Elems() {
		name := tool.Get("name").Text()
		if !legalName(name) || seen[name] {
			t.Errorf("name %q is illegal or stands twice", name)
		}
		if back := call.ToolName(name); back != req.Tools[i].Name {
			t.Errorf("%q maps back to %q, want %q", name, back, req.Tools[i].Name)
		}
		seen[name] = true
		i++
	}
	used := rawjson.Value(call.Body).Path("tool_choice", "name").Text()
	if call.ToolName(used) != "a/b" {
		t.Errorf("tool_choice names %q", used)
	}
	resp, err := New().Response(call, []byte(`{"content":[{"type":"tool_use","id":"x","name":"`+used+`","input":{}}],"stop_reason":"tool_use"}`))
	if err != nil || resp.Choices[0].Parts[0].Call.Name != "a/b" {
		t.Errorf("answer: %+v, %v", resp, err)
	}
}

func TestT64_SystemMessagesInTheMiddleStayWhereTheyAre(t *testing.T) {
	msgs := []llm.Message{
		say(llm.System, "top"), say(llm.User, "a"), say(llm.Assistant, "b"), say(llm.User, "c"), say(llm.Developer, "late"), say(llm.Assistant, "d"), say(llm.User, "e"),
	}
	old := encode(t, request(nil, msgs...), target(legacyModel))
	equalJSON(t, "system", member(t, old, "system"), `[{"type":"text","text":"top"}]`)
	equalJSON(t, "old model", string(elem(rawjson.Value(old.Body).Get("messages"), 2)), `{"role":"user","content":[
		{"type":"text","text":"c"},{"type":"text","text":"<system-reminder>\nlate\n</system-reminder>"}]}`)
	recent := encode(t, request(nil, msgs...), target(strictModel))
	equalJSON(t, "recent model", string(elem(rawjson.Value(recent.Body).Get("messages"), 3)), `{"role":"system","content":[{"type":"text","text":"late"}]}`)
	equalJSON(t, "system", member(t, recent, "system"), `[{"type":"text","text":"top"}]`)
}

func TestSystemMessageBeforeAUserMessageIsAReminderOnEveryModel(t *testing.T) {
	req := request(nil, say(llm.User, "a"), say(llm.System, "late"), assistant(), say(llm.User, "b"))
	equalJSON(t, "messages", member(t, encode(t, req, target(strictModel)), "messages"), `[{"role":"user","content":[
		{"type":"text","text":"a"},{"type":"text","text":"<system-reminder>\nlate\n</system-reminder>"},{"type":"text","text":"b"}]}]`)
}

func TestT68_SchemaIsFilteredForTheCompiler(t *testing.T) {
	schema := `{"$schema":"x","type":"object","properties":{"n":{"type":"integer","minimum":3,"description":"Count."},
		"v":{"oneOf":[{"type":"string","maxLength":5},{"$ref":"#/$defs/o"}]},"l":{"type":"array","items":{"type":"object","properties":{"x":{"type":"null"}},"required":["x"]},"minItems":2}},
		"required":["n","v","l"],"$defs":{"o":{"type":"object","properties":{}}}}`
	req := request(params("response_format", `{"type":"json_schema","json_schema":{"name":"a","schema":`+schema+`}}`), say(llm.User, "w"))
	call := encode(t, req, target(legacyModel))
	equalJSON(t, "schema", member(t, call, "output_config", "format"), `{"type":"json_schema","schema":{"type":"object","additionalProperties":false,
		"properties":{"n":{"type":"integer","description":"Count. Note: minimum value: 3."},
		"v":{"anyOf":[{"type":"string","description":"Note: maximum length: 5."},{"type":"object","properties":{},"additionalProperties":false}]},
		"l":{"type":"array","description":"Note: minimum number of items: 2.","items":{"type":"object","properties":{"x":{"type":"null"}},"required":["x"],"additionalProperties":false}}},
		"required":["n","v","l"]}}`)
	if got := call.Header.Get("anthropic-beta"); got != structuredBeta {
		t.Errorf("anthropic-beta %q", got)
	}
}

func TestSchemasThatTheCompilerRefusesGoThroughTheTool(t *testing.T) {
	for name, schema := range map[string]string{
		"open object":     `{"type":"object","properties":{"a":{"type":"object","additionalProperties":true}}}`,
		"recursive":       `{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}}}}}`,
		"root reference":  `{"type":"object","properties":{"a":{"$ref":"#"}}}`,
		"remote":          `{"type":"object","properties":{"a":{"$ref":"https://x/y"}}}`,
		"lookaround":      `{"type":"object","properties":{"a":{"type":"string","pattern":"(?=a)b"}}}`,
		"unknown format":  `{"type":"object","properties":{"a":{"type":"string","format":"color"}}}`,
		"many optional":   manyOptional(25),
		"boolean schema":  `{"type":"object","properties":{"a":true}}`,
		"properties list": `{"type":"object","properties":[1]}`,
	} {
		req := request(params("response_format", `{"type":"json_schema","json_schema":{"schema":`+schema+`}}`), say(llm.User, "w"))
		call := encode(t, req, target(legacyModel))
		if call.JSONTool != jsonTool || member(t, call, "output_config") != "" || member(t, call, "tool_choice", "name") != `"json_tool_call"` {
			t.Errorf("%s: %s", name, call.Body)
		}
	}
}

func manyOptional(n int) string {
	var props rawjson.Object
	for i := range n {
		props.Set(strings.Repeat("p", i+1), rawjson.Value(`{"type":"string"}`))
	}
	return `{"type":"object","properties":` + string(props.Value()) + `}`
}

func TestT70_ParallelToolCallsFalse(t *testing.T) {
	no := false
	for _, tc := range []struct {
		choice *llm.ToolChoice
		want   string
	}{
		{nil, `{"type":"auto","disable_parallel_tool_use":true}`},
		{&llm.ToolChoice{Mode: llm.ChoiceNone}, `{"type":"none"}`},
		{&llm.ToolChoice{Mode: llm.ChoiceRequired}, `{"type":"any","disable_parallel_tool_use":true}`},
		{&llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{"f"}}, `{"type":"tool","name":"f","disable_parallel_tool_use":true}`},
	} {
		req := request(nil, say(llm.User, "w"))
		req.Tools, req.ToolChoice, req.ParallelToolCalls = []llm.ToolDef{function("f", "")}, tc.choice, &no
		equalJSON(t, "tool_choice", member(t, encode(t, req, target(legacyModel)), "tool_choice"), tc.want)
	}
}

func TestAllowedToolsFilterTheTools(t *testing.T) {
	req := request(nil, say(llm.User, "w"))
	req.Tools = []llm.ToolDef{function("f", ""), function("g", "")}
	req.ToolChoice = &llm.ToolChoice{Mode: llm.ChoiceAllowedRequired, Names: []string{"g"}}
	call := encode(t, req, target(legacyModel))
	equalJSON(t, "tools", member(t, call, "tools"), `[{"name":"g","input_schema":{"type":"object","properties":{}}}]`)
	equalJSON(t, "tool_choice", member(t, call, "tool_choice"), `{"type":"any"}`)
}

func TestForcedToolChoice(t *testing.T) {
	req := request(nil, say(llm.User, "w"))
	req.Tools, req.ToolChoice = []llm.ToolDef{function("f", "")}, &llm.ToolChoice{Mode: llm.ChoiceRequired}
	tg := target(strictModel)
	if _, err := New().Encode(req, tg); llm.AsError(err) == nil || llm.AsError(err).Kind != llm.KindUnsupportedParams {
		t.Errorf("a model without forced tools: %v", err)
	}
	tg.Policy.Drop = true
	equalJSON(t, "with drop_params", member(t, encode(t, req, tg), "tool_choice"), `{"type":"auto"}`)
	req.Params = params("reasoning_effort", `"low"`)
	call := encode(t, req, target(legacyModel))
	equalJSON(t, "with thinking", member(t, call, "tool_choice"), `{"type":"any"}`)
	if member(t, call, "thinking") != "" || !dropped(call, "thinking") {
		t.Errorf("manual thinking beside a forced tool: %s", call.Body)
	}
}

func TestArgumentsAlwaysBecomeAnObject(t *testing.T) {
	for args, want := range map[string]string{
		"": "{}", " \n": "{}", "{}": "{}", `{"a":1e3}`: `{"a":1e3}`, "{bad": `{"_raw":"{bad"}`, `[1]`: `{"_raw":"[1]"}`, `"s"`: `{"_raw":"\"s\""}`,
	} {
		if got := string(appendInput(nil, args)); got != want {
			t.Errorf("%q: %s, want %s", args, got, want)
		}
	}
}

func TestOpaqueArgumentsAreCopiedAsTheyCame(t *testing.T) {
	args := `{"n": 12345678901234567890123, "s":"\u00e9", "z":1.0}`
	req := request(nil, say(llm.User, "w"), assistant(callPart("a", "f", args)), result("a", "r"))
	if call := encode(t, req, target(legacyModel)); !strings.Contains(string(call.Body), args) {
		t.Errorf("%s", call.Body)
	}
}

func TestFirstTurnIsTheUsersAndEmptyMessagesHaveText(t *testing.T) {
	call := encode(t, request(nil, say(llm.Assistant, "b"), say(llm.User, "c")), target(legacyModel))
	equalJSON(t, "assistant first", string(rawjson.Value(call.Body).Get("messages").First()), `{"role":"user","content":[{"type":"text","text":"."}]}`)
	call = encode(t, request(nil, say(llm.User, " \n")), target(legacyModel))
	equalJSON(t, "empty", member(t, call, "messages"), `[{"role":"user","content":[{"type":"text","text":"`+emptyText+`"}]}]`)
	call = encode(t, request(nil, say(llm.System, "A")), target(legacyModel))
	equalJSON(t, "system only", member(t, call, "messages"), `[{"role":"user","content":[{"type":"text","text":"Please continue."}]}]`)
	call = encode(t, request(nil, say(llm.User, "a"), assistant(), say(llm.User, "b")), target(legacyModel))
	equalJSON(t, "nothing said", member(t, call, "messages"), `[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}]`)
}

func TestPrefill(t *testing.T) {
	req := request(nil, say(llm.User, "a"), assistant(thought("t", "s"), text("Sure: \n")))
	equalJSON(t, "continued", lastMessage(t, encode(t, req, target(legacyModel))), `{"role":"assistant","content":[{"type":"text","text":"Sure:"}]}`)
	equalJSON(t, "not possible", lastMessage(t, encode(t, req, target(strictModel))), `{"role":"user","content":[{"type":"text","text":"Continue."}]}`)
	req.Params = params("reasoning_effort", `"low"`)
	equalJSON(t, "thinking", lastMessage(t, encode(t, req, target(legacyModel))), `{"role":"user","content":[{"type":"text","text":"Continue."}]}`)
}

func TestForeignReasoningNeverGoesUpstream(t *testing.T) {
	foreign := []llm.Part{
		{Kind: llm.PartThinking, Text: "secret thought"},
		{Kind: llm.PartThinking, Text: "secret thought", State: &llm.State{Provider: "gemini", Signature: "SIGSIG"}},
		{Kind: llm.PartThinking, Text: "secret thought", State: &llm.State{Signature: "gemini:SIGSIG"}},
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: "f"}, State: &llm.State{Provider: "gemini", Signature: "SIGSIG"}},
	}
	call := encode(t, request(nil, say(llm.User, "w"), assistant(foreign...), result("a", "r")), target(legacyModel))
	if s := string(call.Body); strings.Contains(s, "SIGSIG") || strings.Contains(s, "secret thought") {
		t.Errorf("foreign state in %s", s)
	}
	if !dropped(call, "reasoning_content") {
		t.Error("the reasoning was left out silently")
	}
}

func TestDummyToolStandsInWhenOnlyTheHistoryHasCalls(t *testing.T) {
	call := encode(t, request(nil, say(llm.User, "w"), assistant(callPart("a", "f", "{}")), result("a", "r")), target(legacyModel))
	equalJSON(t, "tools", member(t, call, "tools"), "["+dummyTool+"]")
}

func TestServerToolCallsNeedTheirResult(t *testing.T) {
	use := llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "srvtoolu_1", Name: "web_search", Arguments: `{"query":"x"}`}}
	res := llm.Part{Kind: llm.PartUnknown, Raw: rawjson.Value(`{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]}`)}
	alone := encode(t, request(nil, say(llm.User, "w"), assistant(text("hm"), use), result("srvtoolu_1", "mine"), say(llm.User, "x")), target(legacyModel))
	if strings.Contains(string(alone.Body), "srvtoolu_1") {
		t.Errorf("a server call without result: %s", alone.Body)
	}
	both := encode(t, request(nil, say(llm.User, "w"), assistant(use, res, text("found")), say(llm.User, "x")), target(legacyModel))
	equalJSON(t, "assistant", string(elem(rawjson.Value(both.Body).Get("messages"), 1)), `{"role":"assistant","content":[
		{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},
		{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"found"}]}`)
}

func TestPathFollowsTheBase(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.anthropic.com": "/v1/messages", "http://x/": "/v1/messages", "http://x/v1": "/messages",
		"http://x/v1/messages": "", "http://x/v1/messages/": "", "http://x/mode/err": "/v1/messages",
	} {
		if got := path(base); got != want {
			t.Errorf("%s: %q, want %q", base, got, want)
		}
	}
}

func elem(list rawjson.Value, n int) rawjson.Value {
	for i, v := range list.Elems() {
		if i == n {
			return v
		}
	}
	return nil
}

func lastMessage(t *testing.T, call *wire.Call) string {
	t.Helper()
	msgs := rawjson.Value(call.Body).Get("messages")
	return string(elem(msgs, msgs.Len()-1))
}
