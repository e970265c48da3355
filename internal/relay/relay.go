// Package relay is the life of a request: from a decoded envelope over the
// routing plan, translation, the upstream and the commit point to the last byte
// of the answer and the line in the log. Serve reads top to bottom.
package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/obs"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/reasoning"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Relay takes requests to upstreams. Its fields are set once.
type Relay struct {
	Log      *slog.Logger
	Keeper   *reasoning.Keeper
	Instance string
	Now      func() time.Time
	// Archive keeps the records of requests that are not among the last any more, or came
	// before a restart; nil is none.
	Archive Archive
	// History keeps what looks at deployments have found; nil is memory only.
	History History
	// Debug logs bodies, secrets masked (--detailed_debug).
	Debug bool
	// Redactor hides the configured secrets in texts of upstreams.
	Redactor func() *obs.Redactor

	trails trails
	checks checks
}

// Redact hides secrets in a text.
func (r *Relay) Redact(text string) string { return r.Redactor().Text(text) }

// Request is what the server hands over.
type Request struct {
	ID        string
	Start     time.Time
	Header    http.Header
	Principal auth.Principal
	Models    *Models
	Dialect   wire.Dialect
	LLM       *llm.Request
	// UpstreamName shows the upstream's name of the model in the answer, as the
	// /engines/{model} routes do.
	UpstreamName bool
	// JSONArray and OnDone are passed on in wire.Answer.
	JSONArray bool
	OnDone    func(id string, answer rawjson.Value)
	// Endpoint is the path as errors name it, "" for "/chat/completions".
	Endpoint string
}

// field is the first value of a header by its canonical name, without the look whether it
// is canonical that net/http takes each time.
func (rq *Request) field(name string) string {
	if values := rq.Header[name]; len(values) > 0 {
		return values[0]
	}
	return ""
}

// BegunError says that a request failed after its answer had begun: nothing more can
// be written. In a conversation the client has been told within the stream.
type BegunError struct {
	Err error
	// Told says of any other request that an event has told the client. Without, only
	// a connection that breaks off can.
	Told bool
}

// Error implements error.
func (e *BegunError) Error() string { return "the answer broke off: " + e.Err.Error() }

// Unwrap returns the cause.
func (e *BegunError) Unwrap() error { return e.Err }

// Serve answers one request. An error is for the caller to write, unless it is
// a *BegunError.
func (r *Relay) Serve(ctx context.Context, rq *Request, w http.ResponseWriter) error {
	x := &exchange{relay: r, rq: rq, w: w}
	x.keepAlive()
	defer x.alive.stop()
	defer x.breakOff()
	err := r.serve(ctx, x, x.hedged)
	if opened := x.alive.stop(); opened && err != nil && !x.begun {
		err = x.unanswered(err)
	}
	x.settle(err)
	return err
}

// breakOff ends a request that panics after its answer has begun: the connection breaks off,
// since an error written now would stand in the middle of an event.
func (x *exchange) breakOff() {
	if !x.begun && !x.alive.stop() {
		return // nothing was written: the server answers with an error
	}
	if p := recover(); p != nil {
		x.relay.Log.Error("a request failed with a panic in the middle of its answer", "id", x.rq.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
		panic(http.ErrAbortHandler)
	}
}

// serve drives the plan: attempt asks the deployment of the step that has begun.
func (r *Relay) serve(ctx context.Context, x *exchange, attempt func(context.Context) error) error {
	if err := x.readControls(); err != nil {
		return err
	}
	plan, refused := x.rq.Models.Table.Plan(x.rq.LLM.Model, x.overrides())
	if refused != nil {
		return r.final(x, refused)
	}
	x.plan = plan
	defer plan.Close()
	for {
		now := r.Now()
		step, exhausted := plan.Next(now)
		if exhausted != nil && x.pending() {
			return x.giveUp(exhausted)
		}
		if exhausted != nil {
			return r.final(x, exhausted)
		}
		if err := sleep(ctx, step.Wait, step.Turn); err != nil {
			return x.leftAlone(clientGone(ctx, err))
		}
		if step.Wait > 0 {
			now = r.Now()
		}
		if step.Turn != nil || !plan.Start(step, now) {
			continue
		}
		x.begin(step, now)
		err := attempt(ctx)
		now = r.Now()
		plan.Observed(x.step, x.feedback(err), now)
		if err == nil {
			plan.Succeeded(x.step, now)
			x.noteCall(nil, now)
			return nil
		}
		e := llm.AsError(err)
		if ctx.Err() != nil {
			e = clientGone(ctx, e)
		}
		plan.Failed(x.step, e, now)
		x.noteCall(e, now)
		switch {
		case x.begun && (e.Kind == llm.KindClientGone || !x.resumes()):
			return &BegunError{Err: e}
		case e.Kind == llm.KindClientGone:
			return e
		}
		x.failed(e)
	}
}

// final shapes the error that the client gets when nothing is left to try.
func (r *Relay) final(x *exchange, cause *llm.Error) error {
	e := *cause
	e.Message = r.Redact(e.Message)
	if opened := x.alive.stop(); !opened {
		x.errorHeaders(&e)
	}
	return &e
}

// sleep waits for d, or for what comes before it.
func sleep(ctx context.Context, d time.Duration, turn <-chan struct{}) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-turn:
		return nil
	case <-t.C:
		return nil
	}
}

// clientGone is the error of a request whose client left.
func clientGone(ctx context.Context, err error) *llm.Error {
	return &llm.Error{Kind: llm.KindClientGone, Status: 499, Message: "The client left before the answer was complete.", Cause: errors.Join(context.Cause(ctx), err)}
}
