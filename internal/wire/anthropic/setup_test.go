package anthropic

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// The models of the tests: one with manual thinking, one with adaptive thinking, one
// with every restriction.
const (
	legacyModel   = "claude-sonnet-4-5-20250929"
	adaptiveModel = "claude-opus-4-7"
	strictModel   = "claude-opus-5-5"
	oldModel      = "claude-3-haiku-20240307"
)

func target(model string) *wire.Target {
	info, _ := catalog.Lookup("anthropic", model)
	return &wire.Target{Provider: "anthropic", Model: model, Info: info, Base: "https://api.anthropic.com", Quirks: &wire.Quirks{}}
}

func text(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func say(role llm.Role, texts ...string) llm.Message {
	m := llm.Message{Role: role}
	for _, s := range texts {
		m.Parts = append(m.Parts, text(s))
	}
	return m
}

func callPart(id, name, args string) llm.Part {
	return llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: args}}
}

func assistant(parts ...llm.Part) llm.Message { return llm.Message{Role: llm.Assistant, Parts: parts} }

func result(id, content string) llm.Message {
	return llm.Message{Role: llm.Tool, Parts: []llm.Part{{
		Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: id, Parts: []llm.Part{text(content)}},
	}}}
}

func thought(s, sig string) llm.Part {
	return llm.Part{Kind: llm.PartThinking, Text: s, State: &llm.State{Provider: providerName, Signature: sig}}
}

func function(name, schema string) llm.ToolDef {
	return llm.ToolDef{Type: "function", Name: name, Parameters: rawjson.Value(schema)}
}

func params(pairs ...string) []llm.Param {
	var out []llm.Param
	for i := 0; i < len(pairs); i += 2 {
		out = append(out, llm.Param{Name: pairs[i], Value: rawjson.Value(pairs[i+1])})
	}
	return out
}

// request is a conversation with parameters.
func request(ps []llm.Param, msgs ...llm.Message) *llm.Request {
	return &llm.Request{From: "chat", Model: "m", Params: ps, Expanded: true, Messages: msgs}
}

// encode encodes and fails the test on an error or on a body that is no JSON.
func encode(t *testing.T, req *llm.Request, tg *wire.Target) *wire.Call {
	t.Helper()
	call, err := New().Encode(req, tg)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	if _, err := rawjson.Check(call.Body); err != nil {
		t.Fatalf("the body is not JSON: %v\n%s", err, call.Body)
	}
	return call
}

// member returns the member at a path of the encoded body as compact JSON.
func member(t *testing.T, call *wire.Call, keys ...string) string {
	t.Helper()
	return string(rawjson.Value(call.Body).Path(keys...))
}

// equalJSON compares two JSON texts by meaning.
func equalJSON(t *testing.T, what, got, want string) {
	t.Helper()
	if normal(t, got) != normal(t, want) {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}

func normal(t *testing.T, s string) string {
	t.Helper()
	if s == "" {
		return ""
	}
	var v any
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatalf("%v in %s", err, s)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// dropped reports whether the call says that it left something out.
func dropped(call *wire.Call, what string) bool {
	for _, d := range call.Dropped {
		if strings.HasPrefix(d.What, what) {
			return true
		}
	}
	return false
}

// read runs a stream and returns its events; the error is the last pair's.
func read(call *wire.Call, stream string) ([]llm.Event, error) {
	var events []llm.Event
	for ev, err := range New().Stream(call, sse.NewReader(strings.NewReader(stream), 0)) {
		if err != nil {
			return events, err
		}
		events = append(events, ev)
	}
	return events, nil
}

// stream joins payloads to an event stream.
func stream(payloads ...string) string {
	var out []byte
	for _, p := range payloads {
		out = sse.AppendNamed(out, rawjson.Value(p).Get("type").Text(), []byte(p))
	}
	return string(out)
}

// emptyCall is a call whose answer needs no request to be read.
func emptyCall() *wire.Call { return &wire.Call{Target: target(legacyModel), Request: &llm.Request{}} }

// collected is what a client would assemble from events.
type collected struct {
	text, thinking, refusal string
	args                    map[int]string
	names                   map[int]string
	finish                  llm.Finish
	usage                   *llm.Usage
	states                  []*llm.State
	fields                  string
}

func collect(events []llm.Event) collected {
	c := collected{args: map[int]string{}, names: map[int]string{}}
	for _, ev := range events {
		switch ev.Kind {
		case llm.EventText:
			c.text += ev.Delta
		case llm.EventThinking:
			c.thinking += ev.Delta
			if ev.State != nil {
				c.states = append(c.states, ev.State)
			}
		case llm.EventRefusal:
			c.refusal += ev.Delta
		case llm.EventToolCall:
			c.names[ev.Index] = ev.Call.Name
			c.args[ev.Index] += ev.Delta
		case llm.EventToolArgs:
			c.args[ev.Index] += ev.Delta
		case llm.EventFields:
			c.fields += string(ev.Fields.Value())
		case llm.EventFinish:
			c.finish = ev.Finish
		case llm.EventUsage:
			c.usage = ev.Usage
		}
	}
	return c
}
