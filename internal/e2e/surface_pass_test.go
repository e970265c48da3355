package e2e_test

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

const chatAnswer = `{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":100,"total_tokens":1100}}`

func TestProvidersOwnAPIPassesWithOurKeyAndNotTheClients(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/v1/chat/completions": {
			{200, "application/json", chatAnswer, map[string]string{"X-Request-Id": "r1", "Set-Cookie": "a=b", "Openai-Organization": "our-org"}},
			{429, "application/json", `{"error":{"message":"slow down","odd":1}}`, map[string]string{"Retry-After": "7"}},
		},
		"/v1/messages": {{200, "text/event-stream", "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-sonnet-4-5\",\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":7,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}\n\n", nil}},
		"/v1beta/models/gemini-2.5-flash:generateContent": {jsonAnswer(`{"candidates":[],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":20},"modelVersion":"gemini-2.5-flash"}`)},
		"/v1/files/a b": {jsonAnswer(`{}`)},
	})
	g := start(t, modelList("general_settings: {master_key: sk-gateway-0123456789}", up.model("m", "mistral/x", "/v1")),
		"OPENAI_API_KEY", "sk-env-openai", "OPENAI_API_BASE", up.URL+"/v1", "ANTHROPIC_API_KEY", "sk-env-anthropic", "ANTHROPIC_API_BASE", up.URL,
		"GEMINI_API_KEY", "sk-env-gemini", "GEMINI_API_BASE", up.URL+"/v1beta")
	const key = "sk-gateway-0123456789"

	for _, path := range []string{"/openai/v1/chat/completions", "/openai/chat/completions", "/openai_passthrough/v1/chat/completions"} {
		r := g.call("POST", path+"?x=1", "application/json", `{"model":"any"}`, "Authorization", "Bearer "+key, "OpenAI-Beta", "b=1", "Cookie", "c=d")
		got := up.last(t)
		if got.path != "/v1/chat/completions" || got.query != "x=1" || got.body != `{"model":"any"}` || got.header.Get("Authorization") != "Bearer sk-env-openai" || got.header.Get("OpenAI-Beta") != "b=1" || got.header.Get("Cookie") != "" {
			t.Errorf("%s: the upstream got %+v", path, got)
		}
		if r.status == 429 {
			if r.body != `{"error":{"message":"slow down","odd":1}}` || r.header.Get("Retry-After") != "7" {
				t.Errorf("an error is not handed on as it is: %v %s", r.header, r.body)
			}
			continue
		}
		if r.body != chatAnswer || r.header.Get("X-Request-Id") != "r1" || r.header.Get("Set-Cookie") != "" || r.header.Get("Openai-Organization") != "" || r.header.Get("X-Litellm-Response-Cost") != "0.0035" {
			t.Errorf("%s: %d %v %s", path, r.status, r.header, r.body)
		}
	}

	r := g.call("POST", "/anthropic/v1/messages", "application/json", `{"model":"claude-x"}`, "x-api-key", key, "anthropic-version", "2023-06-01")
	if got := up.last(t); got.header.Get("X-Api-Key") != "sk-env-anthropic" || got.header.Get("Anthropic-Version") != "2023-06-01" || !strings.HasPrefix(r.body, "event: message_start\ndata: {") {
		t.Errorf("anthropic: %+v: %s", got, r.body)
	}
	if g.log.Find(0, regexp.MustCompile("in=12 out=9"), nil) == "" {
		t.Errorf("the log does not have the usage of the stream:\n%s", g.log)
	}

	g.call("POST", "/gemini/v1beta/models/gemini-2.5-flash:generateContent?key="+key, "application/json", `{}`)
	if got := up.last(t); got.query != "" || got.header.Get("X-Goog-Api-Key") != "sk-env-gemini" {
		t.Errorf("gemini: %+v", got)
	}
	g.call("GET", "/openai/v1/files/a%20b", "", "", "Authorization", "Bearer "+key)
	if got := up.last(t); got.method != "GET" || got.path != "/v1/files/a b" {
		t.Errorf("%+v", got)
	}
	g.call("GET", "/mistral/v1/models", "", "", "Authorization", "Bearer "+key)
	if got := up.last(t); got.path != "/v1/models" || got.header.Get("Authorization") != "Bearer sk-upstream" {
		t.Errorf("the first deployment's key is not used: %+v", got)
	}
}

