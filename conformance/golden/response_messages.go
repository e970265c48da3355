package golden

import (
	"slices"
	"strings"
)

func (r reading) messages(body any) any {
	b, ok := body.(object)
	if !ok {
		return body
	}
	if _, ok := b["content"]; !ok {
		return pick(b, "input_tokens")
	}
	return object{
		"type": b["type"], "role": b["role"], "model": b["model"], "id": truthy(b["id"]), "content": r.blocks(objects(b["content"])),
		"stop_reason": b["stop_reason"], "stop_sequence": b["stop_sequence"], "usage": anthropicUsage(obj(b["usage"])),
	}
}

func anthropicUsage(u object) object {
	o := pickTruthy(u, "cache_creation_input_tokens", "cache_read_input_tokens")
	for k, v := range pick(u, "input_tokens", "output_tokens") {
		o[k] = v
	}
	return o
}

// blocks reduces content blocks: neighbouring texts are one, empty texts and thoughts are none.
func (r reading) blocks(blocks []object) []any {
	out := []any{}
	for _, x := range blocks {
		switch x["type"] {
		case "text":
			out = appendText(out, str(x["text"]))
		case "thinking":
			if t := r.thinking(x); t["thinking"] != "" || t["signature"] != nil {
				out = append(out, t)
			}
		case "tool_use", "server_tool_use":
			out = append(out, object{"type": x["type"], "name": x["name"], "input": x["input"], "id": truthy(x["id"])})
		default:
			out = append(out, prune(x))
		}
	}
	return out
}

func appendText(out []any, text string) []any {
	if text == "" {
		return out
	}
	if n := len(out); n > 0 && get(out[n-1], "type") == "text" {
		last := out[n-1].(object)
		last["text"] = str(last["text"]) + text
		return out
	}
	return append(out, object{"type": "text", "text": text})
}

// thinking keeps a signature only where Anthropic itself signed.
func (r reading) thinking(x object) object {
	t := object{"type": "thinking", "thinking": str(x["thinking"])}
	if r.upstream == anthropicFormat && truthy(x["signature"]) {
		t["signature"] = x["signature"]
	}
	return t
}

// messagesStream reassembles Anthropic's events and checks their protocol.
func (r reading) messagesStream(text string) (any, kept) {
	events, _ := parseEvents(text)
	rules := kept{ruleNoDone: !hasDone(events)}
	s := &messageAssembly{usage: object{}, delta: object{}, sequential: true, dense: true}
	all := streamObjects(events, rules)
	rules[ruleEventName] = namesMatch(all)
	for _, e := range all {
		s.event(e.object)
	}
	s.report(rules)
	return s.result(r), rules
}

type messageAssembly struct {
	names        []string // of the events, without pings
	message      object
	blocks       []*blockAssembly
	open         *blockAssembly
	usage, delta object
	err          any
	sequential   bool // one block is open at a time
	dense        bool // block indexes are 0, 1, 2…
}

type blockAssembly struct {
	index any
	object
	json strings.Builder
}

func (s *messageAssembly) event(e object) {
	kind := str(e["type"])
	if kind == "ping" {
		return
	}
	s.names = append(s.names, kind)
	switch kind {
	case "message_start":
		s.message = obj(e["message"])
		s.addUsage(obj(s.message["usage"]))
	case "content_block_start":
		s.sequential = s.sequential && s.open == nil
		s.dense = s.dense && equal(e["index"], float64(len(s.blocks)))
		s.open = &blockAssembly{index: e["index"], object: obj(clone(obj(e["content_block"])))}
		s.blocks = append(s.blocks, s.open)
	case "content_block_delta":
		s.blockDelta(e)
	case "content_block_stop":
		s.sequential = s.sequential && s.open != nil && equal(e["index"], s.open.index)
		s.open = nil
	case "message_delta":
		for k, v := range obj(e["delta"]) {
			s.delta[k] = v
		}
		s.addUsage(obj(e["usage"]))
	case "error":
		s.err = get(e, "error", "type")
	}
}

// addUsage keeps a count that was said before when a later event says 0.
func (s *messageAssembly) addUsage(u object) {
	for k, v := range pruneObject(u) {
		if truthy(v) || !truthy(s.usage[k]) {
			s.usage[k] = v
		}
	}
}

func (s *messageAssembly) blockDelta(e object) {
	s.sequential = s.sequential && s.open != nil && equal(e["index"], s.open.index)
	i := slices.IndexFunc(s.blocks, func(b *blockAssembly) bool { return equal(b.index, e["index"]) })
	if i < 0 {
		return
	}
	b, d := s.blocks[i], obj(e["delta"])
	switch d["type"] {
	case "text_delta":
		b.object["text"] = str(b.object["text"]) + str(d["text"])
	case "thinking_delta":
		b.object["thinking"] = str(b.object["thinking"]) + str(d["thinking"])
	case "signature_delta":
		b.object["signature"] = d["signature"]
	case "input_json_delta":
		b.json.WriteString(str(d["partial_json"]))
	}
}

func (s *messageAssembly) report(rules kept) {
	rules["one block open at a time"] = s.sequential
	rules["block indices 0,1,2…"] = s.dense
	n := len(s.names)
	rules["starts with message_start"] = n > 0 && s.names[0] == "message_start"
	rules["ends with message_delta, message_stop"] = n > 1 && slices.Equal(s.names[n-2:], []string{"message_delta", "message_stop"})
	deltas := 0
	for _, name := range s.names {
		if name == "message_delta" {
			deltas++
		}
	}
	rules["exactly one message_delta"] = deltas == 1
	_, ok := s.message["usage"]
	rules["message_start usage present"] = ok
}

func (s *messageAssembly) result(r reading) object {
	var blocks []object
	for _, b := range s.blocks {
		if t := b.object["type"]; t == "tool_use" || t == "server_tool_use" {
			b.object["input"] = b.input()
		}
		blocks = append(blocks, b.object)
	}
	o := object{"role": s.message["role"], "model": s.message["model"], "content": r.blocks(blocks), "stop_reason": s.delta["stop_reason"]}
	if s.err != nil {
		o["error"] = object{"type": s.err}
		return o
	}
	o["usage"] = anthropicUsage(s.usage)
	return o
}

func (b *blockAssembly) input() any {
	if b.json.Len() > 0 {
		return arguments(b.json.String())
	}
	if in := b.object["input"]; truthy(in) {
		return in
	}
	return object{}
}
