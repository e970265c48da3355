package config

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// base reads api_base (or base_url), else the provider's own variable.
func (l *loader) base(d *Deployment, p params, row *provider.Row) *skip {
	d.APIVersion = l.text(p.at("api_version"))
	d.Organization = l.text(p.at("organization"))
	n, path := p.at("api_base")
	if n == nil {
		n, path = p.at("base_url")
	}
	if n != nil && n.unset {
		return l.skipUnset(n, path)
	}
	base := l.text(n, path)
	if base == "" {
		l.baseFromEnvironment(d, row)
		return nil
	}
	u, err := url.Parse(base)
	switch {
	case err != nil || u.Host == "" && !strings.Contains(base, "://"):
		return skipAt(n, path, "Write it with http:// or https://.", "its api_base %s is not a URL.", quotedUnlessReference(n))
	case u.Scheme != "http" && u.Scheme != "https":
		return skipAt(n, path, "Write it with http:// or https://.", "its api_base %s must start with http:// or https://.", quotedUnlessReference(n))
	case u.Host == "":
		return skipAt(n, path, "", "its api_base %s names no host.", quotedUnlessReference(n))
	case leadsTo(base, l.o.Listen):
		return skipAt(n, path, "Give the address of the provider, or remove `api_base`.", "its api_base %s is this gateway's own address, so every request would come back to it.", quotedUnlessReference(n))
	}
	d.APIBase = l.withoutCall(n, path, trimBase(base), row)
	return nil
}

// chatPath is appended to the base of an OpenAI-compatible provider for each call.
const chatPath = "/chat/completions"

// withoutCall takes off the path of a call, which some paste with the base: LiteLLM
// takes it from most providers.
func (l *loader) withoutCall(n *node, path, base string, row *provider.Row) string {
	bare, found := strings.CutSuffix(base, chatPath)
	if !found || row.Wire != provider.WireChat {
		return base
	}
	l.report.notef(n.pos, path, "Write the base alone.", "`%s` is left out of the base: it is appended to every call.", chatPath)
	return trimBase(bare)
}

func quotedUnlessReference(n *node) string { return `"` + n.show() + `"` }

func trimBase(base string) string { return strings.TrimRight(strings.TrimSpace(base), "/") }

// baseFromEnvironment takes a variable such as OPENAI_API_BASE, unless it
// leads back to ourselves: the guide's .env holds OPENAI_BASE_URL for clients.
func (l *loader) baseFromEnvironment(d *Deployment, row *provider.Row) {
	if row == nil {
		return
	}
	for _, name := range row.BaseEnv {
		value, ok := l.env.lookup(name)
		if !ok {
			continue
		}
		if leadsTo(value, l.o.Listen) {
			l.ignoreBase(name)
			continue
		}
		d.APIBase = trimBase(value)
		return
	}
}

// ignoreBase says once that a variable leads back to the gateway.
func (l *loader) ignoreBase(name string) {
	if l.env.ignored == nil {
		l.env.ignored = map[string]bool{}
	}
	l.env.ignored[name] = true
	l.report.warnf(Position{}, "", "It belongs into the environment of the clients only.", "%s is this gateway's own address; it is ignored and the provider's own address is used.", name)
}

// key reads api_key, else the credential of litellm_settings or the
// provider's own variable.
func (l *loader) key(d *Deployment, p params, row *provider.Row, shared *list) {
	n, path := p.at("api_key")
	switch text := l.keyText(n, path); {
	case hasControl(text):
		l.report.mask.learn(text)
		l.report.warnf(n.pos, path, "Write the key on one line, without anything around it.", "The key holds a line break or another control character, which no request can carry; the deployment has no key.")
		return
	case isNothing(text):
		l.report.notef(n.pos, path, "Leave `api_key` out.", "%s is a word here, not an empty value; it is read as \"no key\".", text)
		return
	case text != "":
		l.report.mask.learn(text)
		d.APIKey, d.KeySource = NewSecret(text), "config"
		if n.variable != "" {
			d.KeySource = n.variable
		}
		if credential, ok := strings.CutPrefix(path, credentialPath); ok {
			d.KeySource = strings.TrimSuffix(credential, ".api_key")
		}
		return
	}
	if row == nil {
		return
	}
	if l.keyFromSettings(d, row, shared.settings) {
		return
	}
	name, value, ok := l.env.first(row.KeyEnv)
	if ok && !hasControl(value) {
		l.report.mask.learn(value)
		d.APIKey, d.KeySource = NewSecret(value), name
		l.tellReplaced(n, path, "; "+name+" is used instead.")
		return
	}
	l.keyless(d, n, path, row, p)
}

