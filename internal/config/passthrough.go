package config

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

// PassThrough is one entry of general_settings.pass_through_endpoints: a route of the
// operator's own that leads to another server.
type PassThrough struct {
	// Path is where the route begins, without a slash at its end.
	Path string
	// Target is the address that requests go to, an http or https URL.
	Target string
	// IncludeSubpath sends what follows Path to the same place below Target.
	IncludeSubpath bool
	// Headers are sent with every request; they may hold credentials.
	Headers map[string]Secret
	// ForwardHeaders passes the client's own headers on, without credentials.
	ForwardHeaders bool
	// Query holds parameters that a request gets which does not have them.
	Query map[string]string
	// CostPerRequest is what one request costs, a decimal number of USD, "" for
	// unknown.
	CostPerRequest string
	// Auth says that the gateway's key is needed; without it anybody may use the route.
	Auth bool
	// Methods are those that are served; none means all.
	Methods []string
	// Timeout limits a request; 0 means the default.
	Timeout time.Duration
}

// passThrough reads the routes of general_settings and, as older files have them, of
// the root.
func (l *loader) passThrough(root *node) []PassThrough {
	general := root.get("general_settings")
	timeout := l.limit(general.get("pass_through_request_timeout"), "general_settings.pass_through_request_timeout")
	out := l.passThroughList(general.get("pass_through_endpoints"), "general_settings.pass_through_endpoints")
	out = append(out, l.passThroughList(root.get("pass_through_endpoints"), "pass_through_endpoints")...)
	for i := range out {
		if out[i].Timeout == 0 {
			out[i].Timeout = timeout
		}
	}
	return out
}

func (l *loader) passThroughList(n *node, path string) []PassThrough {
	if !l.given(n, path) {
		return nil
	}
	var out []PassThrough
	for i, item := range n.elements() {
		at := element(path, i)
		if item.kind != mapKind {
			l.wrong(item, at, "a map with path and target")
			continue
		}
		if p, ok := l.passThroughEntry(item, at); ok {
			out = append(out, p)
		}
	}
	return out
}

func (l *loader) passThroughEntry(n *node, path string) (PassThrough, bool) {
	at := func(key string) (*node, string) { return n.get(key), child(path, key) }
	p := PassThrough{
		Path:           strings.TrimRight(l.text(at("path")), "/"),
		Target:         l.fillReferences(at("target")),
		IncludeSubpath: l.flag(at("include_subpath")),
		ForwardHeaders: l.flag(at("forward_headers")),
		Methods:        l.texts(at("methods")),
		Timeout:        l.limit(at("timeout")),
		Auth:           true,
	}
	if auth := l.boolean(at("auth")); auth != nil {
		p.Auth = *auth
	}
	if cost := l.number(at("cost_per_request")); cost != nil && *cost >= 0 {
		p.CostPerRequest = n.get("cost_per_request").asText()
	}
	for i := range p.Methods {
		p.Methods[i] = strings.ToUpper(p.Methods[i])
	}
	p.Headers = l.passThroughHeaders(at("headers"))
	p.Query = l.textMap(at("default_query_params"))
	return p, l.passThroughValid(n, path, &p)
}

// passThroughValid says what is missing; such an entry is skipped.
func (l *loader) passThroughValid(n *node, path string, p *PassThrough) bool {
	u, err := url.Parse(p.Target)
	switch {
	case !strings.HasPrefix(p.Path, "/") || strings.ContainsAny(p.Path, "?#{} "):
		l.report.warnf(n.pos, child(path, "path"), "Write a path such as /bria.", "The pass-through route has no path that begins with a slash; it is skipped.")
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		l.report.warnf(n.pos, child(path, "target"), "Write an address such as https://host/path.", "The pass-through route %s has no http or https address as target; it is skipped.", p.Path)
	default:
		return true
	}
	return false
}

// textMap reads a map of texts.
func (l *loader) textMap(n *node, path string) map[string]string {
	if !l.given(n, path) {
		return nil
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map of names to texts")
		return nil
	}
	out := make(map[string]string, len(n.fields))
	for _, f := range n.fields {
		out[f.key] = l.text(f.val, child(path, f.key))
	}
	return out
}

func (l *loader) passThroughHeaders(n *node, path string) map[string]Secret {
	if !l.given(n, path) {
		return nil
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map of header names to values")
		return nil
	}
	out := make(map[string]Secret, len(n.fields))
	for _, f := range n.fields {
		value := l.fillReferences(f.val, child(path, f.key))
		if !validHeader(f.key, value) {
			l.report.warnf(f.pos, child(path, f.key), "", "`%s` is no valid header name, or its value holds a line break; it is not sent.", f.key)
			continue
		}
		out[http.CanonicalHeaderKey(f.key)] = NewSecret(value)
	}
	return out
}

// innerReference is a reference within a text, as LiteLLM fills it in the headers of
// pass-through routes: "bearer os.environ/COHERE_API_KEY".
var innerReference = regexp.MustCompile(`os\.environ/([A-Za-z_][A-Za-z0-9_]*)`)

// fillReferences reads a text and fills the references within it.
func (l *loader) fillReferences(n *node, path string) string {
	text := l.text(n, path)
	var missing []string
	text = innerReference.ReplaceAllStringFunc(text, func(ref string) string {
		name := strings.TrimPrefix(ref, referencePrefix)
		value, set := l.env.lookup(name)
		if !set && !slices.Contains(missing, name) {
			missing = append(missing, name)
		}
		l.report.mask.learn(value)
		return value
	})
	for _, name := range missing {
		l.report.warnf(n.pos, path, "Set "+name+" in the environment before starting.", "The environment variable %s is not set; its place is left empty.", name)
	}
	return text
}
