package openairesponses

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// contentParts reads the content of a message or of a tool's output: a string, a
// list of parts, or nothing.
func contentParts(at string, v rawjson.Value) ([]llm.Part, error) {
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
		return nil, badType(at, "a string or a list of parts")
	}
	var parts []llm.Part
	for i, e := range v.Elems() {
		p, err := contentPart(place(at, i), e)
		if err != nil {
			return nil, err
		}
		if p.Kind != llm.PartText || p.Text != "" {
			parts = append(parts, p)
		}
	}
	return parts, nil
}

func contentPart(at string, v rawjson.Value) (llm.Part, error) {
	if s, ok := v.Str(); ok {
		return llm.Part{Kind: llm.PartText, Text: s}, nil
	}
	if v.Kind() != '{' {
		return llm.Part{}, badType(at, "an object with a type")
	}
	switch v.Get("type").Text() {
	case "input_text", "output_text", "text", "summary_text", "reasoning_text":
		text := v.Get("text")
		if text.Present() && text.Kind() != '"' {
			return llm.Part{}, badType(at+".text", "a string")
		}
		return llm.Part{Kind: llm.PartText, Text: text.Text(), CacheControl: present(v.Get("cache_control"))}, nil
	case "refusal":
		return llm.Part{Kind: llm.PartRefusal, Text: v.Get("refusal").Text()}, nil
	case "input_image", "image_url", "computer_screenshot":
		return mediaPart(at, llm.PartImage, v, imageOf(v))
	case "input_audio":
		return mediaPart(at, llm.PartAudio, v, audioOf(v))
	case "input_file", "file":
		return mediaPart(at, llm.PartFile, v, fileOf(v))
	}
	return llm.Part{Kind: llm.PartUnknown, Raw: v}, nil
}

func mediaPart(at string, kind llm.PartKind, v rawjson.Value, m *llm.Media) (llm.Part, error) {
	if m.URL == "" && m.Data == "" && m.FileID == "" {
		return llm.Part{}, llm.BadRequest(at, "'"+at+"' holds neither data nor an address.")
	}
	m.Raw = v
	return llm.Part{Kind: kind, Media: m, CacheControl: present(v.Get("cache_control"))}, nil
}

func imageOf(v rawjson.Value) *llm.Media {
	img := v.Get("image_url")
	m := fromURL(img.Text())
	if img.Kind() == '{' { // as Chat Completions writes it
		m = fromURL(img.Get("url").Text())
		m.Detail = img.Get("detail").Text()
	}
	if d := v.Get("detail").Text(); d != "" {
		m.Detail = d
	}
	m.FileID = v.Get("file_id").Text()
	return m
}

func audioOf(v rawjson.Value) *llm.Media {
	a := v.Get("input_audio")
	if a.Kind() != '{' {
		a = v
	}
	m := fromURL(a.Get("data").Text())
	if m.URL != "" && !strings.Contains(m.URL, "://") { // plain base64, the usual form
		m.Data, m.URL = m.URL, ""
	}
	switch format := a.Get("format").Text(); {
	case m.MIME != "" || format == "":
	case format == "mp3":
		m.MIME = "audio/mpeg"
	default:
		m.MIME = "audio/" + format
	}
	return m
}

func fileOf(v rawjson.Value) *llm.Media {
	f := v.Get("file")
	if f.Kind() != '{' {
		f = v
	}
	m := &llm.Media{}
	if data := f.Get("file_data").Text(); data != "" {
		m = fromURL(data)
		if m.URL != "" && !strings.Contains(m.URL, "://") {
			m.Data, m.URL = m.URL, ""
		}
	} else {
		m.URL = f.Get("file_url").Text()
	}
	m.FileID, m.Name = f.Get("file_id").Text(), f.Get("filename").Text()
	if m.MIME == "" && strings.HasSuffix(strings.ToLower(m.Name), ".pdf") {
		m.MIME = "application/pdf"
	}
	return m
}

// fromURL reads an address; a data: URL is taken apart.
func fromURL(u string) *llm.Media {
	rest, ok := strings.CutPrefix(u, "data:")
	head, data, comma := strings.Cut(rest, ",")
	if !ok || !comma {
		return &llm.Media{URL: u}
	}
	mime, _, _ := strings.Cut(head, ";")
	if !strings.HasSuffix(head, ";base64") {
		return &llm.Media{URL: u, MIME: mime}
	}
	return &llm.Media{MIME: mime, Data: data}
}
