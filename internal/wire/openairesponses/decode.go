package openairesponses

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Dialect is the Responses API as clients speak it. The zero value is ready.
type Dialect struct{}

var _ wire.Dialect = Dialect{}

// Name returns "responses".
func (Dialect) Name() string { return Name }

// Decode reads the envelope of a checked body in one pass over its top level.
func (Dialect) Decode(body rawjson.Value) (*llm.Request, error) {
	if body.Kind() != '{' {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: expected an object")
	}
	if err := rawjson.Keys(body, nil); err != nil {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: "+err.Error())
	}
	d := decoder{req: &llm.Request{
		From: Name, Body: body, IncludeUsage: true, LenientParams: true, Params: make([]llm.Param, 0, 8),
	}}
	for f := range body.Fields() {
		if err := d.field(f.Name(), f.Value); err != nil {
			return nil, err
		}
	}
	if !d.input.Present() && !d.begins {
		return nil, llm.BadRequest("input", "/responses: Missing required parameter: 'input'.")
	}
	return d.req, nil
}

type decoder struct {
	req    *llm.Request
	input  rawjson.Value
	begins bool // something else than input holds the conversation
}

func (d *decoder) field(name string, v rawjson.Value) error {
	c := topKeys[name]
	if c == other {
		if right := misspelt(name); right != "" {
			return llm.BadRequest(right, fmt.Sprintf("Invalid JSON payload: the key %q must be written %q", name, right))
		}
	}
	return d.value(c, name, v)
}

func (d *decoder) value(c class, name string, v rawjson.Value) error {
	switch c {
	case leading:
		return d.envelope(name, v)
	case same, other:
		d.param(name, v)
	case mapped:
		return d.mapped(name, v)
	case held:
		switch name {
		case "previous_response_id", "prompt", "conversation":
			d.begins = d.begins || v.Present()
		}
	}
	return nil
}

func (d *decoder) envelope(name string, v rawjson.Value) error {
	switch name {
	case "model":
		if model, ok := v.Str(); ok {
			d.req.Model = model
		} else if v.Present() {
			return llm.BadRequest("model", "'model' must be a string.")
		}
	case "input":
		if v.Present() && v.Kind() != '"' && v.Kind() != '[' {
			return badType("input", "a string or a list of items")
		}
		d.input = v
	case "stream":
		on, ok := v.Bool()
		if !ok && v.Present() {
			return llm.BadRequest("stream", "'stream' must be true or false.")
		}
		d.req.Stream = on
	}
	return nil
}

func (d *decoder) param(name string, v rawjson.Value) {
	if v.Present() {
		d.req.Params = append(d.req.Params, llm.Param{Name: name, Value: v})
	}
}

// mapped turns a parameter into those of Chat Completions.
func (d *decoder) mapped(name string, v rawjson.Value) error {
	if !v.Present() {
		return nil
	}
	switch name {
	case "max_output_tokens":
		d.param("max_tokens", v)
	case "top_logprobs":
		d.param("logprobs", rawjson.Value("true"))
		d.param("top_logprobs", v)
	case "reasoning":
		if v.Kind() != '{' {
			return badType("reasoning", "an object")
		}
		d.param("reasoning_effort", v.Get("effort"))
	case "text":
		if v.Kind() != '{' {
			return badType("text", "an object")
		}
		d.param("verbosity", v.Get("verbosity"))
		return d.format(v.Get("format"))
	case "include":
		d.include(v)
	}
	return nil
}

// include asks for log probabilities where the client wants to see them.
func (d *decoder) include(v rawjson.Value) {
	for _, e := range v.Elems() {
		if e.Is("message.output_text.logprobs") && d.req.Param("logprobs") == nil {
			d.param("logprobs", rawjson.Value("true"))
		}
	}
}

// format writes text.format as a response_format.
func (d *decoder) format(v rawjson.Value) error {
	switch typ := v.Get("type").Text(); {
	case !v.Present() || typ == "text":
		return nil
	case v.Kind() != '{':
		return badType("text.format", "an object")
	case typ != "json_schema":
		d.param("response_format", v)
		return nil
	}
	inner := rawjson.ParseObject(v)
	inner.Del("type")
	dst := append([]byte(`{"type":"json_schema","json_schema":`), inner.Value()...)
	d.param("response_format", append(dst, '}'))
	return nil
}
