package e2e_test

import (
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// codex is what Codex sends for models it does not know (§5.1).
const codex = `{"model":"MODEL","stream":true,"store":false,"instructions":"You are Codex.","tool_choice":"auto","parallel_tool_calls":false,
 "reasoning":{"effort":"medium","summary":"auto"},"include":["reasoning.encrypted_content"],"prompt_cache_key":"k","text":{"verbosity":"low"},"client_metadata":{"a":"b"},
 "input":[{"type":"message","id":"msg_0","role":"developer","content":[{"type":"input_text","text":"<permissions>read-only</permissions>"}]},
  {"type":"message","id":"msg_1","role":"user","content":[{"type":"input_text","text":"What is the weather? <<call:exec_command {\"cmd\":\"curl wttr.in\"}>>"}]}],
 "tools":[{"type":"function","name":"exec_command","description":"Run.","strict":false,"parameters":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"],"additionalProperties":false}},
  {"type":"namespace","name":"multi_agent_v1","description":"Agents.","tools":[{"type":"function","name":"spawn","description":"Spawn.","strict":false,"parameters":{"type":"object","properties":{"task":{"type":"string"}},"required":["task"]}}]},
  {"type":"web_search","external_web_access":true}]}`

var codexHeaders = []string{"Authorization", "Bearer sk-any", "Accept", "text/event-stream", "originator", "codex_exec", "User-Agent", "codex_exec/0.169.0", "session-id", "s"}

// TestT28CodexKeepsTheRealSignatureOfGemini: the second turn has the call's id and
// the reasoning item alone, and another gateway without memory must do with them.
func TestT28CodexKeepsTheRealSignatureOfGemini(t *testing.T) {
	s, fresh := newSite(t), newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		body := strings.Replace(codex, "MODEL", u.name, 1)
		first := responsesStream(t, s.send(http.MethodPost, "/v1/responses", body, codexHeaders...).ok().body)
		if len(first.calls) != 1 || first.calls[0].name != "exec_command" {
			t.Fatalf("answer %+v", first)
		}
		body = codexReplay(body, first)
		last := responsesStream(t, fresh.send(http.MethodPost, "/v1/responses", body, codexHeaders...).ok().body)
		if last.text != "FINAL exec_command=sun" {
			t.Errorf("answer %+v", last)
		}
		sent := fresh.fakes[u.name].Last(t)
		if st := sent.State; st.Foreign != 0 || st.Placeholders != 0 || st.Real != 1 && (u.name == "gemini" || u.name == "anthropic" || u.name == "openai") {
			t.Errorf("state %+v in %s", st, sent.Body)
		}
		unrefused(t, fake, fresh.fakes[u.name])
		if u.name == "gemini" { // the envelope never reaches OpenAI
			elsewhere := strings.Replace(body, `"model":"gemini"`, `"model":"openai"`, 1)
			responsesStream(t, fresh.send(http.MethodPost, "/v1/responses", elsewhere, codexHeaders...).ok().body)
			if st := fresh.fakes["openai"].Last(t).State; st.Foreign != 0 || st.Thinking != 0 {
				t.Errorf("OpenAI saw %+v", st)
			}
			unrefused(t, fresh.fakes["openai"])
		}
	})
}

// codexReplay adds the items that Codex keeps, as it writes them, and a result.
func codexReplay(body string, first answer) string {
	for _, it := range gjson.Parse("[" + first.kept + "]").Array() {
		switch it.Get("type").String() {
		case "reasoning":
			item := `{"type":"reasoning","id":` + it.Get("id").Raw + `,"summary":` + it.Get("summary").Raw + `,"content":null}`
			if e := it.Get("encrypted_content"); e.Exists() {
				item = with(item, "encrypted_content", e.Raw)
			}
			body = with(body, "input.-1", item)
		case "function_call":
			item := `{"type":"function_call","id":` + it.Get("id").Raw + `,"call_id":` + it.Get("call_id").Raw + `,"name":` + it.Get("name").Raw + `,"arguments":` + it.Get("arguments").Raw + `}`
			body = with(body, "input.-1", item)
		case "custom_tool_call":
			item := `{"type":"custom_tool_call","id":` + it.Get("id").Raw + `,"call_id":` + it.Get("call_id").Raw + `,"name":` + it.Get("name").Raw + `,"input":` + it.Get("input").Raw + `}`
			body = with(body, "input.-1", item)
		}
	}
	kind, id := "function_call_output", ""
	if len(first.calls) > 0 {
		id = first.calls[0].id
	} else {
		kind, id = "custom_tool_call_output", gjson.Get("["+first.kept+"]", `#(type=="custom_tool_call").call_id`).String()
	}
	return with(body, "input.-1", `{"type":"`+kind+`","id":"fco_1","call_id":`+quote(id)+`,"output":"sun"}`)
}

