package config

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// world is what a load sees of the machine.
type world struct {
	files map[string]string
	env   map[string]string
}

func (w world) options() Options {
	return Options{
		Path: "litellm_config.yaml",
		Env: func(name string) (string, bool) {
			v, ok := w.env[name]
			return v, ok
		},
		ReadFile: func(path string) ([]byte, error) {
			if text, ok := w.files[filepath.ToSlash(path)]; ok {
				return []byte(text), nil
			}
			return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
		},
		Now: func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) },
	}
}

// env is a map of variables, written as name, value, name, value.
func env(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// loadText loads a configuration that stands alone.
func loadText(t *testing.T, text string, variables map[string]string) (*Config, *Report) {
	t.Helper()
	return Load(world{map[string]string{"litellm_config.yaml": text}, variables}.options())
}

// usable loads a configuration that must give a Config.
func usable(t *testing.T, text string, variables map[string]string) (*Config, *Report) {
	t.Helper()
	cfg, report := loadText(t, text, variables)
	if cfg == nil {
		t.Fatalf("no Config:\n%s", render(t, report))
	}
	return cfg, report
}

func render(t *testing.T, r *Report) string {
	t.Helper()
	var b strings.Builder
	if err := r.WriteText(&b, false); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// says fails unless one finding of the severity holds every fragment in its
// message or remedy; it returns that finding.
func says(t *testing.T, r *Report, severity Severity, fragments ...string) Finding {
	t.Helper()
	for _, f := range r.Findings {
		if f.Severity == severity && holdsAll(f.Message+" "+f.Remedy+" "+f.Key, fragments) {
			return f
		}
	}
	t.Fatalf("no %s says %q:\n%s", severity, fragments, render(t, r))
	return Finding{}
}

func holdsAll(text string, fragments []string) bool {
	for _, fragment := range fragments {
		if !strings.Contains(text, fragment) {
			return false
		}
	}
	return true
}

// silent fails when a finding holds the fragment.
func silent(t *testing.T, r *Report, fragment string) {
	t.Helper()
	for _, f := range r.Findings {
		if strings.Contains(f.Message+f.Remedy+f.Key, fragment) {
			t.Errorf("unexpected %s about %q: %s", f.Severity, fragment, f.Message)
		}
	}
}

// at fails unless the finding stands at line and column.
func at(t *testing.T, f Finding, line, column int) {
	t.Helper()
	if f.Pos.Line != line || f.Pos.Column != column {
		t.Errorf("%q stands at %d:%d, want %d:%d", f.Message, f.Pos.Line, f.Pos.Column, line, column)
	}
}

// one returns the only deployment.
func one(t *testing.T, cfg *Config) Deployment {
	t.Helper()
	if len(cfg.Deployments) != 1 {
		t.Fatalf("%d deployments, want 1 (skipped: %v)", len(cfg.Deployments), cfg.Skipped)
	}
	return cfg.Deployments[0]
}

// param returns a call default as JSON text, "" when there is none.
func param(d Deployment, name string) string {
	for _, p := range d.Params {
		if p.Name == name {
			return string(p.JSON)
		}
	}
	return ""
}

// gpt is a configuration with one deployment whose litellm_params end with
// more lines.
func gpt(more string) string {
	return "model_list:\n  - model_name: gpt\n    litellm_params:\n      model: openai/gpt-4o\n      api_key: sk-literal-key-000001\n" + more
}

func TestDeploymentHoldsWhatItsEntrySays(t *testing.T) {
	cfg, report := usable(t, `
model_list:
  - model_name: smart
    litellm_params:
      model: gemini/gemini-3.1-pro-preview
      api_key: os.environ/MY_KEY
      api_base: https://proxy.example/v1beta/
      rpm: 10
      tpm: 2000
      weight: 2
      order: 1
      timeout: 30
      stream_timeout: 1.5
      keepalive_seconds: 20
      allow_client_keepalive_override: true
      region_name: eu
      max_retries: 0
      drop_params: true
      additional_drop_params: [seed]
      allowed_openai_params: [user]
      extra_headers: {x-team: a}
      extra_body: {b: [1, {c: null}]}
      temperature: 0.1
      thinking: {type: enabled, budget_tokens: 1024}
      input_cost_per_token: 1e-6
    model_info:
      id: my-id
      mode: chat
      supports_vision: true
`, env("MY_KEY", "key-from-the-environment-1"))
	d := one(t, cfg)
	if d.ID != "my-id" || d.ModelName != "smart" || d.Provider != "gemini" || d.Model != "gemini-3.1-pro-preview" || d.APIBase != "https://proxy.example/v1beta" {
		t.Errorf("identity: %+v", d)
	}
	if d.APIKey.Reveal() != "key-from-the-environment-1" || d.KeySource != "MY_KEY" {
		t.Errorf("key from %q", d.KeySource)
	}
	if d.RPM != 10 || d.TPM != 2000 || d.Weight != 2 || d.Order != 1 || d.Timeout != 30*time.Second || d.StreamTimeout != 1500*time.Millisecond || d.Keepalive == nil || *d.Keepalive != 20*time.Second || !d.ClientKeepalive || d.Region != "eu" || d.MaxRetries == nil || *d.MaxRetries != 0 {
		t.Errorf("limits: %+v", d)
	}
	if d.DropParams == nil || !*d.DropParams || d.AdditionalDropParams[0] != "seed" || d.AllowedOpenAIParams[0] != "user" || d.ExtraHeaders["x-team"] != "a" {
		t.Errorf("shaping: %+v", d)
	}
	if string(d.ExtraBody) != `{"b":[1,{"c":null}]}` || param(d, "temperature") != "0.1" || param(d, "thinking") != `{"type":"enabled","budget_tokens":1024}` {
		t.Errorf("bodies: %s %v", d.ExtraBody, d.Params)
	}
	if string(d.Info["input_cost_per_token"]) != "1e-6" || d.Mode() != "chat" || string(d.Info["supports_vision"]) != "true" {
		t.Errorf("info: %v", d.Info)
	}
	if len(report.Findings) != 0 {
		t.Errorf("findings:\n%s", render(t, report))
	}
}

func TestRecordedConfigurationsLoadWithoutErrors(t *testing.T) {
	files, err := filepath.Glob("testdata/recorded/*.yaml")
	if err != nil || len(files) < 7 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	variables := env("OPENAI_API_KEY", "k", "GEMINI_API_KEY", "k", "ANTHROPIC_API_KEY", "k", "DEEPSEEK_API_KEY", "k", "OPENAI_API_KEY_DIRECT", "k", "KIT_MASTER_KEY", "sk-kit",
		"FAKE_GEMINI_BASE", "http://127.0.0.1:9900/gemini/v1beta", "FAKE_OPENAI_BASE", "http://127.0.0.1:9900/openai/v1",
		"FAKE_DEEPSEEK_BASE", "http://127.0.0.1:9900/deepseek", "FAKE_ANTHROPIC_BASE", "http://127.0.0.1:9900/anthropic")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data, err := readLimited(file)
			if err != nil {
				t.Fatal(err)
			}
			cfg, report := usable(t, strings.ReplaceAll(string(data), "{{UPSTREAM}}", "127.0.0.1:9900"), variables)
			if report.HasErrors() || len(cfg.Skipped) > 1 || len(cfg.Deployments) == 0 {
				t.Errorf("%d served, %d skipped:\n%s", len(cfg.Deployments), len(cfg.Skipped), render(t, report))
			}
		})
	}
}

