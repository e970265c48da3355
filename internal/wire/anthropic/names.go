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
	tried  counters
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
	id = m.tried.unique(id, func(s string) bool { return !m.used[s] })
	m.used[id] = true
	return id
}

// nameMap makes tool names legal and unique, and knows the way back. The zero
// value changes nothing and is ready.
type nameMap struct {
	up    map[string]string // client's → upstream, only changed ones
	back  map[string]string // upstream → client's, for every upstream name in use
	tried counters
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
	name = m.tried.unique(name[:min(len(name), maxToolName)], func(s string) bool { return m.back[s] == "" })
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

// counters are the suffixes that stand for names which were taken. A name that many
// share goes on where it stopped: what was taken stays taken.
type counters map[string]int

// countedStem is how much of a name is left with any suffix: names that share it
// share a counter.
const countedStem = maxToolName - 8

// unique returns s, or s with the first counter as suffix that is free.
func (c *counters) unique(s string, free func(string) bool) string {
	if free(s) {
		return s
	}
	if *c == nil {
		*c = counters{}
	}
	stem := s[:min(len(s), countedStem)]
	for n := max((*c)[stem], 2); ; n++ {
		suffix := "_" + strconv.Itoa(n)
		if name := s[:min(len(s), maxToolName-len(suffix))] + suffix; free(name) {
			(*c)[stem] = n + 1
			return name
		}
	}
}
