package openaichat

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// The rows T71–T79 of the wire-format specification, §8.4.

const toolHistory = `{"role":"user","content":"w"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_a","content":"20"}`

// memory is a keeper that remembers one reasoning.
type memory map[string]string

func (m memory) State(*llm.ToolCall) (string, []llm.Part) { return "", nil }

func (m memory) Reasoning(id string) (string, bool) {
	text, ok := m[id]
	return text, ok
}

func TestT71LostReasoningIsFilledInForDeepSeek(t *testing.T) {
	body := `{"messages":[` + toolHistory + `]}`
	target := deepSeekTarget("deepseek-v4-pro")
	got := raw(string(messagesOf(encode(t, body, target))))
	if r := assistantOf(got).Get("reasoning_content"); !r.Is(" ") {
		t.Errorf("without memory: %s", r)
	}
	target.Recall = memory{"call_a": "I remember"}
	got = raw(string(messagesOf(encode(t, body, target))))
	if r := assistantOf(got).Get("reasoning_content"); !r.Is("I remember") {
		t.Errorf("with memory: %s", r)
	}
	own := strings.Replace(body, `"content":null`, `"content":null,"reasoning_content":"mine"`, 1)
	got = raw(string(messagesOf(encode(t, own, target))))
	if r := assistantOf(got).Get("reasoning_content"); !r.Is("mine") {
		t.Errorf("the client's own: %s", r)
	}
}

func TestT71PlainAnswersNeedNoReasoning(t *testing.T) {
	c := encode(t, `{"messages":[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]}`, deepSeekTarget("deepseek-v4-pro"))
	sameJSON(t, messagesOf(c), `[{"role":"assistant","content":"a"},{"role":"user","content":"b"}]`)
}

func TestT72NoReasoningIsSentWhenThinkingIsOff(t *testing.T) {
	withOwn := strings.Replace(toolHistory, `"content":null`, `"content":null,"reasoning_content":"mine"`, 1)
	for _, off := range []string{`"thinking":{"type":"disabled"}`, `"reasoning_effort":"none"`} {
		c := encode(t, `{"messages":[`+withOwn+`],`+off+`}`, deepSeekTarget("deepseek-v4-pro"))
		if strings.Contains(string(c.Whole()), "reasoning_content") {
			t.Errorf("%s: %s", off, c.Whole())
		}
	}
	c := encode(t, `{"messages":[`+withOwn+`]}`, deepSeekTarget("deepseek-chat"))
	if strings.Contains(string(c.Whole()), "reasoning_content") {
		t.Errorf("deepseek-chat does not think: %s", c.Whole())
	}
}

func TestT73ModelsNamedR1GetNoReasoningBack(t *testing.T) {
	withOwn := strings.Replace(toolHistory, `"content":null`, `"content":null,"reasoning_content":"mine"`, 1)
	c := encode(t, `{"messages":[`+withOwn+`]}`, deepSeekTarget("deepseek-ai/DeepSeek-R1"))
	if strings.Contains(string(c.Whole()), "reasoning_content") {
		t.Errorf("%s", c.Whole())
	}
}

func TestT75PaymentRequiredKeepsItsStatusAndIsNotRetried(t *testing.T) {
	e := Wire{}.Error(402, nil, []byte(`{"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}}`))
	if e.Kind != llm.KindPayment || e.Status != 402 || e.Type != "invalid_request_error" || e.Retryable() || !strings.Contains(e.Message, "Insufficient Balance") {
		t.Errorf("%+v", e)
	}
}

func TestT76ReasoningDoesNotMoveToAnotherFamily(t *testing.T) {
	c := encode(t, `{"messages":[{"role":"assistant","content":"a","reasoning_content":"secret thoughts","reasoning":"x"}]}`, openAITarget())
	sameJSON(t, messagesOf(c), `[{"role":"assistant","content":"a"}]`)
}

