package openaichat

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

func callParts(at *path, f fields) ([]llm.Part, error) {
	list := at.key("tool_calls")
	if f.toolCalls.Present() && f.toolCalls.Kind() != '[' {
		return nil, list.badType("a list")
	}
	var out []llm.Part
	signed := signedDetails(f.reasoningDetails)
	for i, v := range f.toolCalls.Elems() {
		p, err := callPart(list.item(i), v, signed)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	if f.functionCall.Kind() == '{' && len(out) == 0 {
		fc := f.functionCall
		call := &llm.ToolCall{Name: fc.Get("name").Text(), Arguments: argumentsText(fc.Get("arguments"))}
		out = append(out, llm.Part{Kind: llm.PartToolCall, Call: call, State: callState(fc, nil, "", "")})
	}
	return out, nil
}

func callPart(at path, v rawjson.Value, signed map[string]rawjson.Value) (llm.Part, error) {
	if v.Kind() != '{' {
		return llm.Part{}, at.badType("an object")
	}
	id, inID := signature.Split(v.Get("id").Text())
	call := &llm.ToolCall{ID: id}
	body := v.Get("function")
	if custom := v.Get("custom"); custom.Kind() == '{' && !body.Present() {
		call.Custom, call.Name, call.Arguments = true, custom.Get("name").Text(), custom.Get("input").Text()
		body = custom
	} else {
		call.Name, call.Arguments = body.Get("name").Text(), argumentsText(body.Get("arguments"))
	}
	if call.Name == "" {
		return llm.Part{}, at.refuse("does not name a function.")
	}
	state := callState(v, body, inID, signed[id].Text())
	return llm.Part{Kind: llm.PartToolCall, Call: call, State: state, CacheControl: present(v.Get("cache_control"))}, nil
}

// argumentsText is the text of the arguments; a client that sends them as an
// object means that object.
func argumentsText(v rawjson.Value) string {
	if s, ok := v.Str(); ok {
		return s
	}
	if v.Present() {
		return string(v)
	}
	return ""
}

func expandTools(req *llm.Request, tools rawjson.Value) error {
	if tools.Present() && tools.Kind() != '[' {
		return badType("tools", "a list")
	}
	list := path{name: "tools"}
	for i, v := range tools.Elems() {
		t, err := toolDef(list.item(i), v)
		if err != nil {
			return err
		}
		req.Tools = append(req.Tools, t)
	}
	list = path{name: "functions"}
	for i, v := range req.Param("functions").Elems() {
		t, err := functionDef(list.item(i), v, readToolFields(v))
		if err != nil {
			return err
		}
		req.Tools = append(req.Tools, t)
		req.LegacyFunctions = true
	}
	return nil
}

// toolFields are the members of a tool, or of its function, that mean something.
type toolFields struct {
	typ, function, custom, name, description, parameters, inputSchema, strict, cacheControl rawjson.Value
	count                                                                                   int
	firstKey                                                                                rawjson.Value
}

func readToolFields(v rawjson.Value) toolFields {
	var t toolFields
	for f := range v.Fields() {
		if t.count++; t.count == 1 {
			t.firstKey = f.Key
		}
		if !f.Value.Present() {
			continue
		}
		switch string(f.Key.Bare()) {
		case "type":
			t.typ = f.Value
		case "function":
			t.function = f.Value
		case "custom":
			t.custom = f.Value
		case "name":
			t.name = f.Value
		case "description":
			t.description = f.Value
		case "parameters":
			t.parameters = f.Value
		case "input_schema":
			t.inputSchema = f.Value
		case "strict":
			t.strict = f.Value
		case "cache_control":
			t.cacheControl = f.Value
		}
	}
	return t
}

func toolDef(at path, v rawjson.Value) (llm.ToolDef, error) {
	if v.Kind() != '{' {
		return llm.ToolDef{}, at.badType("an object")
	}
	t := readToolFields(v)
	switch typ := t.typ.Text(); typ {
	case "function", "":
		switch {
		case t.function.Kind() == '{':
			fn := readToolFields(t.function)
			if fn.cacheControl == nil {
				fn.cacheControl = t.cacheControl
			}
			return functionDef(at.key("function"), v, fn)
		case typ != "" || t.name != nil: // a function as Responses or Anthropic write it
			return functionDef(at, v, t)
		case t.count == 1: // a tool of the provider's own, such as googleSearch
			return llm.ToolDef{Type: t.firstKey.Text(), Raw: v}, nil
		}
		return llm.ToolDef{}, at.refuse("has no type; send \"type\": \"function\" with the function.")
	case "custom":
		c := t
		if t.custom.Kind() == '{' {
			c = readToolFields(t.custom)
		}
		return llm.ToolDef{Type: typ, Name: c.name.Text(), Description: c.description.Text(), Raw: v}, nil
	default:
		return llm.ToolDef{Type: typ, Name: t.name.Text(), CacheControl: t.cacheControl, Raw: v}, nil
	}
}

func functionDef(at path, tool rawjson.Value, fn toolFields) (llm.ToolDef, error) {
	name, ok := fn.name.Str()
	if !ok || name == "" {
		place := at.key("name")
		return llm.ToolDef{}, place.refuse("must be the name of the function.")
	}
	t := llm.ToolDef{Type: "function", Name: name, Description: fn.description.Text(), Raw: tool, CacheControl: fn.cacheControl}
	t.Parameters = fn.parameters
	if t.Parameters == nil {
		t.Parameters = fn.inputSchema
	}
	if t.Parameters != nil && t.Parameters.Kind() != '{' {
		place := at.key("parameters")
		return t, place.badType("an object (a JSON Schema)")
	}
	if b, ok := fn.strict.Bool(); ok {
		t.Strict = &b
	}
	return t, nil
}

func expandChoice(req *llm.Request) error {
	param, v := "tool_choice", req.Param("tool_choice")
	if !v.Present() {
		param, v = "function_call", req.Param("function_call")
	}
	if !v.Present() {
		return nil
	}
	choice := choiceOf(v)
	if choice == nil {
		return llm.BadRequest(param, fmt.Sprintf("'%s' is %s; it must be none, auto, required or name a tool.", param, shown(v)))
	}
	req.ToolChoice = choice
	return nil
}

func choiceOf(v rawjson.Value) *llm.ToolChoice {
	if s, ok := v.Str(); ok {
		return namedMode(s)
	}
	switch typ := v.Get("type").Text(); typ {
	case "function", "custom", "tool", "":
		return namedTool(v)
	case "allowed_tools":
		return allowedTools(v)
	default:
		return namedMode(typ)
	}
}

func namedMode(s string) *llm.ToolChoice {
	switch s {
	case "auto":
		return &llm.ToolChoice{Mode: llm.ChoiceAuto}
	case "none":
		return &llm.ToolChoice{Mode: llm.ChoiceNone}
	case "required", "any":
		return &llm.ToolChoice{Mode: llm.ChoiceRequired}
	}
	return nil
}

func namedTool(v rawjson.Value) *llm.ToolChoice {
	for _, name := range []rawjson.Value{v.Path("function", "name"), v.Path("custom", "name"), v.Get("name")} {
		if s := name.Text(); s != "" {
			return &llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{s}}
		}
	}
	return nil
}

func allowedTools(v rawjson.Value) *llm.ToolChoice {
	allowed := v.Get("allowed_tools")
	if allowed.Kind() != '{' {
		allowed = v
	}
	c := &llm.ToolChoice{Mode: llm.ChoiceAllowedAuto}
	if allowed.Get("mode").Is("required") {
		c.Mode = llm.ChoiceAllowedRequired
	}
	for _, t := range allowed.Get("tools").Elems() {
		if named := namedTool(t); named != nil {
			c.Names = append(c.Names, named.Names...)
		}
	}
	return c
}
