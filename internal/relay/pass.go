package relay

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// PassProviders are the providers whose own API is passed through below /NAME/.
var PassProviders = []string{"openai", "anthropic", "gemini", "deepseek", "mistral", "cohere"}

// nativeAPI is a provider's own API with the key that calls it.
type nativeAPI struct {
	*Deployment
	// root is the address without the version that clients put into their paths.
	root string
	// version is what was cut off, for paths that have none; "" when nothing was.
	version string
}

// nativeAPIs finds the key and address of each provider: those of the environment,
// else those of the first deployment that has one.
func nativeAPIs(c *config.Config, net Network, deployments []*Deployment) map[string]*nativeAPI {
	out := map[string]*nativeAPI{}
	for _, name := range PassProviders {
		row, _ := provider.Get(name)
		d := environmentAPI(c, net, row)
		for i := 0; d == nil && i < len(deployments); i++ {
			if o := deployments[i]; o.Row == row && o.any == nil && o.Config.APIKey.IsSet() {
				d = o
			}
		}
		if d != nil {
			root, version := cutVersion(d.Base.String())
			out[name] = &nativeAPI{d, root, version}
		}
	}
	return out
}

func environmentAPI(c *config.Config, net Network, row *provider.Row) *Deployment {
	key := firstSet(c, row.KeyEnv)
	if key == "" {
		return nil
	}
	d, err := newDeployment(c, &config.Deployment{
		ID: "pass-through-" + row.Name, ModelName: row.Name + "/*", Model: "*", Provider: row.Name, Wildcard: true,
		APIKey: config.NewSecret(key), APIBase: firstSet(c, row.BaseEnv), SSLVerify: c.Defaults.SSLVerify, CAFile: c.Defaults.CAFile,
	}, net)
	if err != nil {
		return nil
	}
	return d
}

// cutVersion cuts the version at the end of a base: https://api.openai.com/v1,
// https://api.cohere.com/compatibility/v1, https://api.deepseek.com/beta.
func cutVersion(base string) (root, version string) {
	i := strings.LastIndexByte(base, '/')
	if last := base[i+1:]; i < len("https://") || last != "beta" && !provider.HasVersion("http://x/"+last) {
		return base, ""
	} else if last != "beta" {
		version = "/" + last
	}
	root = base[:i]
	if cut, ok := strings.CutSuffix(root, "/compatibility"); ok {
		return cut, ""
	}
	return root, version
}

// Pass is a request that is passed through to an API that the gateway does not
// translate: status, body and stream stay what they are, but for keepalives in a stream
// of events that is silent.
type Pass struct {
	ID    string
	Start time.Time
	// Name is the provider, or the path of the operator's route, for the log.
	Name   string
	Method string
	// Header is the client's; Body is read while it is sent, of this length or -1.
	Header http.Header
	Body   io.Reader
	Length int64

	// Dialect is that of the route, whose keepalive is sent; nil is OpenAI's.
	Dialect wire.Dialect

	config   *config.FairleadSettings
	client   *upstream.Client
	url      *url.URL
	out      http.Header
	timeouts upstream.Timeouts
	model    string // as far as the path tells it
	provider string // whose prices hold, "" for none
	cost     string // of each request, "" for what its usage costs

	// authorize puts credentials in that hold for one request or for a while, nil for
	// none; signsBody says that it wants the whole body. refused is told when they were not
	// taken.
	authorize authorizer
	refused   func()
	signsBody bool
	// named says that the path names the model as the price map does, better than the
	// answer.
	named bool
	now   time.Time
}

// PassTo aims a request at a provider's own API. path is escaped and begins with a
// slash.
func (m *Models) PassTo(p *Pass, name, path string, query url.Values) error {
	p.config = &m.Config.Fairlead
	switch name {
	case passVertex:
		return m.passToVertex(p, path, query)
	case passBedrock:
		return m.passToBedrock(p, path, query)
	}
	api := m.native[name]
	row, _ := provider.Get(name)
	if api == nil {
		return llm.BadRequest("", fmt.Sprintf("The gateway has no key for %s: set %s in its environment, or give it a deployment with an api_key.", row.Label, cmp.Or(row.KeyEnv...)))
	}
	version := api.version
	if version == "" || provider.HasVersion("http://x"+path) {
		version = ""
	}
	p.out = passHeader(p.Header, m.Config.General.KeyHeaderName)
	query.Del("key") // the client's, which was for the gateway
	// Ours goes into a header also to Google: what stands in an address is repeated in
	// errors and logs.
	api.authorize(p.out, row.Auth)
	p.Name, p.provider, p.client = name, row.Name, api.Client
	p.model = modelInPath(path)
	return p.aim(api.root+version, path, query)
}

