package gemini

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// jsonKeywords are the keywords of JSON Schema that Gemini takes (§2.6).
var jsonKeywords = words("$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum maximum anyOf oneOf properties additionalProperties required propertyOrdering")

// openAPIKeywords are those of its older form.
var openAPIKeywords = words("type format title description nullable default items minItems maxItems enum properties propertyOrdering required minProperties maxProperties minimum maximum minLength maxLength pattern example anyOf")

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// checkKeywords walks a schema and complains about keywords that are not allowed.
func checkKeywords(v any, allowed map[string]bool) error {
	o, ok := v.(map[string]any)
	if !ok {
		if b, isBool := v.(bool); isBool && allowed["$ref"] {
			_ = b // additionalProperties
			return nil
		}
		return fmt.Errorf("%v stands where a schema must stand", v)
	}
	for k, member := range o {
		if !allowed[k] {
			return fmt.Errorf("keyword %q", k)
		}
		if err := checkMember(k, member, allowed); err != nil {
			return fmt.Errorf("%s: %w", k, err)
		}
	}
	if _, ref := o["$ref"]; ref {
		for k := range o {
			if !strings.HasPrefix(k, "$") {
				return fmt.Errorf("%q beside $ref", k)
			}
		}
	}
	return nil
}

func checkMember(k string, member any, allowed map[string]bool) error {
	switch k {
	case "properties", "$defs":
		m, ok := member.(map[string]any)
		if !ok || len(m) == 0 {
			return fmt.Errorf("is %v", member)
		}
		for _, s := range m {
			if err := checkKeywords(s, allowed); err != nil {
				return err
			}
		}
	case "anyOf", "prefixItems", "oneOf":
		l, ok := member.([]any)
		if !ok || len(l) == 0 {
			return fmt.Errorf("is %v", member)
		}
		for _, s := range l {
			if err := checkKeywords(s, allowed); err != nil {
				return err
			}
		}
	case "items", "additionalProperties":
		return checkKeywords(member, allowed)
	}
	return nil
}

func openAPITarget() *wire.Target {
	to := target(g3)
	to.Repair = wire.RepairSchema
	return to
}

func convert(t *testing.T, to *wire.Target, schema string) any {
	t.Helper()
	c := encode(t, withTools(function("f", schema)), to)
	decl, _ := at(t, c, "tools", 0, "functionDeclarations", 0).(map[string]any)
	if v, ok := decl["parameters"]; ok {
		return v
	}
	return decl["parametersJsonSchema"]
}

// wild is the schema of T36: everything that Gemini does not take.
const wild = `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","additionalProperties":false,
	"$defs":{"Node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/Node"},{"type":"null"}]},"v":{"type":"integer"}},"required":["v"]}},
	"properties":{"node":{"$ref":"#/$defs/Node","description":"beside"},"s":{"type":["string","null"]},"o":{"anyOf":[{"type":"string"},{"type":"null"}]},
		"i":{"type":"integer","enum":[1,2]},"e":{"type":"string","enum":["a","","b"]},"c":{"const":"x"},"u":{"type":"string","format":"uuid"},
		"l":{"type":"array","items":{}},"bare":{"type":"array"},"x":{"type":"number","exclusiveMinimum":0,"minimum":1},"empty":{"type":"object","properties":{},"required":["q"]}},
	"required":["node","ghost"]}`

func TestT36_SchemaBecomesJSONSchemaWithKnownKeywords(t *testing.T) {
	got := convert(t, target(g3), wild)
	if err := checkKeywords(got, jsonKeywords); err != nil {
		t.Error(err)
	}
	same(t, got, `{"type":"object","additionalProperties":false,
	"$defs":{"Node":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/Node"},{"type":"null"}]},"v":{"type":"integer"}},"required":["v"]}},
	"properties":{"node":{"$ref":"#/$defs/Node"},"s":{"type":["string","null"]},"o":{"anyOf":[{"type":"string"},{"type":"null"}]},
		"i":{"type":"integer","enum":[1,2]},"e":{"type":"string","enum":["a","b"]},"c":{"enum":["x"]},"u":{"type":"string","format":"uuid"},
		"l":{"type":"array","items":{}},"bare":{"type":"array"},"x":{"type":"number","minimum":1},"empty":{"type":"object"}},
	"required":["node"]}`)
}

