package config

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// layer is a map of parameters and where it stands.
type layer struct {
	n    *node
	path string
}

// params is litellm_params with what stands behind it: the named credential
// and router_settings.default_litellm_params.
type params []layer

// credentialPath is in front of the name of a layer that is a credential.
const credentialPath = "credential_list."

// at returns the first value of key, with its path.
func (p params) at(key string) (*node, string) {
	for _, layer := range p {
		if v := layer.n.get(key); v != nil && (!v.isNull() || v.unset) {
			return v, child(layer.path, key)
		}
	}
	return nil, child(p[0].path, key)
}

// list is what the entries of model_list share while they are read.
type list struct {
	credentials map[string]*node
	defaults    *node
	settings    *node
	// aliases is litellm_settings.model_alias_map.
	aliases *node
	// python names the providers of litellm_settings.custom_provider_map.
	python map[string]bool
	ids    map[string]int
}

// deployments reads model_list. An entry that cannot be used is skipped with
// an error finding; the rest is served.
func (l *loader) deployments(cfg *Config, root *node) {
	n := root.get("model_list")
	shared := l.shared(root)
	switch {
	case n.isNull() || n.kind == listKind && len(n.items) == 0:
		l.tellEmpty(n.place(root.pos))
	case n.kind != listKind:
		l.report.errorf(n.pos, "model_list", "Write `- model_name: …` for each entry.", "`model_list` must be a list of deployments; this is %s.", n.name())
	default:
		for i, item := range n.items {
			l.entry(cfg, item, element("model_list", i), shared)
		}
	}
	if extra := l.o.Overrides.entry(); extra != nil {
		l.entry(cfg, extra, "--model", shared)
	}
}

// tellEmpty says that the file serves nothing, unless the command line does.
func (l *loader) tellEmpty(pos Position) {
	if l.o.Overrides.Model == "" {
		l.report.warnf(pos, "model_list", "Add a model: `- model_name: gemini/*`, with `litellm_params: {model: gemini/*}`.", "There is no model in model_list, so no model is served.")
	}
}

func (l *loader) shared(root *node) *list {
	settings := root.get("litellm_settings")
	s := &list{
		credentials: map[string]*node{}, python: map[string]bool{}, ids: map[string]int{},
		defaults: root.get("router_settings").get("default_litellm_params"), settings: settings, aliases: settings.get("model_alias_map"),
	}
	for _, item := range root.get("credential_list").elements() {
		if name := item.get("credential_name"); name.isScalar() {
			s.credentials[name.text] = item.get("credential_values")
		}
	}
	for _, item := range settings.get("custom_provider_map").elements() {
		if name := item.get("provider"); name.isScalar() {
			s.python[name.text] = true
		}
	}
	return s
}

// entry reads one entry of model_list and appends it to what is served, or to
// what is skipped.
func (l *loader) entry(cfg *Config, item *node, path string, shared *list) {
	d := Deployment{Pos: item.pos}
	reason := l.readEntry(&d, item, path, shared)
	if reason == nil {
		d.ID = uniqueID(shared.ids, &d)
		l.tellSecondID(item.get("model_info").get("id"), child(path, "model_info.id"), d.ID)
		l.wires[item] = wireOf(d.Provider)
		cfg.Deployments = append(cfg.Deployments, d)
		if d.MissingKey != "" && !slices.Contains(cfg.MissingKeys, d.MissingKey) {
			cfg.MissingKeys = append(cfg.MissingKeys, d.MissingKey)
			slices.Sort(cfg.MissingKeys)
		}
		return
	}
	if reason.pos.Line == 0 {
		reason.pos = item.pos
	}
	if reason.path == "" {
		reason.path = path
	}
	who := "This deployment"
	if d.ModelName != "" {
		who = fmt.Sprintf("The deployment %q", d.ModelName)
	}
	severity := Error
	if reason.planned {
		severity = Warning
	}
	l.report.add(Finding{Severity: severity, Pos: reason.pos, Key: reason.path, Message: who + " is skipped: " + reason.text, Remedy: reason.remedy})
	cfg.Skipped = append(cfg.Skipped, SkippedDeployment{ModelName: d.ModelName, Reason: l.report.mask.text(reason.text), Pos: item.pos})
}

