package openaichat

import (
	"slices"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// decide settles the parameters: the policy for what the target does not take,
// then the provider's names, values and limits.
func (e *encoding) decide() error {
	e.aggregate = !e.req.Stream && streamOnly(e.q.StreamOnly, e.t.Model)
	family := familyOf(e.q, e.t)
	kept, drops, err := wire.Effective(e.req, e.t, func(name string) bool { return e.takes(family, name) })
	if err != nil {
		return err
	}
	e.drops = drops
	e.params = make([]planned, 0, len(kept)+2)
	for _, p := range kept {
		e.params = append(e.params, planned{from: p.Name, name: p.Name, value: p.Value})
	}
	if e.req.From != Name {
		e.canonicalChoice()
		e.fitOutput()
	}
	e.normalizeEffort()
	if err := e.modelRules(family); err != nil {
		return err
	}
	e.thinkingSwitch()
	e.responseFormat()
	e.toolChoice()
	e.filterTools()
	e.renameParams()
	e.mapValues()
	e.clampTemperature()
	e.additions()
	return nil
}

// takes reports whether the target takes a parameter. Unknown ones are the
// provider's own and pass, but for those of another format.
func (e *encoding) takes(f modelFamily, name string) bool {
	if slices.Contains(e.q.Remove, name) || e.req.From != Name && !wire.Known(name) {
		return false
	}
	if name == "user" && e.req.From != Name && !e.q.OpenAI {
		return false // clients of other dialects mean OpenAI's own abuse tracking by it
	}
	if name == "thinking" && f == familyOther && !e.q.OpenAI {
		return e.q.EffortToThinking != "" || e.q.Reasoning != ""
	}
	return f.takes(name, e.t.Info)
}

func streamOnly(prefixes []string, model string) bool {
	if i := strings.LastIndexByte(model, '/'); i >= 0 {
		model = model[i+1:]
	}
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(model, p) })
}

// normalizeEffort turns LiteLLM's other spellings of reasoning_effort into
// OpenAI's: the object {effort, summary}, disable and default.
func (e *encoding) normalizeEffort() {
	p := e.plan("reasoning_effort")
	if p == nil {
		return
	}
	if p.value.Kind() == '{' {
		p.value = p.value.Get("effort")
	}
	switch p.value.Text() {
	case "disable":
		p.value = rawjson.String("none")
	case "default", "":
		e.remove("reasoning_effort")
	}
}

func (e *encoding) renameParams() {
	for from, to := range e.q.Rename {
		p := e.plan(from)
		if p == nil {
			continue
		}
		if e.plan(to) != nil {
			e.remove(from)
			continue
		}
		p.name = to
	}
}

func (e *encoding) mapValues() {
	if len(e.q.Values) == 0 {
		return
	}
	for i := range e.params {
		p := &e.params[i]
		s, ok := p.value.Str()
		if !ok {
			continue
		}
		if to, ok := e.q.Values[p.name+"="+s]; ok {
			p.value = rawjson.String(to)
			e.dropped(p.name, "the value "+s+" is sent as "+to)
		}
	}
}

func (e *encoding) clampTemperature() {
	p := e.plan("temperature")
	if p == nil || e.q.MaxTemperature <= 0 {
		return
	}
	if f, ok := p.value.Float(); ok && f > e.q.MaxTemperature {
		p.value = strconv.AppendFloat(nil, e.q.MaxTemperature, 'f', -1, 64)
		e.dropped("temperature", "lowered to "+string(p.value)+", the provider's most")
	}
}

// additions are what a provider wants besides.
func (e *encoding) additions() {
	if e.q.StoreFalse {
		e.set("store", rawjson.Value("false"))
	}
	if e.q.ReasoningField == "reasoning_details" && e.q.BaseResp && e.plan("reasoning_split") == nil {
		e.set("reasoning_split", rawjson.Value("true"))
	}
}

// toolChoice removes a forced choice that the provider rejects, and puts a
// sentence into its place.
func (e *encoding) toolChoice() {
	p := e.plan("tool_choice")
	if p == nil || !e.q.ToolChoiceAuto || p.value.Is("auto") || p.value.Is("none") {
		return
	}
	e.hint = e.q.ToolChoiceHint
	e.remove("tool_choice")
	e.dropped("tool_choice", "the provider knows only auto and none")
}

// responseFormat turns a schema into a sentence for providers that know only
// json_object.
func (e *encoding) responseFormat() {
	p := e.plan("response_format")
	if p == nil || !e.q.NoJSONSchema || !p.value.Get("type").Is("json_schema") {
		return
	}
	e.schema = p.value.Path("json_schema", "schema")
	p.value = rawjson.Value(`{"type":"json_object"}`)
	e.dropped("response_format", "the provider has no json_schema; json_object and the schema in the prompt are sent")
}

// thinkingSwitch maps reasoning_effort and thinking onto the provider's switch.
func (e *encoding) thinkingSwitch() {
	if e.q.EffortToThinking == "" {
		return
	}
	effort, thinking := e.plan("reasoning_effort"), e.plan("thinking")
	if effort == nil && thinking == nil {
		return
	}
	on := thinking == nil || !thinking.value.Get("type").Is("disabled")
	if thinking == nil {
		on = !effort.value.Is("none")
	}
	var budget rawjson.Value
	if thinking != nil {
		budget = present(thinking.value.Get("budget_tokens"))
	}
	if e.q.EffortToThinking == "dashscope" {
		e.dashscope(on, budget)
		return
	}
	if budget != nil {
		e.dropped("thinking.budget_tokens", "the provider has no thinking budget")
	}
	e.set("thinking", switchValue(on, thinking))
	if effort != nil && (!on || e.q.EffortToThinking != "deepseek" || effort.value.Is("none")) {
		e.remove("reasoning_effort")
	}
}

// switchValue is {"type": …}, with what the client sent besides a budget.
func switchValue(on bool, thinking *planned) rawjson.Value {
	word := rawjson.Value(`"disabled"`)
	if on {
		word = rawjson.Value(`"enabled"`)
	}
	if thinking == nil {
		return rawjson.Object{{Key: "type", Value: word}}.Value()
	}
	obj := rawjson.ParseObject(thinking.value)
	obj.Del("budget_tokens")
	if t := obj.Get("type"); !t.Is("auto") {
		obj.Set("type", word)
	}
	return obj.Value()
}

func (e *encoding) dashscope(on bool, budget rawjson.Value) {
	e.remove("reasoning_effort")
	e.remove("thinking")
	if e.plan("enable_thinking") == nil {
		word := "false"
		if on {
			word = "true"
		}
		e.set("enable_thinking", rawjson.Value(word))
	}
	if on && budget != nil && e.plan("thinking_budget") == nil {
		e.set("thinking_budget", budget)
	}
}

// mayThink reports whether the target may answer with reasoning that it wants
// back (DeepSeek). Source: §4, input rules.
func (e *encoding) mayThink() bool {
	if p := e.plan("thinking"); p != nil {
		return !p.value.Get("type").Is("disabled")
	}
	switch e.t.Model {
	case "deepseek-chat", "deepseek-coder":
		return false
	}
	known, ok := e.t.Info.Flag("supports_reasoning")
	return known || !ok
}
