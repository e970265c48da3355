package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

// A gateway's live heap is small (some MiB) and its garbage plentiful (bodies), so
// that with Go's default the collector runs every few large requests. The pacer
// lets the heap grow by about roomyHeap before it runs, also when the live heap is
// large: a thousand open streams hold some 40 MiB, and twice that would be waste.
// Measured with 200 KB prompts: a tenth to a quarter of the CPU; with 1,000 slow
// streams: 20 KiB of memory each.
//
// Where hundreds of clients are served at once, it would run all the time and look
// through all their stacks each time. So a collection that comes soon after another
// lets the heap grow by as much as there was to look through.
const (
	roomyHeap  = 16 << 20
	minPercent = 40
	maxPercent = 400
	// soon is how long after another a collection comes too early.
	soon = 250 * time.Millisecond
	// lull is how long no collection came when one is made: what a burst has left behind
	// would else be kept until the next. After one that freed little the next comes
	// later, at last after rarest, when the runtime would make one itself.
	lull, rarest = 5 * time.Second, 2 * time.Minute
	// litter is what is worth a collection.
	litter = 1 << 20
)

// pacer sets the pace, and tidies up.
type pacer struct {
	timer *time.Timer
	wait  atomic.Int64 // until it tidies up
}

// paceGC sets the collector's pace after every collection. GOGC, when set, wins.
func paceGC(env func(string) (string, bool)) {
	if _, set := env("GOGC"); set {
		return
	}
	p := &pacer{}
	p.wait.Store(int64(lull))
	p.timer = time.AfterFunc(rarest, p.tidy)
	p.pace(time.Now())
}

// lap is collected by every collection; its finalizer is how one hears of it.
type lap struct{ _ [16]byte }

// pace sets the pace after a collection; the one before was at last.
func (p *pacer) pace(last time.Time) {
	now := time.Now()
	after := now.Sub(last)
	debug.SetGCPercent(percentFor(liveHeap(), stacks(), after))
	runtime.SetFinalizer(&lap{}, func(*lap) { p.pace(now) })
	if after < lull { // there is work
		p.wait.Store(int64(lull))
	}
	p.timer.Reset(time.Duration(p.wait.Load()))
}

// tidy collects what is left of a burst, when there may be something. Pools forget only
// with the second time. The runtime gives free memory back by itself.
func (p *pacer) tidy() {
	before := measured("/memory/classes/heap/objects:bytes") + stacks()
	if before < roomyHeap/4 {
		p.timer.Reset(lull)
		return
	}
	p.wait.Store(p.next(before, collected()))
}

// next is how long to wait after a collection that has left so much.
func (p *pacer) next(before, after uint64) int64 {
	if before > after+litter {
		return int64(lull)
	}
	return min(2*p.wait.Load(), int64(rarest))
}

// collected collects, and returns what is left.
func collected() uint64 {
	runtime.GC()
	return liveHeap() + stacks()
}

// percentFor is the growth that the heap may take until the next collection, when this
// one came so long after another.
func percentFor(live, stacks uint64, after time.Duration) int {
	if live == 0 {
		return maxPercent
	}
	growth := uint64(roomyHeap)
	if after < soon {
		growth = max(growth, live+stacks)
	}
	return int(min(max(growth*100/live, minPercent), maxPercent))
}

func liveHeap() uint64 { return measured("/gc/heap/live:bytes") }

func stacks() uint64 { return measured("/memory/classes/heap/stacks:bytes") }

// measured reads a figure of the runtime, 0 where there is none.
func measured(name string) uint64 {
	s := []metrics.Sample{{Name: name}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
