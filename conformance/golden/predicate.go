package golden

import (
	"fmt"
	"slices"
	"strings"
)

// unmet returns the first demand of must that the call does not satisfy, or "".
func unmet(v *Vector, c Call, must []string) string {
	b, ok := tree(c.Body).(object)
	if !ok {
		return "no JSON body"
	}
	for _, name := range must {
		if why := predicates[name](b, v); why != "" {
			return why
		}
	}
	return ""
}

const anthropicSignature = "EqQBfakeAnthropicSignature0001"

// thinkingConsistent: Anthropic wants budget_tokens < max_tokens, and a turn with tool results after a signed thought.
func thinkingConsistent(b object, _ *Vector) string {
	t := obj(b["thinking"])
	if t["type"] != "enabled" {
		return ""
	}
	if num(t["budget_tokens"]) >= num(b["max_tokens"]) {
		return "thinking.budget_tokens must be < max_tokens"
	}
	messages := objects(b["messages"])
	if len(messages) == 0 || !hasType(messages[len(messages)-1]["content"], "tool_result") {
		return ""
	}
	return startsWithThinking(messages)
}

func startsWithThinking(messages []object) string {
	for _, m := range slices.Backward(messages) {
		if m["role"] != "assistant" {
			continue
		}
		first := obj(get(m["content"], 0))
		if k := first["type"]; k != "thinking" && k != "redacted_thinking" {
			return "assistant turn must start with its thinking block, or thinking must be dropped"
		}
		if first["type"] == "thinking" && first["signature"] != anthropicSignature+"==" {
			return "wrong thinking signature"
		}
		return ""
	}
	return ""
}

func hasType(content any, kind string) bool {
	return slices.ContainsFunc(objects(content), func(x object) bool { return x["type"] == kind })
}

// modelContents are the model's turns of a Gemini body.
func modelContents(b any) []object {
	var out []object
	for _, c := range objects(obj(camelCase(b))["contents"]) {
		if c["role"] == "model" {
			out = append(out, c)
		}
	}
	return out
}

// partsWith are the parts of a content that have the key.
func partsWith(content object, key string) []object {
	var out []object
	for _, p := range objects(content["parts"]) {
		if _, ok := p[key]; ok {
			out = append(out, p)
		}
	}
	return out
}

func partNames(content object, key string) []string {
	var out []string
	for _, p := range partsWith(content, key) {
		out = append(out, str(get(p, key, "name")))
	}
	return out
}

func signaturesValid(b object, v *Vector) string {
	for _, c := range modelContents(b) {
		calls := partsWith(c, "functionCall")
		if len(calls) == 0 {
			continue
		}
		if s := base64Plain(str(calls[0]["thoughtSignature"])); !v.signaturesSeen[s] && !isDummy(s) {
			return "first functionCall must carry a valid real or dummy signature"
		}
	}
	return ""
}

func functionResponsesPaired(b object, _ *Vector) string {
	contents := objects(obj(camelCase(b))["contents"])
	for i, c := range contents {
		calls := partNames(c, "functionCall")
		if calls == nil {
			continue
		}
		var results []string
		if i+1 < len(contents) {
			results = partNames(contents[i+1], "functionResponse")
		}
		if !slices.Equal(calls, results) {
			return fmt.Sprintf("functionResponse parts %v must match functionCall parts %v", results, calls)
		}
	}
	return ""
}

func toolResultsPaired(b object, _ *Vector) string {
	messages := objects(b["messages"])
	for i, m := range messages {
		uses := blockIDs(m, "tool_use", "id")
		if uses == nil {
			continue
		}
		var results []string
		if i+1 < len(messages) {
			results = blockIDs(messages[i+1], "tool_result", "tool_use_id")
		}
		if !slices.Equal(uses, results) {
			return "every tool_use needs exactly one tool_result in the next message, no orphans"
		}
	}
	return ""
}

func blockIDs(m object, kind, key string) []string {
	var out []string
	for _, x := range objects(m["content"]) {
		if x["type"] == kind {
			out = append(out, str(x[key]))
		}
	}
	slices.Sort(out)
	return out
}

const highBudget = 4096 // tokens from which a thinking budget counts as high

func thinkingHigh(b object, _ *Vector) string {
	t := obj(get(camelCase(b), "generationConfig", "thinkingConfig"))
	if strings.EqualFold(str(t["thinkingLevel"]), "high") || num(t["thinkingBudget"]) >= highBudget {
		return ""
	}
	return "thinking must be clamped to high"
}

func anthropicShape(b object, _ *Vector) string {
	messages := objects(b["messages"])
	good := len(messages) > 0 && messages[0]["role"] == "user" && truthy(b["max_tokens"])
	for _, m := range messages {
		good = good && (m["role"] == "user" || m["role"] == "assistant")
	}
	if good {
		return ""
	}
	return "an Anthropic body: max_tokens, first message user, system on top level"
}

func openaiShape(b object, _ *Vector) string {
	for _, k := range []string{"thinking", "stop_sequences", "system", "anthropic_version", "top_k"} {
		if _, ok := b[k]; ok {
			return "a key that OpenAI does not know: " + k
		}
	}
	if !truthy(b["messages"]) && !truthy(b["input"]) {
		return "messages or input"
	}
	return ""
}

func geminiShape(b object, _ *Vector) string {
	if _, chat := b["messages"]; chat || !truthy(b["contents"]) {
		return "a Gemini body: contents"
	}
	return ""
}
