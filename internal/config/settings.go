package config

import (
	"strings"
	"time"
)

// weakVariable is LiteLLM's own name of the override.
const weakVariable = "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY"

// general reads general_settings and the variables that belong to it.
func (l *loader) general(n *node) GeneralSettings {
	const path = "general_settings"
	at := func(key string) (*node, string) { return n.get(key), child(path, key) }
	if key := n.get("master_key"); key != nil && key.unset {
		l.missing(Warning, key, path+".master_key", masterKeyConsequence(key.variable))
	}
	g := GeneralSettings{
		MasterKey:                 NewSecret(l.text(at("master_key"))),
		PermitWeakMasterKey:       l.flag(at("dangerously_permit_weak_or_unset_master_key")),
		ForwardClientHeaders:      l.flag(at("forward_client_headers_to_llm_api")),
		ForwardOpenAIOrgID:        l.flag(at("forward_openai_org_id")),
		AlwaysIncludeStreamUsage:  l.flag(at("always_include_stream_usage")),
		IncludeCallIDInErrorBody:  l.flag(at("include_call_id_in_error_body")),
		AllowClientSideCreds:      l.flag(at("allow_client_side_credentials")),
		KeyHeaderName:             l.text(at("litellm_key_header_name")),
		CompletionModel:           l.text(at("completion_model")),
		ReturnWildcardRoutes:      l.flag(at("return_wildcard_routes")),
		InferModelFromKeys:        l.flag(at("infer_model_from_keys")),
		GlobalMaxParallelRequests: deref(l.count(at("global_max_parallel_requests"))),
		DatabaseURL:               NewSecret(l.text(at("database_url"))),
	}
	g.HealthChecks = l.healthChecks(n)
	l.generalFromEnvironment(&g)
	if g.DatabaseURL.IsSet() {
		l.report.warnf(n.get("database_url").pos, "general_settings.database_url", "Clients use the master key.", "Keys and spend kept in that database are not known here yet; the gateway serves with the master key alone.")
	}
	return g
}

// masterKeyConsequence says what holds while the variable of master_key is not
// set.
func masterKeyConsequence(variable string) string {
	if variable == "LITELLM_MASTER_KEY" {
		return ", so there is no master key and only this machine is served."
	}
	return ", so LITELLM_MASTER_KEY counts; without it there is no master key and only this machine is served."
}

// generalFromEnvironment reads what LiteLLM takes from its own environment.
func (l *loader) generalFromEnvironment(g *GeneralSettings) {
	if !g.MasterKey.IsSet() {
		key, _ := l.env.lookup("LITELLM_MASTER_KEY")
		g.MasterKey = NewSecret(key)
	}
	g.PermitWeakMasterKey = g.PermitWeakMasterKey || l.switchedOn(weakVariable)
	l.report.mask.learn(g.MasterKey.Reveal())
}

// sizes takes LiteLLM's own limits of request and answer where
// fairlead_settings gives none.
func (l *loader) sizes(cfg *Config, root *node) {
	general, own := root.get("general_settings"), root.get("fairlead_settings")
	if own.get("max_body_mb").isNull() {
		l.overSize(&cfg.Fairlead.MaxBodyBytes, general.get("max_request_size_mb"), "general_settings.max_request_size_mb")
	}
	if own.get("max_response_mb").isNull() {
		l.overSize(&cfg.Fairlead.MaxResponseBytes, general.get("max_response_size_mb"), "general_settings.max_response_size_mb")
	}
}

// keepalives reads LiteLLM's interval of keepalives, which holds before the answer too and
// is bounded as there. What fairlead_settings gives wins.
func (l *loader) keepalives(s *FairleadSettings, root *node) {
	const key = "sse_keepalive_ping_interval_seconds"
	every := l.seconds(root.get("litellm_settings").get(key), child("litellm_settings", key))
	if every == nil || *every < 0 {
		return
	}
	*every = KeepaliveWithin(*every)
	own := root.get("fairlead_settings")
	if own.get("ping_interval").isNull() {
		s.PingInterval = *every
	}
	if own.get("first_ping_after").isNull() {
		s.FirstPingAfter = *every
	}
}

