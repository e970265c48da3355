package e2e_test

import (
	"strings"
	"testing"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// halves are two deployments of a group with a gateway that continues streams: the first
// breaks off after so many events of what it says, the second says the rest.
func halves(t *testing.T, first, second *testkit.Fake, models [2]string, fault testkit.Fault, settings string) *gateway {
	t.Helper()
	first.Inject(fault)
	return start(t, modelList("router_settings: {num_retries: 1}\nfairlead_settings: {continue_mid_stream: true}\n"+settings,
		deployment("m", models[0], first, "order: 1"), deployment("m", models[1], second, "order: 2")))
}

const (
	haiku   = "anthropic/claude-haiku-4-5"
	partial = "The first half, "
	whole   = "The first half, and the second."
)

// textOf puts the text of a stream together: of chat, messages, responses or gemini.
func textOf(body string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(body, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		for _, path := range []string{"choices.0.delta.content", "delta.text", "candidates.0.content.parts.0.text"} {
			b.WriteString(gjson.Get(data, path).String())
		}
		if gjson.Get(data, "type").String() == "response.output_text.delta" {
			b.WriteString(gjson.Get(data, "delta").String())
		}
	}
	return b.String()
}

// cut is after how many events of the vendor some text has come, and not all.
var streams = map[string]struct {
	path, body, end string
	cut             int
}{
	"chat":      {"/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"tell"}]}`, "[DONE]", 3},
	"messages":  {"/v1/messages", `{"model":"m","max_tokens":99,"stream":true,"messages":[{"role":"user","content":"tell"}]}`, "message_stop", 3},
	"responses": {"/v1/responses", `{"model":"m","stream":true,"input":"tell"}`, "response.completed", 6},
	"gemini":    {"/v1beta/models/m:streamGenerateContent?alt=sse", `{"contents":[{"role":"user","parts":[{"text":"tell"}]}]}`, "STOP", 3},
}

func TestAStreamThatBreaksOffIsContinuedByAnotherDeployment(t *testing.T) {
	for name, s := range streams {
		t.Run(name, func(t *testing.T) {
			first := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: partial}))
			second := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: "and the second."}))
			g := halves(t, first, second, [2]string{"openai/gpt-4o", "openai/gpt-4o"}, testkit.CutAfterEvents(s.cut), "")
			r := g.send("POST", s.path, s.body).ok()
			said := textOf(r.body)
			if !strings.HasSuffix(said, "and the second.") || !strings.HasPrefix(whole, strings.TrimSuffix(said, "and the second.")) || strings.Count(r.body, s.end) == 0 {
				t.Fatalf("said %q: %s", said, r.body)
			}
			if strings.Contains(r.body, `"error":{`) || !strings.Contains(r.body, ": fairlead: the stream broke off") {
				t.Errorf("the stream: %s", r.body)
			}
			in := string(second.Last(t).Body)
			before := gjson.Get(in, `messages.#(role=="assistant").content`).String() + gjson.Get(in, `input.#(role=="assistant").content.0.text`).String()
			if !strings.Contains(in, "cut off by a technical fault") || before == "" || before+"and the second." != said {
				t.Errorf("the second was asked %s", in)
			}
			g.log.Find(0, requestLine, g.done)
			w := g.why(r.header.Get("x-litellm-call-id")).ok()
			if w.get("continued_mid_stream").Int() != 1 || w.get("status").Int() != 200 || w.get("error").String() != "" || w.get("attempts.#").Int() != 2 {
				t.Errorf("why: %s", w.body)
			}
			if !strings.Contains(g.log.String(), "another deployment goes on from there") {
				t.Error("the log does not say so")
			}
		})
	}
}

func TestAContinuedAnswerHasTheUsageOfBoth(t *testing.T) {
	first := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: partial}))
	second := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: "and the second.", Usage: testkit.Usage{Input: 100, Output: 50}}))
	g := halves(t, first, second, [2]string{"openai/gpt-4o", "openai/gpt-4o"}, testkit.CutAfterEvents(3), "")
	r := g.send("POST", streams["chat"].path, streams["chat"].body).ok()
	_, tail, _ := strings.Cut(r.body, `"usage":`)
	in := gjson.Parse(tail[:strings.IndexByte(tail+"\n", '\n')])
	if in.Get("prompt_tokens").Int() <= 100 || in.Get("completion_tokens").Int() <= 50 {
		t.Errorf("usage %s in %s", in, r.body)
	}
	g.log.Find(0, requestLine, g.done)
	if w := g.why(r.header.Get("x-litellm-call-id")).ok(); w.get("input_tokens").Int() <= 100 || w.get("output_tokens").Int() <= 50 || w.get("cost_usd").String() == "" {
		t.Errorf("why: %s", w.body)
	}
}

