package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestLooseScalarsMeanWhatTheySay(t *testing.T) {
	cfg, report := usable(t, gpt(`      timeout: "30"
      stream_timeout: 5m
      rpm: "100"
      temperature: "0.2"
      parallel_tool_calls: "true"
      drop_params: "yes"
      max_tokens: 1_000
      organization: 1.10
router_settings:
  num_retries: "3"
  allowed_fails: 2.0
  cooldown_time: os.environ/COOLDOWN
litellm_settings:
  modify_params: off
`), env("COOLDOWN", "7"))
	d := one(t, cfg)
	if d.Timeout != 30*time.Second || d.StreamTimeout != 5*time.Minute || d.RPM != 100 || !*d.DropParams || d.Organization != "1.10" {
		t.Errorf("%+v", d)
	}
	if param(d, "temperature") != "0.2" || param(d, "parallel_tool_calls") != "true" || param(d, "max_tokens") != "1000" {
		t.Errorf("params: %v", d.Params)
	}
	if r := cfg.Router; *r.NumRetries != 3 || *r.AllowedFails != 2 || *r.CooldownTime != 7*time.Second {
		t.Errorf("router: %+v", r)
	}
	if cfg.Defaults.ModifyParams || len(report.Findings) != 0 {
		t.Errorf("findings:\n%s", render(t, report))
	}
}

func TestWrongTypeIsNamedAndIgnored(t *testing.T) {
	cfg, report := usable(t, gpt(`      timeout: soon
      rpm: [1]
      max_retries: -1
      extra_headers: x
      temperature: warm
router_settings:
  num_retries: 1.5
  enable_pre_call_checks: maybe
`), nil)
	d := one(t, cfg)
	if d.Timeout != 0 || d.RPM != 0 || d.MaxRetries != nil || d.ExtraHeaders != nil || param(d, "temperature") != "" || cfg.Router.NumRetries != nil {
		t.Errorf("%+v", d)
	}
	at(t, says(t, report, Warning, "`timeout` must be a number of seconds", `"soon" is ignored`), 6, 16)
	says(t, report, Warning, "`rpm` must be a number", "a list is ignored")
	says(t, report, Warning, "`max_retries` must be a whole number")
	says(t, report, Warning, "`extra_headers` must be a map")
	says(t, report, Warning, "`temperature` must be a number")
	says(t, report, Warning, "`num_retries` must be a whole number")
	says(t, report, Warning, "`enable_pre_call_checks` must be true or false")
}

func TestUnsetIsNotZero(t *testing.T) {
	cfg, _ := usable(t, gpt("router_settings: {num_retries: 0, retry_after: 0}\n"), nil)
	if r := cfg.Router; r.NumRetries == nil || *r.NumRetries != 0 || r.RetryAfter == nil || r.AllowedFails != nil || r.CooldownTime != nil {
		t.Errorf("%+v", r)
	}
}

func TestTextWhereAListIsMeant(t *testing.T) {
	cfg, report := usable(t, gpt(`      additional_drop_params: seed
router_settings:
  default_fallbacks: gpt
  fallbacks:
    - other: gpt
litellm_settings:
  callbacks: langfuse
`), nil)
	if d := one(t, cfg); !slices.Equal(d.AdditionalDropParams, []string{"seed"}) {
		t.Errorf("%v", d.AdditionalDropParams)
	}
	if got, _ := cfg.Router.Fallbacks.For("other"); !slices.Equal(got, []string{"gpt"}) || !slices.Equal(TargetNames(cfg.Router.DefaultFallbacks), []string{"gpt"}) {
		t.Errorf("%+v", cfg.Router)
	}
	says(t, report, Warning, "The logger langfuse is planned")
}

func TestLastOfDuplicateKeysWinsAndIsSaid(t *testing.T) {
	cfg, report := usable(t, gpt(`      rpm: 1
      rpm: 2
litellm_settings: {num_retries: 1}
litellm_settings: {num_retries: 5}
`), nil)
	if d := one(t, cfg); d.RPM != 2 || *cfg.Defaults.NumRetries != 5 {
		t.Errorf("rpm %d, num_retries %d", d.RPM, *cfg.Defaults.NumRetries)
	}
	at(t, says(t, report, Warning, "`rpm` stands twice", "line 6"), 7, 7)
	at(t, says(t, report, Warning, "`litellm_settings` stands twice"), 9, 1)
}

