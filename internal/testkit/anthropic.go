package testkit

import (
	"net/http"
	"regexp"
	"strings"
)

// anthropic is api.anthropic.com (wire-format specification §3).
type anthropic struct{}

func (anthropic) name() string { return "anthropic" }

func (anthropic) route(in *incoming) operation {
	switch {
	case in.Method == http.MethodPost && in.URL.Path == "/v1/messages":
		return opAnswer
	case in.Method == http.MethodPost && in.URL.Path == "/v1/messages/count_tokens":
		return opCount
	case in.Method == http.MethodGet && in.URL.Path == "/v1/models":
		return opModels
	}
	return opUnknown
}

func (anthropic) authorise(in *incoming) *refusal {
	if in.Header.Get("X-Api-Key") == in.fake.key && in.Header.Get("Authorization") == "" {
		return nil
	}
	return &refusal{status: http.StatusUnauthorized, message: "invalid x-api-key", kind: "authentication_error"}
}

func (anthropic) canned(status int) *refusal {
	kinds := map[int]string{
		400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
		404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error", 529: "overloaded_error",
	}
	texts := map[int]string{
		401: "invalid x-api-key", 429: "This request would exceed your organization's rate limit of 50 requests per minute.", 529: "Overloaded",
	}
	r := &refusal{status: status, kind: kinds[status], message: texts[status]}
	if r.kind == "" {
		r.kind = "api_error"
	}
	if r.message == "" {
		r.message = http.StatusText(status)
	}
	return r
}

func (anthropic) failure(r *refusal) string {
	return encode(object{"type": "error", "error": object{"type": r.kind, "message": r.message}, "request_id": "req_fake_0001"})
}

func (anthropic) failureFrame(r *refusal) frame {
	return frame{event: "error", data: anthropic{}.failure(r)}
}

func (anthropic) modelList(names []string) string {
	data := []any{}
	for _, n := range append(names, "claude-sonnet-4-5-20250929", "claude-opus-5-5") {
		data = append(data, object{"type": "model", "id": n, "display_name": n})
	}
	return encode(object{"data": data, "has_more": false})
}

func denied(message string) *refusal {
	return &refusal{status: http.StatusBadRequest, message: message, kind: "invalid_request_error"}
}

// extra refuses a field that the API does not have.
func extra(at string) func(string) *refusal {
	return func(name string) *refusal {
		if at != "" {
			name = at + "." + name
		}
		return denied(name + ": Extra inputs are not permitted")
	}
}

var (
	anthropicTop = words(`model messages max_tokens metadata stop_sequences stream system temperature thinking tool_choice tools top_k
		top_p container context_management mcp_servers service_tier output_config output_format cache_control inference_geo speed diagnostics`)
	anthropicModel = regexp.MustCompile(`^claude-`)
	// anthropicAdaptive matches the models that know adaptive thinking,
	// anthropicModern those that know nothing else.
	anthropicAdaptive = regexp.MustCompile(`^claude-(?:(?:opus|sonnet)-4-[6-9]|(?:opus|sonnet|haiku|fable|mythos)-5)`)
	anthropicModern   = regexp.MustCompile(`^claude-(?:opus-4-[7-9]|(?:opus|sonnet|haiku|fable|mythos)-5)`)
	// anthropicMidSystem matches the models that take a system message between others.
	anthropicMidSystem = regexp.MustCompile(`^claude-(?:opus-4-[89]|(?:opus|sonnet|haiku|fable|mythos)-5)`)
	// anthropicNoPrefill matches the models that refuse a last message of the assistant.
	anthropicNoPrefill = regexp.MustCompile(`^claude-(?:opus|sonnet)-5-5`)
)

// Limits of the API.
const (
	minBudget     = 1024
	maxCacheMarks = 4
)

func (anthropic) inspect(c *inspector, in *incoming) *Turn {
	doc := in.doc
	if in.Header.Get("Anthropic-Version") == "" {
		c.refuse(denied("anthropic-version: header is required"))
	}
	c.only(doc, anthropicTop, extra(""))
	model := str(doc["model"])
	if !anthropicModel.MatchString(model) && !in.fake.knows(model) {
		c.refuse(&refusal{status: http.StatusNotFound, message: "model: " + model, kind: "not_found_error"})
	}
	anthropicLimit(c, in)
	t := &Turn{Model: model, Stream: yes(doc["stream"]), Choices: 1}
	anthropicSampling(c, model, doc)
	anthropicThinking(c, t, doc)
	anthropicFormat(c, t, in)
	anthropicTools(c, t, doc)
	anthropicSystem(c, t, doc["system"])
	anthropicMessages(c, t, doc)
	if strings.Count(string(in.body), `"cache_control":{`) > maxCacheMarks {
		c.refuse(denied("A maximum of 4 blocks with cache_control may be provided."))
	}
	return t
}

// anthropicLimit demands max_tokens of a request for an answer, and refuses it of
// one for a count.
func anthropicLimit(c *inspector, in *incoming) {
	if strings.HasSuffix(in.URL.Path, "/count_tokens") {
		for _, name := range []string{"max_tokens", "stream", "temperature", "top_p", "top_k", "stop_sequences", "metadata"} {
			if in.doc[name] != nil {
				c.refuse(extra("")(name))
			}
		}
		return
	}
	if n, ok := num(in.doc["max_tokens"]); !ok {
		c.refuse(denied("max_tokens: Field required"))
	} else if n < 0 || n != float64(int64(n)) {
		c.refuse(denied("max_tokens: Input should be greater than or equal to 0"))
	}
}

