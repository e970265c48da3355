package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"net/url"
	"os"
	"strings"

	"github.com/mattn/go-isatty"

	"github.com/fairlead-gateway/fairlead/client"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/repl"
)

type chatCommand struct {
	Model  string   `short:"m" placeholder:"M" help:"Model to chat with. Default: OPENAI_MODEL, else the first that the gateway lists."`
	Prompt string   `short:"p" placeholder:"TEXT" help:"Answer this one question and exit."`
	System string   `short:"s" placeholder:"TEXT" help:"Instruction for the model."`
	Tools  []string `placeholder:"NAMES" help:"Let the model call built-in tools that only read: all, or some of clock, calculator, list_files, read_file (below this directory)."`
	Trace  bool     `help:"Show reasoning, and which signatures came with it."`
	Effort string   `placeholder:"LEVEL" help:"reasoning_effort of every question: low, medium, high."`
	URL    string   `name:"url" placeholder:"URL" help:"Base URL of the gateway. Default: OPENAI_BASE_URL, else http://localhost:PORT/v1."`
	Key    string   `placeholder:"KEY" help:"Key for the gateway. Default: OPENAI_API_KEY, else the master key of the configuration."`
	Config string   `short:"c" placeholder:"FILE" help:"Configuration whose master key is used."`
}

// chat talks with a model through a running gateway.
func (p *program) chat(ctx context.Context, c *chatCommand) error {
	root, err := os.OpenRoot(".")
	if err != nil {
		return fmt.Errorf("the working directory cannot be opened: %w", err)
	}
	defer root.Close()
	tools, err := repl.Tools(c.Tools, root, p.now)
	if err != nil {
		return err
	}
	base, key, err := c.gateway(p)
	if err != nil {
		return err
	}
	gateway := client.New(base, key)
	model, err := c.model(ctx, p, gateway)
	if err != nil {
		return err
	}
	terminal := isTerminal(p.Stdout)
	return repl.Run(ctx, repl.Options{
		Client: gateway, Model: model, System: c.System, Prompt: c.Prompt, Tools: tools, Trace: c.Trace, Effort: c.Effort,
		In: p.Stdin, Interactive: terminal && isTerminal(p.Stdin), Out: p.Stdout, Notes: p.Stderr,
		Terminal: terminal, Color: p.color && p.terminal(p.Stdout), Signals: p.Signals,
	})
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}

// gateway finds the address and the key. The master key goes to this machine only.
func (c *chatCommand) gateway(p *program) (base, key string, err error) {
	fromEnv, _ := p.Env("OPENAI_BASE_URL")
	port, err := (&serveCommand{}).listenPort(p)
	if err != nil {
		return "", "", err
	}
	base = cmp.Or(c.URL, strings.TrimSpace(fromEnv), "http://"+address("localhost", port)+"/v1")
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return "", "", fmt.Errorf("the gateway's address is given as %q; write it as http://host:port/v1", base)
	}
	if c.Key != "" {
		return base, c.Key, nil
	}
	clientKey, _ := p.Env("OPENAI_API_KEY")
	if !local(u.Hostname()) {
		return base, clientKey, nil
	}
	return base, cmp.Or(c.masterKey(p), clientKey), nil
}

// masterKey is that of the configuration or of the environment, "" without one.
func (c *chatCommand) masterKey(p *program) string {
	cfg, _ := p.load(config.Options{Path: p.configPath(c.Config)})
	if cfg == nil {
		return ""
	}
	return cfg.General.MasterKey.Reveal()
}

func local(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// model is the one that was named, else the first of the list.
func (c *chatCommand) model(ctx context.Context, p *program, gateway *client.Client) (string, error) {
	named, _ := p.Env("OPENAI_MODEL")
	if name := cmp.Or(c.Model, named); name != "" {
		return name, nil
	}
	models, err := gateway.Models(ctx)
	if err != nil {
		return "", repl.Explain(err)
	}
	for _, m := range models {
		if !strings.Contains(m.ID, "*") && (m.Mode == "" || m.Mode == "chat") {
			_, err := io.WriteString(p.Stderr, "chatting with "+m.ID+"; -m chooses another\n")
			return m.ID, err
		}
	}
	return "", errors.New("the gateway lists no model to choose; name one with -m")
}
