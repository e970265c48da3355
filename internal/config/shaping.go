package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/provider"
)

// limits reads what orders and bounds a deployment inside its group. rpm and
// tpm may also stand beside litellm_params, where LiteLLM looks first.
func (l *loader) limits(d *Deployment, p params, item *node, path string) {
	beside := func(key string) (*node, string) {
		if v := item.get(key); !v.isNull() {
			return v, child(path, key)
		}
		return p.at(key)
	}
	d.RPM, d.TPM = l.amount(beside("rpm")), l.amount(beside("tpm"))
	if w := l.number(beside("weight")); w != nil && *w >= 0 {
		d.Weight = *w
	}
	d.Order = deref(l.count(p.at("order")))
	d.MaxParallel = deref(l.count(p.at("max_parallel_requests")))
	d.Timeout = l.limit(p.at("timeout"))
	if d.Timeout == 0 {
		d.Timeout = l.limit(p.at("request_timeout"))
	}
	d.StreamTimeout = l.limit(p.at("stream_timeout"))
	if d.Keepalive = l.seconds(p.at("keepalive_seconds")); d.Keepalive != nil {
		*d.Keepalive = KeepaliveWithin(*d.Keepalive)
	}
	d.ClientKeepalive = l.flag(p.at("allow_client_keepalive_override"))
	d.Region = l.text(p.at("region_name"))
	d.CooldownTime = l.seconds(p.at("cooldown_time"))
	d.MaxRetries = l.count(p.at("num_retries"))
	if d.MaxRetries == nil {
		d.MaxRetries = l.count(p.at("max_retries"))
	}
}

// shaping reads the switches that change how a request is translated.
func (l *loader) shaping(d *Deployment, p params) {
	d.DropParams, d.AdditionalDropParams = l.dropParams(p.at("drop_params"))
	d.AdditionalDropParams = append(d.AdditionalDropParams, l.texts(p.at("additional_drop_params"))...)
	d.AllowedOpenAIParams = l.texts(p.at("allowed_openai_params"))
	d.ModifyParams = l.boolean(p.at("modify_params"))
	d.ExtraHeaders = l.headers(p.at("headers"))
	for name, value := range l.headers(p.at("extra_headers")) {
		if d.ExtraHeaders == nil {
			d.ExtraHeaders = map[string]string{}
		}
		d.ExtraHeaders[name] = value
	}
	if n, path := p.at("extra_body"); l.given(n, path) {
		if n.kind == mapKind {
			d.ExtraBody = toJSON(n)
		} else {
			l.wrong(n, path, "a map")
		}
	}
	d.SSLVerify, d.CAFile = l.sslVerify(p.at("ssl_verify"))
	d.ThoughtSignatureInToolCallID = l.boolean(p.at("thought_signature_in_tool_call_id"))
	d.MergeReasoningContentInChoices = l.flag(p.at("merge_reasoning_content_in_choices"))
	d.MockResponse = l.text(p.at("mock_response"))
	d.Tags = l.texts(p.at("tags"))
	d.TagRegex = l.patterns(p.at("tag_regex"))
	limit, path := p.at("max_budget")
	period, _ := p.at("budget_duration")
	d.Budget, _ = l.budget(limit, period, path)
	d.ClientSideAuthParams = l.clientSide(p.at("configurable_clientside_auth_params"))
}

// clientSide reads configurable_clientside_auth_params; entries may be names
// or maps such as {api_base: pattern}.
func (l *loader) clientSide(n *node, path string) []string {
	if !l.given(n, path) {
		return nil
	}
	var out []string
	for i, item := range n.elements() {
		if item.kind == mapKind {
			l.report.warnf(item.pos, element(path, i), "Write the name alone to allow every value.", "A pattern for what a client may override is planned; this entry allows nothing.")
			continue
		}
		out = append(out, l.texts(item, element(path, i))...)
	}
	return out
}

// numericParams are call parameters that some files give as text.
var numericParams = []string{
	"temperature", "top_p", "top_k", "min_p", "n", "seed", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty",
	"repetition_penalty", "top_logprobs", "num_ctx", "thinking_budget",
}

// booleanParams are call parameters that some files give as text.
var booleanParams = []string{"logprobs", "parallel_tool_calls", "store", "enable_thinking"}

// callDefaults collects the keys that are sent with every call.
func (l *loader) callDefaults(d *Deployment, p params) {
	for _, layer := range p {
		for i := range layer.n.fields {
			f := &layer.n.fields[i]
			if !isCallParam(f.key) || layer.path != p[0].path && hasParam(d.Params, f.key) {
				continue
			}
			if value := l.paramJSON(f, child(layer.path, f.key)); value != nil {
				d.Params = append(d.Params, Param{Name: f.key, JSON: value})
			}
		}
	}
}

func hasParam(list []Param, name string) bool {
	return slices.ContainsFunc(list, func(p Param) bool { return p.Name == name })
}

