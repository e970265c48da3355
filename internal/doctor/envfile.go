package doctor

import (
	"bytes"
	"regexp"
	"strings"
)

// envLine is one assignment of a .env file.
type envLine struct {
	name  string
	value string
	line  int
	// set is false for a name without "=".
	set bool
}

// maxEnvFile bounds the .env that is read, in bytes.
const maxEnvFile = 1 << 20

// parseEnv reads a .env file as python-dotenv does. bad are the lines that it would
// skip with a warning.
func parseEnv(data []byte) (lines []envLine, bad []int) {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	p := &envParser{rest: strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(string(data)), line: 1}
	for p.rest != "" {
		p.space()
		start := p.line
		l, ok := p.statement()
		switch {
		case !ok:
			p.skipLine()
			bad = append(bad, start)
		case l.name != "":
			l.line = start
			lines = append(lines, l)
		}
	}
	return lines, bad
}

type envParser struct {
	rest string
	line int
}

// space skips blanks and line ends.
func (p *envParser) space() {
	trimmed := strings.TrimLeft(p.rest, " \t\n\v\f")
	p.take(len(p.rest) - len(trimmed))
}

// take consumes n bytes and counts the lines in them.
func (p *envParser) take(n int) string {
	s := p.rest[:n]
	p.line += strings.Count(s, "\n")
	p.rest = p.rest[n:]
	return s
}

func (p *envParser) match(re *regexp.Regexp) (string, bool) {
	m := re.FindStringSubmatchIndex(p.rest)
	if m == nil {
		return "", false
	}
	group := p.rest[m[2]:m[3]]
	p.take(m[1])
	return group, true
}

var (
	exportWord  = regexp.MustCompile(`^(export)[ \t]+`)
	quotedName  = regexp.MustCompile(`^'([^']+)'`)
	plainName   = regexp.MustCompile(`^([^=#\s]+)`)
	equals      = regexp.MustCompile(`^[ \t]*(=)[ \t]*`)
	singleValue = regexp.MustCompile(`^'((?:[^'\\]|\\.|\\\n)*)'`)
	doubleValue = regexp.MustCompile(`^"((?:[^"\\]|\\.|\\\n)*)"`)
	plainValue  = regexp.MustCompile(`^([^\n]*)`)
	comment     = regexp.MustCompile(`[ \t]+#.*$`)
	lineEnd     = regexp.MustCompile(`^([ \t]*(?:#[^\n]*)?)(?:\n|$)`)
)

// statement reads one assignment or comment and its line end.
func (p *envParser) statement() (envLine, bool) {
	if _, ok := p.match(lineEnd); ok {
		return envLine{}, true
	}
	p.match(exportWord)
	name, ok := p.match(quotedName)
	if !ok {
		name, ok = p.match(plainName)
	}
	if !ok {
		return envLine{}, false
	}
	l := envLine{name: name}
	if _, l.set = p.match(equals); l.set {
		l.value = p.value()
	}
	_, ok = p.match(lineEnd)
	return l, ok
}

func (p *envParser) value() string {
	if s, ok := p.match(singleValue); ok {
		return strings.NewReplacer(`\\`, `\`, `\'`, `'`).Replace(s)
	}
	if s, ok := p.match(doubleValue); ok {
		return strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\'`, `'`, `\n`, "\n", `\r`, "\r", `\t`, "\t").Replace(s)
	}
	s, _ := p.match(plainValue)
	if strings.HasPrefix(s, "#") {
		return ""
	}
	return strings.TrimRight(comment.ReplaceAllString(s, ""), " \t")
}

func (p *envParser) skipLine() {
	n := strings.IndexByte(p.rest, '\n') + 1
	if n == 0 {
		n = len(p.rest)
	}
	p.take(n)
}

// reference is ${NAME} or ${NAME:-default}; python-dotenv knows no other.
var reference = regexp.MustCompile(`\$\{([^}:]*)(?::-([^}]*))?\}`)

// interpolate replaces references to variables.
func interpolate(value string, lookup func(string) (string, bool)) string {
	return reference.ReplaceAllStringFunc(value, func(s string) string {
		m := reference.FindStringSubmatch(s)
		if v, ok := lookup(m[1]); ok {
			return v
		}
		return m[2]
	})
}
