package e2e_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// chunk is a Chat Completions chunk with a delta.
func chunk(delta string, finish string) string {
	return `{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`
}

func callDelta(index int, head, args string) string {
	return chunk(fmt.Sprintf(`{"tool_calls":[{"index":%d,%s"function":{%s"arguments":%s}}]}`, index, cutBefore(head), cutAfter(head), quote(args)), "null")
}

// cutBefore and cutAfter write id and name of a call's first delta, "id name".
func cutBefore(head string) string {
	id, _, ok := strings.Cut(head, " ")
	if !ok {
		return ""
	}
	return `"id":` + quote(id) + `,"type":"function",`
}

func cutAfter(head string) string {
	_, name, ok := strings.Cut(head, " ")
	if !ok {
		return ""
	}
	return `"name":` + quote(name) + `,`
}

// interleaved are two calls whose arguments arrive by turns, and the usage after the
// finish.
var interleaved = []string{
	chunk(`{"role":"assistant","content":""}`, "null"),
	callDelta(0, "call_a weather", ""), callDelta(1, "call_b weather", ""),
	callDelta(0, "", `{"city":`), callDelta(1, "", `{"city":"Ro`), callDelta(0, "", `"Paris"`), callDelta(1, "", `me"}`), callDelta(0, "", `}`),
	chunk(`{}`, `"tool_calls"`),
	`{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"x","choices":[],"usage":{"prompt_tokens":31,"completion_tokens":17,"total_tokens":48}}`,
	"[DONE]",
}

// compatible is a gateway in front of a server that speaks Chat Completions alone
// and answers with these events.
func compatible(t *testing.T, events []string) (*gateway, *testkit.Fake) {
	t.Helper()
	f := testkit.NewOpenAI(t, testkit.ChatOnly(), testkit.WithReplies(testkit.Reply{Events: events}))
	return start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f))), f
}

func TestT81InterleavedCallsBecomeBlocksOneAfterAnother(t *testing.T) {
	g, _ := compatible(t, interleaved)
	for _, d := range dialects {
		a := d.get(t, g, ask("m", "?").withTools().streaming(true))
		var got []string
		for _, c := range a.calls {
			got = append(got, c.name+compact(c.args))
		}
		if strings.Join(got, " ") != `weather{"city":"Paris"} weather{"city":"Rome"}` || a.finish != "tools" {
			t.Errorf("%s: calls %q end with %q", d.name, got, a.finish)
		}
	}
}

func TestT82UsageAfterTheFinishStandsInTheOneMessageDelta(t *testing.T) {
	g, _ := compatible(t, interleaved)
	r := messagesDialect.say(g, ask("m", "?").withTools().streaming(true)).ok()
	a := messagesStream(t, r.body)
	if n := strings.Count(r.body, "event: message_delta"); n != 1 || a.used != 17 || a.input != 31 {
		t.Errorf("%d message_delta, %d tokens in, %d out: %s", n, a.input, a.used, r.body)
	}
}

// claudeCode is what Claude Code sends (§5.1), whole but for the length of its texts.
const claudeCode = `{"model":"MODEL","messages":[
 {"role":"user","content":[{"type":"text","text":"<system-reminder>\nToday is Tuesday.\n</system-reminder>\n"},{"type":"text","text":"What is the weather? <<call:Bash {\"command\":\"curl wttr.in\"}>>","cache_control":{"type":"ephemeral"}}]},
 {"role":"system","content":"# Environment\nPlatform: linux","output_config":{"effort":"high"}}],
 "system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.328.abc; cc_entrypoint=sdk-cli;"},{"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be brief.","cache_control":{"type":"ephemeral"}}],
 "tools":[{"name":"Bash","description":"Run a command.","input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"command":{"type":"string"},"timeout":{"type":"number"}},"required":["command"],"additionalProperties":false}},
  {"name":"ToolSearch","description":"Find tools.","input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"query":{"type":"string"}},"required":["query"],"additionalProperties":false}},
  {"name":"DeferredToolPlaceholder","description":"Placeholder.","input_schema":{"type":"object","properties":{}},"defer_loading":true}],
 "metadata":{"user_id":"{\"device_id\":\"d\",\"account_uuid\":\"\",\"session_id\":\"s\"}"},"max_tokens":32000,
 "thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"high"},
 "context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"stream":true}`

var claudeCodeHeaders = []string{
	"Authorization", "Bearer sk-any", "anthropic-version", "2023-06-01", "x-app", "cli", "User-Agent", "claude-cli/2.1.328 (external, sdk-cli)", "anthropic-beta",
	"claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,per-turn-control-2026-07-01,mid-conversation-tool-changes-2026-07-01,thinking-token-count-2026-05-13,advanced-tool-use-2025-11-20,effort-2025-11-24",
}

// TestT83ClaudeCodesOwnBodyWorksOnEveryUpstream has a Claude among them that is older
// than what the body asks for.
func TestT83ClaudeCodesOwnBodyWorksOnEveryUpstream(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		claudeCodeLoop(t, s.gateway, u.name, fake)
		for _, r := range fake.Requests() {
			if r.Status != http.StatusOK {
				continue
			}
			body := string(r.Body)
			for _, never := range []string{"x-anthropic-billing-header", "DeferredToolPlaceholder", "clear_thinking"} {
				passes := u.name == "deepseek-messages" || u.name == "anthropic" && never == "clear_thinking"
				if !passes && strings.Contains(body, never) {
					t.Errorf("%q went upstream: %s", never, body)
				}
			}
			if u.name == "gemini" && (strings.Contains(body, `"$schema"`) || strings.Contains(body, `"role":"system"`)) {
				t.Errorf("a schema's version or a role that Gemini does not know went upstream: %s", body)
			}
		}
	})
}

