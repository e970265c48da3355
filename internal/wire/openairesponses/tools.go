package openairesponses

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// The names of the built-in tools that the client executes itself; to other
// models they are functions.
const (
	shellName      = "shell"
	localShellName = "local_shell"
	applyPatchName = "apply_patch"
)

// customInput is the one parameter of the function that stands in for a free-form
// tool.
const customInput = "content"

// The schemas of the functions that stand in for other kinds of tools.
const (
	customSchema = `{"type":"object","properties":{"content":{"type":"string"}},"required":["content"]}`
	shellSchema  = `{"type":"object","properties":{"commands":{"type":"array","items":{"type":"string"},"description":"Shell commands, run one after the other."},` +
		`"timeout_ms":{"type":"integer"},"max_output_length":{"type":"integer"}},"required":["commands"]}`
	localShellSchema = `{"type":"object","properties":{"command":{"type":"array","items":{"type":"string"},"description":"The program and its arguments."},` +
		`"working_directory":{"type":"string"},"timeout_ms":{"type":"integer"},"env":{"type":"object","additionalProperties":{"type":"string"}}},"required":["command"]}`
	applyPatchSchema = `{"type":"object","properties":{"type":{"type":"string","enum":["create_file","update_file","delete_file"]},` +
		`"path":{"type":"string"},"diff":{"type":"string","description":"The change in the V4A diff format; not for delete_file."}},"required":["type","path"]}`
)

// customArguments are the arguments of that function for an input.
func customArguments(input string) rawjson.Value {
	return append(rawjson.AppendString([]byte(`{"`+customInput+`":`), input), '}')
}

// expandTools reads the tools of the request, those that items of the input bring
// along, and the choice among them.
func (x *expander) expandTools() error {
	if err := x.toolList("tools", x.body.tools, ""); err != nil {
		return err
	}
	for i, v := range x.body.input.Elems() {
		switch typ := v.Get("type"); {
		case typ.Is("additional_tools"), typ.Is("tool_search_output"):
			if err := x.toolList(place("input", i)+".tools", present(v.Get("tools")), ""); err != nil {
				return err
			}
		}
	}
	if b, ok := x.body.parallel.Bool(); ok {
		x.req.ParallelToolCalls = &b
	}
	return x.choice()
}

func (x *expander) toolList(at string, list rawjson.Value, namespace string) error {
	if list != nil && list.Kind() != '[' {
		return badType(at, "a list")
	}
	for i, v := range list.Elems() {
		if err := x.tool(place(at, i), v, namespace); err != nil {
			return err
		}
	}
	return nil
}

func (x *expander) tool(at string, v rawjson.Value, namespace string) error {
	if v.Kind() != '{' {
		return badType(at, "an object")
	}
	typ := v.Get("type").Text()
	switch typ {
	case "function", "":
		return x.functionTool(at, v, namespace)
	case "custom":
		return x.customTool(at, v, namespace)
	case "namespace":
		if namespace != "" {
			x.drop(at, "a namespace within a namespace")
			return nil
		}
		return x.toolList(at+".tools", present(v.Get("tools")), v.Get("name").Text())
	case "shell":
		x.standIn(shell, shellName, "Run shell commands on the user's machine.", shellSchema)
	case "local_shell":
		x.standIn(localShell, localShellName, "Run a program on the user's machine.", localShellSchema)
	case "apply_patch":
		x.standIn(applyPatch, applyPatchName, "Create, change or delete a file.", applyPatchSchema)
	default:
		if strings.HasPrefix(typ, "web_search") {
			x.webSearch(v)
			return nil
		}
		x.drop(at, "a tool of type "+clipped(typ)+" runs on OpenAI's own server")
	}
	return nil
}

func (x *expander) functionTool(at string, v rawjson.Value, namespace string) error {
	inner := v
	if f := v.Get("function"); f.Kind() == '{' { // as Chat Completions writes it
		inner = f
	}
	own := inner.Get("name").Text()
	if own == "" {
		return llm.BadRequest(at+".name", "'"+at+".name' must be the name of the function.")
	}
	t := llm.ToolDef{Type: "function", Description: inner.Get("description").Text(), CacheControl: present(v.Get("cache_control"))}
	t.Parameters = plainSchema(present(inner.Get("parameters")))
	if t.Parameters != nil && t.Parameters.Kind() != '{' {
		return badType(at+".parameters", "an object (a JSON Schema)")
	}
	if b, ok := inner.Get("strict").Bool(); ok {
		t.Strict = &b
	}
	x.offer(identity{function, namespace, own}, t)
	return nil
}

// plainSchema takes away OpenAI's mark that arguments are encrypted, which is not
// JSON Schema.
func plainSchema(v rawjson.Value) rawjson.Value {
	if v.Kind() != '{' || v.Get("encrypted") == nil {
		return v
	}
	obj := rawjson.ParseObject(v)
	obj.Del("encrypted")
	return obj.Value()
}

