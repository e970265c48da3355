package gemini

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// itemKind orders the parts of a model's turn: what Gemini itself would write
// first stands first.
type itemKind uint8

const (
	itemThought itemKind = iota + 1
	itemText
	itemMedia
	itemCall
	itemResult
)

// item is one part of a turn before it is written.
type item struct {
	kind itemKind
	text string
	// sig is a valid thought signature in standard base64, or "".
	sig string
	// media of an itemMedia, with the kind of the part it came from.
	media *llm.Media
	from  llm.PartKind
	// call of an itemCall, and of an itemResult the call that it answers.
	call *llm.ToolCall
	// result of an itemResult, nil when the client sent none.
	result *llm.ToolResult
}

// turn is one entry of contents.
type turn struct {
	model bool
	// results marks the user turn that answers the calls before it.
	results bool
	items   []item
	// calls and signed say that a call, or a signed text, is among the items of the
	// model.
	calls, signed bool
}

// conversation builds the turns message by message. What lies between two
// messages of the assistant is gathered first, since all results of one turn
// must stand in one user turn, directly after the calls (§2.5.2).
type conversation struct {
	e       *encoder
	turns   []turn
	results []*llm.ToolResult
	user    []item
}

// turns translates the messages; first is the index of the first of them in the
// request, for reports.
func (e *encoder) turns(messages []llm.Message, first int) []turn {
	c := conversation{e: e, turns: make([]turn, 0, len(messages)+1)}
	for i := range messages {
		c.add(&messages[i], first+i)
	}
	c.flush()
	c.frame(first > 0)
	return c.turns
}

func (c *conversation) add(m *llm.Message, at int) {
	if m.Name != "" && m.Role != llm.Tool {
		c.e.drop(fmt.Sprintf("messages[%d].name", at), "Gemini knows no names of speakers")
	}
	c.e.noteMarker(m.CacheControl)
	if m.Role == llm.Assistant {
		c.assistant(m, at)
		return
	}
	for i := range m.Parts {
		c.e.noteMarker(m.Parts[i].CacheControl)
		if r := m.Parts[i].Result; m.Parts[i].Kind == llm.PartToolResult && r != nil {
			c.results = append(c.results, r)
			continue
		}
		if it, ok := c.e.userItem(&m.Parts[i]); ok {
			c.user = append(c.user, it)
		} else if m.Parts[i].Text != "" || m.Parts[i].Kind != llm.PartText {
			c.e.drop(fmt.Sprintf("messages[%d].content[%d]", at, i), "Gemini has no such part")
		}
	}
}

func (e *encoder) userItem(p *llm.Part) (item, bool) {
	switch p.Kind {
	case llm.PartText, llm.PartRefusal:
		return item{kind: itemText, text: p.Text}, p.Text != ""
	case llm.PartImage, llm.PartAudio, llm.PartVideo, llm.PartFile:
		if p.Media == nil {
			return item{}, false
		}
		e.noteResolution(p)
		return item{kind: itemMedia, media: p.Media, from: p.Kind}, sendable(p.Media)
	}
	return item{}, false
}

// assistant adds a turn of the model. It joins the turn before it when nothing
// lies between, except that a signed text stays alone: Gemini wants a signature
// back in the part, and the turn, that it came in (§2.3, §2.8 G7). With calls the
// turns must join, since calls may only follow a user turn.
func (c *conversation) assistant(m *llm.Message, at int) {
	items, calls := c.modelItems(m, at)
	if len(items) == 0 {
		return
	}
	next := turn{model: true, items: items, calls: calls, signed: signedText(items)}
	if last := c.openModelTurn(); last != nil && (calls || last.calls || !last.signed && !next.signed) {
		last.join(next)
		if calls {
			c.joinModelTurns()
		}
		return
	}
	c.flush()
	c.turns = append(c.turns, next)
}

// joinModelTurns joins the turns of the model at the end into one.
func (c *conversation) joinModelTurns() {
	first := len(c.turns) - 1
	for first > 0 && c.turns[first-1].model {
		first--
	}
	for _, next := range c.turns[first+1:] {
		c.turns[first].join(next)
	}
	c.turns = c.turns[:first+1]
}

// join appends another turn of the model.
func (t *turn) join(next turn) {
	t.items = append(t.items, next.items...)
	t.calls, t.signed = t.calls || next.calls, t.signed || next.signed
}

// openModelTurn is the model's turn that nothing has followed yet, or nil.
func (c *conversation) openModelTurn() *turn {
	if len(c.turns) == 0 || len(c.results) > 0 || len(c.user) > 0 || !c.turns[len(c.turns)-1].model {
		return nil
	}
	return &c.turns[len(c.turns)-1]
}

func (c *conversation) modelItems(m *llm.Message, at int) (items []item, calls bool) {
	items = make([]item, 0, len(m.Parts))
	for i := range m.Parts {
		p := &m.Parts[i]
		c.e.noteMarker(p.CacheControl)
		it, ok := c.e.modelItem(p)
		switch {
		case ok:
			items, calls = append(items, it), calls || it.kind == itemCall
		case p.Kind == llm.PartThinking:
			c.e.drop("reasoning", "Gemini takes only thoughts that it signed itself")
		case p.Text != "" || (p.Kind != llm.PartText && p.Kind != llm.PartRefusal):
			c.e.drop(fmt.Sprintf("messages[%d].content[%d]", at, i), "Gemini has no such part in an answer")
		}
	}
	return items, calls
}

