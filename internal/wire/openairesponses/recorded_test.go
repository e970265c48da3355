package openairesponses_test

import (
	"bufio"
	"bytes"
	"iter"
	"os"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/openairesponses"
)

var upstreams = map[string]wire.Wire{
	"chat": openaichat.Wire{}, "anthropic": anthropic.Wire{}, "gemini": gemini.Wire{}, "responses": openairesponses.Wire{},
}

var providers = map[string]string{"chat": "deepseek", "anthropic": "anthropic", "gemini": "gemini", "responses": "openai"}

// exchange is one recorded exchange of testdata/recorded.jsonl: what a client of
// LiteLLM Proxy 1.109.1 asked, what the upstream answered, and what the client
// then read. Source: the golden vectors of the project, MIT licence.
type exchange struct {
	name, wire, model string
	request, answer   rawjson.Value
	want              rawjson.Value
}

func recorded(t *testing.T) []exchange {
	t.Helper()
	data, err := os.ReadFile("testdata/recorded.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		v := rawjson.Value(lines.Bytes()).Clone()
		out = append(out, exchange{
			v.Get("case").Text(), v.Get("wire").Text(), v.Get("model").Text(), v.Get("request"), v.Get("answer"), v.Get("want"),
		})
	}
	return out
}

func TestRecordedAnswersSayTheSame(t *testing.T) {
	all := recorded(t)
	if len(all) < 20 {
		t.Fatalf("only %d exchanges", len(all))
	}
	for _, x := range all {
		t.Run(x.name, func(t *testing.T) { x.check(t) })
	}
}

func (x *exchange) check(t *testing.T) {
	d := openairesponses.Dialect{}
	req, err := d.Decode(x.request)
	if err != nil {
		t.Fatal(err)
	}
	w := upstreams[x.wire]
	if w.Native() != d.Name() {
		if err := d.Expand(req); err != nil {
			t.Fatal(err)
		}
	}
	c, err := w.Encode(req, &wire.Target{Provider: providers[x.wire], Model: x.model, Quirks: &wire.Quirks{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := rawjson.Check(c.Body); err != nil {
		t.Fatalf("%v: %s", err, c.Body)
	}
	x.compare(t, x.final(t, w, c))
}

// final is the response object that the client gets in the end.
func (x *exchange) final(t *testing.T, w wire.Wire, c *wire.Call) rawjson.Value {
	t.Helper()
	var final rawjson.Value
	a := wire.Answer{Model: "shown", CallID: "id", Created: 1, OnDone: func(_ string, v rawjson.Value) { final = v.Clone() }}
	if !c.Request.Stream {
		resp, err := w.Response(c, x.answer)
		if err != nil {
			t.Fatal(err)
		}
		return openairesponses.Dialect{}.Response(c.Request, resp, a)
	}
	streamed(t, c.Request, a, w.Stream(c, sse.NewReader(strings.NewReader(x.answer.Text()), 0)))
	return final
}

func streamed(t *testing.T, req *llm.Request, a wire.Answer, events iter.Seq2[llm.Event, error]) {
	t.Helper()
	enc := openairesponses.Dialect{}.Stream(req, a)
	for ev, err := range events {
		if err != nil {
			t.Fatal(err)
		}
		enc.Event(nil, &ev)
	}
	enc.Close(nil)
}

func (x *exchange) compare(t *testing.T, got rawjson.Value) {
	t.Helper()
	if !got.Get("status").Is(x.want.Get("status").Text()) || !got.Get("model").Is("shown") {
		t.Errorf("status %s, model %s", got.Get("status"), got.Get("model"))
	}
	var text, calls string
	for _, it := range got.Get("output").Elems() {
		text += it.Get("content").First().Get("text").Text()
		if it.Get("type").Is("function_call") {
			calls += it.Get("name").Text() + strings.ReplaceAll(it.Get("arguments").Text(), " ", "")
		}
	}
	var wantCalls string
	for _, pair := range x.want.Get("calls").Elems() {
		for _, v := range pair.Elems() {
			wantCalls += strings.ReplaceAll(v.Text(), " ", "")
		}
	}
	if text != x.want.Get("text").Text() || calls != wantCalls {
		t.Errorf("text %q, calls %q", text, calls)
	}
	u := got.Get("usage")
	for name, v := range map[string]rawjson.Value{
		"in": u.Get("input_tokens"), "out": u.Get("output_tokens"), "reasoning": u.Path("output_tokens_details", "reasoning_tokens"),
	} {
		if string(v) != string(x.want.Get(name)) {
			t.Errorf("%s: %s tokens, want %s", name, v, x.want.Get(name))
		}
	}
}
