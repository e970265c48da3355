package openaichat

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// rewrite appends one message without what the provider must not see, with what
// it demands.
func (r *rules) rewrite(dst []byte, msg rawjson.Value) []byte {
	f := readFields(msg)
	dst = append(dst, '{')
	for key, v := range msg.Members() {
		switch key {
		case "content":
			dst = r.content(rawjson.AppendKey(dst, key), v)
		case "tool_calls":
			dst = r.calls(rawjson.AppendKey(dst, key), v)
		case "tool_call_id":
			dst = rawjson.AppendMember(dst, key, r.id(v))
		case "reasoning_content", "reasoning", "reasoning_details", "reasoning_text":
			// written below under the provider's own name, or not at all
		case "name":
			if !r.noNames || f.role.Is("tool") {
				dst = rawjson.AppendMember(dst, key, v)
			}
		default:
			if !isCarrier([]byte(key)) && !(r.stripCache && key == "cache_control") {
				dst = rawjson.AppendMember(dst, key, v)
			}
		}
	}
	if f.role.Is("assistant") && r.reasoning != stripReasoning {
		dst = r.appendReasoning(dst, f)
	}
	return append(dst, '}')
}

// appendReasoning writes the reasoning of an assistant message: the client's
// own, a remembered one, or a single space where the field must exist.
func (r *rules) appendReasoning(dst []byte, f fields) []byte {
	field := r.e.q.ReasoningField
	if field == "reasoning_details" && f.reasoningDetails.Kind() == '[' {
		return rawjson.AppendMember(dst, field, f.reasoningDetails)
	}
	text := reasoningText(f)
	if text == "" {
		text = thinkingText(f.thinkingBlocks)
	}
	calls := f.toolCalls.Kind() == '[' && f.toolCalls.First() != nil
	demanded := r.reasoning == fillAll || r.reasoning == fillReasoning && calls
	if text == "" && demanded {
		text = r.recall(f.toolCalls)
	}
	switch {
	case text == "":
		return dst
	case field == "":
		return rawjson.AppendStringMember(dst, "reasoning_content", text)
	case field == "reasoning_details":
		dst = append(rawjson.AppendKey(dst, field), `[{"type":"reasoning.text","text":`...)
		return append(rawjson.AppendString(dst, text), "}]"...)
	}
	return rawjson.AppendStringMember(dst, field, text)
}

// thinkingText is the readable text of blocks that no provider signed: reasoning
// of this family that a gateway put into Anthropic's shape. Signed blocks belong
// to their provider.
func thinkingText(blocks rawjson.Value) string {
	var text strings.Builder
	for _, b := range blocks.Elems() {
		if blockState(b) != nil {
			return ""
		}
		text.WriteString(b.Get("thinking").Text())
	}
	return text.String()
}

// placeholderReasoning satisfies DeepSeek, which wants the field but not its
// original text. Source: §4, LiteLLM fill.
const placeholderReasoning = " "

// maxRecalled bounds the reasoning that one request gets back, in bytes: a client may
// repeat a call as often as it likes.
const maxRecalled = 32 << 20

func (r *rules) recall(calls rawjson.Value) string {
	if r.e.t.Recall != nil {
		for _, call := range calls.Elems() {
			id := call.Get("id").Text()
			if text, ok := r.e.t.Recall.Reasoning(plainID(id)); ok && text != "" && len(text) <= maxRecalled-r.recalled {
				r.recalled += len(text)
				return text
			}
		}
	}
	return placeholderReasoning
}

