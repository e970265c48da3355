package config

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits on a configuration file. They are far above any real file and keep a
// YAML bomb from costing more than a moment.
const (
	maxFileBytes = 4 << 20
	maxLines     = 60_000
	maxDepth     = 64
	maxNodes     = 500_000
	maxAliased   = 20_000
)

// document is one parsed file.
type document struct {
	root *node
	// several is set when the file holds more than one YAML document.
	several bool
	// text is the file as it was parsed.
	text []byte
}

// reader turns the syntax tree of one file into nodes.
type reader struct {
	file    string
	report  *Report
	anchors map[string]*node
}

// parseFile parses the text of a file. What is wrong with the syntax is one
// finding in the report, and then ok is false.
func parseFile(file string, data []byte, report *Report) (doc document, ok bool) {
	data = normalize(data)
	report.sources[file] = strings.Split(string(data), "\n")
	if sentence, line := tooMuch(data); sentence != "" {
		report.errorf(Position{file, line, 1}, "", tooMuchRemedy(data), "%s", sentence)
		return document{}, false
	}
	tree, err := parseYAML(data)
	if err != nil {
		if sentence, remedy := otherFormat(data); sentence != "" {
			report.errorf(Position{file, 1, 1}, "", remedy, "%s", sentence)
			return document{}, false
		}
		report.syntaxError(file, err)
		return document{}, false
	}
	r := &reader{file: file, report: report, anchors: map[string]*node{}}
	var bodies []ast.Node
	for _, d := range tree.Docs {
		if _, directive := d.Body.(*ast.DirectiveNode); d.Body != nil && !directive {
			bodies = append(bodies, d.Body)
		}
	}
	if len(bodies) == 0 {
		return document{root: &node{pos: Position{file, 1, 1}}, text: data}, true
	}
	return document{root: r.convert(bodies[0], "", 0), several: len(bodies) > 1, text: data}, true
}

// parseYAML runs the parser; a panic of it is an error like any other.
func parseYAML(data []byte) (tree *ast.File, err error) {
	defer func() {
		if r := recover(); r != nil {
			tree, err = nil, errors.New("the parser gave up on it")
		}
	}()
	return parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
}

// normalize removes a byte order mark and carriage returns, and decodes the
// UTF-16 that Windows editors write.
func normalize(data []byte) []byte {
	data = bytes.TrimPrefix(decodeUTF16(data), []byte("\xef\xbb\xbf"))
	data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
}

// decodeUTF16 decodes data that starts with a UTF-16 byte order mark.
func decodeUTF16(data []byte) []byte {
	var hi, lo int
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")):
		hi, lo = 1, 0
	case bytes.HasPrefix(data, []byte("\xfe\xff")):
		hi, lo = 0, 1
	default:
		return data
	}
	var out []byte
	for i := 2; i+1 < len(data); i += 2 {
		out = utf8.AppendRune(out, rune(data[i+hi])<<8|rune(data[i+lo]))
	}
	return out
}

// tooMuch returns a sentence when the text passes a limit, before the parser
// sees it: its cost grows with the square of size and nesting.
func tooMuch(data []byte) (sentence string, line int) {
	if len(data) > maxFileBytes {
		return fmt.Sprintf("The file is larger than %d MiB, which no configuration needs.", maxFileBytes>>20), 1
	}
	if !utf8.Valid(data) {
		return "The file is not UTF-8 text.", 1 + bytes.Count(data[:invalidAt(data)], []byte("\n"))
	}
	if n := bytes.Count(data, []byte("\n")); n > maxLines {
		return fmt.Sprintf("The file has %d lines; at most %d are read.", n, maxLines), maxLines
	}
	return tooDeep(data)
}

// tooMuchRemedy helps with the one limit that has an everyday cause.
func tooMuchRemedy(data []byte) string {
	if len(data) <= maxFileBytes && !utf8.Valid(data) {
		return "Save it as UTF-8."
	}
	return ""
}

