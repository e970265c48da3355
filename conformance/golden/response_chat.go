package golden

import (
	"cmp"
	"slices"
	"strings"
)

func (r reading) chatBody(body any) any {
	if l, ok := body.([]any); ok { // a list of models in one request gives a list of answers
		out := make([]any, len(l))
		for i, x := range l {
			out[i] = r.chat(x)
		}
		return out
	}
	return r.chat(body)
}

func (r reading) chat(body any) any {
	b, ok := body.(object)
	if !ok {
		return body
	}
	choices := []any{}
	for _, c := range objects(b["choices"]) {
		x := object{"index": c["index"], "finish_reason": c["finish_reason"], "message": canonicalMessage(obj(c["message"]))}
		addLogprobs(x, list(get(c, "logprobs", "content")))
		choices = append(choices, x)
	}
	_, isNumber := b["created"].(float64)
	return object{
		"object": b["object"], "model": b["model"], "id": truthy(b["id"]), "created": isNumber,
		"choices": choices, "usage": r.usage(b["usage"]),
	}
}

func addLogprobs(choice object, tokens []any) {
	if len(tokens) == 0 {
		return
	}
	out := []any{}
	for _, t := range objects(tokens) {
		out = append(out, object{"token": t["token"], "logprob": t["logprob"]})
	}
	choice["logprobs"] = out
}

// usage reads OpenAI's usage, with the names that LiteLLM gives to cache tokens.
func (r reading) usage(usage any) object {
	u, ok := usage.(object)
	if !ok {
		return object{}
	}
	in, out := obj(u["prompt_tokens_details"]), obj(u["completion_tokens_details"])
	details := object{
		"cached_tokens":  firstTruthy(in["cached_tokens"], u["cache_read_input_tokens"]),
		"cache_creation": firstTruthy(u["cache_creation_input_tokens"], in["cache_creation_tokens"], in["cache_write_tokens"]),
		"audio_in":       in["audio_tokens"],
		"audio_out":      out["audio_tokens"],
	}
	if r.countsReasoning() {
		details["reasoning_tokens"] = out["reasoning_tokens"]
	}
	o := pick(u, "prompt_tokens", "completion_tokens", "total_tokens")
	for k, v := range details {
		if truthy(v) {
			o[k] = v
		}
	}
	return o
}

func canonicalMessage(m object) object {
	o := pickTruthy(m, "reasoning_content", "refusal", "function_call", "annotations")
	o["role"], o["content"] = m["role"], messageText(m["content"])
	if audio := obj(m["audio"]); len(audio) > 0 {
		a := clone(audio).(object)
		delete(a, "expires_at")
		o["audio"] = a
	}
	if calls := objects(m["tool_calls"]); len(calls) > 0 {
		o["tool_calls"] = canonicalCalls(calls)
	}
	return o
}

func messageText(content any) string {
	var b strings.Builder
	for _, p := range objects(content) {
		b.WriteString(str(p["text"]))
	}
	return str(content) + b.String()
}

func canonicalCalls(calls []object) []any {
	out := []any{}
	seen := map[any]bool{}
	duplicate := false
	for _, t := range calls {
		id, _ := t["id"].(string)
		duplicate = duplicate || seen[id]
		seen[id] = true
		out = append(out, canonicalToolCall(t))
	}
	if duplicate {
		out = append(out, "duplicate tool call ids")
	}
	return out
}

func canonicalToolCall(t object) object {
	f := obj(t["function"])
	x := object{"type": t["type"], "name": f["name"], "args": arguments(f["arguments"])}
	if _, ok := f["arguments"].(string); !ok {
		x["args"] = "arguments must be a string"
	}
	if str(t["id"]) == "" {
		x["id"] = "missing"
	}
	if s := signatureOf(t["id"]); s != "" {
		x["signature_in_id"] = s
	}
	return x
}

// chatStream reassembles a stream of chunks and checks its protocol.
func (r reading) chatStream(text string) (any, kept) {
	events, odd := parseEvents(text)
	rules := kept{}
	n := len(events)
	rules[ruleDoneLast] = n > 0 && events[n-1].done() && !hasDone(events[:n-1])
	rules["no event: lines"] = !slices.ContainsFunc(events, func(e event) bool { return e.name != "" })
	rules["only data lines"] = len(odd) == 0
	s := &chatAssembly{choices: map[float64]*chatChoice{}, dense: true, full: true}
	for _, c := range streamObjects(events, rules) {
		s.chunk(c.object)
	}
	s.report(rules)
	if r.includeUsage {
		rules["usage chunk has empty choices"] = len(s.usageAlone) == 1 && s.usageAlone[0]
	}
	return s.result(r), rules
}

// chatAssembly is what a client's SDK puts together from chunks, and what it stumbles over.
type chatAssembly struct {
	chunks     []object
	err        any
	failed     bool
	choices    map[float64]*chatChoice
	usage      any
	usageAlone []bool // per usage chunk: it has no choices
	late       bool   // something came after a finish
	dense      bool   // tool-call indexes are 0, 1, 2…
	full       bool   // the first delta of each call has id and name
}

type chatChoice struct {
	role                       any
	firstRole                  any
	content, reasoning, refuse string
	calls                      []*chatCall
	finish                     any
	finishes                   int
	logprobs                   []any
}

type chatCall struct {
	index               any
	id, name, arguments string
	kind                any
}

func (s *chatAssembly) chunk(c object) {
	_, isChunk := c["choices"]
	if e, isError := c["error"]; isError && !isChunk {
		s.err, s.failed = e, true
		return
	}
	s.chunks = append(s.chunks, c)
	if truthy(c["usage"]) {
		s.usage = c["usage"]
		s.usageAlone = append(s.usageAlone, len(list(c["choices"])) == 0)
	}
	for _, x := range objects(c["choices"]) {
		s.choice(x)
	}
}

