package e2e_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// ownClients are the dialects whose bytes pass to an upstream.
var ownClients = []struct {
	d        dialect
	upstream string
}{{messagesDialect, "anthropic"}, {geminiDialect, "gemini"}, {responsesDialect, "openai"}}

const thoughtfulParis = `<<think:hm>>` + askParis

func TestStateThatPassesThroughComesBackToAClientThatDropsIt(t *testing.T) {
	s, fresh := newSite(t), newSite(t)
	for _, c := range ownClients {
		t.Run(c.d.name, func(t *testing.T) {
			bothWays(t, func(t *testing.T, stream bool) {
				fake := s.fakes[c.upstream]
				q := ask(c.upstream, thoughtfulParis).withTools().thinking().streaming(stream)
				first := c.d.get(t, s.gateway, q)
				q = q.then(c.d.bare(first.kept), first.answers()...)
				if last := c.d.get(t, s.gateway, q); last.text != "FINAL weather=sunParis" {
					t.Errorf("answer %+v", last)
				}
				if st := fake.Last(t).State; st.Real != 1 || st.Placeholders != 0 || st.Foreign != 0 {
					t.Errorf("state %+v in %s", st, fake.Last(t).Body)
				}
				unrefused(t, fake)
				// A gateway without memory has nothing to give.
				c.d.get(t, fresh.gateway, q)
				if st := fresh.fakes[c.upstream].Last(t).State; st.Real != 0 {
					t.Errorf("state out of nothing: %+v", st)
				}
			})
		})
	}
}

func TestStateThatAClientKeptPassesAsItCame(t *testing.T) {
	s := newSite(t)
	for _, c := range ownClients {
		fake := s.fakes[c.upstream]
		q := ask(c.upstream, thoughtfulParis).withTools().thinking()
		first := c.d.get(t, s.gateway, q)
		q = q.then(first.kept, first.answers()...)
		c.d.get(t, s.gateway, q)
		history := map[string]string{"anthropic": "messages", "gemini": "contents", "openai": "input"}[c.upstream]
		if got, want := gjson.GetBytes(fake.Last(t).Body, history).Raw, gjson.Get(c.d.body(q), history).Raw; got != want {
			t.Errorf("%s: sent %s\nwant %s", c.d.name, got, want)
		}
		unrefused(t, fake)
	}
}

// A conversation that one client begins is another's to go on with: the calls keep
// their ids, and nothing else of the first client's form is left.
func TestAConversationBegunOverChatGoesOnOverTheModelsOwnFormatAndBack(t *testing.T) {
	s := newSite(t)
	for _, c := range ownClients[:2] {
		for name, way := range map[string][2]dialect{"there": {chatDialect, c.d}, "back": {c.d, chatDialect}} {
			t.Run(c.d.name+" "+name, func(t *testing.T) {
				bothWays(t, func(t *testing.T, stream bool) {
					fake := s.fakes[c.upstream]
					q := ask(c.upstream, thoughtfulParis).withTools().thinking().streaming(stream)
					first := way[0].get(t, s.gateway, q)
					kept := keptBy(way[1].name, first.calls[0])
					way[1].get(t, s.gateway, q.then(kept, first.answers()...))
					if st := fake.Last(t).State; st.Real != 1 || st.Placeholders != 0 {
						t.Errorf("state %+v in %s", st, fake.Last(t).Body)
					}
					unrefused(t, fake)
				})
			})
		}
	}
}

// keptBy writes a call as a client of the dialect keeps it that knows of no state.
func keptBy(dialect string, c madeCall) string {
	switch dialect {
	case "messages":
		return `{"role":"assistant","content":[{"type":"tool_use","id":` + quote(c.id) + `,"name":` + quote(c.name) + `,"input":` + c.args + `}]}`
	case "gemini":
		return `{"role":"model","parts":[{"functionCall":{"name":` + quote(c.name) + `,"args":` + c.args + `}}]}`
	}
	return call(c.id, c.name, c.args)
}

func TestTheRealSignatureTakesThePlaceOfAClientsPlaceholder(t *testing.T) {
	s := newSite(t)
	fake := s.fakes["gemini"]
	q := ask("gemini", askParis).withTools()
	first := geminiDialect.get(t, s.gateway, q)
	for _, mark := range []string{"skip_thought_signature_validator", signature.Placeholder} {
		marked := with(geminiBare(first.kept), "parts.0.thoughtSignature", quote(mark))
		geminiDialect.get(t, s.gateway, q.then(marked, first.answers()...))
		if st := fake.Last(t).State; st.Real != 1 || st.Placeholders != 0 {
			t.Errorf("state %+v in %s", st, fake.Last(t).Body)
		}
	}
	unknown := with(geminiBare(first.kept), "parts.0", `{"functionCall":{"name":"weather","args":{"city":"Rome"}},"thoughtSignature":"skip_thought_signature_validator"}`)
	body := geminiDialect.body(q.then(unknown, first.answers()...))
	s.send(http.MethodPost, geminiDialect.path(q), body).ok()
	if got, want := gjson.GetBytes(fake.Last(t).Body, "contents").Raw, gjson.Get(body, "contents").Raw; got != want {
		t.Errorf("an unknown call was changed: %s\nwant %s", got, want)
	}
	unrefused(t, fake)
}

// In the middle of a tool loop another family takes over, and gives the word back.
func TestAFallbackToAnotherFamilyInTheMiddleLeavesTheStateOfBothWhole(t *testing.T) {
	s := newSite(t)
	for _, c := range ownClients[:2] {
		other := map[string]string{"anthropic": "gemini", "gemini": "anthropic"}[c.upstream]
		two := `<<think:hm>><<call:weather {"city":"Paris"}>><<call:weather {"city":"Rome"}>>`
		q := ask(c.upstream, two).withTools().thinking()
		first := c.d.get(t, s.gateway, q)
		q = q.then(c.d.bare(first.kept), first.answers()...)
		q.model = other
		second := c.d.get(t, s.gateway, q)
		q = q.then(c.d.bare(second.kept), second.answers()...)
		q.model = c.upstream
		if last := c.d.get(t, s.gateway, q); last.text != "FINAL weather=sunRome" && last.text != "FINAL weather=sunParis weather=sunRome" {
			t.Errorf("%s: answer %+v", c.d.name, last)
		}
		if st := s.fakes[c.upstream].Last(t).State; st.Foreign != 0 {
			t.Errorf("%s: state %+v in %s", c.d.name, st, s.fakes[c.upstream].Last(t).Body)
		}
		unrefused(t, s.fakes["gemini"]) // Claude asks once for thoughts that Gemini never had
	}
}

func TestWhatWasPutBackIntoBytesIsCounted(t *testing.T) {
	f := testkit.NewAnthropic(t, testkit.WithScript(testkit.Loop("done", []testkit.Call{{Name: "weather", Args: paris}})))
	g := start(t, modelList(noRetries, deployment("claude", sonnet, f)))
	q := ask("claude", "?").withTools().thinking()
	first := messagesDialect.get(t, g, q)
	messagesDialect.get(t, g, q.then(messagesBare(first.kept), first.answers()...))
	if got := g.log.Find(0, regexp.MustCompile(`thinking_restored["=:]+(\d+)`), g.done); got != "1" {
		t.Errorf("the log counts %q blocks, want 1: %s", got, g.log)
	}
}