func TestClaudeGoesOnFromAPrefilledAnswerWithoutASpaceTooMany(t *testing.T) {
	first := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Events: []string{
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"role":"assistant","content":"The first half, "},"finish_reason":null}]}`,
		`{"id":"c","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`,
	}}))
	second := testkit.NewAnthropic(t, testkit.WithReplies(testkit.Reply{Text: " and the second."}))
	g := halves(t, first, second, [2]string{"openai/gpt-4o", haiku}, testkit.CutAfterEvents(1), "")
	r := g.send("POST", streams["chat"].path, streams["chat"].body).ok()
	if said := textOf(r.body); said != whole {
		t.Errorf("said %q: %s", said, r.body)
	}
	in := string(second.Last(t).Body)
	if last := gjson.Get(in, "messages.@reverse.0"); last.Get("role").String() != "assistant" || !strings.Contains(last.Raw, `The first half,"`) {
		t.Errorf("Claude was asked %s", in)
	}
}

func TestAStreamIsNotContinuedWhereThatWouldBeUnsound(t *testing.T) {
	call := testkit.Reply{Calls: []testkit.Call{{Name: "f", Args: `{"a":1}`}}}
	tools := `,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{"a":{"type":"integer"}}}}}]`
	for name, c := range map[string]struct {
		reply testkit.Reply
		more  string
	}{
		"a call is open":  {call, tools},
		"several answers": {testkit.Reply{Text: partial}, `,"n":2`},
		"a fixed format":  {testkit.Reply{Text: "{}"}, `,"response_format":{"type":"json_object"}`},
	} {
		first := testkit.NewOpenAI(t, testkit.WithReplies(c.reply))
		second := testkit.NewOpenAI(t)
		g := halves(t, first, second, [2]string{"openai/gpt-4o", "openai/gpt-4o"}, testkit.CutAfterEvents(3), "")
		r := g.post(`{"model":"m","stream":true,"messages":[{"role":"user","content":"json please"}]` + c.more + `}`)
		if r.status != 200 || !strings.Contains(r.body, `"error":{`) || len(second.Requests()) != 0 {
			t.Errorf("%s: %d, %d calls of the second: %s", name, r.status, len(second.Requests()), r.body)
		}
	}
}

func TestAStreamThatNobodyGoesOnWithEndsWithTheDialectsError(t *testing.T) {
	for name, s := range streams {
		first := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: partial}))
		second := testkit.NewOpenAI(t)
		second.Always(testkit.Fail(500))
		g := halves(t, first, second, [2]string{"openai/gpt-4o", "openai/gpt-4o"}, testkit.CutAfterEvents(s.cut), "")
		r := g.send("POST", s.path, s.body)
		if r.status != 200 || !strings.Contains(r.body, `"error"`) && !strings.Contains(r.body, "response.failed") || strings.Contains(r.body, "response.completed") || strings.Contains(r.body, "message_stop") {
			t.Errorf("%s: %d %s", name, r.status, r.body)
		}
	}
}

func TestAStreamIsNotContinuedUnlessTheOperatorSaysSo(t *testing.T) {
	first, second := testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: partial})), testkit.NewOpenAI(t)
	first.Inject(testkit.CutAfterEvents(3))
	g := start(t, modelList("", deployment("m", "openai/gpt-4o", first, "order: 1"), deployment("m", "openai/gpt-4o", second, "order: 2")))
	r := g.send("POST", streams["chat"].path, streams["chat"].body)
	if !strings.Contains(r.body, `"error":{`) || len(second.Requests()) != 0 {
		t.Errorf("%s", r.body)
	}
}

func TestAStreamThatBreaksOffTwiceIsContinuedTwice(t *testing.T) {
	reply := func(text string) testkit.Option { return testkit.WithReplies(testkit.Reply{Text: text}) }
	first, second, third := testkit.NewOpenAI(t, reply(partial)), testkit.NewOpenAI(t, reply("and the second half, ")), testkit.NewOpenAI(t, reply("and the end."))
	first.Inject(testkit.CutAfterEvents(3))
	second.Inject(testkit.CutAfterEvents(3))
	g := start(t, modelList("router_settings: {num_retries: 2}\nfairlead_settings: {continue_mid_stream: true, hedge_after: 10}",
		deployment("m", "openai/gpt-4o", first, "order: 1"), deployment("m", "openai/gpt-4o", second, "order: 2"), deployment("m", "openai/gpt-4o", third, "order: 3")))
	r := g.send("POST", streams["chat"].path, streams["chat"].body).ok()
	before := gjson.Get(string(third.Last(t).Body), `messages.#(role=="assistant").content`).String()
	if said := textOf(r.body); !strings.HasPrefix(before, "The ") || said != before+"and the end." || strings.Count(r.body, ": fairlead:") != 2 {
		t.Errorf("said %q after %q: %s", said, before, r.body)
	}
	g.log.Find(0, requestLine, g.done)
	if w := g.why(r.header.Get("x-litellm-call-id")).ok(); w.get("continued_mid_stream").Int() != 2 || w.get("status").Int() != 200 {
		t.Errorf("why: %s", w.body)
	}
}
