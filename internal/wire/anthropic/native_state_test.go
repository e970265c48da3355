package anthropic

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// thoughts is a memory of the blocks before the calls with these ids.
type thoughts map[string][]llm.Part

func (thoughts) Reasoning(string) (string, bool) { return "", false }

func (m thoughts) State(c *llm.ToolCall) (string, []llm.Part) { return "", m[c.ID] }

// heard are the events that a tap was told, one a line.
type heard []string

func (h *heard) Event(ev *llm.Event) {
	line := fmt.Sprint(ev.Kind, " ", ev.Index, " ", ev.Delta)
	if ev.Call != nil {
		line += " " + ev.Call.ID + " " + ev.Call.Name
	}
	if ev.State != nil {
		line += " " + ev.State.Signature + ev.State.Redacted
	}
	*h = append(*h, line)
}

const lostTurns = `[ {"role":"user","content":"caf\u00e9"},
	{"content": [ {"type":"text","text":"ok"},{"type":"tool_use","id":"a","name":"f","input":{}} ],"role":"assistant"},
	{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]},
	{"role":"assistant","content":[{"type":"thinking","thinking":"kept","signature":"EqQB"},{"type":"tool_use","id":"b","name":"f","input":{}}]},
	{"role":"user","content":[{"type":"tool_result","tool_use_id":"b","content":"2"}]} ]`

func known() thoughts {
	return thoughts{
		"a": {{Text: "say \"why\"", State: &llm.State{Signature: "SIG"}}, {State: &llm.State{Redacted: "RED"}}},
		"b": {{Text: "other", State: &llm.State{Signature: "NOT"}}},
	}
}

func TestOnlyATurnThatLostItsThinkingGetsItBack(t *testing.T) {
	tg := target(legacyModel)
	tg.Recall = known()
	call := encode(t, native(t, `{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":`+lostTurns+`}`), tg)
	back := `{"type":"thinking","thinking":"say \"why\"","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},`
	want := strings.Replace(lostTurns, `[ {"type":"text"`, `[`+back+` {"type":"text"`, 1)
	if !strings.Contains(string(call.Body), want) || call.Blocks != 2 {
		t.Errorf("%d blocks: %s\nwant %s", call.Blocks, call.Body, want)
	}
}

func TestThinkingStaysAwayWhereNobodyAsksForIt(t *testing.T) {
	for name, top := range map[string]string{"no thinking": ``, "disabled": `"thinking":{"type":"disabled"},`} {
		tg := target(legacyModel)
		tg.Recall = known()
		call := encode(t, native(t, `{"model":"m","max_tokens":4000,`+top+`"messages":`+lostTurns+`}`), tg)
		if !strings.Contains(string(call.Body), lostTurns) || call.Blocks != 0 {
			t.Errorf("%s: %s", name, call.Body)
		}
	}
	tg := target(legacyModel)
	tg.Recall, tg.Repair = known(), wire.RepairThinking
	call := encode(t, native(t, `{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":`+lostTurns+`}`), tg)
	if strings.Contains(string(call.Body), "SIG") {
		t.Errorf("what was refused came back: %s", call.Body)
	}
}

func TestWhatARequestGetsBackIsBounded(t *testing.T) {
	big := strings.Repeat("x", wire.MaxRecalled/3)
	tg := target(legacyModel)
	tg.Recall = thoughts{"a": {{Text: big, State: &llm.State{Signature: "SIG"}}}}
	turn := `{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}`
	list := `[{"role":"user","content":"q"}` + strings.Repeat(","+turn, 9) + `]`
	call := encode(t, native(t, `{"model":"m","max_tokens":4000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":`+list+`}`), tg)
	if call.Blocks != 2 || len(call.Body) > wire.MaxRecalled {
		t.Errorf("%d blocks in %d bytes", call.Blocks, len(call.Body))
	}
}

func TestTheTapHearsOfThinkingAndTheCallsAfterIt(t *testing.T) {
	want := []string{"3 0 h", "3 0 m", "3 0  SIG", "3 0  RED", "5 0  a f", `6 0 {"x"`, `6 0 :1}`, "5 1  b g"}
	events := []string{
		`{"type":"message_start","message":{}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"h"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"m"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"SIG"}}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"RED"}}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"hi"}}`,
		`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"a","name":"f","input":{}}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"x\""}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":":1}"}}`,
		`{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"b","name":"g","input":{}}}`,
		`{"type":"message_delta","delta":{"stop_reason":"tool_use"}}`, `{"type":"message_stop"}`,
	}
	var got heard
	c := &wire.Call{Native: true, Tap: &got}
	for _, err := range (Wire{}).Stream(c, sse.NewReader(strings.NewReader("data: "+strings.Join(events, "\n\ndata: ")+"\n\n"), 0)) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("stream: heard %q\nwant %q", got, want)
	}
	got = nil
	_, err := Wire{}.Response(&wire.Call{Native: true, Tap: &got, Request: &llm.Request{}}, []byte(`{"type":"message","content":[{"type":"thinking","thinking":"hm","signature":"SIG"},
		{"type":"text","text":"hi"},{"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"g","input":{}}]}`))
	want = heard{"3 0 hm", "3 0  SIG", `5 0 {"x":1} a f`, "5 1  b g"}
	if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("whole: heard %q %v\nwant %q", got, err, want)
	}
}

func TestAnAnswerWithoutThinkingTellsTheTapNothing(t *testing.T) {
	var got heard
	_, err := Wire{}.Response(&wire.Call{Native: true, Tap: &got, Request: &llm.Request{}}, []byte(`{"type":"message","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]}`))
	if err != nil || got != nil {
		t.Errorf("heard %q %v", got, err)
	}
}
