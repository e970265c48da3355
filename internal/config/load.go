package config

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"
)

// Options says what to load and through which eyes. The zero value of every
// function field means the real file system, environment and clock.
type Options struct {
	// Path is the configuration file.
	Path string
	// EnvFile is --env-file: its variables fill those that are not set.
	EnvFile string
	// Listen is our own host:port, so that a base URL that leads back to the
	// gateway is refused; "" skips the check.
	Listen string
	// Env looks up the process environment.
	Env func(name string) (string, bool)
	// ReadFile reads a file whole.
	ReadFile func(path string) ([]byte, error)
	// Now tells which models are past their deprecation date.
	Now func() time.Time
	// Overrides are command-line flags; they win over the file.
	Overrides Overrides
}

// Overrides are settings of the command line. Zero values were not given.
type Overrides struct {
	DropParams     *bool
	Debug          bool
	RequestTimeout time.Duration
	MaxTokens      *int
	Temperature    *float64
	// Model, with Alias, APIBase and APIVersion, serves one deployment (see
	// FromModel) or adds it to the file's.
	Model      string
	Alias      string
	APIBase    string
	APIVersion string
	// Headers go to every upstream call (--headers, a JSON object).
	Headers map[string]string
}

// loader carries one load from stage to stage.
type loader struct {
	o      Options
	report *Report
	env    *environment
	files  []string

	unset []unsetReference
	// told holds unset references that a finding has named already.
	told map[*node]bool
	// repeated finds the finding that a further place is added to.
	repeated map[string]int
	// hints counts searches for the nearest key.
	hints int
	// named is callback_settings, whose keys are names of callbacks.
	named *node
	// wires are the formats that the served entries of model_list speak.
	wires map[*node]string
	// clouds are the accounts of deployments that are skipped.
	clouds Clouds
}

// unsetReference is a value whose environment variable has no value.
type unsetReference struct {
	n    *node
	path string
}

func newLoader(o Options) *loader {
	if o.Env == nil {
		o.Env = os.LookupEnv
	}
	if o.ReadFile == nil {
		o.ReadFile = readLimited
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return &loader{o: o, report: newReport(), env: &environment{process: o.Env, readFile: o.ReadFile}, told: map[*node]bool{}, repeated: map[string]int{}, wires: map[*node]string{}}
}

// readLimited reads a regular file of at most maxFileBytes (and one more byte,
// so that the caller can see that it is too long).
func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errors.New("it is a directory")
	}
	return io.ReadAll(io.LimitReader(f, maxFileBytes+1))
}

// Load reads the file of o.Path and everything that it includes. It never
// panics and never stops at the first mistake. The Config is nil only when the
// file cannot be used at all (missing, not YAML, not a LiteLLM configuration);
// the Report then says why. A Config with a Report whose Refusal is not empty
// must not be served.
func Load(o Options) (*Config, *Report) {
	l := newLoader(o)
	cfg := l.load()
	l.report.seal()
	return cfg, l.report
}

func (l *loader) load() *Config {
	root := l.readRoot(l.o.Path)
	if root == nil {
		return nil
	}
	root = l.include(root, l.o.Path, map[string]bool{}, 0)
	l.readEnvFiles()
	cfg := &Config{Path: l.o.Path, env: l.env}
	cfg.Env = l.declare(root.get("environment_variables"))
	l.expand(root, "", "")
	l.checkKeys(root)
	l.decode(cfg, root)
	l.checkModelList(root.get("model_list"))
	l.tellUnset()
	cfg.Files = l.files
	return cfg
}

// decode fills the sections of cfg in the order in which they need each other.
func (l *loader) decode(cfg *Config, root *node) {
	settings, router := root.get("litellm_settings"), root.get("router_settings")
	cfg.Fairlead = l.fairlead(root.get("fairlead_settings"))
	cfg.General = l.general(root.get("general_settings"))
	cfg.General.PassThrough = l.passThrough(root)
	cfg.Defaults = l.defaults(settings)
	l.sizes(cfg, root)
	l.keepalives(&cfg.Fairlead, root)
	l.urlGuard(&cfg.Defaults, root.get("general_settings"), "general_settings")
	cfg.Router = l.router(router, settings)
	cfg.Redis = l.redis(root)
	if key := "enable_mid_stream_fallback_continuation"; l.flag(router.get(key), child("router_settings", key)) {
		cfg.Fairlead.ContinueMidStream = true
	}
	l.deployments(cfg, root)
	l.clouds.VertexDefault = l.vertexDefault(root.get("default_vertex_config"))
	cfg.Clouds = l.clouds
	cfg.Aliases = l.aliases(router.get("model_group_alias"))
	l.checkTargets(cfg, router, settings)
	l.hooks(cfg, root)
	l.report.Served, l.report.Skipped = len(cfg.Deployments), len(cfg.Skipped)
}

// readRoot reads one file and returns its root map, or nil after a finding.
func (l *loader) readRoot(path string) *node {
	data, err := l.o.ReadFile(path)
	if err != nil {
		l.report.errorf(Position{File: path}, "", "Give the path of an existing file with --config.", "The configuration file cannot be read: %s.", pathError(err))
		return nil
	}
	return l.parseRoot(path, data)
}

// parseRoot returns the root map of a file's text, or nil after a finding.
func (l *loader) parseRoot(path string, data []byte) *node {
	l.files = append(l.files, path)
	doc, ok := parseFile(path, data, l.report)
	if !ok {
		return nil
	}
	if sentence, remedy := notOurs(doc, path == l.o.Path); sentence != "" {
		l.report.errorf(doc.root.pos, "", remedy, "%s", sentence)
		return nil
	}
	return doc.root
}

// pathError returns the cause of a file error without repeating the path.
func pathError(err error) string {
	switch {
	case os.IsNotExist(err):
		return "it does not exist"
	case os.IsPermission(err):
		return "permission denied"
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		err = e.Err
	}
	return strings.TrimSuffix(err.Error(), ".")
}
