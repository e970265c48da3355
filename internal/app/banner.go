package app

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/buildinfo"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// maxShownModels keeps the banner on one screen.
const maxShownModels = 12

// banner says what was started: where it listens, what it serves, what is
// missing, and what to try next.
func (p *program) banner(r *Running, cfg *config.Config, report *config.Report, c *serveCommand) {
	b := &strings.Builder{}
	scheme := "http"
	if c.SSLCert != "" {
		scheme = "https"
	}
	url := scheme + "://" + reachable(r.Addr)
	fmt.Fprintf(b, "\n  fairlead %s\n\n", buildinfo.String())
	row(b, "listening", url+"  ("+r.Addr+")")
	row(b, "config", cmp.Or(cfg.Path, "none: environment and built-in demo"))
	row(b, "key", keyLine(cfg))
	models(b, cfg)
	if missing := missingKeys(cfg, c); len(missing) > 0 {
		list(b, "missing keys", missing)
	}
	if len(report.Findings) > 0 {
		row(b, "findings", report.Summary()+"; shown above, and by fairlead check")
	}
	fmt.Fprintf(b, "\n  try:\n    curl %s/v1/chat/completions%s \\\n      -H 'Content-Type: application/json' \\\n      -d '{\"model\": %q, \"messages\": [{\"role\": \"user\", \"content\": \"Hello\"}]}'\n\n",
		url, curlKey(cfg), tryModel(cfg))
	// The banner is for people; a closed terminal is no reason to stop.
	_, _ = io.WriteString(p.Stdout, b.String())
}

// findings names every key that has no effect, and every mistake, with its place.
func (p *program) findings(r *Running, cfg *config.Config, report *config.Report) error {
	if len(report.Findings) == 0 {
		return nil
	}
	if !cfg.Defaults.JSONLogs {
		return report.WriteText(p.Stderr, p.color)
	}
	for i := range report.Findings {
		f := &report.Findings[i]
		r.log.Warn("configuration: "+f.Message, "severity", f.Severity.String(), "place", f.Pos.String(), "key", f.Key, "remedy", f.Remedy)
	}
	return nil
}

// missingKeys names the keys that the configuration asks for and the environment
// does not have; without a file, those that would serve more than the demo.
func missingKeys(cfg *config.Config, c *serveCommand) []string {
	if len(cfg.MissingKeys) > 0 {
		return append(slices.Clone(cfg.MissingKeys), "(requests to these providers will fail)")
	}
	if cfg.Path != "" || c.Model != "" {
		return nil
	}
	var missing []string
	for _, name := range config.KeyedProviders {
		row, ok := provider.Get(name)
		if !ok || slices.ContainsFunc(row.KeyEnv, func(key string) bool { v, _ := cfg.Getenv(key); return v != "" }) {
			continue
		}
		missing = append(missing, row.KeyEnv[len(row.KeyEnv)-1]+" ("+name+"/*)")
	}
	return missing
}

// bannerWidth is where a list of names goes on in the next line.
const bannerWidth = 100

// list writes names with commas between them, over as many lines as they need.
func list(b *strings.Builder, name string, items []string) {
	indent := "  " + strings.Repeat(" ", labelWidth) + " "
	line, empty := fmt.Sprintf("  %-*s ", labelWidth, name), true
	for i, item := range items {
		if i < len(items)-1 && !strings.HasPrefix(items[i+1], "(") {
			item += ","
		}
		if !empty && len(line)+1+len(item) > bannerWidth {
			b.WriteString(line + "\n")
			line, empty = indent, true
		}
		if !empty {
			item = " " + item
		}
		line, empty = line+item, false
	}
	b.WriteString(line + "\n")
}

// labelWidth is the room for the name of a row.
const labelWidth = 13

func row(b *strings.Builder, name, text string) {
	fmt.Fprintf(b, "  %-*s %s\n", labelWidth, name, text)
}

// reachable is the address as a client on this machine would write it.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func hostOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return host
}

func keyLine(cfg *config.Config) string {
	if cfg.General.MasterKey.IsSet() {
		return "the master key is required"
	}
	return "none needed (this machine only)"
}

func models(b *strings.Builder, cfg *config.Config) {
	var names []string
	seen := map[string]bool{}
	for i := range cfg.Deployments {
		if name := cfg.Deployments[i].ModelName; !seen[name] {
			seen[name] = true
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		row(b, "models", "none: the configuration has no usable deployment (fairlead check says why)")
		return
	}
	if n := len(names); n > maxShownModels {
		names = append(names[:maxShownModels], fmt.Sprintf("(and %d more: GET /v1/models)", n-maxShownModels))
	}
	list(b, "models", names)
	if n := len(cfg.Skipped); n > 0 {
		row(b, "skipped", fmt.Sprintf("%d of the model list (fairlead check says why)", n))
	}
}

// tryModel names a model that answers chats, one with a key if there is one.
func tryModel(cfg *config.Config) string {
	name := "MODEL"
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		if d.Wildcard || d.Mode() != "" && d.Mode() != "chat" {
			continue
		}
		if d.MissingKey == "" {
			return d.ModelName
		}
		if name == "MODEL" {
			name = d.ModelName
		}
	}
	return name
}

func curlKey(cfg *config.Config) string {
	if cfg.General.MasterKey.IsSet() {
		return " -H \"Authorization: Bearer $LITELLM_MASTER_KEY\""
	}
	return ""
}
