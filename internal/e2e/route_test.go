package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestT46GoogleErrorWithinAnArray(t *testing.T) {
	f := testkit.NewGemini(t)
	g := start(t, modelList(noRetries, deployment("m", "gemini/gemini-3.1-pro-preview", f)))
	body := `[{"error":{"code":429,"message":"You exceeded your current quota.","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"1.5s"}]}}]`
	bothWays(t, func(t *testing.T, stream bool) {
		f.Inject(testkit.FailWith(429, body))
		ask := plain("m", "hi")
		if stream {
			ask = streamed(ask)
		}
		r := g.post(ask)
		if r.status != 429 || r.header.Get("Retry-After") != "2" || !strings.Contains(r.get("error.message").String(), "You exceeded your current quota.") {
			t.Errorf("%d, retry-after %q: %s", r.status, r.header.Get("Retry-After"), r.body)
		}
	})
}

func TestT75InsufficientBalance(t *testing.T) {
	ds, gpt := testkit.NewDeepSeek(t), testkit.NewOpenAI(t)
	ds.Always(testkit.Fail(402))
	retries := "router_settings: {num_retries: 2}"
	alone := start(t, modelList(retries, deployment("m", "deepseek/deepseek-v4-pro", ds)))
	if r := alone.post(plain("m", "hi")); r.status != 402 || !strings.Contains(r.get("error.message").String(), "Insufficient Balance") {
		t.Errorf("alone: %d %s", r.status, r.body)
	}
	if n := len(ds.Requests()); n != 1 {
		t.Errorf("%d tries with the same key", n)
	}
	spare := start(t, modelList(retries+"\nlitellm_settings: {fallbacks: [{m: [spare]}]}", deployment("m", "deepseek/deepseek-v4-pro", ds), deployment("spare", "openai/gpt-4o", gpt)))
	if r := spare.post(plain("m", "hi")).ok(); r.content() != "echo: hi" {
		t.Errorf("fallback: %s", r.body)
	}
	if n := len(ds.Requests()); n != 2 {
		t.Errorf("%d tries in all", n)
	}
}

func TestT99StatusesOfUpstreamsBecomeTheClients(t *testing.T) {
	groq := func(t testing.TB, o ...testkit.Option) *testkit.Fake {
		return testkit.NewOpenAI(t, append(o, testkit.WithModels("llama"))...)
	}
	for name, row := range map[string]struct {
		model    string
		fake     func(testing.TB, ...testkit.Option) *testkit.Fake
		upstream testkit.Fault
		want     int
	}{
		"OpenAI 403":    {"openai/gpt-4o", testkit.NewOpenAI, testkit.Fail(403), 403},
		"OpenAI 401":    {"openai/gpt-4o", testkit.NewOpenAI, testkit.Fail(401), 401},
		"OpenAI 404":    {"openai/gpt-4o", testkit.NewOpenAI, testkit.Fail(404), 404},
		"OpenAI 503":    {"openai/gpt-4o", testkit.NewOpenAI, testkit.Fail(503), 503},
		"Anthropic 529": {sonnet, testkit.NewAnthropic, testkit.Fail(529), 500},
		"Anthropic 413": {sonnet, testkit.NewAnthropic, testkit.Fail(413), 400},
		"Anthropic 402": {sonnet, testkit.NewAnthropic, testkit.Fail(402), 402},
		"Gemini 503":    {"gemini/gemini-2.5-pro", testkit.NewGemini, testkit.Fail(503), 500},
		"Gemini 403":    {"gemini/gemini-2.5-pro", testkit.NewGemini, testkit.Fail(403), 403},
		"Groq 413":      {"groq/llama", groq, testkit.FailWith(413, `{"error":{"message":"Request too large for model","type":"tokens","code":"rate_limit_exceeded"}}`), 429},
	} {
		t.Run(name, func(t *testing.T) {
			f := row.fake(t)
			g := start(t, modelList(noRetries, deployment("m", row.model, f)))
			f.Always(row.upstream)
			for _, body := range []string{plain("m", "hi"), streamed(plain("m", "hi"))} {
				r := g.post(body)
				code := r.get("error.code")
				if r.status != row.want || code.Type.String() != "String" || r.get("error.type").String() == "" {
					t.Errorf("status %d, want %d: %s", r.status, row.want, r.body)
				}
			}
		})
	}
}

func TestWrongKeyOfGeminiIsAnAuthenticationError(t *testing.T) {
	f := testkit.NewGemini(t)
	yaml := strings.Replace(modelList(noRetries, deployment("m", "gemini/gemini-2.5-pro", f)), f.Key(), "AIza-wrong-key-of-test", 1)
	g := start(t, yaml)
	for _, body := range []string{plain("m", "hi"), streamed(plain("m", "hi"))} {
		if r := g.post(body); r.status != 401 || strings.Contains(r.body, "AIza-wrong") {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
}

func TestRetryNeverPicksTheDeploymentThatJustFailed(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		bad, good := fam.fake(t), fam.fake(t)
		bad.Always(testkit.Fail(500))
		g := start(t, modelList("router_settings: {num_retries: 1, disable_cooldowns: true}", deployment("m", fam.model, bad), deployment("m", fam.model, good)))
		for range 30 {
			g.post(plain("m", "hi")).ok()
		}
		if n := len(good.Requests()); n != 30 {
			t.Errorf("the good one answered %d of 30", n)
		}
		if len(bad.Requests()) == 0 {
			t.Error("the bad one was never tried, so this proves nothing")
		}
	})
}

