package config

import (
	"regexp"
	"strings"
	"sync"
)

// referencePrefix starts a value that is read from the environment.
const referencePrefix = "os.environ/"

var referenceForms = sync.OnceValue(func() (f struct{ braces, call, alike *regexp.Regexp }) {
	f.braces = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(?:(:?-)([^}]*))?\}$`)
	f.call = regexp.MustCompile(`^(?:env|os\.getenv|os\.environ\.get)\(\s*["']([A-Za-z_][A-Za-z0-9_]*)["']\s*\)$`)
	// What people write for a variable and nothing reads: $NAME, %NAME%, env:NAME,
	// env/NAME, os.environ.NAME, os.environ["NAME"], process.env.NAME, {{ NAME }}.
	f.alike = regexp.MustCompile(`^(?:\$[A-Z_][A-Z0-9_]+|%[A-Z_][A-Z0-9_]+%|(?:\$env|env|ENV)[:./][A-Z_][A-Z0-9_]+|os\.environ[.:\[(].*|process\.env\..+|\{\{.+\}\})$`)
	return f
})

// reference is a value that names an environment variable.
type reference struct {
	name       string
	fallback   string
	hasDefault bool
	// foreign is set when LiteLLM itself would not expand this form.
	foreign bool
}

// asReference recognises os.environ/NAME, and ${NAME}, ${NAME:-default} and
// env("NAME") when they are the whole value.
func asReference(text string) (reference, bool) {
	text = strings.TrimSpace(text)
	if name, ok := strings.CutPrefix(text, referencePrefix); ok {
		return reference{name: strings.TrimSpace(name)}, strings.TrimSpace(name) != ""
	}
	if m := referenceForms().call.FindStringSubmatch(text); m != nil {
		return reference{name: m[1], foreign: true}, true
	}
	if !strings.HasPrefix(text, "${") {
		return reference{}, false
	}
	if m := referenceForms().braces.FindStringSubmatch(text); m != nil {
		return reference{name: m[1], fallback: m[3], hasDefault: m[2] != "", foreign: true}, true
	}
	return reference{}, false
}

// expand resolves every reference below n. key is the name of the map key that
// leads to n; it tells whether a literal is a credential.
func (l *loader) expand(n *node, path, key string) {
	if n == nil || n.expanded {
		return
	}
	n.expanded = true
	for i := range n.fields {
		f := &n.fields[i]
		l.expand(f.val, child(path, f.key), f.key)
	}
	for i, item := range n.items {
		l.expand(item, element(path, i), key)
	}
	if n.kind == stringKind {
		l.expandScalar(n, path, key)
	}
}

func (l *loader) expandScalar(n *node, path, key string) {
	ref, ok := asReference(n.text)
	if !ok {
		l.checkLiteral(n, path, key)
		return
	}
	n.variable = ref.name
	value, set := l.env.lookup(ref.name)
	if !set && ref.hasDefault {
		value, set = ref.fallback, true
	}
	if !set {
		n.kind, n.text, n.unset = nullKind, "", true
		l.unset = append(l.unset, unsetReference{n, path})
		return
	}
	n.text = value
	if isSecretName(ref.name) || isSecretName(key) {
		l.report.mask.learn(value)
	}
	if ref.foreign {
		l.report.notef(n.pos, path, "", "%s is read from the environment; LiteLLM itself would send the text as it stands and wants %s%s.", n.show(), referencePrefix, ref.name)
	}
}

// checkLiteral remembers literal credentials and names references that do not
// work because they are only a part of the value.
func (l *loader) checkLiteral(n *node, path, key string) {
	if isSecretName(key) || isSecretName(lastKey(path)) || secretPlace(path) {
		l.report.mask.learn(n.text)
	}
	switch {
	case strings.Contains(path, "pass_through_endpoints["):
		// References inside these texts are filled, see fillReferences.
	case strings.TrimSpace(n.text) == referencePrefix:
		l.report.warnf(n.pos, path, "Write os.environ/NAME.", "os.environ/ names no variable here; the text is used as it stands.")
	case strings.Contains(n.text, referencePrefix):
		l.report.warnf(n.pos, path, "Put the whole value into one variable and write os.environ/NAME.", "os.environ/ works only as the whole value; here the text is used as it stands.")
	case strings.Contains(n.text, "${") && referenceInside(n.text):
		l.report.warnf(n.pos, path, "Put the whole value into one variable, or render the file with envsubst first.", "${…} is expanded only when it is the whole value; here the text is used as it stands.")
	case mayBeAlike(n.text) && referenceForms().alike.MatchString(n.text):
		l.report.warnf(n.pos, path, "Write os.environ/NAME.", "This looks like the name of a variable, but the text is used as it stands, as by LiteLLM.")
	case strings.HasPrefix(n.text, "oidc/") && isSecretName(key):
		l.report.warnf(n.pos, path, "", "oidc/ tokens are planned; the text is used as it stands.")
	}
}

