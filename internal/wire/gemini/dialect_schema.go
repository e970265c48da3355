package gemini

import (
	"bytes"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// schemaTypes are Google's words for the types of JSON Schema. In both of its
// schema fields clients write them in either case (§5.1, §5.4).
var schemaTypes = map[string]string{
	"STRING": "string", "NUMBER": "number", "INTEGER": "integer", "BOOLEAN": "boolean",
	"ARRAY": "array", "OBJECT": "object", "NULL": "null", "TYPE_UNSPECIFIED": "",
}

// appendJSONSchema writes a schema of Google's in the words of JSON Schema: types
// in lower case, nullable as a type, numbers as numbers. openAPI says that v is a
// Schema message, whose members have two spellings, and not raw JSON Schema. Check
// has bounded the depth; room is how many bytes may still be read, and what is beyond
// it, nested so deep that it is read over and over, goes as it came.
func appendJSONSchema(dst []byte, v rawjson.Value, openAPI bool, room *int) []byte {
	return (&schemaReader{proto: openAPI, room: room}).schema(dst, v)
}

// schema writes a schema within the one that s reads.
func (s *schemaReader) schema(dst []byte, v rawjson.Value) []byte {
	if v.Kind() != '{' || *s.room < len(v) {
		return append(dst, v...)
	}
	*s.room -= len(v)
	return (&schemaReader{
		proto: s.proto, room: s.room, nullable: v.Get("nullable").True(), integer: isInteger(v.Get("type")),
	}).members(dst, v)
}

func (s *schemaReader) members(dst []byte, v rawjson.Value) []byte {
	dst = append(dst, '{')
	if s.proto {
		for name, m := range members(v) {
			dst = s.member(dst, name, m)
		}
	} else {
		for f := range v.Fields() {
			dst = s.member(dst, f.Name(), f.Value)
		}
	}
	return append(dst, '}')
}

// schemaReader writes the members of one schema. Room is how many bytes may still be
// read for the whole that it is a part of.
type schemaReader struct {
	proto, nullable, integer bool
	room                     *int
}

func isInteger(v rawjson.Value) bool { return strings.EqualFold(v.Text(), "integer") }

func (s *schemaReader) member(dst []byte, name string, v rawjson.Value) []byte {
	switch name {
	case "type":
		return s.typ(dst, v)
	case "nullable":
		return dst
	case "properties", "$defs", "definitions", "patternProperties", "dependentSchemas":
		return s.named(rawjson.AppendKey(dst, name), v)
	case "items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames",
		"anyOf", "oneOf", "allOf", "prefixItems":
		return s.nested(rawjson.AppendKey(dst, name), v, name)
	case "enum":
		return s.enum(rawjson.AppendKey(dst, name), v)
	case "minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties", "minimum", "maximum":
		return rawjson.AppendMember(dst, name, numberOf(v))
	case "propertyOrdering":
		return dst
	case "format":
		if s.proto && v.Is("enum") {
			return dst
		}
	case "example":
		if s.proto {
			return append(append(rawjson.AppendKey(dst, "examples"), '['), append(bytes.Clone(v), ']')...)
		}
	}
	return rawjson.AppendMember(dst, name, v)
}

func (s *schemaReader) typ(dst []byte, v rawjson.Value) []byte {
	if v.Kind() == '[' {
		dst = append(rawjson.AppendKey(dst, "type"), '[')
		for _, t := range v.Elems() {
			dst = rawjson.AppendString(rawjson.AppendComma(dst), jsonType(t))
		}
		return append(dst, ']')
	}
	name := jsonType(v)
	switch {
	case name == "":
		return dst
	case s.nullable && name != "null":
		dst = rawjson.AppendString(append(rawjson.AppendKey(dst, "type"), '['), name)
		return append(dst, `,"null"]`...)
	}
	return rawjson.AppendStringMember(dst, "type", name)
}

func jsonType(v rawjson.Value) string {
	name := v.Text()
	if lower, ok := schemaTypes[strings.ToUpper(name)]; ok {
		return lower
	}
	return name
}

// named writes a map of schemas; its keys are the client's names.
func (s *schemaReader) named(dst []byte, v rawjson.Value) []byte {
	if v.Kind() != '{' {
		return append(dst, v...)
	}
	dst = append(dst, '{')
	for f := range v.Fields() {
		dst = append(append(rawjson.AppendComma(dst), f.Key...), ':')
		dst = s.schema(dst, f.Value)
	}
	return append(dst, '}')
}

// nested writes a schema or a list of them. A nullable choice gets one more.
func (s *schemaReader) nested(dst []byte, v rawjson.Value, name string) []byte {
	if v.Kind() != '[' {
		return s.schema(dst, v)
	}
	dst = append(dst, '[')
	for _, elem := range v.Elems() {
		dst = s.schema(rawjson.AppendComma(dst), elem)
	}
	if s.nullable && (name == "anyOf" || name == "oneOf") {
		dst = append(rawjson.AppendComma(dst), `{"type":"null"}`...)
	}
	return append(dst, ']')
}

// enum writes the values of an enum; a Schema message has them as strings even for
// integers.
func (s *schemaReader) enum(dst []byte, v rawjson.Value) []byte {
	if v.Kind() != '[' {
		return append(dst, v...)
	}
	dst = append(dst, '[')
	for _, elem := range v.Elems() {
		if s.integer && s.proto {
			elem = numberOf(elem)
		}
		dst = append(rawjson.AppendComma(dst), elem...)
	}
	if s.nullable {
		dst = append(rawjson.AppendComma(dst), "null"...)
	}
	return append(dst, ']')
}
