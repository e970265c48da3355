package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/doctor"
)

type doctorCommand struct {
	configFlags
	Env   string   `placeholder:"FILE" help:"The client's .env. Default: ENV_FILE, else .env here."`
	Live  bool     `help:"Ask the running gateway, and every model for an answer and a tool call (a few tokens each)."`
	URL   string   `name:"url" placeholder:"URL" help:"Where the gateway is. Default: http://localhost:PORT/v1; with --live, the client's OPENAI_BASE_URL."`
	Key   string   `placeholder:"KEY" help:"Key for --live. Default: the client's."`
	Model []string `short:"m" placeholder:"M" help:"Ask only this model with --live; may be repeated."`
	Port  *int     `short:"p" help:"Port of the gateway on this machine. Default: PORT, else 4000."`
	JSON  bool     `name:"json" help:"Print the findings as JSON."`
}

// doctor examines client, configuration and network; the program ends with 1 when
// something is wrong.
func (p *program) doctor(ctx context.Context, c *doctorCommand) error {
	at, err := c.gateway(p)
	if err != nil {
		return err
	}
	cfg, report := p.load(config.Options{Path: p.configPath(c.Config), EnvFile: c.EnvFile, Listen: at})
	d := doctor.Examine(ctx, doctor.Options{
		EnvPath: c.Env, Env: p.Env, Now: p.now, Config: cfg, Report: report, Gateway: at,
	})
	if c.Live {
		d.Live(ctx, c.live(p, d, cfg, at))
	}
	write := func() error { return d.WriteText(p.Stdout, p.terminal(p.Stdout)) }
	if c.JSON {
		write = func() error { return d.WriteJSON(p.Stdout) }
	}
	if err := write(); err != nil {
		return err
	}
	if d.Count(doctor.Error) > 0 || c.Strict && d.Count(doctor.Warning) > 0 {
		return errReported
	}
	return nil
}

// gateway is where the gateway listens or will listen, host:port.
func (c *doctorCommand) gateway(p *program) (string, error) {
	if c.URL != "" {
		u, err := url.Parse(c.URL)
		if err != nil || u.Host == "" {
			return "", fmt.Errorf("--url is %q; write it as http://host:port/v1", c.URL)
		}
		port := cmp.Or(u.Port(), map[string]string{"https": "443"}[u.Scheme], "80")
		return net.JoinHostPort(u.Hostname(), port), nil
	}
	port, err := (&serveCommand{Port: c.Port}).listenPort(p)
	return address("localhost", port), err
}

// live says how to ask the gateway: as the client does, else as its owner.
func (c *doctorCommand) live(p *program, d *doctor.Diagnosis, cfg *config.Config, at string) doctor.LiveOptions {
	base, key, model := d.Client()
	own := "http://" + at + "/v1"
	if d.Secure() {
		own = "https://" + at + "/v1"
	}
	if c.URL != "" || base == "" || !strings.Contains(base, "://") {
		base = cmp.Or(c.URL, own)
	}
	if key == "" && cfg != nil {
		key = cfg.General.MasterKey.Reveal()
	}
	o := doctor.LiveOptions{BaseURL: base, Key: cmp.Or(c.Key, key), Models: c.Model, Config: cfg, Preferred: model, Now: p.now}
	if d.Secure() && base == own {
		// This machine's own certificate is not what is being tested.
		o.HTTP = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}}}
	}
	if p.color {
		o.Progress = func(done, all int, r doctor.ModelResult) {
			fmt.Fprintf(p.Stderr, "asked %d of %d: %s\n", done, all, r.Model)
		}
	}
	return o
}
