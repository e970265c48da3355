package anthropic

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// written encodes events for a client and returns the whole stream.
func written(req *llm.Request, events ...llm.Event) string {
	enc := Dialect{}.Stream(req, wire.Answer{Model: "upstream", CallID: "11-22", SignatureInID: true})
	var dst []byte
	for i := range events {
		dst = enc.Event(dst, &events[i])
	}
	return string(enc.Close(dst))
}

// clientBlock is a content block as a client of the stream puts it together.
type clientBlock struct {
	start           rawjson.Value
	text, args, sig string
	stopped         bool
}

// clientView is what a client of the stream ends up with.
type clientView struct {
	names  []string
	start  rawjson.Value
	blocks []clientBlock
	delta  rawjson.Value
	failed rawjson.Value
}

// follow reads a stream as strictly as a client may: it returns the first rule that
// the stream breaks, or "".
func follow(stream string) (v clientView, broken string) {
	r := sse.NewReader(strings.NewReader(stream), 0)
	open := -1
	for {
		ev, err := r.Next()
		if err == io.EOF {
			return v, v.ending(open)
		}
		data, err := rawjson.Check(ev.Data)
		if err != nil {
			return v, "an event is not JSON: " + string(ev.Data)
		}
		data = data.Clone()
		if !data.Get("type").Is(ev.Name) {
			return v, "the event's name is not its type: " + ev.Name
		}
		if broken := v.event(ev.Name, data, &open); broken != "" {
			return v, broken
		}
	}
}

func (v *clientView) event(name string, data rawjson.Value, open *int) string {
	if name == "ping" {
		return ""
	}
	v.names = append(v.names, name)
	if (len(v.names) == 1) != (name == "message_start") {
		return "message_start is not the first event, or not once"
	}
	index, _ := data.Get("index").Int()
	switch name {
	case "message_start":
		v.start = data.Get("message")
	case "content_block_start":
		if *open >= 0 || int(index) != len(v.blocks) {
			return fmt.Sprintf("block %d begins while %d is open and %d have begun", index, *open, len(v.blocks))
		}
		*open = int(index)
		v.blocks = append(v.blocks, clientBlock{start: data.Get("content_block")})
	case "content_block_delta":
		if int(index) != *open {
			return fmt.Sprintf("a delta for block %d while %d is open", index, *open)
		}
		return v.blocks[index].add(data.Get("delta"))
	case "content_block_stop":
		if int(index) != *open {
			return fmt.Sprintf("block %d ends while %d is open", index, *open)
		}
		v.blocks[index].stopped, *open = true, -1
	case "message_delta":
		if v.delta != nil || *open >= 0 {
			return "message_delta twice, or while a block is open"
		}
		v.delta = data
	case "error":
		v.failed = data
	}
	return ""
}

func (b *clientBlock) add(d rawjson.Value) string {
	b.text += d.Get("text").Text() + d.Get("thinking").Text()
	b.args += d.Get("partial_json").Text()
	b.sig += d.Get("signature").Text()
	want := map[string]string{"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use"}
	if kind := d.Get("type").Text(); !b.start.Get("type").Is(want[kind]) {
		return "a " + kind + " in a block of type " + b.start.Get("type").Text()
	}
	return ""
}

func (v *clientView) ending(open int) string {
	n := len(v.names)
	switch {
	case v.failed != nil && v.names[n-1] == "error":
		return ""
	case open >= 0:
		return "a block is still open at the end"
	case n < 3 || v.names[n-1] != "message_stop" || v.names[n-2] != "message_delta":
		return fmt.Sprintf("the end is %v", v.names)
	}
	for _, b := range v.blocks {
		if b.start.Get("type").Is("thinking") && b.sig == "" {
			return "a thinking block ends without a signature"
		}
	}
	return ""
}

// seen follows a stream and fails the test where it breaks a rule.
func seen(t testing.TB, stream string) clientView {
	t.Helper()
	v, broken := follow(stream)
	if broken != "" {
		t.Fatalf("%s\n%s", broken, stream)
	}
	return v
}

func textDelta(s string) llm.Event { return llm.Event{Kind: llm.EventText, Delta: s} }

func callEvent(index int, id, name, args string) llm.Event {
	return llm.Event{Kind: llm.EventToolCall, Index: index, Call: &llm.ToolCall{ID: id, Name: name}, Delta: args}
}

