package repl

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fairlead-gateway/fairlead/client"
)

const (
	// maxEntries is how many names list_files returns.
	maxEntries = 500
	// maxFile is how much of a file read_file returns, in bytes.
	maxFile = 64 << 10
)

// secretNames end the names of files that are not for a model, beside those that
// begin with a dot.
var secretNames = []string{".pem", ".key", ".p12", ".pfx", ".keystore", "id_rsa", "id_ed25519", "credentials.json"}

// allowed refuses what may hold secrets: what a tool reads goes to a provider.
func allowed(name string) error {
	for part := range strings.SplitSeq(path.Clean(name), "/") {
		if len(part) > 1 && part[0] == '.' && part != ".." || slices.ContainsFunc(secretNames, func(s string) bool { return strings.HasSuffix(strings.ToLower(part), s) }) {
			return fmt.Errorf("%s is hidden from models: it may hold secrets", name)
		}
	}
	return nil
}

// cause is the reason of a file error in a few words, without paths of the machine.
func cause(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s does not exist", name)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s may not be read", name)
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return fmt.Errorf("%s cannot be read: %w", name, err)
}

func listFiles(root *os.Root) client.Tool {
	type args struct{ Path string }
	return tool("list_files", "Lists the files of a directory below the working directory. Names of directories end in /.",
		`{"type":"object","properties":{"path":{"type":"string","description":"directory, relative; default: the working directory"}}}`,
		func(in args) (string, error) {
			if in.Path == "" {
				in.Path = "."
			}
			return list(root, in.Path)
		})
}

func list(root *os.Root, name string) (string, error) {
	if err := allowed(name); err != nil {
		return "", err
	}
	dir, err := root.Open(name)
	if err != nil {
		return "", cause(name, err)
	}
	defer dir.Close()
	entries, err := dir.ReadDir(maxEntries + 1)
	if err != nil && !errors.Is(err, io.EOF) {
		return "", cause(name, err)
	}
	var names []string
	for _, e := range entries[:min(len(entries), maxEntries)] {
		switch {
		case allowed(e.Name()) != nil:
		case e.IsDir():
			names = append(names, e.Name()+"/")
		default:
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(entries) > maxEntries {
		names = append(names, "(there are more)")
	}
	if len(names) == 0 {
		return "(empty)", nil
	}
	return strings.Join(names, "\n"), nil
}

func readFile(root *os.Root) client.Tool {
	type args struct {
		Path   string
		Offset int64
	}
	return tool("read_file", "Returns the text of a file below the working directory, at most 64 KiB at a time.",
		`{"type":"object","properties":{"path":{"type":"string","description":"file, relative"},"offset":{"type":"integer","description":"first byte, default 0"}},"required":["path"]}`,
		func(in args) (string, error) { return read(root, in.Path, in.Offset) })
}

func read(root *os.Root, name string, offset int64) (string, error) {
	if err := allowed(name); err != nil {
		return "", err
	}
	info, err := root.Stat(name)
	if err != nil {
		return "", cause(name, err)
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%s is no regular file", name)
	}
	f, err := root.Open(name)
	if err != nil {
		return "", cause(name, err)
	}
	defer f.Close()
	data := make([]byte, maxFile)
	n, err := f.ReadAt(data, max(offset, 0))
	if err != nil && !errors.Is(err, io.EOF) {
		return "", cause(name, err)
	}
	return readable(name, data[:n], max(offset, 0), info.Size())
}

// readable refuses what is no text, and says when there is more.
func readable(name string, data []byte, offset, size int64) (string, error) {
	text := string(data)
	for i := 0; i < utf8.UTFMax && len(text) > 0 && !utf8.ValidString(text); i++ {
		text = text[:len(text)-1] // the end may have cut a character
	}
	if len(data) > 0 && text == "" || strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return "", fmt.Errorf("%s is no text", name)
	}
	if end := offset + int64(len(text)); end < size && text != "" {
		text += fmt.Sprintf("\n(%d of %d bytes; read on with offset %d)", len(text), size, end)
	}
	return text, nil
}