// KeepaliveWithin bounds an interval of keepalives as LiteLLM does; 0 is none.
func KeepaliveWithin(every time.Duration) time.Duration {
	if every <= 0 {
		return 0
	}
	return min(max(every, time.Second), 5*time.Minute)
}

// mebibytes reads a size given in MiB; 0 means not given.
func (l *loader) mebibytes(n *node, path string) int64 {
	v := l.number(n, path)
	if v == nil {
		return 0
	}
	if *v <= 0 || *v > 1<<20 {
		l.wrong(n, path, "a size in MiB above 0")
		return 0
	}
	return int64(*v * mebibyte)
}

// defaults reads the call settings of litellm_settings and lays the command
// line over them.
func (l *loader) defaults(n *node) CallDefaults {
	const path = "litellm_settings"
	at := func(key string) (*node, string) { return n.get(key), child(path, key) }
	d := CallDefaults{
		ModifyParams:                   l.flag(at("modify_params")),
		NumRetries:                     l.count(at("num_retries")),
		RequestTimeout:                 l.limit(at("request_timeout")),
		JSONLogs:                       l.flag(at("json_logs")),
		Verbose:                        l.flag(at("set_verbose")),
		UserURLValidation:              true,
		GeminiIncludeThoughts:          l.boolean(at("gemini_include_thoughts_default")),
		GeminiDefaultThinkingLevelLow:  l.flag(at("enable_gemini_default_thinking_level_low")),
		ForwardTraceparent:             l.flag(at("forward_traceparent_to_llm_provider")),
		ExtraHeaders:                   l.headers(at("headers")),
		IncludeCostInStreamingUsage:    l.flag(at("include_cost_in_streaming_usage")),
		MergeReasoningContentInChoices: l.flag(at("merge_reasoning_content_in_choices")),
	}
	d.DropParams, d.AdditionalDropParams = l.dropParams(at("drop_params"))
	d.AdditionalDropParams = append(d.AdditionalDropParams, l.texts(at("additional_drop_params"))...)
	d.SSLVerify, d.CAFile = l.sslVerify(at("ssl_verify"))
	l.urlGuard(&d, n, path)
	l.defaultsFromEnvironment(&d)
	l.o.Overrides.apply(&d)
	return d
}

// urlGuard reads the guard of client URLs, which may stand in litellm_settings
// and in general_settings.
func (l *loader) urlGuard(d *CallDefaults, n *node, path string) {
	if v := l.boolean(n.get("user_url_validation"), child(path, "user_url_validation")); v != nil {
		d.UserURLValidation = *v
	}
	d.UserURLAllowedHosts = append(d.UserURLAllowedHosts, l.texts(n.get("user_url_allowed_hosts"), child(path, "user_url_allowed_hosts"))...)
}

// defaultsFromEnvironment reads the variables that LiteLLM reads for the same.
func (l *loader) defaultsFromEnvironment(d *CallDefaults) {
	d.ModifyParams = d.ModifyParams || l.switchedOn("LITELLM_MODIFY_PARAMS")
	d.JSONLogs = d.JSONLogs || l.switchedOn("JSON_LOGS")
	if level, _ := l.env.lookup("LITELLM_LOG"); strings.EqualFold(level, "debug") {
		d.Verbose = true
	}
	if v, ok := l.env.lookup("SSL_VERIFY"); ok && d.SSLVerify == nil && d.CAFile == "" {
		n := &node{kind: stringKind, text: v, source: v}
		d.SSLVerify, d.CAFile = l.sslVerify(n, "SSL_VERIFY")
	}
}

// switchedOn reports whether a variable holds a true value.
func (l *loader) switchedOn(name string) bool {
	v, _ := l.env.lookup(name)
	on, ok := asBool(&node{kind: stringKind, text: v})
	return ok && on
}

