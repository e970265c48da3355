package route

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// line is where the requests of a group wait for a place at deployments whose
// max_parallel_requests are in flight: the lowest priority first, equals in the order
// in which they came. A place that becomes free goes straight to the first that can use
// it, so that nobody who comes later takes it.
type line struct {
	mu      sync.Mutex
	waiting []*turn // in the order in which they are served
}

// turn is the place of one request in a line. Its line guards all but ready.
type turn struct {
	line     *line
	priority int64
	since    time.Time
	wants    []*member // those that are full
	// ready gets one signal: when given is set, when the request had to give way, or
	// when it is to look again, because a reload has changed what it waits for.
	ready chan struct{}
	given *member
	out   bool
	again bool
}

// settled reports whether the turn is in the line no longer.
func (t *turn) settled() bool { return t.given != nil || t.out }

// give ends the turn with a place, or without one.
func (t *turn) give(m *member) {
	t.given, t.out = m, m == nil
	t.ready <- struct{}{} // it has room for the only one
}

// join puts a turn into a line that has room for so many. A full line sends its last
// away for one that is more urgent, and else takes nobody: then join is false.
// Of the open ones, places that are free may be taken at once.
func (l *line) join(t *turn, room int, open []*member) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range open {
		if m.health.reserve() { // it became free meanwhile
			t.give(m)
			return true
		}
	}
	if n := len(l.waiting); n >= room {
		if n == 0 || l.waiting[n-1].priority <= t.priority {
			return false
		}
		l.waiting[n-1].give(nil)
		l.waiting = l.waiting[:n-1]
	}
	at, _ := slices.BinarySearchFunc(l.waiting, t, func(w, t *turn) int {
		if w.priority < t.priority || w.priority == t.priority && !w.since.After(t.since) {
			return -1
		}
		return 1
	})
	l.waiting = slices.Insert(l.waiting, at, t)
	return true
}

// leave takes a turn out of its line, and returns the place that it was given if that
// came first.
func (t *turn) leave() *member {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	if !t.settled() {
		t.line.waiting = slices.DeleteFunc(t.line.waiting, func(w *turn) bool { return w == t })
		t.out = true
	}
	return t.given
}

// over reports whether the turn has ended, and with which place; again says that it
// has without a verdict.
func (t *turn) over() (m *member, again, ended bool) {
	t.line.mu.Lock()
	defer t.line.mu.Unlock()
	return t.given, t.again, t.settled()
}

// stir has all who wait look again. They keep the time since when they wait.
func (l *line) stir() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, t := range l.waiting {
		t.again = true
		t.give(nil)
	}
	l.waiting = nil
}

// free gives a place at a deployment to the first that waits for one there, and else
// back.
func (l *line) free(h *health) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, t := range l.waiting {
		if m := t.want(h); m != nil {
			l.waiting = slices.Delete(l.waiting, i, i+1)
			t.give(m)
			return
		}
	}
	h.inflight.Add(-1)
}

// want returns the deployment among those that the turn waits for whose health h is,
// unless more calls are in flight there than may be, as after a reload.
func (t *turn) want(h *health) *member {
	for _, m := range t.wants {
		if m.health == h && (h.parallel.Load() <= 0 || h.inflight.Load() <= h.parallel.Load()) {
			return m
		}
	}
	return nil
}

// reserve takes a place for a call that will start soon.
func (h *health) reserve() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if most := h.parallel.Load(); most > 0 && h.inflight.Load() >= most {
		return false
	}
	h.inflight.Add(1)
	return true
}

// leave gives a place back.
func (h *health) leave() {
	if l := h.line.Load(); l != nil {
		l.free(h)
		return
	}
	h.inflight.Add(-1)
}

// queueing is how a plan waits.
type queueing struct {
	turn  *turn   // in a line
	given *member // whose place was given in line and is not used yet
	tried *turn   // left to try a place that may have become free at another node
	late  bool    // no waiting in line any more
}

// tries returns the turn that the plan has left to try a place, nil for none.
func (p *Plan) tries() *turn {
	if p.queue == nil {
		return nil
	}
	return p.queue.tried
}

// stands returns the plan's turn in line, nil for none.
func (p *Plan) stands() *turn {
	if p.queue == nil {
		return nil
	}
	return p.queue.turn
}

// queues returns how the plan waits, which from now on it may.
func (p *Plan) queues() *queueing {
	if p.queue == nil {
		p.queue = &queueing{}
	}
	return p.queue
}

