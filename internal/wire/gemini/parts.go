package gemini

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// answerPart is one part of an answer with its members still raw.
type answerPart struct {
	text      rawjson.Value
	thought   bool
	sig       rawjson.Value
	call      rawjson.Value
	inline    rawjson.Value
	code      rawjson.Value // executableCode or codeExecutionResult
	server    rawjson.Value // toolCall or toolResponse
	otherwise bool          // a part of another kind
	raw       rawjson.Value
}

func readPart(v rawjson.Value) answerPart {
	p := answerPart{raw: v}
	for f := range v.Fields() {
		switch string(f.Key) {
		case `"text"`:
			p.text = f.Value
		case `"thought"`:
			p.thought = f.Value.True()
		case `"thoughtSignature"`:
			p.sig = f.Value
		case `"functionCall"`:
			p.call = f.Value
		case `"inlineData"`:
			p.inline = f.Value
		case `"executableCode"`, `"codeExecutionResult"`:
			p.code = v
		case `"toolCall"`, `"toolResponse"`:
			p.server = v
		case `"videoMetadata"`, `"mediaResolution"`, `"partMetadata"`:
		default:
			p.otherwise = true
		}
	}
	return p
}

// state wraps the signature of a part, copied as the string that it is; nil when
// it has none.
func (p *answerPart) state() *llm.State {
	if sig := p.sig.Text(); sig != "" {
		return &llm.State{Provider: Name, Signature: sig}
	}
	return nil
}

// media reads inlineData and says what kind of part it is.
func (p *answerPart) media() (*llm.Media, llm.PartKind) {
	m := &llm.Media{MIME: p.inline.Get("mimeType").Text(), Data: p.inline.Get("data").Text()}
	switch {
	case strings.HasPrefix(m.MIME, "audio/"):
		return m, llm.PartAudio
	case strings.HasPrefix(m.MIME, "video/"):
		return m, llm.PartVideo
	case strings.HasPrefix(m.MIME, "image/"):
		return m, llm.PartImage
	}
	return m, llm.PartFile
}

// callReader makes tool calls of functionCall parts.
type callReader struct {
	c  *wire.Call
	id string // of the response
}

// read makes a call of a functionCall; seat is unique within the response.
func (r *callReader) read(v rawjson.Value, choice, index int) *llm.ToolCall {
	call := &llm.ToolCall{ID: v.Get("id").Text(), Name: r.c.ToolName(v.Get("name").Text()), Arguments: "{}"}
	if args := v.Get("args"); args.Present() {
		call.Arguments = objectOf(args)
	}
	if call.ID == "" {
		call.ID = mintID(r.c.Seed, r.id, choice, index)
	}
	if r.custom(call.Name) {
		call.Custom, call.Arguments = true, v.Get("args").Get(customInput).Text()
	}
	return call
}

// objectOf is the text of arguments as an object: one that comes as a string of JSON is
// taken out of it, and what is no object at all is wrapped into one.
func objectOf(args rawjson.Value) string {
	if args.Kind() == '{' {
		return string(args)
	}
	if v, err := rawjson.Check([]byte(args.Text())); err == nil && v.Kind() == '{' {
		return string(v)
	}
	return string(append(append([]byte(`{"_raw":`), args...), '}'))
}

// custom reports whether the client knows the tool as a free-form one.
func (r *callReader) custom(name string) bool {
	if r.c.Request == nil {
		return false
	}
	for i := range r.c.Request.Tools {
		if d := &r.c.Request.Tools[i]; d.Name == name {
			return d.Type == "custom"
		}
	}
	return false
}

// mintID makes the id of a call that Gemini gave none: call_ and 28 hexadecimal
// digits, as LiteLLM's look.
func mintID(seed, response string, choice, index int) string {
	b := append(make([]byte, 0, 128), seed...)
	b = append(append(b, 0), response...)
	b = strconv.AppendInt(append(b, 0), int64(choice), 10)
	b = strconv.AppendInt(append(b, 0), int64(index), 10)
	sum := sha256.Sum256(b)
	return string(hex.AppendEncode(append(make([]byte, 0, 33), "call_"...), sum[:14]))
}