// apply lays the command line over the file's defaults.
func (o Overrides) apply(d *CallDefaults) {
	if o.DropParams != nil {
		d.DropParams = o.DropParams
	}
	if o.RequestTimeout > 0 {
		d.RequestTimeout = o.RequestTimeout
	}
	d.MaxTokens, d.Temperature = o.MaxTokens, o.Temperature
	d.Verbose = d.Verbose || o.Debug
	if len(o.Headers) > 0 && d.ExtraHeaders == nil {
		d.ExtraHeaders = map[string]string{}
	}
	for name, value := range o.Headers {
		if validHeader(name, value) {
			d.ExtraHeaders[name] = value
		}
	}
}

// dropParams reads drop_params, which some files give as a list of names:
// LiteLLM takes any list as true, and the names say what was meant.
func (l *loader) dropParams(n *node, path string) (drop *bool, names []string) {
	if n == nil || n.kind != listKind {
		return l.boolean(n, path), nil
	}
	names = l.texts(n, path)
	on := len(names) > 0
	l.report.warnf(n.pos, path, "Write `drop_params: true`, and the names in additional_drop_params.", "`drop_params` is a list here; it is read as true, and its names as additional_drop_params.")
	return &on, names
}

// sslVerify reads ssl_verify: a switch, or the path of a PEM bundle.
func (l *loader) sslVerify(n *node, path string) (verify *bool, caFile string) {
	if !l.given(n, path) {
		return nil, ""
	}
	if v, ok := asBool(n); ok {
		if !v {
			l.report.warnf(n.pos, path, "Name the CA bundle instead: `ssl_verify: /path/ca.pem`.", "Certificates of the provider are not checked, so anyone on the way can read keys and prompts.")
		}
		return &v, ""
	}
	return nil, l.bundle(n, path)
}

// bundle is the file of ssl_verify; one that cannot be read counts for nothing, as
// with LiteLLM.
func (l *loader) bundle(n *node, path string) string {
	file := l.text(n, path)
	if file == "" {
		return ""
	}
	if _, err := l.o.ReadFile(file); err != nil {
		l.report.warnf(n.pos, path, "Name a PEM file that can be read.", "The CA bundle of `%s` is not used: %s. The system's certificates are.", lastKey(path), pathError(err))
		return ""
	}
	return file
}

// fairlead reads fairlead_settings over its defaults.
func (l *loader) fairlead(n *node) FairleadSettings {
	s := DefaultFairleadSettings()
	if n.isNull() {
		return s
	}
	if n.kind != mapKind {
		l.wrong(n, "fairlead_settings", "a map")
		return s
	}
	for _, setting := range fairleadSettings {
		key := setting.name
		setting.read(l, &s, n.get(key), child("fairlead_settings", key))
	}
	return s
}

// fairleadSetting is one key of fairlead_settings: its documentation and how
// it is read. The table is what docs/configuration.md and the check of unknown
// keys are made from.
type fairleadSetting struct {
	name string
	// shows is the default, for the reference.
	shows string
	doc   string
	read  func(l *loader, s *FairleadSettings, n *node, path string)
}

