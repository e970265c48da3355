package anthropic

import (
	"strconv"
	"strings"
)

// maxToolName is the longest tool name that Anthropic takes.
const maxToolName = 128

// idMap makes tool-call ids legal and unique within a request. The zero value is
// ready.
type idMap struct {
	used   map[string]bool
	minted int
}

// use returns the id under which a call goes upstream.
func (m *idMap) use(client string) string {
	if m.used == nil {
		m.used = make(map[string]bool, 8)
	}
	id := legal(client)
	if id == "" {
		m.minted++
		id = "call_" + strconv.Itoa(m.minted)
	}
	id = unique(id, func(s string) bool { return !m.used[s] })
	m.used[id] = true
	return id
}

// nameMap makes tool names legal and unique, and knows the way back. The zero
// value changes nothing and is ready.
type nameMap struct {
	up   map[string]string // client's → upstream, only changed ones
	back map[string]string // upstream → client's, for every upstream name in use
}

// upstream returns the name under which a tool goes upstream.
func (m *nameMap) upstream(client string) string {
	if name, ok := m.up[client]; ok {
		return name
	}
	if legalName(client) && m.back[client] == "" {
		return client
	}
	if m.up == nil {
		m.up, m.back = map[string]string{}, map[string]string{}
	}
	name := legal(client)
	if name == "" {
		name = "tool"
	}
	name = unique(name[:min(len(name), maxToolName)], func(s string) bool { return m.back[s] == "" })
	m.up[client], m.back[name] = name, client
	return name
}

// reserve keeps a legal name for the tool that has it, before others are changed.
func (m *nameMap) reserve(client string) {
	if m.back != nil && legalName(client) && m.back[client] == "" {
		m.up[client], m.back[client] = client, client
	}
}

// changed returns the way back for the names that differ, nil when none does.
func (m *nameMap) changed() map[string]string {
	if len(m.up) == 0 {
		return nil
	}
	out := make(map[string]string, len(m.up))
	for client, up := range m.up {
		if client != up {
			out[up] = client
		}
	}
	return out
}

func legalName(s string) bool { return s != "" && len(s) <= maxToolName && legal(s) == s }

// legal replaces what Anthropic does not take in ids and names.
func legal(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, s)
}

// unique returns s, or s with the first counter as suffix that is free.
func unique(s string, free func(string) bool) string {
	for n, name := 2, s; ; n++ {
		if free(name) {
			return name
		}
		suffix := "_" + strconv.Itoa(n)
		name = s[:min(len(s), maxToolName-len(suffix))] + suffix
	}
}
