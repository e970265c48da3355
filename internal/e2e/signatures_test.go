package e2e_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

const (
	askParis = `<<call:weather {"city":"Paris"}>>`
	paris    = `{"city":"Paris"}`
	short    = "thought_signature_in_tool_call_id: false"
)

// third is a gateway in front of a Gemini of generation 3, in a group whose name
// does not say so.
func third(t *testing.T, options ...string) (*gateway, *testkit.Fake) {
	t.Helper()
	f := testkit.NewGemini(t)
	return start(t, modelList(noRetries, deployment("smart", "gemini/gemini-3.1-pro-preview", f, options...))), f
}

// firstTurn asks and returns the assistant message whole, from a stream or not.
func firstTurn(g *gateway, body string, stream bool) string {
	g.t.Helper()
	if stream {
		return g.post(streamed(body)).assembled().message()
	}
	return g.post(body).ok().message()
}

// given is the signature that a message carries for its first tool call.
func given(t *testing.T, message string) string {
	t.Helper()
	sig := gjson.Get(message, "tool_calls.0.provider_specific_fields.thought_signature").String()
	if sig == "" {
		t.Fatalf("no signature in %s", message)
	}
	return sig
}

// sent are the function call parts of a request to Gemini, in order.
func sent(r testkit.Request) []gjson.Result {
	var out []gjson.Result
	for _, c := range gjson.GetBytes(r.Body, "contents").Array() {
		for _, p := range c.Get("parts").Array() {
			if p.Get("functionCall").Exists() {
				out = append(out, p)
			}
		}
	}
	return out
}

// carries fails unless the calls sent upstream are signed exactly so; "" means
// that the part must have no signature at all.
func carries(t *testing.T, r testkit.Request, want ...string) {
	t.Helper()
	parts := sent(r)
	if len(parts) != len(want) {
		t.Fatalf("%d calls went upstream, want %d: %s", len(parts), len(want), r.Body)
	}
	for i, p := range parts {
		if got := p.Get("thoughtSignature"); got.String() != want[i] || (want[i] == "" && got.Exists()) {
			t.Errorf("call %d is signed %.60q, want %.60q", i, got.String(), want[i])
		}
	}
}

// bothWays runs a test with whole answers and with streams.
func bothWays(t *testing.T, f func(t *testing.T, stream bool)) {
	t.Run("whole", func(t *testing.T) { f(t, false) })
	t.Run("stream", func(t *testing.T) { f(t, true) })
}

func TestT01ClientThatKeepsFieldsReplaysTheSignature(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, f := third(t, short)
		m := firstTurn(g, chat("smart", user(askParis)), stream)
		id := gjson.Get(m, "tool_calls.0.id").String()
		if len(id) > 64 || strings.Contains(id, signature.Mark) {
			t.Fatalf("the id is not short: %s", id)
		}
		g.post(chat("smart", user(askParis), m, result(id, "sun"))).ok()
		carries(t, f.Last(t), given(t, m))
		if got := sent(f.Last(t))[0].Get("functionCall.id").String(); got != id {
			t.Errorf("functionCall.id is %q, want %q", got, id)
		}
		unrefused(t, f)
	})
}

func TestT02SignatureComesBackInTheIDAlone(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, f := third(t)
		m := firstTurn(g, chat("smart", user(askParis)), stream)
		id := gjson.Get(m, "tool_calls.0.id").String()
		base, sig, _ := strings.Cut(id, signature.Mark)
		if sig != given(t, m) {
			t.Fatalf("the id %q does not carry the signature", id)
		}
		// Another gateway without memory must manage with the id alone.
		fresh := start(t, modelList(noRetries, deployment("smart", "gemini/gemini-3.1-pro-preview", f)))
		fresh.post(chat("smart", user(askParis), onlyIDs(m), result(id, "sun"))).ok()
		carries(t, f.Last(t), sig)
		body := f.Last(t).Body
		response := gjson.GetBytes(body, "contents.2.parts.0.functionResponse")
		if sent(f.Last(t))[0].Get("functionCall.id").String() != base || response.Get("id").String() != base || response.Get("name").String() != "weather" {
			t.Errorf("ids or name are wrong: %s", body)
		}
		unrefused(t, f)
	})
}

func TestT03RegeneratedIDsFindTheSignatureByNameAndArguments(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, f := third(t)
		m := firstTurn(g, chat("smart", user(askParis)), stream)
		g.post(chat("smart", user(askParis), call("call_1", "weather", `{ "city" : "Paris" }`), result("call_1", "sun"))).ok()
		carries(t, f.Last(t), given(t, m))
		unrefused(t, f)
	})
}

