package gemini

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func withTools(tools ...llm.ToolDef) *llm.Request {
	req := request(user("hi"))
	req.Tools = tools
	return req
}

const citySchema = `{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]}`

func TestFunctionsStandInOneTool(t *testing.T) {
	a := function("get_weather", citySchema)
	a.Description = "Weather"
	c := encode(t, withTools(a, function("now", "")), target(g25))
	same(t, at(t, c, "tools"), `[{"functionDeclarations":[{"name":"get_weather","description":"Weather","parametersJsonSchema":`+citySchema+`},{"name":"now"}]}]`)
	c = encode(t, withTools(a), &wire.Target{Provider: Name, Model: "gemini-1.5-pro"})
	same(t, at(t, c, "tools", 0, "functionDeclarations", 0, "parameters"), citySchema)
	to := target(g3)
	to.Repair = wire.RepairSchema
	c = encode(t, withTools(a), to)
	same(t, at(t, c, "tools", 0, "functionDeclarations", 0, "parameters"), citySchema)
}

func TestT35_FunctionsWithoutParametersSendNone(t *testing.T) {
	for _, schema := range []string{"", "null", "{}", `{"type":"object","properties":{}}`, `{"type":"object","properties":{},"required":[],"additionalProperties":false}`} {
		for _, model := range []string{g25, "gemini-1.5-pro"} {
			c := encode(t, withTools(function("f", schema)), target(model))
			same(t, at(t, c, "tools"), `[{"functionDeclarations":[{"name":"f"}]}]`)
		}
	}
}

func TestToolChoice(t *testing.T) {
	for _, tc := range []struct {
		choice llm.ToolChoice
		want   string
	}{
		{llm.ToolChoice{Mode: llm.ChoiceAuto}, `null`},
		{llm.ToolChoice{Mode: llm.ChoiceNone}, `{"functionCallingConfig":{"mode":"NONE"}}`},
		{llm.ToolChoice{Mode: llm.ChoiceRequired}, `{"functionCallingConfig":{"mode":"ANY"}}`},
		{llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{"f"}}, `{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}`},
		{llm.ToolChoice{Mode: llm.ChoiceAllowedAuto, Names: []string{"f"}}, `{"functionCallingConfig":{"mode":"VALIDATED","allowedFunctionNames":["f"]}}`},
		{llm.ToolChoice{Mode: llm.ChoiceAllowedRequired, Names: []string{"f"}}, `{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f"]}}`},
	} {
		req := withTools(function("f", ""))
		req.ToolChoice = &tc.choice
		same(t, at(t, encode(t, req, target(g25)), "toolConfig"), tc.want)
		req.Tools = nil
		if c := encode(t, req, target(g25)); at(t, c, "toolConfig") != nil {
			t.Errorf("a choice without functions is sent: %s", c.Body)
		}
	}
}

func TestT39_SearchGivesWayToFunctions(t *testing.T) {
	req := withTools(function("f", ""))
	req.Params = []llm.Param{param("web_search_options", "{}")}
	c := encode(t, req, target(g25))
	same(t, at(t, c, "tools"), `[{"functionDeclarations":[{"name":"f"}]}]`)
	if !dropped(c, "googleSearch") {
		t.Error("the dropped search is not reported")
	}
	req.Params = append(req.Params, param("include_server_side_tool_invocations", "true"))
	c = encode(t, req, target(g3))
	same(t, at(t, c, "tools"), `[{"functionDeclarations":[{"name":"f"}]},{"googleSearch":{}}]`)
	same(t, at(t, c, "toolConfig"), `{"includeServerSideToolInvocations":true}`)
}

func TestServerToolsStandInToolsOfTheirOwn(t *testing.T) {
	c := encode(t, withTools(
		llm.ToolDef{Type: "web_search_preview", Raw: rawjson.Value(`{"type":"web_search_preview"}`)},
		llm.ToolDef{Type: "url_context", Raw: rawjson.Value(`{"url_context":{}}`)},
		llm.ToolDef{Type: "codeExecution", Raw: rawjson.Value(`{"codeExecution":{"x":1}}`)},
		llm.ToolDef{Type: "file_thing", Raw: rawjson.Value(`{"type":"file_thing"}`)},
	), target(g25))
	same(t, at(t, c, "tools"), `[{"googleSearch":{}},{"urlContext":{}},{"codeExecution":{"x":1}}]`)
	if !dropped(c, "tools[3]") {
		t.Errorf("dropped = %v", c.Dropped)
	}
}

func TestDeclarationsInGeminisOwnFormPass(t *testing.T) {
	c := encode(t, withTools(llm.ToolDef{Type: "functionDeclarations", Raw: rawjson.Value(`{"functionDeclarations":[{"name":"a"},{"name":"b"}]}`)}, function("c", "")), target(g25))
	same(t, at(t, c, "tools"), `[{"functionDeclarations":[{"name":"a"},{"name":"b"},{"name":"c"}]}]`)
}

func TestToolDeclaredTwiceIsSentOnce(t *testing.T) {
	c := encode(t, withTools(function("f", ""), function("f", citySchema)), target(g25))
	same(t, at(t, c, "tools"), `[{"functionDeclarations":[{"name":"f"}]}]`)
	if !dropped(c, "tools[1]") {
		t.Error("not reported")
	}
}

func TestNamesThatGeminiRefusesAreMappedThereAndBack(t *testing.T) {
	long := strings.Repeat("n", 200)
	req := withTools(function("a/b", ""), function("a_b", ""), function("a b", ""), function("1st", ""), function(long, ""), function("天気", ""))
	req.Messages = append(req.Messages, assistant(call("1", "a/b", "{}"), call("2", "gone tool", "{}")), result("1", "x"), result("2", "y"))
	req.ToolChoice = &llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{"a b"}}
	c := encode(t, req, target(g25))
	seen := map[string]bool{}
	for i, tool := range req.Tools {
		name, _ := at(t, c, "tools", 0, "functionDeclarations", i, "name").(string)
		if !validName(name) || seen[name] || c.ToolName(name) != tool.Name {
			t.Errorf("%q is sent as %q, comes back as %q", tool.Name, name, c.ToolName(name))
		}
		seen[name] = true
	}
	same(t, at(t, c, "contents", 1, "parts", 0, "functionCall", "name"), `"a_b_2"`)
	same(t, at(t, c, "contents", 1, "parts", 1, "functionCall", "name"), `"gone_tool"`)
	same(t, at(t, c, "contents", 2, "parts", 1, "functionResponse", "name"), `"gone_tool"`)
	same(t, at(t, c, "toolConfig", "functionCallingConfig", "allowedFunctionNames"), `["a_b_3"]`)
}

func TestParallelToolCallsCannotBeForbidden(t *testing.T) {
	req := withTools(function("f", ""))
	req.Params = []llm.Param{param("parallel_tool_calls", "false")}
	if c := encode(t, req, target(g25)); !dropped(c, "parallel_tool_calls") {
		t.Error("not reported")
	}
}