func argsEvent(index int, args string) llm.Event {
	return llm.Event{Kind: llm.EventToolArgs, Index: index, Delta: args}
}

func finishEvent(f llm.Finish) llm.Event { return llm.Event{Kind: llm.EventFinish, Finish: f} }

var openEvent = llm.Event{Kind: llm.EventStart, Response: &llm.Response{ID: "chatcmpl-1", Model: "gpt"}}

func TestMessagesStreamHasAnthropicsShape(t *testing.T) {
	v := seen(t, written(ask(t, ""), openEvent,
		llm.Event{Kind: llm.EventThinking, Delta: "hm"}, llm.Event{Kind: llm.EventThinking, Delta: " so"},
		textDelta("Hello "), textDelta("world"), callEvent(0, "call_1", "f", ""), argsEvent(0, `{"a":`), argsEvent(0, `1}`),
		finishEvent(llm.FinishToolCalls), llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Input: 30, CacheRead: 10, Output: 7}}))
	if !v.start.Get("model").Is("m") || !v.start.Get("id").Is("msg_1122") || v.start.Path("usage", "output_tokens").Kind() != '0' {
		t.Errorf("message_start: %s", v.start)
	}
	if len(v.blocks) != 3 || v.blocks[0].text != "hm so" || v.blocks[0].sig != signature.Unsigned || v.blocks[1].text != "Hello world" {
		t.Errorf("%+v", v.blocks)
	}
	if call := v.blocks[2]; call.args != `{"a":1}` || !call.start.Get("name").Is("f") || string(call.start.Get("input")) != "{}" {
		t.Errorf("%s %s", call.start, call.args)
	}
	equalJSON(t, "message_delta", string(v.delta), `{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},
		"usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":10,"output_tokens":7}}`)
}

func TestT81InterleavedCallsBecomeBlocksOneAfterAnother(t *testing.T) {
	v := seen(t, written(ask(t, ""), openEvent, callEvent(0, "a", "f", ""), callEvent(1, "b", "g", ""), callEvent(2, "c", "h", ""),
		argsEvent(1, `{"y":`), argsEvent(0, `{"x":`), argsEvent(2, `{}`), argsEvent(1, `"}"}`), argsEvent(0, `1}`), argsEvent(1, " "),
		finishEvent(llm.FinishToolCalls)))
	var got []string
	for _, b := range v.blocks {
		got = append(got, b.start.Get("id").Text()+b.args)
	}
	if s := strings.Join(got, " "); s != `a{"x":1} b{"y":"}"} c` {
		t.Errorf("blocks: %s", s)
	}
}

func TestCallsThatFollowEachOtherAreNotHeldBack(t *testing.T) {
	enc := Dialect{}.Stream(ask(t, ""), wire.Answer{})
	first := callEvent(0, "a", "f", `{"x":1}`)
	second := callEvent(1, "b", "g", "")
	enc.Event(nil, &openEvent)
	enc.Event(nil, &first)
	if out := string(enc.Event(nil, &second)); !strings.Contains(out, `"id":"b"`) {
		t.Errorf("the second call waits although the first is complete: %q", out)
	}
}

func TestT82UsageAfterTheFinishStandsInTheOneMessageDelta(t *testing.T) {
	out := written(ask(t, ""), openEvent, textDelta("x"), finishEvent(llm.FinishStop),
		llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Input: 11, Output: 25}})
	v := seen(t, out)
	if n, _ := v.delta.Path("usage", "output_tokens").Int(); n != 25 || strings.Count(out, "event: message_delta\n") != 1 {
		t.Errorf("%s", out)
	}
}

func TestTextDuringAnIncompleteCallWaitsForItsEnd(t *testing.T) {
	v := seen(t, written(ask(t, ""), openEvent, callEvent(0, "a", "f", `{"x":`), textDelta("aside"),
		llm.Event{Kind: llm.EventThinking, Delta: "hm", State: &llm.State{Signature: "s"}}, argsEvent(0, "1}"), finishEvent(llm.FinishToolCalls)))
	if len(v.blocks) != 3 || v.blocks[0].args != `{"x":1}` || v.blocks[1].text != "aside" || v.blocks[2].sig != "s" {
		t.Errorf("%+v", v.blocks)
	}
}