// mayBeAlike spares most values the look for what is written like a variable.
func mayBeAlike(text string) bool {
	return text != "" && strings.IndexByte("$%eEop{", text[0]) >= 0
}

// secretPlace reports whether a value at this path may be a credential although
// its own key does not say so: a header, a declared variable, or something below
// a key that does.
func secretPlace(path string) bool {
	above, _, nested := cutLast(path)
	if !nested {
		return false
	}
	if above == "environment_variables" || strings.HasSuffix(above, "headers") || strings.HasSuffix(above, ".env") {
		return true
	}
	for key := range strings.SplitSeq(above, ".") {
		key, _, _ = strings.Cut(key, "[")
		if isCredentialKey(key) {
			return true
		}
	}
	return false
}

// cutLast cuts a path before its last key.
func cutLast(path string) (above, last string, ok bool) {
	i := strings.LastIndexByte(path, '.')
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

var insideForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*(:?-[^}]*)?\}`) })

func referenceInside(text string) bool { return insideForm().MatchString(text) }

// lastKey returns the last map key of a path.
func lastKey(path string) string {
	path = path[strings.LastIndexByte(path, '.')+1:]
	key, _, _ := strings.Cut(path, "[")
	return key
}

// declare resolves environment_variables in file order; a value may refer to
// an earlier one or to the process environment.
func (l *loader) declare(section *node) map[string]string {
	l.env.declared = map[string]string{}
	if section == nil {
		return l.env.declared
	}
	if section.kind != mapKind && !section.isNull() {
		l.wrong(section, "environment_variables", "a map of names to values")
	}
	for i := range section.fields {
		f := &section.fields[i]
		path := child("environment_variables", f.key)
		value := l.declaredValue(f, path)
		if value.isScalar() {
			l.expand(value, path, f.key)
		}
		if value != nil && value.kind == listKind {
			l.wrong(value, path, "text")
		}
		if value.isScalar() {
			l.env.declared[f.key] = value.text
		}
	}
	return l.env.declared
}

// declaredValue returns the scalar of one variable: some files hold a map with
// value, default, description or required.
func (l *loader) declaredValue(f *field, path string) *node {
	if f.val == nil || f.val.kind != mapKind {
		return f.val
	}
	for _, key := range []string{"value", "default"} {
		if v := f.val.get(key); v.isScalar() {
			l.report.notef(f.pos, path, "Write NAME: value.", "`%s` is a map; its `%s` is used.", f.key, key)
			return v
		}
	}
	l.report.notef(f.pos, path, "Write NAME: value.", "`%s` is a map without a value, which describes the variable only; nothing is set.", f.key)
	return nil
}

// missing says that the variable of n has no value. The same variable with the
// same consequence is one finding, which lists the further lines.
func (l *loader) missing(s Severity, n *node, path, consequence string) {
	if l.told[n] {
		return
	}
	l.told[n] = true
	key := n.variable + consequence
	if i, ok := l.repeated[key]; ok {
		l.report.again(i, n.pos)
		return
	}
	l.repeated[key] = len(l.report.Findings)
	l.report.add(Finding{Severity: s, Pos: n.pos, Key: path, Message: "The environment variable " + n.variable + " is not set" + consequence, Remedy: l.setIt(n.variable)})
}

// setIt says how a variable gets its value.
func (l *loader) setIt(variable string) string {
	if l.env.unread[variable] {
		return variable + " stands in the .env beside the file, from which only provider keys are taken: start with --env-file .env."
	}
	return "Set " + variable + " in the environment before starting."
}

// tellUnset names the references that no section has named yet.
func (l *loader) tellUnset() {
	for _, u := range l.unset {
		l.missing(Warning, u.n, u.path, "; `"+lastKey(u.path)+"` is taken as not given.")
	}
}
