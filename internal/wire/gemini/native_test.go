package gemini

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// passes encodes a client's body for a model of the same format.
func passes(t *testing.T, body string, to *wire.Target) *wire.Call {
	t.Helper()
	return encode(t, decode(t, body), to)
}

// recording is a recorded exchange of LiteLLM with Gemini on both sides.
type recording struct {
	Case, Path   string
	Request      json.RawMessage
	UpstreamPath string `json:"upstream_path"`
	Upstream     map[string]any
	Answer       json.RawMessage
	Response     json.RawMessage
}

func recordings(t *testing.T) (out []recording) {
	t.Helper()
	f, err := os.Open("testdata/native.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var r recording
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Fatal(err)
		}
		out = append(out, r)
	}
	return out
}

// withoutEmpty removes what says nothing: LiteLLM adds its own such members.
func withoutEmpty(m map[string]any) map[string]any {
	for k, v := range m {
		if inner, ok := v.(map[string]any); v == nil || k == "model" || (ok && len(inner) == 0) {
			delete(m, k)
		}
	}
	return m
}

func TestRecordedExchangesPassUnchanged(t *testing.T) {
	for _, r := range recordings(t) {
		t.Run(r.Case, func(t *testing.T) {
			req := decode(t, string(r.Request))
			model, _, _ := strings.Cut(strings.TrimPrefix(r.UpstreamPath, "/v1beta/models/"), ":")
			req.Stream = strings.Contains(r.Path, ":stream")
			c := encode(t, req, target(model))
			if "/v1beta"+c.Path != r.UpstreamPath || !c.Native || string(c.Body) != string(req.Body) {
				t.Errorf("call = %s %s", c.Path, c.Body)
			}
			want := withoutEmpty(r.Upstream)
			same(t, withoutEmpty(at(t, c).(map[string]any)), string(mustJSON(want)))
			if req.Stream {
				passedStream(t, c, r)
				return
			}
			resp, err := Wire{}.Response(c, r.Answer)
			if err != nil {
				t.Fatal(err)
			}
			if got := (Dialect{}).Response(req, resp, shown); string(got) != string(r.Answer) || resp.Usage == nil || resp.Choices[0].Finish != "stop" {
				t.Errorf("answer = %s %+v", got, resp)
			}
		})
	}
}

func passedStream(t *testing.T, c *wire.Call, r recording) {
	t.Helper()
	var text, want string
	if json.Unmarshal(r.Answer, &text) != nil || json.Unmarshal(r.Response, &want) != nil {
		t.Fatal("the recording is no stream")
	}
	enc := Dialect{}.Stream(c.Request, shown)
	var out []byte
	var last llm.Event
	for ev, err := range (Wire{}).Stream(c, sse.NewReader(iotest.OneByteReader(strings.NewReader(text)), 0)) {
		if err != nil {
			t.Fatal(err)
		}
		out = enc.Event(out, &ev)
		last = ev
	}
	if string(enc.Close(out)) != want {
		t.Errorf("stream = %s\nwant %s", out, want)
	}
	if last.Usage == nil || last.Usage.Input != 13 || last.Finish == "" || !last.Content {
		t.Errorf("last chunk = %+v", last)
	}
}

func TestPassedBodyIsTheClientsToTheByte(t *testing.T) {
	body := `{ "contents":[{"role":"user","parts":[{"text":"a b"}]}, {"role":"model","parts":[{"thought_signature":"` + sigOf("a") + `","function_call":{"name":"f","args":{"big":12345678901234567890}}}]}],
		"unknown":{"x":1.0}}`
	if got := string(passes(t, body, target(g3)).Body); got != body {
		t.Errorf("body = %s", got)
	}
}

func TestModelStandsInThePathOnly(t *testing.T) {
	c := passes(t, said(hi, `,"model":"models/alias","labels":{"a":"b"}`), target(g3))
	if strings.Contains(string(c.Body), "alias") || strings.Contains(string(c.Body), "labels") || !dropped(c, "labels") || dropped(c, "model") {
		t.Errorf("body = %s, dropped %v", c.Body, c.Dropped)
	}
}

const unsignedHistory = `[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"text":"t"},{"functionCall":{"id":"a","name":"f"}},{"functionCall":{"id":"b","name":"g"}}]},
	{"role":"user","parts":[{"functionResponse":{"id":"a","name":"f","response":{}}},{"functionResponse":{"id":"b","name":"g","response":{}}}]},
	{"role":"model","parts":[{"functionCall":{"id":"c","name":"f"},"thoughtSignature":"SIG"}]},{"role":"user","parts":[{"functionResponse":{"id":"c","name":"f","response":{}}}]}]`

