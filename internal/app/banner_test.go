package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
)

// bannerOf is what a start with this environment, and this file if it is not
// empty, would print.
func bannerOf(file string, env map[string]string) string {
	out := &bytes.Buffer{}
	p := &program{Options: Options{Stdout: out}}
	o := config.Options{
		Env:      func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ReadFile: func(string) ([]byte, error) { return []byte(file), nil },
		Now:      func() time.Time { return time.Unix(1_800_000_000, 0) },
	}
	load := config.Demo
	if file != "" {
		o.Path, load = "litellm_config.yaml", config.Load
	}
	cfg, report := load(o)
	p.banner(&Running{Addr: "127.0.0.1:4000"}, cfg, report, &serveCommand{})
	return out.String()
}

func TestBannerOfTheDemoNamesTheKeysThatAreMissing(t *testing.T) {
	text := bannerOf("", map[string]string{"GOOGLE_API_KEY": "a-key-of-gemini"})
	for _, want := range []string{
		"models        demo/echo, demo/tools, demo/reasoning, gemini/*\n",
		"missing keys  ANTHROPIC_API_KEY (anthropic/*), DEEPSEEK_API_KEY (deepseek/*),\n                OPENAI_API_KEY (openai/*)\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}

func TestBannerFitsATerminalAndTriesAModelOfTheFile(t *testing.T) {
	file := &strings.Builder{}
	file.WriteString("model_list:\n")
	for _, name := range strings.Fields("one two three four five six seven eight nine ten eleven twelve thirteen") {
		file.WriteString("  - {model_name: a-long-name-of-a-model-" + name + ", litellm_params: {model: openai/gpt-4o, api_key: os.environ/ABSENT_" + strings.ToUpper(name) + "}}\n")
	}
	text := bannerOf(file.String(), nil)
	for line := range strings.Lines(text) {
		if !strings.Contains(line, "-d '{") && len(line) > 101 {
			t.Errorf("%d columns: %s", len(line), line)
		}
	}
	for _, want := range []string{"(and 1 more: GET /v1/models)", "ABSENT_ONE,", `"model": "a-long-name-of-a-model-one"`, "\n                a-long"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}
