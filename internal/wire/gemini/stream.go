package gemini

import (
	"errors"
	"io"
	"iter"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Stream implements [wire.Wire]. Finish reasons are held back until the stream
// ends: a call or a signature may follow them.
func (Wire) Stream(c *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	if c.Native {
		return nativeStream(c, r)
	}
	return func(yield func(llm.Event, error) bool) {
		s := stream{calls: callReader{c: c}, yield: yield}
		s.run(r)
	}
}

// listStream reads a streamed answer that came as a list of its documents.
func listStream(c *wire.Call, list rawjson.Value) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		s := stream{calls: callReader{c: c}, yield: yield}
		if err := s.event(list); err != nil {
			s.fail(err)
			return
		}
		s.end(io.EOF)
	}
}

// stream is the state of one streamed answer.
type stream struct {
	calls   callReader
	yield   func(llm.Event, error) bool
	begun   bool
	stopped bool // the consumer wants no more
	choices []choiceState
	notes   notes
	usage   []byte // the last usageMetadata: every event has the sum so far
	blocked string
}

// choiceState is what a stream remembers of one choice.
type choiceState struct {
	index    int
	calls    int
	images   int
	unsigned bool // the first call has no signature yet
	content  bool
	reason   string // finishReason, "" while it is open
	message  rawjson.Value
}

