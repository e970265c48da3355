package openaichat

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// write writes the body for a request that came in another format. The messages
// go through the same rules as those of a client of this format.
func (e *encoding) write() []byte {
	dst := append(make([]byte, 0, 4096), '{')
	dst = rawjson.AppendStringMember(dst, "model", e.model())
	c := rawjson.Cursor{B: e.canonicalMessages()}
	dst = e.rules.messages(rawjson.AppendKey(dst, "messages"), &c)
	dst = rawjson.AppendMember(dst, "tools", e.tools)
	return append(e.rest(dst, seenKeys{model: true}), '}')
}

func (e *encoding) canonicalMessages() []byte {
	dst := append(make([]byte, 0, 2048), '[')
	var pictures []llm.Part // of the tool results just written
	for i := range e.req.Messages {
		m := &e.req.Messages[i]
		if m.Role != llm.Tool {
			dst, pictures = e.pictures(dst, pictures), nil
			dst = e.canonicalMessage(dst, m)
			continue
		}
		for j := range m.Parts {
			if r := m.Parts[j].Result; r != nil {
				dst = e.canonicalResult(dst, r)
				pictures = appendMediaParts(pictures, r.Parts)
			}
		}
	}
	return append(e.pictures(dst, pictures), ']')
}

func appendMediaParts(to, parts []llm.Part) []llm.Part {
	for i := range parts {
		if parts[i].Media != nil {
			to = append(to, parts[i])
		}
	}
	return to
}

// pictures writes the media of tool results as a user message after them: a tool
// message holds text only.
func (e *encoding) pictures(dst []byte, parts []llm.Part) []byte {
	if len(parts) == 0 {
		return dst
	}
	return e.canonicalMessage(dst, &llm.Message{Role: llm.User, Parts: parts})
}

func (e *encoding) canonicalMessage(dst []byte, m *llm.Message) []byte {
	dst = append(rawjson.AppendComma(dst), '{')
	dst = rawjson.AppendStringMember(dst, "role", string(m.Role))
	if m.Name != "" {
		dst = rawjson.AppendStringMember(dst, "name", m.Name)
	}
	dst = e.canonicalContent(rawjson.AppendKey(dst, "content"), m.Parts)
	dst = e.canonicalCalls(dst, m.Parts)
	s := summarize(m.Parts)
	if s.thinking != "" && !s.blocks {
		dst = rawjson.AppendStringMember(dst, "reasoning_content", s.thinking)
	}
	if s.hasRefusal {
		dst = rawjson.AppendStringMember(dst, "refusal", s.refusal)
	}
	if m.Prefix {
		dst = rawjson.AppendMember(dst, "prefix", rawjson.Value("true"))
	}
	return append(dst, '}')
}

// canonicalResult writes a tool result as text; a failed one says so, since the
// format has no other word for it.
func (e *encoding) canonicalResult(dst []byte, r *llm.ToolResult) []byte {
	text := r.Text()
	if r.IsError {
		text = "Error: " + text
	}
	dst = append(rawjson.AppendComma(dst), '{')
	dst = rawjson.AppendStringMember(dst, "role", "tool")
	dst = rawjson.AppendStringMember(dst, "tool_call_id", r.CallID)
	return append(rawjson.AppendStringMember(dst, "content", text), '}')
}

func (e *encoding) canonicalCalls(dst []byte, parts []llm.Part) []byte {
	index := 0
	for i := range parts {
		p := &parts[i]
		if p.Kind != llm.PartToolCall || p.Call.Server {
			continue
		}
		if index == 0 {
			dst = append(rawjson.AppendKey(dst, "tool_calls"), '[')
		}
		dst = e.canonicalCall(rawjson.AppendComma(dst), p.Call)
		index++
	}
	if index > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func (e *encoding) canonicalCall(dst []byte, c *llm.ToolCall) []byte {
	args := c.Arguments
	switch {
	case c.Custom:
		args = string(rawjson.Object{{Key: customParameter, Value: rawjson.String(c.Arguments)}}.Value())
	case args == "":
		args = "{}"
	}
	dst = rawjson.AppendStringMember(append(dst, '{'), "id", c.ID)
	dst = append(dst, `,"type":"function","function":{`...)
	dst = rawjson.AppendStringMember(dst, "name", e.toolName(c.Name))
	return append(rawjson.AppendStringMember(dst, "arguments", args), "}}"...)
}

// canonicalContent writes one text as a string and anything else as a list.
func (e *encoding) canonicalContent(dst []byte, parts []llm.Part) []byte {
	var list []byte
	texts := 0
	for i := range parts {
		p := &parts[i]
		body := canonicalPart(p)
		if body == nil {
			if p.Kind == llm.PartUnknown {
				e.dropped("a content part", "unknown to Chat Completions: "+shown(p.Raw.Get("type")))
			}
			continue
		}
		if p.Kind == llm.PartText && p.CacheControl == nil {
			texts++
		} else {
			texts += 2
		}
		list = append(append(list, body...), ',')
	}
	switch {
	case texts == 0:
		return append(dst, "null"...)
	case texts == 1:
		return rawjson.AppendString(dst, llm.JoinText(parts))
	}
	dst = append(append(dst, '['), list[:len(list)-1]...)
	return append(dst, ']')
}

func canonicalPart(p *llm.Part) []byte {
	var dst []byte
	switch p.Kind {
	case llm.PartText:
		dst = rawjson.AppendStringMember([]byte(`{"type":"text"`), "text", p.Text)
		dst = rawjson.AppendMember(dst, "cache_control", p.CacheControl)
		return append(dst, '}')
	case llm.PartImage:
		dst = rawjson.AppendStringMember([]byte(`{"type":"image_url","image_url":{`), "url", mediaURL(p.Media))
		if p.Media.Detail != "" {
			dst = rawjson.AppendStringMember(dst, "detail", p.Media.Detail)
		}
		return append(dst, "}}"...)
	case llm.PartAudio:
		dst = rawjson.AppendStringMember([]byte(`{"type":"input_audio","input_audio":{`), "data", p.Media.Data)
		return append(rawjson.AppendStringMember(dst, "format", audioFormat(p.Media.MIME)), "}}"...)
	case llm.PartVideo:
		dst = rawjson.AppendStringMember([]byte(`{"type":"video_url","video_url":{`), "url", mediaURL(p.Media))
		return append(dst, "}}"...)
	case llm.PartFile:
		return filePart(p.Media)
	}
	return nil
}

func audioFormat(mime string) string {
	switch mime {
	case "audio/mpeg", "audio/mp3":
		return "mp3"
	case "audio/pcm":
		return "pcm16"
	}
	if len(mime) > len("audio/") && mime[:len("audio/")] == "audio/" {
		return mime[len("audio/"):]
	}
	return "wav"
}

func filePart(m *llm.Media) []byte {
	dst := []byte(`{"type":"file","file":{`)
	if m.Name != "" {
		dst = rawjson.AppendStringMember(dst, "filename", m.Name)
	}
	if m.FileID != "" {
		dst = rawjson.AppendStringMember(dst, "file_id", m.FileID)
	} else {
		dst = rawjson.AppendStringMember(dst, "file_data", mediaURL(m))
	}
	return append(dst, "}}"...)
}
