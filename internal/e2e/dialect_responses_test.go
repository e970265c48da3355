package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

var responsesDialect = dialect{
	name: "responses", path: func(question) string { return "/v1/responses" },
	body: responsesBody, whole: responsesWhole, stream: responsesStream, failed: chatFailed, bare: responsesBare,
	kinds: chatDialect.kinds,
}

func responsesBody(q question) string {
	var items []string
	for _, tn := range q.turns {
		switch {
		case tn.kept != "":
			items = append(items, tn.kept)
		case tn.results != nil:
			for _, r := range tn.results {
				items = append(items, `{"type":"function_call_output","call_id":`+quote(r.id)+`,"output":`+quote(r.text)+`}`)
			}
		case tn.image:
			items = append(items, `{"role":"user","content":[{"type":"input_text","text":`+quote(tn.text)+`},{"type":"input_image","image_url":"data:image/png;base64,`+onePixel+`"}]}`)
		default:
			items = append(items, user(tn.text))
		}
	}
	body := `{"model":` + quote(q.model) + `,"store":false,"include":["reasoning.encrypted_content"],"input":` + joined(items) + `}`
	if q.tools {
		body = with(body, "tools", `[{"type":"function","name":"weather","description":"Weather of a city.","strict":false,"parameters":`+weatherSchema+`},{"type":"function","name":"clock","description":"The time.","strict":false,"parameters":{"type":"object","properties":{}}}]`)
	}
	if q.think {
		body = with(body, "reasoning", `{"effort":"low","summary":"auto"}`)
	}
	if q.schema {
		body = with(body, "text", `{"format":{"type":"json_schema","name":"city","strict":true,"schema":`+schemaOfCity+`}}`)
	}
	if q.stream {
		body = streamed(body)
	}
	return body
}

func responsesWhole(t *testing.T, body string) answer {
	t.Helper()
	doc := gjson.Parse(body)
	if doc.Get("object").String() != "response" || !strings.HasPrefix(doc.Get("id").String(), "resp_") || !doc.Get("output").IsArray() {
		t.Errorf("no response: %s", body)
	}
	return responsesAnswer(t, doc)
}

func responsesAnswer(t *testing.T, doc gjson.Result) answer {
	t.Helper()
	a := answer{model: doc.Get("model").String(), input: doc.Get("usage.input_tokens").Int(), used: doc.Get("usage.output_tokens").Int()}
	var kept []string
	for _, it := range doc.Get("output").Array() {
		kept = append(kept, it.Raw)
		switch it.Get("type").String() {
		case "message":
			a.text += it.Get("content.0.text").String()
		case "reasoning":
			for _, s := range it.Get("summary").Array() {
				a.thinking += s.Get("text").String()
			}
		case "function_call":
			a.calls = append(a.calls, madeCall{it.Get("call_id").String(), it.Get("name").String(), it.Get("arguments").String()})
		default:
			t.Errorf("an unknown item: %s", it.Raw)
		}
	}
	a.kept = strings.Join(kept, ",")
	switch doc.Get("status").String() {
	case "completed":
		if a.finish = "stop"; len(a.calls) > 0 {
			a.finish = "tools"
		}
	case "incomplete":
		if doc.Get("incomplete_details.reason").String() == "max_output_tokens" {
			a.finish = "length"
		}
	case "failed":
		a.failure = &failure{0, doc.Get("error.code").String(), doc.Get("error.message").String()}
	}
	return a
}

func responsesBare(kept string) string {
	var out []string
	for _, it := range gjson.Parse("[" + kept + "]").Array() {
		switch it.Get("type").String() {
		case "message":
			out = append(out, `{"role":"assistant","content":`+it.Get("content.0.text").Raw+`}`)
		case "function_call":
			out = append(out, `{"type":"function_call","call_id":`+it.Get("call_id").Raw+`,"name":`+it.Get("name").Raw+`,"arguments":`+it.Get("arguments").Raw+`}`)
		}
	}
	return strings.Join(out, ",")
}

// responsesState follows a stream of Responses and holds it to §5.3.7.
type responsesState struct {
	t     *testing.T
	id    string
	open  string // id of the open item, "" for none
	kind  string
	index int64
	parts map[string]string // the deltas of the open item, by kind
	done  []gjson.Result
	last  gjson.Result
	over  bool
	broke *failure
}

