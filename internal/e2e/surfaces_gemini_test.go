package e2e_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestT92WithoutAltSSEAStreamIsOneJSONArray(t *testing.T) {
	f := testkit.NewOpenAI(t, testkit.ChatOnly(), testkit.WithModels("gpt-x:free"))
	s := newSite(t)
	g := start(t, modelList(noRetries, deployment("openai/gpt-x:free", "openai/gpt-x:free", f)))
	ask := geminiBody(ask("", speech))
	for _, path := range []string{"/v1beta/models/openai/gpt-x:free:streamGenerateContent", "/v1beta/models/openai%2Fgpt-x%3Afree%3AstreamGenerateContent", "/models/openai/gpt-x:free:streamGenerateContent"} {
		arrayAnswer(t, g.send(http.MethodPost, path, ask).ok())
	}
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		arrayAnswer(t, s.send(http.MethodPost, "/v1beta/models/"+u.name+":streamGenerateContent", ask).ok())
		fake.Inject(testkit.CutAfterEvents(-4))
		r := s.send(http.MethodPost, "/v1beta/models/"+u.name+":streamGenerateContent", ask).ok()
		if a := geminiArray(t, r.body); a.failure == nil {
			t.Errorf("a broken array looks complete: %s", r.body)
		}
	})
	unrefused(t, f)
}

func arrayAnswer(t *testing.T, r reply) {
	t.Helper()
	if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("an array of the type %q", got)
	}
	if a := geminiArray(t, r.body); a.text != "one two three four five six seven" || a.finish != "stop" {
		t.Errorf("answer %+v of %s", a, r.body)
	}
}

func geminiArray(t *testing.T, body string) answer {
	t.Helper()
	if !gjson.Valid(body) || !gjson.Parse(body).IsArray() {
		t.Fatalf("no array: %s", body)
	}
	var chunks []string
	for _, c := range gjson.Parse(body).Array() {
		chunks = append(chunks, c.Raw)
	}
	return geminiChunks(t, chunks)
}

// classifier is how Gemini CLI asks which model shall answer.
const classifier = `{"contents":[{"role":"user","parts":[{"text":"hello"}]}],"systemInstruction":{"role":"user","parts":[{"text":"Classify as JSON."}]},
 "generationConfig":{"temperature":0,"maxOutputTokens":1024,"topP":1,"thinkingConfig":{"thinkingBudget":512},"responseMimeType":"application/json","responseJsonSchema":
 {"type":"OBJECT","properties":{"reasoning":{"type":"STRING"},"model_choice":{"type":"STRING","enum":["flash","pro"]},"score":{"type":"INTEGER"},"tags":{"type":"ARRAY","items":{"type":"STRING"}}},"required":["reasoning","model_choice"]}}}`

func TestT93TheClassifierOfGeminiCLIGetsItsJSON(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		r := s.send(http.MethodPost, "/v1beta/models/"+u.name+":generateContent", classifier).ok()
		text := geminiWhole(t, r.body).text
		if !gjson.Valid(text) {
			t.Errorf("no JSON: %q", text)
		}
		if u.name != "deepseek" && u.name != "deepseek-messages" && gjson.Get(text, "model_choice").String() != "flash" {
			t.Errorf("the schema was not followed: %q", text)
		}
		sent := string(fake.Last(t).Body)
		if u.name != "gemini" && (strings.Contains(sent, `"STRING"`) || strings.Contains(sent, `"OBJECT"`) || !strings.Contains(sent, "model_choice")) {
			t.Errorf("the schema went upstream as %s", sent)
		}
		unrefused(t, fake)
	})
}

func TestT94EitherOfTwoKeysOpensAndNeitherGoesUpstream(t *testing.T) {
	const master = "sk-master-key-of-this-test"
	f := testkit.NewGemini(t)
	o := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries+"\ngeneral_settings: {master_key: "+master+"}",
		deployment("gemini", "gemini/gemini-3.1-pro-preview", f), deployment("openai", "openai/gpt-4o", o)))
	for _, pairs := range [][]string{
		{"x-goog-api-key", master, "Authorization", "Bearer other"},
		{"x-goog-api-key", "other", "Authorization", "Bearer " + master},
		{"x-goog-api-key", master},
		{"Authorization", "Bearer " + master},
		{"x-goog-api-key", master, "Authorization", "Bearer " + master},
	} {
		for _, model := range []string{"gemini", "openai"} {
			g.send(http.MethodPost, "/v1beta/models/"+model+":generateContent", geminiBody(ask("", "hi")), pairs...).ok()
		}
	}
	g.send(http.MethodPost, "/v1beta/models/gemini:generateContent?key="+master, geminiBody(ask("", "hi"))).ok()
	for _, fake := range []*testkit.Fake{f, o} {
		for _, r := range fake.Requests() {
			for name, values := range r.Header {
				if v := strings.Join(values, " "); strings.Contains(v, master) || strings.Contains(v, "other") {
					t.Errorf("%s went upstream: %s", name, v)
				}
			}
			if strings.Contains(r.RawQuery, master) {
				t.Errorf("the key went upstream in %s", r.RawQuery)
			}
		}
		unrefused(t, fake)
	}
	wrong := g.send(http.MethodPost, "/v1beta/models/gemini:generateContent", geminiBody(ask("", "hi")), "x-goog-api-key", "other")
	if e := geminiFailed(t, wrong.body); wrong.status != http.StatusUnauthorized || e.kind != "UNAUTHENTICATED" {
		t.Errorf("a wrong key: %d %s", wrong.status, wrong.body)
	}
}

func TestGeminiClientsCountListAndEmbed(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		r := s.send(http.MethodPost, "/v1beta/models/"+u.name+":countTokens", geminiBody(ask("", "How many tokens are these?"))).ok()
		if r.get("totalTokens").Int() < 4 {
			t.Errorf("count %s", r.body)
		}
		unrefused(t, fake)
	})
	list := s.send(http.MethodGet, "/v1beta/models", "").ok()
	if n := list.get(`models.#(name=="models/anthropic").supportedGenerationMethods.0`).String(); n != "generateContent" {
		t.Errorf("list %s", list.body)
	}
}

func TestVertexStylePathsAreServed(t *testing.T) {
	s := newSite(t)
	for _, version := range []string{"/v1", "/v1beta1"} {
		r := s.send(http.MethodPost, version+"/projects/p/locations/us-central1/publishers/google/models/anthropic:generateContent", geminiBody(ask("", speech))).ok()
		if a := geminiWhole(t, r.body); !strings.HasPrefix(a.text, "one two") {
			t.Errorf("answer %+v", a)
		}
	}
}
