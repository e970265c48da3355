package client

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// State is a piece of opaque reasoning state that a message carries.
type State struct {
	// Field is where it stands, such as "thought_signature" or "signature".
	Field string
	// Value is opaque. It is no secret, but nothing for people either.
	Value string
}

// idMark stands before a signature in the id of a tool call.
const idMark = "__thought__"

// stateFields are the names under which providers and gateways carry state, and how
// State calls them.
var stateFields = map[string]string{
	"thought_signature": "thought_signature", "thought_signatures": "thought_signature", "thoughtSignature": "thought_signature",
	"signature": "signature", "encrypted_content": "encrypted_content",
}

// maxDepth bounds the search for state in a message.
const maxDepth = 16

// State lists the opaque reasoning state in the message, each value once, so that a
// program can see whether a model's state came and will go back.
func (m Message) State() []State {
	fields, err := object(m.Raw)
	if err != nil {
		return nil
	}
	var s stateSearch
	s.object(fields, 0)
	return s.found
}

type stateSearch struct {
	found []State
	seen  map[string]bool
}

func (s *stateSearch) object(fields map[string]any, depth int) {
	if depth > maxDepth {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		value := fields[name]
		switch {
		case stateFields[name] != "":
			s.values(stateFields[name], value)
		case name == "data" && fields["type"] == "redacted_thinking":
			s.values("redacted_thinking", value)
		case name == "id":
			if _, signature, ok := strings.Cut(text(value), idMark); ok {
				s.add("tool call id", signature)
			}
		default:
			s.below(value, depth)
		}
	}
}

func (s *stateSearch) below(value any, depth int) {
	switch v := value.(type) {
	case map[string]any:
		s.object(v, depth+1)
	case []any:
		for _, element := range v {
			s.below(element, depth+1)
		}
	}
}

func (s *stateSearch) values(name string, value any) {
	s.add(name, text(value))
	for _, element := range list(value) {
		s.add(name, text(element))
	}
}

func (s *stateSearch) add(name, value string) {
	if value == "" || s.seen[value] {
		return
	}
	if s.seen == nil {
		s.seen = map[string]bool{}
	}
	s.seen[value] = true
	s.found = append(s.found, State{name, value})
}

// valid returns arguments that are a JSON object, and whether they are.
func valid(arguments string) (json.RawMessage, bool) {
	if strings.TrimSpace(arguments) == "" {
		return json.RawMessage("{}"), true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(arguments), &fields) != nil || fields == nil {
		return nil, false
	}
	return json.RawMessage(arguments), true
}
