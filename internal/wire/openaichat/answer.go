package openaichat

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Response writes a whole answer. One that came in this format (resp.Body) goes
// out as it came, with the client's name of the model.
func (Dialect) Response(req *llm.Request, resp *llm.Response, a wire.Answer) []byte {
	if resp.Body != nil {
		return nativeAnswer(resp.Body, a)
	}
	w := answerWriter{a: a, legacy: req.LegacyFunctions}
	dst := a.Room
	dst = append(dst, '{')
	dst = rawjson.AppendStringMember(dst, "id", answerID(resp.ID, a))
	dst = rawjson.AppendIntMember(dst, "created", created(resp.Created, a))
	dst = rawjson.AppendStringMember(dst, "model", a.Model)
	dst = rawjson.AppendStringMember(dst, "object", "chat.completion")
	dst = append(rawjson.AppendKey(dst, "choices"), '[')
	for i := range resp.Choices {
		dst = w.choice(rawjson.AppendComma(dst), &resp.Choices[i])
	}
	dst = append(dst, ']')
	if resp.Usage != nil {
		dst = appendUsage(rawjson.AppendKey(dst, "usage"), resp.Usage, nil)
	}
	for _, m := range resp.Extra {
		dst = rawjson.AppendMember(dst, m.Key, m.Value)
	}
	if resp.ServiceTier != "" {
		dst = rawjson.AppendStringMember(dst, "service_tier", resp.ServiceTier)
	}
	return append(dst, '}')
}

func answerID(id string, a wire.Answer) string {
	if id == "" {
		return "chatcmpl-" + a.CallID
	}
	return id
}

func created(at int64, a wire.Answer) int64 {
	if at > 0 {
		return at
	}
	return a.Created
}

// nativeAnswer replaces the model at the top level; everything else is the
// upstream's bytes.
func nativeAnswer(body rawjson.Value, a wire.Answer) []byte {
	if a.MergeReasoning {
		body = mergedAnswer(body)
	}
	return spliceModel(slices.Grow(a.Room, len(body)+len(a.Model)+16), body, a.Model)
}

// spliceModel appends body with its top-level model replaced, or added.
func spliceModel(dst []byte, body rawjson.Value, model string) []byte {
	for f := range body.Fields() {
		if f.Key.Is("model") {
			dst = append(dst, body[:f.Start]...)
			dst = rawjson.AppendString(dst, model)
			return append(dst, body[f.End:]...)
		}
	}
	if body.Kind() != '{' {
		return append(dst, body...)
	}
	dst = rawjson.AppendStringMember(append(dst, '{'), "model", model)
	if body.Len() > 0 {
		dst = append(dst, ',')
	}
	return append(dst, body[1:]...)
}

type answerWriter struct {
	a      wire.Answer
	legacy bool
}

func (w answerWriter) choice(dst []byte, c *llm.Choice) []byte {
	dst = append(dst, '{')
	dst = rawjson.AppendStringMember(dst, "finish_reason", string(w.finish(c)))
	dst = rawjson.AppendIntMember(dst, "index", int64(c.Index))
	dst = append(rawjson.AppendKey(dst, "message"), '{')
	dst = append(w.message(dst, c), '}')
	dst = rawjson.AppendMember(dst, "logprobs", c.Logprobs)
	if len(c.ChoiceFields) > 0 {
		dst = c.ChoiceFields.Append(rawjson.AppendKey(dst, "provider_specific_fields"))
	}
	return append(dst, '}')
}

// finish corrects a plain end after tool calls: clients run the calls only when
// they read tool_calls.
func (w answerWriter) finish(c *llm.Choice) llm.Finish {
	return finishOf(c.Finish, hasCalls(c.Parts), w.legacy)
}

func finishOf(f llm.Finish, calls, legacy bool) llm.Finish {
	if f == "" {
		f = llm.FinishStop
	}
	if calls && f == llm.FinishStop {
		f = llm.FinishToolCalls
	}
	if legacy && f == llm.FinishToolCalls {
		f = llm.FinishFunctionCall
	}
	return f
}

func hasCalls(parts []llm.Part) bool {
	for i := range parts {
		if parts[i].Kind == llm.PartToolCall && !parts[i].Call.Server {
			return true
		}
	}
	return false
}

