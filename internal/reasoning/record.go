package reasoning

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Recorder collects the reasoning state of one answer, whole or streamed.
// The zero value with its exported fields set is ready. It watches the first
// choice only: alternatives are never sent back.
type Recorder struct {
	Tenant   string
	Provider string
	Request  *llm.Request

	turn    Turn
	text    strings.Builder
	thinks  strings.Builder // the text of the last block while it may still grow
	open    bool
	args    []*strings.Builder // the arguments of each call, piece by piece
	size    int
	tooLong bool
}

// maxRecorded bounds what one answer may make the recorder hold, in bytes.
const maxRecorded = 4 << 20

// Response records a whole answer.
func (r *Recorder) Response(resp *llm.Response) {
	for i := range resp.Choices {
		if resp.Choices[i].Index == 0 {
			r.parts(resp.Choices[i].Parts)
			return
		}
	}
}

func (r *Recorder) parts(parts []llm.Part) {
	for i := range parts {
		p := &parts[i]
		switch p.Kind {
		case llm.PartText:
			r.addText(p.Text)
			if p.State != nil {
				r.turn.TextSignature = p.State.Signature
			}
		case llm.PartThinking:
			r.thinking(p.Text, p.State)
			r.closeBlock()
		case llm.PartToolCall:
			r.call(p.Call, p.Call.Arguments, p.State)
		}
	}
}

// Event records one step of a streamed answer.
func (r *Recorder) Event(ev *llm.Event) {
	if ev.Choice != 0 || r.tooLong {
		return
	}
	switch ev.Kind {
	case llm.EventText:
		r.addText(ev.Delta)
		r.closeBlock()
		if ev.State != nil {
			r.turn.TextSignature = ev.State.Signature
		}
	case llm.EventThinking:
		r.thinking(ev.Delta, ev.State)
	case llm.EventToolCall:
		r.call(ev.Call, ev.Delta, ev.State)
	case llm.EventToolArgs:
		r.addArgs(ev.Index, ev.Delta)
	case llm.EventState:
		r.state(ev.Index, ev.State)
	case llm.EventRaw:
		r.raw(ev)
	}
}

// raw records what a chunk that passes through says beside its bytes: Delta is
// reasoning text, Call and Index a tool call that begins.
func (r *Recorder) raw(ev *llm.Event) {
	if ev.Delta != "" {
		r.thinking(ev.Delta, ev.State)
	}
	if ev.Call != nil {
		r.call(ev.Call, ev.Call.Arguments, nil)
	}
}

func (r *Recorder) grow(n int) bool {
	r.size += n
	if r.size > maxRecorded {
		r.tooLong = true
		r.turn = Turn{}
		r.text.Reset()
	}
	return !r.tooLong
}

func (r *Recorder) addText(s string) {
	if r.grow(len(s)) {
		r.text.WriteString(s)
	}
}

func (r *Recorder) thinking(text string, st *llm.State) {
	if !r.grow(len(text)) {
		return
	}
	if !r.open {
		r.turn.Blocks = append(r.turn.Blocks, Block{})
		r.open = true
	}
	r.thinks.WriteString(text)
	if st != nil {
		b := &r.turn.Blocks[len(r.turn.Blocks)-1]
		b.Signature, b.Redacted = st.Signature, st.Redacted
		r.closeBlock()
	}
}

func (r *Recorder) closeBlock() {
	if !r.open {
		return
	}
	r.turn.Blocks[len(r.turn.Blocks)-1].Text = r.thinks.String()
	r.thinks.Reset()
	r.open = false
}

func (r *Recorder) call(c *llm.ToolCall, args string, st *llm.State) {
	r.closeBlock()
	if !r.grow(len(c.ID) + len(c.Name) + len(args)) {
		return
	}
	rec := Call{ID: c.ID, Name: c.Name}
	if st != nil {
		rec.Signature = st.Signature
	}
	r.turn.Calls = append(r.turn.Calls, rec)
	b := &strings.Builder{}
	b.WriteString(args)
	r.args = append(r.args, b)
}

func (r *Recorder) addArgs(index int, delta string) {
	if index >= 0 && index < len(r.args) && r.grow(len(delta)) {
		r.args[index].WriteString(delta)
	}
}

func (r *Recorder) state(index int, st *llm.State) {
	switch {
	case st == nil:
	case index < 0:
		r.turn.TextSignature = st.Signature
	case index < len(r.turn.Calls):
		r.turn.Calls[index].Signature = st.Signature
	}
}

// worth reports whether there is state that a later turn may need.
func (r *Recorder) worth() bool {
	if r.turn.TextSignature != "" {
		return true
	}
	for _, c := range r.turn.Calls {
		if c.Signature != "" {
			return true
		}
	}
	// Reasoning without calls is never demanded back.
	return len(r.turn.Blocks) > 0 && len(r.turn.Calls) > 0
}

// Remember stores what the recorder saw, if it matters. It may be called more
// than once; the later call has the fuller turn.
func (k *Keeper) Remember(r *Recorder) {
	if r.tooLong || !r.worth() {
		return
	}
	r.closeBlock()
	t := r.turn
	t.Provider = r.Provider
	t.Calls = append([]Call(nil), t.Calls...)
	after := fingerprint(r.Request.Messages)
	keys := make([]Key, 0, 3*len(t.Calls)+1)
	for i := range t.Calls {
		c := &t.Calls[i]
		c.Arguments = canonical(r.args[i].String())
		if c.ID != "" { // Gemini gives none to a client of its own format
			keys = append(keys, idKey(r.Tenant, c.ID))
		}
		keys = append(keys, callKey(r.Tenant, c.Name, c.Arguments))
		if r.Request.Expanded {
			keys = append(keys, callAfterKey(r.Tenant, c.Name, c.Arguments, after))
		}
	}
	if t.TextSignature != "" && r.text.Len() > 0 {
		keys = append(keys, textKey(r.Tenant, r.text.String()))
	}
	if len(keys) > 0 {
		k.put(keys, &t)
	}
}
