package route

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// maxOwnFallbacks bounds the list that a request may bring.
const maxOwnFallbacks = 32

// ParseFallbacks reads the fallbacks of a request body: a list whose entries are
// names, objects with a model and parameters to replace ({"model":"x","seed":1}),
// or rules of the configuration's form ({"group":["x","y"]}). null gives nil.
func ParseFallbacks(raw []byte) ([]Fallback, *llm.Error) {
	var entries []json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return nil, badFallbacks()
	}
	if entries == nil {
		return nil, nil
	}
	if len(entries) > maxOwnFallbacks {
		return nil, llm.BadRequest("fallbacks", "fallbacks has more than 32 entries; send fewer.")
	}
	out := make([]Fallback, 0, len(entries))
	for _, entry := range entries {
		var name string
		if json.Unmarshal(entry, &name) == nil {
			out = append(out, Fallback{Model: name})
			continue
		}
		more, ok := parseObject(entry)
		if !ok {
			return nil, badFallbacks()
		}
		out = append(out, more...)
	}
	return out, nil
}

func badFallbacks() *llm.Error {
	return llm.BadRequest("fallbacks", "fallbacks must be a list of model names or of objects with a model.")
}

func parseObject(entry json.RawMessage) ([]Fallback, bool) {
	var object map[string]json.RawMessage
	if json.Unmarshal(entry, &object) != nil {
		return nil, false
	}
	if model, ok := object["model"]; ok {
		return parseModel(model, object)
	}
	var out []Fallback
	for _, group := range slices.Sorted(maps.Keys(object)) {
		var targets []string
		if json.Unmarshal(object[group], &targets) != nil {
			return nil, false
		}
		for _, target := range targets {
			out = append(out, Fallback{Group: group, Model: target})
		}
	}
	return out, true
}

func parseModel(model json.RawMessage, object map[string]json.RawMessage) ([]Fallback, bool) {
	var f Fallback
	if json.Unmarshal(model, &f.Model) != nil {
		return nil, false
	}
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if name != "model" {
			f.Params = append(f.Params, llm.Param{Name: name, Value: rawjson.Value(object[name])})
		}
	}
	return []Fallback{f}, true
}