func TestEmptySectionsMeanNothing(t *testing.T) {
	for _, text := range []string{"general_settings:\nlitellm_settings: {}\nrouter_settings: null\nenvironment_variables:\n", "fairlead_settings:\nguardrails: []\ninclude:\n"} {
		cfg, report := usable(t, gpt(text), nil)
		one(t, cfg)
		if len(report.Findings) != 0 {
			t.Errorf("%q:\n%s", text, render(t, report))
		}
	}
}

func TestModelListMayBeEmptyOrAbsent(t *testing.T) {
	for _, text := range []string{"model_list: []\n", "model_list:\n", "litellm_settings: {drop_params: true}\n"} {
		cfg, report := usable(t, text, nil)
		if len(cfg.Deployments) != 0 || report.HasErrors() {
			t.Errorf("%q: %s", text, render(t, report))
		}
		says(t, report, Warning, "no model is served")
	}
}

func TestModelListOfAnotherTypeIsAnError(t *testing.T) {
	_, report := usable(t, "model_list: {gpt: x}\n", nil)
	says(t, report, Error, "`model_list` must be a list", "a map")
}

func TestMergeKeysWithAListOfAnchors(t *testing.T) {
	cfg, report := usable(t, `
x-params:
  a: &a {timeout: 10, api_key: sk-literal-key-000001}
  b: &b {timeout: 20, rpm: 5}
model_list:
  - model_name: gpt
    litellm_params:
      <<: [*a, *b]
      model: openai/gpt-4o
      rpm: 7
`, nil)
	d := one(t, cfg)
	if d.Timeout != 10*time.Second || d.RPM != 7 || d.APIKey.Reveal() != "sk-literal-key-000001" {
		t.Errorf("%+v", d)
	}
	says(t, report, Note, "`x-params` is not read")
	if report.Count(Warning) != 0 {
		t.Errorf("%s", render(t, report))
	}
}

func TestByteOrderMarkAndCarriageReturns(t *testing.T) {
	cfg, report := usable(t, "\ufeff"+strings.ReplaceAll(gpt("general_settings: {}\n"), "\n", "\r\n"), nil)
	one(t, cfg)
	if len(report.Findings) != 0 {
		t.Errorf("%s", render(t, report))
	}
	wide := []byte("\xff\xfe")
	for _, c := range gpt("") {
		wide = append(wide, byte(c), 0)
	}
	cfg, _ = usable(t, string(wide), nil)
	one(t, cfg)
}

func TestAliasBombIsBounded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n")
	for i := 1; i < 30; i++ {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d,*a%d,*a%d,*a%d]\n", i, i, i-1, i-1, i-1, i-1)
	}
	_, report := usable(t, b.String()+gpt(""), nil)
	says(t, report, Error, "stands for more than 20000 values")
}

func TestAliasWithoutAnchorSuggestsQuotes(t *testing.T) {
	_, report := usable(t, "model_list:\n  - model_name: *gpt\n    litellm_params: {model: openai/gpt-4o}\n", nil)
	at(t, says(t, report, Error, "*gpt refers to an anchor", `quote it: "*gpt"`), 2, 17)
	says(t, report, Error, "it has no model_name")
}

func TestDeepNestingIsCut(t *testing.T) {
	var b strings.Builder
	for i := range maxDepth + 10 {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	_, report := usable(t, b.String()+gpt(""), nil)
	says(t, report, Error, "nested deeper")
}

func TestUnknownTagIsNamed(t *testing.T) {
	_, report := usable(t, gpt("general_settings: {master_key: !env FOO}\n"), nil)
	says(t, report, Warning, "The YAML tag !env is not known", "os.environ/NAME")
}

func TestBareModelNameFindsItsProvider(t *testing.T) {
	cfg, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: gpt-4o, api_key: k}}\n  - {model_name: b, litellm_params: {model: claude-sonnet-5-5, api_key: k}}\n", nil)
	if cfg.Deployments[0].Provider != "openai" || cfg.Deployments[1].Provider != "anthropic" || report.HasErrors() {
		t.Errorf("%s", render(t, report))
	}
}

