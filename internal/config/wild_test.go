package config

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// expectations are the #+ lines of a file of testdata/wild.
type expectations struct {
	list map[string][]string
	env  map[string]string
}

// expect reads lines such as "#+ serves: a, b".
func expect(t *testing.T, text string) expectations {
	t.Helper()
	e := expectations{map[string][]string{}, map[string]string{}}
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, "#+ ")
		if !ok {
			continue
		}
		verb, value, ok := strings.Cut(strings.TrimSpace(rest), ":")
		if !ok {
			t.Fatalf("no expectation: %q", line)
		}
		value = strings.TrimSpace(value)
		if verb != "env" {
			e.list[verb] = append(e.list[verb], value)
			continue
		}
		for pair := range strings.SplitSeq(value, ",") {
			name, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
			e.env[name] = v
		}
	}
	return e
}

// TestConfigurationsAsPeopleWriteThem loads files with the traits of published
// LiteLLM configurations. Each says in #+ lines what must come of it.
func TestConfigurationsAsPeopleWriteThem(t *testing.T) {
	files, err := filepath.Glob("testdata/wild/*.yaml")
	if err != nil || len(files) < 70 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			e := expect(t, string(text))
			o := world{map[string]string{"litellm_config.yaml": string(text)}, e.env}.options()
			o.Listen = "localhost:4000"
			cfg, report := Load(o)
			noCanary(t, cfg, report)
			e.checkReport(t, report)
			if len(e.list["unreadable"]) > 0 {
				if cfg != nil {
					t.Error("there is a Config although the file cannot be used")
				}
				return
			}
			if cfg == nil {
				t.Fatalf("no Config:\n%s", render(t, report))
			}
			e.checkConfig(t, cfg, report)
		})
	}
}

// checkReport compares the findings and the refusal.
func (e expectations) checkReport(t *testing.T, report *Report) {
	t.Helper()
	for word, severity := range map[string]Severity{"error": Error, "warning": Warning, "note": Note, "unreadable": Error} {
		for _, want := range e.list[word] {
			key, fragment, keyed := strings.Cut(want, "|")
			if !keyed {
				key, fragment = "", want
			}
			found(t, report, severity, strings.TrimSpace(key), strings.TrimSpace(fragment))
		}
	}
	for _, fragment := range e.list["silent"] {
		silent(t, report, fragment)
	}
	refusal := report.Refusal()
	for _, fragment := range e.list["refuses"] {
		if !strings.Contains(refusal, fragment) {
			t.Errorf("the refusal does not say %q: %q", fragment, refusal)
		}
	}
	if len(e.list["refuses"]) == 0 && refusal != "" {
		t.Errorf("refused: %s", refusal)
	}
}

// found fails unless a finding with the key (any, when it is empty) holds the
// fragment and stands at a place of the file.
func found(t *testing.T, report *Report, severity Severity, key, fragment string) {
	t.Helper()
	for _, f := range report.Findings {
		if f.Severity != severity || key != "" && f.Key != key || !strings.Contains(f.Message+" "+f.Remedy, fragment) {
			continue
		}
		if f.Pos.Line < 1 || f.Pos.Column < 1 {
			t.Errorf("%q has no place: %v", fragment, f.Pos)
		}
		return
	}
	t.Errorf("no %s about %q says %q:\n%s", severity, key, fragment, render(t, report))
}

// checkConfig compares what is served.
func (e expectations) checkConfig(t *testing.T, cfg *Config, report *Report) {
	t.Helper()
	var served, skipped []string
	for i := range cfg.Deployments {
		served = append(served, cfg.Deployments[i].ModelName)
	}
	for _, s := range cfg.Skipped {
		if s.ModelName != "" {
			skipped = append(skipped, s.ModelName)
		}
	}
	for word, got := range map[string][]string{"serves": served, "skipped": skipped} {
		if want, ok := e.list[word]; ok && !sameNames(want[0], got) {
			t.Errorf("%s %q, want %q:\n%s", word, got, want[0], render(t, report))
		}
	}
	if want := e.list["listen"]; len(want) > 0 {
		if host, err := cfg.BindPolicy(""); err != nil || host != want[0] {
			t.Errorf("listens on %q (%v), want %q", host, err, want[0])
		}
	}
	for _, want := range e.list["target"] {
		e.checkTarget(t, cfg, want)
	}
	for _, want := range e.list["default"] {
		e.checkDefault(t, cfg, want)
	}
}

func sameNames(want string, got []string) bool {
	var names []string
	for name := range strings.SplitSeq(want, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	got = slices.Sorted(slices.Values(got))
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], "\n")
	}
	return slices.Equal(names, got)
}

// checkTarget reads "name = provider/model @ base".
func (e expectations) checkTarget(t *testing.T, cfg *Config, want string) {
	t.Helper()
	name, rest, _ := strings.Cut(want, " = ")
	target, base, _ := strings.Cut(rest, " @ ")
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		if d.ModelName == name && d.Provider+"/"+d.Model == target && d.APIBase == base {
			return
		}
	}
	t.Errorf("no deployment is %q", want)
}

// checkDefault reads "name param=json".
func (e expectations) checkDefault(t *testing.T, cfg *Config, want string) {
	t.Helper()
	name, rest, _ := strings.Cut(want, " ")
	key, value, _ := strings.Cut(rest, "=")
	for i := range cfg.Deployments {
		if cfg.Deployments[i].ModelName == name && param(cfg.Deployments[i], key) == value {
			return
		}
	}
	t.Errorf("no deployment has %q", want)
}

// noCanary fails when a secret of the file or its environment can be seen.
func noCanary(t *testing.T, cfg *Config, report *Report) {
	t.Helper()
	var b strings.Builder
	for _, color := range []bool{true, false} {
		if err := report.WriteText(&b, color); err != nil {
			t.Fatal(err)
		}
		if err := report.WriteTable(&b, color); err != nil {
			t.Fatal(err)
		}
	}
	out := b.String() + fmt.Sprintf("%+v", report.Findings) + report.Refusal() + report.Summary()
	if cfg != nil {
		out += fmt.Sprintf("%+v", cfg.Skipped)
	}
	if i := strings.Index(out, "CANARY"); i >= 0 {
		t.Errorf("a secret shows: …%s…", out[max(0, i-60):min(len(out), i+30)])
	}
}
