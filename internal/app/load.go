package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
)

// defaultConfig is the file that is read when none is named.
const defaultConfig = "litellm_config.yaml"

// defaultPort is LiteLLM's.
const defaultPort = 4000

// configPath finds the configuration file, "" when there is none.
func (p *program) configPath(flag string) string {
	if flag != "" {
		return flag
	}
	if path, ok := p.Env("CONFIG_FILE_PATH"); ok && path != "" {
		return path
	}
	if _, err := os.Stat(defaultConfig); !errors.Is(err, fs.ErrNotExist) {
		return defaultConfig
	}
	return ""
}

// load reads the configuration, or makes one from the command line or the
// environment.
func (p *program) load(o config.Options) (*config.Config, *config.Report) {
	o = p.sources(o)
	switch {
	case o.Path != "":
		return config.Load(o)
	case o.Overrides.Model != "":
		return config.FromModel(o)
	}
	return config.Demo(o)
}

// sources says where a configuration is read from.
func (p *program) sources(o config.Options) config.Options {
	o.Env, o.Now = p.Env, p.now
	return o
}

// options turns flags into what the configuration is loaded with.
func (c *serveCommand) options(p *program) (config.Options, error) {
	o := config.Options{Path: p.configPath(c.Config), EnvFile: c.EnvFile}
	if err := readable(c.EnvFile); err != nil {
		return o, err
	}
	if c.Model != "" && c.Config == "" {
		o.Path = ""
	}
	v := &o.Overrides
	v.Model, v.Alias, v.APIBase, v.APIVersion = c.Model, c.Alias, c.APIBase, c.APIVersion
	v.Debug, v.Temperature = c.Debug || c.DetailedDebug, c.Temperature
	v.RequestTimeout = time.Duration(c.RequestTimeout * float64(time.Second))
	if c.DropParams {
		v.DropParams = &c.DropParams
	}
	if c.MaxTokens > 0 {
		v.MaxTokens = &c.MaxTokens
	}
	if c.Headers != "" {
		if err := json.Unmarshal([]byte(c.Headers), &v.Headers); err != nil {
			return o, fmt.Errorf("--headers must be a JSON object of strings, such as '{\"x-team\": \"a\"}': %w", err)
		}
	}
	return o, nil
}

// readable refuses an env file that is named and not there: the gateway would
// serve with every key missing.
func readable(envFile string) error {
	if envFile == "" {
		return nil
	}
	if _, err := os.Stat(envFile); err != nil {
		return fmt.Errorf("the file of --env-file cannot be read; give the path of an existing one: %w", err)
	}
	return nil
}

// listenPort is --port, else PORT, else 4000.
func (c *serveCommand) listenPort(p *program) (int, error) {
	if c.Port != nil {
		return checkPort("--port", *c.Port)
	}
	text, ok := p.Env("PORT")
	if !ok || text == "" {
		return defaultPort, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0, fmt.Errorf("the variable PORT holds %q; it must be a number from 1 to 65535", text)
	}
	return checkPort("PORT", n)
}

func checkPort(what string, n int) (int, error) {
	if n < 0 || n > 65535 {
		return 0, fmt.Errorf("%s is %d; it must be a number from 0 (any free port) to 65535", what, n)
	}
	return n, nil
}

// listenHost is --host, else HOST, else the configuration's choice.
func (c *serveCommand) listenHost(p *program, cfg *config.Config) (string, error) {
	host := c.Host
	if host == "" {
		host, _ = p.Env("HOST")
	}
	return cfg.BindPolicy(host)
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