// modelInPath finds the model in the paths of Google's API.
func modelInPath(path string) string {
	_, after, ok := strings.Cut(path, "/models/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(after, ":")
	return name
}

// aim sets the address: a path below a base. It must not lead out of the base.
func (p *Pass) aim(base, path string, query url.Values) error {
	u, err := url.Parse(base)
	if err != nil {
		return llm.AsError(err)
	}
	plain, err := url.PathUnescape(path)
	if err != nil || strings.Contains(plain, "\\") || climbs(plain) {
		return llm.BadRequest("", "The path has a part that cannot be passed on.")
	}
	before := strings.TrimSuffix(u.EscapedPath(), "/")
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+plain, before+path
	own := u.Query()
	for name, values := range query {
		own[name] = values
	}
	u.RawQuery = own.Encode()
	p.url = u
	return nil
}

func climbs(path string) bool {
	for segment := range strings.SplitSeq(path, "/") {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return false
}

// passHeader copies the client's header without credentials and what belongs to its
// connection with the gateway.
func passHeader(from http.Header, keyHeader string) http.Header {
	out := make(http.Header, len(from))
	for name, values := range from {
		if forwardable(name) && !strings.EqualFold(name, keyHeader) {
			out[name] = values
		}
	}
	for _, name := range [...]string{"Content-Type", "Content-Encoding"} {
		if v := from[name]; v != nil {
			out[name] = v
		}
	}
	for _, line := range from["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			out.Del(strings.TrimSpace(name))
		}
	}
	return out
}

// PassCustom aims a request at the target of a route of the operator's own; rest is
// what follows the route's path, escaped.
func (m *Models) PassCustom(p *Pass, route *config.PassThrough, rest string, query url.Values) error {
	p.config, p.out = &m.Config.Fairlead, http.Header{}
	if route.ForwardHeaders {
		p.out = passHeader(p.Header, m.Config.General.KeyHeaderName)
	}
	for _, name := range [...]string{"Content-Type", "Accept"} {
		if v := p.Header[name]; v != nil {
			p.out[name] = v
		}
	}
	for name, value := range route.Headers {
		p.out[name] = []string{value.Reveal()}
	}
	for name, value := range route.Query {
		if !query.Has(name) {
			query.Set(name, value)
		}
	}
	p.Name, p.client, p.cost = route.Path, m.passClient, route.CostPerRequest
	if route.Timeout > 0 {
		p.timeouts = upstream.Timeouts{Header: route.Timeout, Idle: route.Timeout}
	}
	return p.aim(route.Target, rest, query)
}

// Pass passes a request through.
func (r *Relay) Pass(ctx context.Context, p *Pass, w http.ResponseWriter) error {
	x := &exchange{relay: r, w: w, rq: &Request{ID: p.ID, Start: p.Start, Header: p.Header, LLM: &llm.Request{Model: p.Name}}}
	x.target = &wire.Target{Provider: p.Name, Model: p.model}
	p.now = r.Now()
	t := &tap{}
	err := r.pass(ctx, p, x, t)
	x.usage = t.usage
	x.target.Model = p.modelOf(t)
	if p.provider != "" {
		x.target.Info, _ = catalog.Lookup(p.provider, x.target.Model)
	}
	if cost, ok := catalog.ParseMoney(p.cost); ok && p.cost != "" && x.begun {
		x.cost, x.priced = catalog.Cost{Total: cost}, true
	}
	x.settle(err)
	return err
}

func (r *Relay) pass(ctx context.Context, p *Pass, x *exchange, t *tap) error {
	resp, failed := p.send(ctx)
	if failed != nil {
		failed.Message = r.Redact(failed.Message)
		return formError(failed)
	}
	defer resp.Body.Close()
	return p.answer(x, resp, t)
}

// smallBody is the size up to which a body of known length is read whole, so that it
// can go over any connection.
const smallBody = 1 << 20

func (p *Pass) send(ctx context.Context) (*upstream.Response, *llm.Error) {
	req := &upstream.Request{
		Method: p.Method, URL: p.url, Header: p.out, Timeouts: p.timeouts, Hops: p.Header.Get(upstream.HopHeader), Provider: p.Name,
	}
	whole := p.signsBody || p.Length >= 0 && p.Length <= smallBody
	if whole {
		if failed := p.read(req); failed != nil {
			return nil, failed
		}
	}
	if p.authorize != nil {
		if failed := p.authorize(ctx, req, p.now); failed != nil {
			return nil, failed
		}
	}
	if !whole {
		return p.client.DoStream(ctx, req, p.Body, p.Length)
	}
	return p.client.Do(ctx, req)
}

// read reads the whole body, which the server bounds.
func (p *Pass) read(req *upstream.Request) *llm.Error {
	from := p.Body
	if p.Length >= 0 {
		from = io.LimitReader(from, p.Length)
	}
	body, err := io.ReadAll(from)
	if err != nil || int64(len(body)) < p.Length {
		e := llm.BadRequest("", "The request body ended before its declared length.")
		e.Cause = err
		return e
	}
	req.Body = body
	return nil
}

// modelOf is the model whose price holds.
func (p *Pass) modelOf(t *tap) string {
	if p.named {
		return cmp.Or(p.model, t.model)
	}
	return cmp.Or(t.model, p.model)
}
