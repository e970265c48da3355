package openairesponses

import (
	"net/http"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Wire is the Responses API as an upstream speaks it. The zero value is ready.
type Wire struct{}

var (
	_ wire.Wire   = Wire{}
	_ wire.Mender = Wire{}
)

// Name returns "responses".
func (Wire) Name() string { return Name }

// Native returns "responses".
func (Wire) Native() string { return Name }

// endpoint is the path under every base URL.
const endpoint = "/responses"

// Encode writes the request for the target: a body of the same format is edited
// where it must be, any other is written from the canonical request.
func (Wire) Encode(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	e := encoding{req: req, t: t}
	c := &wire.Call{Path: endpoint, Header: e.header(), Request: req, Target: t, Native: req.From == Name}
	if c.Native {
		c.Body = e.edit(req.Body)
	} else {
		if err := e.decide(); err != nil {
			return nil, err
		}
		c.Body = e.write()
	}
	body, drops := wire.DropPaths(c.Body, t.Policy.Also)
	c.Body, c.Dropped, c.Names, c.Blocks = body, append(e.drops, drops...), e.names, e.blocks
	return c, nil
}

// encoding is one request on its way to one target.
type encoding struct {
	req   *llm.Request
	t     *wire.Target
	drops []llm.Drop
	// blocks counts the reasoning items that were put back, recalledBytes their size.
	blocks, recalledBytes int
	members               rawjson.Object    // parameters as this format writes them
	names                 map[string]string // tool names as sent → the client's
	// custom says of the ids of calls whether a free-form tool was called; nil until the
	// first result.
	custom map[string]bool
}

func (e *encoding) dropped(what, why string) {
	if len(e.drops) < maxDrops {
		e.drops = append(e.drops, llm.Drop{What: what, Why: why})
	}
}

// model is the name to send.
func (e *encoding) model() string {
	if q := e.t.Quirks; q != nil && q.ModelPrefix != "" && !strings.Contains(e.t.Model, "/") {
		return q.ModelPrefix + e.t.Model
	}
	return e.t.Model
}

func (e *encoding) header() http.Header {
	q := e.t.Quirks
	if (q == nil || len(q.Headers) == 0) && e.t.Organization == "" {
		return nil
	}
	h := http.Header{}
	if q != nil {
		for name, value := range q.Headers {
			h.Set(name, value)
		}
	}
	if e.t.Organization != "" {
		h.Set("OpenAI-Organization", e.t.Organization)
	}
	return h
}

// Mend recognises the refusal of reasoning items that another account or provider
// made. Source: §5.3.4.
func (Wire) Mend(_ *wire.Call, err *llm.Error) (wire.Repair, bool) {
	if err.UpstreamStatus != http.StatusBadRequest && err.UpstreamStatus != http.StatusNotFound {
		return "", false
	}
	text := strings.ToLower(err.Message)
	for _, sign := range []string{"invalid_encrypted_content", "encrypted content", "could not be verified", "required following item", "required 'reasoning' item", "item with id", "item 'rs_"} {
		if strings.Contains(text, sign) {
			return wire.RepairThinking, true
		}
	}
	return "", false
}