func TestT77MoonshotGetsAHintForARequiredTool(t *testing.T) {
	target := &wire.Target{Provider: "moonshot", Model: "kimi-k2", Quirks: &wire.Quirks{
		ToolChoiceAuto: true, ToolChoiceHint: "Please select a tool to handle the current issue.", Reasoning: "fill", TextContent: true,
	}}
	c := encode(t, `{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}],"tool_choice":"required"}`, target)
	sameJSON(t, c.Whole(), `{"model":"kimi-k2","messages":[{"role":"user","content":"ab"},
		{"role":"user","content":"Please select a tool to handle the current issue."}]}`)
	if len(c.Dropped) != 1 {
		t.Errorf("dropped = %+v", c.Dropped)
	}
	sameJSON(t, encode(t, `{"messages":[],"tool_choice":"auto"}`, target).Body, `{"model":"kimi-k2","messages":[],"tool_choice":"auto"}`)
	filled := raw(string(messagesOf(encode(t, `{"messages":[`+toolHistory+`]}`, target))))
	if r := assistantOf(filled).Get("reasoning_content"); !r.Is(" ") {
		t.Errorf("reasoning_content = %s", r)
	}
}

func TestT77MistralGetsIDsOfNineAlphanumerics(t *testing.T) {
	target := &wire.Target{Provider: "mistral", Model: "m", Quirks: &wire.Quirks{ToolIDs: "mistral9"}}
	m := raw(string(messagesOf(encode(t, `{"messages":[{"role":"user","name":"bob","content":"x"},`+toolHistory+`]}`, target))))
	call := assistantOf(m).Get("tool_calls").First().Get("id").Text()
	var result string
	for _, e := range m.Elems() {
		if id := e.Get("tool_call_id"); id != nil {
			result = id.Text()
		}
		if e.Get("role").Is("user") && e.Get("name") != nil {
			t.Error("a user's name went to Mistral")
		}
	}
	if !isMistralID([]byte(call)) || call != result {
		t.Errorf("call %q, result %q", call, result)
	}
	if id := shapeID("abcDEF123", "mistral9"); id != "abcDEF123" {
		t.Errorf("a good id was changed to %q", id)
	}
}

func assistantOf(messages rawValue) rawValue {
	for _, m := range messages.Elems() {
		if m.Get("role").Is("assistant") {
			return m
		}
	}
	return nil
}

func qwenTarget() *wire.Target {
	return &wire.Target{Provider: "dashscope", Model: "qwq-plus", Quirks: &wire.Quirks{
		EffortToThinking: "dashscope", Reasoning: "echo", StreamOnly: []string{"qwq", "qvq"},
	}}
}

func TestT78StreamOnlyModelsAreStreamedAndAggregated(t *testing.T) {
	c := encode(t, `{"messages":[],"stream":false}`, qwenTarget())
	if !c.Aggregate || c.Native {
		t.Fatalf("call = %+v", c)
	}
	sameJSON(t, c.Whole(), `{"model":"qwq-plus","messages":[],"stream":true,"stream_options":{"include_usage":true}}`)
	events, err := collect(c, frames(
		chunk(`{"role":"assistant","reasoning_content":"hm"}`, `null`),
		chunk(`{"content":"I call"}`, `null`),
		chunk(`{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\""}}]}`, `null`),
		chunk(`{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}`, `null`),
		chunk(`{}`, `"tool_calls"`),
		`{"id":"c1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`, "[DONE]"))
	if err != nil {
		t.Fatal(err)
	}
	var thought, text, args string
	var finish llm.Finish
	var usage *llm.Usage
	for _, ev := range events {
		switch ev.Kind {
		case llm.EventThinking:
			thought += ev.Delta
		case llm.EventText:
			text += ev.Delta
		case llm.EventToolCall, llm.EventToolArgs:
			args += ev.Delta
		case llm.EventFinish:
			finish = ev.Finish
		case llm.EventUsage:
			usage = ev.Usage
		case llm.EventRaw:
			t.Error("a raw chunk in an aggregated answer")
		}
	}
	if thought != "hm" || text != "I call" || args != `{"a":1}` || finish != llm.FinishToolCalls || usage == nil || usage.Total != 7 {
		t.Errorf("%q %q %q %q %+v", thought, text, args, finish, usage)
	}
	if c := encode(t, `{"messages":[],"stream":true}`, qwenTarget()); c.Aggregate || !c.Native {
		t.Error("a client that streams needs no aggregation")
	}
}

