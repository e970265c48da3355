package config

import (
	"cmp"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
)

// checkTargets names groups of aliases and fallbacks that do not exist.
func (l *loader) checkTargets(cfg *Config, router, settings *node) {
	known := map[string]bool{}
	var names []string
	for i := range cfg.Deployments {
		known[cfg.Deployments[i].ModelName] = true
		names = append(names, cfg.Deployments[i].ModelName)
	}
	for _, s := range cfg.Skipped {
		known[s.ModelName] = true
	}
	for i := range cfg.Router.RoutingGroups {
		l.checkModels(&cfg.Router.RoutingGroups[i], known, names)
	}
	served := func(name string) bool {
		return known[name] || matchesWildcard(cfg, name) || hasID(cfg, name) || hasFullName(cfg, name)
	}
	exists := func(name string) bool { _, alias := cfg.Aliases[name]; return alias || served(name) }
	for name, alias := range cfg.Aliases {
		if _, second := cfg.Aliases[alias.Target]; second && !served(alias.Target) {
			l.report.warnf(alias.Pos, child("router_settings.model_group_alias", name), "Let it lead to the group itself.", "The alias %q leads to %q, which is an alias too; an alias must lead to a group.", name, alias.Target)
			continue
		}
		if !exists(alias.Target) {
			l.report.warnf(alias.Pos, child("router_settings.model_group_alias", name), cmp.Or(didYouMean(alias.Target, names), "Add it to model_list, or remove the alias."), "The alias %q leads to %q, which is not in model_list.", name, alias.Target)
		}
	}
	for _, key := range []string{"fallbacks", "context_window_fallbacks", "content_policy_fallbacks", "default_fallbacks"} {
		n, path := router.get(key), child("router_settings", key)
		if n.isNull() {
			n, path = settings.get(key), child("litellm_settings", key)
		}
		for i, item := range n.elements() {
			at := path
			if n.kind == listKind {
				at = element(path, i)
			}
			if key == "default_fallbacks" || item != nil && item.kind == mapKind { // what is neither is told already
				l.checkFallbackTargets(item, at, names, exists)
				l.checkFallbackGroups(item, at, names, exists)
			}
		}
	}
}

// checkFallbackGroups names groups that have a fallback and do not exist.
func (l *loader) checkFallbackGroups(n *node, path string, names []string, exists func(string) bool) {
	if n.kind != mapKind || n.get("model").isScalar() {
		return
	}
	for i := range n.fields {
		if f := &n.fields[i]; f.key != "*" && !exists(f.key) {
			l.report.warnf(f.pos, child(path, f.key), didYouMean(f.key, names), "%q has a fallback but is not in model_list, so it is never used.", f.key)
		}
	}
}

// checkModels names models of a routing group that do not exist; its name is known from
// here on.
func (l *loader) checkModels(g *RoutingGroup, known map[string]bool, names []string) {
	for _, model := range g.Models {
		if !known[model] {
			l.report.warnf(g.Pos, "router_settings.routing_groups", didYouMean(model, names), "The routing group %q names %q, which is not in model_list.", g.Name, model)
		}
	}
	if g.Name != "" {
		known[g.Name] = true
	}
}

// checkFallbackTargets visits every name of a fallback list.
func (l *loader) checkFallbackTargets(n *node, path string, names []string, exists func(string) bool) {
	switch {
	case n == nil:
	case n.kind == listKind:
		for i, item := range n.items {
			l.checkFallbackTargets(item, element(path, i), names, exists)
		}
	case n.kind == mapKind && n.get("model").isScalar():
		l.checkFallbackTargets(n.get("model"), child(path, "model"), names, exists)
	case n.kind == mapKind:
		for i := range n.fields {
			l.checkFallbackTargets(n.fields[i].val, child(path, n.fields[i].key), names, exists)
		}
	case n.isScalar() && strings.TrimSpace(n.text) != "" && !exists(strings.TrimSpace(n.text)):
		l.report.warnf(n.pos, path, cmp.Or(didYouMean(n.text, names), "Add it to model_list, or remove it here."), "The fallback target %q is not in model_list.", n.show())
	}
}

// hasFullName reports whether the name is provider/model of a deployment, or a
// bare name whose provider is served by a pattern: both can be asked for.
func hasFullName(cfg *Config, name string) bool {
	if p, ok := catalog.ProviderOf(name); ok && !strings.Contains(name, "/") && matchesWildcard(cfg, p+"/"+name) {
		return true
	}
	for i := range cfg.Deployments {
		if d := &cfg.Deployments[i]; !d.Wildcard && d.Provider+"/"+d.Model == name {
			return true
		}
	}
	return false
}

func hasID(cfg *Config, name string) bool {
	for i := range cfg.Deployments {
		if cfg.Deployments[i].ID == name {
			return true
		}
	}
	return false
}

// matchesWildcard reports whether a wildcard deployment would serve the name.
func matchesWildcard(cfg *Config, name string) bool {
	for i := range cfg.Deployments {
		d := &cfg.Deployments[i]
		if d.Wildcard && matchPattern(d.ModelName, name) {
			return true
		}
	}
	return false
}

// matchPattern matches a name against a pattern in which * stands for any
// text.
func matchPattern(pattern, name string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, last)
}
