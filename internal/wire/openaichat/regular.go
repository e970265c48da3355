package openaichat

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// regularChunk writes a chunk anew that breaks a rule clients depend on; what it
// holds besides stays.
func (s *stream) regularChunk(v rawjson.Value, seen *seenChunk) []byte {
	obj := rawjson.ParseObject(v)
	if s.plainUsage {
		obj.Del("usage")
	}
	if len(s.id) > 0 && obj.Get("id").Present() {
		obj.Set("id", s.id)
	}
	dst := append(make([]byte, 0, len(v)), '[')
	if object := obj.Get("object"); object.Present() {
		obj.Set("object", rawjson.Value(`"chat.completion.chunk"`))
	}
	calls := seen.calls
	for _, c := range obj.Get("choices").Elems() {
		dst = rawjson.AppendComma(dst)
		dst, calls = s.regularStreamChoice(dst, c, seen, calls)
	}
	obj.Set("choices", append(dst, ']'))
	return obj.Value()
}

func (s *stream) regularStreamChoice(dst []byte, v rawjson.Value, seen *seenChunk, calls []assigned) ([]byte, []assigned) {
	obj := rawjson.ParseObject(v)
	n, _ := obj.Get("index").Int()
	c := s.choice(int(n))
	d := rawjson.ParseObject(choiceDelta(v))
	if obj.Get("delta").Kind() != '{' {
		obj.Del("message")
		obj.Del("text")
	}
	if !c.role {
		c.role = true
		d.Set("role", rawjson.Value(`"assistant"`))
	}
	regularReasoning(&d)
	if list := d.Get("tool_calls"); list.Kind() == '[' {
		var out []byte
		out, calls = s.regularDeltas(list, seen, calls)
		if d.Set("tool_calls", out); len(out) == len(`[]`) {
			d.Del("tool_calls")
		}
	}
	obj.Set("index", rawjson.Int(n))
	obj.Set("delta", d.Value())
	finish := rawjson.Value("null")
	if slices.Contains(seen.ends, c.index) {
		finish = rawjson.String(string(seen.finish))
	}
	obj.Set("finish_reason", finish)
	return obj.Append(dst), calls
}

// regularReasoning gives reasoning its usual name and takes it out of a list of
// parts.
func regularReasoning(d *rawjson.Object) {
	if content := d.Get("content"); content.Kind() == '[' {
		text, thought := splitContent(content)
		d.Set("content", rawjson.String(text))
		if thought != "" {
			d.Set("reasoning_content", rawjson.String(thought))
		}
	}
	if d.Get("reasoning_content").Present() {
		return
	}
	text := d.Get("reasoning").Text()
	if text == "" {
		text = detailsText(d.Get("reasoning_details"))
	}
	if d.Get("reasoning") != nil {
		d.Del("reasoning")
	}
	if text != "" {
		d.Set("reasoning_content", rawjson.String(text))
	}
}

func (s *stream) regularDeltas(list rawjson.Value, seen *seenChunk, calls []assigned) ([]byte, []assigned) {
	dst := []byte{'['}
	for _, e := range list.Elems() {
		if len(calls) == 0 {
			break
		}
		if !calls[0].held {
			dst = s.regularDelta(rawjson.AppendComma(dst), e, calls[0], seen)
		}
		calls = calls[1:]
	}
	return append(dst, ']'), calls
}

func (s *stream) regularDelta(dst []byte, v rawjson.Value, a assigned, seen *seenChunk) []byte {
	call := &s.table.calls[a.index]
	d := readDelta(v)
	args := d.arguments()
	if a.begins && call.held != "" {
		args, call.held, call.args = rawjson.String(call.held+args.Text()), "", true
	}
	if !call.args && !call.custom && slices.Contains(seen.ends, call.choice) {
		args, call.args = rawjson.Value(`"{}"`), true
	}
	if args == nil {
		args = rawjson.Value(`""`)
	}
	typ, text := "function", "arguments"
	if call.custom {
		typ, text = "custom", "input"
	}
	dst = append(dst, '{')
	dst = rawjson.AppendIntMember(dst, "index", int64(call.out))
	if a.begins {
		dst = rawjson.AppendStringMember(dst, "id", call.id)
		dst = rawjson.AppendStringMember(dst, "type", typ)
	}
	dst = append(rawjson.AppendKey(dst, typ), '{')
	if a.begins {
		dst = rawjson.AppendStringMember(dst, "name", d.name.Text())
	}
	dst = append(rawjson.AppendMember(dst, text, args), '}')
	return append(appendOthers(dst, v), '}')
}

// appendOthers keeps the members of a tool-call delta that nobody here knows.
func appendOthers(dst []byte, v rawjson.Value) []byte {
	for key, val := range v.Members() {
		switch key {
		case "index", "id", "type", "function", "custom":
		default:
			dst = rawjson.AppendMember(dst, key, val)
		}
	}
	return dst
}