func TestT79MiniMaxErrorsWithStatus200AreErrors(t *testing.T) {
	target := &wire.Target{Provider: "minimax", Model: "m", Quirks: &wire.Quirks{BaseResp: true, Reasoning: "echo"}}
	c := encode(t, `{"messages":[]}`, target)
	_, err := Wire{}.Response(c, []byte(`{"id":"x","choices":null,"base_resp":{"status_code":1004,"status_msg":"login fail"}}`))
	if e := llm.AsError(err); e == nil || e.Status != 401 || !strings.Contains(e.Message, "login fail") {
		t.Errorf("%+v", e)
	}
	for code, status := range map[string]int{"1008": 402, "1002": 429, "1026": 400, "9999": 500} {
		_, err := Wire{}.Response(c, []byte(`{"base_resp":{"status_code":`+code+`,"status_msg":"m"}}`))
		if e := llm.AsError(err); e == nil || e.Status != status {
			t.Errorf("code %s: %+v", code, e)
		}
	}
	if _, err := (Wire{}).Response(c, []byte(`{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"a"},"finish_reason":"stop"}],"base_resp":{"status_code":0}}`)); err != nil {
		t.Errorf("a good answer: %v", err)
	}
	if _, err := collect(c, frames(`{"id":"x","choices":[],"base_resp":{"status_code":1002,"status_msg":"slow"}}`)); llm.AsError(err).Status != 429 {
		t.Errorf("in a stream: %v", err)
	}
}

func TestMiniMaxReasoningDetailsAreEchoed(t *testing.T) {
	target := &wire.Target{Provider: "minimax", Model: "m", Quirks: &wire.Quirks{BaseResp: true, Reasoning: "echo", ReasoningField: "reasoning_details"}}
	c := encode(t, `{"messages":[{"role":"assistant","content":"a","reasoning_content":"r"},{"role":"assistant","content":"b","reasoning_details":[{"text":"d"}]}]}`, target)
	sameJSON(t, c.Whole(), `{"model":"m","reasoning_split":true,"messages":[{"role":"assistant","content":"a","reasoning_details":[{"type":"reasoning.text","text":"r"}]},
		{"role":"assistant","content":"b","reasoning_details":[{"text":"d"}]}]}`)
}

func TestEchoFamilyKeepsTheClientsReasoning(t *testing.T) {
	target := &wire.Target{Provider: "zai", Model: "glm", Quirks: &wire.Quirks{Reasoning: "echo"}}
	body := `{"role":"assistant","content":"a","reasoning_content":"r"}`
	c := encode(t, `{"messages":[`+body+`]}`, target)
	if got := string(messagesOf(c)); got != "["+body+"]" {
		t.Errorf("got %s", got)
	}
	target.Quirks = &wire.Quirks{Reasoning: "echo", ReasoningField: "reasoning"}
	sameJSON(t, messagesOf(encode(t, `{"messages":[`+body+`]}`, target)), `[{"role":"assistant","content":"a","reasoning":"r"}]`)
}

func TestDeepSeekGetsFunctionsOnly(t *testing.T) {
	fn := `{"type":"function","function":{"name":"f"}}`
	c := encode(t, `{"messages":[],"tool_choice":{"type":"custom","custom":{"name":"g"}},"tools":[`+fn+`,{"type":"custom","custom":{"name":"g"}}]}`, deepSeekTarget("deepseek-chat"))
	sameJSON(t, c.Whole(), `{"messages":[],"model":"deepseek-chat","tools":[`+fn+`]}`)
	if len(c.Dropped) != 2 {
		t.Errorf("dropped = %+v", c.Dropped)
	}
	c = encode(t, `{"messages":[],"tool_choice":"required","tools":[{"type":"web_search"}]}`, deepSeekTarget("deepseek-chat"))
	sameJSON(t, c.Whole(), `{"messages":[],"model":"deepseek-chat"}`)
	kept := `{"messages":[],"model":"deepseek-chat","tool_choice":{"type":"function","function":{"name":"f"}},"tools":[` + fn + `]}`
	sameJSON(t, encode(t, kept, deepSeekTarget("deepseek-chat")).Body, kept)
}

