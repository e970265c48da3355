package config

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"
)

func TestCaretStandsUnderThePlace(t *testing.T) {
	_, report := usable(t, gpt("router_settings: {routing_strategy: 最少忙}\nlitellm_settings: {label: 中文中文, cooldown_time: 3}\n"), nil)
	for _, mark := range []string{"最少忙}", "cooldown_time"} {
		lines := strings.Split(render(t, report), "\n")
		found := false
		for i, line := range lines[:len(lines)-1] {
			at := strings.Index(line, mark)
			if at < 0 || !strings.Contains(line, " | ") {
				continue
			}
			caret := strings.Index(lines[i+1], "^")
			if caret < 0 {
				continue
			}
			found = found || text.StringWidth(line[:at]) == text.StringWidth(lines[i+1][:caret])
		}
		if !found {
			t.Errorf("no caret under %q:\n%s", mark, render(t, report))
		}
	}
}

func TestCaretSurvivesMaskingAndLongLines(t *testing.T) {
	long := "litellm_settings: {a: " + strings.Repeat("x", 300) + ", password_x: topsecret1, cooldown_time: 3, b: " + strings.Repeat("y", 300) + "}\n"
	_, report := usable(t, gpt(long), nil)
	out := render(t, report)
	for i, line := range strings.Split(out, "\n") {
		if text.StringWidth(line) > 250 {
			t.Errorf("line %d is %d wide", i, text.StringWidth(line))
		}
	}
	if !strings.Contains(out, "<secret>, cooldown_time: 3") || strings.Contains(out, "topsecret1") {
		t.Errorf("%s", out)
	}
}

func TestColorOnlyWhenAsked(t *testing.T) {
	_, report := usable(t, gpt("nonsense: 1\n"), nil)
	var plain, colored strings.Builder
	if report.WriteText(&plain, false) != nil || report.WriteText(&colored, true) != nil {
		t.Fatal("cannot write")
	}
	if strings.Contains(plain.String(), "\x1b[") || !strings.Contains(colored.String(), "\x1b[") {
		t.Errorf("plain %q colored %q", plain.String(), colored.String())
	}
}

func TestTableFitsInAHundredColumnsAndEndsWithTheSummary(t *testing.T) {
	_, report := usable(t, canaryFile+"a_key_with_a_name_that_is_longer_than_any_column_of_a_terminal_that_people_use_today_or_tomorrow: 1\n", nil)
	var b strings.Builder
	if err := report.WriteTable(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, line := range strings.Split(b.String(), "\n") {
		if text.StringWidth(line) > 100 {
			t.Errorf("%d wide: %s", text.StringWidth(line), line)
		}
	}
	lines := strings.Split(strings.TrimSpace(b.String()), "\n")
	if last := lines[len(lines)-1]; last != report.Summary() || !strings.HasPrefix(last, "1 deployment served, 1 skipped, 1 error, ") {
		t.Errorf("summary %q", last)
	}
	errors, warnings := strings.Index(b.String(), "1 ERROR"), strings.Index(b.String(), "WARNINGS")
	if errors < 0 || warnings < errors {
		t.Errorf("not grouped by severity:\n%s", b.String())
	}
}

func TestTableNamesTheFileWhenThereAreSeveral(t *testing.T) {
	w := world{files: map[string]string{"litellm_config.yaml": "include: b.yaml\nnonsense: 1\n", "b.yaml": "other_nonsense: 1\n" + gpt("")}}
	_, report := Load(w.options())
	var b strings.Builder
	if err := report.WriteTable(&b, false); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"litellm_config.yaml:2:1", "b.yaml:1:1"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
}

func TestCleanFileSaysSo(t *testing.T) {
	_, report := usable(t, gpt(""), nil)
	if got := report.Summary(); got != "1 deployment served, nothing to say about the file" {
		t.Errorf("%q", got)
	}
}

func TestFindingsComeWorstFirstAndInFileOrder(t *testing.T) {
	_, report := usable(t, gpt("  - x\nlitellm_settings: {telemetry: true, zzz: 1}\nyyy: 1\n"), nil)
	last := Finding{}
	for _, f := range report.Findings {
		if f.Severity < last.Severity || f.Severity == last.Severity && f.Pos.Line < last.Pos.Line {
			t.Errorf("%v %s after %v %s", f.Severity, f.Pos, last.Severity, last.Pos)
		}
		last = f
	}
	if len(report.Findings) != 4 {
		t.Errorf("%s", render(t, report))
	}
}
