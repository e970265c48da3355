package gemini

import (
	"iter"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// nativeResponse hands on an answer to a client of the same format. Only what the
// gateway itself must know is read.
func nativeResponse(call *wire.Call, v rawjson.Value, b *answerBody, candidates []answerCandidate) (*llm.Response, error) {
	resp := &llm.Response{ID: b.id.Text(), Model: b.model.Text(), Body: v}
	var n notes
	for i := range candidates {
		c := &candidates[i]
		seen := inspectParts(c.parts)
		if seen.state {
			(&follower{call: call}).parts(c)
		}
		reason := c.reason.Text()
		if reason == statusLost && !seen.content {
			return nil, lostSignature()
		}
		if c.noted {
			n.read(c.raw)
		}
		resp.Choices = append(resp.Choices, llm.Choice{Index: c.index, Finish: finish(reason, seen.calls)})
	}
	resp.Usage = usageOf(b.usage, n.searches)
	if len(resp.Choices) > 0 {
		return resp, nil
	}
	return refused(resp, b.feedback)
}

// seenParts is what the gateway must know of the parts of a chunk.
type seenParts struct {
	content, calls bool
	// state says that there may be something for the tap.
	state bool
}

func inspectParts(parts rawjson.Value) (seen seenParts) {
	for _, part := range parts.Elems() {
		for f := range part.Fields() {
			switch string(f.Key) {
			case `"text"`:
				seen.content = seen.content || len(f.Value) > len(`""`)
			case `"thought"`:
			case `"thoughtSignature"`:
				seen.state = true
			case `"functionCall"`:
				seen.calls, seen.content, seen.state = true, true, true
			default:
				seen.content = true
			}
		}
	}
	return seen
}

// nativeStream hands on the chunks of a stream as they came.
func nativeStream(c *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		s := passing{state: follower{call: c}}
		for {
			ev, err := r.Next()
			if err != nil {
				if !s.ended {
					yield(llm.Event{}, brokenOff(err))
				}
				return
			}
			if string(ev.Data) == sse.Done {
				continue
			}
			if ev.Name == eventError {
				yield(llm.Event{}, failedWith(ev.Data))
				return
			}
			if !s.event(ev.Data, yield) {
				return
			}
		}
	}
}

// passing is what a stream that passes through remembers.
type passing struct {
	content bool // some content went out
	calls   bool
	reason  string
	finish  llm.Finish // what reason means
	ended   bool       // a finish reason, or a refusal of the prompt, has come
	notes   notes
	state   follower
}

// event hands on the documents of an event: one, or a list of them. What is no document
// is left out. It returns false when the stream has ended.
func (s *passing) event(data []byte, yield func(llm.Event, error) bool) bool {
	v, err := rawjson.Check(data)
	if err != nil {
		e := brokenAnswer("the stream holds an event that is not JSON")
		e.Cause = err
		yield(llm.Event{}, e)
		return false
	}
	if v.Kind() == '[' {
		for _, e := range v.Elems() {
			if !s.hand(e, yield) {
				return false
			}
		}
		return true
	}
	return s.hand(v, yield)
}

func (s *passing) hand(v rawjson.Value, yield func(llm.Event, error) bool) bool {
	if v.Kind() != '{' {
		return true
	}
	ev, err := s.chunk(v)
	return yield(ev, err) && err == nil
}

// chunk reads one chunk as far as the gateway must know it.
func (s *passing) chunk(v rawjson.Value) (llm.Event, error) {
	b := readBody(v)
	if b.failure.Present() || b.stray(v) {
		return llm.Event{}, failedWith(v)
	}
	ev := llm.Event{Kind: llm.EventRaw, Raw: v}
	for i, cand := range b.candidates.Elems() {
		if err := s.candidate(&ev, readCandidate(cand, i)); err != nil {
			return llm.Event{}, err
		}
	}
	if blocked(b.feedback) != "" && b.candidates.Len() == 0 {
		ev.Content, ev.Finish, s.ended = true, llm.FinishContentFilter, true
	}
	ev.Usage = usageOf(b.usage, s.notes.searches)
	return ev, nil
}

func (s *passing) candidate(ev *llm.Event, c answerCandidate) error {
	ev.Choice = c.index
	seen := inspectParts(c.parts)
	s.calls, s.content = s.calls || seen.calls, s.content || seen.content
	ev.Content = ev.Content || seen.content
	if seen.state {
		s.state.parts(&c)
	}
	if c.noted {
		s.notes.reread(c.raw)
	}
	reason := c.reason.Text()
	if reason == "" {
		if seen.state && s.finish != "" { // a call or a signature may follow the end (§2.8 G9)
			s.finish = finish(s.reason, s.calls)
			ev.Finish = s.finish
		}
		return nil
	}
	if reason == statusLost && !s.content {
		return lostSignature()
	}
	s.reason, s.finish = reason, finish(reason, s.calls)
	ev.Content, ev.Finish, s.ended = true, s.finish, true
	return nil
}
