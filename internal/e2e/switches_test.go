package e2e_test

import (
	"net/http"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// TestSwitchingFamiliesMidConversationIsClean lets every dialect move a running tool
// loop from each upstream to each other one and back: nothing that one provider made
// reaches another, no call is lost, and nobody refuses anything.
func TestSwitchingFamiliesMidConversationIsClean(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		bothWays(t, func(t *testing.T, stream bool) {
			s.everyUpstream(t, func(t *testing.T, from upstream, _ *testkit.Fake) {
				for _, to := range upstreams {
					t.Run(to.name, func(t *testing.T) {
						s.gateway.t = t
						s.switches(t, d, from, to, stream)
					})
				}
			})
		})
	})
}

func (s site) switches(t *testing.T, d dialect, from, to upstream, stream bool) {
	t.Helper()
	for _, f := range s.fakes {
		f.Forget()
	}
	q := ask(from.name, `<<think:hm>><<call:weather {"city":"Paris"} && clock>> <<call:weather {"city":"Rome"}>>`).withTools().thinking().streaming(stream)
	first := d.get(t, s.gateway, q)
	q = q.then(first.kept, first.answers()...)
	q.model = to.name
	second := d.get(t, s.gateway, q)
	q = q.then(second.kept, second.answers()...)
	for _, model := range []string{to.name, from.name} {
		q.model = model
		if last := d.get(t, s.gateway, q); last.text != "FINAL weather=sunParis clock=sun weather=sunRome" || last.finish != "stop" {
			t.Errorf("answer of %s: %+v", model, last)
		}
	}
	for name, f := range s.fakes {
		for _, r := range f.Requests() {
			if r.State.Foreign != 0 {
				t.Errorf("%s got foreign state: %+v in %s", name, r.State, r.Body)
			}
		}
		mended(t, f)
	}
}

// mended fails unless every refusal was repaired: the very next request is taken.
// Refusals there are where the client's bytes pass, and the provider of the other
// side left no thoughts that could go along.
func mended(t *testing.T, f *testkit.Fake) {
	t.Helper()
	requests := f.Requests()
	for i, r := range requests {
		if r.Refused != "" && (i == len(requests)-1 || requests[i+1].Status != http.StatusOK) {
			t.Errorf("a provider refused the gateway's request: %s", r.Refused)
		}
	}
}
