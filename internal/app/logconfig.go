package app

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
)

// logConfig is what can be taken over from a Python logging configuration.
type logConfig struct{ debug, json bool }

// readLogConfig reads --log_config: JSON, YAML, or the INI form of Python's
// logging.config. Handlers and formatters are Python's own; the root level and
// whether a JSON formatter is named have a meaning here.
func readLogConfig(path string) (logConfig, error) {
	if path == "" {
		return logConfig{}, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return logConfig{}, fmt.Errorf("the file of --log_config cannot be read; give the path of a Python logging file, or leave the flag out: %w", err)
	}
	lower := strings.ToLower(string(text))
	out := logConfig{json: strings.Contains(lower, "jsonformatter") || strings.Contains(lower, "jsonlogger")}
	switch strings.ToLower(filepath.Ext(path)) {
	case ".json", ".yaml", ".yml":
		var doc struct {
			Root struct {
				Level string `yaml:"level"`
			} `yaml:"root"`
		}
		if err := yaml.Unmarshal(text, &doc); err != nil {
			return logConfig{}, fmt.Errorf("--log_config %s is not valid: %w", path, err)
		}
		out.debug = strings.EqualFold(doc.Root.Level, "DEBUG")
	default:
		out.debug = iniRootLevel(lower) == "debug"
	}
	return out, nil
}

// iniRootLevel finds level in the section [logger_root].
func iniRootLevel(text string) string {
	_, section, ok := strings.Cut(text, "[logger_root]")
	if !ok {
		return ""
	}
	section, _, _ = strings.Cut(section, "\n[")
	for line := range strings.Lines(section) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "level" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
