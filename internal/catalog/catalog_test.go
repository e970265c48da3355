package catalog

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func mustFind(t testing.TB, key string) *Model {
	t.Helper()
	m, ok := Find(key)
	if !ok {
		t.Fatalf("the price map has no %s", key)
	}
	return m
}

func TestEmbeddedCatalogOpensWhole(t *testing.T) {
	if n := table().Len(); n != 4551 {
		t.Errorf("%d models, want 4551", n)
	}
	if _, ok := Find("sample_spec"); ok {
		t.Error("sample_spec is no model")
	}
}

func TestLookupFindsAModelUnderItsProvider(t *testing.T) {
	for _, c := range []struct{ provider, model, key string }{
		{"gemini", "gemini-2.5-flash", "gemini/gemini-2.5-flash"},
		{"openai", "gpt-4o", "gpt-4o"},
		{"openai", "responses/gpt-4o", "gpt-4o"},
		{"openai", "/gpt-4o", "gpt-4o"},
		{"openai", "openai/gpt-4o", "gpt-4o"},
		{"anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5-20250929"},
		{"deepseek", "deepseek-chat", "deepseek/deepseek-chat"},
		{"gemini", "models/gemini-2.5-flash", "gemini/gemini-2.5-flash"},
		{"gemini", "gemini-2.5-flash-001", "gemini/gemini-2.5-flash"},
		{"vertex_ai", "gemini-2.5-flash", "gemini-2.5-flash"},
		{"openai", "ft:gpt-4o-mini-2024-07-18:acme:x:7p4lURel", "ft:gpt-4o-mini-2024-07-18"},
		{"text-completion-openai", "gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct"},
	} {
		m, ok := Lookup(c.provider, c.model)
		if !ok || m.Key() != c.key || m.Inferred() {
			t.Errorf("Lookup(%q, %q) = %q, %v; want %q", c.provider, c.model, m.Key(), ok, c.key)
		}
	}
}

func TestLookupRefusesAnotherProvidersModel(t *testing.T) {
	for _, c := range []struct{ provider, model string }{
		{"hosted_vllm", "gpt-4o"}, {"openai", "my-local-model"}, {"deepseek", "gpt-4o"}, {"", "nope"}, {"openai", ""},
	} {
		if m, ok := Lookup(c.provider, c.model); ok {
			t.Errorf("Lookup(%q, %q) = %q", c.provider, c.model, m.Key())
		}
	}
}

func TestLookupAnswersTheSameModelAgain(t *testing.T) {
	a, _ := Lookup("openai", "gpt-4o")
	b, _ := Lookup("openai", "gpt-4o")
	if a != b {
		t.Error("the price sheet would be worked out twice")
	}
}

func TestRememberedLookupsAreBounded(t *testing.T) {
	for i := range table().Len() {
		Find(table().Key(i))
		Lookup("openai", table().Key(i))
	}
	kept := 0
	lookups.Range(func(any, any) bool { kept++; return true })
	if kept > maxLookups {
		t.Errorf("%d lookups are remembered, the limit is %d", kept, maxLookups)
	}
}

func TestUnknownModelOfAKnownFamilyHasAbilitiesAndNoPrice(t *testing.T) {
	m, ok := Lookup("anthropic", "claude-newfamily-6-1")
	if !ok || !m.Inferred() || m.HasPrice() || m.MaxOutput() != 64000 || m.Mode() != "chat" {
		t.Fatalf("ok %v inferred %v price %v output %d", ok, m.Inferred(), m.HasPrice(), m.MaxOutput())
	}
	if v, known := m.Flag("supports_adaptive_thinking"); !v || !known {
		t.Error("a Claude from 4.6 on thinks adaptively")
	}
	if _, known := m.Cost(Usage{Input: 10}, time.Time{}); known {
		t.Error("an inferred model has a cost")
	}
}

