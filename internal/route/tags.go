package route

import (
	"regexp"
	"slices"
	"strings"
)

// defaultTag marks deployments for requests without tags.
const defaultTag = "default"

// tagged keeps the members whose tags fit the request's, as LiteLLM does: those with
// one that is wanted (all, with MatchAllTags) or made for such clients, without an
// excluded one and with every required one. A request that wants none, or only tags that nothing in the group
// has, goes to the deployments tagged "default". They are in front after it.
func (p *Plan) tagged(members []*member) []*member {
	if len(members) == 0 {
		return members
	}
	want := sortTags(p.over.Tags, p.table.settings.TagPrefix)
	allowed := keep(members, want.allows)
	switch {
	case len(want.any) > 0:
		return p.wanted(allowed, &want)
	case len(want.required) > 0:
		return allowed
	}
	if fit := keep(allowed, p.agentFits); len(fit) > 0 {
		return fit
	}
	defaults := keep(allowed, isDefault)
	if len(defaults) == 0 && !slices.ContainsFunc(members, isDefault) {
		return allowed
	}
	return defaults
}

// wanted keeps the members with the tags that the request wants.
func (p *Plan) wanted(allowed []*member, want *wantedTags) []*member {
	all := p.table.settings.MatchAllTags
	matched := keep(allowed, func(m *member) bool { return want.matches(m, all) || !all && p.agentFits(m) })
	if len(matched) > 0 || want.meant || slices.ContainsFunc(p.hop.members, want.known) {
		return matched
	}
	return keep(allowed, isDefault)
}

// agentFits reports whether a member is for clients like the request's (tag_regex).
func (p *Plan) agentFits(m *member) bool {
	if len(m.TagRegex) == 0 || p.over.Talker == nil {
		return false
	}
	agent := p.over.Talker.UserAgent()
	if agent == "" {
		return false
	}
	line := "User-Agent: " + agent
	return slices.ContainsFunc(m.TagRegex, func(r *regexp.Regexp) bool { return r.MatchString(line) })
}

func isDefault(m *member) bool { return slices.Contains(m.Tags, defaultTag) }

// wantedTags are a request's tags by what they mean.
type wantedTags struct {
	any, required, excluded []string
	// meant says that one of those in any was marked as meant for routing.
	meant bool
}

func sortTags(tags []string, prefix string) (w wantedTags) {
	for _, tag := range tags {
		tag, marked := strings.CutPrefix(tag, prefix)
		switch {
		case tag == "" || tag == "&" || tag == "!":
		case tag[0] == '&':
			w.required = append(w.required, tag[1:])
		case tag[0] == '!':
			w.excluded = append(w.excluded, tag[1:])
		default:
			w.any = append(w.any, tag)
			w.meant = w.meant || marked && prefix != ""
		}
	}
	return w
}

// allows reports whether a member has every required tag and no excluded one.
func (w *wantedTags) allows(m *member) bool {
	for _, tag := range w.required {
		if !slices.Contains(m.Tags, tag) {
			return false
		}
	}
	return !slices.ContainsFunc(w.excluded, func(tag string) bool { return slices.Contains(m.Tags, tag) })
}

// matches reports whether a member has one of the tags, or all of them.
func (w *wantedTags) matches(m *member, all bool) bool {
	for _, tag := range w.any {
		if slices.Contains(m.Tags, tag) != all {
			return !all
		}
	}
	return all
}

// known reports whether a member has any of the tags.
func (w *wantedTags) known(m *member) bool { return w.matches(m, false) }
