package anthropic

import (
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// blockKind is the type of a content block.
type blockKind uint8

const (
	blockSkip blockKind = iota // holds a place that turned out to be empty
	blockText
	blockImage
	blockDocument
	blockThinking
	blockRedacted
	blockToolUse
	blockServerUse
	blockResult
	blockMissing // a tool result that nobody sent
	blockRaw
)

// block is one content block to write. Part is the canonical part it comes from,
// nil for a text of our own.
type block struct {
	kind  blockKind
	text  string
	id    string // of a tool use or result, as it goes upstream
	part  *llm.Part
	cache rawjson.Value
}

// thinks reports whether the block is a thinking block of either kind.
func (b *block) thinks() bool { return b.kind == blockThinking || b.kind == blockRedacted }

// append writes the block.
func (e *encoder) block(dst []byte, b *block) []byte {
	dst = append(rawjson.AppendComma(dst), '{')
	switch b.kind {
	case blockText:
		dst = append(dst, `"type":"text","text":`...)
		dst = rawjson.AppendString(dst, b.text)
	case blockImage:
		dst = append(dst, `"type":"image","source":`...)
		dst = appendImageSource(dst, b.part.Media)
	case blockDocument:
		dst = append(dst, `"type":"document","source":`...)
		dst = appendDocumentSource(dst, b.part.Media)
	case blockThinking:
		dst = append(dst, `"type":"thinking","thinking":`...)
		dst = rawjson.AppendString(dst, b.part.Text)
		dst = rawjson.AppendStringMember(dst, "signature", b.part.State.Signature)
	case blockRedacted:
		dst = append(dst, `"type":"redacted_thinking","data":`...)
		dst = rawjson.AppendString(dst, b.part.State.Redacted)
	case blockToolUse, blockServerUse:
		dst = e.toolUse(dst, b)
	case blockResult, blockMissing:
		dst = e.toolResult(dst, b)
	case blockRaw:
		return append(dst[:len(dst)-1], b.part.Raw...)
	}
	return append(rawjson.AppendMember(dst, "cache_control", b.cache), '}')
}

func (e *encoder) toolUse(dst []byte, b *block) []byte {
	kind := `"type":"tool_use","id":`
	if b.kind == blockServerUse {
		kind = `"type":"server_tool_use","id":`
	}
	dst = rawjson.AppendString(append(dst, kind...), b.id)
	dst = rawjson.AppendStringMember(dst, "name", e.names.upstream(b.part.Call.Name))
	dst = append(dst, `,"input":`...)
	if b.part.Call.Custom {
		dst = append(dst, `{"input":`...)
		return append(rawjson.AppendString(dst, b.part.Call.Arguments), '}')
	}
	return appendInput(dst, b.part.Call.Arguments)
}

// appendInput writes a call's arguments as the object that Anthropic demands. Text
// that is no object is kept under "_raw", so that the model still sees it.
func appendInput(dst []byte, arguments string) []byte {
	if strings.TrimSpace(arguments) == "" {
		return append(dst, "{}"...)
	}
	n := len(dst)
	dst = append(dst, arguments...)
	if v, err := rawjson.Check(dst[n:]); err == nil && v.Kind() == '{' {
		return append(dst[:n], v...)
	}
	dst = append(dst[:n], `{"_raw":`...)
	return append(rawjson.AppendString(dst, arguments), '}')
}

// missingResult stands for the result of a call that was never answered; without
// one Anthropic refuses the whole conversation.
const missingResult = "[No result: this tool call was interrupted, or its result was not sent back.]"

func (e *encoder) toolResult(dst []byte, b *block) []byte {
	dst = rawjson.AppendString(append(dst, `"type":"tool_result","tool_use_id":`...), b.id)
	if b.kind == blockMissing {
		return append(rawjson.AppendStringMember(dst, "content", missingResult), `,"is_error":true`...)
	}
	dst = e.resultContent(dst, b.part.Result)
	if b.part.Result.IsError {
		dst = append(dst, `,"is_error":true`...)
	}
	return dst
}

func (e *encoder) resultContent(dst []byte, r *llm.ToolResult) []byte {
	if len(r.Parts) == 1 && r.Parts[0].Kind == llm.PartText && r.Parts[0].CacheControl == nil {
		if r.Parts[0].Text == "" {
			return dst
		}
		return rawjson.AppendStringMember(dst, "content", r.Parts[0].Text)
	}
	start := len(dst)
	dst = append(dst, `,"content":[`...)
	open := len(dst)
	for i := range r.Parts {
		if b, ok := e.contentBlock(&r.Parts[i]); ok {
			dst = e.block(dst, &b)
		}
	}
	if len(dst) == open {
		return dst[:start]
	}
	return append(dst, ']')
}

// contentBlock turns a part of a user message or tool result into a block; what
// Anthropic cannot read is reported and left out.
func (e *encoder) contentBlock(p *llm.Part) (block, bool) {
	b := block{part: p, cache: cacheControl(p.CacheControl)}
	switch p.Kind {
	case llm.PartText, llm.PartRefusal:
		b.kind, b.text = blockText, p.Text
		return b, !blank(p.Text)
	case llm.PartImage, llm.PartFile:
		b.kind = mediaBlock(p)
		if b.kind != blockSkip && p.Media.Data == "" && p.Media.FileID != "" {
			e.beta("files-api-2025-04-14")
		}
	case llm.PartUnknown:
		if passableBlock(p.Raw.Get("type")) {
			b.kind = blockRaw
		}
	}
	if b.kind == blockSkip {
		e.drop(partName(p), "Anthropic cannot read it")
	}
	return b, b.kind != blockSkip
}

// partName names a part in a report.
func partName(p *llm.Part) string {
	switch p.Kind {
	case llm.PartImage:
		return "image"
	case llm.PartAudio:
		return "input_audio"
	case llm.PartVideo:
		return "video"
	case llm.PartFile:
		return "file"
	case llm.PartToolCall:
		return "tool call"
	case llm.PartToolResult:
		return "tool result"
	case llm.PartUnknown:
		return "content part of type " + p.Raw.Get("type").Text()
	}
	return "content part"
}

// passableBlock names the block types that are sent as they came: they are
// Anthropic's own and no other dialect has them.
func passableBlock(kind rawjson.Value) bool {
	switch k := kind.Text(); k {
	case "document", "search_result", "container_upload", "tool_reference", "compaction":
		return true
	default:
		return strings.HasSuffix(k, "_tool_result")
	}
}

// blank reports whether a text is empty for Anthropic, which refuses text blocks
// without a visible character.
func blank(s string) bool { return strings.TrimSpace(s) == "" }

// cacheControl keeps a cache marker that is an object.
func cacheControl(v rawjson.Value) rawjson.Value {
	if v.Kind() != '{' {
		return nil
	}
	return v
}

func isImage(m *llm.Media) bool { return strings.HasPrefix(m.MIME, "image/") }

// isSoundOrFilm recognises what is left out anyway.
func isSoundOrFilm(m *llm.Media) bool {
	return strings.HasPrefix(m.MIME, "audio/") || strings.HasPrefix(m.MIME, "video/")
}

func isPDF(m *llm.Media) bool {
	name, _, _ := strings.Cut(m.URL, "?")
	return m.MIME == "application/pdf" || m.MIME == "" &&
		(hasSuffixFold(m.Name, ".pdf") || hasSuffixFold(name, ".pdf"))
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// readableText reports whether a file is text that goes into a document block.
func readableText(m *llm.Media) bool {
	switch mime, _, _ := strings.Cut(m.MIME, ";"); mime {
	case "application/json", "application/xml", "application/yaml", "application/x-yaml",
		"application/javascript", "application/toml":
		return true
	default:
		return strings.HasPrefix(mime, "text/")
	}
}

// mediaBlock chooses the block for an image or file, blockSkip when there is none.
func mediaBlock(p *llm.Part) blockKind {
	m := p.Media
	switch {
	case m == nil:
		return blockSkip
	case p.Kind == llm.PartImage && (m.MIME == "" || isImage(m) || m.FileID != ""), isImage(m):
		return blockImage
	case m.FileID != "", isPDF(m):
		return blockDocument
	case m.Data != "" && sniff(m.Data) == "application/pdf":
		return blockDocument
	case m.Data != "" && readableText(m):
		return blockDocument
	case p.Kind == llm.PartImage && m.Data != "" && strings.HasPrefix(sniff(m.Data), "image/"):
		return blockImage
	}
	return blockSkip
}

func appendImageSource(dst []byte, m *llm.Media) []byte {
	if m.Data == "" {
		return appendReference(dst, m)
	}
	mime := m.MIME
	if found := sniff(m.Data); strings.HasPrefix(found, "image/") {
		mime = found // Anthropic refuses a type that the bytes contradict
	}
	return appendBase64(dst, mime, m.Data)
}

func appendDocumentSource(dst []byte, m *llm.Media) []byte {
	if m.Data == "" {
		return appendReference(dst, m)
	}
	if !readableText(m) {
		return appendBase64(dst, "application/pdf", m.Data)
	}
	text, err := base64.StdEncoding.DecodeString(unspaced(m.Data))
	if err != nil {
		text = []byte(m.Data)
	}
	dst = append(dst, `{"type":"text","media_type":"text/plain","data":`...)
	return append(rawjson.AppendString(dst, string(text)), '}')
}

func appendReference(dst []byte, m *llm.Media) []byte {
	if m.FileID != "" {
		return append(rawjson.AppendString(append(dst, `{"type":"file","file_id":`...), m.FileID), '}')
	}
	return append(rawjson.AppendString(append(dst, `{"type":"url","url":`...), m.URL), '}')
}

func appendBase64(dst []byte, mime, data string) []byte {
	dst = rawjson.AppendString(append(dst, `{"type":"base64","media_type":`...), mime)
	return append(rawjson.AppendStringMember(dst, "data", unspaced(data)), '}')
}

// unspaced removes the line breaks that some encoders put into base64.
func unspaced(data string) string {
	if !strings.ContainsAny(data, " \t\r\n") {
		return data
	}
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, data)
}

// sniffed is how much base64 is read to tell a type: 48 bytes suffice for every
// format that Anthropic knows.
const sniffed = 64

// sniff tells the MIME type from the first bytes of base64 data.
func sniff(data string) string {
	head := unspaced(data[:min(len(data), sniffed)])
	head = head[:len(head)/4*4]
	raw, err := base64.StdEncoding.DecodeString(head)
	if err != nil || len(raw) == 0 {
		return ""
	}
	return http.DetectContentType(raw)
}