// wireOf returns the format in which a provider is called; a bare "*" has no
// provider of its own and is taken for the format of most.
func wireOf(name string) string {
	if row, ok := provider.Get(name); ok {
		return row.Wire
	}
	return provider.WireChat
}

// skip is why a deployment cannot be used.
type skip struct {
	pos    Position
	path   string
	text   string
	remedy string
	// planned is set when the entry is right and only we cannot serve it yet.
	planned bool
}

func skipAt(n *node, path, remedy, format string, args ...any) *skip {
	return &skip{pos: n.pos, path: path, text: fmt.Sprintf(format, args...), remedy: remedy}
}

// readEntry fills d, or returns why it cannot be used.
func (l *loader) readEntry(d *Deployment, item *node, path string, shared *list) *skip {
	if item.kind != mapKind {
		return skipAt(item, path, "Write `model_name` and `litellm_params`.", "an entry of model_list must be a map, not %s.", item.name())
	}
	name := item.get("model_name")
	if name != nil && name.unset {
		return l.skipUnset(name, child(path, "model_name"))
	}
	d.ModelName = l.text(name, child(path, "model_name"))
	p, reason := l.entryParams(item, path, shared)
	if reason != nil {
		return reason
	}
	if hasControl(d.ModelName) {
		return skipAt(name, child(path, "model_name"), "Write the name on one line.", "its model_name holds a line break or another control character.")
	}
	if d.ModelName == "" {
		return skipAt(item, path, "Add `model_name`, the name that clients ask for.", "it has no model_name.")
	}
	row, reason := l.target(d, p, shared)
	if reason != nil {
		return reason
	}
	if reason := l.base(d, p, row); reason != nil {
		return reason
	}
	l.key(d, p, row, shared)
	l.limits(d, p, item, path)
	l.shaping(d, p)
	l.callDefaults(d, p)
	l.info(d, p, item.get("model_info"), child(path, "model_info"))
	l.checkCatalog(d, row)
	return nil
}

// skipUnset skips a deployment for a variable without a value, and names it.
func (l *loader) skipUnset(n *node, path string) *skip {
	l.told[n] = true
	return skipAt(n, path, l.setIt(n.variable), "the environment variable %s, which `%s` needs, is not set.", n.variable, lastKey(path))
}

// entryParams returns litellm_params with its layers. An entry whose
// parameters stand one level too high is read as it was meant.
func (l *loader) entryParams(item *node, path string, shared *list) (params, *skip) {
	n, at := item.get("litellm_params"), child(path, "litellm_params")
	if n != nil && !n.isNull() && n.kind != mapKind {
		return nil, skipAt(n, at, "Write `litellm_params: {model: provider/name}`.", "`litellm_params` must be a map, not %s.", n.name())
	}
	if n.get("model") == nil && item.get("model") != nil {
		l.report.warnf(item.field("model").pos, child(path, "model"), "Move the fields below `litellm_params:`.", "The parameters stand beside `litellm_params` instead of below it; they are read as if they stood there. LiteLLM would not start with this entry.")
		n, at = item, path
	}
	if n.isNull() || len(n.fields) == 0 {
		return nil, skipAt(item, path, "Add `litellm_params: {model: provider/name}`.", "it has no litellm_params.")
	}
	p := params{{n, at}}
	if name := n.get("litellm_credential_name"); name.isScalar() {
		values, ok := shared.credentials[name.text]
		if !ok {
			return nil, skipAt(name, child(at, "litellm_credential_name"), "Add it to credential_list.", "no credential named %s is in credential_list.", name.show())
		}
		p = append(p, layer{values, credentialPath + name.text})
	}
	if shared.defaults != nil {
		p = append(p, layer{shared.defaults, "router_settings.default_litellm_params"})
	}
	return p, nil
}

