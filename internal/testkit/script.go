package testkit

import (
	"sync/atomic"
)

// Turn is what a fake understood of a request.
type Turn struct {
	Model  string
	System string
	// User is the latest text of the user.
	User string
	// Steps counts the model's messages with tool calls after that text.
	Steps int
	// Results are the tool results after that text.
	Results []Result
	Tools   []Tool
	// Forced is the tool that must be called, "*" for any.
	Forced string
	// Schema is the schema of the wanted answer, nil for none.
	Schema map[string]any
	// JSON says that the answer must be JSON.
	JSON bool
	// Thinking says that the request wants (or the model always shows) thoughts.
	Thinking bool
	Stream   bool
	// IncludeUsage says that a chat stream must end with a usage chunk.
	IncludeUsage bool
	// Choices is the number of wanted answers, at least 1.
	Choices int
	// Media counts images, sounds and files.
	Media int
}

// Tool is a tool that the model may call.
type Tool struct {
	Name   string
	Schema map[string]any
}

// Result is the result of a tool call.
type Result struct{ Name, Text string }

func (t *Turn) tool(name string) (Tool, bool) {
	for _, tool := range t.Tools {
		if tool.Name == name {
			return tool, true
		}
	}
	return Tool{}, false
}

// Call is a tool call of the model. Args is a JSON object; "" means that the
// provider sends no arguments at all.
type Call struct {
	Name, Args string
	// ID is minted when empty.
	ID string
}

// Reply is what the model says.
type Reply struct {
	// Thinking is shown when the request asks for thoughts; always where the
	// provider always shows them.
	Thinking string
	Text     string
	Calls    []Call
	// Finish is the provider's own finish reason; "" follows from the rest.
	Finish string
	Usage  Usage

	// LateSignature sends Gemini's signature in a last part with empty text.
	LateSignature bool
	// Redacted sends the thinking of Anthropic as a redacted block.
	Redacted bool
	// Omitted sends Anthropic's thinking block with a signature and no text.
	Omitted bool

	// Events replaces the payloads of a streamed answer, in the provider's format.
	Events []string
	// Body replaces a whole answer.
	Body string
	// Header is added to the answer.
	Header map[string]string
}

// Usage counts tokens; zero values are filled in.
type Usage struct{ Input, Output, Reasoning, CacheRead, CacheWrite int }

// Script decides what the model says.
type Script func(*Turn) Reply

// Sequence says the replies in order and then the last one for ever.
func Sequence(replies ...Reply) Script {
	var n atomic.Int64
	return func(*Turn) Reply {
		i := int(n.Add(1)) - 1
		return replies[min(i, len(replies)-1)]
	}
}

// Loop makes one step of calls after the other within a turn and then answers
// with text.
func Loop(text string, steps ...[]Call) Script {
	return func(t *Turn) Reply {
		if t.Steps < len(steps) {
			return Reply{Thinking: sprintf("step %d needs a tool", t.Steps+1), Calls: steps[t.Steps]}
		}
		return Reply{Thinking: "all results are here", Text: text}
	}
}