func TestCallWithoutArgumentsKeepsTheEmptyInput(t *testing.T) {
	for name, events := range map[string][]llm.Event{
		"{}":    {callEvent(0, "a", "f", ""), argsEvent(0, "{}")},
		"whole": {callEvent(0, "a", "f", "{}")},
		"none":  {callEvent(0, "a", "f", "")},
	} {
		v := seen(t, written(ask(t, ""), append(append([]llm.Event{openEvent}, events...), finishEvent(llm.FinishStop))...))
		if b := v.blocks[0]; b.args != "" || string(b.start.Get("input")) != "{}" {
			t.Errorf("%s: %s %q", name, b.start, b.args)
		}
		if !v.delta.Path("delta", "stop_reason").Is("tool_use") {
			t.Errorf("%s: %s", name, v.delta)
		}
	}
}

func TestThinkingStateIsCarriedInTheSignature(t *testing.T) {
	v := seen(t, written(ask(t, ""), openEvent,
		llm.Event{Kind: llm.EventThinking, Delta: "a"}, llm.Event{Kind: llm.EventThinking, State: &llm.State{Signature: "EqQB"}},
		llm.Event{Kind: llm.EventThinking, State: &llm.State{Redacted: "opaque"}},
		llm.Event{Kind: llm.EventThinking, Delta: "b", State: &llm.State{Provider: "gemini", Signature: sig}}, finishEvent(llm.FinishStop)))
	if len(v.blocks) != 3 || v.blocks[0].sig != "EqQB" || !v.blocks[1].start.Get("data").Is("opaque") || v.blocks[2].sig != "gemini:"+sig {
		t.Errorf("%+v", v.blocks)
	}
}

func TestSignatureOfACallStandsInItsBlock(t *testing.T) {
	signed := callEvent(0, "call_1", "f", "{}")
	signed.State = &llm.State{Provider: "gemini", Signature: sig}
	v := seen(t, written(ask(t, ""), openEvent, signed, finishEvent(llm.FinishToolCalls)))
	if b := v.blocks[0].start; !b.Get("id").Is("call_1__thought__"+sigURL) || !b.Path("provider_specific_fields", "signature").Is(sig) {
		t.Errorf("%s", b)
	}
	// A signature that comes while the call still waits goes out with it.
	late := llm.Event{Kind: llm.EventState, Index: 1, State: &llm.State{Provider: "gemini", Signature: sig}}
	v = seen(t, written(ask(t, ""), openEvent, callEvent(0, "a", "f", `{"x":`), callEvent(1, "b", "g", "{}"), late, argsEvent(0, "1}"), finishEvent(llm.FinishToolCalls)))
	if b := v.blocks[1].start; !b.Get("id").Is("b__thought__" + sigURL) {
		t.Errorf("%s", b)
	}
}

func TestTextIsTheLastBlockEvenWhenItsSignatureComesLate(t *testing.T) {
	v := seen(t, written(ask(t, `,"thinking":{"type":"adaptive"}`), openEvent, textDelta("done"),
		llm.Event{Kind: llm.EventState, Index: -1, State: &llm.State{Provider: "gemini", Signature: sig}}, finishEvent(llm.FinishStop)))
	if len(v.blocks) != 1 || v.blocks[0].text != "done" {
		t.Errorf("%+v", v.blocks)
	}
}

func TestFreeFormCallsAndMediaAndRefusalsHaveAForm(t *testing.T) {
	custom := llm.Event{Kind: llm.EventToolCall, Call: &llm.ToolCall{ID: "a", Name: "exec", Custom: true}, Delta: `say "`}
	v := seen(t, written(ask(t, ""), openEvent, llm.Event{Kind: llm.EventRefusal, Delta: "No."},
		llm.Event{Kind: llm.EventImage, Media: &llm.Media{MIME: "image/png"}}, custom, argsEvent(0, `hi"`), finishEvent(llm.FinishContentFilter)))
	if len(v.blocks) != 2 || !strings.HasPrefix(v.blocks[0].text, "No.") || !strings.Contains(v.blocks[0].text, "image/png") {
		t.Errorf("%+v", v.blocks)
	}
	equalJSON(t, "input", v.blocks[1].args, `{"input":"say \"hi\""}`)
	if !v.delta.Path("delta", "stop_reason").Is("refusal") {
		t.Errorf("%s", v.delta)
	}
}

