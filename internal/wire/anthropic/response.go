package anthropic

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response implements [wire.Wire].
func (w Wire) Response(c *wire.Call, body []byte) (*llm.Response, error) {
	var few [4]contentBlock
	msg, blocks, err := readMessage(body, few[:0])
	if err != nil {
		return nil, unreadable(c, "The upstream's answer is not JSON: "+err.Error()+".", err)
	}
	if msg.kind.Is("error") || msg.failed.Kind() == '{' {
		return nil, w.Error(statusOf(msg.failed.Get("type").Text()), nil, body)
	}
	if msg.content.Kind() != '[' {
		return nil, unreadable(c, "The upstream's answer is no message: it has no content.", nil)
	}
	if c.Native && (c.Request == nil || !c.Request.Stream) { // one that was to be a stream is told in events
		return nativeResponse(c, &msg), nil
	}
	m := messageReader{call: c}
	for i := range blocks {
		if b := &blocks[i]; b.kind.Is("tool_use") && b.name.Text() == "" {
			return nil, unreadable(c, "The upstream's answer calls a tool without its name.", nil)
		}
		m.block(&blocks[i])
	}
	resp := &llm.Response{ID: msg.id.Text(), Model: msg.model.Text(), Choices: []llm.Choice{m.choice(&msg)}}
	if msg.usage.Kind() == '{' {
		usage := readUsage(msg.usage)
		usage.finish(m.reasoning.Tokens())
		resp.Usage, resp.ServiceTier = &usage.Usage, usage.ServiceTier
	}
	return resp, nil
}

// message are the members of an answer, and contentBlock those of one of its blocks.
type (
	message struct {
		whole, kind, failed, content, id, model, usage rawjson.Value
		container, management                          rawjson.Value
		stop                                           stopping
	}
	contentBlock struct {
		whole, kind, text, thinking, signature, data, citations, name, input, id rawjson.Value
	}
)

// readMessage checks and reads an answer in one look at its bytes; blocks is room for
// those of its content. Of a member that comes twice the last one counts.
func readMessage(body []byte, blocks []contentBlock) (message, []contentBlock, error) {
	var m message
	c := rawjson.Checking(body)
	begin := c.I
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch key := c.Key().Bare(); string(key) {
		case "content":
			at := c.I
			blocks = readBlocks(&c, blocks[:0])
			m.content = rawjson.Value(body[at:c.I])
		default:
			v := c.Skip()
			if slot := m.slot(key); slot != nil {
				*slot = v
			}
		}
	}
	m.whole = rawjson.Value(body[begin:c.I])
	return m, blocks, c.End()
}

func (m *message) slot(key []byte) *rawjson.Value {
	switch string(key) {
	case "type":
		return &m.kind
	case "error":
		return &m.failed
	case "id":
		return &m.id
	case "model":
		return &m.model
	case "usage":
		return &m.usage
	case "container":
		return &m.container
	case "context_management":
		return &m.management
	}
	return m.stop.slot(key)
}

func readBlocks(c *rawjson.Cursor, blocks []contentBlock) []contentBlock {
	if c.Peek() != '[' {
		c.Skip()
	}
	for ok := c.Open('['); ok; ok = c.Next() {
		blocks = append(blocks, contentBlock{})
		blocks[len(blocks)-1].read(c)
	}
	return blocks
}

func (b *contentBlock) read(c *rawjson.Cursor) {
	at := c.I
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key().Bare()
		v := c.Skip()
		if slot := b.slot(key); slot != nil {
			*slot = v
		}
	}
	b.whole = rawjson.Value(c.B[at:c.I])
}

func (b *contentBlock) slot(key []byte) *rawjson.Value {
	switch string(key) {
	case "type":
		return &b.kind
	case "text":
		return &b.text
	case "thinking":
		return &b.thinking
	case "signature":
		return &b.signature
	case "data":
		return &b.data
	case "citations":
		return &b.citations
	case "name":
		return &b.name
	case "input":
		return &b.input
	case "id":
		return &b.id
	}
	return nil
}

