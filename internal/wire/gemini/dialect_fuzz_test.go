package gemini

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// FuzzDialect: any body gives an error of the client's or messages that hold
// together, and whatever goes upstream is JSON.
func FuzzDialect(f *testing.F) {
	f.Add([]byte(said(unsignedHistory, `,"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","nullable":true}}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}}`)))
	f.Add([]byte(`{"contents":{"parts":{"inline_data":{"mime_type":"a/b","data":"-_"}}},"system_instruction":"s","generation_config":{"thinking_config":{"thinking_budget":"1"}},"labels":1,"model":2}`))
	f.Add([]byte(said(`[{"role":"model","parts":[{"thought":true,"text":"a"},{"thought":true,"thoughtSignature":"eyJ2IjoxLCJwIjoiYW50aHJvcGljIiwic2lnIjoiYSJ9"},{"function_call":{"id":"x__thought__y","name":"f"}}]}]`, "")))
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := rawjson.Check(data)
		if err != nil {
			return
		}
		req, err := Dialect{}.Decode(body)
		if err != nil {
			wantClientError(t, err)
			return
		}
		for _, model := range []string{g25, g3} {
			if c, err := (Wire{}).Encode(req, target(model)); err != nil {
				wantClientError(t, err)
			} else if _, err := rawjson.Check(c.Body); err != nil {
				t.Fatalf("passed body: %v\n%s", err, c.Body)
			}
		}
		if err := (Dialect{}).Expand(req); err != nil {
			wantClientError(t, err)
			return
		}
		checkMessages(t, req)
		for _, d := range req.Tools {
			if d.Parameters != nil && !json.Valid(d.Parameters) {
				t.Fatalf("schema %s", d.Parameters)
			}
		}
		for _, p := range req.Params {
			if !json.Valid(p.Value) {
				t.Fatalf("parameter %s = %s", p.Name, p.Value)
			}
		}
	})
}

func wantClientError(t *testing.T, err error) {
	t.Helper()
	var e *llm.Error
	if !errors.As(err, &e) || e.Status < 400 || e.Status > 499 || e.Message == "" {
		t.Fatalf("error %T %v", err, err)
	}
}

// checkMessages: calls have ids and names, and every result follows its call.
func checkMessages(t *testing.T, req *llm.Request) {
	t.Helper()
	open := map[string]int{}
	for _, m := range req.Messages {
		if len(m.Parts) == 0 {
			t.Fatalf("an empty message: %+v", m)
		}
		for _, p := range m.Parts {
			switch p.Kind {
			case llm.PartToolCall:
				if p.Call.ID == "" || p.Call.Name == "" || p.Call.Arguments == "" || m.Role != llm.Assistant {
					t.Fatalf("call %+v", p.Call)
				}
				open[p.Call.ID]++
			case llm.PartToolResult:
				if open[p.Result.CallID]--; open[p.Result.CallID] < 0 || m.Role != llm.Tool {
					t.Fatalf("result %+v answers nothing", p.Result)
				}
			}
		}
	}
}

// FuzzStreamEncoder: whatever events come, every chunk can be read, each choice
// ends once, and a call is one part with its whole arguments.
func FuzzStreamEncoder(f *testing.F) {
	f.Add("tTcacsfu", "text", true)
	f.Add("ccaaCAsf", `{"a":1}`, false)
	f.Fuzz(func(t *testing.T, script, delta string, array bool) {
		a := shown
		a.JSONArray = array
		enc := Dialect{}.Stream(&llm.Request{}, a)
		var out []byte
		calls := 0
		for i, step := range []byte(script) {
			ev := scripted(step, i, calls, delta)
			if ev.Kind == llm.EventToolCall {
				calls++
			}
			out = enc.Event(out, &ev)
			if ev.Kind == llm.EventFinish {
				break
			}
		}
		out = enc.Close(out)
		if len(out) == 0 {
			return
		}
		parts := 0
		for _, c := range chunksOf(t, string(out)) {
			v, err := rawjson.Check([]byte(c))
			if err != nil {
				t.Fatalf("%v: %s", err, c)
			}
			parts += strings.Count(string(v.Get("candidates")), `{"functionCall":{`)
		}
		if parts != calls && !strings.Contains(delta, "functionCall") {
			t.Fatalf("%d calls became %d parts: %s", calls, parts, out)
		}
	})
}

// scripted makes an event of a letter.
func scripted(step byte, i, calls int, delta string) llm.Event {
	switch step {
	case 't':
		return says(delta)
	case 'T':
		return thinks(delta)
	case 'c', 'C':
		return llm.Event{Kind: llm.EventToolCall, Index: calls, Call: &llm.ToolCall{ID: delta, Name: delta}, Delta: delta}
	case 'a', 'A':
		return args(i%3, delta)
	case 's':
		return llm.Event{Kind: llm.EventState, Index: i%3 - 1, State: &llm.State{Provider: delta, Signature: delta}}
	case 'r':
		return llm.Event{Kind: llm.EventRefusal, Delta: delta}
	case 'f':
		return ends(llm.FinishStop)
	case 'u':
		return costs(1, 2, 3)
	}
	return start(delta)
}

// FuzzPassedStream: a stream that passes through ends well only with a finish, and
// every payload is JSON.
func FuzzPassedStream(f *testing.F) {
	f.Add([]byte(chunk(`[{"text":"a"}]`, "") + chunk(`[{"text":""}]`, "STOP")))
	f.Add([]byte(`data: {"promptFeedback":{"blockReason":"SAFETY"}}` + "\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := passedEvents(strings.TrimPrefix(string(data), "data: "))
		ended := false
		for _, ev := range got {
			ended = ended || ev.Finish != ""
			if _, err := rawjson.Check(ev.Raw); err != nil {
				t.Fatalf("payload %q: %v", ev.Raw, err)
			}
		}
		if err == nil && !ended {
			t.Fatal("a good end without a finish")
		}
	})
}