// paramJSON encodes one call default; numbers and switches given as text
// become what they mean. A null is not sent.
func (l *loader) paramJSON(f *field, path string) json.RawMessage {
	n := f.val
	if n.unset {
		l.missing(Warning, n, path, "; `"+f.key+"` is not sent.")
	}
	switch {
	case n.isNull():
		return nil
	case slices.Contains(numericParams, f.key) && n.kind == stringKind:
		if v, ok := asNumber(n); ok {
			return appendFloat(nil, strconv.FormatFloat(v, 'g', -1, 64))
		}
		l.wrong(n, path, "a number")
		return nil
	case slices.Contains(booleanParams, f.key) && n.kind == stringKind:
		if v, ok := asBool(n); ok {
			return strconv.AppendBool(nil, v)
		}
	}
	return toJSON(n)
}

// info collects model_info and the prices of litellm_params; the price map of
// this deployment is overridden by them.
func (l *loader) info(d *Deployment, p params, n *node, path string) {
	d.Info = map[string]json.RawMessage{}
	for _, layer := range p {
		for i := range layer.n.fields {
			f := &layer.n.fields[i]
			if _, have := d.Info[f.key]; !have && isPriceKey(f.key) && !f.val.isNull() {
				d.Info[f.key] = l.priceJSON(f, child(layer.path, f.key))
			}
		}
	}
	if base, at := p.at("base_model"); l.given(base, at) {
		d.Info["base_model"] = toJSON(base)
	}
	within, _ := p.at("model_info")
	for _, m := range []*node{within, n} {
		if !m.isNull() && m.kind != mapKind {
			l.wrong(m, path, "a map")
		}
		l.infoFields(d, m, path)
	}
	l.checkMode(d, n, path)
}

func (l *loader) infoFields(d *Deployment, n *node, path string) {
	if n == nil {
		return
	}
	for i := range n.fields {
		f := &n.fields[i]
		if f.val.isNull() {
			continue
		}
		d.Info[f.key] = toJSON(f.val)
		if isPriceKey(f.key) {
			d.Info[f.key] = l.priceJSON(f, child(path, f.key))
		}
		if f.key == "id" && f.val.isScalar() {
			d.Info[f.key] = appendString(nil, f.val.asText())
		}
	}
}

// priceJSON encodes a price; one that is given as text ("1e-6" is text in
// YAML 1.1) becomes a number.
func (l *loader) priceJSON(f *field, path string) json.RawMessage {
	if !f.val.isScalar() {
		return toJSON(f.val)
	}
	if _, ok := asNumber(f.val); !ok {
		l.wrong(f.val, path, "a number")
		return json.RawMessage("null")
	}
	if text := strings.TrimSpace(f.val.text); json.Valid([]byte(text)) && f.val.kind != boolKind {
		return json.RawMessage(text)
	}
	v, _ := asNumber(f.val)
	return appendFloat(nil, strconv.FormatFloat(v, 'g', -1, 64))
}

// modes are the values of model_info.mode.
var modes = []string{
	"chat", "completion", "embedding", "image_generation", "image_edit", "audio_transcription", "audio_speech", "moderation", "rerank", "responses", "realtime",
	"video_generation", "search", "ocr", "vector_store", "batch",
}

// checkMode names a mode that LiteLLM does not know.
func (l *loader) checkMode(d *Deployment, n *node, path string) {
	mode := d.Mode()
	if mode == "" || slices.Contains(modes, mode) {
		return
	}
	hint := didYouMean(mode, modes)
	switch mode {
	case "tts", "speech":
		hint = "Did you mean audio_speech?"
	case "stt", "transcription", "whisper":
		hint = "Did you mean audio_transcription?"
	case "image", "images":
		hint = "Did you mean image_generation?"
	}
	l.report.warnf(n.get("mode").place(d.Pos), child(path, "mode"), hint, "%q is no mode; it is shown as it stands and changes nothing.", mode)
}

// place returns the node's position, or a fallback when there is no node.
func (n *node) place(fallback Position) Position {
	if n == nil {
		return fallback
	}
	return n.pos
}

// checkCatalog warns of a model past its deprecation date or without a price,
// once per model.
func (l *loader) checkCatalog(d *Deployment, row *provider.Row) {
	if row == nil || strings.Contains(d.Model, "*") || d.MockResponse != "" || row.Name == provider.Demo {
		return
	}
	name := d.Model
	if base := d.BaseModel(); base != "" {
		name = base
	}
	m, known := catalog.Lookup(d.Provider, name)
	if date, ok := m.Deprecated(); ok && date.Before(l.o.Now()) {
		l.once(Warning, d, fmt.Sprintf("The model %s of %s is past its end: it was to be switched off on %s.", name, d.Provider, date.Format(time.DateOnly)),
			"Choose a model that the provider still offers.")
	}
	if m.HasPrice() || d.hasPrice() {
		return
	}
	what := "has no price in the catalog"
	if !known {
		what = "is not in the catalog"
	}
	l.once(Warning, d, fmt.Sprintf("The model %s of %s %s, so the cost of its calls is unknown (it is not counted as 0).", name, d.Provider, what),
		"Give input_cost_per_token and output_cost_per_token in model_info.")
}

// once adds a finding about a deployment; further ones that say the same are
// listed by line.
func (l *loader) once(s Severity, d *Deployment, message, remedy string) {
	if i, ok := l.repeated[message]; ok {
		l.report.again(i, d.Pos)
		return
	}
	l.repeated[message] = len(l.report.Findings)
	l.report.add(Finding{Severity: s, Pos: d.Pos, Message: message, Remedy: remedy})
}
