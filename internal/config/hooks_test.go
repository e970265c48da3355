package config

import (
	"strings"
	"testing"
)

const hookRemedy = "fairlead_settings.allow_missing_hooks: true"

func TestGuardrailThatCannotRunRefusesToStart(t *testing.T) {
	for name, text := range map[string]string{
		"list":         "guardrails:\n  - guardrail_name: pii\n    litellm_params: {guardrail: presidio, mode: pre_call}\n",
		"in settings":  "litellm_settings:\n  guardrails: [{pii: {callbacks: [presidio]}}]\n",
		"callback":     "litellm_settings: {callbacks: [presidio]}\n",
		"plain text":   "litellm_settings: {callbacks: lakera_prompt_injection}\n",
		"rule":         "litellm_settings: {post_call_rules: my.rule}\n",
		"policies":     "policies: {strict: {guardrails: {add: [pii]}}}\n",
		"deployment":   "      guardrails: [pii]\n",
		"custom class": "guardrails:\n  - guardrail_name: mine\n    litellm_params: {guardrail: my.Class, mode: [pre_call], default_on: true}\n",
	} {
		t.Run(name, func(t *testing.T) {
			cfg, report := usable(t, gpt(text), nil)
			one(t, cfg)
			if !strings.Contains(report.Refusal(), "cannot run here") || !strings.Contains(report.Refusal(), hookRemedy) {
				t.Errorf("refusal %q", report.Refusal())
			}
			if !report.HasErrors() {
				t.Error("check would exit with 0")
			}
			_, report = usable(t, gpt(text)+"fairlead_settings: {allow_missing_hooks: true}\n", nil)
			if report.Refusal() != "" || report.HasErrors() {
				t.Errorf("refused although allowed: %s", render(t, report))
			}
			says(t, report, Warning, "cannot run here", "starts without it")
		})
	}
}

func TestCustomAuthRefusesToStart(t *testing.T) {
	_, report := usable(t, gpt("general_settings: {custom_auth: my_auth.user_api_key_auth}\n"), nil)
	if got := report.Refusal(); !strings.Contains(got, "custom_auth (my_auth.user_api_key_auth)") || !strings.Contains(got, hookRemedy) {
		t.Errorf("refusal %q", got)
	}
	_, report = usable(t, gpt("general_settings: {custom_auth: }\nguardrails: []\n"), nil)
	if report.Refusal() != "" {
		t.Errorf("refused for an empty value: %q", report.Refusal())
	}
}

func TestLoggersAreNamedAndSkipped(t *testing.T) {
	_, report := usable(t, gpt("litellm_settings:\n  callbacks: my_module.handler\n  success_callback: [langfuse, db, [a]]\n  failure_callback: []\n"), nil)
	at(t, says(t, report, Warning, "The callback my_module.handler is Python code", "skipped"), 7, 14)
	at(t, says(t, report, Warning, "The logger langfuse is planned"), 8, 22)
	says(t, report, Warning, "db is no callback that LiteLLM knows")
	says(t, report, Warning, "A callback must be a name; a list is ignored")
	if report.Refusal() != "" || report.HasErrors() {
		t.Errorf("a logger stops the start: %s", render(t, report))
	}
}

func TestDatabaseIsNamedAndServedWithout(t *testing.T) {
	cfg, report := usable(t, gpt("general_settings: {master_key: sk-master-000001, database_url: 'postgresql://u:canarypass1@db/x'}\n"), nil)
	at(t, says(t, report, Warning, "Keys and spend kept in that database are not known here yet", "master key"), 6, 64)
	if !cfg.General.MasterKey.IsSet() || !cfg.General.DatabaseURL.IsSet() || strings.Contains(render(t, report), "canarypass1") {
		t.Errorf("%s", render(t, report))
	}
	for _, empty := range []string{"", `""`, "null"} {
		_, report = usable(t, gpt("general_settings: {database_url: "+empty+"}\n"), nil)
		silent(t, report, "that database")
	}
}

func TestModelPastItsEndIsWarnedOf(t *testing.T) {
	_, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: deepseek/deepseek-chat, api_key: k}}\n", nil)
	at(t, says(t, report, Warning, "deepseek-chat of deepseek is past its end", "2026-07-24"), 2, 5)
	_, report = usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: deepseek/deepseek-v4-pro, api_key: k}}\n", nil)
	if len(report.Findings) != 0 {
		t.Errorf("%s", render(t, report))
	}
}

func TestModelWithoutAPriceIsWarnedOf(t *testing.T) {
	text := "model_list:\n  - model_name: a\n    litellm_params: {model: openai/my-very-own-model, api_key: k, api_base: 'http://10.0.0.1/v1'}\n"
	_, report := usable(t, text, nil)
	says(t, report, Warning, "my-very-own-model", "cost of its calls is unknown", "not counted as 0")
	for _, priced := range []string{"    model_info: {input_cost_per_token: 0.1}\n", "    model_info: {base_model: gpt-4o}\n"} {
		_, report = usable(t, text+priced, nil)
		silent(t, report, "cost of its calls")
	}
}

func TestUnknownModeIsNamed(t *testing.T) {
	_, report := usable(t, gpt("    model_info: {mode: tts}\n"), nil)
	at(t, says(t, report, Warning, `"tts" is no mode`, "audio_speech?"), 6, 24)
	_, report = usable(t, gpt("    model_info: {mode: embeddings}\n"), nil)
	says(t, report, Warning, `"embeddings" is no mode`, "embedding?")
}

func TestSSLVerify(t *testing.T) {
	text := gpt("      ssl_verify: false\nlitellm_settings: {ssl_verify: /etc/ca.pem}\n")
	cfg, report := Load(world{map[string]string{"litellm_config.yaml": text, "/etc/ca.pem": "pem"}, nil}.options())
	if d := one(t, cfg); d.SSLVerify == nil || *d.SSLVerify || cfg.Defaults.CAFile != "/etc/ca.pem" || cfg.Defaults.SSLVerify != nil {
		t.Errorf("%+v", cfg.Defaults)
	}
	at(t, says(t, report, Warning, "Certificates of the provider are not checked"), 6, 19)
	cfg, report = usable(t, gpt("      ssl_verify: /etc/none.pem\n"), nil)
	at(t, says(t, report, Warning, "The CA bundle of `ssl_verify` is not used: it does not exist. The system's certificates are."), 6, 19)
	if d := one(t, cfg); d.CAFile != "" || d.SSLVerify != nil {
		t.Errorf("%+v", d)
	}
}

func TestHeadersThatCouldForgeOthersAreNotSent(t *testing.T) {
	cfg, report := usable(t, gpt("      extra_headers: {\"x-a\": \"1\\r\\nx-evil: 2\", \"bad name\": x, X-Good: 5}\n"), nil)
	if d := one(t, cfg); len(d.ExtraHeaders) != 1 || d.ExtraHeaders["X-Good"] != "5" {
		t.Errorf("%v", d.ExtraHeaders)
	}
	says(t, report, Warning, "`x-a` is no valid header name")
}
