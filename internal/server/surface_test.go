package server_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/app"
)

const key = "sk-surface-test-key-0123456789"

// models need no upstream: their deployments answer themselves.
const models = `
model_list:
  - model_name: plain
    litellm_params: {model: openai/gpt-4o, api_key: sk-canary-surface-1, mock_response: "Hello from the mock"}
    model_info: {id: id-plain}
  - model_name: a/b/c
    litellm_params: {model: openai/gpt-4o-mini, api_key: sk-canary-surface-1, mock_response: "slashes"}
  - model_name: gemini/*
    litellm_params: {model: gemini/*, api_key: sk-canary-surface-1, mock_response: "any gemini"}
router_settings:
  model_group_alias: {seen: plain, unseen: {model: plain, hidden: true}}
  fallbacks: [{plain: [a/b/c]}]
`

func start(t *testing.T, yaml string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	if err := os.WriteFile(path, []byte(yaml), 0o600); err != nil {
		t.Fatal(err)
	}
	clock := func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) }
	r, err := app.StartAt(context.Background(), app.Options{
		Args: []string{"--config", path, "--host", "127.0.0.1", "--port", "0"},
		Env:  func(string) (string, bool) { return "", false }, Stdout: io.Discard, Stderr: io.Discard,
	}, clock)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return "http://" + r.Addr
}

