package anthropic

import (
	"strings"
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/tokens"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response implements [wire.Wire].
func (w Wire) Response(c *wire.Call, body []byte) (*llm.Response, error) {
	v, err := rawjson.Check(body)
	if err != nil {
		return nil, unreadable(c, "The upstream's answer is not JSON: "+err.Error()+".", err)
	}
	if v.Get("type").Is("error") || v.Get("error").Kind() == '{' {
		return nil, w.Error(statusOf(v.Path("error", "type").Text()), nil, body)
	}
	if v.Get("content").Kind() != '[' {
		return nil, unreadable(c, "The upstream's answer is no message: it has no content.", nil)
	}
	if c.Native {
		return nativeResponse(c, v), nil
	}
	m := messageReader{call: c}
	for _, b := range v.Get("content").Elems() {
		m.block(b)
	}
	resp := &llm.Response{ID: v.Get("id").Text(), Model: v.Get("model").Text(), Choices: []llm.Choice{m.choice(v)}}
	if u := v.Get("usage"); u.Kind() == '{' {
		usage := readUsage(u)
		usage.finish(m.reasoning.Tokens())
		resp.Usage, resp.ServiceTier = &usage.Usage, usage.ServiceTier
	}
	return resp, nil
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

func (m *messageReader) block(b rawjson.Value) {
	switch kind := b.Get("type").Text(); kind {
	case "text":
		m.text(b)
	case "thinking":
		text := b.Get("thinking").Text()
		m.reasoning.Add(text)
		m.parts = append(m.parts, llm.Part{
			Kind: llm.PartThinking, Text: text, State: signed(b.Get("signature").Text()),
		})
	case "redacted_thinking":
		m.parts = append(m.parts, llm.Part{
			Kind: llm.PartThinking, State: &llm.State{Provider: providerName, Redacted: b.Get("data").Text()},
		})
	case "tool_use", "server_tool_use", "mcp_tool_use":
		m.toolUse(b, kind != "tool_use")
	case "compaction":
		m.compactions = appendElem(m.compactions, b)
	case "web_search_tool_result", "web_fetch_tool_result":
		m.searches = appendElem(m.searches, b)
	default:
		if strings.HasSuffix(kind, "_tool_result") {
			m.results = appendElem(m.results, b)
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

func (m *messageReader) text(b rawjson.Value) {
	text := b.Get("text").Text()
	if text != "" {
		m.parts = append(m.parts, llm.Part{Kind: llm.PartText, Text: text})
	}
	start := m.runes
	m.runes += utf8.RuneCountInString(text)
	for _, c := range b.Get("citations").Elems() {
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

func (m *messageReader) toolUse(b rawjson.Value, server bool) {
	name, input := b.Get("name").Text(), b.Get("input")
	if !input.Present() {
		input = rawjson.Value("{}")
	}
	if m.call.JSONTool != "" && name == m.call.JSONTool {
		m.answer, m.answered = formatAnswer(m.call.JSONTool, input), true
		return
	}
	call := &llm.ToolCall{ID: b.Get("id").Text(), Name: m.call.ToolName(name), Arguments: string(input), Server: server}
	if !server {
		m.calls++
		asCustom(m.call, call)
	}
	m.parts = append(m.parts, llm.Part{Kind: llm.PartToolCall, Call: call})
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
func (m *messageReader) choice(v rawjson.Value) llm.Choice {
	if m.answered {
		m.keepAnswer()
	}
	stop := v.Get("stop_reason").Text()
	ch := llm.Choice{Parts: m.parts, Finish: finishOf(stop, m.calls, m.answered), Annotations: m.annotations}
	if why := v.Path("stop_details", "explanation").Text(); stop == "refusal" && why != "" {
		ch.Parts = append(ch.Parts, llm.Part{Kind: llm.PartRefusal, Text: why})
	}
	ch.Fields = stopFields(nil, v)
	for _, f := range []rawjson.Member{
		{Key: "citations", Value: m.citations},
		{Key: "web_search_results", Value: m.searches},
		{Key: "tool_results", Value: m.results},
		{Key: "compaction_blocks", Value: m.compactions},
		{Key: "container", Value: v.Get("container")},
		{Key: "context_management", Value: v.Get("context_management")},
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

// stopFields adds what finish_reason cannot say: the stop sequence that was hit,
// and the reasons that Chat Completions does not know.
func stopFields(fields rawjson.Object, v rawjson.Value) rawjson.Object {
	if s := v.Get("stop_sequence"); s.Present() {
		fields = append(fields, rawjson.Member{Key: "stop_sequence", Value: s})
	}
	switch reason := v.Get("stop_reason"); reason.Text() {
	case "end_turn", "max_tokens", "tool_use", "stop_sequence", "":
	default:
		fields = append(fields, rawjson.Member{Key: "stop_reason", Value: reason})
	}
	if d := v.Get("stop_details"); d.Present() {
		fields = append(fields, rawjson.Member{Key: "stop_details", Value: d})
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
