package gemini

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// format turns response_format into the MIME type and schema of the answer (§2.6).
func (e *encoder) format() error {
	f := e.set.format
	if !f.Present() {
		return nil
	}
	if f.Kind() != '{' {
		return llm.BadRequest("response_format", "response_format must be an object such as {\"type\": \"json_object\"}.")
	}
	switch kind := f.Get("type").Text(); kind {
	case "text", "":
		return nil
	case "json_object", "json_schema":
	default:
		return llm.BadRequest("response_format.type", "response_format.type must be text, json_object or json_schema, but it is "+clip(kind)+".")
	}
	schema := formatSchema(f)
	if !e.model.g3 && e.tools.any() {
		e.hintJSON(schema)
		return nil
	}
	if e.tools.has("googleMaps") {
		return e.mapsFormat(schema)
	}
	e.set.gen.Set("responseMimeType", rawjson.Value(`"application/json"`))
	if schema == nil {
		return nil
	}
	key, v, err := e.responseSchema(schema)
	if err == nil {
		e.set.gen.Set(key, v)
	}
	return err
}

// formatSchema finds the schema in OpenAI's and in LiteLLM's place.
func formatSchema(f rawjson.Value) rawjson.Value {
	schema := f.Path("json_schema", "schema")
	if schema.Kind() != '{' {
		schema = f.Get("response_schema")
	}
	if schema.Kind() != '{' || schema.Len() == 0 {
		return nil
	}
	return schema
}

func (e *encoder) responseSchema(schema rawjson.Value) (key string, v rawjson.Value, err error) {
	key = "responseJsonSchema"
	if e.openAPI() {
		key = "responseSchema"
	}
	v, err = e.schema(schema, answerPlace)
	return key, v, err
}

// hintJSON asks for JSON in words, where a MIME type beside tools is refused.
func (e *encoder) hintJSON(schema rawjson.Value) {
	e.drop("response_format", "this model takes no JSON mode beside tools; the wish went into the system instruction")
	e.set.hint = "When you give your final answer, answer with one JSON value only, without any text or code fence around it."
	if schema != nil {
		e.set.hint += " It must match this JSON schema: " + string(schema)
	}
}

// mapsFormat is the form that is accepted beside the maps tool.
func (e *encoder) mapsFormat(schema rawjson.Value) error {
	v := rawjson.Value(`{"text":{"mimeType":"APPLICATION_JSON"`)
	if schema != nil {
		s, err := e.schema(schema, answerPlace)
		if err != nil {
			return err
		}
		v = rawjson.AppendMember(v, "schema", s)
	}
	e.set.gen.Set("responseFormat", append(v, "}}"...))
	return nil
}

// openAPI says that schemas must be in the older, smaller form.
func (e *encoder) openAPI() bool { return !e.model.jsonSchema || e.t.Repair == wire.RepairSchema }

// repairs says that every signature was refused.
func (e *encoder) repairs() bool { return e.t.Repair == wire.RepairSignatures }
