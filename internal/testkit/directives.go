package testkit

import (
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

var directive = regexp.MustCompile(`(?s)<<(\w+)(?::(.*?))?>>`)

// Directives is the script of a model that does what the user's text says:
//
//	<<call:NAME {json}>>             one step with a tool call; several make several steps
//	<<call:A {json} && B {json}>>    one step with parallel calls
//	<<text:…>>                       the final text
//	<<think:…>>                      a thought before each answer
//	<<length>>                       the answer is cut off by the token limit
//
// Without directives it follows the wanted schema, tells the tool results, or
// echoes the user.
func Directives(t *Turn) Reply {
	var r Reply
	var steps [][]Call
	for _, m := range directive.FindAllStringSubmatch(t.User, -1) {
		switch m[1] {
		case "call":
			steps = append(steps, parseCalls(m[2]))
		case "text":
			r.Text = m[2]
		case "think":
			r.Thinking = m[2]
		case "length":
			r.Finish = "length"
		}
	}
	switch {
	case t.Steps < len(steps):
		r.Calls, r.Text = steps[t.Steps], ""
	case t.Forced != "" && len(t.Results) == 0 && r.Text == "":
		r.Calls = []Call{forcedCall(t)}
	case r.Text == "":
		r.Text = defaultText(t)
	}
	return r
}

func defaultText(t *Turn) string {
	switch {
	case t.Schema != nil:
		return encode(example(t.Schema, t.Schema, 0))
	case t.JSON:
		return `{"ok":true}`
	case len(t.Results) > 0:
		var b strings.Builder
		b.WriteString("FINAL")
		for _, r := range t.Results {
			b.WriteString(" " + r.Name + "=" + r.Text)
		}
		return b.String()
	}
	return "echo: " + strings.TrimSpace(t.User)
}

func forcedCall(t *Turn) Call {
	name := t.Forced
	if name == "*" && len(t.Tools) > 0 {
		name = t.Tools[0].Name
	}
	tool, _ := t.tool(name)
	return Call{Name: name, Args: encode(example(tool.Schema, tool.Schema, 0))}
}

// parseCalls reads `A {json} && B {json}`.
func parseCalls(s string) []Call {
	var calls []Call
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(s), "&&")) {
		name, rest := s, ""
		if n := strings.IndexAny(s, " \t\n{"); n > 0 {
			name, rest = s[:n], strings.TrimSpace(s[n:])
		}
		call := Call{Name: name, Args: "{}"}
		if strings.HasPrefix(rest, "{") {
			dec := jsontext.NewDecoder(strings.NewReader(rest))
			v, err := dec.ReadValue()
			if err != nil {
				return append(calls, call)
			}
			call.Args, rest = string(v), rest[dec.InputOffset():]
		}
		calls, s = append(calls, call), rest
	}
	return calls
}

// maxDepth ends examples of recursive schemas.
const maxDepth = 8

// example makes a value that follows the schema.
func example(s, root object, depth int) any {
	if depth > maxDepth {
		return object{}
	}
	if ref := str(s["$ref"]); ref != "" {
		return example(resolve(root, ref), root, depth+1)
	}
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		if l := list(s[key]); len(l) > 0 {
			return example(obj(l[0]), root, depth+1)
		}
	}
	if l := list(s["enum"]); len(l) > 0 {
		return l[0]
	}
	if c, ok := s["const"]; ok {
		return c
	}
	return exampleOf(typeOf(s), s, root, depth)
}

func typeOf(s object) string {
	t := str(s["type"])
	if l := list(s["type"]); len(l) > 0 {
		t = str(l[0])
	}
	if t == "" {
		t = "object"
	}
	return strings.ToLower(t)
}

func exampleOf(kind string, s, root object, depth int) any {
	switch kind {
	case "object":
		out := object{}
		for name, v := range obj(s["properties"]) {
			out[name] = example(obj(v), root, depth+1)
		}
		return out
	case "array":
		return []any{example(obj(s["items"]), root, depth+1)}
	case "integer":
		if n, ok := num(s["minimum"]); ok {
			return int(n)
		}
		return 7
	case "number":
		return 7.5
	case "boolean":
		return true
	case "null":
		return nil
	}
	return "fake"
}

func resolve(root object, ref string) object {
	cur := root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		cur = obj(cur[part])
	}
	return cur
}
