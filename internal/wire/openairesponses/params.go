package openairesponses

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// decide settles the parameters of a request of another format.
func (e *encoding) decide() error {
	kept, drops, err := wire.Effective(e.req, e.t, e.takes)
	if err != nil {
		return err
	}
	e.drops = drops
	for _, p := range kept {
		e.translate(p)
	}
	return nil
}

// untaken are parameters of Chat Completions that this format has no word for.
var untaken = map[string]bool{
	"stop": true, "seed": true, "n": true, "frequency_penalty": true, "presence_penalty": true, "logit_bias": true,
	"audio": true, "modalities": true, "prediction": true, "functions": true, "function_call": true, "top_k": true,
}

func (e *encoding) takes(name string) bool {
	switch name {
	case "temperature", "top_p", "top_logprobs", "logprobs":
		return !reasons(e.t.Model)
	case "thinking", "tools", "tool_choice":
		return true
	}
	return !untaken[name] && (wire.Known(name) || topKeys[name] != other)
}

// reasons reports whether a model of OpenAI thinks before it answers; those take no
// sampling parameters.
func reasons(model string) bool {
	if i := strings.LastIndexByte(model, '/'); i >= 0 {
		model = model[i+1:]
	}
	if strings.HasPrefix(model, "gpt-5") && !strings.Contains(model, "chat") || strings.HasPrefix(model, "gpt-6") {
		return true
	}
	return len(model) > 1 && model[0] == 'o' && model[1] >= '0' && model[1] <= '9'
}

// minOutput is the least that OpenAI takes as max_output_tokens.
const minOutput = 16

// translate turns a parameter of Chat Completions into a member of this format.
func (e *encoding) translate(p llm.Param) {
	if !p.Value.Present() {
		return
	}
	switch p.Name {
	case "max_tokens", "max_completion_tokens":
		e.maxOutput(p.Value)
	case "reasoning_effort":
		e.effort(p.Value)
	case "thinking":
		e.thinking(p.Value)
	case "response_format":
		e.inText("format", textFormat(p.Value))
	case "verbosity":
		e.inText("verbosity", p.Value)
	case "tools", "tool_choice", "logprobs", "web_search_options": // written with the tools, or told by others
	default:
		if untaken[p.Name] {
			e.dropped(p.Name, "the Responses API has no such parameter")
			return
		}
		e.members.Set(p.Name, p.Value)
	}
}

func (e *encoding) maxOutput(v rawjson.Value) {
	if n, ok := v.Int(); ok && n < minOutput {
		e.dropped("max_tokens", "raised to 16, the least that the Responses API takes")
		v = rawjson.Int(minOutput)
	}
	e.members.Set("max_output_tokens", v)
}

// effort accepts LiteLLM's object {effort, summary} too.
func (e *encoding) effort(v rawjson.Value) {
	obj := rawjson.Object{}
	if v.Kind() == '{' {
		obj = rawjson.ParseObject(v)
	} else {
		obj.Set("effort", v)
	}
	switch word := obj.Get("effort").Text(); word {
	case "disable":
		obj.Set("effort", rawjson.String("none"))
	case "default":
		obj.Del("effort")
	}
	if len(obj) > 0 {
		e.members.Set("reasoning", obj.Value())
	}
}

// thinking turns Anthropic's switch into an effort. Source: §5.2.5.
func (e *encoding) thinking(v rawjson.Value) {
	if e.members.Get("reasoning") != nil {
		return
	}
	if !reasons(e.t.Model) {
		e.dropped("thinking", "the model does not reason")
		return
	}
	word := "medium"
	if v.Get("type").Is("disabled") {
		word = "none"
	} else if n, ok := v.Get("budget_tokens").Int(); ok {
		word = effortOf(n)
	}
	e.members.Set("reasoning", rawjson.Object{{Key: "effort", Value: rawjson.String(word)}}.Value())
}

func effortOf(budget int64) string {
	switch {
	case budget >= 4096:
		return "high"
	case budget >= 2048:
		return "medium"
	case budget >= 1024:
		return "low"
	}
	return "minimal"
}

func (e *encoding) inText(key string, v rawjson.Value) {
	if v == nil {
		return
	}
	text := rawjson.ParseObject(e.members.Get("text"))
	text.Set(key, v)
	e.members.Set("text", text.Value())
}

// textFormat is a response_format in the flat form of this API.
func textFormat(v rawjson.Value) rawjson.Value {
	inner := v.Get("json_schema")
	if inner.Kind() != '{' {
		return v
	}
	obj := append(rawjson.Object{{Key: "type", Value: rawjson.String("json_schema")}}, rawjson.ParseObject(inner)...)
	if obj.Get("name") == nil {
		obj.Set("name", rawjson.String("answer"))
	}
	return obj.Value()
}