func TestT05EmptyMemorySendsThePlaceholderOnEveryStep(t *testing.T) {
	g, f := third(t)
	g.post(chat("smart", user(askParis), call("call_1", "weather", paris), result("call_1", "sun"),
		call("call_2", "clock", "{}"), result("call_2", "noon"))).ok()
	carries(t, f.Last(t), signature.Placeholder, signature.Placeholder)
	unrefused(t, f)
}

func TestT06OnlyTheFirstOfParallelCallsGetsThePlaceholder(t *testing.T) {
	g, f := third(t)
	two := `{"role":"assistant","content":null,"tool_calls":[` + toolCall("a", "weather", paris) + "," + toolCall("b", "clock", "{}") + `]}`
	g.post(chat("smart", user("?"), two, result("a", "sun"), result("b", "noon"))).ok()
	carries(t, f.Last(t), signature.Placeholder, "")
	unrefused(t, f)
}

func TestT08EveryStepKeepsItsOwnSignature(t *testing.T) {
	for _, keep := range []string{"everything", "ids", "nothing"} {
		t.Run(keep, func(t *testing.T) {
			g, f := third(t)
			ask := user(`<<call:weather {"city":"Paris"}>> <<call:weather {"city":"Rome"} && clock>> <<call:weather {"city":"Oslo"}>>`)
			history, want := []string{ask}, []string{}
			for step := range 3 {
				m := g.post(chat("smart", history...)).ok().message()
				want = append(want, given(t, m))
				if step == 1 {
					want = append(want, "")
				}
				history = append(history, kept(m, keep, step)...)
			}
			if end := g.post(chat("smart", history...)).ok(); !strings.HasPrefix(end.content(), "FINAL") {
				t.Fatalf("the loop does not end: %s", end.body)
			}
			carries(t, f.Last(t), want...)
			unrefused(t, f)
		})
	}
}

// kept is what a client keeps of a message, and its answers to the calls.
func kept(message, keep string, step int) []string {
	switch keep {
	case "ids":
		message = onlyIDs(message)
	case "nothing":
		message = onlyIDs(message)
		for i := range gjson.Get(message, "tool_calls").Array() {
			message = with(message, "tool_calls."+string(rune('0'+i))+".id", quote("call_"+string(rune('a'+step))+string(rune('0'+i))))
		}
	}
	out := []string{message}
	for _, tc := range gjson.Get(message, "tool_calls").Array() {
		out = append(out, result(tc.Get("id").String(), "fine"))
	}
	return out
}

func TestT10CorruptSuffixIsNeverForwarded(t *testing.T) {
	g, f := third(t)
	m := g.post(chat("smart", user(askParis))).ok().message()
	g.post(chat("smart", user(askParis), call("call_1__thought__!!!", "weather", paris), result("call_1__thought__!!!", "sun"))).ok()
	carries(t, f.Last(t), given(t, m))
	g.post(chat("smart", user("?"), call("call_2__thought__!!!", "clock", "{}"), result("call_2__thought__!!!", "noon"))).ok()
	carries(t, f.Last(t), signature.Placeholder)
	unrefused(t, f)
}

func TestT12OtherSpellingsOfASignatureBecomeStandardBase64(t *testing.T) {
	g, f := third(t)
	std := f.Signature()
	for !strings.Contains(std, "+") {
		std = f.Signature()
	}
	raw, err := base64.StdEncoding.DecodeString(std)
	if err != nil {
		t.Fatal(err)
	}
	for _, spelling := range []string{std, base64.RawStdEncoding.EncodeToString(raw), base64.RawURLEncoding.EncodeToString(raw), strings.ReplaceAll(std, "+", " ")} {
		id := "call_1__thought__" + spelling
		g.post(chat("smart", user("?"), call(id, "weather", paris), result(id, "sun"))).ok()
		carries(t, f.Last(t), std)
	}
	unrefused(t, f)
}

func TestT13GooglesOwnCarrierIsAccepted(t *testing.T) {
	g, f := third(t)
	sig := f.Signature()
	m := with(call("call_1", "weather", paris), "tool_calls.0.extra_content", `{"google":{"thought_signature":`+quote(sig)+`}}`)
	g.post(chat("smart", user("?"), m, result("call_1", "sun"))).ok()
	carries(t, f.Last(t), sig)
	unrefused(t, f)
}

