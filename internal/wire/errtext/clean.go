package errtext

import (
	"strings"
	"unicode/utf8"
)

// maxText bounds an upstream's text in an answer, in bytes. Some upstreams echo
// the whole request, or send a page of HTML.
const maxText = 8 << 10

// Clean makes an upstream's text fit for a client: bounded, valid UTF-8, and
// without anything that looks like a credential (providers like to repeat the
// key that they refused).
func Clean(text string) string {
	text = strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))
	if len(text) > maxText {
		cut := maxText
		for cut > 0 && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut] + "…"
	}
	return mask(text)
}

// keyPrefixes begin the credentials of the large providers.
var keyPrefixes = []string{"sk-", "AIza", "gsk_", "xai-", "hf_", "r8_", "pplx-", "nvapi-", "ya29."}

// minKey is the length from which a word with such a beginning counts as a key.
const minKey = 12

func mask(text string) string {
	for _, prefix := range keyPrefixes {
		text = maskPrefix(text, prefix)
	}
	return text
}

func maskPrefix(text, prefix string) string {
	for from := 0; ; {
		i := strings.Index(text[from:], prefix)
		if i < 0 {
			return text
		}
		start := from + i
		end := start
		for end < len(text) && keyByte(text[end]) {
			end++
		}
		from = end
		if end-start >= minKey && (start == 0 || !keyByte(text[start-1])) {
			text = text[:start] + prefix + "***" + text[end:]
			from = start + len(prefix) + len("***")
		}
	}
}

func keyByte(c byte) bool {
	return c == '-' || c == '_' || c == '.' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
}
