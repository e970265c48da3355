package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// Request is one question. Only Model and Messages are needed.
type Request struct {
	Model    string
	Messages []Message
	// Tools are what the model may call.
	Tools []Tool
	// Extra are further members of the request body by their names ("temperature",
	// "reasoning_effort", …). Any value that encoding/json can encode is accepted.
	Extra map[string]any
}

// Tool is a function that a model may call.
type Tool struct {
	Name string
	// Description tells the model what it does and when to use it.
	Description string
	// Parameters is a JSON Schema object; nil means no parameters.
	Parameters json.RawMessage
	// Run is called by ToolLoop with the arguments, a JSON object. Its text goes back
	// to the model; so does the text of its error, and the loop goes on.
	Run func(ctx context.Context, args json.RawMessage) (string, error)
}

// noParameters is the schema of a function without any.
const noParameters = `{"type":"object","properties":{}}`

// MarshalJSON returns the tool as OpenAI's format has it.
func (t Tool) MarshalJSON() ([]byte, error) {
	parameters := t.Parameters
	if parameters == nil {
		parameters = json.RawMessage(noParameters)
	}
	function := struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters"`
	}{t.Name, t.Description, parameters}
	return encode(map[string]any{"type": "function", "function": function})
}

func (r Request) encode(stream bool) ([]byte, error) {
	body := map[string]any{}
	for name, value := range r.Extra {
		body[name] = value
	}
	body["model"], body["messages"] = r.Model, r.Messages
	if len(r.Tools) > 0 {
		body["tools"] = r.Tools
	}
	if stream {
		body["stream"] = true
		if _, chosen := body["stream_options"]; !chosen {
			body["stream_options"] = map[string]bool{"include_usage": true}
		}
	}
	data, err := encode(body)
	if err != nil {
		return nil, fmt.Errorf("the request cannot be written as JSON: %w", err)
	}
	return data, nil
}

// encode is json.Marshal without the escapes for HTML, which would change the
// bytes of messages that are to go back as they came.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