// wait returns the step of a request that stands in line, or joins it: when places
// are all that is missing and the line is not full. It is false when there is nothing
// to wait for.
func (p *Plan) wait(now time.Time) (Step, bool) {
	if (p.queue == nil || p.queue.turn == nil) && !p.standInLine(now) {
		return Step{}, false
	}
	turn := p.queue.turn
	end := turn.since.Add(p.table.settings.QueueWait)
	if !now.Before(end) {
		p.leaveLine()
		p.noteName(p.group, DecisionLate)
		p.queue.late, p.queue.tried = true, nil
		return Step{}, false
	}
	return Step{Group: p.group, Turn: turn.ready, Wait: min(end.Sub(now), p.change(now))}, true
}

// standInLine joins the line, if that makes sense.
func (p *Plan) standInLine(now time.Time) bool {
	if !p.barred.has(barFull) || p.table.settings.MaxQueue <= 0 || p.table.settings.QueueWait <= 0 || p.queues().late {
		return false
	}
	t := &turn{priority: p.over.Priority, since: now, ready: make(chan struct{}, 1)}
	if before := p.tries(); before != nil {
		t.since = before.since
	}
	for _, m := range p.hop.members {
		// A place may have become free since all were seen full.
		if why := p.bar(m, now); why == barFull || why == 0 && m.health.line.Load() != nil {
			t.wants = append(t.wants, m)
		}
	}
	if p.table.settings.TagFiltering {
		t.wants = p.tagged(t.wants)
	}
	if len(t.wants) == 0 {
		return false
	}
	t.line = t.wants[0].health.line.Load()
	t.wants = slices.DeleteFunc(t.wants, func(m *member) bool { return m.health.line.Load() != t.line })
	open := slices.DeleteFunc(slices.Clone(t.wants), func(m *member) bool { return p.behind(m, now) })
	if t.line == nil || !t.line.join(t, p.table.settings.MaxQueue, open) {
		p.noteName(p.group, DecisionLineFull)
		p.queue.late = true
		return false
	}
	p.queue.turn = t
	return true
}

// called returns the deployment whose place the request was given in line, nil when
// it waits on, never did, or cannot use what it was given.
func (p *Plan) called(now time.Time) *member {
	q := p.queue
	if q == nil || q.turn == nil {
		return nil
	}
	m, again, ended := q.turn.over()
	if !ended {
		return nil
	}
	waited := now.Sub(q.turn.since)
	if again {
		q.tried = q.turn
	}
	q.turn = nil
	if again {
		return nil
	}
	if m == nil {
		p.noteName(p.group, DecisionGaveWay)
		q.late = true
		return nil
	}
	p.note(m, DecisionQueued, waited)
	if why := p.unfit(m, now); why != 0 {
		p.leaveOut(m, why)
		m.health.leave()
		return nil
	}
	q.given = m
	return m
}

// leaveLine gives up the request's turn, and what it may have been given.
func (p *Plan) leaveLine() {
	q := p.queue
	if q == nil {
		return
	}
	if q.turn != nil {
		if m := q.turn.leave(); m != nil {
			m.health.leave()
		}
		q.turn = nil
	}
	if q.given != nil {
		q.given.health.leave()
		q.given = nil
	}
}

// change is how long it is until a deployment that does not answer now may do so again
// without anybody leaving it: its cooldown ends, or the minute of its limits.
func (p *Plan) change(now time.Time) time.Duration {
	soonest := p.table.settings.QueueWait
	for _, m := range p.hop.members {
		switch p.bar(m, now) {
		case barCooling:
			soonest = min(soonest, m.health.restsUntil().Sub(now))
		case barLimit:
			soonest = min(soonest, untilMinute(now))
		case barFull:
			soonest = min(soonest, m.health.asksAgain(now, soonest))
		}
	}
	return max(soonest, time.Millisecond)
}

// untilMinute is how long the current minute lasts.
func untilMinute(now time.Time) time.Duration {
	return now.Truncate(time.Minute).Add(time.Minute).Sub(now)
}

// busy is the error of a group without a free place.
func (p *Plan) busy() *llm.Error {
	why := "in flight"
	if p.queue != nil && p.queue.late {
		why = fmt.Sprintf("in flight, and no place in the queue became free in time (max_queue %d, max_queue_wait %gs)",
			p.table.settings.MaxQueue, p.table.settings.QueueWait.Seconds())
	}
	return throttled(time.Second, fmt.Sprintf(
		"Every deployment that could answer has its max_parallel_requests %s. Passed model=%s", why, clip(p.group)))
}
