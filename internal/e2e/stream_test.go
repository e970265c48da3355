package e2e_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// family is a provider of the tests that hold for every wire.
type family struct {
	name, model string
	fake        func(testing.TB, ...testkit.Option) *testkit.Fake
	// first is how many events come before the first with content.
	first int
	// ends is how many events come from the finish on.
	ends int
}

var families = []family{
	{"openai", "openai/gpt-4o", testkit.NewOpenAI, 1, 3},
	{"gemini", "gemini/gemini-3.1-pro-preview", testkit.NewGemini, 0, 1},
	{"anthropic", sonnet, testkit.NewAnthropic, 3, 3},
	{"deepseek", "deepseek/deepseek-v4-flash", testkit.NewDeepSeek, 1, 3},
}

func everyFamily(t *testing.T, f func(t *testing.T, fam family)) {
	for _, fam := range families {
		t.Run(fam.name, func(t *testing.T) { f(t, fam) })
	}
}

const speech = "<<text:one two three four five six seven>>"

func TestEveryFamilyAnswersWholeAndStreamed(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		g := start(t, modelList(noRetries, deployment("m", fam.model, f)))
		whole := g.post(plain("m", speech)).ok()
		parts := g.post(streamed(plain("m", speech))).assembled()
		for _, r := range []reply{whole, parts} {
			if r.content() != "one two three four five six seven" || r.get("choices.0.finish_reason").String() != "stop" {
				t.Errorf("answer %s", r.body)
			}
		}
		if whole.get("model").String() != "m" || whole.get("usage.total_tokens").Int() == 0 {
			t.Errorf("model or usage: %s", whole.body)
		}
		unrefused(t, f)
	})
}

func TestU18StreamsSplitAtEveryByteGiveTheSameAnswer(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		g := start(t, modelList(noRetries, deployment("m", fam.model, f)))
		body := streamed(chat("m", user(`<<call:weather {"city":"Zürich \"☂\""}>>`)))
		f.Inject(testkit.SplitBytes(), testkit.Comments(), testkit.HugeLine(100_000))
		for range 3 {
			r := g.post(body).assembled()
			args := r.get("choices.0.message.tool_calls.0.function.arguments").String()
			if gjson.Get(args, "city").String() != `Zürich "☂"` || r.get("choices.0.finish_reason").String() != "tool_calls" {
				t.Errorf("answer %s", r.body)
			}
		}
		unrefused(t, f)
	})
}

func TestKeepaliveLinesBeforeAWholeAnswerAreSkipped(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		g := start(t, modelList(noRetries, deployment("m", fam.model, f)))
		f.Inject(testkit.Comments())
		if r := g.post(plain("m", speech)).ok(); !strings.HasPrefix(r.content(), "one two") {
			t.Errorf("answer %s", r.body)
		}
	})
}

// TestT47 and its siblings: what fails before the first content is tried again
// elsewhere and the client sees nothing of it.
func TestT47FailureBeforeTheCommitPointIsInvisible(t *testing.T) {
	faults := map[string]func(family) testkit.Fault{
		"error status":    func(family) testkit.Fault { return testkit.Fail(503) },
		"error event":     func(fam family) testkit.Fault { return testkit.ErrorAfterEvents(0, 503) },
		"error after pre": func(fam family) testkit.Fault { return testkit.ErrorAfterEvents(fam.first, 503) },
		"cut U09":         func(fam family) testkit.Fault { return testkit.CutAfterEvents(fam.first) },
		"ended U11":       func(fam family) testkit.Fault { return testkit.EndAfterEvents(fam.first) },
		"dropped":         func(family) testkit.Fault { return testkit.Drop() },
		"HTML U15":        func(family) testkit.Fault { return testkit.HTML() },
	}
	everyFamily(t, func(t *testing.T, fam family) {
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				bad, good := fam.fake(t), testkit.NewOpenAI(t)
				g := start(t, modelList(noRetries+"\nlitellm_settings: {fallbacks: [{m: [spare]}]}", deployment("m", fam.model, bad), deployment("spare", "openai/gpt-4o", good)))
				bad.Always(fault(fam))
				r := g.post(streamed(plain("m", speech))).assembled()
				if r.content() != "one two three four five six seven" || r.get("error").Exists() {
					t.Errorf("answer %s", r.body)
				}
				if r.header.Get("x-litellm-attempted-fallbacks") != "1" || len(bad.Requests()) != 1 {
					t.Errorf("fallbacks %s, %d requests", r.header.Get("x-litellm-attempted-fallbacks"), len(bad.Requests()))
				}
			})
		}
	})
}

