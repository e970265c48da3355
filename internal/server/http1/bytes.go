package http1

import "strings"

// Classes of bytes.
const (
	tokenByte  = 1 << iota // of a name or a method
	valueByte              // of a header's value
	targetByte             // of a request's target
	hostByte               // of a Host
	plainByte              // of a path that needs no decoding
)

var class = classes()

func classes() (t [256]uint8) {
	for c := range t {
		alnum := c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		among := func(s string) bool { return c < 0x80 && strings.IndexByte(s, byte(c)) >= 0 }
		mark := func(is bool, bit uint8) {
			if is {
				t[c] |= bit
			}
		}
		mark(alnum || among("!#$%&'*+-.^_`|~"), tokenByte)
		mark(c == '\t' || c >= ' ' && c != 0x7f, valueByte)
		mark(c > ' ' && c != 0x7f, targetByte)
		mark(alnum || among("!$%&'()*+,-.:;=[]_~"), hostByte)
		mark(alnum || among("/-._~"), plainByte)
	}
	return t
}

// all reports whether every byte is of a class.
func all[T string | []byte](s T, bit uint8) bool {
	for i := range len(s) {
		if class[s[i]]&bit == 0 {
			return false
		}
	}
	return true
}

func token[T string | []byte](s T) bool { return len(s) > 0 && all(s, tokenByte) }

func hex(c byte) int {
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

// hasOption looks for a token in the lists of a field.
func hasOption(lines []string, option string) bool {
	for _, line := range lines {
		if strings.EqualFold(line, option) {
			return true
		}
		for o := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.Trim(o, " \t"), option) {
				return true
			}
		}
	}
	return false
}
