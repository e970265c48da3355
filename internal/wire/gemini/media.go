package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// NeedsData implements [wire.MediaReader]: AI Studio reads addresses of its own
// files, of Cloud Storage and of YouTube; everything else must come inline. Whoever
// fetches it refuses what is no web address, such as file:.
func (Wire) NeedsData(m *llm.Media, _ *wire.Target) bool {
	if m == nil || m.Data != "" || m.FileID != "" || m.URL == "" || ownAddress(m.URL) {
		return false
	}
	_, inline := dataURL(m.URL)
	return !inline
}

func ownAddress(url string) bool {
	if strings.HasPrefix(url, "gs://") || (strings.HasPrefix(url, filesPrefix) && strings.Contains(url, "/files/")) {
		return true
	}
	for _, host := range []string{"https://www.youtube.com/watch?", "https://youtube.com/watch?", "https://youtu.be/"} {
		if strings.HasPrefix(url, host) {
			return true
		}
	}
	return false
}

// sendable reports whether there is anything to send: content, or an address.
func sendable(m *llm.Media) bool { return m.Data != "" || m.URL != "" || m.FileID != "" }

// appendMedia writes the members of a media part behind an opening brace.
func (e *encoder) appendMedia(dst []byte, m *llm.Media, kind llm.PartKind) []byte {
	mime, data := m.MIME, m.Data
	if d, ok := dataURL(m.URL); ok && data == "" {
		mime, data = d.MIME, d.Data
	}
	if data != "" {
		dst = append(dst, `"inlineData":{"mimeType":`...)
		dst = rawjson.AppendString(dst, mimeType(mime, data, m.Name, kind))
		dst = append(dst, `,"data":`...)
		dst = append(rawjson.AppendString(dst, data), '}')
	} else {
		dst = appendFileData(dst, m)
	}
	if level := resolutions[m.Detail]; level != "" && e.model.g3 && kind == llm.PartImage {
		dst = append(dst, `,"mediaResolution":{"level":"`...)
		dst = append(append(dst, level...), `"}`...)
	}
	return appendVideoMetadata(dst, m.Raw)
}

func appendFileData(dst []byte, m *llm.Media) []byte {
	uri, mime := m.URL, m.MIME
	if uri == "" {
		uri = m.FileID
		if !strings.Contains(uri, "://") {
			uri = DefaultBase + "/files/" + strings.TrimPrefix(uri, "files/")
		}
	}
	if mime == "" {
		mime = mimeOfName(uri)
	}
	dst = append(dst, `"fileData":{"fileUri":`...)
	dst = rawjson.AppendString(dst, uri)
	if mime != "" {
		dst = rawjson.AppendStringMember(dst, "mimeType", mime)
	}
	return append(dst, '}')
}

// appendVideoMetadata copies {fps, start_offset, end_offset} where the part, or
// the object within it, has them.
func appendVideoMetadata(dst []byte, raw rawjson.Value) []byte {
	if raw == nil {
		return dst
	}
	meta := videoMetadata(raw)
	if meta.Kind() != '{' {
		return dst
	}
	dst = append(dst, `,"videoMetadata":{`...)
	for k, v := range meta.Members() {
		dst = rawjson.AppendMember(dst, camel(k), v)
	}
	return append(dst, '}')
}

func videoMetadata(raw rawjson.Value) rawjson.Value {
	for k, v := range raw.Members() {
		if k == "video_metadata" || k == "videoMetadata" {
			return v
		}
		if inner := v.Get("video_metadata"); inner != nil {
			return inner
		}
	}
	return nil
}

// resolutions maps OpenAI's detail; auto says nothing.
var resolutions = map[string]string{
	"low": "MEDIA_RESOLUTION_LOW", "medium": "MEDIA_RESOLUTION_MEDIUM",
	"high": "MEDIA_RESOLUTION_HIGH", "original": "MEDIA_RESOLUTION_HIGH", "ultra_high": "MEDIA_RESOLUTION_ULTRA_HIGH",
}

