package anthropic

import "testing"

func TestABodyFitsTheClaudeItWasWrittenFor(t *testing.T) {
	const modern = "claude-opus-5-5"
	for _, c := range []struct {
		members, model string
		fits           bool
	}{
		{``, legacyModel, true},
		{`,"thinking":{"type":"enabled","budget_tokens":2048}`, legacyModel, true},
		{`,"thinking":{"type":"enabled","budget_tokens":2048}`, modern, false},
		{`,"thinking":{"type":"adaptive"}`, legacyModel, false},
		{`,"thinking":{"type":"adaptive"}`, modern, true},
		{`,"thinking":{"type":"adaptive"}`, "claude-of-the-future", true},
		{`,"thinking":{"type":"disabled"}`, modern, true},
		{`,"temperature":0.3`, legacyModel, true},
		{`,"temperature":0.3`, modern, false},
		{`,"temperature":1`, modern, true},
		{`,"top_k":5`, modern, false},
	} {
		req := native(t, `{"max_tokens":4096,"messages":[{"role":"user","content":"the \"system\" is up"}]`+c.members+`}`)
		if got := New().Fits(req, target(c.model)); got != c.fits {
			t.Errorf("%s for %s: fits is %v", c.members, c.model, got)
		}
	}
	for _, c := range []struct {
		turn          string
		legacy, fresh bool
	}{
		{`{"role":"system","content":"s"}`, false, true},
		{`{"role":"assistant","content":"{"}`, true, false},
		{`{"role":"assistant","content":"{"},{"role":"user","content":"go on"}`, true, true},
	} {
		req := native(t, `{"max_tokens":1,"messages":[{"role":"user","content":"hi"},`+c.turn+`]}`)
		if got := New().Fits(req, target(legacyModel)); got != c.legacy {
			t.Errorf("%s for an older model: fits is %v", c.turn, got)
		}
		if got := New().Fits(req, target(modern)); got != c.fresh {
			t.Errorf("%s for a newer model: fits is %v", c.turn, got)
		}
	}
}
