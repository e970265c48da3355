package openairesponses

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// huge is a history that no client sends by mistake and that must not cost more than
// its length: work that grows with its square does not end within the test.
const huge = 100_000

// list joins n elements.
func list(n int, element func(i int) string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(element(i))
	}
	return b.String()
}

func calledAs(i int) string {
	return fmt.Sprintf(`{"type":"function_call","call_id":"c%d","name":"f%d","arguments":"{}"}`, i, i)
}

func outputOf(i int) string {
	return fmt.Sprintf(`{"type":"function_call_output","call_id":"c%d","output":"r%d"}`, i, i)
}

const wordItem = `{"type":"message","role":"assistant","content":"x"}`

func TestHugeInputsAreExpanded(t *testing.T) {
	functions := func(name string) string {
		return list(huge, func(i int) string { return fmt.Sprintf(`{"type":"function","name":"%s%d"}`, name, i) })
	}
	calls := list(huge, calledAs)
	for name, body := range map[string]string{
		"outputs in reverse":       `{"input":[` + calls + `,` + list(huge, func(i int) string { return outputOf(huge - 1 - i) }) + `]}`,
		"outputs without calls":    `{"input":[` + list(huge, outputOf) + `]}`,
		"words after calls":        `{"input":[` + calls + `,` + list(huge, func(int) string { return wordItem }) + `]}`,
		"calls out of a namespace": `{"input":[` + calls + `],"tools":[{"type":"namespace","name":"n","tools":[` + functions("f") + `]}]}`,
		"allowed tools": `{"input":"x","tools":[` + functions("f") + `],"tool_choice":{"type":"allowed_tools","tools":[` +
			functions("f") + `]}}`,
		"thoughts": `{"input":[{"type":"reasoning","summary":[` + list(huge, func(int) string { return `{"type":"summary_text","text":"thought"}` }) + `]}]}`,
	} {
		req, err := Dialect{}.Decode(rawjson.Value(body))
		if err == nil {
			err = Dialect{}.Expand(req)
		}
		if err != nil || len(req.Messages) == 0 {
			t.Errorf("%s: %d messages, %v", name, len(req.Messages), err)
		}
	}
}

func TestWordsGoBeforeTheCallsThatNoThoughtFollows(t *testing.T) {
	thought := `{"type":"reasoning","summary":[{"type":"summary_text","text":"t"}]}`
	body := `{"input":[` + strings.Join([]string{calledAs(0), thought, calledAs(1), wordItem, calledAs(2), wordItem, outputOf(9)}, ",") + `]}`
	req, err := Dialect{}.Decode(rawjson.Value(body))
	if err == nil {
		err = Dialect{}.Expand(req)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range req.Messages[0].Parts {
		if p.Call != nil {
			got = append(got, p.Call.ID)
		} else {
			got = append(got, p.Text)
		}
	}
	if want := "c0 t x x c1 c2 c9"; strings.Join(got, " ") != want {
		t.Errorf("parts = %v, want %s", got, want)
	}
}

// manyCalls is a canonical conversation with n calls and their results.
func manyCalls(n int) *llm.Request {
	req := &llm.Request{From: "chat", Model: "m", Expanded: true}
	m := llm.Message{Role: llm.Assistant}
	for i := range n {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "c" + strconv.Itoa(i), Name: "f", Custom: i%2 == 0}})
	}
	req.Messages = append(req.Messages, llm.Message{Role: llm.User, Parts: []llm.Part{{Kind: llm.PartText, Text: "hi"}}}, m)
	for i := range n {
		res := &llm.ToolResult{CallID: "c" + strconv.Itoa(n-1-i)}
		req.Messages = append(req.Messages, llm.Message{Role: llm.Tool, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: res}}})
	}
	return req
}

func TestHundredThousandResultsKnowTheKindOfTheirCall(t *testing.T) {
	req := manyCalls(huge)
	req.ToolChoice = &llm.ToolChoice{Mode: llm.ChoiceAllowedAuto}
	for i := range huge {
		name := "f" + strconv.Itoa(i)
		req.Tools = append(req.Tools, llm.ToolDef{Type: "function", Name: name})
		req.ToolChoice.Names = append(req.ToolChoice.Names, name)
	}
	c, err := Wire{}.Encode(req, &wire.Target{Provider: "openai", Model: "gpt-5", Quirks: &wire.Quirks{}})
	if err != nil {
		t.Fatal(err)
	}
	body := string(c.Body)
	if n := strings.Count(body, `"custom_tool_call_output"`); n != huge/2 {
		t.Errorf("%d outputs of free-form tools", n)
	}
}

func BenchmarkResultsInReverse(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			req, tg := manyCalls(n), &wire.Target{Provider: "openai", Model: "gpt-5", Quirks: &wire.Quirks{}}
			for b.Loop() {
				if _, err := (Wire{}).Encode(req, tg); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/call")
		})
	}
}

func TestHugeAnswersFindTheirToolsWithoutNamespaces(t *testing.T) {
	req := &llm.Request{ToolNames: make(map[string]string, huge)}
	for i := range huge {
		name := "f" + strconv.Itoa(i)
		req.Tools = append(req.Tools, llm.ToolDef{Type: "function", Name: "n__" + name})
		req.ToolNames["n__"+name] = identity{function, "n", name}.String()
	}
	tools := offered{req: req}
	for i := range huge {
		if id := tools.identity("f" + strconv.Itoa(i)); id.namespace != "n" {
			t.Fatalf("call %d: %+v", i, id)
		}
	}
}

func TestLongActionOfABuiltInToolIsWrittenWhole(t *testing.T) {
	var args strings.Builder
	args.WriteString(`{"commands":["ls"]`)
	for i := range huge {
		args.WriteString(`,"k` + strconv.Itoa(i) + `":1`)
	}
	it := &outputItem{text: []byte(args.String() + "}")}
	got := string(it.appendAction([]byte("{"), "shell_call", "action", `{"commands":[]`, "completed", true))
	if !strings.Contains(got, `"action":{"commands":["ls"],"k0":1`) || !strings.Contains(got, `"k99999":1}`) {
		t.Errorf("%.200s", got)
	}
}
