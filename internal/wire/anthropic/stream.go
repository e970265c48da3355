package anthropic

import (
	"errors"
	"io"
	"iter"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// maxOpenBlocks bounds the content blocks that a stream may have open at once; real
// ones have one.
const maxOpenBlocks = 64

// Stream implements [wire.Wire] (specification §3.11).
func (w Wire) Stream(c *wire.Call, r *sse.Reader) iter.Seq2[llm.Event, error] {
	if c.Native {
		return nativeStream(c, r)
	}
	return func(yield func(llm.Event, error) bool) {
		s := streamReader{call: c, yield: yield}
		for !s.gone && !s.done {
			ev, err := r.Next()
			switch {
			case err == nil:
				err = s.event(ev.Name, ev.Data)
			case errors.Is(err, io.EOF) || s.stop != nil: // all has come but the end marker
				err = s.endOfInput()
			}
			if err != nil && !s.gone {
				yield(llm.Event{}, err)
				return
			}
		}
	}
}

// streamReader follows one streamed answer.
type streamReader struct {
	call  *wire.Call
	yield func(llm.Event, error) bool
	// gone says that the consumer has stopped, done that the stream has ended well.
	gone, done bool
	started    bool
	open       []openBlock
	tools      int // tool calls so far
	calls      int // of them, those that the client must answer
	answered   bool
	held       string // text that waits for the tool of a format
	stop       rawjson.Value
	usage      *usage
	reasoning  tokens.Estimator
}

// openBlock is a content block between its start and its stop.
type openBlock struct {
	at     int64 // its index in the stream
	kind   blockKind
	tool   int // index of the tool call
	answer bool
	custom bool
	// got says that arguments have arrived; input is what the start carried.
	got       bool
	input     string
	buf       []byte // arguments that must be read as a whole
	signature string
}

func (s *streamReader) emit(ev llm.Event) {
	if !s.gone && !s.yield(ev, nil) {
		s.gone = true
	}
}

// event handles the payload of one SSE event.
func (s *streamReader) event(name string, data []byte) error {
	switch {
	case string(data) == sse.Done:
		return s.end()
	case name == eventError:
		return failedWith(data)
	}
	v, err := rawjson.Check(data)
	if err != nil {
		return unreadable(s.call, "The upstream's stream holds an event that is not JSON: "+err.Error()+".", err)
	}
	var f eventFields
	f.read(v)
	switch string(f.kind) { // quoted, to save a copy per event
	case `"content_block_delta"`:
		s.delta(&f)
	case `"content_block_start"`:
		return s.blockStart(&f)
	case `"content_block_stop"`:
		s.blockStop(&f)
	case `"message_start"`:
		s.messageStart(f.message)
	case `"message_delta"`:
		s.messageDelta(&f)
	case `"message_stop"`:
		return s.end()
	default:
		return stray(v)
	}
	return nil
}

// eventFields are the members of an event that matter.
type eventFields struct {
	kind, index, delta, block, message, usage rawjson.Value
}

func (f *eventFields) read(v rawjson.Value) {
	for m := range v.Fields() {
		switch string(m.Key) {
		case `"type"`:
			f.kind = m.Value
		case `"index"`:
			f.index = m.Value
		case `"delta"`:
			f.delta = m.Value
		case `"content_block"`:
			f.block = m.Value
		case `"message"`:
			f.message = m.Value
		case `"usage"`:
			f.usage = m.Value
		}
	}
}

func (s *streamReader) messageStart(m rawjson.Value) {
	resp := &llm.Response{ID: m.Get("id").Text(), Model: m.Get("model").Text()}
	if u := m.Get("usage"); u.Kind() == '{' {
		s.usage = readUsage(u.Clone())
		resp.ServiceTier = s.usage.ServiceTier
	}
	s.start(resp)
}

// start opens the answer once, also for upstreams that leave message_start out.
func (s *streamReader) start(resp *llm.Response) {
	if !s.started {
		s.started = true
		s.emit(llm.Event{Kind: llm.EventStart, Response: resp})
	}
}

func (s *streamReader) messageDelta(f *eventFields) {
	if f.delta.Get("stop_reason").Present() {
		s.stop = f.delta.Clone()
	}
	if f.usage.Kind() != '{' {
		return
	}
	if s.usage == nil {
		s.usage = &usage{}
	}
	s.usage.update(f.usage.Clone())
}

func (s *streamReader) blockStart(f *eventFields) error {
	if len(s.open) >= maxOpenBlocks {
		return unreadable(s.call, "The upstream's stream opens too many content blocks at once.", nil)
	}
	s.start(&llm.Response{})
	at, _ := f.index.Int()
	b := openBlock{at: at}
	switch kind := f.block.Get("type").Text(); kind {
	case "text":
		b.kind = blockText
		s.text(f.block.Get("text").Text())
	case "thinking":
		b.kind, b.signature = blockThinking, f.block.Get("signature").Text()
		s.thinkingText(f.block.Get("thinking").Text())
	case "redacted_thinking":
		s.emit(llm.Event{Kind: llm.EventThinking, State: &llm.State{Provider: providerName, Redacted: f.block.Get("data").Text()}})
	case "tool_use", "server_tool_use", "mcp_tool_use":
		if f.block.Get("name").Text() == "" {
			return unreadable(s.call, "The upstream's answer calls a tool without its name.", nil)
		}
		s.toolStart(&b, f.block, kind != "tool_use")
	case "web_search_tool_result", "web_fetch_tool_result":
		s.fields("web_search_results", f.block)
	case "compaction":
		s.fields("compaction_blocks", f.block)
	default:
		if strings.HasSuffix(kind, "_tool_result") {
			s.fields("tool_results", f.block)
		}
	}
	s.open = append(s.open, b)
	return nil
}

func (s *streamReader) fields(name string, elem rawjson.Value) {
	s.emit(llm.Event{Kind: llm.EventFields, Fields: rawjson.Object{{Key: name, Value: appendElem(nil, elem)}}})
}

func (s *streamReader) toolStart(b *openBlock, v rawjson.Value, server bool) {
	b.kind = blockToolUse
	name := v.Get("name").Text()
	if in := v.Get("input"); in.Kind() == '{' && in.Len() > 0 {
		b.input = string(in)
	}
	if s.call.JSONTool != "" && name == s.call.JSONTool {
		b.answer, s.answered, s.held = true, true, ""
		return
	}
	b.tool = s.tools
	s.tools++
	call := &llm.ToolCall{ID: callID(s.call, v.Get("id").Text(), b.tool), Name: s.call.ToolName(name), Server: server}
	if !server {
		s.calls++
		b.custom = isCustom(s.call, call.Name)
		call.Custom = b.custom
	}
	s.emit(llm.Event{Kind: llm.EventToolCall, Index: b.tool, Call: call})
}

// block finds an open block by its index, nil when it was never opened.
func (s *streamReader) block(index rawjson.Value) *openBlock {
	at, _ := index.Int()
	for i := len(s.open) - 1; i >= 0; i-- {
		if s.open[i].at == at {
			return &s.open[i]
		}
	}
	return nil
}

func (s *streamReader) delta(f *eventFields) {
	s.start(&llm.Response{})
	for m := range f.delta.Fields() {
		switch string(m.Key) {
		case `"text"`:
			s.text(m.Value.Text())
		case `"thinking"`:
			s.thinkingText(m.Value.Text())
		case `"partial_json"`:
			s.arguments(s.block(f.index), m.Value.Text())
		case `"signature"`:
			if b := s.block(f.index); b != nil {
				b.signature += m.Value.Text()
			}
		case `"citation"`:
			s.emit(llm.Event{Kind: llm.EventFields, Fields: rawjson.Object{{Key: "citation", Value: m.Value.Clone()}}})
		}
	}
}

// text passes text on, or holds it while the tool of a format may still replace it.
func (s *streamReader) text(t string) {
	switch {
	case t == "":
	case s.call.JSONTool != "" && s.answered:
	case s.call.JSONTool != "":
		s.held += t
	default:
		s.emit(llm.Event{Kind: llm.EventText, Delta: t})
	}
}

func (s *streamReader) thinkingText(t string) {
	if t != "" {
		s.reasoning.Add(t)
		s.emit(llm.Event{Kind: llm.EventThinking, Delta: t})
	}
}

func (s *streamReader) arguments(b *openBlock, partial string) {
	if b == nil || partial == "" || b.kind != blockToolUse {
		return
	}
	b.got = true
	switch {
	case b.custom || b.answer && s.call.JSONTool == jsonToolValues:
		b.buf = append(b.buf, partial...)
	case b.answer:
		s.emit(llm.Event{Kind: llm.EventText, Delta: partial})
	default:
		s.emit(llm.Event{Kind: llm.EventToolArgs, Index: b.tool, Delta: partial})
	}
}

func (s *streamReader) blockStop(f *eventFields) {
	at, _ := f.index.Int()
	for i := range s.open {
		if s.open[i].at == at {
			b := s.open[i]
			s.open = slices.Delete(s.open, i, i+1)
			s.closeBlock(&b)
			return
		}
	}
}

// closeBlock emits what only the end of a block tells: the signature of thinking,
// arguments that are read as a whole, and {} for a call without any.
func (s *streamReader) closeBlock(b *openBlock) {
	if b.kind == blockThinking && b.signature != "" {
		s.emit(llm.Event{Kind: llm.EventThinking, State: signed(b.signature)})
	}
	if b.kind != blockToolUse {
		return
	}
	if !b.got {
		if b.input == "" {
			b.input = "{}"
		}
		s.arguments(b, b.input)
	}
	switch {
	case b.custom:
		s.emit(llm.Event{Kind: llm.EventToolArgs, Index: b.tool, Delta: customInput(string(b.buf))})
	case b.answer && len(b.buf) > 0:
		s.emit(llm.Event{Kind: llm.EventText, Delta: wholeAnswer(s.call.JSONTool, b.buf)})
	}
}

func wholeAnswer(tool string, buf []byte) string {
	v, err := rawjson.Check(buf)
	if err != nil {
		return string(buf)
	}
	return formatAnswer(tool, v)
}

// endOfInput closes a stream that just ends: some upstreams leave message_stop out.
// Without a stop reason it broke off.
func (s *streamReader) endOfInput() error {
	if s.stop == nil {
		return io.ErrUnexpectedEOF
	}
	return s.end()
}

// end closes a stream that says so itself.
func (s *streamReader) end() error {
	if !s.started {
		return io.ErrUnexpectedEOF
	}
	for i := range s.open {
		s.closeBlock(&s.open[i])
	}
	s.open = nil
	if s.held != "" {
		s.emit(llm.Event{Kind: llm.EventText, Delta: s.held})
	}
	s.finish()
	s.done = true
	return nil
}

func (s *streamReader) finish() {
	stop := readStop(s.stop)
	reason := stop.reason.Text()
	if why := stop.details.Get("explanation").Text(); reason == "refusal" && why != "" {
		s.emit(llm.Event{Kind: llm.EventRefusal, Delta: why})
	}
	if fields := stop.fields(); fields != nil {
		s.emit(llm.Event{Kind: llm.EventFields, Fields: fields})
	}
	s.emit(llm.Event{Kind: llm.EventFinish, Finish: finishOf(reason, s.calls, s.answered)})
	if s.usage != nil {
		s.usage.finish(s.reasoning.Tokens())
		s.emit(llm.Event{Kind: llm.EventUsage, Usage: &s.usage.Usage})
	}
}
