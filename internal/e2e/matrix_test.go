package e2e_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// pair is one cell of the matrix: a client format in front of an upstream.
type pair struct {
	t    *testing.T
	d    dialect
	u    upstream
	g    site
	fake *testkit.Fake
	// stream says which half of the cell runs.
	stream bool
}

// matrix holds every dialect on every upstream, whole and streamed, to one promise.
func matrix(t *testing.T, f func(p pair)) {
	everyDialect(t, func(t *testing.T, d dialect) {
		s := newSite(t)
		s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
			bothWays(t, func(t *testing.T, stream bool) {
				fake.Heal()
				fake.Forget()
				s.gateway.t = t
				f(pair{t, d, u, s, fake, stream})
			})
		})
	})
}

func (p pair) ask(text string) question { return ask(p.u.name, text).streaming(p.stream) }

func (p pair) get(q question) answer {
	p.t.Helper()
	return p.d.get(p.t, p.g.gateway, q)
}

func TestMatrixPlain(t *testing.T) {
	matrix(t, func(p pair) {
		a := p.get(p.ask(speech))
		if a.text != "one two three four five six seven" || a.finish != "stop" || len(a.calls) > 0 {
			p.t.Errorf("answer %+v", a)
		}
		// Google's modelVersion is a version, not a name: it passes as Google says it.
		if a.model != p.u.name && !(p.d.name == "gemini" && p.u.name == "gemini") || a.input == 0 || a.used == 0 {
			p.t.Errorf("model %q, %d tokens in, %d out", a.model, a.input, a.used)
		}
		if a := p.get(p.ask(speech + "<<length>>")); a.finish != "length" {
			p.t.Errorf("an answer that was cut off ends with %q", a.finish)
		}
		unrefused(p.t, p.fake)
	})
}

func TestMatrixTools(t *testing.T) {
	matrix(t, func(p pair) {
		q := p.ask(askParis).withTools()
		first := p.get(q)
		p.called(first, `weather {"city":"Paris"}`)
		last := p.get(q.then(first.kept, first.answers()...))
		if last.text != "FINAL weather=sunParis" || last.finish != "stop" {
			p.t.Errorf("answer %+v", last)
		}
		unrefused(p.t, p.fake)
	})
}

func TestMatrixParallelTools(t *testing.T) {
	matrix(t, func(p pair) {
		q := p.ask(`<<call:weather {"city":"Paris"} && clock && weather {"city":"Rome"}>> <<call:weather {"city":"Oslo"}>>`).withTools()
		first := p.get(q)
		p.called(first, `weather {"city":"Paris"}`, `clock {}`, `weather {"city":"Rome"}`)
		q = q.then(first.kept, first.answers()...)
		second := p.get(q)
		p.called(second, `weather {"city":"Oslo"}`)
		last := p.get(q.then(second.kept, second.answers()...))
		if last.text != "FINAL weather=sunParis clock=sun weather=sunRome weather=sunOslo" {
			p.t.Errorf("answer %+v", last)
		}
		unrefused(p.t, p.fake)
	})
}

// called fails unless the answer makes these calls in this order, each with an id of
// its own (Gemini's format does not demand one).
func (p pair) called(a answer, want ...string) {
	p.t.Helper()
	var got []string
	ids := map[string]bool{}
	for _, c := range a.calls {
		got = append(got, c.name+" "+compact(c.args))
		if c.id == "" && p.d.name != "gemini" || ids[c.id] && c.id != "" {
			p.t.Errorf("the id %q is not its own", c.id)
		}
		ids[c.id] = true
	}
	if !slices.Equal(got, want) || a.finish != "tools" {
		p.t.Fatalf("calls %q end with %q, want %q", got, a.finish, want)
	}
}

func compact(json string) string { return gjson.Get(json, "@ugly").Raw }

// TestMatrixThinking runs a tool loop of a model that thinks, with clients that keep
// the whole answer in front of a gateway without memory, and with clients that keep
// only what their types know in front of the one that gave it.
func TestMatrixThinking(t *testing.T) {
	memoryless := newSite(t)
	matrix(t, func(p pair) {
		q := p.ask("<<think:hm, Paris>>" + askParis).withTools().thinking()
		first := p.get(q)
		p.called(first, `weather {"city":"Paris"}`)
		native := p.u.name == "openai" && p.d.name == "responses"
		if shown := p.u.thinks || native; shown != strings.Contains(first.thinking, "hm, Paris") {
			p.t.Errorf("thoughts %q", first.thinking)
		}
		p.t.Run("kept", func(t *testing.T) {
			other := memoryless.fakes[p.u.name]
			other.Forget()
			memoryless.gateway.t = t
			last := p.d.get(t, memoryless.gateway, q.then(first.kept, first.answers()...))
			p.stateReturned(t, last, other, native)
		})
		p.t.Run("bare", func(t *testing.T) {
			p.fake.Forget()
			last := p.d.get(t, p.g.gateway, q.then(p.d.bare(first.kept), first.answers()...))
			if p.native() {
				// Bytes that pass are not looked at; a refusal is repaired once.
				if n := len(p.fake.Requests()); !strings.Contains(last.text, "weather=sunParis") || n > 2 {
					t.Errorf("answer %+v after %d requests", last, n)
				}
				return
			}
			p.stateReturned(t, last, p.fake, false)
		})
	})
}

