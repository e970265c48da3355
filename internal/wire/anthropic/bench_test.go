package anthropic

import (
	"fmt"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
)

func BenchmarkEncodeSmall(b *testing.B) {
	req := request(params("temperature", "0.5"), say(llm.System, "Be brief."), say(llm.User, "What is the weather in Paris?"))
	req.Body = make(rawjson.Value, 200)
	tg := target(legacyModel)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New().Encode(req, tg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeToolLoop(b *testing.B) {
	req := request(params("reasoning_effort", `"low"`), say(llm.System, "Be brief."))
	for i := range 25 {
		id := fmt.Sprint("toolu_", i)
		req.Messages = append(req.Messages, say(llm.User, strings.Repeat("hello ", 50)),
			assistant(thought("hm", "sig"), callPart(id, "f", `{"city":"Paris"}`)), result(id, strings.Repeat("20 degrees ", 50)), say(llm.Assistant, "fine"))
	}
	req.Messages = append(req.Messages, say(llm.User, "and now?"))
	for i := range 20 {
		req.Tools = append(req.Tools, function(fmt.Sprint("f", i), `{"type":"object","properties":{"city":{"type":"string","description":"`+strings.Repeat("x", 200)+`"}}}`))
	}
	req.Body = make(rawjson.Value, 40<<10)
	tg := target(legacyModel)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New().Encode(req, tg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkResponse(b *testing.B) {
	body := []byte(`{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"text","text":"` + strings.Repeat("hello ", 50) + `"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"city":"Paris"}}],"stop_reason":"tool_use","stop_sequence":null,"usage":{"input_tokens":12,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":9,"service_tier":"standard"}}`)
	call := emptyCall()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New().Response(call, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream reads 50 deltas; ns/op is for the whole stream.
func BenchmarkStream(b *testing.B) {
	payloads := []string{startEvent, textStart("0")}
	for range 50 {
		payloads = append(payloads, delta("0", `{"type":"text_delta","text":"some words "}`))
	}
	text := stream(append(payloads, blockStop("0"), stopBecause("end_turn"), stopEvent)...)
	call := emptyCall()
	b.ReportAllocs()
	for b.Loop() {
		for _, err := range New().Stream(call, sse.NewReader(strings.NewReader(text), 0)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
