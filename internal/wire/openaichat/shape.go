package openaichat

import (
	"bytes"
	"unicode/utf8"
)

// shape is the text around the content of a chunk that passed through. Nearly all
// chunks of a stream differ only in their content: comparing the beginning and
// the end and looking at the few bytes between them says all about such a chunk,
// at a tenth of the price of reading it.
type shape struct {
	choice       int
	before, rest []byte
}

// learn remembers the shape of a chunk whose content is data[start:end], quotes
// included.
func (s *shape) learn(choice int, data []byte, start, end int) {
	s.choice = choice
	s.before = append(s.before[:0], data[:start+1]...)
	s.rest = append(s.rest[:0], data[end-1:]...)
}

// matches reports whether data has the shape and some content that is a valid
// JSON string.
func (s *shape) matches(data []byte) bool {
	n := len(s.before)
	if n == 0 || len(data) <= n+len(s.rest) || !bytes.HasPrefix(data, s.before) || !bytes.HasSuffix(data, s.rest) {
		return false
	}
	return plainText(data[n : len(data)-len(s.rest)])
}

// plainText reports whether b may stand between the quotes of a JSON string. It
// says no to \u escapes, which need a closer look.
func plainText(b []byte) bool {
	ascii := true
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c < ' ' || c == '"':
			return false
		case c == '\\':
			i++
			if i == len(b) || !simpleEscape(b[i]) {
				return false
			}
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return ascii || utf8.Valid(b)
}

func simpleEscape(c byte) bool {
	switch c {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	}
	return false
}
