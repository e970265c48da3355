package share

import (
	"maps"
	"slices"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

// load is what this node has of a deployment.
type load struct {
	mu sync.Mutex
	// minute since 1970, and what this node has counted in it.
	minute, requests, tokens int64
	// others is what the other nodes had when they were last heard of.
	others int64
	leases map[string]struct{}
	// freed are leases that were given back, until the server has surely heard of it.
	freed []string
}

// maxFreed bounds the leases whose end is told twice. What is beyond it is told once.
const maxFreed = 256

// ended lists the leases that were given back.
func (l *load) ended() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.freed)
}

// heard forgets leases of whose end the server has heard.
func (l *load) heard(leases []string) {
	if len(leases) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.freed = slices.DeleteFunc(l.freed, func(lease string) bool { return slices.Contains(leases, lease) })
}

// turn begins a new minute; one that is over already changes nothing.
func (l *load) turn(minute int64) {
	if minute > l.minute {
		l.minute, l.requests, l.tokens, l.others = minute, 0, 0, 0
	}
}

// take counts a call in.
func (l *load) take(t *route.Ticket) {
	t.Minute = l.minute
	l.requests++
	l.tokens += t.Reserved
	if t.Lease != "" {
		l.leases[t.Lease] = struct{}{}
	}
}

// answered counts what the server has decided.
func (l *load) answered(t *route.Ticket, a Answer) (*route.Ticket, route.Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(minuteOf(a.Now))
	if !a.Refused {
		l.take(t)
	} else {
		t = nil
	}
	l.others = max(0, a.Requests-l.requests)
	return t, route.Usage{Requests: a.Requests, Tokens: a.Tokens, Full: a.Full}
}

// alone decides without a server: the node has its share of every limit, and never
// more than the others have left.
func (l *load) alone(t *route.Ticket, limits route.Limits, nodes, minute int64) (*route.Ticket, route.Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(minute)
	own := route.Limits{Parallel: part(limits.Parallel, nodes), Requests: part(limits.Requests, nodes), Tokens: part(limits.Tokens, nodes)}
	u := route.Usage{Requests: l.requests, Tokens: l.tokens}
	switch {
	case own.Parallel > 0 && int64(len(l.leases)) >= own.Parallel:
		u.Full = true
	case own.Requests > 0 && (l.requests >= own.Requests || l.requests+l.others >= limits.Requests):
		u.Requests = limits.Requests // none is left for this node
	case own.Tokens > 0 && l.tokens+t.Reserved > own.Tokens:
		u.Tokens = limits.Tokens - own.Tokens + l.tokens
	default:
		l.take(t)
		return t, route.Usage{Requests: l.requests, Tokens: l.tokens}
	}
	return nil, u
}

// part is the share of one node in a limit, at least 1; 0 stays no limit.
func part(limit, nodes int64) int64 {
	if limit <= 0 {
		return 0
	}
	return max(1, limit/max(1, nodes))
}

// leave ends a call and returns what the server is to be told; false is nothing.
func (l *load) leave(t *route.Ticket, minute int64) (Settlement, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(minute)
	delete(l.leases, t.Lease)
	if t.Lease != "" && len(l.freed) < maxFreed {
		l.freed = append(l.freed, t.Lease)
	}
	if t.Counted {
		if l.tokens += t.Used; t.Minute == l.minute {
			l.tokens = max(0, l.tokens-t.Reserved)
		}
	}
	tells := t.Lease != "" || t.Counted && t.Used != t.Reserved
	return Settlement{Deployment: t.Deployment, Lease: t.Lease, Minute: t.Minute, Reserved: t.Reserved, Used: t.Used}, tells
}

// report is what the server has to know, false when that is nothing: renew says that
// only places in flight matter.
func (l *load) report(id string, minute int64, renew bool) (Load, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := Load{Deployment: id, Minute: l.minute, Leases: slices.Collect(maps.Keys(l.leases))}
	if !renew {
		r.Requests, r.Tokens = l.requests, l.tokens
	}
	current := l.minute == minute && !renew && (l.requests > 0 || l.tokens > 0)
	return r, current || len(r.Leases) > 0
}
