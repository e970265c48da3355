package gemini

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// customInput is the one parameter of the function that stands in for a free-form
// tool.
const customInput = "content"

// customSchema describes it.
const customSchema = `{"type":"object","properties":{"content":{"type":"string"}},"required":["content"]}`

// server are the tools that Google executes itself: their names as a tool's only
// key, and whether they can stand beside functions.
var server = map[string]bool{
	"googleSearch": false, "googleSearchRetrieval": false, "enterpriseWebSearch": false, "urlContext": false,
	"codeExecution": true, "googleMaps": true, "computerUse": true, "fileSearch": false,
}

// toolSet is what the request offers to the model.
type toolSet struct {
	functions []byte // elements of functionDeclarations
	names     map[string]bool
	server    rawjson.Object // one member is one Tool object
}

func (s *toolSet) any() bool { return len(s.functions) > 0 || len(s.server) > 0 }

// name remembers that a function has this name.
func (s *toolSet) name(name string) {
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[name] = true
}

func (s *toolSet) has(name string) bool { return s.server.Get(name) != nil }

// collectTools sorts the tools into functions and server tools (§2.4).
func (e *encoder) collectTools() error {
	for i := range e.req.Tools {
		if err := e.collectTool(&e.req.Tools[i], i); err != nil {
			return err
		}
	}
	if e.set.search {
		e.tools.server.Set("googleSearch", rawjson.Value("{}"))
	}
	if len(e.tools.functions) > 0 && (!e.set.serverTools || !e.model.g3) {
		e.dropSearch()
	}
	return nil
}

func (e *encoder) collectTool(d *llm.ToolDef, at int) error {
	e.noteMarker(d.CacheControl)
	kind := camel(d.Type)
	_, isServer := server[kind]
	switch {
	case d.Type == "function" || d.Type == "custom":
		return e.declare(d, at)
	case strings.HasPrefix(d.Type, "web_search"):
		e.tools.server.Set("googleSearch", rawjson.Value("{}"))
	case isServer:
		e.tools.server.Set(kind, serverConfig(d))
	case kind == "functionDeclarations":
		for _, f := range d.Raw.Get(d.Type).Elems() {
			e.tools.name(f.Get("name").Text())
			e.tools.functions = append(comma(e.tools.functions), f...)
		}
	default:
		e.drop(fmt.Sprintf("tools[%d]", at), "Gemini has no tool of type "+clip(d.Type))
	}
	return nil
}

// serverConfig is the object under the tool's key, {} when it has none.
func serverConfig(d *llm.ToolDef) rawjson.Value {
	if v := d.Raw.Get(d.Type); v.Kind() == '{' {
		return v
	}
	return rawjson.Value("{}")
}

// dropSearch takes away the server tools that are refused beside functions.
func (e *encoder) dropSearch() {
	kept := e.tools.server[:0]
	for _, m := range e.tools.server {
		if server[m.Key] {
			kept = append(kept, m)
			continue
		}
		e.drop(m.Key, "Gemini takes it only without function tools")
	}
	e.tools.server = kept
}

func (e *encoder) declare(d *llm.ToolDef, at int) error {
	name := e.names.upstream(d.Name)
	if e.tools.names[name] {
		e.drop(fmt.Sprintf("tools[%d]", at), "a tool named "+clip(d.Name)+" is there already")
		return nil
	}
	e.tools.name(name)
	dst := slices.Grow(e.tools.functions, len(d.Raw)+len(d.Parameters)+len(name)+len(d.Description)+64)
	dst = append(comma(dst), `{"name":`...)
	dst = rawjson.AppendString(dst, name)
	if text := description(d); text != "" {
		dst = rawjson.AppendStringMember(dst, "description", text)
	}
	dst, err := e.appendParameters(dst, d, at)
	e.tools.functions = append(dst, '}')
	return err
}

// description is the tool's own, and for a free-form tool also the grammar that
// its input must follow.
func description(d *llm.ToolDef) string {
	grammar := d.Raw.Path("custom", "format", "grammar")
	if d.Type != "custom" || grammar == nil {
		return d.Description
	}
	text := "The input must follow this " + grammar.Get("syntax").Text() + " grammar:\n" + grammar.Get("definition").Text()
	return strings.TrimSpace(d.Description + "\n" + text)
}

