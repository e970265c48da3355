package relay

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/provider"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/openairesponses"
)

// wires are the upstream formats by the name that a provider's row has for them.
var wires = map[string]wire.Wire{
	provider.WireChat:      openaichat.Wire{},
	provider.WireAnthropic: anthropic.Wire{},
	provider.WireGemini:    gemini.Wire{},
	dialectResponses:       openairesponses.Wire{},
	provider.WireText:      textWire,
	provider.WireTasks:     tasksOnly{},
}

// Models is a configuration made ready for requests. It is immutable but for the
// health of its deployments.
type Models struct {
	Config *config.Config
	Table  *route.Table
	// Media fetches what clients only name.
	Media *upstream.Fetcher

	deployments []*Deployment
	// paced says that a deployment has a keepalive of its own, or lets clients choose.
	paced bool
	// native are providers' own APIs by name; passClient calls the operator's routes.
	native     map[string]*nativeAPI
	passClient *upstream.Client
	accounts   accounts
}

// Deployment is a configured deployment with everything that a call needs.
type Deployment struct {
	Config *config.Deployment
	Row    *provider.Row
	Wire   wire.Wire
	// Info is what the catalog and model_info know; of a pattern, nothing.
	Info   *catalog.Model
	Client *upstream.Client
	Base   *upstream.Base

	second    secondAPI
	any       *anyProvider // of a bare "*", else nil
	defaults  []llm.Param
	extraBody []llm.Param
	policy    wire.Policy
	header    http.Header // the deployment's own and the row's
	key       keyHeader
	fullName  string // of Config.Model
	keyAlias  string // names the key without showing it
}

// Network gives out what dials: clients by network profile, and memories of
// bases, which outlive a reload.
type Network interface {
	Client(d *config.Deployment) (*upstream.Client, error)
	Base(row *provider.Row, url string) (*upstream.Base, error)
	Fetcher(c *config.Config) *upstream.Fetcher
}

// NewModels builds the table of a configuration. A deployment that cannot be
// built is left out, and the errors say why.
func NewModels(c *config.Config, net Network, random func() float64) (*Models, []error) {
	m := &Models{Config: c, Media: net.Fetcher(c)}
	var (
		errs []error
		rows []route.Deployment
	)
	for i := range c.Deployments {
		d, err := newDeployment(c, &c.Deployments[i], net)
		if err != nil {
			errs = append(errs, fmt.Errorf("deployment %s (%s): %w", c.Deployments[i].ModelName, c.Deployments[i].Pos, err))
			continue
		}
		m.deployments = append(m.deployments, d)
		m.paced = m.paced || d.Config.Keepalive != nil || d.Config.ClientKeepalive
		rows = append(rows, d.routeRow(&c.Router))
	}
	m.native = nativeAPIs(c, net, m.deployments)
	client, err := clientOf(c, &config.Deployment{}, net)
	if err != nil {
		errs = append(errs, err)
	}
	m.passClient = client
	m.accounts.config, m.accounts.client = c, client
	m.Table = route.New(routeSettings(c, random), rows)
	return m, errs
}

// clientOf returns the client for a deployment. One that says nothing of
// certificates has them checked as litellm_settings.ssl_verify says.
func clientOf(c *config.Config, cd *config.Deployment, net Network) (*upstream.Client, error) {
	if cd.SSLVerify == nil && cd.CAFile == "" {
		cd = &config.Deployment{SSLVerify: c.Defaults.SSLVerify, CAFile: c.Defaults.CAFile}
	}
	return net.Client(cd)
}

func newDeployment(c *config.Config, cd *config.Deployment, net Network) (*Deployment, error) {
	d := &Deployment{Config: cd}
	name := cd.Provider
	if name == "" {
		name, d.any = "openai", &anyProvider{cfg: c, net: net, byRow: map[string]*Deployment{}}
	}
	row, ok := provider.Get(name)
	if !ok {
		return nil, fmt.Errorf("provider %q is not known", name)
	}
	client, err := clientOf(c, cd, net)
	if err != nil {
		return nil, err
	}
	d.Client = client
	if err := d.use(row, net); err != nil {
		return nil, err
	}
	d.Info = d.info(cd.Model)
	d.defaults, d.extraBody = callDefaults(c, cd), members(cd.ExtraBody)
	d.policy = wire.Policy{
		Drop:   orBool(cd.DropParams, orBool(c.Defaults.DropParams, false)),
		Modify: orBool(cd.ModifyParams, c.Defaults.ModifyParams),
		Also:   append(slices.Clone(c.Defaults.AdditionalDropParams), cd.AdditionalDropParams...),
		Allow:  cd.AllowedOpenAIParams,
	}
	d.header = fixedHeader(c, cd, row)
	d.fullName, d.keyAlias = d.FullName(), cd.KeyAlias()
	return d, nil
}