func TestStreamOfNothingIsStillWhole(t *testing.T) {
	v := seen(t, written(ask(t, ""), openEvent))
	if len(v.blocks) != 0 || !v.delta.Path("delta", "stop_reason").Is("end_turn") {
		t.Errorf("%+v", v)
	}
	if v = seen(t, written(ask(t, ""))); v.start == nil {
		t.Error("no message_start")
	}
}

func TestOtherChoicesAndStopSequences(t *testing.T) {
	other := textDelta("other")
	other.Choice = 1
	v := seen(t, written(ask(t, ""), openEvent, other, textDelta("one"),
		llm.Event{Kind: llm.EventFields, Fields: rawjson.Object{{Key: "stop_sequence", Value: rawjson.Value(`"END"`)}}}, finishEvent(llm.FinishStop)))
	if len(v.blocks) != 1 || v.blocks[0].text != "one" || !v.delta.Path("delta", "stop_sequence").Is("END") {
		t.Errorf("%+v %s", v.blocks, v.delta)
	}
}

func TestErrorWithinAMessagesStreamEndsIt(t *testing.T) {
	enc := Dialect{}.Stream(ask(t, ""), wire.Answer{})
	ev := textDelta("Hel")
	out := enc.Event(enc.Event(nil, &openEvent), &ev)
	out = enc.Error(out, &llm.Error{Status: 500, UpstreamStatus: 529, Message: "busy"})
	out = enc.Close(out)
	v, broken := follow(string(out))
	if broken != "" || !v.failed.Path("error", "type").Is("overloaded_error") || v.delta != nil {
		t.Errorf("%s %s", broken, out)
	}
}

func TestPassedStreamIsTheSameButForTheModel(t *testing.T) {
	payloads := []string{
		`{"type": "message_start", "message": {"id": "msg_1", "model": "claude-x", "usage": {"input_tokens": 12}, "new": 1}}`,
		textStart("0"), `{"type":"ping"}`, delta("0", `{"type":"text_delta","text":"a\nb"}`), blockStop("0"),
		`{"type":"content_block_unheard_of","x":12345678901234567890}`, stopBecause("end_turn"), stopEvent,
	}
	call := emptyCall()
	call.Native = true
	req := ask(t, "")
	enc := Dialect{}.Stream(req, wire.Answer{Model: "upstream"})
	var out []byte
	for ev, err := range New().Stream(call, sse.NewReader(strings.NewReader(stream(payloads...)), 0)) {
		if err != nil {
			t.Fatal(err)
		}
		out = enc.Event(out, &ev)
	}
	payloads[0] = strings.Replace(payloads[0], `"claude-x"`, `"m"`, 1)
	var want []byte
	for _, p := range payloads {
		want = sse.AppendNamed(want, rawjson.Value(p).Get("type").Text(), []byte(p))
	}
	if got := enc.Close(out); string(got) != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestPassedStreamSplitAnywhereIsTheSame(t *testing.T) {
	pass := func(r io.Reader) string {
		call := emptyCall()
		call.Native = true
		enc := Dialect{}.Stream(&llm.Request{Model: "m"}, wire.Answer{})
		var out []byte
		for ev, err := range New().Stream(call, sse.NewReader(r, 0)) {
			if err != nil {
				return err.Error()
			}
			out = enc.Event(out, &ev)
		}
		return string(enc.Close(out))
	}
	want := pass(strings.NewReader(toolStream))
	seen(t, want)
	rapid.Check(t, func(t *rapid.T) {
		cut := rapid.IntRange(0, len(toolStream)).Draw(t, "cut")
		src := io.MultiReader(strings.NewReader(toolStream[:cut]), iotest.OneByteReader(strings.NewReader(toolStream[cut:])))
		if got := pass(src); got != want {
			t.Fatalf("cut at %d:\n%s", cut, got)
		}
	})
}

// drawEvents makes up an answer as a wire may emit it: calls numbered in order of
// appearance, their arguments in pieces and in any order among each other.
func drawEvents(t *rapid.T) (events []llm.Event, text, thinking string, args []string) {
	events = append(events, openEvent)
	var left []string
	for range rapid.IntRange(0, 30).Draw(t, "steps") {
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0:
			s := rapid.SampledFrom([]string{"a", "ü\n", `"`, "{"}).Draw(t, "text")
			text += s
			events = append(events, textDelta(s))
		case 1:
			s := rapid.SampledFrom([]string{"hm", "…"}).Draw(t, "thought")
			thinking += s
			events = append(events, llm.Event{Kind: llm.EventThinking, Delta: s})
		case 2:
			events = append(events, llm.Event{Kind: llm.EventThinking, State: &llm.State{Signature: "EqQB"}})
		case 3:
			whole := rapid.SampledFrom([]string{"{}", `{"a":1}`, `{"s":"}\"{","l":[1,{"x":[]}]}`}).Draw(t, "args")
			cut := rapid.IntRange(0, len(whole)).Draw(t, "cut")
			events = append(events, callEvent(len(args), fmt.Sprint("call_", len(args)), "f", whole[:cut]))
			args, left = append(args, whole), append(left, whole[cut:])
		default:
			if len(left) == 0 {
				continue
			}
			i := rapid.IntRange(0, len(left)-1).Draw(t, "call")
			n := rapid.IntRange(0, len(left[i])).Draw(t, "piece")
			events = append(events, argsEvent(i, left[i][:n]))
			left[i] = left[i][n:]
		}
	}
	for i, rest := range left {
		events = append(events, argsEvent(i, rest))
	}
	return append(events, finishEvent(llm.FinishStop)), text, thinking, args
}

