package openaichat

import (
	"fmt"
	"strconv"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
)

// path is a place in a request, written out only when an error needs it.
type path struct {
	parent *path
	name   string // "" for an element of a list
	index  int
}

func (p *path) key(name string) path { return path{parent: p, name: name} }

func (p *path) item(i int) path { return path{parent: p, index: i} }

// String writes the path as messages[2].content[0].
func (p *path) String() string {
	s := ""
	if p.parent != nil {
		s = p.parent.String()
	}
	switch {
	case p.name == "":
		return s + "[" + strconv.Itoa(p.index) + "]"
	case s == "":
		return p.name
	}
	return s + "." + p.name
}

func (p *path) badType(want string) error { return badType(p.String(), want) }

// refuse is a 400 about this place; what goes on after its name.
func (p *path) refuse(what string) error {
	at := p.String()
	return llm.BadRequest(at, "'"+at+"' "+what)
}

func badType(at, want string) error {
	return llm.BadRequest(at, fmt.Sprintf("Invalid type for '%s': it must be %s.", at, want))
}

// shown is a value for an error text: short, "nothing" when absent.
func shown(v rawjson.Value) string {
	const most = 40
	switch {
	case v == nil:
		return "nothing"
	case len(v) > most:
		return string(v[:most]) + "…"
	}
	return string(v)
}
