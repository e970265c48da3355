package route

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// defaultMaxFallbacks is LiteLLM's ROUTER_MAX_FALLBACKS.
const defaultMaxFallbacks = 5

// rules are fallback rules by group; the first rule of a group counts.
type rules struct{ byGroup map[string][]Fallback }

func newRules(list []Rule) rules {
	if len(list) == 0 {
		return rules{}
	}
	r := rules{byGroup: make(map[string][]Fallback, len(list))}
	for _, rule := range list {
		if _, ok := r.byGroup[rule.Group]; !ok {
			r.byGroup[rule.Group] = rule.Targets
		}
	}
	return r
}

func (r rules) given() bool { return len(r.byGroup) > 0 }

func (r rules) of(group string) []Fallback { return r.byGroup[group] }

// nextTarget moves on to the next fallback that exists, false when none is left.
// The fallbacks are chosen once, by how the request's own group failed: a
// fallback that fails has no fallbacks of its own.
func (p *Plan) nextTarget() bool {
	if !p.chosen {
		p.chosen, p.first = true, p.failure
		p.targets = p.choose(p.failure)
	}
	for p.next < len(p.targets) && p.fallback < p.table.maxFallbacks() {
		target := p.targets[p.next]
		p.next++
		hop, ok := p.table.lookup(target.Model)
		if !ok {
			p.noteName(target.Model, DecisionUnknown)
			continue
		}
		p.fallback++
		p.hop, p.group, p.params, p.retries, p.last = hop, target.Model, target.Params, 0, nil
		p.leaveLine()
		p.queue = nil
		return true
	}
	return false
}

// fallsBack reports whether a group without a healthy deployment leads to another one.
func (p *Plan) fallsBack() bool {
	targets := p.targets[min(p.next, len(p.targets)):]
	if !p.chosen {
		targets = p.choose(&llm.Error{Kind: llm.KindCooldown})
	}
	return p.fallback < p.table.maxFallbacks() && slices.ContainsFunc(targets, func(f Fallback) bool { return p.table.Has(f.Model) })
}

// Others reports whether another deployment could take over from the first call: of its
// group, or by a fallback.
func (p *Plan) Others() bool {
	if len(p.hop.members) > 1 && p.active != nil && p.table.numRetries(p.over, p.active) > 0 {
		return true
	}
	return p.fallsBack()
}

func (t *Table) maxFallbacks() int {
	if t.settings.MaxFallbacks != nil {
		return *t.settings.MaxFallbacks
	}
	return defaultMaxFallbacks
}

// choose returns the fallbacks for a failure of the request's own group, without
// the group itself.
func (p *Plan) choose(e *llm.Error) []Fallback {
	if p.over.DisableFallbacks || e.Kind == llm.KindClientGone || p.refusedParams(e) {
		return nil
	}
	var targets []Fallback
	for _, f := range p.byCause(e) {
		if f.Model != "" && f.Model != p.requested && f.Model != p.home {
			targets = append(targets, f)
		}
	}
	return targets
}

// refusedParams reports whether the failure is a parameter that the operator does
// not want to cure by a fallback.
func (p *Plan) refusedParams(e *llm.Error) bool {
	on := p.table.settings.FallbackOnUnsupportedParams
	return e.Kind == llm.KindUnsupportedParams && on != nil && !*on
}

// byCause is the order of LiteLLM: a failure with fallbacks of its own kind has
// only those once any are configured, everything else the request's, then the
// group's, then the default ones.
func (p *Plan) byCause(e *llm.Error) []Fallback {
	t := p.table
	switch {
	case e.Kind == llm.KindContextWindow && p.over.ContextWindowFallbacks != nil:
		return p.named(p.over.ContextWindowFallbacks)
	case e.Kind == llm.KindContentPolicy && p.over.ContentPolicyFallbacks != nil:
		return p.named(p.over.ContentPolicyFallbacks)
	case e.Kind == llm.KindContextWindow && t.contextWindow.given():
		return p.ownKind(t.contextWindow)
	case e.Kind == llm.KindContentPolicy && t.contentPolicy.given():
		return p.ownKind(t.contentPolicy)
	case p.over.Fallbacks != nil:
		return p.named(p.over.Fallbacks)
	}
	return p.general()
}

func (p *Plan) ownKind(r rules) []Fallback {
	if targets := p.rule(r); targets != nil {
		return targets
	}
	return p.named(p.over.Fallbacks)
}

// named returns those of the request's own fallbacks that hold for its group.
func (p *Plan) named(list []Fallback) []Fallback {
	var out []Fallback
	for _, f := range list {
		if f.Group == "" || f.Group == p.requested || f.Group == "*" {
			out = append(out, f)
		}
	}
	return out
}

func (p *Plan) general() []Fallback {
	if targets := p.rule(p.table.general); targets != nil {
		return targets
	}
	if targets := p.table.general.of("*"); targets != nil {
		return targets
	}
	return p.table.settings.DefaultFallbacks
}

// rule finds the rule of the request's group: under the name that the client
// used, the group that it stands for, or the name without its provider.
func (p *Plan) rule(r rules) []Fallback {
	if targets := r.of(p.requested); targets != nil {
		return targets
	}
	if targets := r.of(p.home); targets != nil {
		return targets
	}
	if _, bare, ok := strings.Cut(p.requested, "/"); ok {
		return r.of(bare)
	}
	return nil
}

// FallsBackOnContentFilter reports whether an answer that a step's content filter
// stopped shall count as a failure, because another group is configured to
// answer then. The caller passes a KindContentPolicy error to Failed.
func (p *Plan) FallsBackOnContentFilter() bool {
	if p.over.DisableFallbacks || p.fallback > 0 {
		return false
	}
	if p.over.ContentPolicyFallbacks != nil {
		return len(p.named(p.over.ContentPolicyFallbacks)) > 0
	}
	if p.table.contentPolicy.given() {
		return p.rule(p.table.contentPolicy) != nil
	}
	return len(p.table.settings.DefaultFallbacks) > 0 || p.table.general.of("*") != nil
}

// final is the error for the client: how its own group failed, and what came of
// the fallbacks.
func (p *Plan) final() *llm.Error {
	if p.first.Kind == llm.KindClientGone || p.over.DisableFallbacks {
		return p.first
	}
	e := *p.first
	switch {
	case p.next == 0:
		e.Message += fmt.Sprintf("\n\nModel group '%s' failed with the error above. No fallback was attempted.", clip(p.requested))
	default:
		e.Message += fmt.Sprintf("\n\nModel group '%s' failed with the error above. Fallback to %s also failed: %s",
			clip(p.requested), p.triedNames(), p.lastReason())
	}
	return &e
}

func (p *Plan) triedNames() string {
	names := make([]string, p.next)
	for i := range names {
		names[i] = clip(p.targets[i].Model)
	}
	return strings.Join(names, ", ")
}

func (p *Plan) lastReason() string {
	if p.fallback == 0 {
		return "no model of this configuration has that name."
	}
	return p.failure.Message
}
