package config

import (
	"slices"
	"strings"
	"testing"
)

func TestReferenceIsReadFromTheEnvironment(t *testing.T) {
	cfg, report := usable(t, `
model_list:
  - model_name: os.environ/NAME
    litellm_params:
      model: os.environ/MODEL
      api_key: "os.environ/KEY"
      api_base: ${BASE:-http://10.0.0.1:8000/v1/}
      api_version: ${VERSION}
      organization: env("ORG")
`, env("NAME", "gpt", "MODEL", "openai/gpt-4o", "KEY", "k-0000000001", "VERSION", "v1", "ORG", "org-1"))
	d := one(t, cfg)
	if d.ModelName != "gpt" || d.Model != "gpt-4o" || d.APIKey.Reveal() != "k-0000000001" || d.APIBase != "http://10.0.0.1:8000/v1" || d.APIVersion != "v1" || d.Organization != "org-1" {
		t.Errorf("%+v\n%s", d, render(t, report))
	}
	says(t, report, Note, "${VERSION} is read from the environment", "os.environ/VERSION")
	says(t, report, Note, `env("ORG") is read from the environment`)
}

func TestReferenceInsideAValueIsUsedAsItStands(t *testing.T) {
	cfg, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: openai/os.environ/X, api_key: k}}\n  - model_name: b\n    litellm_params: {model: 'openai/${Y:-z}', api_key: k}\n", env("X", "x", "Y", "y"))
	if cfg.Deployments[0].Model != "os.environ/X" || cfg.Deployments[1].Model != "${Y:-z}" {
		t.Errorf("%q %q", cfg.Deployments[0].Model, cfg.Deployments[1].Model)
	}
	says(t, report, Warning, "os.environ/ works only as the whole value")
	says(t, report, Warning, "${…} is expanded only when it is the whole value")
}

func TestPasswordWithADollarIsLeftAlone(t *testing.T) {
	cfg, report := usable(t, gpt("general_settings: {master_key: 'sk-pa$${x}word-1'}\n"), env("x", "y"))
	if cfg.General.MasterKey.Reveal() != "sk-pa$${x}word-1" {
		t.Error("the key was changed")
	}
	says(t, report, Warning, "${…} is expanded only")
}

func TestMissingVariableNamesTheKeyAndTheLine(t *testing.T) {
	cfg, report := usable(t, `model_list:
  - model_name: nokey
    litellm_params: {model: gemini/gemini-2.5-pro, api_key: os.environ/MY_KEY}
  - model_name: nomodel
    litellm_params: {model: os.environ/MY_MODEL}
  - model_name: nobase
    litellm_params: {model: openai/x, api_base: os.environ/MY_BASE, api_key: k}
litellm_settings:
  request_timeout: os.environ/MY_TIMEOUT
  cache_params: {host: os.environ/MY_HOST}
general_settings:
  master_key: os.environ/MY_MASTER
`, nil)
	if d := one(t, cfg); d.APIKey.IsSet() || d.MissingKey != "MY_KEY" || !slices.Equal(cfg.MissingKeys, []string{"MY_KEY"}) {
		t.Errorf("%+v %v", d, cfg.MissingKeys)
	}
	at(t, says(t, report, Warning, "MY_KEY is not set, so the deployment has no key", "Set MY_KEY"), 3, 61)
	at(t, says(t, report, Error, "MY_MODEL, which `model` needs"), 5, 29)
	at(t, says(t, report, Error, "MY_BASE, which `api_base` needs"), 7, 49)
	at(t, says(t, report, Warning, "MY_TIMEOUT is not set"), 9, 20)
	at(t, says(t, report, Warning, "MY_HOST is not set"), 10, 24)
	at(t, says(t, report, Warning, "MY_MASTER is not set, so LITELLM_MASTER_KEY counts"), 12, 15)
}

func TestSameMissingVariableIsOneFindingWithAllLines(t *testing.T) {
	entry := "  - {model_name: a, litellm_params: {model: gemini/gemini-2.5-pro, api_key: os.environ/MY_KEY}}\n"
	_, report := usable(t, "model_list:\n"+entry+entry+entry, nil)
	if f := says(t, report, Warning, "MY_KEY"); !strings.Contains(f.Message, "also on lines 3, 4") {
		t.Errorf("%s", f.Message)
	}
	if report.Count(Warning) != 1 {
		t.Errorf("%s", render(t, report))
	}
}

func TestUnsetKeyFallsBackToTheProvidersOwnVariable(t *testing.T) {
	cfg, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: os.environ/MY_KEY}}\n", env("OPENAI_API_KEY", "sk-own-key-0000001"))
	if d := one(t, cfg); d.APIKey.Reveal() != "sk-own-key-0000001" || d.KeySource != "OPENAI_API_KEY" || d.MissingKey != "" {
		t.Errorf("%+v", d)
	}
	says(t, report, Warning, "MY_KEY is not set; OPENAI_API_KEY is used instead")
}