func do(t *testing.T, method, url, body string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

func content(t *testing.T, body string) string {
	t.Helper()
	var v struct {
		Model   string
		Choices []struct {
			Message struct{ Content string }
		}
	}
	if err := json.Unmarshal([]byte(body), &v); err != nil || len(v.Choices) != 1 {
		t.Fatalf("%v: %s", err, body)
	}
	return v.Choices[0].Message.Content
}

func TestEveryChatRouteAnswers(t *testing.T) {
	url := start(t, models)
	ask := `{"model":"plain","messages":[{"role":"user","content":"Hi"}]}`
	for path, want := range map[string]string{
		"/v1/chat/completions":            "Hello from the mock",
		"/chat/completions":               "Hello from the mock",
		"/engines/a/b/c/chat/completions": "slashes",
		"/openai/deployments/a%2Fb%2Fc/chat/completions?api-version=2024": "slashes",
	} {
		resp, body := do(t, "POST", url+path, ask)
		if resp.StatusCode != 200 || content(t, body) != want {
			t.Errorf("%s: status %d, %s", path, resp.StatusCode, body)
		}
	}
}

func TestAnswersTellWhereTheyCameFrom(t *testing.T) {
	url := start(t, models)
	resp, body := do(t, "POST", url+"/v1/chat/completions", `{"model":"plain","messages":[{"role":"user","content":"Hi"}]}`, "x-litellm-call-id", "my-id-1")
	for name, want := range map[string]string{
		"x-litellm-call-id": "my-id-1", "x-litellm-model-id": "id-plain", "x-litellm-model-group": "plain",
		"x-litellm-attempted-retries": "0", "x-litellm-attempted-fallbacks": "0", "x-litellm-response-cost": "0.000225",
		"x-content-type-options": "nosniff", "x-frame-options": "DENY",
	} {
		if got := resp.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, name := range []string{"x-litellm-version", "x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms"} {
		if resp.Header.Get(name) == "" {
			t.Errorf("%s is missing", name)
		}
	}
	if resp.Header.Get("x-litellm-model-api-base") != "" {
		t.Error("the upstream's address is shown although nobody asked for it")
	}
	if !strings.Contains(body, `"model":"plain"`) {
		t.Errorf("the answer's model is not the name that was asked for: %s", body)
	}
}

func TestACallIDThatCouldForgeAHeaderIsReplaced(t *testing.T) {
	url := start(t, models)
	resp, _ := do(t, "GET", url+"/health/liveliness", "", "x-litellm-call-id", strings.Repeat("x", 4000))
	if id := resp.Header.Get("x-litellm-call-id"); len(id) != 36 {
		t.Errorf("call id %q, want one of our own", id)
	}
}

func TestModelListHasGroupsVisibleAliasesAndWhatWildcardsStandFor(t *testing.T) {
	url := start(t, models)
	_, body := do(t, "GET", url+"/v1/models", "")
	ids := modelIDs(t, body)
	for _, want := range []string{"seen", "plain", "a/b/c", "gemini/gemini-3.1-pro-preview"} {
		if !slices.Contains(ids, want) {
			t.Errorf("%s is missing in %v", want, ids)
		}
	}
	for _, hidden := range []string{"unseen", "gemini/*"} {
		if slices.Contains(ids, hidden) {
			t.Errorf("%s is listed", hidden)
		}
	}
	_, body = do(t, "GET", url+"/models?return_wildcard_routes=true", "")
	if !slices.Contains(modelIDs(t, body), "gemini/*") {
		t.Error("the pattern is not listed when asked for")
	}
}

func modelIDs(t *testing.T, body string) []string {
	t.Helper()
	var v struct{ Data []struct{ ID string } }
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	var ids []string
	for _, d := range v.Data {
		ids = append(ids, d.ID)
	}
	return ids
}

func TestOneModelIsFoundByNameAliasAndPattern(t *testing.T) {
	url := start(t, models)
	for id, status := range map[string]int{"plain": 200, "a/b/c": 200, "unseen": 200, "gemini/gemini-2.5-pro": 200, "nope": 404} {
		resp, body := do(t, "GET", url+"/v1/models/"+id, "")
		if resp.StatusCode != status || (status == 200) != strings.Contains(body, `"id":"`+id+`"`) {
			t.Errorf("%s: status %d, %s", id, resp.StatusCode, body)
		}
	}
}

func TestDeploymentsAreShownWithoutTheirKeys(t *testing.T) {
	url := start(t, models)
	resp, body := do(t, "GET", url+"/model/info", "")
	if resp.StatusCode != 200 || !strings.Contains(body, `"model_name":"seen"`) || !strings.Contains(body, `"input_cost_per_token"`) {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	if strings.Contains(body, "canary") {
		t.Errorf("a key is shown: %s", body)
	}
	if _, one := do(t, "GET", url+"/v1/model/info?litellm_model_id=id-plain", ""); strings.Contains(one, "a/b/c") || !strings.Contains(one, "id-plain") {
		t.Errorf("filter: %s", one)
	}
	if resp, _ := do(t, "GET", url+"/model/info?litellm_model_id=nope", ""); resp.StatusCode != 404 {
		t.Errorf("unknown id: status %d", resp.StatusCode)
	}
}

func TestAListOfModelsIsAnsweredByEach(t *testing.T) {
	url := start(t, models)
	resp, body := do(t, "POST", url+"/v1/chat/completions", `{"model":"plain, a/b/c","messages":[{"role":"user","content":"Hi"}]}`)
	var list []struct{ Model string }
	if err := json.Unmarshal([]byte(body), &list); err != nil || resp.StatusCode != 200 || len(list) != 2 || list[0].Model != "gpt-4o" || list[1].Model != "gpt-4o-mini" {
		t.Errorf("status %d, %v: %s", resp.StatusCode, err, body)
	}
	resp, _ = do(t, "POST", url+"/v1/chat/completions", `{"model":"plain,a/b/c","stream":true,"messages":[]}`)
	if resp.StatusCode != 400 {
		t.Errorf("as a stream: status %d, want 400", resp.StatusCode)
	}
}

func TestRoutesThatNeedAKeySaySo(t *testing.T) {
	url := start(t, models+"general_settings: {master_key: "+key+"}\n")
	for path, open := range map[string]bool{
		"/": true, "/openapi.json": true, "/health/liveliness": true, "/health/liveness": true, "/health/readiness": true,
		"/v1/models": false, "/models": false, "/model/info": false, "/health": false, "/v1/models/plain": false,
	} {
		resp, body := do(t, "GET", url+path, "")
		if !open && resp.Header.Get("X-Should-Retry") != "false" {
			t.Errorf("%s: nothing tells the client that another try with this key is in vain", path)
		}
		if want := map[bool]int{true: 200, false: 401}[open]; resp.StatusCode != want {
			t.Errorf("%s without a key: status %d, want %d: %s", path, resp.StatusCode, want, body)
		}
		if resp, _ := do(t, "GET", url+path, "", "Authorization", "Bearer "+key); resp.StatusCode != 200 {
			t.Errorf("%s with the key: status %d", path, resp.StatusCode)
		}
		if open && strings.Contains(body, "plain") {
			t.Errorf("%s tells model names to nobody in particular", path)
		}
	}
}

func TestUnknownRoutesAreAClear404(t *testing.T) {
	url := start(t, models)
	for _, path := range []string{"/nope", "/engines/x", "/engines/chat/completionsx", "/v1"} {
		resp, body := do(t, "POST", url+path, "{}")
		if resp.StatusCode != 404 || !strings.Contains(body, `"error"`) || !strings.Contains(body, "/v1/chat/completions") {
			t.Errorf("%s: status %d, %s", path, resp.StatusCode, body)
		}
	}
}

func TestBrowsersMayAskFromAnyOrigin(t *testing.T) {
	url := start(t, models)
	resp, _ := do(t, "OPTIONS", url+"/v1/chat/completions", "", "Origin", "http://x.test", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization")
	if resp.StatusCode != 200 || resp.Header.Get("Access-Control-Allow-Origin") != "*" || resp.Header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: status %d, %v", resp.StatusCode, resp.Header)
	}
}

func TestBodiesOverTheLimitAreRefusedBeforeTheyAreRead(t *testing.T) {
	url := start(t, models+"fairlead_settings: {max_body_mb: 1}\n")
	big := `{"model":"plain","messages":[{"role":"user","content":"` + strings.Repeat("x", 2<<20) + `"}]}`
	resp, body := do(t, "POST", url+"/v1/chat/completions", big)
	if resp.StatusCode != http.StatusRequestEntityTooLarge || !strings.Contains(body, "1048576 bytes") {
		t.Errorf("declared: status %d, %s", resp.StatusCode, body)
	}
	req, err := http.NewRequest("POST", url+"/v1/chat/completions", io.MultiReader(strings.NewReader(big)))
	if err != nil {
		t.Fatal(err)
	}
	resp, err = http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("chunked: status %d", resp.StatusCode)
	}
}

func TestCompressedBodiesAreRefused(t *testing.T) {
	url := start(t, models)
	if resp, _ := do(t, "POST", url+"/v1/chat/completions", "x", "Content-Encoding", "gzip"); resp.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("status %d, want 415", resp.StatusCode)
	}
}

func TestTheHomePageShowsHowToAskThisGateway(t *testing.T) {
	url := start(t, models)
	resp, body := do(t, "GET", url+"/", "", "Host", "evil.test")
	if resp.StatusCode != 200 || !strings.Contains(body, strings.TrimPrefix(url, "http://")+"/v1/chat/completions") || !strings.Contains(body, "plain") {
		t.Errorf("status %d, page lacks this gateway's address or a model", resp.StatusCode)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
}

func TestTheDescriptionOfTheSurfaceListsItsRoutes(t *testing.T) {
	url := start(t, models)
	_, body := do(t, "GET", url+"/openapi.json", "")
	var v struct{ Paths map[string]map[string]any }
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	for _, path := range []string{"/v1/chat/completions", "/engines/{model}/chat/completions", "/v1/models", "/v1/models/{id}", "/"} {
		if v.Paths[path] == nil {
			t.Errorf("%s is missing in %v", path, v.Paths)
		}
	}
}

func TestMockedDeploymentsStream(t *testing.T) {
	url := start(t, models)
	resp, body := do(t, "POST", url+"/v1/chat/completions", `{"model":"plain","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi"}]}`)
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") || !strings.Contains(body, "Hello from the mock") ||
		!strings.Contains(body, `"usage":{`) || !strings.HasSuffix(body, "data: [DONE]\n\n") {
		t.Errorf("%s: %s", resp.Header.Get("Content-Type"), body)
	}
}

func TestCompletionModelReplacesTheClientsModel(t *testing.T) {
	url := start(t, models+"general_settings: {completion_model: a/b/c}\n")
	_, body := do(t, "POST", url+"/v1/chat/completions", `{"model":"plain","messages":[{"role":"user","content":"Hi"}]}`)
	if content(t, body) != "slashes" {
		t.Errorf("completion_model does not replace the client's model: %s", body)
	}
}

func TestGeminiClientsGetVectorsFromAnyEmbeddingModel(t *testing.T) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/embeddings" {
			t.Errorf("the upstream was asked %s", r.URL.Path)
		}
		_, _ = io.WriteString(w, `{"object":"list","model":"m","data":[{"object":"embedding","index":1,"embedding":[2]},{"object":"embedding","index":0,"embedding":[1]}],"usage":{"prompt_tokens":2,"total_tokens":2}}`)
	}))
	defer upstream.Close()
	url := start(t, "model_list:\n  - model_name: vec\n    litellm_params: {model: openai/text-embedding-3-small, api_key: sk-x, api_base: "+upstream.URL+"/v1}\n")
	two := `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`
	resp, body := do(t, "POST", url+"/v1beta/models/vec:batchEmbedContents", two)
	if resp.StatusCode != 200 || body != `{"embeddings":[{"values":[1]},{"values":[2]}]}` {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
	resp, body = do(t, "POST", url+"/v1beta/models/vec:embedContent", `{"content":{"parts":[{"text":"a"}]}}`)
	if resp.StatusCode != 502 || !strings.Contains(body, "one vector for each text") {
		t.Errorf("two vectors for one text: status %d, %s", resp.StatusCode, body)
	}
	resp, body = do(t, "POST", url+"/v1beta/models/vec:embedContent", `{}`)
	if resp.StatusCode != 400 || !strings.Contains(body, `"INVALID_ARGUMENT"`) {
		t.Errorf("no text: status %d, %s", resp.StatusCode, body)
	}
}

func TestABaseURLWithASlashAtItsEndWorks(t *testing.T) {
	url := start(t, models)
	resp, body := do(t, "POST", url+"/v1//chat/completions", `{"model":"plain","messages":[{"role":"user","content":"Hi"}]}`)
	if resp.StatusCode != 200 || content(t, body) != "Hello from the mock" {
		t.Errorf("status %d, %s", resp.StatusCode, body)
	}
}
