package e2e_test

import (
	"net/http"
	"testing"

	"github.com/tidwall/gjson"
)

var chatDialect = dialect{
	name: "chat", path: func(question) string { return "/v1/chat/completions" },
	body: chatBody, whole: chatWhole, stream: chatStream, failed: chatFailed, bare: onlyIDs,
	kinds: map[int]string{400: "invalid_request_error", 401: "authentication_error", 404: "", 413: "invalid_request_error", 429: "throttling_error"},
}

func chatBody(q question) string {
	var messages []string
	for _, tn := range q.turns {
		switch {
		case tn.kept != "":
			messages = append(messages, tn.kept)
		case tn.results != nil:
			for _, r := range tn.results {
				messages = append(messages, result(r.id, r.text))
			}
		case tn.image:
			messages = append(messages, `{"role":"user","content":[{"type":"text","text":`+quote(tn.text)+`},{"type":"image_url","image_url":{"url":"data:image/png;base64,`+onePixel+`"}}]}`)
		default:
			messages = append(messages, user(tn.text))
		}
	}
	body := `{"model":` + quote(q.model) + `,"messages":` + joined(messages) + `}`
	if q.tools {
		body = with(body, "tools", tools)
	}
	if q.think {
		body = with(body, "reasoning_effort", `"low"`)
	}
	if q.schema {
		body = with(body, "response_format", `{"type":"json_schema","json_schema":{"name":"city","strict":true,"schema":`+schemaOfCity+`}}`)
	}
	if q.stream {
		body = with(streamed(body), "stream_options", `{"include_usage":true}`)
	}
	return body
}

func chatWhole(t *testing.T, body string) answer {
	t.Helper()
	doc := gjson.Parse(body)
	m := doc.Get("choices.0.message")
	a := answer{
		text: m.Get("content").String(), thinking: m.Get("reasoning_content").String(), model: doc.Get("model").String(),
		input: doc.Get("usage.prompt_tokens").Int(), used: doc.Get("usage.completion_tokens").Int(), kept: m.Raw,
		finish: map[string]string{"stop": "stop", "tool_calls": "tools", "length": "length"}[doc.Get("choices.0.finish_reason").String()],
	}
	for _, c := range m.Get("tool_calls").Array() {
		a.calls = append(a.calls, madeCall{c.Get("id").String(), c.Get("function.name").String(), c.Get("function.arguments").String()})
	}
	if e := doc.Get("error"); e.Exists() {
		a.failure = &failure{int(e.Get("code").Int()), e.Get("type").String(), e.Get("message").String()}
	}
	return a
}

func chatStream(t *testing.T, body string) answer {
	t.Helper()
	r := reply{t, http.StatusOK, nil, body}.assembled()
	// The model stands in every chunk; the assembly does not keep it.
	out := chatWhole(t, r.body)
	out.model = gjson.Get(frames(t, body)[0].data, "model").String()
	return out
}

func chatFailed(t *testing.T, body string) failure {
	t.Helper()
	e := gjson.Get(body, "error")
	if e.Get("code").Type != gjson.String || !e.Get("param").Exists() {
		t.Errorf("no error object of Chat Completions: %s", body)
	}
	return failure{int(e.Get("code").Int()), e.Get("type").String(), e.Get("message").String()}
}
