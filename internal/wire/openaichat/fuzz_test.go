package openaichat

import (
	"bytes"
	"encoding/json"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

var seeds = []string{
	smallRequest,
	`{"model":"a","messages":[{"role":"assistant","tool_calls":[{"id":"x__thought__` + sig + `","function":{"name":"f","arguments":{}}}],"thinking_blocks":[{"signature":"s"}]}],"stream":true}`,
	`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":"data:,x","cache_control":{}}]}],"tools":[{"type":"custom"}],"functions":[],"extra_body":{"a":1},"stream_options":{}}`,
	`{"model":"a","messages":[{"role":"user","content":"x"}],"tools":[1,]}`,
	` {"model":"a","messages":[]} `,
	`{"messages":[{"role":"tool","tool_call_id":"_ts_"}],"response_format":{"type":"json_schema"},"thinking":{},"reasoning_effort":{"effort":"x"},"tool_choice":"required"}`,
}

// FuzzRequest holds that no request makes a panic, and that what is encoded for
// any target is JSON that names its model and no gateway-only key.
func FuzzRequest(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	targets := []*wire.Target{openAITarget(), deepSeekTarget("deepseek-v4-pro"), plainTarget(), qwenTarget(), {
		Provider: "mistral", Model: "m", Quirks: &wire.Quirks{ToolIDs: "mistral9", NoStrictTools: true, ToolChoiceAuto: true, ToolChoiceHint: "h", Reasoning: "fill", ReasoningField: "reasoning_details"},
		Policy: wire.Policy{Drop: true, Also: []string{"messages[*].content", "tools"}},
	}}
	f.Fuzz(func(t *testing.T, data []byte) {
		raw, rawErr := Dialect{}.DecodeRaw(data)
		body, err := rawjson.Check(data)
		if err != nil {
			if rawErr == nil {
				t.Fatalf("DecodeRaw accepts what Check refuses: %v", err)
			}
			return
		}
		req, err := Dialect{}.Decode(body)
		if !reflect.DeepEqual(raw, req) || (err == nil) != (rawErr == nil) {
			t.Fatalf("in one pass %+v, %v; in two %+v, %v", raw, rawErr, req, err)
		}
		if err != nil {
			if e := llm.AsError(err); e.Status != 400 || e.Message == "" {
				t.Fatalf("%+v", e)
			}
			return
		}
		if _, err := ReadControls(req); err != nil && llm.AsError(err).Status != 400 {
			t.Fatal(err)
		}
		for _, target := range targets {
			encodes(t, req, target)
		}
		if err := (Dialect{}).Expand(req); err != nil {
			if e := llm.AsError(err); e.Status != 400 {
				t.Fatalf("%+v", e)
			}
			return
		}
		req.From = "other"
		for _, target := range targets {
			encodes(t, req, target)
		}
	})
}

func encodes(t *testing.T, req *llm.Request, target *wire.Target) {
	c, err := Wire{}.Encode(req, target)
	if err != nil {
		if e := llm.AsError(err); e.Status != 400 {
			t.Fatalf("%+v", e)
		}
		return
	}
	v, err := rawjson.Check(c.Whole())
	if err != nil {
		t.Fatalf("%v: %s", err, c.Whole())
	}
	if !strings.HasSuffix(v.Get("model").Text(), target.Model) {
		t.Fatalf("model: %s", v)
	}
	for f := range v.Fields() {
		if topKeys[f.Name()] == control {
			t.Fatalf("%s went upstream: %s", f.Name(), v)
		}
	}
}

// FuzzAnswer holds that no answer of an upstream makes a panic, and that what the
// client gets is JSON.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"id":"x","choices":[{"index":0,"message":{"content":[{"thinking":[]}],"reasoning":"r","tool_calls":[{"function":{}}]},"finish_reason":""}],"usage":{"prompt_tokens":-1}}`))
	f.Add([]byte(`{"error":[],"base_resp":{"status_code":5}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, native := range []bool{true, false} {
			c := &wire.Call{Native: native, Target: &wire.Target{Quirks: &wire.Quirks{BaseResp: true, Reasoning: "echo"}}, Request: &llm.Request{From: Name}}
			resp, err := Wire{}.Response(c, data)
			if err != nil {
				llm.AsError(err)
				continue
			}
			if out := (Dialect{}).Response(c.Request, resp, smart); !json.Valid(out) {
				t.Fatalf("%s", out)
			}
		}
		if e := (Wire{}).Error(500, nil, data); e.Message == "" || e.Status < 400 {
			t.Fatalf("%+v", e)
		}
	})
}

// FuzzStream holds that no stream makes a panic, that it ends, and that every
// frame which reaches the client is JSON and starts a line.
func FuzzStream(f *testing.F) {
	f.Add([]byte(frames(chunk(`{"role":"assistant","content":"a"}`, "null"), chunk(`{"tool_calls":[{"id":"a","function":{"name":"f"}}]}`, `""`), `{"choices":[],"usage":{}}`, "[DONE]")))
	f.Add(fiftyChunks()[:2000])
	f.Add([]byte("data: {\"choices\":[{\"delta\":{\"content\":[],\"reasoning\":\"x\"},\"finish_reason\":\"eos\"}]}\n\ndata: {\"error\":1}\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, native := range []bool{true, false} {
			req := &llm.Request{From: Name, Stream: true, IncludeUsage: true}
			c := &wire.Call{Native: native, Target: &wire.Target{Quirks: &wire.Quirks{Reasoning: "echo"}}, Request: req}
			out := relayCall(req, c, string(data), smart)
			for _, line := range strings.Split(out, "\n") {
				payload, ok := strings.CutPrefix(line, "data: ")
				if line != "" && (!ok || payload != "[DONE]" && !json.Valid([]byte(payload))) && !bytes.ContainsAny(data, "\r\n\\") {
					t.Fatalf("line %q of %q", line, out)
				}
			}
		}
	})
}

// FuzzStreamEncoder holds that no text in any event breaks a frame.
func FuzzStreamEncoder(f *testing.F) {
	f.Add(uint8(2), "text\n\ndata: x", "id", "name", 0)
	f.Fuzz(func(t *testing.T, kind uint8, delta, id, name string, index int) {
		enc := Dialect{}.Stream(&llm.Request{IncludeUsage: true}, wire.Answer{Model: name, CallID: id, SignatureInID: true})
		ev := llm.Event{
			Kind: llm.EventKind(kind % uint8(llm.EventRaw)), Delta: delta, Index: index, Call: &llm.ToolCall{ID: id, Name: name},
			State: &llm.State{Provider: "gemini", Signature: delta}, Media: &llm.Media{Data: delta, MIME: name}, Usage: &llm.Usage{Input: int64(index)},
			Finish: llm.Finish(name), Fields: rawjson.Object{{Key: name, Value: rawjson.String(delta)}},
		}
		out := enc.Close(enc.Event(enc.Event(nil, &ev), &ev))
		for _, line := range strings.Split(string(out), "\n") {
			payload, ok := strings.CutPrefix(line, "data: ")
			if line != "" && (!ok || payload != "[DONE]" && !json.Valid([]byte(payload))) {
				t.Fatalf("line %q", line)
			}
		}
	})
}

// jsonValue draws any JSON value, big numbers and odd escapes included.
func jsonValue(depth int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		kind := rapid.IntRange(0, 5).Draw(t, "kind")
		if depth == 0 {
			kind %= 4
		}
		switch kind {
		case 0:
			return rapid.SampledFrom([]string{"null", "true", "false", "12345678901234567890123456789", "-0.0", "1e400", "1.50"}).Draw(t, "atom")
		case 1, 2:
			b, _ := json.Marshal(rapid.String().Draw(t, "string"))
			return string(b)
		case 3:
			return rapid.SampledFrom([]string{`"\u00e9"`, `"\/"`, `"\ud83d\ude00"`, `""`}).Draw(t, "escape")
		case 4:
			return "[" + strings.Join(rapid.SliceOfN(jsonValue(depth-1), 0, 3).Draw(t, "list"), " , ") + "]"
		}
		return `{"k": ` + jsonValue(depth-1).Draw(t, "member") + "}"
	})
}

func TestUnknownFieldsSurviveByteForByte(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := jsonValue(3).Draw(t, "value")
		body := `{"zz":` + value + `,"model":"smart","messages":[{"role":"user","content":"x","yy":` + value + `}],"xx":` + value + `}`
		req, err := Dialect{}.Decode(rawjson.Value(body))
		if err != nil {
			t.Fatal(err)
		}
		c, err := Wire{}.Encode(req, openAITarget())
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(body, `"smart"`, `"gpt-4o"`, 1); string(c.Whole()) != want {
			t.Fatalf("got  %s\nwant %s", c.Whole(), want)
		}
	})
}

func TestStreamIsTheSameHoweverItIsSplit(t *testing.T) {
	upstream := frames(
		chunk(`{"role":"assistant","content":""}`, "null"), chunk(`{"content":"h\u00e9 ü"}`, "null"), chunk(`{"content":"a"}`, "null"), chunk(`{"content":"b"}`, "null"),
		chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}`, "null"), chunk(`{}`, `"tool_calls"`),
		`{"id":"c1","model":"up","choices":[],"usage":{"prompt_tokens":1}}`, "[DONE]")
	upstream = strings.Replace(upstream, "\n\n", "\r\n\r\n: comment\r\n\r\n", 2)
	req := decode(t, streamingUsage)
	call := encode(t, streamingUsage, plainTarget())
	want := relayCall(req, call, upstream, smart)
	rapid.Check(t, func(t *rapid.T) {
		sizes := rapid.SliceOfN(rapid.IntRange(1, 40), 1, 30).Draw(t, "sizes")
		enc := Dialect{}.Stream(req, smart)
		var out []byte
		for ev, err := range (Wire{}).Stream(call, sse.NewReader(&pieces{data: upstream, sizes: sizes}, 0)) {
			if err != nil {
				t.Fatal(err)
			}
			out = enc.Event(out, &ev)
		}
		if got := string(enc.Close(out)); got != want {
			t.Fatalf("got  %q\nwant %q", got, want)
		}
	})
}

// pieces reads data in pieces of the given sizes, over and over.
type pieces struct {
	data  string
	sizes []int
	n     int
}

func (p *pieces) Read(b []byte) (int, error) {
	size := min(p.sizes[p.n%len(p.sizes)], len(b))
	p.n++
	n := copy(b[:size], p.data)
	p.data = p.data[n:]
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}
