package openaichat

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/signature"
)

// feature is a set of things that a message has and that some provider cannot
// take. One walk finds them all; which of them matter depends on the target.
type feature uint32

const (
	assistant feature = 1 << iota
	// toolCalls: it makes tool calls.
	toolCalls
	// reasoned: it has reasoning_content.
	reasoned
	// carriers: members that belong to a gateway or to one provider.
	carriers
	// cacheControl on the message or a part.
	cacheControl
	// named: it has a name.
	named
	// contentList: its content is a list.
	contentList
	// thinkingPart within the content.
	thinkingPart
	// media within the content.
	media
	// imageText: an image's address stands without its object.
	imageText
	// markedID: a tool-call id may carry a signature.
	markedID
	// longID: a tool-call id is longer than OpenAI takes.
	longID
	// otherID: a tool-call id is not of Mistral's form.
	otherID
	// otherArguments: arguments that are not a string.
	otherArguments
	// escapedKey: a key is written with escapes and must be read slowly.
	escapedKey
)

// isCarrier names the members of a message that never go upstream as they are.
func isCarrier(key []byte) bool {
	switch string(key) {
	case "thinking_blocks", "provider_specific_fields", "extra_content", "images",
		"reasoning_text", "reasoning_details", "reasoning":
		return true
	}
	return false
}

// scanMessages steps over a list of messages and tells the features of all.
func scanMessages(c *rawjson.Cursor) (f feature) {
	for ok := c.Open('['); ok; ok = c.Next() {
		f |= scanMessage(c)
	}
	return f
}

// scanMessage steps over one message and tells its features.
func scanMessage(c *rawjson.Cursor) (f feature) {
	if c.Peek() != '{' {
		c.Skip()
		return 0
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		key := c.Key()
		if key.Escaped() {
			f |= escapedKey
		}
		switch string(key.Bare()) {
		case "role":
			if c.Skip().Is("assistant") {
				f |= assistant
			}
		case "content":
			f |= scanContent(c)
		case "tool_calls":
			f |= scanCalls(c)
		case "tool_call_id":
			f |= idFeatures(c.Skip())
		case "reasoning_content":
			if c.Skip().Present() {
				f |= reasoned
			}
		case "cache_control":
			c.Skip()
			f |= cacheControl
		case "name":
			c.Skip()
			f |= named
		default:
			c.Skip()
			if isCarrier(key.Bare()) {
				f |= carriers
			}
		}
	}
	return f
}

func scanContent(c *rawjson.Cursor) (f feature) {
	if c.Peek() != '[' {
		c.Skip()
		return 0
	}
	f = contentList
	for ok := c.Open('['); ok; ok = c.Next() {
		f |= scanPart(c)
	}
	return f
}

func scanPart(c *rawjson.Cursor) (f feature) {
	if c.Peek() != '{' {
		c.Skip()
		return 0
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch string(c.Key().Bare()) {
		case "type":
			f |= partFeatures(c.Skip().Bare())
		case "cache_control":
			c.Skip()
			f |= cacheControl
		case "image_url":
			if c.Skip().Kind() == '"' {
				f |= imageText
			}
		default:
			c.Skip()
		}
	}
	return f
}

func partFeatures(typ []byte) feature {
	switch string(typ) {
	case "thinking", "redacted_thinking":
		return thinkingPart
	}
	if isMedia(typ) {
		return media
	}
	return 0
}

func isMedia(typ []byte) bool {
	switch string(typ) {
	case "image_url", "input_image", "image", "input_audio", "file", "input_file", "video_url", "input_video":
		return true
	}
	return false
}

func scanCalls(c *rawjson.Cursor) (f feature) {
	if c.Peek() != '[' {
		c.Skip()
		return 0
	}
	for ok := c.Open('['); ok; ok = c.Next() {
		f |= toolCalls | scanCall(c)
	}
	return f
}

func scanCall(c *rawjson.Cursor) (f feature) {
	if c.Peek() != '{' {
		c.Skip()
		return 0
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch string(c.Key().Bare()) {
		case "id":
			f |= idFeatures(c.Skip())
		case "function":
			f |= scanFunction(c)
		case "provider_specific_fields", "extra_content", "cache_control", "index":
			c.Skip()
			f |= carriers
		default:
			c.Skip()
		}
	}
	return f
}

func scanFunction(c *rawjson.Cursor) (f feature) {
	if c.Peek() != '{' {
		c.Skip()
		return 0
	}
	for ok := c.Open('{'); ok; ok = c.Next() {
		switch string(c.Key().Bare()) {
		case "arguments":
			if c.Skip().Kind() != '"' {
				f |= otherArguments
			}
		case "provider_specific_fields":
			c.Skip()
			f |= carriers
		default:
			c.Skip()
		}
	}
	return f
}

// minMarked is the length from which an id may carry a signature behind a mark.
const minMarked = 20

func idFeatures(v rawjson.Value) (f feature) {
	id := v.Bare()
	if !isMistralID(id) {
		f |= otherID
	}
	if len(id) > maxOpenAIID {
		f |= longID
	}
	if len(id) >= minMarked && (bytes.Contains(id, []byte(signature.Mark)) || bytes.Contains(id, []byte("_ts_"))) {
		f |= markedID
	}
	return f
}
