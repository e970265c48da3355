package relay

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/route"
)

// race is a call with a second one beside it. The first of the two to speak wins: it
// alone goes on to the client, and the other is cancelled.
type race struct {
	// asks is how an exchange of this kind of request asks its deployment.
	asks func(*exchange) func(context.Context) error
	// bills prices what the call of an exchange has cost, and reports whether its vendor
	// did not say and it is the price of what was asked.
	bills   func(*exchange) (estimated bool)
	mu      sync.Mutex
	winner  *exchange
	runners []*runner
}

// runner is one of the two: an exchange of its own, so that neither sees what the other
// does, with a context that ends when the other wins.
type runner struct {
	*exchange
	cancel   context.CancelFunc
	done     chan struct{}
	err      error
	cut      bool // it ended because it was cancelled
	panicked any
}

// claim makes x the winner unless the other is.
func (r *race) claim(x *exchange) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.winner != nil {
		return r.winner == x
	}
	r.winner = x
	for _, other := range r.runners {
		if other.exchange != x {
			other.cancel()
		}
	}
	return true
}

// claims reports whether the answer may begin; it is asked at the commit point.
func (x *exchange) claims() bool { return x.race == nil || x.race.claim(x) }

// errLost ends a call whose answer came second.
var errLost = &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "Another deployment answered first."}

// hedged is attempt, with a second deployment beside the first where the configuration
// says after which silence.
func (x *exchange) hedged(ctx context.Context) error {
	after, ok := x.plan.HedgeAfter(x.step)
	if !ok || x.pending() {
		return x.attempt(ctx)
	}
	return x.hedgedBy(ctx, after, &race{
		asks:  func(x *exchange) func(context.Context) error { return x.attempt },
		bills: func(x *exchange) bool { return x.bill(x.inputTokens, x.price) },
	})
}

// hedged is attempt for a task, as it is for conversations: for one of which an answer
// costs little and is as good as another.
func (f *forward) hedged(ctx context.Context) error {
	after, ok := f.plan.HedgeAfter(f.step)
	if !ok || !f.task.Hedged || f.form != nil {
		return f.attempt(ctx)
	}
	as := func(x *exchange) *forward { return &forward{exchange: x, task: f.task} }
	return f.hedgedBy(ctx, after, &race{
		asks:  func(x *exchange) func(context.Context) error { return as(x).attempt },
		bills: func(x *exchange) bool { return x.bill(x.askedTokens, as(x).priceAsked) },
	})
}

// hedgedBy is hedged for requests whose exchanges ask as r says.
func (x *exchange) hedgedBy(ctx context.Context, after time.Duration, r *race) error {
	first := r.start(ctx, x, x.step)
	timer := time.NewTimer(after)
	defer timer.Stop()
	select {
	case <-first.done:
	case <-timer.C:
		if second := x.second(ctx, r); second != nil {
			return x.decide(ctx, r, first, second)
		}
		<-first.done
	}
	return x.adopt(first)
}

// second starts the call beside the first, nil when that has spoken or nobody else can
// answer.
func (x *exchange) second(ctx context.Context, r *race) *runner {
	if r.decided() {
		return nil
	}
	step, ok := x.plan.Hedge(x.step, x.relay.Now())
	if !ok {
		return nil
	}
	return r.start(ctx, x, step)
}

func (r *race) decided() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.winner != nil
}

// start begins a call on behalf of x.
func (r *race) start(ctx context.Context, x *exchange, step route.Step) *runner {
	ctx, cancel := context.WithCancel(ctx)
	run := &runner{exchange: x.fork(step, r), cancel: cancel, done: make(chan struct{})}
	r.mu.Lock()
	r.runners = append(r.runners, run)
	if r.winner != nil {
		cancel() // the first has spoken meanwhile
	}
	r.mu.Unlock()
	go func() {
		defer close(run.done)
		defer func() {
			if run.panicked = recover(); run.panicked != nil {
				x.relay.Log.Error("a call failed with a panic", "id", x.rq.ID, "panic", fmt.Sprint(run.panicked), "stack", string(debug.Stack()))
			}
		}()
		run.err = r.asks(run.exchange)(ctx)
		run.cut = ctx.Err() != nil
	}()
	return run
}

// fork is an exchange for a step of x's plan. What a call changes of its request is its
// own; what it writes goes through a gate.
func (x *exchange) fork(step route.Step, r *race) *exchange {
	req, rq := *x.rq.LLM, *x.rq
	req.Params, req.Messages, req.Drops = slices.Clip(req.Params), slices.Clip(req.Messages), slices.Clip(req.Drops)
	rq.LLM = &req
	f := &exchange{relay: x.relay, rq: &rq, controls: x.controls, plan: x.plan, race: r, repairs: slices.Clip(x.repairs)}
	f.w = &gate{lead: x, header: http.Header{}}
	f.begin(step, f.relay.Now())
	return f
}