func TestBareModelWithABaseIsAnOpenAICompatibleServer(t *testing.T) {
	cfg, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: my-own, api_base: 'http://10.0.0.5:8000/v1', api_key: k}}\n", nil)
	if d := one(t, cfg); d.Provider != "openai" || d.Model != "my-own" {
		t.Errorf("%+v", d)
	}
	says(t, report, Warning, "my-own names no provider", "openai/my-own")
}

func TestDatesAndNamesThatLookLikeNumbersStayText(t *testing.T) {
	cfg, _ := usable(t, gpt("    model_info: {id: 007, knowledge_cutoff: 2025-01-31}\n"), nil)
	d := one(t, cfg)
	if d.ID != "007" || string(d.Info["knowledge_cutoff"]) != `"2025-01-31"` {
		t.Errorf("%s %s", d.ID, d.Info["knowledge_cutoff"])
	}
}

func TestRatesMayStandBesideTheParams(t *testing.T) {
	cfg, report := usable(t, "model_list:\n  - model_name: gpt\n    rpm: 5\n    tpm: 50\n    litellm_params: {model: openai/gpt-4o, api_key: k, rpm: 9}\n", nil)
	if d := one(t, cfg); d.RPM != 5 || d.TPM != 50 || len(report.Findings) != 0 {
		t.Errorf("%+v\n%s", d, render(t, report))
	}
}

func TestParamsOneLevelTooHighAreReadAndSaid(t *testing.T) {
	for _, params := range []string{"    litellm_params: {}\n", ""} {
		cfg, report := usable(t, "model_list:\n  - model_name: gpt\n"+params+"    model: openai/gpt-4o\n    api_key: sk-literal-key-000001\n    temperature: 0.5\n", nil)
		if d := one(t, cfg); d.Model != "gpt-4o" || !d.APIKey.IsSet() || param(d, "temperature") != "0.5" {
			t.Errorf("%+v", d)
		}
		says(t, report, Warning, "beside `litellm_params`", "Move the fields below")
		silent(t, report, "unknown key")
	}
}

func TestDropParamsAsAListIsTrueAndNamesThem(t *testing.T) {
	cfg, report := usable(t, gpt("      drop_params: [seed, user]\n"), nil)
	if d := one(t, cfg); d.DropParams == nil || !*d.DropParams || !slices.Equal(d.AdditionalDropParams, []string{"seed", "user"}) {
		t.Errorf("%+v", d)
	}
	says(t, report, Warning, "`drop_params` is a list")
}

func TestBadDeploymentIsSkippedAndTheRestServed(t *testing.T) {
	cfg, report := usable(t, gpt(`  - text
  - model_name: none
  - litellm_params: {model: openai/gpt-4o}
  - model_name: nomodel
    litellm_params: {api_key: k}
  - model_name: unknown
    litellm_params: {model: antropic/claude-x}
  - model_name: planned
    litellm_params: {model: azure/dep}
  - model_name: list
    litellm_params: [a]
  - model_name: base
    litellm_params: {model: openai/x, api_base: localhost:8000}
  - model_name: scheme
    litellm_params: {model: openai/x, api_base: "ftp://x/y"}
  - model_name: cred
    litellm_params: {model: openai/x, litellm_credential_name: nope}
`), nil)
	one(t, cfg)
	if len(cfg.Skipped) != 10 || report.Served != 1 || report.Skipped != 10 {
		t.Errorf("%d skipped: %v", len(cfg.Skipped), cfg.Skipped)
	}
	at(t, says(t, report, Error, "an entry of model_list must be a map, not text"), 6, 5)
	says(t, report, Error, `The deployment "none" is skipped`, "no litellm_params")
	says(t, report, Error, "it has no model_name")
	says(t, report, Error, `"nomodel" is skipped`, "name no model")
	at(t, says(t, report, Error, `"unknown" is skipped`, "anthropic"), 12, 29)
	says(t, report, Warning, `"planned" is skipped`, "the provider azure is planned")
	says(t, report, Error, `"list" is skipped`, "must be a map, not a list")
	says(t, report, Error, `"base" is skipped`, "http://")
	says(t, report, Error, `"scheme" is skipped`, "must start with http")
	says(t, report, Error, `"cred" is skipped`, "no credential named nope")
}

