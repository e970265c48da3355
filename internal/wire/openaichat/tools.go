package openaichat

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// filterTools leaves out the tools, and the parts of tools, that the provider
// rejects, and a tool choice that then names nothing.
func (e *encoding) filterTools() {
	if slices.Contains(e.t.Policy.Also, "tools") {
		e.filtered = true
		e.remove("tool_choice")
		e.dropped("tools", "named in additional_drop_params")
		return
	}
	if e.req.From != Name {
		e.tools, e.filtered = e.canonicalTools(), true
		e.danglingChoice()
		return
	}
	if !e.q.FunctionsOnly && !e.q.NoStrictTools {
		return
	}
	list := e.req.Body.Get("tools")
	if list.Kind() != '[' {
		return
	}
	kept, changed := append(make([]byte, 0, len(list)), '['), false
	for _, t := range list.Elems() {
		if e.q.FunctionsOnly && !t.Get("type").Is("function") {
			e.dropped("tools", "the provider takes functions only, not "+shown(t.Get("type")))
			changed = true
			continue
		}
		if e.q.NoStrictTools && t.Path("function", "strict") != nil {
			t, changed = withoutStrict(t), true
		}
		kept = append(rawjson.AppendComma(kept), t...)
	}
	if !changed {
		return
	}
	e.filtered = true
	if len(kept) > 1 {
		e.tools = append(kept, ']')
	}
	e.danglingChoice()
}

// danglingChoice removes a tool choice whose tool is gone.
func (e *encoding) danglingChoice() {
	if e.tools == nil {
		e.remove("parallel_tool_calls")
	}
	p := e.plan("tool_choice")
	if p == nil {
		return
	}
	if e.tools != nil {
		choice := choiceOf(p.value)
		if choice == nil || len(choice.Names) == 0 || e.hasTool(choice.Names) {
			return
		}
	}
	e.remove("tool_choice")
	e.dropped("tool_choice", "the tool that it names was left out")
}

func (e *encoding) hasTool(names []string) bool {
	offered := map[string]bool{}
	for _, t := range e.tools.Elems() {
		offered[t.Path("function", "name").Text()] = true
	}
	return slices.ContainsFunc(names, func(name string) bool { return offered[name] })
}

func withoutStrict(tool rawjson.Value) rawjson.Value {
	inner := rawjson.ParseObject(tool.Get("function"))
	inner.Del("strict")
	obj := rawjson.ParseObject(tool)
	obj.Set("function", inner.Value())
	return obj.Value()
}
