package testkit

import (
	"net/http"
	"strings"
)

// invalid is an error as the Chat Completions families write it.
func invalid(message, code, param string) *refusal {
	return &refusal{status: http.StatusBadRequest, message: message, kind: "invalid_request_error", code: code, param: param}
}

// chatFailure writes OpenAI's error object.
func chatFailure(r *refusal) string {
	return encode(object{"error": object{"message": r.message, "type": orNull(r.kind), "param": orNull(r.param), "code": orNull(r.code)}})
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func chatModels(names []string) string {
	data := []any{}
	for _, n := range names {
		data = append(data, object{"id": n, "object": "model", "created": 1700000000, "owned_by": "fake"})
	}
	return encode(object{"object": "list", "data": data})
}

// bearer is the key of the Authorization header.
func bearer(in *incoming) string {
	key, _ := strings.CutPrefix(in.Header.Get("Authorization"), "Bearer ")
	return key
}

// chatRoute serves /chat/completions and /models under any of the prefixes.
func chatRoute(in *incoming, prefixes ...string) operation {
	for _, p := range prefixes {
		switch {
		case in.Method == http.MethodPost && in.URL.Path == p+"/chat/completions":
			return opAnswer
		case in.Method == http.MethodGet && in.URL.Path == p+"/models":
			return opModels
		}
	}
	return opUnknown
}

// chatTurn reads a Chat Completions request that passed the strict rules.
func chatTurn(in *incoming) *Turn {
	doc := in.doc
	t := &Turn{Model: str(doc["model"]), Stream: yes(doc["stream"]), Choices: 1}
	if n, ok := num(doc["n"]); ok && n > 1 {
		t.Choices = int(n)
	}
	t.IncludeUsage = yes(obj(doc["stream_options"])["include_usage"])
	t.Forced = chatForced(doc["tool_choice"])
	format := obj(doc["response_format"])
	t.JSON = str(format["type"]) == "json_object"
	t.Schema = obj(obj(format["json_schema"])["schema"])
	for _, v := range list(doc["tools"]) {
		fn := obj(obj(v)["function"])
		t.Tools = append(t.Tools, Tool{Name: str(fn["name"]), Schema: obj(fn["parameters"])})
	}
	names := map[string]string{}
	for _, v := range list(doc["messages"]) {
		chatMessage(t, obj(v), names)
	}
	return t
}

func chatForced(v any) string {
	if str(v) == "required" {
		return "*"
	}
	return str(obj(obj(v)["function"])["name"])
}

func chatMessage(t *Turn, m object, names map[string]string) {
	text, media := chatText(m["content"])
	t.Media += media
	switch str(m["role"]) {
	case "system", "developer":
		t.System += text
	case "user":
		t.User, t.Steps, t.Results = text, 0, nil
	case "assistant":
		calls := list(m["tool_calls"])
		for _, v := range calls {
			names[str(obj(v)["id"])] = str(obj(obj(v)["function"])["name"])
		}
		if len(calls) > 0 {
			t.Steps++
		}
	case "tool":
		t.Results = append(t.Results, Result{Name: names[str(m["tool_call_id"])], Text: text})
	}
}

// chatText joins the text of a content and counts the media in it.
func chatText(content any) (text string, media int) {
	if s, ok := content.(string); ok {
		return s, 0
	}
	for _, v := range list(content) {
		part := obj(v)
		if str(part["type"]) == "text" {
			text += str(part["text"])
		} else {
			media++
		}
	}
	return text, media
}

// chatAnswer is what a Chat Completions answer is made of.
type chatAnswer struct {
	id, model string
	message   object
	finish    string
	usage     object
}

func newChatAnswer(in *incoming, t *Turn, r Reply, reasoning bool) chatAnswer {
	a := chatAnswer{id: in.fake.seal.id("chatcmpl-fake"), model: t.Model, finish: r.Finish, usage: chatUsage(in, r)}
	a.message = object{"role": "assistant", "content": r.Text}
	if reasoning {
		a.message["reasoning_content"] = r.Thinking
	}
	if len(r.Calls) > 0 {
		a.message["tool_calls"] = chatCalls(in, r.Calls)
		if r.Text == "" {
			a.message["content"] = nil
		}
	}
	if a.finish == "" {
		a.finish = "stop"
		if len(r.Calls) > 0 {
			a.finish = "tool_calls"
		}
	}
	return a
}

func chatCalls(in *incoming, calls []Call) []any {
	var out []any
	for _, c := range calls {
		id := c.ID
		if id == "" {
			id = in.fake.seal.id("call_fake")
		}
		out = append(out, object{"id": id, "type": "function", "function": object{"name": c.Name, "arguments": c.Args}})
	}
	return out
}

func chatUsage(in *incoming, r Reply) object {
	u := r.Usage.filled(in, r)
	return object{
		"prompt_tokens": u.Input, "completion_tokens": u.Output, "total_tokens": u.Input + u.Output,
		"prompt_tokens_details":     object{"cached_tokens": u.CacheRead},
		"completion_tokens_details": object{"reasoning_tokens": u.Reasoning},
	}
}

// filled counts what the script left open.
func (u Usage) filled(in *incoming, r Reply) Usage {
	if u.Input == 0 {
		u.Input = tokens(string(in.body))
	}
	if u.Output == 0 {
		u.Output = tokens(r.Text + encode(r.Calls) + r.Thinking)
	}
	if u.Reasoning == 0 && r.Thinking != "" {
		u.Reasoning = min(u.Output, tokens(r.Thinking))
	}
	return u
}

func (a chatAnswer) whole(t *Turn) object {
	var choices []any
	for i := range t.Choices {
		choices = append(choices, object{"index": i, "message": a.message, "logprobs": nil, "finish_reason": a.finish})
	}
	return object{
		"id": a.id, "object": "chat.completion", "created": 1790000000, "model": a.model,
		"choices": choices, "usage": a.usage, "system_fingerprint": "fp_fake",
	}
}

func (a chatAnswer) chunk(choice int, delta object, finish any) object {
	return object{
		"id": a.id, "object": "chat.completion.chunk", "created": 1790000000, "model": a.model,
		"system_fingerprint": "fp_fake",
		"choices":            []any{object{"index": choice, "delta": delta, "logprobs": nil, "finish_reason": finish}},
	}
}

// chunks writes the answer as the chunks of a stream.
func (a chatAnswer) chunks(t *Turn) []object {
	var out []object
	for i := range t.Choices {
		out = append(out, a.chunk(i, object{"role": "assistant", "content": ""}, nil))
		for _, delta := range a.deltas() {
			out = append(out, a.chunk(i, delta, nil))
		}
		out = append(out, a.chunk(i, object{}, a.finish))
	}
	if t.IncludeUsage {
		last := a.chunk(0, nil, nil)
		last["choices"], last["usage"] = []any{}, a.usage
		out = append(out, last)
	}
	return out
}

func (a chatAnswer) deltas() []object {
	var out []object
	for _, p := range pieces(str(a.message["reasoning_content"]), 3) {
		out = append(out, object{"content": nil, "reasoning_content": p})
	}
	for _, p := range pieces(str(a.message["content"]), 4) {
		out = append(out, object{"content": p})
	}
	for i, v := range list(a.message["tool_calls"]) {
		call := obj(v)
		fn := obj(call["function"])
		open := object{"name": fn["name"], "arguments": ""}
		out = append(out, toolDelta(object{"index": i, "id": call["id"], "type": "function", "function": open}))
		for _, p := range pieces(str(fn["arguments"]), 3) {
			out = append(out, toolDelta(object{"index": i, "function": object{"arguments": p}}))
		}
	}
	return out
}

func toolDelta(call object) object { return object{"tool_calls": []any{call}} }

func chatFrames(chunks []object) []frame {
	var out []frame
	for _, c := range chunks {
		out = append(out, frame{data: encode(c)})
	}
	return append(out, frame{data: "[DONE]"})
}
