package app

import (
	"runtime"
	"testing"
)

func TestTheHeapMayGrowByMuchOnlyWhileItIsSmall(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 4 << 20: 400, 8 << 20: 200, 16 << 20: 100, 32 << 20: 50, 64 << 20: 40, 4 << 30: 40} {
		if got := percentFor(live); got != want {
			t.Errorf("a live heap of %d MiB gets %d %%, want %d", live>>20, got, want)
		}
	}
}

func TestMemoryInUseCountsStacksBesidesTheHeap(t *testing.T) {
	before := inUse()
	begun, done := make(chan struct{}), make(chan struct{})
	defer close(done)
	const many, deep = 1000, 32 << 10
	for range many {
		go func() {
			var large [deep]byte
			begun <- struct{}{}
			<-done
			runtime.KeepAlive(&large)
		}()
		<-begun
	}
	if grown := inUse() - before; grown < many*deep {
		t.Errorf("%d stacks of %d KiB count as %d KiB", many, deep>>10, grown>>10)
	}
}
