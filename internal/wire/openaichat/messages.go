package openaichat

import (
	"bytes"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// rules say what must not stand in messages to this provider. One walk finds the
// messages that break one; only those are written anew, all others are copied.
type rules struct {
	e *encoding
	// reasoning is what happens to reasoning_content in history.
	reasoning reasoningRule
	// stripCache removes cache_control.
	stripCache bool
	// textContent and noMedia change content lists.
	textContent, noMedia, vision bool
	toolIDs                      string
	// noNames removes name from all but tool messages (Mistral).
	noNames bool
	// at is the index of the message that is read, for what is reported.
	at int
}

type reasoningRule uint8

const (
	// stripReasoning removes it: the provider does not know it, or refuses it.
	stripReasoning reasoningRule = iota
	// keepReasoning sends what the client sends.
	keepReasoning
	// fillReasoning also fills it in on messages with tool calls.
	fillReasoning
	// fillAll fills it in on every assistant message, after a refusal.
	fillAll
)

func (e *encoding) messageRules() rules {
	vision, _ := e.t.Info.Flag("supports_vision")
	r := rules{
		e: e, reasoning: e.reasoningRule(), stripCache: !e.q.KeepCacheControl && !e.q.OpenAI,
		textContent: e.q.TextContent, noMedia: e.q.NoMedia, vision: vision,
		toolIDs: e.q.ToolIDs, noNames: e.t.Provider == "mistral",
	}
	if e.q.OpenAI && r.toolIDs == "" {
		r.toolIDs = "openai40"
	}
	return r
}

func (e *encoding) reasoningRule() reasoningRule {
	if e.t.Repair == wire.RepairReasoning {
		return fillAll
	}
	switch e.q.Reasoning {
	case "deepseek":
		if strings.Contains(strings.ToLower(e.t.Model), "r1") || !e.mayThink() {
			return stripReasoning
		}
		return fillReasoning
	case "fill":
		if p := e.plan("thinking"); p != nil && p.value.Get("type").Is("disabled") {
			return keepReasoning
		}
		return fillReasoning
	case "echo":
		return keepReasoning
	}
	return stripReasoning
}

// messages copies the list at the cursor, writing anew what breaks a rule.
func (r *rules) messages(dst []byte, c *rawjson.Cursor) []byte {
	if c.Peek() != '[' {
		return append(dst, c.Skip()...)
	}
	copied, opened := c.I, len(dst)
	r.at = 0
	for ok := c.Open('['); ok; ok = c.Next() {
		start := c.I
		if r.breaks(c) {
			dst = append(dst, c.B[copied:start]...)
			dst = r.rewrite(dst, c.B[start:c.I])
			copied = c.I
		}
		r.at++
	}
	dst = append(dst, c.B[copied:c.I]...)
	return r.prompts(dst, opened)
}

// prompts adds the sentences that stand in for what the provider cannot do: the
// schema before the conversation, the tool hint after it.
func (r *rules) prompts(dst []byte, opened int) []byte {
	if s := r.e.schema; s.Present() {
		rest := append([]byte(nil), dst[opened+1:]...)
		dst = append(dst[:opened+1], `{"role":"system","content":`...)
		dst = append(rawjson.AppendString(dst, schemaPrompt+string(s)), '}')
		if bytes.IndexByte(rest, '{') >= 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, rest...)
	}
	if r.e.hint != "" && len(dst) > 0 && dst[len(dst)-1] == ']' {
		dst = rawjson.AppendComma(dst[:len(dst)-1])
		dst = append(dst, `{"role":"user","content":`...)
		dst = append(rawjson.AppendString(dst, r.e.hint), "}]"...)
	}
	return dst
}

const schemaPrompt = "Answer with one JSON object and nothing else. It must follow this JSON schema:\n"

