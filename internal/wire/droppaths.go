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
func DropPaths(body rawjson.Value, paths []string) (rawjson.Value, []llm.Drop) {
	var drops []llm.Drop
	for _, p := range paths {
		if !IsPath(p) {
			continue
		}
		steps := splitPath(p)
		if out, found := dropPath(body, steps); found && len(steps) > 0 {
			body = out
			drops = append(drops, llm.Drop{What: p, Why: "named in additional_drop_params"})
		}
	}
	return body, drops
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

func dropPath(v rawjson.Value, steps []string) (rawjson.Value, bool) {
	switch {
	case len(steps) == 0:
		return nil, true
	case v.Kind() == '[' && strings.HasPrefix(steps[0], "["):
		return dropElems(v, steps)
	case v.Kind() == '{':
		return dropMember(v, strings.Trim(steps[0], "[]"), steps[1:])
	}
	return v, false
}

func dropMember(v rawjson.Value, key string, rest []string) (rawjson.Value, bool) {
	child := v.Get(key)
	if child == nil {
		return v, false
	}
	out, found := dropPath(child, rest)
	if !found {
		return v, false
	}
	obj := rawjson.ParseObject(v)
	if out == nil {
		obj.Del(key)
	} else {
		obj.Set(key, out)
	}
	return obj.Value(), true
}

func dropElems(v rawjson.Value, steps []string) (rawjson.Value, bool) {
	want, err := strconv.Atoi(strings.Trim(steps[0], "[]"))
	all := steps[0] == "[*]" || steps[0] == "[]"
	if err != nil && !all {
		return v, false
	}
	dst, found := append(make([]byte, 0, len(v)), '['), false
	for i, e := range v.Elems() {
		if all || i == want {
			out, did := dropPath(e, steps[1:])
			found = found || did
			if e = out; e == nil {
				continue
			}
		}
		dst = append(rawjson.AppendComma(dst), e...)
	}
	if !found {
		return v, false
	}
	return append(dst, ']'), true
}