func (w answerWriter) message(dst []byte, c *llm.Choice) []byte {
	s := summarize(c.Parts)
	dst = w.content(rawjson.AppendKey(dst, "content"), s)
	dst = rawjson.AppendStringMember(dst, "role", "assistant")
	if s.calls > 0 {
		dst = w.calls(dst, c.Parts)
	}
	if s.thinking != "" && !w.a.MergeReasoning {
		dst = rawjson.AppendStringMember(dst, "reasoning_content", s.thinking)
	}
	if s.blocks {
		dst = appendBlocks(rawjson.AppendKey(dst, "thinking_blocks"), c.Parts)
	}
	if s.hasRefusal {
		dst = rawjson.AppendStringMember(dst, "refusal", s.refusal)
	}
	dst = rawjson.AppendMember(dst, "annotations", c.Annotations)
	dst = appendMedia(dst, c.Parts, w.a)
	dst = appendFields(dst, c.Fields, s.signatures)
	if s.textSignature != "" {
		dst = appendExtraContent(dst, s.textSignature)
	}
	for _, m := range c.Extra {
		dst = rawjson.AppendMember(dst, m.Key, m.Value)
	}
	return dst
}

func (w answerWriter) content(dst []byte, s summary) []byte {
	if w.a.MergeReasoning && s.thinking != "" {
		return rawjson.AppendString(dst, thinkOpen+s.thinking+thinkClose+s.text)
	}
	if s.hasText || (s.thinking != "" && s.calls == 0 && !s.hasRefusal) {
		return rawjson.AppendString(dst, s.text)
	}
	return append(dst, "null"...)
}

// summary is what a message says of its parts as a whole.
type summary struct {
	text, thinking, refusal string
	hasText, hasRefusal     bool
	blocks                  bool // some thinking has opaque state
	calls                   int
	signatures              []string
	textSignature           string
}

func summarize(parts []llm.Part) summary {
	s := summary{
		text: joinedText(parts, llm.PartText), thinking: joinedText(parts, llm.PartThinking), refusal: joinedText(parts, llm.PartRefusal),
	}
	for i := range parts {
		p := &parts[i]
		switch p.Kind {
		case llm.PartText:
			s.hasText = true
			if sig := thoughtSignature(p.State); sig != "" {
				s.textSignature = sig
				s.signatures = append(s.signatures, sig)
			}
		case llm.PartThinking:
			s.blocks = s.blocks || p.State != nil
		case llm.PartRefusal:
			s.hasRefusal = true
		case llm.PartToolCall:
			if p.Call.Server {
				continue
			}
			s.calls++
			if sig := thoughtSignature(p.State); sig != "" {
				s.signatures = append(s.signatures, sig)
			}
		}
	}
	return s
}

// joinedText concatenates the texts of the parts of a kind; a single one is not copied.
func joinedText(parts []llm.Part, kind llm.PartKind) string {
	only, n := "", 0
	for i := range parts {
		if parts[i].Kind == kind {
			only = parts[i].Text
			n++
		}
	}
	if n <= 1 {
		return only
	}
	var out strings.Builder
	for i := range parts {
		if parts[i].Kind == kind {
			out.WriteString(parts[i].Text)
		}
	}
	return out.String()
}

// thoughtSignature is Gemini's signature in a state, "" for any other state.
func thoughtSignature(s *llm.State) string {
	if s == nil || s.Provider != gemini {
		return ""
	}
	return s.Signature
}

func (w answerWriter) calls(dst []byte, parts []llm.Part) []byte {
	if w.legacy {
		return w.functionCall(dst, parts)
	}
	dst = append(rawjson.AppendKey(dst, "tool_calls"), '[')
	index := 0
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartToolCall && !p.Call.Server {
			dst = appendCall(rawjson.AppendComma(dst), index, p.Call, p.Call.Arguments, thoughtSignature(p.State), w.a.SignatureInID)
			index++
		}
	}
	return append(dst, ']')
}

func (w answerWriter) functionCall(dst []byte, parts []llm.Part) []byte {
	for i := range parts {
		if p := &parts[i]; p.Kind == llm.PartToolCall && !p.Call.Server {
			dst = append(rawjson.AppendKey(dst, "function_call"), '{')
			dst = rawjson.AppendStringMember(dst, "arguments", p.Call.Arguments)
			return append(rawjson.AppendStringMember(dst, "name", p.Call.Name), '}')
		}
	}
	return dst
}

