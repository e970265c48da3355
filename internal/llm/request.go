// Package llm is the domain: a request to a language model, its answer, the
// events of a streamed answer, token usage and errors, independent of any wire
// format. Every dialect decodes into these types and every wire encodes from
// them; what a format says beyond them is kept as raw JSON beside the part it
// belongs to.
package llm

import "github.com/fairlead-gateway/fairlead/internal/rawjson"

// Role says who speaks in a message.
type Role string

// The roles of the canonical model. A tool message is a message of role Tool
// whose parts are tool results.
const (
	System    Role = "system"
	Developer Role = "developer"
	User      Role = "user"
	Assistant Role = "assistant"
	Tool      Role = "tool"
)

// Request is one request for an answer.
//
// A dialect fills it in two steps: the envelope (everything up to Params), which
// is enough for authorisation, routing and a hop in the same format, and the
// content (Messages, Tools, ToolChoice), which only a translation needs.
type Request struct {
	// From is the dialect the client spoke, for example "chat".
	From string
	// Model is the name that the client asked for.
	Model string
	// Body is the client's body, checked and unchanged.
	Body rawjson.Value
	// Stream asks for the answer as a stream of events.
	Stream bool
	// IncludeUsage asks for the usage within the stream.
	IncludeUsage bool
	// Params are the parameters besides messages and tools under their OpenAI
	// names and in the client's order, gateway-only keys left out.
	Params []Param
	// LenientParams says that this client's protocol always sends parameters that not
	// every model knows and has no way to ask for leaving them out: they are dropped
	// and reported, never refused.
	LenientParams bool
	// Envelope is what the dialect's pass over Body found, for whoever reads Body
	// again (the gateway's own keys, a wire of the same format); nil when it keeps none.
	Envelope *Envelope
	// Expanded says that the content below is filled in.
	Expanded bool

	Messages   []Message
	Tools      []ToolDef
	ToolChoice *ToolChoice
	// ParallelToolCalls is nil when the client does not say.
	ParallelToolCalls *bool
	// ToolNames maps the tools' names of this request to what the client calls them,
	// where its dialect had to change them.
	ToolNames map[string]string
	// Drops says what the dialect itself left out, besides what a wire reports.
	Drops []Drop
	// LegacyFunctions says that the client used the deprecated functions pair and
	// expects function_call in the answer.
	LegacyFunctions bool
}

// Param is one parameter as the client (or a deployment's defaults) wrote it.
type Param struct {
	Name  string
	Value rawjson.Value
}

// Param returns the value of a parameter, or nil.
func (r *Request) Param(name string) rawjson.Value {
	for i := len(r.Params) - 1; i >= 0; i-- {
		if r.Params[i].Name == name {
			return r.Params[i].Value
		}
	}
	return nil
}

// Message is a role and its parts in order.
type Message struct {
	Role  Role
	Name  string
	Parts []Part
	// CacheControl is the provider's cache marker on the whole message, raw.
	CacheControl rawjson.Value
	// Prefix marks a last assistant message that the model must continue.
	Prefix bool
}

// PartKind tells what a part is.
type PartKind uint8

// The closed set of part kinds.
const (
	PartText PartKind = iota + 1
	PartImage
	PartAudio
	PartVideo
	PartFile
	PartThinking
	PartToolCall
	PartToolResult
	PartRefusal
	// PartUnknown is a content part that the dialect does not know; Raw has it.
	PartUnknown
)

// Part is one piece of a message. Which fields count depends on Kind.
type Part struct {
	Kind PartKind
	// Text of a text, thinking or refusal part.
	Text string
	// Media of an image, audio, video or file part.
	Media *Media
	// Call of a tool call.
	Call *ToolCall
	// Result of a tool result.
	Result *ToolResult
	// State is the provider's opaque reasoning state that belongs to this part.
	State *State
	// CacheControl is the provider's cache marker on this part, raw.
	CacheControl rawjson.Value
	// Raw is the part as it came, for kinds that have no field of their own.
	Raw rawjson.Value
}

// State is opaque reasoning state: never changed, and never sent to a provider
// other than the one that made it.
type State struct {
	// Provider made the state: "gemini", "anthropic", or "" when the carrier does
	// not tell.
	Provider string
	// Signature is Gemini's thoughtSignature or Anthropic's thinking signature.
	Signature string
	// Redacted is the data of an Anthropic redacted_thinking block.
	Redacted string
}

// Media is an image, sound, film or document.
type Media struct {
	// MIME type, "" when not known.
	MIME string
	// Data is the content in base64 as it came (standard alphabet), "" when URL or
	// FileID says where it is.
	Data string
	// URL is an http, https, gs or provider file address.
	URL string
	// FileID names a file that was uploaded to the provider.
	FileID string
	// Name is the file's name.
	Name string
	// Detail is the resolution hint of an image: auto, low, high, original.
	Detail string
	// Raw is the part as it came, for hints that only one wire knows (video_metadata).
	Raw rawjson.Value
}

// ToolCall is a call that the model made.
type ToolCall struct {
	// ID without any signature suffix.
	ID string
	// Name of the function.
	Name string
	// Arguments is the JSON text as the model wrote it, never re-encoded; the
	// input text of a custom tool.
	Arguments string
	// Custom marks a call of a free-form tool.
	Custom bool
	// Server marks a call that the provider itself executes (web search, code).
	Server bool
}

// ToolResult is the answer to a tool call.
type ToolResult struct {
	// CallID is the id of the call without any signature suffix.
	CallID string
	// Name of the function, when the client says it.
	Name string
	// Parts hold text and media.
	Parts []Part
	// IsError marks a failed call.
	IsError bool
}

// Text joins the text parts of a result.
func (r *ToolResult) Text() string { return JoinText(r.Parts) }

// JoinText concatenates the text parts.
func JoinText(parts []Part) string {
	if len(parts) == 1 && parts[0].Kind == PartText {
		return parts[0].Text
	}
	var out []byte
	for i := range parts {
		if parts[i].Kind == PartText {
			out = append(out, parts[i].Text...)
		}
	}
	return string(out)
}

// ToolDef is a tool that the model may call.
type ToolDef struct {
	// Type is "function", "custom", or a server tool's type; a tool given as an
	// object with one key (Gemini's googleSearch) has that key as its type.
	Type        string
	Name        string
	Description string
	// Parameters is the JSON Schema of the arguments, nil when absent.
	Parameters rawjson.Value
	// Strict asks for arguments that follow the schema exactly.
	Strict *bool
	// CacheControl is the provider's cache marker, raw.
	CacheControl rawjson.Value
	// Raw is the tool as it came.
	Raw rawjson.Value
}

// ChoiceMode says whether tools may, must or must not be called.
type ChoiceMode uint8

// The modes of a tool choice.
const (
	ChoiceAuto ChoiceMode = iota + 1
	ChoiceNone
	ChoiceRequired
	// ChoiceNamed demands the one tool in Names.
	ChoiceNamed
	// ChoiceAllowedAuto and ChoiceAllowedRequired restrict the tools to Names.
	ChoiceAllowedAuto
	ChoiceAllowedRequired
)

// ToolChoice is the client's wish about tool calls.
type ToolChoice struct {
	Mode  ChoiceMode
	Names []string
}