// use sets the row that a deployment speaks with.
func (d *Deployment) use(row *provider.Row, net Network) (err error) {
	d.Row, d.Wire = row, wires[row.Wire]
	if d.Wire == nil {
		return fmt.Errorf("provider %s is planned, not spoken yet", row.Name)
	}
	d.key = keyHeaderOf(cmp.Or(d.Config.APIKey.Reveal(), row.KeyFallback))
	d.Base, err = net.Base(row, cmp.Or(d.Config.APIBase, row.BaseURL))
	return err
}

func (d *Deployment) routeRow(r *config.RouterSettings) route.Deployment {
	cd := d.Config
	price, priced := d.pricePerToken()
	window, _ := d.Info.Int("max_input_tokens")
	return route.Deployment{
		ID: cd.ID, Group: cd.ModelName, Upstream: cd.Model, Name: d.FullName(), Weight: cd.Weight, RPM: cd.RPM, TPM: cd.TPM,
		Order: cd.Order, MaxParallel: cmp.Or(cd.MaxParallel, r.DefaultMaxParallelRequests), Timeout: cd.Timeout, StreamTimeout: cd.StreamTimeout,
		Tags: cd.Tags, TagRegex: cd.TagRegex, Region: cd.Region, Provider: d.Row.Name, Budget: budget(cd.Budget), Price: price, Priced: priced, CacheSaving: d.cacheSaving(), MaxInput: window,
		NumRetries: cd.MaxRetries, CooldownTime: cd.CooldownTime, Ref: d,
	}
}

// FullName is the model with its provider in front: "openai/gpt-4o".
func (d *Deployment) FullName() string {
	if d.any != nil {
		return d.Config.Model
	}
	return d.Row.Name + "/" + d.Config.Model
}

// info is what is known of the upstream's model.
func (d *Deployment) info(model string) *catalog.Model {
	return d.Config.CatalogModel(d.Row.Name, model)
}

// Target describes the deployment to a wire, for the upstream name of the model.
func (d *Deployment) Target(model string) *wire.Target {
	info := d.Info
	if d.Config.Wildcard {
		info = d.info(model)
	}
	return &wire.Target{
		Provider: d.Row.Name, Model: model, Info: info, Quirks: &d.Row.Quirks, Base: d.Base.String(),
		Defaults: d.defaults, ExtraBody: d.extraBody, Policy: d.policy, Organization: d.Config.Organization,
	}
}

func callParams(list []config.Param) []llm.Param {
	var out []llm.Param
	for _, p := range list {
		out = append(out, llm.Param{Name: p.Name, Value: rawjson.Value(p.JSON)})
	}
	return out
}

func callDefaults(c *config.Config, cd *config.Deployment) []llm.Param {
	out := callParams(cd.Params)
	if c.Defaults.MaxTokens != nil {
		out = append(out, llm.Param{Name: "max_tokens", Value: rawjson.Int(int64(*c.Defaults.MaxTokens))})
	}
	if c.Defaults.Temperature != nil {
		v, err := json.Marshal(*c.Defaults.Temperature)
		if err == nil {
			out = append(out, llm.Param{Name: "temperature", Value: v})
		}
	}
	return out
}

func members(object []byte) []llm.Param {
	var out []llm.Param
	for k, v := range rawjson.Value(object).Members() {
		out = append(out, llm.Param{Name: k, Value: v})
	}
	return out
}

func fixedHeader(c *config.Config, cd *config.Deployment, row *provider.Row) http.Header {
	h := http.Header{}
	for k, v := range row.Headers {
		h.Set(k, strings.ReplaceAll(v, "{api_key}", cd.APIKey.Reveal()))
	}
	for k, v := range row.Quirks.Headers {
		h.Set(k, v)
	}
	for k, variable := range row.HeaderEnv {
		if v, ok := c.Getenv(variable); ok && v != "" {
			h.Set(k, v)
		}
	}
	for k, v := range c.Defaults.ExtraHeaders {
		h.Set(k, v)
	}
	for k, v := range cd.ExtraHeaders {
		h.Set(k, v)
	}
	return h
}

