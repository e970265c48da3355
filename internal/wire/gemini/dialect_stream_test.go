package gemini

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// shown is what the gateway decides about the answers of these tests.
var shown = wire.Answer{Model: "smart", CallID: "call-1"}

// asArray asks for a JSON array.
var asArray = wire.Answer{Model: "smart", CallID: "call-1", JSONArray: true}

// told encodes events into a whole stream.
func told(a wire.Answer, events ...llm.Event) string {
	enc := Dialect{}.Stream(&llm.Request{}, a)
	var out []byte
	for i := range events {
		out = enc.Event(out, &events[i])
	}
	return string(enc.Close(out))
}

func start(id string) llm.Event {
	return llm.Event{Kind: llm.EventStart, Response: &llm.Response{ID: id, Model: "up"}}
}
func says(s string) llm.Event   { return llm.Event{Kind: llm.EventText, Delta: s} }
func thinks(s string) llm.Event { return llm.Event{Kind: llm.EventThinking, Delta: s} }
func calls(index int, id, name, args string) llm.Event {
	return llm.Event{Kind: llm.EventToolCall, Index: index, Call: &llm.ToolCall{ID: id, Name: name}, Delta: args}
}

func args(index int, s string) llm.Event {
	return llm.Event{Kind: llm.EventToolArgs, Index: index, Delta: s}
}
func ends(f llm.Finish) llm.Event { return llm.Event{Kind: llm.EventFinish, Finish: f} }
func costs(in, out, thought int64) llm.Event {
	return llm.Event{Kind: llm.EventUsage, Usage: &llm.Usage{Input: in, Output: out, Total: in + out, Reasoning: thought}}
}

// chunksOf takes a stream apart into its payloads, and fails when the frame is wrong.
func chunksOf(t *testing.T, stream string) []string {
	t.Helper()
	var out []string
	if strings.HasPrefix(stream, "[") {
		var list []json.RawMessage
		if err := json.Unmarshal([]byte(stream), &list); err != nil {
			t.Fatalf("no JSON array: %v\n%s", err, stream)
		}
		for _, c := range list {
			out = append(out, string(c))
		}
		return out
	}
	for _, line := range strings.Split(stream, "\n") {
		payload, ok := strings.CutPrefix(line, "data: ")
		if ok {
			out = append(out, payload)
		} else if line != "" {
			t.Fatalf("a line that Google's SDKs cannot read: %q", line)
		}
	}
	return out
}

func TestStreamIsChunksWithoutEndMarker(t *testing.T) {
	got := told(shown, start("r1"), thinks("hm"), says("Hel"), says("lo \"x\"\n"), ends(llm.FinishLength), costs(11, 12, 5))
	const tail = `"modelVersion":"smart","responseId":"r1"}`
	want := `data: {"candidates":[{"content":{"parts":[{"text":"hm","thought":true}],"role":"model"},"index":0}],` + tail + "\n\n" +
		`data: {"candidates":[{"content":{"parts":[{"text":"Hel"}],"role":"model"},"index":0}],` + tail + "\n\n" +
		`data: {"candidates":[{"content":{"parts":[{"text":"lo \"x\"\n"}],"role":"model"},"index":0}],` + tail + "\n\n" +
		`data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"},"finishReason":"MAX_TOKENS","index":0}],` +
		`"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":7,"totalTokenCount":23,"thoughtsTokenCount":5},` + tail + "\n\n"
	if got != want {
		t.Errorf("stream:\n%s\nwant:\n%s", got, want)
	}
}

func TestT92_StreamWithoutSSEIsOneJSONArray(t *testing.T) {
	enc := Dialect{}.Stream(&llm.Request{}, asArray)
	if typed, ok := enc.(wire.ContentTyper); !ok || !strings.HasPrefix(typed.ContentType(), "application/json") {
		t.Errorf("content type of %T", enc)
	}
	if _, ok := Dialect.Stream(Dialect{}, &llm.Request{}, shown).(wire.ContentTyper); ok {
		t.Error("events must keep their own content type")
	}
	got := told(asArray, start("r1"), says("a"), says("b"), ends(llm.FinishStop), costs(1, 2, 0))
	if chunks := chunksOf(t, got); len(chunks) != 3 || !strings.Contains(got, "}\n,\n{") {
		t.Errorf("array = %s", got)
	}
	if got := told(asArray); got != "[]" {
		t.Errorf("an empty answer = %q", got)
	}
	out := enc.Ping(enc.Event(enc.Ping(nil), &llm.Event{Kind: llm.EventText, Delta: "a"}))
	out = enc.Error(out, &llm.Error{Status: 503, Message: "gone"})
	if chunks := chunksOf(t, strings.TrimSpace(string(out))); len(chunks) != 2 || !strings.Contains(chunks[1], `"status":"UNAVAILABLE"`) {
		t.Errorf("a failed array = %s", out)
	}
	out = Dialect{}.Stream(&llm.Request{}, asArray).Error(nil, &llm.Error{Status: 503, Message: "gone"})
	if chunks := chunksOf(t, string(out)); len(chunks) != 1 {
		t.Errorf("an array that is only an error = %s", out)
	}
}

