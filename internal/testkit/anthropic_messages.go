package testkit

import (
	"regexp"
	"slices"
	"strings"
)

var (
	anthropicToolFields = words(`name description input_schema type cache_control strict defer_loading eager_input_streaming
		allowed_callers input_examples`)
	anthropicID     = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)
	anthropicName   = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,128}$`)
	anthropicBlocks = map[string]map[string]bool{
		"text": words("type text cache_control citations"), "image": words("type source cache_control"),
		"document": words("type source title context citations cache_control"),
		"thinking": words("type thinking signature"), "redacted_thinking": words("type data"),
		"tool_use":    words("type id name input cache_control caller"),
		"tool_result": words("type tool_use_id content is_error cache_control"),
	}
	anthropicSides = map[string]map[string]bool{
		"user":      words("text image document tool_result"),
		"assistant": words("text thinking redacted_thinking tool_use"),
		"system":    words("text"),
	}
)

func anthropicTools(c *inspector, t *Turn, doc object) {
	for i, v := range list(doc["tools"]) {
		tool, at := obj(v), sprintf("tools.%d", i)
		name := str(tool["name"])
		if kind := str(tool["type"]); kind != "" && kind != "custom" {
			t.Tools = append(t.Tools, Tool{Name: name})
			continue
		}
		c.only(tool, anthropicToolFields, extra(at+".custom"))
		if !anthropicName.MatchString(name) {
			c.refuse(denied(at + ".custom.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"))
		}
		if _, twice := t.tool(name); twice {
			c.refuse(denied("tools: Tool names must be unique."))
		}
		schema := obj(tool["input_schema"])
		if str(schema["type"]) != "object" {
			c.refuse(denied(at + ".custom.input_schema.type: Field required"))
		}
		if yes(tool["strict"]) {
			strictKeywords(c, schema, at+".custom.input_schema")
		}
		t.Tools = append(t.Tools, Tool{Name: name, Schema: schema})
	}
	anthropicChoice(c, t, obj(doc["tool_choice"]))
}

func anthropicChoice(c *inspector, t *Turn, choice object) {
	if choice == nil {
		return
	}
	if len(t.Tools) == 0 {
		c.refuse(denied("tool_choice may only be specified while providing tools."))
	}
	at := "tool_choice." + str(choice["type"])
	switch str(choice["type"]) {
	case "auto":
		c.only(choice, words("type disable_parallel_tool_use"), extra(at))
	case "any":
		t.Forced = "*"
		c.only(choice, words("type disable_parallel_tool_use"), extra(at))
	case "none":
		c.only(choice, words("type"), extra(at))
	case "tool":
		t.Forced = str(choice["name"])
		c.only(choice, words("type name disable_parallel_tool_use"), extra(at))
		if _, ok := t.tool(t.Forced); !ok {
			c.refuse(denied("Tool '" + t.Forced + "' not found in provided tools"))
		}
	default:
		c.refuse(denied("tool_choice: Input tag '" + str(choice["type"]) + "' found using 'type' does not match any of the expected tags"))
	}
}

func anthropicSystem(c *inspector, t *Turn, system any) {
	if s, ok := system.(string); ok {
		t.System = s
		return
	}
	for i, v := range list(system) {
		block := obj(v)
		if str(block["type"]) != "text" {
			c.refuse(denied(sprintf("system.%d.type: Input should be 'text'", i)))
		}
		if str(block["text"]) == "" {
			c.refuse(denied("system: text content blocks must be non-empty"))
		}
		t.System += str(block["text"])
	}
}

// said is one decoded message.
type said struct {
	role          string
	blocks        []object
	calls, result []string
	names         map[string]string
}

func anthropicMessages(c *inspector, t *Turn, doc object) {
	raw := list(doc["messages"])
	if len(raw) == 0 {
		c.refuse(denied("messages: at least one message is required"))
		return
	}
	messages := make([]said, len(raw))
	for i, v := range raw {
		messages[i] = anthropicMessage(c, t, i, i == len(raw)-1, obj(v))
	}
	anthropicOrder(c, t.Model, messages)
	for i := range messages {
		anthropicPairs(c, t, messages, i)
	}
	anthropicStart(c, doc, messages)
	anthropicLast(c, t.Model, messages[len(messages)-1])
	anthropicTurn(t, messages)
}

func anthropicMessage(c *inspector, t *Turn, i int, last bool, m object) said {
	at := sprintf("messages.%d", i)
	c.only(m, words("role content output_config"), extra(at))
	k := said{role: str(m["role"]), names: map[string]string{}}
	system := k.role == "system" && anthropicMidSystem.MatchString(t.Model)
	if k.role != "user" && k.role != "assistant" && !system {
		c.refuse(denied(at + ".role: Input should be 'user' or 'assistant'"))
	}
	if s, ok := m["content"].(string); ok && s != "" {
		k.blocks = []object{{"type": "text", "text": s}}
	}
	for _, v := range list(m["content"]) {
		k.blocks = append(k.blocks, obj(v))
	}
	if len(k.blocks) == 0 && (!last || k.role != "assistant") {
		c.refuse(denied(at + ": all messages must have non-empty content except for the optional final assistant message"))
	}
	for j, block := range k.blocks {
		anthropicBlock(c, t, &k, sprintf("%s.content.%d", at, j), block)
	}
	return k
}

func anthropicBlock(c *inspector, t *Turn, k *said, at string, block object) {
	kind := str(block["type"])
	known, ok := anthropicBlocks[kind]
	if !ok || !anthropicSides[k.role][kind] {
		c.refuse(denied(at + ": Input tag '" + kind + "' found using 'type' does not match any of the expected tags"))
		return
	}
	at += "." + kind
	c.only(block, known, extra(at))
	switch kind {
	case "text":
		anthropicText(c, str(block["text"]))
	case "thinking", "redacted_thinking":
		c.state.Thinking++
		anthropicThought(c, at, block)
	case "tool_use":
		anthropicUse(c, k, at, block)
	case "tool_result":
		k.result = append(k.result, str(block["tool_use_id"]))
		anthropicResultContent(c, at, block["content"])
	case "image", "document":
		t.Media++
		anthropicSource(c, at, obj(block["source"]))
	}
}

func anthropicText(c *inspector, text string) {
	switch {
	case text == "":
		c.refuse(denied("messages: text content blocks must be non-empty"))
	case strings.TrimSpace(text) == "":
		c.refuse(denied("messages: text content blocks must contain non-whitespace text"))
	}
}

func anthropicThought(c *inspector, at string, block object) {
	sig, text := str(block["signature"]), str(block["thinking"])
	place := strings.TrimSuffix(at, "."+str(block["type"]))
	if str(block["type"]) == "redacted_thinking" {
		if !c.seal.issued(str(block["data"])) {
			c.state.Foreign++
			c.refuse(denied(place + ": Invalid `data` in `redacted_thinking` block"))
		}
		return
	}
	switch {
	case sig == "":
		c.refuse(denied(at + ".signature: Field required"))
	case c.seal.sign("thinking", text) == sig:
		c.state.Real++
	case c.seal.issued(sig):
		c.refuse(denied(place + ": `thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain as they were in the original response."))
	default:
		c.state.Foreign++
		c.refuse(denied(place + ": Invalid `signature` in `thinking` block"))
	}
}

