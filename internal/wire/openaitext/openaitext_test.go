package openaitext

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

func refusal(status int, _ http.Header, body []byte) *llm.Error {
	return &llm.Error{Kind: llm.KindInternal, Status: max(status, 500), Message: string(body)}
}

var (
	dialect = Dialect{
		Gateway: func(key string) bool { return key == "num_retries" },
		Errors:  func(e *llm.Error) (int, []byte) { return e.Status, []byte(`{"error":{}}`) },
	}
	upstream = Wire{Gateway: dialect.Gateway, Errors: refusal}
)

func decode(t testing.TB, body string) *llm.Request {
	t.Helper()
	v, err := rawjson.Check([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	req, err := dialect.Decode(v)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestPromptBecomesAUsersMessage(t *testing.T) {
	for _, body := range []string{`{"model":"m","prompt":"Once"}`, `{"model":"m","prompt":["Once"],"best_of":2}`} {
		req := decode(t, body)
		if err := dialect.Expand(req); err != nil {
			t.Fatal(err)
		}
		if len(req.Messages) != 1 || req.Messages[0].Role != llm.User || req.Messages[0].Parts[0].Text != "Once" {
			t.Errorf("%s: %+v", body, req.Messages)
		}
		if strings.Contains(body, "best_of") != (len(req.Drops) == 1) {
			t.Errorf("%s: dropped %v", body, req.Drops)
		}
	}
}

func TestPromptsThatAChatModelCannotCompleteAreRefused(t *testing.T) {
	for _, body := range []string{`{"prompt":["a","b"]}`, `{"prompt":[]}`, `{"prompt":[1,2]}`, `{"prompt":[[1]]}`} {
		err := dialect.Expand(decode(t, body))
		var e *llm.Error
		if !errors.As(err, &e) || e.Status != 400 || e.Param != "prompt" {
			t.Errorf("%s: %v", body, err)
		}
	}
}

func TestBodyPassesWithTheModelAndTheWishForUsage(t *testing.T) {
	req := decode(t, `{"model":"m","prompt":[[1]],"stream":true,"stream_options":{"x":1},"num_retries":2,"big":12345678901234567890}`)
	c, err := upstream.Encode(req, &wire.Target{Model: "up", Defaults: []llm.Param{{Name: "max_tokens", Value: rawjson.Int(7)}, {Name: "tools", Value: rawjson.Value("[]")}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"model":"up","prompt":[[1]],"stream":true,"big":12345678901234567890,"max_tokens":7,"stream_options":{"x":1,"include_usage":true}}`
	if string(c.Body) != want {
		t.Errorf("got  %s\nwant %s", c.Body, want)
	}
}

func TestConversationWithATextModelIsRefused(t *testing.T) {
	_, err := upstream.Encode(&llm.Request{From: "chat"}, &wire.Target{Model: "instruct"})
	var e *llm.Error
	if !errors.As(err, &e) || e.Status != 400 || e.Param != "model" {
		t.Errorf("%v", err)
	}
}

// read collects the events of a stream and how it ended.
func read(body io.Reader) (events []llm.Event, end error) {
	for ev, err := range upstream.Stream(&wire.Call{}, sse.NewReader(body, 0)) {
		if err != nil {
			return events, err
		}
		ev.Raw = bytes.Clone(ev.Raw)
		events = append(events, ev)
	}
	return events, nil
}

func TestStreamWithoutAnEndIsBroken(t *testing.T) {
	const chunk = "data: {\"choices\":[{\"text\":\"a\",\"index\":0}]}\n\n"
	if _, err := read(strings.NewReader(chunk)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("cut off: %v", err)
	}
	if ev, err := read(strings.NewReader(chunk + "data: [DONE]\n\n")); err != nil || len(ev) != 1 || !ev[0].Content {
		t.Errorf("%+v %v", ev, err)
	}
	if _, err := read(strings.NewReader("data: {\"error\":{\"message\":\"x\"}}\n\n")); err == nil {
		t.Error("an error in the stream was passed over")
	}
}

func TestStreamIsWrittenAsTextCompletions(t *testing.T) {
	req := decode(t, `{"model":"m","prompt":"x","stream":true,"stream_options":{"include_usage":true}}`)
	enc := dialect.Stream(req, wire.Answer{Model: "shown", CallID: "id", Created: 5})
	var out []byte
	for _, ev := range []llm.Event{
		{Kind: llm.EventStart, Response: &llm.Response{ID: "r"}},
		{Kind: llm.EventThinking, Delta: "hm"},
		{Kind: llm.EventText, Delta: "a"},
		{Kind: llm.EventFinish, Finish: llm.FinishToolCalls},
		{Kind: llm.EventUsage, Usage: &llm.Usage{Input: 1, Output: 2}},
	} {
		out = enc.Event(out, &ev)
	}
	out = enc.Close(out)
	want := `data: {"id":"r","object":"text_completion","created":5,"model":"shown","choices":[{"text":"a","index":0,"logprobs":null,"finish_reason":null}]}

data: {"id":"r","object":"text_completion","created":5,"model":"shown","choices":[{"text":"","index":0,"logprobs":null,"finish_reason":"stop"}]}

data: {"id":"r","object":"text_completion","created":5,"model":"shown","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}}

data: [DONE]

`
	if string(out) != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"model":"m","prompt":["a"],"stream":true,"logprobs":2,"echo":true}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := rawjson.Check(body)
		if err != nil || v.Kind() != '{' {
			return
		}
		req, err := dialect.Decode(v)
		if err != nil {
			return
		}
		c, err := upstream.Encode(req, &wire.Target{Model: "up"})
		if err != nil {
			t.Fatal(err)
		}
		sent, err := rawjson.Check(c.Body)
		if err != nil || !sent.Get("model").Is("up") {
			t.Fatalf("what goes upstream is %s (%v)", c.Body, err)
		}
		_ = dialect.Expand(req)
	})
}

func FuzzStreamIsTheSameHoweverItIsSplit(f *testing.F) {
	f.Add([]byte("data: {\"choices\":[{\"text\":\"a\",\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":1}}\r\n\r\ndata: [DONE]\n\n"), 3)
	f.Fuzz(func(t *testing.T, body []byte, at int) {
		whole, err1 := read(bytes.NewReader(body))
		at = min(max(at, 0), len(body))
		split, err2 := read(io.MultiReader(bytes.NewReader(body[:at]), bytes.NewReader(body[at:])))
		if len(whole) != len(split) || (err1 == nil) != (err2 == nil) {
			t.Fatalf("%d events and %v, split %d and %v", len(whole), err1, len(split), err2)
		}
		enc := dialect.Stream(&llm.Request{}, wire.Answer{Model: "m"})
		for i := range whole {
			if string(whole[i].Raw) != string(split[i].Raw) {
				t.Fatalf("event %d differs", i)
			}
			enc.Event(nil, &whole[i])
		}
	})
}
