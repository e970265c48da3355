package route

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func addressTable(wildcards bool) *Table {
	list := join(groupOf("gpt", "id-gpt"), groupOf("claude", "id-claude"))
	list[0].Name = "openai/gpt-4o"
	if wildcards {
		list = append(list,
			Deployment{ID: "star", Group: "*", Upstream: "*"},
			Deployment{ID: "gem", Group: "gemini/*", Upstream: "*"},
			Deployment{ID: "gem3", Group: "gemini/gemini-3*", Upstream: "gemini-3*"},
			Deployment{ID: "mid", Group: "team-*-*/x", Upstream: "a-*-b-*"},
			Deployment{ID: "fixed", Group: "any-*", Upstream: "gpt-4o"},
		)
	}
	return New(Settings{
		Aliases: map[string]string{"alias": "gpt", "dangling": "nowhere", "claude": "gpt"},
		Guess:   func(model string) (string, bool) { return "gemini", strings.HasPrefix(model, "gemini-") },
	}, list)
}

func TestModelIsAddressedByGroupAliasIDPatternOrFullName(t *testing.T) {
	cases := []struct {
		asked, id, upstream string
		wild                bool
	}{
		{"gpt", "id-gpt", "gpt-upstream", true},
		{"id-claude", "id-claude", "claude-upstream", true},
		{"alias", "id-gpt", "gpt-upstream", true},
		{"claude", "id-gpt", "gpt-upstream", true}, // an alias comes before a group of that name
		{"openai/gpt-4o", "id-gpt", "gpt-upstream", false},
		{"gemini/zzz", "gem", "zzz", true},
		{"gemini/gemini-3.1-pro", "gem3", "gemini-3.1-pro", true},
		{"gemini-2.5-flash", "star", "gemini-2.5-flash", true},
		{"mistral/x", "star", "mistral/x", true},
		{"team-red-7/x", "mid", "a-red-b-7", true},
		{"any-thing", "fixed", "gpt-4o", true},
	}
	for _, c := range cases {
		plan, e := addressTable(c.wild).Plan(c.asked, Overrides{})
		if e != nil {
			t.Errorf("%s: %v", c.asked, e)
			continue
		}
		step, e := plan.Next(start)
		if e != nil || step.Deployment.ID != c.id || step.Model != c.upstream || step.Group != c.asked {
			t.Errorf("%s: deployment %v model %q group %q error %v, want %s %q", c.asked, step.Deployment, step.Model, step.Group, e, c.id, c.upstream)
		}
	}
}

func TestBareNameFindsTheGuessedProvidersPattern(t *testing.T) {
	table := New(Settings{Guess: func(string) (string, bool) { return "openai", true }},
		[]Deployment{{ID: "wild", Group: "openai/*", Upstream: "*"}})
	plan, e := table.Plan("gpt-4o", Overrides{})
	if e != nil {
		t.Fatal(e)
	}
	if step, _ := plan.Next(start); step.Model != "gpt-4o" || step.Deployment.ID != "wild" {
		t.Fatalf("step %+v", step)
	}
	if _, e := table.Plan("mistral/gpt-4o", Overrides{}); table.Has("mistral/gpt-4o") {
		t.Fatalf("a name with a provider was guessed anew: %v", e)
	}
}

func TestUnknownModelIsAClientsMistakeWithTheNearestName(t *testing.T) {
	cases := []struct {
		name, asked, endpoint string
		wild                  bool
		want                  string
	}{
		{"no pattern", "nope", "/chat/completions", false, "/chat/completions: Invalid model name passed in model=nope. Call `/v1/models` to view available models for your key."},
		{"typo", "gtp", "", false, "Invalid model name passed in model=gtp. Call `/v1/models` to view available models for your key. Did you mean \"gpt\"?"},
		{"missing", "", "", false, "litellm.BadRequestError: You passed in model=None. There are no healthy deployments for this model"},
		{"list", "gpt,claude", "", true, "A list of models (model=gpt,claude) is not supported; send one request per model."},
	}
	for _, c := range cases {
		_, e := addressTable(c.wild).Plan(c.asked, Overrides{Endpoint: c.endpoint})
		if e == nil || e.Status != 400 || e.Type != "invalid_request_error" || e.Message != c.want {
			t.Errorf("%s: %+v, want %q", c.name, e, c.want)
		}
	}
}

func TestUnknownModelBesidePatternsFailsLikeADeployment(t *testing.T) {
	deployments := join([]Deployment{{ID: "gem", Group: "gemini/*", Upstream: "*"}}, groupOf("gpt", "g"))
	_, e := drive(t, New(Settings{}, deployments), "nope", Overrides{}, start, nil)
	if e == nil || e.Status != 400 || !strings.Contains(e.Message, "You passed in model=nope. There are no healthy deployments for this model") ||
		!strings.HasSuffix(e.Message, "No fallback was attempted.") {
		t.Fatalf("error %+v", e)
	}
	calls, e := drive(t, New(Settings{DefaultFallbacks: to("gpt")}, deployments), "nope", Overrides{}, start, nil)
	if e != nil || len(calls) != 1 || calls[0].ID != "g" {
		t.Fatalf("calls %v error %v: default fallbacks answer for an unknown name", calls, e)
	}
}

func TestHugeModelNameIsUnknownAndCutInTheSentence(t *testing.T) {
	_, e := addressTable(false).Plan(strings.Repeat("ü", 5000), Overrides{})
	if e == nil || len(e.Message) > 400 {
		t.Fatalf("error %v", e)
	}
}

func TestPatternMatchingAndFilling(t *testing.T) {
	cases := []struct {
		pattern, name string
		want          []string
		ok            bool
	}{
		{"*", "", []string{""}, true},
		{"*", "a/b", []string{"a/b"}, true},
		{"a*", "ab", []string{"b"}, true},
		{"a*a", "a", nil, false},
		{"a*b*c", "a1b2c", []string{"1", "2"}, true},
		{"a*b*c", "a1c", nil, false},
		{"a**c", "axc", []string{"", "x"}, true},
	}
	for _, c := range cases {
		p := newPattern(&group{name: c.pattern})
		got, ok := p.match(c.name)
		if ok != c.ok || !cmp.Equal(got, c.want) {
			t.Errorf("%q on %q: %q %v, want %q %v", c.pattern, c.name, got, ok, c.want, c.ok)
		}
	}
}

func TestTableListsGroupsAndTheirDeployments(t *testing.T) {
	table := addressTable(true)
	if got := table.Groups(); len(got) != 7 || got[0] != "gpt" || got[2] != "*" {
		t.Errorf("groups %v", got)
	}
	if d := table.Deployments("alias"); len(d) != 1 || d[0].ID != "id-gpt" {
		t.Errorf("deployments of alias: %v", d)
	}
	if d := addressTable(false).Deployments("nope"); d != nil {
		t.Errorf("deployments of an unknown name: %v", d)
	}
}

func FuzzLookup(f *testing.F) {
	for _, s := range []string{"gpt", "gemini/x", "*", "team--/x", "a,b", "\x00", strings.Repeat("*", 600)} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, group, name string) {
		table := New(Settings{}, []Deployment{{ID: "1", Group: group, Upstream: group}})
		plan, e := table.Plan(name, Overrides{})
		if e != nil {
			if e.Status != 400 || e.Message == "" {
				t.Fatalf("error %+v", e)
			}
			return
		}
		step, e := plan.Next(start)
		if e == nil && len(step.Model) > len(group)+len(name) {
			t.Fatalf("model %q of %q and %q", step.Model, group, name)
		}
	})
}
