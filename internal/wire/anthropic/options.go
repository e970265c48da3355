package anthropic

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// options are the parameters of a request as this wire understands them.
type options struct {
	maxTokens int64
	// limited says that the client or the deployment set maxTokens.
	limited                   bool
	temperature, topP, topK   rawjson.Value
	thinking, effort          rawjson.Value
	output                    rawjson.Value // output_config as the client sent it
	responseFormat, webSearch rawjson.Value
	cache                     rawjson.Value // the top-level cache_control
	// members go into the body as they are.
	members []llm.Param
}

// supported lists the parameters that go upstream in some form.
func (e *encoder) supported(name string) bool {
	switch name {
	case "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k", "stop", "stop_sequences", "user",
		"service_tier", "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call",
		"response_format", "web_search_options", "cache_control", "output_config", "container", "context_management",
		"mcp_servers", "speed", "inference_geo", "stream", "stream_options", "extra_body":
		return true
	case "thinking", "reasoning_effort":
		return e.model.reasons()
	}
	return false
}

// readParams sorts the effective parameters.
func (e *encoder) readParams() error {
	params, drops, err := wire.Effective(e.req, e.t, e.supported)
	if err != nil {
		return err
	}
	e.drops = append(e.drops, drops...)
	for _, p := range params {
		if err := e.readParam(p); err != nil {
			return err
		}
	}
	if !e.opts.limited {
		e.opts.maxTokens = e.model.maxTokens(e.t)
	}
	return nil
}

func (e *encoder) readParam(p llm.Param) error {
	switch p.Name {
	case "max_tokens", "max_completion_tokens":
		return e.readMaxTokens(p)
	case "temperature":
		e.opts.temperature = p.Value
	case "top_p":
		e.opts.topP = p.Value
	case "top_k":
		e.opts.topK = p.Value
	case "stop", "stop_sequences":
		e.readStop(p.Value)
	case "user":
		e.readUser(p.Value)
	case "service_tier":
		return e.readTier(p.Value)
	case "thinking":
		e.opts.thinking = p.Value
	case "reasoning_effort":
		e.opts.effort = p.Value
	case "output_config":
		e.opts.output = p.Value
	case "response_format":
		e.opts.responseFormat = p.Value
	case "web_search_options":
		e.opts.webSearch = p.Value
	case "cache_control":
		e.opts.cache = cacheControl(p.Value)
	case "extra_body":
		return e.readExtraBody(p.Value)
	case "tools", "tool_choice", "parallel_tool_calls", "functions", "function_call", "stream", "stream_options":
	default:
		e.readOwn(p)
	}
	return nil
}

// readOwn passes a parameter of Anthropic's own, with the beta that it needs.
func (e *encoder) readOwn(p llm.Param) {
	switch p.Name {
	case "context_management":
		e.beta("context-management-2025-06-27")
		for _, edit := range p.Value.Get("edits").Elems() {
			if strings.HasPrefix(edit.Get("type").Text(), "compact_") {
				e.beta("compact-2026-01-12")
			}
		}
	case "speed":
		if p.Value.Is("fast") {
			e.beta("fast-mode-2026-02-01")
		}
	case "mcp_servers":
		e.beta("mcp-client-2025-11-20")
	case "container":
		if p.Value.Get("skills").Present() {
			e.beta("skills-2025-10-02")
		}
	}
	e.member(p.Name, p.Value)
}

// readExtraBody takes the members of extra_body as parameters of their own.
func (e *encoder) readExtraBody(v rawjson.Value) error {
	for name, value := range v.Members() {
		switch {
		case name == "extra_body" || !value.Present():
		case e.supported(name):
			if err := e.readParam(llm.Param{Name: name, Value: value}); err != nil {
				return err
			}
		default:
			e.drop("extra_body."+name, "unknown to "+e.t.Provider)
		}
	}
	return nil
}

// readMaxTokens takes the limit; the newer name wins over the older one.
func (e *encoder) readMaxTokens(p llm.Param) error {
	n, ok := p.Value.Int()
	if !ok || n < 0 {
		return llm.BadRequest(p.Name, fmt.Sprintf("%s must be a whole number that is not negative.", p.Name))
	}
	if e.opts.limited && p.Name == "max_tokens" {
		return nil
	}
	if most := e.model.info.MaxOutput(); e.t.Policy.Modify && most > 0 && n > most {
		e.drop(p.Name, "lowered to the model's limit")
		n = most
	}
	e.opts.maxTokens, e.opts.limited = n, true
	return nil
}

