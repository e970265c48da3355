package openairesponses

import (
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Stream reads a streamed answer: event by event as it came for a hop in the same
// format, as canonical events for any other.
func (Wire) Stream(c *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		s := stream{call: c, yield: yield, state: follower{call: c}}
		s.run(r)
	}
}

// stream is one answer on its way from an upstream.
type stream struct {
	call    *wire.Call
	yield   func(llm.Event, error) bool
	stopped bool // the consumer wants no more
	ended   bool // the terminal event came
	said    bool // something of the answer was read
	content bool // some content went out
	started bool

	state follower // of an answer that passes through

	calls []streamCall
	texts map[int64]bool // by output index: text or reasoning came piece by piece
}

// streamCall is a tool call within the stream.
type streamCall struct {
	output int64 // index of its item
	args   bool  // some arguments went out
	custom bool
}

func (s *stream) emit(ev llm.Event) {
	if !s.stopped && !s.yield(ev, nil) {
		s.stopped = true
	}
}

func (s *stream) fail(err error) {
	if !s.stopped {
		s.stopped = true
		s.yield(llm.Event{}, err)
	}
}

func (s *stream) run(r *sse.Reader) {
	for !s.stopped && !s.ended {
		ev, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.fail(io.ErrUnexpectedEOF)
			return
		case err != nil:
			s.fail(err)
			return
		case string(ev.Data) == sse.Done:
			continue
		}
		if err := s.event(ev.Name, ev.Data); err != nil {
			s.fail(err)
		}
	}
}

func (s *stream) event(name string, data []byte) error {
	v, err := rawjson.Check(data)
	if err != nil {
		return errtext.NoAnswer("holds an event that is not JSON", err)
	}
	if v.Kind() != '{' {
		return errtext.NoAnswer("holds an event that is not an object", nil)
	}
	typ := eventType(v)
	if typ == "" && name != "" { // some servers name the type only in the event field
		typ = name
		v = append(rawjson.Object{{Key: "type", Value: rawjson.String(typ)}}, rawjson.ParseObject(v)...).Value()
	}
	if typ == "response.done" { // the Realtime API's word for the same
		obj := rawjson.ParseObject(v)
		typ = "response." + doneStatus(v)
		obj.Set("type", rawjson.String(typ))
		v = obj.Value()
	}
	if typ == "response.completed" && v.Path("response", "status").Is("failed") {
		obj := rawjson.ParseObject(v)
		typ = "response.failed"
		obj.Set("type", rawjson.String(typ))
		v = obj.Value()
	}
	if name == "error" || s.failsWith(typ, v) {
		if err := failure(typ, v); err != nil {
			return err
		}
	}
	if s.call.Native {
		s.pass(typ, v)
		return nil
	}
	s.read(typ, v)
	return nil
}

func doneStatus(v rawjson.Value) string {
	switch status := v.Path("response", "status").Text(); status {
	case "incomplete", "failed":
		return status
	}
	return "completed"
}

// failsWith says that an event is a failure for the gateway. After the first content
// of an answer that passes through, the client gets the upstream's own event.
func (s *stream) failsWith(typ string, v rawjson.Value) bool {
	switch typ {
	case "response.failed":
		e := v.Path("response", "error")
		return !s.call.Native || !s.content || e.Get("code").Text() == "" || e.Get("message").Text() == ""
	case "response.cancelled", "error", "":
		return true
	}
	// An error in another format has another type.
	return !strings.HasPrefix(typ, "response.") && (v.Get("error").Present() || v.Get("message").Kind() == '"')
}

func failure(typ string, v rawjson.Value) error {
	switch {
	case typ == "response.failed":
		return errorWithin(v.Path("response", "error"))
	case typ == "response.cancelled":
		return errtext.NoAnswer("was cancelled", nil)
	case typ == "error" || v.Get("error").Present() || v.Get("message").Kind() == '"' || v.Get("detail").Kind() == '"':
		return errorWithin(v)
	case typ == "":
		return errtext.NoAnswer("holds an event without a type", nil)
	}
	return nil
}

// pass hands on an event as it came.
func (s *stream) pass(typ string, v rawjson.Value) {
	ev := llm.Event{Kind: llm.EventRaw, Raw: v, Content: commits(typ, v)}
	switch typ {
	case "response.output_item.done":
		s.state.item(v.Get("item"))
	case "response.completed", "response.incomplete":
		answer := v.Get("response")
		ev.Usage, ev.Finish = parseUsage(answer.Get("usage")), finishOf(answer)
		s.ended = true
	case "response.failed":
		s.ended = true
	}
	s.content = s.content || ev.Content
	s.emit(ev)
}

// commits reports whether an event carries content, a call or an end. What only
// announces does not: until then another deployment may still answer.
func commits(typ string, v rawjson.Value) bool {
	switch typ {
	case "response.created", "response.in_progress", "response.queued", "response.content_part.added",
		"response.reasoning_summary_part.added", "", "ping", "keepalive":
		return false
	case "response.output_item.added":
		kind := v.Path("item", "type").Text()
		return kind != "message" && kind != "reasoning"
	}
	return true
}

