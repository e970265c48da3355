package gemini

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// describe writes an event in one line.
func describe(ev llm.Event) string {
	var b strings.Builder
	names := map[llm.EventKind]string{
		llm.EventStart: "start", llm.EventText: "text", llm.EventThinking: "think", llm.EventToolCall: "call", llm.EventState: "state",
		llm.EventImage: "image", llm.EventAudio: "audio", llm.EventFields: "fields", llm.EventFinish: "finish", llm.EventUsage: "usage",
	}
	fmt.Fprintf(&b, "%s %d.%d", names[ev.Kind], ev.Choice, ev.Index)
	if ev.Response != nil {
		b.WriteString(" " + ev.Response.ID + "/" + ev.Response.Model)
	}
	if ev.Call != nil {
		b.WriteString(" " + ev.Call.Name)
	}
	if ev.Delta != "" {
		fmt.Fprintf(&b, " %q", ev.Delta)
	}
	if ev.State != nil {
		b.WriteString(" sig=" + ev.State.Signature)
	}
	if ev.Media != nil {
		b.WriteString(" " + ev.Media.MIME)
	}
	if ev.Finish != "" {
		b.WriteString(" " + string(ev.Finish))
	}
	if ev.Usage != nil {
		fmt.Fprintf(&b, " %d+%d=%d", ev.Usage.Input, ev.Usage.Output, ev.Usage.Total)
	}
	if ev.Fields != nil {
		b.WriteString(" " + string(ev.Fields.Value()))
	}
	return b.String()
}

// events reads a stream to its end.
func events(r io.Reader) (lines []string, calls []*llm.ToolCall, failure error) {
	for ev, err := range (Wire{}).Stream(&wire.Call{Seed: "s", Target: target(g3)}, sse.NewReader(r, 0)) {
		if err != nil {
			return lines, calls, err
		}
		lines = append(lines, describe(ev))
		if ev.Call != nil {
			calls = append(calls, ev.Call)
		}
	}
	return lines, calls, nil
}

func chunk(parts, finish string) string {
	if finish != "" {
		finish = `,"finishReason":"` + finish + `"`
	}
	return `data: {"candidates":[{"content":{"parts":` + parts + `,"role":"model"},"index":0` + finish + `}],"usageMetadata":{"promptTokenCount":13,"candidatesTokenCount":8,"totalTokenCount":21},"modelVersion":"m","responseId":"r"}` + "\n\n"
}

