package config

import (
	"slices"
	"strings"
)

const missingHooksRemedy = "To start without it, set `fairlead_settings.allow_missing_hooks: true`."

// builtinCallbacks are the logger names of LiteLLM.
var builtinCallbacks = strings.Fields(`lago openmeter logfire literalai litellm_agent dynamic_rate_limiter dynamic_rate_limiter_v3 langsmith prometheus otel datadog
	datadog_metrics datadog_llm_observability galileo braintrust arize arize_phoenix langtrace gcs_bucket azure_storage opik argilla mlflow langfuse langfuse_otel
	weave_otel pagerduty humanloop azure_sentinel gcs_pubsub agentops anthropic_cache_control_hook generic_api resend_email sendgrid_email smtp_email deepeval s3_v2
	clickhouse pointfive zerobus aws_sqs vector_store_pre_call_hook dotprompt bitbucket gitlab cloudzero focus mavvrik vantage ternary posthog levo
	compression_interception newrelic signoz s3 dynamodb sentry slack email webhook helicone lunary promptlayer traceloop wandb athina greenscale supabase
	slack_alerting custom_callback_api opentelemetry websearch_interception qualifire_eval rubrik`)

// enforcingCallbacks are callbacks that inspect or refuse requests: leaving
// one out would open what it guards.
var enforcingCallbacks = strings.Fields(`presidio hide_secrets llamaguard_moderations llmguard_moderations google_text_moderation openai_moderations
	lakera_prompt_injection aporia_prompt_injection detect_prompt_injection banned_keywords blocked_user_check lakera guardrails_ai aporio_prompt_injection azure_content_safety`)

// hooks names what the file wants to run and cannot here. Loggers are skipped;
// a guardrail or custom_auth refuses to start, unless the file allows it.
func (l *loader) hooks(cfg *Config, root *node) {
	settings := root.get("litellm_settings")
	l.named = root.get("callback_settings")
	for _, key := range []string{"callbacks", "success_callback", "failure_callback", "input_callback", "service_callback", "audit_log_callbacks", "post_call_rules", "pre_call_rules"} {
		l.callbacks(cfg, settings.get(key), child("litellm_settings", key))
	}
	l.guardrails(cfg, root.get("guardrails"), "guardrails")
	l.guardrails(cfg, settings.get("guardrails"), "litellm_settings.guardrails")
	l.guardrails(cfg, root.get("policies"), "policies")
	l.guardrails(cfg, root.get("policy_attachments"), "policy_attachments")
	l.deploymentGuardrails(cfg, root.get("model_list"))
	l.customAuth(cfg, root.get("general_settings"))
}

// cannotRun refuses to start, or only warns when the file allows it.
func (l *loader) cannotRun(cfg *Config, n *node, path, text string) {
	if cfg.Fairlead.AllowMissingHooks {
		l.report.warnf(n.pos, path, "allow_missing_hooks is set, so the gateway starts without it.", "%s", text)
		return
	}
	l.report.refuse(n.pos, path, missingHooksRemedy, text)
}

func (l *loader) callbacks(cfg *Config, n *node, path string) {
	for i, item := range n.elements() {
		at := path
		if n.kind == listKind {
			at = element(path, i)
		}
		switch {
		case item.isScalar():
			l.callback(cfg, item, at)
		case item.kind == mapKind && n.kind == listKind && len(item.fields) > 0:
			l.callbackMap(cfg, item, at)
		case !item.isNull():
			l.report.warnf(item.pos, at, "", "A callback must be a name; %s is ignored.", item.name())
		}
	}
}

// callbackMap reads the form {name: settings}, which some callbacks have.
func (l *loader) callbackMap(cfg *Config, n *node, path string) {
	for i := range n.fields {
		f := &n.fields[i]
		l.callback(cfg, &node{kind: stringKind, text: f.key, source: f.key, pos: f.pos}, child(path, f.key))
	}
}

func (l *loader) callback(cfg *Config, n *node, path string) {
	name := strings.TrimSpace(n.text)
	shown := n.show()
	switch {
	case name == "" || n.kind == boolKind:
		return
	case strings.Contains(path, "_call_rules"):
		l.cannotRun(cfg, n, path, "The rule "+shown+" is Python code that may refuse requests; it cannot run here.")
	case slices.Contains(enforcingCallbacks, name):
		l.cannotRun(cfg, n, path, "The callback "+shown+" guards requests like a guardrail; it cannot run here.")
	case slices.Contains(builtinCallbacks, name) || l.named.get(name) != nil:
		l.report.warnf(n.pos, path, "", "The logger %s is planned; it is skipped and nothing is sent to it.", shown)
	case strings.Contains(name, "."):
		l.report.warnf(n.pos, path, "If it guards requests, do not serve without it.", "The callback %s is Python code, which cannot run here; it is skipped.", shown)
	default:
		l.report.warnf(n.pos, path, didYouMean(name, builtinCallbacks), "%s is no callback that LiteLLM knows; it is skipped.", shown)
	}
}

// guardrails refuses for every entry of a list (or map) of guardrails.
func (l *loader) guardrails(cfg *Config, n *node, path string) {
	if n.isEmpty() {
		return
	}
	if n.kind == mapKind {
		for i := range n.fields {
			l.cannotRun(cfg, n.fields[i].val, child(path, n.fields[i].key), "The guardrail "+n.fields[i].key+" cannot run here, and requests must not pass without it.")
		}
		return
	}
	for i, item := range n.elements() {
		l.cannotRun(cfg, item, element(path, i), "The guardrail "+guardrailName(item)+" cannot run here, and requests must not pass without it.")
	}
}

// guardrailName names a guardrail by its name and kind.
func guardrailName(n *node) string {
	if n.isScalar() {
		return n.show()
	}
	name := n.get("guardrail_name").show()
	if name == "" && len(n.fields) > 0 {
		name = n.fields[0].key
	}
	if of := n.get("litellm_params").get("guardrail").show(); of != "" && of != name {
		return name + " (" + of + ")"
	}
	return name
}

// deploymentGuardrails refuses for guardrails that a deployment names.
func (l *loader) deploymentGuardrails(cfg *Config, list *node) {
	if list == nil || list.kind != listKind {
		return
	}
	for i, item := range list.items {
		l.guardrails(cfg, item.get("litellm_params").get("guardrails"), child(element("model_list", i), "litellm_params.guardrails"))
	}
}

func (l *loader) customAuth(cfg *Config, n *node) {
	if v := n.get("custom_auth"); v != nil && !v.isEmpty() {
		l.cannotRun(cfg, v, "general_settings.custom_auth", "custom_auth ("+v.show()+") is Python code that decides who may call; it cannot run here.")
	}
}
