package anthropic

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response implements [wire.Dialect]: one that came in this format goes out as it
// came, with the client's name of the model (specification §5.2.6).
func (Dialect) Response(req *llm.Request, resp *llm.Response, a wire.Answer) []byte {
	a.Model = shownModel(req, a)
	if resp.Body != nil {
		return spliceModel(make([]byte, 0, len(resp.Body)+len(a.Model)+16), resp.Body, a.Model)
	}
	w := answerWriter{req: req, a: a}
	choice := &llm.Choice{}
	if len(resp.Choices) > 0 {
		choice = &resp.Choices[0]
	}
	dst := appendMessageHead(a.Room, messageID(resp.ID, a), a.Model)
	dst = append(dst, `,"content":[`...)
	dst = w.content(dst, choice.Parts)
	dst = append(dst, `],"stop_reason":"`...)
	dst = append(append(dst, stopReason(choice.Finish, w.calls)...), `","stop_sequence":`...)
	dst = append(dst, stopSequence(choice.Fields)...)
	dst = appendUsage(append(dst, `,"usage":`...), resp.Usage)
	return append(dst, '}')
}

// shownModel is the name that the client asked for, also after a fallback: clients of
// this format look their own name up again (specification §5.2.6).
func shownModel(req *llm.Request, a wire.Answer) string {
	if req.Model != "" {
		return req.Model
	}
	return a.Model
}

// spliceModel appends an object with its top-level model replaced, or added.
func spliceModel(dst []byte, body rawjson.Value, model string) []byte {
	for f := range body.Fields() {
		if f.Key.Is("model") {
			dst = append(dst, body[:f.Start]...)
			return append(rawjson.AppendString(dst, model), body[f.End:]...)
		}
	}
	o := rawjson.ParseObject(body)
	o.Set("model", rawjson.String(model))
	return o.Append(dst)
}

// messageID keeps an id of Anthropic's form; any other becomes one.
func messageID(id string, a wire.Answer) string {
	if strings.HasPrefix(id, "msg_") {
		return id
	}
	return "msg_" + strings.ReplaceAll(a.CallID, "-", "")
}

// appendMessageHead begins a message object up to its model.
func appendMessageHead(dst []byte, id, model string) []byte {
	dst = rawjson.AppendString(append(dst, `{"id":`...), id)
	dst = append(dst, `,"type":"message","role":"assistant","model":`...)
	return rawjson.AppendString(dst, model)
}

// stopReason translates a finish reason.
func stopReason(f llm.Finish, calls bool) string {
	switch f {
	case llm.FinishLength:
		return "max_tokens"
	case llm.FinishToolCalls, llm.FinishFunctionCall:
		return "tool_use"
	case llm.FinishContentFilter:
		return "refusal"
	}
	if calls {
		return "tool_use"
	}
	return "end_turn"
}

// stopSequence is the stop sequence that ended the answer, when the provider says.
func stopSequence(fields rawjson.Object) rawjson.Value {
	if v := fields.Get("stop_sequence"); v.Kind() == '"' {
		return v
	}
	return rawjson.Value("null")
}

// appendUsage writes the counts as Anthropic does: input without what a cache held.
func appendUsage(dst []byte, u *llm.Usage) []byte {
	if u == nil {
		u = &llm.Usage{}
	}
	dst = append(dst, `{"input_tokens":`...)
	dst = rawjson.AppendInt(dst, max(u.Input-u.CacheRead-u.CacheWrite(), 0))
	dst = rawjson.AppendIntMember(dst, "cache_creation_input_tokens", u.CacheWrite())
	dst = rawjson.AppendIntMember(dst, "cache_read_input_tokens", u.CacheRead)
	dst = rawjson.AppendIntMember(dst, "output_tokens", u.Output)
	if u.WebSearches > 0 {
		dst = append(rawjson.AppendIntMember(append(dst, `,"server_tool_use":{`...), "web_search_requests", u.WebSearches), '}')
	}
	return append(dst, '}')
}

type answerWriter struct {
	req   *llm.Request
	a     wire.Answer
	calls bool
}

// content writes the blocks in Anthropic's order: thinking, text, calls.
func (w *answerWriter) content(dst []byte, parts []llm.Part) []byte {
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartThinking {
			dst = appendThinking(rawjson.AppendComma(dst), p.Text, p.State)
		}
	}
	dst = w.text(dst, parts)
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartToolCall && !p.Call.Server {
			dst = w.call(rawjson.AppendComma(dst), p)
		}
	}
	return dst
}