func TestT14LateSignatureReachesItsCall(t *testing.T) {
	f := testkit.NewGemini(t, testkit.WithReplies(testkit.Reply{Calls: []testkit.Call{{Name: "weather", Args: paris}}, LateSignature: true}, testkit.Reply{Text: "done"}))
	g := start(t, modelList(noRetries, deployment("smart", "gemini/gemini-3.1-pro-preview", f)))
	r := g.post(streamed(chat("smart", user("?")))).assembled()
	m := r.message()
	if gjson.Get(m, "content").String() != "" || r.get("choices.0.finish_reason").String() != "tool_calls" {
		t.Errorf("artefacts in %s", r.body)
	}
	g.post(chat("smart", user("?"), onlyIDs(m), result(r.callID(), "sun"))).ok()
	carries(t, f.Last(t), given(t, m))
	unrefused(t, f)
}

func TestT15SignatureOfATextNeverMovesToACall(t *testing.T) {
	for _, keep := range []bool{true, false} {
		g, f := third(t)
		r := g.post(chat("smart", user("<<text:a fine day>>"))).ok()
		m := r.message()
		if !keep {
			m = `{"role":"assistant","content":"a fine day"}`
		}
		next := g.post(chat("smart", user("<<text:a fine day>>"), m, user(askParis))).ok()
		body := string(f.Last(t).Body)
		if n := strings.Count(body, `"a fine day"`); n != 1 {
			t.Errorf("the text is there %d times: %s", n, body)
		}
		if next.callID() == "" {
			t.Errorf("no call: %s", next.body)
		}
		carries(t, f.Last(t))
		unrefused(t, f)
	}
}

func TestT17GenerationTwoGetsNeitherPlaceholderNorIDs(t *testing.T) {
	f := testkit.NewGemini(t)
	g := start(t, modelList(noRetries, deployment("smart", "gemini/gemini-2.5-pro", f)))
	g.post(chat("smart", user("?"), call("call_1", "weather", paris), result("call_1", "sun"))).ok()
	carries(t, f.Last(t), "")
	unrefused(t, f)
}

func TestT18ConversationMovesFromClaudeToGemini(t *testing.T) {
	claude := testkit.NewAnthropic(t)
	f := testkit.NewGemini(t)
	g := start(t, modelList(noRetries, deployment("smart", "gemini/gemini-3.1-pro-preview", f), deployment("claude", "anthropic/claude-sonnet-4-5-20250929", claude)))
	ask := with(chat("claude", user(askParis)), "reasoning_effort", `"low"`)
	r := g.post(ask).ok()
	m := r.message()
	if !gjson.Get(m, "thinking_blocks.0.signature").Exists() {
		t.Fatalf("Claude did not think: %s", m)
	}
	g.post(chat("smart", user(askParis), m, result(r.callID(), "sun"))).ok()
	carries(t, f.Last(t), signature.Placeholder)
	if st := f.Last(t).State; st.Foreign != 0 {
		t.Errorf("a foreign signature went to Gemini: %s", f.Last(t).Body)
	}
	unrefused(t, f, claude)
}

func TestT19ConversationMovesFromGeminiToOpenAI(t *testing.T) {
	openai, deepseek, claude, f := testkit.NewOpenAI(t), testkit.NewDeepSeek(t), testkit.NewAnthropic(t), testkit.NewGemini(t)
	g := start(t, modelList(noRetries, deployment("smart", "gemini/gemini-3.1-pro-preview", f), deployment("gpt", "openai/gpt-4o", openai),
		deployment("ds", "deepseek/deepseek-v4-pro", deepseek), deployment("claude", "anthropic/claude-opus-5-5", claude)))
	r := g.post(chat("smart", user(askParis))).ok()
	for _, keep := range []string{r.message(), onlyIDs(r.message())} {
		for group, target := range map[string]*testkit.Fake{"gpt": openai, "ds": deepseek, "claude": claude} {
			g.post(chat(group, user(askParis), keep, result(r.callID(), "sun"))).ok()
			if body := string(target.Last(t).Body); strings.Contains(body, signature.Mark) || strings.Contains(body, given(t, r.message())) {
				t.Errorf("the signature went to %s: %s", group, body)
			}
		}
	}
	body := openai.Last(t).Body
	use, answer := gjson.GetBytes(body, "messages.1.tool_calls.0.id").String(), gjson.GetBytes(body, "messages.2.tool_call_id").String()
	if use == "" || use != answer || len(use) > 40 {
		t.Errorf("the ids are %q and %q", use, answer)
	}
	unrefused(t, openai, deepseek, claude, f)
}

