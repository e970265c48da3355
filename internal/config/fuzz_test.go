package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/recorded/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../../litellm_config.yaml.example") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 8192 {
			f.Add(data)
		}
	}
	f.Add([]byte(canaryFile))
	f.Add([]byte("model_list:\n  - {model_name: a, litellm_params: {model: openai/x, api_key: os.environ/CANARY_KEY}}\n"))
	f.Add([]byte("x: &x {a: *y}\ny: &y [*x, <<: *x]\n"))
	f.Add([]byte("include: [litellm_config.yaml, {a: b}]\nmodel_list: {<<: [a, b]}\n"))
	const canary = "canary-7f3a-value-of-the-key"
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<16 {
			return
		}
		w := world{files: map[string]string{"litellm_config.yaml": string(data)}, env: env("CANARY_KEY", canary)}
		o := w.options()
		o.Listen = "127.0.0.1:4000"
		cfg, report := Load(o)
		if cfg == nil && !report.HasErrors() {
			t.Error("there is no Config and no reason")
		}
		var b strings.Builder
		if err := report.WriteText(&b, false); err != nil {
			t.Fatal(err)
		}
		if err := report.WriteTable(&b, false); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(b.String(), canary) {
			t.Errorf("the key shows:\n%s", b.String())
		}
	})
}