func anthropicUse(c *inspector, k *said, at string, block object) {
	id, name := str(block["id"]), str(block["name"])
	if !anthropicID.MatchString(id) {
		c.refuse(denied(at + ".id: String should match pattern '^[a-zA-Z0-9_-]+$'"))
	}
	if slices.Contains(k.calls, id) {
		c.refuse(denied("messages: `tool_use` ids must be unique"))
	}
	if !anthropicName.MatchString(name) {
		c.refuse(denied(at + ".name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'"))
	}
	if obj(block["input"]) == nil {
		c.refuse(denied(at + ".input: Input should be a valid dictionary"))
	}
	k.calls = append(k.calls, id)
	k.names[id] = name
}

func anthropicResultContent(c *inspector, at string, content any) {
	for j, v := range list(content) {
		block := obj(v)
		where := sprintf("%s.content.%d", at, j)
		switch str(block["type"]) {
		case "text":
			anthropicText(c, str(block["text"]))
		case "image", "document":
			anthropicSource(c, where, obj(block["source"]))
		case "search_result", "tool_reference":
		default:
			c.refuse(denied(where + ": Input tag '" + str(block["type"]) + "' found using 'type' does not match any of the expected tags"))
		}
	}
}

func anthropicSource(c *inspector, at string, source object) {
	switch str(source["type"]) {
	case "base64":
		data := str(source["data"])
		if _, err := decodeBase64(data); err != nil || data == "" || str(source["media_type"]) == "" {
			c.refuse(denied(at + ".source.base64.data: invalid base64 data"))
		}
	case "url":
		if !strings.HasPrefix(str(source["url"]), "https://") {
			c.refuse(denied(at + ".source.url: Only HTTPS URLs are supported."))
		}
	case "text", "file", "content":
	default:
		c.refuse(denied(at + ".source: Input tag does not match any of the expected tags"))
	}
}
