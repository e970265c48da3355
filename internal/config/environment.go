package config

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/joho/godotenv"
)

// environment is where references are looked up. The process environment is
// never written.
type environment struct {
	// declared is environment_variables of the file.
	declared map[string]string
	process  func(string) (string, bool)
	// readFile reads files of credentials.
	readFile func(string) ([]byte, error)
	// envFile is --env-file.
	envFile map[string]string
	// beside holds the provider keys of a .env next to the configuration.
	beside map[string]string
	// unread names the other variables of that .env, for remedies.
	unread map[string]bool
	// ignored names variables of the process environment that must not be
	// used because they lead back to ourselves.
	ignored map[string]bool
}

// lookup returns the value of a variable. An empty value counts as unset.
func (e *environment) lookup(name string) (string, bool) {
	if v := strings.TrimSpace(e.declared[name]); v != "" {
		return v, true
	}
	if e.process != nil && !e.ignored[name] {
		if v, ok := e.process(name); ok && strings.TrimSpace(v) != "" {
			return strings.TrimSpace(v), true
		}
	}
	for _, file := range []map[string]string{e.envFile, e.beside} {
		if v := strings.TrimSpace(file[name]); v != "" {
			return v, true
		}
	}
	return "", false
}

// first returns the first of names that has a value.
func (e *environment) first(names []string) (name, value string, ok bool) {
	for _, name := range names {
		if v, ok := e.lookup(name); ok {
			return name, v, true
		}
	}
	return "", "", false
}

// readEnvFiles reads --env-file and the .env beside the configuration.
func (l *loader) readEnvFiles() {
	if l.o.EnvFile != "" {
		l.env.envFile = l.readEnvFile(l.o.EnvFile, true)
	}
	if l.o.Path == "" {
		return
	}
	path := filepath.Join(filepath.Dir(l.o.Path), ".env")
	if path == filepath.Clean(l.o.EnvFile) {
		return
	}
	if vars := l.readEnvFile(path, false); vars != nil {
		l.fillKeys(path, vars)
	}
}

// readEnvFile parses an env file; one that must exist and does not is an error
// finding.
func (l *loader) readEnvFile(path string, must bool) map[string]string {
	data, err := l.o.ReadFile(path)
	if err != nil {
		if must {
			l.report.errorf(Position{File: path}, "", "Give the path of an existing file with --env-file.", "The env file cannot be read: %s.", pathError(err))
		}
		return nil
	}
	if len(data) > maxFileBytes {
		l.report.warnf(Position{File: path}, "", "", "The env file is larger than %d MiB and is not read.", maxFileBytes>>20)
		return nil
	}
	vars, err := godotenv.UnmarshalBytes(normalize(data))
	if err != nil {
		// The parser's own text quotes the line, which may hold a key.
		l.report.warnf(Position{File: path}, "", "Every line must be NAME=value.", "The env file cannot be parsed and is not used.")
		return nil
	}
	l.files = append(l.files, path)
	for name, value := range vars {
		if isSecretName(name) {
			l.report.mask.learn(value)
		}
	}
	return vars
}

// fillKeys takes the provider keys of a .env that are set nowhere else. The
// file is often the client's own, so its base URLs are never taken, and its
// OPENAI_API_KEY is not when the file points OpenAI clients at a gateway.
func (l *loader) fillKeys(path string, vars map[string]string) {
	l.env.beside, l.env.unread = map[string]string{}, map[string]bool{}
	client := clientBase(vars)
	var taken []string
	for name, value := range vars {
		_, set := l.env.lookup(name)
		switch {
		case set || strings.TrimSpace(value) == "":
		case !isProviderKey(name) && !isCloudVariable(name):
			l.env.unread[name] = true
		case name == "OPENAI_API_KEY" && l.isGateway(client):
			l.report.notef(Position{File: path}, "", "", "OPENAI_API_KEY of this file is not used: OPENAI_BASE_URL beside it leads to a gateway on this machine, so it is a client's key.")
		default:
			l.env.beside[name] = value
			taken = append(taken, name)
		}
	}
	if len(taken) > 0 {
		slices.Sort(taken)
		l.report.notef(Position{File: path}, "", "", "%s not set in the environment: taken from this file.", were(taken))
	}
}

func were(names []string) string {
	if len(names) == 1 {
		return names[0] + " was"
	}
	return strings.Join(names, ", ") + " were"
}

// clientBase returns the base URL that an OpenAI client of this env file uses.
func clientBase(vars map[string]string) string {
	if base := vars["OPENAI_BASE_URL"]; base != "" {
		return base
	}
	return vars["OPENAI_API_BASE"]
}