// noteResolution raises the resolution of the whole request, which is all that
// models before generation 3 know.
func (e *encoder) noteResolution(p *llm.Part) {
	level := resolutions[p.Media.Detail]
	if level == "" || e.model.g3 || p.Kind != llm.PartImage || e.resolution == resolutions["high"] {
		return
	}
	if level == resolutions["ultra_high"] {
		level = resolutions["high"]
	}
	if e.resolution != resolutions["medium"] || level != resolutions["low"] {
		e.resolution = level
	}
}

// resultMedia lists the media of a tool result; a result that is nothing but a
// data URL is an image in disguise.
func resultMedia(r *llm.ToolResult) []item {
	var out []item
	for i := range r.Parts {
		if p := &r.Parts[i]; p.Media != nil && sendable(p.Media) {
			out = append(out, item{kind: itemMedia, media: p.Media, from: p.Kind})
		}
	}
	if out == nil {
		if m, ok := dataURL(r.Text()); ok {
			out = append(out, item{kind: itemMedia, media: &m, from: llm.PartImage})
		}
	}
	return out
}

func (e *encoder) appendMediaParts(dst []byte, media []item) []byte {
	for _, it := range media {
		dst = append(e.appendMedia(append(rawjson.AppendComma(dst), '{'), it.media, it.from), '}')
	}
	return dst
}

// dataURL takes a base64 data URL apart.
func dataURL(s string) (llm.Media, bool) {
	rest, ok := strings.CutPrefix(s, "data:")
	if !ok {
		return llm.Media{}, false
	}
	head, data, ok := strings.Cut(rest, ",")
	head, base64 := strings.CutSuffix(head, ";base64")
	if !ok || !base64 || data == "" || strings.ContainsAny(data, " \n\r\"") {
		return llm.Media{}, false
	}
	mime, _, _ := strings.Cut(head, ";")
	return llm.Media{MIME: mime, Data: data}, true
}

// magic are the first characters of well-known file types in base64.
var magic = []struct{ prefix, mime string }{
	{"iVBORw0KGgo", "image/png"},
	{"/9j/", "image/jpeg"},
	{"R0lGOD", "image/gif"},
	{"JVBERi", "application/pdf"},
	{"SUQz", "audio/mp3"},
	{"T2dnUw", "audio/ogg"},
	{"ZkxhQ", "audio/flac"},
}

// fallbackMIME is the best guess by kind of part.
var fallbackMIME = map[llm.PartKind]string{
	llm.PartImage: "image/jpeg", llm.PartAudio: "audio/wav", llm.PartVideo: "video/mp4", llm.PartFile: "application/octet-stream",
}

func mimeType(mime, data, name string, kind llm.PartKind) string {
	if mime != "" {
		return mime
	}
	if strings.HasPrefix(data, "UklGR") {
		if kind == llm.PartImage {
			return "image/webp"
		}
		return "audio/wav"
	}
	for _, m := range magic {
		if strings.HasPrefix(data, m.prefix) {
			return m.mime
		}
	}
	if byName := mimeOfName(name); byName != "" {
		return byName
	}
	return fallbackMIME[kind]
}

// extensions are the file types that Gemini reads.
var extensions = map[string]string{
	"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif", "heic": "image/heic",
	"heif": "image/heif", "pdf": "application/pdf", "txt": "text/plain", "md": "text/md", "csv": "text/csv", "html": "text/html",
	"xml": "text/xml", "json": "application/json", "wav": "audio/wav", "mp3": "audio/mp3", "ogg": "audio/ogg", "flac": "audio/flac",
	"aac": "audio/aac", "m4a": "audio/m4a", "mp4": "video/mp4", "mov": "video/mov", "mpeg": "video/mpeg", "mpg": "video/mpg",
	"avi": "video/avi", "webm": "video/webm", "wmv": "video/wmv", "flv": "video/x-flv", "3gp": "video/3gpp",
}

func mimeOfName(name string) string {
	if i := strings.IndexAny(name, "?#"); i >= 0 {
		name = name[:i]
	}
	dot := strings.LastIndexByte(name, '.')
	if dot < 0 {
		return ""
	}
	return extensions[strings.ToLower(name[dot+1:])]
}
