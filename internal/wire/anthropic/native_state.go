package anthropic

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// follower tells the tap of the thinking blocks of an answer that passes through, and
// of the calls after them. An answer that does not think costs nothing.
type follower struct {
	call    *wire.Call
	thought bool // a thinking block has come
	calls   int
	// input is the index of the block whose input comes piece by piece.
	input   int64
	reading bool
}

// opens reads the start of a block, or a whole one.
func (f *follower) opens(index int64, b rawjson.Value) {
	if f.call.Tap == nil {
		return
	}
	switch string(b.Get("type").Bare()) {
	case "thinking":
		f.thought = true
		f.thinks(b)
	case "redacted_thinking":
		f.thought = true
		f.call.Tell(llm.Event{Kind: llm.EventThinking, State: &llm.State{Provider: providerName, Redacted: b.Get("data").Text()}})
	case "tool_use":
		if f.thought {
			f.begins(index, b)
		}
	}
}

func (f *follower) thinks(v rawjson.Value) {
	if text := v.Get("thinking").Text(); text != "" {
		f.call.Tell(llm.Event{Kind: llm.EventThinking, Delta: text})
	}
	if st := signed(v.Get("signature").Text()); st != nil {
		f.call.Tell(llm.Event{Kind: llm.EventThinking, State: st})
	}
}

func (f *follower) begins(index int64, b rawjson.Value) {
	ev := llm.Event{
		Kind: llm.EventToolCall, Index: f.calls,
		Call: &llm.ToolCall{ID: b.Get("id").Text(), Name: b.Get("name").Text()},
	}
	if input := b.Get("input"); input.Len() > 0 { // of a whole answer; a stream begins with {}
		ev.Delta = string(input)
	}
	f.call.Tell(ev)
	f.input, f.reading = index, true
	f.calls++
}

// delta reads a piece of a block.
func (f *follower) delta(v rawjson.Value) {
	if !f.thought || f.call.Tap == nil {
		return
	}
	d := v.Get("delta")
	switch string(d.Get("type").Bare()) {
	case "thinking_delta", "signature_delta":
		f.thinks(d)
	case "input_json_delta":
		if index, _ := v.Get("index").Int(); f.reading && index == f.input {
			f.call.Tell(llm.Event{Kind: llm.EventToolArgs, Index: f.calls - 1, Delta: d.Get("partial_json").Text()})
		}
	}
}

// tellState tells the tap of a whole answer.
func tellState(c *wire.Call, content rawjson.Value) {
	if c.Tap == nil || !bytes.Contains(content, []byte("thinking")) {
		return
	}
	f := follower{call: c}
	for i, b := range content.Elems() {
		f.opens(int64(i), b)
	}
}

// thinks reports whether the client, or the deployment, wants thinking.
func (n *nativeEncoder) thinks(thinking rawjson.Value) bool {
	if !thinking.Present() {
		for _, p := range n.t.Defaults {
			if p.Name == "thinking" {
				thinking = p.Value
			}
		}
	}
	kind := thinking.Get("type")
	return kind.Is("enabled") || kind.Is("adaptive")
}

// recalled puts the thinking blocks back that a client has dropped from its turns with
// tool calls: a model that thinks refuses the running one without. Only such a message
// changes.
func (n *nativeEncoder) recalled(list, thinking rawjson.Value) rawjson.Value {
	if n.t.Recall == nil || n.t.Repair == wire.RepairThinking || !bytes.Contains(list, []byte("tool_use")) || !n.thinks(thinking) {
		return list
	}
	var dst rawjson.Value
	from := 0 // what is before it has been copied
	c := rawjson.Cursor{B: list}
	for ok := c.Open('['); ok; ok = c.Next() {
		start := c.I
		at, blocks := n.lostBlocks(c.Skip())
		if blocks != nil {
			dst = append(append(append(dst, list[from:start+at]...), blocks...), ',')
			from = start + at
		}
	}
	if dst == nil {
		return list
	}
	return append(dst, list[from:]...)
}

// lostBlocks are the thinking blocks that a message lacks and where they belong in it;
// nil when it lacks none, or nobody knows them.
func (n *nativeEncoder) lostBlocks(m rawjson.Value) (at int, blocks []byte) {
	var role, content rawjson.Value
	for f := range m.Fields() {
		switch {
		case f.Key.Is("role"):
			role = f.Value
		case f.Key.Is("content"):
			content, at = f.Value, f.Start
		}
	}
	if !role.Is(string(llm.Assistant)) || content.Kind() != '[' {
		return 0, nil
	}
	var calls []rawjson.Value
	for _, b := range content.Elems() {
		switch string(b.Get("type").Bare()) {
		case "thinking", "redacted_thinking":
			return 0, nil
		case "tool_use":
			calls = append(calls, b)
		}
	}
	for _, call := range calls {
		if blocks = n.ask(call); blocks != nil {
			break
		}
	}
	return at + 1, blocks
}

// ask asks the memory for the blocks of the answer that made a call.
func (n *nativeEncoder) ask(b rawjson.Value) (blocks []byte) {
	_, parts := n.t.Recall.State(&llm.ToolCall{ID: b.Get("id").Text(), Name: b.Get("name").Text(), Arguments: string(b.Get("input"))})
	for i := range parts {
		st := parts[i].State
		blocks = rawjson.AppendComma(blocks)
		if st.Redacted != "" {
			blocks = append(blocks, `{"type":"redacted_thinking"`...)
			blocks = append(rawjson.AppendStringMember(blocks, "data", st.Redacted), '}')
			continue
		}
		blocks = append(blocks, `{"type":"thinking"`...)
		blocks = rawjson.AppendStringMember(blocks, "thinking", parts[i].Text)
		blocks = append(rawjson.AppendStringMember(blocks, "signature", st.Signature), '}')
	}
	if len(blocks) > wire.MaxRecalled-n.recalledBytes {
		return nil
	}
	n.recalledBytes += len(blocks)
	n.blocks += len(parts)
	return blocks
}
