package anthropic

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func respond(t *testing.T, call *wire.Call, body string) *llm.Response {
	t.Helper()
	resp, err := New().Response(call, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return resp
}

func TestT53_PromptTokensIncludeBothCaches(t *testing.T) {
	resp := respond(t, emptyCall(), `{"id":"msg_1","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn","usage":{
		"input_tokens":10,"output_tokens":5,"cache_creation_input_tokens":50,"cache_read_input_tokens":200,
		"cache_creation":{"ephemeral_5m_input_tokens":30,"ephemeral_1h_input_tokens":20},"service_tier":"standard",
		"server_tool_use":{"web_search_requests":2},"output_tokens_details":{"thinking_tokens":3}}}`)
	u := resp.Usage
	if u.Input != 260 || u.CacheRead != 200 || u.CacheWrite() != 50 || u.CacheWrite5m != 30 || u.CacheWrite1h != 20 || u.Total != 265 {
		t.Errorf("%+v", u)
	}
	if u.Reasoning != 3 || u.WebSearches != 2 || u.ServiceTier != "standard" || resp.ID != "msg_1" {
		t.Errorf("%+v", u)
	}
}

func TestUsageSumsIterationsAndStaysInBounds(t *testing.T) {
	u := readUsage(rawjson.Value(`{"input_tokens":1,"output_tokens":1,"iterations":[
		{"input_tokens":10,"output_tokens":5,"cache_read_input_tokens":7},{"input_tokens":20,"output_tokens":6}]}`))
	u.finish(0)
	if u.Input != 37 || u.Output != 11 || u.CacheRead != 7 {
		t.Errorf("%+v", u.Usage)
	}
	u = readUsage(rawjson.Value(`{"input_tokens":-5,"output_tokens":9223372036854775807}`))
	u.finish(1 << 50)
	if u.Input != 0 || u.Output != maxCount || u.Reasoning > u.Output || u.Total < 0 {
		t.Errorf("%+v", u.Usage)
	}
}

func TestT54_ThinkingWithEmptyTextIsKeptInAnAnswer(t *testing.T) {
	resp := respond(t, emptyCall(), `{"content":[{"type":"thinking","thinking":"","signature":"sigA"},
		{"type":"redacted_thinking","data":"blob"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1}}],"stop_reason":"tool_use"}`)
	p := resp.Choices[0].Parts
	if len(p) != 3 || *p[0].State != (llm.State{Provider: "anthropic", Signature: "sigA"}) || p[1].State.Redacted != "blob" {
		t.Fatalf("%+v", p)
	}
	if p[2].Call.ID != "toolu_1" || p[2].Call.Arguments != `{"a": 1}` {
		t.Errorf("%+v", p[2].Call)
	}
}

func TestT65_StopReasons(t *testing.T) {
	for reason, want := range map[string]llm.Finish{
		"end_turn": llm.FinishStop, "stop_sequence": llm.FinishStop, "max_tokens": llm.FinishLength, "pause_turn": llm.FinishLength,
		"model_context_window_exceeded": llm.FinishLength, "compaction": llm.FinishLength, "tool_use": llm.FinishToolCalls,
		"refusal": llm.FinishContentFilter, "foo": llm.FinishStop,
	} {
		resp := respond(t, emptyCall(), `{"content":[],"stop_reason":"`+reason+`"}`)
		if got := resp.Choices[0].Finish; got != want {
			t.Errorf("%s: %s, want %s", reason, got, want)
		}
	}
	resp := respond(t, emptyCall(), `{"content":[],"stop_reason":"pause_turn"}`)
	if !resp.Choices[0].Fields.Get("stop_reason").Is("pause_turn") {
		t.Error("pause_turn is not marked")
	}
}

func TestRefusalIsExplained(t *testing.T) {
	resp := respond(t, emptyCall(), `{"content":[],"stop_reason":"refusal","stop_details":{"category":"bio","explanation":"No."}}`)
	ch := resp.Choices[0]
	if len(ch.Parts) != 1 || ch.Parts[0].Kind != llm.PartRefusal || ch.Parts[0].Text != "No." || ch.Fields.Get("stop_details") == nil {
		t.Errorf("%+v", ch)
	}
}

func TestCitationsBecomeAnnotations(t *testing.T) {
	resp := respond(t, emptyCall(), `{"content":[{"type":"text","text":"Für "},{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}},
		{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1","content":[]},{"type":"text","text":"dich","citations":[
		{"type":"web_search_result_location","url":"https://x","title":"X","cited_text":"y"}]}],"stop_reason":"end_turn"}`)
	ch := resp.Choices[0]
	equalJSON(t, "annotations", string(ch.Annotations), `[{"type":"url_citation","url_citation":{"start_index":4,"end_index":8,"title":"X","url":"https://x"}}]`)
	if ch.Finish != llm.FinishStop || !ch.Parts[1].Call.Server || ch.Fields.Get("web_search_results").Len() != 1 {
		t.Errorf("%+v", ch)
	}
	if !ch.Fields.Get("citations").First().Get("supported_text").Is("dich") {
		t.Errorf("citations %s", ch.Fields.Get("citations"))
	}
}

// formatCall is a call whose response format goes through the tool.
func formatCall(t *testing.T, schema string) *wire.Call {
	t.Helper()
	req := request(params("response_format", `{"type":"json_schema","json_schema":{"name":"ans","schema":`+schema+`}}`), say(llm.User, "w"))
	return encode(t, req, target(oldModel))
}

func TestT69_ToolOfAFormatBecomesContent(t *testing.T) {
	call := formatCall(t, `{"type":"object","properties":{"a":{"type":"integer"}}}`)
	equalJSON(t, "tool_choice", member(t, call, "tool_choice"), `{"type":"tool","name":"json_tool_call"}`)
	resp := respond(t, call, `{"content":[{"type":"text","text":"Here:"},{"type":"tool_use","id":"x","name":"json_tool_call","input":{"a":1}}],"stop_reason":"tool_use"}`)
	ch := resp.Choices[0]
	if len(ch.Parts) != 1 || ch.Parts[0].Kind != llm.PartText || ch.Parts[0].Text != `{"a":1}` || ch.Finish != llm.FinishStop {
		t.Errorf("%+v", ch)
	}
	list := formatCall(t, `{"type":"array","items":{"type":"string"}}`)
	resp = respond(t, list, `{"content":[{"type":"tool_use","id":"x","name":"json_tool_values","input":{"values":["a"]}}],"stop_reason":"tool_use"}`)
	if got := resp.Choices[0].Parts[0].Text; got != `["a"]` {
		t.Errorf("a list: %s", got)
	}
}

func TestFreeFormToolGetsItsTextBack(t *testing.T) {
	req := request(nil, say(llm.User, "w"))
	req.Tools = []llm.ToolDef{{Type: "custom", Name: "exec", Raw: rawjson.Value(`{"type":"custom","custom":{"name":"exec","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"start: /a/"}}}}`)}}
	call := encode(t, req, target(legacyModel))
	if s := member(t, call, "tools"); !strings.Contains(s, "lark") || !strings.Contains(s, `"input"`) {
		t.Errorf("tools %s", s)
	}
	resp := respond(t, call, `{"content":[{"type":"tool_use","id":"x","name":"exec","input":{"input":"ls \"x\""}}],"stop_reason":"tool_use"}`)
	if c := resp.Choices[0].Parts[0].Call; !c.Custom || c.Arguments != `ls "x"` {
		t.Errorf("%+v", c)
	}
	events, err := read(call, stream(
		`{"type":"message_start","message":{"id":"m"}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"x","name":"exec","input":{}}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"input\":\"l"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"s\"}"}}`,
		`{"type":"content_block_stop","index":0}`, `{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`, `{"type":"message_stop"}`))
	if got := collect(events); err != nil || got.args[0] != "ls" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnAnswerThatIsNoneIsAnUpstreamError(t *testing.T) {
	for body, status := range map[string]int{
		"this is not json": 500, `[]`: 500, `{}`: 500, `{"id":"x","content":"text"}`: 500, "": 500,
		`{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`:  500,
		`{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`:   429,
		`{"type":"error","error":{"type":"authentication_error","message":"bad key"}}`: 401,
	} {
		_, err := New().Response(emptyCall(), []byte(body))
		e := llm.AsError(err)
		if e == nil || e.Status != status || !e.Upstream || e.Message == "" {
			t.Errorf("%q: %+v", body, e)
		}
	}
}

func TestT99_ErrorsHaveTheStatusAndClassOfLiteLLM(t *testing.T) {
	body := func(kind, message string) string {
		return `{"type":"error","error":{"type":"` + kind + `","message":"` + message + `"},"request_id":"req_1"}`
	}
	for _, tc := range []struct {
		status int
		body   string
		kind   llm.ErrorKind
		want   int
		typ    string
	}{
		{400, body("invalid_request_error", "prompt is too long: 205000 tokens > 200000 maximum"), llm.KindContextWindow, 400, "invalid_request_error"},
		{400, body("invalid_request_error", "Output blocked by content filtering policy"), llm.KindContentPolicy, 400, "invalid_request_error"},
		{400, body("invalid_request_error", "bad"), llm.KindBadRequest, 400, "invalid_request_error"},
		{401, body("authentication_error", "invalid x-api-key"), llm.KindAuthentication, 401, "authentication_error"},
		{402, body("billing_error", "no credit"), llm.KindPayment, 402, "invalid_request_error"},
		{403, body("permission_error", "no"), llm.KindPermission, 403, "permission_error"},
		{404, body("not_found_error", "model: x"), llm.KindNotFound, 404, "invalid_request_error"},
		{413, body("request_too_large", "Request too large"), llm.KindBadRequest, 400, "invalid_request_error"},
		{422, body("api_error", "Unprocessable"), llm.KindBadRequest, 422, "invalid_request_error"},
		{429, body("rate_limit_error", "slow"), llm.KindRateLimit, 429, "throttling_error"},
		{500, body("api_error", "oops"), llm.KindInternal, 500, "internal_server_error"},
		{502, "<html>bad gateway</html>", llm.KindBadGateway, 502, "internal_server_error"},
		{503, "", llm.KindUnavailable, 503, "internal_server_error"},
		{504, body("timeout_error", "late"), llm.KindTimeout, 504, "internal_server_error"},
		{529, body("overloaded_error", "Overloaded"), llm.KindInternal, 500, "internal_server_error"},
		{418, "{}", llm.KindAPI, 418, "invalid_request_error"},
	} {
		e := New().Error(tc.status, nil, []byte(tc.body))
		if e.Kind != tc.kind || e.Status != tc.want || e.Type != tc.typ || e.UpstreamStatus != tc.status || e.Message == "" || !e.Upstream {
			t.Errorf("%d %s: %v %d %s", tc.status, tc.body, e.Kind, e.Status, e.Type)
		}
	}
}

func TestRetryAfterIsRead(t *testing.T) {
	for _, tc := range []struct {
		header http.Header
		want   time.Duration
	}{
		{nil, 0},
		{http.Header{"Retry-After": {"2"}}, 2 * time.Second},
		{http.Header{"Retry-After": {"2"}, "Retry-After-Ms": {"1500"}}, 1500 * time.Millisecond},
		{http.Header{"Retry-After": {"Mon, 02 Jan 2006 15:04:35 GMT"}, "Date": {"Mon, 02 Jan 2006 15:04:05 GMT"}}, 30 * time.Second},
		{http.Header{"Retry-After": {"-3"}}, 0},
		{http.Header{"Retry-After": {"1e300"}}, 24 * time.Hour},
		{http.Header{"Retry-After": {"soon"}}, 0},
	} {
		if got := New().Error(429, tc.header, nil).RetryAfter; got != tc.want {
			t.Errorf("%v: %v, want %v", tc.header, got, tc.want)
		}
	}
}

func TestOnlyRefusalsOfStateAreMended(t *testing.T) {
	call := encode(t, request(nil, say(llm.User, "w")), target(legacyModel))
	for message, want := range map[string]wire.Repair{
		"messages.1.content.0.type: Expected `thinking` or `redacted_thinking`, but found `tool_use`":                       wire.RepairThinking,
		"messages.3.content.1: `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified": wire.RepairThinking,
		"messages.1.content.0.thinking.signature: Field required":                                                           wire.RepairThinking,
		"output_config.format.schema: Schema is too complex for compilation":                                                wire.RepairSchema,
		"max_tokens: Field required": "",
		"thinking.enabled.budget_tokens: Input should be greater than or equal to 1024": "",
	} {
		e := &llm.Error{UpstreamStatus: 400, Message: message}
		if got, _ := New().Mend(call, e); got != want {
			t.Errorf("%s: %q, want %q", message, got, want)
		}
		e.UpstreamStatus = 500
		if got, ok := New().Mend(call, e); ok {
			t.Errorf("%s with status 500: %q", message, got)
		}
	}
}
