package config

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
)

// Position is a place in a configuration file. Line and Column count from 1;
// a Line of 0 means that the finding has no place (an environment variable, a
// command-line flag).
type Position struct {
	File   string
	Line   int
	Column int
}

// String returns file:line:column, or only the file when there is no line.
func (p Position) String() string {
	if p.Line == 0 {
		return p.File
	}
	return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
}

// Config is everything that the gateway was told, validated and frozen.
type Config struct {
	// Path is the main file; "" when the configuration came from the
	// environment or the command line.
	Path string
	// Files lists every file that was read (the main one first, then its
	// includes and the .env), for the Watcher.
	Files []string
	// Deployments are the usable ones, in file order. Several with one
	// ModelName form a group.
	Deployments []Deployment
	// Skipped are the entries of model_list that cannot be used, with the
	// reason in the Report.
	Skipped []SkippedDeployment
	// Aliases maps a name that clients may ask for to a group.
	Aliases map[string]Alias
	// Router holds router_settings.
	Router RouterSettings
	// Defaults holds litellm_settings as far as they concern calls.
	Defaults CallDefaults
	// General holds general_settings.
	General GeneralSettings
	// Redis is the server that nodes share their state through.
	Redis RedisSettings
	// Fairlead holds fairlead_settings, the keys that LiteLLM does not have.
	Fairlead FairleadSettings
	// Clouds are accounts whose APIs are passed through.
	Clouds Clouds
	// Env is environment_variables, resolved. It is consulted before the
	// process environment and never written into it.
	Env map[string]string
	// MissingKeys names the environment variables whose provider key is not
	// set, sorted, each once, for the banner.
	MissingKeys []string

	env *environment
}

// Getenv looks a variable up as the configuration sees it: first
// environment_variables, then the process environment, then the env file.
func (c *Config) Getenv(name string) (string, bool) {
	if c == nil || c.env == nil {
		return "", false
	}
	return c.env.lookup(name)
}

// Groups lists the names that clients can ask for (no wildcards, no hidden
// aliases), in file order, each once.
func (c *Config) Groups() []string {
	seen := map[string]bool{}
	var names []string
	for i := range c.Deployments {
		name := c.Deployments[i].ModelName
		if seen[name] || c.Deployments[i].Wildcard {
			continue
		}
		seen[name] = true
		names = append(names, name)
	}
	return names
}

// SkippedDeployment is an entry of model_list that is not served.
type SkippedDeployment struct {
	ModelName string
	Reason    string
	Pos       Position
}

// Alias is one entry of router_settings.model_group_alias.
type Alias struct {
	// Target is the group that answers.
	Target string
	// Hidden keeps the alias out of the model list.
	Hidden bool
	Pos    Position
}

// Param is one extra key of litellm_params: a default for every call that goes
// to the deployment (temperature, max_tokens, reasoning_effort, thinking, …).
type Param struct {
	Name string
	JSON json.RawMessage
}

// KeyAlias names the deployment's key without showing it: the variable or credential that
// holds it, the variable that should, or where it stands; "" when it needs none.
func (d *Deployment) KeyAlias() string {
	switch {
	case d.KeySource != "" && d.KeySource != "config":
		return d.KeySource
	case d.APIKey.IsSet():
		return "api_key of deployment " + d.ID
	case d.MissingKey != "":
		return "none, " + d.MissingKey + " is not set"
	}
	return ""
}

