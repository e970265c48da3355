package rawjson

import "bytes"

// Cursor walks JSON text from left to right by hand, for walks that must look at
// every byte only once. On text that [Check] accepted it visits everything; on
// other text it stays within bounds and ends early.
//
//	for ok := c.Open('{'); ok; ok = c.Next() {
//		key := c.Key()
//		value := c.Skip()
//	}
type Cursor struct {
	B []byte
	I int // index of the byte that comes next
}

// Peek returns the byte that comes next, 0 at the end.
func (c *Cursor) Peek() byte {
	if c.I < len(c.B) {
		return c.B[c.I]
	}
	return 0
}

// Open steps into the object or array that begins here with open and reports
// whether it has a first member. An empty one is passed over.
func (c *Cursor) Open(open byte) bool {
	if c.Peek() != open {
		return false
	}
	c.I = skipSpace(c.B, c.I+1)
	if ch := c.Peek(); ch == '}' || ch == ']' {
		c.I++
		return false
	}
	return c.I < len(c.B)
}

// Next steps over the comma after a value to the next one; at the closing
// bracket it steps over that and returns false.
func (c *Cursor) Next() bool {
	c.I = skipSpace(c.B, c.I)
	if c.I >= len(c.B) {
		return false
	}
	more := c.B[c.I] == ','
	c.I++
	if more {
		c.I = skipSpace(c.B, c.I)
	}
	return more && c.I < len(c.B)
}

// Key returns the quoted key of the member that begins here and steps to its
// value. It is nil when no key stands here.
func (c *Cursor) Key() Value {
	if c.Peek() != '"' {
		return nil
	}
	start := c.I
	c.I = skipString(c.B, c.I)
	key := Value(c.B[start:c.I])
	c.I = skipSpace(c.B, c.I)
	if c.Peek() == ':' {
		c.I = skipSpace(c.B, c.I+1)
	}
	return key
}

// Skip steps over the value that begins here and returns it.
func (c *Cursor) Skip() Value {
	start := c.I
	c.I = min(skipValue(c.B, c.I), len(c.B))
	return Value(c.B[start:c.I])
}

// Escaped reports whether a quoted key or string holds an escape, so that its
// bytes are not its text.
func (v Value) Escaped() bool { return bytes.IndexByte(v, '\\') >= 0 }

// Bare returns the bytes between the quotes of a string without decoding, nil
// for anything else.
func (v Value) Bare() []byte {
	if len(v) < 2 || v[0] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}