func (anthropic) count(_ *incoming, n int) string { return encode(object{"input_tokens": n}) }

func anthropicSampling(c *inspector, model string, doc object) {
	temperature, given := num(doc["temperature"])
	switch {
	case given && (temperature < 0 || temperature > 1):
		c.refuse(denied("temperature: range: 0..1"))
	case given && temperature != 1 && anthropicModern.MatchString(model):
		c.refuse(denied(sprintf("`temperature`: %s does not support temperature=%v. Only temperature=1 is supported.", model, temperature)))
	case given && doc["top_p"] != nil && strings.Contains(model, "-4-"):
		c.refuse(denied("`temperature` and `top_p` cannot both be specified for this model. Please use only one."))
	}
	for _, v := range list(doc["stop_sequences"]) {
		if strings.TrimSpace(str(v)) == "" {
			c.refuse(denied("stop_sequences: each stop sequence must contain non-whitespace"))
		}
	}
}

func anthropicThinking(c *inspector, t *Turn, doc object) {
	th := obj(doc["thinking"])
	switch str(th["type"]) {
	case "":
	case "disabled":
		c.only(th, words("type"), extra("thinking.disabled"))
	case "between_tools":
		t.Thinking = true
	case "adaptive":
		t.Thinking = true
		c.only(th, words("type display"), extra("thinking.adaptive"))
		if !anthropicAdaptive.MatchString(t.Model) {
			c.refuse(denied("adaptive thinking is not supported on this model"))
		}
	case "enabled":
		t.Thinking = true
		anthropicManual(c, t.Model, th, doc)
	default:
		c.refuse(denied("thinking: Input tag '" + str(th["type"]) + "' found using 'type' does not match any of the expected tags"))
	}
	effort := str(obj(doc["output_config"])["effort"])
	if effort != "" && !words("low medium high xhigh max")[effort] {
		c.refuse(denied("output_config.effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'"))
	}
}

// anthropicManual applies the rules of thinking with a budget.
func anthropicManual(c *inspector, model string, th, doc object) {
	c.only(th, words("type budget_tokens display"), extra("thinking.enabled"))
	if anthropicModern.MatchString(model) {
		c.refuse(denied("\"thinking.type.enabled\" is not supported for this model. Use \"thinking.type.adaptive\" and \"output_config.effort\" to control thinking behavior."))
	}
	budget, ok := num(th["budget_tokens"])
	if !ok || budget < minBudget {
		c.refuse(denied("thinking.enabled.budget_tokens: Input should be greater than or equal to 1024"))
	}
	if limit, given := num(doc["max_tokens"]); given && budget >= limit {
		c.refuse(denied("`max_tokens` must be greater than `thinking.budget_tokens`. Please consult our documentation at https://docs.claude.com/en/docs/build-with-claude/extended-thinking#max-tokens-and-context-window-size"))
	}
	if n, given := num(doc["temperature"]); given && n != 1 {
		c.refuse(denied("`temperature` may only be set to 1 when thinking is enabled."))
	}
	if doc["top_k"] != nil {
		c.refuse(denied("`top_k` must be unset when thinking is enabled."))
	}
	if n, given := num(doc["top_p"]); given && n < 0.95 {
		c.refuse(denied("`top_p` must be greater than or equal to 0.95 or unset when thinking is enabled."))
	}
	if kind := str(obj(doc["tool_choice"])["type"]); kind == "any" || kind == "tool" {
		c.refuse(denied("Thinking may not be enabled when tool_choice forces tool use."))
	}
}

func anthropicFormat(c *inspector, t *Turn, in *incoming) {
	c.only(obj(in.doc["output_config"]), words("effort format task_budget"), extra("output_config"))
	format := obj(obj(in.doc["output_config"])["format"])
	if old := obj(in.doc["output_format"]); old != nil {
		format = old
		if !strings.Contains(in.Header.Get("Anthropic-Beta"), "structured-outputs") {
			c.refuse(denied("output_format: Extra inputs are not permitted"))
		}
	}
	if format == nil {
		return
	}
	c.only(format, words("type schema"), extra("output_config.format"))
	if str(format["type"]) != "json_schema" {
		c.refuse(denied("output_config.format.type: Input should be 'json_schema'"))
	}
	t.Schema = obj(format["schema"])
	strictKeywords(c, t.Schema, "output_config.format.schema")
}

// refusedKeywords are those that structured outputs do not support (§3.7).
var refusedKeywords = words(`maxItems uniqueItems contains minContains maxContains prefixItems minimum maximum exclusiveMinimum
	exclusiveMaximum multipleOf minLength maxLength minProperties maxProperties patternProperties propertyNames dependentRequired
	dependentSchemas unevaluatedProperties if then else not oneOf`)

func strictKeywords(c *inspector, s object, at string) {
	for name := range s {
		if refusedKeywords[name] {
			c.refuse(denied(at + ": property '" + name + "' is not supported"))
		}
	}
	if n, ok := num(s["minItems"]); ok && n > 1 {
		c.refuse(denied(at + ": 'minItems' values other than 0 or 1 are not supported"))
	}
	if str(s["type"]) == "object" {
		if open, ok := s["additionalProperties"].(bool); !ok || open {
			c.refuse(denied(at + ": For 'object' type, 'additionalProperties' must be explicitly set to false"))
		}
	}
	for name, child := range jsonChildren(s) {
		strictKeywords(c, child, at+"."+name)
	}
}
