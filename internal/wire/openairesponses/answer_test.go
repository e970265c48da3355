package openairesponses

import (
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

func answered(t testing.TB, req *llm.Request, c llm.Choice, u *llm.Usage) rawjson.Value {
	t.Helper()
	body := Dialect{}.Response(req, &llm.Response{ID: "up", Choices: []llm.Choice{c}, Usage: u}, answer)
	return checked(t, string(body))
}

func text(s string) llm.Part { return llm.Part{Kind: llm.PartText, Text: s} }

func call(id, name, args string) llm.Part {
	return llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: args}}
}

// without takes the minted ids out of a list of items.
func without(t testing.TB, output rawjson.Value) string {
	t.Helper()
	dst := []byte{'['}
	for _, v := range output.Elems() {
		obj := rawjson.ParseObject(v)
		if obj.Get("id").Text() == "" {
			t.Errorf("an item without id: %s", v)
		}
		obj.Del("id")
		dst = obj.Append(rawjson.AppendComma(dst))
	}
	return string(append(dst, ']'))
}

func TestAnswerRepeatsTheRequestAndCountsTokens(t *testing.T) {
	req := decoded(t, `{"model":"m","input":"x","instructions":"Be brief.","max_output_tokens":50,"temperature":0.1,"metadata":{"a":"b"},"user":"u",
		"fairlead_previous_response_id":"resp_before","tools":[{"type":"function","name":"f"}],"store":false,"service_tier":"auto"}`)
	got := answered(t, req, llm.Choice{Parts: []llm.Part{text("Hello")}, Finish: llm.FinishStop},
		&llm.Usage{Input: 10, Output: 5, CacheRead: 4, CacheWrite5m: 2, Reasoning: 3})
	id := got.Get("id").Text()
	if !strings.HasPrefix(id, "resp_") || got.Get("output").First().Get("id").Text() != "msg_"+id[5:]+"0" {
		t.Errorf("ids %s %s", id, got.Get("output").First().Get("id"))
	}
	sameJSON(t, []byte(without(t, got.Get("output"))), `[{"type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"Hello","annotations":[],"logprobs":[]}]}]`)
	obj := rawjson.ParseObject(got)
	obj.Del("id")
	obj.Del("output")
	sameJSON(t, obj.Value(), `{"object":"response","created_at":1700000000,"status":"completed","background":false,"error":null,"incomplete_details":null,
		"model":"shown","instructions":"Be brief.","max_output_tokens":50,"max_tool_calls":null,"parallel_tool_calls":true,"previous_response_id":"resp_before",
		"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"store":false,"temperature":0.1,
		"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[{"type":"function","name":"f"}],"top_logprobs":null,"top_p":null,
		"truncation":"disabled","user":"u","metadata":{"a":"b"},"service_tier":"auto",
		"usage":{"input_tokens":10,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":2},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3},"total_tokens":15}}`)
}

func TestStatusFollowsTheReason(t *testing.T) {
	req := decoded(t, `{"input":"x"}`)
	for finish, want := range map[llm.Finish]string{
		llm.FinishStop: "completed null completed", llm.FinishToolCalls: "completed null completed",
		llm.FinishLength:        `incomplete {"reason":"max_output_tokens"} incomplete`,
		llm.FinishContentFilter: `incomplete {"reason":"content_filter"} incomplete`,
	} {
		got := answered(t, req, llm.Choice{Parts: []llm.Part{text("a")}, Finish: finish}, nil)
		line := got.Get("status").Text() + " " + string(got.Get("incomplete_details")) + " " + got.Get("output").First().Get("status").Text()
		if line != want {
			t.Errorf("%s: %s", finish, line)
		}
	}
}

func TestAnswerWithoutChoicesIsComplete(t *testing.T) {
	body := Dialect{}.Response(decoded(t, `{"input":"x"}`), &llm.Response{}, answer)
	if v := checked(t, string(body)); !v.Get("status").Is("completed") || v.Get("output").Len() != 0 {
		t.Errorf("%s", body)
	}
}

