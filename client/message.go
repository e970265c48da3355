package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// Message is one message of a conversation. One that came from a model holds it
// whole in Raw and is sent back so, whatever fields it has.
type Message struct {
	// Role is "system", "user", "assistant" or "tool".
	Role string
	// Content is the text.
	Content string
	// Reasoning is the readable part of the model's thinking, "" when it is not shown.
	Reasoning string
	// ToolCalls are what the model wants called.
	ToolCalls []ToolCall
	// ToolCallID says which call a tool message answers.
	ToolCallID string
	// Raw is the whole message as JSON. When it is set it is what is sent, and the
	// other fields are for reading only.
	Raw json.RawMessage
}

// ToolCall is one call of a function that a model asks for.
type ToolCall struct {
	ID   string
	Name string
	// Arguments are JSON as the model wrote them; they need not be valid.
	Arguments string
}

// System returns an instruction for the model.
func System(text string) Message { return Message{Role: "system", Content: text} }

// User returns what a person says.
func User(text string) Message { return Message{Role: "user", Content: text} }

// Result returns the answer to a tool call.
func Result(callID, text string) Message {
	return Message{Role: "tool", Content: text, ToolCallID: callID}
}

// wireMessage has the fields that every model's messages have.
type wireMessage struct {
	Role       string          `json:"role"`
	Content    json.RawMessage `json:"content"`
	ToolCalls  []wireCall      `json:"tool_calls,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`

	Reasoning      string `json:"reasoning_content,omitempty"`
	OtherReasoning string `json:"reasoning,omitempty"`
}

type wireCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"`
	Function wireFunction `json:"function"`
}

type wireFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

// MarshalJSON returns Raw, or a message of the plain fields.
func (m Message) MarshalJSON() ([]byte, error) {
	if m.Raw != nil {
		return m.Raw, nil
	}
	w := wireMessage{Role: m.Role, ToolCallID: m.ToolCallID, Reasoning: m.Reasoning}
	for _, c := range m.ToolCalls {
		w.ToolCalls = append(w.ToolCalls, wireCall{c.ID, "function", wireFunction{c.Name, c.Arguments}})
	}
	w.Content = json.RawMessage("null")
	if m.Content != "" || len(m.ToolCalls) == 0 {
		text, err := encode(m.Content)
		if err != nil {
			return nil, err
		}
		w.Content = text
	}
	return encode(w)
}

// UnmarshalJSON keeps the message whole in Raw and reads the plain fields from it.
func (m *Message) UnmarshalJSON(data []byte) error {
	var w wireMessage
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("this is no chat message: %w", err)
	}
	*m = Message{
		Role: w.Role, Content: contentText(w.Content), Reasoning: w.Reasoning, ToolCallID: w.ToolCallID,
		Raw: slices.Clone(data),
	}
	if m.Reasoning == "" {
		m.Reasoning = w.OtherReasoning
	}
	for _, c := range w.ToolCalls {
		m.ToolCalls = append(m.ToolCalls, ToolCall{c.ID, c.Function.Name, c.Function.Arguments})
	}
	return nil
}

// contentText reads text content, or the text parts of a list.
func contentText(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return ""
	}
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Usage counts tokens.
type Usage struct {
	Prompt     int64
	Completion int64
	Total      int64
	// Reasoning is the part of Completion that was spent on thinking.
	Reasoning int64
	// Cached is the part of Prompt that was read from a cache.
	Cached int64
}

type wireUsage struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
	Details    struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
	PromptDetails struct {
		Cached int64 `json:"cached_tokens"`
	} `json:"prompt_tokens_details"`
}

func (u wireUsage) usage() Usage {
	return Usage{Prompt: u.Prompt, Completion: u.Completion, Total: u.Total, Reasoning: u.Details.Reasoning, Cached: u.PromptDetails.Cached}
}

// plus adds the tokens of another answer.
func (u Usage) plus(o Usage) Usage {
	return Usage{u.Prompt + o.Prompt, u.Completion + o.Completion, u.Total + o.Total, u.Reasoning + o.Reasoning, u.Cached + o.Cached}
}

// Answer is one completion.
type Answer struct {
	ID    string
	Model string
	// Message is the model's, to be kept whole in the conversation.
	Message Message
	// FinishReason is "stop", "tool_calls", "length", "content_filter" or what the
	// provider says.
	FinishReason string
	Usage        Usage
	// Header is that of the response: cost, call id and more.
	Header http.Header
}

type wireAnswer struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		Message      Message `json:"message"`
		FinishReason string  `json:"finish_reason"`
	} `json:"choices"`
	Usage wireUsage `json:"usage"`
}

func decodeAnswer(data []byte, h http.Header) (*Answer, error) {
	var w wireAnswer
	if err := json.Unmarshal(data, &w); err != nil {
		return nil, fmt.Errorf("the answer is no chat completion: %s", excerpt(data))
	}
	if len(w.Choices) == 0 {
		return nil, fmt.Errorf("the answer holds no choice: %s", excerpt(data))
	}
	return &Answer{
		ID: w.ID, Model: w.Model, Message: w.Choices[0].Message, FinishReason: w.Choices[0].FinishReason,
		Usage: w.Usage.usage(), Header: h,
	}, nil
}
