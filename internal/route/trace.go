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

// maxDecisions bounds the trace of a plan.
const maxDecisions = 64

// Decision is one entry of the record of why a request went where it went.
type Decision struct {
	// Group and Deployment say of whom; Deployment is the id, "" for a group.
	Group, Deployment string
	// What is one of the constants above.
	What string
	// Wait is the wait before a chosen deployment is called, or in the queue.
	Wait time.Duration
	// Kind and Status are those of the error of a failed one.
	Kind   llm.ErrorKind
	Status int
}

// Decisions returns the record so far, at most 64 entries. It is valid until the
// next call of a method of p.
func (p *Plan) Decisions() []Decision { return p.trace }

func (p *Plan) note(m *member, what string, wait time.Duration) {
	p.add(Decision{Group: p.group, Deployment: m.ID, What: what, Wait: wait})
}

func (p *Plan) noteError(m *member, e *llm.Error) {
	p.add(Decision{Group: p.group, Deployment: m.ID, What: DecisionFailed, Kind: e.Kind, Status: e.Status})
}

func (p *Plan) noteName(name, what string) { p.add(Decision{Group: name, What: what}) }

func (p *Plan) add(d Decision) {
	if len(p.trace) < maxDecisions {
		p.trace = append(p.trace, d)
	}
}