// codexLite is what Codex sends for models it knows: no tools at the top level.
const codexLite = `{"model":"MODEL","stream":true,"store":false,"tool_choice":"auto","parallel_tool_calls":true,"reasoning":{"effort":"medium","context":"all_turns"},
 "include":["reasoning.encrypted_content"],"input":[
  {"type":"additional_tools","role":"developer","tools":[{"type":"namespace","name":"functions","description":"Tools.","tools":[
   {"type":"custom","name":"exec","description":"Run code.","format":{"type":"grammar","syntax":"lark","definition":"start: /.+/"}},
   {"type":"function","name":"wait","description":"Wait.","strict":false,"parameters":{"type":"object","properties":{"cell_id":{"type":"string","encrypted":true}},"required":["cell_id"]}}]}]},
  {"type":"message","role":"developer","content":[{"type":"input_text","text":"Be brief."}]},
  {"type":"message","role":"user","content":[{"type":"input_text","text":"run it"}]}]}`

func TestT87CodexLiteGetsItsCustomToolCall(t *testing.T) {
	const program = "text(await tools.exec_command({cmd: \"ls\"}));\n"
	for _, u := range upstreams {
		if u.name == "openai" || u.name == "deepseek-messages" {
			continue // the one gets Codex's bytes, the other is deepseek here
		}
		t.Run(u.name, func(t *testing.T) {
			script := func(tn *testkit.Turn) testkit.Reply {
				if tn.Steps > 0 {
					return testkit.Reply{Text: "done " + tn.Results[0].Text}
				}
				return testkit.Reply{Calls: []testkit.Call{{Name: toolEnding(tn, "exec"), Args: `{"content":` + quote(program) + `}`}}}
			}
			f := u.fake(t, append([]testkit.Option{testkit.WithScript(script)}, u.options...)...)
			g := start(t, modelList(noRetries, deployment("m", u.model, f)))
			body := strings.Replace(codexLite, "MODEL", "m", 1)
			r := g.send(http.MethodPost, "/v1/responses", body, codexHeaders...).ok()
			item, deltas := customCall(t, r.body)
			if item.Get("name").String() != "exec" || item.Get("input").String() != program || deltas != program {
				t.Fatalf("item %s after the deltas %q: %s", item.Raw, deltas, r.body)
			}
			body = codexReplay(body, answer{kept: item.Raw})
			if last := responsesStream(t, g.send(http.MethodPost, "/v1/responses", body, codexHeaders...).ok().body); last.text != "done sun" {
				t.Errorf("answer %+v", last)
			}
			unrefused(t, f)
		})
	}
}

// toolEnding is the offered tool whose name ends so.
func toolEnding(tn *testkit.Turn, end string) string {
	for _, tool := range tn.Tools {
		if strings.HasSuffix(tool.Name, end) {
			return tool.Name
		}
	}
	return "no such tool"
}

// customCall finds the custom tool call of a stream, and what its deltas say.
func customCall(t *testing.T, body string) (item gjson.Result, deltas string) {
	t.Helper()
	for _, fr := range frames(t, body) {
		ev := gjson.Parse(fr.data)
		switch fr.event {
		case "response.custom_tool_call_input.delta":
			deltas += ev.Get("delta").String()
		case "response.output_item.done":
			if ev.Get("item.type").String() == "custom_tool_call" {
				item = ev.Get("item")
			}
		}
	}
	return item, deltas
}

