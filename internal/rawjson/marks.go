package rawjson

import (
	"encoding/binary"
	"math/bits"
)

// blockSize is how many bytes have their marks in one word.
const blockSize = 64

// marks finds where a string ends or has to be looked at: most of a request is text
// between such places. It keeps what it has found out about one block, because a block
// may hold several strings.
type marks struct {
	// word has the bit of every byte of the block that is a quote, a backslash or a
	// control character; the block begins at the index block.
	word  uint64
	block int
	// high says that a byte beyond ASCII was seen.
	high bool
}

// beyond is plain when the block at hand has no mark from i on, or is another.
func (c *checker) beyond(i int) int {
	if uint(i-c.block) < blockSize {
		i = c.block + blockSize
	}
	if !vector || len(c.b)-i < blockSize {
		return c.words(i)
	}
	skipped, word, high := scanBlocks(&c.b[i], (len(c.b)-i)/blockSize)
	c.block, c.word = i+skipped, word
	c.high = c.high || high != 0
	if word == 0 {
		return c.words(c.block + blockSize)
	}
	return c.block + bits.TrailingZeros64(word)
}

// words is plain without the processor's wide registers, sixteen bytes at a time.
// (Thirty-two cost short strings what they save in long ones.)
func (c *checker) words(i int) int {
	b, seen := c.b, uint64(0)
	for ; i+16 <= len(b); i += 16 {
		w := b[i : i+16 : i+16]
		low, high := binary.LittleEndian.Uint64(w), binary.LittleEndian.Uint64(w[8:])
		first, second := special(low), special(high)
		seen |= low | high
		if first|second == 0 {
			continue
		}
		c.high = c.high || seen&highs != 0
		if first != 0 {
			return i + bits.TrailingZeros64(first)/8
		}
		return i + 8 + bits.TrailingZeros64(second)/8
	}
	for i < len(b) && b[i] != '"' && b[i] != '\\' && b[i] >= ' ' {
		seen |= uint64(b[i])
		i++
	}
	c.high = c.high || seen&highs != 0
	return i
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// special marks the high bit of every byte of w that is a quote, a backslash or a
// control character. Only the lowest mark is exact: a borrow may add others above it.
func special(w uint64) uint64 {
	// With its second bit turned, a quote is one above the control characters, and
	// what was there (a space, an exclamation mark) is above it.
	low := w ^ ones*2
	slash := w ^ ones*'\\'
	// All of them are below 0x80, so that both have the high bits of w.
	return ((low - ones*('"'^2+1)) | (slash - ones)) &^ w & highs
}
