package openairesponses

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func newReader(r io.Reader) *sse.Reader { return sse.NewReader(r, 0) }

const smallRequest = `{"model":"smart","instructions":"You are a helpful assistant that answers questions about the weather.","input":[
	{"type":"message","role":"user","content":[{"type":"input_text","text":"What is the weather in Paris today?"}]},
	{"type":"function_call","call_id":"call_1","name":"get_weather","arguments":"{\"city\":\"Paris\"}"},
	{"type":"function_call_output","call_id":"call_1","output":"20 degrees, rain"}],
	"tools":[{"type":"function","name":"get_weather","description":"Current weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string"}},"required":["city"]},"strict":true}],
	"max_output_tokens":256,"stream":true,"store":false}`

func BenchmarkDecodeAndExpand(b *testing.B) {
	body := checked(b, smallRequest)
	b.ReportAllocs()
	for b.Loop() {
		req, _ := Dialect{}.Decode(body)
		if err := (Dialect{}).Expand(req); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeNative(b *testing.B) {
	req, tg := decoded(b, smallRequest), target("gpt-5")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Wire{}).Encode(req, tg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeTranslated(b *testing.B) {
	req, tg := chatRequest(), target("gpt-4o")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Wire{}).Encode(req, tg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStreamEncoder50(b *testing.B) {
	req := decoded(b, smallRequest)
	events := []llm.Event{started()}
	for range 50 {
		events = append(events, said("some more words "))
	}
	events = append(events, finished(llm.FinishStop))
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(req, answer)
		for i := range events {
			buf = enc.Event(buf[:0], &events[i])
		}
		buf = enc.Close(buf[:0])
	}
}

func benchmarkStream(b *testing.B, native bool) {
	req := decoded(b, smallRequest)
	lines := []string{nativeStream[0], nativeStream[1], nativeStream[2]}
	for i := range 50 {
		lines = append(lines, fmt.Sprintf(`{"type":"response.output_text.delta","sequence_number":%d,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"some more words ","logprobs":[]}`, i+3))
	}
	text := frame(append(lines, nativeStream[4])...)
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		enc := Dialect{}.Stream(req, answer)
		for ev, err := range (Wire{}).Stream(&wire.Call{Native: native}, newReader(strings.NewReader(text))) {
			if err != nil {
				b.Fatal(err)
			}
			buf = enc.Event(buf[:0], &ev)
		}
		buf = enc.Close(buf[:0])
	}
}

func BenchmarkNativeStream50(b *testing.B) { benchmarkStream(b, true) }

func BenchmarkReadStream50(b *testing.B) { benchmarkStream(b, false) }
