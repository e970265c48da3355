package app

import "testing"

func TestTheHeapMayGrowFreelyOnlyWhileItIsSmall(t *testing.T) {
	for live, want := range map[uint64]int{0: 400, 1 << 20: 400, 4 << 20: 400, 8 << 20: 200, 16 << 20: 100, 64 << 20: 100, 4 << 30: 100} {
		if got := percentFor(live); got != want {
			t.Errorf("a live heap of %d MiB gets %d %%, want %d", live>>20, got, want)
		}
	}
}
