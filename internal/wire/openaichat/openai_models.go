package openaichat

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// modelFamily is a generation of OpenAI's models; which parameters a model takes
// depends on it.
type modelFamily uint8

const (
	// familyOther are models that are not OpenAI's: everything passes.
	familyOther modelFamily = iota
	// familyGPT are the models without reasoning: gpt-3.5, gpt-4, gpt-4o, gpt-4.1.
	familyGPT
	// familyGPT5 are gpt-5 and later.
	familyGPT5
	// familyO are o1, o3, o4.
	familyO
)

func familyOf(q *wire.Quirks, t *wire.Target) modelFamily {
	if !q.OpenAI {
		return familyOther
	}
	name := t.Model
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "ft:"), "chatgpt-")
	switch {
	case len(name) > 1 && name[0] == 'o' && name[1] >= '1' && name[1] <= '9':
		return familyO
	case strings.HasPrefix(name, "gpt-3"), strings.HasPrefix(name, "gpt-4"):
		return familyGPT
	case strings.HasPrefix(name, "gpt-") && len(name) > 4 && name[4] >= '1' && name[4] <= '9':
		return familyGPT5
	}
	return familyOther
}

// Parameters that the families lack. Source: LiteLLM's tables as measured (§8 of
// the behaviour notes: gpt-4o refuses reasoning_effort, thinking and verbosity;
// gpt-5 refuses stop).
var (
	lacksGPT  = []string{"reasoning_effort", "thinking", "verbosity"}
	lacksGPT5 = []string{
		"thinking", "presence_penalty", "frequency_penalty", "stop", "logit_bias", "modalities", "prediction",
		"audio", "web_search_options",
	}
	lacksO = []string{
		"thinking", "verbosity", "presence_penalty", "frequency_penalty", "top_p", "logprobs", "top_logprobs",
		"web_search_options", "audio", "modalities", "prediction",
	}
	sampling = []string{"top_p", "logprobs", "top_logprobs"}
)

func (f modelFamily) takes(name string, info *catalog.Model) bool {
	switch f {
	case familyGPT:
		return !slices.Contains(lacksGPT, name)
	case familyGPT5:
		if slices.Contains(sampling, name) {
			return takesEffortNone(info)
		}
		return !slices.Contains(lacksGPT5, name)
	case familyO:
		return !slices.Contains(lacksO, name)
	}
	return true
}

func takesEffortNone(info *catalog.Model) bool {
	none, _ := info.Flag("supports_none_reasoning_effort")
	return none
}

// modelRules applies what OpenAI's reasoning models demand.
func (e *encoding) modelRules(f modelFamily) error {
	if f != familyO && f != familyGPT5 {
		return nil
	}
	if p := e.plan("max_tokens"); p != nil {
		if e.plan("max_completion_tokens") != nil {
			e.remove("max_tokens")
		} else {
			p.name = "max_completion_tokens"
		}
	}
	flexible := f == familyGPT5 && takesEffortNone(e.t.Info) && e.effortNone()
	if err := e.refuse("temperature", func(v rawjson.Value) bool {
		n, ok := v.Float()
		return flexible || (ok && n == 1)
	}); err != nil {
		return err
	}
	for _, name := range sampling {
		if err := e.refuse(name, func(rawjson.Value) bool { return flexible || f == familyO }); err != nil {
			return err
		}
	}
	xhigh, known := e.t.Info.Flag("supports_xhigh_reasoning_effort")
	return e.refuse("reasoning_effort", func(v rawjson.Value) bool { return !v.Is("xhigh") || xhigh || !known })
}

func (e *encoding) effortNone() bool {
	p := e.plan("reasoning_effort")
	return p == nil || p.value.Is("none")
}

// refuse treats a parameter whose value the model does not take as unsupported.
func (e *encoding) refuse(name string, allowed func(rawjson.Value) bool) error {
	p := e.plan(name)
	if p == nil || allowed(p.value) || slices.Contains(e.t.Policy.Allow, name) {
		return nil
	}
	if !e.t.Policy.Drop && !e.req.LenientParams {
		return wire.Unsupported(e.t, name)
	}
	e.remove(name)
	e.dropped(name, "not supported by "+e.t.Provider+"/"+e.t.Model+" with this value")
	return nil
}