// read turns an event into canonical ones.
func (s *stream) read(typ string, v rawjson.Value) {
	switch typ {
	case "response.created", "response.in_progress", "response.queued":
		s.start(v.Get("response"))
	case "response.output_text.delta":
		s.piece(llm.EventText, v)
	case "response.refusal.delta":
		s.piece(llm.EventRefusal, v)
	case "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		s.piece(llm.EventThinking, v)
	case "response.reasoning_summary_part.added":
		if n, _ := v.Get("summary_index").Int(); n > 0 {
			s.emit(llm.Event{Kind: llm.EventThinking, Delta: "\n\n"})
		}
	case "response.output_item.added":
		s.itemAdded(v)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		s.args(v)
	case "response.output_item.done":
		s.itemDone(v)
	case "response.completed", "response.incomplete":
		s.end(v.Get("response"))
	}
}

func (s *stream) start(v rawjson.Value) {
	if !s.started {
		s.started = true
		s.emit(llm.Event{Kind: llm.EventStart, Response: readEnvelope(v)})
	}
}

func outputIndex(v rawjson.Value) int64 {
	n, _ := v.Get("output_index").Int()
	return n
}

// noteText remembers that an item's text came in pieces.
func (s *stream) noteText(index int64) {
	if s.texts == nil {
		s.texts = map[int64]bool{}
	}
	s.texts[index] = true
}

func (s *stream) piece(k llm.EventKind, v rawjson.Value) {
	delta := v.Get("delta").Text()
	if delta == "" {
		return
	}
	s.start(nil)
	s.said = true
	s.noteText(outputIndex(v))
	s.emit(llm.Event{Kind: k, Delta: delta})
}

func (s *stream) find(v rawjson.Value) int {
	index := outputIndex(v)
	for i := range s.calls {
		if s.calls[i].output == index {
			return i
		}
	}
	return -1
}

func (s *stream) itemAdded(v rawjson.Value) {
	it := v.Get("item")
	typ := it.Get("type").Text()
	if (typ != "function_call" && typ != "custom_tool_call") || s.find(v) >= 0 || len(s.calls) >= maxCalls {
		return
	}
	call := readCall(s.call, it)
	if call.Name == "" {
		return // the item's end may have the name
	}
	s.start(nil)
	s.said = true
	call.Arguments = ""
	s.calls = append(s.calls, streamCall{output: outputIndex(v), custom: call.Custom})
	s.emit(llm.Event{Kind: llm.EventToolCall, Index: len(s.calls) - 1, Call: call})
}

func (s *stream) args(v rawjson.Value) {
	i := s.find(v)
	delta := v.Get("delta").Text()
	if i < 0 || delta == "" {
		return
	}
	s.calls[i].args = true
	s.emit(llm.Event{Kind: llm.EventToolArgs, Index: i, Delta: delta})
}

// itemDone completes what did not come in pieces.
func (s *stream) itemDone(v rawjson.Value) {
	it := v.Get("item")
	switch typ := it.Get("type").Text(); typ {
	case "function_call", "custom_tool_call":
		if s.itemAdded(v); s.find(v) < 0 && len(s.calls) < maxCalls {
			s.fail(nameless())
			return
		}
		s.closeCall(s.find(v), it)
	case "message", "reasoning", "image_generation_call":
		if s.texts[outputIndex(v)] {
			return
		}
		var c llm.Choice
		readOutput(s.call, it, &c)
		s.start(nil)
		s.said = true
		for i := range c.Parts {
			s.emitPart(&c.Parts[i])
		}
	}
}

func (s *stream) closeCall(i int, it rawjson.Value) {
	if i < 0 || s.calls[i].args {
		return
	}
	s.calls[i].args = true
	if call := readCall(s.call, it); call.Arguments != "" {
		s.emit(llm.Event{Kind: llm.EventToolArgs, Index: i, Delta: call.Arguments})
	}
}

func (s *stream) emitPart(p *llm.Part) {
	switch p.Kind {
	case llm.PartText, llm.PartRefusal, llm.PartThinking:
		if strings.TrimSpace(p.Text) == "" {
			return
		}
		kinds := map[llm.PartKind]llm.EventKind{
			llm.PartText: llm.EventText, llm.PartRefusal: llm.EventRefusal, llm.PartThinking: llm.EventThinking,
		}
		s.emit(llm.Event{Kind: kinds[p.Kind], Delta: p.Text})
	case llm.PartImage:
		s.emit(llm.Event{Kind: llm.EventImage, Media: p.Media})
	}
}

// end closes the answer with its reason and numbers.
func (s *stream) end(answer rawjson.Value) {
	s.ended = true
	s.start(answer)
	if !s.said { // an upstream that tells all at the end
		for i, it := range answer.Get("output").Elems() {
			s.itemDone(append(append(append(rawjson.AppendInt(rawjson.Value(`{"output_index":`), int64(i)), `,"item":`...), it...), '}'))
		}
	}
	for i := range s.calls {
		if c := &s.calls[i]; !c.args && !c.custom {
			s.emit(llm.Event{Kind: llm.EventToolArgs, Index: i, Delta: "{}"})
		}
	}
	f := finishOf(answer)
	if f == llm.FinishStop && len(s.calls) > 0 {
		f = llm.FinishToolCalls
	}
	s.emit(llm.Event{Kind: llm.EventFinish, Finish: f})
	if u := parseUsage(answer.Get("usage")); u != nil {
		s.emit(llm.Event{Kind: llm.EventUsage, Usage: u})
	}
}
