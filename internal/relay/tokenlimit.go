package relay

import (
	"context"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// tokenLimit ends a call whose stream says nothing for too long: an upstream's
// keepalives hold the connection, but not the client's patience. A nil one limits
// nothing.
type tokenLimit struct {
	first, between time.Duration // 0 is no limit
	cancel         context.CancelCauseFunc

	mu     sync.Mutex
	timer  *time.Timer
	last   time.Time // of the last token, or of the start
	spoken bool
	ended  bool
}

// limitTokens returns the context of a call whose tokens are limited, if they are.
func (x *exchange) limitTokens(ctx context.Context) context.Context {
	f := &x.rq.Models.Config.Fairlead
	x.tokens = nil
	if !x.rq.LLM.Stream || f.FirstTokenTimeout <= 0 && f.BetweenTokensTimeout <= 0 {
		return ctx
	}
	ctx, x.tokens = newTokenLimit(ctx, f.FirstTokenTimeout, f.BetweenTokensTimeout)
	return ctx
}

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
	switch left := limit - time.Since(l.last); {
	case l.ended:
	case left > 0:
		l.timer.Reset(left)
	default:
		l.ended = true
		l.cancel(late(limit))
	}
}

// came notes a token. Only the first sets the timer: later the timer itself looks when
// the last one came.
func (l *tokenLimit) came() {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = time.Now()
	if !l.spoken && !l.ended {
		l.spoken = true
		l.timer.Reset(orNever(l.between))
	}
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