func TestExampleFileLoadsWithWarningsOnly(t *testing.T) {
	data, err := readLimited("../../litellm_config.yaml.example")
	if err != nil {
		t.Fatal(err)
	}
	cfg, report := usable(t, string(data), nil)
	if report.HasErrors() || report.Refusal() != "" {
		t.Errorf("errors:\n%s", render(t, report))
	}
	for _, name := range []string{
		"gemini/gemini-3-pro-preview", "gemini/gemini-3-flash-preview", "deepseek/deepseek-chat", "deepseek/deepseek-r1", "openai/gpt-4o",
		"gemini/gemini-3.1-pro-preview", "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-pro",
	} {
		if !strings.Contains(strings.Join(cfg.Groups(), " "), name) {
			t.Errorf("%s is not served", name)
		}
	}
	if cfg.Defaults.DropParams == nil || !*cfg.Defaults.DropParams {
		t.Error("drop_params is not on")
	}
	if cfg.General.MasterKey.IsSet() {
		t.Error("the master key is not commented out")
	}
}

func TestFileThatCannotBeReadIsOneSentence(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"missing":     {"", "it does not exist"},
		"root list":   {"- model_name: a\n- model_name: b\n", "The root of the file is a list"},
		"playbook":    {"- hosts: all\n  tasks: []\n", "Ansible"},
		"documents":   {"model_list: []\n---\nmodel_list: []\n", "several YAML documents"},
		"kubernetes":  {"apiVersion: v1\nkind: ConfigMap\ndata:\n  c: x\n", "Kubernetes manifest (kind ConfigMap)"},
		"compose":     {"services:\n  litellm: {}\n", "Docker Compose"},
		"helm":        {"proxy_config:\n  model_list: []\n", "Helm"},
		"scalar":      {"hello\n", "The root of the file is text"},
		"empty":       {"# nothing\n", "The file is empty"},
		"syntax":      {"model_list:\n  - a: 1\n   - b: 2\n", "not valid YAML"},
		"tabs":        {"model_list:\n\t- a: 1\n", "Indent with spaces"},
		"bare star":   {"a:\n  model_name: *\n  b: 1\n", "must be quoted"},
		"binary":      {"a: \xff\xfe\xfd\n", "not UTF-8"},
		"brackets":    {"a: " + strings.Repeat("[", 5000), "nests brackets"},
		"nested list": {strings.Repeat("- ", 500) + "x\n", "nests lists"},
		"long":        {strings.Repeat("a\n", maxLines+10), "at most"},
	} {
		t.Run(name, func(t *testing.T) {
			w := world{files: map[string]string{"litellm_config.yaml": c.text}}
			if name == "missing" {
				w.files = nil
			}
			cfg, report := Load(w.options())
			if cfg != nil {
				t.Error("there is a Config")
			}
			if report.Count(Error) != 1 {
				t.Errorf("%d errors, want 1", report.Count(Error))
			}
			says(t, report, Error, c.want)
		})
	}
}

func TestSyntaxErrorHasItsPlaceAndACaret(t *testing.T) {
	_, report := loadText(t, "model_list:\n  - a: b: c\n", nil)
	f := says(t, report, Error, "not valid YAML")
	at(t, f, 2, 8)
	want := "    2 |   - a: b: c\n      |        ^\n"
	if got := render(t, report); !strings.Contains(got, want) {
		t.Errorf("no caret under the place:\n%s", got)
	}
}
