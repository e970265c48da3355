package gemini

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

const (
	// maxSchemaDepth bounds nesting, and with it recursion through references.
	maxSchemaDepth = 64
	// maxSchemaBytes bounds what references can expand to.
	maxSchemaBytes = 4 << 20
	// maxParsedBytes bounds the work that the references of all schemas of a request
	// can cause. Nesting makes bytes be read again, maxReread times on the average, and
	// freeReread bytes besides.
	maxParsedBytes = 32 << 20
	maxReread      = 8
	freeReread     = 256 << 10
	// maxKeywords bounds the members of one schema object.
	maxKeywords = 256
	// maxPointers bounds references to other places than the definitions.
	maxPointers = 64
	// maxLost is how many keywords a report names.
	maxLost = 12
)

// schemaWriter rewrites one JSON Schema into a form that Gemini takes: JSON
// Schema with the keywords it knows, or its older subset of OpenAPI (§2.6).
type schemaWriter struct {
	root rawjson.Value
	// defs indexes the definitions of the root; nil until the first reference.
	defs map[string]rawjson.Value
	// pointers counts references to other places, each of which costs a search.
	pointers int
	// ordering adds propertyOrdering to objects (OpenAPI form of an answer).
	ordering bool
	// stringEnums sends integer enums as strings (generation 3, OpenAPI form).
	stringEnums bool
	// stack are the references being written, against cycles.
	stack []string
	// lost are the keywords that had to go.
	lost []string
	// parsed counts the bytes that were read, where references repeat them; room is
	// their limit.
	parsed, room int
	// cleaned counts the bytes that the fast path has read.
	cleaned int
	// over is set when a limit was hit.
	over string
}

// schemaPlace says where in the request a schema stands.
type schemaPlace struct {
	tool   int
	answer bool
}

// answerPlace is the schema of the answer.
var answerPlace = schemaPlace{answer: true}

func toolPlace(at int) schemaPlace { return schemaPlace{tool: at} }

// String names the place as clients know it.
func (p schemaPlace) String() string {
	if p.answer {
		return "response_format.json_schema.schema"
	}
	return "tools[" + strconv.Itoa(p.tool) + "].function.parameters"
}

// schema rewrites a schema for the target.
func (e *encoder) schema(v rawjson.Value, place schemaPlace) (rawjson.Value, error) {
	w := schemaWriter{root: v, stringEnums: e.model.g3, ordering: place.answer, room: e.schemaRoom()}
	var out rawjson.Value
	switch {
	case e.openAPI():
		out = w.openAPI(make([]byte, 0, len(v)), v, 0)
	case v.Get("type") != nil && w.clean(v, 0):
		out = v
	default:
		out = w.json(make([]byte, 0, len(v)), v, 0)
	}
	e.parsed += w.parsed
	if w.over != "" {
		return nil, llm.BadRequest(place.String(), "The schema in "+place.String()+" "+w.over+". Make it smaller.")
	}
	if len(w.lost) > 0 {
		e.drop(place.String(), "Gemini knows no "+strings.Join(w.lost, ", "))
	}
	return out, nil
}

// rereadRoom is how many bytes may be read of schemas within n bytes.
func rereadRoom(n int) int { return freeReread + maxReread*n }

// schemaRoom is how many bytes of schemas may still be read for this request.
func (e *encoder) schemaRoom() int {
	return maxParsedBytes + maxReread*len(e.req.Body) - e.parsed
}

func (w *schemaWriter) lose(keyword string) {
	if !slices.Contains(w.lost, keyword) && len(w.lost) < maxLost {
		w.lost = append(w.lost, keyword)
	}
}

// exceeded reports (and remembers) that a limit was hit.
func (w *schemaWriter) exceeded(size, depth int) bool {
	switch {
	case w.over != "":
	case depth > maxSchemaDepth:
		w.over = "is nested deeper than " + strconv.Itoa(maxSchemaDepth) + " levels"
	case size > maxSchemaBytes || w.parsed > w.room:
		w.over = "expands to more than " + strconv.Itoa(maxSchemaBytes>>20) + " MB"
	}
	return w.over != ""
}

// meaningless are keywords whose absence changes nothing for the model.
var meaningless = map[string]bool{
	"$schema": true, "$comment": true, "$vocabulary": true, "strict": true, "examples": true, "example": true, "id": true, "nullable": true,
	"readOnly": true, "writeOnly": true, "deprecated": true, "$id": true, "$anchor": true, "additionalProperties": true,
}

// typeNames are the types of JSON Schema.
var typeNames = map[string]bool{
	"string": true, "number": true, "integer": true, "boolean": true, "object": true, "array": true, "null": true,
}

