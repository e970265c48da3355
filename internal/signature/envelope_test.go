package signature

import (
	"regexp"
	"testing"
)

func TestSignatureInAnthropicIDKeepsTheIDLegalAndComesBackWhole(t *testing.T) {
	std, ok := Normalize("ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUt+/8/Pz4+fn4=")
	if !ok {
		t.Fatal("the test's signature is not valid")
	}
	id := JoinURLSafe("call_1", std)
	if !regexp.MustCompile(`^[a-zA-Z0-9_-]+$`).MatchString(id) {
		t.Errorf("%q is no legal id", id)
	}
	base, sig := Split(id)
	if got, ok := Normalize(sig); base != "call_1" || !ok || got != std {
		t.Errorf("%q comes back as %q, %q", id, base, got)
	}
	if got := JoinURLSafe("call_1", "not base64!"); got != "call_1" {
		t.Errorf("what is no signature was appended: %q", got)
	}
}

func TestForeignSignatureFieldsAreRecognised(t *testing.T) {
	for field, foreign := range map[string]bool{
		Wrap(Placeholder): true, GeminiNext + Placeholder: true, Unsigned: true,
		"": false, "EqQBfakeAnthropicSignature0001==": false, "gemini": false,
	} {
		if got := Foreign(field); got != foreign {
			t.Errorf("Foreign(%q) = %v", field, got)
		}
	}
}