func (e *encoder) modelItem(p *llm.Part) (item, bool) {
	switch p.Kind {
	case llm.PartThinking:
		sig := e.ownSignature(p.State)
		return item{kind: itemThought, text: p.Text, sig: sig}, sig != "" && p.State.Redacted == ""
	case llm.PartText, llm.PartRefusal:
		sig := e.ownSignature(p.State)
		return item{kind: itemText, text: p.Text, sig: sig}, p.Text != "" || sig != ""
	case llm.PartToolCall:
		if p.Call == nil || p.Call.Server {
			return item{}, false
		}
		return item{kind: itemCall, call: p.Call, sig: e.signature(p.State)}, true
	}
	it, ok := e.userItem(p)
	it.sig = e.ownSignature(p.State)
	return it, ok
}

// signature returns the signature of a call in standard base64, or "" when there
// is none that this model may see.
func (e *encoder) signature(s *llm.State) string {
	if s == nil || (s.Provider != Name && s.Provider != "") || !e.model.gemini && !e.model.g3 || e.repairs() {
		return ""
	}
	std, ok := signature.Normalize(strings.TrimPrefix(s.Signature, Name+":"))
	if !ok {
		return ""
	}
	return std
}

// ownSignature is signature for parts where an unlabelled one may just as well be
// another provider's, and where a placeholder would mean nothing.
func (e *encoder) ownSignature(s *llm.State) string {
	if s == nil || s.Provider != Name {
		return ""
	}
	if sig := e.signature(s); sig != signature.Placeholder {
		return sig
	}
	return ""
}

func hasCall(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.kind == itemCall })
}

func signedText(items []item) bool {
	return slices.ContainsFunc(items, func(it item) bool { return it.kind == itemText && it.sig != "" })
}

// flush ends the stretch between two turns of the model: results first, then what
// the user said, in turns of their own (a text after results within one content
// is refused by some models).
func (c *conversation) flush() {
	calls := c.seal()
	answers, orphans := pair(calls, c.results)
	if len(answers) > 0 {
		c.turns = append(c.turns, turn{results: true, items: answers})
	}
	if n := len(c.turns); len(orphans)+len(c.user) > 0 {
		if n == 0 || c.turns[n-1].model || c.turns[n-1].results {
			c.turns = append(c.turns, turn{})
			n++
		}
		c.turns[n-1].items = slices.Concat(c.turns[n-1].items, orphans, c.user)
	}
	c.results, c.user = c.results[:0], c.user[:0]
}

// seal puts the parts of the last turn, when it is the model's, in their final
// order and settles its signatures. It returns the calls in that order.
func (c *conversation) seal() []*llm.ToolCall {
	if len(c.turns) == 0 || !c.turns[len(c.turns)-1].model {
		return nil
	}
	items := c.turns[len(c.turns)-1].items
	slices.SortStableFunc(items, func(a, b item) int { return int(a.kind) - int(b.kind) })
	first := slices.IndexFunc(items, func(it item) bool { return it.kind == itemCall })
	if first < 0 {
		return nil
	}
	c.e.sign(items[:first], items[first:])
	calls := make([]*llm.ToolCall, 0, len(items)-first)
	for _, it := range items[first:] {
		calls = append(calls, it.call)
	}
	return calls
}

// sign leaves exactly the signature that Gemini demands on the calls of one turn:
// the first call has its own one or, from generation 3 on, the placeholder, no
// other call has any (§2.9 rules 5–7). A signed call that a client moved back
// comes to the front again.
func (e *encoder) sign(before, calls []item) {
	if at := slices.IndexFunc(calls, func(it item) bool { return it.sig != "" }); at > 0 {
		signed := calls[at]
		copy(calls[1:at+1], calls[:at])
		calls[0] = signed
	}
	for i := range calls[1:] {
		calls[i+1].sig = ""
	}
	switch sig := calls[0].sig; {
	case sig == "" && e.model.g3:
		calls[0].sig = signature.Placeholder
	case sig == signature.Placeholder && !e.model.g3:
		calls[0].sig = ""
	}
	for i := range before {
		if before[i].sig == calls[0].sig {
			before[i].sig = ""
		}
	}
}

// frame makes the turns an acceptable conversation as a whole: never empty, no
// call before any user turn, and a user's turn at the end for models that demand
// it (§2.3).
func (c *conversation) frame(hasSystem bool) {
	switch {
	case len(c.turns) == 0 && hasSystem:
		c.turns = append(c.turns, textTurn("."))
	case len(c.turns) == 0:
		c.turns = append(c.turns, textTurn(" "))
	case c.turns[0].model && hasCall(c.turns[0].items):
		c.turns = slices.Insert(c.turns, 0, textTurn("."))
	}
	if last := c.turns[len(c.turns)-1]; last.model && !c.e.model.prefill {
		c.e.drop("messages", "a user turn was added, because "+c.e.model.name+" takes no request that ends with an answer")
		c.turns = append(c.turns, textTurn("Continue."))
	}
}

func textTurn(text string) turn { return turn{items: []item{{kind: itemText, text: text}}} }
