package doctor

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/fairlead-gateway/fairlead/internal/config"
)

// The files of the guide: five models, drop_params, and the client's .env.
const (
	guideConfig = `model_list:
  - model_name: gemini/gemini-3-pro-preview
    litellm_params: {model: gemini/gemini-3-pro-preview, api_key: os.environ/GEMINI_API_KEY}
  - model_name: gemini/gemini-3-flash-preview
    litellm_params: {model: gemini/gemini-3-flash-preview, api_key: os.environ/GEMINI_API_KEY}
  - model_name: deepseek/deepseek-chat
    litellm_params: {model: deepseek/deepseek-chat, api_key: os.environ/DEEPSEEK_API_KEY}
  - model_name: deepseek/deepseek-r1
    litellm_params: {model: deepseek/deepseek-r1, api_key: os.environ/DEEPSEEK_API_KEY}
  - model_name: openai/gpt-4o
    litellm_params: {model: openai/gpt-4o, api_key: os.environ/OPENAI_API_KEY}
litellm_settings:
  drop_params: true
`
	masterKey = "general_settings:\n  master_key: sk-master-key-of-the-test\n"
	guideEnv  = "OPENAI_BASE_URL=http://localhost:4000/v1\nOPENAI_API_KEY=sk-litellm-proxy-local   # 无认证时可用此值\nOPENAI_MODEL=gemini/gemini-3-pro-preview\n"
)

// scene is what doctor looks at.
type scene struct {
	env       map[string]string
	dotenv    string
	config    string
	gateway   string
	listeners map[string]Listener
	container bool
	named     bool // the .env was named on the command line
	files     map[string]string
}

func (s scene) examine(t *testing.T) *Diagnosis {
	t.Helper()
	files := map[string]string{".env": s.dotenv, "litellm_config.yaml": s.config}
	maps.Copy(files, s.files)
	read := func(path string) ([]byte, error) {
		if text := files[path]; text != "" {
			return []byte(text), nil
		}
		return nil, fs.ErrNotExist
	}
	env := func(name string) (string, bool) { v, ok := s.env[name]; return v, ok }
	now := func() time.Time { return time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC) }
	if s.gateway == "" {
		s.gateway = "localhost:4000"
	}
	cfg, report := config.Load(config.Options{Path: "litellm_config.yaml", Listen: s.gateway, Env: env, ReadFile: read, Now: now})
	o := Options{Env: env, ReadFile: read, Now: now, Config: cfg, Report: report, Gateway: s.gateway, System: System{
		Listening:   func(_ context.Context, address string) Listener { return s.listeners[address] },
		InContainer: func() bool { return s.container },
	}}
	if s.named {
		o.EnvPath = "client.env"
	}
	return Examine(t.Context(), o)
}

// finding returns the findings about a subject as lines.
func (d *Diagnosis) about(subject string) string {
	var lines []string
	for _, f := range d.Findings {
		if f.Subject == subject {
			lines = append(lines, strings.Join([]string{string(f.Severity), f.Place, f.Effect, f.Remedy}, " | "))
		}
	}
	return strings.Join(lines, "\n")
}

func TestGuidesOwnFilesGiveWarningsOnly(t *testing.T) {
	for name, s := range map[string]scene{
		"keys missing":   {dotenv: guideEnv, config: guideConfig},
		"keys set":       {dotenv: guideEnv, config: guideConfig, env: map[string]string{"GEMINI_API_KEY": "AIza-0123456789", "DEEPSEEK_API_KEY": "sk-0123456789", "OPENAI_API_KEY": "sk-0123456789"}},
		"in a container": {dotenv: guideEnv, config: guideConfig, container: true},
		"no client":      {config: guideConfig},
		"running":        {dotenv: guideEnv, config: guideConfig, listeners: map[string]Listener{"localhost:4000": {Kind: Fairlead}}},
	} {
		t.Run(name, func(t *testing.T) {
			d := s.examine(t)
			if d.Count(Error) > 0 || d.Count(Warning) == 0 {
				var b bytes.Buffer
				_ = d.WriteText(&b, false)
				t.Errorf("%d errors, %d warnings\n%s", d.Count(Error), d.Count(Warning), b.String())
			}
		})
	}
}

