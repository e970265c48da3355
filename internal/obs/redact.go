package obs

import (
	"regexp"
	"strings"
)

// Hidden stands where a secret stood.
const Hidden = "<secret>"

// minSecret is the length below which a configured value is too common a text to
// be replaced everywhere ("x", "none", "dummy").
const minSecret = 8

// keyShapes are the forms of the vendors' keys, for those that are not configured
// here (a client's own, an upstream's echo of one).
var keyShapes = regexp.MustCompile(`\b(?:sk-[A-Za-z0-9_-]{8,}|AIza[A-Za-z0-9_-]{20,}|gsk_[A-Za-z0-9]{16,}|xai-[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16})`)

// keyBegins are what the shapes begin with: nearly no text has one, and to look for
// them costs a twentieth of looking for the shapes.
var keyBegins = [...]string{"sk-", "AIza", "gsk_", "xai-", "AKIA"}

// Redactor removes secrets from texts for people: errors of upstreams that echo a
// key, debug output.
type Redactor struct{ known *strings.Replacer }

// NewRedactor knows these secrets by their value.
func NewRedactor(secrets []string) *Redactor {
	var pairs []string
	for _, s := range secrets {
		if len(s) >= minSecret {
			pairs = append(pairs, s, Hidden)
		}
	}
	return &Redactor{known: strings.NewReplacer(pairs...)}
}

// Text returns s without any secret.
func (r *Redactor) Text(s string) string {
	s = r.known.Replace(s)
	for _, begin := range keyBegins {
		if strings.Contains(s, begin) {
			return keyShapes.ReplaceAllString(s, Hidden)
		}
	}
	return s
}
