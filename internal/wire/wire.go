// Package wire defines how a wire format is plugged in: Wire is the format as
// spoken to an upstream, Dialect the same format as spoken by a client. Both are
// pure functions over the canonical model of package llm: no network, clock,
// environment or globals, so that golden vectors and fuzzers reach all of it.
package wire

import (
	"iter"
	"net/http"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
)

// Wire speaks one upstream format.
type Wire interface {
	// Name of the format: "chat", "anthropic", "gemini".
	Name() string
	// Native is the dialect whose requests this wire passes through as bytes
	// (without Expand), or "".
	Native() string
	// Encode writes the request for the target. An error is an *llm.Error that goes
	// to the client (unsupported parameters, contradictions).
	Encode(req *llm.Request, t *Target) (*Call, error)
	// Response reads a whole successful answer. A body that is an error in spite of
	// its status 200, or no answer at all, is an *llm.Error.
	Response(c *Call, body []byte) (*llm.Response, error)
	// Stream reads a streamed answer. The last pair has an error when the stream
	// failed or broke off (io.ErrUnexpectedEOF when no terminal event came); a good
	// end has none. Events are valid until the next iteration.
	Stream(c *Call, r *sse.Reader) iter.Seq2[llm.Event, error]
	// Error reads an unsuccessful answer and never returns nil.
	Error(status int, h http.Header, body []byte) *llm.Error
}

// Repair is a change to a request after the upstream refused it for lost or
// foreign reasoning state; see [Mender].
type Repair string

// The known repairs.
const (
	// RepairSignatures replaces every thought signature by the placeholder.
	RepairSignatures Repair = "signatures"
	// RepairThinking leaves out every thinking block.
	RepairThinking Repair = "thinking"
	// RepairReasoning fills in reasoning_content wherever it may be demanded.
	RepairReasoning Repair = "reasoning"
	// RepairSchema sends tool schemas in the older, smaller form.
	RepairSchema Repair = "schema"
)

// Mender is a wire that knows how to repair a request which the upstream refused.
// The gateway then encodes it again with Target.Repair set and sends it once more,
// at most once a request and repair, without counting a retry.
type Mender interface {
	Mend(c *Call, e *llm.Error) (Repair, bool)
}

// MediaReader is a wire that cannot pass on every address of an image or file.
type MediaReader interface {
	// NeedsData reports whether the content must be fetched by the gateway and sent
	// inline.
	NeedsData(m *llm.Media, t *Target) bool
}

// Fitter is a wire that can tell whether a body of its own format fits a target as
// the client wrote it. One that does not is translated like any other.
type Fitter interface {
	Fits(req *llm.Request, t *Target) bool
}

// TierReader is a wire whose upstream names the service tier in a header.
type TierReader interface {
	ServiceTier(h http.Header) string
}

// Dialect speaks one format with a client.
type Dialect interface {
	// Name of the format: "chat".
	Name() string
	// Decode reads the envelope of a checked body. Errors are *llm.Error.
	Decode(body rawjson.Value) (*llm.Request, error)
	// Expand fills in messages, tools and tool choice. Errors are *llm.Error.
	Expand(req *llm.Request) error
	// Response writes a whole answer.
	Response(req *llm.Request, resp *llm.Response, a Answer) []byte
	// Stream begins the encoding of a streamed answer.
	Stream(req *llm.Request, a Answer) StreamEncoder
	// Error writes an error as status and body.
	Error(e *llm.Error) (status int, body []byte)
}

// RawDecoder is a dialect that checks a body while it reads it: a long one is
// looked at once.
type RawDecoder interface {
	// DecodeRaw is Decode for bytes as the client sent them.
	DecodeRaw(data []byte) (*llm.Request, error)
}

// NotJSON is the error for a body that the check refused.
func NotJSON(err error) *llm.Error {
	return llm.BadRequest("request_body", "Invalid JSON payload: "+err.Error())
}

