package reasoning

import (
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// fewCalls is the number of calls up to which looking at each is faster than an
// index.
const fewCalls = 16

// turnIndex is a turn as one request looks into it: a message may have as many calls
// as the turn, and many messages the same turn.
type turnIndex struct {
	*Turn
	// exact, same and byID lead to the first call with the id, name and arguments, with
	// the name and arguments, and with the id and name; nil for few calls.
	exact, same, byID map[callFields]int
	// wanted says that the provider may demand the blocks back, which take so many bytes.
	wanted bool
	blocks int
}

// callFields are those fields of a call that are looked for, the others "".
type callFields struct{ id, name, args string }

func indexOf(t *Turn) *turnIndex {
	x := &turnIndex{Turn: t, wanted: t.wantsBlocks()}
	for _, b := range t.Blocks {
		x.blocks += len(b.Text) + len(b.Signature) + len(b.Redacted) + partSize
	}
	if len(t.Calls) <= fewCalls {
		return x
	}
	x.exact, x.same, x.byID = map[callFields]int{}, map[callFields]int{}, map[callFields]int{}
	for i, c := range slices.Backward(t.Calls) { // so that the first one stays
		x.exact[callFields{c.ID, c.Name, c.Arguments}] = i
		x.same[callFields{"", c.Name, c.Arguments}] = i
		x.byID[callFields{c.ID, c.Name, ""}] = i
	}
	return x
}

// has reports whether the turn made this call. An id alone is not enough: some
// clients number their calls anew in every conversation (call_1).
func (x *turnIndex) has(c *llm.ToolCall) bool {
	args := canonical(c.Arguments)
	return x.find(x.same, callFields{"", c.Name, args}, func(o Call) bool { return o.Name == c.Name && o.Arguments == args }) >= 0
}

// named is the index of the call with the id and the name, or -1.
func (x *turnIndex) named(c *llm.ToolCall) int {
	return x.find(x.byID, callFields{c.ID, c.Name, ""}, func(o Call) bool { return o.ID == c.ID && o.Name == c.Name })
}

// index is the index of a call: of several with its name and arguments the one with
// its id, else the first; else the one with its id and name; or -1.
func (x *turnIndex) index(c *llm.ToolCall) int {
	args := canonical(c.Arguments)
	same := func(o Call) bool { return o.Name == c.Name && o.Arguments == args }
	if i := x.find(x.exact, callFields{c.ID, c.Name, args}, func(o Call) bool { return o.ID == c.ID && same(o) }); i >= 0 {
		return i
	}
	if i := x.find(x.same, callFields{"", c.Name, args}, same); i >= 0 {
		return i
	}
	return x.named(c)
}

// find looks a call up in an index, or among few calls at each.
func (x *turnIndex) find(index map[callFields]int, key callFields, is func(Call) bool) int {
	if index == nil {
		return slices.IndexFunc(x.Calls, is)
	}
	if i, ok := index[key]; ok {
		return i
	}
	return -1
}
