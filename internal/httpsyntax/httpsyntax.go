// Package httpsyntax is the grammar of HTTP/1.1 that server and client share (RFC 9110
// section 5, RFC 9112): which bytes may stand where, what a header line, a length and
// the size of a chunk are. It refuses whatever two readers could understand in two ways.
package httpsyntax

import (
	"bytes"
	"strings"
)

// Class is a set of bytes.
type Class uint8

const (
	// Token is of a name or a method.
	Token Class = 1 << iota
	// Value is of a header's value.
	Value
	// Target is of a request's target.
	Target
	// Host is of a Host.
	Host
	// Path is of a path that needs no decoding.
	Path
)

var classes = classify()

func classify() (t [256]Class) {
	for c := range t {
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		among := func(s string) bool { return c < 0x80 && strings.IndexByte(s, byte(c)) >= 0 }
		mark := func(is bool, class Class) {
			if is {
				t[c] |= class
			}
		}
		mark(alnum || among("!#$%&'*+-.^_`|~"), Token)
		mark(c == '\t' || c >= ' ' && c != 0x7f, Value)
		mark(c > ' ' && c != 0x7f, Target)
		mark(alnum || among("!$%&'()*+,-.:;=[]_~"), Host)
		mark(alnum || among("/-._~"), Path)
	}
	return t
}

// Has reports whether a byte is of the class.
func (c Class) Has(b byte) bool { return classes[b]&c != 0 }

// All reports whether every byte is of a class.
func All[T string | []byte](s T, c Class) bool {
	for i := range len(s) {
		if classes[s[i]]&c == 0 {
			return false
		}
	}
	return true
}

// IsToken reports whether s can be a name or a method.
func IsToken[T string | []byte](s T) bool { return len(s) > 0 && All(s, Token) }

// Hex is the value of a hexadecimal digit, -1 of anything else.
func Hex(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c >= 'a' && c <= 'f':
		return int(c-'a') + 10
	case c >= 'A' && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// CutLine returns the first line without its ending, CR LF or LF, and what follows.
func CutLine(b []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(b, []byte{'\n'})
	return bytes.TrimSuffix(line, []byte{'\r'}), rest
}

// CheckFields checks header lines up to the empty one, as [CheckField] does, and counts
// them. It stops when there are more than most.
func CheckFields(b []byte, most int) (n int, wrong string) {
	for n <= most {
		var line []byte
		if line, b = CutLine(b); len(line) == 0 {
			return n, ""
		}
		if wrong = CheckField(line); wrong != "" {
			return n, wrong
		}
		n++
	}
	return n, ""
}

// CheckField makes the name of a header line canonical, and says what is wrong with the
// line, "" if nothing is.
func CheckField(line []byte) (wrong string) {
	if line[0] == ' ' || line[0] == '\t' {
		return "a folded header line"
	}
	colon := bytes.IndexByte(line, ':')
	if colon <= 0 {
		return "a header line without a name"
	}
	upper := true
	for i, c := range line[:colon] {
		switch {
		case !Token.Has(c):
			return "an invalid header name"
		case upper && c >= 'a' && c <= 'z':
			line[i] = c - ('a' - 'A')
		case !upper && c >= 'A' && c <= 'Z':
			line[i] = c + ('a' - 'A')
		}
		upper = c == '-'
	}
	if !All(line[colon+1:], Value) {
		return "an invalid header value"
	}
	return ""
}

// ContentLength reads the values of Content-Length: -1 when there is none. One that is
// repeated must be the same.
func ContentLength(values []string) (n int64, ok bool) {
	if len(values) == 0 {
		return -1, true
	}
	first := values[0]
	for _, v := range values[1:] {
		if v != first {
			return 0, false
		}
	}
	if first == "" || len(first) > 18 {
		return 0, false
	}
	for i := range len(first) {
		if first[i] < '0' || first[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(first[i]-'0')
	}
	return n, true
}

// ChunkSize reads the line before a chunk: hexadecimal digits, and extensions that
// nobody needs.
func ChunkSize(line []byte) (size int64, ok bool) {
	digits := 0
	for digits < len(line) && Hex(line[digits]) >= 0 {
		size = size<<4 | int64(Hex(line[digits]))
		if digits++; digits > 15 {
			return 0, false
		}
	}
	rest := bytes.TrimRight(line[digits:], " \t")
	if digits == 0 || len(rest) > 0 && rest[0] != ';' || !All(rest, Value) {
		return 0, false
	}
	return size, true
}

// TrimSpace returns a value without the space around it. strings.Trim makes a set of its
// characters first, which costs more than the trimming, thirty times a request.
func TrimSpace(value string) string {
	for len(value) > 0 && space(value[0]) {
		value = value[1:]
	}
	for len(value) > 0 && space(value[len(value)-1]) {
		value = value[:len(value)-1]
	}
	return value
}

func space(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// HasOption looks for a token in the lists of a field, in whatever case.
func HasOption(lines []string, option string) bool {
	for _, line := range lines {
		if strings.EqualFold(line, option) {
			return true
		}
		for o := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(TrimSpace(o), option) {
				return true
			}
		}
	}
	return false
}