func (e *encoder) readStop(v rawjson.Value) {
	if v.Kind() == '"' {
		v = slices.Concat(rawjson.Value("["), v, rawjson.Value("]"))
	}
	if v.Kind() != '[' || v.First() == nil {
		return
	}
	if e.t.Policy.Drop {
		if v = e.visibleStops(v); v == nil {
			return
		}
	}
	e.member("stop_sequences", v)
}

// visibleStops leaves out stop sequences of white space only, which Anthropic
// refuses.
func (e *encoder) visibleStops(v rawjson.Value) rawjson.Value {
	kept := rawjson.Value("[")
	for _, s := range v.Elems() {
		if blank(s.Text()) {
			e.drop("stop", "Anthropic refuses a stop sequence of white space")
			continue
		}
		kept = append(rawjson.AppendComma(kept), s...)
	}
	if len(kept) == 1 {
		return nil
	}
	return append(kept, ']')
}

// personal matches user ids that are an e-mail address or telephone number, which
// Anthropic's terms keep out of user_id.
var personal = regexp.MustCompile(`^(?:[a-zA-Z0-9_.+-]+@[a-zA-Z0-9-]+\.[a-zA-Z0-9-.]+|\+?[\d\s()-]{7,})$`)

func (e *encoder) readUser(v rawjson.Value) {
	id, ok := v.Str()
	switch {
	case !ok || id == "":
	case personal.MatchString(id):
		e.drop("user", "it looks like an e-mail address or telephone number, which Anthropic does not take")
	default:
		meta := rawjson.AppendStringMember([]byte("{"), "user_id", id)
		e.member("metadata", append(meta, '}'))
	}
}

func (e *encoder) readTier(v rawjson.Value) error {
	tier := v.Text()
	switch tier {
	case "default", "standard_only":
		tier = "standard_only"
	case "auto":
	default:
		return e.refuse("service_tier", fmt.Sprintf("Anthropic has no service_tier %s; it knows auto and default.", v))
	}
	e.member("service_tier", rawjson.String(tier))
	return nil
}

// sampling writes temperature, top_p and top_k as far as the model takes them.
func (e *encoder) sampling() error {
	o := &e.opts
	if !e.model.sampling() {
		return e.fixedSampling()
	}
	if t, ok := o.temperature.Float(); ok && t > 1 {
		e.drop("temperature", "lowered to 1, Anthropic's highest")
		o.temperature = rawjson.Value("1")
	}
	if e.think.manual() {
		e.thinkingSampling()
	}
	if o.temperature.Present() && o.topP.Present() && e.model.oneSamplingParam() {
		e.drop("top_p", "this model does not take it together with temperature")
		o.topP = nil
	}
	e.member("temperature", o.temperature)
	e.member("top_p", o.topP)
	e.member("top_k", o.topK)
	return nil
}

// member puts a member into the body, in place of an earlier one of that name.
func (e *encoder) member(name string, v rawjson.Value) {
	if !v.Present() {
		return
	}
	for i := range e.opts.members {
		if e.opts.members[i].Name == name {
			e.opts.members[i].Value = v
			return
		}
	}
	e.opts.members = append(e.opts.members, llm.Param{Name: name, Value: v})
}

// fixedSampling serves models that accept no sampling parameter but temperature 1.
func (e *encoder) fixedSampling() error {
	o := &e.opts
	if t, ok := o.temperature.Float(); ok && t == 1 {
		e.member("temperature", o.temperature)
	} else if o.temperature.Present() {
		if err := e.refuse("temperature", fmt.Sprintf("%s does not support temperature=%s. Only temperature=1 is supported.",
			e.t.Model, o.temperature)); err != nil {
			return err
		}
	}
	for _, p := range []llm.Param{{Name: "top_p", Value: o.topP}, {Name: "top_k", Value: o.topK}} {
		if !p.Value.Present() {
			continue
		}
		if err := e.refuse(p.Name, fmt.Sprintf("%s does not support %s.", e.t.Model, p.Name)); err != nil {
			return err
		}
	}
	return nil
}

// thinkingSampling leaves out what Anthropic refuses together with a thinking budget.
func (e *encoder) thinkingSampling() {
	const why = "Anthropic does not take this value together with thinking"
	o := &e.opts
	if t, ok := o.temperature.Float(); ok && t != 1 {
		e.drop("temperature", why)
		o.temperature = nil
	}
	if p, ok := o.topP.Float(); ok && p < 0.95 {
		e.drop("top_p", why)
		o.topP = nil
	}
	if o.topK.Present() {
		e.drop("top_k", why)
		o.topK = nil
	}
}

func trimRight(s string) string { return strings.TrimRight(s, " \t\r\n") }