func TestFamilyRulesReadVersions(t *testing.T) {
	for _, c := range []struct {
		provider, model, flag string
		want                  bool
	}{
		{"anthropic", "claude-opus-4-99", "supports_adaptive_thinking", true},
		{"anthropic", "claude-zzz-4-20250514", "supports_adaptive_thinking", false},
		{"anthropic", "claude-zzz-4-5-20990101", "supports_adaptive_thinking", false},
		{"anthropic", "claude-zzz-4-6-20990101", "supports_legacy_thinking", true},
		{"anthropic", "claude-zzz-41", "supports_adaptive_thinking", false},
		{"anthropic", "claude-fable-99", "thinking_always_on", true},
		{"anthropic", "claude-zzz-4-8", "supports_mid_conversation_system", true},
		{"anthropic", "claude-zzz-4-7", "supports_mid_conversation_system", false},
		{"openrouter", "google/gemini-9-pro", "supports_reasoning", true},
		{"gemini", "gemini-9-flash-image", "supports_reasoning", false},
		{"gemini", "gemini-2.0-pro-new", "supports_reasoning", false},
		{"openai", "gpt-9-turbo", "supports_reasoning", true},
		{"openai", "o9-mini", "supports_reasoning", true},
		{"openai", "gpt-9-search-api", "supports_reasoning", false},
		{"openai", "o9x", "supports_reasoning", false},
		{"wandb", "anything", "supports_reasoning", true},
	} {
		m, _ := Lookup(c.provider, c.model)
		if v, _ := m.Flag(c.flag); v != c.want {
			t.Errorf("%s of %s/%s = %v", c.flag, c.provider, c.model, v)
		}
	}
}

func TestFamilyFillsWhatAMappedEntryLeavesOut(t *testing.T) {
	m := mustFind(t, "o3")
	if v, known := m.Flag("supports_reasoning"); !v || !known {
		t.Error("o3 reasons")
	}
	// An entry that says something is believed.
	m = mustFind(t, "claude-opus-4-7")
	if v, known := m.Flag("supports_sampling_params"); v || !known {
		t.Error("claude-opus-4-7 says that it takes no sampling parameters")
	}
}

func TestProviderOfBareNames(t *testing.T) {
	for name, want := range map[string]string{
		"gpt-4o": "openai", "claude-sonnet-4-5": "anthropic", "deepseek-chat": "deepseek",
		"gemini-2.5-flash": "vertex_ai", "gpt-4-turbo-preview": "openai", "claude-3-5-haiku-20241022": "anthropic",
		"o7-mini": "openai", "ft:gpt-4o-2024-08-06:acme::id": "openai", "anthropic.claude-x-9": "bedrock",
		"us.anthropic.claude-x-9": "bedrock", "GPT-4O": "openai", "gemini-99": "vertex_ai",
		"llama3.1:latest": "", "gpt-oss-120b": "", "gpt-neo": "", "some/gpt-4o": "", "": "",
	} {
		if got, ok := ProviderOf(name); got != want || ok != (want != "") {
			t.Errorf("ProviderOf(%q) = %q, %v; want %q", name, got, ok, want)
		}
	}
}

func TestNamesListsChatModelsWithoutPrefix(t *testing.T) {
	names := Names("gemini")
	if !slices.Contains(names, "gemini-2.5-flash") || !slices.IsSorted(names) {
		t.Errorf("gemini: %v", names)
	}
	for _, n := range names {
		if strings.HasPrefix(n, "gemini/") || strings.Contains(n, "embedding") {
			t.Errorf("gemini lists %s", n)
		}
	}
	if n := len(Names("anthropic")); n != 22 {
		t.Errorf("anthropic lists %d models, want 22", n)
	}
	if openai := Names("openai"); !slices.Contains(openai, "gpt-4o") || slices.Contains(openai, "dall-e-3") {
		t.Errorf("openai: %v", openai)
	}
	if n := Names("no-such-provider"); len(n) != 0 {
		t.Errorf("no-such-provider: %v", n)
	}
}

func TestModelAnswersFields(t *testing.T) {
	m := mustFind(t, "claude-sonnet-4-5-20250929")
	if m.MaxInput() != 200000 || m.MaxOutput() != 64000 || m.Mode() != "chat" || m.Provider() != "anthropic" {
		t.Errorf("%d %d %q %q", m.MaxInput(), m.MaxOutput(), m.Mode(), m.Provider())
	}
	if day, ok := m.Deprecated(); !ok || day.Year() < 2026 {
		t.Errorf("deprecated %v, %v", day, ok)
	}
	if raw, ok := m.Raw("search_context_cost_per_query"); !ok || raw[0] != '{' {
		t.Errorf("raw %s, %v", raw, ok)
	}
	if _, ok := m.Str("max_input_tokens"); ok {
		t.Error("a number is no text")
	}
	if _, ok := m.Int("mode"); ok {
		t.Error("a text is no number")
	}
	if f := m.Fields(); string(f["max_output_tokens"]) != "64000" {
		t.Errorf("fields: %v", f)
	}
}