func TestItemsOfAnAnswer(t *testing.T) {
	req := expanded(t, `{"input":"x","tools":[{"type":"custom","name":"exec"},{"type":"namespace","name":"ns","tools":[{"type":"function","name":"g"}]},{"type":"shell"},{"type":"apply_patch"},{"type":"local_shell"}]}`)
	got := answered(t, req, llm.Choice{Finish: llm.FinishToolCalls, Parts: []llm.Part{
		{Kind: llm.PartThinking, Text: "hm"},
		text("one "), text("text"),
		{Kind: llm.PartRefusal, Text: "no"},
		{Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "AAAA"}},
		call("c1", "f", `{"a":1}`), call("c2", "ns__g", `{}`), call("c3", "exec", `{"content":"print(1)"}`), call("c4", "exec", "raw text"),
		call("c5", "shell", `{"commands":["ls"]}`), call("c6", "apply_patch", `{"type":"delete_file","path":"x"}`), call("c7", "local_shell", `{"command":["ls"]}`),
		{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "s", Name: "web_search", Server: true}},
	}}, nil)
	sameJSON(t, []byte(without(t, got.Get("output"))), `[
		{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}]},
		{"type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","text":"one text","annotations":[],"logprobs":[]}]},
		{"type":"message","status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"no"}]},
		{"type":"image_generation_call","status":"completed","result":"AAAA","output_format":"png"},
		{"type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
		{"type":"function_call","status":"completed","call_id":"c2","name":"g","namespace":"ns","arguments":"{}"},
		{"type":"custom_tool_call","status":"completed","call_id":"c3","name":"exec","input":"print(1)"},
		{"type":"custom_tool_call","status":"completed","call_id":"c4","name":"exec","input":"raw text"},
		{"type":"shell_call","status":"completed","call_id":"c5","action":{"commands":["ls"]}},
		{"type":"apply_patch_call","status":"completed","call_id":"c6","operation":{"type":"delete_file","path":"x","diff":""}},
		{"type":"local_shell_call","status":"completed","call_id":"c7","action":{"type":"exec","command":["ls"],"env":{}}}]`)
}

func TestAnnotationsAndLogprobsStandFlatOnTheText(t *testing.T) {
	got := answered(t, decoded(t, `{"input":"x"}`), llm.Choice{
		Parts:       []llm.Part{text("a")},
		Annotations: rawjson.Value(`[{"type":"url_citation","url_citation":{"url":"https://x","start_index":0,"end_index":1,"title":"t"}}]`),
		Logprobs:    rawjson.Value(`{"content":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]}]}`),
	}, nil)
	sameJSON(t, got.Get("output").First().Get("content").First(), `{"type":"output_text","text":"a",
		"annotations":[{"type":"url_citation","url":"https://x","start_index":0,"end_index":1,"title":"t"}],
		"logprobs":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]}]}`)
}

// signedParts is an answer of Gemini: a thought, a signed call and a parallel one.
func signedParts() []llm.Part {
	first := call("c1", "f", `{}`)
	first.State = &llm.State{Provider: gemini, Signature: realSignature}
	return []llm.Part{{Kind: llm.PartThinking, Text: "hm"}, first, call("c2", "f", `{}`)}
}

func TestThoughtSignatureGoesIntoEveryCarrier(t *testing.T) {
	req := decoded(t, `{"input":"x"}`)
	got := answered(t, req, llm.Choice{Parts: signedParts(), Finish: llm.FinishToolCalls}, nil)
	var items []rawjson.Value
	for _, v := range got.Get("output").Elems() {
		items = append(items, v)
	}
	if len(items) != 3 {
		t.Fatalf("%s", got.Get("output"))
	}
	e, ok := openEnvelope(items[0].Get("encrypted_content").Text())
	if !ok || e.provider != gemini || len(e.signatures) != 1 || e.signatures[0] != realSignature {
		t.Errorf("envelope %+v", e)
	}
	if id := items[1].Get("call_id").Text(); id != signature.Join("c1", realSignature) {
		t.Errorf("call_id %s", id)
	}
	if s := items[1].Path("provider_specific_fields", "thought_signature").Text(); s != realSignature {
		t.Errorf("field %s", s)
	}
	if id := items[1].Get("id").Text(); !strings.HasPrefix(id, "fc_") || len(id) > 64 {
		t.Errorf("id %s", id)
	}
	if id := items[2].Get("call_id").Text(); id != "c2" {
		t.Errorf("the parallel call is signed: %s", id)
	}
}

func TestSignatureStaysOutOfTheIdWhereThatIsConfigured(t *testing.T) {
	a := answer
	a.SignatureInID = false
	first := signedParts()[1]
	body := Dialect{}.Response(decoded(t, `{"input":"x"}`), &llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{first}}}}, a)
	out := checked(t, string(body)).Get("output")
	if out.Len() != 2 || !out.First().Get("type").Is("reasoning") || strings.Contains(string(body), signature.Mark) {
		t.Errorf("%s", out)
	}
}

