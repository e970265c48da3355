package route

import (
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// What a Decision says about a deployment.
const (
	DecisionChosen  = "chosen"
	DecisionCooling = "skipped, it is cooling down"
	DecisionFailed  = "failed"
	// DecisionLastResort is that of a deployment whose failures may pass.
	DecisionLastResort = "asked though it is cooling down, since no other is left"
	DecisionCooled     = "put into cooldown"
	DecisionUnknown    = "no such model"
	DecisionFull       = "skipped, its max_parallel_requests are in flight"
	DecisionLimit      = "skipped, it is over its rpm or tpm"
	DecisionWindow     = "skipped, its context window is too small"
	DecisionTags       = "skipped, its tags do not fit"
	DecisionRegion     = "skipped, it is not in the region that the request may go to"
	DecisionBudget     = "skipped, its budget is used up"
	DecisionTaken      = "taken by another request meanwhile"

	// DecisionElsewhere is the answer of the server that nodes share.
	DecisionElsewhere = "refused, all nodes together have used up its limits"

	DecisionStayed = "preferred, the conversation was here before"
	DecisionMoved  = "left, though the conversation was here before"

	DecisionHedged = "asked beside one that says nothing"
	DecisionLost   = "cancelled, another spoke first"

	// Of a request that waited for a place: Wait is how long.
	DecisionQueued   = "given a place in the queue"
	DecisionLate     = "left the queue, it waited too long"
	DecisionLineFull = "skipped, its queue is full"
	DecisionGaveWay  = "left the queue for a more urgent request"
)

// Why a candidate was passed over by a choice.
const (
	PassedFailed  = "it has failed this request"
	PassedProbed  = "another request finds out whether it is well again"
	PassedOrder   = "its order comes later"
	PassedStay    = "the conversation was at the chosen one before"
	PassedShuffle = "simple-shuffle drew another one"
	PassedBusy    = "least-busy: it has no fewer calls in flight than the chosen one"
	PassedSlow    = "latency-based-routing: the chosen one is faster or within the buffer, or is to be tried first"
	PassedUsed    = "usage-based-routing: it has used no less of this minute than the chosen one"
	PassedDear    = "cost-based-routing: it is no cheaper than the chosen one"
	PassedChoices = "two were drawn: it was not, or was under no less pressure than the other"
)

// The bounds of the trace of a plan: its decisions, and what its choices have passed over.
const (
	maxDecisions = 64
	maxPassed    = 16
)

// Passed is a deployment that could have answered and was not chosen.
type Passed struct {
	// Deployment is its id, Name the full name of its upstream model.
	Deployment, Name string
	// Why is one of the constants above.
	Why string
	// For is the index of the decision for the other one.
	For int
}

// Decision is one entry of the record of why a request went where it went.
type Decision struct {
	// Group and Deployment say of whom; Deployment is the id, "" for a group, and Name
	// the full name of its upstream model.
	Group, Deployment, Name string
	// What is one of the constants above.
	What string
	// Wait is the wait before a chosen deployment is called, or in the queue.
	Wait time.Duration
	// Kind and Status are those of the error of a failed one.
	Kind   llm.ErrorKind
	Status int32
}

// Decisions returns the record so far, at most 64 entries. It is valid until the
// next call of a method of p.
func (p *Plan) Decisions() []Decision { return p.trace }

func (p *Plan) note(m *member, what string, wait time.Duration) {
	p.add(Decision{Group: p.group, Deployment: m.ID, Name: m.Name, What: what, Wait: wait})
}

func (p *Plan) noteError(m *member, e *llm.Error) {
	p.add(Decision{Group: p.group, Deployment: m.ID, Name: m.Name, What: DecisionFailed, Kind: e.Kind, Status: int32(e.Status)})
}

func (p *Plan) noteName(name, what string) { p.add(Decision{Group: name, What: what}) }

func (p *Plan) add(d Decision) {
	if len(p.trace) < maxDecisions {
		p.trace = append(p.trace, d)
	}
}

// PassedOver returns who could have answered and was not chosen, at most 16 in all. It is
// valid as Decisions is.
func (p *Plan) PassedOver() []Passed { return p.passed }

// passOver remembers why the others of those that could answer were not chosen.
func (p *Plan) passOver(healthy []*member, chosen *member, now time.Time) {
	for n := len(p.passed); n > 0 && p.passed[n-1].For >= len(p.trace); n-- {
		p.passed = p.passed[:n-1] // of a choice that came to nothing
	}
	if p.passed == nil {
		p.passed = make([]Passed, 0, min(len(healthy)-1, maxPassed))
	}
	for _, m := range healthy {
		if m != chosen && len(p.passed) < maxPassed {
			p.passed = append(p.passed, Passed{Deployment: m.ID, Name: m.Name, Why: p.whyNot(m, chosen, now), For: len(p.trace)})
		}
	}
}

// whyNot is why the choice between those that could answer did not fall on m.
func (p *Plan) whyNot(m, chosen *member, now time.Time) string {
	switch {
	case p.failedIn(m) && !p.failedIn(chosen), m == p.last:
		return PassedFailed
	case m.health.probed(now) && !chosen.health.probed(now):
		return PassedProbed
	case max(1, m.Order) > max(1, chosen.Order):
		return PassedOrder
	case p.remained:
		return PassedStay
	}
	return p.hop.strategy.passes()
}
