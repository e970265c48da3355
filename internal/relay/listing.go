package relay

import (
	"slices"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
)

// ListedModel is one row of the model list.
type ListedModel struct {
	ID        string
	Info      *catalog.Model
	Fallbacks []string
}

// InfoRow is one row of the deployment list: a deployment under its group's name,
// or under a visible alias.
type InfoRow struct {
	Name       string
	Deployment *Deployment
}

// InfoRows lists the deployments under every name that may be asked for.
func (m *Models) InfoRows() []InfoRow {
	var out []InfoRow
	for _, name := range m.visibleAliases() {
		for _, d := range m.Table.Deployments(m.Config.Aliases[name].Target) {
			out = append(out, InfoRow{name, d.Ref.(*Deployment)})
		}
	}
	for _, d := range m.deployments {
		out = append(out, InfoRow{d.Config.ModelName, d})
	}
	return out
}

// Listed returns the model list: aliases first, then routing groups, then the groups in
// the order of the configuration. A pattern such as gemini/* stands for the models of that
// provider which are not retired; with patterns it is also listed itself.
func (m *Models) Listed(patterns bool, now time.Time) []ListedModel {
	var out []ListedModel
	seen := map[string]bool{}
	add := func(id string, info *catalog.Model) {
		if !seen[id] {
			seen[id] = true
			out = append(out, m.listed(id, info))
		}
	}
	for _, name := range m.visibleAliases() {
		if ds := m.Table.Deployments(m.Config.Aliases[name].Target); len(ds) > 0 {
			add(name, ds[0].Ref.(*Deployment).Info)
		}
	}
	for i := range m.Config.Router.RoutingGroups {
		name := m.Config.Router.RoutingGroups[i].Name
		if ds := m.Table.Deployments(name); len(ds) > 0 {
			add(name, ds[0].Ref.(*Deployment).Info)
		}
	}
	for _, d := range m.deployments {
		if !d.Config.Wildcard {
			add(d.Config.ModelName, d.Info)
			continue
		}
		if patterns {
			add(d.Config.ModelName, nil)
		}
		m.expand(d, now, add)
	}
	return out
}

func (m *Models) visibleAliases() []string {
	var names []string
	for name, a := range m.Config.Aliases {
		if !a.Hidden {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// expand adds the models that a pattern of the form provider/* stands for.
func (m *Models) expand(d *Deployment, now time.Time, add func(string, *catalog.Model)) {
	prefix, ok := strings.CutSuffix(d.Config.ModelName, "/*")
	if !ok || d.any != nil {
		return
	}
	for _, key := range catalog.Names(d.Row.Name) {
		info, ok := catalog.Find(key)
		if date, dated := info.Deprecated(); !ok || (dated && date.Before(now)) || info.Mode() != "chat" {
			continue
		}
		add(prefix+"/"+strings.TrimPrefix(key, d.Row.Name+"/"), info)
	}
}

func (m *Models) listed(id string, info *catalog.Model) ListedModel {
	l := ListedModel{ID: id, Info: info}
	if targets, ok := m.Config.Router.Fallbacks.For(id); ok {
		l.Fallbacks = targets
	}
	return l
}

// Find returns the row of one model that a client may ask for.
func (m *Models) Find(id string) (ListedModel, bool) {
	ds := m.Table.Deployments(id)
	if len(ds) == 0 {
		return ListedModel{}, false
	}
	d := ds[0].Ref.(*Deployment)
	info := d.Info
	if d.Config.Wildcard {
		info, _ = catalog.Lookup(d.Row.Name, strings.TrimPrefix(id, d.Row.Name+"/"))
	}
	return m.listed(id, info), true
}

// Configured reports whether a name is a group's, an alias or the id of a deployment:
// one that the configuration writes out, rather than one that a pattern answers for.
func (m *Models) Configured(name string) bool {
	if _, alias := m.Config.Aliases[name]; alias {
		return true
	}
	for _, d := range m.deployments {
		if name == d.Config.ModelName && !d.Config.Wildcard || name == d.Config.ID {
			return true
		}
	}
	return false
}

// FirstOfMode returns the first name whose model is of a mode ("moderation"), "" when
// there is none.
func (m *Models) FirstOfMode(mode string) string {
	for _, d := range m.deployments {
		if !d.Config.Wildcard && d.Info.Mode() == mode {
			return d.Config.ModelName
		}
	}
	return ""
}
