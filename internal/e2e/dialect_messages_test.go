package e2e_test

import (
	"fmt"
	"testing"

	"github.com/tidwall/gjson"
)

var messagesDialect = dialect{
	name: "messages", path: func(question) string { return "/v1/messages" },
	body: messagesBody, whole: messagesWhole, stream: messagesStream, failed: messagesFailed, bare: messagesBare,
	kinds: map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large",
		429: "rate_limit_error", 500: "api_error", 503: "overloaded_error", 529: "overloaded_error",
	},
}

func messagesBody(q question) string {
	var messages []string
	for _, tn := range q.turns {
		messages = append(messages, messagesTurn(tn))
	}
	body := `{"model":` + quote(q.model) + `,"max_tokens":4096,"messages":` + joined(messages) + `}`
	if q.tools {
		body = with(body, "tools", `[{"name":"weather","description":"Weather of a city.","input_schema":`+weatherSchema+`},{"name":"clock","description":"The time.","input_schema":{"type":"object","properties":{}}}]`)
	}
	if q.think {
		body = with(body, "thinking", `{"type":"enabled","budget_tokens":1024}`)
	}
	if q.schema {
		body = with(body, "output_config", `{"format":{"type":"json_schema","schema":`+schemaOfCity+`}}`)
	}
	if q.stream {
		body = streamed(body)
	}
	return body
}

func messagesTurn(tn turn) string {
	switch {
	case tn.kept != "":
		return tn.kept
	case tn.results != nil:
		var blocks []string
		for _, r := range tn.results {
			blocks = append(blocks, `{"type":"tool_result","tool_use_id":`+quote(r.id)+`,"content":`+quote(r.text)+`}`)
		}
		return `{"role":"user","content":` + joined(blocks) + `}`
	case tn.image:
		return `{"role":"user","content":[{"type":"text","text":` + quote(tn.text) + `},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + onePixel + `"}}]}`
	}
	return user(tn.text)
}

func messagesWhole(t *testing.T, body string) answer {
	t.Helper()
	doc := gjson.Parse(body)
	if doc.Get("type").String() != "message" || doc.Get("role").String() != "assistant" || doc.Get("id").String() == "" || !doc.Get("stop_sequence").Exists() {
		t.Errorf("no message: %s", body)
	}
	return messagesAnswer(t, doc)
}

func messagesAnswer(t *testing.T, doc gjson.Result) answer {
	t.Helper()
	a := answer{
		model: doc.Get("model").String(), kept: `{"role":"assistant","content":` + doc.Get("content").Raw + `}`,
		finish: map[string]string{"end_turn": "stop", "tool_use": "tools", "max_tokens": "length"}[doc.Get("stop_reason").String()],
		input:  doc.Get("usage.input_tokens").Int() + doc.Get("usage.cache_read_input_tokens").Int(), used: doc.Get("usage.output_tokens").Int(),
	}
	for _, b := range doc.Get("content").Array() {
		switch b.Get("type").String() {
		case "text":
			a.text += b.Get("text").String()
		case "thinking":
			a.thinking += b.Get("thinking").String()
		case "tool_use":
			if !b.Get("input").IsObject() {
				t.Errorf("a call without input: %s", b.Raw)
			}
			a.calls = append(a.calls, madeCall{b.Get("id").String(), b.Get("name").String(), b.Get("input").Raw})
		case "redacted_thinking":
		default:
			t.Errorf("an unknown block: %s", b.Raw)
		}
	}
	return a
}

func messagesFailed(t *testing.T, body string) failure {
	t.Helper()
	doc := gjson.Parse(body)
	if doc.Get("type").String() != "error" || !doc.Get("error.message").Exists() {
		t.Errorf("no error of Messages: %s", body)
	}
	return failure{0, doc.Get("error.type").String(), doc.Get("error.message").String()}
}

func messagesBare(kept string) string {
	out := `{"role":"assistant","content":[]}`
	for _, b := range gjson.Get(kept, "content").Array() {
		switch b.Get("type").String() {
		case "text":
			out = with(out, "content.-1", `{"type":"text","text":`+b.Get("text").Raw+`}`)
		case "tool_use":
			out = with(out, "content.-1", `{"type":"tool_use","id":`+b.Get("id").Raw+`,"name":`+b.Get("name").Raw+`,"input":`+b.Get("input").Raw+`}`)
		}
	}
	return out
}

