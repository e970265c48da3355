package openairesponses

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func started() llm.Event {
	return llm.Event{Kind: llm.EventStart, Response: &llm.Response{ID: "up", Created: 1700000001}}
}

func said(s string) llm.Event { return llm.Event{Kind: llm.EventText, Delta: s} }

func finished(f llm.Finish) llm.Event { return llm.Event{Kind: llm.EventFinish, Finish: f} }

func called(index int, id, name, args string) llm.Event {
	return llm.Event{Kind: llm.EventToolCall, Index: index, Call: &llm.ToolCall{ID: id, Name: name}, Delta: args}
}

func args(index int, s string) llm.Event {
	return llm.Event{Kind: llm.EventToolArgs, Index: index, Delta: s}
}

func TestTextStreamHasEveryEventInOrder(t *testing.T) {
	out := encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{
		started(),
		{Kind: llm.EventThinking, Delta: "h"},
		{Kind: llm.EventThinking, Delta: "m"},
		said("Hel"), said("lo"), finished(llm.FinishStop),
		{Kind: llm.EventUsage, Usage: &llm.Usage{Input: 1, Output: 2, Total: 3}},
	}, nil)
	events := holdsOrder(t, out)
	if got, want := kinds(events), "created in_progress "+
		"output_item.added reasoning_summary_part.added reasoning_summary_text.delta reasoning_summary_text.delta reasoning_summary_text.done reasoning_summary_part.done output_item.done "+
		"output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done completed"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	final := finalOf(t, events)
	if n, _ := final.Path("usage", "total_tokens").Int(); n != 3 {
		t.Errorf("usage %s", final.Get("usage"))
	}
	if at, _ := final.Get("created_at").Int(); at != 1700000001 {
		t.Errorf("created_at %s", final.Get("created_at"))
	}
	if first := events[0].data.Get("response"); !first.Get("status").Is("in_progress") || first.Get("output").Len() != 0 || !first.Get("id").Is(final.Get("id").Text()) {
		t.Errorf("created: %s", first)
	}
}

func TestT88_StreamWithoutFinishReasonEndsInOrder(t *testing.T) {
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{started(), said("a"), called(0, "c", "f", `{}`)}, nil))
	if got := kinds(events); !strings.HasSuffix(got, "function_call_arguments.done output_item.done completed") || strings.Count(got, "output_item.done") != 2 {
		t.Error(got)
	}
}

func TestStreamEndsAsItsReasonSays(t *testing.T) {
	for finish, want := range map[llm.Finish]string{
		llm.FinishLength: "response.incomplete max_output_tokens incomplete", llm.FinishContentFilter: "response.incomplete content_filter incomplete",
		llm.FinishToolCalls: "response.completed  completed",
	} {
		events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{started(), said("a"), finished(finish)}, nil))
		final := finalOf(t, events)
		got := events[len(events)-1].typ + " " + final.Path("incomplete_details", "reason").Text() + " " + final.Get("output").First().Get("status").Text()
		if got != want {
			t.Errorf("%s: %s", finish, got)
		}
	}
}

func TestInterleavedCallsAreWrittenOneAfterTheOther(t *testing.T) {
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{
		started(), called(0, "c1", "f", ""), args(0, `{"a`), called(1, "c2", "g", ""), args(1, `{"b":`), args(0, `":1}`), args(1, `2}`),
		called(2, "c3", "h", `{}`), finished(llm.FinishToolCalls),
	}, nil))
	var got []string
	for _, v := range finalOf(t, events).Get("output").Elems() {
		got = append(got, v.Get("call_id").Text()+v.Get("arguments").Text())
	}
	if want := `c1{"a":1} c2{"b":2} c3{}`; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
}

func TestToolCallWithoutArgumentsYieldsEmptyObject(t *testing.T) {
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{started(), called(0, "c1", "f", ""), called(1, "c2", "g", ""), finished(llm.FinishStop)}, nil))
	for _, v := range finalOf(t, events).Get("output").Elems() {
		if !v.Get("arguments").Is("{}") {
			t.Errorf("%s", v)
		}
	}
}

