package reasoning

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// Restored counts what Restore put back, for the log.
type Restored struct{ Signatures, Blocks int }

// Restore puts remembered state into the assistant messages of an expanded
// request for a provider, in place, and puts calls of one answer back into one
// message.
func (k *Keeper) Restore(tenant, provider string, req *llm.Request) Restored {
	var done Restored
	turns := make([]*Turn, len(req.Messages))
	for i := range req.Messages {
		m := &req.Messages[i]
		if m.Role != llm.Assistant {
			continue
		}
		t := k.turnOf(tenant, req.Messages[:i], m)
		if t == nil || t.Provider != provider {
			continue
		}
		turns[i] = t
		done.Signatures += restoreSignatures(m, t)
		done.Blocks += restoreBlocks(m, t)
	}
	req.Messages = regroup(req.Messages, turns)
	return done
}

// turnOf finds the turn that an assistant message came from.
func (k *Keeper) turnOf(tenant string, before []llm.Message, m *llm.Message) *Turn {
	calls := callsOf(m)
	var likely *Turn // the id and the name fit, but the client changed the arguments
	for _, c := range calls {
		t, ok := k.get(idKey(tenant, c.ID))
		if ok && t.has(c) {
			return t
		}
		if ok && likely == nil && slices.ContainsFunc(t.Calls, func(x Call) bool { return x.ID == c.ID && x.Name == c.Name }) {
			likely = t
		}
	}
	for _, c := range calls {
		args := canonical(c.Arguments)
		if t, ok := k.get(callAfterKey(tenant, c.Name, args, fingerprint(before))); ok {
			return t
		}
		if t, ok := k.get(callKey(tenant, c.Name, args)); ok {
			return t
		}
	}
	if likely != nil {
		return likely
	}
	if text := llm.JoinText(m.Parts); len(calls) == 0 && text != "" {
		if t, ok := k.get(textKey(tenant, text)); ok {
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

// has reports whether the turn made this call. An id alone is not enough: some
// clients number their calls anew in every conversation (call_1).
func (t *Turn) has(c *llm.ToolCall) bool {
	args := canonical(c.Arguments)
	return slices.ContainsFunc(t.Calls, func(x Call) bool { return x.Name == c.Name && x.Arguments == args })
}

func (t *Turn) index(c *llm.ToolCall) int {
	args := canonical(c.Arguments)
	same := func(x Call) bool { return x.Name == c.Name && x.Arguments == args }
	if i := slices.IndexFunc(t.Calls, func(x Call) bool { return x.ID == c.ID && same(x) }); i >= 0 {
		return i
	}
	if i := slices.IndexFunc(t.Calls, same); i >= 0 {
		return i
	}
	return slices.IndexFunc(t.Calls, func(x Call) bool { return x.ID == c.ID && x.Name == c.Name })
}

// restoreSignatures fills in the signatures of calls and text that have none.
func restoreSignatures(m *llm.Message, t *Turn) int {
	n := 0
	hasCall := false
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Call == nil {
			continue
		}
		hasCall = true
		if at := t.index(p.Call); at >= 0 && t.Calls[at].Signature != "" && !signed(p, t.Provider) {
			p.State = &llm.State{Provider: t.Provider, Signature: t.Calls[at].Signature}
			n++
		}
	}
	if hasCall || t.TextSignature == "" {
		return n
	}
	for i := len(m.Parts) - 1; i >= 0; i-- {
		if p := &m.Parts[i]; p.Kind == llm.PartText && p.State == nil {
			p.State = &llm.State{Provider: t.Provider, Signature: t.TextSignature}
			return n + 1
		}
	}
	return n
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
func restoreBlocks(m *llm.Message, t *Turn) int {
	if !t.wantsBlocks() || slices.ContainsFunc(m.Parts, keptBlock) {
		return 0
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
	return len(t.Blocks)
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
	var running *Turn
	changed := false
	for i := range messages {
		m := messages[i]
		switch {
		case m.Role == llm.Tool:
			out = append(out, m)
			continue
		case m.Role == llm.Assistant && running != nil && turns[i] == running && len(out) > home+1:
			out[home].Parts = append(slices.Clip(out[home].Parts), m.Parts...)
			changed = true
			continue
		}
		out = append(out, m)
		running = nil
		if m.Role == llm.Assistant && turns[i] != nil && len(turns[i].Calls) > 1 && len(callsOf(&m)) < len(turns[i].Calls) {
			running, home = turns[i], len(out)-1
		}
	}
	if !changed {
		return messages
	}
	return out
}

// Recall answers for bodies that pass through undecoded.
type Recall struct {
	Keeper   *Keeper
	Tenant   string
	Provider string
}

// Reasoning returns the reasoning text of the answer that made the call.
func (r Recall) Reasoning(callID string) (string, bool) {
	t, ok := r.Keeper.get(idKey(r.Tenant, callID))
	if !ok || t.Provider != r.Provider {
		return "", false
	}
	text := ""
	for _, b := range t.Blocks {
		text += b.Text
	}
	return text, text != ""
}
