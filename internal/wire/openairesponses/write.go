package openairesponses

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// write writes the body for a request of another format.
func (e *encoding) write() []byte {
	dst := append(make([]byte, 0, 4096), '{')
	dst = rawjson.AppendStringMember(dst, "model", e.model())
	rest := e.req.Messages
	text, n := leadingText(rest)
	rest = rest[n:]
	if text != "" {
		dst = rawjson.AppendStringMember(dst, "instructions", text)
	}
	dst = append(rawjson.AppendKey(dst, "input"), '[')
	for i := range rest {
		dst = e.message(dst, &rest[i])
	}
	dst = e.tools(append(dst, ']'))
	if e.req.Stream {
		dst = append(dst, `,"stream":true`...)
	}
	if e.members.Get("store") == nil {
		dst = append(dst, `,"store":false`...) // Chat Completions and Messages keep nothing
	}
	extra := e.t.ExtraBody
	for _, m := range e.members {
		if !slices.ContainsFunc(extra, func(p llm.Param) bool { return p.Name == m.Key }) {
			dst = rawjson.AppendMember(dst, m.Key, m.Value)
		}
	}
	for _, p := range extra {
		dst = rawjson.AppendMember(dst, p.Name, p.Value)
	}
	return append(dst, '}')
}

// leadingText joins the system messages that open a conversation, and counts them.
func leadingText(msgs []llm.Message) (text string, n int) {
	var texts []string
	for n < len(msgs) && (msgs[n].Role == llm.System || msgs[n].Role == llm.Developer) {
		if s := llm.JoinText(msgs[n].Parts); s != "" {
			texts = append(texts, s)
		}
		n++
	}
	return strings.Join(texts, "\n\n"), n
}

func (e *encoding) message(dst []byte, m *llm.Message) []byte {
	switch m.Role {
	case llm.Tool:
		for i := range m.Parts {
			if r := m.Parts[i].Result; r != nil {
				dst = e.result(dst, r)
			}
		}
		return dst
	case llm.Assistant:
		return e.assistant(dst, m)
	}
	dst = append(rawjson.AppendComma(dst), `{"type":"message","role":"`...)
	dst = append(append(dst, m.Role...), `","content":[`...)
	for i := range m.Parts {
		dst = e.part(dst, &m.Parts[i], "input_text")
	}
	return append(dst, "]}"...)
}

// assistant writes what the assistant said, then its calls. Thoughts are left out:
// only the provider that made them can read them.
func (e *encoding) assistant(dst []byte, m *llm.Message) []byte {
	said := false
	for i := range m.Parts {
		if k := m.Parts[i].Kind; k != llm.PartText && k != llm.PartRefusal {
			continue
		}
		if !said {
			dst = append(rawjson.AppendComma(dst), `{"type":"message","role":"assistant","content":[`...)
			said = true
		}
		dst = e.part(dst, &m.Parts[i], "output_text")
	}
	if said {
		dst = append(dst, "]}"...)
	}
	for i := range m.Parts {
		if c := m.Parts[i].Call; c != nil && !c.Server {
			dst = e.call(dst, c)
		}
	}
	return dst
}

func (e *encoding) call(dst []byte, c *llm.ToolCall) []byte {
	typ, key, args := "function_call", "arguments", c.Arguments
	switch {
	case c.Custom:
		typ, key = "custom_tool_call", "input"
	case args == "":
		args = "{}"
	}
	dst = append(append(append(rawjson.AppendComma(dst), `{"type":"`...), typ...), '"')
	dst = rawjson.AppendStringMember(dst, "call_id", shortID(c.ID))
	dst = rawjson.AppendStringMember(dst, "name", e.toolName(c.Name))
	return append(rawjson.AppendStringMember(dst, key, args), '}')
}

// shortID keeps the id of a call within what OpenAI takes.
func shortID(id string) string {
	if len(id) <= maxName {
		return id
	}
	return shortened(id, id)
}

// toolName keeps the name of a tool within what OpenAI takes.
func (e *encoding) toolName(name string) string {
	if len(name) <= maxName {
		return name
	}
	short := shortened(name, name)
	if e.names == nil {
		e.names = map[string]string{}
	}
	e.names[short] = name
	return short
}

func (e *encoding) result(dst []byte, r *llm.ToolResult) []byte {
	typ := "function_call_output"
	if e.isCustom(r.CallID) {
		typ = "custom_tool_call_output"
	}
	dst = append(append(append(rawjson.AppendComma(dst), `{"type":"`...), typ...), '"')
	dst = rawjson.AppendStringMember(dst, "call_id", shortID(r.CallID))
	dst = rawjson.AppendKey(dst, "output")
	if !slices.ContainsFunc(r.Parts, func(p llm.Part) bool { return p.Media != nil }) {
		text := r.Text()
		if r.IsError {
			text = "Error: " + text
		}
		return append(rawjson.AppendString(dst, text), '}')
	}
	dst = append(dst, '[')
	for i := range r.Parts {
		dst = e.part(dst, &r.Parts[i], "input_text")
	}
	return append(dst, "]}"...)
}

// isCustom reports whether a call was one of a free-form tool.
func (e *encoding) isCustom(id string) bool {
	if e.custom == nil {
		e.custom = map[string]bool{}
		for i := range e.req.Messages {
			for _, p := range e.req.Messages[i].Parts {
				if p.Call == nil {
					continue
				}
				if _, known := e.custom[p.Call.ID]; !known { // the first with an id counts
					e.custom[p.Call.ID] = p.Call.Custom
				}
			}
		}
	}
	return e.custom[id]
}

// part appends a content part; text says of which type its text is.
func (e *encoding) part(dst []byte, p *llm.Part, text string) []byte {
	switch p.Kind {
	case llm.PartText:
		dst = append(append(append(rawjson.AppendComma(dst), `{"type":"`...), text...), '"')
		return append(rawjson.AppendStringMember(dst, "text", p.Text), '}')
	case llm.PartRefusal:
		dst = append(rawjson.AppendComma(dst), `{"type":"refusal"`...)
		return append(rawjson.AppendStringMember(dst, "refusal", p.Text), '}')
	case llm.PartImage:
		dst = append(rawjson.AppendComma(dst), `{"type":"input_image"`...)
		if p.Media.FileID != "" {
			dst = rawjson.AppendStringMember(dst, "file_id", p.Media.FileID)
		} else {
			dst = rawjson.AppendStringMember(dst, "image_url", mediaURL(p.Media))
		}
		if p.Media.Detail != "" {
			dst = rawjson.AppendStringMember(dst, "detail", p.Media.Detail)
		}
		return append(dst, '}')
	case llm.PartFile:
		return appendFile(append(rawjson.AppendComma(dst), `{"type":"input_file"`...), p.Media)
	case llm.PartThinking, llm.PartToolCall:
		return dst
	}
	e.dropped("a content part", "the Responses API does not take it")
	return dst
}

func appendFile(dst []byte, m *llm.Media) []byte {
	switch {
	case m.FileID != "":
		dst = rawjson.AppendStringMember(dst, "file_id", m.FileID)
	case m.URL != "":
		dst = rawjson.AppendStringMember(dst, "file_url", m.URL)
	default:
		name := m.Name
		if name == "" {
			name = "file"
		}
		dst = rawjson.AppendStringMember(dst, "filename", name)
		dst = rawjson.AppendStringMember(dst, "file_data", mediaURL(m))
	}
	return append(dst, '}')
}

func mediaURL(m *llm.Media) string {
	if m.Data == "" {
		return m.URL
	}
	return "data:" + m.MIME + ";base64," + m.Data
}
