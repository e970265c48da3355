package golden

// canonicalOpenAI reduces a Chat Completions body to what it means. reasoning keeps reasoning_content, which only some
// upstreams read.
func canonicalOpenAI(body any, reasoning bool) any {
	b, ok := prune(body).(object)
	if !ok {
		return body
	}
	dropStreamDefaults(b)
	ids := idMap{}
	for _, m := range objects(b["messages"]) {
		canonicalOpenAIMessage(m, ids)
		if !reasoning {
			delete(m, "reasoning_content")
		}
	}
	for _, t := range objects(b["tools"]) {
		f := obj(t["function"])
		removeIf(f, "strict", false)
		removeIf(f, "parameters", object{})
		removeIf(f, "parameters", object{"type": "object", "properties": object{}})
	}
	dropToolDefaults(b, "auto")
	removeIf(b, "parallel_tool_calls", true)
	if s, ok := b["stop"].(string); ok {
		b["stop"] = []any{s}
	}
	return b
}

// dropStreamDefaults: no stream and usage in a stream are what every gateway may say or leave out.
func dropStreamDefaults(b object) {
	removeIf(b, "stream", false)
	if so, ok := b["stream_options"].(object); ok {
		delete(so, "include_obfuscation")
		removeIf(b, "stream_options", object{})
		removeIf(b, "stream_options", object{"include_usage": true})
	}
}

func dropToolDefaults(b object, auto any) {
	removeIf(b, "tools", []any{})
	removeIf(b, "tool_choice", auto)
}

func canonicalOpenAIMessage(m object, ids idMap) {
	if texts, ok := plainTexts(m["content"]); ok {
		m["content"] = texts
	}
	if m["role"] == "tool" {
		m["content"] = resultJSON(m["content"])
	}
	removeIf(m, "content", "")
	removeIf(m, "content", []any{})
	remove(m, "provider_specific_fields", "extra_content", "thinking_blocks", "images", "annotations", "refusal")
	if !truthy(m["audio"]) {
		delete(m, "audio")
	}
	removeIf(m, "tool_calls", []any{})
	for _, t := range objects(m["tool_calls"]) {
		canonicalOpenAICall(t, ids)
	}
	if id, ok := m["tool_call_id"]; ok {
		m["tool_call_id"] = ids.mapped(id)
	}
}

func canonicalOpenAICall(t object, ids idMap) {
	t["id"] = ids.mapped(t["id"])
	remove(t, "index", "provider_specific_fields", "extra_content")
	if f, ok := t["function"].(object); ok {
		f["arguments"] = arguments(f["arguments"])
		delete(f, "provider_specific_fields")
	}
}

// plainTexts reduces a list of bare text parts: one is the same as the string, several become a list of strings.
func plainTexts(content any) (any, bool) {
	parts, ok := content.([]any)
	if !ok {
		return nil, false
	}
	texts := make([]any, 0, len(parts))
	for _, p := range parts {
		o, ok := p.(object)
		if !ok || o["type"] != "text" || o["text"] == nil || len(o) != 2 {
			return nil, false
		}
		texts = append(texts, o["text"])
	}
	switch len(texts) {
	case 0:
		return "", true
	case 1:
		return texts[0], true
	}
	return texts, true
}

// canonicalResponses reduces a Responses API body to what it means.
func canonicalResponses(body any) any {
	b, ok := prune(body).(object)
	if !ok {
		return body
	}
	if s, ok := b["input"].(string); ok {
		b["input"] = []any{object{"role": "user", "content": s}}
	}
	ids := idMap{}
	for _, it := range objects(b["input"]) {
		canonicalResponsesItem(it, ids)
	}
	removeIf(b, "stream", false)
	for _, t := range objects(b["tools"]) {
		removeIf(t, "strict", false)
	}
	dropToolDefaults(b, "auto")
	removeIf(b, "include", []any{})
	removeIf(b, "include", []any{"reasoning.encrypted_content"})
	removeIf(b, "parallel_tool_calls", true)
	return b
}

func canonicalResponsesItem(it object, ids idMap) {
	removeIf(it, "type", "message")
	if _, ok := it["role"]; ok {
		it["content"] = responsesTexts(it["content"])
	}
	if id, ok := it["call_id"]; ok {
		it["call_id"] = ids.mapped(id)
	}
	remove(it, "id", "status", "provider_specific_fields")
	for _, k := range []string{"async", "caller", "namespace", "phase"} {
		removeIf(it, k, "")
	}
	if a, ok := it["arguments"]; ok {
		it["arguments"] = arguments(a)
	}
}

// responsesTexts gives the text parts of either direction one type.
func responsesTexts(content any) any {
	blocks, ok := textBlocks(content).([]any)
	if !ok {
		return content
	}
	for i, x := range blocks {
		switch get(x, "type") {
		case "input_text", "output_text", "text":
			blocks[i] = object{"type": "text", "text": get(x, "text")}
		}
	}
	return blocks
}
