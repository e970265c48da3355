package e2e_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// claude is Anthropic's own client.
func (g *gateway) claude() anthropic.Client {
	return anthropic.NewClient(option.WithBaseURL(g.url), option.WithAPIKey("sk-any-key-of-the-client"), option.WithHTTPClient(g.client), option.WithMaxRetries(0))
}

func claudeAsks(model, text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 4096, System: []anthropic.TextBlockParam{{Text: "Be brief."}},
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

func claudeTools() []anthropic.ToolUnionParam {
	return []anthropic.ToolUnionParam{{OfTool: &anthropic.ToolParam{
		Name: "weather", Description: anthropic.String("Weather of a city."),
		InputSchema: anthropic.ToolInputSchemaParam{Properties: map[string]any{"city": map[string]any{"type": "string"}}, Required: []string{"city"}},
	}}}
}

// claudeSays asks in one of the SDK's two ways.
func claudeSays(t *testing.T, client anthropic.Client, params anthropic.MessageNewParams, stream bool) anthropic.Message {
	t.Helper()
	if !stream {
		m, err := client.Messages.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		return *m
	}
	s, m := client.Messages.NewStreaming(t.Context(), params), anthropic.Message{}
	for s.Next() {
		if err := m.Accumulate(s.Current()); err != nil {
			t.Fatalf("the client cannot add %s: %v", s.Current().RawJSON(), err)
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

func claudeText(m anthropic.Message) string {
	text := ""
	for _, b := range m.Content {
		text += b.Text
	}
	return text
}

func TestAnthropicSDKAnswersAndCounts(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		client := s.claude()
		bothWays(t, func(t *testing.T, stream bool) {
			m := claudeSays(t, client, claudeAsks(u.name, speech), stream)
			if claudeText(m) != "one two three four five six seven" || m.StopReason != anthropic.StopReasonEndTurn || m.Usage.OutputTokens == 0 || string(m.Model) != u.name {
				t.Errorf("answer %+v", m)
			}
		})
		n, err := client.Messages.CountTokens(t.Context(), anthropic.MessageCountTokensParams{
			Model: anthropic.Model(u.name), Messages: claudeAsks("", "How many tokens are these words?").Messages,
		})
		if err != nil || n.InputTokens < 5 {
			t.Errorf("count %+v, %v", n, err)
		}
		unrefused(t, fake)
	})
}

// TestAnthropicSDKToolLoopWithThinking runs a loop of three steps as the SDK's own
// examples do, with thoughts on.
func TestAnthropicSDKToolLoopWithThinking(t *testing.T) {
	s := newSite(t)
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		bothWays(t, func(t *testing.T, stream bool) {
			params := claudeAsks(u.name, `<<think:hm>> <<call:weather {"city":"Paris"}>> <<call:weather {"city":"Rome"} && weather {"city":"Oslo"}>> <<call:weather {"city":"Bonn"}>>`)
			params.Tools, params.Thinking = claudeTools(), anthropic.ThinkingConfigParamOfEnabled(1024)
			for step := 0; ; step++ {
				m := claudeSays(t, s.claude(), params, stream)
				if m.StopReason != anthropic.StopReasonToolUse {
					if step != 3 || !strings.Contains(claudeText(m), "weather=sun in Bonn") {
						t.Errorf("step %d ends with %+v", step, m)
					}
					break
				}
				params.Messages = append(params.Messages, m.ToParam(), anthropic.NewUserMessage(claudeResults(t, m)...))
			}
			st := fake.Last(t).State
			if real := map[string]int{"anthropic": 3, "gemini": 3}[u.name]; st.Real != real && real > 0 || st.Placeholders != 0 || st.Foreign != 0 {
				t.Errorf("state %+v", st)
			}
			unrefused(t, fake)
		})
	})
}

func claudeResults(t *testing.T, m anthropic.Message) []anthropic.ContentBlockParamUnion {
	t.Helper()
	var out []anthropic.ContentBlockParamUnion
	for _, b := range m.Content {
		if b.Type != "tool_use" {
			continue
		}
		var input struct{ City string }
		if err := json.Unmarshal(b.Input, &input); err != nil {
			t.Fatalf("input %s: %v", b.Input, err)
		}
		out = append(out, anthropic.NewToolResultBlock(b.ID, "sun in "+input.City, false))
	}
	return out
}

func TestAnthropicSDKErrors(t *testing.T) {
	s := newSite(t)
	kinds := map[int]anthropic.ErrorType{400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 500: "api_error"}
	s.everyUpstream(t, func(t *testing.T, u upstream, fake *testkit.Fake) {
		client := s.claude()
		for status, kind := range kinds {
			fake.Inject(testkit.Fail(status), testkit.Fail(status))
			_, whole := client.Messages.New(t.Context(), claudeAsks(u.name, "hi"))
			stream := client.Messages.NewStreaming(t.Context(), claudeAsks(u.name, "hi"))
			for stream.Next() {
				t.Errorf("an event before the error: %s", stream.Current().RawJSON())
			}
			for _, err := range []error{whole, stream.Err()} {
				var e *anthropic.Error
				if !errors.As(err, &e) || e.StatusCode != status || e.Type() != kind {
					t.Errorf("status %d is %v", status, err)
				}
			}
		}
		fake.Inject(testkit.CutAfterEvents(-4))
		stream := client.Messages.NewStreaming(t.Context(), claudeAsks(u.name, speech))
		for stream.Next() {
		}
		if stream.Err() == nil {
			t.Error("a stream that broke off looks complete")
		}
	})
}
