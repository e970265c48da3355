package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// DefaultTurns is how often ToolLoop asks the model when Loop.Turns is 0.
const DefaultTurns = 20

// ErrTurns says that the model still wanted to call tools after the last turn.
var ErrTurns = errors.New("the model still calls tools after the last turn that was allowed")

// Loop says how a tool loop runs and who watches it. The zero value asks without
// streaming, up to DefaultTurns times.
type Loop struct {
	// Turns is how often the model is asked at most.
	Turns int
	// OnDelta, when set, makes the loop stream, and is called with every delta.
	OnDelta func(Delta)
	// OnCall is called before each tool call, OnResult after it with what goes back.
	OnCall   func(ToolCall)
	OnResult func(call ToolCall, result string)
}

// Conversation is what a tool loop produced.
type Conversation struct {
	// Messages are those of the request and all that followed, whole, ready for the
	// next request.
	Messages []Message
	// Answers are the model's, one a turn.
	Answers []*Answer
	// Usage is the sum over all turns.
	Usage Usage
}

// Last returns the last answer, nil when there is none.
func (c *Conversation) Last() *Answer {
	if len(c.Answers) == 0 {
		return nil
	}
	return c.Answers[len(c.Answers)-1]
}

// ToolLoop asks the model, runs the tools that it calls, sends the results back with
// the model's whole messages, and so on until it answers without a call. The
// conversation is never nil; with an error it holds what was said before it.
func (c *Client) ToolLoop(ctx context.Context, r Request, l Loop) (*Conversation, error) {
	out := &Conversation{Messages: slices.Clone(r.Messages)}
	turns := l.Turns
	if turns <= 0 {
		turns = DefaultTurns
	}
	for range turns {
		r.Messages = out.Messages
		answer, err := c.turn(ctx, r, l.OnDelta)
		if err != nil {
			return out, err
		}
		out.Answers, out.Usage = append(out.Answers, answer), out.Usage.plus(answer.Usage)
		out.Messages = append(out.Messages, answer.Message)
		if len(answer.Message.ToolCalls) == 0 {
			return out, nil
		}
		for _, call := range answer.Message.ToolCalls {
			out.Messages = append(out.Messages, Result(call.ID, l.run(ctx, r.Tools, call)))
		}
		if ctx.Err() != nil {
			return out, ctx.Err()
		}
	}
	return out, ErrTurns
}

func (c *Client) turn(ctx context.Context, r Request, watch func(Delta)) (*Answer, error) {
	if watch == nil {
		return c.Chat(ctx, r)
	}
	var answer *Answer
	for delta, err := range c.Stream(ctx, r) {
		if err != nil {
			return nil, err
		}
		watch(delta)
		answer = delta.Answer
	}
	return answer, nil
}

// run calls one tool. Whatever goes wrong is told to the model, which can do better
// with it than the program can.
func (l Loop) run(ctx context.Context, tools []Tool, call ToolCall) string {
	if l.OnCall != nil {
		l.OnCall(call)
	}
	result := runTool(ctx, tools, call)
	if l.OnResult != nil {
		l.OnResult(call, result)
	}
	return result
}

func runTool(ctx context.Context, tools []Tool, call ToolCall) string {
	i := slices.IndexFunc(tools, func(t Tool) bool { return t.Name == call.Name })
	if i < 0 || tools[i].Run == nil {
		return fmt.Sprintf("Error: there is no tool named %q. The tools are: %s.", call.Name, names(tools))
	}
	args, ok := valid(call.Arguments)
	if !ok {
		return "Error: the arguments are not a JSON object. Call the tool again with valid JSON."
	}
	result, err := tools[i].Run(ctx, args)
	if err != nil {
		return "Error: " + err.Error()
	}
	return result
}

func names(tools []Tool) string {
	list := make([]string, len(tools))
	for i, t := range tools {
		list[i] = t.Name
	}
	return strings.Join(list, ", ")
}
