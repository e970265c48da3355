package anthropic

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Stream implements [wire.Dialect] (specification §5.2.7).
func (Dialect) Stream(req *llm.Request, a wire.Answer) wire.StreamEncoder {
	a.Model = shownModel(req, a)
	return &streamEncoder{req: req, a: a, live: noCall}
}

// noCall says that no tool call has the open block.
const noCall = -1

// streamEncoder writes a stream of blocks, of which only one is open at a time.
type streamEncoder struct {
	req *llm.Request
	a   wire.Answer

	id      string
	begun   bool // message_start is written
	raw     bool // the answer passes through
	stopped bool // message_stop is written
	index   int  // of the open block, or the next one
	open    blockKind
	calls   []streamCall
	live    int // the call whose block is open, noCall for none
	// waiting holds what came while the arguments of another call were incomplete.
	waiting      []llm.Event
	held         int // bytes that wait, of other calls too
	finish       llm.Finish
	stopSequence rawjson.Value
	usage        *llm.Usage
}

func (e *streamEncoder) Event(dst []byte, ev *llm.Event) []byte {
	if ev.Choice != 0 {
		return dst // the format has one choice
	}
	switch ev.Kind {
	case llm.EventRaw:
		return e.pass(dst, ev.Raw)
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
	case llm.EventFields:
		if v := ev.Fields.Get("stop_sequence"); v.Kind() == '"' {
			e.stopSequence = v.Clone()
		}
		return dst
	case llm.EventFinish:
		e.finish = ev.Finish
		return e.drain(e.start(dst))
	}
	return e.content(e.start(dst), ev)
}

// content writes what belongs into a block.
func (e *streamEncoder) content(dst []byte, ev *llm.Event) []byte {
	blocked := e.live != noCall && !e.calls[e.live].complete()
	if !blocked {
		dst = e.replay(dst)
	}
	switch ev.Kind {
	case llm.EventToolCall:
		return e.toolCall(dst, ev)
	case llm.EventToolArgs:
		return e.toolArgs(dst, ev)
	case llm.EventState:
		e.state(ev)
		return dst
	}
	if blocked {
		e.waiting = append(e.waiting, keep(ev))
		return e.hold(dst, ev.Delta)
	}
	switch ev.Kind {
	case llm.EventText, llm.EventRefusal:
		return e.text(dst, ev.Delta)
	case llm.EventThinking:
		return e.thinking(dst, ev)
	case llm.EventImage, llm.EventAudio:
		return e.text(dst, mediaNote(ev.Media))
	}
	return dst
}

// maxHeld bounds what waits for the end of a call, in bytes.
const maxHeld = 16 << 20

// hold counts what waits. Beyond the bound the call that everything waits for is
// given up: it is not going to be whole.
func (e *streamEncoder) hold(dst []byte, delta string) []byte {
	if e.held += len(delta); e.held > maxHeld {
		e.held = 0
		return e.drain(dst)
	}
	return dst
}

// replay writes what has waited for the end of a call.
func (e *streamEncoder) replay(dst []byte) []byte {
	waiting := e.waiting
	e.waiting = nil
	for i := range waiting {
		dst = e.content(dst, &waiting[i])
	}
	return dst
}

// keep copies an event for later.
func keep(ev *llm.Event) llm.Event {
	out := *ev
	if ev.State != nil {
		s := *ev.State
		out.State = &s
	}
	return out
}

// state keeps a signature that came late. That of a call which has not been written
// yet goes out with it. Any other is the keeper's to remember: that of a text comes
// after it, and clients take the last block of a message for the answer, so that no
// thinking block may follow the text.
func (e *streamEncoder) state(ev *llm.Event) {
	if at := e.find(ev.Index); at != noCall && !e.calls[at].started && ev.State != nil {
		s := *ev.State
		e.calls[at].state = &s
	}
}

// start writes message_start once, with an estimate of the input: the provider tells
// the real number at the end.
func (e *streamEncoder) start(dst []byte) []byte {
	if e.begun {
		return dst
	}
	e.begun = true
	dst = append(dst, "event: message_start\ndata: {\"type\":\"message_start\",\"message\":"...)
	dst = appendMessageHead(dst, messageID(e.id, e.a), e.a.Model)
	dst = append(dst, `,"content":[],"stop_reason":null,"stop_sequence":null,"usage":`...)
	dst = appendUsage(dst, &llm.Usage{Input: tokens.Rough(e.req), Output: 1})
	dst = append(dst, "}}\n\n"...)
	return e.Ping(dst)
}

func (e *streamEncoder) text(dst []byte, text string) []byte {
	if text == "" {
		return dst
	}
	if e.open != blockText {
		dst = e.closeBlock(dst)
		dst = e.beginBlock(dst, blockText)
		dst = append(dst, `{"type":"text","text":""}`+endEvent...)
	}
	dst = e.delta(dst, `{"type":"text_delta","text":`)
	return append(rawjson.AppendString(dst, text), "}"+endEvent...)
}

// endEvent closes the object of an event and the event.
const endEvent = "}\n\n"

