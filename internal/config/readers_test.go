package config

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unread are the fields that no other package reads, with the key that fills
// each: such a key must not be called honoured.
var unread = map[string]string{
	"AllowClientSideCreds":          "general_settings.allow_client_side_credentials",
	"ClientSideAuthParams":          "litellm_params.configurable_clientside_auth_params",
	"APIVersion":                    "litellm_params.api_version",
	"EnableWeightedFailover":        "router_settings.enable_weighted_failover",
	"ForwardTraceparent":            "litellm_settings.forward_traceparent_to_llm_provider",
	"GeminiDefaultThinkingLevelLow": "litellm_settings.enable_gemini_default_thinking_level_low",
	"GeminiIncludeThoughts":         "litellm_settings.gemini_include_thoughts_default",
	"InferModelFromKeys":            "general_settings.infer_model_from_keys",
	"Verbose":                       "litellm_settings.set_verbose",
}

// ours are the fields that this package itself gives a meaning to.
var ours = []string{"AllowMissingHooks", "DatabaseURL", "PermitWeakMasterKey", "KeySource", "Pos", "Files"}

// TestKeysOfFieldsThatNobodyReadAreNotCalledHonoured keeps the report true when
// a field is added here and wired elsewhere, or forgotten there.
func TestKeysOfFieldsThatNobodyReadAreNotCalledHonoured(t *testing.T) {
	code := otherPackages(t)
	for _, field := range settingFields(t) {
		read := regexp.MustCompile(`\.` + field + `\b`).MatchString(code)
		key, listed := unread[field]
		switch {
		case slices.Contains(ours, field):
		case !read && !listed:
			t.Errorf("no package reads %s: mark its key as planned and list it here, or read it", field)
		case read && field != "APIVersion": // the command line has a field of that name
			if listed {
				t.Errorf("%s is read now: call %s honoured and remove it from this list", field, key)
			}
		case listed:
			section, name, _ := strings.Cut(key, ".")
			if entry, ok := registry()[section][name]; !ok || entry.status == Honoured {
				t.Errorf("%s fills %s, which nobody reads, and is called %q", key, field, entry.status)
			}
		}
	}
}

var settingStructs = []string{"GeneralSettings", "CallDefaults", "RouterSettings", "Deployment", "FairleadSettings"}

func fieldNames(spec *ast.TypeSpec) (names []string) {
	structure, ok := spec.Type.(*ast.StructType)
	if !ok {
		return nil
	}
	for _, f := range structure.Fields.List {
		for _, id := range f.Names {
			names = append(names, id.Name)
		}
	}
	return names
}

// settingFields returns the fields of the structs that hold settings.
func settingFields(t *testing.T) []string {
	t.Helper()
	var fields []string
	for _, file := range []string{"config.go", "fairlead.go"} {
		tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if ok && slices.Contains(settingStructs, spec.Name.Name) {
				fields = append(fields, fieldNames(spec)...)
			}
			return true
		})
	}
	if len(fields) < 80 {
		t.Fatalf("only %d fields found", len(fields))
	}
	return fields
}

// otherPackages returns the code of every other package of the program. The
// command line writes some of the fields; that is no reading.
func otherPackages(t *testing.T) string {
	t.Helper()
	var code strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || strings.HasPrefix(path, filepath.Join("..", "config")) {
			return err
		}
		data, err := os.ReadFile(path)
		code.Write(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return code.String()
}
