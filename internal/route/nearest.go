package route

import (
	"math"
	"strings"
)

// maxNearest bounds the search for the nearest name.
const maxNearest = 1000

// nearest returns the group or alias that the client most likely meant, "" when
// none is near.
func (t *Table) nearest(name string) string {
	name = strings.ToLower(name) // which can make it longer
	best, limit := "", len(name)/3+1
	for i, candidate := range t.names {
		if i == maxNearest {
			break
		}
		if strings.Contains(candidate, "*") {
			continue
		}
		if d := distance(name, strings.ToLower(candidate)); d < limit || d == limit && best == "" {
			best, limit = candidate, d
		}
	}
	return best
}

// maxCompared bounds the length of names that are compared.
const maxCompared = 64

// distance is the number of bytes to insert, delete or replace; long names are
// infinitely far.
func distance(a, b string) int {
	if len(a) > maxCompared || len(b) > maxCompared {
		return math.MaxInt
	}
	var row [maxCompared + 1]int
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
