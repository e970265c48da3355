package anthropic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// The texts that stand where Anthropic demands a message or text and the client
// sent none.
const (
	emptyText    = "[System: this message was empty.]"
	openingText  = "."
	continueText = "Continue."
	onlySystem   = "Please continue."
)

// turn is one message to write: a role and its blocks within the builder's slab.
type turn struct {
	role     llm.Role // User, Assistant or System
	from, to int
	// paired is the end of the blocks that are paired with their calls already: a turn
	// that was closed may be opened again.
	paired int
}

// pending is a tool use that waits for its result.
type pending struct {
	client, name string
	id           string
	block        int // of its result, -1 while there is none
}

// builder arranges a conversation as Anthropic demands: user and assistant take
// turns, the first is the user's, and every tool use has exactly one result at the
// start of the next message.
type builder struct {
	e      *encoder
	blocks []block
	turns  []turn
	ids    idMap
	calls  []pending
	// waits finds the calls of a result among many.
	waits queues
	spare []block
	// served are the ids of the message's calls that Anthropic ran and whose results
	// it holds.
	served map[string]bool
	// systems counts the messages left of a run of system messages, of which open says
	// whether it stands before an answer.
	systems int
	open    bool
}

// conversation arranges the messages after the leading run of system messages.
func (b *builder) conversation(msgs []llm.Message) {
	b.blocks = make([]block, 0, len(msgs)+len(msgs)/2+4)
	b.turns = make([]turn, 0, len(msgs)+2)
	for i := range msgs {
		switch m := &msgs[i]; m.Role {
		case llm.System, llm.Developer:
			b.look(msgs[i:])
			b.system(m)
		case llm.Assistant:
			b.assistant(m)
		default:
			b.user(m)
		}
	}
	b.finish()
}

// add appends a block to the turn of this role, beginning one when needed.
func (b *builder) add(role llm.Role, blk block) {
	last := len(b.turns) - 1
	if last >= 0 && b.turns[last].role == llm.System && role == llm.User {
		b.foldSystem()
		last--
	}
	if last < 0 || b.turns[last].role != role {
		b.closeTurn()
		if len(b.turns) == 0 && role != llm.User {
			b.begin(llm.User)
			b.push(block{kind: blockText, text: openingText})
		}
		b.begin(role)
	}
	b.push(blk)
}

func (b *builder) begin(role llm.Role) {
	b.turns = append(b.turns, turn{role, len(b.blocks), len(b.blocks), len(b.blocks)})
}

func (b *builder) push(blk block) {
	b.blocks = append(b.blocks, blk)
	b.turns[len(b.turns)-1].to = len(b.blocks)
}

// last returns the role of the open turn, "" before the first.
func (b *builder) last() llm.Role {
	if len(b.turns) == 0 {
		return ""
	}
	return b.turns[len(b.turns)-1].role
}

// of returns the blocks of turn i.
func (b *builder) of(i int) []block { return b.blocks[b.turns[i].from:b.turns[i].to] }

// user takes the messages of users and tools: to Anthropic both are the user's.
func (b *builder) user(m *llm.Message) {
	n := len(b.blocks)
	for i := range m.Parts {
		b.userPart(&m.Parts[i])
	}
	if len(b.blocks) > n {
		b.markLast(m)
		return
	}
	if m.Role == llm.User && b.last() != llm.User {
		b.add(llm.User, block{kind: blockText, text: emptyText})
	}
}

func (b *builder) userPart(p *llm.Part) {
	switch p.Kind {
	case llm.PartToolResult:
		b.result(p)
	case llm.PartToolCall, llm.PartThinking:
		b.e.drop(partName(p), "it stands in a message that is not the assistant's")
	default:
		if blk, ok := b.e.contentBlock(p); ok {
			b.add(llm.User, blk)
		}
	}
}

func (b *builder) result(p *llm.Part) {
	if p.Result == nil {
		return
	}
	if serverID(p.Result.CallID) {
		b.e.drop("result of "+p.Result.CallID, "the provider itself ran this tool")
		return
	}
	b.add(llm.User, block{kind: blockResult, part: p, cache: cacheControl(p.CacheControl)})
}

// markLast puts the cache marker of a whole message on its last block.
func (b *builder) markLast(m *llm.Message) {
	if c := cacheControl(m.CacheControl); c != nil {
		last := &b.blocks[len(b.blocks)-1]
		if last.cache == nil && !last.thinks() {
			last.cache = c
		}
	}
}

