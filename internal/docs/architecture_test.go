package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/fairlead-gateway/fairlead/"

// layers are the packages from the bottom up. A package may import packages of
// lower layers only, so that those of one layer never know each other.
var layers = [][]string{
	{"internal/buildinfo", "internal/rawjson", "internal/signature", "internal/catalog/pack", "internal/obs"},
	{"internal/llm", "internal/sse", "internal/catalog"},
	{"internal/wire", "internal/reasoning", "internal/auth", "internal/route", "internal/upstream", "internal/demo", "client"},
	{"internal/provider", "internal/wire/errtext", "internal/store/sqlite"},
	{"internal/wire/openaichat", "internal/wire/anthropic", "internal/wire/gemini", "internal/config"},
	{"internal/relay", "internal/doctor", "internal/repl"},
	{"internal/server"},
	{"internal/app"},
	{"cmd/fairlead"},
}

// besides are packages that are not part of the program.
var besides = []string{"internal/docs", "internal/e2e", "internal/testkit", "internal/catalog/gen", "conformance", "conformance/golden"}

// pure are the packages that must be reachable by vectors and fuzzers: nothing of
// the world outside may be seen from them.
var pure = []string{
	"internal/llm", "internal/sse", "internal/rawjson", "internal/signature", "internal/route",
	"internal/wire", "internal/wire/errtext", "internal/wire/openaichat", "internal/wire/anthropic", "internal/wire/gemini",
}

func layerOf(pkg string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) })
}

// source is one file of the program that is not a test.
type source struct {
	pkg, name string
	imports   []string
	file      *ast.File
}

// sources parses the files of the program.
func sources(t *testing.T) []source {
	t.Helper()
	var out []source
	for _, top := range []string{"internal", "cmd", "client", "conformance"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution|parser.ParseComments)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			s := source{pkg: filepath.ToSlash(filepath.Dir(rel)), name: filepath.ToSlash(rel), file: f}
			for _, spec := range f.Imports {
				name, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return err
				}
				s.imports = append(s.imports, name)
			}
			out = append(out, s)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(out) < 100 {
		t.Fatalf("only %d files were found", len(out))
	}
	return out
}

func TestPackagesDependDownwardsOnly(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(besides, s.pkg) {
			continue
		}
		own := layerOf(s.pkg)
		if own < 0 {
			t.Errorf("%s is in no layer: give it a place in layers, and in docs/architecture.md", s.pkg)
			continue
		}
		for _, path := range s.imports {
			name, ours := strings.CutPrefix(path, module)
			if ours && (layerOf(name) < 0 || layerOf(name) >= own) {
				t.Errorf("%s imports %s, which is not below it", s.name, name)
			}
		}
	}
}

func TestPurePackagesSeeNothingOfTheWorld(t *testing.T) {
	forbidden := []string{"os", "net", "net/http/httptest", "io/ioutil", "math/rand", "math/rand/v2", "crypto/rand", "log", "log/slog", "database/sql", "runtime", "embed"}
	for _, s := range sources(t) {
		if !slices.Contains(pure, s.pkg) {
			continue
		}
		for _, path := range s.imports {
			if slices.Contains(forbidden, path) {
				t.Errorf("%s imports %s", s.name, path)
			}
		}
		for _, used := range selectors(s.file) {
			if used == "time.Now" || used == "time.Since" || used == "time.Sleep" {
				t.Errorf("%s uses %s: a pure package is given the time", s.name, used)
			}
		}
	}
}

func TestWhatNoPackageMayImport(t *testing.T) {
	for _, s := range sources(t) {
		for _, path := range s.imports {
			switch {
			case slices.Contains([]string{"C", "os/exec", "plugin", "unsafe", "reflect", "text/template"}, path):
				t.Errorf("%s imports %s", s.name, path)
			case path == "database/sql" || strings.HasPrefix(path, "modernc.org/"):
				if !strings.HasPrefix(s.pkg, "internal/store/") {
					t.Errorf("%s imports %s: only packages under internal/store do", s.name, path)
				}
			}
		}
	}
}

// may names the packages in which something is allowed.
var may = []struct {
	what     []string
	packages []string
}{
	// Vendors are called by upstream alone; the others ask the gateway itself.
	{
		[]string{"net.Dial", "net.DialTimeout", "net.Dialer", "http.Transport", "http.DefaultTransport", "http.Client", "http.DefaultClient", "http.Get", "http.Post"},
		[]string{"internal/upstream", "internal/doctor", "internal/app", "client"},
	},
	{
		[]string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.ReadFile", "os.Open", "os.OpenRoot"},
		[]string{"internal/config", "internal/app", "internal/doctor"},
	},
	{[]string{"os.Exit"}, []string{"cmd/fairlead"}},
}

func TestOnlyFewPackagesDialReadFilesOrExit(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(besides, s.pkg) {
			continue
		}
		for _, used := range selectors(s.file) {
			for _, rule := range may {
				if slices.Contains(rule.what, used) && !slices.Contains(rule.packages, s.pkg) {
					t.Errorf("%s uses %s: only %s may", s.name, used, strings.Join(rule.packages, ", "))
				}
			}
		}
	}
}

// selectors lists what a file uses of other packages, as "pkg.Name".
func selectors(f *ast.File) []string {
	var out []string
	ast.Inspect(f, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok {
				out = append(out, x.Name+"."+sel.Sel.Name)
			}
		}
		return true
	})
	return out
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		said[s.pkg] = said[s.pkg] || s.file.Doc != nil
	}
	for pkg, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestEveryPackageHasARowInTheArchitecture(t *testing.T) {
	text := read(t, "docs/architecture.md")
	for _, layer := range layers {
		for _, pkg := range layer {
			if !strings.Contains(text, "`"+strings.TrimPrefix(pkg, "internal/")+"`") {
				t.Errorf("docs/architecture.md does not say what %s is for", pkg)
			}
		}
	}
}
