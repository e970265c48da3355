package gemini

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// openAPI writes a schema in Gemini's older form, a subset of OpenAPI's Schema.
// The steps and their order are those of the specification, §2.6.
func (w *schemaWriter) openAPI(dst []byte, v rawjson.Value, depth int) []byte {
	if w.exceeded(len(dst), depth) {
		return append(dst, anyObject...)
	}
	open := len(w.stack)
	if o, ok := w.inline(v, depth); ok {
		dst = w.openAPIObject(dst, o, depth)
	} else {
		dst = append(dst, anyObject...)
	}
	w.stack = w.stack[:open]
	return dst
}

// inline parses a schema with its references written out and notes them on the
// stack; ok is false for what is no schema, leads nowhere or in a circle.
func (w *schemaWriter) inline(v rawjson.Value, depth int) (o rawjson.Object, ok bool) {
	if v.Kind() != '{' || v.Len() == 0 {
		return nil, false
	}
	o = w.parse(v, depth)
	for o.Get("$ref") != nil {
		ref := o.Get("$ref").Text()
		target, found := w.resolve(ref)
		if !found || slices.Contains(w.stack, ref) {
			return nil, false
		}
		w.stack = append(w.stack, ref)
		o.Del("$ref")
		w.absorb(&o, w.parse(target, depth+1))
	}
	return o, true
}

func (w *schemaWriter) openAPIObject(dst []byte, o rawjson.Object, depth int) []byte {
	o = w.withoutTypeList(o)
	o = w.withoutNullBranch(o, depth)
	kind := w.kindOf(o)
	dst = append(dst, '{')
	if kind != "" {
		dst = rawjson.AppendStringMember(dst, "type", kind)
	}
	for _, m := range o {
		dst = w.openAPIMember(dst, o, m, kind, depth)
	}
	if kind == "array" && o.Get("items") == nil {
		dst = rawjson.AppendMember(dst, "items", w.tupleItems(o, depth))
	}
	return append(dst, '}')
}

// withoutTypeList turns type: [a, b] into anyOf, [a] into a, and null into
// nullable.
func (w *schemaWriter) withoutTypeList(o rawjson.Object) rawjson.Object {
	if o.Get("type").Kind() != '[' {
		return o
	}
	names := typeList(o.Get("type"))
	kept := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return n == "null" })
	o.Del("type")
	if len(kept) < len(names) && len(kept) > 0 {
		o.Set("nullable", rawjson.Value("true"))
	}
	switch len(kept) {
	case 0:
		return o
	case 1:
		o.Set("type", rawjson.String(kept[0]))
		return o
	}
	return splitTypes(o, kept)
}

// specific are the keywords that belong to one type only.
var specific = map[string]string{
	"properties": "object", "required": "object", "minProperties": "object", "maxProperties": "object", "propertyOrdering": "object",
	"items": "array", "minItems": "array", "maxItems": "array", "prefixItems": "array",
}

// splitTypes makes one anyOf branch of each type, which takes the keywords of its
// type along.
func splitTypes(o rawjson.Object, names []string) rawjson.Object {
	branches := rawjson.Value{'['}
	for _, name := range names {
		b := rawjson.Object{{Key: "type", Value: rawjson.String(name)}}
		for _, m := range o {
			if specific[m.Key] == name {
				b = append(b, m)
			}
		}
		branches = b.Append(rawjson.AppendComma(branches))
	}
	rest := slices.DeleteFunc(slices.Clone(o), func(m rawjson.Member) bool { return specific[m.Key] != "" })
	rest.Set("anyOf", append(branches, ']'))
	return rest
}

// withoutNullBranch turns a null branch of anyOf or oneOf into nullable on the
// other branches; a single other branch takes the place of the whole.
func (w *schemaWriter) withoutNullBranch(o rawjson.Object, depth int) rawjson.Object {
	if o.Get("anyOf") == nil && o.Get("oneOf") != nil {
		o.Rename("oneOf", "anyOf")
	}
	list := o.Get("anyOf")
	if list == nil {
		return o
	}
	var kept []rawjson.Value
	null := o.Get("nullable").True()
	for _, b := range list.Elems() {
		if typeName(b.Get("type")) == "null" {
			null = true
			continue
		}
		kept = append(kept, b)
	}
	o.Del("anyOf")
	if null {
		o.Set("nullable", rawjson.Value("true"))
	}
	if len(kept) < 2 {
		return w.onlyBranch(o, kept, depth)
	}
	o.Set("anyOf", branchList(kept, null))
	return o
}

func (w *schemaWriter) onlyBranch(o rawjson.Object, kept []rawjson.Value, depth int) rawjson.Object {
	if len(kept) == 0 {
		return o
	}
	branch, ok := w.inline(kept[0], depth+1)
	if !ok || w.exceeded(0, depth+1) {
		branch = rawjson.Object{{Key: "type", Value: rawjson.Value(`"object"`)}}
	}
	w.absorb(&o, branch)
	return w.withoutNullBranch(w.withoutTypeList(o), depth+1)
}

func branchList(kept []rawjson.Value, null bool) rawjson.Value {
	out := rawjson.Value{'['}
	for _, b := range kept {
		branch := rawjson.ParseObject(b)
		if null && len(branch) > 0 {
			branch.Set("nullable", rawjson.Value("true"))
		}
		out = branch.Append(rawjson.AppendComma(out))
	}
	return append(out, ']')
}

