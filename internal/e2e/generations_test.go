package e2e_test

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// TestABodyForOneGenerationWorksOnAnother: a name that a client knows may lead to a
// model of another generation (an alias, a fallback), which asks for other fields.
func TestABodyForOneGenerationWorksOnAnother(t *testing.T) {
	claude, gemini := testkit.NewAnthropic(t), testkit.NewGemini(t)
	g := start(t, modelList(noRetries,
		deployment("claude-new", opus, claude), deployment("claude-old", sonnet, claude),
		deployment("gemini-new", "gemini/gemini-3.1-pro-preview", gemini), deployment("gemini-old", "gemini/gemini-2.5-pro", gemini)))
	bodies := map[string]struct {
		d    dialect
		body string
	}{
		"thinking with a budget": {messagesDialect, `{"model":"M","max_tokens":4096,"messages":[` + user("hi") + `],"thinking":{"type":"enabled","budget_tokens":2048}}`},
		"adaptive thinking":      {messagesDialect, `{"model":"M","max_tokens":4096,"messages":[` + user("hi") + `],"thinking":{"type":"adaptive"},"output_config":{"effort":"high"}}`},
		"sampling":               {messagesDialect, `{"model":"M","max_tokens":4096,"messages":[` + user("hi") + `],"temperature":0.3}`},
		"a system message":       {messagesDialect, `{"model":"M","max_tokens":4096,"messages":[` + user("hi") + `,{"role":"system","content":"Mind the gap."}]}`},
		"a prefilled answer":     {messagesDialect, `{"model":"M","max_tokens":4096,"messages":[` + user("hi") + `,{"role":"assistant","content":"{"}]}`},
		"a level":                {geminiDialect, `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true,"thinkingLevel":"HIGH"}}}`},
		"a budget of none":       {geminiDialect, `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}`},
		"penalties":              {geminiDialect, `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"presencePenalty":0.5}}`},
		"ids of calls": {geminiDialect, `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"a","name":"weather","args":{}}}]},
			{"role":"user","parts":[{"functionResponse":{"id":"a","name":"weather","response":{"output":"sun"}}}]}],"tools":[{"functionDeclarations":[{"name":"weather"}]}]}`},
		"JSON beside tools": {geminiDialect, `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[{"name":"weather"}]}],
			"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"type":"object","properties":{"a":{"type":"string"}}}}}`},
	}
	for name, c := range bodies {
		t.Run(name, func(t *testing.T) {
			for _, model := range map[string][]string{"messages": {"claude-new", "claude-old"}, "gemini": {"gemini-new", "gemini-old"}}[c.d.name] {
				q := ask(model, "")
				r := g.send("POST", c.d.path(q), with(c.body, "model", quote(model)))
				if c.d.name == "gemini" {
					r = g.send("POST", c.d.path(q), c.body)
				}
				if r.status != 200 {
					t.Errorf("%s: %d %s", model, r.status, r.body)
					continue
				}
				if a := c.d.whole(t, r.body); a.text == "" {
					t.Errorf("%s: %s", model, r.body)
				}
			}
		})
	}
}

// TestWhatIsWrittenAnewKeepsWhatOnlyTheFormatKnows: safety settings and the like
// reach Google although the body does not pass as it is, and streams stay streams.
func TestWhatIsWrittenAnewKeepsWhatOnlyTheFormatKnows(t *testing.T) {
	f := testkit.NewGemini(t)
	g := start(t, modelList(noRetries, deployment("m", "gemini/gemini-2.5-pro", f)))
	body := `{"contents":[{"role":"user","parts":[{"text":"<<think:hm>>hi"}]}],"safetySettings":[{"category":"HARM_CATEGORY_HARASSMENT","threshold":"BLOCK_NONE"}],
		"generationConfig":{"topK":64,"thinkingConfig":{"includeThoughts":true,"thinkingLevel":"HIGH"}}}`
	for _, stream := range []bool{false, true} {
		q := ask("m", "").streaming(stream)
		a := geminiDialect.read(t, q, g.send("POST", geminiPath(q), body).ok())
		if a.text != "echo: <<think:hm>>hi" || a.thinking != "hm" {
			t.Errorf("answer %+v", a)
		}
		sent := string(f.Last(t).Body)
		for _, want := range []string{"HARM_CATEGORY_HARASSMENT", "BLOCK_NONE", `"thinkingBudget"`, "64"} {
			if !strings.Contains(sent, want) {
				t.Errorf("%s is not in %s", want, sent)
			}
		}
	}
	unrefused(t, f)
}
