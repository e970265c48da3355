package gemini

import (
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func TestABodyFitsTheGenerationItWasWrittenFor(t *testing.T) {
	const tools = `"tools":[{"functionDeclarations":[{"name":"f"}]}],`
	for _, c := range []struct {
		config, model string
		fits          bool
	}{
		{`{}`, "gemini-2.5-pro", true},
		{`{"thinkingConfig":{"thinkingLevel":"HIGH"}}`, "gemini-3.1-pro-preview", true},
		{`{"thinkingConfig":{"thinkingLevel":"HIGH"}}`, "gemini-2.5-flash", false},
		{`{"thinking_config":{"thinking_level":"HIGH"}}`, "gemini-2.5-flash", false},
		{`{"thinkingConfig":{"thinkingBudget":2048}}`, "gemini-2.5-flash", true},
		{`{"thinkingConfig":{"thinkingBudget":2048}}`, "gemini-3.1-pro-preview", true},
		{`{"thinkingConfig":{"thinkingBudget":0}}`, "gemini-2.5-flash", true},
		{`{"thinkingConfig":{"thinkingBudget":0}}`, "gemini-2.5-pro", false},
		{`{"presencePenalty":0.5}`, "gemini-2.5-pro", true},
		{`{"presencePenalty":0.5}`, "gemini-3.1-pro-preview", false},
		{`{"frequencyPenalty":0.5}`, "gemma-3-27b-it", true},
		{`{"responseMimeType":"application/json"}`, "gemini-3.1-pro-preview", true},
		{`{"responseMimeType":"application/json"}`, "gemini-2.5-pro", false},
	} {
		body := `{"contents":[{"role":"user","parts":[{"text":"hi"}]}],` + tools + `"generationConfig":` + c.config + `}`
		req, err := Dialect{}.Decode(rawjson.Value(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := (Wire{}).Fits(req, &wire.Target{Model: c.model}); got != c.fits {
			t.Errorf("%s for %s: fits is %v", c.config, c.model, got)
		}
	}
}
