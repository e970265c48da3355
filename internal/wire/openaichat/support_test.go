package openaichat

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Targets of the tests, with the quirks of the real rows that matter here.

func openAITarget() *wire.Target {
	return &wire.Target{Provider: "openai", Model: "gpt-4o", Quirks: &wire.Quirks{OpenAI: true, ToolIDs: "openai40"}}
}

func deepSeekTarget(model string) *wire.Target {
	return &wire.Target{Provider: "deepseek", Model: model, Quirks: &wire.Quirks{
		Reasoning: "deepseek", FunctionsOnly: true, NoJSONSchema: true, NoMedia: true, TextContent: true,
		EffortToThinking: "deepseek", Remove: []string{"verbosity"},
	}}
}

func plainTarget() *wire.Target {
	return &wire.Target{Provider: "together_ai", Model: "some/model", Quirks: &wire.Quirks{}}
}

func decode(t testing.TB, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatalf("the test's own body: %v", err)
	}
	req, err := Dialect{}.Decode(v)
	if err != nil {
		t.Fatalf("Decode(%s): %v", body, err)
	}
	return req
}

func expand(t testing.TB, body string) *llm.Request {
	t.Helper()
	req := decode(t, body)
	if err := (Dialect{}).Expand(req); err != nil {
		t.Fatalf("Expand(%s): %v", body, err)
	}
	return req
}

func encode(t testing.TB, body string, target *wire.Target) *wire.Call {
	t.Helper()
	call, err := Wire{}.Encode(decode(t, body), target)
	if err != nil {
		t.Fatalf("Encode(%s): %v", body, err)
	}
	if !json.Valid(call.Whole()) {
		t.Fatalf("Encode wrote broken JSON: %s", call.Whole())
	}
	return call
}

func encodeError(t testing.TB, body string, target *wire.Target) *llm.Error {
	t.Helper()
	_, err := Wire{}.Encode(decode(t, body), target)
	if err == nil {
		t.Fatalf("Encode(%s) did not fail", body)
	}
	return llm.AsError(err)
}

// sameJSON compares two JSON texts by value.
func sameJSON(t testing.TB, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("not JSON: %v: %s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("the test's own JSON: %v: %s", err, want)
	}
	gb, _ := json.Marshal(g)
	wb, _ := json.Marshal(w)
	if !bytes.Equal(gb, wb) {
		t.Errorf("got  %s\nwant %s", gb, wb)
	}
}

// messagesOf returns the messages of an encoded body.
func messagesOf(c *wire.Call) []byte { return rawjson.Value(c.Whole()).Get("messages") }

// frames joins chunks into an event stream.
func frames(chunks ...string) string {
	var b strings.Builder
	for _, c := range chunks {
		b.WriteString("data: " + c + "\n\n")
	}
	return b.String()
}

// chunk is a chunk with this delta and finish reason (raw JSON).
func chunk(delta, finish string) string {
	return `{"id":"c1","object":"chat.completion.chunk","created":7,"model":"up","choices":[{"index":0,"delta":` +
		delta + `,"finish_reason":` + finish + `}]}`
}

// relay sends an upstream's stream through wire and dialect as the gateway does.
func relay(t testing.TB, request, upstream string, target *wire.Target, a wire.Answer) string {
	t.Helper()
	req := decode(t, request)
	call, err := Wire{}.Encode(req, target)
	if err != nil {
		t.Fatal(err)
	}
	return relayCall(req, call, upstream, a)
}

func relayCall(req *llm.Request, call *wire.Call, upstream string, a wire.Answer) string {
	enc := Dialect{}.Stream(req, a)
	var out []byte
	for ev, err := range (Wire{}).Stream(call, sse.NewReader(strings.NewReader(upstream), 0)) {
		if err != nil {
			return string(enc.Error(out, llm.AsError(err)))
		}
		out = enc.Event(out, &ev)
	}
	return string(enc.Close(out))
}