func TestAbsentKeyIsTheProvidersVariable(t *testing.T) {
	text := "model_list:\n  - {model_name: a, litellm_params: {model: gemini/gemini-2.5-pro}}\n"
	cfg, report := usable(t, text, env("GOOGLE_API_KEY", "google-000001", "GEMINI_API_KEY", "gemini-000001", "GEMINI_API_BASE", "https://x.example/v1beta/"))
	if d := one(t, cfg); d.APIKey.Reveal() != "google-000001" || d.APIBase != "https://x.example/v1beta" || len(report.Findings) != 0 {
		t.Errorf("%+v\n%s", d, render(t, report))
	}
	cfg, report = usable(t, text, nil)
	if d := one(t, cfg); d.MissingKey == "" {
		t.Error("no missing key")
	}
	says(t, report, Warning, `"a" has no key`, "GOOGLE_API_KEY or GEMINI_API_KEY")
}

func TestEmptyKeyCountsAsAbsentAndNoneAsNoKey(t *testing.T) {
	cfg, report := usable(t, `model_list:
  - {model_name: empty, litellm_params: {model: openai/gpt-4o, api_key: ""}}
  - {model_name: none, litellm_params: {model: openai/gpt-4o, api_key: None, api_base: "http://10.0.0.1/v1"}}
`, env("OPENAI_API_KEY", "sk-own-key-0000001"))
	if cfg.Deployments[0].APIKey.Reveal() != "sk-own-key-0000001" || cfg.Deployments[1].APIKey.IsSet() {
		t.Errorf("%q %q", cfg.Deployments[0].APIKey.Reveal(), cfg.Deployments[1].APIKey.Reveal())
	}
	says(t, report, Note, "None is a word here", "no key")
}

func TestLocalServersNeedNoKey(t *testing.T) {
	cfg, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: ollama/llama3, api_base: 'http://localhost:11434'}, model_info: {input_cost_per_token: 0, output_cost_per_token: 0}}\n", nil)
	if d := one(t, cfg); d.MissingKey != "" || len(report.Findings) != 0 {
		t.Errorf("%s", render(t, report))
	}
}

func TestProviderKeyOfTheSettingsIsUsed(t *testing.T) {
	cfg, _ := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: groq/llama-3.3-70b-versatile}}\nlitellm_settings: {groq_key: gsk-settings-000001}\n", env("GROQ_API_KEY", "env"))
	if d := one(t, cfg); d.APIKey.Reveal() != "gsk-settings-000001" {
		t.Errorf("%+v", d)
	}
}

func TestEnvironmentVariablesOfTheFileComeFirst(t *testing.T) {
	cfg, report := usable(t, `model_list:
  - {model_name: g, litellm_params: {model: gemini/gemini-2.5-pro, api_key: os.environ/SECOND}}
environment_variables:
  GEMINI_API_BASE: https://first.example/v1beta
  SECOND: os.environ/REAL
  SELF: ${SELF}
  DESCRIBED: {description: what it is, required: true}
  VALUED: {value: 5}
  NOTHING:
`, env("GEMINI_API_BASE", "https://process.example", "REAL", "real-key-000001", "SELF", "s"))
	d := one(t, cfg)
	if d.APIBase != "https://first.example/v1beta" || d.APIKey.Reveal() != "real-key-000001" {
		t.Errorf("%+v", d)
	}
	if cfg.Env["SELF"] != "s" || cfg.Env["VALUED"] != "5" {
		t.Errorf("%v", cfg.Env)
	}
	if v, ok := cfg.Getenv("REAL"); !ok || v != "real-key-000001" {
		t.Error("the process environment is not consulted")
	}
	says(t, report, Note, "`DESCRIBED` is a map without a value")
	says(t, report, Note, "`VALUED` is a map; its `value` is used")
}

func TestDotEnvFillsUnsetProviderKeysOnly(t *testing.T) {
	w := world{
		files: map[string]string{
			"litellm_config.yaml": "model_list:\n  - {model_name: a, litellm_params: {model: deepseek/deepseek-v4-pro}}\n  - {model_name: b, litellm_params: {model: gemini/gemini-2.5-pro, api_key: os.environ/OWN_NAME}}\n",
			".env":                "DEEPSEEK_API_KEY=from-dotenv-000001\nGEMINI_API_KEY=dotenv\nOPENAI_BASE_URL=http://elsewhere/v1\nOWN_NAME=x\nexport EMPTY=\n",
		},
		env: env("GEMINI_API_KEY", "process-000001"),
	}
	cfg, report := Load(w.options())
	if got := cfg.Deployments[0].APIKey.Reveal(); got != "from-dotenv-000001" {
		t.Errorf("deepseek key %q", got)
	}
	if got := cfg.Deployments[1].APIKey.Reveal(); got != "process-000001" {
		t.Errorf("gemini key %q", got)
	}
	if _, ok := cfg.Getenv("OPENAI_BASE_URL"); ok {
		t.Error("OPENAI_BASE_URL was taken from the .env")
	}
	says(t, report, Note, "DEEPSEEK_API_KEY was not set in the environment: taken from this file")
	says(t, report, Warning, "OWN_NAME is not set", "--env-file .env")
	if !slices.Contains(cfg.Files, ".env") {
		t.Errorf("files %v", cfg.Files)
	}
}

