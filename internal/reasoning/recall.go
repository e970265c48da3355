package reasoning

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Recall answers for one body that passes through undecoded. What it finds it finds
// by the call alone: nobody has read the messages before it.
type Recall struct {
	Keeper   *Keeper
	Tenant   string
	Provider string

	loads int // from the store
}

// Reasoning returns the reasoning text of the answer that made the call.
func (r *Recall) Reasoning(callID string) (string, bool) {
	t, ok := r.get(idKey(r.Tenant, callID))
	if !ok {
		return "", false
	}
	var text strings.Builder
	for _, b := range t.Blocks {
		text.WriteString(b.Text)
	}
	return text.String(), text.Len() > 0
}

// State returns the thought signature of a call and the thinking blocks of the answer
// that made it. As [Keeper.Restore] does, it takes an id only together with the name:
// some clients number their calls anew in every conversation.
func (r *Recall) State(c *llm.ToolCall) (signature string, blocks []llm.Part) {
	t, at := r.turnOf(c)
	if t == nil {
		return "", nil
	}
	for _, b := range t.Blocks {
		if b.opaque() {
			state := &llm.State{Provider: t.Provider, Signature: b.Signature, Redacted: b.Redacted}
			blocks = append(blocks, llm.Part{Kind: llm.PartThinking, Text: b.Text, State: state})
		}
	}
	return t.Calls[at].Signature, blocks
}

// turnOf finds the turn that made a call, and which of its calls it is: by the id when
// the arguments fit too, then by name and arguments, then by id and name.
func (r *Recall) turnOf(c *llm.ToolCall) (*Turn, int) {
	var likely *turnIndex
	if c.ID != "" {
		if t, ok := r.get(idKey(r.Tenant, c.ID)); ok {
			if x := indexOf(t); x.has(c) {
				return t, x.index(c)
			} else if x.named(c) >= 0 {
				likely = x
			}
		}
	}
	if t, ok := r.get(callKey(r.Tenant, c.Name, canonical(c.Arguments))); ok {
		return t, indexOf(t).index(c)
	}
	if likely != nil {
		return likely.Turn, likely.named(c)
	}
	return nil, -1
}

// get finds a turn of this provider.
func (r *Recall) get(key Key) (*Turn, bool) {
	t, ok := r.Keeper.lookup(key)
	if !ok && r.loads < r.Keeper.mostLoads() {
		r.loads++
		t, ok = r.Keeper.load(key)
	}
	return t, ok && t.Provider == r.Provider
}
