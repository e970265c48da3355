package app

import (
	"runtime"
	"testing"
	"time"
)

func TestTheHeapMayGrowByMuchOnlyWhileItIsSmall(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 4 << 20: 400, 8 << 20: 200, 16 << 20: 100, 32 << 20: 50, 64 << 20: 40, 4 << 30: 40} {
		if got := percentFor(live, 64<<20, time.Second); got != want {
			t.Errorf("a live heap of %d MiB gets %d %%, want %d", live>>20, got, want)
		}
	}
}

func TestCollectionsThatFollowOneAnotherLetTheHeapGrowByWhatTheyLookThrough(t *testing.T) {
	for _, c := range []struct {
		live, stacks uint64 // MiB
		want         int
	}{{0, 1, 400}, {8, 1, 200}, {8, 24, 400}, {20, 10, 150}, {64, 64, 200}, {640, 64, 110}} {
		if got := percentFor(c.live<<20, c.stacks<<20, soon-1); got != c.want {
			t.Errorf("%+v gets %d %%", c, got)
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

func TestACollectionThatFreesLittleIsMadeLessOften(t *testing.T) {
	p := &pacer{}
	p.wait.Store(int64(lull))
	for _, c := range []struct {
		before, after uint64 // MiB
		want          time.Duration
	}{{40, 20, lull}, {20, 20, 2 * lull}, {20, 20, 4 * lull}, {20, 21, 8 * lull}, {30, 20, lull}} {
		p.wait.Store(p.next(c.before<<20, c.after<<20))
		if got := time.Duration(p.wait.Load()); got != c.want {
			t.Errorf("%+v: the next comes after %v", c, got)
		}
	}
	for range 9 {
		p.wait.Store(p.next(1, 1))
	}
	if got := time.Duration(p.wait.Load()); got != rarest {
		t.Errorf("at last it comes after %v", got)
	}
}

func TestWhatABurstHasLeftIsCollected(t *testing.T) {
	burst = make([]byte, 64<<20)
	runtime.GC() // it is alive now
	before := measured("/memory/classes/heap/objects:bytes")
	burst = nil
	if left := collected(); before < left+60<<20 {
		t.Errorf("of %d bytes %d are left", before, left)
	}
}

var burst []byte

func TestACollectionThatIsDearIsAskedForLessOften(t *testing.T) {
	n := int64(100)
	p := &pressure{inFlight: func() int64 { return n }}
	p.seen.Store(100)
	for _, c := range []struct {
		took     time.Duration
		inFlight int64
		want     time.Duration
	}{{0, 100, lookAgain}, {50 * time.Millisecond, 100, lookAgain}, {time.Second, 80, 10 * time.Second}, {time.Second, 74, lookSoon}, {time.Second, 500, 10 * time.Second}} {
		n = c.inFlight
		p.took.Store(int64(c.took))
		if got := p.due(); got != c.want {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