func (e *encoder) appendParameters(dst []byte, d *llm.ToolDef, at int) ([]byte, error) {
	key := "parametersJsonSchema"
	if e.openAPI() {
		key = "parameters"
	}
	if d.Type == "custom" {
		return rawjson.AppendMember(dst, key, rawjson.Value(customSchema)), nil
	}
	if d.Parameters.Kind() != '{' {
		if d.Parameters.Present() {
			e.drop(toolPlace(at).String(), "not an object")
		}
		return dst, nil
	}
	if noParameters(d.Parameters) {
		return dst, nil
	}
	v, err := e.schema(d.Parameters, toolPlace(at))
	if err != nil {
		return dst, err
	}
	return rawjson.AppendMember(dst, key, v), nil
}

// noParameters recognises the schema of a function that takes nothing; an object
// without properties is refused (T35).
func noParameters(schema rawjson.Value) bool {
	if schema.Get("properties").Len() > 0 {
		return false
	}
	for _, key := range []string{"$ref", "anyOf", "oneOf", "allOf"} {
		if schema.Get(key) != nil {
			return false
		}
	}
	extra := schema.Get("additionalProperties")
	return extra == nil || extra.Kind() == 'f'
}

func (e *encoder) appendTools(dst []byte) []byte {
	if !e.tools.any() {
		e.orphanChoice()
		return dst
	}
	dst = append(rawjson.AppendKey(dst, "tools"), '[')
	if len(e.tools.functions) > 0 {
		dst = append(dst, `{"functionDeclarations":[`...)
		dst = append(append(dst, e.tools.functions...), "]}"...)
	}
	for _, m := range e.tools.server {
		dst = append(rawjson.AppendMember(append(rawjson.AppendComma(dst), '{'), m.Key, m.Value), '}')
	}
	dst = append(dst, ']')
	return e.appendToolConfig(dst)
}

func (e *encoder) orphanChoice() {
	if c := e.req.ToolChoice; c != nil && c.Mode != llm.ChoiceAuto && c.Mode != llm.ChoiceNone {
		e.drop("tool_choice", "the request has no function tools")
	}
}

func (e *encoder) appendToolConfig(dst []byte) []byte {
	mark := len(dst)
	dst = append(rawjson.AppendKey(dst, "toolConfig"), '{')
	start := len(dst)
	if len(e.tools.functions) > 0 {
		dst = e.appendChoice(dst)
	} else {
		e.orphanChoice()
	}
	if e.set.serverTools && e.model.g3 && len(e.tools.server) > 0 {
		dst = rawjson.AppendMember(dst, "includeServerSideToolInvocations", rawjson.Value("true"))
	}
	if len(dst) == start {
		return dst[:mark]
	}
	return append(dst, '}')
}

// modes are Gemini's words for a tool choice; auto is what it does anyway.
var modes = map[llm.ChoiceMode]string{
	llm.ChoiceNone: "NONE", llm.ChoiceRequired: "ANY", llm.ChoiceNamed: "ANY",
	llm.ChoiceAllowedAuto: "VALIDATED", llm.ChoiceAllowedRequired: "ANY",
}

func (e *encoder) appendChoice(dst []byte) []byte {
	c := e.req.ToolChoice
	if c == nil || modes[c.Mode] == "" {
		return dst
	}
	dst = append(dst, `"functionCallingConfig":{"mode":"`...)
	dst = append(append(dst, modes[c.Mode]...), '"')
	if len(c.Names) > 0 {
		dst = append(dst, `,"allowedFunctionNames":[`...)
		for _, name := range c.Names {
			dst = rawjson.AppendString(rawjson.AppendComma(dst), e.names.upstream(name))
		}
		dst = append(dst, ']')
	}
	return append(dst, '}')
}

// comma separates elements of a list whose opening bracket is not written yet.
func comma(dst []byte) []byte {
	if len(dst) == 0 {
		return dst
	}
	return append(dst, ',')
}