func responsesStream(t *testing.T, body string) answer {
	t.Helper()
	s := &responsesState{t: t}
	for i, fr := range frames(t, body) {
		ev := gjson.Parse(fr.data)
		kind := ev.Get("type").String()
		if kind != fr.event {
			t.Errorf("event %q holds a %q", fr.event, kind)
		}
		if got := ev.Get("sequence_number"); got.Type != gjson.Number || got.Int() != int64(i) && kind != "error" {
			t.Errorf("event %d has the sequence number %s", i, got.Raw)
		}
		if want := map[int]string{0: "response.created", 1: "response.in_progress"}[i]; want != "" && want != kind {
			t.Errorf("event %d is %s, want %s", i, kind, want)
		}
		if s.over {
			t.Errorf("%s after the end", kind)
		}
		s.event(strings.TrimPrefix(kind, "response."), ev)
	}
	if !s.over {
		t.Errorf("the stream does not end: %s", body)
	}
	return s.answer()
}

func (s *responsesState) answer() answer {
	s.t.Helper()
	if s.broke != nil {
		return answer{failure: s.broke}
	}
	output := s.last.Get("output").Array()
	if len(output) > len(s.done) || len(output) < len(s.done) && s.last.Get("status").String() != "failed" {
		s.t.Errorf("%d items are done and %d in the end: %s", len(s.done), len(output), s.last.Raw)
	}
	for i := range min(len(output), len(s.done)) {
		if output[i].Get("id").String() != s.done[i].Get("id").String() || output[i].Raw != s.done[i].Raw {
			s.t.Errorf("item %d is done as %s and ends as %s", i, s.done[i].Raw, output[i].Raw)
		}
	}
	return responsesAnswer(s.t, s.last)
}

func (s *responsesState) event(kind string, ev gjson.Result) {
	s.t.Helper()
	switch kind {
	case "created", "in_progress":
		s.sameResponse(ev)
	case "output_item.added":
		if s.open != "" || ev.Get("output_index").Int() != s.index || ev.Get("item.id").String() == "" {
			s.t.Errorf("an item opens badly: %s", ev.Raw)
		}
		s.open, s.kind, s.parts = ev.Get("item.id").String(), ev.Get("item.type").String(), map[string]string{}
	case "output_item.done":
		s.itemDone(ev)
	case "completed", "incomplete", "failed":
		s.sameResponse(ev)
		if s.over = true; s.open != "" && kind != "failed" {
			s.t.Errorf("item %s is open at the end", s.open)
		}
		s.last = ev.Get("response")
	case "error":
		s.over, s.broke = true, &failure{0, ev.Get("code").String(), ev.Get("message").String()}
	default:
		s.part(kind, ev)
	}
}

func (s *responsesState) sameResponse(ev gjson.Result) {
	s.t.Helper()
	id := ev.Get("response.id").String()
	if s.id == "" {
		s.id = id
	}
	if id == "" || id != s.id {
		s.t.Errorf("the response %q is called %q", s.id, id)
	}
}

// part is an event within an item.
func (s *responsesState) part(kind string, ev gjson.Result) {
	s.t.Helper()
	if ev.Get("item_id").String() != s.open || ev.Get("output_index").Int() != s.index {
		s.t.Errorf("%s for another item than %s: %s", kind, s.open, ev.Raw)
	}
	if name, ok := strings.CutSuffix(kind, ".delta"); ok {
		s.parts[name] += ev.Get("delta").String()
		return
	}
	name, ok := strings.CutSuffix(kind, ".done")
	field := map[string]string{"output_text": "text", "reasoning_summary_text": "text", "function_call_arguments": "arguments", "custom_tool_call_input": "input"}[name]
	if ok && field != "" && ev.Get(field).String() != s.parts[name] {
		s.t.Errorf("%s says %q after the deltas %q", kind, ev.Get(field), s.parts[name])
	}
}

func (s *responsesState) itemDone(ev gjson.Result) {
	s.t.Helper()
	it := ev.Get("item")
	if it.Get("id").String() != s.open || ev.Get("output_index").Int() != s.index || it.Get("type").String() != s.kind {
		s.t.Errorf("another item is done than %s: %s", s.open, ev.Raw)
	}
	said := map[string][2]string{
		"message": {it.Get("content.0.text").String(), s.parts["output_text"]}, "function_call": {it.Get("arguments").String(), s.parts["function_call_arguments"]},
		"reasoning": {it.Get("summary.0.text").String(), s.parts["reasoning_summary_text"]},
	}[s.kind]
	if said[0] != said[1] {
		s.t.Errorf("the item %s says %q after the deltas %q", s.open, said[0], said[1])
	}
	s.done = append(s.done, it)
	s.open = ""
	s.index++
}