// TestT47 after the commit point: one error frame, [DONE], no faked finish.
func TestT47FailureAfterTheCommitPointIsOneErrorFrame(t *testing.T) {
	faults := map[string]func(n int) testkit.Fault{
		"error event U23": func(n int) testkit.Fault { return testkit.ErrorAfterEvents(n, 503) },
		"cut U10":         testkit.CutAfterEvents,
		"ended U11":       testkit.EndAfterEvents,
	}
	everyFamily(t, func(t *testing.T, fam family) {
		for name, fault := range faults {
			t.Run(name, func(t *testing.T) {
				bad, good := fam.fake(t), testkit.NewOpenAI(t)
				g := start(t, modelList("router_settings: {num_retries: 2}\nlitellm_settings: {fallbacks: [{m: [spare]}]}",
					deployment("m", fam.model, bad), deployment("spare", "openai/gpt-4o", good)))
				bad.Always(fault(fam.first + 2))
				r := g.post(streamed(plain("m", speech))).ok()
				errors, last := 0, r.events()
				for _, e := range last {
					if gjson.Get(e, "error.message").String() != "" {
						errors++
					}
					if gjson.Get(e, "choices.0.finish_reason").Type == gjson.String {
						t.Errorf("a finish was invented: %s", e)
					}
				}
				if errors != 1 || last[len(last)-1] != "[DONE]" || len(last) < 3 {
					t.Errorf("stream %q", r.body)
				}
				if len(bad.Requests()) != 1 || len(good.Requests()) != 0 {
					t.Error("a request was repeated after its answer had begun")
				}
			})
		}
	})
}

func TestT66OverloadedClaude(t *testing.T) {
	f := testkit.NewAnthropic(t)
	g := start(t, modelList(noRetries, deployment("m", sonnet, f)))
	f.Inject(testkit.ErrorAfterEvents(2, 529))
	if r := g.post(streamed(plain("m", speech))); r.status < 500 || r.get("error.code").String() == "" {
		t.Errorf("before the first content: %d %s", r.status, r.body)
	}
	f.Inject(testkit.ErrorAfterEvents(5, 529))
	r := g.post(streamed(plain("m", speech))).ok()
	if n := strings.Count(r.body, `"error":`); n != 1 {
		t.Errorf("after it: %d error frames in %q", n, r.body)
	}
}

func TestT95StrayToolCallDeltasAreNumberedAnew(t *testing.T) {
	chunk := func(delta string) string {
		return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":` + delta + `,"finish_reason":null}]}`
	}
	finish := strings.Replace(chunk(`{}`), `"finish_reason":null`, `"finish_reason":"stop"`, 1)
	tc := func(fields string) string { return chunk(`{"tool_calls":[{` + fields + `}]}`) }
	cases := map[string][]string{
		"all at index 0": {
			tc(`"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{\"x\":1}"}`),
			tc(`"index":0,"id":"b","type":"function","function":{"name":"clock","arguments":"{}"}`),
		},
		"no index": {
			tc(`"id":"a","type":"function","function":{"name":"weather","arguments":"{\"x\":1}"}`),
			tc(`"id":"b","type":"function","function":{"name":"clock","arguments":"{}"}`),
		},
		"id and name again": {
			tc(`"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{\"x\""}`),
			tc(`"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":":1}"}`),
			tc(`"index":1,"id":"b","type":"function","function":{"name":"clock","arguments":""}`),
			tc(`"index":1,"id":"b","type":"function","function":{"name":"clock","arguments":"{}"}`),
		},
	}
	for name, events := range cases {
		t.Run(name, func(t *testing.T) {
			events = append([]string{chunk(`{"role":"assistant","content":""}`)}, append(events, finish, "[DONE]")...)
			f := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Events: events}), testkit.WithModels("local"))
			g := start(t, modelList(noRetries, deployment("m", "openai/local", f)))
			r := g.post(streamed(chat("m", user("?")))).assembled()
			calls := r.get("choices.0.message.tool_calls").Array()
			if len(calls) != 2 || calls[0].Get("id").String() != "a" || calls[0].Get("function.arguments").String() != `{"x":1}` ||
				calls[1].Get("id").String() != "b" || calls[1].Get("function.arguments").String() != "{}" {
				t.Errorf("calls %s", r.body)
			}
			if got := r.get("choices.0.finish_reason").String(); got != "tool_calls" {
				t.Errorf("finish %q", got)
			}
		})
	}
}

