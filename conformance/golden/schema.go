package golden

import (
	"strings"
)

const maxSchemaDepth = 12

// canonicalSchema makes Gemini's OpenAPI subset and JSON Schema equal where they mean the same: references resolved,
// unions with null made nullable, types in lower case, keywords that only one of the two knows left out.
func canonicalSchema(s any) any { return schemaReader{}.read(s, 0) }

type schemaReader struct{ defs object }

func (r schemaReader) read(t any, depth int) any {
	o, ok := t.(object)
	if !ok || depth > maxSchemaDepth {
		return t
	}
	s := object{}
	for k, v := range o {
		s[k] = v
	}
	if d := firstTruthy(s["$defs"], s["definitions"]); d != nil {
		r.defs = obj(d)
	}
	remove(s, "$defs", "definitions")
	if ref, ok := s["$ref"]; ok {
		return r.resolve(ref, depth)
	}
	remove(s, "$schema", "$id", "additionalProperties", "strict", "propertyOrdering", "exclusiveMinimum", "exclusiveMaximum", "title")
	null := truthy(s["nullable"])
	delete(s, "nullable")
	null = r.typeList(s) || null
	rename(s, "oneOf", "anyOf")
	if c, ok := s["const"]; ok {
		delete(s, "const")
		s["enum"] = []any{c}
	}
	null = r.branches(s, depth) || null
	if name, ok := s["type"].(string); ok {
		s["type"] = strings.ToLower(name)
	}
	r.children(s, depth)
	if null {
		s["nullable"] = true
	}
	return s
}

func rename(o object, from, to string) {
	if v, ok := o[from]; ok {
		delete(o, from)
		o[to] = v
	}
}

func (r schemaReader) resolve(ref any, depth int) any {
	name := str(ref)
	target := r.defs[name[strings.LastIndex(name, "/")+1:]]
	if !truthy(target) {
		return object{"type": "object"}
	}
	return r.read(target, depth+1)
}

// typeList turns a list of types into one type or a union, and reports whether null was in it.
func (r schemaReader) typeList(s object) (null bool) {
	types, ok := s["type"].([]any)
	if !ok {
		return false
	}
	var rest []any
	for _, t := range types {
		null = null || t == "null"
		if !strings.EqualFold(str(t), "null") {
			rest = append(rest, t)
		}
	}
	if len(rest) == 1 {
		s["type"] = rest[0]
		return null
	}
	delete(s, "type")
	union := make([]any, len(rest))
	for i, t := range rest {
		union[i] = object{"type": t}
	}
	s["anyOf"] = union
	return null
}

// branches reduces a union: null becomes nullable, a single branch is the schema itself.
func (r schemaReader) branches(s object, depth int) (null bool) {
	union, ok := s["anyOf"].([]any)
	if !ok {
		return false
	}
	delete(s, "anyOf")
	var rest []any
	for _, x := range union {
		b := r.read(x, depth+1)
		o := obj(b)
		if o["type"] == "null" {
			null = true
			continue
		}
		if truthy(o["nullable"]) {
			null = true
		}
		delete(o, "nullable")
		rest = append(rest, b)
	}
	switch len(rest) {
	case 0:
	case 1:
		mergeBranch(s, obj(rest[0]))
	default:
		s["anyOf"] = rest
	}
	return null
}

// mergeBranch puts the only branch into s; what s says itself wins, except the type.
func mergeBranch(s, branch object) {
	for k, v := range branch {
		if _, has := s[k]; !has || k == "type" {
			s[k] = v
		}
	}
}

func (r schemaReader) children(s object, depth int) {
	if props, ok := s["properties"].(object); ok {
		out := make(object, len(props))
		for name, p := range props {
			out[name] = r.read(p, depth+1)
		}
		s["properties"] = out
		if len(out) == 0 {
			remove(s, "properties", "required")
		}
	}
	if items, ok := s["items"].(object); ok {
		s["items"] = r.read(items, depth+1)
		if equal(s["items"], object{}) {
			s["items"] = object{"type": "object"}
		}
	}
	removeIf(s, "required", []any{})
}
