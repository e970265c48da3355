// Package rawjson reads JSON in place: values stay the bytes they came as, so
// that what is opaque (signatures, arguments, big integers, unknown fields) is
// never decoded and encoded again.
//
// A body from outside goes through [Check] once. After that, [Value] walks it
// without validating again; on bytes that were never checked the walkers stay
// within bounds and answer "absent", they never panic.
package rawjson

import (
	"bytes"
	"encoding/binary"
	"iter"
	"math/bits"
	"strconv"
)

// Value is the raw text of one JSON value without surrounding white space.
// The nil Value means "absent".
type Value []byte

// Kind is the first byte of a value, with every number folded to '0':
// '{', '[', '"', '0', 't', 'f', 'n', or 0 when absent.
func (v Value) Kind() byte {
	if len(v) == 0 {
		return 0
	}
	if c := v[0]; c == '-' || (c >= '0' && c <= '9') {
		return '0'
	}
	return v[0]
}

// Present reports whether the value exists and is not null.
func (v Value) Present() bool { return len(v) > 0 && v[0] != 'n' }

// Str returns the decoded string; ok is false for anything but a string.
// Lone surrogates become U+FFFD.
func (v Value) Str() (s string, ok bool) {
	if len(v) < 2 || v[0] != '"' {
		return "", false
	}
	body := v[1 : len(v)-1]
	if bytes.IndexByte(body, '\\') < 0 {
		return string(body), true
	}
	return string(appendUnescaped(make([]byte, 0, len(body)), body)), true
}

// Text returns the decoded string, or "" for anything but a string.
func (v Value) Text() string {
	s, _ := v.Str()
	return s
}

// Is reports whether the value is exactly the string s, without allocating.
func (v Value) Is(s string) bool {
	return len(v) == len(s)+2 && v[0] == '"' && string(v[1:len(v)-1]) == s
}

// Bool returns the boolean; ok is false for anything else.
func (v Value) Bool() (b, ok bool) {
	switch v.Kind() {
	case 't':
		return true, true
	case 'f':
		return false, true
	}
	return false, false
}

// True reports whether the value is the literal true.
func (v Value) True() bool { return v.Kind() == 't' }

// Int returns a number as an integer; a number with a fraction or an exponent
// counts when its value is whole.
func (v Value) Int() (n int64, ok bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	if n, ok := v.count(); ok {
		return n, true
	}
	if n, err := strconv.ParseInt(string(v), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(v), 64)
	if err != nil || f != float64(int64(f)) {
		return 0, false
	}
	return int64(f), true
}

// count reads what nearly every number is: digits, and few enough to fit.
func (v Value) count() (n int64, ok bool) {
	if len(v) > 18 {
		return 0, false
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// Float returns a number as a float64.
func (v Value) Float() (f float64, ok bool) {
	if v.Kind() != '0' {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(v), 64)
	return f, err == nil
}

// Clone returns a copy that does not share memory with v.
func (v Value) Clone() Value { return bytes.Clone(v) }

// Members iterates over the members of an object in order, duplicates included.
// Anything but an object has none. The key is decoded.
func (v Value) Members() iter.Seq2[string, Value] {
	return func(yield func(string, Value) bool) {
		for m := range v.Fields() {
			if !yield(m.Name(), m.Value) {
				return
			}
		}
	}
}

// Field is one member of an object with its key still quoted.
type Field struct {
	Key   Value // the quoted key
	Value Value
	// Start and End are the offsets of Value within the object's bytes.
	Start, End int
}

// Name returns the decoded key.
func (f Field) Name() string { return f.Key.Text() }

// Fields iterates over the members of an object in order without decoding the
// keys, for hot paths.
func (v Value) Fields() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		if v.Kind() != '{' {
			return
		}
		i := skipSpace(v, 1)
		for i < len(v) && v[i] == '"' {
			ks := i
			i = skipString(v, i)
			key := v[ks:i]
			i = skipSpace(v, i)
			if i >= len(v) || v[i] != ':' {
				return
			}
			i = skipSpace(v, i+1)
			vs := i
			i = skipValue(v, i)
			if i <= vs || i > len(v) || !yield(Field{key, v[vs:i], vs, i}) {
				return
			}
			if i = skipSpace(v, i); i >= len(v) || v[i] != ',' {
				return
			}
			i = skipSpace(v, i+1)
		}
	}
}