func TestT87_CustomToolAnswersWithRawInput(t *testing.T) {
	req := expanded(t, codexLite)
	events := holdsOrder(t, encodeStream(req, answer, []llm.Event{
		started(), called(0, "c1", "functions__exec", ""), args(0, `{"content":"line 1\n`), args(0, `line 2"}`), called(1, "c2", "functions__wait", "{}"), finished(llm.FinishToolCalls),
	}, nil))
	if got, want := kinds(events), "created in_progress output_item.added custom_tool_call_input.delta custom_tool_call_input.done output_item.done "+
		"output_item.added function_call_arguments.delta function_call_arguments.done output_item.done completed"; got != want {
		t.Errorf("got %s", got)
	}
	sameJSON(t, []byte(without(t, finalOf(t, events).Get("output"))), `[
		{"type":"custom_tool_call","status":"completed","call_id":"c1","name":"exec","namespace":"functions","input":"line 1\nline 2"},
		{"type":"function_call","status":"completed","call_id":"c2","name":"wait","namespace":"functions","arguments":"{}"}]`)
}

func TestSignedCallIsPrecededByItsEnvelope(t *testing.T) {
	signed := called(0, "c1", "f", `{}`)
	signed.State = &llm.State{Provider: gemini, Signature: realSignature}
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{started(), said("a"), signed, finished(llm.FinishStop)}, nil))
	if got, want := kinds(events), "created in_progress output_item.added content_part.added output_text.delta output_text.done content_part.done output_item.done "+
		"output_item.added output_item.done output_item.added function_call_arguments.delta function_call_arguments.done output_item.done completed"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestLateSignatureStandsInTheLastEventOfItsItem(t *testing.T) {
	late := &llm.State{Provider: gemini, Signature: realSignature}
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{
		started(), called(0, "c1", "f", `{}`), {Kind: llm.EventState, Index: 0, State: late}, finished(llm.FinishStop),
	}, nil))
	item := finalOf(t, events).Get("output").First()
	if s := item.Path("provider_specific_fields", "thought_signature").Text(); s != realSignature || !item.Get("call_id").Is("c1") {
		t.Errorf("%s", item)
	}
}

func TestBrokenStreamFailsWithWhatWasWhole(t *testing.T) {
	failed := &llm.Error{Kind: llm.KindRateLimit, Status: 429, Message: "slow down"}
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{
		started(), said("whole"), called(0, "c1", "f", ""), args(0, `{"half`),
	}, failed))
	final := finalOf(t, events)
	sameJSON(t, final.Get("error"), `{"code":"rate_limit_exceeded","message":"slow down"}`)
	if !final.Get("status").Is("failed") || final.Get("output").Len() != 1 || strings.Contains(kinds(events), "function_call_arguments.done") {
		t.Errorf("a client would run half a call: %s", kinds(events))
	}
}

func TestFailureCodesAreThoseThatClientsActOn(t *testing.T) {
	for kind, want := range map[llm.ErrorKind]string{
		llm.KindRateLimit: "rate_limit_exceeded", llm.KindContextWindow: "context_length_exceeded", llm.KindContentPolicy: "invalid_prompt",
		llm.KindPayment: "insufficient_quota", llm.KindInternal: "server_error", llm.KindTimeout: "server_error",
	} {
		if got := failureCode(&llm.Error{Kind: kind}); got != want {
			t.Errorf("%s: %s", kind, got)
		}
	}
}

func TestRefusalsAndImagesStream(t *testing.T) {
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{
		started(), {Kind: llm.EventImage, Media: &llm.Media{MIME: "image/png", Data: "AAAA"}}, {Kind: llm.EventRefusal, Delta: "no"}, finished(llm.FinishStop),
	}, nil))
	if got := kinds(events); got != "created in_progress output_item.added output_item.done output_item.added content_part.added refusal.delta refusal.done content_part.done output_item.done completed" {
		t.Error(got)
	}
}

