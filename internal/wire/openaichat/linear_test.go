package openaichat

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

// detailed is an assistant message with n calls whose signatures stand in reverse in
// reasoning_details.
func detailed(n int) rawjson.Value {
	var calls, details strings.Builder
	for i := range n {
		fmt.Fprintf(&calls, `{"id":"c%d","type":"function","function":{"name":"f","arguments":"{}"}},`, i)
		fmt.Fprintf(&details, `{"type":"reasoning.encrypted","format":"google-gemini-v1","id":"c%d","data":"EjQKMgG+%08dAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"},`, n-1-i, n-1-i)
	}
	list := func(b *strings.Builder) string { return strings.TrimSuffix(b.String(), ",") }
	return rawjson.Value(`{"messages":[{"role":"assistant","content":null,"tool_calls":[` + list(&calls) + `],"reasoning_details":[` + list(&details) + `]}]}`)
}

func TestHundredThousandCallsFindTheirSignatures(t *testing.T) {
	req, err := Dialect{}.Decode(detailed(huge))
	if err == nil {
		err = Dialect{}.Expand(req)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range req.Messages[0].Parts {
		if p.State == nil || !strings.Contains(p.State.Signature, fmt.Sprintf("%08d", i)) {
			t.Fatalf("call %d has %+v", i, p.State)
		}
	}
}

func TestHundredThousandPartsAndToolsAreWritten(t *testing.T) {
	req := &llm.Request{From: "anthropic", Model: "m", Expanded: true, ToolChoice: &llm.ToolChoice{Mode: llm.ChoiceAllowedAuto}}
	m := llm.Message{Role: llm.Assistant}
	for i := range huge {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartThinking, Text: "thought "}, llm.Part{Kind: llm.PartText, Text: "a word "})
		req.Tools = append(req.Tools, llm.ToolDef{Type: "function", Name: "f" + strconv.Itoa(i)})
		req.ToolChoice.Names = append(req.ToolChoice.Names, "g"+strconv.Itoa(i))
	}
	req.Messages = []llm.Message{m}
	c, err := Wire{}.Encode(req, &wire.Target{Provider: "openai", Model: "gpt-4o", Quirks: &wire.Quirks{OpenAI: true}})
	if err != nil {
		t.Fatal(err)
	}
	body := rawjson.Value(c.Whole())
	if n := body.Get("tools").Len(); n != huge {
		t.Errorf("%d tools", n)
	}
	if n := body.Get("messages").First().Get("content").Len(); n != huge {
		t.Errorf("%d parts", n)
	}
}

func TestListsForTheGatewayAreBounded(t *testing.T) {
	list := func(n int) string { return `["tools[*].x"` + strings.Repeat(`,"tools[*].x"`, n-1) + "]" }
	for _, name := range []string{"additional_drop_params", "allowed_openai_params", "tags"} {
		if _, err := ReadControls(decode(t, `{"messages":[],"`+name+`":`+list(maxListed)+`}`)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		_, err := ReadControls(decode(t, `{"messages":[],"`+name+`":`+list(maxListed+1)+`}`))
		if e := llm.AsError(err); e == nil || e.Status != 400 || e.Param != name {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func BenchmarkSignaturesInDetails(b *testing.B) {
	for _, n := range []int{1_000, 100_000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			body := detailed(n)
			for b.Loop() {
				req, err := Dialect{}.Decode(body)
				if err == nil {
					err = Dialect{}.Expand(req)
				}
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/call")
		})
	}
}