// beginBlock opens a block up to its content_block.
func (e *streamEncoder) beginBlock(dst []byte, kind blockKind) []byte {
	e.open = kind
	dst = append(dst, "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":"...)
	return append(rawjson.AppendInt(dst, int64(e.index)), `,"content_block":`...)
}

// delta opens a delta of the open block.
func (e *streamEncoder) delta(dst []byte, head string) []byte {
	dst = append(dst, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":"...)
	dst = append(rawjson.AppendInt(dst, int64(e.index)), `,"delta":`...)
	return append(dst, head...)
}

// closeBlock ends the open block, if any. Thinking that nobody signed says so.
func (e *streamEncoder) closeBlock(dst []byte) []byte {
	switch e.open {
	case blockSkip:
		return dst
	case blockThinking:
		dst = e.signThinking(dst, nil)
	}
	dst = append(dst, "event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":"...)
	dst = append(rawjson.AppendInt(dst, int64(e.index)), endEvent...)
	if e.live != noCall {
		e.calls[e.live].ended = true
	}
	e.open, e.live = blockSkip, noCall
	e.index++
	return dst
}

func (e *streamEncoder) thinking(dst []byte, ev *llm.Event) []byte {
	if s := ev.State; s != nil && s.Redacted != "" {
		dst = e.beginBlock(e.closeBlock(dst), blockRedacted)
		dst = append(appendThinking(dst, "", s), endEvent...)
		return e.closeBlock(dst)
	}
	if ev.Delta == "" && ev.State == nil {
		return dst
	}
	if e.open != blockThinking {
		dst = e.beginBlock(e.closeBlock(dst), blockThinking)
		dst = append(dst, `{"type":"thinking","thinking":"","signature":""}`+endEvent...)
	}
	if ev.Delta != "" {
		dst = e.delta(dst, `{"type":"thinking_delta","thinking":`)
		dst = append(rawjson.AppendString(dst, ev.Delta), "}"+endEvent...)
	}
	if ev.State != nil {
		dst = e.signThinking(dst, ev.State)
		dst = e.closeSigned(dst)
	}
	return dst
}

func (e *streamEncoder) signThinking(dst []byte, s *llm.State) []byte {
	dst = e.delta(dst, `{"type":"signature_delta","signature":`)
	return append(rawjson.AppendString(dst, signatureField(s)), "}"+endEvent...)
}

// closeSigned ends a thinking block whose signature is written.
func (e *streamEncoder) closeSigned(dst []byte) []byte {
	e.open = blockRaw
	return e.closeBlock(dst)
}

// drain writes what waits and closes the last block, at the end of the choice.
func (e *streamEncoder) drain(dst []byte) []byte {
	return e.closeBlock(e.replay(e.flushCalls(dst)))
}

// Close writes message_delta with the final usage, and message_stop.
func (e *streamEncoder) Close(dst []byte) []byte {
	if e.stopped {
		return dst
	}
	e.stopped = true
	if e.raw {
		return append(dst, messageStop...)
	}
	dst = e.drain(e.start(dst))
	dst = append(dst, "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\""...)
	dst = append(dst, stopReason(e.finish, len(e.calls) > 0)...)
	dst = append(dst, `","stop_sequence":`...)
	if e.stopSequence == nil {
		e.stopSequence = rawjson.Value("null")
	}
	dst = append(append(dst, e.stopSequence...), `},"usage":`...)
	if e.usage == nil {
		e.usage = &llm.Usage{Input: tokens.Rough(e.req)}
	}
	dst = append(appendUsage(dst, e.usage), endEvent...)
	return append(dst, messageStop...)
}

const messageStop = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"

// Error writes the error event; nothing follows it.
func (e *streamEncoder) Error(dst []byte, err *llm.Error) []byte {
	e.stopped = true
	return sse.AppendNamed(dst, "error", appendError(nil, err, messagesStatus(err)))
}

// Ping writes Anthropic's keepalive.
func (e *streamEncoder) Ping(dst []byte) []byte {
	return append(dst, "event: ping\ndata: {\"type\":\"ping\"}\n\n"...)
}

// pass frames an event of an answer in this format; only message_start changes.
func (e *streamEncoder) pass(dst, raw []byte) []byte {
	e.raw = true
	name := eventType(raw)
	switch string(name) {
	case "message_start":
		if v, err := rawjson.Check(raw); err == nil {
			raw = e.spliceStart(v)
		}
	case "message_stop":
		e.stopped = true
	}
	if len(name) > 0 {
		dst = append(append(append(dst, "event: "...), name...), '\n')
	}
	return sse.AppendData(dst, raw)
}

// eventType is the type of an event, without quotes.
func eventType(raw []byte) []byte {
	for _, head := range [...]string{`{"type":"`, `{"type": "`} {
		if rest, ok := bytes.CutPrefix(raw, []byte(head)); ok {
			if n := bytes.IndexByte(rest, '"'); n >= 0 {
				return rest[:n]
			}
		}
	}
	return rawjson.Value(raw).Get("type").Bare()
}

// spliceStart puts the client's name of the model into message_start.
func (e *streamEncoder) spliceStart(v rawjson.Value) []byte {
	for f := range v.Fields() {
		if f.Key.Is("message") && f.Value.Kind() == '{' {
			dst := append(make([]byte, 0, len(v)+len(e.a.Model)), v[:f.Start]...)
			return append(spliceModel(dst, f.Value, e.a.Model), v[f.End:]...)
		}
	}
	return v
}
