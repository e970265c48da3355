package anthropic

import (
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// native decodes a body as the relay does for a hop in the same format: without
// Expand.
func native(t *testing.T, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := Dialect{}.Decode(v)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestNativeBodyPassesButForModelAndGatewayKeys(t *testing.T) {
	const body = `{"max_tokens": 128000,"model":"alias","num_retries":2,"messages":[{"role":"user","content":"Hi"}],"new_field":{"big":12345678901234567890},"stream":true}`
	call := encode(t, native(t, body), target(legacyModel))
	want := `{"model":"` + legacyModel + `","max_tokens":128000,"messages":[{"role":"user","content":"Hi"}],"new_field":{"big":12345678901234567890},"stream":true}`
	if string(call.Body) != want || !call.Native || call.Path != "/v1/messages" || call.Header.Get("Anthropic-Version") != version {
		t.Errorf("%s %+v", call.Body, call)
	}
}

func TestNativeHistoryIsCleanedOfOtherProviders(t *testing.T) {
	call := encode(t, native(t, `{"model":"m","max_tokens":1,"messages":[{"role":"user","content":"Hi"},
		{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"gemini:`+sig+`"},{"type":"thinking","thinking":"y","signature":"`+signature.Unsigned+`"},
			{"type":"thinking","thinking":"kept","signature":"EqQB"},{"type":"tool_use","id":"call_1__thought__`+sigURL+`","name":"f","input":{},"provider_specific_fields":{"signature":"`+sig+`"},"signature":"x"},
			{"type":"tool_use","id":"functions.f:1","name":"f","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1__thought__`+sigURL+`","content":"1"},{"type":"tool_result","tool_use_id":"functions.f:1","content":"2","extra_content":{}}]},
		{"role":"assistant","content":[{"type":"thinking","thinking":"only","signature":"gemini:`+sig+`"}]},{"role":"user","content":"go"}]}`), target(legacyModel))
	equalJSON(t, "messages", member(t, call, "messages"), `[{"role":"user","content":"Hi"},
		{"role":"assistant","content":[{"type":"thinking","thinking":"kept","signature":"EqQB"},{"type":"tool_use","id":"call_1","name":"f","input":{}},{"type":"tool_use","id":"functions_f_1","name":"f","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"1"},{"type":"tool_result","tool_use_id":"functions_f_1","content":"2"}]},
		{"role":"assistant","content":[{"type":"text","text":"`+emptyText+`"}]},{"role":"user","content":"go"}]`)
	if !dropped(call, "thinking blocks") {
		t.Errorf("reported: %v", call.Dropped)
	}
}

const loopBody = `{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},
	"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"},{"type":"clear_tool_uses_20250919"}]},
	"messages":[{"role":"user","content":"Hi"},{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"SIG"},{"type":"tool_use","id":"a","name":"f","input":{}}]},
	{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}]}`

func TestNativeLoopWithoutItsThinkingGivesUpThinking(t *testing.T) {
	call := encode(t, native(t, strings.Replace(loopBody, "SIG", "gemini:"+sig, 1)), target(legacyModel))
	if member(t, call, "thinking") != "" || !dropped(call, "thinking") {
		t.Errorf("thinking is still asked for: %s", call.Body)
	}
	equalJSON(t, "edits", member(t, call, "context_management"), `{"edits":[{"type":"clear_tool_uses_20250919"}]}`)
	call = encode(t, native(t, strings.Replace(loopBody, "SIG", "EqQB", 1)), target(legacyModel))
	if member(t, call, "thinking") == "" || len(call.Dropped) != 0 {
		t.Errorf("a whole loop lost its thinking: %s", call.Body)
	}
	adaptive := strings.Replace(strings.Replace(loopBody, `"enabled","budget_tokens":1024`, `"adaptive"`, 1), "SIG", "gemini:"+sig, 1)
	if call = encode(t, native(t, adaptive), target(adaptiveModel)); member(t, call, "thinking") == "" {
		t.Errorf("adaptive thinking needs no blocks: %s", call.Body)
	}
	only := strings.Replace(strings.Replace(loopBody, `,{"type":"clear_tool_uses_20250919"}`, "", 1), "SIG", "gemini:"+sig, 1)
	if call = encode(t, native(t, only), target(legacyModel)); member(t, call, "context_management") != "" {
		t.Errorf("an edit of thinking without thinking: %s", call.Body)
	}
}

func TestNativeRepairTakesAllThinkingBlocksOut(t *testing.T) {
	tg := target(legacyModel)
	req := native(t, strings.Replace(loopBody, "SIG", "EqQB", 1))
	call := encode(t, req, tg)
	refusal := New().Error(400, nil, []byte(`{"type":"error","error":{"type":"invalid_request_error","message":"messages.1.content.0: Invalid `+"`signature` in `thinking`"+` block"}}`))
	repair, ok := New().Mend(call, refusal)
	if !ok || repair != wire.RepairThinking {
		t.Fatalf("%v %v", repair, ok)
	}
	tg.Repair = repair
	if call = encode(t, req, tg); strings.Contains(string(call.Body), "EqQB") || member(t, call, "thinking") != "" {
		t.Errorf("%s", call.Body)
	}
	// A client that sent no blocks at all gets an answer without thinking.
	dropped := native(t, strings.Replace(loopBody, `{"type":"thinking","thinking":"x","signature":"SIG"},`, "", 1))
	if call = encode(t, dropped, tg); member(t, call, "thinking") != "" {
		t.Errorf("%s", call.Body)
	}
	schema := New().Error(400, nil, []byte(`{"error":{"message":"output_config.format.schema is too complex"}}`))
	if _, ok := New().Mend(&wire.Call{Native: true, Target: target(legacyModel)}, schema); ok {
		t.Error("a body that passes has no other schema to try")
	}
}

func TestNativeBetasFollowFromTheBody(t *testing.T) {
	for members, want := range map[string]string{
		``: "interleaved-thinking-2025-05-14",
		`,"output_config":{"format":{"type":"json_schema","schema":{}}}`:        structuredBeta,
		`,"output_format":{"type":"json_schema","schema":{}}`:                   structuredBeta,
		`,"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]}`: "context-management-2025-06-27",
		`,"context_management":{"edits":[{"type":"compact_20260112"}]}`:         "compact-2026-01-12",
		`,"speed":"fast"`: "fast-mode-2026-02-01",
		`,"tools":[{"type":"web_fetch_20250910","name":"web_fetch"}]`: "web-fetch-2025-09-10",
		`,"tools":[{"type":"advisor_20260301","name":"advisor"}]`:     "advisor-tool-2026-03-01",
	} {
		tg := target(legacyModel)
		tg.Betas = []string{"interleaved-thinking-2025-05-14"}
		call := encode(t, native(t, `{"max_tokens":1,"messages":[]`+members+`}`), tg)
		got := strings.Split(call.Header.Get("Anthropic-Beta"), ",")
		if !slices.Contains(got, want) || !slices.Contains(got, tg.Betas[0]) {
			t.Errorf("%s: %v", members, got)
		}
	}
}

func TestNativeDefaultsOverridesAndDrops(t *testing.T) {
	tg := target(legacyModel)
	tg.Defaults = params("temperature", "0.1", "stop", `["END"]`, "seed", "7", "max_tokens", "5")
	tg.ExtraBody = params("container", `"c"`)
	tg.Policy.Also = []string{"top_k", "metadata.user_id"}
	req := native(t, `{"max_tokens":1,"messages":[],"top_k":3,"metadata":{"user_id":"u","other":1}}`)
	req.Params = append(req.Params[:0:0], params("max_tokens", "9", "thinking", `{"type":"disabled"}`)...)
	equalJSON(t, "body", string(encode(t, req, tg).Body), `{"model":"`+legacyModel+`","max_tokens":9,"messages":[],"metadata":{"other":1},
		"thinking":{"type":"disabled"},"temperature":0.1,"stop_sequences":["END"],"container":"c"}`)
	tg.Policy.Also = []string{"stop"}
	req = native(t, `{"max_tokens":1,"messages":[],"stop_sequences":["X"]}`)
	if call := encode(t, req, tg); member(t, call, "stop_sequences") != "" || !dropped(call, "stop_sequences") {
		t.Errorf("%s", call.Body)
	}
}

func TestDeepSeeksMessagesAPIStandsBesideItsChat(t *testing.T) {
	for base, want := range map[string]string{
		"https://api.deepseek.com/beta":      "https://api.deepseek.com/anthropic/v1/messages",
		"https://api.deepseek.com/v1/":       "https://api.deepseek.com/anthropic/v1/messages",
		"https://api.deepseek.com":           "https://api.deepseek.com/anthropic/v1/messages",
		"https://api.deepseek.com/anthropic": "https://api.deepseek.com/anthropic/v1/messages",
	} {
		call := encode(t, native(t, `{"max_tokens":1,"messages":[]}`), &wire.Target{Provider: "deepseek", Model: "deepseek-chat", Base: base})
		if !call.Absolute || call.Path != want {
			t.Errorf("%s: %s", base, call.Path)
		}
	}
}

func TestDeepSeekDoesNotThinkWhenItsThoughtsAreLost(t *testing.T) {
	tg := &wire.Target{Provider: "deepseek", Model: "deepseek-v4-flash", Base: "https://api.deepseek.com"}
	req := native(t, strings.Replace(loopBody, `{"type":"thinking","thinking":"x","signature":"SIG"},`, "", 1))
	refusal := New().Error(400, nil, []byte("{\"error\":{\"message\":\"The `content[].thinking` in the thinking mode must be passed back to the API.\"}}"))
	repair, ok := New().Mend(encode(t, req, tg), refusal)
	if !ok || repair != wire.RepairThinking {
		t.Fatalf("%v %v", repair, ok)
	}
	tg.Repair = repair
	if call := encode(t, req, tg); member(t, call, "thinking") != `{"type":"disabled"}` || strings.Count(string(call.Body), `"thinking":`) != 1 {
		t.Errorf("%s", call.Body)
	}
}

func TestNativeAnswerPassesAndIsCounted(t *testing.T) {
	call := emptyCall()
	call.Native = true
	body := `{"id":"msg_1","type":"message","model":"claude-x","content":[{"type":"text","text":"Hi","new":1}],"stop_reason":"max_tokens","usage":{"input_tokens":12,"cache_read_input_tokens":2000,"output_tokens":9}}`
	resp, err := New().Response(call, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if resp.Usage.Input != 2012 || resp.Usage.Output != 9 || resp.Choices[0].Finish != llm.FinishLength || resp.ID != "msg_1" {
		t.Errorf("%+v %+v", resp, resp.Usage)
	}
	got := Dialect{}.Response(&llm.Request{Model: "alias"}, resp, wire.Answer{Model: "upstream"})
	if want := strings.Replace(body, "claude-x", "alias", 1); string(got) != want {
		t.Errorf("%s", got)
	}
	got = Dialect{}.Response(&llm.Request{}, &llm.Response{Body: rawjson.Value(`{"id":"x"}`)}, wire.Answer{Model: "upstream"})
	equalJSON(t, "answer without a model", string(got), `{"id":"x","model":"upstream"}`)
}

// passed reads a native stream to its end.
func passed(payloads ...string) (events []llm.Event, failed error) {
	call := emptyCall()
	call.Native = true
	for ev, err := range New().Stream(call, sse.NewReader(strings.NewReader(stream(payloads...)), 0)) {
		if err != nil {
			return events, err
		}
		events = append(events, ev)
	}
	return events, nil
}

func TestNativeStreamIsTappedAndCommitsWithContentOnly(t *testing.T) {
	events, err := passed(startEvent, `{"type":"ping"}`, textStart("0"), delta("0", `{"type":"text_delta","text":"x"}`), blockStop("0"),
		toolStart("1", "a", "f"), blockStop("1"),
		`{"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":25}}`, stopEvent)
	if err != nil {
		t.Fatal(err)
	}
	var commits []int
	var usage *llm.Usage
	for i, ev := range events {
		if ev.Commits() {
			commits = append(commits, i)
		}
		if ev.Usage != nil {
			usage = ev.Usage
		}
	}
	if !slices.Equal(commits, []int{3, 5, 7}) || usage == nil || usage.Output != 25 || usage.Input == 0 || events[7].Finish != llm.FinishToolCalls {
		t.Errorf("commits %v, usage %+v", commits, usage)
	}
}

func TestNativeStreamThatBreaksOffOrFailsIsAnError(t *testing.T) {
	if _, err := passed(startEvent, textStart("0")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a cut stream: %v", err)
	}
	if _, err := passed(startEvent, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`); llm.AsError(err) == nil || llm.AsError(err).UpstreamStatus != 529 {
		t.Errorf("an error event: %v", err)
	}
	if _, err := passed(startEvent, `{"type":`); llm.AsError(err) == nil {
		t.Error("an event that is not JSON passes")
	}
	if _, err := passed(startEvent, stopBecause("end_turn")); err != nil {
		t.Errorf("a stream without message_stop: %v", err)
	}
}

func TestTokensAreCountedUpstream(t *testing.T) {
	v, err := rawjson.Check([]byte(`{"model":"m","max_tokens":5,"stream":true,"temperature":1,"system":"x","messages":[{"role":"user","content":"count me"}],"thinking":{"type":"adaptive"},"metadata":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	req, err := Dialect{}.DecodeCount(v)
	if err != nil || req.Stream {
		t.Fatal(err)
	}
	tg := target(legacyModel)
	tg.Defaults, tg.ExtraBody = params("max_tokens", "7"), params("container", `"c"`)
	call, err := CountRequest(req, tg)
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, "body", string(call.Body), `{"model":"`+legacyModel+`","system":"x","messages":[{"role":"user","content":"count me"}],"thinking":{"type":"adaptive"}}`)
	if call.Path != "/v1/messages/count_tokens" || !strings.Contains(call.Header.Get("Anthropic-Beta"), countBeta) {
		t.Errorf("%s %v", call.Path, call.Header)
	}
	if n, err := CountAnswer(call, []byte(`{"input_tokens":2095}`)); n != 2095 || err != nil {
		t.Errorf("%d %v", n, err)
	}
	for _, bad := range []string{`{}`, `{"input_tokens":-1}`, `x`} {
		if _, err := CountAnswer(call, []byte(bad)); llm.AsError(err) == nil || !llm.AsError(err).Upstream {
			t.Errorf("%s: %v", bad, err)
		}
	}
	equalJSON(t, "answer", string(CountResponse(7)), `{"input_tokens":7}`)
}

func TestTokensOfOtherDialectsAreCountedToo(t *testing.T) {
	tg := target(legacyModel)
	tg.Base = "https://x/v1/messages"
	call, err := CountRequest(request(params("temperature", "0.5"), say(llm.System, "x"), say(llm.User, "count me")), tg)
	if err != nil {
		t.Fatal(err)
	}
	equalJSON(t, "body", string(call.Body), `{"model":"`+legacyModel+`","system":[{"type":"text","text":"x"}],"messages":[{"role":"user","content":[{"type":"text","text":"count me"}]}]}`)
	if call.Path != "/count_tokens" {
		t.Errorf("%s", call.Path)
	}
}

func BenchmarkNativeEncode(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"model":"m","max_tokens":128000,"messages":[{"role":"user","content":"Hi"}`)
	for range 50 {
		body.WriteString(`,{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqQB"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"` + strings.Repeat("x", 1000) + `"}]}`)
	}
	body.WriteString(`]}`)
	v := rawjson.Value(body.String())
	tg := target(legacyModel)
	b.SetBytes(int64(len(v)))
	b.ReportAllocs()
	for b.Loop() {
		req, err := Dialect{}.Decode(v)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := New().Encode(req, tg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMessagesExpand(b *testing.B) {
	v := rawjson.Value(`{"model":"m","max_tokens":1024,"system":"Be brief.","messages":[{"role":"user","content":"What is the weather in Paris?"}],"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"city":{"type":"string"}}}}]}`)
	b.ReportAllocs()
	for b.Loop() {
		req, err := Dialect{}.Decode(v)
		if err != nil {
			b.Fatal(err)
		}
		if err := (Dialect{}).Expand(req); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkMessagesStream writes 50 deltas; ns/op is for the whole stream.
func BenchmarkMessagesStream(b *testing.B) {
	req := &llm.Request{Model: "m"}
	words, end := textDelta("some words "), finishEvent(llm.FinishStop)
	buf := make([]byte, 0, 16<<10)
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(req, wire.Answer{})
		dst := enc.Event(buf[:0], &openEvent)
		for range 50 {
			dst = enc.Event(dst, &words)
		}
		enc.Close(enc.Event(dst, &end))
	}
}

func BenchmarkPassedStream(b *testing.B) {
	payloads := []string{startEvent, textStart("0")}
	for range 50 {
		payloads = append(payloads, delta("0", `{"type":"text_delta","text":"some words "}`))
	}
	text := stream(append(payloads, blockStop("0"), stopBecause("end_turn"), stopEvent)...)
	call := emptyCall()
	call.Native = true
	buf := make([]byte, 0, 16<<10)
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(&llm.Request{Model: "m"}, wire.Answer{})
		dst := buf[:0]
		for ev, err := range New().Stream(call, sse.NewReader(strings.NewReader(text), 0)) {
			if err != nil {
				b.Fatal(err)
			}
			dst = enc.Event(dst, &ev)
		}
		enc.Close(dst)
	}
}