// messageReader collects the content blocks of an answer.
type messageReader struct {
	call        *wire.Call
	parts       []llm.Part
	runes       int // of the text so far, for annotations
	citations   rawjson.Value
	annotations rawjson.Value
	searches    rawjson.Value
	results     rawjson.Value
	compactions rawjson.Value
	answer      string // the input of the tool that stands for a format
	answered    bool
	calls       int
	reasoning   tokens.Estimator
}

func (m *messageReader) block(b *contentBlock) {
	switch kind := b.kind.Text(); kind {
	case "text":
		m.text(b)
	case "thinking":
		text := b.thinking.Text()
		m.reasoning.Add(text)
		m.parts = append(m.parts, llm.Part{
			Kind: llm.PartThinking, Text: text, State: signed(b.signature.Text()),
		})
	case "redacted_thinking":
		m.parts = append(m.parts, llm.Part{
			Kind: llm.PartThinking, State: &llm.State{Provider: providerName, Redacted: b.data.Text()},
		})
	case "tool_use", "server_tool_use", "mcp_tool_use":
		m.toolUse(b, kind != "tool_use")
	case "compaction":
		m.compactions = appendElem(m.compactions, b.whole)
	case "web_search_tool_result", "web_fetch_tool_result":
		m.searches = appendElem(m.searches, b.whole)
	default:
		if strings.HasSuffix(kind, "_tool_result") {
			m.results = appendElem(m.results, b.whole)
		}
	}
}

// signed is the state of a thinking block, nil without a signature.
func signed(signature string) *llm.State {
	if signature == "" {
		return nil
	}
	return &llm.State{Provider: providerName, Signature: signature}
}

func (m *messageReader) text(b *contentBlock) {
	text := b.text.Text()
	if text != "" {
		m.parts = append(m.parts, llm.Part{Kind: llm.PartText, Text: text})
	}
	start := m.runes
	m.runes += utf8.RuneCountInString(text)
	for _, c := range b.citations.Elems() {
		m.citations = appendElem(m.citations, withText(c, text))
		if c.Get("type").Is("web_search_result_location") {
			m.annotations = appendElem(m.annotations, annotation(c, start, m.runes))
		}
	}
}

// withText adds the text that a citation supports.
func withText(citation rawjson.Value, text string) rawjson.Value {
	o := rawjson.ParseObject(citation)
	o.Set("supported_text", rawjson.String(text))
	return o.Value()
}

// annotation is a web citation in the form of Chat Completions.
func annotation(c rawjson.Value, start, end int) rawjson.Value {
	dst := []byte(`{"type":"url_citation","url_citation":{`)
	dst = rawjson.AppendIntMember(dst, "start_index", int64(start))
	dst = rawjson.AppendIntMember(dst, "end_index", int64(end))
	dst = rawjson.AppendStringMember(dst, "title", c.Get("title").Text())
	dst = rawjson.AppendStringMember(dst, "url", c.Get("url").Text())
	return append(dst, "}}"...)
}

func appendElem(list, v rawjson.Value) rawjson.Value {
	if list == nil {
		list = rawjson.Value("[]")
	}
	return append(append(rawjson.AppendComma(list[:len(list)-1]), v...), ']')
}

func (m *messageReader) toolUse(b *contentBlock, server bool) {
	name, input := b.name.Text(), b.input
	if !input.Present() {
		input = rawjson.Value("{}")
	}
	if m.call.JSONTool != "" && name == m.call.JSONTool {
		m.answer, m.answered = formatAnswer(m.call.JSONTool, input), true
		return
	}
	call := &llm.ToolCall{ID: callID(m.call, b.id.Text(), len(m.parts)), Name: m.call.ToolName(name), Arguments: string(input), Server: server}
	if !server {
		m.calls++
		asCustom(m.call, call)
	}
	m.parts = append(m.parts, llm.Part{Kind: llm.PartToolCall, Call: call})
}

// callID is the id of a call, made when the upstream gave it none.
func callID(c *wire.Call, id string, seat int) string {
	if id != "" {
		return id
	}
	sum := sha256.Sum256([]byte(c.Seed + "\x00" + strconv.Itoa(seat)))
	return "toolu_" + hex.EncodeToString(sum[:12])
}

// formatAnswer is the text that the input of a format's tool stands for.
func formatAnswer(tool string, input rawjson.Value) string {
	if tool == jsonToolValues {
		if v := input.Get("values"); v != nil {
			return string(v)
		}
	}
	return string(input)
}

// isCustom reports whether the client defined the tool as a free-form one.
func isCustom(c *wire.Call, name string) bool {
	if c.Request == nil {
		return false
	}
	for i := range c.Request.Tools {
		if t := &c.Request.Tools[i]; t.Name == name {
			return freeForm(t)
		}
	}
	return false
}

// asCustom gives a call of a free-form tool its text back.
func asCustom(c *wire.Call, call *llm.ToolCall) {
	if isCustom(c, call.Name) {
		call.Custom, call.Arguments = true, customInput(call.Arguments)
	}
}

// customInput takes the text out of the object that a free-form tool is called with.
func customInput(arguments string) string {
	v, err := rawjson.Check([]byte(arguments))
	if err != nil {
		return arguments
	}
	if s, ok := v.Get("input").Str(); ok {
		return s
	}
	return arguments
}

// choice makes the one choice of the answer.
func (m *messageReader) choice(msg *message) llm.Choice {
	if m.answered {
		m.keepAnswer()
	}
	stop := msg.stop.reason.Text()
	ch := llm.Choice{Parts: m.parts, Finish: finishOf(stop, m.calls, m.answered), Annotations: m.annotations}
	if why := msg.stop.details.Get("explanation").Text(); stop == "refusal" && why != "" {
		ch.Parts = append(ch.Parts, llm.Part{Kind: llm.PartRefusal, Text: why})
	}
	ch.Fields = msg.stop.fields()
	for _, f := range []rawjson.Member{
		{Key: "citations", Value: m.citations},
		{Key: "web_search_results", Value: m.searches},
		{Key: "tool_results", Value: m.results},
		{Key: "compaction_blocks", Value: m.compactions},
		{Key: "container", Value: msg.container},
		{Key: "context_management", Value: msg.management},
	} {
		if f.Value.Present() {
			ch.Fields = append(ch.Fields, f)
		}
	}
	return ch
}

// keepAnswer makes the format's answer the only text.
func (m *messageReader) keepAnswer() {
	kept := m.parts[:0]
	for _, p := range m.parts {
		if p.Kind != llm.PartText {
			kept = append(kept, p)
		}
	}
	m.parts = append(kept, llm.Part{Kind: llm.PartText, Text: m.answer})
}

// stopping is how an answer ended.
type stopping struct{ reason, sequence, details rawjson.Value }

func readStop(v rawjson.Value) (s stopping) {
	for f := range v.Fields() {
		if slot := s.slot(f.Key.Bare()); slot != nil {
			*slot = f.Value
		}
	}
	return s
}

func (s *stopping) slot(key []byte) *rawjson.Value {
	switch string(key) {
	case "stop_reason":
		return &s.reason
	case "stop_sequence":
		return &s.sequence
	case "stop_details":
		return &s.details
	}
	return nil
}

// fields is what finish_reason cannot say: the stop sequence that was hit, and the
// reasons that Chat Completions does not know.
func (s *stopping) fields() (fields rawjson.Object) {
	if s.sequence.Present() {
		fields = append(fields, rawjson.Member{Key: "stop_sequence", Value: s.sequence})
	}
	switch string(s.reason.Bare()) {
	case "end_turn", "max_tokens", "tool_use", "stop_sequence", "":
	default:
		fields = append(fields, rawjson.Member{Key: "stop_reason", Value: s.reason})
	}
	if s.details.Present() {
		fields = append(fields, rawjson.Member{Key: "stop_details", Value: s.details})
	}
	return fields
}

// finishOf maps a stop reason (specification §3.9). An answer whose only tool call
// stood for a format has stopped.
func finishOf(reason string, calls int, answered bool) llm.Finish {
	switch reason {
	case "max_tokens", "model_context_window_exceeded", "compaction", "pause_turn":
		return llm.FinishLength
	case "refusal":
		return llm.FinishContentFilter
	case "tool_use":
		if answered && calls == 0 {
			return llm.FinishStop
		}
		return llm.FinishToolCalls
	}
	if calls > 0 && reason == "" {
		return llm.FinishToolCalls
	}
	return llm.FinishStop
}