// content appends the content of a message: parts that the provider cannot read
// are left out, and a list of texts becomes one text where it wants that.
func (r *rules) content(dst []byte, v rawjson.Value) []byte {
	if v.Kind() != '[' {
		return append(dst, v...)
	}
	kept := make([]rawjson.Value, 0, 8)
	texts, gone := true, 0
	for i, p := range v.Elems() {
		typ := p.Get("type").Bare()
		switch {
		case string(typ) == "thinking" || string(typ) == "redacted_thinking":
			continue
		case r.noMedia && isMedia(typ) && (!r.vision || string(typ) != "image_url"):
			gone++
			r.e.dropped(fmt.Sprintf("messages[%d].content[%d]", r.at, i), r.e.t.Provider+"/"+r.e.t.Model+" cannot read "+string(typ))
			continue
		}
		texts = texts && string(typ) == "text"
		kept = append(kept, r.part(p))
	}
	switch {
	case len(kept) == 0 && gone > 0:
		return rawjson.AppendString(dst, "[media omitted: this model cannot read it]")
	case r.textContent && texts:
		return rawjson.AppendString(dst, joined(kept))
	}
	dst = append(dst, '[')
	for _, p := range kept {
		dst = append(rawjson.AppendComma(dst), p...)
	}
	return append(dst, ']')
}

func joined(parts []rawjson.Value) string {
	var text strings.Builder
	for _, p := range parts {
		text.WriteString(p.Get("text").Text())
	}
	return text.String()
}

// part is a content part as the provider takes it: an image's address in its
// object, no cache marker unless it is kept.
func (r *rules) part(p rawjson.Value) rawjson.Value {
	marked := r.stripCache && p.Get("cache_control") != nil
	image := p.Get("image_url")
	if !marked && image.Kind() != '"' {
		return p
	}
	obj := rawjson.ParseObject(p)
	if marked {
		obj.Del("cache_control")
	}
	if image.Kind() == '"' {
		obj.Set("image_url", rawjson.Object{{Key: "url", Value: image}}.Value())
	}
	return obj.Value()
}

func (r *rules) calls(dst []byte, v rawjson.Value) []byte {
	if v.Kind() != '[' {
		return append(dst, v...)
	}
	dst = append(dst, '[')
	for _, call := range v.Elems() {
		dst = r.call(rawjson.AppendComma(dst), call)
	}
	return append(dst, ']')
}

func (r *rules) call(dst []byte, v rawjson.Value) []byte {
	dst = append(dst, '{')
	for key, val := range v.Members() {
		switch key {
		case "provider_specific_fields", "extra_content", "cache_control", "index":
		case "id":
			dst = rawjson.AppendMember(dst, key, r.id(val))
		case "function":
			dst = appendFunction(rawjson.AppendKey(dst, key), val)
		default:
			dst = rawjson.AppendMember(dst, key, val)
		}
	}
	return append(dst, '}')
}

func appendFunction(dst []byte, v rawjson.Value) []byte {
	if v.Kind() != '{' {
		return append(dst, v...)
	}
	dst = append(dst, '{')
	for key, val := range v.Members() {
		switch key {
		case "provider_specific_fields":
		case "arguments":
			if val.Kind() == '"' {
				dst = rawjson.AppendMember(dst, key, val)
			} else {
				dst = rawjson.AppendStringMember(dst, key, argumentsOrEmpty(val))
			}
		default:
			dst = rawjson.AppendMember(dst, key, val)
		}
	}
	return append(dst, '}')
}

func argumentsOrEmpty(v rawjson.Value) string {
	if s := argumentsText(v); s != "" {
		return s
	}
	return "{}"
}

// maxOpenAIID is the longest tool-call id that OpenAI accepts.
const maxOpenAIID = 40

// mistralIDLen is the length that Mistral demands of a tool-call id.
const mistralIDLen = 9

func isMistralID(id []byte) bool {
	if len(id) != mistralIDLen {
		return false
	}
	for _, c := range id {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}

// id is a tool-call id without a signature and in the provider's form. It is a
// function of the id alone, so that call and result stay together.
func (r *rules) id(v rawjson.Value) rawjson.Value {
	full, ok := v.Str()
	if !ok {
		return v
	}
	return rawjson.String(shapeID(plainID(full), r.toolIDs))
}

func shapeID(id, form string) string {
	switch {
	case form == "mistral9" && !isMistralID([]byte(id)):
		sum := sha256.Sum256([]byte(id))
		return hex.EncodeToString(sum[:])[:mistralIDLen]
	case form == "openai40" && len(id) > maxOpenAIID:
		sum := sha256.Sum256([]byte(id))
		return "call_" + hex.EncodeToString(sum[:])[:maxOpenAIID-len("call_")]
	}
	return id
}