func TestT36_SchemaBecomesOpenAPIOnRepair(t *testing.T) {
	got := convert(t, openAPITarget(), wild)
	if err := checkKeywords(got, openAPIKeywords); err != nil {
		t.Error(err)
	}
	same(t, got, `{"type":"object",
	"properties":{"node":{"type":"object","description":"beside","properties":{"next":{"type":"object","nullable":true},"v":{"type":"integer"}},"required":["v"]},
		"s":{"type":"string","nullable":true},"o":{"type":"string","nullable":true},
		"i":{"type":"integer","enum":["1","2"]},"e":{"type":"string","enum":["a","b"]},"c":{"type":"string","enum":["x"]},"u":{"type":"string"},
		"l":{"type":"array","items":{"type":"object"}},"bare":{"type":"array","items":{"type":"object"}},"x":{"type":"number","minimum":1},"empty":{"type":"object"}},
	"required":["node"]}`)
}

func TestSchemaForms(t *testing.T) {
	for _, tc := range []struct{ name, in, json, openAPI string }{
		{
			"allOf merges", `{"allOf":[{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"b":{"type":"string"}},"required":["b"]}]}`,
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a","b"]}`,
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},"required":["a","b"]}`,
		},
		{
			"allOf with a reference", `{"type":"object","properties":{"p":{"allOf":[{"$ref":"#/$defs/P"}],"description":"d"}},"$defs":{"P":{"type":"string"}}}`,
			`{"type":"object","properties":{"p":{"description":"d","type":"string"}},"$defs":{"P":{"type":"string"}}}`,
			`{"type":"object","properties":{"p":{"type":"string","description":"d"}}}`,
		},
		{
			"oneOf is anyOf", `{"type":"object","properties":{"p":{"oneOf":[{"type":"string"},{"type":"integer"}]}}}`,
			`{"type":"object","properties":{"p":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}`,
			`{"type":"object","properties":{"p":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}`,
		},
		{
			"null among several", `{"type":"object","properties":{"p":{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}}}`,
			`{"type":"object","properties":{"p":{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}}}`,
			`{"type":"object","properties":{"p":{"nullable":true,"anyOf":[{"type":"string","nullable":true},{"type":"integer","nullable":true}]}}}`,
		},
		{
			"several types", `{"type":"object","properties":{"p":{"type":["string","array","null"],"items":{"type":"string"},"description":"d"}}}`,
			`{"type":"object","properties":{"p":{"type":["string","array","null"],"items":{"type":"string"},"description":"d"}}}`,
			`{"type":"object","properties":{"p":{"description":"d","nullable":true,"anyOf":[{"type":"string","nullable":true},{"type":"array","items":{"type":"string"},"nullable":true}]}}}`,
		},
		{
			"definitions", `{"type":"object","properties":{"p":{"$ref":"#/definitions/P"}},"definitions":{"P":{"type":"string","pattern":"x"}}}`,
			`{"type":"object","properties":{"p":{"$ref":"#/$defs/P"}},"$defs":{"P":{"type":"string"}}}`,
			`{"type":"object","properties":{"p":{"type":"string","pattern":"x"}}}`,
		},
		{
			"reference into properties", `{"type":"object","properties":{"a":{"type":"string"},"b":{"$ref":"#/properties/a"}}}`,
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}`,
			`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}}}`,
		},
		{
			"reference to itself", `{"type":"object","properties":{"child":{"$ref":"#"}}}`,
			`{"type":"object","properties":{"child":{"type":"object","properties":{"child":{"type":"object"}}}}}`,
			`{"type":"object","properties":{"child":{"type":"object","properties":{"child":{"type":"object"}}}}}`,
		},
		{
			"reference to nowhere", `{"type":"object","properties":{"a":{"$ref":"#/$defs/Gone"},"b":{"$ref":"http://x/y"}}}`,
			`{"type":"object","properties":{"a":{"type":"object"},"b":{"type":"object"}}}`,
			`{"type":"object","properties":{"a":{"type":"object"},"b":{"type":"object"}}}`,
		},
		{
			"tuple", `{"type":"object","properties":{"a":{"type":"array","items":[{"type":"string"},{"type":"integer"}]}}}`,
			`{"type":"object","properties":{"a":{"type":"array","prefixItems":[{"type":"string"},{"type":"integer"}]}}}`,
			`{"type":"object","properties":{"a":{"type":"array","items":{"anyOf":[{"type":"string"},{"type":"integer"}]}}}}`,
		},
		{
			"upper-case types", `{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true}}}`,
			`{"type":"object","properties":{"a":{"type":["string","null"]}}}`,
			`{"type":"object","properties":{"a":{"type":"string","nullable":true}}}`,
		},
		{"no type at the root", `{"properties":{"a":{"type":"string"}}}`, `{"properties":{"a":{"type":"string"}},"type":"object"}`, `{"type":"object","properties":{"a":{"type":"string"}}}`},
		{
			"map", `{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string","minLength":1}}}}`,
			`{"type":"object","properties":{"m":{"type":"object","additionalProperties":{"type":"string"}}}}`,
			`{"type":"object","properties":{"m":{"type":"object"}}}`,
		},
		{
			"date", `{"type":"object","properties":{"d":{"type":"string","format":"date-time","default":"x"}}}`,
			`{"type":"object","properties":{"d":{"type":"string","format":"date-time"}}}`,
			`{"type":"object","properties":{"d":{"type":"string","format":"date-time","default":"x"}}}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			same(t, convert(t, target(g3), tc.in), tc.json)
			same(t, convert(t, openAPITarget(), tc.in), tc.openAPI)
		})
	}
}

func TestCleanSchemaGoesAsItIs(t *testing.T) {
	schema := `{ "type" : "object", "properties": {"a": {"type":"array","items":{"type":"string","enum":["x"]}}}, "required": ["a"] }`
	c := encode(t, withTools(function("f", schema)), target(g3))
	if !strings.Contains(string(c.Body), schema) {
		t.Errorf("the schema was rewritten: %s", c.Body)
	}
}

func TestLostKeywordsAreReported(t *testing.T) {
	c := encode(t, withTools(function("f", `{"type":"object","properties":{"a":{"type":"string","pattern":"x","multipleOf":2}}}`)), target(g3))
	if len(c.Dropped) != 1 || !strings.Contains(c.Dropped[0].Why, "pattern") || !strings.Contains(c.Dropped[0].Why, "multipleOf") {
		t.Errorf("dropped = %v", c.Dropped)
	}
}

func TestSchemasThatExplodeAreRefused(t *testing.T) {
	var defs []string
	for i := range 40 {
		defs = append(defs, fmt.Sprintf(`"d%d":{"type":"object","properties":{"a":{"$ref":"#/$defs/d%d"},"b":{"$ref":"#/$defs/d%d"}}}`, i, i+1, i+1))
	}
	tree := `{"type":"object","properties":{"r":{"$ref":"#/$defs/d0"}},"$defs":{` + strings.Join(defs, ",") + `,"d40":{"type":"string"}}}`
	merge := strings.NewReplacer(`"type":"object","properties":{"a":`, `"allOf":[`, `,"b":`, `,`, `}}}`, `}]}`).Replace(strings.Join(defs, ","))
	all := `{"type":"object","properties":{"r":{"$ref":"#/$defs/d0"}},"$defs":{` + merge + `,"d40":{"type":"string"}}}`
	deep := strings.Repeat(`{"type":"array","pattern":"x","items":`, 80) + `{}` + strings.Repeat(`}`, 80)
	repeat := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	wide := `{"type":"object","properties":{"a":{"allOf":[` + repeat(8000, `{"properties":{"y":{"type":"string"}}}`) + `]}}}`
	for name, schema := range map[string]string{"wide": wide, "tree": tree, "deep": `{"type":"object","properties":{"a":` + deep + `}}`} {
		if _, err := rawjson.Check([]byte(schema)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		refuse(t, withTools(function("f", schema)), openAPITarget())
	}
	refuse(t, withTools(function("f", `{"type":"object","properties":{"a":`+deep+`}}`)), target(g3))
	same(t, convert(t, openAPITarget(), all), `{"type":"object","properties":{"r":{"type":"string"}}}`)
}

// anySchema draws schemas that use everything, also wrongly.
func anySchema(depth int) *rapid.Generator[map[string]any] {
	return rapid.Custom(func(t *rapid.T) map[string]any {
		s := map[string]any{}
		n := rapid.IntRange(0, 5).Draw(t, "members")
		for range n {
			k := rapid.SampledFrom(strings.Fields("type type $ref $defs definitions enum const items prefixItems anyOf oneOf allOf properties required nullable format default pattern not if description additionalProperties minItems $schema strict exclusiveMinimum title")).Draw(t, "key")
			s[k] = anyMember(t, k, depth)
		}
		return s
	})
}

func anyMember(t *rapid.T, k string, depth int) any {
	nested := func() any {
		if depth <= 0 {
			return rapid.SampledFrom([]any{true, map[string]any{}, map[string]any{"type": "string"}, nil, "x", map[string]any{"$ref": "#/$defs/a"}}).Draw(t, "leaf")
		}
		return anySchema(depth-1).Draw(t, "schema")
	}
	switch k {
	case "type":
		return rapid.SampledFrom([]any{"string", "OBJECT", "array", "null", "any", []any{"string", "null"}, []any{"object", "array"}, []any{}, 5, "integer"}).Draw(t, "type")
	case "$ref":
		return rapid.SampledFrom([]any{"#", "#/$defs/a", "#/definitions/a", "#/properties/a", "#/gone", 5, "#/anyOf/0", "http://x"}).Draw(t, "ref")
	case "enum", "required":
		return rapid.SampledFrom([]any{[]any{"a", "", 1, nil, true}, []any{}, "x", []any{"a", "a"}}).Draw(t, "list")
	case "const", "default", "format", "pattern", "description", "title", "nullable", "minItems", "exclusiveMinimum", "strict", "$schema":
		return rapid.SampledFrom([]any{"uuid", "date-time", 1, true, nil, []any{1}}).Draw(t, "scalar")
	case "anyOf", "oneOf", "allOf", "prefixItems":
		list := []any{}
		for range rapid.IntRange(0, 3).Draw(t, "n") {
			list = append(list, nested())
		}
		return list
	case "properties", "$defs", "definitions":
		m := map[string]any{}
		for range rapid.IntRange(0, 2).Draw(t, "n") {
			m[rapid.SampledFrom([]string{"a", "b", "anyOf"}).Draw(t, "name")] = nested()
		}
		return m
	}
	return nested()
}

func TestConvertedSchemasUseOnlyKnownKeywords(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		schema := anySchema(3).Draw(rt, "schema")
		raw := mustJSON(schema)
		for _, to := range []*wire.Target{target(g3), openAPITarget(), {Provider: Name, Model: "gemini-1.5-pro"}} {
			req := withTools(llm.ToolDef{Type: "function", Name: "f", Parameters: raw})
			c, err := Wire{}.Encode(req, to)
			if err != nil {
				rt.Fatalf("%v", err)
			}
			allowed := jsonKeywords
			got := at(t, c, "tools", 0, "functionDeclarations", 0).(map[string]any)
			v, there := got["parametersJsonSchema"]
			if !there {
				v, there = got["parameters"]
				allowed = openAPIKeywords
			}
			if !there {
				continue
			}
			if err := checkKeywords(v, allowed); err != nil {
				out, _ := json.Marshal(v)
				rt.Fatalf("%v in %s", err, out)
			}
		}
	})
}
