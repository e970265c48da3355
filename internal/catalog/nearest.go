package catalog

import "strings"

// longest is how much of a name Nearest reads; model names are shorter.
const longest = 96

// Nearest returns the candidate that was probably meant by a mistyped name, or ""
// when none is near. Case does not count, and a missing provider prefix is forgiven.
func Nearest(name string, among []string) string {
	name = fold(name)
	best, bestDistance := "", len(name)/3+1
	if len(name) <= 3 {
		bestDistance = 2
	}
	for _, candidate := range among {
		if d := distanceTo(name, fold(candidate), bestDistance); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	if best != "" {
		return best
	}
	return startingLike(name, among)
}

func fold(s string) string {
	s = strings.ToLower(s)
	return s[:min(len(s), longest)]
}

// distanceTo compares with the whole candidate and with the part after its prefix.
func distanceTo(name, candidate string, limit int) int {
	d := distance(name, candidate, limit)
	if i := strings.LastIndexByte(candidate, '/'); i >= 0 && !strings.Contains(name, "/") {
		d = min(d, distance(name, candidate[i+1:], limit))
	}
	return d
}

// startingLike finds the shortest candidate that continues the name ("gemini-3-pro"
// was written for "gemini-3-pro-preview").
func startingLike(name string, among []string) string {
	best := ""
	for _, candidate := range among {
		c := fold(candidate)
		bare := c[strings.LastIndexByte(c, '/')+1:]
		if len(name) < 4 || !strings.HasPrefix(c, name) && !strings.HasPrefix(bare, name) {
			continue
		}
		if best == "" || len(candidate) < len(best) {
			best = candidate
		}
	}
	return best
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that
// turn a into b. It gives up with limit when the lengths alone differ by as much.
func distance(a, b string, limit int) int {
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	var rows [3][longest + 1]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, above, twoAbove := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+differ(a[i-1], b[j-1]))
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], twoAbove[j-2]+1)
			}
		}
	}
	return rows[len(a)%3][len(b)]
}

func differ(a, b byte) int {
	if a == b {
		return 0
	}
	return 1
}
