package openaichat

import (
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Stream reads a streamed answer: chunk by chunk as it came for a hop in the same
// format, as canonical events for any other.
func (Wire) Stream(c *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		s := stream{call: c, native: c.Native, yield: yield, keep: quirksOf(c.Target).Reasoning != ""}
		s.table.call = c
		s.plainUsage = !continuousUsage(c.Request)
		s.run(r)
	}
}

// continuousUsage says that the client wants running numbers in every chunk
// (an option of vLLM).
func continuousUsage(req *llm.Request) bool {
	return req != nil && req.From == Name && req.Body.Get("stream_options").Get("continuous_usage_stats").True()
}

// stream is one answer on its way from a provider.
type stream struct {
	call   *wire.Call
	native bool
	keep   bool
	// plainUsage says that only the last chunk may show the usage.
	plainUsage bool
	yield      func(llm.Event, error) bool

	started  bool
	stopped  bool // the consumer wants no more
	content  bool // some content went out
	answer   llm.Response
	id       []byte // raw id of the first chunk that has one
	choices  []streamChoice
	table    callTable
	usage    *llm.Usage
	usageRaw []byte
	shape    shape
}

// streamChoice is what must be remembered of one choice.
type streamChoice struct {
	index          int
	role, finished bool
	mayEnd         bool // an empty finish reason came: the end, when nothing follows
}

func (s *stream) choice(index int) *streamChoice {
	for i := range s.choices {
		if s.choices[i].index == index {
			return &s.choices[i]
		}
	}
	s.choices = append(s.choices, streamChoice{index: index})
	return &s.choices[len(s.choices)-1]
}

// emit hands an event on; false means that nobody wants more.
func (s *stream) emit(ev llm.Event) bool {
	if !s.stopped && !s.yield(ev, nil) {
		s.stopped = true
	}
	return !s.stopped
}

func (s *stream) fail(err error) {
	if !s.stopped {
		s.stopped = true
		s.yield(llm.Event{}, err)
	}
}

func (s *stream) run(r *sse.Reader) {
	for !s.stopped {
		ev, err := r.Next()
		switch {
		case errors.Is(err, io.EOF):
			s.end(false)
			return
		case err != nil && s.finished():
			s.end(true) // all has come but the end marker
			return
		case err != nil:
			s.fail(err)
			return
		case string(bytes.TrimSpace(ev.Data)) == sse.Done:
			s.end(true)
			return
		case ev.Name == "error":
			s.fail(namedError(ev.Data))
			return
		}
		if err := s.chunk(ev.Data); err != nil {
			s.fail(err)
			return
		}
	}
}

// finished reports whether every choice has ended.
func (s *stream) finished() bool {
	for i := range s.choices {
		if !s.choices[i].finished && !s.choices[i].mayEnd {
			return false
		}
	}
	return len(s.choices) > 0
}

// end closes the answer. Done says that the provider sent its end marker; without
// it, an answer whose choices have all finished is still whole.
func (s *stream) end(done bool) {
	if !done && !s.finished() {
		s.fail(io.ErrUnexpectedEOF)
		return
	}
	if !s.started {
		s.fail(errtext.NoAnswer("ended before it began", nil))
		return
	}
	for i := range s.choices {
		if c := &s.choices[i]; !c.finished && s.content {
			s.makeFinish(c)
		}
	}
	if s.usage != nil {
		s.emit(llm.Event{Kind: llm.EventUsage, Usage: s.usage, Raw: s.usageRaw})
	}
}

// makeFinish ends a choice that the provider forgot to end.
func (s *stream) makeFinish(c *streamChoice) {
	if c.finished = true; !s.allNamed(c.index) {
		return
	}
	finish := legalFinish("", s.table.any(c.index))
	s.closeCalls(c.index)
	if !s.native {
		s.emit(llm.Event{Kind: llm.EventFinish, Choice: c.index, Finish: finish})
		return
	}
	dst := append(s.head(c.index), `{},"finish_reason":`...)
	dst = append(rawjson.AppendString(dst, string(finish)), "}]}"...)
	s.emit(llm.Event{Kind: llm.EventRaw, Choice: c.index, Raw: dst, Content: true, Finish: finish})
}