func TestUnsignedCallsOfAnotherModelGetThePlaceholder(t *testing.T) {
	c := passes(t, said(strings.Replace(unsignedHistory, "SIG", sigOf("c"), 1), ""), target(g3))
	if got := at(t, c, "contents", 1, "parts", 1, "thoughtSignature"); got != placeholder {
		t.Errorf("first call = %v", got)
	}
	if got := at(t, c, "contents", 1, "parts", 2, "thoughtSignature"); got != nil {
		t.Errorf("second call = %v", got)
	}
	if got := at(t, c, "contents", 3, "parts", 0, "thoughtSignature"); got != sigOf("c") {
		t.Errorf("signed call = %v", got)
	}
	if got := at(t, c, "contents", 4, "parts", 0, "functionResponse", "id"); got != "c" {
		t.Errorf("id = %v", got)
	}
}

func TestCallsOfOneStepShareOneSignature(t *testing.T) {
	for name, contents := range map[string]string{
		"in two contents": `[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"functionCall":{"name":"f"},"thoughtSignature":"SIG"}]},{"parts":[{"functionCall":{"name":"g"}}],"role":"model"}]`,
		"late":            `[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},{"role":"model","parts":[{"text":"","thoughtSignature":"SIG"}]}]`,
	} {
		body := said(strings.Replace(contents, "SIG", sigOf("s"), 1), "")
		if got := string(passes(t, body, target(g3)).Body); got != body {
			t.Errorf("%s: body = %s", name, got)
		}
	}
	c := passes(t, said(`[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"text":"t","thoughtSignature":"`+sigOf("t")+`"}]},{"role":"model","parts":[{"functionCall":{"name":"f"}}]},
		{"role":"model","parts":[{"functionCall":{"name":"g"}}]}]`, ""), target(g3))
	if at(t, c, "contents", 2, "parts", 0, "thoughtSignature") != placeholder || at(t, c, "contents", 3, "parts", 0, "thoughtSignature") != nil {
		t.Errorf("body = %s", c.Body)
	}
}

func TestOlderModelsGetNeitherIdsNorPlaceholders(t *testing.T) {
	for _, sig := range []string{signature.Placeholder, "skip_thought_signature_validator", "!!!"} {
		c := passes(t, said(strings.Replace(unsignedHistory, "SIG", sig, 1), ""), target(g25))
		if s := string(c.Body); strings.Contains(s, `"id"`) || strings.Contains(s, "thoughtSignature") {
			t.Errorf("body = %s", s)
		}
	}
	c := passes(t, said(strings.Replace(unsignedHistory, "SIG", sigOf("c"), 1), ""), target(g25))
	if got := at(t, c, "contents", 3, "parts", 0, "thoughtSignature"); got != sigOf("c") {
		t.Errorf("a real signature = %v", got)
	}
}

func TestStateOfOthersNeverReachesGemini(t *testing.T) {
	claude := carrier(&llm.State{Provider: "anthropic", Signature: "EqQB"})
	c := passes(t, said(`[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":[{"text":"","thought":true,"thoughtSignature":"`+claude+`"},{"functionCall":{"name":"f"},"thought_signature":"`+claude+`"}]}]`, ""), target(g3))
	same(t, at(t, c, "contents", 1, "parts"), `[{"text":"","thought":true},{"functionCall":{"name":"f"},"thoughtSignature":"`+signature.Placeholder+`"}]`)
}

func TestRefusedSignaturesAreReplacedOnce(t *testing.T) {
	req := decode(t, said(strings.Replace(unsignedHistory, "SIG", sigOf("c"), 1), ""))
	to := target(g3)
	c := encode(t, req, to)
	e := Wire{}.Error(400, nil, []byte(`{"error":{"code":400,"message":"Corrupted thought signature.","status":"INVALID_ARGUMENT"}}`))
	repair, ok := Wire{}.Mend(c, e)
	if !ok || repair != wire.RepairSignatures {
		t.Fatalf("repair = %v %v", repair, ok)
	}
	to.Repair = repair
	c = encode(t, req, to)
	if s := string(c.Body); strings.Contains(s, sigOf("c")) || strings.Count(s, signature.Placeholder) != 2 {
		t.Errorf("body = %s", s)
	}
	if _, again := (Wire{}).Mend(c, e); again {
		t.Error("the second refusal must be final")
	}
	if _, ok := (Wire{}).Mend(encode(t, req, target(g3)), &llm.Error{Kind: llm.KindBadRequest, Status: 400, Upstream: true, Message: "parameters_json_schema: bad"}); ok {
		t.Error("a schema that passes through is the client's own")
	}
}

