package route

import (
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// Plan is the course of one request through its deployments. It is not safe for
// concurrent use. A plan whose step has started holds a place at its deployment,
// until the step has succeeded or failed or the plan is closed; a waiting plan holds
// none.
type Plan struct {
	table     *Table
	over      Overrides
	requested string
	home      string // the group that requested stands for

	hop      found // of the current group
	group    string
	params   []llm.Param
	attempt  int
	retries  int // within the group
	fallback int // number of the current fallback, 0 for none

	last     *member   // called last
	failures []*member // failed in this plan, each once
	failure  *llm.Error

	active  *member   // whose place is held
	beside  *member   // whose place is held for a second call at the same time
	queue   *queueing // nil when it never waited for a place
	probing *health   // whose probe the active call is
	bounced int32     // steps that could not start
	barred  bars      // why deployments were left out of the last choice
	tokens  int64     // estimate of the input, 0 before it is made
	used    int64     // tokens of the last call and its answer

	talking *talk // nil before it was asked for

	// The fallbacks once they are chosen, and how the request's own group failed.
	targets []Fallback
	chosen  bool
	next    int
	first   *llm.Error

	passed   []Passed // over, by the choices so far
	remained bool     // the last choice is the conversation's own

	trace []Decision
	space [2]Decision
	// tickets is the list of those of active calls, with the other nodes.
	tickets *Ticket
	// candidates is the space of a choice.
	candidates [8]*member
}

// Plan begins the course of a request for model. An error is for the client: an
// unknown or missing name.
func (t *Table) Plan(model string, o Overrides) (*Plan, *llm.Error) {
	p := &Plan{table: t, over: o, requested: model, group: model}
	p.trace = p.space[:0]
	hop, ok := t.lookup(model)
	if ok {
		p.hop, p.home = hop, hop.name
		return p, nil
	}
	e := t.unknown(model, o.Endpoint)
	if !t.forwardsUnknown(model) {
		return nil, e
	}
	p.hop.group, p.failure = &group{}, e
	return p, nil
}

// Next returns the next attempt, or the error for the client when nothing is
// left to try. After a Step that has started, call Failed or Succeeded before the
// next Next.
func (p *Plan) Next(now time.Time) (Step, *llm.Error) {
	if p.failure == nil {
		if step, ok := p.enter(now); ok {
			return step, nil
		}
	} else if step, ok := p.retry(now); ok {
		return step, nil
	}
	for p.nextTarget() {
		if step, ok := p.enter(now); ok {
			return step, nil
		}
	}
	return Step{}, p.final()
}

// enter makes the first call of a group; without a healthy deployment the group has
// failed, or when it is the last to be asked one that rests is called.
func (p *Plan) enter(now time.Time) (Step, bool) {
	m := p.pick(now)
	if m != nil {
		return p.step(m, 0), true
	}
	if step, ok := p.wait(now); ok {
		return step, true
	}
	if !p.fallsBack() {
		if m := p.lastResort(now); m != nil {
			return p.step(m, 0), true
		}
	}
	p.failure = p.unavailable(now)
	return Step{}, false
}

// Failed records the failure of a step.
func (p *Plan) Failed(s Step, e *llm.Error, now time.Time) {
	defer p.release(s.member) // after the verdict: who waits for the place shall know it
	p.failure, p.last = e, s.member
	p.noteError(s.member, e)
	if e.Kind == llm.KindClientGone {
		return
	}
	repeated := p.failedIn(s.member)
	if !repeated {
		p.failures = append(p.failures, s.member)
	}
	if e.Kind == llm.KindTimeout && p.over.OwnTimeout {
		return
	}
	if e.Kind == llm.KindTimeout && e.Upstream {
		s.member.timedOut(now)
	}
	if p.table.fail(s.member, e, repeated, now) {
		p.note(s.member, DecisionCooled, 0)
	}
}

// Succeeded records that a step's answer is complete, or committed to.
func (p *Plan) Succeeded(s Step, now time.Time) {
	p.Close()
	s.member.health.succeeded(now)
	p.stayed(s.member, now)
}

// Fallbacks returns how many fallbacks were begun, for
// x-litellm-attempted-fallbacks.
func (p *Plan) Fallbacks() int { return p.fallback }

// Attempts returns how many calls were begun.
func (p *Plan) Attempts() int { return p.attempt }

func (p *Plan) step(m *member, wait time.Duration) Step {
	if p.queue != nil && p.queue.given != m {
		if p.queue.turn != nil {
			p.queue.tried = p.queue.turn
		}
		p.leaveLine()
	}
	p.attempt++
	p.last, p.failure = m, nil
	p.note(m, DecisionChosen, wait)
	return Step{
		Deployment: m.Deployment, Model: fill(m.Upstream, p.hop.captures), Group: p.group, Wait: wait,
		Attempt: p.attempt, Retry: p.retries, Fallback: p.fallback,
		MaxRetries: p.table.numRetries(p.over, m), Params: p.params, member: m,
	}
}

// failedIn reports whether m has failed in this plan.
func (p *Plan) failedIn(m *member) bool {
	for _, f := range p.failures {
		if f == m {
			return true
		}
	}
	return false
}
