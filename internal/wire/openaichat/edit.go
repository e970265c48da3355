package openaichat

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// edit copies the client's body and changes only what must change: the model,
// the stream switches, parameters that were decided otherwise, gateway-only keys,
// and the messages and tools that break a rule of the provider. Long members that
// stay are pieces of the client's body.
func (e *encoding) edit() (body []byte, rest [][]byte) {
	env := envelopeOf(e.req)
	dst := append(make([]byte, 0, min(len(e.req.Body), 2*longMember)+256), '{')
	var seen seenKeys
	for i := range env.Members {
		m := &env.Members[i]
		if e.overridden(m.Name) {
			continue
		}
		switch class(m.Class) {
		case control:
		case envelope:
			dst = e.editEnvelope(dst, m, env, &seen)
		default:
			dst = e.editParam(dst, m)
		}
	}
	dst = append(e.rest(dst, seen), '}')
	if len(e.pieces) == 0 {
		return dst, nil
	}
	e.pieces = append(e.pieces, dst)
	return e.pieces[0], e.pieces[1:]
}

// seenKeys says which envelope keys the client's body has.
type seenKeys struct{ model, stream, streamOptions bool }

// overridden says that the deployment's extra_body replaces a member.
func (e *encoding) overridden(name string) bool {
	return len(e.t.ExtraBody) > 0 && slices.ContainsFunc(e.t.ExtraBody, func(p llm.Param) bool { return p.Name == name })
}

func (e *encoding) editEnvelope(dst []byte, m *llm.Member, env *llm.Envelope, seen *seenKeys) []byte {
	switch m.Name {
	case "model":
		seen.model = true
		return rawjson.AppendStringMember(dst, m.Name, e.model())
	case "messages":
		if !e.rules.mayTouch(feature(env.Features)) {
			return e.appendText(dst, m)
		}
		c := rawjson.Cursor{B: m.Value(e.req.Body)}
		return e.rules.messages(rawjson.AppendKey(dst, m.Name), &c)
	case "tools":
		if e.filtered {
			return rawjson.AppendMember(dst, m.Name, e.tools)
		}
		return e.appendText(dst, m)
	case "stream":
		if !e.streams() {
			return e.appendText(dst, m)
		}
		seen.stream = true
		return rawjson.AppendMember(dst, m.Name, rawjson.Value("true"))
	}
	if !e.streams() { // stream_options
		return e.appendText(dst, m)
	}
	seen.streamOptions = true
	return e.streamOptions(dst, m.Value(e.req.Body))
}

// longMember is the length from which a member is a piece of its own.
const longMember = 4 << 10

// appendText appends a member as it came.
func (e *encoding) appendText(dst []byte, m *llm.Member) []byte {
	text := m.Text(e.req.Body)
	if len(text) < longMember {
		return append(rawjson.AppendComma(dst), text...)
	}
	// What comes next looks at the last byte to tell whether it needs a comma.
	last := len(text) - 1
	e.pieces = append(e.pieces, rawjson.AppendComma(dst), text[:last])
	return append(make([]byte, 0, longMember/8), text[last])
}

func (e *encoding) editParam(dst []byte, m *llm.Member) []byte {
	v := m.Value(e.req.Body)
	for e.undone < len(e.params) && e.params[e.undone].done { // most come in the client's order
		e.undone++
	}
	for i := e.undone; i < len(e.params); i++ {
		p := &e.params[i]
		if p.done || (p.from != m.Name && (p.from != "" || p.name != m.Name)) {
			continue
		}
		p.done = true
		if p.name == m.Name && sameBytes(p.value, v) {
			return e.appendText(dst, m)
		}
		return rawjson.AppendMember(dst, p.name, p.value)
	}
	if !v.Present() && paramKinds[m.Name] == "" { // an unknown null is the upstream's business
		return e.appendText(dst, m)
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
