package relay

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// readControls reads what the request says to the gateway itself, in its body
// and its headers; a header wins.
func (x *exchange) readControls() error {
	c, err := openaichat.ReadControls(x.rq.LLM)
	if err != nil {
		return err
	}
	if c.HasCredentials {
		return credentialsRefused(c.CredentialKey)
	}
	if c.MockFailure != 0 && !x.rq.Models.Config.Fairlead.AllowMockTesting {
		return llm.BadRequest(c.MockKey, "'"+c.MockKey+"' is not allowed here: failures are feigned only with fairlead_settings.allow_mock_testing: true.")
	}
	if v := x.rq.field("X-Litellm-Num-Retries"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 {
			return llm.BadRequest("x-litellm-num-retries", "The header x-litellm-num-retries must be a number from 0.")
		}
		n = min(n, maxRetries)
		c.NumRetries = &n
	}
	if c.Timeout, err = x.headerSeconds("X-Litellm-Timeout", c.Timeout); err != nil {
		return err
	}
	if c.StreamTimeout, err = x.headerSeconds("X-Litellm-Stream-Timeout", c.StreamTimeout); err != nil {
		return err
	}
	if x.rq.field("X-Litellm-Keepalive-Seconds") != "" {
		every, err := x.headerSeconds("X-Litellm-Keepalive-Seconds", 0)
		if err != nil {
			return err
		}
		c.Keepalive = &every
	}
	if v := x.rq.field("X-Litellm-Priority"); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return llm.BadRequest("x-litellm-priority", "The header x-litellm-priority must be a whole number.")
		}
		c.Priority = &n
	}
	x.controls = c
	return nil
}

// headerSeconds reads a time limit of a header; without one it stays as it is.
func (x *exchange) headerSeconds(name string, otherwise time.Duration) (time.Duration, error) {
	v := x.rq.field(name)
	if v == "" {
		return otherwise, nil
	}
	s, err := strconv.ParseFloat(v, 64)
	if err != nil || !(s >= 0 && s <= 24*60*60) {
		name = strings.ToLower(name)
		return 0, llm.BadRequest(name, "The header "+name+" must be a number of seconds.")
	}
	return time.Duration(s * float64(time.Second)), nil
}

// maxRetries bounds what a client may ask for.
const maxRetries = 100

// credentialsRefused: where a request goes and with which key is the operator's
// decision alone, or a client could have our key sent to its own server.
func credentialsRefused(key string) *llm.Error {
	e := llm.BadRequest(key, "'"+key+"' is not allowed in the request body: addresses and keys of upstreams are set in the gateway's configuration (model_list).")
	return e
}

// overrides are the controls that concern routing.
func (x *exchange) overrides() route.Overrides {
	o := route.Overrides{
		Endpoint: cmp.Or(x.rq.Endpoint, "/chat/completions"), NumRetries: x.controls.NumRetries, Fallbacks: x.fallbacks(x.controls.Fallbacks),
		ContextWindowFallbacks: x.fallbacks(x.controls.ContextWindowFallbacks), ContentPolicyFallbacks: x.fallbacks(x.controls.ContentPolicyFallbacks),
		DisableFallbacks: x.controls.DisableFallbacks, OwnTimeout: x.controls.Timeout > 0 || x.rq.LLM.Stream && x.controls.StreamTimeout > 0,
		Patience: x.patience(),
		Tags:     x.tags(), Region: x.controls.Region, Stream: x.rq.LLM.Stream, Priority: x.rq.Models.Config.Router.DefaultPriority, Talker: x,
	}
	if n := x.controls.Priority; n != nil {
		o.Priority = *n
	}
	if x.rq.Models.Table.Measures() {
		o.Tokens = x.inputTokens
	}
	if x.once || x.controls.MockFailure != 0 {
		o.NumRetries = new(int)
	}
	o.DisableFallbacks = o.DisableFallbacks || x.once
	return o
}

// patience is the shortest of the limits that hold for a whole call, whatever the
// deployment.
func (x *exchange) patience() time.Duration {
	c := x.rq.Models.Config
	patience := c.Fairlead.TotalTimeout
	for _, limit := range [...]time.Duration{x.controls.Timeout, c.Router.Timeout, c.Defaults.RequestTimeout} {
		if limit > 0 {
			patience = min(patience, limit)
		}
	}
	return patience
}

// fallbacks reads a request's own list: names, {"model": …} objects with
// parameters, or {"group": ["a", "b"]} rules as in a configuration.
func (x *exchange) fallbacks(v rawjson.Value) []route.Fallback {
	if v.Kind() != '[' {
		return nil
	}
	out := []route.Fallback{}
	for _, e := range v.Elems() {
		switch {
		case e.Kind() == '"':
			out = append(out, route.Fallback{Model: e.Text()})
		case e.Get("model").Kind() == '"':
			out = append(out, x.fallbackWithParams(e))
		default:
			out = append(out, fallbackRule(e)...)
		}
	}
	return out
}

// maxFallbackDrops bounds what is told of the keys that were left out.
const maxFallbackDrops = 16

func (x *exchange) fallbackWithParams(v rawjson.Value) route.Fallback {
	f := route.Fallback{}
	for k, p := range v.Members() {
		switch {
		case k == "model":
			f.Model = p.Text()
		case k == "messages" || k == "stream" || openaichat.GatewayKey(k):
			// what is asked, where the answer goes and how, is not a fallback's to change
			if req := x.rq.LLM; len(req.Drops) < maxFallbackDrops {
				req.Drops = append(req.Drops, llm.Drop{What: "fallbacks." + clip(k), Why: "a fallback may change parameters of the model only"})
			}
		default:
			f.Params = append(f.Params, llm.Param{Name: k, Value: p})
		}
	}
	return f
}

func fallbackRule(v rawjson.Value) []route.Fallback {
	var out []route.Fallback
	for group, targets := range v.Members() {
		for _, t := range targets.Elems() {
			out = append(out, route.Fallback{Group: group, Model: t.Text()})
		}
	}
	return out
}

// applyControls puts the request's wishes into the target of this attempt.
func (x *exchange) applyControls() {
	c, p := &x.controls, &x.target.Policy
	if c.DropParams != nil {
		p.Drop = *c.DropParams
	}
	if x.rq.LLM.LenientParams {
		p.Drop = true
	}
	if c.ModifyParams != nil {
		p.Modify = *c.ModifyParams
	}
	if len(c.AdditionalDropParams) > 0 {
		p.Also = append(slices.Clip(p.Also), c.AdditionalDropParams...)
	}
	if len(c.AllowedOpenAIParams) > 0 {
		p.Allow = append(slices.Clip(p.Allow), c.AllowedOpenAIParams...)
	}
	x.target.Betas = betas(x.rq, x.dep)
}
