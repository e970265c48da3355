package hostile_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConfigurationsAsPeopleWriteThemStartOrRefuse starts the program with every
// file of the configuration tests, once without an environment and once with the
// one that the file wants.
func TestConfigurationsAsPeopleWriteThemStartOrRefuse(t *testing.T) {
	files, err := filepath.Glob("../config/testdata/wild/*.yaml")
	if err != nil || len(files) < 70 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := strings.ReplaceAll(string(data), "CANARY", "canary")
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		for _, pairs := range [][]string{nil, wanted(text)} {
			t.Run(name, func(t *testing.T) { startOrRefuse(t, text, pairs) })
		}
	}
}

// wanted returns the "#+ env:" lines of a file as name, value, ….
func wanted(text string) (pairs []string) {
	for line := range strings.Lines(text) {
		list, ok := strings.CutPrefix(line, "#+ env:")
		if !ok {
			continue
		}
		for pair := range strings.SplitSeq(list, ",") {
			key, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
			pairs = append(pairs, key, value)
		}
	}
	return pairs
}

func startOrRefuse(t *testing.T, text string, pairs []string) {
	path := filepath.Join(t.TempDir(), "config.yaml")
	write(t, path, text)
	g := run(t, []string{"--config", path, "--host", "127.0.0.1"}, pairs)
	g.addr = g.log.Find(0, listening, g.done)
	refused := strings.Contains(text, "\n#+ refuses") || strings.HasPrefix(text, "#+ refuses") || strings.Contains(text, "#+ unreadable")
	if refused {
		until(t, "the program ends", g.done)
		if g.code != 1 || !strings.Contains(g.log.String(), "not started") {
			t.Errorf("exit code %d:\n%s", g.code, g.log)
		}
		return
	}
	if g.addr == "" {
		t.Fatalf("it does not start:\n%s", g.log)
	}
	if a := g.raw(bare("GET", "/health/readiness")); a.status != http.StatusOK {
		t.Errorf("not ready: %d %s", a.status, a.body)
	}
	for _, path := range []string{"/v1/models", "/model/info", "/"} {
		if a := g.raw(bare("GET", path)); a.status >= 500 || strings.Contains(a.body, "canary") {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}