// breaks steps over one message and reports whether it must be written anew.
func (r *rules) breaks(c *rawjson.Cursor) bool {
	if c.Peek() != '{' {
		c.Skip()
		return false
	}
	broken, assistant, calls, reasoning := false, false, false, false
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key()
		if key == nil {
			return broken
		}
		if key.Escaped() {
			broken = true
		}
		switch string(key.Bare()) {
		case "role":
			assistant = c.Skip().Is("assistant")
		case "content":
			broken = r.contentBreaks(c) || broken
		case "tool_calls":
			calls = c.Peek() == '['
			broken = r.callsBreak(c) || broken
		case "tool_call_id":
			broken = r.badID(c.Skip()) || broken
		case "reasoning_content":
			reasoning = c.Skip().Present()
		default:
			broken = r.carrier(key.Bare()) || broken
			c.Skip()
		}
	}
	if !assistant {
		return broken || reasoning
	}
	return broken || r.reasoningBreaks(reasoning, calls)
}

func (r *rules) reasoningBreaks(has, calls bool) bool {
	switch r.reasoning {
	case stripReasoning:
		return has
	case fillReasoning:
		return !has && calls || has && r.e.q.ReasoningField != ""
	case fillAll:
		return !has
	}
	return has && r.e.q.ReasoningField != ""
}

// carrier reports whether a member of a message is the gateway's or another
// provider's own and must not go upstream as it is.
func (r *rules) carrier(key []byte) bool {
	switch string(key) {
	case "thinking_blocks", "provider_specific_fields", "extra_content", "images", "reasoning_text":
		return true
	case "reasoning_details", "reasoning":
		return true // rewritten under the provider's own name, or removed
	case "cache_control":
		return r.stripCache
	case "name":
		return r.noNames
	}
	return false
}

func (r *rules) contentBreaks(c *rawjson.Cursor) bool {
	if c.Peek() != '[' {
		c.Skip()
		return false
	}
	broken := r.textContent
	for ok := c.Open('['); ok; ok = c.Next() {
		if c.Peek() != '{' {
			c.Skip()
			continue
		}
		for ok := c.Open('{'); ok; ok = c.Next() {
			switch string(c.Key().Bare()) {
			case "type":
				broken = r.partBreaks(c.Skip().Bare()) || broken
			case "cache_control":
				c.Skip()
				broken = broken || r.stripCache
			case "image_url":
				broken = c.Skip().Kind() == '"' || broken
			default:
				c.Skip()
			}
		}
	}
	return broken
}

func (r *rules) partBreaks(typ []byte) bool {
	switch string(typ) {
	case "thinking", "redacted_thinking":
		return true
	}
	return r.noMedia && isMedia(typ)
}

func isMedia(typ []byte) bool {
	switch string(typ) {
	case "image_url", "input_image", "image", "input_audio", "file", "input_file", "video_url", "input_video":
		return true
	}
	return false
}

func (r *rules) callsBreak(c *rawjson.Cursor) bool {
	if c.Peek() != '[' {
		c.Skip()
		return false
	}
	broken := false
	for ok := c.Open('['); ok; ok = c.Next() {
		broken = r.callBreaks(c) || broken
	}
	return broken
}

func (r *rules) callBreaks(c *rawjson.Cursor) bool {
	if c.Peek() != '{' {
		c.Skip()
		return false
	}
	broken := false
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch string(c.Key().Bare()) {
		case "id":
			broken = r.badID(c.Skip()) || broken
		case "function":
			broken = functionBreaks(c) || broken
		case "provider_specific_fields", "extra_content", "cache_control", "index":
			c.Skip()
			broken = true
		default:
			c.Skip()
		}
	}
	return broken
}

func functionBreaks(c *rawjson.Cursor) bool {
	if c.Peek() != '{' {
		c.Skip()
		return false
	}
	broken := false
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch string(c.Key().Bare()) {
		case "arguments":
			broken = c.Skip().Kind() != '"' || broken
		case "provider_specific_fields":
			c.Skip()
			broken = true
		default:
			c.Skip()
		}
	}
	return broken
}

// shortest id that can carry a signature behind a mark.
const minMarked = 20

func (r *rules) badID(v rawjson.Value) bool {
	id := v.Bare()
	if r.toolIDs == "mistral9" {
		return !isMistralID(id)
	}
	if len(id) < minMarked {
		return false
	}
	if r.toolIDs == "openai40" && len(id) > maxOpenAIID {
		return true
	}
	return bytes.Contains(id, []byte(signature.Mark)) || bytes.Contains(id, []byte("_ts_"))
}
