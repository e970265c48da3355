package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

const (
	sonnet = "anthropic/claude-sonnet-4-5-20250929"
	opus   = "anthropic/claude-opus-5-5"
)

func thinkingChat(model string, messages ...string) string {
	return with(chat(model, messages...), "reasoning_effort", `"low"`)
}

// blocks are the types of the blocks of message i of a request to Anthropic.
func blocks(r testkit.Request, i string) string {
	var kinds []string
	for _, b := range gjson.GetBytes(r.Body, "messages."+i+".content").Array() {
		kinds = append(kinds, b.Get("type").String())
	}
	return strings.Join(kinds, " ")
}

func TestT55DroppedThinkingBlocksAreRestoredByCallID(t *testing.T) {
	for _, reply := range []testkit.Reply{{Thinking: "hm, Paris"}, {Omitted: true}, {Redacted: true}} {
		bothWays(t, func(t *testing.T, stream bool) {
			reply.Calls = []testkit.Call{{Name: "weather", Args: paris}}
			f := testkit.NewAnthropic(t, testkit.WithReplies(reply, testkit.Reply{Text: "done"}))
			g := start(t, modelList(noRetries, deployment("claude", sonnet, f)))
			m := firstTurn(g, thinkingChat("claude", user("?")), stream)
			id := gjson.Get(m, "tool_calls.0.id").String()
			g.post(thinkingChat("claude", user("?"), onlyIDs(m), result(id, "sun"))).ok()
			want := "thinking tool_use"
			if reply.Redacted {
				want = "redacted_thinking tool_use"
			}
			if got := blocks(f.Last(t), "1"); got != want {
				t.Errorf("blocks %q, want %q", got, want)
			}
			unrefused(t, f)
		})
	}
}

func TestT55KeptThinkingBlocksGoBackUnmodified(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		f := testkit.NewAnthropic(t, testkit.WithScript(testkit.Loop("done", []testkit.Call{{Name: "weather", Args: paris}})))
		g := start(t, modelList(noRetries, deployment("claude", sonnet, f)))
		m := firstTurn(g, thinkingChat("claude", user("?")), stream)
		// Another gateway without memory must manage with what the client kept.
		fresh := start(t, modelList(noRetries, deployment("claude", sonnet, f)))
		fresh.post(thinkingChat("claude", user("?"), m, result(gjson.Get(m, "tool_calls.0.id").String(), "sun"))).ok()
		if st := f.Last(t).State; st.Real != 1 {
			t.Errorf("state %+v in %s", st, f.Last(t).Body)
		}
		unrefused(t, f)
	})
}

func TestT55WithoutMemoryManualThinkingIsDroppedForTheCall(t *testing.T) {
	f := testkit.NewAnthropic(t)
	g := start(t, modelList(noRetries, deployment("claude", sonnet, f), deployment("opus", opus, f)))
	for _, model := range []string{"claude", "opus"} {
		g.post(thinkingChat(model, user("?"), call("toolu_9", "weather", paris), result("toolu_9", "sun"))).ok()
	}
	first, second := f.Requests()[0], f.Requests()[1]
	if gjson.GetBytes(first.Body, "thinking.type").String() == "enabled" {
		t.Errorf("manual thinking without its block: %s", first.Body)
	}
	if gjson.GetBytes(second.Body, "thinking.type").String() != "adaptive" {
		t.Errorf("adaptive thinking is gone: %s", second.Body)
	}
	unrefused(t, f)
}

func TestT56InvalidThinkingSignatureIsStrippedOnce(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		f := testkit.NewAnthropic(t)
		g := start(t, modelList(noRetries, deployment("claude", sonnet, f)))
		foreign := testkit.NewAnthropic(t, testkit.WithAccount("other")).ThinkingSignature("hm")
		m := with(call("toolu_1", "weather", paris), "thinking_blocks", `[{"type":"thinking","thinking":"hm","signature":`+quote(foreign)+`}]`)
		body := thinkingChat("claude", user("?"), m, result("toolu_1", "sun"))
		if stream {
			g.post(streamed(body)).assembled()
		} else {
			g.post(body).ok()
		}
		if n := len(f.Requests()); n != 2 {
			t.Fatalf("%d requests upstream, want 2", n)
		}
		if got := blocks(f.Last(t), "1"); got != "tool_use" {
			t.Errorf("blocks %q after the repair", got)
		}
	})
}

