package openairesponses

import (
	"encoding/base64"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// gemini names the provider of thought signatures; with the colon it is the mark
// of one within a thinking block.
const (
	gemini         = "gemini"
	geminiEnvelope = gemini + ":"
)

// envelope is what the gateway puts into encrypted_content of a reasoning item:
// state that a provider wants back, and whose it is. Source: §2.9, emit 3.
type envelope struct {
	provider string
	// signatures belong to the tool calls that follow the item.
	signatures []string
	// blocks are thinking blocks as their provider signed them.
	blocks []block
}

type block struct{ text, signature, redacted string }

// envelopeMark is how the base64 of every envelope begins: {"v":1,"p":"
const envelopeMark = "eyJ2IjoxLCJwIjoi"

func (e *envelope) empty() bool { return len(e.signatures) == 0 && len(e.blocks) == 0 }

func (e *envelope) seal() string {
	dst := append(make([]byte, 0, 256), `{"v":1,"p":`...)
	dst = rawjson.AppendString(dst, e.provider)
	if len(e.signatures) > 0 {
		dst = append(dst, `,"sig":[`...)
		for _, s := range e.signatures {
			dst = rawjson.AppendString(rawjson.AppendComma(dst), s)
		}
		dst = append(dst, ']')
	}
	if len(e.blocks) > 0 {
		dst = append(dst, `,"blocks":[`...)
		for _, b := range e.blocks {
			dst = b.append(rawjson.AppendComma(dst))
		}
		dst = append(dst, ']')
	}
	return base64.StdEncoding.EncodeToString(append(dst, '}'))
}

func (b block) append(dst []byte) []byte {
	if b.redacted != "" {
		dst = rawjson.AppendStringMember(append(dst, `{"type":"redacted_thinking"`...), "data", b.redacted)
		return append(dst, '}')
	}
	dst = rawjson.AppendStringMember(append(dst, `{"type":"thinking"`...), "thinking", b.text)
	return append(rawjson.AppendStringMember(dst, "signature", b.signature), '}')
}

// openEnvelope reads the gateway's envelope, or LiteLLM's list of thinking blocks;
// anything else (OpenAI's own) is not ok.
func openEnvelope(s string) (e envelope, ok bool) {
	if strings.HasPrefix(s, "[") {
		v, err := rawjson.Check([]byte(s))
		if err != nil {
			return e, false
		}
		e.blocks = readBlocks(v)
		return e, len(e.blocks) > 0
	}
	if !strings.HasPrefix(s, envelopeMark) {
		return e, false
	}
	raw, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return e, false
	}
	v, err := rawjson.Check(raw)
	if err != nil {
		return e, false
	}
	e.provider, e.blocks = v.Get("p").Text(), readBlocks(v.Get("blocks"))
	for _, sig := range v.Get("sig").Elems() {
		e.signatures = append(e.signatures, sig.Text())
	}
	return e, !e.empty()
}

func readBlocks(list rawjson.Value) []block {
	var out []block
	for _, v := range list.Elems() {
		b := block{v.Get("thinking").Text(), v.Get("signature").Text(), v.Get("data").Text()}
		if b.signature != "" || b.redacted != "" {
			out = append(out, b)
		}
	}
	return out
}

// part is the block as a part of a message.
func (b block) part(provider string) llm.Part {
	st := &llm.State{Provider: provider, Signature: b.signature, Redacted: b.redacted}
	if rest, ok := strings.CutPrefix(b.signature, geminiEnvelope); ok && provider == "" {
		st.Provider, st.Signature = gemini, rest
	}
	return llm.Part{Kind: llm.PartThinking, Text: b.text, State: st}
}