func TestT83ClaudeCodesOwnBodyPassesToClaude(t *testing.T) {
	f := testkit.NewAnthropic(t)
	g := start(t, modelList(noRetries, deployment("claude", opus, f)))
	claudeCodeLoop(t, g, "claude", f)
	if body := string(f.Last(t).Body); !strings.Contains(body, "x-anthropic-billing-header") || !strings.Contains(body, `"role":"system"`) {
		t.Errorf("what Anthropic knows was changed: %s", body)
	}
}

// claudeCodeLoop makes the two turns of a tool call as Claude Code makes them.
func claudeCodeLoop(t *testing.T, g *gateway, model string, fake *testkit.Fake) {
	t.Helper()
	body := strings.Replace(claudeCode, "MODEL", model, 1)
	first := messagesStream(t, g.send(http.MethodPost, "/v1/messages?beta=true", body, claudeCodeHeaders...).ok().body)
	if len(first.calls) != 1 || first.calls[0].name != "Bash" {
		t.Fatalf("answer %+v", first)
	}
	body = with(body, "messages.-1", first.kept)
	body = with(body, "messages.-1", `{"role":"user","content":[{"type":"tool_result","tool_use_id":`+quote(first.calls[0].id)+`,"content":"sun","is_error":false,"cache_control":{"type":"ephemeral"}}]}`)
	last := messagesStream(t, g.send(http.MethodPost, "/v1/messages?beta=true", body, claudeCodeHeaders...).ok().body)
	if last.text != "FINAL Bash=sun" || last.finish != "stop" {
		t.Errorf("answer %+v", last)
	}
	if st := fake.Last(t).State; st.Foreign != 0 || fake.Last(t).State.Placeholders != 0 {
		t.Errorf("state %+v", st)
	}
	unrefused(t, fake)
}

func TestT84ClaudeCodesSideRequests(t *testing.T) {
	s := newSite(t)
	if r := s.send(http.MethodHead, "/api/hello", ""); r.status >= 500 || r.body != "" {
		t.Errorf("hello: %d %s", r.status, r.body)
	}
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		body := `{"model":` + quote(u.name) + `,"system":"Be brief.","messages":[` + user("How many?") + `],"tools":[{"name":"weather","input_schema":` + weatherSchema + `}],"thinking":{"type":"enabled","budget_tokens":1024}}`
		r := s.send(http.MethodPost, "/v1/messages/count_tokens?beta=true", body, claudeCodeHeaders...).ok()
		if r.get("input_tokens").Int() < 5 || len(gjson.Parse(r.body).Map()) != 1 {
			t.Errorf("count %s", r.body)
		}
		stream := s.send(http.MethodPost, "/v1/messages?beta=true", messagesBody(ask(u.name, speech).streaming(true))).ok()
		if a := messagesStream(t, stream.body); a.text == "" {
			t.Errorf("stream %s", stream.body)
		}
		unrefused(t, fake)
	})
}

func TestT86ALongToolNameComesBackWhole(t *testing.T) {
	long := "mcp__" + strings.Repeat("a_very_long_server_name_", 3) + "__do_it"
	for len(long) < 90 {
		long += "_x"
	}
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		bothWays(t, func(t *testing.T, stream bool) {
			q := ask(u.name, "call it").streaming(stream)
			body := with(messagesBody(q), "tools", `[{"name":`+quote(long)+`,"input_schema":`+weatherSchema+`}]`)
			forced := with(body, "tool_choice", `{"type":"any"}`)
			first := messagesDialect.read(t, q, s.send(http.MethodPost, "/v1/messages", forced).ok())
			if len(first.calls) != 1 || first.calls[0].name != long {
				t.Fatalf("calls %+v", first.calls)
			}
			if name := longestName(fake.Last(t).Body); len(name) > 64 && u.name != "anthropic" && u.name != "deepseek-messages" && u.name != "gemini" {
				t.Errorf("the name %q went upstream", name)
			}
			body = with(body, "messages.-1", first.kept)
			body = with(body, "messages.-1", messagesTurn(turn{results: first.answers()}))
			last := messagesDialect.read(t, q, s.send(http.MethodPost, "/v1/messages", body).ok())
			if !strings.Contains(last.text, "=sun") {
				t.Errorf("answer %+v", last)
			}
			unrefused(t, fake)
		})
	})
}

// longestName is the longest name of a tool or call in a request.
func longestName(body []byte) string {
	longest := ""
	gjson.GetBytes(body, "@this").ForEach(func(_, _ gjson.Result) bool { return true })
	for _, path := range []string{"tools.#.function.name", "tools.#.name", "tools.0.functionDeclarations.#.name", "messages.#.tool_calls.#.function.name|@flatten"} {
		for _, n := range gjson.GetBytes(body, path).Array() {
			if len(n.String()) > len(longest) {
				longest = n.String()
			}
		}
	}
	return longest
}
