package openairesponses

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// FuzzRequest holds that no request panics, that what is refused is the client's
// mistake, and that what is not refused can be written for any upstream.
func FuzzRequest(f *testing.F) {
	sealed := (&envelope{provider: gemini, signatures: []string{realSignature}}).seal()
	for _, seed := range []string{
		`{"model":"m","input":"hi"}`, codexLite,
		`{"input":[{"type":"reasoning","encrypted_content":"` + sealed + `"},{"type":"function_call","call_id":"c__thought__x","name":"f"},{"type":"function_call_output","call_id":"z","output":[{"type":"input_image","image_url":"data:,"}]}]}`,
		`{"input":[{"type":"shell_call","action":7},{"id":"x"},{"type":"local_shell_call_output","id":"l","output":{}}],"tools":[{"type":"web_search","user_location":{}}],"tool_choice":{"type":"allowed_tools","tools":[{}]},"text":{"format":{"type":"json_schema"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		v, err := rawjson.Check(body)
		if err != nil {
			return
		}
		req, err := Dialect{}.Decode(v)
		if err != nil {
			mistake(t, err)
			return
		}
		native, err := Wire{}.Encode(req, target("gpt-5"))
		if err != nil {
			t.Fatalf("a native body is refused: %v", err)
		}
		checked(t, string(native.Body))
		if err := (Dialect{}).Expand(req); err != nil {
			mistake(t, err)
			return
		}
		other := *req
		other.From = "chat"
		if c, err := (Wire{}).Encode(&other, target("gpt-4o")); err == nil {
			checked(t, string(c.Body))
		} else {
			mistake(t, err)
		}
		checked(t, string(Dialect{}.Response(req, &llm.Response{Choices: []llm.Choice{{Parts: signedParts()}}}, answer)))
	})
}

func mistake(t *testing.T, err error) {
	t.Helper()
	if e := llm.AsError(err); e.Status != 400 || e.Message == "" {
		t.Fatalf("status %d: %s", e.Status, e.Message)
	}
}

// script turns bytes into the events of an answer as a wire might send them.
func script(b []byte) []llm.Event {
	events := []llm.Event{started()}
	calls := 0
	for len(b) >= 2 && len(events) < 200 {
		op, arg := b[0], b[1]
		b = b[2:]
		word := strings.Repeat(string(rune('a'+arg%26)), int(arg%3))
		switch op % 9 {
		case 0:
			events = append(events, said(word))
		case 1:
			ev := llm.Event{Kind: llm.EventThinking, Delta: word}
			if arg > 128 {
				ev.State = &llm.State{Provider: "anthropic", Signature: "s"}
			}
			events = append(events, ev)
		case 2:
			ev := called(calls, "c"+word, []string{"f", "functions__exec"}[arg%2], []string{"", "{}", `{"content":"x`}[arg%3])
			if arg > 128 {
				ev.State = &llm.State{Provider: gemini, Signature: realSignature}
			}
			events = append(events, ev)
			calls++
		case 3, 4:
			events = append(events, args(int(arg)%(calls+1), []string{`{"a":"`, `"}`, `x`, `}`}[op%4]))
		case 5:
			events = append(events, llm.Event{Kind: llm.EventRefusal, Delta: word})
		case 6:
			events = append(events, llm.Event{Kind: llm.EventState, Index: int(arg)%(calls+1) - 1, State: &llm.State{Provider: gemini, Signature: realSignature}})
		case 7:
			events = append(events, llm.Event{Kind: llm.EventImage, Media: &llm.Media{Data: "AA"}})
		case 8:
			if arg%7 == 0 {
				events = append(events, finished([]llm.Finish{llm.FinishStop, llm.FinishLength}[arg%2]))
			}
		}
	}
	return events
}

// FuzzStreamEncoder holds that every order of events gives a stream in the format's
// own order.
func FuzzStreamEncoder(f *testing.F) {
	f.Add([]byte("\x00a\x01\xff\x02\x00\x03\x00\x02\x01\x04\x01"), false)
	f.Add([]byte("\x02\x02\x02\x01\x03\x00\x00\x02\x08\x00"), true)
	f.Fuzz(func(t *testing.T, b []byte, broken bool) {
		var failed *llm.Error
		if broken {
			failed = &llm.Error{Kind: llm.KindInternal, Message: "broken"}
		}
		holdsOrder(t, encodeStream(expanded(t, codexLite), answer, script(b), failed))
	})
}

// FuzzUpstreamStream holds that no upstream makes the reader panic, and that what it
// says can be told to a client.
func FuzzUpstreamStream(f *testing.F) {
	f.Add([]byte(richStream), false)
	f.Add([]byte(frame(nativeStream...)), true)
	f.Add([]byte("data: {\"type\":\"response.output_item.done\",\"output_index\":-1,\"item\":{\"type\":\"function_call\"}}\n\n"), false)
	f.Fuzz(func(t *testing.T, b []byte, native bool) {
		enc := Dialect{}.Stream(decoded(t, `{"input":"x"}`), answer)
		var out []byte
		c := &wire.Call{Native: native}
		for ev, err := range (Wire{}).Stream(c, newReader(bytes.NewReader(b))) {
			if err != nil {
				enc.Error(out, llm.AsError(err))
				return
			}
			out = enc.Event(out, &ev)
		}
		out = enc.Close(out)
		if !native {
			holdsOrder(t, string(out))
		}
	})
}

// FuzzAnswer holds that no body of an upstream makes the reader panic.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(wholeAnswer))
	f.Fuzz(func(t *testing.T, b []byte) {
		Wire{}.Error(500, nil, b)
		resp, err := Wire{}.Response(&wire.Call{}, b)
		if err != nil {
			return
		}
		checked(t, string(Dialect{}.Response(decoded(t, `{"input":"x"}`), resp, answer)))
	})
}
