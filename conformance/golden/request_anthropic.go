package golden

// canonicalAnthropic reduces a Messages body to what it means.
func canonicalAnthropic(body any) any {
	b, ok := prune(body).(object)
	if !ok {
		return body
	}
	if s, ok := b["system"]; ok {
		b["system"] = textBlocks(s)
		removeIf(b, "system", []any{})
	}
	ids := idMap{}
	for _, m := range objects(b["messages"]) {
		m["content"] = textBlocks(m["content"])
		for _, x := range objects(m["content"]) {
			canonicalAnthropicBlock(x, ids)
		}
	}
	for _, t := range objects(b["tools"]) {
		canonicalAnthropicTool(t)
	}
	dropToolDefaults(b, object{"type": "auto"})
	removeIf(b, "stream", false)
	moveOutputFormat(b)
	return b
}

func canonicalAnthropicBlock(x object, ids idMap) {
	switch x["type"] {
	case "tool_use":
		x["id"] = ids.mapped(x["id"])
		remove(x, "provider_specific_fields", "caller")
	case "tool_result":
		x["tool_use_id"] = ids.mapped(x["tool_use_id"])
		x["content"] = resultJSON(textBlocks(x["content"]))
		removeIf(x, "is_error", false)
	}
	removeIf(x, "citations", []any{})
}

func canonicalAnthropicTool(t object) {
	removeIf(t, "type", "custom")
	removeIf(t, "strict", false)
	if s, ok := t["input_schema"]; ok && (equal(s, object{}) || equal(s, object{"type": "object"})) {
		t["input_schema"] = object{"type": "object", "properties": object{}}
	}
}

// moveOutputFormat: the beta's output_format and today's output_config.format are the same.
func moveOutputFormat(b object) {
	f, ok := b["output_format"]
	if !ok {
		return
	}
	delete(b, "output_format")
	if !truthy(f) {
		return
	}
	config, ok := b["output_config"].(object)
	if !ok {
		config = object{}
		b["output_config"] = config
	}
	config["format"] = f
}
