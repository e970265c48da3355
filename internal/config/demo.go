package config

import (
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// demoModels are the built-in models that answer offline.
var demoModels = []string{"demo/echo", "demo/tools", "demo/reasoning"}

// KeyedProviders are served as wildcards when their key is in the environment
// and there is no configuration file.
var KeyedProviders = []string{"gemini", "anthropic", "deepseek", "openai"}

// Demo makes the configuration of a start without a file: the built-in demo
// models, and a wildcard for every provider whose key is in the environment.
func Demo(o Options) (*Config, *Report) {
	l := newLoader(o)
	l.readEnvFiles()
	var entries []*node
	for _, name := range demoModels {
		entries = append(entries, entryOf(name, name))
	}
	for _, name := range KeyedProviders {
		if l.hasKey(name) {
			entries = append(entries, entryOf(name+"/*", name+"/*"))
		}
	}
	return l.synthesize(entries)
}

// FromModel makes the configuration of `--model M` without a file: that one
// deployment, under its own name or --alias.
func FromModel(o Options) (*Config, *Report) {
	l := newLoader(o)
	l.readEnvFiles()
	return l.synthesize(nil)
}

// hasKey reports whether a provider can be called with what the environment
// holds. An OPENAI_API_KEY beside an OPENAI_BASE_URL that leads to ourselves is
// a client's key for this gateway.
func (l *loader) hasKey(name string) bool {
	row, ok := provider.Get(name)
	if !ok {
		return false
	}
	if _, _, ok := l.env.first(row.KeyEnv); !ok {
		return false
	}
	for _, variable := range row.BaseEnv {
		if value, ok := l.env.lookup(variable); ok && leadsTo(value, l.o.Listen) {
			l.report.notef(Position{}, "", "Unset it for the gateway, or write a litellm_config.yaml, to serve "+name+"/*.",
				"%s is this gateway's own address, so %s is taken for a client's key and %s/* is not served.", variable, strings.Join(row.KeyEnv, " or "), name)
			return false
		}
	}
	return true
}

// synthesize decodes a model_list that no file holds.
func (l *loader) synthesize(entries []*node) (*Config, *Report) {
	root := mapOf("model_list", &node{kind: listKind, items: entries})
	cfg := &Config{env: l.env, Env: map[string]string{}}
	l.decode(cfg, root)
	cfg.Files = l.files
	l.report.seal()
	return cfg, l.report
}

// entry returns the entry that --model asks for, or nil.
func (o Overrides) entry() *node {
	if o.Model == "" {
		return nil
	}
	name := o.Alias
	if name == "" {
		name = o.Model
	}
	n := entryOf(name, o.Model)
	params := n.get("litellm_params")
	for _, f := range []struct{ key, value string }{{"api_base", o.APIBase}, {"api_version", o.APIVersion}} {
		if f.value != "" {
			params.fields = append(params.fields, field{key: f.key, val: textOf(f.value)})
		}
	}
	return n
}

// entryOf makes an entry of model_list.
func entryOf(name, model string) *node {
	n := mapOf("model_name", textOf(name))
	n.fields = append(n.fields, field{key: "litellm_params", val: mapOf("model", textOf(model))})
	return n
}

func textOf(s string) *node { return &node{kind: stringKind, text: s, source: s, size: 1} }

func mapOf(key string, val *node) *node {
	return &node{kind: mapKind, fields: []field{{key: key, val: val}}, size: 1 + val.size}
}
