package openaichat

import (
	"bytes"
	"slices"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Stream begins a streamed answer. Source: §1.4.
func (Dialect) Stream(req *llm.Request, a wire.Answer) wire.StreamEncoder {
	return &encoder{a: a, includeUsage: req.IncludeUsage, legacy: req.LegacyFunctions}
}

type encoder struct {
	a            wire.Answer
	includeUsage bool
	legacy       bool
	start        llm.Response // what EventStart said
	// head is every chunk up to its choices; all chunks of an answer share it.
	head    []byte
	choices []choiceState
	usage   *llm.Usage
	// usageChunk is the upstream's own usage chunk when the answer passes through.
	usageChunk []byte
	raw        rawSplice
	servers    []int // calls that the vendor runs itself
}

// choiceState is what the encoder must remember of one choice.
type choiceState struct {
	index    int
	role     bool   // the role went out
	calls    bool   // a tool call went out
	thinking []byte // reasoning of the open block, for its signature
	inThink  bool   // <think> is open in the content
}

func (e *encoder) Event(dst []byte, ev *llm.Event) []byte {
	switch ev.Kind {
	case llm.EventRaw:
		return e.rawChunk(dst, ev.Raw)
	case llm.EventStart:
		if ev.Response != nil && e.head == nil {
			e.start = *ev.Response
		}
		return dst
	case llm.EventUsage:
		e.keepUsage(ev)
		return dst
	case llm.EventFinish:
		return e.finish(dst, ev)
	case llm.EventThinking:
		return e.think(dst, ev)
	}
	return e.delta(dst, ev)
}

// keepUsage copies what the event shares with the wire's buffers; the numbers go
// out at the end.
func (e *encoder) keepUsage(ev *llm.Event) {
	if ev.Usage == nil {
		return
	}
	u := *ev.Usage
	u.Raw = u.Raw.Clone()
	e.usage, e.usageChunk = &u, bytes.Clone(ev.Raw)
}

// choice finds the state of a choice; there are one or a few.
func (e *encoder) choice(index int) *choiceState {
	for i := range e.choices {
		if e.choices[i].index == index {
			return &e.choices[i]
		}
	}
	e.choices = append(e.choices, choiceState{index: index})
	return &e.choices[len(e.choices)-1]
}

// begin appends a chunk up to and into its delta; the role goes out with the
// first delta of a choice.
func (e *encoder) begin(dst []byte, c *choiceState) []byte {
	if e.head == nil {
		e.head = e.writeHead()
	}
	dst = append(append(dst, "data: "...), e.head...)
	dst = append(dst, `"choices":[{"index":`...)
	dst = strconv.AppendInt(dst, int64(c.index), 10)
	dst = append(dst, `,"delta":{`...)
	if !c.role {
		c.role = true
		dst = append(dst, `"role":"assistant"`...)
	}
	return dst
}

const endDelta = "}}]}\n\n"

func (e *encoder) writeHead() []byte {
	h := append(make([]byte, 0, 160), '{')
	h = rawjson.AppendStringMember(h, "id", answerID(e.start.ID, e.a))
	h = rawjson.AppendIntMember(h, "created", created(e.start.Created, e.a))
	h = rawjson.AppendStringMember(h, "model", e.a.Model)
	h = rawjson.AppendStringMember(h, "object", "chat.completion.chunk")
	for _, m := range e.start.Extra {
		h = rawjson.AppendMember(h, m.Key, m.Value)
	}
	if e.start.ServiceTier != "" {
		h = rawjson.AppendStringMember(h, "service_tier", e.start.ServiceTier)
	}
	return append(h, ',')
}

func (e *encoder) delta(dst []byte, ev *llm.Event) []byte {
	c := e.choice(ev.Choice)
	var prefix string
	if c.inThink {
		c.inThink, prefix = false, thinkClose
		if ev.Kind != llm.EventText {
			dst = rawjson.AppendStringMember(e.begin(dst, c), "content", prefix)
			dst = append(dst, endDelta...)
		}
	}
	mark, hadRole := len(dst), c.role
	dst = e.begin(dst, c)
	empty := len(dst)
	switch ev.Kind {
	case llm.EventText:
		dst = textDelta(dst, prefix, ev)
	case llm.EventRefusal:
		dst = rawjson.AppendStringMember(dst, "refusal", ev.Delta)
	case llm.EventToolCall:
		c.calls = c.calls || ev.Call != nil && !ev.Call.Server
		dst = e.toolCall(dst, ev)
	case llm.EventToolArgs:
		dst = e.toolArgs(dst, ev)
	case llm.EventState:
		dst = stateDelta(dst, ev)
	case llm.EventImage:
		dst = append(rawjson.AppendKey(dst, "images"), '[')
		dst = append(appendImage(dst, ev.Index, eventMedia(ev)), ']')
	case llm.EventAudio:
		dst = appendAudio(dst, eventMedia(ev), ev.Delta, e.a)
	case llm.EventFields:
		dst = appendFields(dst, ev.Fields, nil)
	}
	if len(dst) == empty {
		c.role = hadRole // there is nothing to say; the role waits
		return dst[:mark]
	}
	return append(dst, endDelta...)
}

// textDelta adds text, and the signature that came with it.
func textDelta(dst []byte, prefix string, ev *llm.Event) []byte {
	if text := prefix + ev.Delta; text != "" {
		dst = rawjson.AppendStringMember(dst, "content", text)
	}
	if sig := thoughtSignature(ev.State); sig != "" {
		dst = appendExtraContent(appendFields(dst, nil, []string{sig}), sig)
	}
	return dst
}

func eventMedia(ev *llm.Event) *llm.Media {
	if ev.Media == nil {
		return &llm.Media{}
	}
	return ev.Media
}

func (e *encoder) toolCall(dst []byte, ev *llm.Event) []byte {
	if ev.Call == nil {
		return dst
	}
	if ev.Call.Server { // the client has nothing to run, so it hears nothing of it
		e.servers = append(e.servers, ev.Index)
		return dst
	}
	if e.legacy {
		dst = append(rawjson.AppendKey(dst, "function_call"), '{')
		dst = rawjson.AppendStringMember(dst, "name", ev.Call.Name)
		return append(rawjson.AppendStringMember(dst, "arguments", ev.Delta), '}')
	}
	sig := thoughtSignature(ev.State)
	dst = append(rawjson.AppendKey(dst, "tool_calls"), '[')
	dst = append(appendCall(dst, e.seat(ev.Index), ev.Call, ev.Delta, sig, e.a.SignatureInID), ']')
	if sig != "" {
		dst = appendFields(dst, nil, []string{sig})
	}
	return dst
}

// seat is the index of a call among those that the client hears of.
func (e *encoder) seat(index int) int {
	for _, server := range e.servers {
		if server < index {
			index--
		}
	}
	return index
}

func (e *encoder) toolArgs(dst []byte, ev *llm.Event) []byte {
	if slices.Contains(e.servers, ev.Index) {
		return dst
	}
	if e.legacy {
		dst = append(rawjson.AppendKey(dst, "function_call"), '{')
		return append(rawjson.AppendStringMember(dst, "arguments", ev.Delta), '}')
	}
	dst = append(rawjson.AppendKey(dst, "tool_calls"), `[{"index":`...)
	dst = strconv.AppendInt(dst, int64(e.seat(ev.Index)), 10)
	if ev.Call != nil && ev.Call.Custom {
		dst = append(dst, `,"custom":{"input":`...)
	} else {
		dst = append(dst, `,"function":{"arguments":`...)
	}
	return append(rawjson.AppendString(dst, ev.Delta), "}}]"...)
}

// stateDelta brings a signature that came after its call or text.
func stateDelta(dst []byte, ev *llm.Event) []byte {
	sig := thoughtSignature(ev.State)
	if sig == "" {
		return dst
	}
	if ev.Index < 0 {
		return appendExtraContent(appendFields(dst, nil, []string{sig}), sig)
	}
	dst = append(rawjson.AppendKey(dst, "tool_calls"), `[{"index":`...)
	dst = strconv.AppendInt(dst, int64(ev.Index), 10)
	dst = append(dst, `,"function":{"arguments":""}`...)
	dst = append(appendCallSignature(dst, sig), "}]"...)
	return appendFields(dst, nil, []string{sig})
}

// maxThinking bounds the reasoning that is kept until its signature comes.
const maxThinking = 4 << 20

func (e *encoder) think(dst []byte, ev *llm.Event) []byte {
	c := e.choice(ev.Choice)
	if ev.Delta != "" {
		if len(c.thinking) < maxThinking {
			c.thinking = append(c.thinking, ev.Delta...)
		}
		dst = e.begin(dst, c)
		switch {
		case !e.a.MergeReasoning:
			dst = rawjson.AppendStringMember(dst, "reasoning_content", ev.Delta)
		case c.inThink:
			dst = rawjson.AppendStringMember(dst, "content", ev.Delta)
		default:
			c.inThink = true
			dst = rawjson.AppendStringMember(dst, "content", thinkOpen+ev.Delta)
		}
		dst = append(dst, endDelta...)
	}
	if ev.State != nil {
		dst = append(rawjson.AppendKey(e.begin(dst, c), "thinking_blocks"), '[')
		dst = append(appendBlock(dst, string(c.thinking), ev.State), ']')
		dst = append(dst, endDelta...)
		c.thinking = c.thinking[:0]
	}
	return dst
}

func (e *encoder) finish(dst []byte, ev *llm.Event) []byte {
	c := e.choice(ev.Choice)
	if c.inThink {
		c.inThink = false
		dst = append(rawjson.AppendStringMember(e.begin(dst, c), "content", thinkClose), endDelta...)
	}
	if !c.role {
		dst = append(append(e.begin(dst, c), `,"content":null`...), endDelta...)
	}
	dst = append(e.begin(dst, c), `},"finish_reason":`...)
	dst = rawjson.AppendString(dst, string(finishOf(ev.Finish, c.calls, e.legacy)))
	if len(ev.Fields) > 0 {
		dst = ev.Fields.Append(rawjson.AppendKey(dst, "provider_specific_fields"))
	}
	return append(dst, "}]}\n\n"...)
}

// Error writes the error frame and the end marker, as LiteLLM does; no finish is
// made up. Source: S11 and the golden vectors.
func (e *encoder) Error(dst []byte, err *llm.Error) []byte {
	status, body := Dialect{}.Error(err)
	_ = status // the stream has begun: its status is 200
	return sse.AppendData(sse.AppendData(dst, body), []byte(sse.Done))
}

// Close writes the usage chunk, when the client asked for one, and the end marker.
func (e *encoder) Close(dst []byte) []byte {
	if e.includeUsage && e.usage != nil {
		dst = e.usageEvent(dst)
	}
	return append(dst, "data: [DONE]\n\n"...)
}

// Ping writes a comment, which clients ignore.
func (e *encoder) Ping(dst []byte) []byte { return sse.AppendComment(dst, "ping") }

func (e *encoder) usageEvent(dst []byte) []byte {
	var cost rawjson.Value
	if e.a.StreamCost != nil {
		cost = e.a.StreamCost(e.usage)
	}
	if e.usageChunk != nil {
		obj := rawjson.ParseObject(e.usageChunk)
		obj.Set("usage", withCost(e.usage.Raw, cost))
		return e.rawChunk(dst, obj.Value())
	}
	if e.head == nil {
		e.head = e.writeHead()
	}
	dst = append(append(dst, "data: "...), e.head...)
	dst = append(dst, `"choices":[],"usage":`...)
	if e.usage.Raw.Kind() == '{' && e.raw.used {
		dst = append(dst, withCost(e.usage.Raw, cost)...)
	} else {
		dst = appendUsage(dst, e.usage, cost)
	}
	return append(dst, "}\n\n"...)
}

// withCost adds the cost to a usage object that has none.
func withCost(usage, cost rawjson.Value) rawjson.Value {
	if len(cost) == 0 || usage.Kind() != '{' || usage.Get("cost").Present() {
		return usage
	}
	obj := rawjson.ParseObject(usage)
	obj.Set("cost", cost)
	return obj.Value()
}