func TestDeploymentSettingsReachAPassedBody(t *testing.T) {
	to := target(g25)
	to.Defaults = []llm.Param{param("temperature", "0.9"), param("max_tokens", "7"), param("reasoning_effort", `"low"`), param("safety_settings", `[{"a":1}]`)}
	to.ExtraBody = []llm.Param{param("cachedContent", `"cachedContents/x"`)}
	to.Policy.Also = []string{"top_p", "tool_config"}
	c := passes(t, said(hi, `,"generation_config":{"temperature":0.1,"top_p":0.5},"toolConfig":{}`), to)
	same(t, at(t, c, "generationConfig"), `{"temperature":0.1,"maxOutputTokens":7,"thinkingConfig":{"thinkingBudget":1024,"includeThoughts":true}}`)
	same(t, at(t, c, "safetySettings"), `[{"a":1}]`)
	if at(t, c, "cachedContent") != "cachedContents/x" || at(t, c, "toolConfig") != nil || at(t, c, "generation_config") != nil {
		t.Errorf("body = %s", c.Body)
	}
}

func TestParametersOfAFallbackWinOverTheClients(t *testing.T) {
	req := decode(t, said(hi, `,"generationConfig":{"temperature":0.1,"topK":3}`))
	req.Params = append(req.Params[:0:0], param("top_k", "3"), param("temperature", "0.7"))
	c := encode(t, req, target(g25))
	same(t, at(t, c, "generationConfig"), `{"temperature":0.7,"topK":3}`)
}

func TestExpandedRequestStillPassesToTheByte(t *testing.T) {
	body := said(hi, `,"tools":[{"googleSearch":{}},{"codeExecution":{}}],"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"STRING"},"thinkingConfig":{"thinkingLevel":"HIGH"}}`)
	if c := encode(t, expand(t, body), target(g3)); string(c.Body) != body {
		t.Errorf("body after an attempt elsewhere = %s", c.Body)
	}
}

// passedEvents reads a stream that passes through.
func passedEvents(chunks ...string) (out []llm.Event, err error) {
	c := &wire.Call{Native: true, Request: &llm.Request{Stream: true}}
	for ev, err := range (Wire{}).Stream(c, sse.NewReader(strings.NewReader("data: "+strings.Join(chunks, "\n\ndata: ")+"\n\n"), 0)) {
		if err != nil {
			return out, err
		}
		ev.Raw = append([]byte(nil), ev.Raw...)
		out = append(out, ev)
	}
	return out, nil
}

func TestPassedStreamIsReadForWhatTheGatewayMustKnow(t *testing.T) {
	got, err := passedEvents(`{"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3}}`, `{"candidates":[{"content":{"parts":[{"text":""}]}}]}`,
		`{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}`, `{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4,"totalTokenCount":7}}`)
	if err != nil || len(got) != 4 {
		t.Fatalf("%d events, %v", len(got), err)
	}
	for i, content := range []bool{false, false, true, true} {
		if got[i].Commits() != content || got[i].Kind != llm.EventRaw {
			t.Errorf("chunk %d commits = %v", i, got[i].Commits())
		}
	}
	if got[0].Usage.Input != 3 || got[3].Usage.Output != 4 || got[3].Finish != llm.FinishToolCalls {
		t.Errorf("usage and finish = %+v %+v", got[0].Usage, got[3])
	}
	blocked, err := passedEvents(`{"promptFeedback":{"blockReason":"SAFETY"}}`)
	if err != nil || len(blocked) != 1 || blocked[0].Finish != llm.FinishContentFilter || !blocked[0].Commits() {
		t.Errorf("blocked = %+v %v", blocked, err)
	}
}

