package anthropic

import (
	"fmt"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// Limits of manual thinking.
const (
	minBudget = 1024
	// answerTokens is left for the answer when only a budget is known.
	answerTokens = 4096
	// adaptiveBudget is the budget that stands for adaptive thinking on models
	// which do not know it.
	adaptiveBudget = 2048
)

// thinking is what a request asks for. The zero value asks for nothing.
type thinking struct {
	// kind is "enabled", "adaptive", "disabled", "" for nothing, or "raw".
	kind    string
	budget  int64
	display string
	effort  string
	raw     rawjson.Value
}

// on reports whether the model will think because the request says so.
func (t *thinking) on() bool { return t.kind == "enabled" || t.kind == "adaptive" }

// manual reports whether a budget is set, which has restrictions of its own.
func (t *thinking) manual() bool { return t.kind == "enabled" }

func (t *thinking) append(dst []byte) []byte {
	switch t.kind {
	case "":
		return dst
	case "raw":
		return rawjson.AppendMember(dst, "thinking", t.raw)
	}
	dst = append(dst, `,"thinking":{"type":"`...)
	dst = append(append(dst, t.kind...), '"')
	if t.kind == "enabled" {
		dst = rawjson.AppendIntMember(dst, "budget_tokens", t.budget)
	}
	if t.display != "" && t.kind != "disabled" {
		dst = rawjson.AppendStringMember(dst, "display", t.display)
	}
	return append(dst, '}')
}

// readThinking reads thinking and reasoning_effort as the model understands them.
func (e *encoder) readThinking() error {
	if e.opts.thinking.Present() {
		if err := e.readThinkingParam(e.opts.thinking); err != nil {
			return err
		}
	}
	if e.opts.effort.Present() {
		return e.readEffort(e.opts.effort)
	}
	return nil
}

func (e *encoder) readThinkingParam(v rawjson.Value) error {
	if v.Kind() != '{' {
		return llm.BadRequest("thinking", `thinking must be an object such as {"type": "enabled", "budget_tokens": 2048}.`)
	}
	t := &e.think
	t.display = v.Get("display").Text()
	kind := v.Get("type").Text()
	if kind == "" && v.Get("budget_tokens").Present() {
		kind = "enabled"
	}
	switch kind {
	case "":
		return llm.BadRequest("thinking.type", "thinking needs a type: enabled, adaptive or disabled.")
	case "disabled":
		t.kind = kind
		if e.model.alwaysThinks() {
			e.drop("thinking", "this model always thinks")
			t.kind = ""
		}
	case "enabled":
		budget, ok := v.Get("budget_tokens").Int()
		if !ok {
			budget = adaptiveBudget
		}
		e.manualThinking(budget)
	case "adaptive":
		e.adaptiveThinking()
	default:
		t.kind, t.raw = "raw", v
	}
	return nil
}

func (e *encoder) manualThinking(budget int64) {
	t := &e.think
	if e.model.manual() {
		t.kind, t.budget = "enabled", budget
		return
	}
	t.kind, t.effort = "adaptive", e.model.effort(effortOf(budget))
}

// effortOf translates a budget for models that choose their own.
func effortOf(budget int64) string {
	switch {
	case budget >= 8192:
		return "xhigh"
	case budget >= 4096:
		return "high"
	case budget >= 2048:
		return "medium"
	}
	return "low"
}

func (e *encoder) adaptiveThinking() {
	if e.model.adaptive() || !e.model.known() {
		e.think.kind = "adaptive"
		return
	}
	e.think.kind, e.think.budget = "enabled", adaptiveBudget
}

// budgets are the thinking budgets of the efforts on models without adaptive thinking.
var budgets = map[string]int64{"minimal": 1024, "low": 1024, "medium": 2048, "high": 4096, "xhigh": 8192, "max": 16384}

func (e *encoder) readEffort(v rawjson.Value) error {
	if v.Kind() == '{' {
		v = v.Get("effort")
	}
	level := v.Text()
	switch level {
	case "none", "disable", "default", "auto", "":
		if v.Present() && v.Kind() != '"' {
			break
		}
		return nil
	}
	budget, ok := budgets[level]
	if !ok {
		return llm.BadRequest("reasoning_effort", fmt.Sprintf(
			"reasoning_effort %s is not known; use none, minimal, low, medium, high, xhigh or max.", v))
	}
	t := &e.think
	given := t.kind != ""
	switch {
	case e.model.adaptive():
		t.effort = e.model.effort(level)
		if !given {
			t.kind, t.display = "adaptive", "summarized"
		}
	case !given:
		t.kind, t.budget = "enabled", budget
	}
	return nil
}

// settleThinking resolves contradictions between thinking, the history, the tool
// choice and max_tokens in favour of an answer instead of a refusal.
func (e *encoder) settleThinking() {
	t := &e.think
	if !t.manual() {
		return
	}
	switch {
	case !e.conv.thoughtful():
		e.dropThinking("the tool calls being answered came back without their thinking blocks")
	case e.forced():
		e.dropThinking("the request forces a tool call, which excludes a thinking budget")
	default:
		e.settleBudget()
	}
}

// settleBudget keeps the budget between Anthropic's minimum and max_tokens.
func (e *encoder) settleBudget() {
	t, o := &e.think, &e.opts
	if t.budget < minBudget {
		e.drop("thinking.budget_tokens", "raised to Anthropic's minimum of 1024")
		t.budget = minBudget
	}
	if !o.limited {
		o.maxTokens = t.budget + answerTokens
		if most := e.model.info.MaxOutput(); most > minBudget {
			o.maxTokens = min(o.maxTokens, most)
		}
	}
	if t.budget < o.maxTokens || e.interleaved() {
		return
	}
	if o.maxTokens <= minBudget {
		e.dropThinking("max_tokens leaves no room for thinking")
		return
	}
	e.drop("thinking", "its budget was lowered below max_tokens")
	t.budget = o.maxTokens - 1
}

// interleaved reports whether the budget may exceed max_tokens, because it counts
// over all steps of a turn with tools.
func (e *encoder) interleaved() bool {
	return len(e.req.Tools) > 0 && slices.Contains(e.betas, "interleaved-thinking-2025-05-14")
}

func (e *encoder) dropThinking(why string) {
	e.drop("thinking", why)
	e.think = thinking{}
}

// thoughtful reports whether every assistant turn of the running tool loop begins
// with its thinking, as manual thinking demands.
func (b *builder) thoughtful() bool {
	for i := len(b.turns) - 1; i >= 0; i-- {
		blocks := b.of(i)
		switch b.turns[i].role {
		case llm.User:
			if !answersTools(blocks) {
				return true
			}
		case llm.Assistant:
			if usesTools(blocks) && !blocks[0].thinks() {
				return false
			}
		}
	}
	return true
}

func answersTools(blocks []block) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.kind == blockResult || b.kind == blockMissing })
}

func usesTools(blocks []block) bool {
	return slices.ContainsFunc(blocks, func(b block) bool { return b.kind == blockToolUse })
}
