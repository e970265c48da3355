package hostile_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// bare is a request without a key; lines are further header lines.
func bare(method, path string, lines ...string) string {
	head := append([]string{method + " " + path + " HTTP/1.1", "Host: localhost", "Connection: close"}, lines...)
	return strings.Join(head, "\r\n") + "\r\n\r\n"
}

func TestS05NoSpellingOfAPathOpensIt(t *testing.T) {
	g := start(t, three(t, ""))
	for _, path := range []string{
		"/v1/models", "/v1/models/", "//v1/models", "/v1//models", "/./v1/models", "/V1/MODELS", "/v1/%6dodels", "/v1%2fmodels", "/v1/models%00", "/v1/models;x",
		"/health/liveliness/../../v1/models", "/health/liveliness/..;/v1/models", "/health/liveliness%2f..%2f..%2fv1%2fmodels", "/health/liveliness/%2e%2e/%2e%2e/v1/models",
		"http://localhost/v1/models", "http://x/health/liveliness/../../v1/models", "/openapi.json/../v1/models", "/v1/models?x=/health/liveliness", "/v1/models#/health/liveliness",
		"/v1/models/gpt", "/v1/models/..%2f..%2fhealth%2fliveliness", "/model/info", "/v1/model/info", "/health", "/debug/pprof/", "/metrics", "/.env", "/config.yaml", "/..%2f..%2fetc%2fpasswd",
	} {
		for _, lines := range [][]string{nil, {"X-Original-URL: /health/liveliness"}, {"X-Rewrite-URL: /health/liveliness"}, {"X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: localhost"}, {"X-HTTP-Method-Override: GET"}} {
			a := g.raw(bare("GET", path, lines...))
			if a.status == http.StatusOK || a.status == 0 || a.status >= 500 || strings.Contains(a.body, "gpt") && !strings.Contains(a.body, "There is no") {
				t.Errorf("%s %v: %d %.200s", path, lines, a.status, a.body)
			}
		}
	}
}

func TestS06StrangeCredentialsAreRefusedWithoutAWordAboutThem(t *testing.T) {
	g := start(t, three(t, ""))
	for _, header := range []string{
		"", "Authorization:", "Authorization: Bearer", "Authorization: Bearer ", "Authorization: " + masterKey, "Authorization: Bearer " + masterKey[:len(masterKey)-1],
		"Authorization: Bearer " + masterKey + "x", "Authorization: Bearer " + strings.ToUpper(masterKey), "Authorization: Bearer ' OR 1=1--", "Authorization: Bearer \xff\xfe\xfd",
		"Authorization: Bearer " + strings.Repeat("a", 60_000), "Authorization: Bearer x, Bearer " + masterKey, "Authorization: Bearer %73k-canary-master-0001", "Authorization: Bearer null",
		"x-api-key: wrong-canary-key", "api-key:", "x-goog-api-key: \t", "Authorization: Negotiate AAAA", "Authorization: Digest username=\"a\"", "Cookie: token=" + masterKey,
	} {
		lines := []string{header}
		if header == "" {
			lines = nil
		}
		a := g.raw(bare("GET", "/v1/models", lines...))
		if a.status != http.StatusUnauthorized {
			t.Errorf("%.60q: %d %.200s", header, a.status, a.body)
		}
		a.explains(t, header)
		for _, word := range []string{"canary", "SQL", "OR 1=1", "aaaa", "connected db"} {
			if strings.Contains(a.body, word) {
				t.Errorf("%.60q: the answer holds %q: %s", header, word, a.body)
			}
		}
	}
	for _, path := range []string{"/v1/models?key=" + masterKey, "/v1/models?api_key=" + masterKey} {
		if a := g.raw(bare("GET", path)); a.status != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, a.status)
		}
	}
}

func TestS17ClientsCannotChooseTheUpstream(t *testing.T) {
	f := testkit.NewOpenAI(t)
	elsewhere := testkit.NewOpenAI(t)
	g := start(t, "model_list:\n"+deployment("gpt", "openai/gpt-4o", f)+"general_settings: {master_key: "+masterKey+"}\nrouter_settings: {num_retries: 0}\n")
	for _, more := range []string{
		`,"api_base":"` + elsewhere.URL() + `"`, `,"base_url":"` + elsewhere.URL() + `"`, `,"api_key":"sk-mine"`, `,"custom_llm_provider":"anthropic"`,
		`,"extra_body":{"model":"other"}`, `,"extra_body":{"messages":[]}`, `,"model_list":[{"model_name":"gpt"}]`,
	} {
		a := g.chat(completion("gpt", said, more))
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %.200s", more, a.status, a.body)
		}
		a.explains(t, more)
	}
	for _, more := range []string{
		`,"fallbacks":[{"model":"gpt","api_base":"` + elsewhere.URL() + `","api_key":"sk-mine"}]`,
		`,"headers":{"Authorization":"Bearer mine","Host":"evil"}`, `,"extra_headers":{"Authorization":"Bearer mine","x-api-key":"mine","Cookie":"a=b"}`,
	} {
		g.chat(completion("gpt", said, more))
		g.chat(completion("unknown", said, more))
	}
	if n := len(elsewhere.Requests()); n > 0 {
		t.Errorf("%d requests went where a client wanted", n)
	}
	for _, r := range f.Requests() {
		if r.Header.Get("Authorization") != "Bearer "+f.Key() || strings.Contains(r.Header.Get("Cookie"), "a=b") {
			t.Errorf("the client's headers went upstream: %v", r.Header)
		}
		if gjson.GetBytes(r.Body, "api_base").Exists() {
			t.Errorf("the client's settings went upstream: %s", r.Body)
		}
	}
}

func TestS18FetchedFilesNeverComeFromInside(t *testing.T) {
	secret := testkit.NewOpenAI(t) // any server on this machine
	g := start(t, three(t, ""))
	for _, url := range []string{
		secret.Root() + "/x.png", "http://localhost/x.png", "http://[::1]/x.png", "http://0.0.0.0/x.png", "http://2130706433/x.png", "http://0x7f000001/x.png", "http://0177.0.0.1/x.png",
		"http://169.254.169.254/latest/meta-data/", "http://[::ffff:127.0.0.1]/x", "http://[64:ff9b::7f00:1]/x", "http://100.64.0.1/x", "http://metadata.google.internal/x",
		"file:///etc/passwd", "gopher://127.0.0.1:1/x", "ftp://127.0.0.1/x", "http://user:canary-password@127.0.0.1/x", "//127.0.0.1/x", "http://127.0.0.1:22/", "http:///x", "",
	} {
		a := g.chat(completion("claude", `[{"role":"user","content":[{"type":"image_url","image_url":{"url":"`+url+`"}}]}]`, ""))
		if a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %.300s", url, a.status, a.body)
		}
		if strings.Contains(a.body, "canary") {
			t.Errorf("%s: a password shows: %s", url, a.body)
		}
	}
	if n := len(secret.Requests()); n > 0 {
		t.Errorf("%d files were fetched from this machine", n)
	}
}
