package pack

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
)

// pair is one field with one value; records are lists of them.
type pair struct{ field, value string }

// Encode packs records (key → field → compact JSON) into the form that Open reads.
// The same input always gives the same bytes.
func Encode(records map[string]map[string]string) ([]byte, error) {
	pairs := collect(records)
	fields := fieldNames(pairs)
	if len(pairs) > math.MaxUint16 || len(fields) > math.MaxUint16 {
		return nil, fmt.Errorf("pack: %d distinct pairs and %d fields do not fit in 16-bit numbers", len(pairs), len(fields))
	}
	keys := slices.Sorted(maps.Keys(records))
	out := header(len(fields), len(pairs), len(keys))
	out = appendStrings(out, fields)
	out = appendStrings(out, values(pairs))
	for _, p := range pairs {
		i, _ := slices.BinarySearch(fields, p.field)
		out = binary.LittleEndian.AppendUint16(out, uint16(i))
	}
	out = appendStrings(out, keys)
	return appendMembers(out, records, keys, pairs), nil
}

// collect returns the distinct pairs in a fixed order.
func collect(records map[string]map[string]string) []pair {
	seen := map[pair]bool{}
	for _, r := range records {
		for f, v := range r {
			seen[pair{f, v}] = true
		}
	}
	return slices.SortedFunc(maps.Keys(seen), comparePairs)
}

func comparePairs(a, b pair) int {
	switch {
	case a == b:
		return 0
	case a.field < b.field, a.field == b.field && a.value < b.value:
		return -1
	}
	return 1
}

func fieldNames(sorted []pair) []string {
	var names []string
	for _, p := range sorted {
		if len(names) == 0 || names[len(names)-1] != p.field {
			names = append(names, p.field)
		}
	}
	return names
}

func values(pairs []pair) []string {
	out := make([]string, len(pairs))
	for i, p := range pairs {
		out[i] = p.value
	}
	return out
}

func header(fields, pairs, records int) []byte {
	out := []byte(magic)
	for _, n := range []int{fields, pairs, records, 0} {
		out = binary.LittleEndian.AppendUint32(out, uint32(n))
	}
	return out
}

func appendStrings(out []byte, list []string) []byte {
	at := 0
	for _, s := range list {
		out = binary.LittleEndian.AppendUint32(out, uint32(at))
		at += len(s)
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(at))
	for _, s := range list {
		out = append(out, s...)
	}
	return out
}

func appendMembers(out []byte, records map[string]map[string]string, keys []string, pairs []pair) []byte {
	at := 0
	var ids []byte
	for _, k := range keys {
		out = binary.LittleEndian.AppendUint32(out, uint32(at))
		for _, f := range slices.Sorted(maps.Keys(records[k])) {
			i, _ := slices.BinarySearchFunc(pairs, pair{f, records[k][f]}, comparePairs)
			ids = binary.LittleEndian.AppendUint16(ids, uint16(i))
			at++
		}
	}
	out = binary.LittleEndian.AppendUint32(out, uint32(at))
	return append(out, ids...)
}