// serverID recognises the id of a call that Anthropic runs itself.
func serverID(id string) bool {
	return strings.HasPrefix(id, "srvtoolu_") || strings.HasPrefix(id, "mcptoolu_")
}

func (b *builder) assistant(m *llm.Message) {
	n := len(b.blocks)
	b.served = servedCalls(m)
	for i := range m.Parts {
		b.assistantPart(&m.Parts[i])
	}
	if len(b.blocks) > n {
		b.markLast(m)
	}
}

func (b *builder) assistantPart(p *llm.Part) {
	switch p.Kind {
	case llm.PartText, llm.PartRefusal:
		if !blank(p.Text) {
			b.add(llm.Assistant, block{kind: blockText, text: p.Text, part: p, cache: cacheControl(p.CacheControl)})
		}
	case llm.PartThinking:
		b.thinking(p)
	case llm.PartToolCall:
		b.call(p)
	case llm.PartUnknown:
		if passableBlock(p.Raw.Get("type")) {
			b.add(llm.Assistant, block{kind: blockRaw, part: p})
			return
		}
		b.e.drop(partName(p), "Anthropic does not know it")
	default:
		b.e.drop(partName(p)+" of the assistant", "Anthropic takes only text and tool calls from the assistant")
	}
}

func (b *builder) thinking(p *llm.Part) {
	kind := thinkingBlock(p)
	switch {
	case b.e.t.Repair == wire.RepairThinking:
		b.e.drop("thinking_blocks", "Anthropic refused them")
	case kind == blockSkip:
		b.e.drop("reasoning_content", "it carries no signature of Anthropic")
	default:
		b.add(llm.Assistant, block{kind: kind, part: p})
	}
}

// thinkingBlock tells how thinking goes back: only what Anthropic signed does.
func thinkingBlock(p *llm.Part) blockKind {
	s := p.State
	switch {
	case s == nil || s.Provider != "" && s.Provider != providerName:
		return blockSkip
	case s.Redacted != "":
		return blockRedacted
	case s.Signature == "" || strings.HasPrefix(s.Signature, "gemini:"):
		return blockSkip
	}
	return blockThinking
}

func (b *builder) call(p *llm.Part) {
	if p.Call == nil {
		return
	}
	if !p.Call.Server && !serverID(p.Call.ID) {
		b.add(llm.Assistant, block{
			kind: blockToolUse, part: p, id: b.ids.use(p.Call.ID), cache: cacheControl(p.CacheControl),
		})
		return
	}
	if !b.served[p.Call.ID] {
		b.e.drop("call "+p.Call.ID, "the provider itself ran this tool and its result did not come back")
		return
	}
	b.add(llm.Assistant, block{kind: blockServerUse, part: p, id: p.Call.ID})
}

// servedCalls lists the calls that Anthropic ran and whose result blocks the message
// brings back: one without the other is refused. Most messages have none: nil.
func servedCalls(m *llm.Message) map[string]bool {
	var ids map[string]bool
	for i := range m.Parts {
		if p := &m.Parts[i]; p.Kind == llm.PartUnknown {
			if id, ok := p.Raw.Get("tool_use_id").Str(); ok {
				if ids == nil {
					ids = map[string]bool{}
				}
				ids[id] = true
			}
		}
	}
	return ids
}

// system handles a system message within the conversation: it stays where it
// stands, on models that know such messages in place, else as a reminder from the
// user. It never moves to the top, which would break the cached prefix.
func (b *builder) system(m *llm.Message) {
	inPlace := b.e.model.systemInPlace() && (b.last() == llm.System || b.last() == llm.User && b.open)
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != llm.PartText || blank(p.Text) {
			continue
		}
		blk := block{kind: blockText, text: p.Text, cache: cacheControl(p.CacheControl)}
		if inPlace {
			b.add(llm.System, blk)
			continue
		}
		blk.text = reminder(p.Text)
		b.add(llm.User, blk)
	}
}

func reminder(text string) string { return "<system-reminder>\n" + text + "\n</system-reminder>" }

// look reads a run of system messages once, at its first: it is open when the next
// other message is the assistant's, or none.
func (b *builder) look(msgs []llm.Message) {
	if b.systems--; b.systems > 0 {
		return
	}
	b.systems = slices.IndexFunc(msgs, func(m llm.Message) bool { return m.Role != llm.System && m.Role != llm.Developer })
	b.open = b.systems < 0 || msgs[b.systems].Role == llm.Assistant
	if b.systems < 0 {
		b.systems = len(msgs)
	}
}

