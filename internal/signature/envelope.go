package signature

import (
	"encoding/base64"
	"strings"
)

// The forms in which state travels in the signature field of an Anthropic thinking
// block, for clients that speak Messages to a model of another provider. Sources:
// wire-format specification §2.8 (conventions of others), §2.9 and §5.2.7.
const (
	// Gemini marks Gemini's signature of the block itself or, on a block without
	// text, of the text of the same message.
	Gemini = "gemini:"
	// GeminiNext marks Gemini's signature of the next tool call, as another gateway
	// (gproxy) writes it.
	GeminiNext = "gemini-next:"
	// Unsigned stands where a block of reasoning has no signature at all: clients
	// expect every thinking block to end with one, and send it back.
	Unsigned = "fairlead:unsigned"
)

// Wrap puts Gemini's signature into the signature field of a thinking block.
func Wrap(sig string) string { return Gemini + sig }

// Foreign reports whether the signature field of a thinking block holds what
// Anthropic never made. An empty field tells nothing.
func Foreign(field string) bool {
	return strings.HasPrefix(field, Gemini) || strings.HasPrefix(field, GeminiNext) || field == Unsigned
}

// JoinURLSafe appends a signature to a tool-call id in the URL alphabet without
// padding, so that the id stays within Anthropic's pattern ^[a-zA-Z0-9_-]+$. What
// is no signature is not appended.
func JoinURLSafe(id, sig string) string {
	raw, ok := decode(sig)
	if !ok {
		return id
	}
	return id + Mark + base64.RawURLEncoding.EncodeToString(raw)
}
