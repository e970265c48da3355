package e2e_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/responses"
	"github.com/openai/openai-go/v3/shared"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func responsesAsk(model, text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{
		Model: model, Store: openai.Bool(false), Instructions: openai.String("Be brief."),
		Input: responses.ResponseNewParamsInputUnion{OfInputItemList: responses.ResponseInputParam{
			responses.ResponseInputItemParamOfMessage(text, responses.EasyInputMessageRoleUser),
		}},
	}
}

// responsesSay asks in one of the SDK's two ways; a stream's answer is that of its
// last event.
func responsesSay(t *testing.T, client openai.Client, params responses.ResponseNewParams, stream bool) responses.Response {
	t.Helper()
	if !stream {
		r, err := client.Responses.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		return *r
	}
	s, last, text := client.Responses.NewStreaming(t.Context(), params), responses.Response{}, ""
	for s.Next() {
		switch ev := s.Current().AsAny().(type) {
		case responses.ResponseTextDeltaEvent:
			text += ev.Delta
		case responses.ResponseCompletedEvent:
			last = ev.Response
		case responses.ResponseIncompleteEvent:
			last = ev.Response
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	if last.OutputText() != text {
		t.Errorf("the deltas say %q, the end %q", text, last.OutputText())
	}
	return last
}

func TestResponsesSDKAnswersAndCounts(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		client := s.sdk()
		bothWays(t, func(t *testing.T, stream bool) {
			r := responsesSay(t, client, responsesAsk(u.name, speech), stream)
			if r.OutputText() != "one two three four five six seven" || r.Status != responses.ResponseStatusCompleted || r.Usage.TotalTokens == 0 || r.Model != u.name {
				t.Errorf("answer %s", r.RawJSON())
			}
			cut := responsesSay(t, client, responsesAsk(u.name, speech+"<<length>>"), stream)
			if cut.Status != responses.ResponseStatusIncomplete || cut.IncompleteDetails.Reason != "max_output_tokens" {
				t.Errorf("an answer that was cut off: %s", cut.RawJSON())
			}
		})
		n, err := client.Responses.InputTokens.Count(t.Context(), responses.InputTokenCountParams{
			Model: param.NewOpt(u.name), Input: responses.InputTokenCountParamsInputUnion{OfString: param.NewOpt("How many tokens are these words?")},
		})
		if err != nil || n.InputTokens < 5 {
			t.Errorf("count %+v, %v", n, err)
		}
		unrefused(t, fake)
	})
}

// TestResponsesSDKToolLoopWithThinking runs a loop of three steps, with reasoning on
// and the state in the client's hands.
func TestResponsesSDKToolLoopWithThinking(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		bothWays(t, func(t *testing.T, stream bool) {
			params := responsesAsk(u.name, `<<think:hm>> <<call:weather {"city":"Paris"}>> <<call:weather {"city":"Rome"} && weather {"city":"Oslo"}>> <<call:weather {"city":"Bonn"}>>`)
			params.Include = []responses.ResponseIncludable{responses.ResponseIncludableReasoningEncryptedContent}
			params.Reasoning = shared.ReasoningParam{Effort: shared.ReasoningEffortLow, Summary: shared.ReasoningSummaryAuto}
			if u.name == "compatible" {
				params.Reasoning = shared.ReasoningParam{}
			}
			params.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("weather",
				map[string]any{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}}, false)}
			for step := 0; ; step++ {
				r := responsesSay(t, s.sdk(), params, stream)
				items, more := responsesReplay(t, r)
				if !more {
					if step != 3 || !strings.Contains(r.OutputText(), "weather=sun in Bonn") {
						t.Errorf("step %d ends with %s", step, r.RawJSON())
					}
					break
				}
				params.Input.OfInputItemList = append(params.Input.OfInputItemList, items...)
			}
			st := fake.Last(t).State
			if real := map[string]int{"anthropic": 3, "gemini": 3, "openai": 3}[u.name]; st.Real != real && real > 0 || st.Placeholders != 0 || st.Foreign != 0 {
				t.Errorf("state %+v", st)
			}
			unrefused(t, fake)
		})
	})
}

// responsesReplay turns an answer's items into input, with the results of its calls.
func responsesReplay(t *testing.T, r responses.Response) (items responses.ResponseInputParam, calls bool) {
	t.Helper()
	var outputs responses.ResponseInputParam
	for _, it := range r.Output {
		switch v := it.AsAny().(type) {
		case responses.ResponseReasoningItem:
			p := v.ToParam()
			items = append(items, responses.ResponseInputItemUnionParam{OfReasoning: &p})
		case responses.ResponseOutputMessage:
			p := v.ToParam()
			items = append(items, responses.ResponseInputItemUnionParam{OfOutputMessage: &p})
		case responses.ResponseFunctionToolCall:
			p := v.ToParam()
			items = append(items, responses.ResponseInputItemUnionParam{OfFunctionCall: &p})
			out := responses.ResponseInputItemParamOfFunctionCallOutput("sun in " + city(t, v.Arguments))
			out.OfFunctionCallOutput.CallID = param.NewOpt(v.CallID)
			outputs = append(outputs, out)
		default:
			t.Errorf("an unknown item: %s", it.RawJSON())
		}
	}
	return append(items, outputs...), len(outputs) > 0
}

func TestResponsesSDKErrors(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		client := s.sdk()
		for _, status := range []int{400, 401, 429, 500} {
			fake.Inject(testkit.Fail(status), testkit.Fail(status))
			_, whole := client.Responses.New(t.Context(), responsesAsk(u.name, "hi"))
			stream := client.Responses.NewStreaming(t.Context(), responsesAsk(u.name, "hi"))
			for stream.Next() {
				t.Errorf("an event before the error: %s", stream.Current().RawJSON())
			}
			for _, err := range []error{whole, stream.Err()} {
				var e *openai.Error
				if !errors.As(err, &e) || e.StatusCode != status || e.Message == "" {
					t.Errorf("status %d is %v", status, err)
				}
			}
		}
		fake.Inject(testkit.CutAfterEvents(-4))
		stream := client.Responses.NewStreaming(t.Context(), responsesAsk(u.name, speech))
		failed := false
		for stream.Next() {
			switch stream.Current().AsAny().(type) {
			case responses.ResponseFailedEvent, responses.ResponseErrorEvent:
				failed = true
			case responses.ResponseCompletedEvent:
				t.Error("a stream that broke off looks complete")
			}
		}
		if !failed && stream.Err() == nil {
			t.Error("a stream that broke off says nothing of it")
		}
	})
}
