package openaichat

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// gemini names the provider of thought signatures; with the colon it is the mark
// of one that travels in the signature field of a thinking block.
const (
	gemini         = "gemini"
	geminiEnvelope = gemini + ":"
)

// thinkingParts reads the reasoning of an assistant message: blocks with their
// signatures when there are any, else the plain text.
func thinkingParts(f fields, content []llm.Part) []llm.Part {
	var out []llm.Part
	for _, b := range f.thinkingBlocks.Elems() {
		if p, ok := thinkingBlock(b); ok {
			out = append(out, p)
		}
	}
	if len(out) == 0 {
		for _, p := range content {
			if p.Kind == llm.PartThinking {
				out = append(out, p)
			}
		}
	}
	if len(out) > 0 {
		return out
	}
	if text := reasoningText(f); text != "" {
		return []llm.Part{{Kind: llm.PartThinking, Text: text}}
	}
	return nil
}

func reasoningText(f fields) string {
	for _, v := range []rawjson.Value{f.reasoningContent, f.reasoning, f.providerFields.Get("reasoning_content"), f.reasoningText} {
		if s := v.Text(); s != "" {
			return s
		}
	}
	return detailsText(f.reasoningDetails)
}

// detailsText joins the readable entries of reasoning_details.
func detailsText(details rawjson.Value) string {
	var b strings.Builder
	for _, d := range details.Elems() {
		b.WriteString(d.Get("text").Text())
	}
	return b.String()
}

func thinkingBlock(b rawjson.Value) (llm.Part, bool) {
	if b.Kind() != '{' {
		return llm.Part{}, false
	}
	p := llm.Part{Kind: llm.PartThinking, Text: b.Get("thinking").Text(), State: blockState(b), CacheControl: present(b.Get("cache_control"))}
	return p, p.Text != "" || p.State != nil
}

// blockState reads the opaque half of a thinking block, nil when it has none.
func blockState(b rawjson.Value) *llm.State {
	if data := b.Get("data").Text(); data != "" {
		return &llm.State{Redacted: data}
	}
	sig := b.Get("signature").Text()
	if rest, ok := strings.CutPrefix(sig, geminiEnvelope); ok {
		return &llm.State{Provider: gemini, Signature: rest}
	}
	if sig != "" {
		return &llm.State{Signature: sig}
	}
	return nil
}

// signText puts a signature of the whole message on its text, unless a call of
// the message has the same one (LiteLLM lists those there too).
func signText(parts, calls []llm.Part, f fields) {
	sig, ok := signature.Normalize(messageSignature(f))
	if !ok {
		return
	}
	for i := range calls {
		if s := calls[i].State; s != nil && s.Signature == sig {
			return
		}
	}
	for i := len(parts) - 1; i >= 0; i-- {
		if parts[i].Kind == llm.PartText {
			parts[i].State = &llm.State{Provider: gemini, Signature: sig}
			return
		}
	}
}

func messageSignature(f fields) string {
	if s := f.providerFields.Get("thought_signatures").First().Text(); s != "" {
		return s
	}
	return googleSignature(f.extraContent)
}

func googleSignature(extra rawjson.Value) string {
	return extra.Path("google", "thought_signature").Text()
}

// callState finds the thought signature that belongs to a call: the first valid
// one of the places where clients and gateways keep it.
func callState(call, function rawjson.Value, inID, inDetails string) *llm.State {
	for _, candidate := range []string{
		call.Path("provider_specific_fields", "thought_signature").Text(),
		function.Path("provider_specific_fields", "thought_signature").Text(),
		googleSignature(call.Get("extra_content")),
		inID,
		inDetails,
	} {
		if sig, ok := signature.Normalize(candidate); ok {
			return &llm.State{Provider: gemini, Signature: sig}
		}
	}
	return nil
}

// signedDetails lists the signatures of calls in OpenRouter's reasoning_details by
// the calls' ids; of several with one id the first counts.
func signedDetails(details rawjson.Value) map[string]rawjson.Value {
	var out map[string]rawjson.Value
	for _, d := range details.Elems() {
		if !d.Get("type").Is("reasoning.encrypted") || !strings.HasPrefix(d.Get("format").Text(), "google") {
			continue
		}
		if out == nil {
			out = map[string]rawjson.Value{}
		}
		id := plainID(d.Get("id").Text())
		if _, again := out[id]; !again {
			out[id] = d.Get("data")
		}
	}
	return out
}

// plainID cuts a signature from a tool-call id.
func plainID(id string) string {
	base, _ := signature.Split(id)
	return base
}
