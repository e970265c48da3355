package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

func TestUnknownKeyOffersTheNearest(t *testing.T) {
	_, report := usable(t, gpt("litellm_settings: {drop_param: true}\nrouter_settings: {routing_stratgy: x}\nmodel_lists: []\nfairlead_settings: {dat_dir: x}\n"), nil)
	at(t, says(t, report, Warning, "`drop_param` is an unknown key of litellm_settings", "drop_params?"), 6, 20)
	says(t, report, Warning, "`routing_stratgy` is an unknown key of router_settings", "routing_strategy?")
	says(t, report, Warning, "`model_lists` is an unknown key of the root of the file", "model_list?")
	says(t, report, Warning, "`dat_dir` is an unknown key of fairlead_settings", "data_dir?")
}

func TestKeyInTheWrongSectionIsNamedWithTheRightOne(t *testing.T) {
	for text, want := range map[string]string{
		"litellm_settings: {retry_after: 5}\n":            "`retry_after` belongs in router_settings; in litellm_settings it has no effect",
		"litellm_settings: {cooldown_time: 5}\n":          "`cooldown_time` belongs in router_settings",
		"litellm_settings: {master_key: sk-secret-01}\n":  "`master_key` belongs in general_settings",
		"litellm_settings: {routing_strategy: x}\n":       "`routing_strategy` belongs in router_settings",
		"general_settings: {callbacks: [langfuse]}\n":     "`callbacks` belongs in litellm_settings",
		"general_settings: {fallbacks: [{a: [b]}]}\n":     "`fallbacks` belongs in router_settings",
		"general_settings: {cache: true}\n":               "`cache` belongs in litellm_settings",
		"general_settings: {redis_host: x}\n":             "`redis_host` belongs in router_settings",
		"general_settings: {drop_params: true}\n":         "`drop_params` belongs in litellm_settings",
		"router_settings: {drop_params: true}\n":          "`drop_params` belongs in litellm_settings",
		"router_settings: {model_list: [], api_key: x}\n": "`api_key` belongs in litellm_settings",
		"cache: true\n":                        "`cache` belongs in litellm_settings; in the root of the file it has no effect",
		"general_settings: {temperature: 1}\n": "`temperature` belongs in the litellm_params of a deployment",
		"litellm_settings: {data_dir: x}\n":    "`data_dir` belongs in fairlead_settings",
		"    model_info: {weight: 3}\n":        "`weight` belongs in the litellm_params of a deployment; in model_info it has no effect",
		"      supports_vision: true\n":        "`supports_vision` belongs in model_info; in litellm_params it is not sent",
	} {
		cfg, report := usable(t, gpt(text), nil)
		says(t, report, Warning, want)
		if cfg.General.MasterKey.IsSet() || cfg.Router.RetryAfter != nil || len(cfg.Router.Fallbacks) > 0 || cfg.Defaults.DropParams != nil {
			t.Errorf("%q was honoured in the wrong section", text)
		}
	}
}

func TestInventedKeysSayWhatToUse(t *testing.T) {
	_, report := usable(t, gpt("general_settings: {log_level: info, enable_cors: true, disable_auth: true}\nlogging: {level: x}\nport: 4000\n"), nil)
	says(t, report, Warning, "`log_level` is an unknown key", "--debug")
	says(t, report, Warning, "`enable_cors` is an unknown key", "CORS is always on")
	says(t, report, Warning, "`logging` is an unknown key")
	says(t, report, Warning, "`port` is an unknown key", "--port")
}

func TestEveryStatusIsSaidAtItsPlace(t *testing.T) {
	_, report := usable(t, gpt(`      num_ctx: 8192
      tpd: 5
      vertex_project: p
litellm_settings:
  telemetry: false
  cache: true
  cache_params: {type: redis, hots: x}
  max_budget: 10
  return_response_headers: true
general_settings:
  custom_sso: a.b
  store_model_in_db: false
  background_health_checks: true
mcp_servers:
  deepwiki: {url: "https://x", transprot: http}
`), nil)
	at(t, says(t, report, Note, "`num_ctx` is planned and has no effect yet"), 6, 7)
	says(t, report, Warning, "`tpd` is planned", "limit")
	says(t, report, Note, "`vertex_project` is approximated", "pass-through below /vertex_ai/")
	says(t, report, Note, "`telemetry` has no effect: the gateway never reports")
	says(t, report, Note, "`cache` is planned", "cache answers")
	says(t, report, Note, "`cache_params` is approximated", "Redis server")
	says(t, report, Warning, "`hots` is an unknown key of litellm_settings.cache_params", "host?")
	at(t, says(t, report, Warning, "`max_budget` is planned", "limit spend"), 13, 3)
	says(t, report, Note, "`return_response_headers` is approximated")
	says(t, report, Warning, "`custom_sso` cannot work here: it needs Python")
	says(t, report, Note, "`store_model_in_db` is planned", "asks for nothing")
	says(t, report, Note, "`mcp_servers` is planned")
	says(t, report, Warning, "`transprot` is an unknown key of an MCP server", "transport?")
}

