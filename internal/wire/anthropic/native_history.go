package anthropic

import (
	"bytes"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// foreignMembers of a block are a gateway's, not Anthropic's, which refuses them.
var foreignMembers = [...]string{"provider_specific_fields", "extra_content"}

// messages returns the list as it came, or, where another provider left something in
// it, without that.
func (n *nativeEncoder) messages(list rawjson.Value) rawjson.Value {
	if n.clean(list) {
		return list
	}
	dst := append(make(rawjson.Value, 0, len(list)), '[')
	for _, m := range list.Elems() {
		dst = append(rawjson.AppendComma(dst), n.message(m)...)
	}
	return append(dst, ']')
}

func (n *nativeEncoder) message(m rawjson.Value) rawjson.Value {
	content := m.Get("content")
	if content.Kind() != '[' {
		return m
	}
	dst := append(make(rawjson.Value, 0, len(content)), '[')
	for _, b := range content.Elems() {
		if n.edits(&rawjson.Cursor{B: b}) {
			b = n.block(b)
		}
		if b != nil {
			dst = append(rawjson.AppendComma(dst), b...)
		}
	}
	if len(dst) == 1 { // a message without content would break the turns
		dst = append(dst, `{"type":"text","text":"`+emptyText+`"}`...)
	}
	o := rawjson.ParseObject(m)
	o.Set("content", append(dst, ']'))
	return o.Value()
}

// clean reports whether no block of the history must change. It looks at every byte
// once.
func (n *nativeEncoder) clean(list rawjson.Value) bool {
	c := rawjson.Cursor{B: list}
	for ok := c.Open('['); ok; ok = c.Next() {
		if !n.cleanMessage(&c) {
			return false
		}
	}
	return true
}

func (n *nativeEncoder) cleanMessage(c *rawjson.Cursor) bool {
	if c.Peek() != '{' {
		c.Skip()
		return true
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		if key := c.Key(); !key.Is("content") && !key.Escaped() || c.Peek() != '[' {
			c.Skip()
			continue
		}
		for ok := c.Open('['); ok; ok = c.Next() {
			if n.edits(c) {
				return false
			}
		}
	}
	return true
}

// edits steps over a block and reports whether it must change.
func (n *nativeEncoder) edits(c *rawjson.Cursor) bool {
	if c.Peek() != '{' {
		c.Skip()
		return false
	}
	var kind, id, field rawjson.Value
	foreign := false
	for ok := c.Open('{'); ok; ok = c.Next() {
		key, v := c.Key(), c.Skip()
		switch string(key.Bare()) {
		case "type":
			kind = v
		case "id", "tool_use_id":
			id = v
		case "signature":
			field = v
		case foreignMembers[0], foreignMembers[1]:
			foreign = true
		}
	}
	if foreign {
		return true
	}
	switch string(kind.Bare()) {
	case "thinking":
		return n.t.Repair == wire.RepairThinking || foreignField(field)
	case "redacted_thinking":
		return n.t.Repair == wire.RepairThinking
	case "tool_use":
		return field != nil || foreignID(id)
	case "tool_result":
		return foreignID(id)
	}
	return false
}

// foreignField reports whether Anthropic never made what a signature field holds.
// Anthropic's own begin with a capital letter: most are told apart without a copy.
func foreignField(field rawjson.Value) bool {
	bare := field.Bare()
	return len(bare) > 0 && (bare[0] < 'A' || bare[0] > 'Z') && signature.Foreign(field.Text())
}

// foreignID reports whether an id carries another provider's signature or characters
// that Anthropic refuses.
func foreignID(id rawjson.Value) bool {
	bare := id.Bare()
	for _, c := range bare {
		if !legalByte(c) {
			return true
		}
	}
	// Both marks of a signature hold "_t".
	return bytes.Contains(bare, []byte("_t")) && ownID(id.Text()) != id.Text()
}

func legalByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func ownID(id string) string { return legal(plainID(id)) }

// block returns the block without what is foreign, nil when nothing is left of it.
func (n *nativeEncoder) block(b rawjson.Value) rawjson.Value {
	o := rawjson.ParseObject(b)
	for _, name := range foreignMembers {
		o.Del(name)
	}
	switch b.Get("type").Text() {
	case "thinking", "redacted_thinking":
		if n.t.Repair == wire.RepairThinking || foreignField(b.Get("signature")) {
			n.stripped = true
			n.drop("thinking blocks", "Anthropic did not make them, or refused them")
			return nil
		}
	case "tool_use":
		o.Del("signature")
		setID(&o, "id")
	case "tool_result":
		setID(&o, "tool_use_id")
	}
	return o.Value()
}

func setID(o *rawjson.Object, key string) {
	if id := o.Get(key); foreignID(id) {
		o.Set(key, rawjson.String(ownID(id.Text())))
	}
}

// lostThinking reports whether the running tool loop lacks thinking blocks that
// thinking with a budget demands.
func lostThinking(thinking, messages rawjson.Value) bool {
	if !thinking.Get("type").Is("enabled") {
		return false
	}
	lost := false
	for _, m := range messages.Elems() {
		content := m.Get("content")
		switch {
		case m.Get("role").Is(string(llm.Assistant)):
			if usesTool(content) && !strings.Contains(content.First().Get("type").Text(), "thinking") {
				lost = true
			}
		case !answersTool(content):
			lost = false // a new turn of the user: only the turns after it count
		}
	}
	return lost
}

func usesTool(content rawjson.Value) bool { return hasBlock(content, "tool_use") }

func answersTool(content rawjson.Value) bool { return hasBlock(content, "tool_result") }

func hasBlock(content rawjson.Value, kind string) bool {
	for _, b := range content.Elems() {
		if b.Get("type").Is(kind) {
			return true
		}
	}
	return false
}
