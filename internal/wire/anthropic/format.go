package anthropic

import (
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// structuredBeta enables structured outputs and strict tools.
const structuredBeta = "structured-outputs-2025-11-13"

// The names of the tool that stands in for a response format. Under the second one
// the answer is the member "values" of the input, because the schema is no object.
const (
	jsonTool       = "json_tool_call"
	jsonToolValues = "json_tool_values"
)

// jsonHint asks for JSON where only response_format json_object does: Anthropic has
// no such mode.
const jsonHint = "Answer with a single valid JSON object and nothing else: no text around it, no code fence."

// format is how a response format is asked for. The zero value is plain text.
type format struct {
	native rawjson.Value // the filtered schema for output_config.format
	tool   string        // the name of the tool that stands in
	schema rawjson.Value // the client's schema, for the tool
	name   string
	hint   bool // JSON of any shape: a sentence in the system text asks for it
}

// on reports whether the answer must follow a schema.
func (f *format) on() bool { return f.native != nil || f.tool != "" }

// readFormat reads response_format.
func (e *encoder) readFormat() error {
	v := e.opts.responseFormat
	switch v.Get("type").Text() {
	case "json_schema":
		spec := v.Get("json_schema")
		e.useSchema(spec.Get("schema"), spec.Get("name").Text())
	case "json_object":
		e.useSchema(v.Get("response_schema"), "")
	}
	return nil
}

// useSchema asks for JSON of this schema, or of any shape when there is none.
func (e *encoder) useSchema(schema rawjson.Value, name string) {
	if schema.Kind() != '{' {
		e.format.hint = true
		return
	}
	if e.model.nativeSchema() && e.t.Repair != wire.RepairSchema {
		if filtered, ok := filterSchema(schema); ok {
			e.format.native = filtered
			e.beta(structuredBeta)
			return
		}
	}
	e.format.schema, e.format.name, e.format.tool = schema, name, jsonTool
	if !objectSchema(schema) {
		e.format.tool = jsonToolValues
	}
	e.drop("response_format", "it is asked for through a tool, because the model or the schema does not permit the native way")
}

// objectSchema reports whether a schema is plainly one of an object.
func objectSchema(schema rawjson.Value) bool {
	if t := schema.Get("type"); t != nil {
		return t.Is("object")
	}
	return schema.Get("properties").Kind() == '{'
}

// toolJSON is the tool that stands in for the format.
func (f *format) toolJSON() rawjson.Value {
	dst := rawjson.AppendString([]byte(`{"name":`), f.tool)
	about := "Give the final answer by calling this tool; its input is the answer."
	if f.name != "" {
		about += " The answer is called " + f.name + "."
	}
	dst = rawjson.AppendStringMember(dst, "description", about)
	dst = append(dst, `,"input_schema":`...)
	if f.tool == jsonTool {
		return append(appendInputSchema(dst, f.schema), '}')
	}
	dst = append(dst, `{"type":"object","properties":{"values":`...)
	dst = append(dst, f.schema...)
	return append(dst, `},"required":["values"]}}`...)
}

// outputConfig writes output_config: the client's own, the effort, the format.
func (e *encoder) outputConfig(dst []byte) []byte {
	o := rawjson.ParseObject(e.opts.output)
	if e.think.effort != "" && o.Get("effort") == nil {
		o.Set("effort", rawjson.String(e.think.effort))
	}
	if e.format.native != nil {
		f := append(rawjson.Value(`{"type":"json_schema","schema":`), e.format.native...)
		o.Set("format", append(f, '}'))
	}
	if len(o) == 0 {
		return dst
	}
	return rawjson.AppendMember(dst, "output_config", o.Value())
}
