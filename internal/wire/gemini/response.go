package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response implements [wire.Wire].
func (Wire) Response(c *wire.Call, body []byte) (*llm.Response, error) {
	var one [1]answerCandidate // nearly every answer has a single one
	v, b, candidates, err := readAnswer(body, one[:0])
	if err != nil {
		e := brokenAnswer("the answer is not JSON")
		e.Cause = err
		return nil, e
	}
	if b.failure.Present() {
		return nil, upstreamError(200, b.failure, body)
	}
	if v.First().Kind() == '{' { // what streams without alt=sse are
		return llm.Collect(listStream(c, v))
	}
	if c.Native && !c.Request.Stream { // one that was to be a stream is told in events
		return nativeResponse(c, v, &b, candidates)
	}
	resp := &llm.Response{ID: b.id.Text(), Model: b.model.Text()}
	r := reader{calls: callReader{c: c, id: resp.ID}}
	for i := range candidates {
		if candidates[i].raw.Kind() != '{' {
			return nil, brokenAnswer("the answer has a candidate that is none")
		}
		choice, err := r.candidate(&candidates[i])
		if err != nil {
			return nil, err
		}
		resp.Choices = append(resp.Choices, choice)
	}
	resp.Usage = usageOf(b.usage, r.notes.searches)
	resp.Extra = r.notes.fields()
	if len(resp.Choices) > 0 {
		return resp, nil
	}
	return refused(resp, b.feedback)
}

// refused completes the answer to a prompt that was blocked: one choice without
// content, for whose thoughts, as with LiteLLM, nobody pays.
func refused(resp *llm.Response, feedback rawjson.Value) (*llm.Response, error) {
	reason := blocked(feedback)
	if reason == "" {
		return nil, brokenAnswer("the answer has no candidates")
	}
	resp.Choices = []llm.Choice{{Finish: llm.FinishContentFilter, ChoiceFields: finishFields(reason, feedback.Get("blockReasonMessage"))}}
	if u := resp.Usage; u != nil {
		u.Output, u.Reasoning = max(u.Output-u.Reasoning, 0), 0
	}
	return resp, nil
}

// answerBody is a GenerateContentResponse with its members still raw.
type answerBody struct {
	candidates, usage, feedback, failure, id, model rawjson.Value
}

func readBody(v rawjson.Value) answerBody {
	var b answerBody
	for f := range v.Fields() {
		if slot := b.slot(f.Key); slot != nil {
			*slot = f.Value
		}
	}
	return b
}

func (b *answerBody) slot(key rawjson.Value) *rawjson.Value {
	switch string(key) {
	case `"candidates"`:
		return &b.candidates
	case `"usageMetadata"`:
		return &b.usage
	case `"promptFeedback"`:
		return &b.feedback
	case `"error"`:
		return &b.failure
	case `"responseId"`:
		return &b.id
	case `"modelVersion"`:
		return &b.model
	}
	return nil
}

// readAnswer checks and reads an answer in one look at its bytes; room is for its
// candidates. An answer may be the only element of a list.
func readAnswer(body []byte, room []answerCandidate) (rawjson.Value, answerBody, []answerCandidate, error) {
	var b answerBody
	c := rawjson.Checking(body)
	begin := c.I
	if c.Peek() != '{' {
		list := c.Skip()
		if err := c.End(); err != nil || list.Kind() != '[' || list.Len() != 1 || list.First().Kind() != '{' {
			return list, b, nil, err
		}
		return readAnswer(list.First(), room)
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		key, at := c.Key(), c.I
		if string(key) == `"candidates"` {
			room = readCandidates(&c, room[:0])
			b.candidates = rawjson.Value(body[at:c.I])
			continue
		}
		if v, slot := c.Skip(), b.slot(key); slot != nil {
			*slot = v
		}
	}
	whole := rawjson.Value(body[begin:c.I])
	return whole, b, room, c.End()
}

func readCandidates(c *rawjson.Cursor, room []answerCandidate) []answerCandidate {
	if c.Peek() != '[' {
		c.Skip()
	}
	for ok := c.Open('['); ok; ok = c.Next() {
		room = append(room, answerCandidate{})
		room[len(room)-1].read(c, len(room)-1)
	}
	return room
}

// answerCandidate is one candidate with its members still raw.
type answerCandidate struct {
	index                                       int
	parts, reason, message, grounding, logprobs rawjson.Value
	// noted says that there is something for notes.
	noted bool
	raw   rawjson.Value
}

// readCandidate reads a candidate; seat is its index when it does not say one.
func readCandidate(v rawjson.Value, seat int) (a answerCandidate) {
	a.read(&rawjson.Cursor{B: v}, seat)
	return a
}