func expect(t *testing.T, stream string, want ...string) []*llm.ToolCall {
	t.Helper()
	got, calls, err := events(strings.NewReader(stream))
	if err != nil {
		t.Fatalf("the stream failed: %v after\n%s", err, strings.Join(got, "\n"))
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	return calls
}

const (
	finishStop  = `finish 0.0 stop {"native_finish_reason":"STOP"}`
	finishCalls = `finish 0.0 tool_calls {"native_finish_reason":"STOP"}`
)

func TestTextStream(t *testing.T) {
	expect(t, chunk(`[{"text":"hm","thought":true}]`, "")+chunk(`[{"text":"Hello from"}]`, "")+chunk(`[{"text":" Gemini."}]`, "")+chunk(`[{"text":"","thoughtSignature":"U0lH"}]`, "STOP"),
		"start 0.0 r/m", `think 0.0 "hm"`, `text 0.0 "Hello from"`, `text 0.0 " Gemini."`, "state 0.-1 sig=U0lH", finishStop, "usage 0.0 13+8=21")
}

func TestT14_LateSignatureGoesToTheFirstCall(t *testing.T) {
	expect(t, chunk(`[{"functionCall":{"name":"f","args":{"a":1}}}]`, "")+chunk(`[{"text":"","thoughtSignature":"U0lH"}]`, "STOP"),
		"start 0.0 r/m", `call 0.0 f "{\"a\":1}"`, "state 0.0 sig=U0lH", finishCalls, "usage 0.0 13+8=21")
}

func TestSignatureAfterASignedCallBelongsToTheText(t *testing.T) {
	expect(t, chunk(`[{"functionCall":{"name":"f"},"thoughtSignature":"QUFB"}]`, "")+chunk(`[{"text":"","thoughtSignature":"U0lH"}]`, "STOP"),
		"start 0.0 r/m", `call 0.0 f "{}" sig=QUFB`, "state 0.-1 sig=U0lH", finishCalls, "usage 0.0 13+8=21")
}

func TestT40_TextCallAndFinishInOneEvent(t *testing.T) {
	expect(t, chunk(`[{"text":"So:"},{"functionCall":{"name":"f","args":{}}}]`, "STOP"),
		"start 0.0 r/m", `text 0.0 "So:"`, `call 0.0 f "{}"`, finishCalls, "usage 0.0 13+8=21")
}

func TestT41_CallsOverSeveralChunksAreNumberedThrough(t *testing.T) {
	one := chunk(`[{"functionCall":{"name":"f","args":{"a":1}},"thoughtSignature":"QUFB"}]`, "")
	calls := expect(t, one+strings.ReplaceAll(one, `,"thoughtSignature":"QUFB"`, "")+chunk(`[{"functionCall":{"name":"g"}}]`, "STOP"),
		"start 0.0 r/m", `call 0.0 f "{\"a\":1}" sig=QUFB`, `call 0.1 f "{\"a\":1}"`, `call 0.2 g "{}"`, finishCalls, "usage 0.0 13+8=21")
	if calls[0].ID == calls[1].ID || calls[1].ID == calls[2].ID || calls[0].Arguments != "" {
		t.Errorf("calls = %+v %+v %+v", calls[0], calls[1], calls[2])
	}
}

func TestT42_BlockedPromptInAStream(t *testing.T) {
	expect(t, `data: {"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}`+"\n\n",
		"start 0.0 /", `finish 0.0 content_filter {"native_finish_reason":"SAFETY"}`, "usage 0.0 3+0=3")
}

func TestPromptBlockedAfterTheAnswerBegan(t *testing.T) {
	expect(t, `data: {"candidates":[{"content":{"role":"model"}}]}`+"\n\n"+`data: {"promptFeedback":{"blockReason":"SAFETY"}}`+"\n\n",
		"start 0.0 /", `finish 0.0 content_filter {"native_finish_reason":"SAFETY"}`)
}

func TestT47_ErrorWithinAStream(t *testing.T) {
	failure := `data: {"error":{"code":503,"message":"The model is overloaded.","status":"UNAVAILABLE"}}` + "\n\n"
	for _, before := range []string{"", chunk(`[{"text":"a"}]`, "")} {
		got, _, err := events(strings.NewReader(before + failure))
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != 500 || e.Kind != llm.KindInternal || !e.Retryable() {
			t.Errorf("error = %+v", err)
		}
		for _, line := range got {
			if strings.HasPrefix(line, "finish") {
				t.Errorf("a finish was made up: %v", got)
			}
		}
		if before == "" && len(got) != 0 {
			t.Errorf("events before the error: %v", got)
		}
	}
}

func TestErrorInAnArrayWithinAStream(t *testing.T) {
	_, _, err := events(strings.NewReader(`data: [{"error":{"code":"429","message":"slow"}}]` + "\n\n"))
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 429 {
		t.Errorf("error = %v", err)
	}
}

func TestStreamThatBreaksOffIsNotAnAnswer(t *testing.T) {
	for name, stream := range map[string]string{
		"nothing": "", "no finish": chunk(`[{"text":"a"}]`, ""), "usage only": `data: {"usageMetadata":{"promptTokenCount":1}}` + "\n\n", "not a stream": `{"candidates":[]}`,
	} {
		if _, _, err := events(strings.NewReader(stream)); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: error = %v", name, err)
		}
	}
	cut := io.MultiReader(strings.NewReader(chunk(`[{"text":"a"}]`, "")), iotest.ErrReader(io.ErrClosedPipe))
	if _, _, err := events(cut); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("error = %v", err)
	}
}

func TestConnectionThatBreaksAfterTheFinishIsForgiven(t *testing.T) {
	late := io.MultiReader(strings.NewReader(chunk(`[{"text":"a"}]`, "STOP")), iotest.ErrReader(io.ErrClosedPipe))
	got, _, err := events(late)
	if err != nil || len(got) != 4 {
		t.Errorf("events = %v, error = %v", got, err)
	}
}

func TestBrokenEventIsAnUpstreamError(t *testing.T) {
	_, _, err := events(strings.NewReader(chunk(`[{"text":"a"}]`, "") + "data: {broken\n\n"))
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 502 {
		t.Errorf("error = %v", err)
	}
	_, _, err = events(strings.NewReader("data: " + strings.Repeat("x", sse.MaxEvent+1)))
	if !errors.As(err, &e) || e.Status != 502 {
		t.Errorf("error = %v", err)
	}
}

