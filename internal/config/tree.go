package config

import (
	"strconv"
	"strings"
)

// kind is what a YAML node is.
type kind uint8

const (
	nullKind kind = iota
	boolKind
	intKind
	floatKind
	stringKind
	listKind
	mapKind
)

// node is a YAML value with its place. Aliases share nodes; nothing in a tree
// is a cycle.
type node struct {
	kind kind
	// text is the value of a scalar after expansion of references; numbers and
	// booleans are in JSON form.
	text string
	// source is the scalar as written, which is safe to show.
	source string
	quoted bool
	pos    Position

	items  []*node
	fields []field

	// size counts the nodes below, aliases counted each time.
	size int
	// variable is the environment variable that text came from.
	variable string
	// unset is set when variable has no value; the node is then null.
	unset    bool
	expanded bool
}

// field is one key of a map.
type field struct {
	key string
	pos Position
	val *node
}

// name returns what the node is, for people.
func (n *node) name() string {
	switch {
	case n == nil || n.kind == nullKind:
		return "empty"
	case n.kind == listKind:
		return "a list"
	case n.kind == mapKind:
		return "a map"
	case n.kind == boolKind:
		return "a boolean"
	case n.kind == intKind || n.kind == floatKind:
		return "a number"
	}
	return "text"
}

// get returns the value of a key, or nil when the node is no map or lacks it.
func (n *node) get(key string) *node {
	f := n.field(key)
	if f == nil {
		return nil
	}
	return f.val
}

func (n *node) field(key string) *field {
	if n == nil {
		return nil
	}
	for i := range n.fields {
		if n.fields[i].key == key {
			return &n.fields[i]
		}
	}
	return nil
}

// isNull reports whether there is no value: no node, null, or a reference to
// an unset variable.
func (n *node) isNull() bool { return n == nil || n.kind == nullKind }

// isScalar reports whether the node is text, a number or a boolean.
func (n *node) isScalar() bool {
	return n != nil && n.kind >= boolKind && n.kind <= stringKind
}

// isEmpty reports whether the node asks for nothing: null, "", [], {} or false.
func (n *node) isEmpty() bool {
	switch {
	case n.isNull():
		return true
	case n.kind == boolKind:
		return n.text == "false"
	case n.kind == stringKind:
		return strings.TrimSpace(n.text) == ""
	case n.kind == listKind:
		return len(n.items) == 0
	case n.kind == mapKind:
		return len(n.fields) == 0
	}
	return false
}

// show returns a scalar as it was written, for messages; a value that came
// from the environment shows as its reference.
func (n *node) show() string {
	if n == nil {
		return ""
	}
	return clip(n.source)
}

// clip shortens a text that is quoted in a message.
func clip(s string) string {
	const most = 80
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// asText returns a scalar as text: a number that is meant as text (a version, a
// name) keeps its spelling.
func (n *node) asText() string {
	if n.kind != stringKind && n.variable == "" && n.source != "" {
		return strings.TrimSpace(n.source)
	}
	return strings.TrimSpace(n.text)
}

// elements returns a list's items, or the node itself as the only element: a
// string where a list is meant is the commonest looseness of real files.
func (n *node) elements() []*node {
	switch {
	case n.isNull():
		return nil
	case n.kind == listKind:
		return n.items
	}
	return []*node{n}
}

// child appends a key to a path.
func child(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// element appends an index to a path.
func element(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }
