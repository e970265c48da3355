package config

import (
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// checkKeys compares every key with the registry: what is not honoured is
// named, what is unknown gets the nearest name or the right section.
func (l *loader) checkKeys(root *node) {
	for i := range root.fields {
		f := &root.fields[i]
		if strings.HasPrefix(f.key, "x-") {
			l.report.notef(f.pos, f.key, "", "`%s` is not read; it may hold anchors.", f.key)
			continue
		}
		l.checkKey("root", f, "")
	}
	for _, section := range []string{"litellm_settings", "general_settings", "router_settings", "fairlead_settings"} {
		l.checkSection(section, root.get(section), section)
	}
	l.checkNested(root)
}

// checkSection checks the keys of a map.
func (l *loader) checkSection(section string, n *node, path string) {
	if n.isNull() {
		return
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map")
		return
	}
	for i := range n.fields {
		l.checkKey(section, &n.fields[i], path)
	}
}

// nested are the maps below the sections whose keys have rows of their own.
var nested = []struct{ path, section string }{
	{"litellm_settings.cache_params", "cache_params"},
	{"general_settings.alerting_args", "alerting_args"},
	{"router_settings.retry_policy", "retry_policy"},
	{"router_settings.allowed_fails_policy", "allowed_fails_policy"},
	{"router_settings.routing_strategy_args", "routing_strategy_args"},
	{"router_settings.router_general_settings", "router_general_settings"},
	{"router_settings.default_litellm_params", "litellm_params"},
	{"general_settings.pass_through_endpoints", "pass_through"},
	{"pass_through_endpoints", "pass_through"},
	{"guardrails", "guardrail"},
}

// checkNested names only what is unknown below keys that are themselves named.
func (l *loader) checkNested(root *node) {
	for _, place := range nested {
		n := root
		for key := range strings.SplitSeq(place.path, ".") {
			n = n.get(key)
		}
		l.checkUnknown(place.section, n, place.path)
	}
	for _, f := range fieldsOf(root.get("mcp_servers")) {
		l.checkUnknown("mcp_server", f.val, child("mcp_servers", f.key))
	}
	for i, item := range root.get("guardrails").elements() {
		l.checkUnknown("guardrail_params", item.get("litellm_params"), child(element("guardrails", i), "litellm_params"))
	}
}

func fieldsOf(n *node) []field {
	if n == nil {
		return nil
	}
	return n.fields
}

func (l *loader) checkUnknown(section string, n *node, path string) {
	if n == nil {
		return
	}
	for i, item := range n.items {
		l.checkUnknown(section, item, element(path, i))
	}
	for i := range n.fields {
		f := &n.fields[i]
		if _, known := registry()[section][f.key]; !known {
			l.unknownKey(section, f, child(path, f.key))
		}
	}
}

// checkKey names one key of a section, unless it is honoured.
func (l *loader) checkKey(section string, f *field, path string) {
	path = child(path, f.key)
	entry, known := registry()[section][f.key]
	if !known {
		l.unknownKey(section, f, path)
		return
	}
	off := ""
	if f.val.isEmpty() && !f.val.unset {
		off = " Its value here asks for nothing."
	}
	switch entry.status {
	case Approximated:
		l.report.notef(f.pos, path, "", "`%s` is approximated: %s.", f.key, entry.clause)
	case NoEffect:
		l.report.notef(f.pos, path, "", "`%s` has no effect: %s.", f.key, entry.clause)
	case Planned:
		l.report.notef(f.pos, path, "", "`%s` is planned and has no effect yet (it would %s).%s", f.key, entry.clause, off)
	case PlannedLimit, Refused:
		l.loosened(f, path, entry, off)
	}
}

// loosened warns of a key whose absence opens something or loses something.
func (l *loader) loosened(f *field, path string, entry keyEntry, off string) {
	severity, word := Warning, "is planned and has no effect yet"
	if entry.status == Refused {
		word = "cannot work here: it needs Python"
	}
	if off != "" {
		severity = Note
	}
	l.report.add(Finding{Severity: severity, Pos: f.pos, Key: path, Message: "`" + f.key + "` " + word + " (it would " + entry.clause + ")." + off})
}

// unknownKey names a key that the section does not have.
func (l *loader) unknownKey(section string, f *field, path string) {
	where := homeName(section)
	remedy, invented := inventions[f.key]
	if l.report.full() {
		l.report.dropped++
		return
	}
	if home := misplacedIn(f.key, section); home != "" && !invented {
		l.report.warnf(f.pos, path, "Move it there.", "`%s` belongs in %s; in %s it has no effect.", f.key, homeName(home), where)
		return
	}
	if !invented {
		remedy = l.nearestKey(f.key, section)
	}
	l.report.warnf(f.pos, path, remedy, "`%s` is an unknown key of %s and has no effect.", f.key, where)
}

// maxHints bounds how often the nearest key is searched: a file that is wrong
// everywhere needs another kind of help.
const maxHints = 100

// nearestKey asks whether the nearest key of a section was meant.
func (l *loader) nearestKey(key, section string) string {
	if l.hints++; l.hints > maxHints {
		return ""
	}
	return didYouMean(key, sectionKeys(section))
}

// checkModelList checks the keys of every deployment. It runs when it is known
// which deployments are served, and by which provider.
func (l *loader) checkModelList(n *node) {
	if n == nil || n.kind != listKind {
		return
	}
	for i, item := range n.items {
		path := element("model_list", i)
		hoisted := item.get("litellm_params").get("model") == nil && item.get("model") != nil
		for j := range item.fields {
			f := &item.fields[j]
			if _, own := registry()["entry"][f.key]; own {
				continue
			}
			if hoisted {
				l.checkParam(f, child(path, f.key), l.wires[item])
				continue
			}
			l.unknownKey("entry", f, child(path, f.key))
		}
		for j := range fieldsOf(item.get("litellm_params")) {
			f := &item.get("litellm_params").fields[j]
			l.checkParam(f, child(child(path, "litellm_params"), f.key), l.wires[item])
		}
		l.checkInfo(item.get("model_info"), child(path, "model_info"))
	}
}

// checkParam names a key of litellm_params that does not do what it says. What
// nobody knows is sent to the provider, as LiteLLM does, and said; wire is the
// format of the deployment, "" when it is not served.
func (l *loader) checkParam(f *field, path, wire string) {
	if isPriceKey(f.key) {
		return
	}
	if _, known := registry()["litellm_params"][f.key]; known {
		l.checkKey("litellm_params", f, strings.TrimSuffix(path, "."+f.key))
		return
	}
	switch home := misplacedIn(f.key, "litellm_params"); {
	case isModelInfo(f.key):
		l.report.warnf(f.pos, path, "Move it there.", "`%s` belongs in model_info; in litellm_params it is not sent.", f.key)
	case home != "":
		l.report.warnf(f.pos, path, "Move it there.", "`%s` belongs in %s; in litellm_params it has no effect.", f.key, homeName(home))
	default:
		l.unknownParam(f, path, wire)
	}
}

// unknownParam says what becomes of a parameter that nobody knows.
func (l *loader) unknownParam(f *field, path, wire string) {
	what := "it is sent to the provider with every call."
	switch wire {
	case "":
		what = "the deployment is skipped, and the parameter with it."
	case provider.WireChat:
	default:
		what = "it goes along with every call and is left out, and named in x-fairlead-dropped, where the provider's own format has no such field."
	}
	severity, hint := Note, l.nearestKey(f.key, "litellm_params")
	if hint != "" {
		severity = Warning
	}
	l.report.add(Finding{Severity: severity, Pos: f.pos, Key: path, Message: "`" + f.key + "` is no parameter that LiteLLM knows; " + what, Remedy: hint})
}

// routingKeys are keys of litellm_params that model_info does not have.
var routingKeys = []string{
	"model", "api_key", "api_base", "weight", "order", "timeout", "stream_timeout", "num_retries", "max_retries", "cooldown_time", "drop_params", "max_parallel_requests",
	"fallbacks", "retry_after", "allowed_fails", "routing_strategy",
}

// checkInfo checks model_info, which may hold any information about a model.
func (l *loader) checkInfo(n *node, path string) {
	if n == nil {
		return
	}
	for i := range n.fields {
		f := &n.fields[i]
		if entry, known := registry()["model_info"][f.key]; known && entry.status != Honoured {
			l.checkKey("model_info", f, path)
			continue
		}
		if slices.Contains(routingKeys, f.key) {
			home := "litellm_params"
			if _, ok := registry()[home][f.key]; !ok {
				home = misplacedIn(f.key, "model_info")
			}
			l.report.warnf(f.pos, child(path, f.key), "Move it there.", "`%s` belongs in %s; in model_info it has no effect.", f.key, homeName(home))
		}
	}
}
