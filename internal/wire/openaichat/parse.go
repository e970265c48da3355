package openaichat

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
)

// Response reads a whole answer. For a hop in the same format the body stays the
// upstream's bytes, made regular where it breaks a rule that clients depend on.
func (Wire) Response(c *wire.Call, body []byte) (*llm.Response, error) {
	var one [1]choice // nearly every answer has a single one
	v, top, choices, err := readAnswer(body, one[:0])
	if err != nil {
		return nil, errtext.NoAnswer("is not JSON", err)
	}
	if v.Kind() != '{' {
		return nil, errtext.NoAnswer("is not a JSON object", nil)
	}
	if err := top.failure(quirksOf(c.Target), len(choices) == 0); err != nil {
		return nil, err
	}
	p := parser{call: c, full: !c.Native || streams(c), keep: quirksOf(c.Target).Reasoning != ""}
	resp := top.response()
	resp.Choices = make([]llm.Choice, len(choices))
	for i := range choices {
		h := &choices[i]
		if err := choiceFailure(h.finish, h.whole); err != nil {
			return nil, err
		}
		if err := h.lacking(); err != nil {
			return nil, err
		}
		resp.Choices[i] = p.choice(resp.ID, h)
	}
	if c.Native {
		if resp.Body = v; p.irregular {
			resp.Body = p.regular(v)
		}
	}
	return resp, nil
}

// streams says that the client waits for a stream: an answer that came whole all
// the same is told to it in events.
func streams(c *wire.Call) bool { return c.Request != nil && c.Request.Stream }

// top are the members of an answer (or of a chunk of one) that the gateway reads.
type top struct {
	id, created, model, choices, usage, tier, failed, baseResp, fingerprint, groq rawjson.Value
}

func readTop(v rawjson.Value) top {
	var t top
	for f := range v.Fields() {
		if slot := t.slot(f.Key.Bare()); slot != nil {
			*slot = f.Value
		}
	}
	return t
}

func (t *top) slot(key []byte) *rawjson.Value {
	switch string(key) {
	case "id":
		return &t.id
	case "created":
		return &t.created
	case "model":
		return &t.model
	case "choices":
		return &t.choices
	case "usage":
		return &t.usage
	case "service_tier":
		return &t.tier
	case "error":
		return &t.failed
	case "base_resp":
		return &t.baseResp
	case "system_fingerprint":
		return &t.fingerprint
	case "x_groq":
		return &t.groq
	}
	return nil
}

// choice are the members of a choice that the gateway reads.
type choice struct {
	whole, index, message, finish, logprobs rawjson.Value
	fields                                  fields
}

// readAnswer checks and reads an answer in one look at its bytes; choices is room
// for them. Of a member that comes twice the last one counts.
func readAnswer(body []byte, choices []choice) (rawjson.Value, top, []choice, error) {
	var t top
	c := rawjson.Checking(body)
	begin := c.I
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key().Bare()
		if string(key) == "choices" {
			choices = readChoices(&c, choices[:0])
			continue
		}
		if value, slot := c.Skip(), t.slot(key); slot != nil {
			*slot = value
		}
	}
	end := c.I
	return rawjson.Value(body[begin:end]), t, choices, c.End()
}

func readChoices(c *rawjson.Cursor, choices []choice) []choice {
	if c.Peek() != '[' {
		c.Skip()
		return choices
	}
	for ok := c.Open('['); ok; ok = c.Next() {
		choices = append(choices, choice{})
		choices[len(choices)-1].read(c)
	}
	return choices
}

func (h *choice) read(c *rawjson.Cursor) {
	at := c.I
	if c.Peek() != '{' {
		c.Skip()
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch key := c.Key().Bare(); string(key) {
		case "message":
			h.readMessage(c)
		case "index":
			h.index = c.Skip()
		case "finish_reason":
			h.finish = c.Skip()
		case "logprobs":
			h.logprobs = c.Skip()
		default:
			c.Skip()
		}
	}
	h.whole = rawjson.Value(c.B[at:c.I])
}

// lacking is the error of a choice that says nothing, or calls nothing that has a name.
func (h *choice) lacking() error {
	if h.message.Kind() != '{' {
		return errtext.NoAnswer("has a choice without a message", nil)
	}
	for _, call := range h.fields.toolCalls.Elems() {
		if call.Path("function", "name").Text() == "" && call.Path("custom", "name").Text() == "" {
			return nameless()
		}
	}
	return nil
}

func (h *choice) readMessage(c *rawjson.Cursor) {
	at := c.I
	if h.fields = (fields{}); c.Peek() == '{' {
		h.fields = readFieldsAt(c)
	} else {
		c.Skip()
	}
	h.message = rawjson.Value(c.B[at:c.I])
}

func (t *top) response() *llm.Response {
	r := &llm.Response{ID: t.id.Text(), Model: t.model.Text(), ServiceTier: t.tier.Text(), Usage: ParseUsage(t.usageValue())}
	r.Created, _ = t.created.Int()
	if t.fingerprint.Present() {
		r.Extra = rawjson.Object{{Key: "system_fingerprint", Value: t.fingerprint}}
	}
	return r
}

// usageValue is the usage, wherever the provider puts it.
func (t *top) usageValue() rawjson.Value {
	if t.usage.Kind() == '{' {
		return t.usage
	}
	return t.groq.Get("usage")
}

// failure is the error that an answer with status 200 holds, or nil; empty says that it
// has no choices.
func (t *top) failure(q *wire.Quirks, empty bool) error {
	if q.BaseResp {
		if n, ok := t.baseResp.Get("status_code").Int(); ok && n != 0 {
			return baseRespError(n, t.baseResp)
		}
	}
	if t.failed.Present() && empty {
		return errorWithin(t.failed)
	}
	if empty {
		return errtext.NoAnswer("has no choices", nil)
	}
	return nil
}

// baseRespError reads MiniMax's error within an answer with status 200.
func baseRespError(code int64, v rawjson.Value) *llm.Error {
	status := http.StatusInternalServerError
	switch code {
	case 1004, 2049:
		status = http.StatusUnauthorized
	case 1008:
		status = http.StatusPaymentRequired
	case 1002, 1039, 1041, 2045, 2056:
		status = http.StatusTooManyRequests
	case 1013, 1026, 1027, 1042, 2013, 20132:
		status = http.StatusBadRequest
	}
	e := upstreamError(status, v.Get("status_msg").Text()+" (code "+strconv.FormatInt(code, 10)+")", string(v))
	if code == 1026 || code == 1027 {
		e.Kind = llm.KindContentPolicy
	}
	e.UpstreamStatus = status
	return e
}

// choiceFailure is the error that stands in place of a choice with this finish
// reason, or nil.
func choiceFailure(reason, choice rawjson.Value) error {
	switch {
	case reason.Is(noResource):
		return outOfResource()
	case reason.Is("error"):
		if v := choice.Get("error"); v.Present() {
			return errorWithin(v)
		}
		return errtext.NoAnswer("ended with an error that it does not name", nil)
	}
	return nil
}

// outOfResource is DeepSeek's lack of capacity: another try may succeed.
func outOfResource() *llm.Error {
	e := upstreamError(http.StatusServiceUnavailable, "The upstream stopped for lack of resources ("+noResource+").", "")
	e.UpstreamStatus = http.StatusOK
	return e
}

// parser reads the choices of one answer.
type parser struct {
	call *wire.Call
	// full reads everything; otherwise only what the gateway itself needs.
	full bool
	// keep reads reasoning and calls for the keeper of reasoning state.
	keep bool
	// irregular says that some choice breaks a rule.
	irregular bool
}

func (p *parser) choice(answer string, h *choice) llm.Choice {
	var c llm.Choice
	index, _ := h.index.Int()
	c.Index = int(index)
	f := &h.fields
	c.Finish = legalFinish(finishWord(h.finish), f.toolCalls.First() != nil)
	p.irregular = p.irregular || !h.finish.Is(string(c.Finish)) || aliased(f) || listContent(f) || unnamed(f.toolCalls)
	if p.full || p.keep {
		c.Parts = p.parts(answer, f)
	}
	if p.full {
		c.Logprobs, c.Annotations = present(h.logprobs), present(h.message.Get("annotations"))
		if c.Finish == llm.FinishFunctionCall {
			c.Finish = llm.FinishToolCalls
		}
	}
	return c
}

// aliased says that reasoning stands under another name than reasoning_content.
func aliased(f *fields) bool {
	return f.reasoningContent == nil && (f.reasoning.Kind() == '"' || f.reasoningDetails != nil && detailsText(f.reasoningDetails) != "")
}

// listContent says that the content is a list, as Magistral's thinking has it.
func listContent(f *fields) bool { return f.content.Kind() == '[' }

// unnamed says that some call lacks an id, or has no text as its arguments.
func unnamed(calls rawjson.Value) bool {
	for _, c := range calls.Elems() {
		if c.Get("id").Text() == "" || c.Get("function").Kind() == '{' && len(c.Path("function", "arguments").Bare()) == 0 {
			return true
		}
	}
	return false
}

func (p *parser) parts(answer string, f *fields) []llm.Part {
	var parts []llm.Part
	text, thought := splitContent(f.content)
	if thought == "" {
		thought = reasoningText(*f)
	}
	if thought != "" {
		parts = append(parts, llm.Part{Kind: llm.PartThinking, Text: thought})
	}
	if f.content.Kind() == '"' || text != "" {
		parts = append(parts, llm.Part{Kind: llm.PartText, Text: text})
	}
	if s := f.refusal.Text(); s != "" {
		parts = append(parts, llm.Part{Kind: llm.PartRefusal, Text: s})
	}
	if p.full {
		parts = append(parts, answerMedia(f)...)
	}
	for i, v := range f.toolCalls.Elems() {
		parts = append(parts, llm.Part{Kind: llm.PartToolCall, Call: p.toolCall(answer, i, v)})
	}
	if f.functionCall.Kind() == '{' && f.toolCalls.First() == nil {
		parts = append(parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{
			ID: mintID(p.call.Seed, answer, 0), Name: f.functionCall.Get("name").Text(),
			Arguments: argumentsOrEmpty(f.functionCall.Get("arguments")),
		}})
	}
	return parts
}