// keyText returns the text of api_key; an unset reference is no key and is
// named later, with what happens instead.
func (l *loader) keyText(n *node, path string) string {
	if n == nil || n.unset {
		return ""
	}
	return l.text(n, path)
}

// isNothing recognises Python's None, written by people who mean no key.
func isNothing(text string) bool { return text == "None" || text == "null" || text == "nil" }

func (l *loader) tellReplaced(n *node, path, consequence string) {
	if n != nil && n.unset {
		l.missing(Warning, n, path, consequence)
	}
}

// keyless tells what a deployment without a key means.
func (l *loader) keyless(d *Deployment, n *node, path string, row *provider.Row, p params) {
	if n != nil && n.unset {
		d.MissingKey = n.variable
		if row.KeyOptional {
			d.MissingKey = ""
		}
		l.missing(Warning, n, path, ", so the deployment has no key.")
		return
	}
	if row.KeyOptional || len(row.KeyEnv) == 0 {
		return
	}
	model, at := p.at("model")
	if d.APIBase != "" && !l.ownHost(d, row) {
		return
	}
	d.MissingKey = row.KeyEnv[len(row.KeyEnv)-1]
	l.report.warnf(model.pos, at, "Set "+strings.Join(row.KeyEnv, " or ")+" in the environment, or give `api_key`.", "The deployment %q has no key: %s will refuse its calls.", d.ModelName, row.Name)
}

// ownHost reports whether the deployment calls the provider itself and not
// some other server through its format.
func (l *loader) ownHost(d *Deployment, row *provider.Row) bool {
	base, err := url.Parse(d.APIBase)
	if err != nil {
		return false
	}
	own, err := url.Parse(row.BaseURL)
	return err == nil && strings.EqualFold(base.Hostname(), own.Hostname())
}

// keyFromSettings reads <provider>_key and api_key of litellm_settings.
func (l *loader) keyFromSettings(d *Deployment, row *provider.Row, settings *node) bool {
	for _, key := range settingsKeys(row.Name) {
		if v := settings.get(key); v.isScalar() && strings.TrimSpace(v.text) != "" {
			l.report.mask.learn(v.text)
			d.APIKey, d.KeySource = NewSecret(strings.TrimSpace(v.text)), "config"
			return true
		}
	}
	return false
}

// settingsKeys are the names under which litellm_settings may hold the key of
// a provider; its own name wins over the general one.
func settingsKeys(name string) []string {
	plain := strings.ReplaceAll(name, "_", "")
	return []string{name + "_key", name + "_api_key", plain + "_key", plain + "_api_key", "api_key"}
}

// leadsTo reports whether a base URL leads to our own listener.
func leadsTo(base, listen string) bool {
	if listen == "" {
		return false
	}
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil || u.Host == "" {
		return false
	}
	host, port := splitListen(listen)
	if portOf(u) != port {
		return false
	}
	name := strings.ToLower(u.Hostname())
	return isLoopback(name) || isUnspecified(name) || strings.EqualFold(name, host) && !isUnspecified(host)
}

// isGateway reports whether a base URL leads to us, or, when our own address
// is not known yet, to the default port on this machine.
func (l *loader) isGateway(base string) bool {
	listen := l.o.Listen
	if listen == "" {
		listen = "localhost:4000"
	}
	return leadsTo(base, listen)
}

func portOf(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Port()
	case u.Scheme == "https":
		return "443"
	}
	return "80"
}

// splitListen splits host:port; a bare port has the empty host.
func splitListen(listen string) (host, port string) {
	i := strings.LastIndexByte(listen, ':')
	if i < 0 {
		return "", listen
	}
	return strings.Trim(listen[:i], "[]"), listen[i+1:]
}

// isLoopback reports whether a host is reached from this machine only.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") || strings.HasSuffix(strings.ToLower(host), ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && addr.Unmap().IsLoopback()
}

// isUnspecified reports whether a host stands for every address.
func isUnspecified(host string) bool {
	return slices.Contains([]string{"", "0.0.0.0", "::", "*"}, strings.Trim(host, "[]"))
}
