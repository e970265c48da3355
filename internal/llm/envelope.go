package llm

import "github.com/fairlead-gateway/fairlead/internal/rawjson"

// Envelope is the top level of a body, read once. Names and classes in it are the
// dialect's own.
type Envelope struct {
	// Members are the members in the client's order.
	Members []Member
	// Features are what the dialect noticed of the messages on its way.
	Features uint32
}

// Member is one member of the top level: where its key, its value and its end
// stand in the body.
type Member struct {
	Name           string
	Class          uint8
	Key, From, End int
}

// Value is the member's value within the body.
func (m *Member) Value(body rawjson.Value) rawjson.Value { return body[m.From:m.End] }

// Text is the member with its key, as it stands in the body.
func (m *Member) Text(body rawjson.Value) []byte { return body[m.Key:m.End] }
