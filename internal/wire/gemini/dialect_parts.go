package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// clientPart is one part of a content as a client sends it, its members still raw.
type clientPart struct {
	text, call, result, inline, file, code, output, resolution, raw rawjson.Value
	thought                                                         bool
	sig                                                             rawjson.Value
}

func readClientPart(v rawjson.Value) clientPart {
	p := clientPart{raw: v}
	for name, m := range members(v) {
		switch name {
		case "text":
			p.text = m
		case "thought":
			p.thought = m.True()
		case "thoughtSignature":
			p.sig = m
		case "functionCall":
			p.call = m
		case "functionResponse":
			p.result = m
		case "inlineData":
			p.inline = m
		case "fileData":
			p.file = m
		case "executableCode":
			p.code = m
		case "codeExecutionResult":
			p.output = m
		case "mediaResolution":
			p.resolution = m
		}
	}
	return p
}

// plain reads a text, an image, a sound, a film or a file.
func (p *clientPart) plain() (llm.Part, bool) {
	switch {
	case p.inline != nil:
		return p.media(inlineMedia(p.inline))
	case p.file != nil:
		return p.media(fileMedia(p.file))
	case p.text != nil && len(p.text) > len(`""`):
		return llm.Part{Kind: llm.PartText, Text: p.text.Text()}, true
	}
	return llm.Part{}, false
}

func (p *clientPart) media(m *llm.Media) (llm.Part, bool) {
	m.Raw, m.Detail = p.raw, detailOf(p.resolution)
	return llm.Part{Kind: mediaKind(m.MIME), Media: m}, m.Data != "" || m.URL != ""
}

func inlineMedia(v rawjson.Value) *llm.Media {
	return &llm.Media{MIME: member(v, "mimeType").Text(), Data: standardBase64(member(v, "data").Text()), Name: member(v, "displayName").Text()}
}

func fileMedia(v rawjson.Value) *llm.Media {
	return &llm.Media{MIME: member(v, "mimeType").Text(), URL: member(v, "fileUri").Text(), Name: member(v, "displayName").Text()}
}

// standardBase64 gives data the alphabet and padding that other formats demand;
// proto JSON reads every form, and Google's Python SDK writes the URL-safe one.
func standardBase64(data string) string {
	if len(data)%4 == 0 && !strings.ContainsAny(data, "-_") {
		return data
	}
	std := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(data, "="))
	if rest := len(std) % 4; rest > 1 {
		std += "=="[:4-rest]
	}
	return std
}

func mediaKind(mime string) llm.PartKind {
	switch class, _, _ := strings.Cut(mime, "/"); class {
	case "image":
		return llm.PartImage
	case "audio":
		return llm.PartAudio
	case "video":
		return llm.PartVideo
	}
	return llm.PartFile
}

// detailOf is the opposite of resolutions.
func detailOf(resolution rawjson.Value) string {
	level := resolution
	if level.Kind() == '{' {
		level = member(resolution, "level")
	}
	switch strings.TrimPrefix(level.Text(), "MEDIA_RESOLUTION_") {
	case "LOW":
		return "low"
	case "HIGH", "ULTRA_HIGH":
		return "high"
	}
	return ""
}

// readResult reads a functionResponse. Google's documented members are output and
// error; any other object is the result itself.
func readResult(at spot, v rawjson.Value) (*llm.ToolResult, error) {
	if v.Kind() != '{' {
		return nil, isKind(at.String()+".functionResponse", v, "{")
	}
	r := &llm.ToolResult{}
	var response, parts rawjson.Value
	for name, m := range members(v) {
		switch name {
		case "id":
			r.CallID, _ = signature.Split(m.Text())
		case "name":
			r.Name = m.Text()
		case "response":
			response = m
		case "parts":
			parts = m
		}
	}
	r.Parts, r.IsError = responseParts(response)
	for _, p := range elems(parts) {
		part := readClientPart(p)
		if media, ok := part.plain(); ok {
			r.Parts = append(r.Parts, media)
		}
	}
	return r, nil
}

func responseParts(response rawjson.Value) (parts []llm.Part, failed bool) {
	if response == nil {
		return nil, false
	}
	v := response
	if response.Len() == 1 {
		if output := response.Get("output"); output.Present() {
			v = output
		} else if e := response.Get("error"); e.Present() {
			v, failed = e, true
		}
	}
	text, ok := v.Str()
	if !ok {
		text = string(v)
	}
	return []llm.Part{{Kind: llm.PartText, Text: text}}, failed
}
