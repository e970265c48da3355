package rawjson

import (
	"strconv"
	"strings"
	"testing"
)

// largeBody is a request of about 200 KB: a long system prompt, a conversation of
// many turns and 50 tools with schemas.
func largeBody() []byte {
	var b strings.Builder
	b.WriteString(`{"model":"gpt-4o","messages":[{"role":"system","content":"`)
	b.WriteString(strings.Repeat("You are a careful assistant.\\nAnswer \\\"briefly\\\". ", 1600))
	b.WriteString(`"}`)
	for i := range 40 {
		b.WriteString(`,{"role":"user","content":"` + strings.Repeat("please look into file number "+strconv.Itoa(i)+" ", 20) + `"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_` + strconv.Itoa(i) + `","type":"function","function":{"name":"read_file","arguments":"{\"path\":\"/a/b/` + strconv.Itoa(i) + `\"}"}}]},{"role":"tool","tool_call_id":"call_` + strconv.Itoa(i) + `","content":"` + strings.Repeat("line of text\\n", 40) + `"}`)
	}
	b.WriteString(`],"tools":[`)
	for i := range 50 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`{"type":"function","function":{"name":"tool_` + strconv.Itoa(i) + `","description":"` + strings.Repeat("Does a thing. ", 10) + `","parameters":{"type":"object","properties":{`)
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

const smallBody = `{"model":"gpt-4o","messages":[{"role":"system","content":"You are a helpful assistant that answers questions about the weather in great cities of the world."},{"role":"user","content":"What is the weather in Paris today, and should I take an umbrella with me when I leave the house? Please answer in one sentence, thanks."},{"role":"assistant","content":"It will rain in Paris this afternoon, so yes, take an umbrella."},{"role":"user","content":"And tomorrow?"}],"temperature":0.7,"max_tokens":256,"stream":false,"tools":[{"type":"function","function":{"name":"get_weather","description":"Current weather of a city","parameters":{"type":"object","properties":{"city":{"type":"string","description":"name of the city"},"unit":{"type":"string","enum":["celsius","fahrenheit"]}},"required":["city"]}}}],"user":"user-1234"}`

func BenchmarkCheckSmall(b *testing.B) { benchCheck(b, []byte(smallBody)) }
func BenchmarkCheckLarge(b *testing.B) { benchCheck(b, largeBody()) }

// BenchmarkCheckProse is a long prompt without escapes.
func BenchmarkCheckProse(b *testing.B) {
	benchCheck(b, []byte(`{"messages":[{"role":"user","content":"`+strings.Repeat("The quick brown fox jumps over the lazy dog and goes on. ", 3500)+`"}]}`))
}

func benchCheck(b *testing.B, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Check(body); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFieldsSmall(b *testing.B) { benchFields(b, []byte(smallBody)) }
func BenchmarkFieldsLarge(b *testing.B) { benchFields(b, largeBody()) }

func benchFields(b *testing.B, body []byte) {
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for f := range Value(body).Fields() {
			n += len(f.Value)
		}
	}
	if n == 0 {
		b.Fatal("no fields")
	}
}
