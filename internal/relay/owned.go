package relay

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/form"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// Owned is a request for something that lives at one deployment: a file, a batch, a
// fine-tuning job or a vector store.
type Owned struct {
	ID     string
	Start  time.Time
	Models *Models
	Method string
	// Path is the path below /v1, escaped, and Query what follows it.
	Path   string
	Query  url.Values
	Header http.Header
	// Body is a checked JSON object, nil for none; Form takes its place in uploads.
	Body rawjson.Value
	Form *form.Form
}

// owner collects which deployment the ids of a request belong to.
type owner struct {
	id  string
	bad bool // ids of two deployments
}

// original returns the upstream's id for one of ours, and any other text as it is.
func (o *owner) original(s string) string {
	id, original, ok := readOwnedID(s)
	if !ok {
		return s
	}
	o.bad = o.bad || o.id != "" && o.id != id
	o.id = id
	return original
}

// Owned answers such a request: it goes to the deployment that its ids name, or
// that the client names, or the first of OpenAI.
func (r *Relay) Owned(ctx context.Context, o *Owned, w http.ResponseWriter) error {
	x := &exchange{relay: r, w: w, rq: &Request{ID: o.ID, Start: o.Start, Header: o.Header, Models: o.Models, LLM: &llm.Request{Model: o.Path}}}
	err := r.owned(ctx, o, x)
	x.settle(err)
	return err
}

