package gemini

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Stream begins a streamed answer: events without names and without an end marker,
// or one JSON array for a client that did not ask for alt=sse. Every chunk is a
// GenerateContentResponse; the last one has the finish reasons and the usage.
func (Dialect) Stream(_ *llm.Request, a wire.Answer) wire.StreamEncoder {
	e := &chunkEncoder{a: a, array: a.JSONArray}
	if a.JSONArray {
		return &arrayEncoder{chunkEncoder: e}
	}
	return e
}

// chunkEncoder writes the chunks of one answer as events.
type chunkEncoder struct {
	a     wire.Answer
	array bool
	// written counts chunks; only an array cares.
	written bool
	id      string
	// tail is every chunk behind its candidates.
	tail    []byte
	choices []chunkChoice
	usage   *llm.Usage
	// raw says that the answer passes through in this format.
	raw bool
}

// chunkChoice is what the encoder must remember of one choice.
type chunkChoice struct {
	index  int
	calls  []chunkCall
	finish llm.Finish // "" while the choice is open
}

// chunkCall is a call whose arguments may still grow: a functionCall is one part,
// and providers mix the pieces of parallel calls.
type chunkCall struct {
	index int
	call  llm.ToolCall
	args  []byte
	state *llm.State
}

// maxArguments bounds the arguments of one call that are held until it is complete.
const maxArguments = 16 << 20

// Event implements [wire.StreamEncoder].
func (e *chunkEncoder) Event(dst []byte, ev *llm.Event) []byte {
	switch ev.Kind {
	case llm.EventRaw:
		e.raw = true
		return e.rawChunk(dst, ev.Raw)
	case llm.EventStart:
		if ev.Response != nil && e.id == "" {
			e.id = ev.Response.ID
		}
		return dst
	case llm.EventUsage:
		if ev.Usage != nil {
			u := *ev.Usage
			e.usage = &u
		}
		return dst
	case llm.EventFinish:
		e.choice(ev.Choice).finish = ev.Finish
		return e.flushCalls(dst, ev.Choice)
	case llm.EventToolCall, llm.EventToolArgs:
		e.call(ev)
		return dst
	case llm.EventState:
		if ev.Index >= 0 {
			e.lateState(ev)
			return dst
		}
	}
	return e.delta(dst, ev)
}

// rawChunk appends a chunk that passes through. One that came in several lines must
// leave in several: a line without a field would be lost.
func (e *chunkEncoder) rawChunk(dst, raw []byte) []byte {
	if len(raw) == 0 {
		return dst
	}
	if !e.array && bytes.ContainsAny(raw, "\r\n") {
		e.written = true
		return sse.AppendData(dst, raw)
	}
	return e.close(append(e.open(dst), raw...))
}

// choice finds the state of a choice; there are one or a few.
func (e *chunkEncoder) choice(index int) *chunkChoice {
	for i := range e.choices {
		if e.choices[i].index == index {
			return &e.choices[i]
		}
	}
	e.choices = append(e.choices, chunkChoice{index: index})
	return &e.choices[len(e.choices)-1]
}

func (c *chunkChoice) call(index int) *chunkCall {
	for i := len(c.calls) - 1; i >= 0; i-- {
		if c.calls[i].index == index {
			return &c.calls[i]
		}
	}
	return nil
}

// call collects a call piece by piece.
func (e *chunkEncoder) call(ev *llm.Event) {
	c := e.choice(ev.Choice)
	if ev.Kind == llm.EventToolCall && ev.Call != nil && !ev.Call.Server {
		c.calls = append(c.calls, chunkCall{index: ev.Index, call: *ev.Call, state: ev.State, args: []byte(ev.Delta)})
		return
	}
	if held := c.call(ev.Index); held != nil && len(held.args)+len(ev.Delta) <= maxArguments {
		held.args = append(held.args, ev.Delta...)
	}
}

func (e *chunkEncoder) lateState(ev *llm.Event) {
	if held := e.choice(ev.Choice).call(ev.Index); held != nil {
		held.state = ev.State
	}
}

// flushCalls writes the calls of a choice that has ended, in one chunk.
func (e *chunkEncoder) flushCalls(dst []byte, choice int) []byte {
	c := e.choice(choice)
	if len(c.calls) == 0 {
		return dst
	}
	dst = append(e.open(dst), beginCandidate...)
	for i := range c.calls {
		h := &c.calls[i]
		dst = appendAnswerCall(dst, &h.call, string(h.args), h.state)
	}
	c.calls = nil
	return e.endCandidate(dst, choice)
}

