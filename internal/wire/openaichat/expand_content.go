package openaichat

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// contentParts reads the content of a message: a string, a list of parts, or
// nothing.
func contentParts(at path, v rawjson.Value) ([]llm.Part, error) {
	switch v.Kind() {
	case 0, 'n':
		return nil, nil
	case '"':
		if s := v.Text(); s != "" {
			return []llm.Part{{Kind: llm.PartText, Text: s}}, nil
		}
		return nil, nil
	case '[':
	default:
		return nil, at.badType("a string or a list of parts")
	}
	var parts []llm.Part
	for i, e := range v.Elems() {
		p, err := contentPart(at.item(i), e)
		if err != nil {
			return nil, err
		}
		if p.Kind == llm.PartText && p.Text == "" {
			continue
		}
		parts = append(parts, p)
	}
	return parts, nil
}

func contentPart(at path, v rawjson.Value) (llm.Part, error) {
	if s, ok := v.Str(); ok {
		return llm.Part{Kind: llm.PartText, Text: s}, nil
	}
	if v.Kind() != '{' {
		return llm.Part{}, at.badType("an object with a type")
	}
	p := llm.Part{CacheControl: present(v.Get("cache_control"))}
	switch typ := v.Get("type").Text(); typ {
	case "text", "input_text", "output_text":
		text := v.Get("text")
		if text.Present() && text.Kind() != '"' {
			text := at.key("text")
			return p, text.badType("a string")
		}
		p.Kind, p.Text = llm.PartText, text.Text()
	case "refusal":
		p.Kind, p.Text = llm.PartRefusal, v.Get("refusal").Text()
	case "thinking", "redacted_thinking":
		p.Kind, p.Text, p.State = llm.PartThinking, v.Get("thinking").Text(), blockState(v)
	case "image_url", "input_image", "image":
		return mediaPart(&at, p, llm.PartImage, v, imageMedia)
	case "input_audio":
		return mediaPart(&at, p, llm.PartAudio, v, audioMedia)
	case "video_url", "input_video":
		return mediaPart(&at, p, llm.PartVideo, v, videoMedia)
	case "file", "input_file":
		return mediaPart(&at, p, llm.PartFile, v, fileMedia)
	default:
		p.Kind, p.Raw = llm.PartUnknown, v
	}
	return p, nil
}

func present(v rawjson.Value) rawjson.Value {
	if v.Present() {
		return v
	}
	return nil
}

// mediaPart reads a part with a reader; a part without any content is a mistake,
// one in a shape of another format is unknown.
func mediaPart(at *path, p llm.Part, kind llm.PartKind, v rawjson.Value, read func(rawjson.Value) *llm.Media) (llm.Part, error) {
	m := read(v)
	if m == nil {
		p.Kind, p.Raw = llm.PartUnknown, v
		return p, nil
	}
	if m.URL == "" && m.Data == "" && m.FileID == "" {
		return p, at.refuse("holds neither data nor an address.")
	}
	m.Raw = v
	p.Kind, p.Media = kind, m
	return p, nil
}

func imageMedia(v rawjson.Value) *llm.Media {
	img := v.Get("image_url")
	switch img.Kind() {
	case '"':
		m := fromURL(img.Text())
		m.Detail = v.Get("detail").Text()
		return m
	case '{':
		m := fromURL(img.Get("url").Text())
		m.Detail = img.Get("detail").Text()
		withFormat(m, img.Get("format"))
		return m
	}
	if id := v.Get("file_id").Text(); id != "" {
		return &llm.Media{FileID: id, Detail: v.Get("detail").Text()}
	}
	return nil
}

func audioMedia(v rawjson.Value) *llm.Media {
	a := v.Get("input_audio")
	if a.Kind() != '{' {
		return nil
	}
	m := fromURL(a.Get("data").Text())
	if m.URL != "" && !strings.Contains(m.URL, "://") { // plain base64, the usual form
		m.Data, m.URL = m.URL, ""
	}
	if u := a.Get("url").Text(); u != "" && m.Data == "" {
		m = fromURL(u)
	}
	if m.MIME == "" {
		m.MIME = audioMIME(a.Get("format").Text())
	}
	return m
}

func audioMIME(format string) string {
	switch format {
	case "":
		return ""
	case "mp3":
		return "audio/mpeg"
	case "pcm16":
		return "audio/pcm"
	}
	if strings.Contains(format, "/") {
		return format
	}
	return "audio/" + format
}

func videoMedia(v rawjson.Value) *llm.Media {
	vid := v.Get("video_url")
	switch vid.Kind() {
	case '"':
		return fromURL(vid.Text())
	case '{':
		m := fromURL(vid.Get("url").Text())
		m.Detail = vid.Get("detail").Text()
		withFormat(m, vid.Get("format"))
		return m
	}
	return nil
}

func fileMedia(v rawjson.Value) *llm.Media {
	f := v.Get("file")
	if f.Kind() != '{' {
		if f = v; f.Get("file_data") == nil && f.Get("file_id") == nil && f.Get("file_url") == nil {
			return nil
		}
	}
	m := &llm.Media{}
	if data := f.Get("file_data").Text(); data != "" {
		m = fromURL(data)
		if m.URL != "" && !strings.Contains(m.URL, "://") {
			m.Data, m.URL = m.URL, ""
		}
	} else if u := f.Get("file_url").Text(); u != "" {
		m.URL = u
	} else if id := f.Get("file_id").Text(); strings.Contains(id, "://") {
		m.URL = id
	} else {
		m.FileID = id
	}
	m.Name = f.Get("filename").Text()
	m.Detail = f.Get("detail").Text()
	withFormat(m, f.Get("format"))
	return m
}

// withFormat takes a MIME type that the client states.
func withFormat(m *llm.Media, v rawjson.Value) {
	if s := v.Text(); s != "" {
		m.MIME = s
	}
}

// fromURL takes a data: URL apart; any other address stays one.
func fromURL(u string) *llm.Media {
	rest, ok := strings.CutPrefix(u, "data:")
	if !ok {
		return &llm.Media{URL: u}
	}
	head, data, ok := strings.Cut(rest, ",")
	if !ok {
		return &llm.Media{URL: u}
	}
	mime, _, _ := strings.Cut(head, ";")
	if !strings.HasSuffix(head, ";base64") {
		return &llm.Media{URL: u, MIME: mime}
	}
	return &llm.Media{MIME: mime, Data: data}
}