// read reads the candidate at the cursor and steps over it.
func (a *answerCandidate) read(c *rawjson.Cursor, seat int) {
	at := c.I
	a.index = seat
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch key := c.Key(); string(key) {
		case `"index"`:
			if n, ok := c.Skip().Int(); ok && n >= 0 && n < maxChoices {
				a.index = int(n)
			}
		case `"content"`:
			a.parts = partsOf(c)
		case `"finishReason"`:
			a.reason = c.Skip()
		case `"finishMessage"`:
			a.message = c.Skip()
		case `"logprobsResult"`:
			a.logprobs = c.Skip()
		case `"groundingMetadata"`:
			a.grounding, a.noted = c.Skip(), true
		case `"urlContextMetadata"`, `"citationMetadata"`, `"safetyRatings"`:
			a.noted = true
			c.Skip()
		default:
			c.Skip()
		}
	}
	a.raw = rawjson.Value(c.B[at:c.I])
}

// partsOf steps over a content and returns its parts.
func partsOf(c *rawjson.Cursor) (parts rawjson.Value) {
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key()
		if v := c.Skip(); string(key) == `"parts"` && parts == nil {
			parts = v
		}
	}
	return parts
}

// reader takes the candidates of one answer apart.
type reader struct {
	calls callReader
	notes notes
}

func (r *reader) candidate(c *answerCandidate) (llm.Choice, error) {
	choice := llm.Choice{Index: c.index}
	b := choiceBuilder{r: r, choice: &choice, firstCall: -1}
	for _, part := range c.parts.Elems() {
		b.part(readPart(part))
	}
	for i := range choice.Parts {
		if call := choice.Parts[i].Call; call != nil && call.Name == "" {
			return choice, nameless()
		}
	}
	reason := c.reason.Text()
	if reason == statusLost && len(choice.Parts) == 0 {
		return choice, lostSignature()
	}
	choice.Finish = finish(reason, b.calls > 0)
	choice.ChoiceFields = finishFields(reason, c.message)
	choice.Logprobs = logprobs(c.logprobs)
	choice.Annotations = annotations(c.grounding, choice.Parts)
	if c.noted {
		r.notes.read(c.raw)
	}
	b.fields()
	return choice, nil
}

// maxChoices bounds the index of a candidate.
const maxChoices = 128

// choiceBuilder collects the parts of one candidate.
type choiceBuilder struct {
	r         *reader
	choice    *llm.Choice
	calls     int
	firstCall int // index within choice.Parts, −1 before the first call
	code      []byte
	server    []byte
	other     []byte
}

func (b *choiceBuilder) part(p answerPart) {
	switch {
	case p.call.Kind() == '{':
		b.call(&p)
	case p.inline.Kind() == '{':
		m, kind := p.media()
		b.add(llm.Part{Kind: kind, Media: m, State: p.state()})
	case p.code != nil:
		b.code = append(rawjson.AppendComma(open(b.code)), p.raw...)
	case p.server != nil:
		b.server = append(rawjson.AppendComma(open(b.server)), p.raw...)
	case p.thought:
		if text := p.text.Text(); text != "" || p.sig != nil {
			b.add(llm.Part{Kind: llm.PartThinking, Text: text, State: p.state()})
		}
	case p.text.Kind() == '"' && len(p.text) > 2:
		b.add(llm.Part{Kind: llm.PartText, Text: p.text.Text(), State: p.state()})
	case p.sig != nil:
		b.lateSignature(p.state())
	case p.otherwise:
		b.other = append(rawjson.AppendComma(open(b.other)), p.raw...)
	}
}

func (b *choiceBuilder) add(p llm.Part) { b.choice.Parts = append(b.choice.Parts, p) }

func (b *choiceBuilder) call(p *answerPart) {
	if b.firstCall < 0 {
		b.firstCall = len(b.choice.Parts)
	}
	call := b.r.calls.read(p.call, b.choice.Index, b.calls)
	b.calls++
	b.add(llm.Part{Kind: llm.PartToolCall, Call: call, State: p.state()})
}

// lateSignature files a signature that came in an empty part: it belongs to the
// first call when that has none, else to the last text (§2.8 G9).
func (b *choiceBuilder) lateSignature(s *llm.State) {
	if s == nil {
		return
	}
	if b.firstCall >= 0 && b.choice.Parts[b.firstCall].State == nil {
		b.choice.Parts[b.firstCall].State = s
		return
	}
	if n := len(b.choice.Parts); n > 0 && b.choice.Parts[n-1].Kind == llm.PartText && b.choice.Parts[n-1].State == nil {
		b.choice.Parts[n-1].State = s
		return
	}
	b.add(llm.Part{Kind: llm.PartText, State: s})
}

// fields moves what Chat Completions has no place for into the provider-specific
// fields.
func (b *choiceBuilder) fields() {
	for _, f := range []struct {
		name string
		list []byte
	}{{"code_execution", b.code}, {"server_side_tool_invocations", b.server}, {"parts", b.other}} {
		if f.list != nil {
			b.choice.Fields.Set(f.name, append(f.list, ']'))
		}
	}
}

// open begins a list unless it has begun.
func open(list []byte) []byte {
	if list == nil {
		return []byte{'['}
	}
	return list
}
