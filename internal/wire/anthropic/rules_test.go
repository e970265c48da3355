package anthropic

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// checkConversation fails when the body breaks a rule of the Messages API on turns.
func checkConversation(t *testing.T, call *wire.Call) {
	t.Helper()
	if broken := brokenRule(rawjson.Value(call.Body)); broken != "" {
		t.Errorf("%s: %s", broken, call.Body)
	}
}

var legalID = regexp.MustCompile(`^[a-zA-Z0-9_-]+$`)

// brokenRule names the first rule that a body breaks, as strictly as the API itself.
func brokenRule(body rawjson.Value) string {
	if n, ok := body.Get("max_tokens").Int(); !ok || n < 0 {
		return "max_tokens is missing"
	}
	c := conversationCheck{ids: map[string]bool{}}
	for i, m := range body.Get("messages").Elems() {
		if s := c.message(i, m); s != "" {
			return fmt.Sprintf("message %d: %s", i, s)
		}
	}
	switch {
	case c.role == "":
		return "no messages"
	case len(c.open) > 0:
		return "a tool_use at the end has no result"
	}
	return c.budget(body)
}

type conversationCheck struct {
	role string // of the message before
	open []string
	ids  map[string]bool
}

func (c *conversationCheck) message(i int, m rawjson.Value) string {
	role := m.Get("role").Text()
	switch {
	case i == 0 && role != "user":
		return "the first is not the user's"
	case role == c.role:
		return "two messages of " + role + " in a row"
	case role == "system" && c.role != "user", role == "user" && c.role == "system":
		return "a system message in a wrong place"
	case m.Get("content").First() == nil:
		return "no content"
	}
	c.role = role
	if role == "system" {
		return ""
	}
	uses, results, broken := c.blocks(m)
	switch {
	case broken != "":
		return broken
	case role == "user" && !slices.Equal(sorted(results), sorted(c.open)):
		return fmt.Sprintf("results %v for the uses %v", results, c.open)
	case role == "assistant" && len(results) > 0:
		return "a result from the assistant"
	}
	c.open = uses
	return ""
}

func (c *conversationCheck) blocks(m rawjson.Value) (uses, results []string, broken string) {
	others := false
	for _, b := range m.Get("content").Elems() {
		switch b.Get("type").Text() {
		case "text":
			others = true
			if strings.TrimSpace(b.Get("text").Text()) == "" {
				broken = "an empty text"
			}
		case "tool_use":
			id := b.Get("id").Text()
			if c.ids[id] || !legalID.MatchString(id) || b.Get("input").Kind() != '{' || !legalName(b.Get("name").Text()) {
				broken = "a bad tool_use"
			}
			c.ids[id] = true
			uses = append(uses, id)
		case "tool_result":
			if others {
				broken = "a result after another block"
			}
			results = append(results, b.Get("tool_use_id").Text())
		default:
			others = true
		}
	}
	return uses, results, broken
}

func (c *conversationCheck) budget(body rawjson.Value) string {
	budget, manual := body.Path("thinking", "budget_tokens").Int()
	most, _ := body.Get("max_tokens").Int()
	if manual && body.Path("thinking", "type").Is("enabled") && (budget < minBudget || budget >= most) {
		return fmt.Sprintf("budget %d for max_tokens %d", budget, most)
	}
	return ""
}

func sorted(s []string) []string { return slices.Sorted(slices.Values(s)) }

// anyPart draws a part of any kind, also where it makes no sense.
func anyPart(t *rapid.T) llm.Part {
	id := rapid.SampledFrom([]string{"", "a", "b", "c.1", "c_1", "srvtoolu_1", "ü"}).Draw(t, "id")
	words := rapid.SampledFrom([]string{"", " ", "hello", "\x00\"", "[1]", `{"a":1}`}).Draw(t, "text")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0, 1:
		return text(words)
	case 2, 3:
		return callPart(id, rapid.SampledFrom([]string{"f", "a.b", "", "a/b"}).Draw(t, "name"), words)
	case 4, 5:
		return result(id, words).Parts[0]
	case 6:
		return thought(words, id)
	case 7:
		return llm.Part{Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "aGVsbG8="}}
	case 8:
		return llm.Part{Kind: llm.PartUnknown, Raw: rawjson.Value(`{"type":"web_search_tool_result","tool_use_id":"srvtoolu_1"}`)}
	}
	return llm.Part{Kind: llm.PartKind(rapid.IntRange(0, 12).Draw(t, "other"))}
}

func anyMessage(t *rapid.T) llm.Message {
	role := rapid.SampledFrom([]llm.Role{llm.System, llm.Developer, llm.User, llm.User, llm.Assistant, llm.Assistant, llm.Tool, llm.Tool}).Draw(t, "role")
	m := llm.Message{Role: role}
	for range rapid.IntRange(0, 4).Draw(t, "parts") {
		m.Parts = append(m.Parts, anyPart(t))
	}
	return m
}

func TestEveryConversationEncodesToOneThatTheAPIAccepts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req := request(params("reasoning_effort", rapid.SampledFrom([]string{"null", `"low"`, `"max"`}).Draw(t, "effort"),
			"max_tokens", rapid.SampledFrom([]string{"null", "0", "1024", "5000"}).Draw(t, "max")))
		for range rapid.IntRange(0, 12).Draw(t, "messages") {
			req.Messages = append(req.Messages, anyMessage(t))
		}
		tg := target(rapid.SampledFrom([]string{legacyModel, adaptiveModel, strictModel, oldModel, "unheard-of"}).Draw(t, "model"))
		tg.Policy.Drop = true
		tg.Repair = rapid.SampledFrom([]wire.Repair{"", wire.RepairThinking}).Draw(t, "repair")
		call, err := New().Encode(req, tg)
		if err != nil {
			t.Fatal(err)
		}
		v, err := rawjson.Check(call.Body)
		if err != nil {
			t.Fatalf("%v in %s", err, call.Body)
		}
		if broken := brokenRule(v); broken != "" {
			t.Fatalf("%s: %s", broken, call.Body)
		}
	})
}