func (s *stream) run(r *sse.Reader) {
	for !s.stopped {
		ev, err := r.Next()
		if err != nil {
			s.end(err)
			return
		}
		if string(ev.Data) == sse.Done {
			continue
		}
		if ev.Name == eventError {
			s.fail(failedWith(ev.Data))
			return
		}
		if err := s.event(ev.Data); err != nil {
			s.fail(err)
			return
		}
	}
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

// event reads one GenerateContentResponse.
func (s *stream) event(data []byte) error {
	v, err := rawjson.Check(data)
	if err != nil {
		e := brokenAnswer("the stream holds an event that is not JSON")
		e.Cause = err
		return e
	}
	if v.Kind() == '[' {
		for _, e := range v.Elems() {
			if err := s.document(e); err != nil {
				return err
			}
		}
		return nil
	}
	return s.document(v)
}

// document reads one document of the stream.
func (s *stream) document(v rawjson.Value) error {
	b := readBody(v)
	if b.failure.Present() || b.stray(v) {
		return failedWith(v)
	}
	if b.usage != nil {
		s.usage = append(s.usage[:0], b.usage...)
	}
	if b.feedback != nil {
		s.blocked = blocked(b.feedback)
	}
	for i, cand := range b.candidates.Elems() {
		if err := s.candidate(&b, readCandidate(cand, i)); err != nil {
			return err
		}
	}
	return nil
}

// begin opens the answer once.
func (s *stream) begin(b *answerBody) {
	if s.begun {
		return
	}
	s.begun = true
	resp := &llm.Response{ID: b.id.Text(), Model: b.model.Text()}
	s.calls.id = resp.ID
	s.emit(llm.Event{Kind: llm.EventStart, Response: resp})
}

func (s *stream) candidate(b *answerBody, cand answerCandidate) error {
	c := s.choice(cand.index)
	for _, part := range cand.parts.Elems() {
		p := readPart(part)
		s.begin(b)
		s.part(c, &p)
	}
	if reason := cand.reason.Text(); reason != "" {
		c.reason, c.message = reason, cand.message.Clone()
	}
	if c.reason == statusLost && !c.content {
		return lostSignature()
	}
	s.begin(b)
	if cand.noted {
		s.notes.reread(cand.raw)
	}
	return nil
}

// choice finds the state of a choice, or makes it. The pointer is valid until the
// next call.
func (s *stream) choice(index int) *choiceState {
	for i := range s.choices {
		if s.choices[i].index == index {
			return &s.choices[i]
		}
	}
	s.choices = append(s.choices, choiceState{index: index})
	return &s.choices[len(s.choices)-1]
}

func (s *stream) part(c *choiceState, p *answerPart) {
	switch {
	case p.call.Kind() == '{':
		s.call(c, p)
	case p.inline.Kind() == '{':
		s.media(c, p)
	case p.code != nil:
		s.field(c, "code_execution", p.raw)
	case p.server != nil:
		s.field(c, "server_side_tool_invocations", p.raw)
	case p.thought:
		s.text(c, llm.EventThinking, p)
		if st := p.state(); st != nil {
			s.emit(llm.Event{Kind: llm.EventThinking, Choice: c.index, State: st})
		}
	case p.text != nil || p.sig != nil:
		s.text(c, llm.EventText, p)
		s.signature(c, p)
	case p.otherwise:
		s.field(c, "parts", p.raw)
	}
}

func (s *stream) text(c *choiceState, kind llm.EventKind, p *answerPart) {
	if text := p.text.Text(); text != "" {
		c.content = true
		s.emit(llm.Event{Kind: kind, Choice: c.index, Delta: text})
	}
}

// signature brings the signature of a text part. In an empty part after calls it
// belongs to the first of them when that came without (§2.8 G9).
func (s *stream) signature(c *choiceState, p *answerPart) {
	st := p.state()
	if st == nil {
		return
	}
	index := -1
	if c.unsigned && p.text.Text() == "" {
		index, c.unsigned = 0, false
	}
	s.emit(llm.Event{Kind: llm.EventState, Choice: c.index, Index: index, State: st})
}

func (s *stream) call(c *choiceState, p *answerPart) {
	c.content = true
	call := s.calls.read(p.call, c.index, c.calls)
	if call.Name == "" {
		s.fail(nameless())
		return
	}
	st := p.state()
	if c.calls == 0 {
		c.unsigned = st == nil
	}
	arguments := call.Arguments
	call.Arguments = "" // they travel as the delta
	s.emit(llm.Event{Kind: llm.EventToolCall, Choice: c.index, Index: c.calls, Call: call, State: st, Delta: arguments})
	c.calls++
}

func (s *stream) media(c *choiceState, p *answerPart) {
	c.content = true
	m, kind := p.media()
	switch kind {
	case llm.PartImage:
		s.emit(llm.Event{Kind: llm.EventImage, Choice: c.index, Index: c.images, Media: m, State: p.state()})
		c.images++
	case llm.PartAudio:
		s.emit(llm.Event{Kind: llm.EventAudio, Choice: c.index, Media: m, State: p.state()})
	default:
		s.field(c, "parts", p.raw)
	}
}

// field brings a part that Chat Completions has no place for, as a list of one.
func (s *stream) field(c *choiceState, name string, raw rawjson.Value) {
	c.content = true
	list := append(append(rawjson.Value{'['}, raw...), ']')
	s.emit(llm.Event{Kind: llm.EventFields, Choice: c.index, Fields: rawjson.Object{{Key: name, Value: list}}})
}

// end closes the answer: well when every choice has its finish reason, also if
// the connection then broke.
func (s *stream) end(err error) {
	if len(s.choices) == 0 && s.blocked != "" {
		s.choices = append(s.choices, choiceState{reason: s.blocked})
		s.begin(&answerBody{})
	}
	complete := len(s.choices) > 0
	for i := range s.choices {
		if s.choices[i].reason == "" {
			s.choices[i].reason = s.blocked
		}
		complete = complete && s.choices[i].reason != ""
	}
	if !complete {
		s.broken(err)
		return
	}
	if fields := s.notes.fields(); fields != nil {
		s.emit(llm.Event{Kind: llm.EventFields, Choice: s.choices[0].index, Fields: fields})
	}
	for i := range s.choices {
		s.finish(&s.choices[i])
	}
	if u := usageOf(s.usage, s.notes.searches); u != nil {
		s.emit(llm.Event{Kind: llm.EventUsage, Usage: u})
	}
}

func (s *stream) finish(c *choiceState) {
	f := finish(c.reason, c.calls > 0)
	if s.blocked != "" && !c.content {
		f = llm.FinishContentFilter
	}
	s.emit(llm.Event{Kind: llm.EventFinish, Choice: c.index, Finish: f, Fields: finishFields(c.reason, c.message)})
}

// broken reports a stream that ended too early.
func (s *stream) broken(err error) { s.fail(brokenOff(err)) }

// brokenOff is the error of a stream that ended before its answer: the end of the
// connection is not the end of the answer.
func brokenOff(err error) error {
	switch {
	case err == io.EOF:
		return io.ErrUnexpectedEOF
	case errors.Is(err, sse.ErrTooLarge):
		e := brokenAnswer("the stream holds an event that is too large")
		e.Cause = err
		return e
	}
	return err
}