// splitContent takes a content apart into text and thinking; a list has both.
func splitContent(v rawjson.Value) (text, thought string) {
	if v.Kind() != '[' {
		return v.Text(), ""
	}
	var said, thinking strings.Builder
	for _, p := range v.Elems() {
		t := p.Get("thinking")
		switch {
		case p.Kind() == '"':
			said.WriteString(p.Text())
		case t.Kind() == '[':
			thinking.WriteString(joined(elems(t)))
		case t != nil:
			thinking.WriteString(t.Text())
		default:
			said.WriteString(p.Get("text").Text())
		}
	}
	return said.String(), thinking.String()
}

func elems(v rawjson.Value) []rawjson.Value {
	var out []rawjson.Value
	for _, e := range v.Elems() {
		out = append(out, e)
	}
	return out
}

func answerMedia(f *fields) []llm.Part {
	var parts []llm.Part
	for _, v := range f.images.Elems() {
		if m := imageMedia(v); m != nil {
			parts = append(parts, llm.Part{Kind: llm.PartImage, Media: m})
		}
	}
	if a := f.audio; a.Kind() == '{' {
		parts = append(parts, llm.Part{Kind: llm.PartAudio, Text: a.Get("transcript").Text(), Media: &llm.Media{
			FileID: a.Get("id").Text(), Data: a.Get("data").Text(), Raw: a,
		}})
	}
	return parts
}

func (p *parser) toolCall(answer string, index int, v rawjson.Value) *llm.ToolCall {
	call := &llm.ToolCall{ID: v.Get("id").Text()}
	if call.ID == "" {
		call.ID = mintID(p.call.Seed, answer, index)
	}
	if custom := v.Get("custom"); custom.Kind() == '{' {
		call.Custom, call.Name, call.Arguments = true, p.call.ToolName(custom.Get("name").Text()), custom.Get("input").Text()
		return call
	}
	fn := v.Get("function")
	call.Name, call.Arguments = p.call.ToolName(fn.Get("name").Text()), argumentsOrEmpty(fn.Get("arguments"))
	return call
}

// mintID makes the id of a call that came without one.
func mintID(seed, answer string, index int) string {
	sum := sha256.Sum256([]byte(seed + "\x00" + answer + "\x00" + strconv.Itoa(index)))
	return "call_" + hex.EncodeToString(sum[:])[:28]
}

// regular writes an answer anew in which some choice breaks a rule.
func (p *parser) regular(v rawjson.Value) rawjson.Value {
	obj := rawjson.ParseObject(v)
	dst := append(make([]byte, 0, len(v)), '[')
	for _, c := range obj.Get("choices").Elems() {
		dst = append(rawjson.AppendComma(dst), p.regularChoice(obj.Get("id").Text(), c)...)
	}
	obj.Set("choices", append(dst, ']'))
	return obj.Value()
}

func (p *parser) regularChoice(answer string, v rawjson.Value) rawjson.Value {
	obj := rawjson.ParseObject(v)
	msg := rawjson.ParseObject(obj.Get("message"))
	f := readFields(obj.Get("message"))
	calls := f.toolCalls.First() != nil
	obj.Set("finish_reason", rawjson.String(string(legalFinish(obj.Get("finish_reason").Text(), calls))))
	if aliased(&f) {
		msg.Del("reasoning")
		msg.Set("reasoning_content", rawjson.String(reasoningText(f)))
	}
	if listContent(&f) {
		text, thought := splitContent(f.content)
		msg.Set("content", rawjson.String(text))
		if thought != "" {
			msg.Set("reasoning_content", rawjson.String(thought))
		}
	}
	if unnamed(f.toolCalls) {
		msg.Set("tool_calls", p.regularCalls(answer, f.toolCalls))
	}
	if len(msg) > 0 {
		obj.Set("message", msg.Value())
	}
	return obj.Value()
}

func (p *parser) regularCalls(answer string, v rawjson.Value) rawjson.Value {
	dst := []byte{'['}
	for i, c := range v.Elems() {
		call := p.toolCall(answer, i, c)
		obj := rawjson.ParseObject(c)
		obj.Set("id", rawjson.String(call.ID))
		if fn := rawjson.ParseObject(c.Get("function")); len(fn) > 0 {
			fn.Set("arguments", rawjson.String(call.Arguments))
			obj.Set("function", fn.Value())
		}
		if c.Get("type") == nil {
			obj.Set("type", rawjson.Value(`"function"`))
		}
		dst = append(rawjson.AppendComma(dst), obj.Value()...)
	}
	return append(dst, ']')
}