func invalidAt(data []byte) int {
	for i := 0; i < len(data); {
		r, size := utf8.DecodeRune(data[i:])
		if r == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return len(data)
}

// tooDeep counts open brackets and leading dashes; it is an estimate, so its
// limit is well above maxDepth.
func tooDeep(data []byte) (sentence string, line int) {
	depth, line := 0, 1
	for _, c := range data {
		switch c {
		case '[', '{':
			depth++
		case ']', '}':
			depth = max(depth-1, 0)
		case '\n':
			line++
		}
		if depth > 8*maxDepth {
			return "The file nests brackets deeper than any configuration.", line
		}
	}
	for i, text := range bytes.Split(data, []byte("\n")) {
		if bytes.Count(text[:len(text)-len(bytes.TrimLeft(text, " -"))], []byte("- ")) > maxDepth {
			return "The file nests lists deeper than any configuration.", i + 1
		}
	}
	return "", 0
}

// at returns the place of a token.
func (r *reader) at(t *token.Token) Position {
	if t == nil || t.Position == nil {
		return Position{File: r.file}
	}
	return Position{r.file, t.Position.Line, t.Position.Column}
}

// convert turns a syntax node into a node; path is where it stands.
func (r *reader) convert(n ast.Node, path string, depth int) *node {
	if n == nil {
		return &node{pos: Position{File: r.file}, size: 1}
	}
	if depth > maxDepth {
		pos := r.at(n.GetToken())
		r.report.errorf(pos, path, "", "This is nested deeper than %d levels; it is ignored.", maxDepth)
		return &node{pos: pos, size: 1}
	}
	switch v := n.(type) {
	case *ast.MappingNode:
		return r.mapping(v.Values, r.at(v.GetToken()), path, depth)
	case *ast.MappingValueNode:
		return r.mapping([]*ast.MappingValueNode{v}, r.at(v.Key.GetToken()), path, depth)
	case *ast.SequenceNode:
		return r.sequence(v, path, depth)
	case *ast.AnchorNode:
		out := r.convert(v.Value, path, depth+1)
		if v.Name != nil {
			r.anchors[v.Name.GetToken().Value] = out
		}
		return out
	case *ast.AliasNode:
		return r.alias(v, path)
	case *ast.TagNode:
		return r.tagged(v, path, depth)
	}
	return r.scalar(n)
}

func (r *reader) sequence(v *ast.SequenceNode, path string, depth int) *node {
	out := &node{kind: listKind, pos: r.at(v.GetToken()), size: 1}
	for i, item := range v.Values {
		c := r.convert(item, element(path, i), depth+1)
		out.items = append(out.items, c)
		out.size += c.size
	}
	return r.bounded(out, path)
}

// bounded refuses a node whose aliases expand to more than maxNodes.
func (r *reader) bounded(n *node, path string) *node {
	if n.size <= maxNodes {
		return n
	}
	r.report.errorf(n.pos, path, "", "The aliases below this place expand to more than %d values; it is ignored.", maxNodes)
	return &node{pos: n.pos, size: 1}
}

func (r *reader) alias(v *ast.AliasNode, path string) *node {
	name := ""
	if v.Value != nil {
		name = v.Value.GetToken().Value
	}
	pos := r.at(v.GetToken())
	if target, ok := r.anchors[name]; ok {
		if target.size <= maxAliased {
			return target
		}
		r.report.errorf(pos, path, "", "*%s stands for more than %d values; it is ignored.", name, maxAliased)
		return &node{pos: pos, size: 1}
	}
	if isSecretName(lastKey(path)) {
		// A credential may start with a star: it must not be quoted.
		r.report.errorf(pos, path, "Quote a value that starts with *.", "The value starts with *, so YAML takes it for an alias of an anchor, which is not defined before it.")
		return &node{pos: pos, size: 1}
	}
	r.report.errorf(pos, path, `If a wildcard is meant, quote it: "*`+name+`".`, "*%s refers to an anchor that is not defined before it.", name)
	return &node{pos: pos, size: 1}
}

// standardTags are the tags that change nothing here beyond the type of a
// scalar.
var standardTags = map[string]bool{
	"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!map": true, "!!seq": true,
	"!!timestamp": true, "!!binary": true, "!!merge": true, "!": true,
}

// foreignTags are tags of other tools, which people copy into these files.
var foreignTags = map[string]bool{"!env": true, "!ENV": true, "!env_var": true, "!secret": true, "!vault": true, "!Ref": true, "!Sub": true, "!reference": true}

func (r *reader) tagged(v *ast.TagNode, path string, depth int) *node {
	tag := v.Start.Value
	out := r.convert(v.Value, path, depth+1)
	if !standardTags[tag] {
		shown := " " + tag
		if isSecretName(lastKey(path)) && !foreignTags[tag] {
			shown = "" // a credential may start with an exclamation mark
		}
		r.report.warnf(r.at(v.Start), path, "Quote a value that starts with !; for an environment variable write os.environ/NAME.", "The YAML tag%s is not known; the value is taken as it stands.", shown)
	}
	if out.isScalar() && (tag == "!!str" || tag == "!") {
		return &node{kind: stringKind, text: out.source, source: out.source, quoted: true, pos: out.pos, size: 1}
	}
	return out
}

// scalar converts a leaf. YAML 1.1 booleans (yes, no, on, off) are read as the
// Python loader reads them.
func (r *reader) scalar(n ast.Node) *node {
	t := n.GetToken()
	out := &node{kind: stringKind, pos: r.at(t), size: 1}
	if t != nil {
		out.source = t.Value
	}
	switch v := n.(type) {
	case *ast.NullNode, *ast.CommentGroupNode, *ast.DirectiveNode:
		out.kind = nullKind
	case *ast.BoolNode:
		out.kind, out.text = boolKind, strconv.FormatBool(v.Value)
	case *ast.IntegerNode:
		out.kind, out.text = intKind, fmt.Sprint(v.Value)
	case *ast.FloatNode:
		out.kind, out.text = floatKind, strconv.FormatFloat(v.Value, 'g', -1, 64)
	case *ast.LiteralNode:
		out.text, out.quoted = v.Value.Value, true
		out.source = v.Value.Value
	case *ast.StringNode:
		out.text, out.source = v.Value, v.Value
		out.quoted = t != nil && (t.Type == token.SingleQuoteType || t.Type == token.DoubleQuoteType)
	default:
		out.text = out.source
	}
	return oldBoolean(out)
}

// oldBoolean turns an unquoted yes, no, on or off into a boolean.
func oldBoolean(n *node) *node {
	if n.kind != stringKind || n.quoted {
		return n
	}
	switch n.text {
	case "yes", "Yes", "YES", "on", "On", "ON":
		n.kind, n.text = boolKind, "true"
	case "no", "No", "NO", "off", "Off", "OFF":
		n.kind, n.text = boolKind, "false"
	}
	return n
}

// mapping converts the pairs of a map: the last of duplicate keys wins and is
// said, merge keys fill in what the map does not have itself.
func (r *reader) mapping(values []*ast.MappingValueNode, pos Position, path string, depth int) *node {
	out := &node{kind: mapKind, pos: pos, size: 1}
	index := make(map[string]int, len(values))
	var merged []field
	for _, pair := range values {
		if pair.Key.IsMergeKey() {
			merged = append(merged, r.merge(pair.Value, path, depth)...)
			continue
		}
		key, keyPos := r.key(pair.Key)
		f := field{key: key, pos: keyPos, val: r.convert(pair.Value, child(path, key), depth+1)}
		if i, dup := index[key]; dup {
			r.report.warnf(keyPos, child(path, key), "Remove one of them.", "`%s` stands twice in this map; this one wins over line %d.", key, out.fields[i].pos.Line)
			out.fields[i] = f
			continue
		}
		index[key] = len(out.fields)
		out.fields = append(out.fields, f)
	}
	for _, f := range merged {
		if _, own := index[f.key]; !own {
			index[f.key] = len(out.fields)
			out.fields = append(out.fields, f)
		}
	}
	if len(out.fields) > 0 && out.pos.Line == out.fields[0].pos.Line {
		out.pos.Column = min(out.pos.Column, out.fields[0].pos.Column)
	}
	for i := range out.fields {
		out.size += out.fields[i].val.size
	}
	return r.bounded(out, path)
}

// key returns the text of a map's key and its place.
func (r *reader) key(k ast.MapKeyNode) (string, Position) {
	var n ast.Node = k
	if m, ok := k.(*ast.MappingKeyNode); ok && m.Value != nil {
		n = m.Value
	}
	if a, ok := n.(*ast.AnchorNode); ok && a.Value != nil {
		n = a.Value
	}
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value, r.at(s.GetToken())
	}
	t := n.GetToken()
	if t == nil {
		return "", Position{File: r.file}
	}
	return t.Value, r.at(t)
}

// merge returns the fields that a merge key brings: of a map, or of a list of
// maps, where the first wins.
func (r *reader) merge(value ast.Node, path string, depth int) []field {
	n := r.convert(value, child(path, "<<"), depth+1)
	var fields []field
	for _, m := range n.elements() {
		if m.kind != mapKind {
			r.report.warnf(n.pos, child(path, "<<"), "Give an alias of a map.", "A merge key needs a map; this is %s and is ignored.", m.name())
			continue
		}
		fields = append(fields, m.fields...)
	}
	return fields
}
