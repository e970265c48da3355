package wire

import (
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// DropPaths removes from a body of Chat Completions what the paths name: keys
// separated by dots, [*] for every element of a list and [n] for one, as in
// "tools[*].function.strict". Plain names without a dot or bracket are not paths;
// [Effective] handles them. A path that finds nothing changes nothing; the
// returned body is the same bytes when no path finds anything.
//
// The paths apply one after the other, so an index counts what earlier paths have
// left; the body is read and written once however many there are.
func DropPaths(body rawjson.Value, paths []string) (rawjson.Value, []llm.Drop) {
	var drops []llm.Drop
	root := pruned{raw: body}
	for _, p := range paths {
		if !IsPath(p) {
			continue
		}
		if steps := splitPath(p); len(steps) > 0 && root.drop(steps) {
			drops = append(drops, llm.Drop{What: p, Why: "named in additional_drop_params"})
		}
	}
	if len(drops) == 0 {
		return body, nil
	}
	return root.append(make([]byte, 0, len(body))), drops
}

// IsPath reports whether a name of additional_drop_params is a path.
func IsPath(name string) bool { return strings.ContainsAny(name, ".[") }

// splitPath takes "tools[*].function" apart into "tools", "[*]", "function".
func splitPath(p string) []string {
	var steps []string
	for _, part := range strings.Split(p, ".") {
		name, rest, bracket := strings.Cut(part, "[")
		if name != "" {
			steps = append(steps, name)
		}
		for bracket {
			var inner string
			inner, rest, _ = strings.Cut(rest, "]")
			steps = append(steps, "["+strings.Trim(inner, `"'`)+"]")
			_, rest, bracket = strings.Cut(rest, "[")
		}
	}
	return steps
}

// pruned is a value of which parts are taken away. It is taken apart only as deep as
// a path leads, and each part once.
type pruned struct {
	key     string // of a member
	raw     rawjson.Value
	kids    []pruned // of an opened list or object
	opened  bool
	changed bool
}

func (p *pruned) open() {
	if p.opened {
		return
	}
	p.opened = true
	if p.raw.Kind() == '[' {
		for _, e := range p.raw.Elems() {
			p.kids = append(p.kids, pruned{raw: e})
		}
		return
	}
	for k, v := range p.raw.Members() {
		p.kids = append(p.kids, pruned{key: k, raw: v})
	}
}

// drop takes away what the steps lead to, and reports whether there was anything.
// There is at least one step.
func (p *pruned) drop(steps []string) (found bool) {
	named := p.named(steps[0])
	if named == nil {
		return false
	}
	p.open()
	kept := p.kids[:0]
	for i := range p.kids {
		hit := named(i, &p.kids[i])
		if hit && len(steps) == 1 {
			found = true
			continue
		}
		if hit && p.kids[i].drop(steps[1:]) {
			found = true
		}
		kept = append(kept, p.kids[i])
	}
	p.kids = kept
	p.changed = p.changed || found
	return found
}

// named tells which elements or members a step means; nil when it can mean none here.
func (p *pruned) named(step string) func(i int, kid *pruned) bool {
	name := strings.Trim(step, "[]")
	switch p.raw.Kind() {
	case '{':
		return func(_ int, kid *pruned) bool { return kid.key == name }
	case '[':
		return elementsNamed(step, name)
	}
	return nil
}

func elementsNamed(step, name string) func(i int, kid *pruned) bool {
	if step == "[*]" || step == "[]" {
		return func(int, *pruned) bool { return true }
	}
	want, err := strconv.Atoi(name)
	if err != nil || step[0] != '[' {
		return nil
	}
	return func(i int, _ *pruned) bool { return i == want }
}

func (p *pruned) append(dst []byte) []byte {
	switch {
	case !p.changed:
		return append(dst, p.raw...)
	case p.raw.Kind() == '[':
		dst = append(dst, '[')
		for i := range p.kids {
			dst = p.kids[i].append(rawjson.AppendComma(dst))
		}
		return append(dst, ']')
	}
	dst = append(dst, '{')
	for i := range p.kids {
		dst = rawjson.AppendString(rawjson.AppendComma(dst), p.kids[i].key)
		dst = p.kids[i].append(append(dst, ':'))
	}
	return append(dst, '}')
}