func TestT96UsageIsShownOnlyWhenAskedForAndAlwaysCounted(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		g := start(t, modelList(noRetries, deployment("m", fam.model, f)))
		r := g.post(streamed(plain("m", speech))).assembled()
		if r.get("usage").Exists() {
			t.Errorf("usage without being asked: %s", r.body)
		}
		if line := g.log.Find(0, requestLine, g.done); !strings.Contains(line, "in=") || !strings.Contains(line, "cost=") {
			t.Errorf("the log does not count: %s", line)
		}
		with := g.post(with(streamed(plain("m", speech)), "stream_options", `{"include_usage":true}`))
		if n := with.assembled().get("usage.completion_tokens").Int(); n == 0 || strings.Count(with.body, `"choices":[]`) != 1 {
			t.Errorf("usage chunk: %s", with.body)
		}
	})
}

func TestT97OddChunksOfCompatibleProviders(t *testing.T) {
	head := `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"x","choices":[`
	events := []string{
		`{"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[]}`,
		head + `{"index":0,"delta":{"role":"assistant","reasoning":"hm"},"finish_reason":null}]}`,
		head + `{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}]},"finish_reason":null}]}`,
		head + `{"index":0,"delta":{},"finish_reason":""}]}`,
		"[DONE]",
	}
	f := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Events: events}), testkit.WithModels("local"))
	g := start(t, modelList(noRetries, deployment("m", "groq/local", f)))
	raw := g.post(streamed(chat("m", user("?")))).ok()
	r := raw.assembled()
	if got := r.get("choices.0.message.reasoning_content").String(); got != "hm" {
		t.Errorf("reasoning %q in %s", got, raw.body)
	}
	if got := r.get("choices.0.finish_reason").String(); got != "tool_calls" {
		t.Errorf("finish %q in %s", got, raw.body)
	}
}

// TestT98 and C01–C03: wherever a request is, a client that leaves ends it.
func TestT98ClientThatLeavesClosesTheUpstream(t *testing.T) {
	never := make(chan struct{})
	phases := map[string]testkit.Fault{
		"before the head C01": testkit.Hang(),
		"mid-stream C02":      testkit.PauseAfterEvents(4, never),
		"before the body C03": testkit.PauseAfterEvents(0, never),
	}
	everyFamily(t, func(t *testing.T, fam family) {
		for name, fault := range phases {
			t.Run(name, func(t *testing.T) {
				bothWays(t, func(t *testing.T, stream bool) {
					f := fam.fake(t)
					g := start(t, modelList("router_settings: {num_retries: 2}", deployment("m", fam.model, f)))
					f.Inject(fault)
					body := plain("m", speech)
					if stream {
						body = streamed(body)
					}
					g.leave(f, body, stream && strings.HasPrefix(name, "mid"))
					within(t, "the upstream's connection was closed", f.Gone())
					line := g.log.Find(0, requestLine, g.done)
					if n := len(f.Requests()); n != 1 || !strings.Contains(line, "ClientDisconnected") {
						t.Errorf("%d requests upstream; the log says %s", n, line)
					}
				})
			})
		}
	})
}

// leave sends a request and leaves once it is upstream; with content only after
// its first event.
func (g *gateway) leave(f *testkit.Fake, body string, content bool) {
	g.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		resp, err := g.do(ctx, body)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		if content {
			if _, err := bufio.NewReader(resp.Body).ReadString('\n'); err != nil {
				g.t.Errorf("no first event: %v", err)
			}
			cancel()
		}
		io.Copy(io.Discard, resp.Body)
	}()
	within(g.t, "the request arrived upstream", f.Arrived())
	if !content {
		cancel()
	}
	within(g.t, "the client got an answer to leave", done)
}

// TestR18 is about the commit point from the other side: the first content is
// written at once and not held back for more.
func TestFirstContentReachesTheClientWhileTheUpstreamIsSilent(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		g := start(t, modelList(noRetries, deployment("m", fam.model, f)))
		more := make(chan struct{})
		f.Inject(testkit.PauseAfterEvents(fam.first+3, more))
		resp := g.open(context.Background(), streamed(plain("m", speech)))
		defer resp.Body.Close()
		lines := bufio.NewReader(resp.Body)
		text := ""
		for text == "" {
			line, err := lines.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			delta := gjson.Get(strings.TrimPrefix(line, "data: "), "choices.0.delta")
			text = delta.Get("content").String() + delta.Get("reasoning_content").String()
		}
		close(more)
		if rest, err := io.ReadAll(lines); err != nil || !strings.Contains(string(rest), "[DONE]") {
			t.Errorf("rest %q: %v", rest, err)
		}
	})
}

func TestStatusIsDecidedByTheFirstContent(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	f.Inject(testkit.Fail(429, "retry-after", "7"))
	r := g.post(streamed(plain("m", speech)))
	if r.status != http.StatusTooManyRequests || r.header.Get("Retry-After") != "7" || !strings.HasPrefix(r.header.Get("Content-Type"), "application/json") {
		t.Errorf("%d %v %s", r.status, r.header, r.body)
	}
}