// collect returns the events of an upstream's stream and how it ended.
func collect(call *wire.Call, upstream string) (events []llm.Event, err error) {
	for ev, e := range (Wire{}).Stream(call, sse.NewReader(strings.NewReader(upstream), 0)) {
		if e != nil {
			return events, e
		}
		ev.Raw = bytes.Clone(ev.Raw)
		events = append(events, ev)
	}
	return events, nil
}

// heard is what a client makes of a stream.
type heard struct {
	role, text, reasoning, refusal, finish string
	finishes, usages                       int
	calls                                  []heardCall
	usage                                  map[string]any
	done                                   bool
	errors                                 int
	models, ids                            map[string]bool
}

type heardCall struct {
	ID, Name, Args string
}

// listen reads a stream as strictly as clients do; any broken rule of §1.4 is an
// error of the test.
func listen(t testing.TB, stream string) heard {
	t.Helper()
	h := heard{models: map[string]bool{}, ids: map[string]bool{}}
	for _, line := range strings.Split(stream, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		switch {
		case line == "" || strings.HasPrefix(line, ":"):
		case !ok:
			t.Errorf("unexpected line %q", line)
		case h.done:
			t.Errorf("an event after [DONE]: %q", data)
		case data == "[DONE]":
			h.done = true
		default:
			h.event(t, data)
		}
	}
	return h
}

type clientChunk struct {
	ID, Object, Model string
	Error             json.RawMessage
	Usage             map[string]any
	Choices           []struct {
		Index        *int
		FinishReason *string `json:"finish_reason"`
		Delta        struct {
			Role, Content, Refusal *string
			ReasoningContent       *string `json:"reasoning_content"`
			ToolCalls              []struct {
				Index    *int
				ID, Type *string
				Function *struct {
					Name, Arguments *string
				}
			} `json:"tool_calls"`
		}
	}
}

func (h *heard) event(t testing.TB, data string) {
	t.Helper()
	var c clientChunk
	if err := json.Unmarshal([]byte(data), &c); err != nil {
		t.Fatalf("chunk is not JSON: %v: %s", err, data)
	}
	if c.Error != nil {
		h.errors++
		return
	}
	h.models[c.Model], h.ids[c.ID] = true, true
	if c.Usage != nil {
		h.usages++
		h.usage = c.Usage
		if len(c.Choices) != 0 {
			t.Errorf("a usage chunk has choices: %s", data)
		}
	}
	for _, ch := range c.Choices {
		if ch.Index == nil {
			t.Errorf("a choice without index: %s", data)
		}
		d := ch.Delta
		if h.role == "" && d.Role == nil {
			t.Errorf("the first delta has no role: %s", data)
		}
		add(&h.role, d.Role)
		add(&h.text, d.Content)
		add(&h.refusal, d.Refusal)
		add(&h.reasoning, d.ReasoningContent)
		for _, tc := range d.ToolCalls {
			if tc.Index == nil || *tc.Index > len(h.calls) || *tc.Index < 0 {
				t.Fatalf("tool index is not dense: %s", data)
			}
			if *tc.Index == len(h.calls) {
				if tc.ID == nil || *tc.ID == "" || tc.Function == nil || tc.Function.Name == nil {
					t.Fatalf("the first delta of a call lacks id or name: %s", data)
				}
				h.calls = append(h.calls, heardCall{ID: *tc.ID, Name: *tc.Function.Name})
			} else if tc.ID != nil || tc.Function != nil && tc.Function.Name != nil {
				t.Errorf("a later delta of a call repeats id or name: %s", data)
			}
			if tc.Function != nil {
				add(&h.calls[*tc.Index].Args, tc.Function.Arguments)
			}
		}
		if ch.FinishReason != nil {
			h.finishes++
			h.finish = *ch.FinishReason
		}
	}
}

func add(to, what *string) {
	if what != nil {
		*to += *what
	}
}

func reader(upstream string) *sse.Reader { return sse.NewReader(strings.NewReader(upstream), 0) }
