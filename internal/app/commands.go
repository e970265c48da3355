package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/config"
)

type checkCommand struct {
	configFlags
	Text bool `help:"Show each finding with its line and a caret instead of a table."`
}

type modelsCommand struct{ configFlags }

// options are those of a look at the configuration without starting: it is read
// as for the port that serve would take.
func (c *configFlags) options(p *program) config.Options {
	port, err := (&serveCommand{}).listenPort(p)
	if err != nil {
		port = defaultPort // serve says what is wrong with PORT
	}
	return config.Options{Path: p.configPath(c.Config), EnvFile: c.EnvFile, Listen: address("localhost", port)}
}

// check reports on a configuration; the program ends with 1 when it has errors.
func (p *program) check(c *checkCommand) error {
	cfg, report := p.load(c.options(p))
	write := report.WriteTable
	if c.Text {
		write = report.WriteText
	}
	if err := write(p.Stdout, p.terminal(p.Stdout)); err != nil {
		return err
	}
	if cfg == nil || report.HasErrors() || (c.Strict && report.Count(config.Warning) > 0) {
		return errReported
	}
	return nil
}

// models lists what a configuration serves.
func (p *program) models(c *modelsCommand) error {
	cfg, report := p.load(c.options(p))
	if cfg == nil {
		if err := report.WriteText(p.Stderr, p.color); err != nil {
			return err
		}
		return errReported
	}
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"model", "upstream", "key", "context", "USD/M in / out"})
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		info := d.CatalogModel(d.Provider, d.Model)
		t.AppendRow(table.Row{d.ModelName, target(d), keyState(d), window(info), price(info)})
	}
	if _, err := fmt.Fprintln(p.Stdout, t.Render()); err != nil {
		return err
	}
	if c.Strict && report.Count(config.Warning) > 0 {
		return errors.New("the configuration has warnings, and --strict is set; fairlead check lists them")
	}
	return nil
}

// target is what a deployment calls; most are called what they are, and the table
// then fits a terminal.
func target(d *config.Deployment) string {
	if name := d.Provider + "/" + d.Model; name != d.ModelName {
		return name
	}
	return "the same"
}

func keyState(d *config.Deployment) string {
	switch {
	case d.APIKey.IsSet():
		return "set"
	case d.MissingKey != "":
		return "missing: " + d.MissingKey
	}
	return "none needed"
}

func window(m *catalog.Model) string {
	if n := m.MaxInput(); n > 0 {
		return fmt.Sprintf("%d", n)
	}
	return "unknown"
}

// price is that of a million tokens each way, at the rate of a short prompt: some
// models cost more beyond a threshold.
func price(m *catalog.Model) string {
	const few, scale = 1000, 1000
	in, ok := m.Cost(catalog.Usage{Input: few}, time.Time{})
	out, ok2 := m.Cost(catalog.Usage{Output: few}, time.Time{})
	if !ok || !ok2 {
		return "unknown"
	}
	return (in.Total * scale).String() + " / " + (out.Total * scale).String()
}

// probe asks a running gateway: its health, or for one answer.
func (p *program) probe(ctx context.Context, c *serveCommand) error {
	o, err := c.options(p)
	if err != nil {
		return err
	}
	cfg, _ := p.load(o)
	port, err := c.listenPort(p)
	if err != nil {
		return err
	}
	if cfg == nil {
		return errors.New("the configuration cannot be read; fairlead check says why")
	}
	scheme := "http"
	if c.SSLCert != "" {
		scheme = "https"
	}
	url := scheme + "://" + address("localhost", port)
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if c.Health {
		return p.ask(ctx, cfg, http.MethodGet, url+"/health", "")
	}
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"This is a test request; answer with one word."}]}`, tryModel(cfg))
	return p.ask(ctx, cfg, http.MethodPost, url+"/v1/chat/completions", body)
}

func (p *program) ask(ctx context.Context, cfg *config.Config, method, url, body string) error {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return err
	}
	if key := cfg.General.MasterKey.Reveal(); key != "" {
		req.Header.Set("Authorization", "Bearer "+key)
	}
	req.Header.Set("Content-Type", "application/json")
	// The gateway's own certificate, on this machine, is not what is being tested.
	local := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}
	defer local.CloseIdleConnections()
	resp, err := (&http.Client{Transport: local}).Do(req)
	if err != nil {
		return fmt.Errorf("no gateway answers at %s; start one with: fairlead --port PORT (%w)", url, err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(p.Stdout, io.LimitReader(resp.Body, 1<<20)); err != nil {
		return err
	}
	fmt.Fprintln(p.Stdout)
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the gateway answered %s; one that speaks HTTPS is asked with --ssl_certfile_path and --ssl_keyfile_path", resp.Status)
	}
	return nil
}
