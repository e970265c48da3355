package gemini

import (
	"bytes"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// anyObject stands in for what cannot be expressed: a reference that leads
// nowhere or in a circle.
const anyObject = `{"type":"object"}`

// clean reports whether a schema can go as it is, which most can; it is the fast
// path of json.
func (w *schemaWriter) clean(v rawjson.Value, depth int) bool {
	w.cleaned += len(v)
	if v.Kind() != '{' || depth > maxSchemaDepth || w.cleaned > rereadRoom(len(w.root)) {
		return false
	}
	ref, members := false, 0
	for f := range v.Fields() {
		members++
		ok := true
		switch string(f.Key) {
		case `"$ref"`:
			ref = true
			name, local := strings.CutPrefix(f.Value.Text(), "#/$defs/")
			ok = local && w.definition(name) != nil
		case `"type"`:
			ok = cleanType(f.Value)
		case `"title"`, `"description"`, `"format"`:
			ok = f.Value.Kind() == '"'
		case `"minItems"`, `"maxItems"`, `"minimum"`, `"maximum"`:
			ok = f.Value.Kind() == '0'
		case `"enum"`:
			ok = cleanEnum(f.Value)
		case `"items"`:
			ok = f.Value.Kind() == '{' && w.clean(f.Value, depth+1)
		case `"additionalProperties"`:
			_, isBool := f.Value.Bool()
			ok = isBool || w.clean(f.Value, depth+1)
		case `"properties"`, `"$defs"`:
			ok = w.cleanMap(f.Value, depth)
		case `"required"`:
			ok = cleanRequired(f.Value, v)
		case `"anyOf"`:
			ok = w.cleanList(f.Value, depth)
		default:
			ok = false
		}
		if !ok {
			return false
		}
	}
	return !ref || members == 1
}

func cleanType(v rawjson.Value) bool {
	if v.Kind() == '"' {
		return typeNames[string(v[1:len(v)-1])]
	}
	if v.Kind() != '[' {
		return false
	}
	for _, t := range v.Elems() {
		if t.Kind() != '"' || !typeNames[string(t[1:len(t)-1])] {
			return false
		}
	}
	return true
}

func cleanEnum(v rawjson.Value) bool {
	n := 0
	for _, elem := range v.Elems() {
		if !enumerable(elem) {
			return false
		}
		n++
	}
	return n > 0
}

func (w *schemaWriter) cleanMap(v rawjson.Value, depth int) bool {
	n := 0
	for f := range v.Fields() {
		if !w.clean(f.Value, depth+1) {
			return false
		}
		n++
	}
	return n > 0
}

func (w *schemaWriter) cleanList(v rawjson.Value, depth int) bool {
	n := 0
	for _, elem := range v.Elems() {
		if !w.clean(elem, depth+1) {
			return false
		}
		n++
	}
	return n > 0
}

// maxCleanRequired keeps the check below from growing with the square of a
// schema; longer lists take the slow path.
const maxCleanRequired = 32

func cleanRequired(v, schema rawjson.Value) bool {
	n := v.Len()
	if v.Kind() != '[' || n == 0 || n > maxCleanRequired {
		return false
	}
	left := make([]rawjson.Value, 0, maxCleanRequired)
	for _, name := range v.Elems() {
		if name.Kind() != '"' || name.Escaped() || holds(left, name) {
			return false
		}
		left = append(left, name)
	}
	for f := range schema.Get("properties").Fields() {
		left = slices.DeleteFunc(left, func(name rawjson.Value) bool { return bytes.Equal(name, f.Key) })
	}
	return len(left) == 0
}

func holds(list []rawjson.Value, v rawjson.Value) bool {
	return slices.ContainsFunc(list, func(o rawjson.Value) bool { return bytes.Equal(o, v) })
}

// enumerable reports whether Gemini takes the value in an enum: numbers and
// strings with something in them.
func enumerable(v rawjson.Value) bool {
	return v.Kind() == '0' || (v.Kind() == '"' && len(v) > 2)
}

// json writes a schema as JSON Schema with the keywords that Gemini knows.
func (w *schemaWriter) json(dst []byte, v rawjson.Value, depth int) []byte {
	if v.Kind() != '{' || w.exceeded(len(dst), depth) {
		return append(dst, "{}"...)
	}
	if ref := v.Get("$ref"); ref != nil {
		return w.jsonRef(dst, v, ref.Text(), depth)
	}
	open := len(w.stack)
	o := w.parse(v, depth)
	if defs := o.Get("definitions"); defs != nil {
		o.Del("definitions")
		w.absorb(&o, rawjson.Object{{Key: "$defs", Value: defs}})
	}
	dst = append(dst, '{')
	for _, m := range o {
		dst = w.jsonMember(dst, o, m, depth)
	}
	if depth == 0 && o.Get("type") == nil && o.Get("properties") != nil {
		dst = rawjson.AppendStringMember(dst, "type", "object")
	}
	w.stack = w.stack[:open]
	return append(dst, '}')
}

// jsonRef writes a reference, which may stand only beside other $ keywords.
// References into the definitions stay, others are written out.
func (w *schemaWriter) jsonRef(dst []byte, v rawjson.Value, ref string, depth int) []byte {
	target, ok := w.resolve(ref)
	if !ok {
		return append(dst, anyObject...)
	}
	name, local := strings.CutPrefix(ref, "#/$defs/")
	if !local {
		name, local = strings.CutPrefix(ref, "#/definitions/")
	}
	if local && !strings.Contains(name, "/") {
		dst = rawjson.AppendStringMember(append(dst, '{'), "$ref", "#/$defs/"+name)
		return append(w.jsonMap(dst, "$defs", v.Get("$defs"), depth), '}')
	}
	if slices.Contains(w.stack, ref) {
		return append(dst, anyObject...)
	}
	w.stack = append(w.stack, ref)
	dst = w.json(dst, target, depth+1)
	w.stack = w.stack[:len(w.stack)-1]
	return dst
}

func (w *schemaWriter) jsonMember(dst []byte, o rawjson.Object, m rawjson.Member, depth int) []byte {
	switch m.Key {
	case "type":
		return w.jsonType(dst, m.Value, o.Get("nullable").True())
	case "title", "description", "format", "$id", "$anchor":
		return appendIf(dst, m, '"')
	case "minItems", "maxItems", "minimum", "maximum":
		return appendIf(dst, m, '0')
	case "propertyOrdering":
		return appendIf(dst, m, '[')
	case "enum":
		return w.jsonEnum(dst, m.Value)
	case "const":
		if o.Get("enum") == nil {
			return w.jsonEnum(dst, append(append(rawjson.Value{'['}, m.Value...), ']'))
		}
		return dst
	case "items":
		if m.Value.Kind() == '[' {
			return w.jsonList(dst, "prefixItems", m.Value, depth)
		}
		return w.json(rawjson.AppendKey(dst, "items"), m.Value, depth+1)
	case "prefixItems", "anyOf":
		return w.jsonList(dst, m.Key, m.Value, depth)
	case "oneOf":
		if o.Get("anyOf") == nil {
			return w.jsonList(dst, "anyOf", m.Value, depth)
		}
	case "properties", "$defs":
		return w.jsonMap(dst, m.Key, m.Value, depth)
	case "additionalProperties":
		if m.Value.Kind() == '{' {
			return w.json(rawjson.AppendKey(dst, m.Key), m.Value, depth+1)
		}
		if _, ok := m.Value.Bool(); ok {
			return rawjson.AppendMember(dst, m.Key, m.Value)
		}
		return dst
	case "required":
		return appendRequired(dst, m.Value, o.Get("properties"))
	}
	if !meaningless[m.Key] {
		w.lose(m.Key)
	}
	return dst
}

// appendIf copies a member whose value has the kind that it must have.
func appendIf(dst []byte, m rawjson.Member, kind byte) []byte {
	if m.Value.Kind() != kind {
		return dst
	}
	return rawjson.AppendMember(dst, m.Key, m.Value)
}

func (w *schemaWriter) jsonType(dst []byte, v rawjson.Value, nullable bool) []byte {
	names := typeList(v)
	if nullable && !slices.Contains(names, "null") && len(names) > 0 {
		names = append(names, "null")
	}
	switch len(names) {
	case 0:
		w.lose("type")
		return dst
	case 1:
		return rawjson.AppendStringMember(dst, "type", names[0])
	}
	dst = append(rawjson.AppendKey(dst, "type"), '[')
	for _, name := range names {
		dst = rawjson.AppendString(rawjson.AppendComma(dst), name)
	}
	return append(dst, ']')
}

// typeList reads a type or a list of types, each once.
func typeList(v rawjson.Value) []string {
	if v.Kind() == '"' {
		if name := typeName(v); name != "" {
			return []string{name}
		}
		return nil
	}
	var names []string
	for _, elem := range v.Elems() {
		if name := typeName(elem); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (w *schemaWriter) jsonEnum(dst []byte, v rawjson.Value) []byte {
	mark := len(dst)
	dst = append(rawjson.AppendKey(dst, "enum"), '[')
	start := len(dst)
	for _, elem := range v.Elems() {
		if enumerable(elem) {
			dst = append(rawjson.AppendComma(dst), elem...)
		}
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return append(dst, ']')
}

func (w *schemaWriter) jsonList(dst []byte, key string, v rawjson.Value, depth int) []byte {
	if v.Kind() != '[' || v.Len() == 0 {
		return dst
	}
	dst = append(rawjson.AppendKey(dst, key), '[')
	for _, elem := range v.Elems() {
		dst = w.json(rawjson.AppendComma(dst), elem, depth+1)
	}
	return append(dst, ']')
}

// jsonMap writes a map of schemas; an empty one is left out, since Gemini refuses
// objects without properties.
func (w *schemaWriter) jsonMap(dst []byte, key string, v rawjson.Value, depth int) []byte {
	if v.Kind() != '{' || v.Len() == 0 {
		return dst
	}
	dst = append(rawjson.AppendKey(dst, key), '{')
	for name, member := range v.Members() {
		dst = w.json(rawjson.AppendKey(dst, name), member, depth+1)
	}
	return append(dst, '}')
}
