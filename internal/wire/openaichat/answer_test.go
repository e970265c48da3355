package openaichat

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

const sig = "ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUtMDAwMQ=="

func answer(t *testing.T, resp *llm.Response, a wire.Answer) string {
	t.Helper()
	body := Dialect{}.Response(&llm.Request{From: Name}, resp, a)
	if !json.Valid(body) {
		t.Fatalf("broken JSON: %s", body)
	}
	return string(body)
}

func message(t *testing.T, parts ...llm.Part) rawjson.Value {
	t.Helper()
	body := answer(t, &llm.Response{ID: "x", Choices: []llm.Choice{{Parts: parts, Finish: llm.FinishStop}}}, wire.Answer{Model: "m", SignatureInID: true})
	return raw(body).Get("choices").First().Get("message")
}

func text(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func TestPassedAnswerIsTheUpstreamsWithTheClientsModel(t *testing.T) {
	body := `{"id":"c","object":"chat.completion","odd": [1.0],"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"h\u00e9"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"x":12345678901234567890}}`
	c := encode(t, `{"messages":[]}`, openAITarget())
	resp, err := Wire{}.Response(c, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := answer(t, resp, smart), strings.Replace(body, `"up"`, `"smart"`, 1); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if resp.Usage.Total != 7 || resp.Choices[0].Finish != llm.FinishStop || resp.Choices[0].Parts != nil {
		t.Errorf("%+v", resp)
	}
	if got := string(Dialect{}.Response(c.Request, &llm.Response{Body: raw(`{}`)}, smart)); got != `{"model":"smart"}` {
		t.Errorf("no model: %s", got)
	}
}

func TestIrregularAnswersAreMadeRegular(t *testing.T) {
	tests := []struct{ choice, message, finish string }{
		{`"message":{"role":"assistant","content":"a","reasoning":"r"},"finish_reason":"stop"`, `{"role":"assistant","content":"a","reasoning_content":"r"}`, "stop"},
		{`"message":{"role":"assistant","content":"a"},"finish_reason":"eos"`, `{"role":"assistant","content":"a"}`, "stop"},
		{`"message":{"role":"assistant","content":"a"},"finish_reason":"sensitive"`, `{"role":"assistant","content":"a"}`, "content_filter"},
		{`"message":{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"r"}]},{"type":"text","text":"a"}]},"finish_reason":"stop"`, `{"role":"assistant","content":"a","reasoning_content":"r"}`, "stop"},
		{
			`"message":{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":{"a":1}}}]},"finish_reason":""`,
			`{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]}`, "tool_calls",
		},
		{
			`"message":{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":""}}]},"finish_reason":"stop"`,
			`{"role":"assistant","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]}`, "tool_calls",
		},
	}
	c := encode(t, `{"messages":[]}`, plainTarget())
	for _, tc := range tests {
		resp, err := Wire{}.Response(c, []byte(`{"id":"c","model":"up","odd":1.0,"choices":[{"index":0,`+tc.choice+`}]}`))
		if err != nil {
			t.Fatal(err)
		}
		got := raw(answer(t, resp, smart))
		choice := got.Get("choices").First()
		sameJSON(t, choice.Get("message"), tc.message)
		if !choice.Get("finish_reason").Is(tc.finish) || string(got.Get("odd")) != "1.0" {
			t.Errorf("%s", got)
		}
	}
	resp, err := Wire{}.Response(c, []byte(`{"choices":[{"message":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	call := raw(answer(t, resp, smart)).Get("choices").First().Path("message", "tool_calls").First()
	if !strings.HasPrefix(call.Get("id").Text(), "call_") || !call.Get("type").Is("function") {
		t.Errorf("call = %s", call)
	}
}

func TestAnswersThatAreNoneAreErrors(t *testing.T) {
	c := encode(t, `{"messages":[]}`, plainTarget())
	tests := []struct {
		body   string
		status int
	}{
		{`this is not json`, 500},
		{``, 500},
		{`[]`, 500},
		{`{}`, 500},
		{`{"choices":null}`, 500},
		{`{"error":{"message":"no credits","code":402}}`, 402},
		{`{"error":{"message":"x"},"choices":[]}`, 500},
		{`{"choices":[{"finish_reason":"error","error":{"code":429,"message":"slow"}}]}`, 429},
	}
	for _, tc := range tests {
		_, err := Wire{}.Response(c, []byte(tc.body))
		if e := llm.AsError(err); e == nil || e.Status != tc.status || !e.Upstream {
			t.Errorf("%s: %+v", tc.body, e)
		}
	}
}

func TestKeeperLearnsFromAPassedAnswer(t *testing.T) {
	c := encode(t, `{"messages":[]}`, deepSeekTarget("deepseek-v4-pro"))
	resp, err := Wire{}.Response(c, []byte(`{"id":"c","choices":[{"index":0,"message":{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p := resp.Choices[0].Parts
	if len(p) != 2 || p[0].Kind != llm.PartThinking || p[0].Text != "hm" || p[1].Call.ID != "a" || p[1].Call.Name != "f" {
		t.Errorf("%+v", p)
	}
}

func TestTranslatedAnswerIsReadWhole(t *testing.T) {
	c := encode(t, `{"messages":[]}`, plainTarget())
	c.Native, c.Names = false, map[string]string{"f_up": "f.mine"}
	resp, err := Wire{}.Response(c, []byte(`{"id":"c","created":9,"model":"up","service_tier":"flex","system_fingerprint":"fp","choices":[{"index":1,"logprobs":{"content":[]},
		"message":{"content":"a","refusal":"no","reasoning":"r","annotations":[1],"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}],
		"audio":{"id":"au","data":"BB","transcript":"t"},"tool_calls":[{"id":"x","type":"function","function":{"name":"f_up","arguments":""}},{"id":"y","type":"custom","custom":{"name":"g","input":"in"}}]},"finish_reason":"stop"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if resp.ID != "c" || resp.Created != 9 || resp.ServiceTier != "flex" || resp.Body != nil {
		t.Errorf("%+v", resp)
	}
	ch := resp.Choices[0]
	var kinds []llm.PartKind
	for _, p := range ch.Parts {
		kinds = append(kinds, p.Kind)
	}
	if len(kinds) != 7 || ch.Index != 1 || ch.Finish != llm.FinishToolCalls || string(ch.Annotations) != "[1]" {
		t.Fatalf("%v %+v", kinds, ch)
	}
	first, second := ch.Parts[5].Call, ch.Parts[6].Call
	if first.Name != "f.mine" || first.Arguments != "{}" || !second.Custom || second.Arguments != "in" {
		t.Errorf("%+v %+v", first, second)
	}
}

func TestContentIsNullOnlyWhenNothingWasSaid(t *testing.T) {
	call := llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: "f", Arguments: "{}"}}
	tests := []struct {
		parts []llm.Part
		want  string
	}{
		{nil, "null"},
		{[]llm.Part{text("")}, `""`},
		{[]llm.Part{text("a"), text("b")}, `"ab"`},
		{[]llm.Part{call}, "null"},
		{[]llm.Part{{Kind: llm.PartThinking, Text: "t"}}, `""`},
		{[]llm.Part{{Kind: llm.PartThinking, Text: "t"}, call}, "null"},
		{[]llm.Part{{Kind: llm.PartRefusal, Text: "no"}}, "null"},
	}
	for _, tc := range tests {
		if got := string(message(t, tc.parts...).Get("content")); got != tc.want {
			t.Errorf("%+v: %s, want %s", tc.parts, got, tc.want)
		}
	}
}

func TestSignatureOfACallGoesOutInEveryCarrier(t *testing.T) {
	st := &llm.State{Provider: "gemini", Signature: sig}
	m := message(t, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: "f", Arguments: `{"x":1}`}, State: st},
		llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "b", Name: "g", Arguments: `{}`}})
	sameJSON(t, m, `{"content":null,"role":"assistant","tool_calls":[
		{"index":0,"id":"a__thought__`+sig+`","type":"function","function":{"name":"f","arguments":"{\"x\":1}"},
		 "provider_specific_fields":{"thought_signature":"`+sig+`"},"extra_content":{"google":{"thought_signature":"`+sig+`"}}},
		{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}],
		"provider_specific_fields":{"thought_signatures":["`+sig+`"]}}`)
	body := answer(t, &llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: "f"}, State: st}}}}}, wire.Answer{})
	if strings.Contains(body, "__thought__") {
		t.Errorf("the option off: %s", body)
	}
}

func TestSignatureOfATextGoesOutOnTheMessage(t *testing.T) {
	m := message(t, llm.Part{Kind: llm.PartText, Text: "a", State: &llm.State{Provider: "gemini", Signature: sig}})
	sameJSON(t, m, `{"content":"a","role":"assistant","provider_specific_fields":{"thought_signatures":["`+sig+`"]},
		"extra_content":{"google":{"thought_signature":"`+sig+`"}}}`)
}

func TestThinkingBlocksKeepTheirOpaqueHalf(t *testing.T) {
	m := message(t, llm.Part{Kind: llm.PartThinking, Text: "t", State: &llm.State{Provider: "anthropic", Signature: "s"}},
		llm.Part{Kind: llm.PartThinking, State: &llm.State{Provider: "anthropic", Redacted: "d"}},
		llm.Part{Kind: llm.PartThinking, Text: "g", State: &llm.State{Provider: "gemini", Signature: sig}}, text("a"))
	sameJSON(t, m, `{"content":"a","role":"assistant","reasoning_content":"tg","thinking_blocks":[
		{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"d"},
		{"type":"thinking","thinking":"g","signature":"gemini:`+sig+`"}]}`)
}

func TestWholeAnswerHasEveryField(t *testing.T) {
	got := answer(t, &llm.Response{
		Choices: []llm.Choice{{
			Index: 0, Finish: llm.FinishStop, Logprobs: raw("{}"), Annotations: raw("[]"),
			Parts:        []llm.Part{text("a"), {Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "AA"}}, {Kind: llm.PartAudio, Text: "t", Media: &llm.Media{Data: "BB"}}},
			Fields:       rawjson.Object{{Key: "citations", Value: raw("null")}},
			ChoiceFields: rawjson.Object{{Key: "native_finish_reason", Value: raw(`"STOP"`)}},
			Extra:        rawjson.Object{{Key: "more", Value: raw("1")}},
		}},
		Usage:       &llm.Usage{Input: 260, Output: 9, CacheRead: 200, CacheWrite5m: 50, Reasoning: 5, TextOut: 4, WebSearches: 1},
		ServiceTier: "default", Extra: rawjson.Object{{Key: "vertex_ai_safety_results", Value: raw("[]")}},
	}, smart)
	sameJSON(t, []byte(got), `{"id":"chatcmpl-id","created":5,"model":"smart","object":"chat.completion","choices":[{"finish_reason":"stop","index":0,
		"message":{"content":"a","role":"assistant","annotations":[],"images":[{"index":0,"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}],
		"audio":{"id":"audio_id","data":"BB","expires_at":0,"transcript":"t"},"provider_specific_fields":{"citations":null},"more":1},
		"logprobs":{},"provider_specific_fields":{"native_finish_reason":"STOP"}}],
		"usage":{"completion_tokens":9,"prompt_tokens":260,"total_tokens":269,"completion_tokens_details":{"reasoning_tokens":5,"text_tokens":4},
		"prompt_tokens_details":{"cached_tokens":200,"cache_write_tokens":50,"cache_creation_tokens":50,"cache_creation_token_details":{"ephemeral_5m_input_tokens":50,"ephemeral_1h_input_tokens":0}},
		"cache_creation_input_tokens":50,"cache_read_input_tokens":200,"server_tool_use":{"web_search_requests":1}},
		"vertex_ai_safety_results":[],"service_tier":"default"}`)
}

func TestLegacyFunctionsAreAnsweredInTheirShape(t *testing.T) {
	req := &llm.Request{From: Name, LegacyFunctions: true}
	resp := &llm.Response{Choices: []llm.Choice{{Finish: llm.FinishToolCalls, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "a", Name: "f", Arguments: "{}"}}}}}}
	c := raw(string(Dialect{}.Response(req, resp, smart))).Get("choices").First()
	sameJSON(t, c, `{"index":0,"finish_reason":"function_call","message":{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}}}`)
	enc := Dialect{}.Stream(req, smart)
	var out []byte
	for _, ev := range []llm.Event{
		{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "a", Name: "f"}}, {Kind: llm.EventToolArgs, Delta: "{}"}, {Kind: llm.EventFinish, Finish: llm.FinishStop},
	} {
		out = enc.Event(out, &ev)
	}
	s := string(enc.Close(out))
	if !strings.Contains(s, `"function_call":{"name":"f","arguments":""}`) || !strings.Contains(s, `"function_call":{"arguments":"{}"}`) || !strings.Contains(s, `"finish_reason":"function_call"`) {
		t.Errorf("%s", s)
	}
}

func TestReasoningMayStandInTheContent(t *testing.T) {
	a := wire.Answer{Model: "m", MergeReasoning: true}
	resp := &llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartThinking, Text: "t"}, text("a")}}}}
	if m := raw(answer(t, resp, a)).Get("choices").First().Get("message"); !m.Get("content").Is("<think>t</think>a") || m.Get("reasoning_content") != nil {
		t.Errorf("%s", m)
	}
	resp = &llm.Response{Body: raw(`{"model":"up","choices":[{"message":{"content":"a","reasoning_content":"t"}}]}`)}
	if m := raw(answer(t, resp, a)).Get("choices").First().Get("message"); !m.Get("content").Is("<think>t</think>a") || m.Get("reasoning_content") != nil {
		t.Errorf("passed: %s", m)
	}
}

func TestUsageIsReadInEveryVariant(t *testing.T) {
	tests := []struct {
		usage string
		want  llm.Usage
	}{
		{
			`{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":3,"audio_tokens":1},"completion_tokens_details":{"reasoning_tokens":5,"accepted_prediction_tokens":2}}`,
			llm.Usage{Input: 11, Output: 7, Total: 18, CacheRead: 3, AudioIn: 1, Reasoning: 5, AcceptedPrediction: 2},
		},
		{`{"prompt_tokens":11,"completion_tokens":7,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":7}`, llm.Usage{Input: 11, Output: 7, Total: 18, CacheRead: 4}},
		{`{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"cached_tokens":2}`, llm.Usage{Input: 11, Output: 7, Total: 18, CacheRead: 2}},
		{`{"prompt_tokens":10,"completion_tokens":5,"total_tokens":35,"completion_tokens_details":{"reasoning_tokens":20}}`, llm.Usage{Input: 10, Output: 25, Total: 35, Reasoning: 20}},
		{
			`{"prompt_tokens":260,"completion_tokens":1,"total_tokens":261,"prompt_tokens_details":{"cached_tokens":200,"cache_creation_tokens":50,"cache_creation_token_details":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":30}}}`,
			llm.Usage{Input: 260, Output: 1, Total: 261, CacheRead: 200, CacheWrite5m: 20, CacheWrite1h: 30},
		},
		{`{"prompt_tokens":-5,"completion_tokens":1e300,"total_tokens":"x"}`, llm.Usage{Output: maxTokens}},
		{`{"prompt_tokens":1.0,"completion_tokens":null}`, llm.Usage{Input: 1, Total: 1}},
		{`{"prompt_tokens":1,"prompt_tokens_details":null,"cached_tokens":9}`, llm.Usage{Input: 1, Total: 1, CacheRead: 1}},
	}
	for _, tc := range tests {
		got := *ParseUsage(raw(tc.usage))
		got.Raw = nil
		if got.Input != tc.want.Input || got.Output != tc.want.Output || got.CacheRead != tc.want.CacheRead || got.CacheWrite5m != tc.want.CacheWrite5m ||
			got.CacheWrite1h != tc.want.CacheWrite1h || got.Reasoning != tc.want.Reasoning || got.AudioIn != tc.want.AudioIn || got.AcceptedPrediction != tc.want.AcceptedPrediction {
			t.Errorf("%s: %+v", tc.usage, got)
		}
		if tc.want.Total != 0 && got.Total != tc.want.Total {
			t.Errorf("%s: total %d, want %d", tc.usage, got.Total, tc.want.Total)
		}
	}
	for _, none := range []string{"null", "5", "[]", ""} {
		if ParseUsage(raw(none)) != nil {
			t.Errorf("%q is a usage", none)
		}
	}
}
