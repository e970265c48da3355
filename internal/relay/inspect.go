package relay

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// Transformed is a request as it would go to an upstream.
type Transformed struct {
	URL    string
	Header http.Header // credentials hidden
	Body   []byte
	// Dropped says what translation left out or changed.
	Dropped []llm.Drop
}

// DroppedHeader is the value of x-fairlead-dropped, "" when everything went along.
func (t *Transformed) DroppedHeader() string { return droppedHeader(t.Dropped) }

// Transform encodes a request for the first deployment of its model without sending
// it.
func (r *Relay) Transform(ctx context.Context, rq *Request) (*Transformed, error) {
	x := &exchange{relay: r, rq: rq}
	if err := x.readControls(); err != nil {
		return nil, err
	}
	plan, refused := rq.Models.Table.Plan(rq.LLM.Model, route.Overrides{Endpoint: "/utils/transform_request"})
	if refused != nil {
		return nil, refused
	}
	step, refused := plan.Next(r.Now())
	if refused != nil {
		return nil, refused
	}
	if step.Deployment == nil {
		return nil, llm.BadRequest("model", "Every deployment of the model is busy at the moment; ask again.")
	}
	x.begin(step, r.Now())
	dep, model, err := x.dep.resolve(step.Model)
	if err != nil {
		return nil, err
	}
	x.dep, x.target = dep, dep.Target(model)
	x.applyControls()
	x.wire = dep.wireFor(rq.Dialect.Name(), x.target.Info)
	if err := x.encode(ctx); err != nil {
		return nil, err
	}
	out, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	t := &Transformed{URL: dep.Base.String() + out.Path, Header: hideCredentials(out.Header), Body: x.call.Whole(), Dropped: x.call.Dropped}
	if out.URL != nil {
		t.URL = out.URL.String()
	}
	return t, nil
}

// hideCredentials keeps the names of headers that hold keys and hides what they hold.
func hideCredentials(h http.Header) http.Header {
	out := h.Clone()
	for name := range out {
		lower := strings.ToLower(name)
		if name == "Authorization" || strings.Contains(lower, "key") || strings.Contains(lower, "token") || strings.Contains(lower, "secret") || strings.Contains(lower, "cookie") {
			out[name] = []string{"<secret>"}
		}
	}
	return out
}

// samples are plain values of every parameter of Chat Completions, to ask a wire
// whether it takes it.
var samples = []struct{ name, members string }{
	{"frequency_penalty", `"frequency_penalty":0.1`},
	{"logit_bias", `"logit_bias":{"1":1}`},
	{"logprobs", `"logprobs":true`},
	{"top_logprobs", `"logprobs":true,"top_logprobs":2`},
	{"max_tokens", `"max_tokens":4096`},
	{"max_completion_tokens", `"max_completion_tokens":4096`},
	{"modalities", `"modalities":["text"]`},
	{"prediction", `"prediction":{"type":"content","content":"x"}`},
	{"audio", `"audio":{"voice":"alloy","format":"mp3"}`},
	{"n", `"n":2`},
	{"presence_penalty", `"presence_penalty":0.1`},
	{"seed", `"seed":1`},
	{"stop", `"stop":["x"]`},
	{"stream", `"stream":true`},
	{"stream_options", `"stream":true,"stream_options":{"include_usage":true}`},
	{"temperature", `"temperature":0.5`},
	{"top_p", `"top_p":0.5`},
	{"tools", `"tools":[` + sampleTool + `]`},
	{"tool_choice", `"tools":[` + sampleTool + `],"tool_choice":"auto"`},
	{"parallel_tool_calls", `"tools":[` + sampleTool + `],"parallel_tool_calls":true`},
	{"functions", `"functions":[{"name":"f","parameters":{"type":"object","properties":{}}}]`},
	{"function_call", `"functions":[{"name":"f","parameters":{"type":"object","properties":{}}}],"function_call":"auto"`},
	{"response_format", `"response_format":{"type":"json_object"}`},
	{"user", `"user":"u"`},
	{"reasoning_effort", `"reasoning_effort":"low"`},
	{"thinking", `"max_tokens":4096,"thinking":{"type":"enabled","budget_tokens":1024}`},
	{"web_search_options", `"web_search_options":{}`},
	{"service_tier", `"service_tier":"auto"`},
	{"store", `"store":true`},
	{"prompt_cache_key", `"prompt_cache_key":"k"`},
	{"safety_identifier", `"safety_identifier":"s"`},
	{"verbosity", `"verbosity":"low"`},
}

const sampleTool = `{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}`

// SupportedParams lists the parameters of Chat Completions that a model takes: a
// name that is served, or one with its provider in front. ok is false when nothing
// tells the provider.
func (m *Models) SupportedParams(model string) (names []string, ok bool) {
	w, t := m.targetOf(model)
	if w == nil {
		return nil, false
	}
	for _, s := range samples {
		if takes(w, t, s.name, s.members) {
			names = append(names, s.name)
		}
	}
	return names, true
}

// targetOf finds the wire and the target of a model, configured or not.
func (m *Models) targetOf(model string) (wire.Wire, *wire.Target) {
	if ds := m.Table.Deployments(model); len(ds) > 0 {
		if d, name, err := ds[0].Ref.(*Deployment).resolve(model); err == nil {
			if !d.Config.Wildcard {
				name = d.Config.Model
			}
			t := d.Target(strings.TrimPrefix(name, d.Row.Name+"/"))
			t.Policy, t.Defaults, t.ExtraBody = wire.Policy{}, nil, nil
			return d.Wire, t
		}
	}
	row, name, err := provider.Resolve(model, "", "")
	if err != nil || row.Planned {
		return nil, nil
	}
	info, _ := catalog.Lookup(row.Name, name)
	return wires[row.Wire], &wire.Target{Provider: row.Name, Model: name, Info: info, Quirks: &row.Quirks, Base: row.BaseURL}
}

// takes asks the wire: a parameter that it refuses or leaves out is not supported.
func takes(w wire.Wire, t *wire.Target, name, members string) bool {
	body, err := rawjson.Check([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}],` + members + `}`))
	if err != nil {
		return false
	}
	dialect := openaichat.Dialect{}
	req, err := dialect.Decode(body)
	if err != nil {
		return false
	}
	if w.Native() != dialect.Name() {
		if err := dialect.Expand(req); err != nil {
			return false
		}
	}
	call, err := w.Encode(req, t)
	if err != nil {
		var e *llm.Error
		return errors.As(err, &e) && e.Kind != llm.KindUnsupportedParams && w.Name() != provider.WireText && w.Name() != provider.WireTasks
	}
	return !slices.ContainsFunc(call.Dropped, func(d llm.Drop) bool { return d.What == name })
}

// UpstreamName is the name of a served model at its first deployment; any other name
// stays.
func (m *Models) UpstreamName(model string) string {
	ds := m.Table.Deployments(model)
	if len(ds) == 0 || ds[0].Ref.(*Deployment).Config.Wildcard {
		return model
	}
	return ds[0].Ref.(*Deployment).Config.Model
}
