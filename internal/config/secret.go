package config

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// hidden is what a secret shows wherever it is printed.
const hidden = "<secret>"

// Secret is a credential. It prints as <secret> through every path of fmt,
// encoding/json and log/slog, so that a stray %v never shows a key; Reveal is
// the one way to read it. The zero value means "no credential".
type Secret struct{ text string }

// NewSecret wraps text. An empty text is the zero Secret.
func NewSecret(text string) Secret { return Secret{text: text} }

// Reveal returns the credential itself, for the request that needs it.
func (s Secret) Reveal() string { return s.text }

// IsSet reports whether there is a credential at all.
func (s Secret) IsSet() bool { return s.text != "" }

// Equal compares with text in a time that does not depend on where they
// differ, nor on their lengths.
func (s Secret) Equal(text string) bool {
	a, b := sha256.Sum256([]byte(s.text)), sha256.Sum256([]byte(text))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// String returns <secret>, or nothing for the zero Secret.
func (s Secret) String() string {
	if !s.IsSet() {
		return ""
	}
	return hidden
}

// GoString returns what String returns, so that %#v shows no key either.
func (s Secret) GoString() string { return s.String() }

// Format writes what String returns, whatever the verb.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalJSON encodes what String returns.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalText encodes what String returns, for encoders of maps and YAML.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// LogValue returns what String returns.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Secrets lists every credential that the configuration can bring into a
// request, each once: keys, the master key, the database's address, headers and
// variables with telling names, and the provider keys of the environment, which
// a bare "*" takes when it is first asked for. Texts that leave the gateway are
// to be cleaned of them.
func (c *Config) Secrets() []string {
	var s []string
	add := func(value string) {
		if value != "" && !slices.Contains(s, value) {
			s = append(s, value)
		}
	}
	add(c.General.MasterKey.Reveal())
	add(c.General.DatabaseURL.Reveal())
	for _, secret := range c.Redis.secrets() {
		add(secret)
	}
	addNamed(add, c.Defaults.ExtraHeaders)
	addNamed(add, c.Env)
	for i := range c.Deployments {
		add(c.Deployments[i].APIKey.Reveal())
		addNamed(add, c.Deployments[i].ExtraHeaders)
	}
	for name := range providerKeys() {
		value, _ := c.Getenv(name)
		add(value)
	}
	for _, name := range cloudSecrets {
		value, _ := c.Getenv(name)
		add(value)
	}
	for _, value := range c.Clouds.secrets() {
		add(value)
	}
	slices.Sort(s)
	return s
}

// addNamed adds the values whose names say that they are credentials; of a
// header, also without the word in front ("Bearer").
func addNamed(add func(string), values map[string]string) {
	for name, value := range values {
		if !isSecretName(name) {
			continue
		}
		add(value)
		if _, token, ok := strings.Cut(value, " "); ok {
			add(strings.TrimSpace(token))
		}
	}
}
