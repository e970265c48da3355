package anthropic

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// placeholderTool stands in Claude Code's list for tools that are found later; it
// has no function.
const placeholderTool = "DeferredToolPlaceholder"

func (x *expander) tools(list rawjson.Value) error {
	for i, v := range list.Elems() {
		if v.Kind() != '{' {
			return place{"tools", i, noBlock}.refuse("", "must be an object")
		}
		if err := x.tool(i, v); err != nil {
			return err
		}
	}
	return nil
}

func (x *expander) tool(i int, v rawjson.Value) error {
	name, kind := v.Get("name").Text(), v.Get("type").Text()
	schema := v.Get("input_schema")
	switch {
	case kind != "" && kind != "custom":
		x.providerTool(kind, name, v)
		return nil
	case name == placeholderTool && v.Get("defer_loading").True():
		x.drop("tool "+placeholderTool, "it has no function")
		return nil
	case name == "":
		return place{"tools", i, noBlock}.refuse("name", "must be the name of the tool")
	case schema.Present() && schema.Kind() != '{':
		return place{"tools", i, noBlock}.refuse("input_schema", "must be an object (a JSON Schema)")
	}
	t := llm.ToolDef{
		Type: "function", Name: name, Description: v.Get("description").Text(), Parameters: withoutDialect(schema),
		CacheControl: cacheControl(v.Get("cache_control")), Raw: v,
	}
	if b, ok := v.Get("strict").Bool(); ok {
		t.Strict = &b
	}
	x.req.Tools = append(x.req.Tools, t)
	return nil
}

// withoutDialect removes $schema, which not every provider takes.
func withoutDialect(schema rawjson.Value) rawjson.Value {
	if schema.Kind() != '{' {
		return nil
	}
	if schema.Get("$schema") == nil {
		return schema
	}
	o := rawjson.ParseObject(schema)
	o.Del("$schema")
	return o.Value()
}

// clientTools are the tools that Anthropic defines and the client runs, with the
// schema that the documentation gives for them.
var clientTools = []struct{ prefix, about, schema string }{
	{
		"bash_", "Run a command in a bash session that persists between calls.",
		`{"type":"object","properties":{"command":{"type":"string","description":"The command to run."},` +
			`"restart":{"type":"boolean","description":"True restarts the session."}}}`,
	},
	{
		"text_editor_", "View, create and edit text files.",
		`{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","undo_edit"]},` +
			`"path":{"type":"string","description":"Path of the file or directory."},"file_text":{"type":"string","description":"Content for create."},` +
			`"old_str":{"type":"string","description":"Text to replace, for str_replace."},"new_str":{"type":"string","description":"The new text, for str_replace."},` +
			`"insert_line":{"type":"integer","description":"Line after which to insert, 0 for the beginning."},"insert_text":{"type":"string","description":"Text for insert."},` +
			`"view_range":{"type":"array","items":{"type":"integer"},"description":"First and last line for view."}},"required":["command","path"]}`,
	},
	{
		"computer_", "Use the mouse and keyboard of a computer and take screenshots.",
		`{"type":"object","properties":{"action":{"type":"string","description":"For example screenshot, left_click, type, key, mouse_move, scroll, wait."},` +
			`"coordinate":{"type":"array","items":{"type":"integer"},"description":"x and y in pixels."},"start_coordinate":{"type":"array","items":{"type":"integer"}},` +
			`"text":{"type":"string","description":"Text to type or key to press."},"duration":{"type":"number"},"scroll_amount":{"type":"integer"},` +
			`"scroll_direction":{"type":"string","enum":["up","down","left","right"]},"region":{"type":"array","items":{"type":"integer"}}},"required":["action"]}`,
	},
	{
		"memory_", "Keep notes in files under /memories that outlast the conversation.",
		`{"type":"object","properties":{"command":{"type":"string","enum":["view","create","str_replace","insert","delete","rename"]},` +
			`"path":{"type":"string"},"file_text":{"type":"string"},"old_str":{"type":"string"},"new_str":{"type":"string"},"insert_line":{"type":"integer"},` +
			`"insert_text":{"type":"string"},"old_path":{"type":"string"},"new_path":{"type":"string"},"view_range":{"type":"array","items":{"type":"integer"}}},"required":["command"]}`,
	},
}

// providerTool translates a tool that Anthropic defines: a search becomes the search
// of the other provider, what the client runs a function, the rest is left out.
func (x *expander) providerTool(kind, name string, v rawjson.Value) {
	if strings.HasPrefix(kind, "web_search_") {
		x.set("web_search_options", searchOptions(v))
		return
	}
	for i := range clientTools {
		if t := &clientTools[i]; strings.HasPrefix(kind, t.prefix) && name != "" {
			x.req.Tools = append(x.req.Tools, llm.ToolDef{
				Type: "function", Name: name, Description: t.about, Parameters: rawjson.Value(t.schema),
				CacheControl: cacheControl(v.Get("cache_control")), Raw: v,
			})
			return
		}
	}
	x.drop("tool of type "+kind, "only Anthropic runs it")
}

// searchOptions writes web_search_options with the user's place, when it is given.
func searchOptions(v rawjson.Value) rawjson.Value {
	where := v.Get("user_location")
	if where.Kind() != '{' {
		return rawjson.Value("{}")
	}
	o := rawjson.ParseObject(where)
	o.Del("type")
	dst := append(rawjson.Value(nil), `{"user_location":{"type":"approximate","approximate":`...)
	return append(o.Append(dst), "}}"...)
}