// native reports whether the client's bytes pass to the upstream, which checks the
// reasoning state that the client keeps.
func (p pair) native() bool {
	return p.d.name == "messages" && strings.HasSuffix(p.u.name, "messages") || p.d.name == p.u.name || p.d.name == "messages" && p.u.name == "anthropic"
}

// stateReturned fails unless the fake saw the real state of its answer, and nothing
// else in its place.
func (p pair) stateReturned(t *testing.T, last answer, fake *testkit.Fake, native bool) {
	t.Helper()
	if !strings.Contains(last.text, "weather=sunParis") {
		t.Errorf("answer %+v", last)
	}
	sent := fake.Last(t)
	st := sent.State
	if st.Foreign != 0 || st.Placeholders != 0 {
		t.Errorf("state %+v in %s", st, sent.Body)
	}
	switch {
	case p.u.name == "anthropic" || p.u.name == "gemini" || native:
		if st.Real != 1 {
			t.Errorf("the real state did not come back: %+v in %s", st, sent.Body)
		}
	case p.u.thinks:
		if !strings.Contains(string(sent.Body), `"hm, Paris"`) {
			t.Errorf("the reasoning did not come back: %s", sent.Body)
		}
	}
	unrefused(t, fake)
}

func TestMatrixImage(t *testing.T) {
	matrix(t, func(p pair) {
		q := p.ask("")
		if p.u.image != "" {
			q.model += "-sees"
		}
		q.turns = []turn{{text: speech, image: true}}
		if a := p.get(q); a.text != "one two three four five six seven" {
			p.t.Errorf("answer %+v", a)
		}
		if body := string(p.fake.Last(p.t).Body); !strings.Contains(body, onePixel) || !strings.Contains(body, "image/png") {
			p.t.Errorf("the image is not in %s", body)
		}
		unrefused(p.t, p.fake)
	})
}

func TestMatrixSchema(t *testing.T) {
	matrix(t, func(p pair) {
		q := p.ask(`A city as JSON. <<text:{"city":"Paris","inhabitants":7}>>`)
		q.schema = true
		a := p.get(q)
		if gjson.Get(a.text, "inhabitants").Int() != 7 || a.finish != "stop" || len(a.calls) > 0 {
			p.t.Errorf("answer %+v", a)
		}
		if body := string(p.fake.Last(p.t).Body); !strings.Contains(body, "inhabitants") || !strings.Contains(strings.ToLower(body), "integer") {
			p.t.Errorf("the schema is not in %s", body)
		}
		unrefused(p.t, p.fake)
	})
}

// TestMatrixErrorBeforeTheFirstByte: status, shape, kind and Retry-After are the
// dialect's own, and a stream that never began is no stream.
func TestMatrixErrorBeforeTheFirstByte(t *testing.T) {
	matrix(t, func(p pair) {
		for _, status := range []int{429, 400, 503} {
			p.fake.Inject(testkit.Fail(status, "Retry-After", "7"))
			r := p.d.say(p.g.gateway, p.ask("hi"))
			if r.status != status && status != 503 || r.status < 500 && status == 503 {
				p.t.Errorf("status %d for %d: %s", r.status, status, r.body)
			}
			if got := r.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
				p.t.Errorf("an error of the type %q", got)
			}
			if got := r.header.Get("Retry-After"); status == 429 && got != "7" {
				p.t.Errorf("Retry-After %q", got)
			}
			f := p.d.failed(p.t, r.body)
			if want := p.d.kinds[r.status]; f.message == "" || want != "" && f.kind != want || f.status != 0 && f.status != r.status {
				p.t.Errorf("status %d is %+v, want the kind %q", r.status, f, want)
			}
		}
	})
}

// TestMatrixCutStream: what breaks after the answer has begun ends in the dialect's
// own error, never in an end that looks complete; a whole answer that breaks off is
// an error.
func TestMatrixCutStream(t *testing.T) {
	faults := map[string]testkit.Fault{
		"cut": testkit.CutAfterEvents(-4), "ended": testkit.EndAfterEvents(-4), "error": testkit.ErrorAfterEvents(-4, 503),
	}
	matrix(t, func(p pair) {
		if !p.stream {
			p.fake.Inject(testkit.CutAfterBytes(20))
			r := p.d.say(p.g.gateway, p.ask(speech))
			if f := p.d.failed(p.t, r.body); r.status != http.StatusInternalServerError || f.message == "" {
				p.t.Errorf("a broken answer is %d %s", r.status, r.body)
			}
			return
		}
		for name, fault := range faults {
			p.fake.Inject(fault)
			r := p.d.say(p.g.gateway, p.ask(speech)).ok()
			a := brokenStream(p, r)
			if a.failure == nil || a.failure.message == "" {
				p.t.Errorf("%s: the end is faked: %s", name, r.body)
			}
			if a.finish != "" {
				p.t.Errorf("%s: a finish %q beside the error: %s", name, a.finish, r.body)
			}
		}
	})
}

// brokenStream reads a stream that ends with an error.
func brokenStream(p pair, r reply) answer {
	p.t.Helper()
	return p.d.stream(p.t, r.body)
}
