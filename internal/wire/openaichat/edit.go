package openaichat

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// edit copies the client's body and changes only what must change: the model,
// the stream switches, parameters that were decided otherwise, gateway-only keys,
// and the messages and tools that break a rule of the provider.
func (e *encoding) edit(body rawjson.Value) []byte {
	c := rawjson.Cursor{B: body}
	dst := append(make([]byte, 0, len(body)+256), '{')
	var seen seenKeys
	for ok := c.Open('{'); ok; ok = c.Next() {
		start := c.I
		key := c.Key()
		if key == nil {
			break
		}
		k, _ := readKey(key)
		name := k.name
		if e.overridden(name) {
			c.Skip()
			continue
		}
		switch k.class {
		case control:
			c.Skip()
		case envelope:
			dst = e.editEnvelope(dst, name, start, &c, &seen)
		default:
			dst = e.editParam(dst, name, start, &c)
		}
	}
	return append(e.rest(dst, seen), '}')
}

// seenKeys says which envelope keys the client's body has.
type seenKeys struct{ model, stream, streamOptions bool }

// overridden says that the deployment's extra_body replaces a member.
func (e *encoding) overridden(name string) bool {
	return len(e.t.ExtraBody) > 0 && slices.ContainsFunc(e.t.ExtraBody, func(p llm.Param) bool { return p.Name == name })
}

func (e *encoding) editEnvelope(dst []byte, name string, start int, c *rawjson.Cursor, seen *seenKeys) []byte {
	switch name {
	case "model":
		c.Skip()
		seen.model = true
		return rawjson.AppendStringMember(dst, name, e.model())
	case "messages":
		return e.rules.messages(rawjson.AppendKey(dst, name), c)
	case "tools":
		v := c.Skip()
		if e.filtered {
			return rawjson.AppendMember(dst, name, e.tools)
		}
		return appendSpan(dst, c.B[start:c.I], v)
	case "stream":
		v := c.Skip()
		if !e.streams() {
			return appendSpan(dst, c.B[start:c.I], v)
		}
		seen.stream = true
		return rawjson.AppendMember(dst, name, rawjson.Value("true"))
	}
	v := c.Skip() // stream_options
	if !e.streams() {
		return appendSpan(dst, c.B[start:c.I], v)
	}
	seen.streamOptions = true
	return e.streamOptions(dst, v)
}

// appendSpan appends a member as it came.
func appendSpan(dst, member []byte, v rawjson.Value) []byte {
	if len(v) == 0 {
		return dst
	}
	return append(rawjson.AppendComma(dst), member...)
}

func (e *encoding) editParam(dst []byte, name string, start int, c *rawjson.Cursor) []byte {
	v := c.Skip()
	for i := range e.params {
		p := &e.params[i]
		if p.done || (p.from != name && (p.from != "" || p.name != name)) {
			continue
		}
		p.done = true
		if p.name == name && sameBytes(p.value, v) {
			return appendSpan(dst, c.B[start:c.I], v)
		}
		return rawjson.AppendMember(dst, p.name, p.value)
	}
	if !v.Present() && paramKinds[name] == "" { // an unknown null is the upstream's business
		return appendSpan(dst, c.B[start:c.I], v)
	}
	return dst
}

func sameBytes(a, b rawjson.Value) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || string(a) == string(b))
}

// rest appends what the client's body lacks.
func (e *encoding) rest(dst []byte, seen seenKeys) []byte {
	if !seen.model && !e.overridden("model") {
		dst = rawjson.AppendStringMember(dst, "model", e.model())
	}
	for i := range e.params {
		if p := &e.params[i]; !p.done && !e.overridden(p.name) {
			dst = rawjson.AppendMember(dst, p.name, p.value)
		}
	}
	if e.streams() {
		if !seen.stream {
			dst = rawjson.AppendMember(dst, "stream", rawjson.Value("true"))
		}
		if !seen.streamOptions && !e.overridden("stream_options") {
			dst = e.streamOptions(dst, nil)
		}
	}
	for _, p := range e.t.ExtraBody {
		dst = rawjson.AppendMember(dst, p.Name, p.Value)
	}
	return dst
}

// streamOptions asks for the usage, which the gateway needs even when the client
// does not, and keeps the client's other options.
func (e *encoding) streamOptions(dst []byte, client rawjson.Value) []byte {
	if e.q.NoStreamUsage {
		return dst
	}
	plainChunks := e.openAIHost()
	if client.Kind() != '{' {
		dst = rawjson.AppendKey(dst, "stream_options")
		if plainChunks {
			return append(dst, `{"include_usage":true,"include_obfuscation":false}`...)
		}
		return append(dst, `{"include_usage":true}`...)
	}
	obj := rawjson.ParseObject(client)
	obj.Set("include_usage", rawjson.Value("true"))
	if plainChunks && obj.Get("include_obfuscation") == nil {
		obj.Set("include_obfuscation", rawjson.Value("false"))
	}
	return obj.Append(rawjson.AppendKey(dst, "stream_options"))
}

// openAIHost reports whether the request goes to OpenAI itself, which pads chunks
// at random unless told not to; other servers may not know that option.
func (e *encoding) openAIHost() bool {
	return e.t.Provider == "openai" && (e.t.Base == "" || strings.Contains(e.t.Base, "api.openai.com"))
}