// messagesState follows a stream of Messages and holds it to §5.2-7.
type messagesState struct {
	t    *testing.T
	doc  string
	open int // index of the open block, -1 for none
	next int // index of the next block
	json string
	// over is the step at the end: 1 after message_delta, 2 after message_stop or an error.
	over    int
	failure *failure
}

func messagesStream(t *testing.T, body string) answer {
	t.Helper()
	s := &messagesState{t: t, open: -1}
	for i, fr := range frames(t, body) {
		ev := gjson.Parse(fr.data)
		kind := ev.Get("type").String()
		if kind != fr.event {
			t.Errorf("event %q holds a %q", fr.event, kind)
		}
		if (kind == "message_start") != (i == 0) && kind != "ping" && kind != "error" {
			t.Errorf("event %d is %s", i, kind)
		}
		s.event(kind, ev)
	}
	if s.over != 2 {
		t.Errorf("the stream does not end: %s", body)
	}
	a := messagesAnswer(t, gjson.Parse(s.doc))
	a.failure = s.failure
	return a
}

func (s *messagesState) event(kind string, ev gjson.Result) {
	s.t.Helper()
	if s.over == 2 {
		s.t.Errorf("%s after the end", kind)
	}
	switch kind {
	case "ping":
	case "message_start":
		s.doc = ev.Get("message").Raw
		if m := ev.Get("message"); len(m.Get("content").Array()) != 0 || !m.Get("usage.input_tokens").Exists() || !m.Get("stop_reason").Exists() {
			s.t.Errorf("a bad beginning: %s", ev.Raw)
		}
	case "content_block_start":
		s.start(ev)
	case "content_block_delta":
		s.delta(ev)
	case "content_block_stop":
		s.stop(ev)
	case "message_delta":
		if s.open >= 0 || s.over != 0 || ev.Get("delta.stop_reason").String() == "" || !ev.Get("usage.output_tokens").Exists() {
			s.t.Errorf("a bad message_delta: %s", ev.Raw)
		}
		s.over = 1
		s.doc = with(s.doc, "stop_reason", ev.Get("delta.stop_reason").Raw)
		for name, v := range ev.Get("usage").Map() {
			s.doc = with(s.doc, "usage."+name, v.Raw)
		}
	case "message_stop":
		if s.over != 1 {
			s.t.Error("message_stop before message_delta")
		}
		s.over = 2
	case "error":
		f := messagesFailed(s.t, ev.Raw)
		s.failure, s.over = &f, 2
	default:
		s.t.Errorf("an unknown event: %s", ev.Raw)
	}
}

func (s *messagesState) start(ev gjson.Result) {
	s.t.Helper()
	i := int(ev.Get("index").Int())
	if s.open >= 0 || i != s.next || s.over != 0 {
		s.t.Errorf("block %d opens while %d is open and %d is next", i, s.open, s.next)
	}
	s.open, s.json = i, ""
	s.doc = with(s.doc, fmt.Sprintf("content.%d", i), ev.Get("content_block").Raw)
}

func (s *messagesState) delta(ev gjson.Result) {
	s.t.Helper()
	i := int(ev.Get("index").Int())
	at := fmt.Sprintf("content.%d", i)
	block := gjson.Get(s.doc, at)
	d := ev.Get("delta")
	want := map[string]string{"text_delta": "text", "thinking_delta": "thinking", "signature_delta": "thinking", "input_json_delta": "tool_use"}[d.Get("type").String()]
	if i != s.open || want != block.Get("type").String() {
		s.t.Errorf("a %s for block %d of type %s while %d is open", d.Get("type"), i, block.Get("type"), s.open)
	}
	switch d.Get("type").String() {
	case "text_delta", "thinking_delta":
		s.doc = with(s.doc, at+"."+want, quote(block.Get(want).String()+d.Get(want).String()))
	case "signature_delta":
		s.doc = with(s.doc, at+".signature", quote(block.Get("signature").String()+d.Get("signature").String()))
	case "input_json_delta":
		s.json += d.Get("partial_json").String()
	}
}

func (s *messagesState) stop(ev gjson.Result) {
	s.t.Helper()
	i := int(ev.Get("index").Int())
	if i != s.open {
		s.t.Errorf("block %d closes while %d is open", i, s.open)
	}
	if s.json != "" {
		if !gjson.Valid(s.json) {
			s.t.Errorf("block %d has the input %q", i, s.json)
		}
		s.doc = with(s.doc, fmt.Sprintf("content.%d.input", i), s.json)
	}
	s.open, s.next = -1, i+1
}