func TestT88AStreamWithoutAFinishReasonIsCompleteNonetheless(t *testing.T) {
	g, _ := compatible(t, []string{
		chunk(`{"role":"assistant","content":""}`, "null"), chunk(`{"content":"one "}`, "null"), chunk(`{"content":"two"}`, "null"),
		callDelta(0, "call_a weather", ""), callDelta(0, "", paris), "[DONE]",
	})
	r := responsesDialect.say(g, ask("m", "?").withTools().streaming(true)).ok()
	a := responsesStream(t, r.body)
	if a.text != "one two" || len(a.calls) != 1 || a.finish != "tools" || strings.Count(r.body, "event: response.output_item.done") != 2 || strings.Count(r.body, "event: response.completed") != 1 {
		t.Errorf("answer %+v of %s", a, r.body)
	}
}

func TestT89AWebSocketIsRefusedAtOnce(t *testing.T) {
	s := newSite(t)
	r := s.send(http.MethodGet, "/v1/responses", "", "Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Version", "13",
		"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==", "OpenAI-Beta", "responses_websockets=2026-02-06")
	if r.status != http.StatusNotFound && r.status != http.StatusUpgradeRequired {
		t.Errorf("%d %s", r.status, r.body)
	}
	chatFailed(t, r.body)
}

func TestT91UnknownItemsAndPartsAreDroppedAndSaid(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		if u.name == "openai" {
			return // OpenAI itself says what it does not know
		}
		body := `{"model":` + quote(u.name) + `,"input":[{"type":"hologram","data":"x"},{"role":"user","content":[{"type":"input_smell","smell":"rose"},{"type":"input_text","text":"hi"}]}]}`
		r := s.send(http.MethodPost, "/v1/responses", body).ok()
		if a := responsesWhole(t, r.body); a.text != "echo: hi" {
			t.Errorf("answer %+v", a)
		}
		if got := r.header.Get("X-Fairlead-Dropped"); !strings.Contains(got, "hologram") && !strings.Contains(got, "input[0]") || !strings.Contains(got, "smell") && !strings.Contains(got, "content[0]") {
			t.Errorf("what was dropped is not said: %q", got)
		}
		unrefused(t, fake)
	})
}

// TestTheResponsesAPIOfAnUpstreamIsLearnt: a server without one is asked once; one
// that has it keeps it, also when a history names an item that it does not know.
func TestTheResponsesAPIOfAnUpstreamIsLearnt(t *testing.T) {
	s := newSite(t)
	paths := func(f *testkit.Fake) string {
		var out []string
		for _, r := range f.Requests() {
			out = append(out, r.Path)
		}
		return strings.Join(out, " ")
	}
	for range 2 {
		responsesDialect.get(t, s.gateway, ask("compatible", "hi"))
	}
	if got := paths(s.fakes["compatible"]); got != "/v1/responses /v1/chat/completions /v1/chat/completions" {
		t.Errorf("asked %s", got)
	}
	q := ask("openai", "hi").then(`{"type":"reasoning","id":"rs_gone","summary":[]},{"role":"assistant","content":"hello"}`)
	q.turns[2] = turn{text: "again"}
	responsesDialect.get(t, s.gateway, q)
	responsesDialect.get(t, s.gateway, ask("openai", "hi"))
	if got := paths(s.fakes["openai"]); strings.Contains(got, "chat/completions") {
		t.Errorf("asked %s", got)
	}
}

// TestAConversationGoesOnByItsID: the whole of it, on every upstream.
func TestAConversationGoesOnByItsID(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		bothWays(t, func(t *testing.T, stream bool) {
			body := without(responsesBody(ask(u.name, "first "+askParis).withTools().streaming(stream)), "store")
			id, first := storedAnswer(t, s.gateway, body, stream)
			next := with(body, "previous_response_id", quote(id))
			next = with(next, "input", `[{"type":"function_call_output","call_id":`+quote(first.calls[0].id)+`,"output":"sunParis"}]`)
			id, second := storedAnswer(t, s.gateway, next, stream)
			if second.text != "FINAL weather=sunParis" {
				t.Errorf("answer %+v", second)
			}
			last := with(with(body, "previous_response_id", quote(id)), "input", quote("and now?"))
			if _, third := storedAnswer(t, s.gateway, last, stream); third.text != "echo: and now?" {
				t.Errorf("answer %+v", third)
			}
			sent := string(fake.Last(t).Body)
			for _, said := range []string{"first ", "sunParis", "FINAL weather", "and now?"} {
				if !strings.Contains(sent, said) {
					t.Errorf("%q is lost from the conversation: %s", said, sent)
				}
			}
			if r := s.send(http.MethodGet, "/v1/responses/"+id, ""); r.ok().get("id").String() != id {
				t.Errorf("stored %s", r.body)
			}
			unrefused(t, fake)
		})
	})
}

