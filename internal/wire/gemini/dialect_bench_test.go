package gemini

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// agentBody is a turn of a command-line agent: 20 tools and 30 contents.
func agentBody() rawjson.Value {
	var tools, contents []string
	for i := range 20 {
		tools = append(tools, `{"name":"tool_`+strings.Repeat("x", i)+`","description":"`+strings.Repeat("does things ", 20)+`","parametersJsonSchema":{"type":"object","properties":{"path":{"type":"string"},"limit":{"type":"number"}},"required":["path"]}}`)
	}
	for range 10 {
		contents = append(contents, `{"role":"user","parts":[{"text":"`+strings.Repeat("read the file ", 30)+`"}]}`,
			`{"role":"model","parts":[{"functionCall":{"id":"a","name":"tool_","args":{"path":"a.txt"}},"thoughtSignature":"`+sigOf("b")+`"}]}`,
			`{"role":"user","parts":[{"functionResponse":{"id":"a","name":"tool_","response":{"output":"`+strings.Repeat("line ", 60)+`"}}}]}`)
	}
	return rawjson.Value(`{"contents":[` + strings.Join(contents, ",") + `],"systemInstruction":{"role":"user","parts":[{"text":"` + strings.Repeat("rule ", 500) + `"}]},
		"tools":[{"functionDeclarations":[` + strings.Join(tools, ",") + `]}],"generationConfig":{"temperature":1,"topP":0.95,"topK":64,"thinkingConfig":{"includeThoughts":true,"thinkingLevel":"HIGH"}}}`)
}

func BenchmarkDecodeExpand(b *testing.B) {
	body := agentBody()
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		req, err := Dialect{}.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		if err := (Dialect{}).Expand(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeExpandSmall(b *testing.B) {
	body := rawjson.Value(said(hi, `,"systemInstruction":{"parts":[{"text":"sys"}]},"generationConfig":{"temperature":0.2,"maxOutputTokens":50}`))
	b.ReportAllocs()
	for b.Loop() {
		req, err := Dialect{}.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		if err := (Dialect{}).Expand(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPassRequest(b *testing.B) {
	body := agentBody()
	b.ReportAllocs()
	b.SetBytes(int64(len(body)))
	to := target(g3)
	for b.Loop() {
		req, err := Dialect{}.Decode(body)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := (Wire{}).Encode(req, to); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnswer(b *testing.B) {
	resp := &llm.Response{ID: "r1", Usage: &llm.Usage{Input: 1, Output: 2, Total: 3}, Choices: []llm.Choice{{Finish: "stop", Parts: []llm.Part{text(strings.Repeat("word ", 100))}}}}
	b.ReportAllocs()
	for b.Loop() {
		Dialect{}.Response(&llm.Request{}, resp, shown)
	}
}

// BenchmarkStreamEncoder writes 50 chunks of text.
func BenchmarkStreamEncoder(b *testing.B) {
	delta, end, usage := says("some words of an answer"), ends("stop"), costs(1, 2, 0)
	buf := make([]byte, 0, 4<<10)
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(&llm.Request{}, shown)
		for range 50 {
			buf = enc.Event(buf[:0], &delta)
		}
		buf = enc.Event(buf[:0], &end)
		buf = enc.Event(buf, &usage)
		buf = enc.Close(buf)
	}
}

// BenchmarkPassStream passes 50 chunks of text.
func BenchmarkPassStream(b *testing.B) {
	stream := []byte(strings.Repeat(chunk(`[{"text":"some words of an answer"}]`, ""), 50) + chunk(`[{"text":""}]`, "STOP"))
	c := &wire.Call{Native: true, Request: &llm.Request{Stream: true}}
	buf := make([]byte, 0, 4<<10)
	b.ReportAllocs()
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		enc := Dialect{}.Stream(c.Request, shown)
		for ev, err := range (Wire{}).Stream(c, sse.NewReader(bytes.NewReader(stream), 0)) {
			if err != nil {
				b.Fatal(err)
			}
			buf = enc.Event(buf[:0], &ev)
		}
	}
}
