package anthropic

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// streamCall is a tool call of the answer. Its block is written in one piece: while
// another call's is open, its arguments wait here.
type streamCall struct {
	index          int // of the event
	call           llm.ToolCall
	state          *llm.State
	started, ended bool
	args           []byte // what waits
	text           []byte // the whole text of a free-form tool
	scan           scanner
}

// complete reports whether the arguments are whole, so that another block may begin.
func (c *streamCall) complete() bool { return !c.call.Custom && c.scan.complete() }

// find returns the place of the call with this index, noCall when it never began.
func (e *streamEncoder) find(index int) int {
	for i := len(e.calls) - 1; i >= 0; i-- {
		if e.calls[i].index == index {
			return i
		}
	}
	return noCall
}

// maxStreamCalls bounds the tool calls of one answer.
const maxStreamCalls = 1024

func (e *streamEncoder) toolCall(dst []byte, ev *llm.Event) []byte {
	if ev.Call == nil || ev.Call.Server || len(e.calls) >= maxStreamCalls {
		return dst
	}
	c := streamCall{index: ev.Index, call: *ev.Call}
	if ev.State != nil {
		s := *ev.State
		c.state = &s
	}
	e.calls = append(e.calls, c)
	if e.live == noCall || e.calls[e.live].complete() {
		dst = e.beginCall(dst, len(e.calls)-1)
	}
	return e.arguments(dst, len(e.calls)-1, ev.Delta)
}

func (e *streamEncoder) toolArgs(dst []byte, ev *llm.Event) []byte {
	if at := e.find(ev.Index); at != noCall {
		return e.arguments(dst, at, ev.Delta)
	}
	return dst
}

// arguments adds to the arguments of a call: at once when its block is open, else
// they wait. A call whose block has closed was complete.
func (e *streamEncoder) arguments(dst []byte, at int, delta string) []byte {
	c := &e.calls[at]
	switch {
	case delta == "" || c.ended:
		return dst
	case at != e.live:
		c.args = append(c.args, delta...)
		return e.hold(dst, delta)
	}
	dst = e.writeArguments(dst, c, delta)
	if c.complete() {
		dst = e.nextCall(dst)
	}
	return dst
}

// writeArguments writes a piece into the open block. An empty object needs none: the
// input of the block is one already.
func (e *streamEncoder) writeArguments(dst []byte, c *streamCall, delta string) []byte {
	if c.call.Custom {
		c.text = append(c.text, delta...)
		return dst
	}
	first := !c.scan.begun
	c.scan.add(delta)
	if first && delta == "{}" {
		return dst
	}
	dst = e.delta(dst, `{"type":"input_json_delta","partial_json":`)
	return append(rawjson.AppendString(dst, delta), "}"+endEvent...)
}

// beginCall opens the block of a call and writes what waits for it.
func (e *streamEncoder) beginCall(dst []byte, at int) []byte {
	dst = e.endLive(dst)
	dst = e.beginBlock(e.closeBlock(dst), blockToolUse)
	e.live = at
	c := &e.calls[at]
	c.started = true
	dst = appendCallHead(dst, e.req, e.a, &c.call, c.state)
	dst = append(dst, `,"input":{}}`+endEvent...)
	if len(c.args) > 0 {
		dst = e.writeArguments(dst, c, string(c.args))
		c.args = nil
	}
	return dst
}

// endLive marks the call of the open block as written.
func (e *streamEncoder) endLive(dst []byte) []byte {
	if e.live == noCall {
		return dst
	}
	c := &e.calls[e.live]
	c.ended = true
	if c.call.Custom {
		text := rawjson.AppendStringMember([]byte{'{'}, "input", string(c.text))
		dst = e.delta(dst, `{"type":"input_json_delta","partial_json":`)
		dst = append(rawjson.AppendString(dst, string(append(text, '}'))), "}"+endEvent...)
	}
	return dst
}

// nextCall goes on with the calls that wait, as far as they are complete.
func (e *streamEncoder) nextCall(dst []byte) []byte {
	for e.live != noCall && e.calls[e.live].complete() {
		at := e.waitingCall()
		if at == noCall {
			return dst
		}
		dst = e.beginCall(dst, at)
	}
	return dst
}

func (e *streamEncoder) waitingCall() int {
	for i := range e.calls {
		if !e.calls[i].started {
			return i
		}
	}
	return noCall
}

// flushCalls writes all calls that wait, complete or not.
func (e *streamEncoder) flushCalls(dst []byte) []byte {
	for at := e.waitingCall(); at != noCall; at = e.waitingCall() {
		dst = e.beginCall(dst, at)
	}
	if e.live != noCall {
		dst = e.closeBlock(e.endLive(dst))
	}
	return dst
}

// scanner follows JSON text that arrives in pieces far enough to tell when the first
// value is whole. The zero value is ready.
type scanner struct {
	begun, text, escape bool
	depth               int
}

func (s *scanner) complete() bool { return s.begun && s.depth == 0 && !s.text }

func (s *scanner) add(piece string) {
	for i := range len(piece) {
		switch c := piece[i]; {
		case s.escape:
			s.escape = false
		case s.text:
			s.escape = c == '\\'
			s.text = c != '"'
		case c == '"':
			s.begun, s.text = true, true
		case c == '{' || c == '[':
			s.begun = true
			s.depth++
		case c == '}' || c == ']':
			s.depth--
		}
	}
}