func TestPassedStreamFailsLikeATranslatedOne(t *testing.T) {
	for chunk, status := range map[string]int{
		`{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","message":"slow"}}`: 429, `[{"error":{"code":400,"message":"bad"}}]`: 400,
		`{"candidates":[{"finishReason":"MISSING_THOUGHT_SIGNATURE"}]}`: 400, `{"cand`: 502,
	} {
		_, err := passedEvents(chunk)
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != status {
			t.Errorf("%s: %v", chunk, err)
		}
	}
	got, err := passedEvents(`{"candidates":[{"content":{"parts":[{"text":"a"}]}}]}`)
	if !errors.Is(err, io.ErrUnexpectedEOF) || len(got) != 1 {
		t.Errorf("a cut stream = %v %v", got, err)
	}
	c := &wire.Call{Native: true, Request: &llm.Request{}}
	for body, status := range map[string]int{`{"candidates":[]}`: 502, `{"candidates":[{"finishReason":"MISSING_THOUGHT_SIGNATURE"}]}`: 400} {
		_, err := Wire{}.Response(c, []byte(body))
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != status {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestWholeAnswerToAStreamIsToldInEvents(t *testing.T) {
	req := decode(t, said(hi, ""))
	req.Stream = true
	resp, err := Wire{}.Response(encode(t, req, target(g3)), []byte(answer(`[{"text":"a"},{"functionCall":{"name":"f"}}]`, "STOP")))
	if err != nil {
		t.Fatal(err)
	}
	enc := Dialect{}.Stream(req, shown)
	var out []byte
	for ev := range llm.Replay(resp) {
		out = enc.Event(out, &ev)
	}
	if chunks := chunksOf(t, string(enc.Close(out))); len(chunks) != 3 || !strings.Contains(chunks[1], `"functionCall"`) {
		t.Errorf("chunks = %q", chunks)
	}
}

func TestCountingAsksAboutTheWholeRequest(t *testing.T) {
	body := rawjson.Value(`{"generateContentRequest":{"model":"models/x","contents":` + hi + `,"systemInstruction":{"parts":[{"text":"s"}]}}}`)
	req, err := Dialect{}.DecodeCount(body)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Wire{}.EncodeCount(req, target(g3))
	if err != nil {
		t.Fatal(err)
	}
	if c.Path != "/models/gemini-3.1-pro-preview:countTokens" {
		t.Errorf("path = %s", c.Path)
	}
	same(t, at(t, c), `{"generateContentRequest":{"model":"models/gemini-3.1-pro-preview","contents":`+hi+`,"systemInstruction":{"parts":[{"text":"s"}]}}}`)
	req, err = Dialect{}.DecodeCount(rawjson.Value(said(hi, "")))
	if err != nil {
		t.Fatal(err)
	}
	if c, err = (Wire{}).EncodeCount(req, target(g25)); err != nil || string(c.Body) != said(hi, "") {
		t.Errorf("contents alone = %s %v", c.Body, err)
	}
	if n, err := (Wire{}).ReadCount((Dialect{}).CountAnswer(42)); n != 42 || err != nil {
		t.Errorf("count = %d %v", n, err)
	}
	for _, bad := range []string{"", "{}", "nope"} {
		if _, err := (Wire{}).ReadCount([]byte(bad)); err == nil {
			t.Errorf("%q was counted", bad)
		}
	}
	if _, err := (Dialect{}).DecodeCount(rawjson.Value(`{"generateContentRequest":7}`)); err == nil {
		t.Error("a request that is a number")
	}
}

func TestEmbeddingsInBothDirections(t *testing.T) {
	one, err := Dialect{}.DecodeEmbed(rawjson.Value(`{"content":{"parts":[{"text":"a"},{"text":"b"}]},"output_dimensionality":8,"taskType":"X"}`), false)
	if err != nil || len(one.Texts) != 1 || one.Texts[0] != "ab" || one.Dimensions != 8 {
		t.Fatalf("single = %+v %v", one, err)
	}
	many, err := Dialect{}.DecodeEmbed(rawjson.Value(`{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]},"outputDimensionality":4}]}`), true)
	if err != nil || strings.Join(many.Texts, ",") != "a,b" || many.Dimensions != 4 {
		t.Fatalf("batch = %+v %v", many, err)
	}
	c := Wire{}.EncodeEmbed(many.Texts, 4, rawjson.Object{{Key: "taskType", Value: rawjson.Value(`"X"`)}}, target("gemini-embedding-001"))
	if c.Path != "/models/gemini-embedding-001:batchEmbedContents" {
		t.Errorf("path = %s", c.Path)
	}
	same(t, at(t, c), `{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"outputDimensionality":4,"taskType":"X"},
		{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"outputDimensionality":4,"taskType":"X"}]}`)
	for in, want := range map[*EmbedInput]string{one: `{"embedding":{"values":[0.25,-0.5]}}`, many: `{"embeddings":[{"values":[0.25,-0.5]},{"values":[1]}]}`} {
		body := Dialect{}.EmbedAnswer(in, []rawjson.Value{rawjson.Value("[0.25,-0.5]"), rawjson.Value("[1]")})
		if string(body) != want {
			t.Errorf("answer = %s", body)
		}
		if vectors, _, err := (Wire{}).ReadEmbed(body); err != nil || string(vectors[0]) != "[0.25,-0.5]" {
			t.Errorf("vectors = %s %v", vectors, err)
		}
	}
	for _, bad := range []string{`{}`, `[]`, `{"content":{"parts":[]}}`, `{"content":"a"}`, `{"content":{"parts":[{"text":"a"}]},"outputDimensionality":0}`} {
		if _, err := (Dialect{}).DecodeEmbed(rawjson.Value(bad), false); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
	for _, bad := range []string{`{}`, `{"requests":[7]}`, `{"requests":[]}`} {
		if _, err := (Dialect{}).DecodeEmbed(rawjson.Value(bad), true); err == nil {
			t.Errorf("batch %s was read", bad)
		}
	}
	for _, bad := range []string{``, `{}`, `{"embeddings":[{}]}`} {
		if _, _, err := (Wire{}).ReadEmbed([]byte(bad)); err == nil {
			t.Errorf("%s is no answer", bad)
		}
	}
}

func TestModelsAreListedAsGoogleDoes(t *testing.T) {
	var got any
	if err := json.Unmarshal(Dialect{}.ListAnswer([]ListedModel{{Name: "a/b", InputLimit: 10, OutputLimit: 5, Thinks: true}, {Name: "e", Embeds: true}}), &got); err != nil {
		t.Fatal(err)
	}
	same(t, got, `{"models":[{"name":"models/a/b","baseModelId":"a/b","version":"a/b","displayName":"a/b","inputTokenLimit":10,"outputTokenLimit":5,
		"supportedGenerationMethods":["generateContent","streamGenerateContent","countTokens"],"thinking":true},
		{"name":"models/e","baseModelId":"e","version":"e","displayName":"e","supportedGenerationMethods":["embedContent","batchEmbedContents","countTokens"]}]}`)
	if one := string(Dialect{}.ModelAnswer(ListedModel{Name: "x"})); !strings.HasPrefix(one, `{"name":"models/x"`) {
		t.Errorf("one = %s", one)
	}
}

// observed is what a client can see of an answer in this format.
func observed(t *testing.T, stream string) string {
	t.Helper()
	resp, err := llm.Collect(Wire{}.Stream(&wire.Call{}, sse.NewReader(strings.NewReader(stream), 0)))
	if err != nil {
		t.Fatal(err)
	}
	c := resp.Choices[0]
	for i := range c.Parts {
		if call := c.Parts[i].Call; call != nil {
			call.ID = ""
		}
	}
	u := *resp.Usage
	return outline([]llm.Message{{Role: llm.Assistant, Parts: c.Parts}}) + string(c.Finish) + " " + string(mustJSON([]int64{u.Input, u.Output, u.Reasoning, u.CacheRead, u.Total}))
}

func TestPassingAndTranslatingShowTheClientTheSame(t *testing.T) {
	withUsage := func(s string) string {
		return strings.Replace(s, `"totalTokenCount":21`, `"thoughtsTokenCount":5,"cachedContentTokenCount":2,"totalTokenCount":26`, 1)
	}
	streams := []string{
		chunk(`[{"text":"hm","thought":true}]`, "") + chunk(`[{"text":"a"},{"text":"b","thoughtSignature":"`+sigOf("t")+`"}]`, "") + withUsage(chunk(`[{"text":""}]`, "STOP")),
		chunk(`[{"functionCall":{"id":"x","name":"f","args":{"n":1}},"thoughtSignature":"`+sigOf("c")+`"},{"functionCall":{"name":"g"}}]`, "") + withUsage(chunk(`[]`, "STOP")),
		chunk(`[{"functionCall":{"name":"f"}}]`, "") + withUsage(chunk(`[{"text":"","thoughtSignature":"`+sigOf("late")+`"}]`, "STOP")),
		chunk(`[{"inlineData":{"mimeType":"image/png","data":"AA=="}}]`, "") + withUsage(chunk(`[{"text":"cut"}]`, "MAX_TOKENS")),
	}
	for _, r := range recordings(t) {
		var text string
		if json.Unmarshal(r.Answer, &text) == nil {
			streams = append(streams, text)
		}
	}
	for _, stream := range streams {
		enc := Dialect{}.Stream(&llm.Request{}, shown)
		var out []byte
		for ev, err := range (Wire{}).Stream(&wire.Call{}, sse.NewReader(strings.NewReader(stream), 0)) {
			if err != nil {
				t.Fatal(err)
			}
			out = enc.Event(out, &ev)
		}
		if got, want := observed(t, string(enc.Close(out))), observed(t, stream); got != want {
			t.Errorf("translated:\n%s\npassed:\n%s", got, want)
		}
	}
}
