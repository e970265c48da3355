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
	known := p.match(results, exactID) + p.match(results, cutID)
	p.match(results, sameName)
	p.match(results, func(_ *llm.ToolCall, r *llm.ToolResult) bool { return r.CallID == "" || known == 0 })
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

// match gives each result that is left to the first call without an answer that
// the rule accepts, and counts.
func (p *pairing) match(results []*llm.ToolResult, rule func(*llm.ToolCall, *llm.ToolResult) bool) int {
	n := 0
	for i, r := range results {
		if p.taken[i] {
			continue
		}
		for j, c := range p.calls {
			if p.answers[j].result == nil && rule(c, r) {
				p.answers[j].result, p.taken[i] = r, true
				n++
				break
			}
		}
	}
	return n
}

func exactID(c *llm.ToolCall, r *llm.ToolResult) bool { return r.CallID != "" && r.CallID == c.ID }

// cutID accepts ids that a client truncated on one side.
func cutID(c *llm.ToolCall, r *llm.ToolResult) bool {
	if min(len(c.ID), len(r.CallID)) < minPrefix {
		return false
	}
	return strings.HasPrefix(c.ID, r.CallID) || strings.HasPrefix(r.CallID, c.ID)
}

// sameName serves the deprecated function role, which knows no ids.
func sameName(c *llm.ToolCall, r *llm.ToolResult) bool {
	return r.CallID == "" && r.Name != "" && r.Name == c.Name
}

func orphanText(r *llm.ToolResult) string {
	id := r.CallID
	if id == "" {
		id = r.Name
	}
	return "Tool result (" + id + "): " + r.Text()
}
