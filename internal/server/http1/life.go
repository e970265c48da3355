package http1

import (
	"context"
	"slices"
	"sync"
	"time"
)

// life is the context of a request: it ends when the client leaves, or after the
// handler. It is a part of the request and makes only what somebody asks for;
// context.WithCancel, asked for what a gateway needs, makes eight things a request.
type life struct {
	base context.Context // for its values; it never ends

	mu    sync.Mutex
	err   error
	done  chan struct{} // nil until somebody waits
	after []*ending
	// first is the first of after, few is room for it: a request has one upstream.
	first ending
	few   [1]*ending
}

// ending is what is called at the end of a life.
type ending struct {
	of *life
	f  func()
}

// Deadline implements context.Context: there is none.
func (l *life) Deadline() (deadline time.Time, ok bool) { return time.Time{}, false }

// Value implements context.Context.
func (l *life) Value(key any) any { return l.base.Value(key) }

// Done implements context.Context.
func (l *life) Done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done == nil {
		l.done = make(chan struct{})
		if l.err != nil {
			close(l.done)
		}
	}
	return l.done
}

// Err implements context.Context.
func (l *life) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// AfterFunc has f called in a goroutine of its own when the life ends, as
// [context.AfterFunc] has, which makes use of it.
func (l *life) AfterFunc(f func()) (stop func() bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := &l.first
	if e.of == nil {
		l.after = l.few[:0]
	} else {
		e = new(ending)
	}
	*e = ending{l, f}
	if l.err != nil {
		go f()
	} else {
		l.after = append(l.after, e)
	}
	return e.stop
}

// stop reports whether it kept the function from being called.
func (e *ending) stop() bool {
	l := e.of
	l.mu.Lock()
	defer l.mu.Unlock()
	i := slices.Index(l.after, e)
	if i < 0 {
		return false
	}
	l.after = slices.Delete(l.after, i, i+1)
	return true
}

// end ends the life.
func (l *life) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return
	}
	l.err = context.Canceled
	if l.done != nil {
		close(l.done)
	}
	for _, e := range l.after {
		go e.f()
	}
	l.after = nil
}
