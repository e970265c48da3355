package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

var geminiDialect = dialect{
	name: "gemini", path: geminiPath, body: geminiBody, whole: geminiWhole, stream: geminiStream, failed: geminiFailed, bare: geminiBare,
	kinds: map[int]string{
		400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
		500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
	},
}

func geminiPath(q question) string {
	if q.stream {
		return "/v1beta/models/" + q.model + ":streamGenerateContent?alt=sse"
	}
	return "/v1beta/models/" + q.model + ":generateContent"
}

func geminiBody(q question) string {
	var contents []string
	for _, tn := range q.turns {
		contents = append(contents, geminiTurn(tn))
	}
	body := `{"contents":` + joined(contents) + `}`
	if q.tools {
		body = with(body, "tools", `[{"functionDeclarations":[{"name":"weather","description":"Weather of a city.","parametersJsonSchema":`+weatherSchema+`},{"name":"clock","description":"The time."}]}]`)
	}
	if q.think {
		body = with(body, "generationConfig.thinkingConfig", `{"includeThoughts":true,"thinkingLevel":"LOW"}`)
	}
	if q.schema {
		body = with(body, "generationConfig.responseMimeType", `"application/json"`)
		body = with(body, "generationConfig.responseJsonSchema", schemaOfCity)
	}
	return body
}

func geminiTurn(tn turn) string {
	switch {
	case tn.kept != "":
		return tn.kept
	case tn.results != nil:
		var parts []string
		for _, r := range tn.results {
			p := `{"functionResponse":{"name":` + quote(r.name) + `,"response":{"output":` + quote(r.text) + `}}}`
			if r.id != "" {
				p = with(p, "functionResponse.id", quote(r.id))
			}
			parts = append(parts, p)
		}
		return `{"role":"user","parts":` + joined(parts) + `}`
	case tn.image:
		return `{"role":"user","parts":[{"text":` + quote(tn.text) + `},{"inlineData":{"mimeType":"image/png","data":"` + onePixel + `"}}]}`
	}
	return `{"role":"user","parts":[{"text":` + quote(tn.text) + `}]}`
}

func geminiWhole(t *testing.T, body string) answer {
	t.Helper()
	doc := gjson.Parse(body)
	if doc.Get("candidates.0.content.role").String() != "model" || doc.Get("responseId").String() == "" {
		t.Errorf("no answer of generateContent: %s", body)
	}
	return geminiAnswer(t, doc)
}

func geminiAnswer(t *testing.T, doc gjson.Result) answer {
	t.Helper()
	usage := doc.Get("usageMetadata")
	a := answer{
		model: doc.Get("modelVersion").String(), input: usage.Get("promptTokenCount").Int(),
		used: usage.Get("candidatesTokenCount").Int() + usage.Get("thoughtsTokenCount").Int(),
		kept: doc.Get("candidates.0.content").Raw,
	}
	for _, p := range doc.Get("candidates.0.content.parts").Array() {
		switch call := p.Get("functionCall"); {
		case call.Exists():
			args := call.Get("args").Raw
			if args == "" {
				args = "{}"
			}
			a.calls = append(a.calls, madeCall{call.Get("id").String(), call.Get("name").String(), args})
		case p.Get("thought").Bool():
			a.thinking += p.Get("text").String()
		case p.Get("text").Exists():
			a.text += p.Get("text").String()
		default:
			t.Errorf("an unknown part: %s", p.Raw)
		}
	}
	a.finish = map[string]string{"STOP": "stop", "MAX_TOKENS": "length"}[doc.Get("candidates.0.finishReason").String()]
	if a.finish == "stop" && len(a.calls) > 0 {
		a.finish = "tools"
	}
	return a
}

// geminiStream puts the chunks together as Google's SDKs do: the parts of all in
// order, finish reason and usage of the last that says them.
func geminiStream(t *testing.T, body string) answer {
	t.Helper()
	var chunks []string
	for _, fr := range frames(t, body) {
		if fr.event != "" || !gjson.Valid(fr.data) {
			t.Errorf("no event of streamGenerateContent: %+v", fr)
		}
		chunks = append(chunks, fr.data)
	}
	return geminiChunks(t, chunks)
}

func geminiChunks(t *testing.T, chunks []string) answer {
	t.Helper()
	out := `{"candidates":[{"content":{"role":"model","parts":[]}}]}`
	var broke *failure
	finished := false
	for _, data := range chunks {
		chunk := gjson.Parse(data)
		if broke != nil || finished && chunk.Get("candidates.0.content.parts.0").Exists() {
			t.Errorf("a chunk after the end: %s", data)
		}
		if chunk.Get("error").Exists() {
			f := geminiFailed(t, data)
			broke = &f
			continue
		}
		for _, p := range chunk.Get("candidates.0.content.parts").Array() {
			out = with(out, "candidates.0.content.parts.-1", p.Raw)
		}
		for _, field := range []string{"candidates.0.finishReason", "usageMetadata", "modelVersion", "responseId"} {
			if v := chunk.Get(field); v.Exists() {
				out = with(out, field, v.Raw)
			}
		}
		finished = finished || chunk.Get("candidates.0.finishReason").Exists()
	}
	if finished == (broke != nil) {
		t.Errorf("finished %v and broken %v: %s", finished, broke != nil, strings.Join(chunks, "\n"))
	}
	a := geminiAnswer(t, gjson.Parse(out))
	a.failure = broke
	return a
}

func geminiFailed(t *testing.T, body string) failure {
	t.Helper()
	e := gjson.Get(body, "error")
	if e.Get("code").Type != gjson.Number || e.Get("status").String() == "" {
		t.Errorf("no error of Google: %s", body)
	}
	return failure{int(e.Get("code").Int()), e.Get("status").String(), e.Get("message").String()}
}

func geminiBare(kept string) string {
	out := `{"role":"model","parts":[]}`
	for _, p := range gjson.Get(kept, "parts").Array() {
		switch call := p.Get("functionCall"); {
		case call.Exists():
			bare := `{"functionCall":{"name":` + call.Get("name").Raw + `}}`
			if args := call.Get("args"); args.Exists() {
				bare = with(bare, "functionCall.args", args.Raw)
			}
			out = with(out, "parts.-1", bare)
		case !p.Get("thought").Bool() && p.Get("text").String() != "":
			out = with(out, "parts.-1", `{"text":`+p.Get("text").Raw+`}`)
		}
	}
	return out
}
