package anthropic_test

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// vector is one recorded exchange of LiteLLM (see conformance/testdata).
type vector struct {
	Case    string
	Request struct {
		Path string
		Body json.RawMessage
	}
	Upstream []struct {
		Request  struct{ Body json.RawMessage }
		Response struct {
			Status int
			Body   json.RawMessage
		}
	}
	Response struct {
		Status int
		Body   json.RawMessage
	}
}

// vectors reads the recorded exchanges of POST /v1/messages whose names begin so.
func vectors(t *testing.T, prefixes ...string) []vector {
	t.Helper()
	f, err := os.Open("../../../conformance/testdata/golden-public.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		for _, p := range prefixes {
			if !strings.HasPrefix(string(lines.Bytes()), `{"case":"`+p) && !strings.HasPrefix(string(lines.Bytes()), `{"case": "`+p) {
				continue
			}
			var v vector
			if err := json.Unmarshal(lines.Bytes(), &v); err != nil {
				t.Fatal(err)
			}
			out = append(out, v)
		}
	}
	if lines.Err() != nil || len(out) == 0 {
		t.Fatalf("%d vectors, %v", len(out), lines.Err())
	}
	return out
}

// text is a body that is a string (a stream) or raw JSON.
func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

func decode(t *testing.T, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := anthropic.Dialect{}.Decode(v)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// plain is JSON as maps, without what an upstream takes for absent.
func plain(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(body, &m); err != nil {
		t.Fatalf("%v in %s", err, body)
	}
	if m["stream"] == false {
		delete(m, "stream")
	}
	return m
}

func TestRecordedMessagesToClaudePassAsLiteLLMSentThem(t *testing.T) {
	for _, v := range vectors(t, "messages_claude_") {
		if v.Response.Status != 200 || strings.HasSuffix(v.Request.Path, "count_tokens") {
			continue
		}
		model := plain(t, v.Upstream[0].Request.Body)["model"].(string)
		req := decode(t, string(v.Request.Body))
		call, err := anthropic.New().Encode(req, &wire.Target{Provider: "anthropic", Model: model})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := plain(t, call.Body), plain(t, v.Upstream[0].Request.Body); !reflect.DeepEqual(got, want) {
			t.Errorf("%s went upstream as\n%s\nnot\n%s", v.Case, call.Body, v.Upstream[0].Request.Body)
		}
		got := answer(t, anthropic.New(), call, req, text(v.Upstream[0].Response.Body))
		compare(t, v, got)
	}
}

func TestRecordedAnswersOfOtherFamiliesReachMessagesClients(t *testing.T) {
	for _, v := range vectors(t, "messages_gem3_", "messages_gem25_", "messages_gpt_system", "x_messages_vllm") {
		if v.Response.Status != 200 || v.Upstream[0].Response.Status != 200 || strings.HasSuffix(v.Request.Path, "count_tokens") {
			continue
		}
		req := decode(t, string(v.Request.Body))
		if err := (anthropic.Dialect{}).Expand(req); err != nil {
			t.Fatal(err)
		}
		var w wire.Wire = gemini.Wire{}
		target := &wire.Target{Provider: "gemini", Model: "gemini-3.1-pro-preview"}
		if !strings.HasPrefix(v.Case, "messages_gem") {
			w, target = openaichat.Wire{}, &wire.Target{Provider: "openai", Model: "gpt-4o", Quirks: &wire.Quirks{OpenAI: true}}
		}
		call, err := w.Encode(req, target)
		if err != nil {
			t.Fatalf("%s: %v", v.Case, err)
		}
		compare(t, v, answer(t, w, call, req, text(v.Upstream[0].Response.Body)))
	}
}

// answer reads an upstream's answer and writes it for the client.
func answer(t *testing.T, w wire.Wire, call *wire.Call, req *llm.Request, upstream string) string {
	t.Helper()
	a := wire.Answer{Model: req.Model, CallID: "1"}
	if !req.Stream {
		resp, err := w.Response(call, []byte(upstream))
		if err != nil {
			t.Fatal(err)
		}
		return string(anthropic.Dialect{}.Response(req, resp, a))
	}
	enc := anthropic.Dialect{}.Stream(req, a)
	var out []byte
	for ev, err := range w.Stream(call, sse.NewReader(strings.NewReader(upstream), 0)) {
		if err != nil {
			t.Fatal(err)
		}
		out = enc.Event(out, &ev)
	}
	return string(enc.Close(out))
}

// compare holds an answer against the recorded one in what a client reads.
func compare(t *testing.T, v vector, got string) {
	t.Helper()
	want := text(v.Response.Body)
	if g, w := gist(t, got), gist(t, want); g != w {
		t.Errorf("%s: the client gets\n%s\nnot\n%s", v.Case, g, w)
	}
}

// gist is the model, the content, the stop reason and the counts of an answer,
// whole or streamed. Ids are minted, and signatures of others have our own form.
func gist(t *testing.T, answer string) string {
	t.Helper()
	if strings.HasPrefix(answer, "{") {
		m := rawjson.Value(answer)
		var blocks []string
		for _, b := range m.Get("content").Elems() {
			blocks = append(blocks, blockGist(b, b.Get("thinking").Text()+b.Get("text").Text(), string(b.Get("input"))))
		}
		return summary(m.Get("model"), blocks, m.Get("stop_reason"), m.Get("usage"))
	}
	var model, stop, usage rawjson.Value
	var blocks []string
	var open rawjson.Value
	var content, input string
	for r := sse.NewReader(strings.NewReader(answer), 0); ; {
		ev, err := r.Next()
		if err != nil {
			return summary(model, blocks, stop, usage)
		}
		d := rawjson.Value(ev.Data).Clone()
		switch ev.Name {
		case "message_start":
			model, usage = d.Path("message", "model"), d.Path("message", "usage")
		case "content_block_start":
			open, content, input = d.Get("content_block"), "", ""
		case "content_block_delta":
			content += d.Path("delta", "text").Text() + d.Path("delta", "thinking").Text()
			input += d.Path("delta", "partial_json").Text()
		case "content_block_stop":
			blocks = append(blocks, blockGist(open, content, input))
		case "message_delta":
			stop = d.Path("delta", "stop_reason")
			merged := rawjson.ParseObject(usage)
			for k, n := range d.Get("usage").Members() {
				merged.Set(k, n)
			}
			usage = merged.Value()
		}
	}
}

func blockGist(b rawjson.Value, content, input string) string {
	if input != "" {
		var v any
		if json.Unmarshal([]byte(input), &v) == nil {
			out, _ := json.Marshal(v)
			input = string(out)
		}
	}
	return b.Get("type").Text() + ":" + b.Get("name").Text() + content + input
}

func summary(model rawjson.Value, blocks []string, stop, usage rawjson.Value) string {
	// A block of thinking without text only carries state.
	blocks = slices.DeleteFunc(blocks, func(b string) bool { return b == "thinking:" })
	out := string(model) + "\n" + strings.Join(blocks, "\n") + "\n" + string(stop)
	for _, name := range []string{"input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"} {
		if n, ok := usage.Get(name).Int(); ok && n > 0 {
			out += "\n" + name + " " + string(rawjson.Int(n))
		}
	}
	return out
}

// claudeCode is a request as Claude Code 2.1.328 sends it, shortened.
const claudeCode = `{"model":"m","max_tokens":32000,"stream":true,"thinking":{"type":"adaptive","display":"omitted"},"output_config":{"effort":"high"},
	"metadata":{"user_id":"{\"device_id\":\"0123456789012345678901234567890123456789\",\"account_uuid\":\"\",\"session_id\":\"0123\"}"},
	"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},
	"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1.328.1; cc_entrypoint=sdk-cli;"},
		{"type":"text","text":"You are Claude Code.","cache_control":{"type":"ephemeral"}},{"type":"text","text":"Be exact."}],
	"tools":[{"name":"Read","description":"Reads.","input_schema":{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{"file_path":{"type":"string"}},"required":["file_path"],"additionalProperties":false}},
		{"name":"DeferredToolPlaceholder","description":"x","input_schema":{"type":"object","properties":{}},"defer_loading":true}],
	"messages":[{"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"},{"type":"text","text":"Read it."}]},
		{"role":"system","content":"# Environment","output_config":{"effort":"high"}},
		{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"EqQB"},{"type":"tool_use","id":"toolu_1","name":"Read","input":{"file_path":"/a"}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"toolu_1","content":"text","is_error":false,"cache_control":{"type":"ephemeral"}}]}]}`

func TestT83ClaudeCodesRequestFitsEveryFamily(t *testing.T) {
	for name, c := range map[string]struct {
		w      wire.Wire
		target *wire.Target
	}{
		"gemini":   {gemini.Wire{}, model("gemini", "gemini-3.1-pro-preview")},
		"openai":   {openaichat.Wire{}, model("openai", "gpt-4o")},
		"gpt-5":    {openaichat.Wire{}, model("openai", "gpt-5.2")},
		"deepseek": {openaichat.Wire{}, model("deepseek", "deepseek-chat")},
	} {
		req := decode(t, claudeCode)
		if err := (anthropic.Dialect{}).Expand(req); err != nil {
			t.Fatal(err)
		}
		call, err := c.w.Encode(req, c.target)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, never := range []string{"x-anthropic-billing-header", "$schema", "DeferredToolPlaceholder", "context_management", "output_config", "EqQB", "device_id"} {
			if strings.Contains(string(call.Body), never) {
				t.Errorf("%s gets %s:\n%s", name, never, call.Body)
			}
		}
		for _, always := range []string{"You are Claude Code.", "# Environment", "file_path", "Read it."} {
			if !strings.Contains(string(call.Body), always) {
				t.Errorf("%s does not get %s", name, always)
			}
		}
	}
}

func model(provider, name string) *wire.Target {
	info, _ := catalog.Lookup(provider, name)
	return &wire.Target{Provider: provider, Model: name, Info: info, Quirks: &wire.Quirks{OpenAI: provider == "openai"}}
}

func TestT86LongToolNameComesBackWhole(t *testing.T) {
	long := "mcp__a_server_with_a_very_long_name__a_tool_with_an_even_longer_name_that_nobody_would_type_x"
	body := `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"Hi"},
		{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"` + long + `","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"x"}]}],
		"tools":[{"name":"` + long + `","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"tool","name":"` + long + `"}}`
	req := decode(t, body)
	if err := (anthropic.Dialect{}).Expand(req); err != nil {
		t.Fatal(err)
	}
	w := openaichat.Wire{}
	call, err := w.Encode(req, model("openai", "gpt-4o"))
	if err != nil {
		t.Fatal(err)
	}
	up := rawjson.Value(call.Body)
	short := up.Get("tools").First().Path("function", "name").Text()
	if len(short) > 64 || strings.Contains(string(call.Body), long) || strings.Count(string(call.Body), short) != 3 {
		t.Fatalf("%q in %s", short, call.Body)
	}
	whole := `{"id":"x","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"b","type":"function","function":{"name":"` + short + `","arguments":"{}"}}]}}]}`
	if got := answer(t, w, call, req, whole); !strings.Contains(got, `"name":"`+long+`"`) {
		t.Errorf("%s", got)
	}
	req.Stream = true
	chunk := `data: {"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"b","type":"function","function":{"name":"` + short + `","arguments":"{}"}}]},"finish_reason":null}]}` + "\n\n" +
		`data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}` + "\n\ndata: [DONE]\n\n"
	if got := answer(t, w, call, req, chunk); !strings.Contains(got, `"name":"`+long+`"`) {
		t.Errorf("%s", got)
	}
}
