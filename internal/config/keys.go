package config

import (
	_ "embed" // for keys.tsv
	"slices"
	"strings"
	"sync"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
)

// Status says what becomes of a key.
type Status string

// The values of Status.
const (
	// Honoured keys do what they do in LiteLLM.
	Honoured Status = "honoured"
	// CallDefault keys of litellm_params are sent with every call.
	CallDefault Status = "param"
	// Named keys are read, and their section says a sentence of its own:
	// callbacks, guardrails, custom_auth, database_url.
	Named Status = "named"
	// Approximated keys have a part of their effect.
	Approximated Status = "approximated"
	// Planned keys have no effect yet.
	Planned Status = "planned"
	// PlannedLimit keys have no effect yet, which leaves a limit open.
	PlannedLimit Status = "planned!"
	// Refused keys will have no effect, because they need Python.
	Refused Status = "refused"
	// NoEffect keys mean nothing here, and nothing is lost.
	NoEffect Status = "none"
)

// keysText is the registry: the keys of LiteLLM 1.109.1 (MIT) with our own
// status and clause; see its header.
//
//go:embed keys.tsv
var keysText string

// keyEntry is one row of the registry.
type keyEntry struct {
	status Status
	// clause completes "it would …", or says why nothing is lost.
	clause string
}

// registry is the parsed keys.tsv: section → key → row.
var registry = sync.OnceValue(func() map[string]map[string]keyEntry {
	sections := map[string]map[string]keyEntry{}
	for line := range strings.Lines(keysText) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(cells) != 4 || strings.HasPrefix(line, "#") {
			continue
		}
		if sections[cells[0]] == nil {
			sections[cells[0]] = map[string]keyEntry{}
		}
		sections[cells[0]][cells[1]] = keyEntry{Status(cells[2]), cells[3]}
	}
	sections["fairlead_settings"] = map[string]keyEntry{}
	for _, s := range fairleadSettings {
		sections["fairlead_settings"][s.name] = keyEntry{status: Honoured}
	}
	return sections
})

// sectionKeys returns the keys of a section, sorted.
func sectionKeys(section string) []string {
	keys := make([]string, 0, len(registry()[section]))
	for key := range registry()[section] {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// isPriceKey reports whether a key of litellm_params or model_info is a price
// that the catalog reads.
func isPriceKey(key string) bool {
	return strings.Contains(key, "cost_per_") || strings.Contains(key, "_token_cost") || key == "tiered_pricing" || strings.Contains(key, "uplift_multiplier")
}

// isCallParam reports whether a key of litellm_params goes to the provider
// with every call: LiteLLM sends every key that it does not know itself.
func isCallParam(key string) bool {
	if entry, known := registry()["litellm_params"][key]; known {
		return entry.status == CallDefault
	}
	return !isPriceKey(key) && !isModelInfo(key) && misplacedIn(key, "litellm_params") == ""
}

// isModelInfo reports whether a key says something about a model.
func isModelInfo(key string) bool {
	if strings.HasPrefix(key, "supports_") || isPriceKey(key) {
		return true
	}
	_, known := registry()["model_info"][key]
	return known || slices.Contains([]string{"max_input_tokens", "max_output_tokens", "mode", "deprecation_date", "litellm_provider", "supported_endpoints", "supported_modalities"}, key)
}

// homes are the sections in which a misplaced key is looked for, in the order
// in which they are named.
var homes = []string{"router_settings", "root", "litellm_settings", "general_settings", "fairlead_settings", "litellm_params", "cache_params"}

// misplacedIn returns the section to which a key belongs that its own section
// does not know, or "". A section in which it would do something is preferred.
func misplacedIn(key, section string) string {
	silent := ""
	for _, home := range homes {
		entry, ok := registry()[home][key]
		switch {
		case home == section || !ok:
		case entry.status != NoEffect:
			return home
		case silent == "" && home != "litellm_params":
			silent = home
		}
	}
	return silent
}

// homeNames are the words for the sections that are no root keys.
var homeNames = map[string]string{
	"litellm_params":   "the litellm_params of a deployment",
	"entry":            "an entry of model_list",
	"guardrail":        "a guardrail",
	"guardrail_params": "the litellm_params of a guardrail",
	"mcp_server":       "an MCP server",
	"pass_through":     "a pass-through endpoint",
	"root":             "the root of the file",
	"cache_params":     "litellm_settings.cache_params",
}

func homeName(home string) string {
	if name, ok := homeNames[home]; ok {
		return name
	}
	return home
}

// didYouMean returns a question with the nearest of among, or "".
func didYouMean(word string, among []string) string {
	if near := catalog.Nearest(word, among); near != "" && near != word {
		return "Did you mean " + near + "?"
	}
	return ""
}

// inventions are keys that people write although nothing reads them, with what
// they may have wanted.
var inventions = map[string]string{
	"log_level":      "Use --debug or --detailed_debug.",
	"logging":        "Logs go to standard error; litellm_settings.json_logs makes them JSON.",
	"host":           "Use --host or the variable HOST.",
	"port":           "Use --port or the variable PORT.",
	"enable_cors":    "CORS is always on.",
	"cors":           "CORS is always on.",
	"disable_auth":   "Without a master_key no key is asked for, on this machine only.",
	"model_aliases":  "Write router_settings.model_group_alias.",
	"model_alias":    "Write router_settings.model_group_alias.",
	"health_check":   "GET /health/liveliness and /health/readiness always answer.",
	"use_langfuse":   "Loggers stand in litellm_settings.callbacks.",
	"budget_manager": "Limits of spend are planned.",
}
