package e2e_test

import (
	"fmt"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// dialogue has n turns after the first with a model, in one format, and returns how
// many answers each of two deployments gave to those.
func dialogue(t *testing.T, g *gateway, path string, turn func(n int) string, n int, first, second *testkit.Fake) (a, b int) {
	t.Helper()
	for i := range n + 1 {
		g.send("POST", path, turn(i)).ok()
		if i == 0 {
			first.Forget()
			second.Forget()
		}
	}
	return len(first.Requests()), len(second.Requests())
}

func talkOfChat(name string) func(int) string {
	return func(n int) string {
		list := fmt.Sprintf(`{"role":"system","content":"be brief"},{"role":"user","content":%q}`, name)
		for i := range n {
			list += fmt.Sprintf(`,{"role":"assistant","content":"answer %d"},{"role":"user","content":"and then?"}`, i)
		}
		return `{"model":"m","messages":[` + list + `]}`
	}
}

func talkOfMessages(name string) func(int) string {
	return func(n int) string {
		list := fmt.Sprintf(`{"role":"user","content":%q}`, name)
		for i := range n {
			list += fmt.Sprintf(`,{"role":"assistant","content":"answer %d"},{"role":"user","content":"and then?"}`, i)
		}
		return `{"model":"m","max_tokens":99,"system":"be brief","messages":[` + list + `]}`
	}
}

func TestAConversationStaysWithTheDeploymentThatHasItInItsCache(t *testing.T) {
	g, first, second := twoOf(t, "routing_strategy: simple-shuffle", nil, nil)
	for i := range 8 {
		for path, turn := range map[string]func(int) string{
			"/v1/chat/completions": talkOfChat(fmt.Sprint("question ", i)), "/v1/messages": talkOfMessages(fmt.Sprint("ask ", i)),
		} {
			if a, b := dialogue(t, g, path, turn, 6, first, second); a*b != 0 || a+b != 6 {
				t.Errorf("%s: 6 turns of a conversation went to both: %d and %d", path, a, b)
			}
		}
	}
	r := g.post(talkOfChat("question 0")(7)).ok()
	g.log.Find(0, requestLine, g.done)
	if w := g.why(r.header.Get("x-litellm-call-id")).ok(); w.get("decisions.0.what").String() != "preferred, the conversation was here before" {
		t.Errorf("why: %s", w.body)
	}
}

func TestAnAnswerOfResponsesIsGoneOnFromAtTheSameDeployment(t *testing.T) {
	g, first, second := twoOf(t, "routing_strategy: simple-shuffle", nil, nil)
	for i := range 8 {
		last := ""
		turn := func(n int) string {
			switch {
			case n == 0 && i%2 == 0:
				return fmt.Sprintf(`{"model":"m","input":[{"role":"user","content":"question %d"}]}`, i)
			case n == 0:
				return fmt.Sprintf(`{"model":"m","instructions":"be brief","input":"question %d"}`, i)
			}
			return fmt.Sprintf(`{"model":"m","input":"and then?","previous_response_id":%q}`, last)
		}
		first.Forget()
		second.Forget()
		for n := range 5 {
			last = g.send("POST", "/v1/responses", turn(n)).ok().get("id").String()
		}
		if a, b := len(first.Requests()), len(second.Requests()); a*b != 0 {
			t.Errorf("a conversation went to both: %d and %d", a, b)
		}
	}
}

func TestASessionHeaderKeepsWhatIsNoConversationTogetherToo(t *testing.T) {
	g, first, second := twoOf(t, "routing_strategy: simple-shuffle", nil, nil)
	for i := range 30 {
		g.post(plain("m", fmt.Sprint("question ", i)), "X-Litellm-Session-Id", "s1").ok()
	}
	if a, b := len(first.Requests()), len(second.Requests()); a*b != 0 {
		t.Errorf("a session went to both: %d and %d", a, b)
	}
}

func TestAffinityCanBeSwitchedOff(t *testing.T) {
	first, second := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	g := start(t, modelList("fairlead_settings: {affinity: false}", deployment("m", "openai/gpt-4o", first), deployment("m", "openai/gpt-4o", second)))
	for range 60 {
		g.post(plain("m", "hi"), "X-Litellm-Session-Id", "s1").ok()
	}
	if a, b := len(first.Requests()), len(second.Requests()); a < 5 || b < 5 {
		t.Errorf("%d and %d of 60", a, b)
	}
}
