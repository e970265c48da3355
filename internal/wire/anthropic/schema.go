package anthropic

import (
	"bytes"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Limits of Anthropic's schema compiler, and ours against schemas that grow without
// end when their references are written out.
const (
	maxOptional    = 24
	maxUnions      = 16
	maxMinItems    = 1 // the largest minItems that the compiler takes
	maxSchemaBytes = 256 << 10
	maxSchemaDepth = 64
	// maxReread is how often the bytes of a schema may be read: each level of nesting
	// reads what is in it again. Small ones may be read up to maxSchemaBytes besides.
	maxReread = 8
	// maxPointers bounds references to other places than the definitions, each of
	// which costs a search.
	maxPointers = 64
)

// filterSchema turns a JSON Schema into the subset that Anthropic compiles
// (specification §3.7); ok is false when that is not possible.
func filterSchema(schema rawjson.Value) (filtered rawjson.Value, ok bool) {
	if !objectSchema(schema) {
		return nil, false
	}
	f := schemaFilter{root: schema}
	out := f.node(make([]byte, 0, len(schema)+64), schema, 0)
	return out, !f.failed && f.optional <= maxOptional && f.unions <= maxUnions
}

// exactSchema reports whether a tool's schema is in the subset as it stands.
func exactSchema(schema rawjson.Value) bool {
	if schema == nil {
		return false
	}
	f := schemaFilter{root: schema}
	f.node(make([]byte, 0, len(schema)+64), schema, 0)
	return !f.failed && !f.changed && f.optional <= maxOptional && f.unions <= maxUnions && objectSchema(schema)
}

type schemaFilter struct {
	root rawjson.Value
	// defs indexes the definitions of the root; nil until the first reference.
	defs             map[string]rawjson.Value
	read, pointers   int      // bytes read, references followed by a search
	refs             []string // references being written out
	optional, unions int
	failed           bool
	// changed says that the result means less than the original.
	changed bool
}

func (f *schemaFilter) fail(dst []byte) []byte {
	f.failed = true
	return append(dst, "{}"...)
}

// node writes one schema.
func (f *schemaFilter) node(dst []byte, v rawjson.Value, depth int) []byte {
	f.read += len(v)
	if v.Kind() != '{' || f.failed || depth > maxSchemaDepth || len(dst) > maxSchemaBytes || f.readTooMuch() {
		return f.fail(dst)
	}
	if ref := v.Get("$ref"); ref != nil {
		return f.reference(dst, v, ref.Text(), depth)
	}
	var n nodeFacts
	dst = append(dst, '{')
	for key, val := range v.Members() {
		dst = f.member(dst, key, val, depth, &n)
	}
	if n.object || n.props != nil {
		dst = f.closeObject(dst, &n)
	}
	return append(f.describe(dst, v, &n), '}')
}

// readTooMuch reports whether the schema is nested, or refers to itself, so that
// reading it on costs far more than its size.
func (f *schemaFilter) readTooMuch() bool {
	return f.read > maxReread*len(f.root)+maxSchemaBytes
}

// nodeFacts are what the members of a schema tell about it.
type nodeFacts struct {
	object   bool
	props    rawjson.Value
	required rawjson.Value
	about    string
	open     bool
	typed    bool
}

func (f *schemaFilter) member(dst []byte, key string, v rawjson.Value, depth int, n *nodeFacts) []byte {
	switch key {
	case "type":
		n.typed = true
		n.object = v.Is("object")
		if v.Kind() == '[' {
			f.unions++
		}
		return rawjson.AppendMember(dst, key, v)
	case "enum", "const", "title", "default":
		return rawjson.AppendMember(dst, key, v)
	case "required":
		n.required = v
		return rawjson.AppendMember(dst, key, v)
	case "description":
		n.about = v.Text()
	case "properties":
		n.props = v
		return f.properties(rawjson.AppendKey(dst, key), v, depth)
	case "items":
		return f.node(rawjson.AppendKey(dst, key), v, depth+1)
	case "anyOf", "oneOf", "allOf":
		return f.branches(dst, key, v, depth)
	case "format":
		return f.format(dst, v)
	case "pattern":
		return f.pattern(dst, v)
	case "minItems":
		if k, ok := v.Int(); ok && k <= maxMinItems {
			return rawjson.AppendMember(dst, key, v)
		}
	case "additionalProperties":
		n.open = v.Kind() != 'f'
	}
	return dst
}

// closeObject forbids further properties and counts the optional ones. An object
// that is open on purpose cannot be compiled.
func (f *schemaFilter) closeObject(dst []byte, n *nodeFacts) []byte {
	if n.open || n.props == nil {
		f.failed = true
	}
	if !n.typed {
		dst = rawjson.AppendStringMember(dst, "type", "object")
	}
	required := map[string]bool{}
	for _, r := range n.required.Elems() {
		required[r.Text()] = true
	}
	for name := range n.props.Members() {
		if !required[name] {
			f.optional++
		}
	}
	return rawjson.AppendMember(dst, "additionalProperties", rawjson.Value("false"))
}

func (f *schemaFilter) properties(dst []byte, v rawjson.Value, depth int) []byte {
	if v.Kind() != '{' {
		return f.fail(dst)
	}
	dst = append(dst, '{')
	for name, p := range v.Members() {
		dst = f.node(rawjson.AppendKey(dst, name), p, depth+1)
	}
	return append(dst, '}')
}

func (f *schemaFilter) branches(dst []byte, key string, v rawjson.Value, depth int) []byte {
	if key != "allOf" {
		key = "anyOf"
		f.unions++
	}
	dst = append(rawjson.AppendKey(dst, key), '[')
	for _, b := range v.Elems() {
		dst = f.node(rawjson.AppendComma(dst), b, depth+1)
	}
	return append(dst, ']')
}

// reference writes out a local reference in its place.
func (f *schemaFilter) reference(dst []byte, v rawjson.Value, ref string, depth int) []byte {
	path, local := strings.CutPrefix(ref, "#/")
	if !local || slices.Contains(f.refs, ref) {
		return f.fail(dst) // recursive, remote, or the root itself
	}
	target := f.resolve(path)
	if target.Kind() != '{' {
		return f.fail(dst)
	}
	if about := v.Get("description"); about != nil && target.Get("description") == nil && target.Get("$ref") == nil {
		o := rawjson.ParseObject(target)
		o.Set("description", about)
		target = o.Value()
	}
	f.refs = append(f.refs, ref)
	dst = f.node(dst, target, depth+1)
	f.refs = f.refs[:len(f.refs)-1]
	return dst
}

// resolve finds what a reference leads to, nil for nothing.
func (f *schemaFilter) resolve(path string) rawjson.Value {
	if kind, name, _ := strings.Cut(path, "/"); (kind == "$defs" || kind == "definitions") && !strings.Contains(name, "/") {
		if f.defs == nil {
			f.defs = map[string]rawjson.Value{}
			for _, of := range []string{"$defs", "definitions"} {
				for key, v := range f.root.Get(of).Members() {
					f.defs[of+"/"+key] = v
				}
			}
		}
		return f.defs[kind+"/"+unescape(name)]
	}
	target := f.root
	if f.pointers++; f.pointers > maxPointers {
		return nil
	}
	for step := range strings.SplitSeq(path, "/") {
		target = target.Get(unescape(step))
	}
	return target
}

// unescape reads one step of a JSON pointer.
func unescape(step string) string {
	if strings.IndexByte(step, '~') < 0 {
		return step
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}

// formats that Anthropic's compiler knows.
var formats = map[string]bool{
	"date-time": true, "time": true, "date": true, "duration": true, "email": true, "hostname": true,
	"uri": true, "ipv4": true, "ipv6": true, "uuid": true,
}

func (f *schemaFilter) format(dst []byte, v rawjson.Value) []byte {
	if !formats[v.Text()] {
		f.failed = true
	}
	return rawjson.AppendMember(dst, "format", v)
}

func (f *schemaFilter) pattern(dst []byte, v rawjson.Value) []byte {
	p := v.Text()
	for _, look := range []string{"(?=", "(?!", "(?<=", "(?<!"} {
		f.failed = f.failed || strings.Contains(p, look)
	}
	return rawjson.AppendMember(dst, "pattern", v)
}

// constraints are the keywords that the compiler lacks. What they say moves into
// the description, where at least the model reads it.
var constraints = []struct{ key, label string }{
	{"minItems", "minimum number of items"},
	{"maxItems", "maximum number of items"},
	{"minimum", "minimum value"},
	{"maximum", "maximum value"},
	{"exclusiveMinimum", "exclusive minimum value"},
	{"exclusiveMaximum", "exclusive maximum value"},
	{"minLength", "minimum length"},
	{"maxLength", "maximum length"},
	{"multipleOf", "multiple of"},
	{"uniqueItems", "unique items"},
	{"contains", "contains"},
	{"minContains", "minimum number of matching items"},
	{"maxContains", "maximum number of matching items"},
	{"prefixItems", "first items"},
	{"minProperties", "minimum number of properties"},
	{"maxProperties", "maximum number of properties"},
	{"patternProperties", "properties by pattern"},
	{"propertyNames", "property names"},
	{"dependentRequired", "required together"},
	{"dependentSchemas", "dependent schemas"},
	{"unevaluatedProperties", "unevaluated properties"},
	{"if", "if"},
	{"then", "then"},
	{"else", "else"},
	{"not", "not"},
}

// constraintAt finds a keyword's place among the constraints.
var constraintAt = func() map[string]int {
	out := make(map[string]int, len(constraints))
	for i, c := range constraints {
		out[c.key] = i
	}
	return out
}()

// constraintsOf are the values of the constraints of a schema, read in one pass.
func constraintsOf(v rawjson.Value) []rawjson.Value {
	found := make([]rawjson.Value, len(constraints))
	for key, val := range v.Members() {
		if i, ok := constraintAt[key]; ok {
			found[i] = val
		}
	}
	return found
}

// describe writes the description with the constraints that were taken out.
func (f *schemaFilter) describe(dst []byte, v rawjson.Value, n *nodeFacts) []byte {
	var note []byte
	found := constraintsOf(v)
	for i, c := range constraints {
		val := found[i]
		if val == nil || c.key == "minItems" && bytes.ContainsAny(val[:1], "01") && len(val) == 1 {
			continue
		}
		if note != nil {
			note = append(note, ", "...)
		}
		note = append(append(append(note, c.label...), ": "...), val...)
	}
	if note != nil {
		f.changed = true
		n.about = strings.TrimSpace(n.about + " Note: " + string(note) + ".")
	}
	if n.about == "" {
		return dst
	}
	return rawjson.AppendStringMember(dst, "description", n.about)
}
