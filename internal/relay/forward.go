package relay

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/form"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/tasks"
)

// forward is one request for a task on its way. Where the upstream speaks the same
// format its bytes pass, else a codec translates.
type forward struct {
	*exchange
	task  *Task
	form  *form.Form // nil for a JSON body
	codec tasks.Codec
	coded bool
	// spent is how a request failed that can be sent one time only.
	spent error
	// wanted says that the client asked for a stream of events.
	wanted bool
	// units are counts that some prices hang on, beside tokens.
	units units
}

// Forward answers one request for a task, by the same plan of retries and fallbacks
// as a conversation. f is the request's form, nil when its body is JSON. A form that
// is not held whole is sent once only.
func (r *Relay) Forward(ctx context.Context, rq *Request, task *Task, f *form.Form, w http.ResponseWriter) error {
	fw := &forward{exchange: &exchange{relay: r, rq: rq, w: w}, task: task, form: f}
	fw.once = f != nil && !f.Whole()
	fw.keepAlive()
	defer fw.alive.stop()
	err := fw.endEvents(r.serve(ctx, fw.exchange, fw.hedged))
	fw.settle(err)
	return err
}

// attempt asks one deployment. A form that went through as it came is gone: a policy
// that wants another try gets the first failure again.
func (f *forward) attempt(ctx context.Context) error {
	if f.spent != nil {
		return f.spent
	}
	err := f.try(ctx)
	if f.once {
		f.spent = err
	}
	return err
}

func (f *forward) try(ctx context.Context) error {
	dep, model, err := f.dep.resolve(f.step.Model)
	if err != nil {
		return err
	}
	f.dep, f.target, f.wire = dep, dep.Target(model), dep.Wire
	f.applyControls()
	if err := f.encode(); err != nil {
		return err
	}
	resp, err := f.send(ctx)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	f.header, f.headed = resp.Header, f.relay.Now()
	if resp.Status/100 != 2 {
		return f.refused(resp)
	}
	return f.take(ctx, resp)
}

// encode writes the request for the current target.
func (f *forward) encode() (err error) {
	format := f.dep.Row.TaskFormat(f.task.Name)
	f.codec, f.coded = tasks.Find(format, f.task.Name)
	switch {
	case f.coded && f.form == nil:
		f.call, err = f.codec.Encode(withParams(f.rq.LLM, f.step.Params), f.target)
		return err
	case format == provider.TaskOpenAI && f.form == nil:
		f.call = f.passBody()
		return nil
	case format == provider.TaskOpenAI:
		f.call = &wire.Call{Path: "/" + f.task.Name, Request: f.rq.LLM, Target: f.target}
		return nil
	}
	hint := ""
	if f.task == TaskRerank && f.dep.Row.Wire == provider.WireChat {
		hint = " A server of your own that reranks is configured as hosted_vllm/MODEL or infinity/MODEL."
	}
	e := llm.BadRequest("model", fmt.Sprintf("The provider %s of the model %s has no %s.%s", f.dep.Row.Label, clip(f.rq.LLM.Model), f.task.Name, hint))
	e.Provider, e.Model = f.target.Provider, f.target.Model
	return e
}

// passBody copies the client's body with the model spliced, without what is the
// gateway's own, and with what the deployment adds.
func (f *forward) passBody() *wire.Call {
	c := &wire.Call{Path: "/" + f.task.Name, Native: true, Request: f.rq.LLM, Target: f.target}
	p := &f.target.Policy
	var body rawjson.Object
	for k, v := range f.rq.LLM.Body.Members() {
		switch {
		case k == "model" || openaichat.GatewayKey(k):
		case slices.Contains(p.Also, k):
			c.Dropped = append(c.Dropped, llm.Drop{What: k, Why: "named in additional_drop_params"})
		default:
			body = append(body, rawjson.Member{Key: k, Value: v})
		}
	}
	body.Set("model", rawjson.String(f.target.Quirks.ModelPrefix+f.target.Model))
	for _, d := range f.defaults() {
		if !body.Get(d.Name).Present() {
			body.Set(d.Name, d.Value)
		}
	}
	for _, list := range [][]llm.Param{f.step.Params, f.target.ExtraBody} {
		for _, d := range list {
			body.Set(d.Name, d.Value)
		}
	}
	var drops []llm.Drop
	c.Body, drops = wire.DropPaths(body.Value(), p.Also)
	c.Dropped = append(c.Dropped, drops...)
	return c
}

// defaults are the deployment's parameters that mean something to the task: what only
// a conversation has (temperature, max_tokens …) may stand in its configuration too.
func (f *forward) defaults() []llm.Param {
	var out []llm.Param
	for _, d := range f.target.Defaults {
		if !wire.Known(d.Name) || slices.Contains(f.task.Params, d.Name) {
			out = append(out, d)
		}
	}
	return out
}

// send sends the request. Its form is held whole, and then sent as one piece, or
// goes through as it comes.
func (f *forward) send(ctx context.Context) (*upstream.Response, error) {
	if f.wanted {
		f.alive.let()
	}
	if f.form == nil {
		return f.exchange.send(ctx)
	}
	edit := form.Edit{Set: f.formFields(), Drop: openaichat.GatewayKey}
	contentType, body := f.form.Reader(edit)
	r, err := f.outgoing()
	if err != nil {
		return nil, err
	}
	r.Header["Content-Type"] = []string{contentType}
	f.attempting()
	f.sent = f.relay.Now()
	var failed *llm.Error
	var resp *upstream.Response
	if f.form.Whole() {
		if contentType, r.Body, err = f.form.Bytes(edit); err != nil {
			return nil, err
		}
		r.Header["Content-Type"] = []string{contentType}
		resp, failed = f.dep.Client.Do(ctx, r)
		f.link = r.Opening
	} else {
		resp, failed = f.dep.Client.DoStream(ctx, r, body, -1)
	}
	if failed != nil {
		return nil, formError(failed)
	}
	return resp, nil
}

// formFields are the fields that the gateway decides.
func (f *forward) formFields() []form.Field {
	set := []form.Field{{Name: "model", Value: f.target.Quirks.ModelPrefix + f.target.Model}}
	for _, d := range f.defaults() {
		if _, given := f.form.Value(d.Name); !given {
			set = append(set, formField(d))
		}
	}
	for _, d := range f.target.ExtraBody {
		set = append(set, formField(d))
	}
	return set
}

func formField(p llm.Param) form.Field {
	if s, ok := p.Value.Str(); ok {
		return form.Field{Name: p.Name, Value: s}
	}
	return form.Field{Name: p.Name, Value: string(p.Value)}
}

// formError finds the client's mistake behind a form that could not be sent to its
// end: it was broken, cut off or too large.
func formError(failed *llm.Error) error {
	var over *http.MaxBytesError
	if errors.As(failed.Cause, &over) {
		return &llm.Error{
			Kind: llm.KindBadRequest, Status: http.StatusRequestEntityTooLarge, Type: "invalid_request_error",
			Message: fmt.Sprintf("The request body is larger than %d bytes, the limit of this gateway (fairlead_settings.max_body_mb).", over.Limit),
		}
	}
	var e *llm.Error
	if errors.As(failed.Cause, &e) && e.Kind == llm.KindBadRequest {
		return e
	}
	return failed
}