// TestStateSurvivesTheClient sends an answer's own items back, as every client does.
func TestStateSurvivesTheClient(t *testing.T) {
	for name, parts := range map[string][]llm.Part{
		"gemini": signedParts(),
		"anthropic": {
			{Kind: llm.PartThinking, Text: "why", State: &llm.State{Provider: "anthropic", Signature: "sig"}},
			{Kind: llm.PartThinking, State: &llm.State{Provider: "anthropic", Redacted: "data"}},
			text("so"), call("c1", "f", `{"a":1}`),
		},
		"text of gemini": {{Kind: llm.PartText, Text: "hi", State: &llm.State{Provider: gemini, Signature: realSignature}}},
	} {
		want := outline([]llm.Message{{Role: llm.Assistant, Parts: parts}})
		req := decoded(t, `{"input":"x"}`)
		out := answered(t, req, llm.Choice{Parts: parts}, nil).Get("output")
		back := expanded(t, `{"input":`+string(out)+`}`)
		if got := outline(back.Messages); got != want {
			t.Errorf("%s:\ngot  %swant %s", name, got, want)
		}
		stream := encodeStream(req, answer, replayed(parts), nil)
		back = expanded(t, `{"input":`+string(finalOf(t, holdsOrder(t, stream)).Get("output"))+`}`)
		if got := outline(back.Messages); got != want {
			t.Errorf("%s streamed:\ngot  %swant %s", name, got, want)
		}
	}
}

// replayed are the events of a whole answer.
func replayed(parts []llm.Part) []llm.Event {
	var out []llm.Event
	for ev := range llm.Replay(&llm.Response{ID: "up", Choices: []llm.Choice{{Parts: parts, Finish: llm.FinishStop}}}) {
		out = append(out, ev)
	}
	return out
}

func TestNativeAnswerPassesButForTheModel(t *testing.T) {
	const body = `{"id":"resp_1",  "model" : "gpt-4o","output":[],"new_field":{"b":1}}`
	var told string
	a := answer
	a.OnDone = func(id string, v rawjson.Value) { told = id + " " + string(v) }
	got := Dialect{}.Response(&llm.Request{}, &llm.Response{Body: rawjson.Value(body)}, a)
	want := strings.Replace(body, `"gpt-4o"`, `"shown"`, 1)
	if string(got) != want || told != "resp_1 "+want {
		t.Errorf("got %s, told %s", got, told)
	}
}

func TestWholeAnswersAreTold(t *testing.T) {
	var id string
	a := answer
	a.OnDone = func(got string, v rawjson.Value) {
		id = got
		if !v.Get("output").First().Get("content").Present() {
			t.Errorf("told %s", v)
		}
	}
	body := Dialect{}.Response(decoded(t, `{"input":"x"}`), &llm.Response{Choices: []llm.Choice{{Parts: []llm.Part{text("a")}}}}, a)
	if id == "" || id != rawjson.Value(body).Get("id").Text() {
		t.Errorf("told %q", id)
	}
}

func TestIdsDifferFromAnswerToAnswerOfOneCallID(t *testing.T) {
	req := decoded(t, `{"input":"x"}`)
	one := rawjson.Value(Dialect{}.Response(req, &llm.Response{ID: "a"}, answer)).Get("id").Text()
	two := rawjson.Value(Dialect{}.Response(req, &llm.Response{ID: "b"}, answer)).Get("id").Text()
	if one == two {
		t.Error("a client that numbers all its calls alike would overwrite its answers")
	}
}

func TestACallIDThatCodexWouldRefuseCarriesNoSignatureWhenTheEnvelopeDoes(t *testing.T) {
	long := strings.Repeat("QUJD", 100)
	signed := call("c1", "f", `{}`)
	signed.State = &llm.State{Provider: gemini, Signature: long}
	for body, want := range map[string]string{
		`{"input":"x","include":["reasoning.encrypted_content"]}`: "c1",
		`{"input":"x"}`: signature.Join("c1", long),
	} {
		out := answered(t, decoded(t, body), llm.Choice{Parts: []llm.Part{signed}, Finish: llm.FinishToolCalls}, nil).Get("output")
		found := ""
		for _, v := range out.Elems() {
			if v.Get("type").Is("function_call") {
				found = v.Get("call_id").Text()
			}
		}
		if found != want {
			t.Errorf("%s: call_id %q, want %q", body, found, want)
		}
	}
}
