package openaichat

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

const smallRequest = `{"model":"smart","messages":[{"role":"system","content":"You are a helpful assistant that answers questions about the weather in great cities of the world."},{"role":"user","content":"What is the weather in Paris today, and should I take an umbrella with me when I leave the house? Please answer in one sentence, thanks."},{"role":"assistant","content":"It will rain in Paris this afternoon, so yes, take an umbrella."},{"role":"user","content":"And tomorrow?"}],"temperature":0.7,"max_tokens":256,"stream":false,"tools":[{"type":"function","function":{"name":"get_weather","description":"Current weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string","description":"name of the city"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city"]}}}],"user":"user-1234"}`

// largeRequest is about 200 KB: a long prompt, a conversation with tool calls, 50
// tools.
func largeRequest() []byte {
	var b strings.Builder
	b.WriteString(`{"model":"smart","messages":[{"role":"system","content":"`)
	b.WriteString(strings.Repeat("You are a careful assistant.\\nAnswer \\\"briefly\\\". ", 1600))
	b.WriteString(`"}`)
	for i := range 40 {
		n := strconv.Itoa(i)
		b.WriteString(`,{"role":"user","content":"` + strings.Repeat("please look into file number "+n+" ", 20) +
			`"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_` + n +
			`","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"/a/b/` + n +
			`\"}"}}]},{"role":"tool","tool_call_id":"call_` + n + `","content":"` + strings.Repeat("line of text\\n", 40) + `"}`)
	}
	b.WriteString(`],"tools":[`)
	for i := range 50 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"type":"function","function":{"name":"tool_` + strconv.Itoa(i) + `","description":"` +
			strings.Repeat("Does a thing. ", 10) + `","parameters":{"type":"object","properties":{`)
		for j := range 8 {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(`"field_` + strconv.Itoa(j) + `":{"type":"string","description":"what it is","enum":["a","b","c"]}`)
		}
		b.WriteString(`},"required":["field_1"],"additionalProperties":false}}}`)
	}
	b.WriteString(`],"temperature":0.2,"stream":true}`)
	return []byte(b.String())
}

func openAI() *wire.Target {
	return &wire.Target{Provider: "openai", Model: "gpt-4o", Quirks: &wire.Quirks{OpenAI: true, ToolIDs: "openai40"}}
}

func BenchmarkPassRequestSmall(b *testing.B) { benchPass(b, []byte(smallRequest)) }
func BenchmarkPassRequestLarge(b *testing.B) { benchPass(b, largeRequest()) }

func benchPass(b *testing.B, body []byte) {
	t := openAI()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		v, err := rawjson.Check(body)
		if err != nil {
			b.Fatal(err)
		}
		req, err := Dialect{}.Decode(v)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := ReadControls(req); err != nil {
			b.Fatal(err)
		}
		if _, err := (Wire{}).Encode(req, t); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkExpandSmall(b *testing.B) { benchExpand(b, []byte(smallRequest)) }
func BenchmarkExpandLarge(b *testing.B) { benchExpand(b, largeRequest()) }

func benchExpand(b *testing.B, body []byte) {
	b.SetBytes(int64(len(body)))
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

func chunkOf(content string) string {
	return `data: {"id":"chatcmpl-fake1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_fake","choices":[{"index":0,"delta":{"content":"` + content + `"},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n"
}

// fiftyChunks is a stream as OpenAI sends it.
func fiftyChunks() []byte {
	var b strings.Builder
	b.WriteString(`data: {"id":"chatcmpl-fake1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_fake","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null}` + "\n\n")
	for i := range 50 {
		b.WriteString(chunkOf(" word" + strconv.Itoa(i)))
	}
	b.WriteString(`data: {"id":"chatcmpl-fake1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_fake","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}` + "\n\n")
	b.WriteString(`data: {"id":"chatcmpl-fake1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-2024-08-06","service_tier":"default","system_fingerprint":"fp_fake","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":50,"total_tokens":61}}` + "\n\ndata: [DONE]\n\n")
	return []byte(b.String())
}

// BenchmarkPassStream50 is the price of a whole stream of 50 chunks with the SSE
// reader: parsing, tap and writing.
func BenchmarkPassStream50(b *testing.B) {
	body := fiftyChunks()
	req, err := Dialect{}.Decode([]byte(`{"model":"smart","messages":[],"stream":true}`))
	if err != nil {
		b.Fatal(err)
	}
	call, err := Wire{}.Encode(req, openAI())
	if err != nil {
		b.Fatal(err)
	}
	out := make([]byte, 0, 64<<10)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(req, wire.Answer{Model: "smart"})
		out = out[:0]
		for ev, err := range (Wire{}).Stream(call, sse.NewReader(bytes.NewReader(body), 0)) {
			if err != nil {
				b.Fatal(err)
			}
			out = enc.Event(out, &ev)
		}
		out = enc.Close(out)
	}
}

// BenchmarkPassChunk is the price of one more content chunk.
func BenchmarkPassChunk(b *testing.B) {
	data := []byte(strings.TrimSuffix(strings.TrimPrefix(chunkOf(" word"), "data: "), "\n\n"))
	call := &wire.Call{Native: true, Target: openAI(), Request: &llm.Request{From: Name}}
	enc := Dialect{}.Stream(call.Request, wire.Answer{Model: "smart"})
	var out []byte
	s := stream{call: call, native: true, plainUsage: true, yield: func(ev llm.Event, err error) bool {
		out = enc.Event(out[:0], &ev)
		return err == nil
	}}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := s.chunk(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodeStream50 is the price of writing 50 canonical text events.
func BenchmarkEncodeStream50(b *testing.B) {
	req := &llm.Request{From: Name, Stream: true}
	start := llm.Event{Kind: llm.EventStart, Response: &llm.Response{ID: "x", Created: 1}}
	text := llm.Event{Kind: llm.EventText, Delta: " word and more"}
	end := llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}
	out := make([]byte, 0, 64<<10)
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(req, wire.Answer{Model: "smart"})
		out = enc.Event(out[:0], &start)
		for range 50 {
			out = enc.Event(out, &text)
		}
		out = enc.Close(enc.Event(out, &end))
	}
}

func BenchmarkPassResponse(b *testing.B) {
	body := []byte(`{"id":"chatcmpl-fake1","object":"chat.completion","created":1700000000,"model":"gpt-4o-2024-08-06","choices":[{"index":0,"message":{"role":"assistant","content":"Hello from fake OpenAI.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default","system_fingerprint":"fp_fake"}`)
	call := &wire.Call{Native: true, Target: openAI(), Request: &llm.Request{From: Name}}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		resp, err := Wire{}.Response(call, body)
		if err != nil {
			b.Fatal(err)
		}
		_ = Dialect{}.Response(call.Request, resp, wire.Answer{Model: "smart"})
	}
}
