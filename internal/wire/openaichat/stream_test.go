package openaichat

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

const (
	streaming      = `{"model":"smart","messages":[],"stream":true}`
	streamingUsage = `{"model":"smart","messages":[],"stream":true,"stream_options":{"include_usage":true}}`
)

var smart = wire.Answer{Model: "smart", CallID: "id", Created: 5}

func TestPassedStreamIsTheUpstreamsWithTheClientsModel(t *testing.T) {
	first := `{"id":"c1","object":"chat.completion.chunk","created":7,"model":"up","x":[1, 2],"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`
	text := strings.Replace(first, `"role":"assistant","content":""`, `"content":"h\u00e9\n"`, 1)
	end := strings.Replace(strings.Replace(first, `"role":"assistant","content":""`, ``, 1), `"finish_reason":null`, `"finish_reason":"stop"`, 1)
	got := relay(t, streaming, frames(first, text, text, end, "[DONE]"), openAITarget(), smart)
	want := strings.ReplaceAll(frames(first, text, text, end, "[DONE]"), `"up"`, `"smart"`)
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestT95BrokenToolIndexesAreRenumbered(t *testing.T) {
	call := func(rest string) string { return chunk(`{"tool_calls":[{`+rest+`}]}`, "null") }
	role := chunk(`{"role":"assistant","content":null}`, "null")
	end := chunk(`{}`, `"tool_calls"`)
	tests := map[string][]string{
		"all at index 0": {
			call(`"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}`),
			call(`"index":0,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}`),
		},
		"id and name repeated": {
			call(`"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}`),
			call(`"index":0,"id":"a","type":"function","function":{"name":"f","arguments":":1}"}`),
			call(`"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}`),
			call(`"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}`),
		},
		"no index": {
			call(`"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\""}`),
			call(`"function":{"arguments":":1}"}`),
			call(`"id":"b","type":"function","function":{"name":"g","arguments":"{}"}`),
		},
		"from one": {
			call(`"index":1,"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}`),
			call(`"index":2,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}`),
		},
		"arguments as object, no type": {
			call(`"index":0,"id":"a","function":{"name":"f","arguments":{"x":1}}`),
			call(`"index":1,"id":"b","function":{"name":"g","arguments":{}}`),
		},
		"interleaved": {
			call(`"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}`),
			call(`"index":1,"id":"b","type":"function","function":{"name":"g","arguments":""}`),
			call(`"index":0,"function":{"arguments":"{\"x\":1}"}`),
			call(`"index":1,"function":{"arguments":"{}"}`),
		},
		"both in one chunk": {
			chunk(`{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}},{"index":0,"id":"b","function":{"name":"g"}}]}`, "null"),
		},
	}
	for name, deltas := range tests {
		t.Run(name, func(t *testing.T) {
			upstream := frames(append(append([]string{role}, deltas...), end, "[DONE]")...)
			want := []heardCall{{"a", "f", `{"x":1}`}, {"b", "g", "{}"}}
			for _, mode := range []string{"passed", "translated"} {
				h := listen(t, through(t, mode, upstream))
				if len(h.calls) != 2 || h.calls[0] != want[0] || h.calls[1] != want[1] || h.finish != "tool_calls" {
					t.Errorf("%s: %+v %s", mode, h.calls, h.finish)
				}
			}
		})
	}
}

// through relays a stream as bytes, or by way of the canonical events.
func through(t *testing.T, mode, upstream string) string {
	t.Helper()
	req := decode(t, streamingUsage)
	call, err := Wire{}.Encode(req, plainTarget())
	if err != nil {
		t.Fatal(err)
	}
	call.Native = mode == "passed"
	return relayCall(req, call, upstream, smart)
}

func TestT95CallWithoutIDGetsOne(t *testing.T) {
	upstream := frames(chunk(`{"role":"assistant","tool_calls":[{"index":0,"function":{"name":"f","arguments":"{}"}}]}`, "null"), chunk(`{}`, `"stop"`), "[DONE]")
	for _, mode := range []string{"passed", "translated"} {
		h := listen(t, through(t, mode, upstream))
		if len(h.calls) != 1 || !strings.HasPrefix(h.calls[0].ID, "call_") || len(h.calls[0].ID) != len("call_")+28 || h.finish != "tool_calls" {
			t.Errorf("%s: %+v", mode, h)
		}
	}
}

func TestCallWithoutArgumentsYieldsAnEmptyObject(t *testing.T) {
	begin := `{"role":"assistant","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":""}}]}`
	for name, upstream := range map[string]string{
		"separate":  frames(chunk(begin, "null"), chunk(`{}`, `"tool_calls"`), "[DONE]"),
		"one chunk": frames(chunk(begin, `"tool_calls"`), "[DONE]"),
		"no finish": frames(chunk(begin, "null"), "[DONE]"),
	} {
		for _, mode := range []string{"passed", "translated"} {
			h := listen(t, through(t, mode, upstream))
			if len(h.calls) != 1 || h.calls[0].Args != "{}" || h.finishes != 1 || h.finish != "tool_calls" {
				t.Errorf("%s, %s: %+v", name, mode, h)
			}
		}
	}
}

func TestT96UsageReachesOnlyTheClientThatAsked(t *testing.T) {
	usage := `"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}`
	start, end := chunk(`{"role":"assistant","content":"a"}`, "null"), chunk(`{}`, `"stop"`)
	for name, upstream := range map[string]string{
		"own chunk":    frames(start, end, `{"id":"c1","object":"chat.completion.chunk","created":7,"model":"up","choices":[],`+usage+`}`, "[DONE]"),
		"finish chunk": frames(start, strings.Replace(end, `"choices"`, usage+`,"choices"`, 1), "[DONE]"),
		"every chunk":  frames(strings.Replace(start, `"choices"`, `"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4},"choices"`, 1), strings.Replace(end, `"choices"`, usage+`,"choices"`, 1), "[DONE]"),
		"groq":         frames(start, strings.Replace(end, `"choices"`, `"x_groq":{`+usage+`},"choices"`, 1), "[DONE]"),
	} {
		t.Run(name, func(t *testing.T) {
			h := listen(t, relay(t, streaming, upstream, plainTarget(), smart))
			if h.usages != 0 || h.text != "a" || h.finish != "stop" || !h.done {
				t.Errorf("not asked: %+v", h)
			}
			h = listen(t, relay(t, streamingUsage, upstream, plainTarget(), smart))
			if h.usages != 1 || h.usage["total_tokens"] != 7.0 || !h.models["smart"] || len(h.models) != 1 {
				t.Errorf("asked: %+v", h)
			}
			events, err := collect(encode(t, streaming, plainTarget()), upstream)
			last := events[len(events)-1]
			if err != nil || last.Kind != llm.EventUsage || last.Usage.Total != 7 {
				t.Errorf("the gateway itself: %v %+v", err, last)
			}
		})
	}
}

func TestUsageChunkCarriesTheCost(t *testing.T) {
	a := smart
	a.StreamCost = func(u *llm.Usage) rawValue { return raw("0.5") }
	upstream := frames(chunk(`{"role":"assistant","content":"a"}`, `"stop"`), `{"id":"c1","model":"up","service_tier":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"odd":1}}`, "[DONE]")
	got := relay(t, streamingUsage, upstream, plainTarget(), a)
	if !strings.Contains(got, `{"id":"c1","model":"smart","service_tier":"x","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"odd":1,"cost":0.5}}`) {
		t.Errorf("%s", got)
	}
}

func TestT97OddChunksAreMadeRegular(t *testing.T) {
	role := chunk(`{"role":"assistant","content":""}`, "null")
	azure := `{"id":"","object":"","created":0,"model":"","prompt_filter_results":[{"prompt_index":0}],"choices":[]}`
	h := listen(t, relay(t, streaming, frames(azure, role, chunk(`{"content":"a"}`, "null"), chunk(`{}`, `"stop"`), "[DONE]"), plainTarget(), smart))
	if h.text != "a" || h.finish != "stop" || h.finishes != 1 {
		t.Errorf("Azure: %+v", h)
	}
	xai := frames(role, chunk(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]}`, `""`), "[DONE]")
	if h := listen(t, relay(t, streaming, xai, plainTarget(), smart)); h.finish != "tool_calls" || h.finishes != 1 {
		t.Errorf("xAI: %+v", h)
	}
	groq := frames(chunk(`{"role":"assistant","reasoning":"hm"}`, "null"), chunk(`{"content":"a"}`, `"stop"`), "[DONE]")
	if h := listen(t, relay(t, streaming, groq, plainTarget(), smart)); h.reasoning != "hm" || h.text != "a" {
		t.Errorf("Groq: %+v", h)
	}
	router := frames(chunk(`{"role":"assistant","content":"","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}`, "null"), chunk(`{"content":"a"}`, `"stop"`))
	if h := listen(t, relay(t, streaming, router, plainTarget(), smart)); h.reasoning != "hm" {
		t.Errorf("OpenRouter: %+v", h)
	}
	magistral := frames(chunk(`{"role":"assistant","content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]}`, "null"), chunk(`{"content":[{"type":"text","text":"a"}]}`, `"stop"`))
	if h := listen(t, relay(t, streaming, magistral, plainTarget(), smart)); h.reasoning != "hm" || h.text != "a" {
		t.Errorf("Magistral: %+v", h)
	}
}

func TestStreamRulesHoldForCarelessServers(t *testing.T) {
	upstream := frames(
		`{"id":"c1","model":"up","choices":[{"delta":{"content":"a"}}]}`,
		`{"id":"c2","model":"up","choices":[{"index":0,"delta":{"content":"b"},"finish_reason":"eos"}]}`,
		`{"id":"c2","model":"up","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, "[DONE]")
	h := listen(t, relay(t, streaming, upstream, plainTarget(), smart))
	if h.role != "assistant" || h.text != "ab" || h.finish != "stop" || h.finishes != 1 || len(h.ids) != 1 {
		t.Errorf("%+v", h)
	}
}

func TestSeveralChoicesKeepTheirOwnState(t *testing.T) {
	one := `{"id":"c1","model":"up","choices":[{"index":1,"delta":{"role":"assistant","content":"x"},"finish_reason":null}]}`
	events, err := collect(encode(t, streaming, plainTarget()), frames(chunk(`{"role":"assistant","content":"a"}`, `"stop"`), one))
	if err == nil {
		t.Errorf("choice 1 never finished: %+v", events)
	}
}

func TestCommitPointIsTheFirstContent(t *testing.T) {
	c := encode(t, streaming, plainTarget())
	events, _ := collect(c, frames(`{"id":"c1","choices":[]}`, chunk(`{"role":"assistant","content":""}`, "null"), chunk(`{"content":"a"}`, "null"), chunk(`{}`, `"stop"`)))
	var commits []bool
	for i := range events {
		commits = append(commits, events[i].Commits())
	}
	want := []bool{false, false, false, true, true}
	if len(commits) != len(want) {
		t.Fatalf("events = %+v", events)
	}
	for i := range want {
		if commits[i] != want[i] {
			t.Errorf("event %d (%s) commits = %v", i, events[i].Raw, commits[i])
		}
	}
}

func TestErrorsInsideAStreamAreErrors(t *testing.T) {
	c := encode(t, streaming, plainTarget())
	tests := []struct {
		event  string
		status int
		kind   llm.ErrorKind
	}{
		{`{"error":{"message":"boom","type":"server_error","code":null}}`, 500, llm.KindInternal},
		{`{"error":{"message":"slow down","code":429}}`, 429, llm.KindRateLimit},
		{`{"error":{"message":"busy","code":"503"}}`, 503, llm.KindUnavailable},
		{`{"error":"plain words"}`, 500, llm.KindInternal},
		{`{"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"error","error":{"message":"bad gateway","code":502}}]}`, 502, llm.KindBadGateway},
		{`[1]`, 500, llm.KindInternal},
	}
	for _, tc := range tests {
		_, err := collect(c, frames(chunk(`{"role":"assistant","content":"a"}`, "null"), tc.event))
		if e := llm.AsError(err); e == nil || e.Status != tc.status || e.Kind != tc.kind || !e.Upstream {
			t.Errorf("%s: %+v", tc.event, e)
		}
	}
	h := listen(t, relay(t, streaming, frames(chunk(`{"role":"assistant","content":"a"}`, "null"), tests[0].event), plainTarget(), smart))
	if h.errors != 1 || !h.done || h.finishes != 0 {
		t.Errorf("the client hears %+v", h)
	}
}

func TestKeeperLearnsReasoningAndCallsFromAPassedStream(t *testing.T) {
	c := encode(t, streaming, deepSeekTarget("deepseek-v4-pro"))
	events, err := collect(c, frames(
		chunk(`{"role":"assistant","content":null,"reasoning_content":"h\u00e9"}`, "null"),
		chunk(`{"reasoning_content":"m"}`, "null"),
		chunk(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","type":"function","function":{"name":"g","arguments":"{}"}}]}`, "null"),
		chunk(`{}`, `"tool_calls"`)))
	if err != nil {
		t.Fatal(err)
	}
	thought, ids, raws := "", "", 0
	for _, ev := range events {
		thought += ev.Delta
		if ev.Call != nil {
			ids += ev.Call.ID + ev.Call.Name
		}
		if len(ev.Raw) > 0 {
			raws++
		}
	}
	if thought != "hém" || ids != "afbg" || raws != 4 {
		t.Errorf("%q %q %d", thought, ids, raws)
	}
}

func TestConsumerMayStopAtAnyEvent(t *testing.T) {
	upstream := frames(chunk(`{"role":"assistant","content":"a"}`, "null"), chunk(`{"tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f"}}]}`, `"tool_calls"`), `{"choices":[],"usage":{"prompt_tokens":1}}`, "[DONE]")
	c := encode(t, streaming, plainTarget())
	events, err := collect(c, upstream)
	if err != nil {
		t.Fatal(err)
	}
	for stop := range events {
		n := 0
		for range (Wire{}).Stream(c, reader(upstream)) {
			if n++; n > stop {
				break
			}
		}
		if n != stop+1 {
			t.Errorf("stopped after %d, heard %d", stop, n)
		}
	}
}

func TestMergedReasoningStandsBetweenTags(t *testing.T) {
	a := smart
	a.MergeReasoning = true
	upstream := frames(chunk(`{"role":"assistant","content":null,"reasoning_content":"h"}`, "null"), chunk(`{"reasoning_content":"m"}`, "null"), chunk(`{"content":"a"}`, "null"), chunk(`{}`, `"stop"`), "[DONE]")
	for _, native := range []bool{true, false} {
		req := decode(t, streaming)
		call := encode(t, streaming, plainTarget())
		call.Native = native
		h := listen(t, relayCall(req, call, upstream, a))
		if h.text != "<think>hm</think>a" || h.reasoning != "" {
			t.Errorf("native %v: %+v", native, h)
		}
	}
}

func TestPrettyPrintedChunksStayWithinTheirEvent(t *testing.T) {
	upstream := "data: {\"id\":\"c1\",\"model\":\"up\",\ndata: \"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"a\"},\ndata: \"finish_reason\":\"stop\"}]}\n\n"
	got := relay(t, streaming, upstream, plainTarget(), smart)
	for _, line := range strings.Split(got, "\n") {
		if line != "" && !strings.HasPrefix(line, "data: ") {
			t.Errorf("line %q", line)
		}
	}
	if !strings.Contains(got, `"smart"`) {
		t.Errorf("%s", got)
	}
}
