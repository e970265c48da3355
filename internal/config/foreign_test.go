package config

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFilesThatAreSomethingElseAreNamed(t *testing.T) {
	for text, want := range map[string][2]string{
		"<!DOCTYPE html>\n<html><body>404: Not Found</body></html>\n": {"This is a web page (HTML)", "raw file"},
		"  <html lang=en>\n": {"This is a web page (HTML)", "raw file"},
		"404: Not Found":     {"None of the root keys", "model_list"},
		"# mine\nexport OPENAI_API_KEY=canary-secret-1\nLITELLM_MASTER_KEY=canary-secret-2\n": {"This is an env file", "--env-file"},
		"#!/bin/sh\nexec litellm --config x --port 4000\n":                                    {"This is a script", "--config"},
		"just words\n":                  {"The root of the file is text", "--config"},
		"42\n":                          {"The root of the file is a number", "--config"},
		"# nothing\n":                   {"The file is empty", "model_list"},
		"{}\n":                          {"The file is empty", "model_list"},
		"a: {b: {c: {model_list: []}}}": {"stands below `a.b.c`", "at the left margin"},
		"caf\xe9: 1\n":                  {"The file is not UTF-8 text", "Save it as UTF-8"},
	} {
		cfg, report := loadText(t, text, nil)
		if cfg != nil {
			t.Errorf("%q gives a Config", text)
		}
		says(t, report, Error, want[0], want[1])
		if out := render(t, report); strings.Contains(out, "canary") {
			t.Errorf("a secret shows: %s", out)
		}
	}
}

func TestFileWithOneKnownRootKeyIsOurs(t *testing.T) {
	for _, text := range []string{"model_list: []\nservices: {}\n", "environment_variables: {A: b}\n", "fairlead_settings: {}\n", "mcp_servers: {}\nversion: 3\n", "include: [x.yaml]\n"} {
		usable(t, text, nil)
	}
}

func TestIncludedFileMayHoldLessThanAConfiguration(t *testing.T) {
	w := world{map[string]string{"litellm_config.yaml": "include: [more.yaml]\nmodel_list: []\n", "more.yaml": "x-anchors: {a: 1}\n"}, nil}
	if _, report := Load(w.options()); report.HasErrors() {
		t.Error(render(t, report))
	}
}

