package signature

import (
	"encoding/base64"
	"strings"
	"testing"
)

const valid = "ZmFrZS1nZW1pbmktdGhvdWdodC1zaWduYXR1cmUtMDAwMQ=="

func TestIDIsSplitFromItsSignature(t *testing.T) {
	url := base64.RawURLEncoding.EncodeToString([]byte("fake-gemini-thought-signature-??>>"))
	tests := []struct{ id, base, sig string }{
		{"call_1", "call_1", ""},
		{"call_1__thought__" + valid, "call_1", valid},
		{"call_1__thought__!!!", "call_1", "!!!"},
		{"call_1__thought__a__thought__b", "call_1", "a__thought__b"},
		{"call_1__thought__", "call_1", ""},
		{"__thought__" + valid, "", valid},
		{"call_1_ts_" + url, "call_1", url},
		{"read_ts_file", "read_ts_file", ""}, // a name that only looks like it
		{"", "", ""},
	}
	for _, tc := range tests {
		if base, sig := Split(tc.id); base != tc.base || sig != tc.sig {
			t.Errorf("Split(%q) = %q, %q", tc.id, base, sig)
		}
	}
	if got := Join("call_1", ""); got != "call_1" {
		t.Errorf("Join without signature = %q", got)
	}
}

func TestSignaturesAreBroughtIntoOneSpelling(t *testing.T) {
	raw := []byte("fake-gemini-thought-signature-??>>~~")
	std := base64.StdEncoding.EncodeToString(raw)
	if !strings.ContainsAny(std, "+/") {
		t.Fatal("the test needs characters that differ between the alphabets")
	}
	for name, s := range map[string]string{
		"standard": std, "no padding": strings.TrimRight(std, "="), "URL-safe": base64.URLEncoding.EncodeToString(raw),
		"URL-safe, no padding": base64.RawURLEncoding.EncodeToString(raw), "plus became space": strings.ReplaceAll(std, "+", " "),
	} {
		if got, ok := Normalize(s); !ok || got != std {
			t.Errorf("%s: %q %v", name, got, ok)
		}
	}
	for _, known := range []string{"skip_thought_signature_validator", "context_engineering_is_the_way_to_go", Placeholder} {
		if got, ok := Normalize(known); !ok || got != Placeholder {
			t.Errorf("%s: %q %v", known, got, ok)
		}
	}
	for _, bad := range []string{"", "!!!", "YQ==", "short", valid[:10], valid + "\n", "a=b", strings.Repeat("=", 40)} {
		if got, ok := Normalize(bad); ok {
			t.Errorf("%q passes as %q", bad, got)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add(valid)
	f.Add("call_1__thought__" + valid)
	f.Fuzz(func(t *testing.T, s string) {
		Split(s)
		std, ok := Normalize(s)
		if !ok {
			return
		}
		if again, ok := Normalize(std); !ok || again != std {
			t.Fatalf("%q became %q, which becomes %q %v", s, std, again, ok)
		}
		if base, sig := Split(Join("call_1", std)); base != "call_1" || sig != std {
			t.Fatalf("%q is lost in an id: %q %q", std, base, sig)
		}
	})
}
