package testkit

import (
	"slices"
	"strings"
)

// anthropicOrder applies the rules about who speaks when.
func anthropicOrder(c *inspector, model string, messages []said) {
	if messages[0].role != "user" {
		c.refuse(denied("messages: first message must use the \"user\" role"))
	}
	for i := 1; i < len(messages); i++ {
		role, before := messages[i].role, messages[i-1].role
		switch {
		case role == before:
			c.refuse(denied("messages: roles must alternate between \"user\" and \"assistant\", but found multiple \"" + role + "\" roles in a row"))
		case role == "system" && before != "user":
			c.refuse(denied(sprintf("messages.%d: role 'system' must follow a 'user' message", i)))
		case before == "system" && role != "assistant":
			c.refuse(denied(sprintf("messages.%d: role 'system' must precede an 'assistant' message or end the array", i-1)))
		}
	}
}

// anthropicPairs demands the results of a message's calls at the beginning of the
// next message, and nothing else.
func anthropicPairs(c *inspector, t *Turn, messages []said, i int) {
	k := messages[i]
	var before said
	if i > 0 {
		before = messages[i-1]
	}
	for j, id := range k.result {
		if !slices.Contains(before.calls, id) {
			c.refuse(denied(sprintf("messages.%d.content.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s. Each `tool_result` block must have a corresponding `tool_use` block in the previous message.", i, j, id)))
		}
		if slices.Contains(k.result[:j], id) {
			c.refuse(denied(sprintf("messages.%d.content.%d: each tool_use must have a single result. Found multiple `tool_result` blocks with id: %s", i, j, id)))
		}
	}
	var missing []string
	for _, id := range before.calls {
		if !slices.Contains(leading(k), id) {
			missing = append(missing, id)
		}
	}
	if i == len(messages)-1 && len(k.calls) > 0 {
		i, missing = i+1, k.calls
	}
	if len(missing) > 0 {
		c.refuse(denied(sprintf("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s. Each `tool_use` block must have a corresponding `tool_result` block in the next message.", i-1, join(missing))))
	}
	if len(k.calls)+len(k.result) > 0 && len(t.Tools) == 0 {
		c.refuse(denied("Requests which have `tool_use` or `tool_result` blocks in messages must define tools."))
	}
}

// leading are the ids of the results before any other block.
func leading(k said) []string {
	var out []string
	for _, b := range k.blocks {
		if str(b["type"]) != "tool_result" {
			break
		}
		out = append(out, str(b["tool_use_id"]))
	}
	return out
}

// anthropicStart demands that, with manual thinking, the last assistant message
// of the running tool loop begins with its thinking, and that thinking comes
// before everything else in every message.
func anthropicStart(c *inspector, doc object, messages []said) {
	manual := str(obj(doc["thinking"])["type"]) == "enabled"
	latest := -1
	for i, k := range messages {
		if k.role == "user" && len(k.result) == 0 {
			latest = -1
		}
		if k.role == "assistant" && len(k.calls) > 0 {
			latest = i
		}
	}
	if manual && latest >= 0 {
		first := str(messages[latest].blocks[0]["type"])
		if first != "thinking" && first != "redacted_thinking" {
			c.refuse(denied(expectedThinking(latest, first)))
		}
	}
	for i, k := range messages {
		thinkingFirst(c, i, k)
	}
}

func expectedThinking(i int, found string) string {
	return sprintf("messages.%d.content.0.type: Expected `thinking` or `redacted_thinking`, but found `%s`. When `thinking` is enabled, a final "+
		"`assistant` message must start with a thinking block (preceeding the lastmost set of `tool_use` and `tool_result` blocks). We recommend you "+
		"include thinking blocks from previous turns. To avoid this requirement, disable `thinking`. Please consult our documentation at "+
		"https://docs.claude.com/en/docs/build-with-claude/extended-thinking", i, found)
}

func thinkingFirst(c *inspector, i int, k said) {
	other := false
	for j, b := range k.blocks {
		kind := str(b["type"])
		thought := kind == "thinking" || kind == "redacted_thinking"
		if thought && other {
			c.refuse(denied(sprintf("messages.%d.content.%d.type: Expected `text` or `tool_use`, but found `%s`: thinking blocks come first", i, j, kind)))
		}
		other = other || !thought
	}
}

func anthropicLast(c *inspector, model string, last said) {
	if last.role != "assistant" || len(last.blocks) == 0 {
		return
	}
	if anthropicNoPrefill.MatchString(model) {
		c.refuse(denied("This model does not support assistant message prefill. The conversation must end with a user message."))
	}
	text := str(last.blocks[len(last.blocks)-1]["text"])
	if text != strings.TrimRight(text, " \t\r\n") {
		c.refuse(denied("messages: final assistant content cannot end with trailing whitespace"))
	}
}

// anthropicTurn tells the script what was said.
func anthropicTurn(t *Turn, messages []said) {
	names := map[string]string{}
	for _, k := range messages {
		for id, name := range k.names {
			names[id] = name
		}
		switch {
		case k.role == "assistant" && len(k.calls) > 0:
			t.Steps++
		case k.role == "user" && len(k.result) == 0:
			t.User, t.Steps, t.Results = blockText(k.blocks), 0, nil
		}
		for _, b := range k.blocks {
			if str(b["type"]) == "tool_result" {
				t.Results = append(t.Results, Result{Name: names[str(b["tool_use_id"])], Text: resultText(b["content"])})
			}
		}
	}
}

func blockText(blocks []object) string {
	out := ""
	for _, b := range blocks {
		if str(b["type"]) == "text" {
			out += str(b["text"])
		}
	}
	return out
}

func resultText(content any) string {
	if s, ok := content.(string); ok {
		return s
	}
	var blocks []object
	for _, v := range list(content) {
		blocks = append(blocks, obj(v))
	}
	return blockText(blocks)
}
