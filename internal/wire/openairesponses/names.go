package openairesponses

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// kind tells what a tool is to the client.
type kind byte

const (
	function   kind = 'f'
	custom     kind = 'c' // free-form input, perhaps with a grammar
	shell      kind = 's'
	localShell kind = 'l'
	applyPatch kind = 'p'
)

// identity is how the client knows a tool; to the model it is a function with one
// flat name.
type identity struct {
	kind      kind
	namespace string
	name      string
}

// String is the form in which an identity is kept in llm.Request.ToolNames.
func (id identity) String() string {
	return string(rune(id.kind)) + id.namespace + "\x00" + id.name
}

// offered tells what the client calls the tools that a model names in an answer. Its
// index is made once an answer, and only for one that needs it.
type offered struct {
	req *llm.Request
	// short leads from a name without its namespace to the first flat name of that in
	// order; a name that is itself a tool's is not in it.
	short map[string]string
}

// identity finds the client's identity of a tool by the model's name for it. A model
// that leaves the namespace out of a name means the tool nonetheless.
func (o *offered) identity(name string) identity {
	if s, ok := o.req.ToolNames[name]; ok {
		return parseIdentity(s)
	}
	if len(o.req.ToolNames) == 0 {
		return identity{kind: function, name: name}
	}
	if o.short == nil {
		o.index()
	}
	if flat, ok := o.short[name]; ok {
		return parseIdentity(o.req.ToolNames[flat])
	}
	return identity{kind: function, name: name}
}

func (o *offered) index() {
	o.short = make(map[string]string, len(o.req.ToolNames))
	for flat, s := range o.req.ToolNames {
		name := parseIdentity(s).name
		if first, taken := o.short[name]; !taken || flat < first {
			o.short[name] = flat
		}
	}
	for i := range o.req.Tools {
		delete(o.short, o.req.Tools[i].Name)
	}
}

func parseIdentity(s string) identity {
	if s == "" {
		return identity{kind: function}
	}
	namespace, own, _ := strings.Cut(s[1:], "\x00")
	return identity{kind(s[0]), namespace, own}
}

// maxName is the longest function name that every provider takes; keptName is what
// stays of a longer one before its hash.
const (
	maxName  = 64
	keptName = 55
)

// flat is the model's name for a tool of a namespace. Source: §5.3.3.
func flat(namespace, name string) string {
	if namespace == "" {
		return name
	}
	joined := namespace + "__" + name
	if len(joined) <= maxName {
		return joined
	}
	return shortened(joined, joined)
}

func shortened(name, unique string) string {
	sum := sha256.Sum256([]byte(unique))
	return name[:min(len(name), keptName)] + "_" + hex.EncodeToString(sum[:4])
}

// toolNames gives every tool of a request its own flat name.
type toolNames struct {
	flat map[identity]string
	used map[string]identity
	// short leads from a kind and name without namespace to the first flat name of that
	// in order.
	short map[identity]string
}

// add names a tool; known says that the request has had it already.
func (n *toolNames) add(id identity) (name string, known bool) {
	if name, known = n.flat[id]; known {
		return name, true
	}
	name = flat(id.namespace, id.name)
	if _, taken := n.used[name]; taken {
		name = shortened(name, id.String())
	}
	if n.flat == nil {
		n.flat, n.used, n.short = map[identity]string{}, map[string]identity{}, map[identity]string{}
	}
	n.flat[id], n.used[name] = name, id
	plain := identity{kind: id.kind, name: id.name}
	if first, taken := n.short[plain]; !taken || name < first {
		n.short[plain] = name
	}
	return name, false
}

// of is the flat name of a tool that an item of the history names, whether or not
// it is among the tools.
func (n *toolNames) of(id identity) string {
	if name, ok := n.flat[id]; ok {
		return name
	}
	if id.namespace == "" { // clients leave the namespace out of what they send back
		if name, ok := n.short[id]; ok {
			return name
		}
	}
	return flat(id.namespace, id.name)
}

// table is what the encoder of the answer needs; nil when every name stays.
func (n *toolNames) table() map[string]string {
	var out map[string]string
	for name, id := range n.used {
		if id.kind == function && name == id.name {
			continue
		}
		if out == nil {
			out = map[string]string{}
		}
		out[name] = id.String()
	}
	return out
}