// text writes everything readable as one text block, after the signature that
// belongs to it.
func (w *answerWriter) text(dst []byte, parts []llm.Part) []byte {
	var text strings.Builder
	sig := ""
	for i := range parts {
		switch p := &parts[i]; p.Kind {
		case llm.PartText, llm.PartRefusal:
			text.WriteString(p.Text)
			if s := geminiSignature(p.State); s != "" {
				sig = s
			}
		case llm.PartImage, llm.PartAudio, llm.PartVideo:
			text.WriteString(mediaNote(p.Media))
		}
	}
	if sig != "" && asksThinking(w.req) && !signedCall(parts, sig) {
		dst = appendThinking(rawjson.AppendComma(dst), "", &llm.State{Provider: geminiName, Signature: sig})
	}
	if text.Len() == 0 {
		return dst
	}
	dst = append(rawjson.AppendComma(dst), `{"type":"text","text":`...)
	return append(rawjson.AppendString(dst, text.String()), '}')
}

// asksThinking reports whether the client asked for thinking, so that it expects
// thinking blocks. Others read content[0] as the text; for them the gateway
// remembers the signature of the text itself.
func asksThinking(req *llm.Request) bool {
	p := req.Param(effortParam)
	return p.Present() && !p.Is("none")
}

func signedCall(parts []llm.Part, sig string) bool {
	for i := range parts {
		if parts[i].Kind == llm.PartToolCall && geminiSignature(parts[i].State) == sig {
			return true
		}
	}
	return false
}

// geminiSignature is Gemini's signature in a state, "" for any other state.
func geminiSignature(s *llm.State) string {
	if s == nil || s.Provider != geminiName {
		return ""
	}
	return s.Signature
}

// mediaNote stands for what the format cannot carry.
func mediaNote(m *llm.Media) string {
	kind := "a file"
	if m != nil && m.MIME != "" {
		kind = "a file of type " + m.MIME
	}
	return "[The model made " + kind + ", which the Messages API cannot carry.]"
}

// appendThinking writes a thinking block with its state in the signature field.
func appendThinking(dst []byte, text string, s *llm.State) []byte {
	if s != nil && s.Redacted != "" {
		dst = append(dst, `{"type":"redacted_thinking","data":`...)
		return append(rawjson.AppendString(dst, s.Redacted), '}')
	}
	dst = append(dst, `{"type":"thinking","thinking":`...)
	dst = rawjson.AppendString(dst, text)
	return append(rawjson.AppendStringMember(dst, "signature", signatureField(s)), '}')
}

// signatureField is what the signature field of a thinking block carries.
func signatureField(s *llm.State) string {
	switch {
	case s == nil || s.Signature == "":
		return signature.Unsigned
	case s.Provider == geminiName:
		return signature.Wrap(s.Signature)
	}
	return s.Signature
}

func (w *answerWriter) call(dst []byte, p *llm.Part) []byte {
	w.calls = true
	dst = appendCallHead(dst, w.req, w.a, p.Call, p.State)
	if p.Call.Custom {
		dst = append(dst, `,"input":{"input":`...)
		return append(rawjson.AppendString(dst, p.Call.Arguments), "}}"...)
	}
	return append(appendInput(append(dst, `,"input":`...), p.Call.Arguments), '}')
}

// appendCallHead writes a tool_use block up to its input, with a signature in every
// place where clients keep one.
func appendCallHead(dst []byte, req *llm.Request, a wire.Answer, c *llm.ToolCall, s *llm.State) []byte {
	id, sig := c.ID, geminiSignature(s)
	if sig != "" && a.SignatureInID {
		id = signature.JoinURLSafe(id, sig)
	}
	dst = rawjson.AppendString(append(dst, `{"type":"tool_use","id":`...), id)
	dst = rawjson.AppendStringMember(dst, "name", clientName(req, c.Name))
	if sig != "" {
		dst = append(dst, `,"provider_specific_fields":{"signature":`...)
		dst = append(rawjson.AppendString(dst, sig), '}')
	}
	return dst
}

// clientName is the client's name of a tool.
func clientName(req *llm.Request, name string) string {
	if own, ok := req.ToolNames[name]; ok {
		return own
	}
	return name
}
