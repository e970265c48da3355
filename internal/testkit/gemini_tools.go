package testkit

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

var (
	geminiToolKinds = words(`functionDeclarations googleSearch googleSearchRetrieval enterpriseWebSearch urlContext codeExecution
		googleMaps computerUse fileSearch`)
	geminiDeclaration = words(`name description parameters parametersJsonSchema response responseJsonSchema behavior`)
	geminiName        = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}$`)
)

func geminiTools(c *inspector, t *Turn, doc object) {
	search := false
	for i, v := range list(doc["tools"]) {
		tool, at := normal(obj(v)), sprintf("tools[%d]", i)
		c.only(tool, geminiToolKinds, unknownName(at))
		if len(tool) != 1 {
			c.refuse(argument("A Tool object should contain exactly one type of Tool."))
		}
		search = search || tool["googleSearch"] != nil || tool["urlContext"] != nil || tool["googleSearchRetrieval"] != nil
		for j, d := range list(tool["functionDeclarations"]) {
			geminiFunction(c, t, sprintf("%s.function_declarations[%d]", at, j), normal(obj(d)))
		}
	}
	if search && len(t.Tools) > 0 && !third(t.Model) {
		c.refuse(argument("Tool use with function calling is unsupported"))
	}
}

func geminiFunction(c *inspector, t *Turn, at string, fn object) {
	c.only(fn, geminiDeclaration, unknownName(at))
	name := str(fn["name"])
	if !geminiName.MatchString(name) {
		c.refuse(argument("Invalid value at '" + at + ".name': Invalid function name. Must start with a letter or an underscore."))
	}
	if _, twice := t.tool(name); twice {
		c.refuse(argument("Duplicate function declaration found: " + name))
	}
	openAPI, given := fn["parameters"]
	plain, givenJSON := fn["parametersJsonSchema"]
	if given && givenJSON {
		c.refuse(argument("Only one of parameters and parameters_json_schema may be set at " + at))
	}
	schema := obj(openAPI)
	if given {
		emptyObject(c, schema, at+".parameters")
		openAPISchema(c, schema, at+".parameters")
	}
	if givenJSON {
		schema = obj(plain)
		emptyObject(c, schema, at+".parameters_json_schema")
		jsonSchema(c, withoutMarker(schema), at+".parameters_json_schema")
	}
	t.Tools = append(t.Tools, Tool{Name: name, Schema: schema})
}

// emptyObject refuses an object type without properties.
func emptyObject(c *inspector, s object, at string) {
	if len(s) == 0 || (typeOf(s) == "object" && s["$ref"] == nil && s["anyOf"] == nil && len(obj(s["properties"])) == 0) {
		c.refuse(argument("* GenerateContentRequest." + at + ".properties: should be non-empty for OBJECT type"))
	}
}

func geminiToolConfig(c *inspector, t *Turn, cfg object) {
	c.only(cfg, words("functionCallingConfig retrievalConfig includeServerSideToolInvocations"), unknownName("tool_config"))
	v, given := cfg["functionCallingConfig"]
	if !given {
		return
	}
	calling := normal(obj(v))
	c.only(calling, words("mode allowedFunctionNames streamFunctionCallArguments"), unknownName("tool_config.function_calling_config"))
	if len(t.Tools) == 0 {
		c.refuse(argument("Function calling config is set without function_declarations."))
	}
	mode, names := str(calling["mode"]), list(calling["allowedFunctionNames"])
	if !words("AUTO ANY NONE VALIDATED")[mode] {
		c.refuse(argument("Invalid value at 'tool_config.function_calling_config.mode'"))
	}
	if len(names) > 0 && mode != "ANY" && mode != "VALIDATED" {
		c.refuse(argument("Allowed function names should only be set when function calling mode is ANY."))
	}
	for _, n := range names {
		if _, ok := t.tool(str(n)); !ok {
			c.refuse(argument("Allowed function name " + str(n) + " is not declared."))
		}
	}
	if mode == "ANY" {
		t.Forced = "*"
		if len(names) > 0 {
			t.Forced = str(names[0])
		}
	}
}

var (
	// openAPIKeywords are those of the Schema message.
	openAPIKeywords = words(`type format title description nullable default items minItems maxItems enum properties propertyOrdering
		required minProperties maxProperties minimum maximum minLength maxLength pattern example anyOf`)
	// jsonKeywords are those of the *JsonSchema fields (§2.6).
	jsonKeywords = words(`$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum
		maximum anyOf oneOf properties additionalProperties required propertyOrdering`)
	openAPITypes   = words("string number integer boolean array object null")
	openAPIFormats = words("enum date-time float double int32 int64")
)

func openAPISchema(c *inspector, raw object, at string) {
	s := normal(raw)
	c.only(s, openAPIKeywords, unknownName(at))
	if kind, ok := s["type"]; ok && !openAPITypes[strings.ToLower(str(kind))] {
		c.refuse(argument("Invalid value at '" + at + ".type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), \"" + encode(kind) + "\""))
	}
	if f := str(s["format"]); f != "" && !openAPIFormats[f] {
		c.refuse(argument("* GenerateContentRequest." + at + ".format: only 'enum' and 'date-time' are supported for STRING type"))
	}
	for _, v := range list(s["enum"]) {
		if text, ok := v.(string); !ok || text == "" {
			c.refuse(argument("Invalid value at '" + at + ".enum' (TYPE_STRING), " + encode(v)))
		}
	}
	if strings.EqualFold(str(s["type"]), "array") && s["items"] == nil {
		c.refuse(argument("* GenerateContentRequest." + at + ".items: missing field."))
	}
	requiredNames(c, s, at)
	for name, v := range obj(s["properties"]) {
		openAPIChild(c, obj(v), sprintf("%s.properties[%s].value", at, name))
	}
	if s["items"] != nil {
		openAPIChild(c, obj(s["items"]), at+".items")
	}
	for i, v := range list(s["anyOf"]) {
		openAPISchema(c, obj(v), sprintf("%s.any_of[%d]", at, i))
	}
}

func openAPIChild(c *inspector, s object, at string) {
	if strings.EqualFold(str(s["type"]), "object") {
		if p, ok := s["properties"]; ok && len(obj(p)) == 0 {
			c.refuse(argument("* GenerateContentRequest." + at + ".properties: should be non-empty for OBJECT type"))
		}
	}
	openAPISchema(c, s, at)
}

func requiredNames(c *inspector, s object, at string) {
	for i, v := range list(s["required"]) {
		if _, ok := obj(s["properties"])[str(v)]; !ok {
			c.refuse(argument(sprintf("* GenerateContentRequest.%s.required[%d]: property is not defined", at, i)))
		}
	}
}

// withoutMarker leaves out $schema at the root: Gemini CLI sends it with tools of
// its own, so that Google must take it there, whatever the documentation lists.
func withoutMarker(schema object) object {
	out := maps.Clone(schema)
	delete(out, "$schema")
	return out
}

func jsonSchema(c *inspector, s object, at string) {
	c.only(s, jsonKeywords, func(name string) *refusal {
		return argument("Invalid JSON schema at '" + at + "': keyword \"" + name + "\" is not supported.")
	})
	if s["$ref"] != nil {
		for _, name := range slices.Sorted(maps.Keys(s)) {
			if !strings.HasPrefix(name, "$") {
				c.refuse(argument("Invalid JSON schema at '" + at + "': a sub-schema with $ref may only have fields that start with $, not \"" + name + "\"."))
			}
		}
	}
	for _, v := range list(s["enum"]) {
		_, text := v.(string)
		_, number := num(v)
		if !text && !number {
			c.refuse(argument("Invalid JSON schema at '" + at + "': enum holds " + encode(v) + "; only strings and numbers are supported."))
		}
	}
	for name, child := range jsonChildren(s) {
		jsonSchema(c, child, at+"."+name)
	}
}

// jsonChildren yields the sub-schemas.
func jsonChildren(s object) map[string]object {
	out := map[string]object{}
	for _, key := range []string{"properties", "$defs"} {
		for name, v := range obj(s[key]) {
			out[key+"."+name] = obj(v)
		}
	}
	for _, key := range []string{"items", "additionalProperties"} {
		if child, ok := s[key].(object); ok {
			out[key] = child
		}
	}
	for _, key := range []string{"anyOf", "oneOf", "prefixItems"} {
		for i, v := range list(s[key]) {
			out[sprintf("%s.%d", key, i)] = obj(v)
		}
	}
	return out
}
