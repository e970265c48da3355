// Package pack stores many small JSON objects in one string that is read in
// place: nothing is parsed, copied or allocated until a record is asked for.
//
// Model data repeats itself a lot (four thousand records share four thousand
// distinct "field: value" pairs), so a record is only a list of pair numbers.
//
// Layout, little endian, sections in this order:
//
//	magic   "FLPK1\n\x00\x00"
//	counts  fields, pairs, records          (uint32 each, then 4 bytes of zero)
//	fields  offsets [fields+1]uint32, bytes (sorted names)
//	values  offsets [pairs+1]uint32, bytes  (compact JSON)
//	owner   [pairs]uint16                   (the field of each pair)
//	keys    offsets [records+1]uint32, bytes (sorted keys)
//	members offsets [records+1]uint32, [..]uint16 (pair numbers; offsets count pairs)
package pack

import (
	"errors"
	"sort"
	"strings"
)

const (
	magic      = "FLPK1\n\x00\x00"
	headerSize = len(magic) + 16
)

// ErrFormat says that a string is no packed table.
var ErrFormat = errors.New("pack: the data is not a packed table or is cut short; generate it again")

// Table is a read-only view of a packed string. The zero Table has no records.
type Table struct {
	fields  list
	values  list
	keys    list
	owner   string
	members list
	ids     string
}

// list is a run of strings addressed by a table of offsets.
type list struct {
	n       int
	offsets string
	bytes   string
}

// Open checks the outline of data and returns a view of it. The cost does not
// depend on the number of records.
func Open(data string) (Table, error) {
	if len(data) < headerSize || !strings.HasPrefix(data, magic) {
		return Table{}, ErrFormat
	}
	fields, pairs, records := u32(data, len(magic)), u32(data, len(magic)+4), u32(data, len(magic)+8)
	c := cutter{rest: data[headerSize:]}
	t := Table{
		fields: c.list(fields, 1),
		values: c.list(pairs, 1),
		owner:  c.take(2 * pairs),
		keys:   c.list(records, 1),
	}
	t.members = c.list(records, 2)
	t.ids = t.members.bytes
	if c.bad || c.rest != "" {
		return Table{}, ErrFormat
	}
	return t, nil
}

// Len is the number of records.
func (t Table) Len() int { return t.keys.n }

// Key is the key of record i, in ascending order of i; "" when i is out of range.
func (t Table) Key(i int) string { return t.keys.at(i) }

// Find returns the number of the record with exactly this key.
func (t Table) Find(key string) (int, bool) {
	i := sort.Search(t.keys.n, func(i int) bool { return t.keys.at(i) >= key })
	return i, i < t.keys.n && t.keys.at(i) == key
}

// Field returns the number of a field name, for repeated use with Value.
func (t Table) Field(name string) (int, bool) {
	i := sort.Search(t.fields.n, func(i int) bool { return t.fields.at(i) >= name })
	return i, i < t.fields.n && t.fields.at(i) == name
}

// Value returns the compact JSON of one field of record i.
func (t Table) Value(i, field int) (string, bool) {
	from, to := t.span(i)
	for p := from; p < to; p++ {
		id := u16(t.ids, 2*p)
		if u16(t.owner, 2*id) == field {
			return t.values.at(id), true
		}
	}
	return "", false
}

// Each calls yield with every field of record i and its compact JSON, until yield
// answers false.
func (t Table) Each(i int, yield func(field, value string) bool) {
	from, to := t.span(i)
	for p := from; p < to; p++ {
		id := u16(t.ids, 2*p)
		if !yield(t.fields.at(u16(t.owner, 2*id)), t.values.at(id)) {
			return
		}
	}
}

// span is the range of pair positions of record i, empty when i is out of range.
func (t Table) span(i int) (from, to int) {
	if i < 0 || i >= t.members.n {
		return 0, 0
	}
	from, to = u32(t.members.offsets, 4*i), u32(t.members.offsets, 4*i+4)
	return from, min(to, len(t.ids)/2)
}

func (l list) at(i int) string {
	if i < 0 || i >= l.n {
		return ""
	}
	from, to := u32(l.offsets, 4*i), u32(l.offsets, 4*i+4)
	if from > to || to > len(l.bytes) {
		return ""
	}
	return l.bytes[from:to]
}

// cutter takes sections off the front of a string and remembers a shortage.
type cutter struct {
	rest string
	bad  bool
}

func (c *cutter) take(n int) string {
	if c.bad || n < 0 || n > len(c.rest) {
		c.bad = true
		return ""
	}
	head := c.rest[:n]
	c.rest = c.rest[n:]
	return head
}

// list cuts n+1 offsets and the bytes they cover; an offset counts units of width bytes.
func (c *cutter) list(n, width int) list {
	offsets := c.take(4 * (n + 1))
	if c.bad {
		return list{}
	}
	return list{n: n, offsets: offsets, bytes: c.take(width * u32(offsets, 4*n))}
}

// u32 and u16 answer 0 outside the string, so that damaged data is wrong but never a panic.
func u32(s string, i int) int {
	if i < 0 || i+4 > len(s) {
		return 0
	}
	return int(uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24)
}

func u16(s string, i int) int {
	if i < 0 || i+2 > len(s) {
		return 0
	}
	return int(s[i]) | int(s[i+1])<<8
}
