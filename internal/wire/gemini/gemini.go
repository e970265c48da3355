// Package gemini speaks Google's generateContent format: [Wire] with AI Studio,
// [Dialect] with a client. The wire writes canonical requests as
// GenerateContentRequest bodies and reads whole and streamed answers; the dialect
// does the opposite. When both sides speak it, bytes pass. Source of every rule:
// wire-format specification §2 (upstream) and §5.4 (client).
//
// The package is pure: a thought signature that a client lost is restored by the
// reasoning keeper before Encode; what is still unsigned then gets Google's
// documented placeholder.
package gemini

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Name of the format.
const Name = "gemini"

// DefaultBase is the address of AI Studio with the version that every model
// serves.
const DefaultBase = "https://generativelanguage.googleapis.com/v1beta"

// filesPrefix is where files uploaded to AI Studio live.
const filesPrefix = "https://generativelanguage.googleapis.com/"

// Wire is the upstream side of the format. The zero value is ready for use.
type Wire struct{}

var (
	_ wire.Wire        = Wire{}
	_ wire.Mender      = Wire{}
	_ wire.MediaReader = Wire{}
)

// Name implements [wire.Wire].
func (Wire) Name() string { return Name }

// Native implements [wire.Wire].
func (Wire) Native() string { return Name }

// Encode implements [wire.Wire].
func (Wire) Encode(req *llm.Request, t *wire.Target) (*wire.Call, error) {
	if req.From == Name {
		return encodeNative(req, t)
	}
	e := encoder{req: req, t: t, model: modelOf(t.Model)}
	body, err := e.body()
	if err != nil {
		return nil, err
	}
	return &wire.Call{
		Path: path(t.Model, req.Stream), Body: body, Dropped: e.drops,
		Request: req, Target: t, Names: e.names.back,
	}, nil
}

// path is the method's address below the base, for example
// "/models/gemini-2.5-flash:generateContent".
func path(model string, stream bool) string {
	method := ":generateContent"
	if stream {
		method = ":streamGenerateContent?alt=sse"
	}
	if tuned, ok := strings.CutPrefix(model, "tunedModels/"); ok {
		return "/tunedModels/" + url.PathEscape(tuned) + method
	}
	return "/models/" + url.PathEscape(bareName(model)) + method
}

// ServiceTier translates the header x-gemini-service-tier of an answer into
// OpenAI's service_tier ("standard" is "default"); "" when there is none.
func (Wire) ServiceTier(h http.Header) string {
	tier := strings.ToLower(h.Get("x-gemini-service-tier"))
	if tier == "standard" {
		return "default"
	}
	return tier
}
