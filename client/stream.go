package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"

	"github.com/fairlead-gateway/fairlead/internal/sse"
)

// Delta is a piece of a streamed answer.
type Delta struct {
	// Content and Reasoning are the new text, either may be "".
	Content   string
	Reasoning string
	// Answer is set on the last delta only: the whole answer.
	Answer *Answer
}

// Stream asks for an answer in pieces. The last pair is the delta with the whole
// Answer, or an error. A caller that stops ranging ends the request.
func (c *Client) Stream(ctx context.Context, r Request) iter.Seq2[Delta, error] {
	return func(yield func(Delta, error) bool) {
		body, err := r.encode(true)
		if err != nil {
			yield(Delta{}, err)
			return
		}
		resp, err := c.do(ctx, http.MethodPost, "/chat/completions", body)
		if err != nil {
			yield(Delta{}, err)
			return
		}
		defer resp.Body.Close()
		a := &assembly{header: resp.Header}
		stopped, err := a.read(resp.Body, yield)
		switch {
		case stopped:
		case err != nil:
			yield(Delta{}, streamBroken(ctx, err))
		default:
			answer, err := a.answer()
			yield(Delta{Answer: answer}, err)
		}
	}
}

// streamBroken says why a stream ended; the end of ctx is told as such.
func streamBroken(ctx context.Context, err error) error {
	var e *Error
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &e):
		return err
	}
	return fmt.Errorf("the stream broke off: %w", err)
}

// assembly puts a streamed answer together.
type assembly struct {
	header   http.Header
	id       string
	model    string
	finish   string
	usage    wireUsage
	message  map[string]any
	size     int
	finished bool
}

type wireChunk struct {
	ID      string `json:"id"`
	Model   string `json:"model"`
	Choices []struct {
		Index        int             `json:"index"`
		Delta        json.RawMessage `json:"delta"`
		FinishReason string          `json:"finish_reason"`
	} `json:"choices"`
	Usage *wireUsage `json:"usage"`
}

// read consumes the stream; stopped means that the caller wants no more.
func (a *assembly) read(body io.Reader, yield func(Delta, error) bool) (stopped bool, err error) {
	events := sse.NewReader(body, 0)
	for {
		event, err := events.Next()
		if err == io.EOF && a.finished {
			return false, nil
		}
		if err == io.EOF {
			return false, io.ErrUnexpectedEOF
		}
		if err != nil {
			return false, err
		}
		if bytes.Equal(event.Data, []byte("[DONE]")) {
			return false, nil
		}
		delta, err := a.add(event.Data)
		if err != nil {
			return false, err
		}
		if delta != (Delta{}) && !yield(delta, nil) {
			return true, nil
		}
	}
}

// add takes one chunk in.
func (a *assembly) add(data []byte) (Delta, error) {
	if e, ok := streamError(data); ok {
		return Delta{}, e
	}
	if a.size += len(data); a.size > maxAnswer {
		return Delta{}, errTooLarge
	}
	var chunk wireChunk
	if err := json.Unmarshal(data, &chunk); err != nil {
		return Delta{}, fmt.Errorf("a chunk is no JSON: %s", excerpt(data))
	}
	a.id, a.model = first(a.id, chunk.ID), first(a.model, chunk.Model)
	if chunk.Usage != nil {
		a.usage = *chunk.Usage
	}
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue // only one choice is asked for
		}
		if choice.FinishReason != "" {
			a.finish, a.finished = choice.FinishReason, true
		}
		return a.addDelta(choice.Delta)
	}
	return Delta{}, nil
}

func first(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func (a *assembly) addDelta(raw json.RawMessage) (Delta, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return Delta{}, nil
	}
	fields, err := object(raw)
	if err != nil {
		return Delta{}, fmt.Errorf("a delta is no JSON object: %s", excerpt(raw))
	}
	if a.message == nil {
		a.message = map[string]any{}
	}
	mergeObject(a.message, fields, false)
	d := Delta{Content: text(fields["content"]), Reasoning: text(fields["reasoning_content"])}
	if d.Reasoning == "" {
		d.Reasoning = text(fields["reasoning"])
	}
	return d, nil
}

func text(v any) string {
	s, _ := v.(string)
	return s
}

// object decodes an object and keeps its numbers as they are written.
func object(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var fields map[string]any
	err := d.Decode(&fields)
	return fields, err
}

func (a *assembly) answer() (*Answer, error) {
	if a.message == nil {
		a.message = map[string]any{}
	}
	a.message["role"] = "assistant"
	if _, ok := a.message["content"]; !ok {
		a.message["content"] = nil
	}
	for _, c := range list(a.message["tool_calls"]) {
		if call, ok := c.(map[string]any); ok {
			delete(call, "index") // it belongs to the stream, not to the message
		}
	}
	raw, err := encode(a.message)
	if err != nil {
		return nil, err
	}
	out := &Answer{ID: a.id, Model: a.model, FinishReason: a.finish, Usage: a.usage.usage(), Header: a.header}
	return out, json.Unmarshal(raw, &out.Message)
}
