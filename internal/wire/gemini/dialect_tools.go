package gemini

import (
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// tools reads the function declarations, and notes the tools that Google executes
// itself: a search has a counterpart elsewhere, the others are reported where they
// do not exist (§5.4).
func (x *expander) tools(tools rawjson.Value) error {
	search := false
	for i, t := range elems(tools) {
		place := "tools[" + strconv.Itoa(i) + "]"
		if err := isKind(place, t, "{"); err != nil {
			return err
		}
		for kind, v := range members(t) {
			switch kind {
			case "functionDeclarations":
				if err := x.declarations(place, v); err != nil {
					return err
				}
			case "googleSearch", "googleSearchRetrieval", "enterpriseWebSearch":
				search = true
			default:
				if len(x.req.Params) >= rawjson.MaxKeys {
					return tooManyKeys(place)
				}
				x.req.Params = append(x.req.Params, llm.Param{Name: kind, Value: v})
			}
		}
	}
	if search {
		x.req.Params = append(x.req.Params, llm.Param{Name: "web_search_options", Value: rawjson.Value("{}")})
	}
	return nil
}

func (x *expander) declarations(place string, list rawjson.Value) error {
	for j, f := range elems(list) {
		def, err := x.declaration(place+".functionDeclarations["+strconv.Itoa(j)+"]", f)
		if err != nil {
			return err
		}
		x.req.Tools = append(x.req.Tools, def)
	}
	return nil
}

func (x *expander) declaration(place string, v rawjson.Value) (llm.ToolDef, error) {
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
		def.Parameters = appendJSONSchema(make([]byte, 0, len(schema)), schema, false, &x.room)
	case openAPI != nil:
		def.Parameters = appendJSONSchema(make([]byte, 0, len(openAPI)), openAPI, true, &x.room)
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
