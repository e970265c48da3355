package anthropic

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// geminiName marks state that Gemini made.
const geminiName = "gemini"

// assistant reads a message of the assistant: thinking, then text, then calls, as
// the canonical model orders them.
func (x *expander) assistant(at place, content rawjson.Value) error {
	a := assistantReader{x: x}
	if s, ok := content.Str(); ok {
		a.text = appendText(a.text, s, nil)
	}
	for j, b := range content.Elems() {
		if err := a.block(place{at.list, at.item, j}, b); err != nil {
			return err
		}
	}
	a.settle()
	x.add(llm.Message{Role: llm.Assistant, Parts: append(append(a.thinking, a.text...), a.calls...)})
	return nil
}

type assistantReader struct {
	x                     *expander
	thinking, text, calls []llm.Part
	// textSignature is Gemini's of the text, nextSignature that of the next call.
	textSignature, nextSignature string
}

func (a *assistantReader) block(where place, b rawjson.Value) error {
	if b.Kind() != '{' {
		return where.refuse("", "must be an object with a type")
	}
	switch kind := b.Get("type").Text(); kind {
	case "text":
		a.text = appendText(a.text, b.Get("text").Text(), b.Get("cache_control"))
	case "thinking":
		a.thought(b)
	case "redacted_thinking":
		if data := b.Get("data").Text(); data != "" {
			a.thinking = append(a.thinking, llm.Part{Kind: llm.PartThinking, State: &llm.State{Redacted: data}})
		}
	case "tool_use":
		return a.call(where, b)
	case "server_tool_use", "mcp_tool_use":
		a.x.drop(kind, "the provider itself ran this tool")
	default:
		a.other(kind, b)
	}
	return nil
}

// other takes what can be read of a block of another kind.
func (a *assistantReader) other(kind string, b rawjson.Value) {
	if strings.HasSuffix(kind, "_tool_result") {
		a.x.drop(kind, "it is the result of a tool that the provider itself ran")
		return
	}
	a.text = a.x.block(a.text, b)
}

// thought reads a thinking block with what its signature field carries.
func (a *assistantReader) thought(b rawjson.Value) {
	text, field := b.Get("thinking").Text(), b.Get("signature").Text()
	p := llm.Part{Kind: llm.PartThinking, Text: text}
	switch {
	case field == "" || field == signature.Unsigned:
	case strings.HasPrefix(field, signature.GeminiNext):
		a.nextSignature = strings.TrimPrefix(field, signature.GeminiNext)
	case strings.HasPrefix(field, signature.Gemini):
		sig := strings.TrimPrefix(field, signature.Gemini)
		if text == "" {
			a.textSignature = sig
			return
		}
		if std, ok := signature.Normalize(sig); ok {
			p.State = &llm.State{Provider: geminiName, Signature: std}
		}
	default:
		p.State = &llm.State{Signature: field}
	}
	if p.Text != "" || p.State != nil {
		a.thinking = append(a.thinking, p)
	}
}

func (a *assistantReader) call(where place, b rawjson.Value) error {
	id, inID := signature.Split(b.Get("id").Text())
	name := b.Get("name").Text()
	if name == "" {
		return where.refuse("name", "must be the name of a tool")
	}
	args, input := "{}", b.Get("input")
	switch {
	case input.Kind() == '"': // some clients send the text of the object
		args = input.Text()
	case input.Present():
		args = string(input)
	}
	call := &llm.ToolCall{ID: id, Name: name, Arguments: args}
	state := callState(b, inID, a.nextSignature)
	a.nextSignature = ""
	a.calls = append(a.calls, llm.Part{
		Kind: llm.PartToolCall, Call: call, State: state, CacheControl: cacheControl(b.Get("cache_control")),
	})
	return nil
}

// callState finds Gemini's signature of a call: the first valid one of the places
// where gateways put it and clients keep it (§2.9).
func callState(b rawjson.Value, inID, before string) *llm.State {
	for _, candidate := range [...]string{
		b.Path("provider_specific_fields", "thought_signature").Text(),
		b.Path("provider_specific_fields", "signature").Text(),
		b.Get("signature").Text(),
		b.Path("extra_content", "google", "thought_signature").Text(),
		inID,
		before,
	} {
		if std, ok := signature.Normalize(candidate); ok {
			return &llm.State{Provider: geminiName, Signature: std}
		}
	}
	return nil
}

// settle puts the signature of an empty thinking block where it belongs: on the
// text, unless a call of the message has the same one; without text on the first
// call that has none.
func (a *assistantReader) settle() {
	std, ok := signature.Normalize(a.textSignature)
	if !ok {
		return
	}
	state := &llm.State{Provider: geminiName, Signature: std}
	for i := range a.calls {
		if s := a.calls[i].State; s != nil && s.Signature == std {
			return
		}
	}
	if n := len(a.text); n > 0 {
		a.text[n-1].State = state
		return
	}
	if len(a.calls) > 0 && a.calls[0].State == nil {
		a.calls[0].State = state
	}
}

// plainID cuts a signature from a tool-call id.
func plainID(id string) string {
	base, _ := signature.Split(id)
	return base
}
