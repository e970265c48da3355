package gemini

import (
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// budgets are the thinking tokens of an effort for models before generation 3, by
// class (§2.7). low, medium and high are the same for all.
var budgets = map[string]struct{ pro, flash, lite int64 }{
	"none": {128, 0, 0}, "minimal": {128, 1, 512},
	"low": {1024, 1024, 1024}, "medium": {2048, 2048, 2048}, "high": {4096, 4096, 4096},
}

// thinkingConfig turns reasoning_effort or Anthropic's thinking into Gemini's
// setting; both at once contradict each other.
func (e *encoder) thinkingConfig() error {
	if e.set.effort != nil && e.set.thinking != nil {
		return llm.BadRequest("thinking", "The request has both reasoning_effort and thinking. Send one of them.")
	}
	if (e.set.effort != nil || e.set.thinking != nil) && e.set.gen.Get("thinkingConfig") != nil {
		return llm.BadRequest("thinking_config", "The request has thinking_config beside reasoning_effort or thinking. Send one of them.")
	}
	if e.set.thinking != nil {
		return e.budgetThinking(e.set.thinking)
	}
	if e.set.effort == nil {
		return nil
	}
	effort, err := e.effort()
	if err != nil || effort == "" {
		return err
	}
	e.setThinking(effort)
	return nil
}

// effort reads reasoning_effort, also as {effort, summary}; "" means the model's
// own default.
func (e *encoder) effort() (string, error) {
	v := e.set.effort
	if v.Kind() == '{' {
		v = v.Get("effort")
	}
	switch name := v.Text(); name {
	case "none", "disable":
		return "none", nil
	case "minimal", "low", "medium", "high":
		return name, nil
	case "xhigh", "max":
		e.drop("reasoning_effort", name+" is more than Gemini has; high was sent")
		return "high", nil
	case "default", "":
		if v.Kind() == '"' || !v.Present() {
			return "", nil
		}
	}
	return "", llm.BadRequest("reasoning_effort",
		"reasoning_effort must be one of none, minimal, low, medium, high, xhigh, max, but it is "+clip(string(v))+".")
}

func (e *encoder) setThinking(effort string) {
	cfg := rawjson.Value{'{'}
	if e.model.g3 {
		cfg = rawjson.AppendStringMember(cfg, "thinkingLevel", e.level(effort))
	} else {
		cfg = rawjson.AppendIntMember(cfg, "thinkingBudget", e.budget(effort))
	}
	cfg = strconv.AppendBool(rawjson.AppendKey(cfg, "includeThoughts"), effort != "none")
	e.set.gen.Set("thinkingConfig", append(cfg, '}'))
}

// level is the thinking level of generation 3, which cannot be switched off.
func (e *encoder) level(effort string) string {
	if effort != "none" && effort != "minimal" {
		return effort
	}
	minimal, known := e.t.Info.Flag("supports_minimal_reasoning_effort")
	if !e.model.flash || (known && !minimal) {
		return "low"
	}
	return "minimal"
}

func (e *encoder) budget(effort string) int64 {
	row := budgets[effort]
	switch {
	case e.model.lite:
		return row.lite
	case e.model.flash:
		return row.flash
	}
	return row.pro
}

// budgetThinking reads Anthropic's form {type, budget_tokens}.
func (e *encoder) budgetThinking(v rawjson.Value) error {
	if v.Kind() != '{' {
		return llm.BadRequest("thinking", "thinking must be an object such as {\"type\": \"enabled\", \"budget_tokens\": 1024}.")
	}
	if v.Get("type").Is("disabled") {
		e.disableThinking()
		return nil
	}
	budget := v.Get("budget_tokens")
	tokens, ok := budget.Int()
	if budget.Present() && !ok {
		return llm.BadRequest("thinking.budget_tokens", "thinking.budget_tokens must be a whole number.")
	}
	cfg := rawjson.Value(`{"includeThoughts":`)
	cfg = strconv.AppendBool(cfg, !budget.Present() || tokens != 0)
	switch {
	case budget.Present() && e.model.g3:
		e.drop("thinking.budget_tokens", "Gemini 3 thinks in levels; use reasoning_effort")
	case budget.Present():
		cfg = rawjson.AppendIntMember(cfg, "thinkingBudget", e.clampBudget(tokens))
	}
	e.set.gen.Set("thinkingConfig", append(cfg, '}'))
	return nil
}

// disableThinking leaves thoughts out of the answer. Like LiteLLM it does not
// switch thinking itself off, which a model may refuse.
func (e *encoder) disableThinking() {
	if e.model.g3 {
		e.set.gen.Set("thinkingConfig", rawjson.Value(`{"includeThoughts":false}`))
		return
	}
	e.drop("thinking", "the model decides; reasoning_effort \"none\" switches thinking off")
}

// clampBudget keeps a budget within what the model's class accepts; −1 lets the
// model decide.
func (e *encoder) clampBudget(tokens int64) int64 {
	least, most := int64(0), int64(24576)
	switch {
	case e.model.lite && tokens > 0:
		least = 512
	case !e.model.flash:
		least, most = 128, 32768
	}
	fit := min(max(tokens, least), most)
	if tokens == -1 || fit == tokens {
		return tokens
	}
	e.drop("thinking.budget_tokens", "clamped to "+strconv.FormatInt(fit, 10))
	return fit
}

// clip shortens a client's value for an error text.
func clip(s string) string {
	const most = 60
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
