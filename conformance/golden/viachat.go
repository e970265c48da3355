package golden

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Where LiteLLM goes to the Responses API or to DeepSeek's Messages API, chat/completions with the same meaning is
// right too. The script then answers in that format, and the calls are compared by intent.

var apiPath = regexp.MustCompile(`/(v1/|beta/|anthropic/v1/)?(responses|messages|chat/completions)$`)

// chatReply translates the recorded reply for a call that came over chat/completions instead.
func (v *Vector) chatReply(c Call) *Reply {
	if formatOf(c.Path) != openaiFormat {
		return nil
	}
	for _, u := range v.Upstream {
		f := formatOf(u.Request.Path)
		if (f == responsesFormat || f == anthropicFormat) && apiPath.ReplaceAllString(u.Request.Path, "") == apiPath.ReplaceAllString(c.Path, "") {
			reply := chatFrom(u.Response)
			return &reply
		}
	}
	return nil
}

// chatFrom turns a reply of the Responses or Messages API into one of chat/completions.
func chatFrom(r Reply) Reply {
	b := tree(r.Body)
	text, isText := b.(string)
	if r.Status >= 400 || isText && !looksLikeStream.MatchString(text) {
		return r
	}
	if !isText {
		if whole := obj(b); whole != nil {
			return chatBodyReply(newChatAnswer(whole))
		}
		return r
	}
	events, _ := parseEvents(text)
	var final object
	for _, e := range streamObjects(events, kept{}) {
		if e.object["type"] == "error" || truthy(e.object["error"]) {
			return brokenChatStream(r)
		}
		if k := e.object["type"]; final == nil && (k == "response.completed" || k == "response.incomplete") {
			final = obj(e.object["response"])
		}
	}
	if final == nil {
		out, _ := reading{upstream: anthropicFormat}.messagesStream(text)
		final = obj(out)
	}
	return chatStreamReply(newChatAnswer(final))
}

func brokenChatStream(r Reply) Reply {
	r.Body = json.RawMessage(dump(
		`data: {"id":"chatcmpl-fake1","object":"chat.completion.chunk","created":1700000000,"model":"fake","choices":[{"index":0,"delta":{"role":"assistant","content":"Hello fr"},"finish_reason":null}]}` +
			"\n\n" + `data: {"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}` + "\n\n"))
	return r
}

// chatAnswer is what an answer says, ready to be written for chat/completions.
type chatAnswer struct {
	text, thought string
	calls         []any
	finish        string
	usage         object
}

func newChatAnswer(b object) chatAnswer {
	a := chatAnswer{finish: "stop", usage: chatUsage(obj(b["usage"]))}
	for _, it := range objects(b["output"]) {
		switch it["type"] {
		case "message":
			a.text += messageText(it["content"])
		case "function_call":
			a.addCall(str(it["call_id"]), it["name"], str(it["arguments"]))
		}
	}
	for _, x := range objects(b["content"]) {
		a.addBlock(x)
	}
	switch {
	case a.calls != nil:
		a.finish = "tool_calls"
	case b["status"] == "incomplete":
		a.finish = "length"
		if strings.Contains(dump(b["incomplete_details"]), "filter") {
			a.finish = "content_filter"
		}
	case b["stop_reason"] == "max_tokens":
		a.finish = "length"
	case b["stop_reason"] == "refusal":
		a.finish = "content_filter"
	}
	return a
}

func (a *chatAnswer) addBlock(x object) {
	switch x["type"] {
	case "text":
		a.text += str(x["text"])
	case "thinking":
		a.thought = str(x["thinking"])
	case "tool_use":
		id := str(x["id"])
		if id == "" {
			id = fmt.Sprintf("toolu_fake%d", len(a.calls))
		}
		a.addCall(id, x["name"], dump(x["input"]))
	}
}

func (a *chatAnswer) addCall(id string, name any, args string) {
	a.calls = append(a.calls, object{"id": id, "type": "function", "function": object{"name": name, "arguments": args}})
}

func chatUsage(u object) object {
	in := num(u["input_tokens"]) + num(u["cache_read_input_tokens"]) + num(u["cache_creation_input_tokens"])
	out := num(u["output_tokens"])
	cached := num(firstTruthy(get(u, "input_tokens_details", "cached_tokens"), u["cache_read_input_tokens"]))
	return object{
		"prompt_tokens": in, "completion_tokens": out, "total_tokens": in + out,
		"prompt_tokens_details":     object{"cached_tokens": cached},
		"completion_tokens_details": object{"reasoning_tokens": num(get(u, "output_tokens_details", "reasoning_tokens"))},
	}
}

