package gemini

import (
	"errors"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func respond(t *testing.T, body string) *llm.Response {
	t.Helper()
	resp, err := Wire{}.Response(&wire.Call{Seed: "s"}, []byte(body))
	if err != nil {
		t.Fatalf("Response: %v", err)
	}
	return resp
}

func answer(parts, finish string) string {
	return `{"candidates":[{"content":{"parts":` + parts + `,"role":"model"},"index":0,"finishReason":"` + finish + `"}],"modelVersion":"m","responseId":"r1"}`
}

func TestTextAnswer(t *testing.T) {
	resp := respond(t, `{"candidates":[{"content":{"parts":[{"text":"**Thinking**","thought":true},{"text":"Hello","thoughtSignature":"U0lH"}]},"finishReason":"MAX_TOKENS","finishMessage":"cut"}],
		"usageMetadata":{"promptTokenCount":13,"candidatesTokenCount":8,"totalTokenCount":26,"thoughtsTokenCount":5},"modelVersion":"gemini-2.5-flash","responseId":"r1"}`)
	c := resp.Choices[0]
	if resp.ID != "r1" || resp.Model != "gemini-2.5-flash" || c.Finish != llm.FinishLength || len(c.Parts) != 2 {
		t.Fatalf("response = %+v", resp)
	}
	if c.Parts[0].Kind != llm.PartThinking || c.Parts[0].Text != "**Thinking**" || c.Parts[0].State != nil {
		t.Errorf("thought = %+v", c.Parts[0])
	}
	if c.Parts[1].Text != "Hello" || *c.Parts[1].State != (llm.State{Provider: Name, Signature: "U0lH"}) {
		t.Errorf("text = %+v", c.Parts[1])
	}
	if got := string(c.ChoiceFields.Value()); got != `{"native_finish_reason":"MAX_TOKENS","finish_message":"cut"}` {
		t.Errorf("fields = %s", got)
	}
	if u := resp.Usage; u.Input != 13 || u.Output != 13 || u.Total != 26 || u.Reasoning != 5 {
		t.Errorf("usage = %+v", u)
	}
}

func TestCallsGetUniqueIDsAndTheirArgumentsUnchanged(t *testing.T) {
	body := answer(`[{"functionCall":{"name":"f","args":{"n":12345678901234567890, "b":"x"}},"thoughtSignature":"U0lH"},{"functionCall":{"name":"g"}},{"functionCall":{"id":"own","name":"f","args":null}}]`, "STOP")
	resp := respond(t, body)
	p := resp.Choices[0].Parts
	if resp.Choices[0].Finish != llm.FinishToolCalls {
		t.Errorf("finish = %s", resp.Choices[0].Finish)
	}
	if p[0].Call.Arguments != `{"n":12345678901234567890, "b":"x"}` || p[1].Call.Arguments != "{}" || p[2].Call.Arguments != "{}" {
		t.Errorf("arguments = %q %q %q", p[0].Call.Arguments, p[1].Call.Arguments, p[2].Call.Arguments)
	}
	if !strings.HasPrefix(p[0].Call.ID, "call_") || len(p[0].Call.ID) != 33 || p[0].Call.ID == p[1].Call.ID || p[2].Call.ID != "own" {
		t.Errorf("ids = %s %s %s", p[0].Call.ID, p[1].Call.ID, p[2].Call.ID)
	}
	if p[0].State.Signature != "U0lH" || p[1].State != nil {
		t.Errorf("states = %v %v", p[0].State, p[1].State)
	}
	again := respond(t, body)
	if again.Choices[0].Parts[0].Call.ID != p[0].Call.ID {
		t.Error("the same answer gets other ids")
	}
	other, err := Wire{}.Response(&wire.Call{Seed: "another"}, []byte(body))
	if err != nil || other.Choices[0].Parts[0].Call.ID == p[0].Call.ID {
		t.Errorf("another request gets the same ids (%v)", err)
	}
}

func TestLateSignatureBelongsToTheFirstCall(t *testing.T) {
	p := respond(t, answer(`[{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}},{"text":"","thoughtSignature":"U0lH"}]`, "STOP")).Choices[0].Parts
	if len(p) != 2 || p[0].State == nil || p[0].State.Signature != "U0lH" || p[1].State != nil {
		t.Errorf("parts = %+v", p)
	}
	p = respond(t, answer(`[{"text":"Hi"},{"text":"","thoughtSignature":"U0lH"}]`, "STOP")).Choices[0].Parts
	if len(p) != 1 || p[0].State == nil {
		t.Errorf("parts = %+v", p)
	}
}

func TestT42_BlockedPromptIsAChoiceWithoutContent(t *testing.T) {
	resp := respond(t, `{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"},"usageMetadata":{"promptTokenCount":13,"candidatesTokenCount":8,"thoughtsTokenCount":5,"totalTokenCount":26},"responseId":"r"}`)
	if resp.Usage.Output != 8 || resp.Usage.Reasoning != 0 {
		t.Errorf("usage = %+v", resp.Usage)
	}
	if len(resp.Choices) != 1 || resp.Choices[0].Finish != llm.FinishContentFilter || len(resp.Choices[0].Parts) != 0 || resp.Usage.Input != 13 {
		t.Errorf("response = %+v", resp)
	}
}

func TestT43_AnswerOfThoughtsAlone(t *testing.T) {
	resp := respond(t, `{"candidates":[{"content":{"parts":[{"thought":true,"text":"hm"}]},"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":1,"thoughtsTokenCount":7,"totalTokenCount":8}}`)
	if c := resp.Choices[0]; c.Finish != llm.FinishLength || len(c.Parts) != 1 || resp.Usage.Reasoning != 7 || resp.Usage.Output != 7 {
		t.Errorf("response = %+v, usage %+v", c, resp.Usage)
	}
}

func TestEmptyCandidateIsAnEmptyChoice(t *testing.T) {
	for _, body := range []string{`{"candidates":[{"content":{"role":"model"},"finishReason":"STOP"}]}`, `{"candidates":[{}]}`} {
		if resp := respond(t, body); len(resp.Choices) != 1 || resp.Choices[0].Finish != llm.FinishStop || len(resp.Choices[0].Parts) != 0 {
			t.Errorf("response = %+v", resp)
		}
	}
}

func TestFinishReasons(t *testing.T) {
	for reason, want := range map[string]llm.Finish{
		"STOP": llm.FinishStop, "MAX_TOKENS": llm.FinishLength, "CONTINUATION": llm.FinishLength, "SAFETY": llm.FinishContentFilter,
		"RECITATION": llm.FinishContentFilter, "MODEL_ARMOR": llm.FinishContentFilter, "IMAGE_SAFETY": llm.FinishContentFilter, "NO_IMAGE": llm.FinishContentFilter,
		"MALFORMED_FUNCTION_CALL": llm.FinishStop, "UNEXPECTED_TOOL_CALL": llm.FinishStop, "FINISH_REASON_UNSPECIFIED": llm.FinishStop, "SOMETHING_NEW": llm.FinishStop,
	} {
		if got := respond(t, answer(`[{"text":"x"}]`, reason)).Choices[0].Finish; got != want {
			t.Errorf("%s = %s, want %s", reason, got, want)
		}
	}
}

func TestMissingSignatureAsFinishReasonIsAnErrorThatCanBeMended(t *testing.T) {
	c := &wire.Call{Target: target(g3)}
	_, err := Wire{}.Response(c, []byte(`{"candidates":[{"finishReason":"MISSING_THOUGHT_SIGNATURE"}]}`))
	var e *llm.Error
	if !errors.As(err, &e) {
		t.Fatalf("Response = %v", err)
	}
	if repair, ok := (Wire{}).Mend(c, e); !ok || repair != wire.RepairSignatures {
		t.Errorf("Mend = %q, %v", repair, ok)
	}
}

func TestT44_UsageWithThoughtsInsideAndOutside(t *testing.T) {
	u := usageOf([]byte(`{"promptTokenCount":100,"candidatesTokenCount":20,"thoughtsTokenCount":30,"totalTokenCount":150,"cachedContentTokenCount":40}`), 0)
	if u.Input != 100 || u.Output != 50 || u.Reasoning != 30 || u.CacheRead != 40 || u.TextIn != 60 || u.Total != 150 {
		t.Errorf("outside: %+v", u)
	}
	u = usageOf([]byte(`{"promptTokenCount":100,"candidatesTokenCount":20,"thoughtsTokenCount":5,"totalTokenCount":120}`), 0)
	if u.Output != 20 || u.Reasoning != 5 {
		t.Errorf("inside: %+v", u)
	}
}

func TestUsageByModality(t *testing.T) {
	u := usageOf([]byte(`{"promptTokenCount":100,"candidatesTokenCount":"30","totalTokenCount":140,"toolUsePromptTokenCount":10,"cachedContentTokenCount":20,
		"promptTokensDetails":[{"modality":"TEXT","tokenCount":50},{"modality":"DOCUMENT","tokenCount":10},{"modality":"AUDIO","tokenCount":25},{"modality":"IMAGE","tokenCount":15}],
		"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":5},{"modality":"TEXT","tokenCount":15}],
		"candidatesTokensDetails":[{"modality":"IMAGE","tokenCount":10},{"modality":"TEXT","tokenCount":20}]}`), 0)
	want := llm.Usage{Input: 110, Output: 30, Total: 140, CacheRead: 20, AudioIn: 20, ImageIn: 15, ImageOut: 10, TextIn: 45, TextOut: 20}
	got := *u
	if got.Input != want.Input || got.Output != want.Output || got.Total != want.Total || got.CacheRead != want.CacheRead || got.AudioIn != want.AudioIn ||
		got.ImageIn != want.ImageIn || got.ImageOut != want.ImageOut || got.TextIn != want.TextIn || got.TextOut != want.TextOut {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if usageOf(nil, 0) != nil {
		t.Error("no usage must stay none")
	}
	if u := usageOf([]byte(`{"promptTokenCount":-5,"candidatesTokenCount":3}`), 0); u.Input != 0 || u.Output != 3 || u.Total != 3 {
		t.Errorf("usage = %+v", u)
	}
}

func TestGroundedSearchesAreCountedInsteadOfTheirTokens(t *testing.T) {
	resp := respond(t, `{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["a","b"]}}],
		"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1,"toolUsePromptTokenCount":99,"totalTokenCount":11}}`)
	if resp.Usage.WebSearches != 2 || resp.Usage.Input != 10 {
		t.Errorf("usage = %+v", resp.Usage)
	}
	if got := resp.Extra.Get("vertex_ai_grounding_metadata"); string(got) != `[{"webSearchQueries":["a","b"]}]` {
		t.Errorf("grounding = %s", got)
	}
}

func TestT49_MediaOfAnAnswerAreParts(t *testing.T) {
	p := respond(t, answer(`[{"inlineData":{"mimeType":"image/png","data":"AAAA"},"thoughtSignature":"U0lH"},{"inlineData":{"mimeType":"audio/L16;rate=24000","data":"BBBB"}}]`, "STOP")).Choices[0].Parts
	if p[0].Kind != llm.PartImage || p[0].Media.MIME != "image/png" || p[0].Media.Data != "AAAA" || p[0].State == nil {
		t.Errorf("image = %+v", p[0])
	}
	if p[1].Kind != llm.PartAudio || p[1].Media.Data != "BBBB" {
		t.Errorf("audio = %+v", p[1])
	}
}

func TestPartsWithoutAPlaceAreProviderSpecificFields(t *testing.T) {
	c := respond(t, answer(`[{"executableCode":{"code":"1"}},{"codeExecutionResult":{"output":"1"}},{"toolCall":{"id":"t"},"thoughtSignature":"U0lH"},{"novel":1},{"text":"x"}]`, "STOP")).Choices[0]
	want := `{"code_execution":[{"executableCode":{"code":"1"}},{"codeExecutionResult":{"output":"1"}}],"server_side_tool_invocations":[{"toolCall":{"id":"t"},"thoughtSignature":"U0lH"}],"parts":[{"novel":1}]}`
	if got := string(c.Fields.Value()); got != want || len(c.Parts) != 1 {
		t.Errorf("fields = %s", got)
	}
}

func TestCitationsCountCharactersNotBytes(t *testing.T) {
	c := respond(t, `{"candidates":[{"content":{"parts":[{"text":"é Paris is big"}]},"finishReason":"STOP","groundingMetadata":{
		"groundingChunks":[{"web":{"uri":"http://a","title":"A"}},{"retrievedContext":{}}],
		"groundingSupports":[{"segment":{"startIndex":3,"endIndex":8},"groundingChunkIndices":[0,1,7]},{"segment":{"endIndex":9999},"groundingChunkIndices":[0]}]}}]}`).Choices[0]
	want := `[{"type":"url_citation","url_citation":{"start_index":2,"end_index":7,"url":"http://a","title":"A"}},{"type":"url_citation","url_citation":{"start_index":0,"end_index":14,"url":"http://a","title":"A"}}]`
	if string(c.Annotations) != want {
		t.Errorf("annotations = %s", c.Annotations)
	}
}

func TestLogprobsHaveTheShapeOfChat(t *testing.T) {
	c := respond(t, `{"candidates":[{"content":{"parts":[{"text":"Hi"}]},"finishReason":"STOP","logprobsResult":{"chosenCandidates":[{"token":"Hi","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"Ho","logProbability":-1}]}]}}]}`).Choices[0]
	want := `{"content":[{"token":"Hi","logprob":-0.5,"bytes":[72,105],"top_logprobs":[{"token":"Ho","logprob":-1,"bytes":[72,111]}]}],"refusal":null}`
	if string(c.Logprobs) != want {
		t.Errorf("logprobs = %s", c.Logprobs)
	}
}

func TestSeveralCandidatesAreSeveralChoices(t *testing.T) {
	resp := respond(t, `{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]},"index":0,"finishReason":"STOP"},{"content":{"parts":[{"functionCall":{"name":"f"}}]},"index":1,"finishReason":"STOP"}]}`)
	if len(resp.Choices) != 2 || resp.Choices[1].Index != 1 || resp.Choices[0].Parts[0].Call.ID == resp.Choices[1].Parts[0].Call.ID {
		t.Errorf("response = %+v", resp)
	}
}

func TestAnswersThatAreNoneAreErrorsOfTheUpstream(t *testing.T) {
	for body, status := range map[string]int{
		"this is not json": 502, `{}`: 502, `{"candidates":[]}`: 502, `[]`: 502, ``: 502,
		`{"error":{"code":429,"message":"slow down"}}`: 429, `[{"error":{"code":503,"message":"The model is overloaded."}}]`: 500,
	} {
		_, err := Wire{}.Response(&wire.Call{}, []byte(body))
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != status || !e.Upstream || !e.Retryable() {
			t.Errorf("%q: %+v, want status %d", body, e, status)
		}
	}
}

func TestArgumentsThatAreNoObjectBecomeOne(t *testing.T) {
	for args, want := range map[string]string{`"{\"a\":1}"`: `{"a":1}`, `"x"`: `{"_raw":"x"}`, `[1]`: `{"_raw":[1]}`, `7`: `{"_raw":7}`} {
		p := respond(t, answer(`[{"functionCall":{"name":"f","args":`+args+`}}]`, "STOP")).Choices[0].Parts
		if p[0].Call.Arguments != want {
			t.Errorf("%s became %s", args, p[0].Call.Arguments)
		}
	}
}

func TestCallWithoutANameIsNoAnswer(t *testing.T) {
	for _, call := range []string{`{}`, `{"name":"","args":{}}`, `{"args":{"a":1}}`} {
		if _, err := (Wire{}).Response(&wire.Call{}, []byte(answer(`[{"functionCall":`+call+`}]`, "STOP"))); err == nil {
			t.Errorf("%s is a call", call)
		}
	}
}