func TestT71DeepSeekGetsItsReasoningBack(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		f := testkit.NewDeepSeek(t, testkit.WithScript(testkit.Loop("done", []testkit.Call{{Name: "weather", Args: paris}})))
		g := start(t, modelList(noRetries, deployment("ds", "deepseek/deepseek-v4-flash", f)))
		m := firstTurn(g, chat("ds", user("?")), stream)
		reasoning := gjson.Get(m, "reasoning_content").String()
		if reasoning == "" {
			t.Fatalf("no reasoning in %s", m)
		}
		g.post(chat("ds", user("?"), onlyIDs(m), result(gjson.Get(m, "tool_calls.0.id").String(), "sun"))).ok()
		if got := gjson.GetBytes(f.Last(t).Body, "messages.1.reasoning_content").String(); got != reasoning {
			t.Errorf("reasoning %q went back, want %q", got, reasoning)
		}
		unrefused(t, f)
	})
}

func TestT71UnknownReasoningIsFilledIn(t *testing.T) {
	f := testkit.NewDeepSeek(t)
	g := start(t, modelList(noRetries, deployment("ds", "deepseek/deepseek-v4-flash", f)))
	g.post(chat("ds", user("?"), call("call_1", "weather", paris), result("call_1", "sun"),
		call("call_2", "clock", "{}"), result("call_2", "noon"))).ok()
	if st := f.Last(t).State; st.Placeholders != 2 {
		t.Errorf("state %+v", st)
	}
	off := with(chat("ds", user("?"), call("call_1", "weather", paris), result("call_1", "sun")), "thinking", `{"type":"disabled"}`)
	g.post(off).ok()
	if st := f.Last(t).State; st.Thinking != 0 {
		t.Errorf("T72: reasoning goes up with thinking off: %s", f.Last(t).Body)
	}
	unrefused(t, f)
}

func TestT71AcrossFamiliesEveryDirectionIsClean(t *testing.T) {
	fakes := map[string]*testkit.Fake{
		"gemini": testkit.NewGemini(t), "claude": testkit.NewAnthropic(t), "ds": testkit.NewDeepSeek(t), "gpt": testkit.NewOpenAI(t),
	}
	g := start(t, modelList(noRetries+"\nlitellm_settings: {drop_params: true}",
		deployment("gemini", "gemini/gemini-3.1-pro-preview", fakes["gemini"]), deployment("claude", sonnet, fakes["claude"]),
		deployment("ds", "deepseek/deepseek-v4-pro", fakes["ds"]), deployment("gpt", "openai/gpt-5", fakes["gpt"])))
	for from := range fakes {
		first := g.post(thinkingChat(from, user(askParis))).ok()
		for to, f := range fakes {
			r := g.post(thinkingChat(to, user(askParis), first.message(), result(first.callID(), "sun")))
			if r.status != 200 || !strings.Contains(r.content(), "weather=sun") {
				t.Errorf("from %s to %s: %d %s", from, to, r.status, r.body)
			}
			if st := f.Last(t).State; st.Foreign != 0 {
				t.Errorf("from %s to %s: foreign state %+v", from, to, st)
			}
		}
	}
	for _, f := range fakes {
		unrefused(t, f)
	}
}

func TestReasoningStateSurvivesARestart(t *testing.T) {
	f := testkit.NewGemini(t)
	yaml := modelList(noRetries+"\nfairlead_settings: {data_dir: "+t.TempDir()+"}", deployment("smart", "gemini/gemini-3.1-pro-preview", f))
	g := start(t, yaml)
	m := g.post(chat("smart", user(askParis))).ok().message()
	g.stop()
	again := start(t, yaml)
	again.post(chat("smart", user(askParis), call("call_1", "weather", paris), result("call_1", "sun"))).ok()
	carries(t, f.Last(t), given(t, m))
	unrefused(t, f)
}
