package relay

import (
	"context"
	"encoding/base64"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/reasoning"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// encode writes the request for the current target.
func (x *exchange) encode(ctx context.Context) error {
	w := x.wire
	own := w.Native() == x.rq.Dialect.Name()
	req := withParams(x.rq.LLM, x.step.Params)
	owner := x.target.Provider
	if own && !x.pending() && fits(w, req, x.target) {
		owner = stateOwner(w, x.target)
		x.records = x.target.Quirks.Reasoning != "" || keepsState[w.Name()]
		if x.records {
			x.target.Recall = &reasoning.Recall{Keeper: x.relay.Keeper, Tenant: x.rq.Principal.Tenant, Provider: owner}
		}
	} else {
		if err := x.expand(); err != nil {
			return err
		}
		x.records = true
		req = withParams(copyContent(x.rq.LLM), x.step.Params)
		if own {
			req.From = "" // written anew, as if it came in another format
		}
		if x.pending() {
			x.takeUp(req)
		}
		if x.target.Repair != wire.RepairSignatures && x.target.Repair != wire.RepairThinking {
			x.restored = x.relay.Keeper.Restore(x.rq.Principal.Tenant, x.target.Provider, req)
		}
		if err := x.fetchMedia(ctx, req); err != nil {
			return err
		}
	}
	call, err := w.Encode(req, x.target)
	if err != nil {
		return err
	}
	call.Seed = x.rq.ID
	if call.Native && x.continues() {
		call.Native = false // its events are needed, not its bytes
	}
	x.call = call
	x.recorder = reasoning.Recorder{Tenant: x.rq.Principal.Tenant, Provider: owner, Request: x.rq.LLM}
	if call.Native && x.records {
		call.Tap = &x.recorder
		x.restored = reasoning.Restored{Signatures: call.Signatures, Blocks: call.Blocks}
	}
	return nil
}

// keepsState are the formats in which reasoning state may stand in any answer.
var keepsState = map[string]bool{dialectAnthropic: true, dialectGemini: true, dialectResponses: true}

// stateOwner is whose the state is that passes through: items of the Responses API are
// of no use to another API of the same provider.
func stateOwner(w wire.Wire, t *wire.Target) string {
	if w.Name() == dialectResponses {
		return t.Provider + "/" + dialectResponses
	}
	return t.Provider
}

// fits reports whether a body in the wire's own format may pass as it is.
func fits(w wire.Wire, req *llm.Request, t *wire.Target) bool {
	f, ok := w.(wire.Fitter)
	return !ok || f.Fits(req, t)
}

func (x *exchange) expand() error {
	if x.rq.LLM.Expanded {
		return nil
	}
	if err := x.rq.Dialect.Expand(x.rq.LLM); err != nil {
		return err
	}
	x.rq.LLM.Expanded = true
	return nil
}

// copyContent copies what restoring and fetching change, so that another attempt
// on another provider begins with what the client sent.
func copyContent(req *llm.Request) *llm.Request {
	out := *req
	out.Messages = slices.Clone(req.Messages)
	for i := range out.Messages {
		out.Messages[i].Parts = slices.Clone(out.Messages[i].Parts)
	}
	return &out
}

// withParams puts a fallback's own parameters over the client's.
func withParams(req *llm.Request, params []llm.Param) *llm.Request {
	if len(params) == 0 {
		return req
	}
	out := *req
	out.Params = slices.Clone(req.Params)
	for _, p := range params {
		out.Params = slices.DeleteFunc(out.Params, func(o llm.Param) bool { return o.Name == p.Name })
		out.Params = append(out.Params, p)
	}
	return &out
}

// fetchMedia gets what the wire cannot pass on as an address, and refuses what is none:
// no upstream shall look into files of its own for a client.
func (x *exchange) fetchMedia(ctx context.Context, req *llm.Request) error {
	reader, _ := x.wire.(wire.MediaReader) // nil: the upstream fetches what it is told
	fetched := 0
	for i := range req.Messages {
		if err := x.fetchParts(ctx, reader, req.Messages[i].Parts, &fetched); err != nil {
			return err
		}
	}
	return nil
}

func (x *exchange) fetchParts(ctx context.Context, reader wire.MediaReader, parts []llm.Part, fetched *int) error {
	for i := range parts {
		p := &parts[i]
		if p.Result != nil {
			result := *p.Result
			result.Parts = slices.Clone(result.Parts)
			p.Result = &result
			if err := x.fetchParts(ctx, reader, result.Parts, fetched); err != nil {
				return err
			}
		}
		if p.Media == nil || p.Media.URL == "" {
			continue
		}
		if scheme, ok := foreignScheme(p.Media.URL); ok {
			return llm.BadRequest("messages", "An image or file cannot be read from a `"+scheme+":` address; name an http or https address, or send the content inline as a data: URL.")
		}
		if reader == nil || !reader.NeedsData(p.Media, x.target) {
			continue
		}
		if *fetched++; *fetched > x.rq.Models.Config.Fairlead.MediaMaxCount {
			return llm.BadRequest("messages", "The request names more images and files by URL than the gateway fetches for one request (fairlead_settings.media_max_count); send them inline.")
		}
		media, err := x.fetch(ctx, p.Media)
		if err != nil {
			return err
		}
		p.Media = media
	}
	return nil
}

// foreignScheme returns the scheme of an address that leads neither to the web nor to
// content that a provider keeps.
func foreignScheme(address string) (scheme string, ok bool) {
	scheme, _, ok = strings.Cut(address, ":")
	if !ok || len(scheme) > len("javascript") || strings.ContainsAny(scheme, "/?#;, ") {
		return "", false
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "http", "https", "data", "gs":
		return "", false
	}
	return scheme, true
}

func (x *exchange) fetch(ctx context.Context, m *llm.Media) (*llm.Media, error) {
	got, err := x.rq.Models.Media.Fetch(ctx, m.URL)
	if err != nil {
		return nil, err
	}
	out := *m
	out.URL, out.Data = "", base64.StdEncoding.EncodeToString(got.Data)
	if out.MIME == "" {
		out.MIME = got.MIME
	}
	return &out, nil
}
