package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

func TestSecretPrintsAsSecretEverywhere(t *testing.T) {
	s := NewSecret("canary-1234567890")
	type holder struct {
		Key Secret
		Ptr *Secret
	}
	h := holder{s, &s}
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("x", "key", s, "holder", h)
	}
	encoded, err := json.Marshal(map[string]any{"a": s, "b": h})
	if err != nil {
		t.Fatal(err)
	}
	all := log.String() + string(encoded) + s.String()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		all += fmt.Sprintf(verb, s) + fmt.Sprintf(verb, h) + fmt.Sprintf(verb, &s) + fmt.Sprintf(verb, []Secret{s})
	}
	if strings.Contains(all, "canary") || strings.Contains(all, "63616e617279") {
		t.Errorf("the secret shows: %s", all)
	}
	if s.Reveal() != "canary-1234567890" || !s.IsSet() || fmt.Sprint(s) != "<secret>" {
		t.Error("the secret is lost")
	}
	if empty := NewSecret(""); empty.IsSet() || empty.String() != "" {
		t.Error("an empty secret claims to be set")
	}
}

func TestSecretEqual(t *testing.T) {
	s := NewSecret("abc")
	if !s.Equal("abc") || s.Equal("abd") || s.Equal("ab") || s.Equal("") || NewSecret("").Equal("x") {
		t.Error("Equal is wrong")
	}
}

// canaries are secrets in every place where a file may hold one.
const canaryFile = `model_list:
  - model_name: a
    litellm_params: {model: nowhere/x, api_key: canary-a-0001, api_base: "https://user:canary-b-0002@x.example/v1"}
  - model_name: b
    litellm_params:
      model: openai/x
      api_key: 'canary-c-0003'
      api_bse: "https://x?api_key=canary-d-0004"
      extra_headers: {Authorization: "Bearer canary-e-0005", X-Api-Key: canary-f-0006}
      aws_secret_access_key: canary-g-0007
      vertex_credentials: {private_key: canary-h-0008}
      timeout: sk-canarycanarycanary-i-0009
general_settings: {master_key: canary-j-0010, database_url: "postgresql://u:canary-k-0011@h/db", unknown_token: canary-l-0012}
litellm_settings:
  master_key: canary-m-0013
  cache_params: {type: redis, password: canary-n-0014, nonsense_password: canary-o-0015}
  success_callback: [canary.p]
environment_variables:
  LANGFUSE_SECRET_KEY: canary-q-0017
  LANGFUSE_SECRET_KEY: canary-r-0018
router_settings: {redis_password: canary-s-0019, redis_url: "redis://:canary-t-0020@h:6379", redis_passwort: canary-u-0021}
credential_list:
  - {credential_name: x, credential_values: {api_key: canary-v-0022}}
`

func TestNoSecretShowsInAnyReport(t *testing.T) {
	for name, text := range map[string]string{"parsed": canaryFile, "broken": canaryFile + "  oops: [\n", "unquoted": strings.Replace(canaryFile, "'canary-c-0003'", "canary-c: canary-c-0003", 1)} {
		t.Run(name, func(t *testing.T) {
			_, report := loadText(t, text, env("HIDDEN_KEY", "canary-w-0023"))
			var b strings.Builder
			for _, color := range []bool{true, false} {
				if err := report.WriteText(&b, color); err != nil {
					t.Fatal(err)
				}
				if err := report.WriteTable(&b, color); err != nil {
					t.Fatal(err)
				}
			}
			out := b.String() + fmt.Sprintf("%+v", report.Findings) + report.Refusal()
			for _, part := range strings.Fields(out) {
				if i := strings.Index(part, "canary-"); i >= 0 {
					t.Errorf("%q shows", part[i:])
				}
			}
		})
	}
}

func TestSecretsOfTheEnvironmentDoNotShow(t *testing.T) {
	_, report := usable(t, `model_list:
  - {model_name: a, litellm_params: {model: os.environ/WRONG_KEY, api_key: os.environ/WRONG_KEY}}
  - {model_name: os.environ/WRONG_KEY, litellm_params: {model: nowhere/x}}
router_settings: {routing_strategy: os.environ/WRONG_KEY}
litellm_settings: {fallbacks: [{a: [os.environ/WRONG_KEY]}]}
`, env("WRONG_KEY", "canary-in-the-wrong-place"))
	if out := render(t, report); strings.Contains(out, "canary") {
		t.Errorf("%s", out)
	}
}

func TestControlCharactersReachNoTerminal(t *testing.T) {
	_, report := usable(t, gpt("litellm_settings: {\"evil\\e[31m\\r\\nforged: line\": 1}\n"), nil)
	if out := render(t, report); strings.ContainsAny(out, "\x1b\r") {
		t.Errorf("%q", out)
	}
}

func TestHarmlessValuesOfSecretKeysAreShown(t *testing.T) {
	var m masker
	for _, line := range []string{"api_key: os.environ/X", "max_tokens: 4096", "input_cost_per_token: 0.000001", "disable_token_counter: true", "api_key: ${KEY:-}", "master_key:"} {
		if got := m.sourceLine(line); got != line {
			t.Errorf("%q became %q", line, got)
		}
	}
	for line, want := range map[string]string{
		"api_key: abcdef":                         "api_key: <secret>",
		"cache_key: *a":                           "cache_key: <secret>",
		`{"api_key": "abc def", model: x}`:        `{"api_key": <secret>, model: x}`,
		"- password: 'x y' # c":                   "- password: <secret> # c",
		"redis://u:pw@h":                          "redis://<secret>@h",
		"note: sk-abcdefghijklmnop":               "note: <secret>",
		"h: Bearer abcdefghij":                    "h: <secret>",
		"GEMINI_API_KEY=AIzaSyabcdefghijklmnopqr": "GEMINI_API_KEY=<secret>",
	} {
		if got := m.sourceLine(line); got != want {
			t.Errorf("%q became %q, want %q", line, got, want)
		}
	}
}

func TestSecretsAreEverythingThatARequestCanCarry(t *testing.T) {
	cfg, _ := usable(t, `environment_variables: {SOME_TOKEN: declared-token, REGION: eu}
model_list:
  - {model_name: "*", litellm_params: {model: "*"}}
  - {model_name: a, litellm_params: {model: openai/x, api_key: own-key, extra_headers: {Authorization: Bearer header-key, anthropic-beta: not-secret}}}
litellm_settings: {headers: {x-api-key: global-key}}
general_settings: {master_key: master, database_url: "postgres://u:p@h/d"}
`, env("MISTRAL_API_KEY", "mistral-key", "OPENAI_API_KEY", "openai-key", "HOME", "/root"))
	want := []string{"Bearer header-key", "declared-token", "global-key", "header-key", "master", "mistral-key", "openai-key", "own-key", "postgres://u:p@h/d"}
	if got := cfg.Secrets(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
