package e2e_test

import (
	"encoding/json"
	"strings"
	"testing"
)

func idOf(t *testing.T, r reply) string {
	t.Helper()
	var v struct{ ID string }
	if err := json.Unmarshal([]byte(r.body), &v); err != nil || v.ID == "" {
		t.Fatalf("%d: no id in %s", r.status, r.body)
	}
	return v.ID
}

func TestFilesAndBatchesGoBackToTheDeploymentThatOwnsThem(t *testing.T) {
	answers := func() map[string][]cannedAnswer {
		return map[string][]cannedAnswer{
			"/v1/files":                  {jsonAnswer(`{"id":"file-abc","object":"file","filename":"a.jsonl"}`)},
			"/v1/files/file-abc":         {jsonAnswer(`{"id":"file-abc","object":"file"}`)},
			"/v1/files/file-abc/content": {{200, "application/octet-stream", "{\"id\":\"file-abc\"}\n", nil}},
			"/v1/batches":                {jsonAnswer(`{"id":"batch_1","input_file_id":"file-abc","output_file_id":null,"metadata":{"k":"file-abc"}}`)},
			"/v1/batches/batch_1/cancel": {jsonAnswer(`{"id":"batch_1","status":"cancelling"}`)},
			"/v1/vector_stores":          {jsonAnswer(`{"object":"list","data":[{"id":"vs_1"}],"first_id":"vs_1","last_id":"vs_1"}`)},
		}
	}
	one, two := upstreamWith(t, answers()), upstreamWith(t, answers())
	g := start(t, modelList("", one.model("first", "openai/gpt-4o", "/v1"), two.model("second", "openai/gpt-4o-mini", "/v1")))

	ct, form := formOf(t, "purpose", "batch", "model", "second", "@file", "{}")
	r := g.call("POST", "/v1/files", ct, form)
	file := idOf(t, r)
	if !strings.HasPrefix(file, "file-") || file == "file-abc" || one.count() != 0 || two.count() != 1 {
		t.Fatalf("id %s, calls %d and %d", file, one.count(), two.count())
	}
	if got := two.last(t).body; strings.Contains(got, "second") || !strings.Contains(got, "batch") {
		t.Errorf("the upload that arrived: %s", got)
	}
	if r := g.call("GET", "/v1/files/"+file, "", ""); idOf(t, r) != file || two.last(t).path != "/v1/files/file-abc" {
		t.Errorf("%s", r.body)
	}
	if r := g.call("GET", "/files/"+file+"/content", "", ""); r.body != "{\"id\":\"file-abc\"}\n" {
		t.Errorf("content %q", r.body)
	}
	r = g.json("/v1/batches", `{"input_file_id":"`+file+`","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":"b"}}`)
	same(t, "batch", two.last(t).body, `{"input_file_id":"file-abc","endpoint":"/v1/chat/completions","completion_window":"24h","metadata":{"a":"b"}}`)
	if !strings.Contains(r.body, `"input_file_id":"`+file+`"`) || !strings.Contains(r.body, `"k":"file-abc"`) {
		t.Errorf("%s", r.body)
	}
	g.json("/v1/batches/"+idOf(t, r)+"/cancel", ``)
	if got := two.last(t); got.path != "/v1/batches/batch_1/cancel" {
		t.Errorf("%+v", got)
	}
	if one.count() != 0 {
		t.Error("the first deployment was asked for what it does not own")
	}

	r = g.call("GET", "/v1/vector_stores?limit=1", "", "", "OpenAI-Beta", "assistants=v2")
	if got := one.last(t); got.query != "limit=1" || got.header.Get("OpenAI-Beta") != "assistants=v2" || strings.Contains(r.body, `"vs_1"`) {
		t.Errorf("%+v: %s", got, r.body)
	}
	g.call("GET", "/v1/files?after="+file, "", "")
	if got := two.last(t); got.query != "after=file-abc" {
		t.Errorf("%+v", got)
	}
}

func TestBadRequestsForOwnedThingsAreClientErrors(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/files": {jsonAnswer(`{"id":"file-abc"}`)}})
	g := start(t, modelList("", up.model("a", "openai/gpt-4o", "/v1"), up.model("b", "openai/gpt-4o", "/v1"), up.model("c", "anthropic/claude-sonnet-4-5", "")))
	ct, form := formOf(t, "purpose", "x", "@file", "{}")
	one := idOf(t, g.call("POST", "/v1/files?model=a", ct, form))
	two := idOf(t, g.call("POST", "/v1/files?model=b", ct, form))
	ct2, noFile := formOf(t, "purpose", "x")
	for _, c := range []struct {
		path, contentType, body string
		status                  int
		words                   string
	}{
		{"/v1/files", ct2, noFile, 400, `"param":"file"`},
		{"/v1/files?model=c", ct, form, 400, "has no files"},
		{"/v1/batches", "application/json", `{"input_file_id":"` + one + `","x":"` + two + `"}`, 400, "two deployments"},
		{"/v1/batches", "application/json", `{"api_base":"http://evil"}`, 400, "api_base"},
		{"/v1/batches", "application/json", `[`, 400, "request_body"},
		{"/v1/files?custom_llm_provider=nobody", ct, form, 400, `"param":"model"`},
	} {
		r := g.call("POST", c.path, c.contentType, c.body)
		if r.status != c.status || !strings.Contains(r.body, c.words) {
			t.Errorf("%s: %d %s", c.path, r.status, r.body)
		}
	}
	if r := g.call("GET", "/v1/files/file-"+"ZmwxO2dvbmU7ZmlsZS1hYmM", "", ""); r.status != 404 {
		t.Errorf("a file of a deployment that is gone: %d %s", r.status, r.body)
	}
}