func TestUnreadableFileNamesItsCauseAndNoPathTwice(t *testing.T) {
	for cause, want := range map[error]string{syscall.EISDIR: "is a directory", syscall.ELOOP: "too many levels of symbolic links", fs.ErrPermission: "permission denied", fs.ErrNotExist: "it does not exist"} {
		o := world{}.options()
		o.ReadFile = func(path string) ([]byte, error) { return nil, &fs.PathError{Op: "open", Path: path, Err: cause} }
		cfg, report := Load(o)
		f := says(t, report, Error, "cannot be read: "+want+".")
		if cfg != nil || strings.Contains(f.Message, "litellm_config") {
			t.Errorf("%v: %s", cause, f.Message)
		}
	}
	o := world{}.options()
	o.Path, o.ReadFile = t.TempDir(), nil
	if _, report := Load(o); !strings.Contains(render(t, report), "it is a directory") {
		t.Error(render(t, report))
	}
	if _, err := readLimited(o.Path + "/none"); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestHintsNameTheUsualMistakesOfYAML(t *testing.T) {
	for text, want := range map[string]string{
		"model_list:\n - model_name: a\n    litellm_params:\n      model: x\n": "Write `litellm_params` in the same column as `model_name`",
		"a: \"\\.\"\n":   "write it twice",
		"a: \"b\nc: d\n": "Close the quotation mark",
		"a:\n\tb: 1\n":   "Indent with spaces",
		"a: b: c\n":      "quote values that hold a colon",
		"a: @b\n":        "Quote a value that starts with @",
	} {
		_, report := loadText(t, text, nil)
		says(t, report, Error, "The file is not valid YAML", want)
	}
	_, report := loadText(t, "a:\n\tb: 1\n", nil)
	says(t, report, Error, "a tab stands where only spaces may")
}

func TestSecretsOnLinesOfTheirOwnDoNotShow(t *testing.T) {
	for name, text := range map[string]string{
		"next line":       "general_settings:\n  master_key:\n    canary-next-line: x: y\n",
		"block":           "general_settings:\n  database_url: |\n    canary-in-a-block\n   bad: [\n",
		"quoted":          "general_settings:\n  password: \"first\n    canary-second-line: : \"x\"\n",
		"list item":       "model_list:\n  - api_key:\n      canary-list-item: [\n",
		"no space":        "general_settings: master_key:canary-no-space\n",
		"star":            "general_settings: {master_key: *canary-star}\n",
		"exclamation":     "general_settings: {master_key: !canary-tag x}\n",
		"query":           "model_list:\n  - {model_name: a, litellm_params: {model: openai/x, api_base: \"ftp://h/v1?key=canary-query&b=canary-second\"}}\n",
		"helm":            "proxy_config: {}\nmasterkey: canary-helm\n",
		"header":          "model_list:\n  - {model_name: a, litellm_params: {model: openai/x, extra_headers: {\"bad header\": canary-header-01, X-Own: canary-header-02}}}\n",
		"declared":        "environment_variables: {MINE: canary-declared-1}\nmodel_list:\n  - {model_name: a, litellm_params: {model: canary-declared-1}}\n",
		"map in a key":    "general_settings: {master_key: {v: canary-map-0001}, database_url: [canary-list-001]}\n",
		"MCP environment": "mcp_servers: {a: {transprot: x, env: {K: canary-mcp-0001}}}\n",
		"alias of tokens": "general_settings: {some_token: *canary-alias}\n",
	} {
		_, report := loadText(t, text, nil)
		if out := render(t, report); strings.Contains(out, "canary") || len(report.Findings) == 0 {
			t.Errorf("%s: %s", name, out)
		}
	}
}

func TestLinesBelowOtherKeysAreShown(t *testing.T) {
	for _, text := range []string{
		"model_list:\n- api_key: x\n  model: [shown\n",
		"credential_list:\n  - credential_name: [shown\n",
		"api_key: x\nother: [shown\n",
	} {
		_, report := loadText(t, text, nil)
		if out := render(t, report); !strings.Contains(out, "shown") {
			t.Errorf("%q hides too much: %s", text, out)
		}
	}
}

func TestNameOfACredentialIsNoSecret(t *testing.T) {
	_, report := usable(t, "model_list:\n  - {model_name: a, litellm_params: {model: openai/x, litellm_credential_name: default_credential_2025}}\n", nil)
	says(t, report, Error, "no credential named default_credential_2025 is in credential_list")
}

func TestControlCharactersInNamesSkipTheDeployment(t *testing.T) {
	cfg, report := usable(t, `model_list:
  - {model_name: "a\e[31m", litellm_params: {model: openai/x}}
  - {model_name: b, litellm_params: {model: "openai/x\r\nX-Evil: 1"}}
  - {model_name: c, litellm_params: {model: openai/x, api_key: "canary-0123\nX-Evil: 1"}}
  - {model_name: d, litellm_params: {model: openai/x}}
`, env("OPENAI_API_KEY", "canary-4567\nX-Evil: 1"))
	if len(cfg.Deployments) != 2 || len(cfg.Skipped) != 2 {
		t.Fatalf("%d served, %d skipped", len(cfg.Deployments), len(cfg.Skipped))
	}
	for _, d := range cfg.Deployments {
		if d.APIKey.IsSet() {
			t.Errorf("%s has a key with a line break", d.ModelName)
		}
	}
	says(t, report, Error, "its model_name holds a line break")
	says(t, report, Error, "its model holds a line break")
	says(t, report, Warning, "The key holds a line break")
	if out := render(t, report); strings.Contains(out, "canary") {
		t.Error(out)
	}
}

func TestLineBreaksInKeysForgeNoLineOfTheReport(t *testing.T) {
	_, report := usable(t, gpt("litellm_settings: {\"x\\nerror: forged\": 1}\n"), nil)
	for line := range strings.Lines(render(t, report)) {
		if strings.HasPrefix(line, "error: forged") {
			t.Errorf("forged: %q", line)
		}
	}
}

func TestThousandsOfMistakesAreCountedAndCheap(t *testing.T) {
	var b strings.Builder
	b.WriteString("general_settings:\n")
	for i := range 8000 {
		b.WriteString("  key_" + strings.Repeat("z", i%7) + time.Duration(i).String() + ": 1\n")
	}
	b.WriteString("model_list: [1, 2, 3]\n")
	_, report := usable(t, b.String(), nil)
	if n := len(report.Findings); n > maxFindings+3 {
		t.Errorf("%d findings", n)
	}
	if got := report.Summary(); !strings.Contains(got, "more not shown") || !strings.Contains(got, "3 errors") {
		t.Error(got)
	}
}

func TestAliasOfAnAliasIsNamed(t *testing.T) {
	_, report := usable(t, gpt("router_settings: {model_group_alias: {one: two, two: gpt-4o}}\n"), nil)
	says(t, report, Warning, `The alias "one" leads to "two", which is an alias too`)
}

func TestFallbackToAnUpstreamNameOrAGuessedProviderExists(t *testing.T) {
	_, report := usable(t, `model_list:
  - {model_name: a, litellm_params: {model: openai/gpt-5.1, api_key: k}}
  - {model_name: "anthropic/*", litellm_params: {model: "anthropic/*", api_key: k}}
router_settings: {fallbacks: [{a: [openai/gpt-5.1, claude-sonnet-4-20250514, anthropic/claude-x]}, {b: [nowhere]}]}
`, nil)
	says(t, report, Warning, `The fallback target "nowhere" is not in model_list`)
	silent(t, report, "gpt-5.1\" is not")
	silent(t, report, "claude")
}

func TestReferencesInsidePassThroughHeadersAreLeftAlone(t *testing.T) {
	_, report := usable(t, gpt("general_settings: {pass_through_endpoints: [{path: /x, target: \"https://h\", headers: {Authorization: bearer os.environ/KEY}}]}\n"), nil)
	silent(t, report, "works only as the whole value")
}

func TestGuardsAmongCallbacksRefuseWhateverTheirForm(t *testing.T) {
	for _, text := range []string{"[{presidio: {x: 1}}]", "[aporio_prompt_injection]", "presidio", "[azure_content_safety]"} {
		_, report := usable(t, gpt("litellm_settings: {callbacks: "+text+"}\n"), nil)
		if report.Refusal() == "" {
			t.Errorf("callbacks: %s starts", text)
		}
	}
}

func TestStreamingIsTheClientsChoice(t *testing.T) {
	cfg, report := usable(t, gpt("      stream: true\n      stream_options: {include_usage: true}\n"), nil)
	if d := one(t, cfg); len(d.Params) != 0 {
		t.Errorf("%v goes along with every call", d.Params)
	}
	says(t, report, Note, "`stream` has no effect: the client decides")
	says(t, report, Note, "`stream_options` is approximated")
}