// Deployment is one usable entry of model_list.
type Deployment struct {
	// ID is model_info.id, or a hash of the entry that is stable over restarts
	// and holds no secret. It is unique in a Config.
	ID string
	// ModelName is the group that clients ask for.
	ModelName string
	// Provider is the name of the provider row; "" only for a bare "*"
	// deployment, whose provider is found in the name that the client asks for.
	Provider string
	// Model is the upstream name without the provider prefix; patterns with
	// "*" are kept.
	Model string
	// Wildcard is set when ModelName holds a "*".
	Wildcard bool

	APIKey Secret
	// KeySource says where the key came from: "config", the name of an environment
	// variable, or that of an entry of credential_list; "" without a key.
	KeySource string
	// MissingKey names the environment variable that would hold the key when
	// there is none and the provider needs one.
	MissingKey string
	// APIBase is the base URL as given, without a trailing slash; "" means the
	// provider's own.
	APIBase      string
	APIVersion   string
	Organization string

	// Weight, RPM, TPM order the choice inside a group; 0 means not given.
	Weight float64
	RPM    int64
	TPM    int64
	// Order ranks deployments of a group, lowest first; 0 means not given.
	Order int
	// MaxParallel caps requests in flight; 0 means no cap.
	MaxParallel int

	// Timeout and StreamTimeout are 0 when not given.
	Timeout       time.Duration
	StreamTimeout time.Duration
	// Keepalive is keepalive_seconds: the silence in a stream after which its client gets a
	// keepalive, before the answer begins too. 0 sends none, nil is as for all.
	Keepalive *time.Duration
	// ClientKeepalive is allow_client_keepalive_override: a request may ask for another
	// silence, unless Keepalive is 0.
	ClientKeepalive bool
	// MaxRetries is num_retries or max_retries of the deployment.
	MaxRetries *int
	// CooldownTime overrides router_settings.cooldown_time.
	CooldownTime *time.Duration

	DropParams           *bool
	ModifyParams         *bool
	AdditionalDropParams []string
	AllowedOpenAIParams  []string

	ExtraHeaders map[string]string
	// ExtraBody is a JSON object that is merged into the upstream body.
	ExtraBody json.RawMessage
	Params    []Param

	// SSLVerify is false when ssl_verify turns certificate checks off.
	SSLVerify *bool
	// CAFile is the PEM bundle that ssl_verify names instead of a boolean.
	CAFile string

	// ThoughtSignatureInToolCallID switches LiteLLM's __thought__ id suffix.
	ThoughtSignatureInToolCallID   *bool
	MergeReasoningContentInChoices bool
	// MockResponse answers without calling the provider.
	MockResponse string
	Tags         []string
	// Region is region_name: where it is, for requests that may not leave a region.
	Region string
	// TagRegex says by patterns over "User-Agent: …" which requests it is for.
	TagRegex []*regexp.Regexp
	// Budget is what may be spent on it.
	Budget Budget
	// ClientSideAuthParams lists configurable_clientside_auth_params: what a
	// client may override in its request body (api_key, api_base).
	ClientSideAuthParams []string

	// Info is model_info (and the prices of litellm_params) as JSON values:
	// it overrides the price map for this deployment.
	Info map[string]json.RawMessage

	Pos Position
}

// BaseModel returns model_info.base_model, the price-map name that stands for
// a deployment whose upstream name says nothing.
func (d *Deployment) BaseModel() string {
	var s string
	if err := json.Unmarshal(d.Info["base_model"], &s); err != nil {
		return ""
	}
	return s
}

// CatalogModel is what is known of a model of a provider that this deployment calls:
// the catalog's entry, of base_model when the file names one, with the file's own
// numbers over it. nil when nothing is known.
func (d *Deployment) CatalogModel(provider, model string) *catalog.Model {
	var m *catalog.Model
	if base := d.BaseModel(); base != "" {
		if m, _ = catalog.Find(base); m == nil {
			m, _ = catalog.Lookup(provider, base)
		}
	}
	if m == nil && !strings.Contains(model, "*") {
		m, _ = catalog.Lookup(provider, model)
	}
	if len(d.Info) == 0 {
		return m
	}
	over := make(map[string]any, len(d.Info))
	for k, v := range d.Info {
		over[k] = json.RawMessage(v)
	}
	return m.With(over)
}

// Mode returns model_info.mode ("chat", "embedding", …) or "".
func (d *Deployment) Mode() string {
	var s string
	if err := json.Unmarshal(d.Info["mode"], &s); err != nil {
		return ""
	}
	return s
}

// hasPrice reports whether the file itself gives a price.
func (d *Deployment) hasPrice() bool {
	for name := range d.Info {
		if strings.Contains(name, "cost_per") || name == "tiered_pricing" {
			return true
		}
	}
	return false
}

// FallbackRule says which groups answer when Group has failed, in order.
type FallbackRule struct {
	Group   string
	Targets []FallbackTarget
}

// FallbackTarget is a group that answers instead of another, with parameters that
// replace those of the request then.
type FallbackTarget struct {
	Model  string
	Params []Param
}

// Fallbacks is an ordered list of rules; the first rule of a group counts.
type Fallbacks []FallbackRule

// For returns the names of the targets of group, and whether a rule names it.
func (f Fallbacks) For(group string) ([]string, bool) {
	for i := range f {
		if f[i].Group == group {
			return TargetNames(f[i].Targets), true
		}
	}
	return nil, false
}

// TargetNames are the groups of a list of fallbacks.
func TargetNames(targets []FallbackTarget) []string {
	out := make([]string, len(targets))
	for i := range targets {
		out[i] = targets[i].Model
	}
	return out
}

// FailureCounts holds one number per class of failure, for retry_policy and
// allowed_fails_policy; a nil field was not given.
type FailureCounts struct {
	BadRequest, Authentication, Timeout, RateLimit, ContentPolicy, InternalServer, ServiceUnavailable, BadGateway, NotFound, Default *int
}

