package openairesponses

import (
	"bytes"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
)

// rawState is what must be remembered of a stream that passes through.
type rawState struct {
	used  bool
	count int64
	id    string // of the response
}

// typeKeys are how nearly every event begins.
var typeKeys = [][]byte{[]byte(`{"type":"`), []byte(`{"type": "`)}

// frequent are the types of nearly all events, so that reading one of them costs no
// memory.
var frequent = func() map[string]string {
	out := map[string]string{}
	for _, typ := range []string{
		"response.output_text.delta", "response.function_call_arguments.delta", "response.custom_tool_call_input.delta",
		"response.reasoning_summary_text.delta", "response.reasoning_text.delta", "response.refusal.delta",
		"response.output_item.added", "response.output_item.done", "response.content_part.added", "response.content_part.done",
	} {
		out[typ] = typ
	}
	return out
}()

// eventType reads the type of an event.
func eventType(raw []byte) string {
	for _, key := range typeKeys {
		rest, ok := bytes.CutPrefix(raw, key)
		if !ok {
			continue
		}
		end := bytes.IndexByte(rest, '"')
		if end <= 0 || bytes.IndexByte(rest[:end], '\\') >= 0 {
			break
		}
		if typ, ok := frequent[string(rest[:end])]; ok {
			return typ
		}
		return string(rest[:end])
	}
	return rawjson.Value(raw).Get("type").Text()
}

// holdsResponse reports whether an event carries the response object.
func holdsResponse(typ string) bool {
	switch typ {
	case "response.created", "response.in_progress", "response.queued", "response.completed",
		"response.incomplete", "response.failed", "response.cancelled":
		return true
	}
	return false
}

// rawEvent appends an event that passes through: as it came but for the client's
// name of the model.
func (e *encoder) rawEvent(dst, raw []byte) []byte {
	if len(raw) == 0 {
		return dst
	}
	e.raw.used = true
	e.raw.count++
	typ := eventType(raw)
	if holdsResponse(typ) {
		raw = e.spliceEvent(raw, typ)
	}
	if bytes.IndexByte(raw, '\n') >= 0 || bytes.IndexByte(raw, '\r') >= 0 {
		return sse.AppendNamed(dst, typ, raw)
	}
	dst = append(append(append(dst, "event: "...), typ...), "\ndata: "...)
	return append(append(dst, raw...), "\n\n"...)
}

func (e *encoder) spliceEvent(raw []byte, typ string) []byte {
	for f := range rawjson.Value(raw).Fields() {
		if !f.Key.Is("response") || f.Value.Kind() != '{' {
			continue
		}
		answer := spliceModel(nil, f.Value, e.a.Model)
		if e.raw.id == "" {
			e.raw.id = f.Value.Get("id").Text()
		}
		if typ == "response.completed" || typ == "response.incomplete" {
			tell(e.a, answer)
		}
		out := append(make([]byte, 0, len(raw)+len(e.a.Model)), raw[:f.Start]...)
		return append(append(out, answer...), raw[f.End:]...)
	}
	return raw
}

// rawFailure ends a stream that broke while it passed through, going on with the
// upstream's numbers.
func (e *encoder) rawFailure(dst []byte, err *llm.Error) []byte {
	o := newObject(e.req, e.a, e.raw.id, 0, "")
	if e.raw.id != "" {
		o.name(e.raw.id, e.a.Created)
	}
	e.seq = e.raw.count
	failed := ending{status: "failed", failure: err}
	dst = append(e.event(dst, "response.failed"), `,"response":`...)
	return endEvent(o.append(dst, nil, &failed))
}