func TestOtherChoicesAndEventsAfterTheEndChangeNothing(t *testing.T) {
	other := said("b")
	other.Choice = 1
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, []llm.Event{started(), other, said("a"), finished(llm.FinishStop), said("c"), args(0, "x"), called(-1, "c", "f", "")}, nil))
	if got := finalOf(t, events).Get("output").First().Get("content").First().Get("text").Text(); got != "a" {
		t.Error(got)
	}
}

func TestLineBreaksOfTheRequestBreakNoEvent(t *testing.T) {
	req := decoded(t, "{\"input\":\"x\",\"metadata\":{\n \"a\":\r\n\"b\"}}")
	events := holdsOrder(t, encodeStream(req, answer, []llm.Event{
		started(), said("a\nb"),
		{Kind: llm.EventFields, Fields: rawjson.Object{{Key: "k", Value: rawjson.Value("{\n}")}}},
		finished(llm.FinishStop),
	}, nil))
	sameJSON(t, finalOf(t, events).Get("metadata"), `{"a":"b"}`)
}

func TestStreamTellsTheWholeAnswerBeforeItsEnd(t *testing.T) {
	var told string
	a := answer
	a.OnDone = func(id string, v rawjson.Value) { told = id + " " + v.Get("status").Text() }
	a.StreamCost = func(*llm.Usage) rawjson.Value { return rawjson.Value("0.5") }
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), a, []llm.Event{started(), said("a"), finished(llm.FinishLength), {Kind: llm.EventUsage, Usage: &llm.Usage{Input: 1}}}, nil))
	final := finalOf(t, events)
	if told != final.Get("id").Text()+" incomplete" {
		t.Errorf("told %q", told)
	}
	if !final.Path("usage", "cost").Present() {
		t.Errorf("usage %s", final.Get("usage"))
	}
}

func TestKeepaliveIsAComment(t *testing.T) {
	if got := string((Dialect{}).Stream(decoded(t, `{"input":"x"}`), answer).Ping(nil)); got != ": ping\n\n" {
		t.Errorf("%q", got)
	}
}

// nativeStream is what OpenAI sends.
var nativeStream = []string{
	`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"gpt-4o","status":"in_progress","output":[]}}`,
	`{"type": "response.in_progress","sequence_number":1,"response":{"id":"resp_1","status":"in_progress","output":[],"model":"gpt-4o"}}`,
	`{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message"}}`,
	`{"sequence_number":3,"type":"response.output_text.delta","item_id":"msg_1","output_index":0,"content_index":0,"delta":"hi","obfuscation":"x"}`,
	`{"type":"response.completed","sequence_number":4,"response":{"id":"resp_1","model":"gpt-4o","status":"completed","output":[{"type":"message"}],"usage":{"input_tokens":3,"output_tokens":2}}}`,
}

func rawEvents() []llm.Event {
	var out []llm.Event
	for _, s := range nativeStream {
		out = append(out, llm.Event{Kind: llm.EventRaw, Raw: []byte(s)})
	}
	return out
}

func TestNativeStreamPassesButForTheModel(t *testing.T) {
	var told string
	a := answer
	a.OnDone = func(id string, v rawjson.Value) { told = id + " " + v.Get("model").Text() }
	events := readEvents(t, encodeStream(decoded(t, `{"input":"x"}`), a, rawEvents(), nil))
	for i, e := range events {
		if want := strings.Replace(nativeStream[i], `"gpt-4o"`, `"shown"`, 1); string(e.data) != want {
			t.Errorf("got  %s\nwant %s", e.data, want)
		}
	}
	if len(events) != len(nativeStream) || told != "resp_1 shown" {
		t.Errorf("%d events, told %q", len(events), told)
	}
}

func TestBrokenNativeStreamFailsWithTheNextNumber(t *testing.T) {
	events := holdsOrder(t, encodeStream(decoded(t, `{"input":"x"}`), answer, rawEvents()[:3], &llm.Error{Kind: llm.KindInternal, Message: "cut"}))
	last := events[len(events)-1]
	if !last.data.Path("response", "id").Is("resp_1") || !last.data.Path("response", "error", "code").Is("server_error") {
		t.Errorf("%s", last.data)
	}
}