func TestDeepSeekGetsTheSchemaInThePrompt(t *testing.T) {
	c := encode(t, `{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object","properties":{"answer":{}}}}}}`, deepSeekTarget("deepseek-chat"))
	body := raw(string(c.Whole()))
	first := body.Get("messages").First()
	if !body.Path("response_format", "type").Is("json_object") || !first.Get("role").Is("system") ||
		!strings.Contains(first.Get("content").Text(), `"answer"`) || !strings.Contains(first.Get("content").Text(), "JSON") {
		t.Errorf("%s", c.Whole())
	}
	if body.Get("messages").Len() != 2 {
		t.Errorf("messages = %s", body.Get("messages"))
	}
	c = encode(t, `{"messages":[],"response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`, deepSeekTarget("deepseek-chat"))
	if n := raw(string(messagesOf(c))).Len(); n != 1 {
		t.Errorf("no messages: %s", c.Whole())
	}
}

func TestDeepSeekCannotSeeAndSaysSo(t *testing.T) {
	c := encode(t, `{"messages":[{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]},
		{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}`, deepSeekTarget("deepseek-chat"))
	m := raw(string(messagesOf(c)))
	if !m.First().Get("content").Is("what") || strings.Contains(string(c.Whole()), "AAAA") || len(c.Dropped) != 2 {
		t.Errorf("%s %+v", c.Whole(), c.Dropped)
	}
	if c.Dropped[0].What != "messages[0].content[1]" || c.Dropped[1].What != "messages[1].content[0]" {
		t.Errorf("dropped = %+v", c.Dropped)
	}
}

func TestRefusalForLostReasoningIsMended(t *testing.T) {
	body := `{"error":{"message":"The reasoning_content in the thinking mode must be passed back to the API.","type":"invalid_request_error"}}`
	repair, ok := Wire{}.Mend(nil, Wire{}.Error(400, nil, []byte(body)))
	if !ok || repair != wire.RepairReasoning {
		t.Fatalf("Mend = %q %v", repair, ok)
	}
	if _, ok := (Wire{}).Mend(nil, Wire{}.Error(400, nil, []byte(`{"error":{"message":"bad"}}`))); ok {
		t.Error("another 400 is mended")
	}
	target := deepSeekTarget("deepseek-chat")
	target.Repair = wire.RepairReasoning
	c := encode(t, `{"messages":[{"role":"assistant","content":"a"},`+toolHistory+`]}`, target)
	if n := strings.Count(string(c.Whole()), `"reasoning_content":" "`); n != 2 {
		t.Errorf("%d messages are filled in: %s", n, c.Whole())
	}
}

func TestDeepSeekOutOfResourceIsRetriedBeforeContentAndALengthAfter(t *testing.T) {
	c := encode(t, `{"messages":[],"stream":true}`, deepSeekTarget("deepseek-chat"))
	end := chunk(`{}`, `"insufficient_system_resource"`)
	_, err := collect(c, frames(chunk(`{"role":"assistant","content":""}`, `null`), end))
	if e := llm.AsError(err); e == nil || e.Status != http.StatusServiceUnavailable || !e.Retryable() {
		t.Errorf("before content: %+v", e)
	}
	events, err := collect(c, frames(chunk(`{"role":"assistant","content":"a"}`, `null`), end))
	if err != nil || events[len(events)-1].Finish != llm.FinishLength {
		t.Errorf("after content: %v %+v", err, events)
	}
	_, err = Wire{}.Response(c, []byte(`{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"insufficient_system_resource"}]}`))
	if e := llm.AsError(err); e == nil || !e.Retryable() {
		t.Errorf("whole answer: %+v", e)
	}
}

func TestBrokenStreamIsToldFromAGoodEnd(t *testing.T) {
	c := encode(t, `{"messages":[],"stream":true}`, plainTarget())
	start := chunk(`{"role":"assistant","content":"a"}`, `null`)
	if _, err := collect(c, frames(start)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut: %v", err)
	}
	if _, err := collect(c, frames(start, chunk(`{}`, `"stop"`))); err != nil {
		t.Errorf("finish without [DONE]: %v", err)
	}
	if _, err := collect(c, frames(start, "[DONE]")); err != nil {
		t.Errorf("[DONE] without finish: %v", err)
	}
	if _, err := collect(c, frames("[DONE]")); err == nil {
		t.Error("an empty stream passes for an answer")
	}
	if _, err := collect(c, ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("nothing: %v", err)
	}
	if _, err := collect(c, frames(start, `{"id":`)); llm.AsError(err).Status != 500 {
		t.Errorf("broken JSON: %v", err)
	}
}