// foldSystem turns an in-place system turn back into a reminder of the user turn
// before it, because another user block follows.
func (b *builder) foldSystem() {
	last := len(b.turns) - 1
	for i := b.turns[last].from; i < b.turns[last].to; i++ {
		b.blocks[i].text = reminder(b.blocks[i].text)
	}
	b.turns[last-1].to = b.turns[last].to
	b.turns = b.turns[:last]
}

// finish closes the last turn and gives the conversation the ending it needs.
func (b *builder) finish() {
	b.closeTurn()
	if len(b.calls) > 0 { // the assistant's calls are last: nobody answered them
		b.begin(llm.User)
		b.closeTurn()
	}
	if len(b.turns) == 0 {
		b.begin(llm.User)
		b.push(block{kind: blockText, text: onlySystem})
	}
}

// closeTurn ends the open turn: an assistant's calls become pending, a user's
// results are paired with them.
func (b *builder) closeTurn() {
	last := len(b.turns) - 1
	if last < 0 {
		return
	}
	switch b.turns[last].role {
	case llm.Assistant:
		b.collectCalls(b.of(last))
	case llm.User:
		b.pair(last)
		b.turns[last].paired = b.turns[last].to
		b.calls = b.calls[:0]
	}
}

func (b *builder) collectCalls(blocks []block) {
	b.calls = b.calls[:0]
	for i := range blocks {
		if c := &blocks[i]; c.kind == blockToolUse {
			b.calls = append(b.calls, pending{c.part.Call.ID, c.part.Call.Name, c.id, -1})
		}
	}
}

// pair gives every pending call its result and puts the results first. A result
// without a call becomes text; a call without a result gets a stand-in.
func (b *builder) pair(last int) {
	blocks := b.of(last)
	matched := b.match(blocks, b.turns[last].paired-b.turns[last].from)
	if len(b.calls) == 0 || matched == len(b.calls) && resultsFirst(blocks) {
		return // without calls no result is left to be put first
	}
	b.spare = append(b.spare[:0], blocks...)
	b.blocks = b.blocks[:b.turns[last].from]
	for i := range b.spare {
		if b.spare[i].kind == blockResult {
			b.push(b.spare[i])
		}
	}
	for i := range b.calls {
		if c := &b.calls[i]; c.block < 0 {
			b.e.drop("tool result of "+c.client, "it was missing; a stand-in says so to the model")
			b.push(block{kind: blockMissing, id: c.id})
		}
	}
	for i := range b.spare {
		if b.spare[i].kind != blockResult {
			b.push(b.spare[i])
		}
	}
}

// match sets the ids of the results from an index on, turns orphans into text and returns how many
// calls have their result.
func (b *builder) match(blocks []block, from int) (matched int) {
	b.waits.fill(b.calls)
	for i := from; i < len(blocks); i++ {
		r := &blocks[i]
		if r.kind != blockResult {
			continue
		}
		if c := b.waiting(r.part.Result); c != nil {
			c.block, r.id = i, c.id
			matched++
			continue
		}
		b.e.drop("tool result of "+r.part.Result.CallID, "no call waits for it; it is sent as text")
		*r = orphan(r)
	}
	return matched
}

// waiting finds the unanswered call of a result: by id, without an id by name, and
// with neither by position.
func (b *builder) waiting(r *llm.ToolResult) *pending {
	if len(b.calls) > fewCalls {
		if at := b.waits.next(b.calls, r); at != noCall {
			return &b.calls[at]
		}
		return nil
	}
	for i := range b.calls {
		if c := &b.calls[i]; c.block < 0 && c.fits(r) {
			return c
		}
	}
	return nil
}

// fits reports whether a result answers the call.
func (c *pending) fits(r *llm.ToolResult) bool {
	return c.client == r.CallID || r.CallID == "" && (r.Name == "" || r.Name == c.name)
}

func orphan(r *block) block {
	name := r.part.Result.Name
	if name == "" {
		name = r.part.Result.CallID
	}
	return block{kind: blockText, text: fmt.Sprintf("[Result of the tool call %s]\n%s", name, r.part.Result.Text()), cache: r.cache}
}

// resultsFirst reports whether no result follows another block.
func resultsFirst(blocks []block) bool {
	other := false
	for i := range blocks {
		if blocks[i].kind != blockResult {
			other = true
		} else if other {
			return false
		}
	}
	return true
}
