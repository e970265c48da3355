package relay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/reasoning"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// exchange is one request on its way: what was decided, tried and seen so far.
type exchange struct {
	relay    *Relay
	rq       *Request
	w        http.ResponseWriter
	controls openaichat.Controls
	plan     *route.Plan
	// once says that the request can be sent one time only.
	once  bool
	alive keepalive
	race  *race // nil when nobody else is asked at the same time
	cont  *continuation

	// Of the current attempt.
	step     route.Step
	dep      *Deployment
	wire     wire.Wire
	target   *wire.Target
	call     *wire.Call
	header   http.Header // of the upstream's answer
	records  bool        // the keeper wants to see the answer
	recorder reasoning.Recorder
	tried    time.Time // when it began
	sent     time.Time
	headed   time.Time        // when the upstream began to answer
	link     upstream.Opening // how it came by its connection
	tokens   *tokenLimit      // nil when nothing limits them

	// Of the answer.
	out        []byte  // encoded and not written yet, of a stream
	buf        *[]byte // the buffer of out, nil while there is none
	begun      bool
	status     int
	usage      *llm.Usage
	finish     llm.Finish
	firstToken time.Time
	cost       catalog.Cost
	priced     bool
	retries    int
	repairs    []wire.Repair
	restored   reasoning.Restored
	calls      []outcome // that have ended
}

// begin prepares for an attempt.
func (x *exchange) begin(step route.Step, now time.Time) {
	x.step = step
	x.dep = step.Deployment.Ref.(*Deployment)
	x.call, x.header, x.usage, x.finish = nil, nil, nil, ""
	x.tried, x.headed, x.firstToken, x.link = now, time.Time{}, time.Time{}, upstream.Opening{}
	x.retries, x.cost, x.priced = step.Retry, catalog.Cost{}, false
}

// failed notes an attempt that did not answer.
func (x *exchange) failed(e *llm.Error) {
	if e.Kind == llm.KindAuthentication && e.Upstream {
		x.relay.Log.Warn("an upstream refuses a key", "id", x.rq.ID, "deployment", x.step.Deployment.ID, "key", x.dep.keyAlias)
	}
	x.relay.Log.Debug("attempt failed", "id", x.rq.ID, "deployment", x.step.Deployment.ID, "attempt", x.step.Attempt,
		"status", e.UpstreamStatus, "kind", e.Kind.String(), "error", x.relay.Redact(e.Message))
}

// attempt asks one deployment. An error before the answer has begun leaves the
// client untouched.
func (x *exchange) attempt(ctx context.Context) error {
	if x.controls.MockFailure != 0 && x.step.Fallback == 0 {
		return x.feigned()
	}
	dep, model, err := x.dep.resolve(x.step.Model)
	if err != nil {
		return err
	}
	x.dep, x.target = dep, dep.Target(model)
	x.applyControls()
	x.wire = dep.wireFor(x.rq.Dialect.Name(), x.target.Info)
	err = x.try(ctx)
	if x.wire != dep.Wire && x.lacks(err) {
		err = x.instead(ctx, err)
	}
	for range maxRepairs {
		repair, ok := x.mend(err)
		if !ok {
			return err
		}
		x.target.Repair = repair
		err = x.try(ctx)
	}
	return err
}

// maxRepairs bounds the invisible repetitions of one attempt; each repair is
// made at most once.
const maxRepairs = 2

// mend finds the repair for a refusal because of lost or foreign reasoning state.
func (x *exchange) mend(err error) (wire.Repair, bool) {
	m, ok := x.wire.(wire.Mender)
	if err == nil || !ok || x.begun || x.call == nil {
		return "", false
	}
	var e *llm.Error
	if !errors.As(err, &e) {
		return "", false
	}
	repair, ok := m.Mend(x.call, e)
	if !ok || slices.Contains(x.repairs, repair) {
		return "", false
	}
	x.repairs = append(x.repairs, repair)
	x.relay.Log.Info("the upstream refused reasoning state; sending once more without it", "id", x.rq.ID,
		"deployment", x.step.Deployment.ID, "repair", string(repair), "error", x.relay.Redact(e.Message))
	return repair, true
}

// try encodes, sends and receives once.
func (x *exchange) try(ctx context.Context) error {
	if text := x.dep.Config.MockResponse; text != "" {
		return x.mock(ctx, text)
	}
	if err := x.encode(ctx); err != nil {
		return err
	}
	within := x.limitTokens(ctx)
	defer x.tokens.stop()
	resp, err := x.send(within)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	x.header, x.headed = resp.Header, x.relay.Now()
	if resp.Status != http.StatusOK {
		return x.refused(resp)
	}
	if x.rq.LLM.Stream && resp.Events() {
		return x.stream(ctx, resp)
	}
	return x.whole(ctx, resp)
}

// maxErrorBody bounds how much of an error answer is read.
const maxErrorBody = 1 << 20

// refused reads an unsuccessful answer.
func (x *exchange) refused(resp *upstream.Response) error {
	body := resp.Excerpt(maxErrorBody)
	x.debugBody("refusal of the upstream", body)
	e := x.wire.Error(resp.Status, resp.Header, body)
	e.Upstream = true
	e.Provider, e.Model = x.target.Provider, x.target.Model
	if e.Header == nil {
		e.Header = resp.Header
	}
	if e.Kind == llm.KindAuthentication && x.dep.keyAlias != "" {
		e.Message += " (The upstream key at fault: " + x.dep.keyAlias + ")"
	}
	return e
}

// classify turns any failure on the way to or from the upstream into an *llm.Error.
func (x *exchange) classify(ctx context.Context, err error) *llm.Error {
	if ctx.Err() != nil {
		return clientGone(ctx, err)
	}
	var e *llm.Error
	if errors.As(err, &e) {
		return e
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return x.upstreamError(llm.KindInternal, http.StatusInternalServerError, "broke off its answer", err)
	}
	return x.upstreamError(llm.KindInternal, http.StatusInternalServerError, "sent an answer that cannot be read", err)
}

func (x *exchange) upstreamError(kind llm.ErrorKind, status int, what string, cause error) *llm.Error {
	return &llm.Error{
		Kind: kind, Status: status, Type: "internal_server_error", Upstream: true,
		Provider: x.target.Provider, Model: x.target.Model, Header: x.header, Cause: cause,
		Message: "litellm." + kind.String() + ": " + x.target.Provider + " " + what + ".",
	}
}

// filtered reports whether an answer that was only filtered shall count as a
// failure, because a fallback for that is configured.
func (x *exchange) filtered(ev *llm.Event) bool {
	return ev.Finish == llm.FinishContentFilter && x.plan.FallsBackOnContentFilter()
}

func (x *exchange) filteredError() error {
	e := x.upstreamError(llm.KindContentPolicy, http.StatusBadRequest, "filtered the answer", nil)
	e.Type = "invalid_request_error"
	return e
}
