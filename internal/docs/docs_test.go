package docs

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/app"
)

const root = "../.."

// read returns a document by its path from the root.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// documents lists the documents that people read, by path from the root.
func documents(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/clients/*.md"} {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			name, err := filepath.Rel(root, path)
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, filepath.ToSlash(name))
		}
	}
	if len(names) < 7 {
		t.Fatalf("only %d documents found", len(names))
	}
	return names
}

// block is one fenced block of a document.
type block struct{ lang, text string }

// outline takes a document apart: the levels of its headings with the blocks
// between them, and the shapes of its tables and lists.
func outline(text string) (shape []string, blocks []block) {
	var open *block
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		switch fence, lang, _ := strings.Cut(line, "```"); {
		case open != nil && line == "```":
			blocks, open = append(blocks, *open), nil
		case open != nil:
			open.text += line + "\n"
		case fence == "" && strings.HasPrefix(line, "```"):
			open = &block{lang: lang}
			shape = append(shape, "block")
		case strings.HasPrefix(line, "#"):
			shape = append(shape, line[:strings.Index(line, " ")])
		case strings.HasPrefix(line, "|"):
			shape = append(shape, "row")
		case listItem.MatchString(line):
			shape = append(shape, "item")
		}
	}
	return shape, blocks
}

var listItem = regexp.MustCompile(`^(- |\d+\. )`)

func TestBothReadmesHaveOneStructureAndTheSameCommands(t *testing.T) {
	shape, blocks := outline(read(t, "README.md"))
	shapeZH, blocksZH := outline(read(t, "README.zh-CN.md"))
	if len(blocks) < 10 {
		t.Fatalf("README.md has only %d blocks", len(blocks))
	}
	if !slices.Equal(shape, shapeZH) {
		t.Errorf("headings, blocks, rows and items differ:\n%v\n%v", shape, shapeZH)
	}
	for i := range min(len(blocks), len(blocksZH)) {
		if blocks[i] != blocksZH[i] {
			t.Errorf("block %d differs:\n%s\n%s", i+1, blocks[i].text, blocksZH[i].text)
		}
	}
}

var (
	codeSpan = regexp.MustCompile("`[^`\n]+`")
	program  = regexp.MustCompile(`(?:^|[ /(])fairlead((?: +[^ \n|&;]+)*)`)
	longFlag = regexp.MustCompile(`^--[a-z][a-z_-]*`)
)

// commandLines returns the arguments of every mention of the program in blocks and
// code spans.
func commandLines(text string) [][]string {
	_, blocks := outline(text)
	sources := codeSpan.FindAllString(text, -1)
	for _, b := range blocks {
		if b.lang == "sh" {
			sources = append(sources, strings.Split(b.text, "\n")...)
		}
	}
	var lines [][]string
	for _, s := range sources {
		s = strings.Trim(s, "`")
		if strings.HasPrefix(s, "docker ") {
			continue // its flags come before the name of the image
		}
		if m := program.FindStringSubmatch(s); m != nil {
			lines = append(lines, strings.Fields(m[1]))
		}
	}
	return lines
}

// helpOf is what the program says about a sub-command.
func helpOf(t *testing.T, command string) string {
	t.Helper()
	var out, errs bytes.Buffer
	code := app.Main(context.Background(), app.Options{
		Args: []string{command, "--help"}, Env: func(string) (string, bool) { return "", false }, Stdout: &out, Stderr: &errs,
	})
	if code != 0 {
		t.Fatalf("fairlead %s --help: %s", command, errs.String())
	}
	return out.String()
}

func TestEveryCommandAndFlagThatIsMentionedExists(t *testing.T) {
	help := map[string]string{}
	for _, command := range []string{"serve", "check", "doctor", "chat", "models", "version"} {
		help[command] = helpOf(t, command)
	}
	mentions := 0
	for _, name := range documents(t) {
		for _, args := range commandLines(read(t, name)) {
			command := "serve"
			if len(args) > 0 && help[args[0]] != "" {
				command = args[0]
			}
			for _, arg := range args {
				flag := longFlag.FindString(arg)
				if flag == "" || flag == "--help" {
					continue
				}
				mentions++
				if !regexp.MustCompile(regexp.QuoteMeta(flag) + `[^a-z_-]`).MatchString(help[command]) {
					t.Errorf("%s: fairlead %s has no flag %s", name, command, flag)
				}
			}
		}
	}
	if mentions < 10 {
		t.Errorf("only %d flags were found in the documents", mentions)
	}
}

var mdLink = regexp.MustCompile(`\]\(([^)#\s]+)(#[^)]*)?\)`)

func TestEveryRelativeLinkResolves(t *testing.T) {
	for _, name := range documents(t) {
		for _, m := range mdLink.FindAllStringSubmatch(read(t, name), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			target := filepath.Join(root, filepath.Dir(name), filepath.FromSlash(m[1]))
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			}
		}
	}
}

var (
	runFlag    = regexp.MustCompile(`go test (?:-v )?-run '?([A-Za-z0-9|\\/_*]+)'? \./([a-z0-9/]+)`)
	makeTarget = regexp.MustCompile(`\bmake ([a-z]+)\b`)
)

func TestEveryGoTestThatIsMentionedRunsATest(t *testing.T) {
	found := 0
	for _, name := range documents(t) {
		for _, m := range runFlag.FindAllStringSubmatch(read(t, name), -1) {
			tests := testFunctions(t, m[2])
			for prefix := range strings.SplitSeq(strings.ReplaceAll(m[1], `\|`, "|"), "|") {
				prefix, _, _ = strings.Cut(prefix, "/")
				found++
				if !strings.Contains(tests, "func "+prefix) {
					t.Errorf("%s: ./%s has no test that begins with %s", name, m[2], prefix)
				}
			}
		}
	}
	if found < 5 {
		t.Errorf("only %d were found", found)
	}
}

// testFunctions is the text of a package's tests.
func testFunctions(t *testing.T, dir string) string {
	t.Helper()
	files, err := fs.Glob(os.DirFS(filepath.Join(root, dir)), "*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, f := range files {
		all.WriteString(read(t, dir+"/"+f))
	}
	return all.String()
}

func TestEveryMakeTargetThatIsMentionedExists(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, name := range documents(t) {
		for _, span := range codeSpan.FindAllString(read(t, name), -1) {
			for _, m := range makeTarget.FindAllStringSubmatch(span, -1) {
				if !strings.Contains(makefile, "\n"+m[1]+":") {
					t.Errorf("%s: the Makefile has no target %s", name, m[1])
				}
			}
		}
	}
}
