package main

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/catalog/pack"
	"github.com/google/go-cmp/cmp"
)

const priceMap = `{
  "sample_spec": {"mode": "one of"},
  "fallback_generalizations": {"rules": []},
  "gpt-4o": {"source": "https://…", "input_cost_per_token": 2.50e-06, "modalities": [ "a", "b" ]}
}`

func TestConvertKeepsNumberTextAndDropsBulk(t *testing.T) {
	data, err := convert([]byte(priceMap))
	if err != nil {
		t.Fatal(err)
	}
	table, err := pack.Open(string(data))
	if err != nil || table.Len() != 1 || table.Key(0) != "gpt-4o" {
		t.Fatalf("table of %d, first %q, %v", table.Len(), table.Key(0), err)
	}
	got := maps.Collect(func(yield func(string, string) bool) { table.Each(0, yield) })
	want := map[string]string{"input_cost_per_token": "2.50e-06", "modalities": `["a","b"]`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestRunWritesTheTableAndNamesAMissingSource(t *testing.T) {
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.json"), filepath.Join(dir, "out.pack")
	if err := run("", out); err == nil {
		t.Error("no source was accepted")
	}
	if err := os.WriteFile(in, []byte(priceMap), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(in, out); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(out); err != nil || len(data) == 0 {
		t.Errorf("%d bytes written, %v", len(data), err)
	}
	if err := os.WriteFile(in, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(in, out); err == nil {
		t.Error("broken JSON was accepted")
	}
}
