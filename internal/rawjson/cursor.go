package rawjson

import "bytes"

// Cursor walks JSON text from left to right by hand, for walks that must look at
// every byte only once. On text that [Check] accepted it visits everything; on
// other text it stays within bounds and ends early. One that [Checking] made
// finds out on the way whether the text is acceptable, as Check does, so that
// text from outside is looked at once in all.
//
//	for ok := c.Open('{'); ok; ok = c.Next() {
//		key := c.Key()
//		value := c.Skip()
//	}
type Cursor struct {
	B []byte
	I int // index of the byte that comes next

	checking bool
	checker  checker // only of a checking cursor
	err      error
	depth    int
	// objects has a bit for every container that is open, the innermost lowest:
	// set for an object. Only a checking cursor needs it, and its walks are written
	// by hand and nest a few levels.
	objects uint64
}

// Checking returns a cursor at the value that data holds, which checks the text
// as it goes. The walk must step over every value with Open or Skip, stop when
// Failed says so, and ask End last: what it met counts only then.
func Checking(data []byte) Cursor {
	return Cursor{B: data, I: skipSpace(data, 0), checking: true, checker: newChecker(data)}
}

// Failed reports whether a checking cursor has met something unacceptable.
func (c *Cursor) Failed() bool { return c.err != nil }

// End reports what was wrong with the text of a checking cursor, which must have
// nothing left but white space: a [*SyntaxError], or nil. Of another it says nothing.
func (c *Cursor) End() error {
	if !c.checking {
		return nil
	}
	return c.checker.end(c.I, c.err)
}

// fail keeps the first error and ends the walk.
func (c *Cursor) fail(err error) {
	if c.err == nil {
		c.err = err
	}
	c.I = len(c.B)
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
	if c.checking {
		return c.openChecking(open)
	}
	c.I = skipSpace(c.B, c.I+1)
	if ch := c.Peek(); ch == '}' || ch == ']' {
		c.I++
		return false
	}
	return c.I < len(c.B)
}

func (c *Cursor) openChecking(open byte) bool {
	closing := open + 2 // in ASCII, for both kinds
	c.I = skipSpace(c.B, c.I+1)
	if c.Peek() == closing {
		c.I++
		return false
	}
	c.depth++
	c.objects <<= 1
	if open == '{' {
		c.objects |= 1
	}
	return true
}

// Next steps over the comma after a value to the next one; at the closing
// bracket it steps over that and returns false.
func (c *Cursor) Next() bool {
	if c.checking {
		return c.nextChecking()
	}
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

func (c *Cursor) nextChecking() bool {
	if c.err != nil {
		return false
	}
	closing := byte(']')
	if c.objects&1 != 0 {
		closing = '}'
	}
	at, done, err := c.checker.next(c.I, closing)
	if err != nil {
		c.fail(err)
		return false
	}
	if c.I = at; done {
		c.depth--
		c.objects >>= 1
	}
	return !done
}

// Key returns the quoted key of the member that begins here and steps to its
// value. It is nil when no key stands here.
func (c *Cursor) Key() Value {
	if c.checking {
		return c.keyChecking()
	}
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

func (c *Cursor) keyChecking() Value {
	start := c.I
	end, at, err := c.checker.key(start)
	if err != nil {
		c.fail(err)
		return nil
	}
	c.I = at
	return Value(c.B[start:end])
}

// Skip steps over the value that begins here and returns it.
func (c *Cursor) Skip() Value {
	start := c.I
	if c.checking {
		return c.skipChecking()
	}
	c.I = min(skipValue(c.B, c.I), len(c.B))
	return Value(c.B[start:c.I])
}

func (c *Cursor) skipChecking() Value {
	if c.err != nil {
		return nil
	}
	start := c.I
	end, err := c.checker.value(start, c.depth)
	if err != nil {
		c.fail(err)
		return nil
	}
	c.I = end
	return Value(c.B[start:end])
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
