package e2e_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/shared"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// sdk is OpenAI's own client.
func (g *gateway) sdk() openai.Client {
	return openai.NewClient(option.WithBaseURL(g.url+"/v1"), option.WithAPIKey("sk-any-key-of-the-client"), option.WithHTTPClient(g.client), option.WithMaxRetries(0))
}

func sdkTools() []openai.ChatCompletionToolUnionParam {
	return []openai.ChatCompletionToolUnionParam{openai.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
		Name: "weather", Description: openai.String("Weather of a city."),
		Parameters: shared.FunctionParameters{"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}}, "required": []string{"city"}},
	})}
}

func TestSDKAnswersAndStreams(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		client := start(t, modelList(noRetries, deployment("m", fam.model, f))).sdk()
		params := openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.SystemMessage("Be brief."), openai.UserMessage(speech)}}
		whole, err := client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		params.StreamOptions.IncludeUsage = openai.Bool(true)
		stream, acc := client.Chat.Completions.NewStreaming(t.Context(), params), openai.ChatCompletionAccumulator{}
		for stream.Next() {
			if !acc.AddChunk(stream.Current()) {
				t.Fatalf("the client cannot add %s", stream.Current().RawJSON())
			}
		}
		if err := stream.Err(); err != nil {
			t.Fatal(err)
		}
		for _, c := range []openai.ChatCompletion{*whole, acc.ChatCompletion} {
			if c.Choices[0].Message.Content != "one two three four five six seven" || c.Choices[0].FinishReason != "stop" || c.Usage.TotalTokens == 0 {
				t.Errorf("answer %+v", c)
			}
		}
		unrefused(t, f)
	})
}

// TestSDKToolLoop runs a loop of three steps as the SDK's own examples do, with
// whole answers and with streams.
func TestSDKToolLoop(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		bothWays(t, func(t *testing.T, stream bool) {
			f := fam.fake(t)
			client := start(t, modelList(noRetries+"\nlitellm_settings: {drop_params: true}", deployment("m", fam.model, f))).sdk()
			params := openai.ChatCompletionNewParams{Model: "m", Tools: sdkTools(), Messages: []openai.ChatCompletionMessageParamUnion{
				openai.UserMessage(`<<call:weather {"city":"Paris"}>> <<call:weather {"city":"Rome"} && weather {"city":"Oslo"}>> <<call:weather {"city":"Bonn"}>>`),
			}}
			if fam.name == "anthropic" {
				params.ReasoningEffort = openai.ReasoningEffortLow
			}
			for step := 0; ; step++ {
				c := complete(t, client, params, stream)
				m := c.Choices[0].Message
				if len(m.ToolCalls) == 0 {
					if step != 3 || !strings.Contains(m.Content, "weather=sun in Bonn") {
						t.Errorf("step %d ends with %q", step, m.Content)
					}
					break
				}
				params.Messages = append(params.Messages, m.ToParam())
				for _, tc := range m.ToolCalls {
					params.Messages = append(params.Messages, openai.ToolMessage("sun in "+city(t, tc.Function.Arguments), tc.ID))
				}
			}
			if st := f.Last(t).State; fam.name == "gemini" && (st.Real != 3 || st.Placeholders != 0) {
				t.Errorf("not every signature came back: %+v", st)
			}
			unrefused(t, f)
		})
	})
}

func complete(t *testing.T, client openai.Client, params openai.ChatCompletionNewParams, stream bool) openai.ChatCompletion {
	t.Helper()
	if !stream {
		c, err := client.Chat.Completions.New(t.Context(), params)
		if err != nil {
			t.Fatal(err)
		}
		return *c
	}
	s, acc := client.Chat.Completions.NewStreaming(t.Context(), params), openai.ChatCompletionAccumulator{}
	for s.Next() {
		acc.AddChunk(s.Current())
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return acc.ChatCompletion
}

func city(t *testing.T, arguments string) string {
	t.Helper()
	var a struct{ City string }
	if err := json.Unmarshal([]byte(arguments), &a); err != nil {
		t.Fatalf("arguments %q: %v", arguments, err)
	}
	return a.City
}

func TestSDKStructuredOutput(t *testing.T) {
	schema := map[string]any{
		"type": "object", "additionalProperties": false, "required": []string{"name", "age", "tags"},
		"properties": map[string]any{
			"name": map[string]any{"type": "string", "minLength": 1}, "age": map[string]any{"type": "integer", "minimum": 3},
			"tags": map[string]any{"type": "array", "items": map[string]any{"$ref": "#/$defs/tag"}},
		},
		"$defs": map[string]any{"tag": map[string]any{"type": "string", "enum": []string{"a", "b"}}},
	}
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		client := start(t, modelList(noRetries, deployment("m", fam.model, f))).sdk()
		c, err := client.Chat.Completions.New(t.Context(), openai.ChatCompletionNewParams{
			Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("a person as JSON")},
			ResponseFormat: openai.ChatCompletionNewParamsResponseFormatUnion{OfJSONSchema: &shared.ResponseFormatJSONSchemaParam{
				JSONSchema: shared.ResponseFormatJSONSchemaJSONSchemaParam{Name: "person", Strict: openai.Bool(true), Schema: schema},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		var person map[string]any
		if err := json.Unmarshal([]byte(c.Choices[0].Message.Content), &person); err != nil || c.Choices[0].FinishReason != "stop" {
			t.Errorf("%v: %q", err, c.Choices[0].Message.Content)
		}
		unrefused(t, f)
	})
}

func TestSDKErrors(t *testing.T) {
	everyFamily(t, func(t *testing.T, fam family) {
		f := fam.fake(t)
		client := start(t, modelList(noRetries, deployment("m", fam.model, f))).sdk()
		params := openai.ChatCompletionNewParams{Model: "m", Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage("hi")}}
		for status, kind := range map[int]string{400: "invalid_request_error", 401: "authentication_error", 429: "throttling_error", 500: "internal_server_error"} {
			f.Inject(testkit.Fail(status), testkit.Fail(status))
			_, whole := client.Chat.Completions.New(t.Context(), params)
			stream := client.Chat.Completions.NewStreaming(t.Context(), params)
			for stream.Next() {
				t.Errorf("an event before the error: %s", stream.Current().RawJSON())
			}
			for _, err := range []error{whole, stream.Err()} {
				var e *openai.Error
				if !errors.As(err, &e) || e.StatusCode != status || e.Type != kind || e.Message == "" {
					t.Errorf("status %d is %v", status, err)
				}
			}
		}
		f.Inject(testkit.CutAfterEvents(fam.first + 2))
		stream := client.Chat.Completions.NewStreaming(t.Context(), params)
		for stream.Next() {
		}
		if stream.Err() == nil {
			t.Error("a stream that broke off looks complete")
		}
	})
}
