package openaichat

import (
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// callTable numbers the tool calls of a streamed answer: dense from 0 within
// each choice, whatever indexes the provider sends. Source: §1.4 S6, T95.
type callTable struct {
	call   *wire.Call
	answer string
	calls  []streamCall
}

// streamCall is one tool call as far as it has arrived.
type streamCall struct {
	choice   int
	upstream int // the provider's index, noIndex when it sends none
	id       string
	out      int
	args     bool // some of the arguments arrived
	custom   bool
}

const noIndex = -1

// maxCalls bounds the tool calls of one answer; more are folded into the last.
const maxCalls = 1024

// delta is one element of delta.tool_calls.
type delta struct {
	index, id, typ, name, args rawjson.Value
	custom                     bool
}

func readDelta(v rawjson.Value) delta {
	var d delta
	for f := range v.Fields() {
		switch string(f.Key.Bare()) {
		case "index":
			d.index = f.Value
		case "id":
			d.id = f.Value
		case "type":
			d.typ = f.Value
		case "function":
			d.name, d.args = f.Value.Get("name"), f.Value.Get("arguments")
		case "custom":
			d.custom, d.name, d.args = true, f.Value.Get("name"), f.Value.Get("input")
		}
	}
	return d
}

// find returns the place in the table of the call that a delta belongs to, and
// whether the call begins here.
func (t *callTable) find(choice int, d *delta) (at int, begins bool) {
	upstream := noIndex
	if n, ok := d.index.Int(); ok && n >= 0 && n < maxCalls {
		upstream = int(n)
	}
	id := d.id.Text()
	last := -1
	out := 0
	for i := range t.calls {
		c := &t.calls[i]
		if c.choice != choice {
			continue
		}
		out++
		if id != "" && c.id == id {
			return i, false
		}
		if upstream == noIndex || c.upstream == upstream {
			last = i
		}
	}
	if last >= 0 && (id == "" || len(t.calls) >= maxCalls) {
		return last, false
	}
	if id == "" {
		id = mintID(t.call.Seed, t.answer, choice*maxCalls+out)
	}
	t.calls = append(t.calls, streamCall{choice: choice, upstream: upstream, id: id, out: out, custom: d.custom})
	return len(t.calls) - 1, true
}

func (t *callTable) any(choice int) bool {
	for i := range t.calls {
		if t.calls[i].choice == choice {
			return true
		}
	}
	return false
}

// arguments is the text that a delta adds, as a JSON string; nil adds nothing.
// An object in place of a string means its text.
func (d *delta) arguments() rawjson.Value {
	switch d.args.Kind() {
	case '"':
		if len(d.args) > len(`""`) {
			return d.args
		}
		return nil
	case '{', '[':
		return rawjson.String(string(d.args))
	}
	return nil
}
