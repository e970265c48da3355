package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"
)

func TestInspectionShowsWhatWouldHappenWithoutDoingIt(t *testing.T) {
	up := upstreamWith(t, nil)
	g := start(t, modelList("", up.model("claude", "anthropic/claude-sonnet-4-5", "")))
	r := g.json("/utils/token_counter", `{"model":"claude","messages":[{"role":"user","content":"How many tokens are in this?"}]}`)
	if r.status != 200 || !strings.Contains(r.body, `"model_used":"claude-sonnet-4-5","tokenizer_type":"estimate"`) || strings.Contains(r.body, `"total_tokens":0`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := g.json("/utils/token_counter", `{"model":"any","prompt":["one two","three"]}`); !strings.Contains(r.body, `"total_tokens":3`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	r = g.call("GET", "/utils/supported_openai_params?model=claude", "", "")
	for _, name := range []string{"tools", "temperature", "max_tokens", "reasoning_effort"} {
		if !strings.Contains(r.body, `"`+name+`"`) {
			t.Errorf("%s is missing: %s", name, r.body)
		}
	}
	for _, name := range []string{"seed", "logit_bias", "n"} {
		if strings.Contains(r.body, `"`+name+`"`) {
			t.Errorf("%s is not supported: %s", name, r.body)
		}
	}
	if r := g.call("GET", "/utils/supported_openai_params?model=gemini/gemini-2.5-flash", "", ""); !strings.Contains(r.body, `"seed"`) {
		t.Errorf("%s", r.body)
	}
	r = g.json("/utils/transform_request", `{"call_type":"completion","request_body":{"model":"claude","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}}`)
	if r.status != 200 || !strings.Contains(r.body, `"raw_request_api_base":"`+up.URL+`/v1/messages"`) || !strings.Contains(r.body, `"model":"claude-sonnet-4-5"`) || strings.Contains(r.body, "sk-upstream") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if up.count() != 0 {
		t.Errorf("%d requests were sent", up.count())
	}
	for _, c := range []struct{ path, body, param string }{
		{"/utils/token_counter", `{}`, "model"},
		{"/utils/token_counter", `{"model":"m"}`, "messages"},
		{"/utils/token_counter", `{"model":"m","prompt":[1]}`, "prompt"},
		{"/utils/transform_request", `{"request_body":[]}`, "request_body"},
		{"/utils/transform_request", `{"call_type":"embedding","request_body":{}}`, "call_type"},
	} {
		if r := g.json(c.path, c.body); r.status != 400 || !strings.Contains(r.body, `"param":"`+c.param+`"`) {
			t.Errorf("%s %s: %d %s", c.path, c.body, r.status, r.body)
		}
	}
	if r := g.call("GET", "/utils/supported_openai_params?model=nobody-knows", "", ""); r.status != 400 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestTransformRequestSaysWhatWouldBeLost(t *testing.T) {
	up := upstreamWith(t, nil)
	g := start(t, modelList("litellm_settings: {drop_params: true}", up.model("claude", "anthropic/claude-sonnet-4-5", "")))
	const request = `{"request_body":{"model":"claude","max_tokens":5,"seed":7,"messages":[{"role":"user","content":"hi"}]}}`
	r := g.json("/utils/transform_request", request)
	what, header := gjson.Get(r.body, "fairlead_dropped.0.what").String(), r.header.Get("x-fairlead-dropped")
	if r.status != 200 || what != "seed" || !strings.HasPrefix(header, "seed") || gjson.Get(r.body, "fairlead_dropped.0.why").String() == "" || gjson.Get(r.body, "raw_request_body.seed").Exists() {
		t.Errorf("%d %q %s", r.status, header, r.body)
	}
	r = g.json("/utils/transform_request", strings.Replace(request, `"seed":7,`, "", 1))
	if gjson.Get(r.body, "fairlead_dropped").Raw != "[]" || r.header.Get("x-fairlead-dropped") != "" {
		t.Errorf("nothing is lost, but: %s", r.body)
	}
}