// customTool becomes a function whose one parameter is the input; a grammar is told
// in the description. Source: §5.3.3.
func (x *expander) customTool(at string, v rawjson.Value, namespace string) error {
	inner := v
	if c := v.Get("custom"); c.Kind() == '{' {
		inner = c
	}
	own := inner.Get("name").Text()
	if own == "" {
		return llm.BadRequest(at+".name", "'"+at+".name' must be the name of the tool.")
	}
	t := llm.ToolDef{Type: "function", Description: inner.Get("description").Text(), Parameters: rawjson.Value(customSchema)}
	if f := inner.Get("format"); f.Get("type").Is("grammar") {
		t.Description = strings.TrimSpace(t.Description + "\n\nFormat:\n```" + f.Get("syntax").Text() + "\n" + f.Get("definition").Text() + "\n```")
	}
	x.offer(identity{custom, namespace, own}, t)
	return nil
}

func (x *expander) standIn(k kind, name, description, schema string) {
	x.offer(identity{kind: k, name: name}, llm.ToolDef{Type: "function", Description: description, Parameters: rawjson.Value(schema)})
}

// offer adds a tool; one that stands there already (clients repeat them from turn
// to turn) is not added again.
func (x *expander) offer(id identity, t llm.ToolDef) {
	name, known := x.names.add(id)
	if known {
		return
	}
	t.Name = name
	x.req.Tools = append(x.req.Tools, t)
}

// webSearch asks for a search as Chat Completions does.
func (x *expander) webSearch(v rawjson.Value) {
	if x.req.Param("web_search_options") != nil {
		return
	}
	dst := rawjson.AppendMember([]byte{'{'}, "search_context_size", present(v.Get("search_context_size")))
	if where := v.Get("user_location"); where.Kind() == '{' {
		obj := rawjson.ParseObject(where)
		obj.Del("type")
		dst = append(rawjson.AppendKey(dst, "user_location"), `{"type":"approximate","approximate":`...)
		dst = append(append(dst, obj.Value()...), '}')
	}
	x.req.Params = append(x.req.Params, llm.Param{Name: "web_search_options", Value: append(dst, '}')})
}

// choice reads tool_choice. One that names no tool of the request is left out.
func (x *expander) choice() error {
	v := x.body.toolChoice
	if v == nil {
		return nil
	}
	c, ok := x.choiceOf(v)
	if !ok {
		return llm.BadRequest("tool_choice", "'tool_choice' is "+shown(v)+"; it must be none, auto, required or name a tool.")
	}
	if c == nil || len(x.req.Tools) == 0 {
		x.drop("tool_choice", "there is no such tool for this model")
		return nil
	}
	x.req.ToolChoice = c
	return nil
}

// choiceOf is nil for a choice of tools that the model does not get; ok is false
// for what is no choice at all.
func (x *expander) choiceOf(v rawjson.Value) (c *llm.ToolChoice, ok bool) {
	word, isWord := v.Str()
	switch {
	case word == "auto":
		return &llm.ToolChoice{Mode: llm.ChoiceAuto}, true
	case word == "none":
		return &llm.ToolChoice{Mode: llm.ChoiceNone}, true
	case word == "required", word == "any":
		return &llm.ToolChoice{Mode: llm.ChoiceRequired}, true
	case isWord || v.Kind() != '{':
		return nil, false
	case v.Get("type").Is("allowed_tools"):
		return x.allowed(v), true
	}
	if name := x.chosen(v); name != "" {
		return &llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{name}}, true
	}
	return nil, true
}

// chosen is the flat name of the tool that a choice names, "" when the request
// does not have it.
func (x *expander) chosen(v rawjson.Value) string {
	id := identity{function, v.Get("namespace").Text(), v.Get("name").Text()}
	switch typ := v.Get("type").Text(); typ {
	case "custom":
		id.kind = custom
	case "shell", "local_shell", "apply_patch":
		id = identity{kind: map[string]kind{"shell": shell, "local_shell": localShell, "apply_patch": applyPatch}[typ], name: typ}
	}
	if f := v.Get("function"); f.Kind() == '{' {
		id.name = f.Get("name").Text()
	}
	name := x.names.of(id)
	if _, offered := x.names.used[name]; offered {
		return name
	}
	return ""
}

func (x *expander) allowed(v rawjson.Value) *llm.ToolChoice {
	if inner := v.Get("allowed_tools"); inner.Kind() == '{' {
		v = inner
	}
	c := &llm.ToolChoice{Mode: llm.ChoiceAllowedAuto}
	if v.Get("mode").Is("required") {
		c.Mode = llm.ChoiceAllowedRequired
	}
	for _, t := range v.Get("tools").Elems() {
		if name := x.chosen(t); name != "" {
			c.Names = append(c.Names, name)
		}
	}
	if len(c.Names) == 0 {
		return nil
	}
	return c
}
