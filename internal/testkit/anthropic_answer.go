package testkit

func anthropicContent(in *incoming, t *Turn, r Reply) []object {
	var blocks []object
	if t.Thinking {
		blocks = append(blocks, anthropicThoughtOut(in, r))
	}
	if r.Text != "" || len(r.Calls) == 0 {
		blocks = append(blocks, object{"type": "text", "text": r.Text})
	}
	for _, call := range r.Calls {
		id := call.ID
		if id == "" {
			id = in.fake.seal.id("toolu_fake")
		}
		input := object{}
		if call.Args != "" {
			input, _ = decode([]byte(call.Args))
		}
		blocks = append(blocks, object{"type": "tool_use", "id": id, "name": call.Name, "input": input})
	}
	return blocks
}

func anthropicThoughtOut(in *incoming, r Reply) object {
	if r.Redacted {
		return object{"type": "redacted_thinking", "data": in.fake.seal.sign("redacted", in.fake.seal.id("r"))}
	}
	text := r.Thinking
	if text == "" {
		text = "Let me think about it."
	}
	if r.Omitted {
		text = ""
	}
	return object{"type": "thinking", "thinking": text, "signature": in.fake.ThinkingSignature(text)}
}

func anthropicStop(r Reply) string {
	switch {
	case r.Finish == "length":
		return "max_tokens"
	case r.Finish != "":
		return r.Finish
	case len(r.Calls) > 0:
		return "tool_use"
	}
	return "end_turn"
}

func anthropicUsage(in *incoming, r Reply) object {
	u := r.Usage.filled(in, r)
	return object{
		"input_tokens": u.Input, "cache_creation_input_tokens": u.CacheWrite, "cache_read_input_tokens": u.CacheRead,
		"output_tokens": u.Output, "service_tier": "standard",
	}
}

func anthropicEnvelope(in *incoming, t *Turn, r Reply) object {
	return object{
		"id": in.fake.seal.id("msg_fake"), "type": "message", "role": "assistant", "model": t.Model,
		"stop_sequence": nil, "usage": anthropicUsage(in, r),
	}
}

func (anthropic) whole(in *incoming, t *Turn, r Reply) string {
	body := anthropicEnvelope(in, t, r)
	body["content"], body["stop_reason"] = anthropicContent(in, t, r), anthropicStop(r)
	return encode(body)
}

func event(name string, o object) frame {
	o["type"] = name
	return frame{event: name, data: encode(o)}
}

func (anthropic) frames(in *incoming, t *Turn, r Reply) []frame {
	usage := anthropicUsage(in, r)
	start := anthropicEnvelope(in, t, r)
	first := anthropicUsage(in, r)
	first["output_tokens"] = 1
	start["content"], start["stop_reason"], start["usage"] = []any{}, nil, first
	out := []frame{event("message_start", object{"message": start}), event("ping", object{})}
	calls := r.Calls
	for i, block := range anthropicContent(in, t, r) {
		args := ""
		if str(block["type"]) == "tool_use" {
			args, calls = calls[0].Args, calls[1:]
		}
		out = append(out, anthropicBlockFrames(i, block, args)...)
	}
	return append(out,
		event("message_delta", object{"delta": object{"stop_reason": anthropicStop(r), "stop_sequence": nil}, "usage": usage}),
		event("message_stop", object{}))
}

func anthropicBlockFrames(i int, block object, args string) []frame {
	open, deltas := anthropicDeltas(block, args)
	out := []frame{event("content_block_start", object{"index": i, "content_block": open})}
	for _, d := range deltas {
		out = append(out, event("content_block_delta", object{"index": i, "delta": d}))
	}
	return append(out, event("content_block_stop", object{"index": i}))
}

func anthropicDeltas(block object, args string) (open object, deltas []object) {
	switch str(block["type"]) {
	case "thinking":
		for _, p := range pieces(str(block["thinking"]), 3) {
			deltas = append(deltas, object{"type": "thinking_delta", "thinking": p})
		}
		deltas = append(deltas, object{"type": "signature_delta", "signature": block["signature"]})
		return object{"type": "thinking", "thinking": "", "signature": ""}, deltas
	case "text":
		for _, p := range pieces(str(block["text"]), 4) {
			deltas = append(deltas, object{"type": "text_delta", "text": p})
		}
		return object{"type": "text", "text": ""}, deltas
	case "tool_use":
		for _, p := range callPieces(args) {
			deltas = append(deltas, object{"type": "input_json_delta", "partial_json": p})
		}
		return object{"type": "tool_use", "id": block["id"], "name": block["name"], "input": object{}}, deltas
	}
	return block, nil
}

// callPieces are the argument deltas of a call: none when the script gives none,
// else an empty one first, as the real API sends it.
func callPieces(args string) []string {
	if args == "" {
		return nil
	}
	return append([]string{""}, pieces(args, 3)...)
}
