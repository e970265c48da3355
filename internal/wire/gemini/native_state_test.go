package gemini

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
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
