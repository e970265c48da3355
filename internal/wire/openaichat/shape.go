package openaichat

import (
	"bytes"
	"unicode/utf8"
)

// shape is the text around the one string that a chunk brings: its content, its
// reasoning, or the next piece of a call's arguments. Nearly all chunks of a
// stream differ only there: comparing the beginning and the end and looking at the
// few bytes between them says all about such a chunk, at a tenth of the price of
// reading it.
type shape struct {
	choice       int
	reasoning    bool // the string is reasoning
	before, rest []byte
}

// learn remembers the shape of a chunk whose string is data[start:end], quotes
// included.
func (s *shape) learn(choice int, reasoning bool, data []byte, start, end int) {
	s.choice, s.reasoning = choice, reasoning
	s.before = append(s.before[:0], data[:start+1]...)
	s.rest = append(s.rest[:0], data[end-1:]...)
}

// matches reports whether data has the shape and some text that is a valid JSON
// string; text is what stands between its quotes.
func (s *shape) matches(data []byte) (text []byte, ok bool) {
	n := len(s.before)
	if n == 0 || len(data) <= n+len(s.rest) || !bytes.HasPrefix(data, s.before) || !bytes.HasSuffix(data, s.rest) {
		return nil, false
	}
	text = data[n : len(data)-len(s.rest)]
	return text, plainText(text)
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
