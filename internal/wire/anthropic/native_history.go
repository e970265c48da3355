package anthropic

import (
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
	clean := true
	for _, m := range list.Elems() {
		for _, b := range m.Get("content").Elems() {
			clean = clean && !n.edits(b)
		}
	}
	if clean {
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
		if n.edits(b) {
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

// edits reports whether a block of the history must change.
func (n *nativeEncoder) edits(b rawjson.Value) bool {
	var kind, id, field rawjson.Value
	for f := range b.Fields() {
		switch string(f.Key.Bare()) {
		case "type":
			kind = f.Value
		case "id", "tool_use_id":
			id = f.Value
		case "signature":
			field = f.Value
		case foreignMembers[0], foreignMembers[1]:
			return true
		}
	}
	switch string(kind.Bare()) {
	case "thinking":
		return n.t.Repair == wire.RepairThinking || signature.Foreign(field.Text())
	case "redacted_thinking":
		return n.t.Repair == wire.RepairThinking
	case "tool_use":
		return field != nil || foreignID(id.Text())
	case "tool_result":
		return foreignID(id.Text())
	}
	return false
}

// foreignID reports whether an id carries another provider's signature or characters
// that Anthropic refuses.
func foreignID(id string) bool { return id != "" && ownID(id) != id }

func ownID(id string) string { return legal(plainID(id)) }

// block returns the block without what is foreign, nil when nothing is left of it.
func (n *nativeEncoder) block(b rawjson.Value) rawjson.Value {
	o := rawjson.ParseObject(b)
	for _, name := range foreignMembers {
		o.Del(name)
	}
	switch b.Get("type").Text() {
	case "thinking", "redacted_thinking":
		if n.t.Repair == wire.RepairThinking || signature.Foreign(b.Get("signature").Text()) {
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
	if id := o.Get(key).Text(); foreignID(id) {
		o.Set(key, rawjson.String(ownID(id)))
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
