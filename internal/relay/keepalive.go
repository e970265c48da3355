package relay

import (
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// keepalive keeps a stream from being taken for dead. One timer serves the whole
// request: it fires once an interval, looks how long nothing was written, and writes
// a ping when that was too long. While a stream flows it costs a look at the clock a
// write, and no goroutine. The zero value does nothing.
type keepalive struct {
	// interval is the silence after which a ping is written, first the time until one
	// may be written before the answer has begun; 0 is never.
	interval, first time.Duration
	start           time.Time
	timer           *time.Timer

	// mu is held by whoever writes to the client.
	mu sync.Mutex
	// last is when something was written, counted from start.
	last time.Duration
	// begun says that the answer has begun; opened that a ping came before it, so that
	// the status is decided though no answer is.
	begun, opened, stopped bool
	// held says that nothing may be written between now and the next write: what was
	// written last ended within an event, or no answer has said that it is a stream.
	held bool
	// text is the ping of a stream that passes as bytes, and seam where it may stand; nil
	// of one whose events are written.
	text string
	seam *seam
	// attempt are the headers of the attempt that is waited for; a ping that opens the
	// stream sends them.
	attempt http.Header
}

// watch begins to look for silence, which counts from the start when that is known.
func (k *keepalive) watch(interval, first time.Duration, fire func()) {
	if interval <= 0 {
		return
	}
	k.interval, k.first = interval, first
	if k.start.IsZero() {
		k.start = time.Now()
	}
	// It is armed after it is stored: fire sets it again.
	k.timer = time.AfterFunc(never, fire)
	k.timer.Reset(k.due())
}

// due is how long it is until a ping, 0 or less for now. It is never more than an
// interval, since the answer may begin meanwhile.
func (k *keepalive) due() time.Duration {
	silence := time.Since(k.start) - k.last
	switch {
	case k.begun || k.opened:
		return k.interval - silence
	case k.first <= 0:
		return k.interval
	}
	return min(k.first-silence, k.interval)
}

// pace changes after which silence a ping is written; mu is held.
func (k *keepalive) pace(interval, first time.Duration) {
	if k.stopped || interval == k.interval && first == k.first {
		return
	}
	k.interval, k.first = interval, first
	k.timer.Reset(k.due())
}

// wrote notes that something was written; mu is held.
func (k *keepalive) wrote() {
	if k.timer != nil {
		k.last = time.Since(k.start)
	}
}

// hold keeps the pings back until let, unless they have opened the stream.
func (k *keepalive) hold() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = !k.opened
}

// let is the end of hold: what was due meanwhile comes at once.
func (k *keepalive) let() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.held = false
	if k.timer != nil && !k.stopped {
		k.timer.Reset(k.due())
	}
}

// stop ends it. After that nothing is written but by the caller, and what was written
// is known: whether the stream is open.
func (k *keepalive) stop() (opened bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped && k.timer != nil {
		k.timer.Stop()
	}
	k.stopped = true
	return k.opened
}

// keepAlive watches a stream, as the settings say.
func (x *exchange) keepAlive() {
	if x.rq.LLM.Stream {
		interval, first := x.silences()
		x.alive.watch(interval, first, x.lookForSilence)
	}
}

// silences are those after which a ping is written, and before the answer has begun: as
// the deployment that is called says, else as the settings do. Where one deployment sends
// pings and the others none, these are never due.
func (x *exchange) silences() (interval, first time.Duration) {
	f := &x.rq.Models.Config.Fairlead
	interval, first = f.PingInterval, f.FirstPingAfter
	if x.dep != nil && x.dep.Config.Keepalive != nil {
		interval, first = *x.dep.Config.Keepalive, *x.dep.Config.Keepalive
	}
	if wish := x.wishedKeepalive(); wish != nil {
		if interval <= 0 {
			first = 0
		}
		interval = *wish
	}
	if interval <= 0 && x.rq.Models.paced {
		return never, 0
	}
	return interval, first
}

// wishedKeepalive is what the request asks for, where the deployment that is called lets
// it. It can have no ping come before the answer that would not come anyway: whether the
// status is risked for one is the operator's choice.
func (x *exchange) wishedKeepalive() *time.Duration {
	wish := x.controls.Keepalive
	if wish == nil || x.dep == nil {
		return nil
	}
	if d := x.dep.Config; !d.ClientKeepalive || d.Keepalive != nil && *d.Keepalive == 0 {
		return nil
	}
	within := config.KeepaliveWithin(*wish)
	return &within
}

// attempting notes what is called now: a ping that opens the stream tells of it, since
// after it no header can be sent.
func (x *exchange) attempting() {
	alive := &x.alive
	if g, ok := x.w.(*gate); ok {
		alive = &g.lead.alive // of two that are called, the one that began last
	}
	if alive.timer == nil {
		return
	}
	h := x.attemptNow()
	alive.mu.Lock()
	defer alive.mu.Unlock()
	alive.attempt = h
	if x.rq.Models.paced {
		alive.pace(x.silences())
	}
}

// attemptNow are the headers of what is called now.
func (x *exchange) attemptNow() http.Header {
	h := make(http.Header, 8)
	x.attemptHeaders(h, []string{x.step.Deployment.ID, printable(x.step.Group), printable(x.upstreamName())})
	return h
}

// lookForSilence is what the timer does.
func (x *exchange) lookForSilence() {
	k := &x.alive
	if !k.mu.TryLock() {
		k.timer.Reset(k.interval) // somebody writes: that is no silence
		return
	}
	defer k.mu.Unlock()
	if k.stopped {
		return
	}
	wait := k.due()
	if k.held {
		wait = k.interval
	}
	if wait <= 0 {
		if err := x.ping(); err != nil {
			return // the request itself notices that the client is gone
		}
		wait = k.interval
	}
	k.timer.Reset(wait)
}

// ping writes a keepalive in the dialect's form; mu is held. Of the request only what
// never changes is read, since its own goroutine works on.
func (x *exchange) ping() error {
	if x.alive.text != "" {
		return x.put([]byte(x.alive.text))
	}
	enc := x.rq.Dialect.Stream(&llm.Request{}, wire.Answer{JSONArray: x.rq.JSONArray})
	if !x.alive.begun && !x.alive.opened {
		x.alive.opened = true
		x.streamHeaders(enc)
		maps.Copy(x.w.Header(), x.alive.attempt)
		x.w.WriteHeader(http.StatusOK)
	}
	return x.put(enc.Ping(nil))
}

// unanswered ends a stream that was opened by a ping and never got an answer: with
// the dialect's own error, since the status is gone.
func (x *exchange) unanswered(err error) error {
	e := llm.AsError(err)
	if e.Kind == llm.KindClientGone {
		return err
	}
	x.begun, x.status = true, http.StatusOK
	a := wire.Answer{Model: x.rq.LLM.Model, CallID: x.rq.ID, Created: x.rq.Start.Unix(), JSONArray: x.rq.JSONArray}
	if werr := x.write(x.rq.Dialect.Stream(x.rq.LLM, a).Error(nil, e)); werr != nil {
		return werr
	}
	return &BegunError{Err: err, Told: true}
}