var fairleadSettings = []fairleadSetting{
	{
		"allow_missing_hooks", "false", "Start although the file asks for a guardrail or `custom_auth` that cannot run here.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.AllowMissingHooks = l.flag(n, path) },
	},
	{
		"data_dir", "(none)", "Directory of the SQLite files in which reasoning state, the answers behind `previous_response_id`, what `fairlead why` tells, the history of health checks and what budgets have spent survive a restart. Without it everything stays in memory.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.DataDir = l.text(n, path) },
	},
	{
		"expose_api_base", "false", "Send `x-litellm-model-api-base`, which shows the upstream URL to clients.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.ExposeAPIBase = l.flag(n, path) },
	},
	{
		"connect_timeout", "5", "Seconds to connect to a provider. What is too late in any stage is a timeout that names the stage, and is tried again or falls back like any other.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.ConnectTimeout, n, path) },
	},
	{
		"tls_timeout", "5", "Seconds for the TLS handshake after that.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.TLSTimeout, n, path) },
	},
	{
		"response_header_timeout", "0", "Seconds from the start of a call until the provider begins to answer, connecting included, whatever else allows more; 0 sets no limit of its own. Not streamed, many models begin only when they are done.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			l.overSecondsOrNone(&s.ResponseHeaderTimeout, n, path)
		},
	},
	{
		"first_token_timeout", "0", "Seconds from the start of a call until a stream brings its first token (text, thinking or a call); 0 means no limit.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			l.overSecondsOrNone(&s.FirstTokenTimeout, n, path)
		},
	},
	{
		"between_tokens_timeout", "0", "Seconds from one token of a stream to the next, whatever keepalives come; 0 means no limit.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			l.overSecondsOrNone(&s.BetweenTokensTimeout, n, path)
		},
	},
	{
		"commit_rate", "0", "Tokens per second that a stream has to show before its answer begins: it is held until `commit_rate` × `commit_window` tokens are here, and one that has not brought them within that time after its first is left for another deployment. Only the first call of a request has to, and only where another could answer. 0 lets an answer begin with its first token.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			if v := l.number(n, path); v != nil && *v >= 0 && *v <= 1e4 {
				s.CommitRate = *v
			} else if v != nil {
				l.wrong(n, path, "tokens per second from 0 to 10000")
			}
		},
	},
	{
		"commit_window", "1", "Seconds after its first token in which a stream has to prove `commit_rate`.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.CommitWindow, n, path) },
	},
	{
		"total_timeout", "600", "Seconds for a whole call, unless `timeout` or `request_timeout` says otherwise.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.TotalTimeout, n, path) },
	},
	{
		"idle_timeout", "300", "Seconds for which a provider may send nothing at all within an answer.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.IdleTimeout, n, path) },
	},
	{
		"ping_interval", "5", "Seconds of silence in a stream of events after which the client gets a keepalive in the form of its API, so that no proxy cuts it; 0 sends none.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			l.overSecondsOrNone(&s.PingInterval, n, path)
		},
	},
	{
		"first_ping_after", "30", "Seconds until the first keepalive of a stream whose answer has not begun. It decides the status: what fails after it is an error within the stream. 0 sends none before the answer.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			l.overSecondsOrNone(&s.FirstPingAfter, n, path)
		},
	},
	{
		"drain_timeout", "30", "Seconds that open requests may take after SIGTERM.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.DrainTimeout, n, path) },
	},
	{
		"max_body_mb", "100", "Largest request body in MiB.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSize(&s.MaxBodyBytes, n, path) },
	},
	{
		"max_response_mb", "100", "Largest answer of a provider in MiB, when it is no stream.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSize(&s.MaxResponseBytes, n, path) },
	},
	{
		"max_event_mb", "16", "Largest event of a provider's stream in MiB.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSize(&s.MaxEventBytes, n, path) },
	},
	{
		"max_stream_mb", "1024", "Largest stream of a provider in MiB, and the largest answer that is passed on while it comes. What is longer is cut off with an error.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSize(&s.MaxStreamBytes, n, path) },
	},
	{
		"max_connections", "16384", "Connections of clients that may be open; more are answered with 503 (over TLS: closed). 0 means no limit but the system's, which is that of open files.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			if v := l.count(n, path); v != nil {
				s.MaxConnections = *v
			}
		},
	},
	{
		"max_concurrent", "0", "Requests in flight before new ones are answered with 503; 0 means no limit.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.MaxConcurrent = deref(l.count(n, path)) },
	},
	{
		"affinity", "true", "Prefer the deployment that answered a conversation before, as long as it is healthy and not crowded, since its prompt cache and its reasoning state are there. A conversation is known by `x-litellm-session-id`, `litellm_session_id`, `metadata.session_id` or `prompt_cache_key`, else by how it begins. It is held for `router_settings.deployment_affinity_ttl_seconds` (3600).",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			if v := l.boolean(n, path); v != nil {
				s.Affinity = *v
			}
		},
	},
	{
		"allow_mock_testing", "false", "Let clients feign that the model they ask for fails, to test fallbacks: `mock_testing_fallbacks`, `mock_testing_context_fallbacks`, `mock_testing_content_policy_fallbacks`, `mock_testing_rate_limit_error`. Otherwise these are 400, as in LiteLLM.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.AllowMockTesting = l.flag(n, path) },
	},
	{
		"continue_mid_stream", "false", "When a stream breaks off after text, and nothing but text, has reached the client, ask the next deployment to go on from there: by prefilling its answer where the model takes that, else in words. The client sees a comment, the log and `fairlead why` say so, and usage and cost are those of both. `router_settings.enable_mid_stream_fallback_continuation` means the same. Streams are then read and written anew, also where they could pass.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.ContinueMidStream = l.flag(n, path) },
	},
	{
		"hedge_after", "(never)", "Seconds after which a second deployment of the group is asked beside one that has said nothing; the first to speak answers, the other is cancelled. `p95` is the time within which the deployment has begun to answer in 19 of its last 20 calls. A map sets it by group: `{smart: 4, fast: p95, \"*\": 10}`. It holds for conversations, embeddings, moderations and reranking. The cancelled call costs what its vendor says; where it says nothing, what was asked is estimated.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.HedgeAfter = l.hedges(n, path) },
	},
	{
		"max_queue", "100", "Requests of a group that may wait for a place when all that could answer have their `max_parallel_requests` in flight; the lowest `priority` goes first. 0 answers 429 at once.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overCount(&s.MaxQueue, n, path) },
	},
	{
		"max_queue_wait", "10", "Seconds that a request may wait there before it is answered with 429 or falls back.",
		func(l *loader, s *FairleadSettings, n *node, path string) {
			l.overSecondsOrNone(&s.MaxQueueWait, n, path)
		},
	},
	{
		"media_allowed_hosts", "[]", "Hosts (`host` or `host:port`) from which images and files may be fetched although they are private addresses; `litellm_settings.user_url_allowed_hosts` means the same.",
		func(l *loader, s *FairleadSettings, n *node, path string) { s.MediaAllowedHosts = l.texts(n, path) },
	},
	{
		"media_max_mb", "20", "Largest image or file that is fetched for a client, in MiB.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSize(&s.MediaMaxBytes, n, path) },
	},
	{
		"media_timeout", "10", "Seconds for one such fetch.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.MediaTimeout, n, path) },
	},
	{
		"media_max_count", "32", "Fetches that one request may cause.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overCount(&s.MediaMaxCount, n, path) },
	},
	{
		"redis_timeout", "0.25", "Seconds that a request waits for an answer of the Redis server; without one the node counts alone.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.RedisTimeout, n, path) },
	},
	{
		"reasoning_max_mb", "64", "Memory of the reasoning-state keeper in MiB.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSize(&s.ReasoningMaxBytes, n, path) },
	},
	{
		"reasoning_ttl", "86400", "Seconds for which reasoning state is remembered.",
		func(l *loader, s *FairleadSettings, n *node, path string) { l.overSeconds(&s.ReasoningTTL, n, path) },
	},
}