func chatObject(kind string, choices []any) object {
	return object{"id": "chatcmpl-fake1", "created": 1700000000, "model": "fake", "object": kind, "choices": choices}
}

func chatBodyReply(a chatAnswer) Reply {
	m := object{"role": "assistant", "content": nil}
	if a.text != "" {
		m["content"] = a.text
	}
	if a.calls != nil {
		m["tool_calls"] = a.calls
	}
	if a.thought != "" {
		m["reasoning_content"] = a.thought
	}
	b := chatObject("chat.completion", []any{object{"index": 0, "message": m, "finish_reason": a.finish}})
	b["usage"] = a.usage
	return Reply{Status: 200, Body: json.RawMessage(dump(b))}
}

func chatStreamReply(a chatAnswer) Reply {
	var s strings.Builder
	chunk := func(delta object, finish any) {
		c := chatObject("chat.completion.chunk", []any{object{"index": 0, "delta": delta, "finish_reason": finish}})
		s.WriteString("data: " + dump(c) + "\n\n")
	}
	chunk(object{"role": "assistant", "content": ""}, nil)
	if a.thought != "" {
		chunk(object{"reasoning_content": a.thought}, nil)
	}
	if a.text != "" {
		chunk(object{"content": a.text}, nil)
	}
	for i, c := range a.calls {
		f := obj(get(c, "function"))
		head := object{"index": i, "id": get(c, "id"), "type": "function", "function": object{"name": f["name"], "arguments": ""}}
		chunk(object{"tool_calls": []any{head}}, nil)
		chunk(object{"tool_calls": []any{object{"index": i, "function": object{"arguments": f["arguments"]}}}}, nil)
	}
	chunk(object{}, a.finish)
	last := chatObject("chat.completion.chunk", []any{})
	last["usage"] = a.usage
	s.WriteString("data: " + dump(last) + "\n\ndata: [DONE]\n\n")
	return Reply{Status: 200, Body: json.RawMessage(dump(s.String()))}
}

var atIdentity = regexp.MustCompile(`/body/(id|model)$`)

// viaChat compares calls over chat/completions by intent.
func viaChat(e *evaluation, _ RuleArgs) {
	if !e.wentOverChat() {
		return
	}
	e.request = nil
	want, got := e.vector.Upstream, e.got
	if len(want) != len(got) {
		e.failRequest("/upstream", fmt.Sprintf("%d calls", len(want)), fmt.Sprintf("%d calls", len(got)))
		return
	}
	for i := range want {
		at := upstreamPointer(i)
		from, to := formatOf(want[i].Request.Path), formatOf(got[i].Path)
		if from == to || to != openaiFormat {
			e.request = append(e.request, diffCall(canonicalRequest(want[i].Request), canonicalRequest(got[i]), at)...)
			continue
		}
		e.request = append(e.request, e.diffIntent(from, want[i].Request, got[i], at+"/intent")...)
	}
	e.response = without(e.response, func(d Difference) bool { return atIdentity.MatchString(d.Pointer) })
}

func (e *evaluation) wentOverChat() bool {
	over := false
	for _, c := range e.got {
		over = over || formatOf(c.Path) == openaiFormat
	}
	recorded := true
	for _, u := range e.vector.Upstream {
		recorded = recorded && formatOf(u.Request.Path) == openaiFormat
	}
	return over && !recorded
}

const responsesMinimum = 16 // the least max_output_tokens of the Responses API

func (e *evaluation) diffIntent(from format, want, got Call, at string) []Difference {
	w, g := intentOf(from, tree(want.Body)), intentOf(openaiFormat, tree(got.Body))
	if _, ok := w["stop"]; !ok {
		delete(g, "stop")
	}
	if from == responsesFormat {
		if w["max"] == float64(responsesMinimum) && num(g["max"]) < responsesMinimum && equal(g["max"], e.vector.clientBody()["max_tokens"]) {
			g["max"] = w["max"]
		}
		g = obj(tree([]byte(strings.ReplaceAll(dump(g), "Error: ", ""))))
	}
	return diff(w, g, at)
}