// delta writes one part at once.
func (e *chunkEncoder) delta(dst []byte, ev *llm.Event) []byte {
	mark := len(dst)
	dst = append(e.open(dst), beginCandidate...)
	empty := len(dst)
	switch ev.Kind {
	case llm.EventText, llm.EventRefusal:
		dst = appendAnswerText(dst, ev.Delta, false, ev.State)
	case llm.EventThinking:
		dst = appendAnswerText(dst, ev.Delta, true, ev.State)
	case llm.EventState:
		dst = appendAnswerText(dst, "", false, ev.State)
	case llm.EventImage, llm.EventAudio:
		dst = appendAnswerMedia(dst, ev.Media, ev.State)
	}
	if len(dst) == empty {
		return dst[:mark]
	}
	return e.endCandidate(dst, ev.Choice)
}

// open begins a chunk in its frame.
func (e *chunkEncoder) open(dst []byte) []byte {
	switch {
	case !e.array:
		return append(dst, "data: "...)
	case e.written:
		return append(dst, ",\n"...)
	}
	return append(dst, '[')
}

// close ends a chunk.
func (e *chunkEncoder) close(dst []byte) []byte {
	e.written = true
	if e.array {
		return append(dst, '\n')
	}
	return append(dst, "\n\n"...)
}

// beginCandidate begins a chunk with one candidate, up to and into its parts.
const beginCandidate = `{"candidates":[{"content":{"parts":[`

func (e *chunkEncoder) endCandidate(dst []byte, choice int) []byte {
	dst = append(dst, `],"role":"model"},"index":`...)
	dst = rawjson.AppendInt(dst, int64(choice))
	dst = append(dst, `}]`...)
	return e.close(append(e.writeTail(dst), '}'))
}

// writeTail writes the members that all chunks share.
func (e *chunkEncoder) writeTail(dst []byte) []byte {
	if e.tail == nil {
		e.tail = rawjson.AppendStringMember(nil, "modelVersion", e.a.Model)
		e.tail = rawjson.AppendStringMember(e.tail, "responseId", responseID(e.id, e.a))
	}
	return append(append(dst, ','), e.tail...)
}

// Close writes the last chunk: how each choice ended, and the usage.
func (e *chunkEncoder) Close(dst []byte) []byte {
	if e.raw || len(e.choices) == 0 && e.usage == nil {
		return dst
	}
	for i := range e.choices {
		dst = e.flushCalls(dst, e.choices[i].index)
	}
	dst = append(e.open(dst), `{"candidates":[`...)
	for i := range e.choices {
		c := &e.choices[i]
		dst = append(rawjson.AppendComma(dst), `{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"`...)
		dst = append(append(dst, finishReason(c.finish)...), `","index":`...)
		dst = append(rawjson.AppendInt(dst, int64(c.index)), '}')
	}
	dst = append(dst, ']')
	if e.usage != nil {
		dst = appendUsage(dst, e.usage)
	}
	return e.close(append(e.writeTail(dst), '}'))
}

// Error writes a failure as a chunk; nothing follows it.
func (e *chunkEncoder) Error(dst []byte, err *llm.Error) []byte {
	_, body := Dialect{}.Error(err)
	return e.close(append(e.open(dst), body...))
}

// Ping writes an empty line, which may stand between the elements of an array too.
// Google's Python SDK takes a comment for a broken
// answer.
func (e *chunkEncoder) Ping(dst []byte) []byte { return append(dst, '\n') }

// arrayEncoder writes the same chunks as the elements of one JSON array.
type arrayEncoder struct{ *chunkEncoder }

// ContentType implements [wire.ContentTyper].
func (e *arrayEncoder) ContentType() string { return "application/json; charset=utf-8" }

// Close ends the array.
func (e *arrayEncoder) Close(dst []byte) []byte { return e.end(e.chunkEncoder.Close(dst)) }

// Error ends the array after the error, so that what was received can be parsed.
func (e *arrayEncoder) Error(dst []byte, err *llm.Error) []byte {
	return e.end(e.chunkEncoder.Error(dst, err))
}

func (e *arrayEncoder) end(dst []byte) []byte {
	if !e.written {
		dst = append(dst, '[')
	}
	return append(dst, ']')
}
