package app

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync/atomic"
	"time"
)

const (
	// bodiesShare is which part of GOMEMLIMIT request bodies may take: each is held
	// about twice while it is translated, and half is left for answers and the rest.
	bodiesShare = 4
	// crowdedPercent of GOMEMLIMIT in use after a collection sheds requests: the rest is
	// for garbage, and with less of it the collector has no time left for others.
	crowdedPercent = 70
	// lookAgain is how long a process that sheds may wait for the next collection, at
	// least lookCost times what the last took: each looks through all that fills the
	// memory. It is lookSoon when a quarter of the requests have ended since.
	lookAgain, lookSoon = time.Second, 250 * time.Millisecond
	lookCost            = 10
)

// pressure knows how much of GOMEMLIMIT is in use.
type pressure struct {
	limit  int64 // 0 for none
	high   atomic.Bool
	looked atomic.Int64 // when a collection was last asked for, ns since 1970
	took   atomic.Int64 // how long it took, ns

	inFlight func() int64 // requests
	seen     atomic.Int64 // how many there were at the last collection
}

// newPressure reads the limit, which Go's runtime has taken from GOMEMLIMIT.
func newPressure(inFlight func() int64) *pressure {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return &pressure{}
	}
	p := &pressure{limit: limit, inFlight: inFlight}
	p.look()
	return p
}

// maxBodies is how many bytes of request bodies may be held, 0 for no limit.
func (p *pressure) maxBodies() int64 { return p.limit / bodiesShare }

// look measures after every collection.
func (p *pressure) look() {
	p.seen.Store(p.inFlight())
	p.high.Store(inUse() > uint64(p.limit)/100*crowdedPercent)
	runtime.SetFinalizer(&lap{}, func(*lap) { p.look() })
}

// crowded reports whether what is in use nearly fills the limit. Requests that are shed
// allocate little, so the next collection is asked for when it does not come.
func (p *pressure) crowded() bool {
	if !p.high.Load() {
		return false
	}
	now, last := time.Now(), p.looked.Load()
	if now.UnixNano()-last > int64(p.due()) && p.looked.CompareAndSwap(last, now.UnixNano()) {
		go func() {
			runtime.GC()
			p.took.Store(int64(time.Since(now)))
		}()
	}
	return true
}

// due is how long after a collection was asked for the next is.
func (p *pressure) due() time.Duration {
	if seen := p.seen.Load(); p.inFlight() < seen-seen/4 {
		return lookSoon
	}
	return max(lookAgain, lookCost*time.Duration(p.took.Load()))
}

// inUse is what no collection gives back: the live heap, and what the limit counts
// besides. Of a connection that waits, its stack is the larger part.
func inUse() uint64 {
	s := []metrics.Sample{
		{Name: "/memory/classes/total:bytes"},
		{Name: "/memory/classes/heap/released:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
	}
	metrics.Read(s)
	n := s[0].Value.Uint64()
	for _, part := range s[1:] {
		n -= part.Value.Uint64()
	}
	return n + liveHeap()
}