// hedges reads hedge_after: one value for every group, or a map of groups to values.
func (l *loader) hedges(n *node, path string) map[string]Hedge {
	if !l.given(n, path) {
		return nil
	}
	out := map[string]Hedge{}
	if n.kind != mapKind {
		l.hedge(out, "*", n, path)
		return out
	}
	for _, f := range n.fields {
		l.hedge(out, f.key, f.val, child(path, f.key))
	}
	return out
}

func (l *loader) hedge(out map[string]Hedge, group string, n *node, path string) {
	if strings.EqualFold(strings.Trim(n.show(), `"'`), "p95") {
		out[group] = Hedge{P95: true}
		return
	}
	if d := l.seconds(n, path); d != nil && *d > 0 {
		out[group] = Hedge{After: *d}
	}
}

// overSeconds replaces a default by a given time above zero.
func (l *loader) overSeconds(d *time.Duration, n *node, path string) {
	if v := l.seconds(n, path); v != nil && *v > 0 {
		*d = *v
	}
}

// overSecondsOrNone is overSeconds where 0 means never.
func (l *loader) overSecondsOrNone(d *time.Duration, n *node, path string) {
	if v := l.seconds(n, path); v != nil && *v >= 0 {
		*d = *v
	}
}

func (l *loader) overSize(size *int64, n *node, path string) {
	if v := l.mebibytes(n, path); v > 0 {
		*size = v
	}
}

func (l *loader) overCount(count *int, n *node, path string) {
	if v := l.count(n, path); v != nil {
		*count = *v
	}
}