func (r *Relay) owned(ctx context.Context, o *Owned, x *exchange) error {
	req, err := o.prepare(x)
	if err != nil {
		return err
	}
	x.sent = r.Now()
	resp, err := o.send(ctx, x, req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	x.header = resp.Header
	if resp.Status/100 != 2 {
		return x.refused(resp)
	}
	x.w.Header()["X-Litellm-Model-Id"] = []string{x.dep.Config.ID}
	if !isJSON(resp.Header) || strings.HasSuffix(o.Path, "/content") {
		x.w.Header()["Content-Type"] = []string{contentTypeOf(resp.Header)}
		keepPassing(x, resp, &x.rq.Models.Config.Fairlead, openaichat.Dialect{})
		return copyTapped(x, resp, &tap{full: true})
	}
	return x.ownedAnswer(ctx, resp)
}

// ownedAnswer rewrites the ids of an answer.
func (x *exchange) ownedAnswer(ctx context.Context, resp *upstream.Response) error {
	body, failed := resp.ReadAll(x.rq.Models.Config.Fairlead.MaxResponseBytes)
	if failed != nil {
		return failed
	}
	v, err := rawjson.Check(body)
	if err != nil {
		return x.classify(ctx, err)
	}
	out := withOwnedIDs(make([]byte, 0, len(v)+512), v, x.dep.Config.ID)
	h := x.w.Header()
	h["Content-Type"] = headerJSON
	h["Content-Length"] = []string{string(rawjson.Int(int64(len(out))))}
	begin(x, resp.Status)
	_, err = x.w.Write(out)
	return left(err)
}

// prepare finds the owner and puts the upstream's ids in the place of ours.
func (o *Owned) prepare(x *exchange) (*upstream.Request, error) {
	var own owner
	segments := strings.Split(o.Path, "/")
	for i, s := range segments {
		if plain, err := url.PathUnescape(s); err == nil {
			segments[i] = url.PathEscape(own.original(plain))
		}
	}
	query := url.Values{}
	for name, values := range o.Query {
		for _, v := range values {
			if name != "model" && name != "custom_llm_provider" {
				query.Add(name, own.original(v))
			}
		}
	}
	if key := credential(o.Body); key != "" {
		return nil, credentialsRefused(key)
	}
	body := o.Body
	if body != nil {
		body = mapStrings(nil, body, "", func(_, s string) string { return own.original(s) })
	}
	if own.bad {
		return nil, llm.BadRequest("", "The request names files of two deployments; they can work together only within one.")
	}
	model, err := o.choose(x, own.id)
	if err != nil {
		return nil, err
	}
	x.target, x.wire = x.dep.Target(model), x.dep.Wire
	path := strings.Join(segments, "/")
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	x.call = &wire.Call{Path: path, Body: ownedBody(body, x.target.Model), Target: x.target}
	req, err := x.outgoing()
	if err != nil {
		return nil, err
	}
	req.Method = o.Method
	if beta := o.Header["Openai-Beta"]; beta != nil {
		req.Header["Openai-Beta"] = beta
	}
	if body == nil {
		delete(req.Header, "Content-Type")
	}
	return req, nil
}

// credential finds an address or a key that a client may not choose.
func credential(body rawjson.Value) string {
	for _, key := range [...]string{"api_key", "api_base", "base_url"} {
		if body.Get(key).Present() {
			return key
		}
	}
	return ""
}

// ownedBody leaves out what chose the deployment, and names its model.
func ownedBody(body rawjson.Value, model string) []byte {
	if body == nil {
		return nil
	}
	out := rawjson.ParseObject(body)
	out.Del("custom_llm_provider")
	if model != "" && out.Get("model").Present() {
		out.Set("model", rawjson.String(model))
	}
	return out.Value()
}

// choose sets the deployment: the owner of the ids, else that of the model or the
// provider that the client names, else the first of OpenAI, else the first that
// speaks its format. It returns the upstream's name of the model, when one is named.
func (o *Owned) choose(x *exchange, ownerID string) (model string, err error) {
	name, vendor := o.named("model"), o.named("custom_llm_provider")
	if ownerID != "" {
		x.dep = o.Models.byID(ownerID)
		if x.dep == nil {
			return "", &llm.Error{
				Kind: llm.KindNotFound, Status: http.StatusNotFound, Type: "invalid_request_error", Code: "404",
				Message: "The deployment that this id belongs to is not configured any more.",
			}
		}
		return o.upstreamModel(x, name), nil
	}
	if ds := o.Models.Table.Deployments(name); name != "" && len(ds) > 0 {
		x.dep = ds[0].Ref.(*Deployment)
		return o.upstreamModel(x, name), o.speaks(x)
	}
	for _, d := range o.Models.deployments {
		if d.any == nil && (vendor == d.Row.Name || vendor == "" && d.Row.Name == "openai") {
			x.dep = d
			return "", o.speaks(x)
		}
	}
	for _, d := range o.Models.deployments {
		if vendor == "" && d.any == nil && d.Row.Wire == provider.WireChat && d.Row.Name != provider.Demo {
			x.dep = d
			return "", nil
		}
	}
	return "", llm.BadRequest("model", "No deployment can take this: name one by ?model=NAME, or configure one of OpenAI.")
}

// speaks refuses deployments that have no such API.
func (o *Owned) speaks(x *exchange) error {
	if x.dep.Row.Wire == provider.WireChat || x.dep.Row.Wire == provider.WireText {
		return nil
	}
	return llm.BadRequest("model", fmt.Sprintf("%s has no files, batches, fine-tuning jobs or vector stores of OpenAI's kind.", x.dep.Row.Label))
}

// upstreamModel is the upstream's name for a name that is served here.
func (o *Owned) upstreamModel(x *exchange, name string) string {
	for _, d := range o.Models.Table.Deployments(name) {
		if d.Ref.(*Deployment) == x.dep && !x.dep.Config.Wildcard {
			return x.dep.Config.Model
		}
	}
	return ""
}

// named reads what chooses a deployment from the query, the body or the form.
func (o *Owned) named(key string) string {
	if v := o.Query.Get(key); v != "" {
		return v
	}
	if o.Form != nil {
		v, _ := o.Form.Value(key)
		return v
	}
	return o.Body.Get(key).Text()
}

func (m *Models) byID(id string) *Deployment {
	i := slices.IndexFunc(m.deployments, func(d *Deployment) bool { return d.Config.ID == id })
	if i < 0 {
		return nil
	}
	return m.deployments[i]
}

// send sends the request once: what it makes must not be made twice.
func (o *Owned) send(ctx context.Context, x *exchange, req *upstream.Request) (*upstream.Response, error) {
	if o.Form == nil {
		resp, failed := x.dep.Client.Do(ctx, req)
		if failed != nil {
			return nil, failed
		}
		return resp, nil
	}
	contentType, body := o.Form.Reader(form.Edit{Drop: func(name string) bool { return name == "model" || openaichat.GatewayKey(name) }})
	req.Header["Content-Type"] = []string{contentType}
	resp, failed := x.dep.Client.DoStream(ctx, req, body, -1)
	if failed != nil {
		return nil, formError(failed)
	}
	return resp, nil
}
