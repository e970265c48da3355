package openaichat

import (
	"bytes"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// seenChunk is what one walk over the choices of a chunk found.
type seenChunk struct {
	irregular bool // some rule is broken: the chunk must be written anew
	content   bool
	finish    llm.Finish
	choice    int
	count     int
	// text is the one string that a chunk brings, strings how many it brings, and
	// only says that it brings nothing else.
	text      rawjson.Value
	strings   int
	thought   bool // text is reasoning
	only      bool
	reasoning string
	begun     []*llm.ToolCall
	calls     []assigned
	ends      []int // choices that finish here
}

// assigned says which call a delta of the chunk belongs to.
type assigned struct {
	index  int // in the table
	begins bool
	held   bool // says nothing to the client yet
}

// passChunk hands on a chunk of a hop in the same format.
func (s *stream) passChunk(v rawjson.Value, t *top) error {
	var seen seenChunk
	for _, c := range t.choices.Elems() {
		s.inspect(c, &seen)
	}
	if len(t.id) > len(`""`) && !bytes.Equal(t.id, s.id) {
		seen.irregular = true
	}
	if t.usageValue().Kind() == '{' && s.plainUsage {
		seen.irregular = true
	}
	s.fillBegun(&seen)
	raw := []byte(v)
	if seen.irregular {
		raw = s.regularChunk(v, &seen)
	} else if seen.count == 1 && seen.only && seen.strings == 1 {
		// Both slices end with the same array, so their capacities tell the offset.
		if at := cap(v) - cap(seen.text); at > 0 && at+len(seen.text) <= len(v) {
			s.shape.learn(seen.choice, seen.thought, v, at, at+len(seen.text))
		}
	}
	for _, choice := range seen.ends {
		s.closeCalls(choice)
	}
	s.content = s.content || seen.content
	s.emitPassed(raw, &seen)
	return nil
}

// fillBegun notices calls that begin and end within one chunk without arguments.
func (s *stream) fillBegun(seen *seenChunk) {
	for _, a := range seen.calls {
		if a.held {
			continue
		}
		if c := &s.table.calls[a.index]; !c.args && !c.custom && slices.Contains(seen.ends, c.choice) {
			seen.irregular = true
		}
	}
}

// emitPassed emits the chunk, with what the keeper of reasoning must know beside
// its bytes: one event a call that begins, the bytes with the last.
func (s *stream) emitPassed(raw []byte, seen *seenChunk) {
	ev := llm.Event{Kind: llm.EventRaw, Choice: seen.choice, Delta: seen.reasoning}
	for i, call := range seen.begun {
		ev.Call, ev.Index = call, i
		if i < len(seen.begun)-1 {
			s.emit(ev)
			ev.Delta = ""
		}
	}
	ev.Raw, ev.Content, ev.Finish = raw, seen.content, seen.finish
	s.emit(ev)
}

// inspect reads one choice of a chunk and updates what is known of it.
func (s *stream) inspect(v rawjson.Value, seen *seenChunk) {
	var deltaValue, reason rawjson.Value
	index, hasIndex, others := 0, false, false
	for f := range v.Fields() {
		switch string(f.Key.Bare()) {
		case "index":
			n, ok := f.Value.Int()
			index, hasIndex = int(n), ok
		case "delta":
			deltaValue = f.Value
		case "finish_reason":
			reason = f.Value
		case "logprobs":
			others = others || f.Value.Present()
		}
	}
	c := s.choice(index)
	seen.choice = index
	seen.count++
	if deltaValue.Kind() != '{' {
		deltaValue, seen.irregular = choiceDelta(v), true
	}
	seen.irregular = seen.irregular || !hasIndex
	only := s.inspectDelta(c, deltaValue, seen)
	seen.only = only && !others && !reason.Present() && seen.count == 1
	if reason.Present() {
		s.inspectFinish(c, reason, seen)
	}
}

// brings notes a string that a chunk brings.
func (seen *seenChunk) brings(v rawjson.Value, thought bool) {
	if v.Kind() != '"' {
		return
	}
	seen.text, seen.thought = v, thought
	seen.strings++
}

// inspectDelta reports whether the delta brings strings and nothing else.
func (s *stream) inspectDelta(c *streamChoice, v rawjson.Value, seen *seenChunk) (only bool) {
	only = c.role
	for f := range v.Fields() {
		if !f.Value.Present() {
			continue
		}
		switch string(f.Key.Bare()) {
		case "content":
			if f.Value.Kind() == '[' {
				seen.irregular, seen.content = true, true
				break
			}
			seen.brings(f.Value, false)
			seen.content = seen.content || len(f.Value) > len(`""`)
			continue
		case "reasoning_content":
			seen.brings(f.Value, true)
			s.inspectReasoning(f.Value, seen)
			continue
		case "tool_calls":
			if s.inspectCalls(c, f.Value, seen) {
				continue
			}
		case "role":
			c.role = true
		case "reasoning", "reasoning_details":
			seen.irregular = true
			s.inspectReasoning(f.Value, seen)
		case "refusal", "function_call", "audio", "images":
			seen.content = true
		}
		only = false
	}
	if !c.role {
		seen.irregular = true
	}
	return only
}

func (s *stream) inspectReasoning(v rawjson.Value, seen *seenChunk) {
	text := v.Text()
	if v.Kind() == '[' {
		text = detailsText(v)
	}
	if text == "" {
		return
	}
	seen.content = true
	if s.keep && seen.reasoning == "" {
		seen.reasoning = text
	}
}

// inspectCalls reads the calls of a delta. It reports whether they are one more
// piece of the arguments of one call and nothing else.
func (s *stream) inspectCalls(c *streamChoice, v rawjson.Value, seen *seenChunk) (piece bool) {
	piece = true
	for i, e := range v.Elems() {
		d := readDelta(e)
		if d.empty() {
			seen.calls = append(seen.calls, assigned{held: true})
			piece, seen.irregular = false, true
			continue
		}
		at, first := s.table.find(c.index, &d)
		call := &s.table.calls[at]
		begins, ok := s.name(call, &d)
		seen.calls = append(seen.calls, assigned{at, begins, !ok})
		if !ok {
			piece, seen.irregular = false, true
			continue
		}
		seen.content = true
		n, ok := d.index.Int()
		if !ok || int(n) != call.out || begins != first || begins && d.id.Text() != call.id || callIrregular(&d, begins) {
			seen.irregular = true
		}
		piece = piece && i == 0 && !begins && call.args && !d.custom
		if args := d.arguments(); args != nil {
			call.args = true
			seen.brings(args, false)
		}
		if begins && s.keep {
			seen.begun = append(seen.begun, &llm.ToolCall{ID: call.id, Name: d.name.Text(), Arguments: call.held + d.args.Text(), Custom: d.custom})
		}
	}
	return piece
}

// callIrregular says that a delta breaks S6: a first one must have an id and a
// type, a later one neither id nor name.
func callIrregular(d *delta, begins bool) bool {
	if d.args != nil && d.args.Kind() != '"' && d.args.Present() {
		return true
	}
	if begins {
		return d.id.Text() == "" || !d.typ.Present()
	}
	return d.id.Present() || d.name.Present()
}

func (s *stream) inspectFinish(c *streamChoice, reason rawjson.Value, seen *seenChunk) {
	word := reason.Text() // "" may be the end (xAI) or stand in every chunk
	if word == "" || c.finished {
		c.mayEnd = true
		seen.irregular = true
		return
	}
	c.finished = true
	if !s.allNamed(c.index) {
		return
	}
	seen.content = true
	seen.finish = legalFinish(word, s.table.any(c.index))
	seen.ends = append(seen.ends, c.index)
	if string(seen.finish) != word {
		seen.irregular = true
	}
}
