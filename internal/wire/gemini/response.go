package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response implements [wire.Wire].
func (Wire) Response(c *wire.Call, body []byte) (*llm.Response, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		e := brokenAnswer("the answer is not JSON")
		e.Cause = err
		return nil, e
	}
	if v.Kind() == '[' {
		v = v.First()
	}
	if obj := v.Get("error"); obj.Present() {
		return nil, upstreamError(200, obj, body)
	}
	resp := &llm.Response{ID: v.Get("responseId").Text(), Model: v.Get("modelVersion").Text()}
	r := reader{calls: callReader{c: c, id: resp.ID}}
	for i, cand := range v.Get("candidates").Elems() {
		choice, err := r.candidate(cand, i)
		if err != nil {
			return nil, err
		}
		resp.Choices = append(resp.Choices, choice)
	}
	if len(resp.Choices) == 0 {
		reason := blocked(v.Get("promptFeedback"))
		if reason == "" {
			return nil, brokenAnswer("the answer has no candidates")
		}
		resp.Choices = []llm.Choice{{Finish: llm.FinishContentFilter, ChoiceFields: finishFields(reason, v.Path("promptFeedback", "blockReasonMessage"))}}
	}
	resp.Usage = usageOf(v.Get("usageMetadata"), r.notes.searches)
	resp.Extra = r.notes.fields()
	return resp, nil
}

// reader takes the candidates of one answer apart.
type reader struct {
	calls callReader
	notes notes
}

func (r *reader) candidate(v rawjson.Value, at int) (llm.Choice, error) {
	choice := llm.Choice{Index: at}
	if n, ok := v.Get("index").Int(); ok && n >= 0 && n < maxChoices {
		choice.Index = int(n)
	}
	b := choiceBuilder{r: r, choice: &choice, firstCall: -1}
	for _, part := range v.Path("content", "parts").Elems() {
		b.part(readPart(part))
	}
	reason := v.Get("finishReason").Text()
	if reason == statusLost && len(choice.Parts) == 0 {
		return choice, lostSignature()
	}
	choice.Finish = finish(reason, b.calls > 0)
	choice.ChoiceFields = finishFields(reason, v.Get("finishMessage"))
	choice.Logprobs = logprobs(v.Get("logprobsResult"))
	choice.Annotations = annotations(v.Get("groundingMetadata"), choice.Parts)
	r.notes.read(v)
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
