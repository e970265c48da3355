package app

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// A gateway's live heap is small (some MiB) and its garbage plentiful (bodies), so
// that with Go's default the collector runs every few large requests. The pacer
// lets the heap grow by about roomyHeap before it runs, also when the live heap is
// large: a thousand open streams hold some 40 MiB, and twice that would be waste.
// Measured with 200 KB prompts: a tenth to a quarter of the CPU; with 1,000 slow
// streams: 20 KiB of memory each.
const (
	roomyHeap  = 16 << 20
	minPercent = 40
	maxPercent = 400
)

// paceGC sets the collector's pace after every collection. GOGC, when set, wins.
func paceGC(env func(string) (string, bool)) {
	if _, set := env("GOGC"); set {
		return
	}
	pace()
}

// lap is collected by every collection; its finalizer is how one hears of it.
type lap struct{ _ [16]byte }

func pace() {
	debug.SetGCPercent(percentFor(liveHeap()))
	runtime.SetFinalizer(&lap{}, func(*lap) { pace() })
}

// percentFor is the growth that the heap may take until the next collection.
func percentFor(live uint64) int {
	if live == 0 {
		return maxPercent
	}
	return int(min(max(roomyHeap*100/live, minPercent), maxPercent))
}

func liveHeap() uint64 {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(s)
	if s[0].Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s[0].Value.Uint64()
}