// target finds the provider and the upstream model.
func (l *loader) target(d *Deployment, p params, shared *list) (*provider.Row, *skip) {
	n, path := p.at("model")
	if n != nil && n.unset {
		return nil, l.skipUnset(n, path)
	}
	model := l.text(n, path)
	if model == "" {
		return nil, skipAt(p[0].n, p[0].path, "Add `model: provider/name`.", "its litellm_params name no model.")
	}
	if hasControl(model) {
		return nil, skipAt(n, path, "Write the name on one line.", "its model holds a line break or another control character.")
	}
	if alias := shared.aliases.get(model); alias.isScalar() {
		model = alias.text
	}
	if strings.Contains(model, "*") && !strings.Contains(d.ModelName, "*") {
		l.report.warnf(n.pos, path, "Use a pattern in `model_name` too, such as `"+model+"`.", "The model is a pattern, but the model_name %q is not, so the `*` would be sent as it stands.", d.ModelName)
	}
	d.Wildcard = strings.Contains(d.ModelName, "*")
	if prefix, _, ok := strings.Cut(model, "/"); ok && shared.python[prefix] {
		return nil, skipAt(n, path, "", "its provider %q is Python code of custom_provider_map, which cannot run here.", prefix)
	}
	return l.resolve(d, p, model)
}

// resolve asks the provider table. A bare name that it does not know, with an
// api_base, is an OpenAI-compatible server in every file where it was seen.
func (l *loader) resolve(d *Deployment, p params, model string) (*provider.Row, *skip) {
	n, path := p.at("model")
	custom := l.text(p.at("custom_llm_provider"))
	base := scalarText(p.at("api_base"))
	if base == "" {
		base = scalarText(p.at("base_url"))
	}
	if model == "*" && custom == "" && base == "" {
		d.Model = model
		return nil, nil
	}
	row, upstream, err := provider.Resolve(model, custom, base)
	if err != nil && base != "" && custom == "" && !strings.Contains(model, "/") {
		row, upstream, err = provider.Resolve(model, "openai", base)
		if err == nil {
			l.report.warnf(n.pos, path, "Write `model: openai/"+n.show()+"`.", "%s names no provider; because there is an api_base it is called as an OpenAI-compatible server. LiteLLM would refuse it.", n.show())
		}
	}
	switch {
	case err != nil:
		return nil, skipAt(n, path, "", "%s", sentence(err.Error()))
	case row.Planned:
		remedy := "Use another route to the model, or keep this entry: it does no harm."
		if below := l.cloudAccount(d, p, row.Name, upstream); below != "" {
			remedy = "Use another route to the model, or keep this entry: the pass-through below " + below + " calls with its credentials."
		}
		s := skipAt(n, path, remedy, "the provider %s is planned and cannot be called yet.", row.Name)
		s.planned = true
		return nil, s
	}
	d.Provider, d.Model = row.Name, upstream
	return row, nil
}

// scalarText reads a value that is checked elsewhere.
func scalarText(n *node, _ string) string {
	if !n.isScalar() {
		return ""
	}
	return strings.TrimSpace(n.text)
}

// sentence gives an error's text a full stop.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "?") {
		return s
	}
	return s + "."
}

// uniqueID returns model_info.id, or a hash of what the deployment is; equal
// ones are numbered in file order. No credential goes into it, because it is
// tellSecondID says when an id of the file was taken already.
func (l *loader) tellSecondID(n *node, path, id string) {
	if n.isScalar() && n.asText() != id && n.asText() != "" {
		l.report.warnf(n.pos, path, "Give each deployment an id of its own.", "The id %q is another deployment's already; this one is called %s.", n.show(), id)
	}
}

// shown in response headers.
func uniqueID(seen map[string]int, d *Deployment) string {
	id := ""
	if err := json.Unmarshal(d.Info["id"], &id); err != nil || id == "" {
		sum := sha256.Sum256([]byte(strings.Join([]string{d.ModelName, d.Provider, d.Model, d.APIBase, d.APIVersion}, "\x00")))
		id = hex.EncodeToString(sum[:16])
	}
	seen[id]++
	if n := seen[id]; n > 1 {
		return fmt.Sprintf("%s-%d", id, n)
	}
	return id
}