func TestPassThroughNeedsTheGatewaysKeyAndAProvidersOwn(t *testing.T) {
	g := start(t, "model_list: []\ngeneral_settings: {master_key: sk-gateway-0123456789}")
	if r := g.call("GET", "/openai/v1/models", "", ""); r.status != 401 {
		t.Errorf("without a key: %d", r.status)
	}
	if r := g.call("GET", "/openai/v1/models", "", "", "Authorization", "Bearer sk-gateway-0123456789"); r.status != 400 || !strings.Contains(r.body, "OPENAI_API_KEY") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestConfiguredModelBelowAnthropicIsAnsweredByItsDeployment(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/chat/completions": {jsonAnswer(`{"id":"c","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}`)}})
	g := start(t, modelList("", up.model("gpt", "openai/gpt-4o", "/v1")), "ANTHROPIC_API_KEY", "sk-env-anthropic", "ANTHROPIC_API_BASE", up.URL)
	r := g.json("/anthropic/v1/messages", `{"model":"gpt","max_tokens":5,"messages":[{"role":"user","content":"x"}]}`)
	if r.status != 200 || !strings.Contains(r.body, `"type":"message"`) || up.last(t).path != "/v1/chat/completions" {
		t.Errorf("%d %s, upstream %s", r.status, r.body, up.last(t).path)
	}
}

func TestOperatorsOwnRoutesLeadToTheirTargets(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{
		"/base/v1/gen": {jsonAnswer(`{"ok":1}`)}, "/one": {{201, "text/plain", "made", nil}},
	})
	g := start(t, `general_settings:
  master_key: sk-gateway-0123456789
  pass_through_endpoints:
    - {path: /bria, target: "`+up.URL+`/base?fixed=1", include_subpath: true, headers: {Authorization: "bearer os.environ/BRIA"}, default_query_params: {v: "2", w: "3"}, cost_per_request: 0.02}
    - {path: /v1/rerank, target: "`+up.URL+`/one", methods: [POST], auth: false}
model_list: []
`, "BRIA", "sk-bria")
	r := g.call("PUT", "/bria/v1/gen?w=4", "application/json", `{"a":1}`, "x-api-key", "sk-gateway-0123456789", "X-Own", "1")
	got := up.last(t)
	if r.status != 200 || got.method != "PUT" || got.path != "/base/v1/gen" || got.query != "fixed=1&v=2&w=4" || got.header.Get("Authorization") != "bearer sk-bria" || got.header.Get("X-Api-Key") != "" || got.header.Get("X-Own") != "" {
		t.Errorf("%d %s; upstream %+v", r.status, r.body, got)
	}
	if g.log.Find(0, regexp.MustCompile(`cost=0\.02`), nil) == "" {
		t.Errorf("the cost is not in the log:\n%s", g.log)
	}
	if r := g.call("GET", "/bria/v1/gen", "", ""); r.status != 401 {
		t.Errorf("without a key: %d", r.status)
	}
	if r := g.call("POST", "/v1/rerank", "application/json", `{}`); r.status != 201 || r.body != "made" {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := g.call("GET", "/v1/rerank", "", ""); r.status != 405 || r.header.Get("Allow") != "POST" {
		t.Errorf("%d %v", r.status, r.header)
	}
	if r := g.call("POST", "/v1/rerank/more", "application/json", `{}`); r.status == 201 {
		t.Error("a path below a route without include_subpath went to its target")
	}
}

func TestPassThroughStreamsBodiesOfAnyLength(t *testing.T) {
	up := upstreamWith(t, map[string][]cannedAnswer{"/v1/files": {jsonAnswer(`{"id":"f"}`)}})
	g := start(t, modelList("fairlead_settings: {max_body_mb: 4}", up.model("m", "openai/x", "/v1")), "OPENAI_API_KEY", "sk-env", "OPENAI_API_BASE", up.URL)
	long := strings.Repeat("x", 3<<20)
	req, _ := http.NewRequest("POST", g.url+"/openai/v1/files", io.MultiReader(strings.NewReader(long))) // of unknown length
	resp, err := g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 || up.last(t).body != long {
		t.Errorf("status %d, %d bytes", resp.StatusCode, len(up.last(t).body))
	}
	req, _ = http.NewRequest("POST", g.url+"/openai/v1/files", io.MultiReader(strings.NewReader(long), strings.NewReader(long)))
	resp, err = g.client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("a body over the limit: %d", resp.StatusCode)
	}
}