func TestNilModelKnowsNothing(t *testing.T) {
	var m *Model
	_, flagged := m.Flag("supports_vision")
	_, raw := m.Raw("mode")
	_, deprecated := m.Deprecated()
	_, cost := m.Cost(Usage{Input: 1}, time.Time{})
	if flagged || raw || deprecated || cost || m.HasPrice() || m.Inferred() || m.MaxInput() != 0 || m.Key()+m.Mode() != "" {
		t.Error("a nil model answered something")
	}
	if len(m.Fields()) != 0 {
		t.Error("a nil model has fields")
	}
}

func TestWithOverridesWinAndNullRemoves(t *testing.T) {
	base := mustFind(t, "gpt-4o")
	m := base.With(map[string]any{
		"input_cost_per_token": "3e-7", "max_output_tokens": 99, "supports_vision": false, "deprecation_date": nil, "mode": "responses",
	})
	if v, known := m.Flag("supports_vision"); v || !known || m.MaxOutput() != 99 || m.Mode() != "responses" {
		t.Errorf("vision %v, output %d, mode %q", v, m.MaxOutput(), m.Mode())
	}
	if _, ok := m.Raw("deprecation_date"); ok {
		t.Error("null did not remove the field")
	}
	if c, ok := m.Cost(Usage{Input: 10}, time.Time{}); !ok || c.Total.String() != "3e-06" {
		t.Errorf("cost %s, %v", c.Total, ok)
	}
	if v, _ := base.Flag("supports_vision"); !v {
		t.Error("the original changed")
	}
	again := m.With(map[string]any{"max_output_tokens": 7})
	if again.MaxOutput() != 7 || again.Mode() != "responses" || m.MaxOutput() != 99 {
		t.Error("a second With lost or leaked overrides")
	}
}

func TestWithOnNilModelKnowsTheOverrides(t *testing.T) {
	var none *Model
	m := none.With(map[string]any{"input_cost_per_token": 0.000001, "output_cost_per_token": 0.000002})
	if c, ok := m.Cost(Usage{Input: 3, Output: 1}, time.Time{}); !ok || c.Total.String() != "5e-06" {
		t.Errorf("cost %s, %v", c.Total, ok)
	}
	if none.With(nil) != nil {
		t.Error("no overrides made a model")
	}
}

func TestNearestForgivesTypingMistakes(t *testing.T) {
	among := []string{"gpt-4o", "claude-sonnet-4-5", "gemini/gemini-3.1-pro-preview", "deepseek/deepseek-chat", "openai", "ollama"}
	for name, want := range map[string]string{
		"gpt4o": "gpt-4o", "GPT-4O": "gpt-4o", "claude-sonet-4-5": "claude-sonnet-4-5",
		"deepseek-chta": "deepseek/deepseek-chat", "gemini-3.1-pro": "gemini/gemini-3.1-pro-preview",
		"opanai": "openai", "xyz": "", "": "", "completely-different-name": "",
	} {
		if got := Nearest(name, among); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func FuzzNearest(f *testing.F) {
	f.Add("gpt-4o", "gpt-4")
	f.Add(strings.Repeat("İ", 200), "x/"+strings.Repeat("y", 300))
	f.Fuzz(func(t *testing.T, name, candidate string) {
		if got := Nearest(name, []string{candidate}); got != "" && got != candidate {
			t.Errorf("Nearest answered %q, which was not offered", got)
		}
	})
}

func FuzzLookup(f *testing.F) {
	f.Add("openai", "ft:gpt-4o:a:b")
	f.Add("gemini", "models/gemini-2.5-flash@x-001")
	f.Fuzz(func(t *testing.T, provider, model string) {
		m, ok := Lookup(provider, model)
		if ok != (m != nil) {
			t.Errorf("model %v, ok %v", m, ok)
		}
		m.Fields()
		ProviderOf(model)
	})
}

func BenchmarkLookupRemembered(b *testing.B) {
	for b.Loop() {
		Lookup("openai", "gpt-4o")
	}
}

func BenchmarkLookupFresh(b *testing.B) {
	for b.Loop() {
		lookups.Clear()
		Lookup("openai", "gpt-4o")
	}
}

func BenchmarkCost(b *testing.B) {
	m, _ := Lookup("gemini", "gemini-3.1-pro-preview")
	for b.Loop() {
		m.Cost(Usage{Input: 1000, Output: 200, CacheRead: 500, Reasoning: 50}, time.Time{})
	}
}
