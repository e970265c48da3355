// Package deps holds the dependency rule: which package may know which. It has
// no code of its own.
package deps

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fairlead-gateway/fairlead/"

// pkg is what go list says of a package.
type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string][]string{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); dec.More(); {
		var p pkg
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = p.Imports
	}
	return all
}

// own returns the module's own packages among imports, without the module's path.
func own(imports []string) []string {
	var out []string
	for _, i := range imports {
		if rest, ok := strings.CutPrefix(i, module); ok {
			out = append(out, rest)
		}
	}
	return out
}

// layers lists the packages of the request path from the inside out: a package
// may import those of earlier rows only.
var layers = [][]string{
	{"internal/rawjson", "internal/signature", "internal/buildinfo", "internal/catalog/pack", "internal/httpsyntax"},
	{"internal/server/http1"},
	{"internal/llm"},
	{"internal/sse", "internal/catalog", "internal/tokens", "internal/form"},
	{"internal/wire"},
	{"internal/wire/errtext"},
	{"internal/wire/openaichat", "internal/wire/openairesponses", "internal/wire/anthropic", "internal/wire/gemini", "internal/wire/openaitext", "internal/wire/tasks"},
	{"internal/provider"},
	{"internal/upstream/http1"},
	{"internal/upstream", "internal/upstream/http2", "internal/route", "internal/reasoning", "internal/auth", "internal/obs", "internal/config", "internal/demo", "internal/responses", "internal/cloud"},
	{"internal/share"},
	{"internal/store/sqlite", "internal/store/redis"},
	{"internal/relay"},
	{"internal/server"},
	{"internal/app"},
	{"cmd/fairlead"},
}

func level(p string) int {
	return slices.IndexFunc(layers, func(row []string) bool { return slices.Contains(row, p) })
}

func TestPackagesImportOnlyWhatIsFurtherInside(t *testing.T) {
	for p, imports := range packages(t) {
		from := level(p)
		if from < 0 {
			continue
		}
		for _, i := range own(imports) {
			to := level(i)
			if to >= from && !strings.HasPrefix(i, p+"/") {
				t.Errorf("%s imports %s, which stands beside it or further outside", p, i)
			}
		}
	}
}

func TestWireFormatsNeverImportEachOther(t *testing.T) {
	formats := []string{
		"internal/wire/openaichat", "internal/wire/openairesponses", "internal/wire/anthropic", "internal/wire/gemini",
		"internal/wire/openaitext", "internal/wire/tasks",
	}
	all := packages(t)
	for _, f := range formats {
		for _, i := range own(all[f]) {
			if slices.Contains(formats, i) {
				t.Errorf("%s imports %s: a format knows only the canonical model", f, i)
			}
		}
	}
}

func TestWireFormatsArePure(t *testing.T) {
	for p, imports := range packages(t) {
		if !strings.HasPrefix(p, "internal/wire") {
			continue
		}
		for _, i := range imports {
			switch i {
			case "net", "os", "os/exec", "math/rand", "math/rand/v2", "crypto/rand", "syscall":
				t.Errorf("%s imports %s: a wire format has no network, files or chance", p, i)
			}
		}
	}
}

// only says which packages may import something.
var only = map[string][]string{
	"database/sql":                 {"internal/store/"},
	"modernc.org/sqlite":           {"internal/store/"},
	"github.com/redis/go-redis/v9": {"internal/store/redis"},
	"os/exec":                      {"bench", "internal/testkit/redisserver"}, // which are no part of the product
	"plugin":                       {},
	"text/template":                {},
	"html/template":                {},
	"unsafe":                       {},
	"C":                            {},
}

func TestDangerousImportsStandOnlyWhereTheyBelong(t *testing.T) {
	for p, imports := range packages(t) {
		for _, i := range imports {
			allowed, ruled := only[i]
			if ruled && !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(p, prefix) }) {
				t.Errorf("%s imports %s", p, i)
			}
		}
	}
}

func TestEveryPackageOfTheRequestPathHasItsLayer(t *testing.T) {
	known := []string{"internal/deps", "internal/doctor", "internal/repl", "internal/testkit", "internal/catalog/gen", "conformance", "client", "internal/e2e", "internal/hostile", "internal/faults", "internal/docs", "tests", "bench"}
	for p := range packages(t) {
		if level(p) >= 0 || slices.ContainsFunc(known, func(k string) bool { return p == k || strings.HasPrefix(p, k+"/") }) {
			continue
		}
		t.Errorf("%s has no place in the layers; give it one", p)
	}
}
