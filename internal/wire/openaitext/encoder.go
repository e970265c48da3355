package openaitext

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Stream begins the encoding of a streamed answer.
func (d Dialect) Stream(req *llm.Request, a wire.Answer) wire.StreamEncoder {
	return &encoder{a: a, errors: d.Errors, usage: req.IncludeUsage, id: answerID("", a), created: a.Created}
}

type encoder struct {
	a       wire.Answer
	errors  func(*llm.Error) (int, []byte)
	usage   bool
	id      string
	created int64
}

// Event appends the chunk of an event, if it has one in this format.
func (e *encoder) Event(dst []byte, ev *llm.Event) []byte {
	switch ev.Kind {
	case llm.EventStart:
		e.id, e.created = answerID(ev.Response.ID, e.a), created(ev.Response.Created, e.a)
	case llm.EventText, llm.EventRefusal:
		if ev.Delta != "" {
			return e.chunk(dst, ev.Choice, ev.Delta, "")
		}
	case llm.EventFinish:
		return e.chunk(dst, ev.Choice, "", finish(ev.Finish))
	case llm.EventUsage:
		if e.usage {
			b := append(e.head(), `,"choices":[]`...)
			return sse.AppendData(dst, append(appendUsage(rawjson.AppendKey(b, "usage"), ev.Usage), '}'))
		}
	case llm.EventRaw:
		if ev.Content || ev.Usage == nil || e.usage {
			return sse.AppendData(dst, withModel(ev.Raw, e.a.Model))
		}
	}
	return dst
}

func (e *encoder) head() []byte {
	return appendHead(make([]byte, 0, 256), e.id, e.created, e.a.Model)
}

func (e *encoder) chunk(dst []byte, index int, text, reason string) []byte {
	b := append(rawjson.AppendKey(e.head(), "choices"), '[')
	return sse.AppendData(dst, append(appendChoice(b, index, text, reason), "}]}"...))
}

// Error appends the failure, and the mark that clients wait for.
func (e *encoder) Error(dst []byte, err *llm.Error) []byte {
	_, body := e.errors(err)
	return e.Close(sse.AppendData(dst, body))
}

// Close appends the end of a good stream.
func (e *encoder) Close(dst []byte) []byte { return append(dst, "data: [DONE]\n\n"...) }

// Ping appends a comment, which keeps the connection alive.
func (e *encoder) Ping(dst []byte) []byte { return sse.AppendComment(dst, "ping") }
