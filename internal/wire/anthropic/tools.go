package anthropic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// tool is one entry of tools: a function of the client, or raw JSON.
type tool struct {
	def    *llm.ToolDef
	raw    rawjson.Value
	cache  rawjson.Value
	strict bool
}

// emptySchema is the input_schema of a tool without parameters.
const emptySchema = `{"type":"object","properties":{}}`

// customSchema is the input_schema of a free-form tool.
const customSchema = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"]}`

// dummyTool satisfies Anthropic's demand for tools when only the history has calls.
const dummyTool = `{"name":"dummy_tool","description":"This is a dummy tool call","input_schema":` + emptySchema + `}`

// readTools collects the tools and the tool choice.
func (e *encoder) readTools() error {
	e.tools = make([]tool, 0, len(e.req.Tools)+1)
	allowed, defined := e.allowed(), make(map[string]bool, len(e.req.Tools))
	for i := range e.req.Tools {
		switch t := &e.req.Tools[i]; {
		case allowed != nil && !allowed[t.Name]:
			e.drop("tool "+t.Name, "tool_choice does not allow it")
		case defined[t.Name]: // which Anthropic refuses
			e.drop("tool "+t.Name, "another tool has this name")
		default:
			e.readTool(t)
			n := len(e.tools)
			defined[t.Name] = t.Name != "" && n > 0 && e.tools[n-1].def == t
		}
	}
	e.webSearch(e.opts.webSearch)
	if e.format.tool != "" {
		e.tools = append(e.tools, tool{raw: e.format.toolJSON()})
	}
	if len(e.tools) == 0 && e.conv.usesTools() {
		e.tools = append(e.tools, tool{raw: rawjson.Value(dummyTool)})
	}
	return e.readChoice()
}

// allowed are the names that an allowed_tools choice lets through, nil for all.
func (e *encoder) allowed() map[string]bool {
	c := e.req.ToolChoice
	if c == nil || c.Mode != llm.ChoiceAllowedAuto && c.Mode != llm.ChoiceAllowedRequired {
		return nil
	}
	names := make(map[string]bool, len(c.Names))
	for _, name := range c.Names {
		names[name] = true
	}
	return names
}

func (b *builder) usesTools() bool {
	return slices.ContainsFunc(b.blocks, func(b block) bool {
		return b.kind == blockToolUse || b.kind == blockResult
	})
}

func (e *encoder) readTool(t *llm.ToolDef) {
	switch t.Type {
	case "function", "custom", "":
		e.tools = append(e.tools, tool{def: t, cache: cacheControl(t.CacheControl), strict: e.strict(t)})
	case "googleSearch", "google_search", "googleSearchRetrieval", "web_search", "web_search_preview":
		e.webSearch(rawjson.Value("{}"))
	default:
		e.serverTool(t)
	}
}

// strict reports whether a strict tool may stay strict: the model must know strict
// tools and the schema must already be in the subset that Anthropic compiles.
func (e *encoder) strict(t *llm.ToolDef) bool {
	if t.Strict == nil || !*t.Strict || freeForm(t) {
		return false
	}
	if e.req.From == "responses" {
		return false // strict is the default of that API, not a wish of the client's
	}
	if e.t.Repair != wire.RepairSchema && e.model.nativeSchema() && exactSchema(t.Parameters) {
		e.beta(structuredBeta)
		return true
	}
	e.drop("tools.strict", "the model or the schema does not permit it")
	return false
}

// serverTools are the tools that Anthropic runs or defines itself, by the prefix of
// their type, with the beta that they need ("" for none).
var serverTools = []struct{ prefix, beta string }{
	{"web_search_", ""},
	{"web_fetch_", "web-fetch-2025-09-10"},
	{"code_execution_20250522", "code-execution-2025-05-22"},
	{"code_execution_", "code-execution-2025-08-25"},
	{"bash_", ""},
	{"text_editor_", ""},
	{"computer_20251124", "computer-use-2025-11-24"},
	{"computer_", "computer-use-2025-01-24"},
	{"memory_", "context-management-2025-06-27"},
	{"tool_search_tool_", "advanced-tool-use-2025-11-20"},
	{"mcp_toolset", "mcp-client-2025-11-20"},
	{"advisor", "advisor-tool-2026-03-01"},
}

func (e *encoder) serverTool(t *llm.ToolDef) {
	for _, s := range serverTools {
		if !strings.HasPrefix(t.Type, s.prefix) {
			continue
		}
		if s.beta != "" {
			e.beta(s.beta)
		}
		raw := serverToolJSON(t)
		e.tools, e.searches = append(e.tools, tool{raw: raw}), e.searches || raw.Get("name").Is("web_search")
		return
	}
	e.drop("tool of type "+t.Type, "Anthropic does not know it")
}

