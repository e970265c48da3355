package provider

import (
	_ "embed"
	"encoding/json"
	"sync"
)

// anthropicBetas is LiteLLM's anthropic_beta_headers_config.json of version 1.109.1
// (MIT, Copyright (c) 2023 Berri AI): per target, the beta headers of a client and
// how the target names them; null where it does not know them.
//
//go:embed data/anthropic-betas.json
var anthropicBetas []byte

var betas = sync.OnceValue(func() map[string]map[string]string {
	var columns map[string]json.RawMessage
	if json.Unmarshal(anthropicBetas, &columns) != nil {
		return nil
	}
	out := map[string]map[string]string{}
	for target, raw := range columns {
		if named := parseBetas(raw); named != nil {
			out[target] = named
		}
	}
	return out
})

// parseBetas reads one column; the file's description is a text and no column.
func parseBetas(raw json.RawMessage) map[string]string {
	var column map[string]*string
	if json.Unmarshal(raw, &column) != nil {
		return nil
	}
	named := map[string]string{}
	for beta, name := range column {
		if name != nil {
			named[beta] = *name
		}
	}
	return named
}

// AnthropicBetas maps the anthropic-beta values that a target accepts to the names
// that it has for them. Values that are not in the map must not be sent there. Targets
// are "anthropic", "bedrock", "bedrock_converse", "vertex_ai", … and
// "vertex_ai_header_only". The map is shared and must not be changed.
func AnthropicBetas(target string) map[string]string { return betas()[target] }
