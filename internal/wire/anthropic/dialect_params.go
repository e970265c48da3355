package anthropic

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// finish writes the parameters that need more than one key.
func (d *decoder) finish() {
	if effort := effortFrom(d.thinking, d.output.Get("effort").Text()); effort != "" {
		d.param(effortParam, rawjson.String(effort))
	}
	format := d.output.Get("format")
	if !format.Present() {
		format = d.format
	}
	d.responseFormat(format)
	d.user(d.metadata.Get("user_id"))
}

// effortParam is OpenAI's name of how long a model reasons.
const effortParam = "reasoning_effort"

// effortFrom translates thinking into a reasoning effort, "" when the client asks
// for none (specification §5.2.5).
func effortFrom(thinking rawjson.Value, effort string) string {
	switch thinking.Get("type").Text() {
	case "disabled":
		return "none"
	case "enabled":
		budget, _ := thinking.Get("budget_tokens").Int()
		return effortOfBudget(budget)
	case "":
		return ""
	}
	return knownEffort(effort)
}

func effortOfBudget(budget int64) string {
	switch {
	case budget >= 4096:
		return "high"
	case budget >= 2048:
		return "medium"
	case budget >= minBudget:
		return "low"
	}
	return "minimal"
}

// knownEffort lowers an effort to the highest that every provider knows; medium is
// what adaptive thinking without an effort means.
func knownEffort(effort string) string {
	switch effort {
	case "low", "medium", "high":
		return effort
	case "xhigh", "max":
		return "high"
	}
	return "medium"
}

// formatName is what LiteLLM calls the schema, which has no name in this format.
const formatName = "structured_output"

func (d *decoder) responseFormat(format rawjson.Value) {
	schema := format.Get("schema")
	if !format.Get("type").Is("json_schema") || schema.Kind() != '{' {
		return
	}
	dst := append(rawjson.Value(nil), `{"type":"json_schema","json_schema":{"name":"`+formatName+`","schema":`...)
	d.param("response_format", append(append(dst, schema...), "}}"...))
}

// maxUser is the longest user id that OpenAI takes.
const maxUser = 64

// user passes metadata.user_id on. A longer one (Claude Code sends a JSON object as
// text) means nothing to another provider.
func (d *decoder) user(id rawjson.Value) {
	switch s := id.Text(); {
	case s == "":
	case len(s) > maxUser:
		d.drop("metadata.user_id", "longer than other providers take")
	default:
		d.param("user", id)
	}
}

func (d *decoder) serviceTier(v rawjson.Value) {
	if v.Is("standard_only") {
		d.param("service_tier", rawjson.Value(`"default"`))
	}
}

func (d *decoder) drop(what, why string) {
	d.req.Drops = append(d.req.Drops, llm.Drop{What: what, Why: why})
}

// toolChoice reads tool_choice into the canonical request and into OpenAI's
// parameters, where a wire may look for it.
func (d *decoder) toolChoice(v rawjson.Value) error {
	if !v.Present() {
		return nil
	}
	if v.Get("disable_parallel_tool_use").True() {
		d.param("parallel_tool_calls", rawjson.Value("false"))
		no := false
		d.req.ParallelToolCalls = &no
	}
	choice := llm.ToolChoice{}
	raw := rawjson.Value(nil)
	switch kind := v.Get("type").Text(); kind {
	case "auto":
		choice.Mode, raw = llm.ChoiceAuto, rawjson.Value(`"auto"`)
	case "any":
		choice.Mode, raw = llm.ChoiceRequired, rawjson.Value(`"required"`)
	case "none":
		choice.Mode, raw = llm.ChoiceNone, rawjson.Value(`"none"`)
	case "tool":
		name := v.Get("name")
		if name.Text() == "" {
			return llm.BadRequest("tool_choice.name", "tool_choice of type tool needs the name of a tool.")
		}
		choice = llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{name.Text()}}
		raw = append(append(rawjson.Value(`{"type":"function","function":{"name":`), name...), "}}"...)
	default:
		return llm.BadRequest("tool_choice.type", fmt.Sprintf("tool_choice.type is %q; it must be one of auto, any, tool, none.", kind))
	}
	d.req.ToolChoice = &choice
	d.param("tool_choice", raw)
	return nil
}