func TestFallbacksFollowTheCause(t *testing.T) {
	fakes := map[string]*testkit.Fake{}
	var rows []string
	for _, name := range []string{"m", "general", "window", "policy", "default", "other"} {
		fakes[name] = testkit.NewOpenAI(t)
		rows = append(rows, deployment(name, "openai/gpt-4o", fakes[name]))
	}
	g := start(t, modelList(noRetries+`
litellm_settings:
  fallbacks: [{m: [general]}]
  context_window_fallbacks: [{m: [window]}]
  content_policy_fallbacks: [{m: [policy]}]
  default_fallbacks: [default]`, rows...))
	tooLong := `{"error":{"message":"This model's maximum context length is 128000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`
	rejected := `{"error":{"message":"Your request was rejected as a result of our safety system.","type":"invalid_request_error","param":null,"code":"content_policy_violation"}}`
	for _, row := range []struct {
		model, want string
		fault       testkit.Fault
	}{
		{"m", "general", testkit.Fail(500)},
		{"m", "general", testkit.Fail(429)},
		{"m", "window", testkit.FailWith(400, tooLong)},
		{"m", "policy", testkit.FailWith(400, rejected)},
		{"other", "default", testkit.Fail(500)},
	} {
		for _, f := range fakes {
			f.Forget()
		}
		fakes[row.model].Inject(row.fault)
		r := g.post(plain(row.model, "hi")).ok()
		if len(fakes[row.want].Requests()) != 1 || r.header.Get("x-litellm-model-group") != row.want || r.get("model").String() != "gpt-4o" {
			t.Errorf("%s does not fall back to %s: %v %s", row.model, row.want, r.header, r.body)
		}
	}
}

func TestAFallbackMayReplaceParametersOfTheRequest(t *testing.T) {
	own := `[{"model":"b","temperature":0.25,"seed":7,"timeout":500,"api_base":"http://127.0.0.1:1"}]`
	for name, tt := range map[string]struct{ configured, asked string }{
		"of the configuration": {`router_settings: {num_retries: 0, fallbacks: [{a: [{model: b, temperature: 0.25, seed: 7}]}]}`, ""},
		"of the default":       {`router_settings: {num_retries: 0, default_fallbacks: [{model: b, temperature: 0.25, seed: 7}]}`, ""},
		"of the request":       {noRetries, own},
	} {
		bothWays(t, func(t *testing.T, stream bool) {
			first, second := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
			first.Always(testkit.Fail(500))
			g := start(t, modelList(tt.configured, deployment("a", "openai/gpt-4o", first), deployment("b", "openai/gpt-4o", second)))
			body := with(plain("a", "hi"), "temperature", "1")
			if tt.asked != "" {
				body = with(body, "fallbacks", tt.asked)
			}
			if stream {
				body = streamed(body)
			}
			told := g.post(body).ok().header.Get("x-fairlead-dropped")
			if tt.asked != "" && (!strings.Contains(told, "fallbacks.timeout") || !strings.Contains(told, "fallbacks.api_base")) {
				t.Errorf("%s: told to be left out: %q", name, told)
			}
			for _, in := range first.Requests() {
				if b := gjson.ParseBytes(in.Body); b.Get("temperature").Float() != 1 || b.Get("seed").Exists() {
					t.Errorf("%s: the first was sent %s", name, in.Body)
				}
			}
			in := second.Last(t)
			if b := gjson.ParseBytes(in.Body); b.Get("temperature").Raw != "0.25" || b.Get("seed").Int() != 7 || b.Get("stream").Bool() != stream || b.Get("timeout").Exists() || b.Get("api_base").Exists() {
				t.Errorf("%s: the fallback was sent %s", name, in.Body)
			}
		})
	}
}

func TestAllFallbacksFailWithTheFirstError(t *testing.T) {
	a, b := testkit.NewOpenAI(t), testkit.NewAnthropic(t)
	a.Always(testkit.Fail(404))
	b.Always(testkit.Fail(529))
	g := start(t, modelList(noRetries+"\nlitellm_settings: {fallbacks: [{m: [spare]}]}", deployment("m", "openai/gpt-4o", a), deployment("spare", sonnet, b)))
	if r := g.post(plain("m", "hi")); r.status != 404 || !strings.Contains(r.get("error.message").String(), "spare") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestClientsMistakesAreNeverRepeated(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		f.Always(testkit.Fail(400))
		g := start(t, modelList("router_settings: {num_retries: 3}", deployment("m", fam.model, f), deployment("m", fam.model, f)))
		if r := g.post(plain("m", "hi")); r.status != 400 {
			t.Errorf("%d %s", r.status, r.body)
		}
		if n := len(f.Requests()); n != 1 {
			t.Errorf("%d tries", n)
		}
	})
}
