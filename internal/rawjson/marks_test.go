package rawjson

import (
	"math/rand/v2"
	"testing"
)

// TestBlocksAndWordsFindTheSamePlaces compares the two ways through a string, from every
// index, on texts with marks and with bytes beyond ASCII at any distance.
func TestBlocksAndWordsFindTheSamePlaces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 400 {
		text := make([]byte, r.IntN(400))
		for i := range text {
			text[i] = byte(' ' + r.IntN(95))
			switch text[i] {
			case '"', '\\':
				text[i] = 'x'
			}
		}
		for range r.IntN(6) * min(len(text), 1) {
			text[r.IntN(len(text))] = []byte{'"', '\\', 0, 0x1f, '\n', 0x7f, 0x80, 0xff, 0xa2, 0xdc, '!', '#', ' ', '[', ']'}[r.IntN(15)]
		}
		both := newChecker(text)
		for i := range text {
			byWords, byBlocks := newChecker(text), newChecker(text)
			want := byWords.words(i)
			if got := byBlocks.beyond(i); got != want {
				t.Fatalf("round %d: from %d of %q: %d by blocks, %d by words", round, i, text, got, want)
			}
			if byWords.high && !byBlocks.high {
				t.Fatalf("round %d: from %d of %q: a byte beyond ASCII was overlooked", round, i, text)
			}
			// The same with what is known from the index before.
			if both.word>>uint(i-both.block) == 0 && both.beyond(i) != want {
				t.Fatalf("round %d: going on from %d of %q: not %d", round, i, text, want)
			}
		}
	}
}