// closeCalls completes the arguments of calls that got none: {} and not "".
func (s *stream) closeCalls(choice int) {
	for i := range s.table.calls {
		c := &s.table.calls[i]
		if c.choice != choice || c.args || c.custom {
			continue
		}
		c.args = true
		if !s.native {
			s.emit(llm.Event{Kind: llm.EventToolArgs, Choice: choice, Index: c.out, Delta: "{}"})
			continue
		}
		dst := append(s.head(choice), `{"tool_calls":[{"index":`...)
		dst = rawjson.AppendInt(dst, int64(c.out))
		dst = append(dst, `,"function":{"arguments":"{}"}}]},"finish_reason":null}]}`...)
		s.emit(llm.Event{Kind: llm.EventRaw, Choice: choice, Raw: dst, Content: true})
	}
}

// head begins a chunk of the gateway's own in a stream that passes through, up to
// its delta.
func (s *stream) head(choice int) []byte {
	dst := append(make([]byte, 0, 256), '{')
	dst = rawjson.AppendStringMember(dst, "id", s.answer.ID)
	dst = rawjson.AppendStringMember(dst, "object", "chat.completion.chunk")
	dst = rawjson.AppendIntMember(dst, "created", s.answer.Created)
	dst = rawjson.AppendStringMember(dst, "model", s.answer.Model)
	dst = append(dst, `,"choices":[{"index":`...)
	dst = rawjson.AppendInt(dst, int64(choice))
	return append(dst, `,"delta":`...)
}

// chunk handles one event of the provider.
func (s *stream) chunk(data []byte) error {
	if s.native {
		if text, ok := s.shape.matches(data); ok {
			s.passShape(data, text)
			return nil
		}
	}
	v, err := rawjson.Check(data)
	switch {
	case (err != nil || v.Kind() != '{') && s.finished():
		return nil // nothing that the answer lacks
	case err != nil:
		return errtext.NoAnswer("holds an event that is not JSON", err)
	case v.Kind() != '{':
		return errtext.NoAnswer("holds an event that is not an object", nil)
	}
	t := readTop(v)
	if err := s.failure(&t); err != nil {
		return err
	}
	s.begin(&t)
	if len(s.id) == 0 && len(t.id) > len(`""`) {
		s.id = append(s.id, t.id...)
	}
	if only := s.keepUsage(&t, v); only {
		return nil
	}
	if t.choices.Kind() != '[' {
		return strayError(&t, v)
	}
	if s.native {
		return s.passChunk(v, &t)
	}
	return s.readChunk(&t)
}

// passShape hands on a chunk of the known shape.
func (s *stream) passShape(data, text []byte) {
	s.content = true
	ev := llm.Event{Kind: llm.EventRaw, Choice: s.shape.choice, Raw: data, Content: true}
	if s.keep && s.shape.reasoning {
		quoted := data[len(s.shape.before)-1 : len(s.shape.before)+len(text)+1]
		ev.Delta = rawjson.Value(quoted).Text()
	}
	s.emit(ev)
}

func (s *stream) failure(t *top) error {
	q := quirksOf(s.call.Target)
	if q.BaseResp {
		if n, ok := t.baseResp.Get("status_code").Int(); ok && n != 0 {
			return baseRespError(n, t.baseResp)
		}
	}
	if t.failed.Present() {
		return errorWithin(t.failed)
	}
	for _, c := range t.choices.Elems() {
		reason := c.Get("finish_reason")
		if reason.Is(noResource) && s.content {
			continue // too late for another try: an answer cut short
		}
		if err := choiceFailure(c.Get("finish_reason"), c); err != nil {
			return err
		}
	}
	return nil
}

// begin announces the answer with the first chunk that has an id or a choice.
func (s *stream) begin(t *top) {
	if s.started || (t.id.Text() == "" && t.choices.First() == nil) {
		return
	}
	s.started = true
	s.answer = *t.response()
	s.answer.Usage = nil
	s.table.answer = s.answer.ID
	s.emit(llm.Event{Kind: llm.EventStart, Response: &s.answer})
}

// keepUsage remembers the usage until the end and reports whether the chunk has
// nothing else for the client.
func (s *stream) keepUsage(t *top, v rawjson.Value) (only bool) {
	raw := t.usageValue()
	u := ParseUsage(raw.Clone())
	if u == nil {
		return false
	}
	s.usage, s.usageRaw = u, nil
	only = t.choices.First() == nil
	if only && t.usage.Kind() == '{' {
		s.usageRaw = v.Clone()
	}
	return only
}
