package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

// scripted answers one request after another and keeps their bodies.
type scripted struct {
	*httptest.Server
	bodies  []string
	headers []http.Header
}

// serve starts a server that gives the answers in turn; one that begins with
// "data:" is sent as a stream.
func serve(t *testing.T, answers ...string) *scripted {
	t.Helper()
	s := &scripted{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || len(s.bodies) == len(answers) {
			http.Error(w, "no more answers", http.StatusTeapot)
			return
		}
		answer := answers[len(s.bodies)]
		s.bodies, s.headers = append(s.bodies, string(body)), append(s.headers, r.Header.Clone())
		if strings.HasPrefix(answer, "data:") {
			w.Header().Set("Content-Type", "text/event-stream")
		}
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *scripted) client() *Client { return New(s.URL, "sk-test") }

func stream(chunks ...string) string {
	var b strings.Builder
	for _, c := range chunks {
		b.WriteString("data: " + c + "\n\n")
	}
	return b.String()
}

const signedMessage = `{"role":"assistant","content":null,"tool_calls":[{"id":"call_1__thought__c2ln","type":"function","function":{"name":"clock","arguments":"{\"zone\":\"<UTC>\"}"},"provider_specific_fields":{"thought_signature":"c2lnbmF0dXJl"},"extra_content":{"google":{"thought_signature":"c2lnbmF0dXJl"}}}],"thinking_blocks":[{"type":"thinking","thinking":"hm","signature":"abc"}],"n":12345678901234567890}`

func completion(message, finish string) string {
	return `{"id":"c1","model":"m","choices":[{"index":0,"message":` + message + `,"finish_reason":"` + finish + `"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":2}}}`
}

func clock(result string, err error) Tool {
	return Tool{Name: "clock", Description: "tells the time", Run: func(context.Context, json.RawMessage) (string, error) { return result, err }}
}

func TestChatReadsAnAnswerWhole(t *testing.T) {
	s := serve(t, completion(`{"role":"assistant","content":"hi","reasoning_content":"hm"}`, "stop"))
	a, err := s.client().Chat(t.Context(), Request{Model: "m", Messages: []Message{System("be brief"), User("a < b")}, Extra: map[string]any{"temperature": 0}})
	if err != nil {
		t.Fatal(err)
	}
	if a.Message.Content != "hi" || a.Message.Reasoning != "hm" || a.FinishReason != "stop" || a.Usage.Reasoning != 2 || a.ID != "c1" {
		t.Errorf("answer %+v", a)
	}
	want := `{"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"a < b"}],"model":"m","temperature":0}`
	if s.bodies[0] != want {
		t.Errorf("sent %s\nwant %s", s.bodies[0], want)
	}
	if got := s.headers[0].Get("Authorization"); got != "Bearer sk-test" {
		t.Errorf("Authorization %q", got)
	}
}

func TestAssistantMessageGoesBackByteForByte(t *testing.T) {
	s := serve(t, completion(signedMessage, "tool_calls"), completion(`{"role":"assistant","content":"noon"}`, "stop"))
	c, err := s.client().ToolLoop(t.Context(), Request{Model: "m", Messages: []Message{User("time?")}, Tools: []Tool{clock("12:00", nil)}}, Loop{})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(s.bodies[1], signedMessage) {
		t.Errorf("the second request does not hold the first answer as it came:\n%s", s.bodies[1])
	}
	if !strings.Contains(s.bodies[1], `{"role":"tool","content":"12:00","tool_call_id":"call_1__thought__c2ln"}`) {
		t.Errorf("the result is not in the second request:\n%s", s.bodies[1])
	}
	if c.Last().Message.Content != "noon" || len(c.Messages) != 4 || c.Usage.Total != 14 {
		t.Errorf("conversation %+v", c)
	}
}

func TestStreamedMessageKeepsLateSignatures(t *testing.T) {
	s := serve(t, stream(
		`{"id":"c1","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"h","thinking_blocks":[{"type":"thinking","thinking":"h"}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"reasoning_content":"m","thinking_blocks":[{"type":"thinking","thinking":"m"}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"thinking_blocks":[{"type":"thinking","thinking":"","signature":"abc"}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"clock","arguments":""}}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"zone\":"}}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_2","type":"function","function":{"name":"clock","arguments":"{}"}}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"UTC\"}"}}]}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":""},"provider_specific_fields":{"thought_signature":"late"},"extra_content":{"google":{"thought_signature":"late"}}}],"provider_specific_fields":{"thought_signatures":["late"]}}}]}`,
		`{"id":"c1","choices":[{"index":0,"delta":{"provider_specific_fields":{"thought_signatures":["late"]}},"finish_reason":"tool_calls"}]}`,
		`{"id":"c1","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}}`,
		`[DONE]`))
	var reasoning string
	var answer *Answer
	for d, err := range s.client().Stream(t.Context(), Request{Model: "m", Messages: []Message{User("time?")}}) {
		if err != nil {
			t.Fatal(err)
		}
		reasoning += d.Reasoning
		answer = d.Answer
	}
	want := `{"content":"","provider_specific_fields":{"thought_signatures":["late"]},"reasoning_content":"hm","role":"assistant","thinking_blocks":[{"signature":"abc","thinking":"hm","type":"thinking"}],` +
		`"tool_calls":[{"extra_content":{"google":{"thought_signature":"late"}},"function":{"arguments":"{\"zone\":\"UTC\"}","name":"clock"},"id":"call_1","provider_specific_fields":{"thought_signature":"late"},"type":"function"},` +
		`{"function":{"arguments":"{}","name":"clock"},"id":"call_2","type":"function"}]}`
	if string(answer.Message.Raw) != want {
		t.Errorf("assembled\n%s\nwant\n%s", answer.Message.Raw, want)
	}
	if reasoning != "hm" || answer.FinishReason != "tool_calls" || answer.Usage.Total != 3 || len(answer.Message.ToolCalls) != 2 {
		t.Errorf("reasoning %q, answer %+v", reasoning, answer)
	}
	if !strings.Contains(s.bodies[0], `"stream":true,"stream_options":{"include_usage":true}`) {
		t.Errorf("sent %s", s.bodies[0])
	}
}

func TestStreamingToolLoopTellsEveryStep(t *testing.T) {
	s := serve(t,
		stream(`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"x","type":"function","function":{"name":"clock","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`, `[DONE]`),
		stream(`{"choices":[{"index":0,"delta":{"content":"noon"},"finish_reason":"stop"}]}`, `[DONE]`))
	var steps []string
	_, err := s.client().ToolLoop(t.Context(), Request{Model: "m", Tools: []Tool{clock("12:00", nil)}}, Loop{
		OnDelta:  func(d Delta) { steps = append(steps, "delta "+d.Content) },
		OnCall:   func(c ToolCall) { steps = append(steps, "call "+c.Name) },
		OnResult: func(c ToolCall, r string) { steps = append(steps, "result "+r) },
	})
	want := []string{"delta ", "call clock", "result 12:00", "delta noon", "delta "}
	if err != nil || !slices.Equal(steps, want) {
		t.Errorf("steps %q, %v; want %q", steps, err, want)
	}
}

func TestWhatGoesWrongInAToolIsToldToTheModel(t *testing.T) {
	call := func(name, args string) string {
		return completion(`{"role":"assistant","content":null,"tool_calls":[{"id":"x","type":"function","function":{"name":"`+name+`","arguments":"`+args+`"}}]}`, "tool_calls")
	}
	for _, c := range []struct{ name, answer, want string }{
		{"the tool fails", call("clock", "{}"), "Error: no battery"},
		{"there is no such tool", call("watch", "{}"), "Error: there is no tool named \\\"watch\\\". The tools are: clock."},
		{"the arguments are no object", call("clock", "[1]"), "Error: the arguments are not a JSON object."},
		{"no arguments at all", call("clock", ""), "Error: no battery"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.answer, completion(`{"role":"assistant","content":"sorry"}`, "stop"))
			_, err := s.client().ToolLoop(t.Context(), Request{Model: "m", Tools: []Tool{clock("", errors.New("no battery"))}}, Loop{})
			if err != nil || !strings.Contains(s.bodies[1], c.want) {
				t.Errorf("%v; second request %s", err, s.bodies[1])
			}
		})
	}
}