// serverToolJSON is the tool as it came, or, in LiteLLM's function form, with the
// members of the function's parameters beside type and name.
func serverToolJSON(t *llm.ToolDef) rawjson.Value {
	fn := t.Raw.Get("function")
	if fn == nil {
		return t.Raw
	}
	var o members
	o.set("type", rawjson.String(t.Type))
	o.set("name", fn.Get("name"))
	for name, v := range fn.Get("parameters").Members() {
		o.set(name, v)
	}
	return o.object.Value()
}

// webSearch adds the search tool that web_search_options asks for.
func (e *encoder) webSearch(options rawjson.Value) {
	if !options.Present() || e.searches {
		return
	}
	e.searches = true
	dst := []byte(`{"type":"web_search_20250305","name":"web_search"`)
	uses := map[string]int64{"low": 1, "medium": 5, "high": 10}[options.Get("search_context_size").Text()]
	if uses > 0 {
		dst = rawjson.AppendIntMember(dst, "max_uses", uses)
	}
	if where := options.Path("user_location", "approximate"); where.Kind() == '{' {
		dst = append(dst, `,"user_location":{"type":"approximate"`...)
		for name, v := range where.Members() {
			if v.Present() && name != "type" {
				dst = rawjson.AppendMember(dst, name, v)
			}
		}
		dst = append(dst, '}')
	}
	e.tools = append(e.tools, tool{raw: append(dst, '}')})
}

func (e *encoder) appendTools(dst []byte) []byte {
	if len(e.tools) == 0 {
		return dst
	}
	dst = append(dst, `,"tools":[`...)
	for i := range e.tools {
		dst = rawjson.AppendComma(dst)
		if t := &e.tools[i]; t.def != nil {
			dst = e.appendTool(dst, t)
		} else {
			dst = append(dst, t.raw...)
		}
	}
	dst = append(dst, ']')
	return rawjson.AppendMember(dst, "tool_choice", e.choice)
}

func (e *encoder) appendTool(dst []byte, t *tool) []byte {
	dst = rawjson.AppendString(append(dst, `{"name":`...), e.names.upstream(t.def.Name))
	if about := description(t.def); about != "" {
		dst = rawjson.AppendStringMember(dst, "description", about)
	}
	dst = append(dst, `,"input_schema":`...)
	if freeForm(t.def) {
		dst = append(dst, customSchema...)
	} else {
		dst = appendInputSchema(dst, schemaOf(t.def))
	}
	if t.strict {
		dst = append(dst, `,"strict":true`...)
	}
	dst = rawjson.AppendMember(dst, "cache_control", t.cache)
	return append(e.toolExtras(dst, t.def), '}')
}

// freeForm reports whether the tool takes text instead of arguments. A tool of type
// custom with a schema is a function as Anthropic itself writes it.
func freeForm(t *llm.ToolDef) bool { return t.Type == "custom" && schemaOf(t) == nil }

func schemaOf(t *llm.ToolDef) rawjson.Value {
	if t.Parameters == nil && t.Type == "custom" {
		return t.Raw.Get("input_schema")
	}
	return t.Parameters
}

// description is a tool's text; the grammar of a free-form tool, which Anthropic
// cannot enforce, is told to the model there.
func description(t *llm.ToolDef) string {
	grammar := t.Raw.Path("custom", "format", "grammar")
	if t.Type != "custom" || grammar == nil {
		return t.Description
	}
	return strings.TrimSpace(fmt.Sprintf("%s\n\nThe input is text that follows this %s grammar:\n%s",
		t.Description, grammar.Get("syntax").Text(), grammar.Get("definition").Text()))
}

// toolExtras copies the members of a tool that only Anthropic knows.
func (e *encoder) toolExtras(dst []byte, t *llm.ToolDef) []byte {
	for f := range t.Raw.Fields() {
		for _, name := range [...]string{"defer_loading", "allowed_callers", "input_examples"} {
			if f.Key.Is(name) {
				e.beta("advanced-tool-use-2025-11-20")
				dst = rawjson.AppendMember(dst, name, f.Value)
			}
		}
	}
	return dst
}

