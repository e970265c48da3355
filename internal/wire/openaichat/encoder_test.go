package openaichat

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// written is what the encoder makes of events, with the end marker.
func written(req *llm.Request, a wire.Answer, events ...llm.Event) string {
	enc := Dialect{}.Stream(req, a)
	var out []byte
	for i := range events {
		out = enc.Event(out, &events[i])
	}
	return string(enc.Close(out))
}

var started = llm.Event{Kind: llm.EventStart, Response: &llm.Response{ID: "r1", Created: 9, Model: "up", ServiceTier: "default", Extra: rawjson.Object{{Key: "system_fingerprint", Value: raw(`"fp"`)}}}}

func TestTranslatedStreamFollowsTheProtocol(t *testing.T) {
	req := &llm.Request{From: Name, IncludeUsage: true}
	got := written(req, smart, started,
		llm.Event{Kind: llm.EventThinking, Delta: "hm"},
		llm.Event{Kind: llm.EventText, Delta: "a\n\"b\""},
		llm.Event{Kind: llm.EventToolCall, Index: 0, Call: &llm.ToolCall{ID: "a", Name: "f"}},
		llm.Event{Kind: llm.EventToolArgs, Index: 0, Delta: `{"x":1}`},
		llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop, Fields: rawjson.Object{{Key: "native_finish_reason", Value: raw(`"STOP"`)}}},
		llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Input: 3, Output: 4}})
	h := listen(t, got)
	if h.reasoning != "hm" || h.text != "a\n\"b\"" || h.calls[0] != (heardCall{"a", "f", `{"x":1}`}) || h.finish != "tool_calls" || h.finishes != 1 ||
		h.usages != 1 || h.usage["total_tokens"] != 7.0 || !h.done || len(h.ids) != 1 || !h.ids["r1"] || !h.models["smart"] {
		t.Errorf("%+v", h)
	}
	if first := strings.SplitN(got, "\n", 2)[0]; first != `data: {"id":"r1","created":9,"model":"smart","object":"chat.completion.chunk","system_fingerprint":"fp","service_tier":"default","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"}}]}` {
		t.Errorf("first chunk = %s", first)
	}
	if !strings.Contains(got, `"finish_reason":"tool_calls","provider_specific_fields":{"native_finish_reason":"STOP"}`) {
		t.Errorf("%s", got)
	}
}

func TestUsageIsNotWrittenUnasked(t *testing.T) {
	h := listen(t, written(&llm.Request{}, smart, started, llm.Event{Kind: llm.EventText, Delta: "a"}, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishLength}, llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Input: 3}}))
	if h.usages != 0 || h.finish != "length" {
		t.Errorf("%+v", h)
	}
}

func TestAnswerWithoutContentStillHasARole(t *testing.T) {
	h := listen(t, written(&llm.Request{}, smart, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishContentFilter}))
	if h.role != "assistant" || h.finish != "content_filter" || !h.ids["chatcmpl-id"] || !h.done {
		t.Errorf("%+v", h)
	}
}

func TestT14LateSignatureReachesItsCall(t *testing.T) {
	st := &llm.State{Provider: "gemini", Signature: sig}
	got := written(&llm.Request{}, smart, started,
		llm.Event{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "a", Name: "f"}, Delta: "{}"},
		llm.Event{Kind: llm.EventState, Index: 0, State: st},
		llm.Event{Kind: llm.EventFinish, Finish: llm.FinishToolCalls})
	h := listen(t, got)
	if len(h.calls) != 1 || h.calls[0].Args != "{}" || h.text != "" {
		t.Errorf("%+v", h)
	}
	if !strings.Contains(got, `"tool_calls":[{"index":0,"function":{"arguments":""},"provider_specific_fields":{"thought_signature":"`+sig+`"}`) {
		t.Errorf("%s", got)
	}
}

func TestSignatureOfACallIsInItsFirstDelta(t *testing.T) {
	st := &llm.State{Provider: "gemini", Signature: sig}
	a := smart
	a.SignatureInID = true
	got := written(&llm.Request{}, a, llm.Event{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "a", Name: "f"}, Delta: "{}", State: st})
	if h := listen(t, got); h.calls[0].ID != "a__thought__"+sig {
		t.Errorf("%+v", h)
	}
	if !strings.Contains(got, `"provider_specific_fields":{"thought_signatures":["`+sig+`"]}`) || !strings.Contains(got, `"extra_content":{"google"`) {
		t.Errorf("%s", got)
	}
}

func TestSignatureOfTheTextComesLate(t *testing.T) {
	got := written(&llm.Request{}, smart, llm.Event{Kind: llm.EventText, Delta: "a"}, llm.Event{Kind: llm.EventState, Index: -1, State: &llm.State{Provider: "gemini", Signature: sig}})
	if !strings.Contains(got, `"delta":{"provider_specific_fields":{"thought_signatures":["`+sig+`"]},"extra_content":{"google":{"thought_signature":"`+sig+`"}}}`) {
		t.Errorf("%s", got)
	}
}

