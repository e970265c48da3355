package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

func (e *encoder) appendContents(dst []byte, turns []turn) []byte {
	dst = append(dst, `"contents":[`...)
	for i := range turns {
		role := `{"role":"user","parts":[`
		if turns[i].model {
			role = `{"role":"model","parts":[`
		}
		dst = append(rawjson.AppendComma(dst), role...)
		dst = e.appendItems(dst, &turns[i])
		dst = append(dst, "]}"...)
	}
	return append(dst, ']')
}

func (e *encoder) appendItems(dst []byte, t *turn) []byte {
	text := t.model || t.results
	for i := range t.items {
		it := &t.items[i]
		switch it.kind {
		case itemThought:
			dst = appendSigned(appendText(append(rawjson.AppendComma(dst), `{"thought":true,"text":`...), it.text), it.sig)
		case itemText:
			dst = appendSigned(appendText(append(rawjson.AppendComma(dst), `{"text":`...), it.text), it.sig)
			text = true
		case itemMedia:
			dst = appendSigned(e.appendMedia(append(rawjson.AppendComma(dst), '{'), it.media, it.from), it.sig)
		case itemCall:
			dst = appendSigned(e.appendCall(append(rawjson.AppendComma(dst), '{'), it.call), it.sig)
		case itemResult:
			dst = e.appendResult(dst, it)
		}
	}
	if !text { // a user's turn of media alone is refused (LiteLLM #5515)
		dst = appendTextPart(dst, " ")
	}
	return dst
}

func appendText(dst []byte, text string) []byte { return rawjson.AppendString(dst, text) }

// appendSigned closes a part, with its signature if it has one.
func appendSigned(dst []byte, sig string) []byte {
	if sig != "" {
		dst = append(dst, `,"thoughtSignature":"`...)
		dst = append(append(dst, sig...), '"') // base64 needs no escapes
	}
	return append(dst, '}')
}

func (e *encoder) appendCall(dst []byte, c *llm.ToolCall) []byte {
	dst = append(dst, `"functionCall":{`...)
	dst = e.appendID(dst, c.ID)
	dst = rawjson.AppendStringMember(dst, "name", e.names.upstream(c.Name))
	dst = append(dst, `,"args":`...)
	if c.Custom {
		dst = rawjson.AppendStringMember(append(dst, '{'), customInput, c.Arguments)
		return append(dst, "}}"...)
	}
	return append(appendArgs(dst, c.Arguments), '}')
}

// appendID writes the id of a call, which models before generation 3 refuse.
func (e *encoder) appendID(dst []byte, id string) []byte {
	if !e.model.g3 || id == "" {
		return dst
	}
	return rawjson.AppendStringMember(dst, "id", id)
}

// appendArgs writes arguments as the object that Gemini wants. What is not an
// object travels as {"_raw": text}, so that a broken history never fails (§2.5.1).
func appendArgs(dst []byte, arguments string) []byte {
	trimmed := strings.TrimSpace(arguments)
	if trimmed == "" || trimmed == "null" {
		return append(dst, "{}"...)
	}
	if trimmed[0] == '{' {
		if v, err := rawjson.Check([]byte(trimmed)); err == nil {
			return append(dst, v...)
		}
	}
	dst = rawjson.AppendStringMember(append(dst, '{'), "_raw", arguments)
	return append(dst, '}')
}

// missing answers a call whose result the client did not send: Gemini demands as
// many answers as calls.
const missing = `{"error":"tool result missing"}`

func (e *encoder) appendResult(dst []byte, it *item) []byte {
	dst = append(rawjson.AppendComma(dst), `{"functionResponse":{`...)
	dst = e.appendID(dst, it.call.ID)
	dst = rawjson.AppendStringMember(dst, "name", e.names.upstream(it.call.Name))
	dst = append(dst, `,"response":`...)
	if it.result == nil {
		e.drop("tool result of "+it.call.Name, "the client sent none; the model was told so")
		return append(append(dst, missing...), "}}"...)
	}
	media := resultMedia(it.result)
	dst = appendResponse(dst, it.result, len(media) > 0)
	if len(media) > 0 && e.model.g3 {
		dst = append(dst, `,"parts":[`...)
		dst = append(e.appendMediaParts(dst, media), ']')
		media = nil
	}
	dst = append(dst, "}}"...)
	return e.appendMediaParts(dst, media)
}

// appendResponse writes the response object: a JSON object as it is, anything
// else as text under "content". An object with "$ref" in it would be read as a
// pointer to a part, so it travels as text too.
func appendResponse(dst []byte, r *llm.ToolResult, hasMedia bool) []byte {
	text := r.Text()
	if _, ok := dataURL(text); ok && hasMedia {
		text = ""
	}
	key := "content"
	if r.IsError {
		key = "error"
	} else if v, ok := plainObject(text); ok {
		return append(dst, v...)
	}
	dst = rawjson.AppendStringMember(append(dst, '{'), key, text)
	return append(dst, '}')
}

// plainObject returns text as a JSON object that holds no "$ref".
func plainObject(text string) (rawjson.Value, bool) {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		return nil, false
	}
	v, err := rawjson.Check([]byte(text))
	if err != nil || (mayHoldRef(text) && holdsRef(&rawjson.Cursor{B: v})) {
		return nil, false
	}
	return v, true
}

func mayHoldRef(text string) bool {
	return strings.Contains(text, "$ref") || strings.Contains(text, `\u`)
}

// holdsRef looks for the key at any depth of the value at the cursor and steps over
// it, each byte once; Check has bounded the depth.
func holdsRef(c *rawjson.Cursor) bool {
	switch c.Peek() {
	case '{':
		for ok := c.Open('{'); ok; ok = c.Next() {
			if c.Key().Text() == "$ref" || holdsRef(c) {
				return true
			}
		}
	case '[':
		for ok := c.Open('['); ok; ok = c.Next() {
			if holdsRef(c) {
				return true
			}
		}
	default:
		c.Skip()
	}
	return false
}
