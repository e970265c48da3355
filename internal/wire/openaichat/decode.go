package openaichat

import (
	"fmt"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Dialect is Chat Completions as clients speak it. The zero value is ready.
type Dialect struct{}

var _ wire.Dialect = Dialect{}

// Name returns "chat".
func (Dialect) Name() string { return Name }

// Decode reads the envelope of a checked body in one pass over its top level.
func (Dialect) Decode(body rawjson.Value) (*llm.Request, error) {
	if body.Kind() != '{' {
		return nil, llm.BadRequest("request_body", "Invalid JSON payload: expected an object")
	}
	return read(body, rawjson.Cursor{B: body})
}

// DecodeRaw checks and reads a body in the same pass.
func (d Dialect) DecodeRaw(data []byte) (*llm.Request, error) {
	if rawjson.Value(data).Kind() != '{' {
		body, err := rawjson.Check(data)
		if err != nil {
			return nil, wire.NotJSON(err)
		}
		return d.Decode(body)
	}
	return read(data, rawjson.Checking(data))
}

// read reads a body that c checks on the way, or that was checked before.
func read(body rawjson.Value, c rawjson.Cursor) (*llm.Request, error) {
	room := new(decoded)
	d := decoder{req: &room.req}
	room.req = llm.Request{From: Name, Params: room.params[:0], Envelope: &room.envelope}
	room.envelope.Members = room.members[:0]
	for ok := c.Open('{'); ok; ok = c.Next() {
		if len(room.envelope.Members) >= rawjson.MaxKeys {
			return nil, tooManyKeys("request_body")
		}
		m, known := readMember(&c, &room.envelope)
		if c.Failed() {
			break
		}
		room.envelope.Members = append(room.envelope.Members, m)
		if err := d.member(&m, known, body); err != nil {
			return nil, err
		}
	}
	if err := c.End(); err != nil {
		return nil, wire.NotJSON(err)
	}
	room.req.Body = body[:c.I]
	if !d.messages.Present() {
		return nil, llm.BadRequest("messages", "/chat/completions: Missing required parameter: 'messages'.")
	}
	if err := d.mergeExtraBody(); err != nil {
		return nil, err
	}
	return d.req, nil
}

func tooManyKeys(where string) *llm.Error {
	return llm.BadRequest(where, "Invalid JSON payload: "+rawjson.TooManyKeys().Error())
}

// envelopeOf is the outline of a request's body, read again when the request was
// not made by Decode.
func envelopeOf(req *llm.Request) *llm.Envelope {
	if req.Envelope != nil {
		return req.Envelope
	}
	env := &llm.Envelope{}
	c := rawjson.Cursor{B: req.Body}
	for ok := c.Open('{'); ok; ok = c.Next() {
		m, _ := readMember(&c, env)
		env.Members = append(env.Members, m)
	}
	return env
}

// readMember steps over one member; the messages are looked at on the way. Known
// says that its name is one of topKeys.
func readMember(c *rawjson.Cursor, env *llm.Envelope) (m llm.Member, known bool) {
	m.Key = c.I
	k, known := readKey(c.Key())
	m.Name, m.Class, m.From = k.name, uint8(k.class), c.I
	if k.name == "messages" && c.Peek() == '[' {
		env.Features |= uint32(scanMessages(c))
	} else {
		c.Skip()
	}
	m.End = c.I
	return m, known
}

// decoded is a request and room for what most requests have, in one piece of
// memory.
type decoded struct {
	req      llm.Request
	envelope llm.Envelope
	members  [12]llm.Member
	params   [8]llm.Param
}

type decoder struct {
	req       *llm.Request
	seen      [manyKeys]string
	count     int
	seenMany  map[string]bool
	messages  rawjson.Value
	extraBody rawjson.Value
}

func (d *decoder) member(m *llm.Member, known bool, body rawjson.Value) error {
	name, v := m.Name, m.Value(body)
	if d.duplicate(name) {
		return llm.BadRequest(name, fmt.Sprintf("Invalid JSON payload: the key %q stands twice at the top level; send it once", name))
	}
	if !known {
		if right := misspelt(name); right != "" {
			return llm.BadRequest(right, fmt.Sprintf("Invalid JSON payload: the key %q must be written %q", name, right))
		}
	}
	switch class(m.Class) {
	case envelope:
		return d.envelope(name, v)
	case control:
		if name == "extra_body" {
			d.extraBody = v
		}
	default:
		if name == "response_format" && v.Present() && v.Kind() != '{' {
			return llm.BadRequest(name, "'response_format' must be an object.")
		}
		d.req.Params = append(d.req.Params, llm.Param{Name: name, Value: v})
	}
	return nil
}

// manyKeys is the number of keys from which a map finds duplicates faster.
const manyKeys = 32

func (d *decoder) duplicate(name string) bool {
	if d.seenMany != nil {
		dup := d.seenMany[name]
		d.seenMany[name] = true
		return dup
	}
	for _, s := range d.seen[:d.count] {
		if s == name {
			return true
		}
	}
	if d.count < manyKeys {
		d.seen[d.count] = name
		d.count++
		return false
	}
	d.seenMany = make(map[string]bool, 2*manyKeys)
	for _, s := range d.seen {
		d.seenMany[s] = true
	}
	d.seenMany[name] = true
	return false
}

func (d *decoder) envelope(name string, v rawjson.Value) error {
	switch name {
	case "model":
		if model, ok := v.Str(); ok {
			d.req.Model = model
		} else if v.Present() {
			return llm.BadRequest("model", "'model' must be a string.")
		}
	case "messages":
		if v.Present() && v.Kind() != '[' {
			return llm.BadRequest("messages", "'messages' must be a list of messages.")
		}
		d.messages = v
	case "stream":
		on, ok := v.Bool()
		if !ok && v.Present() {
			return llm.BadRequest("stream", "'stream' must be true or false.")
		}
		d.req.Stream = on
	case "stream_options":
		if v.Present() && v.Kind() != '{' {
			return llm.BadRequest("stream_options", "'stream_options' must be an object.")
		}
		d.req.IncludeUsage = v.Get("include_usage").True()
	}
	return nil
}

// mergeExtraBody makes the members of extra_body parameters; what the client
// wrote at the top level wins.
func (d *decoder) mergeExtraBody() error {
	if !d.extraBody.Present() {
		return nil
	}
	if d.extraBody.Kind() != '{' {
		return llm.BadRequest("extra_body", "'extra_body' must be an object.")
	}
	for name, v := range d.extraBody.Members() {
		if topKeys[name] == envelope {
			return llm.BadRequest("extra_body", fmt.Sprintf("'extra_body' must not hold %q; send it at the top level.", name))
		}
		if topKeys[name] == param && !d.duplicate(name) {
			if len(d.req.Params) >= rawjson.MaxKeys {
				return tooManyKeys("extra_body")
			}
			d.req.Params = append(d.req.Params, llm.Param{Name: name, Value: v})
		}
	}
	return nil
}