func TestT21CorruptedSignatureIsRepairedInvisibly(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, f := third(t)
		id := "call_1__thought__" + testkit.NewGemini(t, testkit.WithAccount("other")).Signature()
		body := chat("smart", user("?"), call(id, "weather", paris), result(id, "sun"))
		if stream {
			g.post(streamed(body)).assembled()
		} else {
			r := g.post(body).ok()
			if n := r.header.Get("x-litellm-attempted-retries"); n != "0" {
				t.Errorf("the repair counts as %s retries", n)
			}
		}
		if n := len(f.Requests()); n != 2 {
			t.Fatalf("%d requests upstream, want 2", n)
		}
		carries(t, f.Last(t), signature.Placeholder)
		if line := g.log.Find(0, requestLine, g.done); !strings.Contains(line, "repairs=signatures") {
			t.Error("the log does not count the repair")
		}
	})
}

func TestT22RepairThatFailsIsReportedOnce(t *testing.T) {
	g, f := third(t)
	f.Always(testkit.FailWith(400, `{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}`))
	id := "call_1__thought__" + f.Signature()
	r := g.post(chat("smart", user("?"), call(id, "weather", paris), result(id, "sun")))
	if r.status != 400 || !strings.Contains(r.get("error.message").String(), "Corrupted thought signature.") {
		t.Errorf("the client got %d %s", r.status, r.body)
	}
	if n := len(f.Requests()); n != 2 {
		t.Errorf("%d requests upstream, want 2", n)
	}
}

func TestT24SignaturesOfOneKeyAreNeverFoundForAnother(t *testing.T) {
	f := testkit.NewGemini(t)
	yaml := func(key string) string {
		return modelList(noRetries+"\ngeneral_settings: {master_key: "+key+"}", deployment("smart", "gemini/gemini-3.1-pro-preview", f))
	}
	g := start(t, yaml("sk-first-tenant"))
	g.post(chat("smart", user(askParis)), "Authorization", "Bearer sk-first-tenant").ok()
	replay := chat("smart", user(askParis), call("call_1", "weather", paris), result("call_1", "sun"))
	g.post(replay, "Authorization", "Bearer sk-first-tenant").ok()
	if f.Last(t).State.Real != 1 {
		t.Fatalf("the first tenant does not get its own signature: %+v", f.Last(t).State)
	}
	g.configure(yaml("sk-second-tenant"))
	g.reload()
	g.post(replay, "Authorization", "Bearer sk-second-tenant").ok()
	carries(t, f.Last(t), signature.Placeholder)
}

func TestT25GenerationIsToldByTheModelsName(t *testing.T) {
	for model, want := range map[string]string{
		"gemini-flash-latest": signature.Placeholder, "gemini-4-argon": signature.Placeholder,
		"models/gemini-3.1-pro-preview": signature.Placeholder, "gemini-2.5-flash": "", "gemma-3-27b-it": "",
	} {
		t.Run(model, func(t *testing.T) {
			f := testkit.NewGemini(t)
			g := start(t, modelList(noRetries, deployment("smart", "gemini/"+model, f)))
			g.post(chat("smart", user("?"), call("call_1", "weather", paris), result("call_1", "sun"))).ok()
			carries(t, f.Last(t), want)
			unrefused(t, f)
		})
	}
}

func TestT27ShortIDsAreServedFromTheMemory(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, f := third(t, short)
		m := firstTurn(g, chat("smart", user(askParis)), stream)
		id := gjson.Get(m, "tool_calls.0.id").String()
		g.post(chat("smart", user(askParis), onlyIDs(m), result(id, "sun"))).ok()
		carries(t, f.Last(t), given(t, m))
		unrefused(t, f)
	})
}

// TestT50 stands for a switch of account: what one deployment signed is nothing
// that another accepts.
func TestT50AnotherAccountGetsPlaceholdersInsteadOfForeignSignatures(t *testing.T) {
	first, second := testkit.NewGemini(t), testkit.NewGemini(t, testkit.WithAccount("other"), testkit.WithKey("gem-other"))
	g := start(t, modelList("router_settings: {num_retries: 2}",
		deployment("smart", "gemini/gemini-3.1-pro-preview", first, "order: 1"), deployment("smart", "gemini/gemini-3.1-pro-preview", second, "order: 2")))
	m := g.post(chat("smart", user(askParis))).ok().message()
	id := gjson.Get(m, "tool_calls.0.id").String()
	first.Always(testkit.Fail(503))
	g.post(chat("smart", user(askParis), m, result(id, "sun"))).ok()
	carries(t, second.Last(t), signature.Placeholder)
}