func TestClientsDotEnvGivesNoOpenAIKey(t *testing.T) {
	w := world{files: map[string]string{
		"litellm_config.yaml": "model_list:\n  - {model_name: a, litellm_params: {model: openai/gpt-4o}}\n",
		".env":                "OPENAI_BASE_URL=http://localhost:4000/v1\nOPENAI_API_KEY=sk-litellm-proxy-local\nOPENAI_MODEL=gemini/gemini-3-pro-preview\n",
	}}
	cfg, report := Load(w.options())
	if one(t, cfg).APIKey.IsSet() {
		t.Error("the client's key was taken for OpenAI's")
	}
	says(t, report, Note, "OPENAI_API_KEY of this file is not used", "client's key")
}

func TestEnvFileFillsWhatIsUnset(t *testing.T) {
	w := world{
		files: map[string]string{"litellm_config.yaml": gpt("general_settings: {master_key: os.environ/MK}\n"), "x.env": "MK=sk-from-file-0001\nSET=file\n"},
		env:   env("SET", "process"),
	}
	o := w.options()
	o.EnvFile = "x.env"
	cfg, _ := Load(o)
	if cfg.General.MasterKey.Reveal() != "sk-from-file-0001" {
		t.Error("MK was not read")
	}
	if v, _ := cfg.Getenv("SET"); v != "process" {
		t.Errorf("SET is %q", v)
	}
	o.EnvFile = "missing.env"
	_, report := Load(o)
	says(t, report, Error, "The env file cannot be read")
}

func TestBrokenDotEnvIsSaidWithoutItsText(t *testing.T) {
	w := world{files: map[string]string{"litellm_config.yaml": gpt(""), ".env": "GEMINI_API_KEY='canary-secret-000001\n"}}
	_, report := Load(w.options())
	says(t, report, Warning, "cannot be parsed")
	if strings.Contains(render(t, report), "canary") {
		t.Error("the line is shown")
	}
}

func TestVariablesThatLiteLLMReadsItself(t *testing.T) {
	cfg, _ := usable(t, gpt(""), env("LITELLM_MASTER_KEY", "sk-from-env-000001", "JSON_LOGS", "True", "LITELLM_LOG", "DEBUG", "LITELLM_MODIFY_PARAMS", "true", "SSL_VERIFY", "false",
		"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY", "true"))
	d := cfg.Defaults
	if cfg.General.MasterKey.Reveal() != "sk-from-env-000001" || !cfg.General.PermitWeakMasterKey || !d.JSONLogs || !d.Verbose || !d.ModifyParams || d.SSLVerify == nil || *d.SSLVerify {
		t.Errorf("%+v %+v", cfg.General.PermitWeakMasterKey, d)
	}
}

func TestIncludeMergesAsLiteLLMDoes(t *testing.T) {
	w := world{files: map[string]string{
		"conf/main.yaml":         "include: [sub/a.yaml, missing.yaml]\nmodel_list:\n  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k}}\nlitellm_settings: {drop_params: true, num_retries: 1}\n",
		"conf/sub/a.yaml":        "include: nested/b.yaml\nmodel_list:\n  - {model_name: b, litellm_params: {model: openai/gpt-4o, api_key: k}}\nlitellm_settings: {num_retries: 4}\n",
		"conf/sub/nested/b.yaml": "include: [../../main.yaml, ../a.yaml]\nmodel_list:\n  - {model_name: c, litellm_params: {model: openai/gpt-4o, api_key: k}}\nrouter_settings: {timeout: 3}\n",
	}}
	o := w.options()
	o.Path = "conf/main.yaml"
	cfg, report := Load(o)
	if got := strings.Join(cfg.Groups(), ","); got != "a,b,c" {
		t.Errorf("groups %s\n%s", got, render(t, report))
	}
	if cfg.Defaults.DropParams != nil || *cfg.Defaults.NumRetries != 4 || cfg.Router.Timeout == 0 {
		t.Errorf("the included section does not replace the first: %+v", cfg.Defaults)
	}
	f := says(t, report, Error, "The included file missing.yaml is not used")
	if f.Pos.File != "conf/main.yaml" || f.Pos.Line != 1 {
		t.Errorf("%v", f.Pos)
	}
	says(t, report, Note, "`litellm_settings` of this included file replaces")
	if len(cfg.Files) != 3 {
		t.Errorf("files %v", cfg.Files)
	}
}
