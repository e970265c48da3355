package openairesponses

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

func target(model string) *wire.Target { return &wire.Target{Provider: "openai", Model: model} }

func encode(t testing.TB, req *llm.Request, tg *wire.Target) *wire.Call {
	t.Helper()
	c, err := Wire{}.Encode(req, tg)
	if err != nil {
		t.Fatalf("Encode: %v", err)
	}
	checked(t, string(c.Body))
	return c
}

func TestNativeBodyPassesButForModelAndOwnKeys(t *testing.T) {
	c := encode(t, decoded(t, `{"input":[ {"role":"user", "content":"h\u00e9" ,"new":1} ],"model":"m","metadata":{"b":1,"a":[ 1 ]},"fallbacks":["x"],
		"drop_params":true,"fairlead_previous_response_id":"resp_0","litellm_metadata":{},"extra_body":{"unknown":2,"model":"evil"},"seed_like":12345678901234567890123}`), target("gpt-4o"))
	want := `{"model":"gpt-4o","input":[ {"role":"user", "content":"h\u00e9" ,"new":1} ],"metadata":{"b":1,"a":[ 1 ]},"seed_like":12345678901234567890123,"unknown":2}`
	if string(c.Body) != want || !c.Native || c.Path != "/responses" {
		t.Errorf("got  %s\nwant %s", c.Body, want)
	}
}

func TestNativeBodyGetsTheDeploymentsDefaults(t *testing.T) {
	tg := target("gpt-5")
	tg.Organization = "org-1"
	tg.Quirks = &wire.Quirks{Headers: map[string]string{"X-A": "b"}}
	tg.Defaults = []llm.Param{
		{Name: "max_tokens", Value: rawjson.Value("100")},
		{Name: "temperature", Value: rawjson.Value("0.2")},
		{Name: "reasoning_effort", Value: rawjson.Value(`"low"`)},
		{Name: "stop", Value: rawjson.Value(`["x"]`)},
		{Name: "vendor", Value: rawjson.Value("1")},
	}
	tg.ExtraBody = []llm.Param{{Name: "user", Value: rawjson.Value(`"fixed"`)}}
	tg.Policy.Also = []string{"metadata", "tools[*].strict"}
	c := encode(t, decoded(t, `{"model":"m","input":"x","temperature":0.9,"user":"me","metadata":{},"tools":[{"type":"function","name":"f","strict":true}]}`), tg)
	sameJSON(t, c.Body, `{"model":"gpt-5","input":"x","temperature":0.9,"tools":[{"type":"function","name":"f"}],"max_output_tokens":100,"reasoning":{"effort":"low"},"vendor":1,"user":"fixed"}`)
	if c.Header.Get("OpenAI-Organization") != "org-1" || c.Header.Get("X-A") != "b" {
		t.Errorf("headers %v", c.Header)
	}
	if len(c.Dropped) != 3 {
		t.Errorf("dropped %v", c.Dropped)
	}
}

func TestT28_StateOfGeminiNeverReachesOpenAI(t *testing.T) {
	out := answered(t, decoded(t, `{"input":"x"}`), llm.Choice{Parts: signedParts()}, nil).Get("output")
	body := `{"model":"m","input":[{"role":"user","content":"w"},` + string(out[1:len(out)-1]) +
		`,{"type":"function_call_output","call_id":"c1__thought__` + realSignature + `","output":"1"},{"type":"reasoning","id":"rs_own","summary":[],"encrypted_content":"gAAAown"}]}`
	c := encode(t, decoded(t, body), target("gpt-5"))
	for _, trace := range []string{realSignature, envelopeMark, "provider_specific_fields", "__thought__"} {
		if strings.Contains(string(c.Body), trace) {
			t.Errorf("%s goes upstream: %s", trace, c.Body)
		}
	}
	if s := string(c.Body); !strings.Contains(s, "gAAAown") || !strings.Contains(s, `"call_id":"c1"`) || strings.Contains(s, `{,`) {
		t.Errorf("%s", s)
	}
}