// appendCall appends one tool call, with its signature in every place where
// clients look for one.
func appendCall(dst []byte, index int, c *llm.ToolCall, args, sig string, inID bool) []byte {
	id := c.ID
	if inID {
		id = signature.Join(id, sig)
	}
	dst = append(dst, '{')
	dst = rawjson.AppendIntMember(dst, "index", int64(index))
	dst = rawjson.AppendStringMember(dst, "id", id)
	if c.Custom {
		dst = append(dst, `,"type":"custom","custom":{`...)
		dst = rawjson.AppendStringMember(dst, "name", c.Name)
		dst = rawjson.AppendStringMember(dst, "input", args)
	} else {
		dst = append(dst, `,"type":"function","function":{`...)
		dst = rawjson.AppendStringMember(dst, "name", c.Name)
		dst = rawjson.AppendStringMember(dst, "arguments", args)
	}
	dst = append(dst, '}')
	return append(appendCallSignature(dst, sig), '}')
}

func appendCallSignature(dst []byte, sig string) []byte {
	if sig == "" {
		return dst
	}
	dst = append(dst, `,"provider_specific_fields":{"thought_signature":`...)
	dst = append(rawjson.AppendString(dst, sig), '}')
	return appendExtraContent(dst, sig)
}

func appendExtraContent(dst []byte, sig string) []byte {
	dst = append(dst, `,"extra_content":{"google":{"thought_signature":`...)
	return append(rawjson.AppendString(dst, sig), `}}`...)
}

func appendBlocks(dst []byte, parts []llm.Part) []byte {
	dst = append(dst, '[')
	for i := range parts {
		if parts[i].Kind == llm.PartThinking {
			dst = appendBlock(rawjson.AppendComma(dst), parts[i].Text, parts[i].State)
		}
	}
	return append(dst, ']')
}

func appendBlock(dst []byte, text string, s *llm.State) []byte {
	if s != nil && s.Redacted != "" {
		dst = append(dst, `{"type":"redacted_thinking","data":`...)
		return append(rawjson.AppendString(dst, s.Redacted), '}')
	}
	dst = append(dst, `{"type":"thinking","thinking":`...)
	dst = rawjson.AppendString(dst, text)
	if s != nil && s.Signature != "" {
		sig := s.Signature
		if s.Provider == gemini {
			sig = geminiEnvelope + sig
		}
		dst = rawjson.AppendStringMember(dst, "signature", sig)
	}
	return append(dst, '}')
}

// appendFields appends provider_specific_fields when there is anything to say.
func appendFields(dst []byte, fields rawjson.Object, signatures []string) []byte {
	if len(fields) == 0 && len(signatures) == 0 {
		return dst
	}
	dst = append(rawjson.AppendKey(dst, "provider_specific_fields"), '{')
	if len(signatures) > 0 {
		dst = append(rawjson.AppendKey(dst, "thought_signatures"), '[')
		for _, s := range signatures {
			dst = rawjson.AppendString(rawjson.AppendComma(dst), s)
		}
		dst = append(dst, ']')
	}
	for _, m := range fields {
		dst = rawjson.AppendMember(dst, m.Key, m.Value)
	}
	return append(dst, '}')
}

// appendMedia appends the images and the sound that the model made.
func appendMedia(dst []byte, parts []llm.Part, a wire.Answer) []byte {
	images := 0
	for i := range parts {
		if parts[i].Kind != llm.PartImage || parts[i].Media == nil {
			continue
		}
		if images == 0 {
			dst = append(rawjson.AppendKey(dst, "images"), '[')
		}
		dst = appendImage(rawjson.AppendComma(dst), images, parts[i].Media)
		images++
	}
	if images > 0 {
		dst = append(dst, ']')
	}
	for i := range parts {
		if parts[i].Kind == llm.PartAudio && parts[i].Media != nil {
			return appendAudio(dst, parts[i].Media, parts[i].Text, a)
		}
	}
	return dst
}

func appendImage(dst []byte, index int, m *llm.Media) []byte {
	dst = append(dst, '{')
	dst = rawjson.AppendIntMember(dst, "index", int64(index))
	dst = append(dst, `,"type":"image_url","image_url":{"url":`...)
	return append(rawjson.AppendString(dst, mediaURL(m)), "}}"...)
}

func mediaURL(m *llm.Media) string {
	if m.Data == "" {
		return m.URL
	}
	return "data:" + m.MIME + ";base64," + m.Data
}

func appendAudio(dst []byte, m *llm.Media, transcript string, a wire.Answer) []byte {
	id := m.FileID
	if id == "" {
		id = "audio_" + a.CallID
	}
	dst = append(rawjson.AppendKey(dst, "audio"), '{')
	dst = rawjson.AppendStringMember(dst, "id", id)
	dst = rawjson.AppendStringMember(dst, "data", m.Data)
	dst = rawjson.AppendIntMember(dst, "expires_at", 0)
	return append(rawjson.AppendStringMember(dst, "transcript", transcript), '}')
}
