package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// source is one file of the program that is not a test.
type source struct {
	pkg, name string
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
			out = append(out, source{filepath.ToSlash(filepath.Dir(rel)), filepath.ToSlash(rel), f})
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

// may names the packages that may use something: vendors are called by upstream
// alone, the server that nodes share by store/redis; client, app and doctor ask the gateway itself.
var may = []struct {
	what     []string
	packages []string
}{
	{
		[]string{"net.Dial", "net.DialTimeout", "net.Dialer", "http.Transport", "http.DefaultTransport", "http.Client", "http.DefaultClient", "http.Get", "http.Post"},
		[]string{"internal/upstream", "internal/store/redis", "internal/doctor", "internal/app", "client"},
	},
	{
		[]string{"os.Getenv", "os.LookupEnv", "os.Environ", "os.ReadFile", "os.Open", "os.OpenRoot"},
		[]string{"internal/config", "internal/app", "internal/doctor"},
	},
	{[]string{"os.Exit"}, []string{"cmd"}},
}

// besides are not part of the program.
var besides = []string{"internal/docs", "internal/deps", "internal/e2e", "internal/testkit", "internal/catalog/gen", "conformance"}

// under reports whether pkg is one of the packages, or lies below one.
func under(pkg string, packages []string) bool {
	return slices.ContainsFunc(packages, func(p string) bool { return pkg == p || strings.HasPrefix(pkg, p+"/") })
}

func TestOnlyFewPackagesDialReadFilesOrExit(t *testing.T) {
	for _, s := range sources(t) {
		if under(s.pkg, besides) {
			continue
		}
		for _, used := range selectors(s.file) {
			for _, rule := range may {
				if slices.Contains(rule.what, used) && !under(s.pkg, rule.packages) {
					t.Errorf("%s uses %s: only %s may", s.name, used, strings.Join(rule.packages, ", "))
				}
			}
		}
	}
}

func TestPurePackagesHaveNoClock(t *testing.T) {
	pure := []string{"internal/llm", "internal/sse", "internal/rawjson", "internal/signature", "internal/route", "internal/wire"}
	for _, s := range sources(t) {
		for _, used := range selectors(s.file) {
			if under(s.pkg, pure) && slices.Contains([]string{"time.Now", "time.Since", "time.Sleep", "time.After"}, used) {
				t.Errorf("%s uses %s: a pure package is given the time", s.name, used)
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

func TestEveryPackageSaysWhatItIsForAndTheArchitectureNamesIt(t *testing.T) {
	said := map[string]bool{}
	for _, s := range sources(t) {
		said[s.pkg] = said[s.pkg] || s.file.Doc != nil
	}
	text := read(t, "docs/architecture.md")
	for pkg, ok := range said {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
		if !under(pkg, besides) && !strings.Contains(text, "`"+strings.TrimPrefix(pkg, "internal/")+"`") {
			t.Errorf("docs/architecture.md does not say what %s is for", pkg)
		}
	}
}