func TestMissingSignatureInAStreamIsAnErrorBeforeAnyContent(t *testing.T) {
	got, _, err := events(strings.NewReader(`data: {"candidates":[{"content":{},"finishReason":"MISSING_THOUGHT_SIGNATURE"}],"responseId":"r"}` + "\n\n"))
	var e *llm.Error
	if len(got) != 0 || !errors.As(err, &e) {
		t.Fatalf("events = %v, error = %v", got, err)
	}
	if repair, ok := (Wire{}).Mend(&wire.Call{Target: target(g3)}, e); !ok || repair != wire.RepairSignatures {
		t.Errorf("Mend = %q, %v", repair, ok)
	}
	expect(t, chunk(`[{"text":"a"}]`, "")+chunk(`[]`, "MISSING_THOUGHT_SIGNATURE"),
		"start 0.0 r/m", `text 0.0 "a"`, `finish 0.0 stop {"native_finish_reason":"MISSING_THOUGHT_SIGNATURE"}`, "usage 0.0 13+8=21")
}

func TestMediaAndFieldsInAStream(t *testing.T) {
	expect(t, chunk(`[{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"inlineData":{"mimeType":"image/png","data":"AAAA"}},{"inlineData":{"mimeType":"audio/pcm","data":"AAAA"}},{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}},{"executableCode":{"code":"1"}},{"toolCall":{"id":"t"}},{"novel":1}]`, "STOP"),
		"start 0.0 r/m", "image 0.0 image/png", "image 0.1 image/png", "audio 0.0 audio/pcm", `fields 0.0 {"parts":[{"inlineData":{"mimeType":"video/mp4","data":"AAAA"}}]}`,
		`fields 0.0 {"code_execution":[{"executableCode":{"code":"1"}}]}`, `fields 0.0 {"server_side_tool_invocations":[{"toolCall":{"id":"t"}}]}`, `fields 0.0 {"parts":[{"novel":1}]}`, finishStop, "usage 0.0 13+8=21")
}

func TestGroundingOfAStreamIsSentOnce(t *testing.T) {
	ground := `data: {"candidates":[{"content":{"parts":[{"text":"a"}]},"groundingMetadata":{"webSearchQueries":["q"]}}]}` + "\n\n"
	expect(t, ground+ground+chunk(`[]`, "STOP"),
		"start 0.0 /", `text 0.0 "a"`, `text 0.0 "a"`, `fields 0.0 {"vertex_ai_grounding_metadata":[{"webSearchQueries":["q"]}]}`, finishStop, "usage 0.0 13+8=21")
}

func TestThoughtWithSignatureClosesItsBlock(t *testing.T) {
	expect(t, chunk(`[{"text":"hm","thought":true,"thoughtSignature":"U0lH"}]`, "STOP"),
		"start 0.0 r/m", `think 0.0 "hm"`, "think 0.0 sig=U0lH", finishStop, "usage 0.0 13+8=21")
}

func TestChoicesOfAStreamAreKeptApart(t *testing.T) {
	both := `data: {"candidates":[{"index":0,"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"},{"index":1,"content":{"parts":[{"functionCall":{"name":"f"}}]},"finishReason":"STOP"}],"responseId":"r"}` + "\n\n"
	calls := expect(t, both, "start 0.0 r/", `call 0.0 f "{}"`, `call 1.0 f "{}"`, finishCalls, strings.Replace(finishCalls, "0.0", "1.0", 1))
	if calls[0].ID == calls[1].ID {
		t.Error("two choices share a call id")
	}
}

func TestDoneOfAProxyIsIgnored(t *testing.T) {
	expect(t, chunk(`[{"text":"a"}]`, "STOP")+"data: [DONE]\n\n", "start 0.0 r/m", `text 0.0 "a"`, finishStop, "usage 0.0 13+8=21")
}

func TestConsumerMayStopAtAnyEvent(t *testing.T) {
	stream := chunk(`[{"text":"a"},{"functionCall":{"name":"f"}}]`, "") + chunk(`[{"text":"","thoughtSignature":"U0lH"}]`, "STOP")
	for stop := 1; stop < 8; stop++ {
		n := 0
		for range (Wire{}).Stream(&wire.Call{}, sse.NewReader(strings.NewReader(stream), 0)) {
			if n++; n == stop {
				break
			}
		}
		if n > stop {
			t.Errorf("read %d events after a stop at %d", n, stop)
		}
	}
}

func TestStreamSplitAtAnyByteGivesTheSameEvents(t *testing.T) {
	stream := chunk(`[{"text":"hé","thought":true}]`, "") + chunk(`[{"text":"Hello"},{"functionCall":{"name":"f","args":{"a":"\u00e9"}}}]`, "") + chunk(`[{"text":"","thoughtSignature":"U0lH"}]`, "STOP")
	want, _, err := events(strings.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(stream) {
		got, _, err := events(io.MultiReader(strings.NewReader(stream[:i]), strings.NewReader(stream[i:])))
		if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Fatalf("split at %d: %v, %v", i, got, err)
		}
	}
	got, _, err := events(iotest.OneByteReader(strings.NewReader(stream)))
	if err != nil || strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("byte by byte: %v, %v", got, err)
	}
}