// Elems iterates over the elements of an array. Anything but an array has none.
func (v Value) Elems() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		if v.Kind() != '[' {
			return
		}
		i := skipSpace(v, 1)
		for n := 0; i < len(v) && v[i] != ']'; n++ {
			s := i
			i = skipValue(v, i)
			if i <= s || i > len(v) || !yield(n, v[s:i]) {
				return
			}
			if i = skipSpace(v, i); i >= len(v) || v[i] != ',' {
				return
			}
			i = skipSpace(v, i+1)
		}
	}
}

// Get returns the member key of an object (the last one when it stands there
// twice, as every JSON library reads it), or nil.
func (v Value) Get(key string) Value {
	var found Value
	for f := range v.Fields() {
		if f.Key.Is(key) || (bytes.IndexByte(f.Key, '\\') >= 0 && f.Name() == key) {
			found = f.Value
		}
	}
	return found
}

// Path follows keys through nested objects and returns nil when one is missing.
func (v Value) Path(keys ...string) Value {
	for _, k := range keys {
		if v = v.Get(k); v == nil {
			return nil
		}
	}
	return v
}

// First returns the first element of an array, or nil.
func (v Value) First() Value {
	for _, e := range v.Elems() {
		return e
	}
	return nil
}

// Len counts the elements of an array or the members of an object.
func (v Value) Len() int {
	n := 0
	switch v.Kind() {
	case '[':
		for range v.Elems() {
			n++
		}
	case '{':
		for range v.Fields() {
			n++
		}
	}
	return n
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && b[i] <= ' ' && (b[i] == ' ' || b[i] == '\n' || b[i] == '\r' || b[i] == '\t') {
		i++
	}
	return i
}

// skipString returns the index after the closing quote of the string that
// starts at i, or len(b) when it does not end. Keys and short values are found a
// word at a time, long texts with the runtime's search.
func skipString(b []byte, i int) int {
	i++
	for range 3 {
		if i+8 > len(b) {
			break
		}
		w := binary.LittleEndian.Uint64(b[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		hit := (((quote - ones) &^ quote) | ((slash - ones) &^ slash)) & highs
		if hit == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(hit) / 8
		if b[i] == '"' {
			return i + 1
		}
		i += 2 // the backslash and what it escapes
	}
	return skipLongString(b, i)
}

func skipLongString(b []byte, i int) int {
	for i < len(b) {
		n := bytes.IndexByte(b[i:], '"')
		if n < 0 {
			return len(b)
		}
		end := i + n
		if !escaped(b[i:end]) {
			return end + 1
		}
		i = end + 1
	}
	return len(b)
}

// escaped reports whether a quote right after run is escaped: an odd number of
// backslashes stands before it. A run starts after the previous quote, or
// after a whole escape, so it need not look further back.
func escaped(run []byte) bool {
	n := 0
	for i := len(run) - 1; i >= 0 && run[i] == '\\'; i-- {
		n++
	}
	return n%2 == 1
}

// skipValue returns the index after the value that starts at i.
func skipValue(b []byte, i int) int {
	if i >= len(b) {
		return i
	}
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipContainer(b, i)
	}
	for i < len(b) && b[i] > ' ' && b[i] != ',' && b[i] != '}' && b[i] != ']' && b[i] != ':' {
		i++
	}
	return i
}

func skipContainer(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		c := b[i]
		if c == '"' {
			i = skipString(b, i)
			continue
		}
		i++
		switch c | 0x20 { // '[' and '{', ']' and '}' differ in this bit
		case '{':
			depth++
		case '}':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(b)
}
