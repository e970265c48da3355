package openairesponses

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// tools appends the tools and the choice among them.
func (e *encoding) tools(dst []byte) []byte {
	if slices.Contains(e.t.Policy.Also, "tools") {
		return dst
	}
	list := append(make([]byte, 0, 1024), '[')
	for i := range e.req.Tools {
		list = e.tool(list, &e.req.Tools[i])
	}
	if v := e.req.Param("web_search_options"); v.Present() {
		list = appendSearch(rawjson.AppendComma(list), v)
	}
	if len(list) == 1 {
		e.members.Del("parallel_tool_calls")
		return dst
	}
	dst = append(append(rawjson.AppendKey(dst, "tools"), list...), ']')
	if c := e.req.ToolChoice; c != nil {
		dst = e.choice(rawjson.AppendKey(dst, "tool_choice"), c)
	}
	return dst
}

func (e *encoding) tool(dst []byte, t *llm.ToolDef) []byte {
	switch t.Type {
	case "function", "":
		dst = append(rawjson.AppendComma(dst), `{"type":"function"`...)
		dst = rawjson.AppendStringMember(dst, "name", e.toolName(t.Name))
		if t.Description != "" {
			dst = rawjson.AppendStringMember(dst, "description", t.Description)
		}
		parameters := t.Parameters
		if parameters == nil {
			parameters = rawjson.Value(`{"type":"object","properties":{}}`)
		}
		dst = rawjson.AppendMember(dst, "parameters", parameters)
		if t.Strict != nil && *t.Strict { // this format is strict unless told otherwise
			return append(dst, `,"strict":true}`...)
		}
		return append(dst, `,"strict":false}`...)
	case "custom":
		return e.customTool(rawjson.AppendComma(dst), t)
	}
	for _, known := range []string{"web_search", "file_search", "code_interpreter", "image_generation", "mcp", "computer"} {
		if strings.HasPrefix(t.Type, known) && t.Raw.Get("type").Is(t.Type) {
			return append(rawjson.AppendComma(dst), t.Raw...)
		}
	}
	e.dropped("a tool of type "+clipped(t.Type), "the Responses API does not know it")
	return dst
}

func (e *encoding) customTool(dst []byte, t *llm.ToolDef) []byte {
	dst = append(dst, `{"type":"custom"`...)
	dst = rawjson.AppendStringMember(dst, "name", e.toolName(t.Name))
	if t.Description != "" {
		dst = rawjson.AppendStringMember(dst, "description", t.Description)
	}
	format := t.Raw.Path("custom", "format")
	if g := format.Get("grammar"); g.Kind() == '{' {
		obj := append(rawjson.Object{{Key: "type", Value: rawjson.String("grammar")}}, rawjson.ParseObject(g)...)
		format = obj.Value()
	}
	return append(rawjson.AppendMember(dst, "format", present(format)), '}')
}

// appendSearch writes Chat Completions' web_search_options as a tool.
func appendSearch(dst []byte, options rawjson.Value) []byte {
	dst = append(dst, `{"type":"web_search"`...)
	dst = rawjson.AppendMember(dst, "search_context_size", present(options.Get("search_context_size")))
	if where := options.Path("user_location", "approximate"); where.Kind() == '{' {
		obj := append(rawjson.Object{{Key: "type", Value: rawjson.String("approximate")}}, rawjson.ParseObject(where)...)
		dst = rawjson.AppendMember(dst, "user_location", obj.Value())
	}
	return append(dst, '}')
}

func (e *encoding) choice(dst []byte, c *llm.ToolChoice) []byte {
	switch c.Mode {
	case llm.ChoiceNone:
		return append(dst, `"none"`...)
	case llm.ChoiceRequired:
		return append(dst, `"required"`...)
	case llm.ChoiceNamed:
		name := c.Names[0]
		return e.named(dst, name, slices.ContainsFunc(e.req.Tools, func(t llm.ToolDef) bool {
			return t.Name == name && t.Type == "custom"
		}))
	case llm.ChoiceAllowedAuto, llm.ChoiceAllowedRequired:
		mode := "auto"
		if c.Mode == llm.ChoiceAllowedRequired {
			mode = "required"
		}
		dst = append(append(append(dst, `{"type":"allowed_tools","mode":"`...), mode...), `","tools":[`...)
		custom := map[string]bool{}
		for i := range e.req.Tools {
			if t := &e.req.Tools[i]; t.Type == "custom" {
				custom[t.Name] = true
			}
		}
		for _, name := range c.Names {
			dst = e.named(rawjson.AppendComma(dst), name, custom[name])
		}
		return append(dst, "]}"...)
	}
	return append(dst, `"auto"`...)
}

func (e *encoding) named(dst []byte, name string, custom bool) []byte {
	typ := "function"
	if custom {
		typ = "custom"
	}
	dst = append(append(append(dst, `{"type":"`...), typ...), '"')
	return append(rawjson.AppendStringMember(dst, "name", e.toolName(name)), '}')
}