func routeSettings(c *config.Config, random func() float64) route.Settings {
	r := &c.Router
	s := route.Settings{
		Strategy: r.RoutingStrategy, LatencyBuffer: r.StrategyArgs.LowestLatencyBuffer,
		LatencyWindow: r.StrategyArgs.MaxLatencyListSize, LatencyTTL: r.StrategyArgs.TTL,
		AffinityTTL: affinityTTL(c), MaxQueue: c.Fairlead.MaxQueue, QueueWait: c.Fairlead.MaxQueueWait,
		EnforceLimits: r.EnforceRateLimits, PreCallChecks: r.EnablePreCallChecks, TagFiltering: r.EnableTagFiltering, TagPrefix: r.TagRoutingPrefix, MatchAllTags: !orBool(r.TagFilteringMatchAny, true),
		NumRetries: r.NumRetries, RetryPolicy: (*route.Counts)(r.RetryPolicy),
		AllowedFails: r.AllowedFails, AllowedFailsPolicy: (*route.Counts)(r.AllowedFailsPolicy),
		CooldownTime: r.CooldownTime, DisableCooldowns: r.DisableCooldowns,
		Fallbacks: rules(r.Fallbacks), ContextWindowFallbacks: rules(r.ContextWindowFallbacks),
		ContentPolicyFallbacks: rules(r.ContentPolicyFallbacks), DefaultFallbacks: targets(r.DefaultFallbacks),
		MaxFallbacks: r.MaxFallbacks, FallbackOnUnsupportedParams: r.FallbackOnUnsupportedParams,
		Aliases: map[string]string{}, Guess: guess, Rand: random,
	}
	if s.NumRetries == nil {
		s.NumRetries = c.Defaults.NumRetries
	}
	if r.RetryAfter != nil {
		s.RetryAfter = *r.RetryAfter
	}
	for group, p := range r.ModelGroupRetryPolicy {
		if s.GroupRetryPolicy == nil {
			s.GroupRetryPolicy = map[string]route.Counts{}
		}
		s.GroupRetryPolicy[group] = route.Counts(p)
	}
	if len(c.Fairlead.HedgeAfter) > 0 {
		s.Hedges = map[string]route.Hedge{}
	}
	for group, h := range c.Fairlead.HedgeAfter {
		s.Hedges[group] = route.Hedge(h)
	}
	for i := range r.RoutingGroups {
		g := &r.RoutingGroups[i]
		s.RoutingGroups = append(s.RoutingGroups, route.RoutingGroup{
			Name: g.Name, Models: g.Models, Strategy: g.Strategy,
			LatencyBuffer: g.Args.LowestLatencyBuffer, LatencyWindow: g.Args.MaxLatencyListSize, LatencyTTL: g.Args.TTL,
		})
	}
	if len(r.ProviderBudgets) > 0 {
		s.ProviderBudgets = map[string]route.Budget{}
	}
	for name, b := range r.ProviderBudgets {
		s.ProviderBudgets[name] = budget(b)
	}
	for name, a := range c.Aliases {
		s.Aliases[name] = a.Target
	}
	return s
}

// affinityTTL is how long a conversation stays with a deployment, 0 when it does not.
func affinityTTL(c *config.Config) time.Duration {
	switch {
	case !c.Fairlead.Affinity:
		return 0
	case c.Router.AffinityTTL != nil:
		return *c.Router.AffinityTTL
	}
	return time.Hour
}

// budget is a budget in pico-dollars.
func budget(b config.Budget) route.Budget {
	return route.Budget{Limit: int64(min(b.Limit, maxBudget) * float64(catalog.USD)), Period: b.Period}
}

// maxBudget is the largest budget that is told from none, in USD.
const maxBudget = 9e6

func rules(f config.Fallbacks) []route.Rule {
	out := make([]route.Rule, len(f))
	for i := range f {
		out[i] = route.Rule{Group: f[i].Group, Targets: targets(f[i].Targets)}
	}
	return out
}

func targets(list []config.FallbackTarget) []route.Fallback {
	out := make([]route.Fallback, len(list))
	for i := range list {
		out[i] = route.Fallback{Model: list[i].Model, Params: callParams(list[i].Params)}
	}
	return out
}

func guess(model string) (string, bool) { return catalog.ProviderOf(model) }

func orBool(p *bool, otherwise bool) bool {
	if p != nil {
		return *p
	}
	return otherwise
}

// First returns the first name that a client can ask for, "" when there is none.
func (m *Models) First() string {
	for _, d := range m.deployments {
		if !d.Config.Wildcard {
			return d.Config.ModelName
		}
	}
	return ""
}

// List splits a comma list of models, unless it is itself a name that is served.
func (m *Models) List(name string) []string {
	if !strings.Contains(name, ",") || m.Table.Has(name) {
		return nil
	}
	names := strings.Split(name, ",")
	for i := range names {
		names[i] = strings.TrimSpace(names[i])
	}
	return names
}

// DeploymentHealth is what traffic has shown of one deployment.
type DeploymentHealth struct {
	ID, Group, Name string
	CoolingDown     bool
	LastSuccess     time.Time // zero when it has not answered since the start
	LastFailure     time.Time // zero when it has not failed since the start
}

// Health lists every deployment.
func (m *Models) Health(now time.Time) []DeploymentHealth {
	out := make([]DeploymentHealth, len(m.deployments))
	for i, d := range m.deployments {
		out[i] = DeploymentHealth{d.Config.ID, d.Config.ModelName, d.FullName(), !m.Table.Cooling(d.Config.ID, now).IsZero(), m.Table.LastSuccess(d.Config.ID), m.Table.LastFailure(d.Config.ID)}
	}
	return out
}
