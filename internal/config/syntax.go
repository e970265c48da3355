package config

import (
	"bytes"
	"errors"
	"strings"

	"github.com/goccy/go-yaml/token"
)

// positioned is what goccy's syntax errors are.
type positioned interface {
	error
	GetMessage() string
	GetToken() *token.Token
}

// syntaxError adds the parser's complaint with its place and a hint.
func (r *Report) syntaxError(file string, err error) {
	pos := Position{File: file}
	message := err.Error()
	if e, ok := errors.AsType[positioned](err); ok {
		message = e.GetMessage()
		if t := e.GetToken(); t != nil && t.Position != nil {
			pos.Line, pos.Column = t.Position.Line, t.Position.Column
		}
	}
	message, _, _ = strings.Cut(message, "\n")
	// A quotation may hold a credential; the masked source line shows the place.
	message, _, _ = strings.Cut(message, `: "`)
	if strings.Contains(message, "'\t'") {
		message = "a tab stands where only spaces may"
	}
	r.errorf(pos, "", syntaxHint(r.sources[file], pos.Line, message), "The file is not valid YAML: %s.", strings.TrimSuffix(message, "."))
}

// generalHint is for mistakes that show no cause.
const generalHint = "Check the indentation of this line and of the one before it, and quote values that hold a colon followed by a space."

// syntaxHint looks at the complaint and at the lines around it (the parser may
// have noticed too late) for the usual causes.
func syntaxHint(lines []string, line int, message string) string {
	if line < 1 || line > len(lines) {
		return ""
	}
	switch {
	case strings.Contains(message, "escape character"):
		return `Between double quotes a backslash starts an escape: write it twice, or use single quotes.`
	case strings.Contains(message, "end character of"):
		return "Close the quotation mark that opens here."
	}
	for _, text := range lines[max(line-2, 0):min(line+1, len(lines))] {
		if hint := lineHint(text); hint != "" {
			return hint
		}
	}
	if hint := misalignedHint(lines, line); hint != "" {
		return hint
	}
	return generalHint
}

func lineHint(text string) string {
	key, value, _ := strings.Cut(text, ":")
	key, glued := strings.Trim(key, " -"), value != "" && value[0] != ' ' && value[0] != '\t'
	value = strings.TrimSpace(value)
	switch {
	case glued && isKnownKey(key):
		return "Put a space after the colon of `" + key + "`."
	case strings.Contains(text[:indentOf(text)], "\t"):
		return "Indent with spaces: YAML allows no tabs there."
	case strings.HasPrefix(value, "{{") || strings.Contains(text, "{%"):
		return "This looks like a template that was not rendered; quote the value or render the file first."
	case strings.HasPrefix(value, "*"):
		return `A value that starts with * must be quoted: "*".`
	case strings.HasPrefix(value, "@") || strings.HasPrefix(value, "`") || strings.HasPrefix(value, "%"):
		return "Quote a value that starts with @, ` or %."
	}
	return ""
}

// misalignedHint recognises a key that is indented further than the key with a
// value above it: litellm_params below model_name, in most cases.
func misalignedHint(lines []string, line int) string {
	for i := max(line-2, 0); i < min(line, len(lines)-1); i++ {
		above, below := lines[i], lines[i+1]
		key, value, _ := strings.Cut(strings.TrimLeft(above, " -"), ":")
		next, _, isKey := strings.Cut(strings.TrimSpace(below), ":")
		column := len(above) - len(strings.TrimLeft(above, " -"))
		if isKey && strings.TrimSpace(value) != "" && indentOf(below) > column && isKnownKey(key) && isKnownKey(next) {
			return "Write `" + next + "` in the same column as `" + key + "`."
		}
	}
	return ""
}

// isKnownKey reports whether some section has the key; other words may be a
// part of a secret and are not quoted.
func isKnownKey(key string) bool {
	for _, keys := range registry() {
		if _, ok := keys[key]; ok {
			return true
		}
	}
	return false
}

// indentOf returns the number of bytes of white space that a line starts with.
func indentOf(text string) int { return len(text) - len(strings.TrimLeft(text, " \t")) }

// otherFormat recognises text that is no YAML map but well known, by its first
// lines, and says what to do with it.
func otherFormat(data []byte) (sentence, remedy string) {
	text := bytes.ToLower(bytes.TrimSpace(data[:min(len(data), 512)]))
	switch {
	case bytes.HasPrefix(text, []byte("<!doctype")) || bytes.HasPrefix(text, []byte("<html")):
		return "This is a web page (HTML), not a LiteLLM configuration.", "Download the raw file."
	case bytes.HasPrefix(text, []byte("#!")):
		return "This is a script, not a LiteLLM configuration.", "Give the file that the script passes to --config."
	case isEnvFile(data):
		return "This is an env file (NAME=value), not a LiteLLM configuration.", "Give it with --env-file, beside --config."
	}
	return "", ""
}

// isEnvFile reports whether every line is NAME=value, a comment or empty.
func isEnvFile(data []byte) bool {
	found := false
	for line := range bytes.Lines(data) {
		line = bytes.TrimPrefix(bytes.TrimSpace(line), []byte("export "))
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		name, _, ok := bytes.Cut(line, []byte("="))
		if !ok || len(name) == 0 || bytes.ContainsAny(name, " \t:{}[]\"'") {
			return false
		}
		found = true
	}
	return found
}
