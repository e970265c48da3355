package relay

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// tokenLimit ends a call whose stream says nothing for too long: an upstream's
// keepalives hold the connection, but not the client's patience. A nil one limits
// nothing.
type tokenLimit struct {
	first, between time.Duration // 0 is no limit
	// need tokens have to come within this time after the first; 0 need not.
	need   int64
	within time.Duration
	cancel context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer
	last   time.Time // of the last token, or of the start
	began  time.Time // when the first came
	got    int64
	spoken bool
	ended  bool

	lightest int // of the events that pass whole, in bytes
}

// limitTokens returns the context of a call whose tokens are limited, if they are.
func (x *exchange) limitTokens(ctx context.Context) context.Context {
	f := &x.rq.Models.Config.Fairlead
	x.tokens = nil
	proves := f.CommitRate > 0 && x.rq.LLM.Stream && x.step.Attempt == 1 && !x.alone()
	if !x.rq.LLM.Stream || f.FirstTokenTimeout <= 0 && f.BetweenTokensTimeout <= 0 && !proves {
		return ctx
	}
	ctx, x.tokens = newTokenLimit(ctx, f.FirstTokenTimeout, f.BetweenTokensTimeout)
	if proves {
		x.tokens.prove(int64(math.Ceil(f.CommitRate*f.CommitWindow.Seconds())), f.CommitWindow)
	}
	return ctx
}

// prove wants so many tokens within this time after the first.
func (l *tokenLimit) prove(need int64, within time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.need, l.within = need, within
}

// alone reports whether nobody else could answer: then a slow answer is better than none.
// Of two that are asked at once the quicker to speak is taken as it is.
func (x *exchange) alone() bool { return x.race != nil || !x.plan.Others() }

// never is when a timer fires that waits for nothing.
const never = 1 << 62

func newTokenLimit(parent context.Context, first, between time.Duration) (context.Context, *tokenLimit) {
	ctx, cancel := context.WithCancelCause(parent)
	l := &tokenLimit{first: first, between: between, cancel: cancel, last: time.Now()}
	l.mu.Lock() // before the timer can fire, it must be there
	defer l.mu.Unlock()
	l.timer = time.AfterFunc(orNever(first), l.fire)
	return ctx, l
}

func orNever(d time.Duration) time.Duration {
	if d <= 0 {
		return never
	}
	return d
}

// fire ends the call when the limit has passed, and else waits for the rest of it.
func (l *tokenLimit) fire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	limit, late := orNever(l.first), upstream.LateFirstToken
	if l.spoken {
		limit, late = orNever(l.between), upstream.LateToken
	}
	left := limit - time.Since(l.last)
	if rest := l.within - time.Since(l.began); l.proving() && rest < left {
		left, late = rest, l.tooSlow
		limit = l.within
	}
	switch {
	case l.ended:
	case left > 0:
		l.timer.Reset(left)
	default:
		l.ended = true
		l.cancel(late(limit))
	}
}

// proving reports whether the rate of a stream that has begun is not proved yet; mu is
// held.
func (l *tokenLimit) proving() bool { return l.spoken && l.got < l.need }

func (l *tokenLimit) tooSlow(limit time.Duration) error {
	return &http1.TimeoutError{Stage: http1.Stage(fmt.Sprintf("bring %d tokens after its first (it brought %d)", l.need, l.got)), Limit: limit}
}

// came notes tokens. Only the first sets the timer: later the timer itself looks when
// the last one came.
func (l *tokenLimit) came(ev *llm.Event) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	l.got += l.weight(ev)
	if !l.spoken && !l.ended {
		l.spoken, l.began = true, l.last
		l.timer.Reset(min(orNever(l.between), l.patience()))
	}
}

// patience is for how long a rate may be proved.
func (l *tokenLimit) patience() time.Duration {
	if l.need <= 0 {
		return never
	}
	return l.within
}

// weight is about how many tokens an event has. Of one that passes whole only its size is
// known: what it has beyond the lightest is taken for text.
func (l *tokenLimit) weight(ev *llm.Event) int64 {
	n := len(ev.Delta)
	if ev.Kind == llm.EventRaw {
		if l.lightest == 0 || len(ev.Raw) < l.lightest {
			l.lightest = len(ev.Raw)
		}
		n = len(ev.Raw) - l.lightest
	}
	return 1 + int64(n)/5
}

// proved reports whether the answer may begin with an event: the rate is there, or the
// answer ends.
func (l *tokenLimit) proved(ev *llm.Event) bool {
	if l == nil || ev.Finish != "" || ev.Media != nil {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.got >= l.need
}

// stop ends the limit and the context of the call.
func (l *tokenLimit) stop() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	l.timer.Stop()
	l.cancel(nil)
}
