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

// modelBuilder collects the parts of one content of the model.
type modelBuilder struct {
	turn  int // of the content among the model's
	parts []llm.Part
	calls []*llm.ToolCall
	// thought is the text of the block that is open: a stream brings a thought in
	// many parts, of which the last has the signature.
	thought  strings.Builder
	thinking bool
}

// part adds one part; known is false for what no other format can have.
func (b *modelBuilder) part(at spot, p *clientPart) (known bool, err error) {
	if p.thought && p.call == nil {
		b.think(p)
		return true, nil
	}
	b.closeThought(nil)
	switch {
	case p.call != nil:
		return true, b.call(at, p)
	case p.code != nil:
		b.addText("```"+strings.ToLower(member(p.code, "language").Text())+"\n"+member(p.code, "code").Text()+"\n```", nil)
		return true, nil
	case p.output != nil:
		b.addText("```\n"+member(p.output, "output").Text()+"\n```", nil)
		return true, nil
	}
	if part, ok := p.plain(); ok {
		part.State = readCarrier(p.sig.Text())
		b.parts = append(b.parts, part)
		return true, nil
	}
	if p.text != nil {
		b.lateSignature(readCarrier(p.sig.Text()))
		return true, nil
	}
	return false, nil
}

func (b *modelBuilder) addText(text string, st *llm.State) {
	b.parts = append(b.parts, llm.Part{Kind: llm.PartText, Text: text, State: st})
}

func (b *modelBuilder) think(p *clientPart) {
	b.thinking = true
	b.thought.WriteString(p.text.Text())
	if st := readCarrier(p.sig.Text()); st != nil {
		b.closeThought(st)
	}
}

// closeThought ends the open block of thought, if there is one.
func (b *modelBuilder) closeThought(st *llm.State) {
	if b.thinking && (b.thought.Len() > 0 || st != nil) {
		b.parts = append(b.parts, llm.Part{Kind: llm.PartThinking, Text: b.thought.String(), State: st})
	}
	b.thinking = false
	b.thought.Reset()
}

// lateSignature files a signature that came in an empty text part (§2.8 G9).
func (b *modelBuilder) lateSignature(st *llm.State) {
	if st == nil {
		return
	}
	for i := range b.parts {
		if p := &b.parts[i]; p.Kind == llm.PartToolCall {
			if p.State == nil {
				p.State = st
			}
			return
		}
	}
	if n := len(b.parts); n > 0 && b.parts[n-1].Kind == llm.PartText && b.parts[n-1].State == nil {
		b.parts[n-1].State = st
		return
	}
	b.addText("", st)
}

func (b *modelBuilder) call(at spot, p *clientPart) error {
	if p.call.Kind() != '{' {
		return isKind(at.String()+".functionCall", p.call, "{")
	}
	call := &llm.ToolCall{Arguments: "{}"}
	inID := ""
	for name, m := range members(p.call) {
		switch name {
		case "id":
			call.ID, inID = signature.Split(m.Text())
		case "name":
			call.Name = m.Text()
		case "args":
			if m.Kind() != '{' {
				return isKind(at.String()+".functionCall.args", m, "{")
			}
			call.Arguments = string(m)
		}
	}
	if call.Name == "" {
		place := at.String() + ".functionCall"
		return badRequest(place+".name", "Invalid value at '"+place+".name': a function call needs the name of its function.")
	}
	if call.ID == "" {
		call.ID = mintID("contents", call.Name, b.turn, len(b.calls))
	}
	st := readCarrier(p.sig.Text())
	if st == nil {
		st = readCarrier(inID)
	}
	b.calls = append(b.calls, call)
	b.parts = append(b.parts, llm.Part{Kind: llm.PartToolCall, Call: call, State: st})
	return nil
}
