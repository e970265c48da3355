package openaichat

import (
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/errtext"
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
	minted   bool // the id is the gateway's
	named    bool
	held     string // arguments that came before the name
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
	last, taken := -1, false
	out := 0
	for i := range t.calls {
		c := &t.calls[i]
		if c.choice != choice {
			continue
		}
		out++
		if id != "" && c.id == id {
			if !c.another(upstream, d) {
				return i, false
			}
			taken = true
		}
		if upstream == noIndex || c.upstream == upstream {
			last = i
		}
	}
	if last >= 0 && (len(t.calls) >= maxCalls || t.calls[last].goesOn(id, taken, d)) {
		if c := &t.calls[last]; id != "" && !taken && !c.named {
			c.id, c.minted = id, false // nobody has seen the other
		}
		return last, false
	}
	minted := id == "" || taken
	if minted {
		id = mintID(t.call.Seed, t.answer, choice*maxCalls+out)
	}
	t.calls = append(t.calls, streamCall{choice: choice, upstream: upstream, id: id, out: out, custom: d.custom, minted: minted})
	return len(t.calls) - 1, true
}

// another reports whether a delta with the id of the call begins another one all the
// same: it has a name and an index of its own, and the call has got its arguments.
func (c *streamCall) another(upstream int, d *delta) bool {
	return upstream != noIndex && c.upstream != noIndex && c.upstream != upstream && c.args && d.name.Text() != ""
}

// goesOn reports whether a delta at the index of the call belongs to it: one without an
// id of its own does, unless it is a whole call after this one; one whose id comes late
// does too.
func (c *streamCall) goesOn(id string, taken bool, d *delta) bool {
	if id != "" && !taken {
		return c.minted && (d.name.Text() == "" || !c.named)
	}
	return !(c.named && c.args && d.name.Text() != "" && d.whole())
}

// empty reports whether a delta says nothing.
func (d *delta) empty() bool {
	return !d.index.Present() && !d.id.Present() && !d.name.Present() && !d.args.Present()
}

// whole reports whether a delta brings all arguments of a call.
func (d *delta) whole() bool {
	v, err := rawjson.Check([]byte(d.arguments().Text()))
	return err == nil && v.Kind() == '{'
}

// maxHeld bounds the arguments that wait for the name of their call, in bytes.
const maxHeld = 1 << 20

// name takes note of a call's name. A call begins for the client when its name has come,
// which it does with the first delta nearly always; until then ok is false and the
// arguments are held back.
func (s *stream) name(c *streamCall, d *delta) (begins, ok bool) {
	switch {
	case c.named:
		return false, true
	case d.name.Text() != "":
		c.named = true
		return true, true
	}
	c.held += d.arguments().Text()
	if len(c.held) > maxHeld {
		s.fail(nameless())
	}
	return false, false
}

// allNamed fails the stream when a call of a choice that ends has got no name.
func (s *stream) allNamed(choice int) bool {
	for i := range s.table.calls {
		if c := &s.table.calls[i]; c.choice == choice && !c.named {
			s.fail(nameless())
			return false
		}
	}
	return true
}

func nameless() error { return errtext.NoAnswer("calls a function without its name", nil) }

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
