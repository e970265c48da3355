package rawjson

import (
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf8"
)

// MaxDepth is the deepest nesting that [Check] accepts. Real requests stay
// below 40; the limit keeps a hostile one from costing a stack.
const MaxDepth = 256

// MaxKeys is the most keys that the top level of a request may have. Real ones
// have fewer than 60; whoever reads a request may look a key up in each of them.
const MaxKeys = 1024

// TooManyKeys says that a request has more than [MaxKeys] keys.
func TooManyKeys() error {
	return fmt.Errorf("more than %d keys stand at the top level; send the parameters that the request needs", MaxKeys)
}

// SyntaxError says where and why a text is not acceptable JSON.
type SyntaxError struct {
	Line, Column, Offset int // Line and Column from 1, Offset in bytes from 0
	Reason               string
}

// Error implements error.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s: line %d column %d (char %d)", e.Reason, e.Line, e.Column, e.Offset)
}

// Check validates a whole JSON text strictly: grammar, UTF-8, escapes (no lone
// surrogates), nesting of at most [MaxDepth], nothing after the value. It returns
// the value without surrounding space, sharing memory with data. Keys that stand
// twice are for [Keys].
func Check(data []byte) (Value, error) {
	c := newChecker(data)
	start := skipSpace(data, 0)
	end, err := c.value(start, 0)
	if err = c.end(end, err); err != nil {
		return nil, err
	}
	return Value(data[start:end]), nil
}

// Keys lists the decoded keys of an object and fails when there are more than
// [MaxKeys], or when one stands there twice, or differs only in case from a name in known: another reader of the
// same bytes could see another value there.
func Keys(v Value, known []string) error {
	seen := make(map[string]struct{}, 16)
	for f := range v.Fields() {
		k := f.Name()
		if _, dup := seen[k]; dup {
			return fmt.Errorf("the key %q stands twice at the top level; send it once", k)
		}
		if seen[k] = struct{}{}; len(seen) > MaxKeys {
			return TooManyKeys()
		}
		for _, name := range known {
			if len(name) == len(k) && name != k && strings.EqualFold(name, k) {
				return fmt.Errorf("the key %q must be written %q", k, name)
			}
		}
	}
	return nil
}

const (
	notUTF8  = "the text is not valid UTF-8"
	trailing = "unexpected text after the JSON value"
)

type checker struct {
	b []byte
	marks
}

func newChecker(data []byte) checker { return checker{data, marks{block: -blockSize}} }

// end judges the whole text after its value, which ends at i, or was refused with err.
// What is not UTF-8 counts before what else is wrong. Outside of strings all of the
// grammar is ASCII, so that it can only be in one that was looked at, or refused.
func (c *checker) end(i int, err error) error {
	if (c.high || err != nil) && !utf8.Valid(c.b) {
		return c.fail(invalidUTF8At(c.b), notUTF8)
	}
	if err != nil {
		return err
	}
	if rest := skipSpace(c.b, i); rest != len(c.b) {
		if !utf8.Valid(c.b) {
			return c.fail(invalidUTF8At(c.b), notUTF8)
		}
		return c.fail(rest, trailing)
	}
	return nil
}

func (c *checker) fail(at int, reason string) error {
	at = min(max(at, 0), len(c.b))
	line, col := 1, 1
	for _, ch := range c.b[:at] {
		if ch == '\n' {
			line, col = line+1, 1
		} else {
			col++
		}
	}
	return &SyntaxError{Line: line, Column: col, Offset: at, Reason: reason}
}

func (c *checker) value(i, depth int) (int, error) {
	if i >= len(c.b) {
		return 0, c.fail(i, "unexpected end of the text, expected a value")
	}
	switch ch := c.b[i]; {
	case ch == '"':
		return c.str(i)
	case ch == '{':
		return c.object(i, depth+1)
	case ch == '[':
		return c.array(i, depth+1)
	case ch == '-' || (ch >= '0' && ch <= '9'):
		return c.number(i)
	case ch == 't':
		return c.literal(i, "true")
	case ch == 'f':
		return c.literal(i, "false")
	case ch == 'n':
		return c.literal(i, "null")
	}
	return 0, c.fail(i, "unexpected character, expected a value")
}

func (c *checker) literal(i int, word string) (int, error) {
	if len(c.b)-i < len(word) || string(c.b[i:i+len(word)]) != word {
		return 0, c.fail(i, "unexpected character, expected "+word)
	}
	return i + len(word), nil
}

