package openairesponses

import (
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Stream begins a streamed answer. Source: §5.3.7.
func (Dialect) Stream(req *llm.Request, a wire.Answer) wire.StreamEncoder {
	return &encoder{req: req, a: a}
}

// encoder writes the items of an answer one after the other: only the first that is
// not done is open, what comes for later ones waits.
type encoder struct {
	req   *llm.Request
	a     wire.Answer
	start llm.Response // what EventStart said
	list  itemList
	seq   int64

	calls   []*outputItem // by the index of the call
	open    int           // index of the first item that is not done
	told    bool          // the open item was announced
	drained bool
	ending  ending
	raw     rawState
}

func (e *encoder) Event(dst []byte, ev *llm.Event) []byte {
	switch ev.Kind {
	case llm.EventRaw:
		return e.rawEvent(dst, ev.Raw)
	case llm.EventStart:
		if ev.Response != nil && e.list.object == nil {
			e.start = *ev.Response
		}
		return e.begin(dst)
	case llm.EventUsage:
		if ev.Usage != nil {
			u := *ev.Usage
			u.Raw = nil
			e.ending.usage = &u
		}
		return dst
	}
	if ev.Choice != 0 || e.drained {
		return dst
	}
	return e.delta(e.begin(dst), ev)
}

// delta adds a step of the answer to its item and writes what may go out.
func (e *encoder) delta(dst []byte, ev *llm.Event) []byte {
	switch ev.Kind {
	case llm.EventText:
		if ev.Delta != "" || ev.State != nil {
			e.list.text(textItem, ev.Delta, ev.State)
		}
	case llm.EventRefusal:
		e.list.text(refusalItem, ev.Delta, nil)
	case llm.EventThinking:
		e.think(ev)
	case llm.EventToolCall:
		e.toolCall(ev)
	case llm.EventToolArgs:
		if it := e.call(ev.Index); it != nil {
			it.text = append(it.text, ev.Delta...)
		}
	case llm.EventState:
		e.lateState(ev)
	case llm.EventImage:
		if ev.Media != nil {
			e.list.add(imageItem).media = ev.Media
		}
	case llm.EventFields:
		for _, m := range ev.Fields {
			e.ending.fields.Set(m.Key, oneLine(m.Value.Clone()))
		}
	case llm.EventFinish:
		return e.finish(dst, ev.Finish)
	}
	return e.advance(dst)
}

func (e *encoder) think(ev *llm.Event) {
	if ev.Delta == "" && ev.State == nil {
		return
	}
	it := e.list.growing(reasoningItem)
	it.text = append(it.text, ev.Delta...)
	it.keep(ev.State)
}

// maxCalls bounds the index that a call may have.
const maxCalls = 4096

func (e *encoder) toolCall(ev *llm.Event) {
	if ev.Call == nil || ev.Index < 0 || ev.Index > maxCalls {
		return
	}
	for len(e.calls) <= ev.Index {
		e.calls = append(e.calls, nil)
	}
	if ev.Call.Server {
		return
	}
	call := *ev.Call
	it := e.list.call(&call, ev.State)
	it.text = append(it.text, ev.Delta...)
	e.calls[ev.Index] = it
}

// lateState keeps a signature that came after its call or text for the item's last
// event.
func (e *encoder) lateState(ev *llm.Event) {
	it := e.call(ev.Index)
	if last := e.list.last(); ev.Index < 0 && last != nil && last.kind == textItem {
		it = last
	}
	if sig := thoughtSignature(ev.State); it != nil && sig != "" {
		it.sign = sig
	}
}

// call is the item of a call that may still change, nil when there is none.
func (e *encoder) call(index int) *outputItem {
	if index < 0 || index >= len(e.calls) || e.calls[index] == nil || e.calls[index].index < e.open {
		return nil
	}
	return e.calls[index]
}

// begin announces the answer once.
func (e *encoder) begin(dst []byte) []byte {
	if e.list.object != nil {
		return dst
	}
	o := newObject(e.req, e.a, e.start.ID, e.start.Created, e.start.ServiceTier)
	e.list = itemList{tools: offered{req: e.req}, a: e.a, object: o}
	running := ending{status: "in_progress"}
	for _, typ := range []string{"response.created", "response.in_progress"} {
		dst = append(e.event(dst, typ), `,"response":`...)
		dst = endEvent(o.append(dst, nil, &running))
	}
	return dst
}

// event begins an event, up to and into its object.
func (e *encoder) event(dst []byte, typ string) []byte {
	dst = append(append(dst, "event: "...), typ...)
	dst = append(append(dst, "\ndata: {\"type\":\""...), typ...)
	dst = append(dst, `","sequence_number":`...)
	dst = rawjson.AppendInt(dst, e.seq)
	e.seq++
	return dst
}

func endEvent(dst []byte) []byte { return append(dst, "}\n\n"...) }

func (e *encoder) finish(dst []byte, f llm.Finish) []byte {
	end := endingOf(f)
	e.ending.status, e.ending.incomplete = end.status, end.incomplete
	return e.drain(dst)
}

// drain brings every item to its end.
func (e *encoder) drain(dst []byte) []byte {
	e.drained = true
	for e.open < len(e.list.items) {
		it := e.list.items[e.open]
		dst = e.done(e.tell(dst, it), it, e.list.status(it, &e.ending))
	}
	return dst
}

// Close writes the end of the items and the whole answer. An answer whose provider
// forgot to say why it ended is complete.
func (e *encoder) Close(dst []byte) []byte {
	if e.raw.used {
		return dst
	}
	dst = e.begin(dst)
	if e.ending.status == "" {
		e.ending.status = "completed"
	}
	dst = e.drain(dst)
	if e.a.StreamCost != nil && e.ending.usage != nil {
		e.ending.cost = e.a.StreamCost(e.ending.usage)
	}
	answer := e.list.object.append(make([]byte, 0, 2048), e.list.output(&e.ending), &e.ending)
	tell(e.a, answer)
	dst = append(e.event(dst, "response."+e.ending.status), `,"response":`...)
	return endEvent(append(dst, answer...))
}

// Error ends the stream with response.failed. Only items that are done stand in it:
// a client must not run half a call.
func (e *encoder) Error(dst []byte, err *llm.Error) []byte {
	if e.raw.used {
		return e.rawFailure(dst, err)
	}
	dst = e.begin(dst)
	failed := ending{status: "failed", failure: err, usage: e.ending.usage}
	done := itemList{items: e.list.items[:e.open]}
	dst = append(e.event(dst, "response.failed"), `,"response":`...)
	return endEvent(e.list.object.append(dst, done.output(&failed), &failed))
}

// Ping writes a comment, which clients ignore.
func (e *encoder) Ping(dst []byte) []byte { return sse.AppendComment(dst, "ping") }
