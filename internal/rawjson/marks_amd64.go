package rawjson

import "golang.org/x/sys/cpu"

// vector says that the processor has what [scanBlocks] needs.
var vector = cpu.X86.HasAVX2

// scanBlocks looks at up to n blocks from p on, n at least 1, as far as the first with
// a mark. It returns how many bytes stand before that block, or the last, its marks,
// and not 0 in high when a byte of those it looked at is beyond ASCII.
//
//go:noescape
func scanBlocks(p *byte, n int) (skipped int, word, high uint64)