// decide waits for the two of a race and takes over what the better one did. Who failed
// before anybody spoke is noted as any failure, and the other goes on alone.
func (x *exchange) decide(ctx context.Context, r *race, first, second *runner) error {
	ended, other := first, second
	select {
	case <-first.done:
	case <-second.done:
		ended, other = second, first
	}
	if r.won(ended) {
		<-other.done
		x.passedOver(ctx, r, other)
		return x.adopt(ended)
	}
	x.passedOver(ctx, r, ended)
	<-other.done
	return x.adopt(other)
}

func (r *race) won(run *runner) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.winner == run.exchange
}

// passedOver notes a call that did not become the answer: it lost, or it failed on its
// own.
func (x *exchange) passedOver(ctx context.Context, r *race, run *runner) {
	now := x.relay.Now()
	if run.panicked != nil || run.cut && r.decided() {
		x.lost(r, run, now)
		return
	}
	e := llm.AsError(run.err)
	if ctx.Err() != nil {
		e = clientGone(ctx, e)
	}
	x.plan.Observed(run.step, run.feedback(run.err), now)
	x.plan.Failed(run.step, e, now)
	run.noteCall(e, now)
	run.failed(e)
	x.keepCalls(run)
}

// lost notes a call that another was quicker than, and what it cost: as its vendor has
// said, else what it was asked, which vendors charge for whether or not they answer.
func (x *exchange) lost(r *race, run *runner, now time.Time) {
	x.plan.Lost(run.step, now.Sub(run.tried), now)
	run.noteCall(nil, now)
	c := &run.calls[0]
	c.lost, c.status = true, 0
	if c.estimated = r.bills(run.exchange); run.priced {
		c.cost = run.cost.Total.String()
		x.plan.Observed(run.step, route.Feedback{Cost: int64(run.cost.Total)}, now)
	}
	x.keepCalls(run)
	x.relay.Log.Info("a call was cancelled, since another deployment spoke first", "id", x.rq.ID, "deployment", run.step.Deployment.ID,
		"after", now.Sub(run.tried), "cost", cmp.Or(c.cost, "unknown"), "estimated", c.estimated)
}

// bill prices a call: by its usage, else as one with as much input as asked counts.
func (x *exchange) bill(asked func() int64, price func()) (estimated bool) {
	if x.usage == nil {
		if n := asked(); n > 0 {
			x.usage, estimated = &llm.Usage{Input: n}, true
		}
	}
	price()
	return estimated
}

// keepCalls takes over what a call that was passed over left for the record.
func (x *exchange) keepCalls(run *runner) {
	if len(x.calls) < maxWhyAttempts {
		x.calls = append(x.calls, run.calls...)
	}
}

// adopt takes over what a call did, which from now on is what x did.
func (x *exchange) adopt(run *runner) error {
	run.cancel()
	if run.panicked != nil {
		panic(run.panicked)
	}
	f := run.exchange
	x.step, x.dep, x.wire, x.target, x.call, x.header = f.step, f.dep, f.wire, f.target, f.call, f.header
	x.tried, x.sent, x.headed, x.firstToken, x.link = f.tried, f.sent, f.headed, f.firstToken, f.link
	x.begun, x.status, x.usage, x.finish, x.cost, x.priced = f.begun, f.status, f.usage, f.finish, f.cost, f.priced
	x.repairs, x.restored, x.cont = f.repairs, f.restored, f.cont
	return run.err
}

// gate is what a call of a race writes to. Only the winner writes; it does so to the
// client, between the keepalives that go on meanwhile.
type gate struct {
	lead   *exchange
	header http.Header
	opened bool
}

// Header implements http.ResponseWriter: the header of this call alone, until it wins.
func (g *gate) Header() http.Header { return g.header }

// WriteHeader implements http.ResponseWriter.
func (g *gate) WriteHeader(status int) {
	g.lead.alive.mu.Lock()
	defer g.lead.alive.mu.Unlock()
	g.open(status)
}

// Write implements http.ResponseWriter.
func (g *gate) Write(b []byte) (int, error) {
	g.lead.alive.mu.Lock()
	defer g.lead.alive.mu.Unlock()
	g.open(http.StatusOK)
	defer g.lead.alive.wrote()
	return g.lead.w.Write(b)
}

// Flush implements http.Flusher.
func (g *gate) Flush() {
	g.lead.alive.mu.Lock()
	defer g.lead.alive.mu.Unlock()
	if f, ok := g.lead.w.(http.Flusher); ok {
		f.Flush()
	}
}

// open begins the client's answer, unless a keepalive has; the lock of the keepalive is
// held.
func (g *gate) open(status int) {
	if g.opened {
		return
	}
	g.opened, g.lead.alive.begun = true, true
	if g.lead.alive.opened {
		return
	}
	maps.Copy(g.lead.w.Header(), g.header)
	g.lead.w.WriteHeader(status)
}
