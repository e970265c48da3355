package wire

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// openAIParams are the parameters of Chat Completions besides messages, tools
// and the stream switches. A known parameter that a target lacks is an
// unsupported parameter; an unknown one is only ever dropped and reported.
var openAIParams = map[string]bool{
	"audio": true, "frequency_penalty": true, "function_call": true, "functions": true, "logit_bias": true,
	"logprobs": true, "max_completion_tokens": true, "max_tokens": true, "modalities": true, "n": true,
	"parallel_tool_calls": true, "prediction": true, "presence_penalty": true, "prompt_cache_key": true,
	"prompt_cache_retention": true, "reasoning_effort": true, "response_format": true, "safety_identifier": true,
	"seed": true, "service_tier": true, "stop": true, "store": true, "temperature": true, "thinking": true,
	"tool_choice": true, "tools": true, "top_logprobs": true, "top_p": true, "user": true, "verbosity": true,
	"web_search_options": true,
}

// Known reports whether name is a parameter of Chat Completions.
func Known(name string) bool { return openAIParams[name] }

// Effective merges the client's parameters over the deployment's defaults and
// decides about those that the target does not support. It is the one place
// where that decision is made. Supported says whether the target takes a
// parameter (of Chat Completions or of its own); unknown parameters that it does
// not take are dropped and reported. null counts as absent.
func Effective(req *llm.Request, t *Target, supported func(name string) bool) ([]llm.Param, []llm.Drop, error) {
	var (
		kept        []llm.Param
		drops       = slices.Clip(req.Drops)
		unsupported []string
	)
	given := merged(req.Params, t.Defaults)
	kept = make([]llm.Param, 0, len(given))
	for _, p := range given {
		switch {
		case !p.Value.Present():
			continue
		case slices.Contains(t.Policy.Also, p.Name):
			drops = append(drops, llm.Drop{What: p.Name, Why: "named in additional_drop_params"})
		case supported(p.Name) || slices.Contains(t.Policy.Allow, p.Name):
			kept = append(kept, p)
		case !Known(p.Name):
			drops = append(drops, llm.Drop{What: p.Name, Why: "unknown to " + t.Provider})
		case t.Policy.Drop || req.LenientParams:
			drops = append(drops, llm.Drop{What: p.Name, Why: "not supported by " + t.Provider + "/" + t.Model})
		default:
			unsupported = append(unsupported, p.Name)
		}
	}
	if len(unsupported) > 0 {
		return nil, nil, Unsupported(t, unsupported...)
	}
	return kept, drops, nil
}

// Unsupported is the error for parameters that the target does not take.
func Unsupported(t *Target, names ...string) *llm.Error {
	e := llm.BadRequest("", fmt.Sprintf("litellm.UnsupportedParamsError: %s does not support parameters: ['%s'], for model=%s. "+
		"To drop these, set `litellm_settings: drop_params: true` in the configuration, or send \"drop_params\": true with the request.",
		t.Provider, strings.Join(names, "', '"), t.Model))
	e.Kind, e.Provider, e.Model = llm.KindUnsupportedParams, t.Provider, t.Model
	return e
}

// merged lists the client's parameters and then the defaults that it did not set.
func merged(client, defaults []llm.Param) []llm.Param {
	if len(defaults) == 0 {
		return client
	}
	out := slices.Clone(client)
	for _, d := range defaults {
		if !slices.ContainsFunc(client, func(p llm.Param) bool { return p.Name == d.Name && p.Value.Present() }) {
			out = append(out, d)
		}
	}
	return out
}
