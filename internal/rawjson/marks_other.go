//go:build !amd64

package rawjson

// vector: there is no [scanBlocks] for this processor.
const vector = false

func scanBlocks(*byte, int) (skipped int, word, high uint64) { return 0, 0, 0 }
