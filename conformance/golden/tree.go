package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A JSON tree is nil, bool, float64, json.Number (integers beyond 2^53 only), string, []any or map[string]any.
type object = map[string]any

// absent marks the side of a Difference that has no value.
type absent struct{}

func (absent) String() string { return "(absent)" }

// decode parses JSON; ok is false when data is not exactly one JSON value.
func decode(data []byte) (tree any, ok bool) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if d.Decode(&tree) != nil {
		return nil, false
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, false
	}
	return numbers(tree), true
}

func decodeString(s string) (any, bool) { return decode([]byte(s)) }

// tree parses JSON known to be good; anything else is nil.
func tree(data []byte) any {
	t, _ := decode(data)
	return t
}

// numbers turns every number that a float64 holds exactly enough into one, so that 1 and 1.0 are equal.
func numbers(t any) any {
	switch v := t.(type) {
	case object:
		for k := range v {
			v[k] = numbers(v[k])
		}
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case json.Number:
		return number(v)
	}
	return t
}

func number(n json.Number) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil && (i > 1<<53 || i < -1<<53) {
		return n
	}
	f, err := n.Float64()
	if err != nil {
		return n
	}
	return f
}

// dump writes t as compact JSON with sorted keys, without HTML escapes.
func dump(t any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(t); err != nil {
		return fmt.Sprint(t)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// clone copies t deeply; prune is the usual way, it copies too.
func clone(t any) any {
	switch v := t.(type) {
	case object:
		o := make(object, len(v))
		for k, x := range v {
			o[k] = clone(x)
		}
		return o
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = clone(x)
		}
		return l
	}
	return t
}

// prune copies t without the members that are null: absent and null mean the same.
func prune(t any) any {
	switch v := t.(type) {
	case object:
		return pruneObject(v)
	case []any:
		l := make([]any, len(v))
		for i, x := range v {
			l[i] = prune(x)
		}
		return l
	}
	return t
}

func pruneObject(v object) object {
	o := make(object, len(v))
	for k, x := range v {
		if x != nil {
			o[k] = prune(x)
		}
	}
	return o
}

// get walks keys (string) and positions (int) and returns nil where there is nothing.
func get(t any, path ...any) any {
	for _, step := range path {
		switch s := step.(type) {
		case string:
			t = obj(t)[s]
		case int:
			l := list(t)
			if s >= len(l) {
				return nil
			}
			t = l[s]
		}
	}
	return t
}

func obj(t any) object {
	o, _ := t.(object)
	return o
}

func list(t any) []any {
	l, _ := t.([]any)
	return l
}

func str(t any) string {
	s, _ := t.(string)
	return s
}

func num(t any) float64 {
	f, _ := t.(float64)
	return f
}

// objects yields the members of t that are objects.
func objects(t any) []object {
	var out []object
	for _, x := range list(t) {
		if o, ok := x.(object); ok {
			out = append(out, o)
		}
	}
	return out
}

// truthy is false for nil, false, 0, "" and empty containers: the ways in which a field can say nothing.
func truthy(t any) bool {
	switch v := t.(type) {
	case nil:
		return false
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case object:
		return len(v) > 0
	}
	return true
}

// firstTruthy returns the first value that says something, else nil.
func firstTruthy(values ...any) any {
	for _, v := range values {
		if truthy(v) {
			return v
		}
	}
	return nil
}

// remove deletes keys from o.
func remove(o object, keys ...string) {
	for _, k := range keys {
		delete(o, k)
	}
}

// removeIf deletes o[key] when it equals v.
func removeIf(o object, key string, v any) {
	if x, ok := o[key]; ok && equal(x, v) {
		delete(o, key)
	}
}

func equal(a, b any) bool { return len(diff(a, b, "")) == 0 }

// diff lists where want and got disagree, below pointer at.
func diff(want, got any, at string) []Difference {
	switch w := want.(type) {
	case object:
		if g, ok := got.(object); ok {
			return diffObjects(w, g, at)
		}
	case []any:
		if g, ok := got.([]any); ok {
			return diffLists(w, g, at)
		}
	}
	if scalarEqual(want, got) {
		return nil
	}
	if at == "" {
		at = "/"
	}
	return []Difference{{at, want, got}}
}

func scalarEqual(a, b any) bool {
	switch x := a.(type) {
	case float64:
		y, ok := b.(float64)
		return ok && math.Abs(x-y) < 1e-9
	case nil, bool, string, json.Number:
		return a == b
	}
	return false
}

func diffObjects(want, got object, at string) []Difference {
	var out []Difference
	keys := maps.Clone(want)
	maps.Copy(keys, got)
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		p := at + "/" + strings.ReplaceAll(strings.ReplaceAll(k, "~", "~0"), "/", "~1")
		w, wok := want[k]
		g, gok := got[k]
		switch {
		case !gok:
			out = append(out, Difference{p, w, absent{}})
		case !wok:
			out = append(out, Difference{p, absent{}, g})
		default:
			out = append(out, diff(w, g, p)...)
		}
	}
	return out
}

func diffLists(want, got []any, at string) []Difference {
	var out []Difference
	for i := range max(len(want), len(got)) {
		p := at + "/" + strconv.Itoa(i)
		switch {
		case i >= len(got):
			out = append(out, Difference{p, want[i], absent{}})
		case i >= len(want):
			out = append(out, Difference{p, absent{}, got[i]})
		default:
			out = append(out, diff(want[i], got[i], p)...)
		}
	}
	return out
}

// pick copies the given keys of o that are not null.
func pick(o object, keys ...string) object {
	out := object{}
	for _, k := range keys {
		if o[k] != nil {
			out[k] = o[k]
		}
	}
	return out
}

// pickTruthy copies the given keys of o that say something.
func pickTruthy(o object, keys ...string) object {
	out := object{}
	for _, k := range keys {
		if truthy(o[k]) {
			out[k] = o[k]
		}
	}
	return out
}
