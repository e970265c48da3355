package route

import "time"

// Shared counts the calls and the cooldowns of deployments together with the other
// nodes that serve them. It is asked only for deployments with a limit. It must be safe
// for concurrent use.
type Shared interface {
	// Admit counts a call in, or refuses it with nil. Tokens is about how many its input
	// has. It may wait for a server, though not for long.
	Admit(id string, limits Limits, tokens int64, now time.Time) (*Ticket, Usage)
	// Leave ends a call that was let in. It does not wait.
	Leave(t *Ticket)
	// Cooled tells the others until when a deployment rests; a time that has come ends
	// its rest. It does not wait.
	Cooled(id string, until time.Time)
	// Stay returns where any node answered a conversation of a group last. It may wait
	// as Admit does.
	Stay(c Conversation, group string) (Stay, bool)
	// Stayed tells the others where a conversation is, for so long. It does not wait.
	Stayed(c Conversation, group string, s Stay, ttl time.Duration)
}

// Stay is where a conversation was last.
type Stay struct {
	Deployment string
	At         time.Time
	// Tokens are those of its last request with the answer, which is what the next one
	// begins with.
	Tokens int64

	told time.Time // to the other nodes
}

// Limits are what a deployment may take of all nodes together: calls in flight, and
// requests and tokens of a minute; 0 is no limit.
type Limits struct{ Parallel, Requests, Tokens int64 }

// Ticket is one call that was let in.
type Ticket struct {
	Deployment string
	// Lease names the place among the calls in flight, "" where they have no limit.
	Lease string
	// Counted says that tokens have a limit, Minute (since 1970) in which minute they
	// were counted, Reserved how many at first, and Used how many it took in the end.
	Counted        bool
	Minute         int64
	Reserved, Used int64

	next *Ticket // of the same plan
}

// Usage is what all nodes together have of a deployment: the requests and tokens of the
// minute, and whether all places in flight are taken.
type Usage struct {
	Requests, Tokens int64
	Full             bool
}

const (
	// usageHolds is how long the usage of all nodes is believed, and fullHolds for how
	// long it is not asked again whether a place became free.
	usageHolds = time.Second
	fullHolds  = 50 * time.Millisecond
)

// Share makes the table count together with other nodes. Call it before t serves.
func (t *Table) Share(s Shared) { t.shared = s }

// IDs lists the ids of the deployments, in no order.
func (t *Table) IDs() []string {
	ids := make([]string, 0, len(t.byID))
	for id := range t.byID {
		ids = append(ids, id)
	}
	return ids
}

// Rest takes over a cooldown that another node has decided, as far as the settings
// here allow one.
func (t *Table) Rest(id string, until, now time.Time) {
	g := t.byID[id]
	if g == nil || t.settings.DisableCooldowns {
		return
	}
	m := g.members[0]
	if m.alone && t.settings.AllowedFails == nil && t.settings.AllowedFailsPolicy == nil {
		return
	}
	m.health.rest(now, until.Sub(now))
}

// tellCooled tells the other nodes until when a deployment rests.
func (t *Table) tellCooled(m *member, until time.Time) {
	if t.shared != nil {
		t.shared.Cooled(m.ID, until)
	}
}

// sharedLimits are the limits of a deployment that count over all nodes.
func (m *member) sharedLimits() Limits {
	l := Limits{Parallel: m.health.parallel.Load()}
	if m.limited {
		l.Requests, l.Tokens = m.RPM, m.TPM
	}
	return l
}

// admitted asks for a call that the limits of this node allow, and that is counted here,
// whether those of all nodes do. One that is refused is counted no longer.
func (p *Plan) admitted(m *member, now time.Time) bool {
	if p.table.shared == nil {
		return true
	}
	return p.admit(m, m.sharedLimits(), now)
}

// admit is admitted for some of the limits.
func (p *Plan) admit(m *member, limits Limits, now time.Time) bool {
	if p.table.shared == nil || limits == (Limits{}) {
		return true
	}
	tokens := int64(0)
	if limits.Tokens > 0 {
		tokens = p.estimate()
	}
	ticket, usage := p.table.shared.Admit(m.ID, limits, tokens, now)
	m.health.saw(usage, now)
	if ticket == nil {
		m.health.uncount(now)
		m.health.inflight.Add(-1) // which nobody in line could use either
		return false
	}
	ticket.next, p.tickets = p.tickets, ticket
	return true
}

// leaveShared ends the call of a deployment for the other nodes.
func (p *Plan) leaveShared(m *member) {
	for at := &p.tickets; *at != nil; at = &(*at).next {
		if t := *at; t.Deployment == m.ID {
			*at = t.next
			p.table.shared.Leave(t)
			return
		}
	}
}

// tellUsed notes on the ticket of a call how many tokens it took.
func (p *Plan) tellUsed(m *member, tokens int64) {
	for t := p.tickets; t != nil; t = t.next {
		if t.Deployment == m.ID {
			t.Used = max(0, tokens)
		}
	}
}

// saw notes what all nodes together have.
func (h *health) saw(u Usage, now time.Time) {
	if u.Full {
		h.fullUntil.Store(now.Add(fullHolds).UnixNano())
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all, h.allUntil = u, now.Add(usageHolds)
}

// contested is for how long after a refusal places of a deployment are tried in the
// order of its line, because what other nodes give back nobody hands on here.
const contested = time.Second

// behind reports whether the places that are free here are not for this request: other
// nodes have them, or somebody has waited for longer.
func (p *Plan) behind(m *member, now time.Time) bool {
	until := m.health.fullUntil.Load()
	switch n := now.UnixNano(); {
	case until == 0 || n >= until+int64(contested):
		return false
	case n < until:
		return true
	}
	l := m.health.line.Load()
	return l != nil && !l.first(p.stands(), m.health)
}

// first reports whether nobody in the line but t is the first for a deployment.
func (l *line) first(t *turn, h *health) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		if w.want(h) != nil {
			return w == t
		}
	}
	return true
}

// asksAgain is how long it is until the first in line tries again a deployment that
// other nodes fill, and otherwise what is given.
func (h *health) asksAgain(now time.Time, otherwise time.Duration) time.Duration {
	until := h.fullUntil.Load()
	if until == 0 || now.UnixNano() >= until+int64(contested) {
		return otherwise
	}
	if left := time.Duration(until - now.UnixNano()); left > 0 {
		return left
	}
	return fullHolds
}

// served ends the waiting of a request that has its place.
func (p *Plan) served(m *member, now time.Time) {
	if before := p.tries(); before != nil {
		p.note(m, DecisionQueued, now.Sub(before.since))
		p.queue.tried = nil
	}
}

// forgetChoice takes back what the trace says of a choice that came to nothing, since
// who waits in line chooses again and again.
func (p *Plan) forgetChoice() {
	if n := len(p.trace); n > 0 && p.trace[n-1].What == DecisionChosen {
		p.trace = p.trace[:n-1]
	}
}

// uncount takes back a request that was not sent.
func (h *health) uncount(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turn(now)
	h.requests = max(0, h.requests-1)
}
