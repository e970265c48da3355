package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// callsFirstTool is a model that calls the first tool once and then answers.
func callsFirstTool(t *testkit.Turn) testkit.Reply {
	if len(t.Tools) == 0 || len(t.Results) > 0 {
		return testkit.Reply{Thinking: "hm", Text: "ready"}
	}
	return testkit.Reply{Thinking: "hm", Calls: []testkit.Call{{Name: t.Tools[0].Name, Args: `{"harbour":"Rotterdam"}`}}}
}

func TestDoctorLiveSeesReasoningStateComeBackFromEveryFamily(t *testing.T) {
	script := testkit.WithScript(callsFirstTool)
	gemini, anthropic, deepseek := testkit.NewGemini(t, script), testkit.NewAnthropic(t, script), testkit.NewDeepSeek(t, script)
	entry := func(model string, f *testkit.Fake) string {
		return fmt.Sprintf("  - model_name: %[1]s\n    litellm_params: {model: %[1]s, api_key: %[2]s, api_base: %[3]q}\n", model, f.Key(), f.URL())
	}
	path := filepath.Join(t.TempDir(), "litellm_config.yaml")
	text := "model_list:\n" + entry("gemini/gemini-3-flash-preview", gemini) + entry("anthropic/claude-sonnet-4-5", anthropic) +
		entry("deepseek/deepseek-v4-flash", deepseek) + "litellm_settings: {drop_params: true}\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(string) (string, bool) { return "", false }
	r := startOnFreePort(t, Options{Args: []string{"--config", path}, Env: env})
	var out, problems bytes.Buffer
	code := Main(context.Background(), Options{
		Args: []string{"doctor", "--live", "--config", path, "--url", "http://" + r.Addr + "/v1"}, Env: env, Stdout: &out, Stderr: &problems,
	})
	for _, want := range []string{
		`gemini/gemini-3-flash-preview +ok +ok .*accepted back: .*thought_signature`,
		`anthropic/claude-sonnet-4-5 +ok +ok `,
		`deepseek/deepseek-v4-flash +ok +ok .*accepted back: text`,
	} {
		if !regexp.MustCompile(want).Match(out.Bytes()) {
			t.Errorf("no %s", want)
		}
	}
	if code != 0 || t.Failed() {
		t.Errorf("exit code %d\n%s%s", code, out.String(), problems.String())
	}
}