func TestToolLoopEndsAfterItsTurns(t *testing.T) {
	s := serve(t, completion(signedMessage, "tool_calls"), completion(signedMessage, "tool_calls"))
	c, err := s.client().ToolLoop(t.Context(), Request{Model: "m", Tools: []Tool{clock("12:00", nil)}}, Loop{Turns: 2})
	if !errors.Is(err, ErrTurns) || len(c.Answers) != 2 || len(c.Messages) != 4 {
		t.Errorf("%v, %+v", err, c)
	}
}

func TestErrorsAreTyped(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       Error
	}{
		{
			"OpenAI's envelope", `{"error":{"message":"no such model","type":"invalid_request_error","param":"model","code":"model_not_found"}}`,
			Error{Status: 429, Type: "invalid_request_error", Code: "model_not_found", Param: "model", Message: "no such model"},
		},
		{"a number for a code", `{"error":{"message":"slow down","code":429}}`, Error{Status: 429, Code: "429", Message: "slow down"}},
		{"a text for an error", `{"error":"broken"}`, Error{Status: 429, Message: "broken"}},
		{"a detail", `{"detail":"Not Found"}`, Error{Status: 429, Message: "Not Found"}},
		{"a page", "<html>\n <b>nginx</b></html>", Error{Status: 429, Message: "<html> <b>nginx</b></html>"}},
		{"nothing", "", Error{Status: 429, Message: "the server gave no reason"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{"Retry-After": {"1.5"}}
			got := decodeError(429, h, []byte(c.body))
			c.want.RetryAfter, c.want.Header = 1500*time.Millisecond, nil
			got.Header = nil
			if got.Error() != c.want.Error() || got.Type != c.want.Type || got.Code != c.want.Code || got.Param != c.want.Param || got.RetryAfter != c.want.RetryAfter {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}

func TestRefusedRequestReturnsTheGatewaysError(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"wrong key","type":"auth_error","code":"401"}}`)
	}))
	defer s.Close()
	c := New(s.URL+"/v1/", "sk-wrong")
	_, chatErr := c.Chat(t.Context(), Request{Model: "m"})
	_, modelsErr := c.Models(t.Context())
	var streamErr error
	for _, err := range c.Stream(t.Context(), Request{Model: "m"}) {
		streamErr = err
	}
	for _, err := range []error{chatErr, modelsErr, streamErr} {
		var e *Error
		if !errors.As(err, &e) || e.Status != 401 || e.Error() != "401 Unauthorized: wrong key" {
			t.Errorf("got %v", err)
		}
	}
}

func TestBrokenStreamIsAnError(t *testing.T) {
	for _, c := range []struct{ name, answer, want string }{
		{"cut off", stream(`{"choices":[{"index":0,"delta":{"content":"he"}}]}`), "broke off"},
		{"an error event", stream(`{"choices":[{"index":0,"delta":{"content":"he"}}]}`, `{"error":{"message":"overloaded","code":"503"}}`, `[DONE]`), "503 Service Unavailable: overloaded"},
		{"no JSON", stream(`{"choices":`), "a chunk is no JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, c.answer)
			var last error
			for d, err := range s.client().Stream(t.Context(), Request{Model: "m"}) {
				last = err
				if d.Answer != nil {
					t.Error("a broken stream gave a whole answer")
				}
			}
			if last == nil || !strings.Contains(last.Error(), c.want) {
				t.Errorf("got %v, want %q", last, c.want)
			}
		})
	}
}

func TestStreamWithoutEndMarkerIsWholeAfterItsFinish(t *testing.T) {
	s := serve(t, stream(`{"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}`))
	var answer *Answer
	for d, err := range s.client().Stream(t.Context(), Request{Model: "m"}) {
		if err != nil {
			t.Fatal(err)
		}
		answer = d.Answer
	}
	if answer == nil || answer.Message.Content != "hi" {
		t.Errorf("answer %+v", answer)
	}
}

func TestNobodyThereIsSaidWithTheAddress(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := New(s.URL, "").Chat(t.Context(), Request{Model: "m"})
	var u *UnreachableError
	if !errors.As(err, &u) || u.BaseURL != s.URL+"/v1" {
		t.Errorf("got %v", err)
	}
}

func TestEndedContextIsTheContextsError(t *testing.T) {
	s := serve(t, "x")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.client().Chat(ctx, Request{Model: "m"})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestStateListsEveryCarrierOnce(t *testing.T) {
	var m Message
	if err := json.Unmarshal([]byte(signedMessage), &m); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range m.State() {
		got = append(got, s.Field+" "+s.Value)
	}
	if want := []string{"signature abc", "thought_signature c2lnbmF0dXJl", "tool call id c2ln"}; !slices.Equal(got, want) {
		t.Errorf("state %q, want %q", got, want)
	}
	if got := User("signature").State(); got != nil {
		t.Errorf("a plain message has state %v", got)
	}
}

func TestModelsAreListed(t *testing.T) {
	s := serve(t, `{"data":[{"id":"a","mode":"chat"},{"id":"b"}]}`)
	got, err := s.client().Models(t.Context())
	if err != nil || !slices.Equal(got, []Model{{"a", "chat"}, {"b", ""}}) {
		t.Errorf("%v, %v", got, err)
	}
}

func TestContentInPartsIsReadAsText(t *testing.T) {
	var m Message
	if err := json.Unmarshal([]byte(`{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"image_url"},{"type":"text","text":"b"}]}`), &m); err != nil || m.Content != "ab" {
		t.Errorf("%+v, %v", m, err)
	}
}

func FuzzAssembly(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"a":[[1],[1]],"thinking_blocks":[{"type":"thinking","thinking":"x"},null]}}]}`), []byte(`{"choices":[{"delta":{"a":[[1]],"thinking_blocks":[{"type":"thinking"}],"tool_calls":[{"index":0},{"index":0,"id":4}]}}]}`))
	f.Add([]byte(`{"error":{"code":7}}`), []byte(`null`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a := &assembly{}
		for _, chunk := range [][]byte{first, second} {
			if _, err := a.add(chunk); err != nil {
				return
			}
		}
		answer, err := a.answer()
		if err == nil && !json.Valid(answer.Message.Raw) {
			t.Errorf("the assembled message is no JSON: %s", answer.Message.Raw)
		}
	})
}
