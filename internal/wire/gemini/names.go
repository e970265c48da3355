package gemini

import (
	"strconv"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// maxName is the longest name of a function that Gemini takes (§2.4).
const maxName = 128

// toolNames translates between the client's tool names and those that Gemini
// takes. It stays empty as long as every name is fine.
type toolNames struct {
	up   map[string]string // client's name → upstream's
	back map[string]string // upstream's name → client's
	// tried are the suffixes that stand for names which were taken: names that are cut
	// to the same one go on where the last of them stopped.
	tried map[string]int
}

// learn reserves a name for every tool that needs another one.
func (n *toolNames) learn(tools []llm.ToolDef) {
	bad := false
	for i := range tools {
		bad = bad || (tools[i].Name != "" && !validName(tools[i].Name))
	}
	if !bad {
		return
	}
	n.up, n.back = map[string]string{}, map[string]string{}
	for i := range tools {
		if validName(tools[i].Name) {
			n.back[tools[i].Name] = tools[i].Name
		}
	}
	for i := range tools {
		if name := tools[i].Name; name != "" && !validName(name) {
			n.rename(name)
		}
	}
}

// rename finds a free valid name that resembles the client's.
func (n *toolNames) rename(name string) string {
	if up, ok := n.up[name]; ok {
		return up
	}
	up := n.free(sanitizeName(name))
	n.up[name], n.back[up] = up, name
	return up
}

// free returns a name, or it with the first counter as suffix that is not taken.
func (n *toolNames) free(name string) string {
	if _, taken := n.back[name]; !taken {
		return name
	}
	if n.tried == nil {
		n.tried = map[string]int{}
	}
	stem := name[:min(len(name), maxName-8)] // what any suffix leaves of it
	for i := max(n.tried[stem], 2); ; i++ {
		suffix := "_" + strconv.Itoa(i)
		up := name[:min(len(name), maxName-len(suffix))] + suffix
		if _, taken := n.back[up]; !taken {
			n.tried[stem] = i + 1
			return up
		}
	}
}

// upstream is the name of a tool as Gemini gets it, also for tools that only the
// history knows.
func (n *toolNames) upstream(name string) string {
	if validName(name) {
		return name
	}
	if n.up == nil {
		n.up, n.back = map[string]string{}, map[string]string{}
	}
	return n.rename(name)
}

func validName(name string) bool {
	if name == "" || len(name) > maxName || !letter(name[0]) {
		return false
	}
	for i := 1; i < len(name); i++ {
		if !nameByte(name[i]) {
			return false
		}
	}
	return true
}

func letter(c byte) bool { return c == '_' || (c|0x20 >= 'a' && c|0x20 <= 'z') }

func nameByte(c byte) bool {
	return letter(c) || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-'
}

func sanitizeName(name string) string {
	var b strings.Builder
	if name == "" || !letter(name[0]) {
		b.WriteByte('_')
	}
	for i := 0; i < len(name) && b.Len() < maxName; i++ {
		if nameByte(name[i]) {
			b.WriteByte(name[i])
		} else {
			b.WriteByte('_')
		}
	}
	return b.String()
}
