package relay

import (
	"bytes"
	"context"
	"io"
	"iter"
	"net/http"
	"strconv"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/sse"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// flushSize is how much may wait before it is written although more has already
// arrived.
const flushSize = 16 << 10

// keptBuffer is the largest write buffer that goes back to the pool.
const keptBuffer = 64 << 10

// buffers are empty between uses: no request sees what another wrote.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

// stream takes a streamed answer to a client that wants a stream. What was encoded is
// written before the next wait for the upstream: several events that came together
// leave together, and none waits for what is still to come.
func (x *exchange) stream(ctx context.Context, resp *upstream.Response) error {
	rd := sse.NewReader(resp.Body, int(x.rq.Models.Config.Fairlead.MaxEventBytes))
	rd.BeforeRead(x.flush)
	return x.relayEvents(ctx, x.wire.Stream(x.call, rd))
}

// flush writes what is encoded, once the answer has begun.
func (x *exchange) flush() error {
	if !x.begun || len(x.out) == 0 {
		return nil
	}
	err := x.write(x.out)
	x.release()
	return err
}

// release gives the write buffer back: most streams wait most of the time.
func (x *exchange) release() {
	if x.buf != nil && cap(x.out) <= keptBuffer {
		*x.buf = x.out[:0]
		buffers.Put(x.buf)
	}
	x.buf, x.out = nil, nil
}

// relayEvents encodes events for the client. Nothing is written before the first
// event that commits, or before the rate is proved that the settings want; until then an
// error is returned and the plan goes on.
func (x *exchange) relayEvents(ctx context.Context, events iter.Seq2[llm.Event, error]) error {
	enc := x.encoder()
	defer x.release()
	var ev llm.Event // one for all iterations: it escapes into the encoder
	for next, err := range events {
		if err != nil {
			return x.broken(ctx, enc, err)
		}
		ev = next
		if !x.begun && x.filtered(&ev) {
			return x.filteredError()
		}
		if !x.begun && ev.Commits() && !x.claims() {
			return errLost
		}
		x.observe(&ev)
		if x.cont != nil && !x.cont.follow(&ev) {
			continue
		}
		if x.buf == nil {
			x.buf = buffers.Get().(*[]byte)
			x.out = *x.buf
		}
		x.out = enc.Event(x.out, &ev)
		if !x.begun && ev.Commits() && x.tokens.proved(&ev) {
			x.beginStream(enc)
		}
		if len(x.out) < flushSize {
			continue
		}
		if err := x.flush(); err != nil {
			return err
		}
	}
	switch {
	case x.begun:
	case x.firstToken.IsZero():
		return x.upstreamError(llm.KindInternal, http.StatusInternalServerError, "ended its stream without an answer", io.ErrUnexpectedEOF)
	default:
		x.beginStream(enc) // it was held
	}
	x.out = enc.Close(x.out)
	return x.flush()
}

// broken handles a stream that failed: an error for the plan before the answer
// has begun, the dialect's own error event after. An end is never faked.
func (x *exchange) broken(ctx context.Context, enc wire.StreamEncoder, err error) error {
	e := x.classify(ctx, err)
	if !x.begun || e.Kind == llm.KindClientGone {
		return e
	}
	if x.sound() {
		x.reckon()
		if werr := x.flush(); werr != nil {
			return werr
		}
		return e // serve finds who goes on
	}
	e.Message = x.relay.Redact(e.Message)
	x.out = enc.Error(x.out, e)
	if werr := x.flush(); werr != nil {
		return werr
	}
	return e
}

// beginStream is the commit point: from here on the answer is this deployment's.
func (x *exchange) beginStream(enc wire.StreamEncoder) {
	x.alive.mu.Lock()
	defer x.alive.mu.Unlock()
	x.begun, x.alive.begun = true, true
	x.status = http.StatusOK
	if x.alive.opened {
		return
	}
	x.streamHeaders(enc)
	x.answerHeaders(x.w.Header(), x.relay.Now())
	x.w.WriteHeader(http.StatusOK)
	x.alive.wrote()
}

// streamHeaders says what follows is a stream.
func (x *exchange) streamHeaders(enc wire.StreamEncoder) {
	h := x.w.Header()
	h["Content-Type"] = headerEventStream
	if t, ok := enc.(wire.ContentTyper); ok {
		h["Content-Type"] = []string{t.ContentType()}
	}
	h["Cache-Control"] = headerNoCache
	h["X-Accel-Buffering"] = headerNo
}

var (
	headerEventStream = []string{"text/event-stream; charset=utf-8"}
	headerNoCache     = []string{"no-cache"}
	headerNo          = []string{"no"}
	headerJSON        = []string{"application/json"}
)

// write sends bytes to the client at once.
func (x *exchange) write(b []byte) error {
	x.alive.mu.Lock()
	defer x.alive.mu.Unlock()
	return x.put(b)
}

// put writes and flushes; the lock of the keepalive is held.
func (x *exchange) put(b []byte) error {
	if _, err := x.w.Write(b); err != nil {
		return &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client left.", Cause: err}
	}
	if f, ok := x.w.(http.Flusher); ok {
		f.Flush()
	}
	x.alive.wrote()
	return nil
}

// whole takes an answer that is not streamed to the client, or the events of an
// upstream that only streams.
func (x *exchange) whole(ctx context.Context, resp *upstream.Response) error {
	answer, err := x.readWhole(ctx, resp)
	if err != nil {
		return x.classify(ctx, err)
	}
	return x.answerWith(ctx, answer)
}

// answerWith gives a whole answer to the client in the form that it wants.
func (x *exchange) answerWith(ctx context.Context, answer *llm.Response) error {
	if x.rq.LLM.Stream {
		return x.relayEvents(ctx, llm.Replay(answer))
	}
	return x.deliver(answer)
}

// mock answers with the deployment's mock_response, without any upstream. The
// numbers are LiteLLM's.
func (x *exchange) mock(ctx context.Context, text string) error {
	x.call = &wire.Call{Request: x.rq.LLM, Target: x.target, Seed: x.rq.ID}
	x.sent = x.relay.Now()
	return x.answerWith(ctx, &llm.Response{
		ID: "chatcmpl-" + x.rq.ID, Created: x.rq.Start.Unix(), Model: x.target.Model,
		Choices: []llm.Choice{{Parts: []llm.Part{{Kind: llm.PartText, Text: text}}, Finish: llm.FinishStop}},
		Usage:   &llm.Usage{Input: 10, Output: 20, Total: 30},
	})
}

func (x *exchange) readWhole(ctx context.Context, resp *upstream.Response) (*llm.Response, error) {
	if x.call.Aggregate && upstream.EventStream(resp.Header) {
		return x.collect(resp.Body)
	}
	body, failed := resp.ReadAll(x.rq.Models.Config.Fairlead.MaxResponseBytes)
	if failed != nil {
		return nil, failed
	}
	x.debugBody("answer of the upstream", body)
	if upstream.LooksLikeEvents(body) {
		return x.collect(bytes.NewReader(body))
	}
	answer, err := x.wire.Response(x.call, body)
	if err != nil {
		return nil, err
	}
	if t, ok := x.wire.(wire.TierReader); ok && answer.ServiceTier == "" {
		answer.ServiceTier = t.ServiceTier(resp.Header)
	}
	return answer, nil
}

// collect makes one answer of a stream: of an upstream that only streams, or that
// does although it was not asked to.
func (x *exchange) collect(from io.Reader) (*llm.Response, error) {
	rd := sse.NewReader(from, int(x.rq.Models.Config.Fairlead.MaxEventBytes))
	read := *x.call
	read.Native = false // events that pass as bytes make no answer
	return llm.Collect(x.wire.Stream(&read, rd))
}

// deliver writes a whole answer.
func (x *exchange) deliver(answer *llm.Response) error {
	for i := range answer.Choices {
		if ev := (llm.Event{Kind: llm.EventFinish, Finish: answer.Choices[i].Finish}); x.filtered(&ev) {
			return x.filteredError()
		}
	}
	if !x.claims() {
		return errLost
	}
	x.usage = answer.Usage
	x.recorder.Response(answer)
	x.relay.Keeper.Remember(&x.recorder)
	room := buffers.Get().(*[]byte)
	defer buffers.Put(room)
	form := x.answer()
	form.Room = (*room)[:0]
	body := x.rq.Dialect.Response(x.rq.LLM, answer, form)
	x.begun, x.status = true, http.StatusOK
	x.firstToken = x.relay.Now()
	h := x.w.Header()
	h["Content-Type"] = headerJSON
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	x.costHeaders(h)
	x.answerHeaders(h, x.firstToken)
	if _, err := x.w.Write(body); err != nil {
		return &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client left.", Cause: err}
	}
	return nil
}

// observe is the tap on a stream: usage, reasoning state, times.
func (x *exchange) observe(ev *llm.Event) {
	if ev.Commits() {
		x.tokens.came(ev)
		if x.firstToken.IsZero() {
			x.firstToken = x.relay.Now()
			x.plan.FirstToken(x.step, x.firstToken.Sub(x.sent), x.firstToken)
		}
	}
	if ev.Usage != nil {
		x.usage = ev.Usage
	}
	if x.records {
		x.recorder.Event(ev)
	}
	if ev.Finish != "" {
		x.finish = ev.Finish
		if x.records {
			// Before the client sees the end: its next request may come at once.
			x.relay.Keeper.Remember(&x.recorder)
		}
	}
}
