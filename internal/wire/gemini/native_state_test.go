package gemini

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// signatures is a memory of the signatures of calls, by name.
type signatures map[string]string

func (signatures) Reasoning(string) (string, bool) { return "", false }

func (m signatures) State(c *llm.ToolCall) (string, []llm.Part) { return m[c.Name+c.Arguments], nil }

func remembering(model string, m signatures) *wire.Target {
	tg := target(model)
	tg.Recall = m
	return tg
}

const unsignedTurns = `{ "contents":[ {"role":"user","parts":[{"text":"q"}]},
	{"role":"model","parts":[ {"text":"hm"}, {"functionCall":{"name":"f","args":{"x":1}}}, {"function_call":{"name":"g"}} ]},
	{"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}}, {"functionResponse":{"name":"g","response":{}}}]} ]}`

func TestAnUnsignedFirstCallGetsItsOwnSignatureBack(t *testing.T) {
	c := passes(t, unsignedTurns, remembering("gemini-3-pro-preview", signatures{`f{"x":1}`: sigOf("real"), `g{}`: sigOf("second")}))
	want := strings.Replace(unsignedTurns, `{"name":"f","args":{"x":1}}}`, `{"name":"f","args":{"x":1}},"thoughtSignature":"`+sigOf("real")+`"}`, 1)
	if string(c.Body) != want || c.Signatures != 1 {
		t.Errorf("%d signatures: %s\nwant %s", c.Signatures, c.Body, want)
	}
}

func TestASignatureIsNotRecalledForModelsThatNeedNone(t *testing.T) {
	c := passes(t, unsignedTurns, remembering("gemini-2.5-pro", signatures{`f{"x":1}`: sigOf("real")}))
	if string(c.Body) != unsignedTurns {
		t.Errorf("sent %s", c.Body)
	}
}

func TestWhatIsNoSignatureOfGeminiIsNotRecalled(t *testing.T) {
	for _, bad := range []string{"short", carrier(&llm.State{Provider: "anthropic", Signature: "EqQB"})} {
		c := passes(t, unsignedTurns, remembering("gemini-3-pro-preview", signatures{`f{"x":1}`: bad}))
		if strings.Contains(string(c.Body), bad) || c.Signatures != 0 {
			t.Errorf("sent %s", c.Body)
		}
	}
}

func TestAnIDFromAnotherDialectGivesItsSignatureBack(t *testing.T) {
	id := "call_1__thought__" + sigOf("within")
	c := passes(t, `{"contents":[{"role":"model","parts":[{"functionCall":{"id":"`+id+`","name":"f","args":{}}}]},
		{"role":"user","parts":[{"functionResponse":{"id":"`+id+`","name":"f","response":{}}}]}]}`, target("gemini-3-pro-preview"))
	same(t, at(t, c, "contents"), `[{"role":"model","parts":[{"functionCall":{"id":"call_1","name":"f","args":{}},"thoughtSignature":"`+sigOf("within")+`"}]},
		{"role":"user","parts":[{"functionResponse":{"id":"call_1","name":"f","response":{}}}]}]`)
}

// heard are the calls and signatures that a tap was told.
type heard []string

func (h *heard) Event(ev *llm.Event) {
	line := fmt.Sprint(ev.Kind, " ", ev.Index)
	if ev.Call != nil {
		line += " " + ev.Call.ID + ev.Call.Name + ev.Delta
	}
	if ev.State != nil {
		line += " " + ev.State.Signature
	}
	*h = append(*h, line)
}

func TestTheTapHearsOfCallsAndOfSignaturesThatComeLate(t *testing.T) {
	chunks := []string{
		`{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"hi"}]}}]}`,
		`{"candidates":[{"content":{"parts":[{"functionCall":{"id":"a","name":"f","args":{"x":1}}},{"functionCall":{"name":"g"}}]}},{"index":1,"content":{"parts":[{"functionCall":{"name":"other"}}]}}]}`,
		`{"candidates":[{"content":{"parts":[]},"finishReason":"STOP"}]}`,
		`{"candidates":[{"content":{"parts":[{"text":"","thoughtSignature":"` + sigOf("late") + `"}]}}]}`,
	}
	want := heard{`5 0 af{"x":1}`, `5 1 g{}`, `7 0 ` + sigOf("late")}
	var got heard
	ends := 0
	c := &wire.Call{Native: true, Tap: &got}
	for ev, err := range (Wire{}).Stream(c, sse.NewReader(strings.NewReader("data: "+strings.Join(chunks, "\n\ndata: ")+"\n\n"), 0)) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Finish != "" {
			ends++
			if ev.Finish != llm.FinishToolCalls {
				t.Errorf("finish %q", ev.Finish)
			}
		}
	}
	// The second end says that there is more to remember.
	if fmt.Sprint(got) != fmt.Sprint(want) || ends != 2 {
		t.Errorf("heard %q, %d ends\nwant %q, 2 ends", got, ends, want)
	}
	got = nil
	_, err := Wire{}.Response(&wire.Call{Native: true, Tap: &got, Request: &llm.Request{}}, []byte(`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"},"thoughtSignature":"`+sigOf("s")+`"}]},"finishReason":"STOP"}]}`))
	if want := `[5 0 f{} ` + sigOf("s") + `]`; err != nil || fmt.Sprint(got) != want {
		t.Errorf("whole: heard %q %v, want %s", got, err, want)
	}
}
