package openairesponses

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// items is a memory of reasoning items, by the id of a call after them.
type items map[string]string

func (items) Reasoning(string) (string, bool) { return "", false }

func (m items) State(c *llm.ToolCall) (string, []llm.Part) {
	if m[c.ID] == "" {
		return "", nil
	}
	return "", []llm.Part{{Kind: llm.PartThinking, State: &llm.State{Redacted: m[c.ID]}}}
}

const (
	thought1 = `{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"E1"}`
	thought2 = `{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"E2"}`
)

var remembered = items{"a": thought1, "b": thought1, "c": thought2, "d": thought2}

const unthinking = `[ {"role":"user","content":"q"}, {"type":"function_call","call_id":"a","name":"f","arguments":"{}"},
	{"type":"function_call","call_id":"b","name":"f","arguments":"{}"}, {"type":"function_call_output","call_id":"a","output":"1"},
	{"type":"function_call_output","call_id":"b","output":"1"}, {"type":"custom_tool_call","call_id":"c","name":"g","input":"x"},
	{"type":"custom_tool_call_output","call_id":"c","output":"1"} ]`

func recalledBody(t *testing.T, body string, repair wire.Repair) *wire.Call {
	t.Helper()
	tg := target("gpt-5")
	tg.Recall, tg.Repair = remembered, repair
	return encode(t, decoded(t, body), tg)
}

func TestReasoningItemsComeBackOnceBeforeTheCallsTheyLedTo(t *testing.T) {
	c := recalledBody(t, `{"model":"m","input":`+unthinking+`}`, "")
	want := strings.NewReplacer(`{"type":"function_call","call_id":"a"`, thought1+`,{"type":"function_call","call_id":"a"`,
		`{"type":"custom_tool_call","call_id":"c"`, thought2+`,{"type":"custom_tool_call","call_id":"c"`).Replace(unthinking)
	if !strings.Contains(string(c.Body), want) || c.Blocks != 2 {
		t.Errorf("%d items: %s\nwant %s", c.Blocks, c.Body, want)
	}
}

func TestInputThatHasItsReasoningOrLeansOnTheUpstreamPassesAsItCame(t *testing.T) {
	kept := `[{"role":"user","content":"q"},` + thought1 + `,{"role":"assistant","content":"hm"},{"type":"function_call","call_id":"a","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"a","output":"1"}]`
	for name, body := range map[string]string{
		"kept":        `{"model":"m","input":` + kept + `}`,
		"by id":       `{"model":"m","previous_response_id":"resp_1","input":` + unthinking + `}`,
		"a reference": `{"model":"m","input":` + strings.Replace(unthinking, `{"role":"user","content":"q"}`, `{"type":"item_reference","id":"rs_1"}`, 1) + `}`,
		"unknown":     `{"model":"m","input":` + strings.NewReplacer(`"a"`, `"x"`, `"b"`, `"y"`, `"c"`, `"z"`).Replace(unthinking) + `}`,
	} {
		c := recalledBody(t, body, "")
		if input := body[strings.Index(body, `"input":`):]; !strings.Contains(string(c.Body), strings.TrimSuffix(input, "}")) || c.Blocks != 0 {
			t.Errorf("%s: %d items: %s", name, c.Blocks, c.Body)
		}
	}
	if c := recalledBody(t, `{"model":"m","input":`+unthinking+`}`, wire.RepairThinking); c.Blocks != 0 {
		t.Errorf("what was refused came back: %s", c.Body)
	}
}
