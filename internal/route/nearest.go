package route

import "strings"

// maxNearest bounds the search for the nearest name.
const maxNearest = 1000

// nearest returns the group or alias that the client most likely meant, "" when
// none is near.
func (t *Table) nearest(name string) string {
	if len(name) > 64 {
		return ""
	}
	best, limit := "", len(name)/3+1
	for i, candidate := range t.names {
		if i == maxNearest {
			break
		}
		if strings.Contains(candidate, "*") || len(candidate) > 64 {
			continue
		}
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < limit || d == limit && best == "" {
			best, limit = candidate, d
		}
	}
	return best
}

// distance is the number of bytes to insert, delete or replace.
func distance(a, b string) int {
	var row [65]int
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
