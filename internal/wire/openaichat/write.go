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
	tools := e.tools
	if !e.filtered {
		tools = e.canonicalTools()
	}
	dst = rawjson.AppendMember(dst, "tools", tools)
	return append(e.rest(dst, seenKeys{model: true}), '}')
}

func (e *encoding) canonicalMessages() []byte {
	dst := append(make([]byte, 0, 2048), '[')
	for i := range e.req.Messages {
		dst = e.canonicalMessage(dst, &e.req.Messages[i])
	}
	return append(dst, ']')
}

func (e *encoding) canonicalMessage(dst []byte, m *llm.Message) []byte {
	if m.Role == llm.Tool {
		for i := range m.Parts {
			if r := m.Parts[i].Result; r != nil {
				dst = e.canonicalResult(dst, r)
			}
		}
		return dst
	}
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

func (e *encoding) canonicalResult(dst []byte, r *llm.ToolResult) []byte {
	dst = append(rawjson.AppendComma(dst), '{')
	dst = rawjson.AppendStringMember(dst, "role", "tool")
	dst = rawjson.AppendStringMember(dst, "tool_call_id", r.CallID)
	dst = e.canonicalContent(rawjson.AppendKey(dst, "content"), r.Parts)
	return append(dst, '}')
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
		dst = append(rawjson.AppendComma(dst), canonicalCall(p.Call)...)
		index++
	}
	if index > 0 {
		dst = append(dst, ']')
	}
	return dst
}

func canonicalCall(c *llm.ToolCall) []byte {
	dst := rawjson.AppendStringMember([]byte{'{'}, "id", c.ID)
	if c.Custom {
		dst = append(dst, `,"type":"custom","custom":{`...)
		dst = rawjson.AppendStringMember(dst, "name", c.Name)
		return append(rawjson.AppendStringMember(dst, "input", c.Arguments), "}}"...)
	}
	args := c.Arguments
	if args == "" {
		args = "{}"
	}
	dst = append(dst, `,"type":"function","function":{`...)
	dst = rawjson.AppendStringMember(dst, "name", c.Name)
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
	case llm.PartUnknown:
		return p.Raw
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

// canonicalTools writes the tools of the canonical request, nil for none.
func (e *encoding) canonicalTools() rawjson.Value {
	if len(e.req.Tools) == 0 {
		return nil
	}
	dst := []byte{'['}
	for i := range e.req.Tools {
		dst = append(rawjson.AppendComma(dst), canonicalTool(&e.req.Tools[i])...)
	}
	return append(dst, ']')
}

func canonicalTool(t *llm.ToolDef) []byte {
	if t.Type != "function" {
		return t.Raw
	}
	dst := rawjson.AppendStringMember([]byte(`{"type":"function","function":{`), "name", t.Name)
	if t.Description != "" {
		dst = rawjson.AppendStringMember(dst, "description", t.Description)
	}
	dst = rawjson.AppendMember(dst, "parameters", t.Parameters)
	if t.Strict != nil && *t.Strict {
		dst = rawjson.AppendMember(dst, "strict", rawjson.Value("true"))
	}
	return append(dst, "}}"...)
}