// StrategyArgs is routing_strategy_args; 0 means not given.
type StrategyArgs struct {
	// TTL is how long a measured latency holds.
	TTL time.Duration
	// LowestLatencyBuffer is how much slower than the fastest, as a share, is still
	// fast.
	LowestLatencyBuffer float64
	// MaxLatencyListSize is how many calls a latency is averaged over.
	MaxLatencyListSize int
}

// RouterSettings is router_settings merged with the routing keys of
// litellm_settings; router_settings wins. A nil field was not given.
type RouterSettings struct {
	// RoutingStrategy is as written. "" means simple-shuffle for groups with a weight,
	// rpm or tpm, and else the less loaded of two.
	RoutingStrategy string
	StrategyArgs    StrategyArgs
	NumRetries      *int
	// Timeout and StreamTimeout are 0 when not given.
	Timeout       time.Duration
	StreamTimeout time.Duration
	// RetryAfter is the least time between two attempts.
	RetryAfter       *time.Duration
	AllowedFails     *int
	CooldownTime     *time.Duration
	DisableCooldowns bool

	Fallbacks              Fallbacks
	ContextWindowFallbacks Fallbacks
	ContentPolicyFallbacks Fallbacks
	DefaultFallbacks       []FallbackTarget
	MaxFallbacks           *int

	RetryPolicy           *FailureCounts
	ModelGroupRetryPolicy map[string]FailureCounts
	AllowedFailsPolicy    *FailureCounts

	EnablePreCallChecks  bool
	EnableTagFiltering   bool
	TagFilteringMatchAny *bool
	// TagRoutingPrefix marks those tags of a request that are meant for routing.
	TagRoutingPrefix            string
	DefaultMaxParallelRequests  int
	EnableWeightedFailover      bool
	FallbackOnUnsupportedParams *bool
	// RoutingGroups have strategies of their own.
	RoutingGroups []RoutingGroup
	// ProviderBudgets limit what is spent on a provider.
	ProviderBudgets map[string]Budget
	// EnforceRateLimits keeps to rpm and tpm whatever the strategy, without the other
	// checks of EnablePreCallChecks.
	EnforceRateLimits bool
	// AffinityTTL is how long a conversation stays with its deployment; nil means an
	// hour.
	AffinityTTL *time.Duration
	// DefaultPriority is that of requests that say none.
	DefaultPriority int64
}

// CallDefaults is the part of litellm_settings that shapes a call, with the
// command line laid over it. A nil field was not given.
type CallDefaults struct {
	DropParams           *bool
	AdditionalDropParams []string
	ModifyParams         bool
	NumRetries           *int
	// RequestTimeout is 0 when not given.
	RequestTimeout time.Duration
	// MaxTokens and Temperature come from the command line only.
	MaxTokens   *int
	Temperature *float64
	// ExtraHeaders go to every upstream call.
	ExtraHeaders map[string]string
	SSLVerify    *bool
	CAFile       string
	JSONLogs     bool
	Verbose      bool
	// UserURLValidation guards URLs that clients send (images, files); it is
	// on unless switched off.
	UserURLValidation bool
	// UserURLAllowedHosts may be fetched although they are private.
	UserURLAllowedHosts           []string
	GeminiIncludeThoughts         *bool
	GeminiDefaultThinkingLevelLow bool
	ForwardTraceparent            bool
	// IncludeCostInStreamingUsage adds cost to the usage chunk of a stream.
	IncludeCostInStreamingUsage bool
	// MergeReasoningContentInChoices holds for every deployment.
	MergeReasoningContentInChoices bool
}

// GeneralSettings is general_settings. A nil field was not given.
type GeneralSettings struct {
	// MasterKey is general_settings.master_key, else LITELLM_MASTER_KEY.
	MasterKey Secret
	// PermitWeakMasterKey is dangerously_permit_weak_or_unset_master_key of
	// the file or of the environment.
	PermitWeakMasterKey       bool
	ForwardClientHeaders      bool
	ForwardOpenAIOrgID        bool
	AlwaysIncludeStreamUsage  bool
	IncludeCallIDInErrorBody  bool
	AllowClientSideCreds      bool
	KeyHeaderName             string
	CompletionModel           string
	ReturnWildcardRoutes      bool
	InferModelFromKeys        bool
	GlobalMaxParallelRequests int
	// HealthChecks are the checks of deployments in the background.
	HealthChecks HealthChecks
	// DatabaseURL is kept only to say that it is not used yet.
	DatabaseURL Secret
	// PassThrough are the routes of pass_through_endpoints.
	PassThrough []PassThrough
}
