package openaichat

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// customParameter is the one parameter of a function that stands in for a
// free-form tool. Source: §5.3.3.
const customParameter = "content"

// maxToolName is the longest name of a tool in this format; a longer one is cut to
// keptToolName characters and told apart by a hash. Source: §5.2, rule 4.
const (
	maxToolName  = 64
	keptToolName = 55
)

// toolName is a tool's name as it goes upstream; what it stands for is remembered
// for the answer.
func (e *encoding) toolName(name string) string {
	if len(name) <= maxToolName && plainName(name) {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	out := []byte(name[:min(len(name), keptToolName)])
	for i, c := range out {
		if !nameByte(c) {
			out[i] = '_'
		}
	}
	short := string(out) + "_" + hex.EncodeToString(sum[:4])
	if e.names == nil {
		e.names = map[string]string{}
	}
	e.names[short] = name
	return short
}

func plainName(s string) bool {
	for i := range len(s) {
		if !nameByte(s[i]) {
			return false
		}
	}
	return s != ""
}

func nameByte(c byte) bool {
	return c == '_' || c == '-' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// canonicalTools writes the tools of the canonical request, nil for none. Tools
// that only the other format's provider can run are left out.
func (e *encoding) canonicalTools() rawjson.Value {
	dst := []byte{'['}
	for i := range e.req.Tools {
		t := &e.req.Tools[i]
		switch t.Type {
		case "function", "custom":
			dst = e.canonicalTool(rawjson.AppendComma(dst), t)
		default:
			e.dropped("tools", "no tool of Chat Completions: "+t.Type)
		}
	}
	if len(dst) == 1 {
		return nil
	}
	return append(dst, ']')
}

func (e *encoding) canonicalTool(dst []byte, t *llm.ToolDef) []byte {
	dst = rawjson.AppendStringMember(append(dst, `{"type":"function","function":{`...), "name", e.toolName(t.Name))
	if t.Description != "" {
		dst = rawjson.AppendStringMember(dst, "description", t.Description)
	}
	parameters := t.Parameters
	if t.Type == "custom" {
		parameters = rawjson.Value(`{"type":"object","properties":{"` + customParameter + `":{"type":"string"}},"required":["` + customParameter + `"]}`)
	}
	dst = rawjson.AppendMember(dst, "parameters", parameters)
	if t.Strict != nil && *t.Strict && !e.q.NoStrictTools {
		dst = rawjson.AppendMember(dst, "strict", rawjson.Value("true"))
	}
	return append(dst, "}}"...)
}

// canonicalChoice makes the canonical tool choice a parameter.
func (e *encoding) canonicalChoice() {
	e.remove("tool_choice")
	e.remove("functions")
	e.remove("function_call")
	c := e.req.ToolChoice
	if c == nil || len(e.req.Tools) == 0 {
		return
	}
	switch c.Mode {
	case llm.ChoiceNone:
		e.set("tool_choice", rawjson.Value(`"none"`))
	case llm.ChoiceRequired:
		e.set("tool_choice", rawjson.Value(`"required"`))
	case llm.ChoiceNamed:
		if len(c.Names) > 0 {
			e.set("tool_choice", rawjson.Value(`{"type":"function","function":{"name":`+string(rawjson.String(e.toolName(c.Names[0])))+`}}`))
		}
	case llm.ChoiceAllowedAuto, llm.ChoiceAllowedRequired:
		e.set("tool_choice", e.allowedChoice(c))
	default:
		e.set("tool_choice", rawjson.Value(`"auto"`))
	}
}

func (e *encoding) allowedChoice(c *llm.ToolChoice) rawjson.Value {
	mode := "auto"
	if c.Mode == llm.ChoiceAllowedRequired {
		mode = "required"
	}
	dst := append([]byte(`{"type":"allowed_tools","allowed_tools":{"mode":"`+mode), `","tools":[`...)
	for _, name := range c.Names {
		dst = append(rawjson.AppendComma(dst), `{"type":"function","function":{"name":`...)
		dst = append(rawjson.AppendString(dst, e.toolName(name)), "}}"...)
	}
	return append(dst, "]}}"...)
}

// fitOutput lowers a limit that the model does not reach: clients of other formats
// always send one, and theirs is for another model.
func (e *encoding) fitOutput() {
	most := e.t.Info.MaxOutput()
	for _, name := range []string{"max_tokens", "max_completion_tokens"} {
		p := e.plan(name)
		if p == nil || most <= 0 {
			continue
		}
		if n, ok := p.value.Int(); ok && n > most {
			p.value = rawjson.Int(most)
			e.dropped(name, "lowered to "+string(p.value)+", the model's most")
		}
	}
}