func TestBackgroundAnswersComeInTheForeground(t *testing.T) {
	c := encode(t, decoded(t, `{"model":"m","input":"x","background":true}`), target("gpt-5"))
	sameJSON(t, c.Body, `{"model":"gpt-5","input":"x"}`)
	if len(c.Dropped) != 1 {
		t.Errorf("dropped %v", c.Dropped)
	}
}

func TestWholeNativeAnswerIsTakenApartForAStream(t *testing.T) {
	c := &wire.Call{Native: true, Request: &llm.Request{Stream: true}}
	resp, err := Wire{}.Response(c, []byte(wholeAnswer))
	if err != nil || resp.Body != nil || len(resp.Choices[0].Parts) == 0 {
		t.Errorf("%v %+v", err, resp)
	}
	c.Request.Stream = false
	if resp, err := (Wire{}).Response(c, []byte(wholeAnswer)); err != nil || resp.Body == nil {
		t.Errorf("%v", err)
	}
}

func TestRefusedReasoningItemsAreLeftOutOnce(t *testing.T) {
	for _, body := range []string{
		`{"error":{"message":"The encrypted content gAAA could not be verified.","type":"invalid_request_error","param":null,"code":"invalid_encrypted_content"}}`,
		`{"error":{"message":"Item with id 'rs_1' not found. Items are not persisted when store is set to false.","code":null}}`,
	} {
		e := Wire{}.Error(400, nil, []byte(body))
		if r, ok := (Wire{}).Mend(nil, e); !ok || r != wire.RepairThinking {
			t.Errorf("%s is not recognised: %s", body, e.Message)
		}
	}
	if _, ok := (Wire{}).Mend(nil, Wire{}.Error(400, nil, []byte(`{"error":{"message":"bad temperature"}}`))); ok {
		t.Error("any refusal is repaired")
	}
	tg := target("gpt-5")
	tg.Repair = wire.RepairThinking
	c := encode(t, decoded(t, `{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"g"},{"type":"function_call","id":"fc_1","call_id":"c","name":"f","arguments":"{}"}]}`), tg)
	sameJSON(t, c.Body, `{"model":"gpt-5","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`)
}

// chatRequest is an expanded request of another format.
func chatRequest() *llm.Request {
	strict := true
	return &llm.Request{
		From: "chat", Model: "m", Stream: true, Expanded: true,
		Params: []llm.Param{
			{Name: "max_tokens", Value: rawjson.Value("5")},
			{Name: "temperature", Value: rawjson.Value("0.5")},
			{Name: "reasoning_effort", Value: rawjson.Value(`"disable"`)},
			{Name: "parallel_tool_calls", Value: rawjson.Value("false")},
			{Name: "response_format", Value: rawjson.Value(`{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}`)},
			{Name: "verbosity", Value: rawjson.Value(`"low"`)},
			{Name: "web_search_options", Value: rawjson.Value(`{"search_context_size":"low","user_location":{"type":"approximate","approximate":{"city":"Paris"}}}`)},
		},
		Messages: []llm.Message{
			{Role: llm.System, Parts: []llm.Part{text("Be brief.")}},
			{Role: llm.User, Parts: []llm.Part{text("look"), {Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "AAAA", Detail: "low"}}, {Kind: llm.PartFile, Media: &llm.Media{MIME: "application/pdf", Data: "JVBE"}}, {Kind: llm.PartUnknown, Raw: rawjson.Value("{}")}}},
			{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.PartThinking, Text: "hm"}, text("I call."), call("c1", "f", ""), {Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "c2", Name: "exec", Arguments: "raw", Custom: true}}}},
			{Role: llm.Tool, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: "c1", Parts: []llm.Part{text("no")}, IsError: true}}}},
			{Role: llm.Tool, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: "c2", Parts: []llm.Part{text("see"), {Kind: llm.PartImage, Media: &llm.Media{URL: "https://x/y.png"}}}}}}},
			{Role: llm.Developer, Parts: []llm.Part{text("later")}},
		},
		Tools: []llm.ToolDef{
			{Type: "function", Name: "f", Description: "d", Parameters: rawjson.Value(`{"type":"object"}`), Strict: &strict},
			{Type: "function", Name: "g"},
			{Type: "custom", Name: "exec", Raw: rawjson.Value(`{"type":"custom","custom":{"name":"exec","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}`)},
			{Type: "googleSearch", Raw: rawjson.Value(`{"googleSearch":{}}`)},
		},
		ToolChoice: &llm.ToolChoice{Mode: llm.ChoiceAllowedRequired, Names: []string{"f", "exec"}},
	}
}