// appendInputSchema writes a schema whose root is an object without $schema, as
// Anthropic demands of tools.
func appendInputSchema(dst []byte, schema rawjson.Value) []byte {
	if schema.Kind() != '{' {
		return append(dst, emptySchema...)
	}
	typed, plain, described := false, true, false
	for f := range schema.Fields() {
		switch {
		case f.Key.Is("type"):
			typed = f.Value.Is("object")
		case f.Key.Is("properties"):
			described = f.Value.Kind() == '{'
		case f.Key.Is("$schema"), f.Key.Is("anyOf"), f.Key.Is("oneOf"), f.Key.Is("allOf"):
			plain = false
		}
	}
	if typed && plain && described {
		return append(dst, schema...)
	}
	o := rawjson.ParseObject(schema)
	o.Del("$schema")
	o.Set("type", rawjson.Value(`"object"`))
	mergeBranches(&o)
	if o.Get("properties").Kind() != '{' {
		o.Set("properties", rawjson.Value("{}"))
	}
	return o.Append(dst)
}

// mergeBranches takes alternatives off the root of a tool's schema, where Anthropic
// refuses them: the properties of all branches are offered, and none but the
// root's own are required.
func mergeBranches(o *rawjson.Object) {
	var props members
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		for _, branch := range o.Get(key).Elems() {
			for name, v := range branch.Get("properties").Members() {
				props.set(name, v)
			}
		}
		o.Del(key)
	}
	if props.object == nil {
		return
	}
	for name, v := range o.Get("properties").Members() {
		props.set(name, v)
	}
	o.Set("properties", props.object.Value())
}

// members build an object of which the last value of a key counts, however many keys
// there are. The zero value is ready.
type members struct {
	object rawjson.Object
	at     map[string]int
}

func (m *members) set(key string, v rawjson.Value) {
	if i, ok := m.at[key]; ok {
		m.object[i].Value = v
		return
	}
	if m.at == nil {
		m.at = map[string]int{}
	}
	m.at[key] = len(m.object)
	m.object = append(m.object, rawjson.Member{Key: key, Value: v})
}

// forced reports whether the client demands the call of one of its tools.
func (e *encoder) forced() bool { return len(e.req.Tools) > 0 && demands(e.req.ToolChoice) }

func demands(c *llm.ToolChoice) bool {
	return c != nil && (c.Mode == llm.ChoiceRequired || c.Mode == llm.ChoiceNamed || c.Mode == llm.ChoiceAllowedRequired)
}

// readChoice decides about tool_choice.
func (e *encoder) readChoice() error {
	parallel := e.req.ParallelToolCalls
	if len(e.tools) == 0 {
		if demands(e.req.ToolChoice) {
			e.drop("tool_choice", "there are no tools")
		}
		return nil
	}
	kind, err := e.choiceKind()
	if err != nil || kind == "" && (parallel == nil || *parallel) {
		return err
	}
	if kind == "" {
		kind = "auto"
	}
	dst := append([]byte(`{"type":"`), kind...)
	dst = append(dst, '"')
	if kind == "tool" {
		dst = rawjson.AppendStringMember(dst, "name", e.choiceName())
	}
	if parallel != nil && !*parallel && kind != "none" {
		dst = append(dst, `,"disable_parallel_tool_use":true`...)
	}
	e.choice = append(dst, '}')
	return nil
}

// choiceName is the one tool that must be called.
func (e *encoder) choiceName() string {
	if c := e.req.ToolChoice; c != nil && c.Mode == llm.ChoiceNamed && len(c.Names) > 0 {
		return e.names.upstream(c.Names[0])
	}
	return e.format.tool
}

// choiceKind is the type of tool_choice, "" for none.
func (e *encoder) choiceKind() (string, error) {
	kind := ""
	if c := e.req.ToolChoice; c != nil {
		kind = map[llm.ChoiceMode]string{
			llm.ChoiceAuto: "auto", llm.ChoiceNone: "none", llm.ChoiceRequired: "any", llm.ChoiceNamed: "tool",
			llm.ChoiceAllowedAuto: "auto", llm.ChoiceAllowedRequired: "any",
		}[c.Mode]
	}
	if e.format.tool != "" && (kind == "" || kind == "auto" || kind == "none") {
		return e.formatChoice(), nil
	}
	if (kind == "any" || kind == "tool") && !e.model.forcedTools() {
		return "auto", e.refuse("tool_choice", fmt.Sprintf("%s does not support a forced tool_choice.", e.t.Model))
	}
	return kind, nil
}

// formatChoice makes the model use the tool that stands for the response format,
// as far as the other settings permit.
func (e *encoder) formatChoice() string {
	switch {
	case e.think.on() || !e.model.forcedTools():
		return "auto"
	case len(e.tools) > 1:
		return "any"
	}
	return "tool"
}
