package e2e_test

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// natives are the upstreams that speak a dialect themselves.
var natives = map[string]string{"chat": "compatible", "messages": "anthropic", "responses": "openai", "gemini": "gemini"}

// observation is what a client can see of an answer beside ids, token counts and
// thoughts, which differ between models.
type observation struct {
	Text, Finish string
	Calls        string
	Broken       bool
	Error        string
}

func observe(t *testing.T, d dialect, q question, r reply) observation {
	t.Helper()
	if r.status != http.StatusOK {
		f := d.failed(t, r.body)
		return observation{Error: fmt.Sprintf("%d %s, Retry-After %s", r.status, f.kind, r.header.Get("Retry-After"))}
	}
	a := d.read(t, q, r)
	o := observation{Text: a.text, Finish: a.finish, Broken: a.failure != nil}
	for _, c := range a.calls {
		o.Calls += c.name + compact(c.args)
	}
	return o
}

// TestPassThroughAndTranslationLookTheSame asks each question once where the bytes
// pass and once on every upstream where they are translated.
func TestPassThroughAndTranslationLookTheSame(t *testing.T) {
	questions := map[string]struct {
		text  string
		tools bool
		fault testkit.Fault
	}{
		"text":          {text: "Say it. <<text:Zürich ☂ \"quoted\"\n\nand more>>"},
		"cut off":       {text: "<<text:one two>><<length>>"},
		"one call":      {text: askParis, tools: true},
		"several calls": {text: `<<call:weather {"city":"Zürich \"☂\""} && clock && weather {"city":"Rome"}>>`, tools: true},
		"rate limit":    {text: "hi", fault: testkit.Fail(429, "Retry-After", "3")},
		"refused":       {text: "hi", fault: testkit.Fail(400)},
		"wrong key":     {text: "hi", fault: testkit.Fail(401)},
		"overloaded":    {text: "hi", fault: testkit.Fail(500)},
		"broken":        {text: speech, fault: testkit.CutAfterEvents(-4)},
	}
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		for name, c := range questions {
			t.Run(name, func(t *testing.T) {
				bothWays(t, func(t *testing.T, stream bool) {
					s.gateway.t = t
					see := func(model string) observation {
						s.fakes[model].Heal()
						s.fakes[model].Inject(c.fault)
						q := ask(model, c.text).streaming(stream)
						q.tools = c.tools
						o := observe(t, d, q, d.say(s.gateway, q))
						if o.Broken {
							o.Text = "" // how much came before is the wire's
						}
						return o
					}
					want := see(natives[d.name])
					for _, u := range upstreams {
						if got := see(u.name); got != want {
							t.Errorf("%s is seen as %+v, the native one as %+v", u.name, got, want)
						}
					}
				})
			})
		}
	})
}
