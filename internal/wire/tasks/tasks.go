// Package tasks speaks the formats of vendors that do embeddings, reranking and image
// generation in their own way: a request in OpenAI's format (for rerank Cohere's)
// becomes the vendor's, and the vendor's answer becomes OpenAI's. Like every wire it
// is pure. Sources: wire-format specification §6, and the API references of Google,
// Cohere, Voyage and Jina.
package tasks

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// Codec speaks one task in one format.
type Codec struct {
	// Encode writes the vendor's request. Errors are *llm.Error for the client.
	Encode func(req *llm.Request, t *wire.Target) (*wire.Call, error)
	// Decode writes the answer in the client's format from a checked body. usage is
	// nil when nothing is known of it.
	Decode func(c *wire.Call, body rawjson.Value, a wire.Answer) (answer []byte, usage *llm.Usage, err error)
}

// Find returns the codec for a task ("embeddings") in a format ("gemini").
func Find(format, task string) (Codec, bool) {
	c, ok := codecs[format+" "+task]
	return c, ok
}

var codecs = map[string]Codec{
	"gemini embeddings":         {geminiEmbedRequest, geminiEmbedAnswer},
	"gemini images/generations": {geminiImageRequest, geminiImageAnswer},
	"cohere embeddings":         {cohereEmbedRequest, cohereEmbedAnswer},
	"cohere rerank":             {cohereRerankRequest, cohereRerankAnswer},
	"voyage embeddings":         {voyageEmbedRequest, voyageEmbedAnswer},
	"voyage rerank":             {voyageRerankRequest, voyageRerankAnswer},
	"jina embeddings":           {jinaEmbedRequest, jinaEmbedAnswer},
	"jina rerank":               {jinaRerankRequest, jinaRerankAnswer},
}

// fields reads a request: take hands out its parameters, and rest settles what was
// not taken by the one policy.
type fields struct {
	req   *llm.Request
	t     *wire.Target
	taken []string
	drops []llm.Drop
}

func read(req *llm.Request, t *wire.Target, envelope ...string) *fields {
	return &fields{req: req, t: t, taken: append([]string{"model"}, envelope...)}
}

// take returns a parameter of the client's, else of the deployment, else nil.
func (f *fields) take(name string) rawjson.Value {
	f.taken = append(f.taken, name)
	if slices.Contains(f.t.Policy.Also, name) {
		return nil
	}
	if v := f.req.Param(name); v.Present() {
		return v
	}
	for _, d := range f.t.Defaults {
		if d.Name == name && d.Value.Present() {
			return d.Value
		}
	}
	return nil
}

// choice takes a parameter whose other values the vendor does not have.
func (f *fields) choice(name string, allowed ...string) (string, error) {
	v := f.take(name)
	if v == nil {
		return "", nil
	}
	s, ok := v.Str()
	if !ok || !slices.Contains(allowed, s) {
		return "", llm.BadRequest(name, fmt.Sprintf("'%s' must be one of %s for %s.", name, strings.Join(allowed, ", "), f.t.Provider))
	}
	return s, nil
}

// rest decides about parameters that nothing took: known ones are refused or dropped
// by the policy, unknown ones are dropped and reported. Pass, when not nil, takes the
// unknown ones along.
func (f *fields) rest(known []string, pass func(name string, v rawjson.Value)) error {
	var refused []string
	for _, p := range f.req.Params {
		switch {
		case !p.Value.Present() || slices.Contains(f.taken, p.Name):
		case slices.Contains(f.t.Policy.Also, p.Name):
			f.drops = append(f.drops, llm.Drop{What: p.Name, Why: "named in additional_drop_params"})
		case !slices.Contains(known, p.Name) && pass != nil:
			pass(p.Name, p.Value)
		case f.t.Policy.Drop || !slices.Contains(known, p.Name):
			f.drops = append(f.drops, llm.Drop{What: p.Name, Why: "not supported by " + f.t.Provider})
		default:
			refused = append(refused, p.Name)
		}
	}
	if len(refused) > 0 {
		return wire.Unsupported(f.t, refused...)
	}
	return nil
}

// call completes a request.
func (f *fields) call(path string, body []byte) *wire.Call {
	for _, p := range f.t.ExtraBody {
		o := rawjson.ParseObject(body)
		o.Set(p.Name, p.Value)
		body = o.Value()
	}
	return &wire.Call{Path: path, Body: body, Dropped: f.drops, Request: f.req, Target: f.t, Header: http.Header{}}
}

var versioned = regexp.MustCompile(`^(?:/compatibility)?/v\d[a-z0-9]*$`)

// below replaces the version at the end of a base's path: Cohere has its newer tasks
// beside the format of OpenAI. A base that already ends in the path stays.
func below(base, path string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base + path
	}
	p := strings.TrimSuffix(u.Path, "/")
	if strings.HasSuffix(p, path) {
		return base
	}
	for i := strings.LastIndexByte(p, '/'); i >= 0; i = strings.LastIndexByte(p[:i], '/') {
		if versioned.MatchString(p[i:]) {
			p = p[:i]
			break
		}
		if i == 0 {
			break
		}
	}
	u.Path, u.RawPath = strings.TrimSuffix(p, "/compatibility")+path, ""
	return u.String()
}

// badAnswer is the error for an answer without what it must have.
func badAnswer(c *wire.Call, what string) error {
	return &llm.Error{
		Kind: llm.KindInternal, Status: http.StatusInternalServerError, Upstream: true, Type: "internal_server_error",
		Provider: c.Target.Provider, Model: c.Target.Model,
		Message: "litellm.InternalServerError: " + c.Target.Provider + " answered without " + what + ".",
	}
}
