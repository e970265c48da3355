package e2e_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// canaries are secrets that must never be seen again (S41).
var canaries = map[string]string{
	"openai": "sk-canary-openai-7Q2mX9", "anthropic": "sk-ant-canary-3Kp8Zw", "gemini": "AIzaCanaryGemini5Tn4", "deepseek": "sk-canary-deepseek-8Lr1",
	"master": "sk-canary-master-0Vb6Yc", "database": "postgres://u:canary-db-pass-2Jx@db/x", "env": "sk-canary-env-9Hd3Ge",
	"header": "canary-header-secret-4Fs7", "client": "sk-canary-client-6Wq2Ra", "wrong": "sk-canary-wrong-1Mz5Tk",
	"organization": "org-canary-5Nb8Uo", "prompt": "canary-prompt-text-3Xc9Ip",
}

func canaryGateway(t *testing.T, extra string) (*gateway, map[string]*testkit.Fake) {
	t.Helper()
	fakes := map[string]*testkit.Fake{
		"openai": testkit.NewOpenAI(t, testkit.WithKey(canaries["openai"])), "anthropic": testkit.NewAnthropic(t, testkit.WithKey(canaries["anthropic"])),
		"gemini": testkit.NewGemini(t, testkit.WithKey(canaries["gemini"])), "deepseek": testkit.NewDeepSeek(t, testkit.WithKey(canaries["env"])),
	}
	fromEnv := strings.Replace(deployment("deepseek", "deepseek/deepseek-v4-pro", fakes["deepseek"]), canaries["env"], "os.environ/MY_KEY", 1)
	yaml := modelList(fmt.Sprintf("router_settings: {num_retries: 0}\ngeneral_settings: {master_key: %s, database_url: %q}\n%s", canaries["master"], canaries["database"], extra),
		deployment("openai", "openai/gpt-4o", fakes["openai"], "extra_headers: {x-secret: "+canaries["header"]+"}", "organization: "+canaries["organization"]),
		deployment("anthropic", sonnet, fakes["anthropic"]), deployment("gemini", "gemini/gemini-3.1-pro-preview", fakes["gemini"]), fromEnv)
	return start(t, yaml, "MY_KEY", canaries["env"], "DEEPSEEK_API_KEY", canaries["deepseek"]), fakes
}

// seen names the canaries in a text.
func seen(text string, but ...string) []string {
	var out []string
	for name, secret := range canaries {
		hidden := strings.Contains(text, secret)
		for _, b := range but {
			hidden = hidden && b != name
		}
		if hidden {
			out = append(out, name)
		}
	}
	return out
}

func TestS41SecretsAreNeverSeenAgain(t *testing.T) {
	for name, extra := range map[string]string{"text log": "", "JSON log": "litellm_settings: {json_logs: true}"} {
		t.Run(name, func(t *testing.T) {
			g, fakes := canaryGateway(t, extra)
			auth := "Bearer " + canaries["master"]
			for model, f := range fakes {
				echo := testkit.FailWith(401, `{"error":{"message":"Incorrect API key provided: `+f.Key()+`. Used `+canaries["header"]+`","type":"invalid_request_error","code":401,"status":"UNAUTHENTICATED"}}`,
					"x-request-id", "req_1 "+f.Key(), "openai-organization", canaries["organization"], "set-cookie", canaries["header"])
				f.Inject(testkit.Fail(500), echo, testkit.ErrorAfterEvents(4, 500), testkit.HTML(), testkit.Drop())
				for _, body := range []string{plain(model, canaries["prompt"]), plain(model, canaries["prompt"]), streamed(plain(model, "hi")), plain(model, "hi"), plain(model, "hi"), plain(model, "hi")} {
					r := g.post(body, "Authorization", auth, "X-Api-Key", canaries["client"])
					if got := seen(r.body+fmt.Sprint(r.header), "prompt"); len(got) > 0 {
						t.Errorf("%s: the answer shows %v: %v %s", model, got, r.header, r.body)
					}
				}
			}
			r := g.post(plain("openai", "hi"), "Authorization", "Bearer "+canaries["wrong"])
			if r.status != http.StatusUnauthorized || len(seen(r.body)) > 0 {
				t.Errorf("wrong key: %d %s", r.status, r.body)
			}
			for _, path := range []string{"/v1/models", "/model/info", "/health", "/health/readiness", "/", "/openapi.json"} {
				if got := seen(g.get(path, "Authorization", auth)); len(got) > 0 {
					t.Errorf("%s shows %v", path, got)
				}
			}
			g.stop()
			if got := seen(g.log.String()); len(got) > 0 {
				t.Errorf("the log shows %v", got)
			}
		})
	}
}

// get reads a page of the gateway, head and body.
func (g *gateway) get(path string, pairs ...string) string {
	g.t.Helper()
	req, err := http.NewRequest(http.MethodGet, g.url+path, nil)
	if err != nil {
		g.t.Fatal(err)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		req.Header.Set(pairs[i], pairs[i+1])
	}
	resp, err := g.client.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatal(err)
	}
	return fmt.Sprint(resp.Header) + string(b)
}

func TestClientsKeyNeverGoesUpstream(t *testing.T) {
	g, fakes := canaryGateway(t, "")
	for model, f := range fakes {
		g.post(plain(model, "hi"), "Authorization", "Bearer "+canaries["master"], "X-Api-Key", canaries["client"], "X-Goog-Api-Key", canaries["client"], "Cookie", canaries["client"]).ok()
		for name, values := range f.Last(t).Header {
			for _, v := range values {
				if strings.Contains(v, canaries["master"]) || strings.Contains(v, canaries["client"]) {
					t.Errorf("%s got the client's key in %s", model, name)
				}
			}
		}
	}
}

func TestS17AddressesAndKeysInTheBodyAreRefused(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	for _, key := range []string{"api_base", "base_url", "api_key"} {
		r := g.post(with(plain("m", "hi"), key, quote(canaries["client"])))
		if r.status < 400 || r.status >= 500 || len(seen(r.body)) > 0 {
			t.Errorf("%s: %d %s", key, r.status, r.body)
		}
	}
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d requests went upstream", n)
	}
}
