package reasoning

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// Restored counts what Restore put back, for the log.
type Restored struct{ Signatures, Blocks int }

// maxRestored bounds what one request gets back, in bytes: a client may repeat a call
// as often as it likes, and each time its answer's thoughts belong before it.
const maxRestored = 32 << 20

// maxLoads bounds the questions to the store for one request: three for each call of
// a long conversation.
const maxLoads = 8192

// partSize is what a part of a message costs besides its text, in bytes.
const partSize = 256

// Restore puts remembered state into the assistant messages of an expanded
// request for a provider, in place, and puts calls of one answer back into one
// message. It puts back at most 32 MiB; what is beyond that stays as it came.
func (k *Keeper) Restore(tenant, provider string, req *llm.Request) Restored {
	r := restorer{keeper: k, tenant: tenant, known: map[*Turn]*turnIndex{}, room: maxRestored}
	r.fetch(req.Messages)
	turns := make([]*Turn, len(req.Messages))
	for i := range req.Messages {
		m := &req.Messages[i]
		if m.Role != llm.Assistant {
			continue
		}
		t := r.turnOf(req.Messages[:i], m)
		if t == nil || t.Provider != provider {
			continue
		}
		turns[i] = t.Turn
		r.restoreSignatures(m, t)
		r.restoreBlocks(m, t)
	}
	req.Messages = regroup(req.Messages, turns)
	return r.done
}

// restorer restores one request.
type restorer struct {
	keeper *Keeper
	tenant string
	// known are the turns that this request has met.
	known map[*Turn]*turnIndex
	room  int // bytes
	loads int // from the store
	done  Restored
}

// get finds a turn and its index.
func (r *restorer) get(key Key) (*turnIndex, bool) {
	t, ok := r.keeper.lookup(key)
	if !ok && r.loads < maxLoads {
		r.loads++
		t, ok = r.keeper.load(key)
	}
	if !ok {
		return nil, false
	}
	x := r.known[t]
	if x == nil {
		x = indexOf(t)
		r.known[t] = x
	}
	return x, true
}

// fits takes n bytes of what may still be restored, if there are so many.
func (r *restorer) fits(n int) bool {
	if n > r.room {
		return false
	}
	r.room -= n
	return true
}

// turnOf finds the turn that an assistant message came from.
func (r *restorer) turnOf(before []llm.Message, m *llm.Message) *turnIndex {
	calls := callsOf(m)
	var likely *turnIndex // the id and the name fit, but the client changed the arguments
	for _, c := range calls {
		t, ok := r.get(idKey(r.tenant, c.ID))
		if ok && t.has(c) {
			return t
		}
		if ok && likely == nil && t.named(c) >= 0 {
			likely = t
		}
	}
	if t := r.byContent(before, calls); t != nil {
		return t
	}
	if likely != nil {
		return likely
	}
	if text := llm.JoinText(m.Parts); len(calls) == 0 && text != "" {
		if t, ok := r.get(textKey(r.tenant, text)); ok {
			return t
		}
	}
	return nil
}

// byContent finds the turn of calls by their names and arguments.
func (r *restorer) byContent(before []llm.Message, calls []*llm.ToolCall) *turnIndex {
	if len(calls) == 0 {
		return nil
	}
	after := fingerprint(before)
	for _, c := range calls {
		args := canonical(c.Arguments)
		if t, ok := r.get(callAfterKey(r.tenant, c.Name, args, after)); ok {
			return t
		}
		if t, ok := r.get(callKey(r.tenant, c.Name, args)); ok {
			return t
		}
	}
	return nil
}

func callsOf(m *llm.Message) []*llm.ToolCall {
	var calls []*llm.ToolCall
	for i := range m.Parts {
		if m.Parts[i].Call != nil {
			calls = append(calls, m.Parts[i].Call)
		}
	}
	return calls
}

