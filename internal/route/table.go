package route

import (
	"slices"
	"strings"
	"time"
)

// Table is the set of model groups. It is immutable but for the health of its
// deployments, and safe for concurrent use.
type Table struct {
	settings Settings
	// limits says that rpm and tpm are enforced somewhere.
	limits   bool
	groups   map[string]*group
	names    []string
	patterns []pattern // most specific first
	byID     map[string]*group
	byName   map[string]*group
	stays    *stays // nil without affinity
	purses   map[string]*purse
	budgeted map[string]budget // by whose they are
	spent    func()            // is told of spending, nil for nobody

	general, contextWindow, contentPolicy rules

	shared Shared // nil for a node that counts alone
}

// group is the deployments that share a name.
type group struct {
	name     string
	members  []*member
	strategy strategy
	line     *line // nil when nobody waits
}

// member is a deployment with its health.
type member struct {
	*Deployment
	health *health
	// alone says that its group has no other deployment.
	alone bool
	// hedge is when another is asked beside it.
	hedge Hedge
	// limited says that its rpm and tpm are enforced, and memory what its averages
	// remember.
	limited bool
	memory  retention
	budgets []budget
}

// New builds a table. Deployments with the same Group form a group, in order.
func New(s Settings, deployments []Deployment) *Table {
	t := &Table{
		settings: s, groups: map[string]*group{}, purses: map[string]*purse{}, budgeted: map[string]budget{},
		byID: map[string]*group{}, byName: map[string]*group{},
		general: newRules(s.Fallbacks), contextWindow: newRules(s.ContextWindowFallbacks),
		contentPolicy: newRules(s.ContentPolicyFallbacks), stays: newStays(&s),
	}
	for i := range deployments {
		t.add(&member{Deployment: &deployments[i], health: &health{}, budgets: t.budgets(&deployments[i])})
	}
	for _, name := range t.names {
		g := t.groups[name]
		own := t.settings.of(name)
		g.settle(&own)
		t.limits = t.limits || g.members[0].limited
		if strings.Contains(name, "*") {
			t.patterns = append(t.patterns, newPattern(g))
		}
	}
	slices.SortStableFunc(t.patterns, func(a, b pattern) int {
		if a.weight != b.weight {
			return b.weight - a.weight
		}
		return len(a.literals) - len(b.literals)
	})
	for i := range s.RoutingGroups {
		t.join(&s.RoutingGroups[i])
	}
	return t
}

// join makes a name of a routing group: it stands for all deployments of its models.
func (t *Table) join(rg *RoutingGroup) {
	if rg.Name == "" || t.groups[rg.Name] != nil {
		return
	}
	g := &group{name: rg.Name}
	for _, model := range rg.Models {
		if part := t.groups[model]; part != nil && !strings.Contains(model, "*") {
			g.members = append(g.members, part.members...)
			if g.line == nil {
				g.line = part.line
			}
			part.line = g.line // who waits for the group waits with who waits for its models
			part.lineUp()
		}
	}
	if len(g.members) == 0 {
		return
	}
	own := t.settings.under(rg)
	g.strategy = newStrategy(&own, g.members)
	t.groups[rg.Name] = g
	t.names = append(t.names, rg.Name)
}

func (t *Table) add(m *member) {
	g := t.groups[m.Group]
	if g == nil {
		g = &group{name: m.Group}
		t.groups[m.Group] = g
		t.names = append(t.names, m.Group)
	}
	g.members = append(g.members, m)
	single := &group{name: m.Group, members: []*member{m}}
	if m.ID != "" {
		t.byID[m.ID] = single
	}
	if m.Name != "" && !strings.Contains(m.Name, "*") && t.byName[m.Name] == nil {
		t.byName[m.Name] = single
	}
}

// settle marks the only deployment of a group, since it has its own cooldown rules,
// and finds how to choose between several.
func (g *group) settle(s *Settings) {
	g.strategy = newStrategy(s, g.members)
	if len(g.members) == 1 {
		g.members[0].alone = true
	}
	for _, m := range g.members {
		m.hedge, m.memory = s.hedgeOf(g.name), newRetention(s)
		m.limited = s.PreCallChecks || s.EnforceLimits || limiting(s.Strategy)
	}
	if s.MaxQueue > 0 {
		g.line = &line{}
	}
	g.lineUp()
}

// lineUp tells the members where requests wait for them, and how many calls of theirs
// may be in flight. One whose limit a reload has taken away keeps its line: somebody
// may be joining it.
func (g *group) lineUp() {
	for _, m := range g.members {
		l := g.line
		if m.MaxParallel <= 0 && m.health.line.Load() == nil {
			l = nil
		}
		m.health.parallel.Store(int64(m.MaxParallel))
		m.health.line.Store(l)
	}
}

// Inherit takes over the health and load of the deployments that old has too, and where
// conversations are, so that a reload forgets no cooldown and no limit. Call it before t serves.
func (t *Table) Inherit(old *Table) {
	if old == nil {
		return
	}
	for id, g := range t.byID {
		if before := old.byID[id]; before != nil {
			g.members[0].health = before.members[0].health
		}
	}
	t.inheritPurses(old)
	if t.stays != nil && old.stays != nil {
		t.stays = old.stays
	}
	t.inheritLines(old)
}

// standing is where requests wait for a deployment, and for what.
type standing struct {
	line     *line
	parallel int64
}

func (h *health) standing() standing { return standing{h.line.Load(), h.parallel.Load()} }

// inheritLines takes over the lines with those who wait in them. They have the old table
// still; where what they wait for has changed they look again.
func (t *Table) inheritLines(old *Table) {
	before := map[*health]standing{}
	for _, g := range t.byID {
		h := g.members[0].health
		before[h] = h.standing()
	}
	for _, name := range t.names { // those of routing groups last, since they are shared
		g := t.groups[name]
		if was := old.groups[name]; was != nil && was.line != nil {
			g.line = was.line
		}
		g.lineUp()
	}
	for h, was := range before {
		if was.line != nil && was != h.standing() {
			was.line.stir()
		}
	}
}

// inheritPurses takes over what was spent.
func (t *Table) inheritPurses(old *Table) {
	for _, g := range t.byID {
		for i := range g.members[0].budgets {
			b := &g.members[0].budgets[i]
			if before := old.purses[b.of]; before != nil {
				b.purse, t.purses[b.of] = before, before
				t.budgeted[b.of] = *b
			}
		}
	}
}

// Measures reports whether the choice hangs on the size of requests, so that
// Overrides.Tokens is worth giving.
func (t *Table) Measures() bool { return t.limits }

// Groups lists the names of the groups in the order of the configuration,
// patterns included.
func (t *Table) Groups() []string { return slices.Clone(t.names) }

// Has reports whether a client may ask for name.
func (t *Table) Has(name string) bool {
	_, ok := t.lookup(name)
	return ok
}

// Deployments returns the deployments that answer for name, nil when none.
func (t *Table) Deployments(name string) []*Deployment {
	found, ok := t.lookup(name)
	if !ok {
		return nil
	}
	out := make([]*Deployment, len(found.members))
	for i, m := range found.members {
		out[i] = m.Deployment
	}
	return out
}

// Cooling returns the time until which the deployment with this id rests, the
// zero time when it does not.
func (t *Table) Cooling(id string, now time.Time) time.Time {
	g := t.byID[id]
	if g == nil || !g.members[0].health.cooling(now) {
		return time.Time{}
	}
	return g.members[0].health.restsUntil()
}
