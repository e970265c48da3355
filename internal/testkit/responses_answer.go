package testkit

// output are the items of an answer.
func (api responsesAPI) output(in *incoming, t *Turn, r Reply) []object {
	var out []object
	needs := ""
	keep := in.doc["store"] == nil || yes(in.doc["store"])
	add := func(it object) {
		in.fake.give(str(it["id"]), item{kept: keep, needs: needs})
		out = append(out, it)
	}
	if t.Thinking {
		it := api.thought(in, t, r)
		add(it)
		needs = str(it["id"])
	}
	if r.Text != "" || len(r.Calls) == 0 {
		part := object{"type": "output_text", "text": r.Text, "annotations": []any{}, "logprobs": []any{}}
		add(object{"type": "message", "id": in.fake.seal.id("msg_fake"), "status": "completed", "role": "assistant", "content": []any{part}})
	}
	for _, call := range r.Calls {
		id := call.ID
		if id == "" {
			id = in.fake.seal.id("call_fake")
		}
		add(object{"type": "function_call", "id": in.fake.seal.id("fc_fake"), "call_id": id, "name": call.Name, "arguments": call.Args, "status": "completed"})
	}
	return out
}

func (responsesAPI) envelope(in *incoming, t *Turn, status string, output []object, r Reply) object {
	body := object{
		"object": "response", "created_at": 1790000000, "status": status, "model": t.Model, "error": nil,
		"incomplete_details": nil, "instructions": in.doc["instructions"], "output": output, "tools": orEmpty(in.doc["tools"]),
		"tool_choice": "auto", "parallel_tool_calls": true, "metadata": object{}, "temperature": 1.0, "top_p": 1.0, "usage": nil,
		"store": in.doc["store"] == nil || yes(in.doc["store"]),
	}
	switch status {
	case "in_progress":
		return body
	case "incomplete":
		body["incomplete_details"] = object{"reason": "max_output_tokens"}
	}
	u := r.Usage.filled(in, r)
	body["usage"] = object{
		"input_tokens": u.Input, "input_tokens_details": object{"cached_tokens": u.CacheRead}, "output_tokens": u.Output,
		"output_tokens_details": object{"reasoning_tokens": u.Reasoning}, "total_tokens": u.Input + u.Output,
	}
	return body
}

func orEmpty(v any) any {
	if v == nil {
		return []any{}
	}
	return v
}

func responsesStatus(r Reply) string {
	if r.Finish == "length" {
		return "incomplete"
	}
	return "completed"
}

func (api responsesAPI) whole(in *incoming, t *Turn, r Reply) string {
	body := api.envelope(in, t, responsesStatus(r), api.output(in, t, r), r)
	body["id"] = in.fake.seal.id("resp_fake")
	return encode(body)
}

// sequence writes the events of a stream with their numbers.
type sequence struct{ frames []frame }

func (s *sequence) add(name string, o object) {
	o["sequence_number"] = len(s.frames)
	s.frames = append(s.frames, event("response."+name, o))
}

func (api responsesAPI) frames(in *incoming, t *Turn, r Reply) []frame {
	s := &sequence{}
	id := in.fake.seal.id("resp_fake")
	for _, name := range []string{"created", "in_progress"} {
		body := api.envelope(in, t, "in_progress", []object{}, r)
		body["id"] = id
		s.add(name, object{"response": body})
	}
	output := api.output(in, t, r)
	for i, it := range output {
		s.item(i, it)
	}
	status := responsesStatus(r)
	body := api.envelope(in, t, status, output, r)
	body["id"] = id
	s.add(status, object{"response": body})
	return s.frames
}

// item writes the events of one output item (§5.3.7).
func (s *sequence) item(i int, it object) {
	at := func(more object) object {
		more["item_id"], more["output_index"] = it["id"], i
		return more
	}
	open := object{}
	for k, v := range it {
		open[k] = v
	}
	delete(open, "encrypted_content")
	switch str(it["type"]) {
	case "message":
		open["content"], open["status"] = []any{}, "in_progress"
	case "reasoning":
		open["summary"] = []any{}
	case "function_call":
		open["arguments"], open["status"] = "", "in_progress"
	}
	s.add("output_item.added", object{"output_index": i, "item": open})
	switch str(it["type"]) {
	case "message":
		s.message(at, obj(list(it["content"])[0]))
	case "reasoning":
		s.summary(at, list(it["summary"]))
	case "function_call":
		for _, p := range pieces(str(it["arguments"]), 3) {
			s.add("function_call_arguments.delta", at(object{"delta": p}))
		}
		s.add("function_call_arguments.done", at(object{"arguments": it["arguments"], "name": it["name"]}))
	}
	s.add("output_item.done", object{"output_index": i, "item": it})
}

func (s *sequence) message(at func(object) object, part object) {
	empty := object{"type": "output_text", "text": "", "annotations": []any{}, "logprobs": []any{}}
	s.add("content_part.added", at(object{"content_index": 0, "part": empty}))
	for _, p := range pieces(str(part["text"]), 4) {
		s.add("output_text.delta", at(object{"content_index": 0, "delta": p, "logprobs": []any{}}))
	}
	s.add("output_text.done", at(object{"content_index": 0, "text": part["text"], "logprobs": []any{}}))
	s.add("content_part.done", at(object{"content_index": 0, "part": part}))
}

func (s *sequence) summary(at func(object) object, summary []any) {
	for i, v := range summary {
		text := str(obj(v)["text"])
		s.add("reasoning_summary_part.added", at(object{"summary_index": i, "part": object{"type": "summary_text", "text": ""}}))
		for _, p := range pieces(text, 3) {
			s.add("reasoning_summary_text.delta", at(object{"summary_index": i, "delta": p}))
		}
		s.add("reasoning_summary_text.done", at(object{"summary_index": i, "text": text}))
		s.add("reasoning_summary_part.done", at(object{"summary_index": i, "part": v}))
	}
}
