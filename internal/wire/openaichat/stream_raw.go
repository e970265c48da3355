package openaichat

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
)

// rawSplice puts the client's name of the model into chunks that pass through.
// All chunks of a stream begin alike (id, created, model), so the spliced
// beginning is made once and found again by comparing bytes.
type rawSplice struct {
	used bool
	from []byte // the beginning of a chunk up to the end of its model
	to   []byte // the same with the client's name, after "data: "
}

// rawChunk appends a chunk that passes through.
func (e *encoder) rawChunk(dst, raw []byte) []byte {
	if len(raw) == 0 {
		return dst
	}
	e.raw.used = true
	if e.a.MergeReasoning {
		raw = e.mergedChunk(raw)
	}
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0 {
		return sse.AppendData(dst, spliceModel(nil, raw, e.a.Model))
	}
	if e.raw.from == nil || !bytes.HasPrefix(raw, e.raw.from) {
		e.raw.learn(raw, e.a.Model)
	}
	if e.raw.from == nil {
		return append(spliceModel(append(dst, "data: "...), raw, e.a.Model), "\n\n"...)
	}
	dst = append(append(dst, e.raw.to...), raw[len(e.raw.from):]...)
	return append(dst, "\n\n"...)
}

func (s *rawSplice) learn(raw rawjson.Value, model string) {
	s.from = nil
	for f := range raw.Fields() {
		if f.Key.Is("model") {
			s.from = append(s.from, raw[:f.End]...)
			s.to = append(append(s.to[:0], "data: "...), raw[:f.Start]...)
			s.to = rawjson.AppendString(s.to, model)
			return
		}
	}
}

// mergedChunk moves reasoning into the content of a chunk that passes through.
func (e *encoder) mergedChunk(raw rawjson.Value) rawjson.Value {
	obj := rawjson.ParseObject(raw)
	choices := append(make([]byte, 0, len(raw)), '[')
	changed := false
	for _, v := range obj.Get("choices").Elems() {
		index, _ := v.Get("index").Int()
		c, did := mergedDelta(v, e.choice(int(index)))
		choices = append(rawjson.AppendComma(choices), c...)
		changed = changed || did
	}
	if !changed {
		return raw
	}
	obj.Set("choices", append(choices, ']'))
	return obj.Value()
}

func mergedDelta(v rawjson.Value, c *choiceState) (rawjson.Value, bool) {
	delta := rawjson.ParseObject(v.Get("delta"))
	thought, text := delta.Get("reasoning_content").Text(), delta.Get("content").Text()
	var out string
	switch {
	case thought != "" && !c.inThink:
		c.inThink, out = true, thinkOpen+thought
	case thought != "":
		out = thought
	case c.inThink && (text != "" || delta.Get("tool_calls").Present() || v.Get("finish_reason").Present()):
		c.inThink, out = false, thinkClose
	default:
		return v, false
	}
	delta.Del("reasoning_content")
	delta.Set("content", rawjson.String(out+text))
	obj := rawjson.ParseObject(v)
	obj.Set("delta", delta.Value())
	return obj.Value(), true
}
