package app

import (
	"cmp"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/buildinfo"
	"github.com/fairlead-gateway/fairlead/internal/config"
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
	if len(cfg.MissingKeys) > 0 {
		row(b, "missing keys", strings.Join(cfg.MissingKeys, ", ")+"  (requests to these providers will fail)")
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

func row(b *strings.Builder, name, text string) { fmt.Fprintf(b, "  %-13s %s\n", name, text) }

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
	rest := ""
	if n := len(names); n > maxShownModels {
		names, rest = names[:maxShownModels], fmt.Sprintf(" and %d more (GET /v1/models)", n-maxShownModels)
	}
	row(b, "models", strings.Join(names, ", ")+rest)
	if n := len(cfg.Skipped); n > 0 {
		row(b, "skipped", fmt.Sprintf("%d of the model list (fairlead check says why)", n))
	}
}

func tryModel(cfg *config.Config) string {
	for i := range cfg.Deployments {
		if d := &cfg.Deployments[i]; !d.Wildcard && (d.Mode() == "" || d.Mode() == "chat") && d.MissingKey == "" {
			return d.ModelName
		}
	}
	return "MODEL"
}

func curlKey(cfg *config.Config) string {
	if cfg.General.MasterKey.IsSet() {
		return " -H \"Authorization: Bearer $LITELLM_MASTER_KEY\""
	}
	return ""
}
