package upstream

import (
	"context"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// life is the context of a call over HTTP/2: it ends with the caller's, or when the
// call does. context.WithCancelCause makes eight things for the same.
type life struct {
	context.Context // the caller's, for its values
	done            chan struct{}
	release         func() bool // lets go of the caller's context

	mu  sync.Mutex
	err error
}

func (l *life) begin(parent context.Context) {
	l.mu.Lock() // the caller's context may end at once
	defer l.mu.Unlock()
	l.Context, l.done = parent, make(chan struct{})
	l.release = http1.OnEnd(parent, func() { l.end(parent.Err()) })
}

// Done implements context.Context.
func (l *life) Done() <-chan struct{} { return l.done }

// Err implements context.Context.
func (l *life) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// end ends it, the first time.
func (l *life) end(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = err
	close(l.done)
	if l.release != nil {
		l.release()
	}
}

// stop ends the call.
func (l *life) stop() { l.end(context.Canceled) }
