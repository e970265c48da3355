package upstream

import (
	"context"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// Timeouts limit the stages of a call; zero fields mean the defaults of the
// Network.
type Timeouts struct {
	// Header limits the wait for the header of the answer, connecting included.
	Header time.Duration
	// Idle limits the silence while the body is read. Time in which nobody reads
	// does not count.
	Idle time.Duration
	// Total limits the whole call until the body is closed.
	Total time.Duration
}

// TimeoutsFor is what a configured timeout (or stream_timeout) means: a whole
// answer must be complete within it; a stream must begin within it and never be
// silent for longer, but may last as long as the total allows. 0 is not
// configured.
func TimeoutsFor(stream bool, configured time.Duration) Timeouts {
	if configured <= 0 {
		return Timeouts{}
	}
	if stream {
		return Timeouts{Header: configured, Idle: configured}
	}
	return Timeouts{Header: configured, Idle: configured, Total: configured}
}

// fill puts the defaults into zero fields.
func (o *Options) fill(t Timeouts) Timeouts {
	t.Total = orDefault(t.Total, max(o.TotalTimeout, t.Header))
	t.Header = orDefault(t.Header, t.Total)
	if o.HeaderTimeout > 0 {
		t.Header = min(t.Header, o.HeaderTimeout)
	}
	t.Idle = orDefault(t.Idle, o.IdleTimeout)
	return t
}

// watch ends the context of a call over net/http when a stage takes too long. One
// timer serves all stages: it looks at the clock when it fires and is set again. A
// nil watch does nothing.
type watch struct {
	ctx    context.Context
	cancel func()
	limits Timeouts
	start  time.Time

	mu      sync.Mutex
	late    *http1.TimeoutError // the limit that has passed
	timer   *time.Timer
	due     time.Time // when the timer fires
	header  bool      // the header is there
	reading time.Time // begin of the read in progress, zero for none
	stopped bool
}

// newWatch watches a call that began at start.
func newWatch(parent context.Context, limits Timeouts, start time.Time) *watch {
	ctx, cancel := context.WithCancel(parent)
	w := &watch{ctx: ctx, cancel: cancel, limits: limits, start: start}
	w.begin()
	return w
}

func (w *watch) begin() {
	limits := &w.limits
	w.mu.Lock() // before the timer can fire, it must be there
	defer w.mu.Unlock()
	// It fires for the earliest of all limits, so that it need not be set anew when the
	// header is there.
	w.due = w.start.Add(min(limits.Header, limits.Total, limits.Idle))
	w.timer = time.AfterFunc(time.Until(w.due), w.fire)
}

// fire looks which limit has passed, and else waits for the next.
func (w *watch) fire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	now := time.Now()
	left, e := w.left(now)
	if left <= 0 {
		w.late = e
		w.cancel()
		return
	}
	w.set(now, left)
}

// set has the timer fire after this time.
func (w *watch) set(now time.Time, left time.Duration) {
	w.due = now.Add(left)
	w.timer.Reset(left)
}

// left is the time until the next limit, and the error of passing it.
func (w *watch) left(now time.Time) (time.Duration, *http1.TimeoutError) {
	left, e := w.limits.Total-now.Sub(w.start), &http1.TimeoutError{Stage: http1.StageTotal, Limit: w.limits.Total}
	if !w.header {
		if l := w.limits.Header - now.Sub(w.start); l <= left {
			return l, &http1.TimeoutError{Stage: http1.StageHeader, Limit: w.limits.Header}
		}
		return left, e
	}
	idle := w.limits.Idle
	if !w.reading.IsZero() {
		idle -= now.Sub(w.reading)
	}
	if idle < left {
		return idle, &http1.TimeoutError{Stage: http1.StageIdle, Limit: w.limits.Idle}
	}
	return left, e
}

// begun marks that the header of the answer is there.
func (w *watch) begun() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.header = true
	if now := time.Now(); !w.stopped && w.due.Sub(now) > w.limits.Idle {
		w.set(now, w.limits.Idle)
	}
}

// wait marks the begin of a read, done its end.
func (w *watch) wait() {
	if w != nil {
		w.read(time.Now())
	}
}

func (w *watch) done() {
	if w != nil {
		w.read(time.Time{})
	}
}

func (w *watch) read(since time.Time) {
	w.mu.Lock()
	w.reading = since
	w.mu.Unlock()
}

// hurry leaves this time for the rest of the call, or what was left when that is less.
func (w *watch) hurry(left time.Duration) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	w.limits.Total = min(w.limits.Total, now.Sub(w.start)+left)
	if !w.stopped && w.due.Sub(now) > left {
		w.set(now, left)
	}
}

// cause is what an error means when the watch has ended the call: that a stage
// took too long.
func (w *watch) cause(err error) error {
	if w == nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.late != nil {
		return w.late
	}
	return err
}

// stop ends the watch and the context of the call.
func (w *watch) stop() {
	if w == nil {
		return
	}
	w.mu.Lock()
	w.stopped = true
	w.timer.Stop()
	w.mu.Unlock()
	w.cancel()
}

// LateFirstToken is the cause with which to end the context of a call whose answer
// has not said anything within this time. The call then fails as by a limit of its
// own.
func LateFirstToken(limit time.Duration) error {
	return &http1.TimeoutError{Stage: http1.StageFirstToken, Limit: limit}
}

// LateToken is [LateFirstToken] for an answer that does not go on.
func LateToken(limit time.Duration) error {
	return &http1.TimeoutError{Stage: http1.StageNextToken, Limit: limit}
}