// Answer is what the gateway decides about an answer.
type Answer struct {
	// Model is the name to show the client.
	Model string
	// CallID is the gateway's id of the request, for ids that must be minted.
	CallID string
	// Created is the time of the answer in seconds since 1970, when the upstream
	// does not say one.
	Created int64
	// SignatureInID appends thought signatures to tool-call ids (LiteLLM's default).
	SignatureInID bool
	// MergeReasoning puts reasoning text into the content between <think> tags.
	MergeReasoning bool
	// Room may take the bytes of a whole answer. It is empty, and of use to nobody after
	// the answer was written.
	Room []byte
	// Provider made the answer, for provider-specific fields.
	Provider string
	// JSONArray asks for a Gemini stream as one JSON array instead of events.
	JSONArray bool
	// OnDone, when set, is told the id and the whole of a complete answer in the
	// dialect's own format, before the client sees its end.
	OnDone func(id string, answer rawjson.Value)
	// StreamCost, when set, gives the cost in USD as JSON number for the usage chunk
	// of a stream; nil or an absent value leaves it out.
	StreamCost func(*llm.Usage) rawjson.Value
}

// StreamEncoder writes the events of one streamed answer. Every method appends
// complete SSE events to dst.
type StreamEncoder interface {
	Event(dst []byte, ev *llm.Event) []byte
	// Error writes a failure after the answer has begun. Nothing follows it.
	Error(dst []byte, e *llm.Error) []byte
	// Close writes the end of a good stream.
	Close(dst []byte) []byte
	// Ping writes a keepalive.
	Ping(dst []byte) []byte
}

// ContentTyper is a stream encoder whose stream is not text/event-stream.
type ContentTyper interface {
	ContentType() string
}

// Call is an encoded request and what is needed to read its answer.
type Call struct {
	// Path is appended to the base URL, for example "/chat/completions"; with
	// Absolute it replaces it.
	Path     string
	Absolute bool
	// Header holds headers besides credentials and content type.
	Header http.Header
	// Body is the encoded request, or its begin when Rest is not empty: long parts
	// of the client's body that go upstream as they came are not copied.
	Body []byte
	Rest [][]byte
	// Dropped says what translation left out or changed, for the header
	// x-fairlead-dropped and the log.
	Dropped []llm.Drop
	// Native says that Body is the client's own format and the answer passes through.
	Native bool
	// Aggregate says that the upstream streams although the client does not want a
	// stream; the events are collected into one answer.
	Aggregate bool

	// Signatures and Blocks count what the wire put back of [Recall.State].
	Signatures, Blocks int
	// Tap is told of the reasoning state in an answer that passes through, before the
	// bytes that carry it go on; nil when nobody wants it.
	Tap Tap

	// Seed makes minted ids unique; the gateway sets it to the request's id.
	Seed string
	// Request and Target are those of Encode, for reading the answer.
	Request *llm.Request
	Target  *Target
	// Names maps tool names as sent upstream back to the client's.
	Names map[string]string
	// JSONTool is the name of the tool that stands in for a response format; its
	// arguments become the text of the answer.
	JSONTool string
}

// Tap follows the reasoning state of an answer that passes through as bytes: thinking
// blocks and tool calls, as the events that a translation would make of them. Text is
// left out, and so is a call that no state belongs to.
type Tap interface {
	Event(ev *llm.Event)
}

// Tell tells the tap, if there is one.
func (c *Call) Tell(ev llm.Event) {
	if c.Tap != nil {
		c.Tap.Event(&ev)
	}
}

// Whole is the body in one piece.
func (c *Call) Whole() []byte {
	if len(c.Rest) == 0 {
		return c.Body
	}
	return slices.Concat(c.Body, slices.Concat(c.Rest...))
}

// ToolName returns the client's name of a tool.
func (c *Call) ToolName(upstream string) string {
	if name, ok := c.Names[upstream]; ok {
		return name
	}
	return upstream
}