func TestForeignStateMakesNoChunk(t *testing.T) {
	got := written(&llm.Request{}, smart, llm.Event{Kind: llm.EventState, Index: 0, State: &llm.State{Provider: "anthropic", Signature: "s"}})
	if got != "data: [DONE]\n\n" {
		t.Errorf("%s", got)
	}
}

func TestThinkingBlockComesWholeWithItsSignature(t *testing.T) {
	got := written(&llm.Request{}, smart,
		llm.Event{Kind: llm.EventThinking, Delta: "a"}, llm.Event{Kind: llm.EventThinking, Delta: "b"},
		llm.Event{Kind: llm.EventThinking, State: &llm.State{Provider: "anthropic", Signature: "s"}},
		llm.Event{Kind: llm.EventThinking, State: &llm.State{Provider: "anthropic", Redacted: "d"}})
	if !strings.Contains(got, `"thinking_blocks":[{"type":"thinking","thinking":"ab","signature":"s"}]`) || !strings.Contains(got, `"thinking_blocks":[{"type":"redacted_thinking","data":"d"}]`) {
		t.Errorf("%s", got)
	}
	if h := listen(t, got); h.reasoning != "ab" {
		t.Errorf("%+v", h)
	}
}

func TestMediaFieldsAndRefusalsAreWritten(t *testing.T) {
	got := written(&llm.Request{}, smart,
		llm.Event{Kind: llm.EventImage, Index: 0, Media: &llm.Media{MIME: "image/png", Data: "AA"}},
		llm.Event{Kind: llm.EventAudio, Media: &llm.Media{Data: "BB"}},
		llm.Event{Kind: llm.EventFields, Fields: rawjson.Object{{Key: "citations", Value: raw("[]")}}},
		llm.Event{Kind: llm.EventRefusal, Delta: "no"})
	for _, want := range []string{`"images":[{"index":0,"type":"image_url","image_url":{"url":"data:image/png;base64,AA"}}]`, `"audio":{"id":"audio_id","data":"BB"`, `"provider_specific_fields":{"citations":[]}`, `"refusal":"no"`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestErrorFrameIsFollowedByTheEndMarker(t *testing.T) {
	enc := Dialect{}.Stream(&llm.Request{}, smart)
	got := string(enc.Error(nil, &llm.Error{Kind: llm.KindInternal, Status: 500, Message: "gone\nwrong"}))
	want := `data: {"error":{"message":"gone\nwrong","type":"internal_server_error","param":null,"code":"500"}}` + "\n\ndata: [DONE]\n\n"
	if got != want {
		t.Errorf("got %q", got)
	}
	if ping := string(enc.Ping(nil)); ping != ": ping\n\n" {
		t.Errorf("ping = %q", ping)
	}
}

func TestSignatureMayComeWithTheText(t *testing.T) {
	st := &llm.State{Provider: "gemini", Signature: sig}
	got := written(&llm.Request{}, smart, llm.Event{Kind: llm.EventText, Delta: "a", State: st}, llm.Event{Kind: llm.EventText})
	if !strings.Contains(got, `"content":"a","provider_specific_fields":{"thought_signatures":["`+sig+`"]},"extra_content"`) || strings.Count(got, "data: ") != 2 {
		t.Errorf("%s", got)
	}
}

func TestAnswerThatCameWholeIsToldAsAStream(t *testing.T) {
	req := decode(t, streamingUsage)
	call := encode(t, streamingUsage, plainTarget())
	call.Request = req
	resp, err := Wire{}.Response(call, []byte(`{"id":"c1","created":7,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"a","tool_calls":[{"id":"x","type":"function","function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}`))
	if err != nil {
		t.Fatal(err)
	}
	enc := Dialect{}.Stream(req, smart)
	var out []byte
	for ev := range llm.Replay(resp) {
		out = enc.Event(out, &ev)
	}
	h := listen(t, string(enc.Close(out)))
	if h.text != "a" || len(h.calls) != 1 || h.calls[0].Args != "{}" || h.finish != "tool_calls" || h.usages != 1 {
		t.Errorf("%+v", h)
	}
}

func TestCallsThatTheVendorRunsLeaveNoTraceInAStream(t *testing.T) {
	enc := Dialect{}.Stream(&llm.Request{}, smart)
	var out []byte
	for _, ev := range []llm.Event{
		{Kind: llm.EventStart, Response: &llm.Response{ID: "x"}},
		{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "s", Name: "web_search", Server: true}},
		{Kind: llm.EventToolArgs, Delta: `{"query":"q"}`},
		{Kind: llm.EventText, Delta: "found"},
		{Kind: llm.EventToolCall, Index: 1, Call: &llm.ToolCall{ID: "c", Name: "weather"}},
		{Kind: llm.EventToolArgs, Index: 1, Delta: "{}"},
		{Kind: llm.EventFinish, Finish: llm.FinishToolCalls},
	} {
		out = enc.Event(out, &ev)
	}
	text := string(out)
	if strings.Contains(text, "query") || strings.Contains(text, `"index":1`) || strings.Count(text, `"tool_calls":[{"index":0`) != 2 {
		t.Error(text)
	}
}