func TestAKeptAnswerIsServedOnBothPathsButNotAsAStream(t *testing.T) {
	g := start(t, modelList("", deployment("m", "openai/gpt-4o", testkit.NewOpenAI(t))))
	id, _ := storedAnswer(t, g, without(responsesBody(ask("m", "first")), "store"), false)
	for _, path := range []string{"/v1/responses/", "/responses/"} {
		if r := g.send(http.MethodGet, path+id, ""); r.ok().get("id").String() != id {
			t.Errorf("%s: %s", path, r.body)
		}
		g.send(http.MethodGet, path+id+"/input_items", "").ok()
		if r := g.send(http.MethodGet, path+id+"?stream=true", ""); r.status != http.StatusBadRequest || r.get("error.param").String() != "stream" {
			t.Errorf("%s as a stream: %d %s", path, r.status, r.body)
		}
	}
	g.send(http.MethodDelete, "/responses/"+id, "").ok()
}

func TestAConversationGoesOnByItsIDAfterARestart(t *testing.T) {
	dir, f := t.TempDir(), testkit.NewGemini(t)
	yaml := modelList(noRetries+"\nfairlead_settings: {data_dir: "+dir+"}", deployment("smart", "gemini/gemini-3.1-pro-preview", f))
	bothWays(t, func(t *testing.T, stream bool) {
		g := start(t, yaml)
		body := without(responsesBody(ask("smart", "what I said first").streaming(stream)), "store")
		id, _ := storedAnswer(t, g, body, stream)
		g.stop()
		g = start(t, yaml)
		g.send(http.MethodGet, "/v1/responses/"+id, "").ok()
		_, second := storedAnswer(t, g, with(with(body, "previous_response_id", quote(id)), "input", quote("and now?")), stream)
		if sent := string(f.Last(t).Body); second.text != "echo: and now?" || !strings.Contains(sent, "what I said first") {
			t.Errorf("answer %+v to %s", second, sent)
		}
		g.send(http.MethodDelete, "/v1/responses/"+id, "").ok()
		g.stop()
		g = start(t, yaml)
		if r := g.send(http.MethodGet, "/v1/responses/"+id, ""); r.status != http.StatusNotFound {
			t.Errorf("status %d of a deleted answer: %s", r.status, r.body)
		}
	})
	unrefused(t, f)
}

func TestABrokenFileOfAnswersIsNamedAndMemoryGoesOn(t *testing.T) {
	dir, f := t.TempDir(), testkit.NewOpenAI(t)
	if err := os.WriteFile(filepath.Join(dir, "responses.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	g := start(t, modelList("fairlead_settings: {data_dir: "+dir+"}", deployment("m", "openai/gpt-4o", f)))
	body := without(responsesBody(ask("m", "first")), "store")
	id, _ := storedAnswer(t, g, body, false)
	g.send(http.MethodGet, "/v1/responses/"+id, "").ok()
	if g.log.Find(0, regexp.MustCompile(`stay in memory only.*responses\.db`), g.done) == "" {
		t.Error("the log does not name the file")
	}
}

func storedAnswer(t *testing.T, g *gateway, body string, stream bool) (string, answer) {
	t.Helper()
	r := g.send(http.MethodPost, "/v1/responses", body).ok()
	if !stream {
		return r.get("id").String(), responsesWhole(t, r.body)
	}
	id := gjson.Get(frames(t, r.body)[0].data, "response.id").String()
	return id, responsesStream(t, r.body)
}
