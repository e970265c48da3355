package testkit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// refusal is a provider's error answer.
type refusal struct {
	status            int
	message           string
	kind, code, param string
	header            map[string]string
}

// inspector keeps the first thing that is wrong with a request; checks after it
// may run on but change nothing.
type inspector struct {
	first *refusal
	state State
	seal  *sealer
}

func (c *inspector) refuse(r *refusal) {
	if c.first == nil {
		c.first = r
	}
}

// only refuses the first member, in order of names, that is not known.
func (c *inspector) only(o object, known map[string]bool, refused func(name string) *refusal) {
	for _, name := range slices.Sorted(maps.Keys(o)) {
		if !known[name] {
			c.refuse(refused(name))
			return
		}
	}
}

func words(s string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		set[w] = true
	}
	return set
}

func sprintf(format string, args ...any) string { return fmt.Sprintf(format, args...) }

func join(s []string) string { return strings.Join(s, ", ") }

// wantsJSONWord refuses JSON mode when no message speaks of JSON.
func wantsJSONWord(c *inspector, in *incoming) {
	if !strings.Contains(strings.ToLower(encode(in.doc["messages"])), "json") {
		c.refuse(invalid("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "", "messages"))
	}
}

// knows reports whether the test named the model at creation.
func (f *Fake) knows(model string) bool { return slices.Contains(f.models, model) }
