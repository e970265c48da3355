package config

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
)

// secretName matches names of keys, headers and variables whose value is a
// credential, in a line of text; isSecretName does it for a name alone.
const secretName = `(?i:api[-_]?key|master[-_]?key|auth_value|[-_]key\b|secret|passw|passphrase|token|credential|authorization|cookie|database_url|redis_url|webhook|dsn\b|\bsalt|connection_string)`

type maskPatterns struct{ line, userinfo, query, shape *regexp.Regexp }

// patterns compiles on first use, so that a start without findings pays
// nothing for it.
var patterns = sync.OnceValue(func() maskPatterns {
	return maskPatterns{
		line: regexp.MustCompile(`(["']?[\w.\-]*` + secretName + `[\w.\-]*["']?[ \t]*[:=][ \t]*)("[^"]*"?|'[^']*'?|[^\s,{}\[\]#][^,}\]#]*)`),
		// user:password@ of a URL.
		userinfo: regexp.MustCompile(`://[^/\s:@"']*:[^/\s@"']+@`),
		// Values in the query of a URL.
		query: regexp.MustCompile(`(://[^\s"'?]*\?[^\s"'=]*=)[^\s"'#]+`),
		// Shapes of keys that vendors give out.
		shape: regexp.MustCompile(`\b(?:sk|pk|rk|gsk|xai|hf|r8|pplx|nvapi|ghp|lsv2|AKIA|AIza)[-_]?[A-Za-z0-9_\-]{12,}|(?i:bearer)\s+[A-Za-z0-9._\-+/=]{6,}`),
	}
})

// secretParts are the parts of secretName that may stand anywhere, and
// secretEnds those that end a name.
var (
	secretParts = []string{
		"api_key", "api-key", "apikey", "masterkey", "auth_value", "secret", "passw", "passphrase", "token", "credential", "authorization", "cookie", "database_url", "redis_url", "webhook", "salt",
		"connection_string",
	}
	secretEnds = []string{"_key", "-key", "dsn"}
)

// publicNames are keys that name a credential and hold none.
var publicNames = []string{"credential_name", "litellm_credential_name", "litellm_key_header_name"}

// isSecretName reports whether a key or variable of this name holds a
// credential. It is asked for every scalar, so it uses no pattern.
func isSecretName(name string) bool {
	name = strings.ToLower(name)
	if slices.Contains(publicNames, name) {
		return false
	}
	return slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(name, part) }) ||
		slices.ContainsFunc(secretEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// masker replaces credentials in texts that people will read.
type masker struct{ known []string }

// learn remembers a value that must not be shown. Values too short or too
// plain to be credentials ("none", "not-needed") are left alone, because
// masking them would garble every message that holds the word.
func (m *masker) learn(value string) {
	value = strings.TrimSpace(value)
	if len(value) < 8 || (len(value) < 20 && !strings.ContainsFunc(value, unicode.IsDigit)) {
		return
	}
	if slices.Contains(m.known, value) || len(m.known) >= 4096 {
		return
	}
	m.known = append(m.known, value)
	slices.SortFunc(m.known, func(a, b string) int { return len(b) - len(a) })
}

// text masks what is known and what has the shape of a key.
func (m *masker) text(s string) string {
	if s == "" {
		return s
	}
	for _, value := range m.known {
		s = strings.ReplaceAll(s, value, hidden)
	}
	if strings.Contains(s, "://") {
		s = patterns().userinfo.ReplaceAllString(s, "://"+hidden+"@")
		s = patterns().query.ReplaceAllString(s, "${1}"+hidden)
	}
	return printable(patterns().shape.ReplaceAllString(s, hidden))
}

// sourceLine masks a line of a configuration file: besides what text masks,
// the value of every key whose name says that it is a credential.
func (m *masker) sourceLine(s string) string {
	s = patterns().line.ReplaceAllStringFunc(s, func(match string) string {
		parts := patterns().line.FindStringSubmatch(match)
		if harmless(parts[2]) {
			return match
		}
		return parts[1] + hidden
	})
	return m.text(s)
}

// insideCredential reports whether line i continues the value of a credential
// key that stands on a line above it: a value on a line of its own, a block or a
// quoted text over several lines.
func insideCredential(lines []string, i int) bool {
	const furthest = 200
	indent := indentOf(lines[i])
	for above := i - 1; above >= max(0, i-furthest); above-- {
		text := strings.TrimSpace(lines[above])
		key, _, isKey := strings.Cut(strings.TrimLeft(text, "- "), ":")
		if text == "" || text[0] == '#' || indentOf(lines[above])+strings.Index(text, key) >= indent {
			continue
		}
		return isKey && isCredentialKey(strings.Trim(key, `"'`))
	}
	return false
}

// credentialEnds end the names of keys whose value is one credential, not a map
// with credentials in it.
var credentialEnds = []string{
	"key", "token", "secret", "password", "passwd", "passphrase", "database_url", "redis_url", "dsn", "webhook", "salt", "authorization", "cookie", "connection_string",
}

func isCredentialKey(name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return isSecretName(name) && slices.ContainsFunc(credentialEnds, func(end string) bool { return strings.HasSuffix(name, end) })
}

// harmless reports whether the value of a credential key shows nothing: a
// reference, a switch, a number.
func harmless(value string) bool {
	value = strings.Trim(strings.TrimSpace(value), `"'`)
	if value == "" || strings.HasPrefix(value, referencePrefix) || strings.HasPrefix(value, "${") {
		return true
	}
	switch strings.ToLower(value) {
	case "true", "false", "null", "~", "none", "yes", "no", "on", "off", "|", ">", "|-", ">-":
		return true
	}
	return len(value) < 16 && strings.Trim(value, "0123456789.eE+-_") == ""
}

// printable replaces control characters, so that a configuration cannot write
// escape sequences to a terminal or forge lines of a log.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if r == '\t' || r == '\n' {
			return ' '
		}
		return '?'
	}, s)
}
