package http1

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

type lifeKey struct{}

func newLife() *life {
	return &life{base: context.WithValue(context.Background(), lifeKey{}, "kept")}
}

func TestEndOfARequestReachesEverybodyWhoAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLife()
		early := l.Done()
		child, cancel := context.WithTimeout(l, time.Hour)
		defer cancel()
		var called, late, through, never int
		l.AfterFunc(func() { called++ })
		context.AfterFunc(l, func() { through++ })
		stop := l.AfterFunc(func() { never++ })
		if !stop() || stop() {
			t.Error("what was kept from being called is kept once")
		}
		if l.Err() != nil || child.Err() != nil || l.Value(lifeKey{}) != "kept" {
			t.Errorf("before its end: %v %v %v", l.Err(), child.Err(), l.Value(lifeKey{}))
		}
		l.end()
		l.end()
		<-early
		<-l.Done()
		<-child.Done()
		stop = l.AfterFunc(func() { late++ })
		synctest.Wait()
		if called != 1 || through != 1 || late != 1 || never != 0 || stop() {
			t.Errorf("called %d, through the package %d, late %d, stopped %d", called, through, late, never)
		}
		if !errors.Is(l.Err(), context.Canceled) || !errors.Is(child.Err(), context.Canceled) || !errors.Is(context.Cause(child), context.Canceled) {
			t.Errorf("after its end: %v %v", l.Err(), child.Err())
		}
	})
}

func TestLifeThatEndedBeforeAnybodyWaitedIsOver(t *testing.T) {
	l := newLife()
	l.end()
	select {
	case <-l.Done():
	default:
		t.Error("not over")
	}
	child, cancel := context.WithCancel(l)
	defer cancel()
	<-child.Done()
}