func TestRequestOfAnotherFormatIsWrittenAsItems(t *testing.T) {
	c := encode(t, chatRequest(), target("gpt-4o"))
	sameJSON(t, c.Body, `{"model":"gpt-4o","instructions":"Be brief.","input":[
		{"type":"message","role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"data:image/png;base64,AAAA","detail":"low"},{"type":"input_file","filename":"file","file_data":"data:application/pdf;base64,JVBE"}]},
		{"type":"message","role":"assistant","content":[{"type":"output_text","text":"I call."}]},
		{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"custom_tool_call","call_id":"c2","name":"exec","input":"raw"},
		{"type":"function_call_output","call_id":"c1","output":"Error: no"},
		{"type":"custom_tool_call_output","call_id":"c2","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"https://x/y.png"}]},
		{"type":"message","role":"developer","content":[{"type":"input_text","text":"later"}]}],
		"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"function","name":"g","parameters":{"type":"object","properties":{}},"strict":false},
			{"type":"custom","name":"exec","format":{"type":"grammar","syntax":"lark","definition":"x"}},{"type":"web_search","search_context_size":"low","user_location":{"type":"approximate","city":"Paris"}}],
		"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"custom","name":"exec"}]},
		"stream":true,"store":false,"max_output_tokens":16,"temperature":0.5,"reasoning":{"effort":"none"},"parallel_tool_calls":false,
		"text":{"format":{"type":"json_schema","name":"a","schema":{"type":"object"}},"verbosity":"low"}}`)
	if c.Native || len(c.Dropped) != 3 {
		t.Errorf("dropped %v", c.Dropped)
	}
}

func TestUnsupportedParametersFollowThePolicy(t *testing.T) {
	req := &llm.Request{From: "chat", Params: []llm.Param{{Name: "stop", Value: rawjson.Value(`"x"`)}, {Name: "temperature", Value: rawjson.Value("0.5")}, {Name: "thinking", Value: rawjson.Value(`{"type":"enabled","budget_tokens":2048}`)}}}
	var e *llm.Error
	if _, err := (Wire{}).Encode(req, target("o3")); !errors.As(err, &e) || e.Kind != llm.KindUnsupportedParams {
		t.Errorf("%v", err)
	}
	tg := target("o3")
	tg.Policy.Drop = true
	c := encode(t, req, tg)
	sameJSON(t, c.Body, `{"model":"o3","input":[],"store":false,"reasoning":{"effort":"medium"}}`)
	if len(c.Dropped) != 2 {
		t.Errorf("dropped %v", c.Dropped)
	}
}

func TestLongNamesAndIdsFitAndComeBack(t *testing.T) {
	name, id := strings.Repeat("n", 90), strings.Repeat("i", 90)
	req := &llm.Request{
		From: "messages", Tools: []llm.ToolDef{{Type: "function", Name: name}}, ToolChoice: &llm.ToolChoice{Mode: llm.ChoiceNamed, Names: []string{name}},
		Messages: []llm.Message{{Role: llm.Assistant, Parts: []llm.Part{call(id, name, "{}")}}, {Role: llm.Tool, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{CallID: id}}}}},
	}
	c := encode(t, req, target("gpt-4o"))
	v := checked(t, string(c.Body))
	sent := v.Get("tools").First().Get("name").Text()
	first := v.Get("input").First()
	var last rawjson.Value
	for _, last = range v.Get("input").Elems() {
	}
	if len(sent) > 64 || !first.Get("name").Is(sent) || !v.Path("tool_choice", "name").Is(sent) || c.ToolName(sent) != name {
		t.Errorf("%s", c.Body)
	}
	if got := first.Get("call_id").Text(); len(got) > 64 || !last.Get("call_id").Is(got) {
		t.Errorf("%s", c.Body)
	}
}

