package gemini

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// minPrefix is the length from which a cut id may still stand for a call.
const minPrefix = 8

// pair orders the results after the calls that they answer: one answer for every
// call, in call order, with a nil result where the client sent none. Results that
// belong to no call come back as texts (§2.5.2).
func pair(calls []*llm.ToolCall, results []*llm.ToolResult) (answers, orphans []item) {
	if len(calls) == 0 && len(results) == 0 {
		return nil, nil
	}
	p := pairing{calls: calls, answers: make([]item, len(calls)), taken: make([]bool, len(results))}
	for i, c := range calls {
		p.answers[i] = item{kind: itemResult, call: c}
	}
	known := p.match(results, p.exactID()) + p.match(results, p.cutID())
	p.match(results, p.sameName())
	p.match(results, p.inOrder(known == 0))
	for i, r := range results {
		if !p.taken[i] {
			orphans = append(orphans, item{kind: itemText, text: orphanText(r)})
		}
	}
	return p.answers, orphans
}

type pairing struct {
	calls   []*llm.ToolCall
	answers []item
	taken   []bool
}

// none stands for no call.
const none = -1

// finder returns the index of the first call without an answer that a result may
// belong to, or none.
type finder func(r *llm.ToolResult) int

// match gives each result that is left to the call that find names, and counts.
func (p *pairing) match(results []*llm.ToolResult, find finder) int {
	n := 0
	for i, r := range results {
		if p.taken[i] {
			continue
		}
		if at := find(r); at != none {
			p.answers[at].result, p.taken[i] = r, true
			n++
		}
	}
	return n
}

// fewCalls is the number of calls up to which looking at each is faster than an
// index.
const fewCalls = 16

func (p *pairing) exactID() finder {
	id := func(c *llm.ToolCall) string { return c.ID }
	find := p.by(id)
	return func(r *llm.ToolResult) int { return find(r.CallID) }
}

// sameName serves the deprecated function role, which knows no ids.
func (p *pairing) sameName() finder {
	find := p.by(func(c *llm.ToolCall) string { return c.Name })
	return func(r *llm.ToolResult) int {
		if r.CallID != "" {
			return none
		}
		return find(r.Name)
	}
}

// by finds the first call without an answer by what field says of it; "" finds none.
// Among many calls it keeps a queue for each value, which the answered calls leave.
func (p *pairing) by(field func(*llm.ToolCall) string) func(string) int {
	if len(p.calls) <= fewCalls {
		return func(want string) int {
			if want == "" {
				return none
			}
			return p.first(func(c *llm.ToolCall) bool { return field(c) == want })
		}
	}
	queues := make(map[string][]int, len(p.calls))
	for i, c := range p.calls {
		if p.answers[i].result == nil {
			queues[field(c)] = append(queues[field(c)], i)
		}
	}
	return func(want string) int {
		queue := queues[want]
		if want == "" || len(queue) == 0 {
			return none
		}
		queues[want] = queue[1:]
		return queue[0]
	}
}

// first looks at every call.
func (p *pairing) first(fits func(*llm.ToolCall) bool) int {
	for i, c := range p.calls {
		if p.answers[i].result == nil && fits(c) {
			return i
		}
	}
	return none
}

// maxCuts bounds the comparisons of cut ids in one turn: a thousand calls with a
// thousand results.
const maxCuts = 1 << 20

// cutID accepts ids that a client truncated on one side.
func (p *pairing) cutID() finder {
	left := maxCuts
	return func(r *llm.ToolResult) int {
		if len(r.CallID) < minPrefix || left <= 0 {
			return none
		}
		left -= len(p.calls)
		return p.first(func(c *llm.ToolCall) bool {
			return len(c.ID) >= minPrefix && (strings.HasPrefix(c.ID, r.CallID) || strings.HasPrefix(r.CallID, c.ID))
		})
	}
}

// inOrder gives the results that have no id, or all of them, to the calls in order.
func (p *pairing) inOrder(all bool) finder {
	next := 0
	return func(r *llm.ToolResult) int {
		if r.CallID != "" && !all {
			return none
		}
		for ; next < len(p.calls); next++ {
			if p.answers[next].result == nil {
				return next
			}
		}
		return none
	}
}

func orphanText(r *llm.ToolResult) string {
	id := r.CallID
	if id == "" {
		id = r.Name
	}
	return "Tool result (" + id + "): " + r.Text()
}