func TestCallsAreWholePartsHoweverTheirPiecesCome(t *testing.T) {
	late := llm.Event{Kind: llm.EventState, Index: 0, State: &llm.State{Provider: Name, Signature: sigOf("late")}}
	got := told(shown, start("r1"), calls(0, "a", "f", ""), calls(1, "b", "g", `{"x"`), args(0, `{"ci`), args(1, `:1}`), args(0, `ty":"P"}`), late, says("text"),
		calls(2, "c", "h", ""), ends(llm.FinishToolCalls), costs(1, 2, 0))
	chunks := chunksOf(t, got)
	if len(chunks) != 3 || !strings.Contains(chunks[0], `"text":"text"`) {
		t.Fatalf("chunks = %q", chunks)
	}
	want := `[{"functionCall":{"id":"a","name":"f","args":{"city":"P"}},"thoughtSignature":"` + sigOf("late") + `"},{"functionCall":{"id":"b","name":"g","args":{"x":1}}},{"functionCall":{"id":"c","name":"h","args":{}}}]`
	if got := rawjson.Value(chunks[1]).Get("candidates").First().Path("content", "parts"); string(got) != want {
		t.Errorf("calls = %s", got)
	}
	if !strings.Contains(chunks[2], `"finishReason":"STOP"`) {
		t.Errorf("last chunk = %s", chunks[2])
	}
}

func TestBrokenArgumentsStillReachTheClient(t *testing.T) {
	got := told(shown, calls(0, "a", "f", `{"x":`), ends(llm.FinishLength))
	if !strings.Contains(got, `"args":{"_raw":"{\"x\":"}`) {
		t.Errorf("stream = %s", got)
	}
}

func TestSignaturesOfOthersTravelInAnEnvelope(t *testing.T) {
	claude := &llm.State{Provider: "anthropic", Signature: "EqQB"}
	got := told(shown, thinks("a"), llm.Event{Kind: llm.EventThinking, State: claude}, llm.Event{Kind: llm.EventThinking, State: &llm.State{Provider: "anthropic", Redacted: "cmVk"}},
		llm.Event{Kind: llm.EventText, Delta: "t", State: &llm.State{Provider: Name, Signature: sigOf("t")}}, llm.Event{Kind: llm.EventState, Index: -1, State: &llm.State{Provider: Name, Signature: sigOf("u")}}, ends("stop"))
	var parts []string
	for _, c := range chunksOf(t, got) {
		parts = append(parts, string(rawjson.Value(c).Get("candidates").First().Path("content", "parts")))
	}
	history := expand(t, said(`[{"role":"user","parts":[{"text":"q"}]},{"role":"model","parts":`+strings.ReplaceAll(strings.Join(parts, ","), "],[", ",")+`}]`, ""))
	wantOutline(t, history, `user: "q"`, `assistant: think("a")/anthropic:EqQB think("")/anthropic:cmVk "t"/gemini:`+sigOf("t")+` ""/gemini:`+sigOf("u"))
}

func TestEveryChoiceEndsInTheLastChunk(t *testing.T) {
	second := says("b")
	second.Choice = 1
	end := ends(llm.FinishContentFilter)
	end.Choice = 1
	chunks := chunksOf(t, told(shown, says("a"), second, ends(llm.FinishStop), end))
	if last := chunks[len(chunks)-1]; len(chunks) != 3 || !strings.Contains(last, `"finishReason":"STOP","index":0`) || !strings.Contains(last, `"finishReason":"SAFETY","index":1`) {
		t.Errorf("chunks = %q", chunks)
	}
}

