package gemini

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func benchEncode(b *testing.B, req *llm.Request, to *wire.Target) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Wire{}).Encode(req, to); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeSmall(b *testing.B) {
	req := request(message(llm.System, text("Be brief.")), user("What is the weather in Paris?"))
	req.Params = []llm.Param{param("temperature", "0.5"), param("max_tokens", "100")}
	benchEncode(b, req, target(g25))
}

func BenchmarkEncodeToolLoop(b *testing.B) {
	req := request(user("go"))
	for _, id := range []string{"call_a", "call_b", "call_c", "call_d"} {
		req.Messages = append(req.Messages, assistant(text("I look."), signedCall(id, "get_weather", `{"city":"Paris"}`, sigOf(id))), result(id, `{"temp":20}`))
	}
	for range 8 {
		req.Tools = append(req.Tools, function("get_weather_"+strings.Repeat("x", len(req.Tools)), citySchema))
	}
	benchEncode(b, req, target(g3))
}

func BenchmarkEncodeLong(b *testing.B) {
	benchEncode(b, request(user(strings.Repeat("All work and no play. ", 10000))), target(g25))
}

func BenchmarkResponse(b *testing.B) {
	body := []byte(strings.Replace(answer(`[{"text":"`+strings.Repeat("word ", 100)+`"}]`, "STOP"), `"modelVersion"`, `"usageMetadata":{"promptTokenCount":13,"candidatesTokenCount":8,"totalTokenCount":21},"modelVersion"`, 1))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Wire{}).Response(&wire.Call{}, body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkStream reads 50 chunks of text.
func BenchmarkStream(b *testing.B) {
	stream := []byte(strings.Repeat(chunk(`[{"text":"some words of an answer"}]`, ""), 50) + chunk(`[{"text":""}]`, "STOP"))
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		for _, err := range (Wire{}).Stream(&wire.Call{}, sse.NewReader(bytes.NewReader(stream), 0)) {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
