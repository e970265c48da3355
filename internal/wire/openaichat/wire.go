package openaichat

import (
	"net/http"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Wire is Chat Completions as providers speak it. The zero value is ready.
type Wire struct{}

var (
	_ wire.Wire   = Wire{}
	_ wire.Mender = Wire{}
)

// Name returns "chat".
func (Wire) Name() string { return Name }

// Native returns "chat".
func (Wire) Native() string { return Name }

// endpoint is the path of Chat Completions under every base URL.
const endpoint = "/chat/completions"

// plain is the absence of quirks.
var plain = &wire.Quirks{}

func quirksOf(t *wire.Target) *wire.Quirks {
	if t.Quirks == nil {
		return plain
	}
	return t.Quirks
}

// Encode writes the request for the target: a body of the same format is edited
// in place, any other is written from the canonical request.
func (Wire) Encode(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	e := encoding{req: req, t: t, q: quirksOf(t)}
	if err := e.decide(); err != nil {
		return nil, err
	}
	e.rules = e.messageRules()
	c := &wire.Call{
		Path: endpoint, Header: e.header(), Request: req, Target: t,
		Native: req.From == Name && !e.aggregate, Aggregate: e.aggregate,
	}
	if req.From == Name {
		c.Body, c.Rest = e.edit()
	} else {
		c.Body = e.write()
	}
	c.Names = e.names
	if slices.ContainsFunc(t.Policy.Also, wire.IsPath) {
		c.Body, c.Rest = e.dropPaths(c.Whole()), nil
	}
	c.Dropped = e.drops
	return c, nil
}

// maxDrops bounds what one request reports: more of the same kind says nothing new.
const maxDrops = 64

// encoding is one request on its way to one target.
type encoding struct {
	req *llm.Request
	t   *wire.Target
	q   *wire.Quirks

	params    []planned
	undone    int // the first of params that edit has not written yet
	pieces    [][]byte
	drops     []llm.Drop
	aggregate bool
	rules     rules
	// schema is the JSON Schema that the prompt must state, nil for none.
	schema rawjson.Value
	// hint is a sentence for the end of the conversation, "" for none.
	hint string
	// tools replaces the client's tools when filtered is set; nil leaves them out.
	tools    rawjson.Value
	filtered bool
	// names maps the tools' names as sent to the request's.
	names map[string]string
}

// planned is one parameter as it goes upstream. From is the client's name for it,
// "" when the gateway added it.
type planned struct {
	from, name string
	value      rawjson.Value
	done       bool
}

func (e *encoding) plan(name string) *planned {
	for i := range e.params {
		if e.params[i].name == name {
			return &e.params[i]
		}
	}
	return nil
}

// set replaces or adds a parameter.
func (e *encoding) set(name string, v rawjson.Value) {
	if p := e.plan(name); p != nil {
		p.value = v
		return
	}
	e.params = append(e.params, planned{name: name, value: v})
}

func (e *encoding) remove(name string) {
	kept := e.params[:0]
	for _, p := range e.params {
		if p.name != name {
			kept = append(kept, p)
		}
	}
	e.params = kept
}

func (e *encoding) dropped(what, why string) {
	if len(e.drops) >= maxDrops {
		return
	}
	e.drops = append(e.drops, llm.Drop{What: what, Why: why})
}

// model is the name to send.
func (e *encoding) model() string {
	if e.q.ModelPrefix != "" && !strings.Contains(e.t.Model, "/") {
		return e.q.ModelPrefix + e.t.Model
	}
	return e.t.Model
}

func (e *encoding) streams() bool { return e.req.Stream || e.aggregate }

func (e *encoding) header() http.Header {
	if len(e.q.Headers) == 0 && e.t.Organization == "" {
		return nil
	}
	h := make(http.Header, len(e.q.Headers)+1)
	for name, value := range e.q.Headers {
		h.Set(name, value)
	}
	if e.t.Organization != "" {
		h.Set("OpenAI-Organization", e.t.Organization)
	}
	return h
}

// dropPaths removes what additional_drop_params names by a path.
func (e *encoding) dropPaths(body []byte) []byte {
	out, drops := wire.DropPaths(body, e.t.Policy.Also)
	e.drops = append(e.drops, drops...)
	return out
}

// Mend recognises DeepSeek's demand for lost reasoning.
func (Wire) Mend(_ *wire.Call, err *llm.Error) (wire.Repair, bool) {
	if err.UpstreamStatus != http.StatusBadRequest {
		return "", false
	}
	text := strings.ToLower(err.Message)
	demanded := strings.Contains(text, "passed back") || strings.Contains(text, "missing")
	if demanded && strings.Contains(text, "reasoning_content") {
		return wire.RepairReasoning, true
	}
	return "", false
}
