package e2e_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// TestFallbacksToAnotherFamilyAreInvisibleInEveryDialect: what fails before its
// answer began is answered by the next group in the client's format. As in LiteLLM,
// the answer then names the model that gave it, except in Messages.
func TestFallbacksToAnotherFamilyAreInvisibleInEveryDialect(t *testing.T) {
	faults := map[string]testkit.Fault{
		"status": testkit.Fail(503), "dropped": testkit.Drop(), "first event": testkit.ErrorAfterEvents(0, 503), "cut at once": testkit.CutAfterEvents(0),
	}
	everyDialect(t, func(t *testing.T, d dialect) {
		for i, u := range upstreams {
			next := upstreams[(i+2)%len(upstreams)]
			t.Run(u.name+" to "+next.name, func(t *testing.T) {
				first, second := u.fake(t, u.options...), next.fake(t, next.options...)
				g := start(t, modelList("router_settings: {num_retries: 0, fallbacks: [{m: [other]}]}\nlitellm_settings: {drop_params: true}",
					deployment("m", u.model, first), deployment("other", next.model, second)))
				for name, fault := range faults {
					bothWays(t, func(t *testing.T, stream bool) {
						if name == "first event" && !stream {
							return
						}
						first.Heal()
						first.Always(fault)
						a := d.get(t, g, ask("m", speech+"<<think:hm>>").thinking().streaming(stream))
						if a.text != "one two three four five six seven" || a.finish != "stop" || a.failure != nil {
							t.Errorf("%s: answer %+v", name, a)
						}
						want := next.model[strings.IndexByte(next.model, '/')+1:]
						if d.name == "messages" {
							want = "m"
						}
						if a.model != want {
							t.Errorf("%s: the model is %q, want %q", name, a.model, want)
						}
					})
				}
				unrefused(t, second)
			})
		}
	})
}

// TestAClientThatLeavesClosesTheUpstreamInEveryDialect: T98 on every pair.
func TestAClientThatLeavesClosesTheUpstreamInEveryDialect(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
			s.gateway.t = t
			q := ask(u.name, speech).streaming(true)
			d.get(t, s.gateway, q) // which API it speaks is known now
			never := make(chan struct{})
			fake.Inject(testkit.PauseAfterEvents(-4, never))
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			resp, err := s.request(ctx, http.MethodPost, d.path(q), d.body(q))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			if _, err := resp.Body.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			cancel()
			within(t, "the upstream sees that its client left", fake.Gone())
		})
	})
}
