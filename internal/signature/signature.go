// Package signature knows the text forms of a Gemini thought signature: how it
// travels inside a tool-call id, what a valid one looks like, and the documented
// placeholder. Source: wire-format rules G1–G17 (thought signatures).
package signature

import (
	"encoding/base64"
	"strings"
)

// Mark separates a tool-call id from the signature appended to it, as LiteLLM
// writes it.
const Mark = "__thought__"

// altMark is the separator that another gateway (Bifrost) uses; the rest is
// unpadded URL-safe base64.
const altMark = "_ts_"

// Placeholder is what Google documents for a call whose signature is lost: the
// base64 form of "skip_thought_signature_validator", the only spelling that both
// AI Studio and Vertex accept. It costs answer quality, so it is the last resort.
const Placeholder = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

// minBytes is the length below which a decoded value is certainly not a signature.
const minBytes = 16

// known placeholders that upstreams accept although they are shorter or not base64.
var placeholders = map[string]bool{
	"context_engineering_is_the_way_to_go": true,
	"skip_thought_signature_validator":     true,
}

// Split cuts a tool-call id into the plain id and the signature it carries, if any.
// The signature is returned as it stands, valid or not.
func Split(id string) (base, sig string) {
	if base, sig, ok := strings.Cut(id, Mark); ok {
		return base, sig
	}
	if base, sig, ok := strings.Cut(id, altMark); ok {
		if _, valid := Normalize(sig); valid {
			return base, sig
		}
	}
	return id, ""
}

// Join appends a signature to a tool-call id.
func Join(id, sig string) string {
	if sig == "" {
		return id
	}
	return id + Mark + sig
}

// Normalize returns sig in standard base64 with padding; ok is false when it
// cannot be a signature. Spaces are read as '+' once, because form decoding turns
// one into the other.
func Normalize(sig string) (std string, ok bool) {
	if placeholders[sig] {
		return Placeholder, true
	}
	raw, ok := decode(sig)
	if !ok || len(raw) < minBytes {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(raw), true
}

func decode(sig string) ([]byte, bool) {
	if sig == "" || strings.ContainsAny(sig, "\r\n\t") {
		return nil, false
	}
	s := strings.TrimRight(strings.ReplaceAll(sig, " ", "+"), "=")
	enc := base64.RawStdEncoding
	if strings.ContainsAny(s, "-_") {
		enc = base64.RawURLEncoding
	}
	raw, err := enc.DecodeString(s)
	return raw, err == nil
}