const wholeAnswer = `{"id":"resp_1","object":"response","created_at":7,"model":"gpt-4o","status":"completed","error":null,"service_tier":"default","output":[
	{"type":"reasoning","summary":[{"type":"summary_text","text":"a"},{"type":"summary_text","text":"b"}]},
	{"type":"message","content":[{"type":"output_text","text":"hi","annotations":[{"type":"url_citation","url":"u"}],"logprobs":[{"token":"hi"}]},{"type":"refusal","refusal":"no"}]},
	{"type":"function_call","call_id":"c1","name":"short","arguments":""},{"type":"custom_tool_call","call_id":"c2","name":"exec","input":"raw"},
	{"type":"image_generation_call","result":"AAAA"},{"type":"web_search_call"}],
	"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":40,"cache_write_tokens":2},"output_tokens":-5,"output_tokens_details":{"reasoning_tokens":3}}}`

func TestWholeAnswerIsRead(t *testing.T) {
	resp, err := Wire{}.Response(&wire.Call{Names: map[string]string{"short": "long"}}, []byte(wholeAnswer))
	if err != nil {
		t.Fatal(err)
	}
	c := resp.Choices[0]
	wantOutline(t, []llm.Message{{Role: llm.Assistant, Parts: c.Parts}}, "assistant: think(a\n\nb) text(hi) refuse(no) call(c1 long {}) call(c2 exec raw) media(image/png AAAA)")
	if c.Finish != llm.FinishToolCalls || resp.ID != "resp_1" || resp.Created != 7 || resp.ServiceTier != "default" {
		t.Errorf("%+v", resp)
	}
	sameJSON(t, c.Annotations, `[{"type":"url_citation","url_citation":{"url":"u"}}]`)
	sameJSON(t, c.Logprobs, `{"content":[{"token":"hi"}]}`)
	if u := resp.Usage; u.Input != 10 || u.CacheRead != 10 || u.CacheWrite5m != 2 || u.Output != 0 || u.Reasoning != 3 || u.Total != 10 {
		t.Errorf("usage %+v", u)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for body, kind := range map[string]llm.ErrorKind{
		`<html>`: llm.KindInternal, `[]`: llm.KindInternal, `{}`: llm.KindInternal,
		`{"output":[],"error":{"code":"rate_limit_exceeded","message":"slow"}}`: llm.KindRateLimit,
		`{"error":{"code":"server_error","message":"boom"}}`:                    llm.KindInternal,
	} {
		var e *llm.Error
		if _, err := (Wire{}).Response(&wire.Call{}, []byte(body)); !errors.As(err, &e) || e.Kind != kind || !e.Upstream {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestFinishFollowsTheStatus(t *testing.T) {
	for body, want := range map[string]llm.Finish{
		`{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}`: llm.FinishLength,
		`{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}`:    llm.FinishContentFilter,
		`{"status":"completed","output":[{"type":"message"}]}`:                        llm.FinishStop,
		`{"status":"completed","output":[{"type":"custom_tool_call"}]}`:               llm.FinishToolCalls,
	} {
		if got := finishOf(rawjson.Value(body)); got != want {
			t.Errorf("%s: %s", body, got)
		}
	}
}

func frame(events ...string) string {
	var b strings.Builder
	for _, e := range events {
		b.WriteString("event: " + eventType([]byte(e)) + "\ndata: " + e + "\n\n")
	}
	return b.String()
}

// heard is a stream as text: one line an event.
func heard(c *wire.Call, r io.Reader) (lines []string, failed error) {
	for ev, err := range (Wire{}).Stream(c, sse.NewReader(r, 0)) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, eventLine(&ev))
	}
	return lines, nil
}

func eventLine(ev *llm.Event) string {
	switch ev.Kind {
	case llm.EventStart:
		return "start " + ev.Response.ID
	case llm.EventText:
		return "text " + ev.Delta
	case llm.EventThinking:
		return "think " + ev.Delta
	case llm.EventRefusal:
		return "refuse " + ev.Delta
	case llm.EventToolCall:
		return "call " + ev.Call.ID + " " + ev.Call.Name + ev.Delta
	case llm.EventToolArgs:
		return "args " + string(rune('0'+ev.Index)) + ev.Delta
	case llm.EventImage:
		return "image " + ev.Media.Data
	case llm.EventFinish:
		return "finish " + string(ev.Finish)
	case llm.EventUsage:
		return "usage " + string(rawjson.Int(ev.Usage.Total))
	}
	s := "raw"
	if ev.Content {
		s += "!"
	}
	return s + string(ev.Finish) + " " + string(ev.Raw)
}

var richStream = frame(
	`{"type":"response.created","response":{"id":"resp_1","output":[]}}`,
	`{"type":"response.output_item.added","output_index":0,"item":{"type":"reasoning"}}`,
	`{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":0}`,
	`{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"a"}`,
	`{"type":"response.reasoning_summary_part.added","output_index":0,"summary_index":1}`,
	`{"type":"response.reasoning_summary_text.delta","output_index":0,"delta":"b"}`,
	`{"type":"response.output_item.done","output_index":0,"item":{"type":"reasoning","summary":[{"text":"ab"}]}}`,
	`{"type":"response.output_text.delta","output_index":1,"delta":"hi"}`,
	`{"type":"response.output_text.delta","output_index":1,"delta":""}`,
	`{"type":"response.output_item.done","output_index":1,"item":{"type":"message","content":[{"type":"output_text","text":"hi"}]}}`,
	`{"type":"response.output_item.added","output_index":2,"item":{"type":"function_call","call_id":"c1","name":"f"}}`,
	`{"type":"response.function_call_arguments.delta","output_index":2,"delta":"{}"}`,
	`{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"}}`,
	`{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","call_id":"c2","name":"g","arguments":"{\"a\":1}"}}`,
	`{"type":"response.output_item.added","output_index":4,"item":{"type":"custom_tool_call","call_id":"c3","name":"x"}}`,
	`{"type":"response.custom_tool_call_input.delta","output_index":4,"delta":"raw"}`,
	`{"type":"response.output_item.done","output_index":5,"item":{"type":"message","content":[{"type":"output_text","text":"whole"},{"type":"refusal","refusal":"no"}]}}`,
	`{"type":"response.output_item.done","output_index":6,"item":{"type":"image_generation_call","result":"AAAA"}}`,
	`{"type":"response.something.new","x":1}`,
	`{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[],"usage":{"input_tokens":2,"output_tokens":3}}}`,
)

var richEvents = []string{
	"start resp_1", "think a", "think \n\n", "think b", "text hi", "call c1 f", "args 0{}", "call c2 g", `args 1{"a":1}`, "call c3 x", "args 2raw",
	"text whole", "refuse no", "image AAAA", "finish tool_calls", "usage 5",
}

func TestStreamIsReadAsCanonicalEvents(t *testing.T) {
	got, err := heard(&wire.Call{}, strings.NewReader(richStream+"data: [DONE]\n\n"))
	if err != nil || !slices.Equal(got, richEvents) {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, richEvents)
	}
}

func TestStreamSplitAtAnyByteIsTheSame(t *testing.T) {
	got, err := heard(&wire.Call{}, iotest.OneByteReader(strings.NewReader(strings.ReplaceAll(richStream, "\n", "\r\n"))))
	if err != nil || !slices.Equal(got, richEvents) {
		t.Errorf("%v %q", err, got)
	}
}

func TestCallWithoutArgumentsInTheStreamYieldsEmptyObject(t *testing.T) {
	got, _ := heard(&wire.Call{}, strings.NewReader(frame(
		`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c1","name":"f"}}`,
		`{"type":"response.completed","response":{"output":[]}}`)))
	if want := []string{"start ", "call c1 f", "args 0{}", "finish tool_calls"}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestStreamsThatFail(t *testing.T) {
	for body, want := range map[string]llm.ErrorKind{
		"data: nonsense\n\n": llm.KindInternal, "data: []\n\n": llm.KindInternal,
		frame(`{"type":"error","code":"rate_limit_exceeded","message":"slow"}`):                                          llm.KindRateLimit,
		frame(`{"type":"response.failed","response":{"error":{"code":"server_error","message":"boom"}}}`):                llm.KindInternal,
		frame(`{"type":"response.failed","response":{"error":{"code":"context_length_exceeded","message":"too long"}}}`): llm.KindContextWindow,
		"data: {\"error\":{\"message\":\"boom\"}}\n\n":                                                                   llm.KindInternal,
		frame(`{"type":"response.cancelled","response":{}}`):                                                             llm.KindInternal,
	} {
		for _, native := range []bool{false, true} {
			var e *llm.Error
			if _, err := heard(&wire.Call{Native: native}, strings.NewReader(body)); !errors.As(err, &e) || e.Kind != want {
				t.Errorf("%s: %v", body, err)
			}
		}
	}
	if _, err := heard(&wire.Call{}, strings.NewReader(richStream[:len(richStream)/2])); err == nil {
		t.Error("a cut stream ends well")
	}
	if _, err := heard(&wire.Call{}, strings.NewReader(frame(nativeStream[:4]...))); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a stream without its end: %v", err)
	}
}

func TestNativeStreamIsHandedOnAndTapped(t *testing.T) {
	got, err := heard(&wire.Call{Native: true}, strings.NewReader(frame(nativeStream...)))
	want := []string{"raw " + nativeStream[0], "raw " + nativeStream[1], "raw " + nativeStream[2], "raw! " + nativeStream[3], "raw!stop " + nativeStream[4]}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%v\ngot  %q\nwant %q", err, got, want)
	}
}

