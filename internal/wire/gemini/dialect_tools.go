package gemini

import (
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// serverTools notes the tools that Google executes itself. A search has a
// counterpart elsewhere; the others are reported where they do not exist.
func (d *decoder) serverTools(tools rawjson.Value) {
	for _, t := range elems(tools) {
		for kind, v := range members(t) {
			switch kind {
			case "functionDeclarations":
			case "googleSearch", "googleSearchRetrieval", "enterpriseWebSearch":
				d.search = true
			default:
				d.param(kind, v)
			}
		}
	}
	if d.search {
		d.param("web_search_options", rawjson.Value("{}"))
	}
}

// tools reads the function declarations (§5.4).
func (x *expander) tools(tools rawjson.Value) error {
	for i, t := range elems(tools) {
		place := "tools[" + strconv.Itoa(i) + "]"
		if err := isKind(place, t, "{"); err != nil {
			return err
		}
		declarations := member(t, "functionDeclarations")
		for j, f := range elems(declarations) {
			def, err := declaration(place+".functionDeclarations["+strconv.Itoa(j)+"]", f)
			if err != nil {
				return err
			}
			x.req.Tools = append(x.req.Tools, def)
		}
	}
	return nil
}

func declaration(place string, v rawjson.Value) (llm.ToolDef, error) {
	if err := isKind(place, v, "{"); err != nil {
		return llm.ToolDef{}, err
	}
	def := llm.ToolDef{Type: "function", Raw: v}
	var openAPI, schema rawjson.Value
	for name, m := range members(v) {
		switch name {
		case "name":
			def.Name = m.Text()
		case "description":
			def.Description = m.Text()
		case "parameters":
			openAPI = m
		case "parametersJsonSchema":
			schema = m
		}
	}
	if def.Name == "" {
		return def, badRequest(place+".name", "Invalid value at '"+place+".name': a function needs a name.")
	}
	switch {
	case schema != nil:
		def.Parameters = appendJSONSchema(make([]byte, 0, len(schema)), schema, false)
	case openAPI != nil:
		def.Parameters = appendJSONSchema(make([]byte, 0, len(openAPI)), openAPI, true)
	}
	if def.Parameters != nil && def.Parameters.Kind() != '{' {
		return def, badRequest(place, "Invalid value at '"+place+".parameters': it must be an object.")
	}
	return def, nil
}

// toolChoice reads toolConfig. It means nothing without functions.
func (x *expander) toolChoice(cfg rawjson.Value) {
	fc := member(cfg, "functionCallingConfig")
	if len(x.req.Tools) == 0 || fc == nil {
		return
	}
	choice := &llm.ToolChoice{}
	for _, name := range member(fc, "allowedFunctionNames").Elems() {
		choice.Names = append(choice.Names, name.Text())
	}
	switch member(fc, "mode").Text() {
	case "NONE", "none":
		choice.Mode, choice.Names = llm.ChoiceNone, nil
	case "ANY", "any":
		choice.Mode = requiredMode(len(choice.Names))
	case "VALIDATED", "validated":
		choice.Mode = llm.ChoiceAllowedAuto
		if len(choice.Names) == 0 {
			choice.Mode = llm.ChoiceAuto
		}
	default:
		return
	}
	x.req.ToolChoice = choice
}

func requiredMode(names int) llm.ChoiceMode {
	switch names {
	case 0:
		return llm.ChoiceRequired
	case 1:
		return llm.ChoiceNamed
	}
	return llm.ChoiceAllowedRequired
}
