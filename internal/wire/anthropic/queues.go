package anthropic

import "github.com/fairlead-gateway/fairlead/internal/llm"

// fewCalls is the number of calls up to which looking at each of them is faster
// than an index.
const fewCalls = 16

// queues index the pending calls of a turn: the calls of one id, of one name and all,
// each in their order. What was answered leaves a queue when the queue comes to it, so
// that pairing costs as much as there are calls and results. The zero value is ready.
type queues struct {
	byID, byName map[string][]int
	all          []int
}

// fill indexes the calls, unless they are few.
func (q *queues) fill(calls []pending) {
	if len(calls) <= fewCalls {
		return
	}
	q.byID, q.byName = make(map[string][]int, len(calls)), make(map[string][]int, 8)
	q.all = make([]int, len(calls))
	for i := range calls {
		c := &calls[i]
		q.all[i] = i
		q.byID[c.client] = append(q.byID[c.client], i)
		q.byName[c.name] = append(q.byName[c.name], i)
	}
}

// next is the index of the first unanswered call that fits a result, noCall for none.
func (q *queues) next(calls []pending, r *llm.ToolResult) int {
	switch {
	case r.CallID != "":
		return take(q.byID, r.CallID, calls)
	case r.Name == "":
		q.all = unanswered(q.all, calls)
		return head(q.all)
	}
	named, nameless := take(q.byName, r.Name, calls), take(q.byID, "", calls)
	if named == noCall || nameless != noCall && nameless < named {
		return nameless // a call without an id fits whatever its name
	}
	return named
}

// take is the first unanswered call of a queue.
func take(of map[string][]int, key string, calls []pending) int {
	queue := of[key]
	if len(queue) == 0 {
		return noCall
	}
	queue = unanswered(queue, calls)
	of[key] = queue
	return head(queue)
}

// unanswered cuts off the answered calls that a queue begins with.
func unanswered(queue []int, calls []pending) []int {
	for len(queue) > 0 && calls[queue[0]].block >= 0 {
		queue = queue[1:]
	}
	return queue
}

func head(queue []int) int {
	if len(queue) == 0 {
		return noCall
	}
	return queue[0]
}
