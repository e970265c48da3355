package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// follower tells the tap of the calls of an answer that passes through, with their
// signatures. The first candidate is the one that clients go on from.
type follower struct {
	call     *wire.Call
	calls    int
	unsigned bool // the first call has no signature yet
}

func (f *follower) parts(c *answerCandidate) {
	if f.call.Tap == nil || c.index != 0 {
		return
	}
	for _, part := range c.parts.Elems() {
		p := readPart(part)
		switch {
		case p.call.Kind() == '{':
			f.begins(&p)
		case f.unsigned && p.sig != nil && p.text.Text() == "": // it came late (§2.8 G9)
			f.call.Tell(llm.Event{Kind: llm.EventState, State: p.state()})
			f.unsigned = false
		}
	}
}

func (f *follower) begins(p *answerPart) {
	st := p.state()
	if f.calls == 0 {
		f.unsigned = st == nil
	}
	call := callOf(p.call)
	f.call.Tell(llm.Event{Kind: llm.EventToolCall, Index: f.calls, Call: call, State: st, Delta: call.Arguments})
	f.calls++
}

// callOf reads a functionCall; the id is "" where nobody gave one.
func callOf(v rawjson.Value) *llm.ToolCall {
	call := &llm.ToolCall{Arguments: "{}"}
	for name, m := range members(v) {
		switch name {
		case "id":
			call.ID = m.Text()
		case "name":
			call.Name = m.Text()
		case "args":
			call.Arguments = string(m)
		}
	}
	return call
}

// recalled finds the real signature of a call whose client lost it, in its id or in the
// memory; "" when nobody knows it.
func (e *nativeEdit) recalled(made rawjson.Value) string {
	if e.repairs() {
		return ""
	}
	call := callOf(made)
	base, sig := signature.Split(call.ID)
	if std, ok := signature.Normalize(sig); ok && std != signature.Placeholder && !isEnvelope(std) {
		return std
	}
	if e.t.Recall == nil {
		return ""
	}
	call.ID = base
	sig, _ = e.t.Recall.State(call)
	if std, ok := signature.Normalize(sig); !ok || isEnvelope(std) || len(sig) > wire.MaxRecalled-e.recalledBytes {
		return ""
	}
	e.recalledBytes += len(sig)
	e.signatures++
	return sig
}