// restoreSignatures fills in the signatures of calls and text that have none.
func (r *restorer) restoreSignatures(m *llm.Message, t *turnIndex) {
	hasCall := false
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Call == nil {
			continue
		}
		hasCall = true
		if at := t.index(p.Call); at >= 0 && t.Calls[at].Signature != "" && !signed(p, t.Provider) {
			r.sign(p, t, t.Calls[at].Signature)
		}
	}
	if hasCall || t.TextSignature == "" {
		return
	}
	for i := len(m.Parts) - 1; i >= 0; i-- {
		if p := &m.Parts[i]; p.Kind == llm.PartText && p.State == nil {
			r.sign(p, t, t.TextSignature)
			return
		}
	}
}

func (r *restorer) sign(p *llm.Part, t *turnIndex, sig string) {
	if r.fits(len(sig) + partSize) {
		p.State = &llm.State{Provider: t.Provider, Signature: sig}
		r.done.Signatures++
	}
}

func signed(p *llm.Part, provider string) bool {
	if p.State == nil || (p.State.Provider != "" && p.State.Provider != provider) {
		return false
	}
	_, ok := signature.Normalize(p.State.Signature)
	return ok
}

// restoreBlocks puts back thinking blocks that the client dropped. Blocks the
// client did keep are left alone: the upstream checks that they are unmodified.
func (r *restorer) restoreBlocks(m *llm.Message, t *turnIndex) {
	if !t.wanted || slices.ContainsFunc(m.Parts, keptBlock) || !r.fits(t.blocks) {
		return
	}
	parts := make([]llm.Part, 0, len(t.Blocks)+len(m.Parts))
	for _, b := range t.Blocks {
		p := llm.Part{Kind: llm.PartThinking, Text: b.Text}
		if b.opaque() {
			p.State = &llm.State{Provider: t.Provider, Signature: b.Signature, Redacted: b.Redacted}
		}
		parts = append(parts, p)
	}
	for _, p := range m.Parts {
		if p.Kind != llm.PartThinking {
			parts = append(parts, p)
		}
	}
	m.Parts = parts
	r.done.Blocks += len(t.Blocks)
}

// wantsBlocks reports whether the provider may demand the blocks back: those with
// state of their own, and plain reasoning of a turn whose calls carry no signature
// in its place.
func (t *Turn) wantsBlocks() bool {
	signed := func(c Call) bool { return c.Signature != "" }
	return slices.ContainsFunc(t.Blocks, Block.opaque) || len(t.Blocks) > 0 && len(t.Calls) > 0 && !slices.ContainsFunc(t.Calls, signed)
}

func (b Block) opaque() bool { return b.Signature != "" || b.Redacted != "" }

func keptBlock(p llm.Part) bool {
	return p.Kind == llm.PartThinking && p.State != nil && (p.State.Signature != "" || p.State.Redacted != "")
}

// regroup merges assistant messages that hold the calls of one answer, when only
// tool results stand between them: call, result, call, result becomes calls,
// results. turns[i] is the turn of message i, or nil.
func regroup(messages []llm.Message, turns []*Turn) []llm.Message {
	out := messages[:0:0]
	var home int // index in out of the message that the running turn began with
	own := false // its parts are a copy already
	var running *Turn
	changed := false
	for i := range messages {
		m := messages[i]
		switch {
		case m.Role == llm.Tool:
			out = append(out, m)
			continue
		case m.Role == llm.Assistant && running != nil && turns[i] == running && len(out) > home+1:
			if !own {
				out[home].Parts = slices.Clip(out[home].Parts)
			}
			out[home].Parts = append(out[home].Parts, m.Parts...)
			changed, own = true, true
			continue
		}
		out = append(out, m)
		running = nil
		if m.Role == llm.Assistant && turns[i] != nil && len(turns[i].Calls) > 1 && len(callsOf(&m)) < len(turns[i].Calls) {
			running, home, own = turns[i], len(out)-1, false
		}
	}
	if !changed {
		return messages
	}
	return out
}
