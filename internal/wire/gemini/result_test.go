package gemini

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

func TestT29_ResultsStandInCallOrderWithOneForEveryCall(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("id_a", "f", "{}"), call("id_b", "g", "{}"), call("id_c", "h", "{}")),
		result("id_c", "3"), result("orphan", "9"), result("id_a", "1"), user("and?")), target(g3))
	same(t, at(t, c, "contents", 2), `{"role":"user","parts":[
		{"functionResponse":{"id":"id_a","name":"f","response":{"content":"1"}}},
		{"functionResponse":{"id":"id_b","name":"g","response":{"error":"tool result missing"}}},
		{"functionResponse":{"id":"id_c","name":"h","response":{"content":"3"}}}]}`)
	same(t, at(t, c, "contents", 3), `{"role":"user","parts":[{"text":"Tool result (orphan): 9"},{"text":"and?"}]}`)
	if !dropped(c, "tool result of g") {
		t.Error("the missing result is not reported")
	}
}

func TestResultsWithUnknownIDsAreMatchedByPosition(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}"), call("b", "g", "{}")), result("x", "1"), result("y", "2")), target(g25))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"content":"1"}}},{"functionResponse":{"name":"g","response":{"content":"2"}}}]`)
}

func TestResultOfTheFunctionRoleIsMatchedByName(t *testing.T) {
	byName := message(llm.Tool, llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{Name: "g", Parts: []llm.Part{text("2")}}})
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}"), call("b", "g", "{}")), byName, result("a", "1")), target(g25))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"content":"1"}}},{"functionResponse":{"name":"g","response":{"content":"2"}}}]`)
}

func TestResultWithACutIDIsMatched(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("call_aaaaaaaaaaaa", "f", "{}"), call("call_bbbbbbbbbbbb", "g", "{}")),
		result("call_bbbbbbb", "2"), result("call_aaaaaaaaaaaa", "1")), target(g25))
	same(t, at(t, c, "contents", 2, "parts", 1), `{"functionResponse":{"name":"g","response":{"content":"2"}}}`)
}

func TestResultsAfterAUserTextStillAnswerTheCalls(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}")), user("wait"), result("a", "1")), target(g25))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"content":"1"}}}]`)
	same(t, at(t, c, "contents", 3, "parts"), `[{"text":"wait"}]`)
}

func TestCallsWithoutAnyResultAreAnsweredBeforeTheNextTurn(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}")), user("never mind")), target(g25))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"error":"tool result missing"}}}]`)
	same(t, at(t, c, "contents", 3, "parts"), `[{"text":"never mind"}]`)
}

func TestT30_OnlyPlainObjectsAreSentAsTheResponse(t *testing.T) {
	for content, want := range map[string]string{
		`{"temp":20,"big":12345678901234567890}`: `{"temp":20,"big":12345678901234567890}`,
		` {"a":1} `:                              `{"a":1}`,
		`[1,2]`:                                  `{"content":"[1,2]"}`,
		`20`:                                     `{"content":"20"}`,
		`{"$ref":"x"}`:                           `{"content":"{\"$ref\":\"x\"}"}`,
		`{"a":[{"\u0024ref":"x"}]}`:              `{"content":"{\"a\":[{\"\\u0024ref\":\"x\"}]}"}`,
		`{"broken`:                               `{"content":"{\"broken"}`,
		``:                                       `{"content":""}`,
		`{"price":"$ref is only text here"}`:     `{"price":"$ref is only text here"}`,
	} {
		c := encode(t, request(user("w"), assistant(call("a", "f", "{}")), result("a", content)), target(g25))
		same(t, at(t, c, "contents", 2, "parts", 0, "functionResponse", "response"), want)
	}
}

func TestFailedResultIsSentAsError(t *testing.T) {
	p := resultPart("a", "boom")
	p.Result.IsError = true
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}")), message(llm.Tool, p)), target(g25))
	same(t, at(t, c, "contents", 2, "parts", 0, "functionResponse", "response"), `{"error":"boom"}`)
}

func TestT31_BrokenArgumentsNeverFail(t *testing.T) {
	for args, want := range map[string]string{
		"": `{}`, "  ": `{}`, "null": `{}`, "not json": `{"_raw":"not json"}`, "[1]": `{"_raw":"[1]"}`, `{"a":`: `{"_raw":"{\"a\":"}`, `{"a":1}`: `{"a":1}`,
	} {
		c := encode(t, request(user("w"), assistant(call("a", "f", args)), result("a", "x")), target(g25))
		same(t, at(t, c, "contents", 1, "parts", 0, "functionCall", "args"), want)
	}
}

func TestMediaInResultsIsNestedOrBesideByGeneration(t *testing.T) {
	p := llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: "a", Parts: []llm.Part{
		text("see"), {Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "AAAA"}},
	}}}
	messages := []llm.Message{user("w"), assistant(call("a", "f", "{}")), message(llm.Tool, p)}
	c := encode(t, request(messages...), target(g3))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"id":"a","name":"f","response":{"content":"see"},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}}]`)
	c = encode(t, request(messages...), target(g25))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"content":"see"}}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]`)
}

func TestResultThatIsADataURLBecomesAnImage(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}")), result("a", "data:image/png;base64,AAAA")), target(g3))
	same(t, at(t, c, "contents", 2, "parts", 0, "functionResponse"), `{"id":"a","name":"f","response":{"content":""},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}`)
}

func TestIdenticalCallsAreKeptTwice(t *testing.T) {
	c := encode(t, request(user("w"), assistant(call("a", "f", "{}"), call("b", "f", "{}")), result("b", "2"), result("a", "1")), target(g25))
	same(t, at(t, c, "contents", 2, "parts"), `[{"functionResponse":{"name":"f","response":{"content":"1"}}},{"functionResponse":{"name":"f","response":{"content":"2"}}}]`)
}