func TestClientFindings(t *testing.T) {
	with := func(lines string) string { return guideEnv + lines }
	replaced := func(name, value string) string {
		var out []string
		for line := range strings.Lines(guideEnv) {
			if !strings.HasPrefix(line, name+"=") {
				out = append(out, line)
			}
		}
		if value != "" {
			out = append(out, name+"="+value+"\n")
		}
		return strings.Join(out, "")
	}
	secureAt := func(address string) map[string]Listener {
		return map[string]Listener{address: {Kind: Fairlead, TLS: true}}
	}
	fairleadAt := func(address string) map[string]Listener { return map[string]Listener{address: {Kind: Fairlead}} }
	for _, c := range []struct {
		name    string
		scene   scene
		subject string
		want    []string // parts of the finding, in order
	}{
		{"all is well", scene{dotenv: guideEnv, listeners: fairleadAt("localhost:4000")}, "OPENAI_BASE_URL", []string{"ok | .env:1", "leads to the gateway"}},
		{"aihubmix overrides the key", scene{dotenv: with("AIHUBMIX_KEY=sk-hub-0123456789\n")}, "AIHUBMIX_KEY", []string{"warning | .env:4", "sent to the gateway instead of OPENAI_API_KEY", "Put a # before the line"}},
		{"aihubmix is not the master key", scene{dotenv: with("AIHUBMIX_KEY=sk-hub-0123456789\n"), config: guideConfig + masterKey}, "AIHUBMIX_KEY", []string{"error | .env:4", "not the master key", "401"}},
		{"aihubmix bypasses", scene{dotenv: replaced("OPENAI_BASE_URL", "") + "AIHUBMIX_KEY=sk-hub-0123456789\n"}, "AIHUBMIX_KEY", []string{"error", "https://aihubmix.com/v1", "past the gateway", "OPENAI_BASE_URL=http://localhost:4000/v1"}},
		{"aihubmix in the environment", scene{dotenv: guideEnv, env: map[string]string{"AIHUBMIX_KEY": "sk-hub-0123456789"}}, "AIHUBMIX_KEY", []string{"warning | environment", "env -u AIHUBMIX_KEY"}},
		{"gemini wins", scene{dotenv: with("GEMINI_API_KEY=AIza-0123456789\n")}, "GEMINI_API_KEY", []string{"error | .env:4", "Gemini directly", "Gemini > Anthropic > OpenAI-compatible", "#"}},
		{"gemini in the environment", scene{dotenv: guideEnv, env: map[string]string{"GEMINI_API_KEY": "AIza-0123456789"}}, "GEMINI_API_KEY", []string{"warning | environment", "started from this shell"}},
		{"gemini of ten characters", scene{dotenv: with("GEMINI_API_KEY=0123456789\n")}, "GEMINI_API_KEY", []string{"note", "does no harm"}},
		{"gemini of a template", scene{dotenv: with("GEMINI_API_KEY=your_gemini_key_here\n")}, "GEMINI_API_KEY", []string{"note", "does no harm"}},
		{"anthropic wins", scene{dotenv: with("export ANTHROPIC_API_KEY='sk-ant-0123456789'\n")}, "ANTHROPIC_API_KEY", []string{"error | .env:4", "Anthropic directly"}},
		{"key missing", scene{dotenv: replaced("OPENAI_API_KEY", "")}, "OPENAI_API_KEY", []string{"error", "missing"}},
		{"key too short", scene{dotenv: replaced("OPENAI_API_KEY", "sk-1234")}, "OPENAI_API_KEY", []string{"error", "7 characters", "8 and more"}},
		{"key of a template", scene{dotenv: replaced("OPENAI_API_KEY", "your_openai_key")}, "OPENAI_API_KEY", []string{"error", "placeholder"}},
		{"key looks like a placeholder", scene{dotenv: replaced("OPENAI_API_KEY", "sk-xxxxxxxxxx")}, "OPENAI_API_KEY", []string{"warning", "placeholder"}},
		{"key is not the master key", scene{dotenv: guideEnv, config: guideConfig + masterKey}, "OPENAI_API_KEY", []string{"error | .env:2", "401", "master key"}},
		{"key is the master key", scene{dotenv: replaced("OPENAI_API_KEY", "sk-master-key-of-the-test"), config: guideConfig + masterKey}, "OPENAI_API_KEY", []string{"ok"}},
		{"base missing", scene{dotenv: replaced("OPENAI_BASE_URL", "")}, "OPENAI_BASE_URL", []string{"error", "https://api.openai.com/v1", "OPENAI_BASE_URL=http://localhost:4000/v1"}},
		{"base without scheme", scene{dotenv: replaced("OPENAI_BASE_URL", "localhost:4000/v1")}, "OPENAI_BASE_URL", []string{"error", "no scheme", "http://localhost:4000/v1"}},
		{"base with another scheme", scene{dotenv: replaced("OPENAI_BASE_URL", "ftp://localhost/v1")}, "OPENAI_BASE_URL", []string{"error", "not an http://"}},
		{"base without /v1", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:4000/")}, "OPENAI_BASE_URL", []string{"warning", "does not end in /v1", "http://localhost:4000/v1"}},
		{"base with the whole path", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:4000/v1/chat/completions")}, "OPENAI_BASE_URL", []string{"error", "404"}},
		{"base with another path", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:4000/api")}, "OPENAI_BASE_URL", []string{"warning", "/api"}},
		{"wrong port, nobody there", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:5000/v1")}, "OPENAI_BASE_URL", []string{"error", "Nothing answers on port 5000", "port is 4000", "--port 5000"}},
		{"wrong port, another program", scene{dotenv: replaced("OPENAI_BASE_URL", "http://127.0.0.1:5000/v1"), listeners: map[string]Listener{"127.0.0.1:5000": {Kind: Other, Process: "nginx, pid 7"}}}, "OPENAI_BASE_URL", []string{"error", "nginx, pid 7"}},
		{"other port, the gateway there", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:4001/v1"), listeners: fairleadAt("localhost:4001")}, "OPENAI_BASE_URL", []string{"ok", "http://localhost:4001/v1 leads to another Fairlead than the one of port 4000: Fairlead."}},
		{"other port, LiteLLM there", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:4001/v1"), listeners: map[string]Listener{"localhost:4001": {Kind: LiteLLM}}}, "OPENAI_BASE_URL", []string{"warning", "LiteLLM answers"}},
		{"port as it was said", scene{dotenv: replaced("OPENAI_BASE_URL", "http://localhost:4001/v1"), gateway: "localhost:4001"}, "OPENAI_BASE_URL", []string{"ok"}},
		{"localhost in a container", scene{dotenv: guideEnv, container: true}, "OPENAI_BASE_URL", []string{"warning", "container itself", "http://host.docker.internal:4000/v1", "http://SERVICE:4000/v1"}},
		{"host.docker.internal outside", scene{dotenv: replaced("OPENAI_BASE_URL", "http://host.docker.internal:4000/v1")}, "OPENAI_BASE_URL", []string{"warning", "containers only", "http://localhost:4000/v1"}},
		{"the provider itself", scene{dotenv: replaced("OPENAI_BASE_URL", "https://api.deepseek.com/v1")}, "OPENAI_BASE_URL", []string{"error", "DeepSeek", "past the gateway"}},
		{"https for plain http", scene{dotenv: replaced("OPENAI_BASE_URL", "https://localhost:4000/v1"), listeners: fairleadAt("localhost:4000")}, "OPENAI_BASE_URL", []string{"warning", "https"}},
		{"http for a gateway with a certificate", scene{dotenv: guideEnv, listeners: secureAt("localhost:4000")}, "OPENAI_BASE_URL", []string{"error", "speaks HTTPS", "Set OPENAI_BASE_URL=https://localhost:4000/v1"}},
		{"https for a gateway with a certificate", scene{dotenv: replaced("OPENAI_BASE_URL", "https://localhost:4000/v1"), listeners: secureAt("localhost:4000")}, "OPENAI_BASE_URL", []string{"ok"}},
		{"a key for a base", scene{dotenv: replaced("OPENAI_BASE_URL", "sk-0123456789")}, "OPENAI_BASE_URL", []string{"error", "not a URL"}},
		{"model missing", scene{dotenv: replaced("OPENAI_MODEL", "")}, "OPENAI_MODEL", []string{"error", "gpt-4o-mini", "gemini/gemini-3-pro-preview"}},
		{"model unknown", scene{dotenv: replaced("OPENAI_MODEL", "gemini/gemini-3-pro-previw")}, "OPENAI_MODEL", []string{"error | .env:3", "not in model_list", "Did you mean gemini/gemini-3-pro-preview?"}},
		{"model unlike any", scene{dotenv: replaced("OPENAI_MODEL", "qwen-max")}, "OPENAI_MODEL", []string{"error", "Set it to one of: gemini/gemini-3-pro-preview"}},
		{"model of a wildcard", scene{dotenv: replaced("OPENAI_MODEL", "gemini/gemini-9"), config: "model_list:\n- model_name: gemini/*\n  litellm_params: {model: gemini/*, api_key: k0123456789}\n"}, "OPENAI_MODEL", []string{"ok"}},
		{"model of an alias", scene{dotenv: replaced("OPENAI_MODEL", "fast"), config: "model_list:\n- model_name: a\n  litellm_params: {model: openai/gpt-4o, api_key: k0123456789}\nrouter_settings:\n  model_group_alias: {fast: a}\n"}, "OPENAI_MODEL", []string{"ok"}},
		{"model without a key", scene{dotenv: guideEnv}, "OPENAI_MODEL", []string{"warning", "no key", "GEMINI_API_KEY"}},
		{"deepseek-r1", scene{dotenv: replaced("OPENAI_MODEL", "deepseek/deepseek-r1")}, "OPENAI_MODEL", []string{"warning", "no model deepseek-r1", "deepseek/deepseek-reasoner", "deepseek/deepseek-v4-flash"}},
		{"a key for a model", scene{dotenv: replaced("OPENAI_MODEL", "sk-0123456789abcdef")}, "OPENAI_MODEL", []string{"error", "looks like a key"}},
		{"a line twice", scene{dotenv: with("OPENAI_MODEL=openai/gpt-4o\n")}, "OPENAI_MODEL", []string{"warning | .env:3", "set again in .env:4"}},
		{"the environment wins", scene{dotenv: guideEnv, env: map[string]string{"OPENAI_MODEL": "openai/gpt-4o"}}, "OPENAI_MODEL", []string{"warning | .env:3", "takes the value of the environment", "env -u OPENAI_MODEL"}},
		{"an empty variable wins", scene{dotenv: guideEnv, env: map[string]string{"OPENAI_BASE_URL": ""}}, "OPENAI_BASE_URL", []string{"warning | .env:1", "empty", "unset OPENAI_BASE_URL", "error | environment", "missing"}},
		{"the gateway's key in the environment", scene{dotenv: replaced("OPENAI_API_KEY", "sk-master-key-of-the-test"), config: guideConfig + masterKey, env: map[string]string{"OPENAI_API_KEY": "sk-real-0123456789"}}, "OPENAI_API_KEY", []string{"warning", "warning | environment", "401"}},
		{"no assignment", scene{dotenv: with("=x\n")}, "line", []string{"warning | .env:4", "skips it"}},
		{"only provider keys", scene{dotenv: "GEMINI_API_KEY=AIza-0123456789\n"}, "client", []string{"note | .env", "not taken for a client's"}},
		{"no client at all", scene{env: map[string]string{"OPENAI_API_KEY": "sk-0123456789"}}, "client", []string{"note", "no .env here"}},
		{"the named file is missing", scene{named: true}, "--env", []string{"error | client.env", "does not exist"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.scene.config == "" {
				c.scene.config = guideConfig
			}
			got := c.scene.examine(t).about(c.subject)
			rest := got
			for _, part := range c.want {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("no %q in\n%s", part, got)
				}
				rest = after
			}
		})
	}
}

func TestNoFindingShowsAKey(t *testing.T) {
	secrets := []string{"sk-hub-SECRET789", "AIza-SECRET6789", "sk-ant-SECRET789", "sk-SECRET0123456", "pw-SECRET"}
	s := scene{
		dotenv: "OPENAI_BASE_URL=http://user:pw-SECRET@localhost:5000/v1?key=pw-SECRET\nOPENAI_API_KEY=sk-SECRET0123456\nOPENAI_MODEL=sk-SECRET0123456\nAIHUBMIX_KEY=sk-hub-SECRET789\nGEMINI_API_KEY=AIza-SECRET6789\nANTHROPIC_API_KEY=sk-ant-SECRET789\n",
		config: guideConfig + masterKey, env: map[string]string{"OPENAI_API_KEY": "sk-SECRET0123456", "HTTPS_PROXY": "http://u:pw-SECRET@proxy:8080"},
	}
	d := s.examine(t)
	var b bytes.Buffer
	if err := d.WriteText(&b, true); err != nil {
		t.Fatal(err)
	}
	if err := d.WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	for _, secret := range append(secrets, "sk-master-key-of-the-test") {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%s is shown in\n%s", secret, b.String())
		}
	}
}

func TestConfigurationAndNetworkFindings(t *testing.T) {
	for _, c := range []struct {
		name, subject string
		scene         scene
		want          string
	}{
		{"drop_params not set", "litellm_settings.drop_params", scene{config: strings.TrimSuffix(guideConfig, "litellm_settings:\n  drop_params: true\n")}, "warning | litellm_config.yaml | It is not set"},
		{"drop_params false", "litellm_settings.drop_params", scene{config: strings.Replace(guideConfig, "drop_params: true", "drop_params: false", 1)}, "warning | litellm_config.yaml | It is false"},
		{"drop_params true", "litellm_settings.drop_params", scene{}, "ok"},
		{"unset variable", "model_list[4].litellm_params.api_key", scene{}, "warning | litellm_config.yaml:11:53 | The environment variable OPENAI_API_KEY is not set"},
		{"deepseek-r1", "model_list: deepseek/deepseek-r1", scene{}, "warning | litellm_config.yaml:8:5 | DeepSeek's own API has no model deepseek-r1"},
		{"deepseek-r1 elsewhere", "model_list: r1", scene{config: "model_list:\n- model_name: r1\n  litellm_params: {model: deepseek/deepseek-r1, api_key: k, api_base: https://reseller.example/v1}\n"}, ""},
		{"the tutorial's master key", "general_settings.master_key", scene{config: guideConfig + "general_settings: {master_key: sk-1234}\n"}, "protects nothing"},
		{"no master key in a container", "general_settings.master_key", scene{container: true}, "nobody outside can reach it"},
		{"no configuration", "", scene{config: "model_list: ["}, "error"},
		{"port free", "port 4000", scene{}, "note |  | It is free: no gateway is running. | Start it: fairlead --config litellm_config.yaml"},
		{"port taken", "port 4000", scene{listeners: map[string]Listener{"localhost:4000": {Kind: Other, Process: "nginx, pid 7"}}}, "error |  | It is taken by another program (nginx, pid 7). | Start the gateway with --port 4001 and set OPENAI_BASE_URL=http://localhost:4001/v1."},
		{"LiteLLM on the port", "port 4000", scene{listeners: map[string]Listener{"localhost:4000": {Kind: LiteLLM}}}, "warning |  | LiteLLM answers here"},
		{"our own with a certificate", "port 4000", scene{listeners: map[string]Listener{"localhost:4000": {Kind: Fairlead, TLS: true, Version: "1.2"}}}, "ok |  | Fairlead (version 1.2, HTTPS) answers."},
		{"another Fairlead beside", "port 4001", scene{listeners: map[string]Listener{"localhost:4001": {Kind: Fairlead, TLS: true, Process: "fairlead, pid 7"}}}, "note |  | Another Fairlead (fairlead, pid 7, HTTPS) answers here. | If it is the one that is meant: OPENAI_BASE_URL=https://localhost:4001/v1, and fairlead doctor --port 4001"},
		{"none is looked for when ours answers", "port 4001", scene{listeners: map[string]Listener{"localhost:4000": {Kind: Fairlead}, "localhost:4001": {Kind: Fairlead}}}, ""},
		{"another machine, silent", "gw.lan:4000", scene{gateway: "gw.lan:4000"}, "warning |  | Nothing answers there."},
		{"proxy", "proxy", scene{env: map[string]string{"HTTPS_PROXY": "http://127.0.0.1:7890"}}, "note | environment | Providers are reached https through http://127.0.0.1:7890 (HTTPS_PROXY)."},
		{"no proxy", "proxy", scene{}, "None is set"},
		{"proxy that is none", "proxy", scene{env: map[string]string{"ALL_PROXY": "ftp://x"}}, "error | environment | ALL_PROXY is not a proxy address"},
		{"clients in Python use the proxy for localhost", "NO_PROXY", scene{env: map[string]string{"ALL_PROXY": "http://127.0.0.1:7890"}}, "warning"},
		{"localhost is exempt", "NO_PROXY", scene{env: map[string]string{"ALL_PROXY": "http://127.0.0.1:7890", "NO_PROXY": "example.com, localhost"}}, ""},
		{"certificates missing", "SSL_CERT_FILE", scene{env: map[string]string{"SSL_CERT_FILE": "none.pem"}}, "error | environment | It names none.pem, which cannot be read"},
		{"certificates empty", "SSL_CERT_FILE", scene{env: map[string]string{"SSL_CERT_FILE": "a.pem"}, files: map[string]string{"a.pem": "text"}}, "holds no certificate"},
		{"certificates", "SSL_CERT_FILE", scene{env: map[string]string{"SSL_CERT_FILE": "a.pem"}, files: map[string]string{"a.pem": "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n"}}, "note | environment | Providers' certificates are checked with a.pem (1 certificates)."},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.scene.config == "" {
				c.scene.config = guideConfig
			}
			got := c.scene.examine(t).about(c.subject)
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestReportFitsATerminal(t *testing.T) {
	s := scene{dotenv: guideEnv + "GEMINI_API_KEY=AIza-0123456789\nOPENAI_MODEL=模型/" + strings.Repeat("长", 70) + "\n", config: guideConfig, container: true, env: map[string]string{"ALL_PROXY": "http://127.0.0.1:7890"}}
	d := s.examine(t)
	d.Models = []ModelResult{{Model: strings.Repeat("m", 60), Chat: outcomeOK, Tools: outcomeOK, Reasoning: []string{"signature", "text", "thought_signature"}, Milliseconds: 1230}}
	var b bytes.Buffer
	if err := d.WriteText(&b, false); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		if w := runewidth.StringWidth(strings.TrimSuffix(line, "\n")); w > width {
			t.Errorf("%d columns: %s", w, line)
		}
	}
	for _, want := range []string{"Client  .env", "Configuration  litellm_config.yaml", "2 errors, ", "Next: correct ", "1.23 s", "accepted back: "} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("colours without a terminal")
	}
	b.Reset()
	if err := d.WriteText(&b, true); err != nil || !strings.Contains(b.String(), red+"✗") {
		t.Errorf("%v: no colours on a terminal", err)
	}
}

func TestJSONCountsAndAdvises(t *testing.T) {
	var b bytes.Buffer
	if err := (scene{dotenv: guideEnv, config: guideConfig}).examine(t).WriteJSON(&b); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Findings         []Finding
		Errors, Warnings int
		Next             string
	}
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Findings) == 0 || got.Errors != 0 || got.Warnings == 0 || got.Next != "start the gateway: fairlead --config litellm_config.yaml" {
		t.Errorf("%d findings, %d errors, %d warnings, next %q", len(got.Findings), got.Errors, got.Warnings, got.Next)
	}
}

func TestNextStepFollowsTheState(t *testing.T) {
	for _, c := range []struct {
		scene scene
		want  string
	}{
		{scene{dotenv: guideEnv + "GEMINI_API_KEY=AIza-0123456789"}, "correct GEMINI_API_KEY. Put a # before the line."},
		{scene{listeners: map[string]Listener{"localhost:4000": {Kind: Fairlead}}}, "fairlead doctor --live asks"},
		{scene{listeners: map[string]Listener{"localhost:4000": {Kind: LiteLLM}}}, "stop LiteLLM"},
		{scene{gateway: "localhost:4001"}, "start the gateway: fairlead --config litellm_config.yaml --port 4001"},
	} {
		c.scene.config = guideConfig
		if got := c.scene.examine(t).next(); !strings.HasPrefix(got, c.want) {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func TestEnvFileIsReadAsPythonDotenvDoes(t *testing.T) {
	const text = "\ufeff# comment\r\n A=1\nexport B = two words  # comment\nC='single # \\' ${A}' # c\nD=\"a\\nb\\\"\"\nE=x#y\nF=\nG\n'H I'=j\n=bad\nL=${A}-${M:-none}-$A\n\nN=\"two\nlines\"\n"
	lines, bad := parseEnv([]byte(text))
	got := map[string]string{}
	at := map[string]int{}
	for _, l := range lines {
		if l.set {
			got[l.name] = l.value
		}
		at[l.name] = l.line
	}
	want := map[string]string{"A": "1", "B": "two words", "C": "single # ' ${A}", "D": "a\nb\"", "E": "x#y", "F": "", "H I": "j", "L": "${A}-${M:-none}-$A", "N": "two\nlines"}
	for name, value := range want {
		if got[name] != value {
			t.Errorf("%s is %q, want %q", name, got[name], value)
		}
	}
	if at["A"] != 2 || at["N"] != 13 || at["G"] != 8 {
		t.Errorf("lines %v", at)
	}
	if !slices.Contains(bad, 10) {
		t.Errorf("bad lines %v", bad)
	}
	if got := interpolate(got["L"], func(name string) (string, bool) { return "1", name == "A" }); got != "1-none-$A" {
		t.Errorf("interpolated %q", got)
	}
}

func FuzzEnvFile(f *testing.F) {
	f.Add([]byte("A='x\nB=\"y\\\nexport C=${D:-e} # f\n=\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		lines, _ := parseEnv(data)
		last := 0
		for _, l := range lines {
			if l.name == "" || l.line < last {
				t.Errorf("line %d after %d, name %q", l.line, last, l.name)
			}
			last = l.line
		}
	})
}