func TestUnknownParamGoesToTheProviderAndIsSaid(t *testing.T) {
	cfg, report := usable(t, gpt("      my_own_switch: {a: 1}\n      temprature: 1\n      top_k: 5\n"), nil)
	d := one(t, cfg)
	if param(d, "my_own_switch") != `{"a":1}` || param(d, "top_k") != "5" {
		t.Errorf("%v", d.Params)
	}
	says(t, report, Note, "`my_own_switch` is no parameter that LiteLLM knows; it is sent to the provider")
	says(t, report, Warning, "`temprature` is no parameter", "temperature?")
	silent(t, report, "top_k")
}

func TestConfigurationKeysAreNeverSentToTheProvider(t *testing.T) {
	cfg, _ := usable(t, gpt("      rpm: 1\n      input_cost_per_token: 0.1\n      aws_region_name: x\n      routing_strategy: y\n      fallbacks: []\n      no-log: true\n      supports_vision: true\n      retry_after: 3\n      max_tokens: 5\n"), nil)
	if d := one(t, cfg); len(d.Params) != 1 || d.Params[0].Name != "max_tokens" {
		t.Errorf("%v", d.Params)
	}
}

func TestPriceGivenAsTextIsANumber(t *testing.T) {
	cfg, report := usable(t, gpt("    model_info: {input_cost_per_token: \"1e-6\", output_cost_per_token: cheap}\n"), nil)
	d := one(t, cfg)
	if string(d.Info["input_cost_per_token"]) != "1e-6" || string(d.Info["output_cost_per_token"]) != "null" {
		t.Errorf("%v", d.Info)
	}
	says(t, report, Warning, "`output_cost_per_token` must be a number")
}

// rowShape is the form of a row of keys.tsv.
var rowShape = regexp.MustCompile(`^[a-z_]+\t[A-Za-z_][A-Za-z0-9_\-]*\t(honoured|param|named|approximated|planned!?|refused|none)\t`)

func TestRegistryRowsAreWellFormedAndExplained(t *testing.T) {
	seen := map[string]bool{}
	for i, line := range strings.Split(strings.TrimSuffix(keysText, "\n"), "\n") {
		if strings.HasPrefix(line, "#") {
			continue
		}
		if !rowShape.MatchString(line) {
			t.Errorf("line %d: %q", i+1, line)
			continue
		}
		cells := strings.Split(line, "\t")
		silent := slices.Contains([]string{string(Honoured), string(CallDefault), string(Named)}, cells[2])
		if silent != (cells[3] == "") {
			t.Errorf("line %d: a key that is not honoured needs a clause, and only that: %q", i+1, line)
		}
		if seen[cells[0]+cells[1]] {
			t.Errorf("line %d: %s twice", i+1, cells[1])
		}
		seen[cells[0]+cells[1]] = true
	}
	if len(seen) < 1300 {
		t.Errorf("%d rows; the registry is incomplete", len(seen))
	}
}

func TestHonouredKeysAreReadByTheCode(t *testing.T) {
	var code strings.Builder
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			data, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			code.Write(data)
		}
	}
	served := map[string]bool{}
	for _, row := range provider.All() {
		for _, key := range settingsKeys(row.Name) {
			served[key] = served[key] || !row.Planned
		}
	}
	for _, section := range []string{"root", "litellm_settings", "general_settings", "router_settings", "litellm_params", "entry"} {
		for key, entry := range registry()[section] {
			providerKey := section == "litellm_settings" && served[key]
			if (entry.status == Honoured || entry.status == Named) && !providerKey && !strings.Contains(code.String(), `"`+key+`"`) {
				t.Errorf("%s.%s is honoured in the registry, but no code reads it", section, key)
			}
		}
	}
}
