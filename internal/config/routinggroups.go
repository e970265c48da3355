package config

import (
	"regexp"
	"slices"
	"time"
)

// RoutingGroup is one entry of router_settings.routing_groups: models with a strategy of
// their own, which can also be asked for by the name of the group.
type RoutingGroup struct {
	Name     string
	Models   []string
	Strategy string
	Args     StrategyArgs
	Pos      Position
}

// Budget is what may be spent in a period, in USD. A Period of 0 is no budget.
type Budget struct {
	Limit  float64
	Period time.Duration
}

// routingGroups reads routing_groups. A model belongs to one group only.
func (l *loader) routingGroups(n *node, path string) []RoutingGroup {
	if !l.given(n, path) {
		return nil
	}
	var out []RoutingGroup
	taken := map[string]string{}
	for i, item := range n.elements() {
		at := element(path, i)
		if item.kind != mapKind {
			l.wrong(item, at, "a map with group_name, models and routing_strategy")
			continue
		}
		g := RoutingGroup{Name: l.text(item.get("group_name"), child(at, "group_name")), Pos: item.pos}
		if g.Name == "default" {
			l.report.warnf(item.pos, at, "Give it another name.", "The routing group \"default\" stands for all other models; routing_strategy sets it. The name is not used.")
			g.Name = ""
		}
		for _, model := range l.texts(item.get("models"), child(at, "models")) {
			if other, ok := taken[model]; ok {
				l.report.warnf(item.pos, child(at, "models"), "", "%q is in the routing group %q already, and a model belongs to one only.", model, other)
				continue
			}
			taken[model] = g.Name
			g.Models = append(g.Models, model)
		}
		g.Strategy = l.strategy(item.get("routing_strategy"), child(at, "routing_strategy"))
		g.Args = l.strategyArgs(item.get("routing_strategy_args"), child(at, "routing_strategy_args"))
		if len(g.Models) == 0 {
			l.report.warnf(item.pos, at, "", "The routing group %q has no models and is ignored.", g.Name)
			continue
		}
		out = append(out, g)
	}
	return out
}

// providerBudgets reads provider_budget_config: a provider to a limit and a period.
func (l *loader) providerBudgets(n *node, path string) map[string]Budget {
	if !l.given(n, path) {
		return nil
	}
	if n.kind != mapKind {
		l.wrong(n, path, "a map of providers to budgets")
		return nil
	}
	out := map[string]Budget{}
	for _, f := range n.fields {
		at := child(path, f.key)
		limit := first(f.val.get("budget_limit"), f.val.get("max_budget"))
		period := first(f.val.get("time_period"), f.val.get("budget_duration"))
		if b, ok := l.budget(limit, period, at); ok {
			out[f.key] = b
		}
	}
	return out
}

func first(a, b *node) *node {
	if a != nil {
		return a
	}
	return b
}

// budget reads a limit in USD with its period. A limit without a period holds for good,
// which without a data directory is as long as the process runs.
func (l *loader) budget(limit, period *node, path string) (Budget, bool) {
	if limit.isNull() {
		return Budget{}, false
	}
	v := l.number(limit, path)
	if v == nil {
		return Budget{}, false
	}
	b := Budget{Limit: *v, Period: forever}
	if period.isNull() {
		return b, true
	}
	d, ok := asPeriod(period)
	if !ok || d <= 0 {
		l.wrong(period, path, "a period such as 30s, 12h, 7d, 1mo")
		return Budget{}, false
	}
	b.Period = d
	return b, true
}

// asPeriod reads a duration as LiteLLM writes those of budgets: 30s, 15m, 12h, 7d, 2w,
// and 1mo for 30 days.
func asPeriod(n *node) (time.Duration, bool) {
	for suffix, unit := range map[string]time.Duration{"mo": 30 * day, "w": 7 * day, "d": day} {
		if v, ok := leading(n.text, suffix); ok {
			return min(time.Duration(v)*unit, forever), true
		}
	}
	return asDuration(n)
}

const (
	day     = 24 * time.Hour
	forever = 20 * 365 * day
)

var wholeNumber = regexp.MustCompile(`^[0-9]{1,4}$`)

// leading returns the whole number before a suffix.
func leading(text, suffix string) (n int, ok bool) {
	if len(text) <= len(suffix) || text[len(text)-len(suffix):] != suffix || !wholeNumber.MatchString(text[:len(text)-len(suffix)]) {
		return 0, false
	}
	for _, digit := range text[:len(text)-len(suffix)] {
		n = n*10 + int(digit-'0')
	}
	return n, true
}

// patterns reads tag_regex. One that is no regular expression is named and left out.
func (l *loader) patterns(n *node, path string) []*regexp.Regexp {
	var out []*regexp.Regexp
	for _, text := range l.texts(n, path) {
		r, err := regexp.Compile(text)
		if err != nil {
			l.report.warnf(n.pos, path, "", "%q is no regular expression that is known here, and is left out: %v.", clip(text), err)
			continue
		}
		out = append(out, r)
	}
	return slices.Clip(out)
}
