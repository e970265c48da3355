package relay

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// passEvents hands on a stream of events with a tap on its usage. Until the first of them
// another deployment may answer.
func (f *forward) passEvents(ctx context.Context, body io.Reader) error {
	rd := sse.NewReader(body, int(f.rq.Models.Config.Fairlead.MaxEventBytes))
	rd.BeforeRead(f.flush)
	f.keepEvents()
	for {
		ev, err := rd.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return f.noEvents(f.classify(ctx, err))
		}
		if u := taskUsage(rawjson.Value(ev.Data).Get("usage")); u != nil {
			f.usage = u
		}
		if err := f.passEvent(&ev); err != nil {
			return err
		}
	}
	if !f.begun {
		return f.noEvents(f.upstreamError(llm.KindInternal, http.StatusInternalServerError, "ended its stream without an answer", io.ErrUnexpectedEOF))
	}
	f.priceTask()
	return f.flush()
}

// noEvents ends a stream that failed, with what is still to be written of it. What comes
// next need be none.
func (f *forward) noEvents(err error) error {
	if werr := f.flush(); werr != nil {
		return werr
	}
	if !f.wanted {
		f.alive.hold()
	}
	return err
}

// passEvent hands on one event, together with others that came with it.
func (f *forward) passEvent(ev *sse.Event) error {
	if !f.begun {
		f.beginEvents()
	}
	if f.buf == nil {
		f.buf = buffers.Get().(*[]byte)
		f.out = *f.buf
	}
	f.out = appendEvent(f.out, ev)
	if len(f.out) < flushSize {
		return nil
	}
	return f.flush()
}

func appendEvent(dst []byte, ev *sse.Event) []byte {
	if ev.Name != "" {
		return sse.AppendNamed(dst, ev.Name, ev.Data)
	}
	return sse.AppendData(dst, ev.Data)
}

// beginEvents is the commit point of a stream of events.
func (f *forward) beginEvents() {
	f.alive.mu.Lock()
	defer f.alive.mu.Unlock()
	f.alive.begun = true
	if f.alive.opened {
		f.begun, f.status, f.firstToken = true, http.StatusOK, f.relay.Now()
		return
	}
	h := f.w.Header()
	f.begin200(h, headerEventStream[0])
	f.priced = false // the price of a stream is known at its end
	h["Cache-Control"], h["X-Accel-Buffering"] = headerNoCache, headerNo
	f.w.WriteHeader(http.StatusOK)
	f.alive.wrote()
}

// wantsEvents reports whether the client asked for a stream of events. While a form is
// still on its way from the client, no answer may begin.
func (f *forward) wantsEvents() bool {
	switch f.task {
	case TaskImages, TaskImageEdits, TaskTranscriptions:
		return f.rq.LLM.Stream && !f.once
	case TaskSpeech:
		return f.rq.LLM.Body.Get("stream_format").Is("sse")
	}
	return false
}

// keepAlive watches what shall be a stream of events from the beginning on.
func (f *forward) keepAlive() {
	f.alive.start = time.Now()
	if f.wanted = f.wantsEvents(); f.wanted {
		f.watch()
	}
}

func (f *forward) watch() {
	interval, first := f.silences()
	f.alive.watch(interval, first, f.lookForSilence)
}

// keepEvents keeps a stream alive that the upstream has said to be one of events.
func (f *forward) keepEvents() {
	if f.alive.timer != nil {
		f.attempting()
		f.alive.let()
		return
	}
	f.alive.attempt, f.alive.held = f.attemptNow(), false
	f.watch()
}

// whole reports whether a whole answer is written as such. Once a keepalive has opened a
// stream it is not; before, none may come any more.
func (f *forward) whole() bool {
	f.alive.hold()
	return !f.alive.opened
}

// endEvents stops the keepalives. Of a stream of events that failed an event tells the
// client, since its status is gone.
func (f *forward) endEvents(err error) error {
	opened := f.alive.stop()
	if err == nil || !opened && !f.alive.begun {
		return err
	}
	e := *llm.AsError(err)
	e.Message = f.relay.Redact(e.Message)
	if e.Kind == llm.KindClientGone {
		return err
	}
	return f.unanswered(&e)
}

// takeWhole hands a whole answer on within a stream that a keepalive has opened, as the
// events with which the task's own stream ends: servers leave out what they do not know
// of "stream".
func (f *forward) takeWhole(ctx context.Context, resp *upstream.Response) error {
	body, failed := resp.ReadAll(f.rq.Models.Config.Fairlead.MaxResponseBytes)
	if failed != nil {
		return failed
	}
	var answer rawjson.Value
	if f.coded || isJSON(resp.Header) {
		v, err := rawjson.Check(body)
		if err == nil {
			answer, err = f.decode(v)
		}
		if err != nil {
			return f.classify(ctx, err)
		}
	}
	f.beginEvents()
	f.priceTask()
	return f.write(f.lastEvents(answer, body))
}

// lastEvents are the events of a whole answer, JSON or not. Source: OpenAI's API
// reference, streaming events of images, transcriptions and speech.
func (f *forward) lastEvents(answer rawjson.Value, body []byte) (out []byte) {
	switch f.task {
	case TaskSpeech:
		audio := rawjson.String(base64.StdEncoding.EncodeToString(body))
		out = sse.AppendData(out, typed("speech.audio.delta", rawjson.Object{{Key: "audio", Value: audio}}))
		return sse.AppendData(out, typed("speech.audio.done", nil))
	case TaskTranscriptions:
		o := rawjson.ParseObject(answer)
		if answer == nil {
			o = rawjson.Object{{Key: "text", Value: rawjson.String(strings.ToValidUTF8(string(body), "\uFFFD"))}}
		}
		return sse.AppendData(out, typed("transcript.text.done", o))
	}
	name := "image_generation.completed"
	switch {
	case f.task == TaskImageEdits:
		name = "image_edit.completed"
	case f.task != TaskImages: // no such stream is known
		return sse.AppendData(out, body)
	}
	for _, image := range answer.Get("data").Elems() {
		out = sse.AppendNamed(out, name, typed(name, imageEvent(answer, image)))
	}
	return out
}

// imageEvent is one image with what the answer says of all.
func imageEvent(answer, image rawjson.Value) rawjson.Object {
	o := rawjson.ParseObject(image)
	for k, v := range answer.Members() {
		switch k {
		case "data":
		case "created":
			o.Set("created_at", v)
		default:
			o.Set(k, v)
		}
	}
	return o
}

func typed(name string, o rawjson.Object) rawjson.Value {
	return append(rawjson.Object{{Key: "type", Value: rawjson.String(name)}}, o...).Value()
}
