package e2e_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// google is Google's own client.
func (g *gateway) google(t *testing.T) *genai.Client {
	t.Helper()
	client, err := genai.NewClient(t.Context(), &genai.ClientConfig{
		APIKey: "any-key-of-the-client", Backend: genai.BackendGeminiAPI, HTTPClient: g.client, HTTPOptions: genai.HTTPOptions{BaseURL: g.url},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func googleConfig() *genai.GenerateContentConfig {
	return &genai.GenerateContentConfig{
		SystemInstruction: genai.NewContentFromText("Be brief.", genai.RoleUser),
		ThinkingConfig:    &genai.ThinkingConfig{IncludeThoughts: true, ThinkingLevel: genai.ThinkingLevelLow},
		Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{{
			Name: "weather", Description: "Weather of a city.",
			Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}}, Required: []string{"city"}},
		}}}},
	}
}

// googleSays asks in one of the SDK's two ways and returns the content whole.
func googleSays(t *testing.T, client *genai.Client, model string, contents []*genai.Content, config *genai.GenerateContentConfig, stream bool) (*genai.Content, *genai.GenerateContentResponse) {
	t.Helper()
	if !stream {
		r, err := client.Models.GenerateContent(t.Context(), model, contents, config)
		if err != nil {
			t.Fatal(err)
		}
		return r.Candidates[0].Content, r
	}
	whole, last := &genai.Content{Role: genai.RoleModel}, (*genai.GenerateContentResponse)(nil)
	for r, err := range client.Models.GenerateContentStream(t.Context(), model, contents, config) {
		if err != nil {
			t.Fatal(err)
		}
		last = r
		if len(r.Candidates) > 0 && r.Candidates[0].Content != nil {
			whole.Parts = append(whole.Parts, r.Candidates[0].Content.Parts...)
		}
	}
	return whole, last
}

func googleText(c *genai.Content) string {
	text := ""
	for _, p := range c.Parts {
		if !p.Thought {
			text += p.Text
		}
	}
	return text
}

func TestGenAISDKAnswersAndCounts(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		client := s.google(t)
		bothWays(t, func(t *testing.T, stream bool) {
			c, r := googleSays(t, client, u.name, genai.Text(speech), nil, stream)
			if googleText(c) != "one two three four five six seven" || r.Candidates[0].FinishReason != genai.FinishReasonStop || r.UsageMetadata.TotalTokenCount == 0 {
				t.Errorf("answer %+v of %+v", c, r)
			}
		})
		n, err := client.Models.CountTokens(t.Context(), u.name, genai.Text("How many tokens are these words?"), nil)
		if err != nil || n.TotalTokens < 4 {
			t.Errorf("count %+v, %v", n, err)
		}
		unrefused(t, fake)
	})
}

// TestGenAISDKToolLoopWithThinking runs a loop of three steps as the SDK's own
// examples do, with thoughts on. The SDK decodes every signature as base64.
func TestGenAISDKToolLoopWithThinking(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		bothWays(t, func(t *testing.T, stream bool) {
			contents := genai.Text(`<<think:hm>> <<call:weather {"city":"Paris"}>> <<call:weather {"city":"Rome"} && weather {"city":"Oslo"}>> <<call:weather {"city":"Bonn"}>>`)
			for step := 0; ; step++ {
				c, _ := googleSays(t, s.google(t), u.name, contents, googleConfig(), stream)
				results := &genai.Content{Role: genai.RoleUser}
				for _, p := range c.Parts {
					if call := p.FunctionCall; call != nil {
						city, _ := call.Args["city"].(string)
						results.Parts = append(results.Parts, &genai.Part{FunctionResponse: &genai.FunctionResponse{
							ID: call.ID, Name: call.Name, Response: map[string]any{"output": "sun in " + city},
						}})
					}
				}
				if len(results.Parts) == 0 {
					if step != 3 || !strings.Contains(googleText(c), "weather=sun in Bonn") {
						t.Errorf("step %d ends with %q", step, googleText(c))
					}
					break
				}
				contents = append(contents, c, results)
			}
			st := fake.Last(t).State
			if real := map[string]int{"anthropic": 3, "gemini": 3}[u.name]; st.Real != real && real > 0 || st.Placeholders != 0 || st.Foreign != 0 {
				t.Errorf("state %+v", st)
			}
			unrefused(t, fake)
		})
	})
}

func TestGenAISDKErrors(t *testing.T) {
	s := newSite(t)
	kinds := map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		client := s.google(t)
		for status, kind := range kinds {
			fake.Always(testkit.Fail(status))
			_, whole := client.Models.GenerateContent(t.Context(), u.name, genai.Text("hi"), nil)
			var streamed error
			for r, err := range client.Models.GenerateContentStream(t.Context(), u.name, genai.Text("hi"), nil) {
				if streamed = err; err == nil {
					t.Errorf("a chunk before the error: %+v", r)
				}
			}
			for _, err := range []error{whole, streamed} {
				var e genai.APIError
				if !errors.As(err, &e) || e.Code != status || e.Status != kind || e.Message == "" {
					t.Errorf("status %d is %v", status, err)
				}
			}
			fake.Heal()
		}
		fake.Inject(testkit.CutAfterEvents(-4))
		var broken error
		for _, err := range client.Models.GenerateContentStream(t.Context(), u.name, genai.Text(speech), nil) {
			broken = err
		}
		if broken == nil {
			t.Error("a stream that broke off looks complete")
		}
	})
}

func TestGenAISDKUnknownModel(t *testing.T) {
	s := newSite(t)
	_, err := s.google(t).Models.GenerateContent(t.Context(), "nope", genai.Text("hi"), nil)
	var e genai.APIError
	if !errors.As(err, &e) || e.Code != http.StatusBadRequest && e.Code != http.StatusNotFound || !strings.Contains(e.Message, "nope") {
		t.Errorf("an unknown model is %v", err)
	}
}