func TestAnyOrderOfEventsGivesOneBlockAtATimeAndLosesNothing(t *testing.T) {
	req := ask(t, "")
	rapid.Check(t, func(t *rapid.T) {
		events, text, thinking, args := drawEvents(t)
		out := written(req, events...)
		v, broken := follow(out)
		if broken != "" {
			t.Fatalf("%s\n%s", broken, out)
		}
		var gotText, gotThinking string
		var gotArgs []string
		for _, b := range v.blocks {
			switch b.start.Get("type").Text() {
			case "text":
				gotText += b.text
			case "thinking":
				gotThinking += b.text
			case "tool_use":
				if b.args == "" {
					b.args = "{}"
				}
				gotArgs = append(gotArgs, b.args)
			}
		}
		if gotText != text || gotThinking != thinking || strings.Join(gotArgs, "|") != strings.Join(args, "|") {
			t.Fatalf("%q %q %q became %q %q %q", text, thinking, args, gotText, gotThinking, gotArgs)
		}
	})
}

func FuzzMessagesStreamEncoder(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11})
	f.Add([]byte{3, 3, 4, 20, 4, 36, 0, 9})
	pieces := []string{"", "{", "}", `{"a":1}`, `"`, "\\", "{}", "x\n"}
	kinds := []llm.EventKind{
		llm.EventStart, llm.EventText, llm.EventThinking, llm.EventToolCall, llm.EventToolArgs, llm.EventState,
		llm.EventRefusal, llm.EventImage, llm.EventAudio, llm.EventFields, llm.EventFinish, llm.EventUsage,
	}
	f.Fuzz(func(t *testing.T, program []byte) {
		var events []llm.Event
		calls := 0
		for i, b := range program[:min(len(program), 200)] {
			ev := llm.Event{Kind: kinds[int(b)%len(kinds)], Delta: pieces[i%len(pieces)], Index: int(b) >> 4}
			if b&0x80 != 0 {
				ev.State = &llm.State{Provider: "gemini", Signature: sig}
			}
			if ev.Kind == llm.EventToolCall {
				ev.Index, ev.Call = calls, &llm.ToolCall{ID: fmt.Sprint(i), Name: "f", Custom: b&0x40 != 0}
				calls++
			}
			events = append(events, ev)
		}
		out := written(&llm.Request{}, events...)
		if _, broken := follow(out); broken != "" {
			t.Errorf("%s\n%s", broken, out)
		}
	})
}

func TestWhatWaitsForACallThatNeverEndsIsBounded(t *testing.T) {
	enc := Dialect{}.Stream(ask(t, ""), wire.Answer{})
	begin, piece := callEvent(0, "a", "f", `{"x":`), textDelta(strings.Repeat("x", 1<<20))
	out := enc.Event(enc.Event(nil, &openEvent), &begin)
	for range 20 {
		out = enc.Event(out, &piece)
	}
	if len(out) < maxHeld {
		t.Errorf("after 20 MiB only %d bytes are written", len(out))
	}
	got := 0
	for _, b := range seen(t, string(enc.Close(out))).blocks {
		got += len(b.text)
	}
	if got != 20<<20 {
		t.Errorf("%d bytes of text arrive", got)
	}
}
