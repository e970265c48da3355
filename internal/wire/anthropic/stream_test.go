package anthropic

import (
	"errors"
	"io"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

const (
	startEvent = `{"type":"message_start","message":{"id":"msg_1","model":"claude","usage":{"input_tokens":100,"output_tokens":1,"cache_read_input_tokens":7,"service_tier":"standard"}}}`
	stopEvent  = `{"type":"message_stop"}`
)

func textStart(index string) string {
	return `{"type":"content_block_start","index":` + index + `,"content_block":{"type":"text","text":""}}`
}

func delta(index, d string) string {
	return `{"type":"content_block_delta","index":` + index + `,"delta":` + d + `}`
}

func blockStop(index string) string { return `{"type":"content_block_stop","index":` + index + `}` }

func toolStart(index, id, name string) string {
	return `{"type":"content_block_start","index":` + index + `,"content_block":{"type":"tool_use","id":"` + id + `","name":"` + name + `","input":{}}}`
}

func stopBecause(reason string) string {
	return `{"type":"message_delta","delta":{"stop_reason":"` + reason + `","stop_sequence":null},"usage":{"output_tokens":9}}`
}

func TestT51_ToolCallWithoutArgumentsYieldsEmptyObject(t *testing.T) {
	for name, deltas := range map[string][]string{
		"no delta":    nil,
		"empty delta": {delta("0", `{"type":"input_json_delta","partial_json":""}`)},
		"whole":       {delta("0", `{"type":"input_json_delta","partial_json":"{}"}`)},
	} {
		payloads := append([]string{startEvent, toolStart("0", "toolu_1", "f")}, deltas...)
		payloads = append(payloads, blockStop("0"), stopBecause("tool_use"), stopEvent)
		events, err := read(emptyCall(), stream(payloads...))
		got := collect(events)
		if err != nil || got.args[0] != "{}" || got.finish != llm.FinishToolCalls {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestArgumentsGivenWithTheStartOfACall(t *testing.T) {
	events, err := read(emptyCall(), stream(startEvent,
		`{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"x","name":"f","input":{"a":1}}}`,
		stopBecause("tool_use")))
	if got := collect(events); err != nil || got.args[0] != `{"a":1}` {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestT52_UsageIsCumulativeAndTheLastCountHolds(t *testing.T) {
	events, err := read(emptyCall(), stream(startEvent, textStart("0"), delta("0", `{"type":"text_delta","text":"hi"}`), blockStop("0"),
		`{"type":"message_delta","delta":{"stop_reason":null},"usage":{"input_tokens":100,"output_tokens":10,"cache_read_input_tokens":7}}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":100,"output_tokens":25,"cache_read_input_tokens":7}}`, stopEvent))
	got := collect(events)
	if err != nil || got.usage == nil || got.usage.Output != 25 || got.usage.Input != 107 || got.usage.CacheRead != 7 {
		t.Fatalf("%+v, %v", got.usage, err)
	}
	if last := events[len(events)-1]; last.Kind != llm.EventUsage {
		t.Errorf("the usage is not last: %+v", last)
	}
}

func TestT54_ThinkingIsClosedByItsSignatureInAStream(t *testing.T) {
	events, err := read(emptyCall(), stream(startEvent,
		`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		delta("0", `{"type":"signature_delta","signature":"sig"}`), delta("0", `{"type":"signature_delta","signature":"A"}`), blockStop("0"),
		`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"blob"}}`, blockStop("1"),
		`{"type":"content_block_start","index":2,"content_block":{"type":"thinking","thinking":""}}`,
		delta("2", `{"type":"thinking_delta","thinking":"hm"}`), delta("2", `{"type":"signature_delta","signature":"sigB"}`), blockStop("2"),
		stopBecause("end_turn"), stopEvent))
	got := collect(events)
	want := []*llm.State{{Provider: "anthropic", Signature: "sigA"}, {Provider: "anthropic", Redacted: "blob"}, {Provider: "anthropic", Signature: "sigB"}}
	if err != nil || !reflect.DeepEqual(got.states, want) || got.thinking != "hm" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestToolIndexesAreDense(t *testing.T) {
	events, err := read(emptyCall(), stream(startEvent, textStart("0"), blockStop("0"),
		toolStart("1", "a", "f"), delta("1", `{"type":"input_json_delta","partial_json":"{\"x\":1}"}`), blockStop("1"),
		toolStart("2", "b", "g"), delta("2", `{"type":"input_json_delta","partial_json":"{\"y\""}`), delta("2", `{"type":"input_json_delta","partial_json":":2}"}`), blockStop("2"),
		stopBecause("tool_use"), stopEvent))
	got := collect(events)
	if err != nil || got.names[0] != "f" || got.names[1] != "g" || got.args[0] != `{"x":1}` || got.args[1] != `{"y":2}` {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestT66_ErrorEventsEndTheStream(t *testing.T) {
	for kind, status := range map[string]int{"overloaded_error": 500, "rate_limit_error": 429, "api_error": 500} {
		fault := `{"type":"error","error":{"type":"` + kind + `","message":"no"}}`
		events, err := read(emptyCall(), stream(startEvent, fault))
		e := llm.AsError(err)
		if e == nil || e.Status != status || !e.Retryable() {
			t.Errorf("%s at the start: %+v", kind, e)
		}
		for _, ev := range events {
			if ev.Commits() {
				t.Errorf("%s: the event %+v commits", kind, ev)
			}
		}
		events, err = read(emptyCall(), stream(startEvent, textStart("0"), delta("0", `{"type":"text_delta","text":"hi"}`), fault, stopBecause("end_turn"), stopEvent))
		got := collect(events)
		if llm.AsError(err) == nil || got.text != "hi" || got.finish != "" {
			t.Errorf("%s in the middle: %+v, %v", kind, got, err)
		}
	}
}

func TestBrokenStreams(t *testing.T) {
	whole := []string{startEvent, textStart("0"), delta("0", `{"type":"text_delta","text":"hi"}`), blockStop("0"), stopBecause("end_turn"), stopEvent}
	for n := range whole {
		_, err := read(emptyCall(), stream(whole[:n]...))
		if ended := n >= 5; ended != (err == nil) || !ended && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("after %d events: %v", n, err)
		}
	}
	if _, err := read(emptyCall(), "data: not json\n\n"); llm.AsError(err) == nil || !llm.AsError(err).Upstream {
		t.Errorf("not JSON: %v", err)
	}
}

func TestUnknownEventsAndBlocksAreIgnored(t *testing.T) {
	events, err := read(emptyCall(), ": comment\n\n"+stream(startEvent, `{"type":"ping"}`, `{"type":"news"}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"hologram"}}`, delta("0", `{"type":"hologram_delta","x":1}`), blockStop("0"),
		delta("9", `{"type":"input_json_delta","partial_json":"{"}`), blockStop("9"), `[]`, `null`, stopBecause("end_turn"), stopEvent))
	if got := collect(events); err != nil || got.text != "" || got.finish != llm.FinishStop {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestT69_ToolOfAFormatBecomesContentInTheStream(t *testing.T) {
	call := formatCall(t, `{"type":"object","properties":{}}`)
	events, err := read(call, stream(startEvent, textStart("0"), delta("0", `{"type":"text_delta","text":"Here:"}`), blockStop("0"),
		toolStart("1", "x", jsonTool), delta("1", `{"type":"input_json_delta","partial_json":"{\"a\":"}`), delta("1", `{"type":"input_json_delta","partial_json":"1}"}`),
		blockStop("1"), stopBecause("tool_use"), stopEvent))
	if got := collect(events); err != nil || got.text != `{"a":1}` || got.finish != llm.FinishStop || len(got.names) > 0 {
		t.Errorf("%+v, %v", got, err)
	}
	events, err = read(call, stream(startEvent, textStart("0"), delta("0", `{"type":"text_delta","text":"{\"a\":2}"}`), blockStop("0"), stopBecause("end_turn"), stopEvent))
	if got := collect(events); err != nil || got.text != `{"a":2}` {
		t.Errorf("without the tool: %+v, %v", got, err)
	}
	list := formatCall(t, `{"type":"array"}`)
	events, err = read(list, stream(startEvent, toolStart("0", "x", jsonToolValues), delta("0", `{"type":"input_json_delta","partial_json":"{\"values\":[1]}"}`),
		blockStop("0"), stopBecause("tool_use"), stopEvent))
	if got := collect(events); err != nil || got.text != `[1]` {
		t.Errorf("a list: %+v, %v", got, err)
	}
}

func TestStopFieldsAndRefusalReachTheStream(t *testing.T) {
	events, err := read(emptyCall(), stream(startEvent,
		`{"type":"message_delta","delta":{"stop_reason":"refusal","stop_details":{"category":"bio","explanation":"No."}},"usage":{"output_tokens":1}}`, stopEvent))
	got := collect(events)
	if err != nil || got.refusal != "No." || got.finish != llm.FinishContentFilter || !strings.Contains(got.fields, `"stop_reason":"refusal"`) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTooManyOpenBlocksAreRefused(t *testing.T) {
	payloads := []string{startEvent}
	for range maxOpenBlocks + 1 {
		payloads = append(payloads, textStart("0"))
	}
	if _, err := read(emptyCall(), stream(payloads...)); llm.AsError(err) == nil {
		t.Error("no error")
	}
}

func TestAConsumerThatStopsEndsTheStream(t *testing.T) {
	text := stream(startEvent, textStart("0"), delta("0", `{"type":"text_delta","text":"a"}`), delta("0", `{"type":"text_delta","text":"b"}`), stopBecause("end_turn"), stopEvent)
	n := 0
	for _, err := range New().Stream(emptyCall(), sse.NewReader(strings.NewReader(text), 0)) {
		if err != nil {
			t.Fatal(err)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("%d events", n)
	}
}

// toolStream has every kind of event.
var toolStream = stream(startEvent, `{"type":"ping"}`,
	`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
	delta("0", `{"type":"thinking_delta","thinking":"Let me think ünd"}`), delta("0", `{"type":"signature_delta","signature":"sigA"}`), blockStop("0"),
	textStart("1"), delta("1", `{"type":"text_delta","text":"I \"call\""}`), blockStop("1"),
	toolStart("2", "toolu_1", "f"), delta("2", `{"type":"input_json_delta","partial_json":"{\"city\": \"Paris\"}"}`), blockStop("2"),
	stopBecause("tool_use"), stopEvent)

func TestStreamSplitAnywhereGivesTheSameEvents(t *testing.T) {
	want, err := read(emptyCall(), toolStream)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(0, len(toolStream)).Draw(t, "cut")
		src := io.MultiReader(strings.NewReader(toolStream[:cut]), iotest.OneByteReader(strings.NewReader(toolStream[cut:])))
		got := drain(t, emptyCall(), src)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("cut at %d: %+v", cut, got)
		}
	})
}

func drain(t *rapid.T, call *wire.Call, src io.Reader) (events []llm.Event) {
	for ev, err := range New().Stream(call, sse.NewReader(src, 0)) {
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, ev)
	}
	return events
}

func TestCallWithoutAnIDGetsOne(t *testing.T) {
	start := `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f","input":{}}}`
	events, err := read(emptyCall(), stream(startEvent, start, strings.Replace(start, `"index":0`, `"index":1`, 1), stopBecause("tool_use"), stopEvent))
	var ids []string
	for _, ev := range events {
		if ev.Kind == llm.EventToolCall {
			ids = append(ids, ev.Call.ID)
		}
	}
	if err != nil || len(ids) != 2 || ids[0] == "" || ids[0] == ids[1] {
		t.Errorf("ids %q, %v", ids, err)
	}
}

func TestCallWithoutANameIsNoAnswer(t *testing.T) {
	_, err := read(emptyCall(), stream(startEvent, toolStart("0", "toolu_1", ""), stopBecause("tool_use"), stopEvent))
	if err == nil {
		t.Error("a call without a name was passed on")
	}
}