func TestCustomPythonProviderIsSkipped(t *testing.T) {
	cfg, report := usable(t, gpt("  - {model_name: mine, litellm_params: {model: my-llm/x}}\nlitellm_settings:\n  custom_provider_map:\n    - {provider: my-llm, custom_handler: h.h}\n"), nil)
	one(t, cfg)
	says(t, report, Error, `"mine" is skipped`, "Python code of custom_provider_map")
}

func TestEqualDeploymentsGetDifferentStableIDs(t *testing.T) {
	text := gpt("") + strings.TrimPrefix(gpt(""), "model_list:\n")
	a, _ := usable(t, text, nil)
	b, _ := usable(t, text, nil)
	if a.Deployments[0].ID == a.Deployments[1].ID || a.Deployments[0].ID != b.Deployments[0].ID || a.Deployments[1].ID != b.Deployments[1].ID {
		t.Errorf("%s %s", a.Deployments[0].ID, a.Deployments[1].ID)
	}
	other, _ := usable(t, strings.ReplaceAll(text, "sk-literal-key-000001", "sk-another-key-000002"), nil)
	if other.Deployments[0].ID != a.Deployments[0].ID {
		t.Error("the id depends on the key, which it would show in headers")
	}
}

func TestWildcardsKeepTheirPatterns(t *testing.T) {
	cfg, report := usable(t, `
model_list:
  - {model_name: "gemini/*", litellm_params: {model: "gemini/*", api_key: k}}
  - {model_name: "claude-*", litellm_params: {model: "anthropic/claude-*", api_key: k}}
  - {model_name: "*", litellm_params: {model: "openai/*", api_key: k}}
  - {model_name: "*", litellm_params: {model: "*"}}
  - {model_name: plain, litellm_params: {model: "openai/*", api_key: k}}
`, nil)
	want := [][3]string{{"gemini/*", "gemini", "*"}, {"claude-*", "anthropic", "claude-*"}, {"*", "openai", "*"}, {"*", "", "*"}, {"plain", "openai", "*"}}
	for i, w := range want {
		d := cfg.Deployments[i]
		if d.ModelName != w[0] || d.Provider != w[1] || d.Model != w[2] || d.Wildcard != (w[0] != "plain") {
			t.Errorf("%d: %q %q %q %v", i, d.ModelName, d.Provider, d.Model, d.Wildcard)
		}
	}
	says(t, report, Warning, "The model is a pattern, but the model_name")
}

func TestCredentialListFillsADeployment(t *testing.T) {
	cfg, report := usable(t, `
credential_list:
  - credential_name: shared
    credential_values: {api_key: sk-shared-key-000001, api_base: "https://x.example/v1"}
model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-4o, litellm_credential_name: shared}}
router_settings:
  default_litellm_params: {temperature: 0.3, timeout: 9}
`, nil)
	d := one(t, cfg)
	if d.APIKey.Reveal() != "sk-shared-key-000001" || d.APIBase != "https://x.example/v1" || param(d, "temperature") != "0.3" || d.Timeout != 9*time.Second {
		t.Errorf("%+v\n%s", d, render(t, report))
	}
}

func TestModelAliasMapRenamesTheUpstream(t *testing.T) {
	cfg, _ := usable(t, gpt("litellm_settings: {model_alias_map: {openai/gpt-4o: openai/gpt-5}}\n"), nil)
	if d := one(t, cfg); d.Model != "gpt-5" {
		t.Errorf("%s", d.Model)
	}
}