func (s *chatAssembly) choice(x object) {
	d := obj(x["delta"])
	c := s.choices[num(x["index"])]
	if c == nil {
		c = &chatChoice{firstRole: d["role"]}
		s.choices[num(x["index"])] = c
	}
	if c.finishes > 0 && (truthy(d["content"]) || truthy(d["tool_calls"]) || truthy(d["reasoning_content"])) {
		s.late = true
	}
	c.role = firstTruthy(c.role, d["role"])
	c.content += str(d["content"])
	c.reasoning += str(d["reasoning_content"])
	c.refuse += str(d["refusal"])
	for _, t := range objects(d["tool_calls"]) {
		s.call(c, t)
	}
	c.logprobs = append(c.logprobs, list(get(x, "logprobs", "content"))...)
	if truthy(x["finish_reason"]) {
		c.finishes++
		c.finish = x["finish_reason"]
	}
}

func (s *chatAssembly) call(c *chatChoice, t object) {
	f := obj(t["function"])
	i := slices.IndexFunc(c.calls, func(k *chatCall) bool { return equal(k.index, t["index"]) })
	if i < 0 {
		i = len(c.calls)
		s.dense = s.dense && equal(t["index"], float64(i))
		s.full = s.full && truthy(t["id"]) && truthy(f["name"])
		c.calls = append(c.calls, &chatCall{index: t["index"]})
	}
	k := c.calls[i]
	if id := str(t["id"]); id != k.id {
		k.id += id
	}
	if name := str(f["name"]); name != k.name {
		k.name += name
	}
	k.kind = firstTruthy(k.kind, t["type"])
	k.arguments += str(f["arguments"])
}

func (s *chatAssembly) report(rules kept) {
	same := func(key string) bool {
		return !slices.ContainsFunc(s.chunks, func(c object) bool { return !equal(c[key], s.chunks[0][key]) })
	}
	each := func(ok func(object) bool) bool {
		return !slices.ContainsFunc(s.chunks, func(c object) bool { return !ok(c) })
	}
	rules["object is chat.completion.chunk"] = each(func(c object) bool { return c["object"] == "chat.completion.chunk" })
	rules["same id on all chunks"] = same("id") && each(func(c object) bool { return truthy(c["id"]) })
	rules["same model on all chunks"] = same("model")
	rules["created on all chunks"] = each(func(c object) bool { _, ok := c["created"].(float64); return ok })
	role, once := len(s.choices) > 0, len(s.choices) > 0
	for _, c := range s.choices {
		role = role && c.firstRole == "assistant"
		once = once && c.finishes == 1
	}
	rules["first chunk of each choice has role assistant"] = role
	rules["exactly one finish_reason per choice"] = once
	rules["nothing after the finish chunk"] = !s.late
	rules["tool_call index dense from 0"] = s.dense
	rules["first tool delta has id and name"] = s.full
}

func (s *chatAssembly) result(r reading) object {
	o := object{"model": nil, "choices": []any{}}
	if len(s.chunks) > 0 {
		o["model"] = s.chunks[0]["model"]
	}
	indexes := make([]float64, 0, len(s.choices))
	for i := range s.choices {
		indexes = append(indexes, i)
	}
	slices.Sort(indexes)
	choices := []any{}
	for _, i := range indexes {
		choices = append(choices, s.choices[i].result(i))
	}
	o["choices"] = choices
	if r.includeUsage {
		o["usage"] = r.usage(s.usage)
	}
	if s.failed {
		o["error"] = s.err
		if e, ok := s.err.(object); ok {
			o["error"] = object{"type": e["type"], "code": e["code"]}
		}
	}
	return o
}

func (c *chatChoice) result(index float64) object {
	slices.SortStableFunc(c.calls, func(a, b *chatCall) int { return cmp.Compare(num(a.index), num(b.index)) })
	calls := []any{}
	for _, k := range c.calls {
		calls = append(calls, object{"id": k.id, "type": k.kind, "function": object{"name": k.name, "arguments": k.arguments}})
	}
	m := object{"role": c.role, "content": c.content, "reasoning_content": c.reasoning, "refusal": c.refuse, "tool_calls": calls}
	x := object{"index": index, "finish_reason": c.finish, "message": canonicalMessage(m)}
	addLogprobs(x, c.logprobs)
	return x
}

// completions and completionsStream read the legacy text completions.
func (r reading) completions(body any) any {
	b, ok := body.(object)
	if !ok {
		return body
	}
	choices := []any{}
	for _, c := range objects(b["choices"]) {
		choices = append(choices, object{"index": c["index"], "text": c["text"], "finish_reason": c["finish_reason"]})
	}
	return object{"object": b["object"], "model": b["model"], "choices": choices, "usage": r.usage(b["usage"])}
}

func completionsStream(text string) (any, kept) {
	events, _ := parseEvents(text)
	rules := kept{}
	out := object{}
	var full strings.Builder
	for _, c := range streamObjects(events, rules) {
		out["model"] = firstTruthy(out["model"], c.object["model"])
		out["object"] = firstTruthy(out["object"], c.object["object"])
		for _, x := range objects(c.object["choices"]) {
			full.WriteString(str(x["text"]))
			out["finish_reason"] = firstTruthy(x["finish_reason"], out["finish_reason"])
		}
	}
	out["text"] = full.String()
	rules[ruleDoneLast] = len(events) > 0 && events[len(events)-1].done()
	return out, rules
}
