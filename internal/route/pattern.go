package route

import "strings"

// pattern is a group name with one or more "*", cut at the stars.
type pattern struct {
	group    *group
	literals []string
	// weight is the number of literal characters: the more, the more specific.
	weight int
}

func newPattern(g *group) pattern {
	literals := strings.Split(g.name, "*")
	return pattern{group: g, literals: literals, weight: len(g.name) - (len(literals) - 1)}
}

// match reports whether name fits, and what each star stands for. A star takes
// as little as it can, the last one the rest; an empty star fits.
func (p *pattern) match(name string) ([]string, bool) {
	last := len(p.literals) - 1
	rest, ok := strings.CutPrefix(name, p.literals[0])
	if !ok {
		return nil, false
	}
	if rest, ok = strings.CutSuffix(rest, p.literals[last]); !ok {
		return nil, false
	}
	captures := make([]string, 0, last)
	for _, literal := range p.literals[1:last] {
		before, after, found := strings.Cut(rest, literal)
		if !found {
			return nil, false
		}
		captures, rest = append(captures, before), after
	}
	return append(captures, rest), true
}

// fill puts captures in the place of the stars of an upstream name, in order. A
// name without a star, or one that was not asked for by pattern, stays.
func fill(upstream string, captures []string) string {
	if len(captures) == 0 || !strings.Contains(upstream, "*") {
		return upstream
	}
	if upstream == "*" {
		return strings.Join(captures, "")
	}
	var out strings.Builder
	for _, capture := range captures {
		before, after, found := strings.Cut(upstream, "*")
		if !found {
			break
		}
		out.WriteString(before)
		out.WriteString(capture)
		upstream = after
	}
	out.WriteString(upstream)
	return out.String()
}
