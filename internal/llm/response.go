package llm

import "github.com/fairlead-gateway/fairlead/internal/rawjson"

// Finish says why an answer ended, in the words of Chat Completions.
type Finish string

// The finish reasons; a wire maps everything else onto them.
const (
	FinishStop          Finish = "stop"
	FinishLength        Finish = "length"
	FinishToolCalls     Finish = "tool_calls"
	FinishContentFilter Finish = "content_filter"
	FinishFunctionCall  Finish = "function_call"
)

// Response is a whole answer.
type Response struct {
	ID      string
	Created int64 // seconds since 1970, 0 when the provider does not say
	// Model is what the provider calls itself; the client sees the name it asked for.
	Model   string
	Choices []Choice
	// Usage is nil when the provider did not say.
	Usage       *Usage
	ServiceTier string
	// Extra holds top-level fields for the client in the names of Chat Completions
	// (system_fingerprint, vertex_ai_grounding_metadata, …).
	Extra rawjson.Object
	// Body is the answer in the client's own format when it passes through; the
	// fields above then hold only what the gateway itself reads.
	Body rawjson.Value
}

// Choice is one of the alternative answers.
type Choice struct {
	Index  int
	Parts  []Part
	Finish Finish
	// Logprobs and Annotations are raw, in the shape of Chat Completions.
	Logprobs    rawjson.Value
	Annotations rawjson.Value
	// Fields are provider_specific_fields of the message.
	Fields rawjson.Object
	// ChoiceFields are provider_specific_fields of the choice (native_finish_reason …).
	ChoiceFields rawjson.Object
	// Extra holds further message fields for the client (audio …).
	Extra rawjson.Object
}

// Usage counts tokens. Input includes CacheRead and CacheWrite; Output includes
// Reasoning. All are at least 0.
type Usage struct {
	Input, Output, Total       int64
	CacheRead                  int64
	CacheWrite5m, CacheWrite1h int64
	Reasoning                  int64
	AudioIn, AudioOut          int64
	ImageIn, ImageOut          int64
	TextIn, TextOut            int64
	AcceptedPrediction         int64
	RejectedPrediction         int64
	WebSearches                int64
	ServiceTier                string
	// Raw is the usage object as the provider sent it, for a hop in the same format.
	Raw rawjson.Value
}

// CacheWrite is all input that was written to a cache.
func (u *Usage) CacheWrite() int64 { return u.CacheWrite5m + u.CacheWrite1h }

// EventKind tells what a stream event carries.
type EventKind uint8

// The closed set of stream events. A wire emits, per choice: EventStart once,
// then deltas in the order they happened, EventFinish once; then EventUsage at
// most once with final numbers.
const (
	// EventStart opens the answer: ID, Created, Model are known. It carries no content.
	EventStart EventKind = iota + 1
	// EventText adds Delta to the text.
	EventText
	// EventThinking adds Delta to the reasoning text. State may close the block:
	// a signature arrives with an empty Delta.
	EventThinking
	// EventRefusal adds Delta to the refusal.
	EventRefusal
	// EventToolCall opens tool call Index: Call has ID and Name; State may carry its
	// signature; Delta may already hold (all) arguments.
	EventToolCall
	// EventToolArgs adds Delta to the arguments of tool call Index.
	EventToolArgs
	// EventState brings a signature late: for tool call Index when Index ≥ 0, for
	// the text of the answer when Index < 0.
	EventState
	// EventImage and EventAudio bring media whole.
	EventImage
	EventAudio
	// EventFields brings provider-specific fields for the delta.
	EventFields
	// EventFinish ends a choice with Finish.
	EventFinish
	// EventUsage brings the final usage.
	EventUsage
	// EventRaw is a chunk in the client's own format that passes through: Raw is
	// what goes out. The other fields say what the gateway needs to know of it:
	// Content, Finish, Usage.
	EventRaw
)

// Event is one step of a streamed answer.
type Event struct {
	Kind   EventKind
	Choice int
	// Index of the tool call within the choice: 0, 1, 2 …, in order of appearance.
	Index int
	Delta string
	Call  *ToolCall
	State *State
	Media *Media
	// Finish is set by EventFinish (and EventRaw when the chunk finishes a choice).
	Finish Finish
	// Usage is set by EventUsage (and EventRaw).
	Usage *Usage
	// Fields are provider-specific fields; for EventFinish those of the choice.
	Fields rawjson.Object
	// Response is set by EventStart: ID, Created, Model, ServiceTier, Extra.
	Response *Response
	// Raw is the payload of EventRaw, without SSE framing.
	Raw []byte
	// Content says of an EventRaw that it carries content, a call or a finish.
	Content bool
}

// Commits reports whether the event is one for which the answer may begin: it
// carries content, a call or a finish. Before it, retry and fallback are free.
func (e *Event) Commits() bool {
	switch e.Kind {
	case EventStart, EventUsage, EventFields:
		return false
	case EventState:
		return false
	case EventRaw:
		return e.Content
	}
	return true
}