// typeName reads a type in either spelling ("STRING" is Gemini's own), "" when it
// is none.
func typeName(v rawjson.Value) string {
	name := strings.ToLower(v.Text())
	if !typeNames[name] {
		return ""
	}
	return name
}

// parse takes a schema apart with its allOf branches merged in. References that
// were followed stay on the stack: whoever writes the schema takes them off.
func (w *schemaWriter) parse(v rawjson.Value, depth int) rawjson.Object {
	w.parsed += len(v)
	o := rawjson.ParseObject(v)
	if len(o) > maxKeywords {
		w.over = "has an object with more than " + strconv.Itoa(maxKeywords) + " keywords"
		o = o[:maxKeywords]
	}
	all := o.Get("allOf")
	if all == nil || w.exceeded(0, depth) {
		o.Del("allOf")
		return o
	}
	o.Del("allOf")
	for _, branch := range all.Elems() {
		if w.exceeded(0, depth) {
			break
		}
		w.absorbBranch(&o, branch, depth)
	}
	return o
}

// absorbBranch merges one branch of allOf; one that leads back to itself says
// nothing.
func (w *schemaWriter) absorbBranch(o *rawjson.Object, branch rawjson.Value, depth int) {
	ref := branch.Get("$ref").Text()
	target, ok := w.resolve(ref)
	if !ok {
		w.absorb(o, w.parse(branch, depth+1))
		return
	}
	if slices.Contains(w.stack, ref) {
		return
	}
	w.stack = append(w.stack, ref)
	w.absorb(o, w.parse(target, depth+1))
}

// absorb adds the members of b that o lacks; properties and required are joined.
func (w *schemaWriter) absorb(o *rawjson.Object, b rawjson.Object) {
	for _, m := range b {
		have := o.Get(m.Key)
		w.parsed += len(have)
		switch {
		case have == nil:
			*o = append(*o, m)
		case m.Key == "properties" || m.Key == "required" || m.Key == "$defs" || m.Key == "definitions":
			o.Set(m.Key, join(have, m.Value))
		}
	}
}

// join concatenates two objects or two arrays.
func join(a, b rawjson.Value) rawjson.Value {
	if a.Kind() != b.Kind() || (a.Kind() != '{' && a.Kind() != '[') || a.Len() == 0 {
		return b
	}
	if b.Len() == 0 {
		return a
	}
	out := append(make(rawjson.Value, 0, len(a)+len(b)), a[:len(a)-1]...)
	return append(append(out, ','), b[1:]...)
}

// resolve finds the target of a reference within the schema.
func (w *schemaWriter) resolve(ref string) (rawjson.Value, bool) {
	if ref == "#" {
		return w.root, true
	}
	path, ok := strings.CutPrefix(ref, "#/")
	if !ok {
		return nil, false
	}
	if kind, name, _ := strings.Cut(path, "/"); (kind == "$defs" || kind == "definitions") && !strings.Contains(name, "/") {
		v := w.definition(name)
		return v, v != nil
	}
	if w.pointers++; w.pointers > maxPointers {
		return nil, false
	}
	at := w.root
	for step := range strings.SplitSeq(path, "/") {
		step = unescape(step)
		if at.Kind() == '[' {
			at = element(at, step)
		} else {
			at = at.Get(step)
		}
		if at == nil {
			return nil, false
		}
	}
	return at, at.Kind() == '{'
}

// definition finds a schema under $defs or definitions of the root, nil when
// there is none.
func (w *schemaWriter) definition(name string) rawjson.Value {
	if w.defs == nil {
		w.defs = map[string]rawjson.Value{}
		for _, key := range []string{"definitions", "$defs"} {
			for k, v := range w.root.Get(key).Members() {
				if v.Kind() == '{' {
					w.defs[k] = v
				}
			}
		}
	}
	return w.defs[unescape(name)]
}

// unescape reads one step of a JSON pointer.
func unescape(step string) string {
	if strings.IndexByte(step, '~') < 0 {
		return step
	}
	return strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
}

func element(list rawjson.Value, index string) rawjson.Value {
	n, err := strconv.Atoi(index)
	if err != nil {
		return nil
	}
	for i, v := range list.Elems() {
		if i == n {
			return v
		}
	}
	return nil
}

// appendRequired writes the required names that are properties, each once.
func appendRequired(dst []byte, required, properties rawjson.Value) []byte {
	if required.Kind() != '[' || properties.Len() == 0 {
		return dst
	}
	left := make(map[string]bool, 8)
	for name := range properties.Members() {
		left[name] = true
	}
	mark := len(dst)
	dst = append(rawjson.AppendKey(dst, "required"), '[')
	start := len(dst)
	for _, name := range required.Elems() {
		if text, ok := name.Str(); ok && left[text] {
			left[text] = false
			dst = append(rawjson.AppendComma(dst), name...)
		}
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return append(dst, ']')
}