func TestNativeFailureAfterContentIsTheUpstreamsOwn(t *testing.T) {
	failed := `{"type":"response.failed","sequence_number":4,"response":{"status":"failed","error":{"code":"server_error","message":"boom"}}}`
	got, err := heard(&wire.Call{Native: true}, strings.NewReader(frame(append(slices.Clone(nativeStream[:4]), failed)...)))
	if err != nil || got[len(got)-1] != "raw! "+failed {
		t.Errorf("%v %q", err, got)
	}
}

func TestRealtimesWordForTheEndIsNormalised(t *testing.T) {
	got, err := heard(&wire.Call{Native: true}, strings.NewReader("event: response.output_text.delta\ndata: {\"delta\":\"a\"}\n\n"+
		"data: {\"type\":\"response.done\",\"response\":{\"status\":\"incomplete\",\"output\":[]}}\n\n"))
	if err != nil || len(got) != 2 || !strings.Contains(got[0], `{"type":"response.output_text.delta","delta":"a"}`) || !strings.Contains(got[1], "response.incomplete") {
		t.Errorf("%v %q", err, got)
	}
}

func TestErrorsOfTheUpstreamAreClassified(t *testing.T) {
	h := http.Header{"Retry-After": {"2"}}
	e := Wire{}.Error(429, h, []byte(`{"error":{"message":"Rate limit reached","code":"rate_limit_exceeded"}}`))
	if e.Kind != llm.KindRateLimit || e.Status != 429 || e.RetryAfter != 2*time.Second || !e.Upstream || e.UpstreamStatus != 429 {
		t.Errorf("%+v", e)
	}
	if e := (Wire{}).Error(404, nil, []byte(`{"error":{"message":"The model does not exist","code":"model_not_found"}}`)); e.Code != "model_not_found" || e.Status != 404 {
		t.Errorf("%+v", e)
	}
	for _, body := range []string{"", "<html>bad gateway</html>", `{"detail":"Not Found"}`, `"text"`, `[]`, `{"error":{}}`} {
		if e := (Wire{}).Error(502, nil, []byte(body)); e.Message == "" || e.Status < 400 {
			t.Errorf("%s: %+v", body, e)
		}
	}
	h = http.Header{"Retry-After": {"Wed, 21 Oct 2026 07:28:10 GMT"}, "Date": {"Wed, 21 Oct 2026 07:28:00 GMT"}}
	if d := errtext.RetryAfter(h); d != 10*time.Second {
		t.Errorf("%v", d)
	}
	if d := errtext.RetryAfter(http.Header{"Retry-After-Ms": {"1500"}}); d != 1500*time.Millisecond {
		t.Errorf("%v", d)
	}
}