// kindOf is the type of a schema, also where it does not say one; "" for a choice.
func (w *schemaWriter) kindOf(o rawjson.Object) string {
	if name := typeName(o.Get("type")); name != "" && name != "null" {
		return name
	}
	switch {
	case o.Get("anyOf") != nil:
		return ""
	case o.Get("properties") != nil:
		return "object"
	case o.Get("items") != nil || o.Get("prefixItems") != nil:
		return "array"
	}
	values := o.Get("enum")
	if values == nil && o.Get("const") != nil {
		values = append(append(rawjson.Value{'['}, o.Get("const")...), ']')
	}
	switch values.First().Kind() {
	case '"':
		return "string"
	case '0':
		return "integer"
	case 't', 'f':
		return "boolean"
	}
	return "object"
}

func (w *schemaWriter) openAPIMember(dst []byte, o rawjson.Object, m rawjson.Member, kind string, depth int) []byte {
	switch m.Key {
	case "type":
		return dst
	case "title", "description", "pattern":
		return appendIf(dst, m, '"')
	case "minItems", "maxItems", "minProperties", "maxProperties", "minimum", "maximum", "minLength", "maxLength":
		return appendIf(dst, m, '0')
	case "default", "example":
		return rawjson.AppendMember(dst, m.Key, m.Value)
	case "nullable":
		return appendIf(dst, m, 't')
	case "format":
		return w.openAPIFormat(dst, m, kind)
	case "enum":
		return w.openAPIEnum(dst, m.Value, kind)
	case "const":
		if o.Get("enum") == nil {
			return w.openAPIEnum(dst, append(append(rawjson.Value{'['}, m.Value...), ']'), kind)
		}
		return dst
	case "items":
		if m.Value.Kind() == '[' {
			return rawjson.AppendMember(dst, "items", w.tupleItems(rawjson.Object{{Key: "prefixItems", Value: m.Value}}, depth))
		}
		return w.openAPI(rawjson.AppendKey(dst, "items"), m.Value, depth+1)
	case "anyOf":
		return w.openAPIList(dst, m.Value, depth)
	case "properties":
		return w.openAPIProperties(dst, o, m.Value, depth)
	case "required":
		return appendRequired(dst, m.Value, o.Get("properties"))
	case "propertyOrdering", "prefixItems", "$defs", "definitions":
		return dst
	}
	if !meaningless[m.Key] {
		w.lose(m.Key)
	}
	return dst
}

// formats are the values of format that do not lead to a 400.
var formats = map[string]string{
	"enum": "string", "date-time": "string", "int32": "integer", "int64": "integer", "float": "number", "double": "number",
}

func (w *schemaWriter) openAPIFormat(dst []byte, m rawjson.Member, kind string) []byte {
	if want, ok := formats[m.Value.Text()]; ok && want == kind {
		return rawjson.AppendMember(dst, m.Key, m.Value)
	}
	w.lose("format")
	return dst
}

// openAPIEnum keeps the strings of an enum; integers travel as strings where the
// model takes that.
func (w *schemaWriter) openAPIEnum(dst []byte, v rawjson.Value, kind string) []byte {
	mark := len(dst)
	dst = append(rawjson.AppendKey(dst, "enum"), '[')
	start := len(dst)
	for _, elem := range v.Elems() {
		switch {
		case elem.Kind() == '"' && len(elem) > 2 && kind == "string":
			dst = append(rawjson.AppendComma(dst), elem...)
		case elem.Kind() == '0' && kind == "integer" && w.stringEnums:
			dst = append(append(append(rawjson.AppendComma(dst), '"'), elem...), '"')
		}
	}
	if len(dst) == start {
		w.lose("enum")
		return dst[:mark]
	}
	return append(dst, ']')
}

func (w *schemaWriter) openAPIList(dst []byte, v rawjson.Value, depth int) []byte {
	if v.Len() == 0 {
		return dst
	}
	dst = append(rawjson.AppendKey(dst, "anyOf"), '[')
	for _, b := range v.Elems() {
		dst = w.openAPI(rawjson.AppendComma(dst), b, depth+1)
	}
	return append(dst, ']')
}

func (w *schemaWriter) openAPIProperties(dst []byte, o rawjson.Object, v rawjson.Value, depth int) []byte {
	if v.Kind() != '{' || v.Len() == 0 {
		return dst
	}
	ordering := o.Get("propertyOrdering")
	dst = append(rawjson.AppendKey(dst, "properties"), '{')
	names := rawjson.Value{'['}
	for name, member := range v.Members() {
		names = rawjson.AppendString(rawjson.AppendComma(names), name)
		dst = w.openAPI(rawjson.AppendKey(dst, name), member, depth+1)
	}
	dst = append(dst, '}')
	switch {
	case ordering.Kind() == '[':
		return rawjson.AppendMember(dst, "propertyOrdering", ordering)
	case w.ordering:
		return rawjson.AppendMember(dst, "propertyOrdering", append(names, ']'))
	}
	return dst
}

// tupleItems is the item schema of an array that lists its items one by one, or
// says nothing of them.
func (w *schemaWriter) tupleItems(o rawjson.Object, depth int) rawjson.Value {
	list := o.Get("prefixItems")
	switch list.Len() {
	case 0:
		return rawjson.Value(anyObject)
	case 1:
		return w.openAPI(nil, list.First(), depth+1)
	}
	return append(w.openAPIList(rawjson.Value{'{'}, list, depth), '}')
}
