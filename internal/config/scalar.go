package config

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// wrong names a value that has the wrong type and is ignored.
func (l *loader) wrong(n *node, path, wanted string) {
	shown := n.name()
	if n.isScalar() && !isSecretName(lastKey(path)) {
		// The text may be a whole line, "master_key:…" without the space.
		shown = strconv.Quote(l.report.mask.sourceLine(n.show()))
	}
	l.report.warnf(n.pos, path, "", "`%s` must be %s; %s is ignored.", lastKey(path), wanted, shown)
}

// given reports whether a key has a value; a value that names an unset
// variable counts as not given, and is named here.
func (l *loader) given(n *node, path string) bool {
	if n == nil {
		return false
	}
	if n.unset {
		l.missing(Warning, n, path, "; `"+lastKey(path)+"` is taken as not given.")
	}
	return !n.isNull() && (n.kind != stringKind || strings.TrimSpace(n.text) != "")
}

// boolean reads a switch: true, "true", yes, on, 1 and their opposites.
func (l *loader) boolean(n *node, path string) *bool {
	if !l.given(n, path) {
		return nil
	}
	v, ok := asBool(n)
	if !ok {
		l.wrong(n, path, "true or false")
		return nil
	}
	return &v
}

func asBool(n *node) (value, ok bool) {
	if !n.isScalar() {
		return false, false
	}
	switch strings.ToLower(strings.TrimSpace(n.text)) {
	case "true", "yes", "on", "1", "t", "y":
		return true, true
	case "false", "no", "off", "0", "f", "n":
		return false, true
	}
	return false, false
}

// flag reads a switch whose default is false.
func (l *loader) flag(n *node, path string) bool {
	v := l.boolean(n, path)
	return v != nil && *v
}

// number reads a finite number, also from text.
func (l *loader) number(n *node, path string) *float64 {
	if !l.given(n, path) {
		return nil
	}
	v, ok := asNumber(n)
	if !ok {
		l.wrong(n, path, "a number")
		return nil
	}
	return &v
}

func asNumber(n *node) (float64, bool) {
	if !n.isScalar() || n.kind == boolKind {
		return 0, false
	}
	v, err := strconv.ParseFloat(strings.ReplaceAll(strings.TrimSpace(n.text), "_", ""), 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, false
	}
	return v, true
}

// count reads a whole number that is not negative and fits an int32.
func (l *loader) count(n *node, path string) *int {
	v := l.number(n, path)
	if v == nil {
		return nil
	}
	if *v < 0 || *v > math.MaxInt32 || *v != math.Trunc(*v) {
		l.wrong(n, path, "a whole number from 0")
		return nil
	}
	i := int(*v)
	return &i
}

// amount reads a rate or size that is not negative; 0 means not given.
func (l *loader) amount(n *node, path string) int64 {
	v := l.number(n, path)
	if v == nil {
		return 0
	}
	if *v < 0 || *v > 1e15 {
		l.wrong(n, path, "a number from 0")
		return 0
	}
	return int64(*v)
}

// maxDuration bounds every configured time.
const maxDuration = 7 * 24 * time.Hour

// seconds reads a time in seconds (30, 0.5, "30") or with a unit ("30s", "5m").
func (l *loader) seconds(n *node, path string) *time.Duration {
	if !l.given(n, path) {
		return nil
	}
	d, ok := asDuration(n)
	if !ok {
		l.wrong(n, path, "a number of seconds")
		return nil
	}
	return &d
}

func asDuration(n *node) (time.Duration, bool) {
	if v, ok := asNumber(n); ok {
		if v < 0 {
			return 0, false
		}
		return time.Duration(min(v, maxDuration.Seconds()) * float64(time.Second)), true
	}
	if n.kind != stringKind {
		return 0, false
	}
	text := strings.TrimSpace(n.text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if v, err := strconv.ParseFloat(days, 64); err == nil && v >= 0 && v < 1e6 {
			return min(time.Duration(v*24*float64(time.Hour)), maxDuration), true
		}
	}
	d, err := time.ParseDuration(text)
	return min(d, maxDuration), err == nil && d >= 0
}

// limit reads a time whose zero value means "not given".
func (l *loader) limit(n *node, path string) time.Duration {
	if d := l.seconds(n, path); d != nil {
		return *d
	}
	return 0
}

// text reads a scalar as text.
func (l *loader) text(n *node, path string) string {
	if !l.given(n, path) {
		return ""
	}
	if !n.isScalar() {
		l.wrong(n, path, "text")
		return ""
	}
	return n.asText()
}

// texts reads a list of scalars; a single scalar is a list of one.
func (l *loader) texts(n *node, path string) []string {
	if !l.given(n, path) {
		return nil
	}
	if n.kind == mapKind {
		l.wrong(n, path, "a list")
		return nil
	}
	var out []string
	for i, item := range n.elements() {
		if s := l.text(item, element(path, i)); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// headers reads a map of header names to scalars.
func (l *loader) headers(n *node, path string) map[string]string {
	if !l.given(n, path) {
		return nil
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map of header names to values")
		return nil
	}
	out := make(map[string]string, len(n.fields))
	for _, f := range n.fields {
		value := l.text(f.val, child(path, f.key))
		if !validHeader(f.key, value) {
			l.report.warnf(f.pos, child(path, f.key), "", "`%s` is no valid header name, or its value holds a line break; it is not sent.", f.key)
			continue
		}
		if value != "" {
			out[f.key] = value
		}
	}
	return out
}

// hasControl reports whether a text holds a control character: a name with one
// could forge lines of a log or reach a terminal as an escape sequence.
func hasControl(s string) bool { return strings.ContainsFunc(s, unicode.IsControl) }

// validHeader refuses names and values that could forge another header.
func validHeader(name, value string) bool {
	for _, r := range name {
		if r > '~' || r <= ' ' || strings.ContainsRune(`()<>@,;:\"/[]?={}`, r) {
			return false
		}
	}
	return name != "" && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f })
}

// appendJSON appends the JSON form of a node; map order is kept.
func appendJSON(b []byte, n *node) []byte {
	switch {
	case n.isNull():
		return append(b, "null"...)
	case n.kind == boolKind || n.kind == intKind:
		return append(b, n.text...)
	case n.kind == floatKind:
		return appendFloat(b, n.text)
	case n.kind == listKind:
		return appendArray(b, n)
	case n.kind == mapKind:
		return appendObject(b, n)
	}
	return appendString(b, n.text)
}

// appendFloat appends a number; .inf and .nan, which JSON lacks, become text.
func appendFloat(b []byte, text string) []byte {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return appendString(b, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		return appendString(b, text)
	}
	return append(b, out...)
}

func appendString(b []byte, s string) []byte {
	var buf strings.Builder
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return append(b, `""`...)
	}
	return append(b, strings.TrimSuffix(buf.String(), "\n")...)
}

func appendArray(b []byte, n *node) []byte {
	b = append(b, '[')
	for i, item := range n.items {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendJSON(b, item)
	}
	return append(b, ']')
}

func appendObject(b []byte, n *node) []byte {
	b = append(b, '{')
	for i, f := range n.fields {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, f.key)
		b = append(b, ':')
		b = appendJSON(b, f.val)
	}
	return append(b, '}')
}

// toJSON returns the JSON form of a node.
func toJSON(n *node) json.RawMessage { return appendJSON(nil, n) }