func (c *checker) object(i, depth int) (int, error) {
	if depth > MaxDepth {
		return 0, c.fail(i, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	i = skipSpace(c.b, i+1)
	if i < len(c.b) && c.b[i] == '}' {
		return i + 1, nil
	}
	for {
		_, at, err := c.key(i)
		if err != nil {
			return 0, err
		}
		end, err := c.value(at, depth)
		if err != nil {
			return 0, err
		}
		next, done, err := c.next(end, '}')
		if done || err != nil {
			return next, err
		}
		i = next
	}
}

// key reads the key at i: end is the index after its quote, at that of its value.
func (c *checker) key(i int) (end, at int, err error) {
	if i >= len(c.b) || c.b[i] != '"' {
		return 0, 0, c.fail(i, "unexpected character, expected a string key")
	}
	if end, err = c.str(i); err != nil {
		return 0, 0, err
	}
	if at = skipSpace(c.b, end); at >= len(c.b) || c.b[at] != ':' {
		return 0, 0, c.fail(at, "unexpected character, expected ':'")
	}
	return end, skipSpace(c.b, at+1), nil
}

func (c *checker) array(i, depth int) (int, error) {
	if depth > MaxDepth {
		return 0, c.fail(i, fmt.Sprintf("nested deeper than %d levels", MaxDepth))
	}
	i = skipSpace(c.b, i+1)
	if i < len(c.b) && c.b[i] == ']' {
		return i + 1, nil
	}
	for {
		end, err := c.value(i, depth)
		if err != nil {
			return 0, err
		}
		next, done, err := c.next(end, ']')
		if done || err != nil {
			return next, err
		}
		i = next
	}
}

// next reads what follows an element: a comma (then the start of the next
// element is returned) or the closing bracket (then the index after it).
func (c *checker) next(i int, closing byte) (at int, done bool, err error) {
	i = skipSpace(c.b, i)
	if i >= len(c.b) {
		return 0, false, c.fail(i, "unexpected end of the text")
	}
	switch c.b[i] {
	case ',':
		return skipSpace(c.b, i+1), false, nil
	case closing:
		return i + 1, true, nil
	}
	return 0, false, c.fail(i, fmt.Sprintf("unexpected character, expected ',' or '%c'", closing))
}

func (c *checker) number(i int) (int, error) {
	start, b := i, c.b
	if b[i] == '-' {
		i++
	}
	switch n := digits(b, i); {
	case n == i:
		return 0, c.fail(start, "invalid number")
	case b[i] == '0' && n > i+1:
		return 0, c.fail(start, "invalid number with a leading zero")
	default:
		i = n
	}
	if i < len(b) && b[i] == '.' {
		n := digits(b, i+1)
		if n == i+1 {
			return 0, c.fail(start, "invalid number")
		}
		i = n
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		i++
		if i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		n := digits(b, i)
		if n == i {
			return 0, c.fail(start, "invalid number")
		}
		i = n
	}
	return i, nil
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

func (c *checker) str(i int) (int, error) {
	i++
	for {
		// Before the block and after it, the shift leaves nothing.
		if word := c.word >> uint(i-c.block); word != 0 {
			i += bits.TrailingZeros64(word)
		} else if i = c.beyond(i); i >= len(c.b) {
			return 0, c.fail(i, "unexpected end of the text within a string")
		}
		switch c.b[i] {
		case '"':
			return i + 1, nil
		case '\\':
			if i+1 < len(c.b) && simple[c.b[i+1]] {
				i += 2
				continue
			}
			n, err := c.escape(i)
			if err != nil {
				return 0, err
			}
			i = n
		default:
			return 0, c.fail(i, "control character within a string; escape it")
		}
	}
}

// simple has what may follow a backslash and is the whole escape.
var simple = [256]bool{'"': true, '\\': true, '/': true, 'b': true, 'f': true, 'n': true, 'r': true, 't': true}

func (c *checker) escape(i int) (int, error) {
	if i+1 >= len(c.b) {
		return 0, c.fail(i, "unexpected end of the text within a string")
	}
	if c.b[i+1] == 'u' {
		return c.unicode(i)
	}
	return 0, c.fail(i, "invalid escape within a string")
}

func (c *checker) unicode(i int) (int, error) {
	r, ok := hex4(c.b, i+2)
	switch {
	case !ok:
		return 0, c.fail(i, `invalid \u escape within a string`)
	case r < 0xd800 || r > 0xdfff:
		return i + 6, nil
	case r >= 0xdc00 || i+8 > len(c.b) || c.b[i+6] != '\\' || c.b[i+7] != 'u':
		return 0, c.fail(i, "lone surrogate within a string")
	}
	low, ok := hex4(c.b, i+8)
	if !ok || low < 0xdc00 || low > 0xdfff {
		return 0, c.fail(i, "lone surrogate within a string")
	}
	return i + 12, nil
}

func hex4(b []byte, i int) (rune, bool) {
	if i+4 > len(b) {
		return 0, false
	}
	var r rune
	for _, ch := range b[i : i+4] {
		switch {
		case ch >= '0' && ch <= '9':
			r = r<<4 | rune(ch-'0')
		case ch >= 'a' && ch <= 'f':
			r = r<<4 | rune(ch-'a'+10)
		case ch >= 'A' && ch <= 'F':
			r = r<<4 | rune(ch-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

func invalidUTF8At(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n <= 1 {
			return i
		}
		i += n
	}
	return 0
}
