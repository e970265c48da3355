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
	// lookAgain is how long a process that sheds may wait for the next collection.
	lookAgain = 500 * time.Millisecond
)

// pressure knows how much of GOMEMLIMIT is in use.
type pressure struct {
	limit  int64 // 0 for none
	high   atomic.Bool
	looked atomic.Int64 // when a collection was last asked for, ns since 1970
}

// newPressure reads the limit, which Go's runtime has taken from GOMEMLIMIT.
func newPressure() *pressure {
	limit := debug.SetMemoryLimit(-1)
	if limit == math.MaxInt64 {
		return &pressure{}
	}
	p := &pressure{limit: limit}
	p.look()
	return p
}

// maxBodies is how many bytes of request bodies may be held, 0 for no limit.
func (p *pressure) maxBodies() int64 { return p.limit / bodiesShare }

// look measures after every collection.
func (p *pressure) look() {
	p.high.Store(inUse() > uint64(p.limit)/100*crowdedPercent)
	runtime.SetFinalizer(&lap{}, func(*lap) { p.look() })
}

// crowded reports whether what is in use nearly fills the limit. Requests that are shed
// allocate little, so the next collection is asked for when it does not come.
func (p *pressure) crowded() bool {
	if !p.high.Load() {
		return false
	}
	now, last := time.Now().UnixNano(), p.looked.Load()
	if now-last > int64(lookAgain) && p.looked.CompareAndSwap(last, now) {
		go runtime.GC()
	}
	return true
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
