package openaichat

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// The tags between which reasoning stands in the content when the deployment
// merges it (merge_reasoning_content_in_choices).
const (
	thinkOpen  = "<think>"
	thinkClose = "</think>"
)

// mergedAnswer moves reasoning_content into the content of every choice.
func mergedAnswer(body rawjson.Value) rawjson.Value {
	if !bytes.Contains(body, []byte(`"reasoning_content"`)) {
		return body
	}
	obj := rawjson.ParseObject(body)
	var choices []byte
	choices = append(choices, '[')
	for _, c := range obj.Get("choices").Elems() {
		choices = append(rawjson.AppendComma(choices), mergedChoice(c)...)
	}
	obj.Set("choices", append(choices, ']'))
	return obj.Value()
}

func mergedChoice(c rawjson.Value) rawjson.Value {
	msg := rawjson.ParseObject(c.Get("message"))
	text := msg.Get("reasoning_content").Text()
	if text == "" {
		return c
	}
	msg.Del("reasoning_content")
	msg.Set("content", rawjson.String(thinkOpen+text+thinkClose+msg.Get("content").Text()))
	obj := rawjson.ParseObject(c)
	obj.Set("message", msg.Value())
	return obj.Value()
}
