package gemini

import (
	"encoding/base64"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// Another provider's reasoning state travels in thoughtSignature, which clients
// keep, as base64 of {"v":1,"p":provider,"sig":…} (or "red" for redacted thinking):
// clients decode the field, so that it must be base64. It never reaches Google.
const (
	envelopeStart = `{"v":1,"p":`
	// envelopeMark is the first whole bytes of every envelope in base64; the rest
	// depends on what follows.
	envelopeMark = "eyJ2IjoxLCJwI"
)

// carrier is the text of thoughtSignature for a state: Gemini's own signature as it
// is, anything else in an envelope; "" for no state.
func carrier(s *llm.State) string {
	switch {
	case s == nil || (s.Signature == "" && s.Redacted == ""):
		return ""
	case s.Provider == Name:
		return s.Signature
	}
	dst := rawjson.AppendString([]byte(envelopeStart), s.Provider)
	if s.Redacted != "" {
		dst = rawjson.AppendStringMember(dst, "red", s.Redacted)
	} else {
		dst = rawjson.AppendStringMember(dst, "sig", s.Signature)
	}
	return base64.StdEncoding.EncodeToString(append(dst, '}'))
}

// isEnvelope recognises another provider's state.
func isEnvelope(sig string) bool { return strings.HasPrefix(sig, envelopeMark) }

// readCarrier is the opposite of carrier, in any alphabet of base64; nil for what
// cannot be a signature.
func readCarrier(sig string) *llm.State {
	if sig == "" {
		return nil
	}
	std, ok := signature.Normalize(sig)
	if !ok {
		return nil
	}
	if !isEnvelope(std) {
		return &llm.State{Provider: Name, Signature: std}
	}
	raw, err := base64.StdEncoding.DecodeString(std)
	if err != nil {
		return nil
	}
	v, err := rawjson.Check(raw)
	if err != nil {
		return nil
	}
	st := &llm.State{Provider: v.Get("p").Text(), Signature: v.Get("sig").Text(), Redacted: v.Get("red").Text()}
	if st.Provider == Name || (st.Signature == "" && st.Redacted == "") {
		return nil
	}
	return st
}