func TestEventsThatSayNothingWriteNothing(t *testing.T) {
	enc := Dialect{}.Stream(&llm.Request{}, shown)
	for _, ev := range []llm.Event{start("r"), {Kind: llm.EventText}, {Kind: llm.EventFields}, {Kind: llm.EventImage}, {Kind: llm.EventState, Index: -1}, {Kind: llm.EventToolArgs, Index: 3, Delta: "x"}} {
		if out := enc.Event(nil, &ev); len(out) > 0 {
			t.Errorf("event %d writes %q", ev.Kind, out)
		}
	}
}

func TestFailureIsTheLastChunk(t *testing.T) {
	out := Dialect{}.Stream(&llm.Request{}, shown).Error(nil, &llm.Error{Status: 429, Message: "slow"})
	if string(out) != `data: {"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}`+"\n\n" {
		t.Errorf("error = %s", out)
	}
}

func TestWholeAnswer(t *testing.T) {
	resp := &llm.Response{
		ID: "r1", Model: "up", Usage: &llm.Usage{Input: 100, Output: 50, Total: 150, Reasoning: 30, CacheRead: 40},
		Choices: []llm.Choice{{Finish: llm.FinishToolCalls, Parts: []llm.Part{
			{Kind: llm.PartThinking, Text: "hm"},
			text("see"), text(""),
			{Kind: llm.PartImage, Media: &llm.Media{MIME: "image/png", Data: "AA=="}},
			signedCall("c1", "f", `{"a":1}`, sigOf("c")), call("c2", "g", ""),
		}}, {
			Index: 1, Finish: llm.FinishStop, Parts: []llm.Part{{Kind: llm.PartRefusal, Text: "no"}, {Kind: llm.PartImage, Media: &llm.Media{URL: "https://x.test/a.png"}}},
			Annotations: rawjson.Value(`[{"type":"url_citation","url_citation":{"start_index":0,"end_index":2,"url":"https://u","title":"T"}}]`),
			Logprobs:    rawjson.Value(`{"content":[{"token":"no","logprob":-0.5,"top_logprobs":[{"token":"yes","logprob":-1}]}]}`),
		}},
	}
	var got any
	if err := json.Unmarshal(Dialect{}.Response(&llm.Request{}, resp, shown), &got); err != nil {
		t.Fatal(err)
	}
	same(t, got, `{"candidates":[{"content":{"parts":[{"text":"hm","thought":true},{"text":"see"},{"inlineData":{"mimeType":"image/png","data":"AA=="}},
		{"functionCall":{"id":"c1","name":"f","args":{"a":1}},"thoughtSignature":"`+sigOf("c")+`"},{"functionCall":{"id":"c2","name":"g","args":{}}}],"role":"model"},"finishReason":"STOP","index":0},
		{"content":{"parts":[{"text":"no"},{"fileData":{"fileUri":"https://x.test/a.png"}}],"role":"model"},"finishReason":"STOP","index":1,
		"citationMetadata":{"citationSources":[{"startIndex":0,"endIndex":2,"uri":"https://u","title":"T"}]},
		"logprobsResult":{"chosenCandidates":[{"token":"no","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"yes","logProbability":-1}]}]}}],
		"usageMetadata":{"promptTokenCount":100,"candidatesTokenCount":20,"totalTokenCount":150,"cachedContentTokenCount":40,"thoughtsTokenCount":30},"modelVersion":"smart","responseId":"r1"}`)
}

// TestOurAnswersAreReadByOurWire holds both sides against each other.
func TestOurAnswersAreReadByOurWire(t *testing.T) {
	stream := told(shown, start("r1"), thinks("hm"), says("a"), says("b"), calls(0, "c1", "f", `{"a":`), args(0, `1}`), calls(1, "c2", "g", "{}"), ends(llm.FinishToolCalls), costs(3, 9, 4))
	resp, err := llm.Collect(Wire{}.Stream(&wire.Call{}, sse.NewReader(bytes.NewReader([]byte(stream)), 0)))
	if err != nil {
		t.Fatal(err)
	}
	whole := Dialect{}.Response(&llm.Request{}, resp, shown)
	again, err := Wire{}.Response(&wire.Call{}, whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []*llm.Response{resp, again} {
		got := outline([]llm.Message{{Role: llm.Assistant, Parts: r.Choices[0].Parts}})
		if got != "assistant: think(\"hm\") \"ab\" f{\"a\":1} g{}\n" || r.Choices[0].Finish != llm.FinishToolCalls || r.ID != "r1" {
			t.Errorf("answer = %s %+v", got, r)
		}
		if u := r.Usage; u.Input != 3 || u.Output != 9 || u.Reasoning != 4 || u.Total != 12 {
			t.Errorf("usage = %+v", u)
		}
	}
}
