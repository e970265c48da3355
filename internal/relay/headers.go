package relay

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/catalog"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/wire"
)

// answer is what the gateway decides about the answer's form.
func (x *exchange) answer() wire.Answer {
	cd := x.dep.Config
	a := wire.Answer{
		Model: x.shownModel(), CallID: x.rq.ID, Created: x.rq.Start.Unix(), Provider: x.target.Provider,
		SignatureInID: orBool(cd.ThoughtSignatureInToolCallID, true),
		JSONArray:     x.rq.JSONArray, OnDone: x.rq.OnDone,
		MergeReasoning: cd.MergeReasoningContentInChoices || x.rq.Models.Config.Defaults.MergeReasoningContentInChoices,
	}
	if s := x.controls.SignatureInID; s != nil {
		a.SignatureInID = *s
	}
	if m := x.controls.MergeReasoning; m != nil {
		a.MergeReasoning = *m
	}
	if x.rq.Models.Config.Defaults.IncludeCostInStreamingUsage {
		a.StreamCost = x.streamCost
	}
	return a
}

// shownModel is the name that the client asked for; after a fallback, and on the
// routes that say so, the upstream's own.
func (x *exchange) shownModel() string {
	if x.rq.UpstreamName || x.step.Fallback > 0 {
		return x.target.Model
	}
	return x.rq.LLM.Model
}

// upstreamName is the model with its provider in front, as it was asked.
func (x *exchange) upstreamName() string {
	if x.dep != nil && x.target.Model == x.dep.Config.Model && x.dep.fullName != "" {
		return x.dep.fullName
	}
	return x.target.Provider + "/" + x.target.Model
}

func (x *exchange) streamCost(u *llm.Usage) rawjson.Value {
	cost, ok := x.target.Info.Cost(catalogUsage(u), x.relay.Now())
	if !ok {
		return nil
	}
	return rawjson.Value(cost.Total.String())
}

// answerHeaders tells where an answer came from, in the headers that LiteLLM's
// clients know. The values share one backing array: they are written with every
// answer.
func (x *exchange) answerHeaders(h http.Header, now time.Time) {
	total := now.Sub(x.rq.Start)
	v := [...]string{
		x.step.Deployment.ID, printable(x.step.Group), printable(x.upstreamName()),
		milliseconds(total), milliseconds(total - now.Sub(x.sent)),
	}
	h["X-Litellm-Response-Duration-Ms"] = v[3:4:4]
	h["X-Litellm-Overhead-Duration-Ms"] = v[4:5:5]
	x.attemptHeaders(h, v[0:3])
	x.whyHeader(h)
	x.relay.copyUpstreamHeaders(h, x.header)
}

// attemptHeaders tells what is called: what is known before an answer comes. The
// values are the deployment's id, its group and the model's name.
func (x *exchange) attemptHeaders(h http.Header, v []string) {
	h["X-Litellm-Model-Id"] = v[0:1:1]
	h["X-Litellm-Model-Group"] = v[1:2:2]
	h["X-Litellm-Model-Name"] = v[2:3:3]
	h["X-Litellm-Attempted-Retries"] = number(x.step.Retry)
	h["X-Litellm-Attempted-Fallbacks"] = number(x.step.Fallback)
	if x.step.Retry > 0 {
		h["X-Litellm-Max-Retries"] = number(x.step.MaxRetries)
	}
	h["X-Litellm-Key-Spend"] = headerZero
	if x.rq.Models.Config.Fairlead.ExposeAPIBase {
		h["X-Litellm-Model-Api-Base"] = []string{x.dep.Base.String()}
	}
	if len(x.call.Dropped) > 0 {
		h["X-Fairlead-Dropped"] = []string{droppedHeader(x.call.Dropped)}
	}
}

var (
	headerZero    = []string{"0.0"}
	headerNumbers = [...][]string{{"0"}, {"1"}, {"2"}, {"3"}}
)

func number(n int) []string {
	if n >= 0 && n < len(headerNumbers) {
		return headerNumbers[n]
	}
	return []string{strconv.Itoa(n)}
}

// milliseconds writes a duration with three digits behind the point at most.
func milliseconds(d time.Duration) string {
	us := max(d, 0).Microseconds()
	b := strconv.AppendInt(make([]byte, 0, 24), us/1000, 10)
	if us %= 1000; us > 0 {
		b = append(b, '.', byte('0'+us/100), byte('0'+us/10%10), byte('0'+us%10))
		b = bytes.TrimRight(b, "0")
	}
	return string(b)
}

// costHeaders gives the price of a whole answer; of an unknown price it says
// nothing, since 0 would be a lie.
func (x *exchange) costHeaders(h http.Header) {
	x.price()
	if !x.priced {
		return
	}
	h["X-Litellm-Response-Cost"] = []string{x.cost.Total.String()}
	h["X-Litellm-Response-Cost-Input"] = []string{(x.cost.Input + x.cost.CacheRead + x.cost.CacheWrite).String()}
	h["X-Litellm-Response-Cost-Output"] = []string{x.cost.Output.String()}
}

func (x *exchange) price() {
	if x.usage == nil || x.target == nil {
		return
	}
	at := x.firstToken
	if at.IsZero() {
		at = x.relay.Now()
	}
	x.cost, x.priced = x.target.Info.Cost(catalogUsage(x.usage), at)
}

func catalogUsage(u *llm.Usage) catalog.Usage {
	return catalog.Usage{
		Input: u.Input, Output: u.Output, CacheRead: u.CacheRead, CacheWrite: u.CacheWrite(), CacheWrite1h: u.CacheWrite1h,
		Reasoning: u.Reasoning, AudioIn: u.AudioIn, AudioOut: u.AudioOut, ImageIn: u.ImageIn, ImageOut: u.ImageOut,
		WebSearches: u.WebSearches, ServiceTier: u.ServiceTier,
	}
}

// errorHeaders tells what is known about a failure.
func (x *exchange) errorHeaders(e *llm.Error) {
	h := x.w.Header()
	if x.step.Deployment != nil {
		h["X-Litellm-Model-Id"] = []string{x.step.Deployment.ID}
		h["X-Litellm-Model-Group"] = []string{printable(x.step.Group)}
		h["X-Litellm-Attempted-Retries"] = number(x.step.Retry)
		h["X-Litellm-Attempted-Fallbacks"] = number(x.step.Fallback)
	}
	x.whyHeader(h)
	h["X-Litellm-Response-Cost"] = []string{"0"}
	h["X-Litellm-Key-Spend"] = headerZero
	x.relay.copyUpstreamHeaders(h, e.Header)
}

// upstreamAllowed are the upstream's headers that clients may see, as
// llm_provider-NAME: what an operator needs to trace a call and to pace it, and
// nothing that names the account.
var upstreamAllowed = map[string]bool{
	"X-Request-Id": true, "Request-Id": true, "Cf-Ray": true, "Retry-After": true, "Retry-After-Ms": true,
	"Openai-Processing-Ms": true, "Openai-Version": true, "X-Should-Retry": true, "Server-Timing": true,
	"X-Gemini-Service-Tier": true, "X-Ds-Trace-Id": true, "X-Inference-Time": true,
}

func (r *Relay) copyUpstreamHeaders(h, from http.Header) {
	for name, values := range from {
		limit := strings.HasPrefix(name, "X-Ratelimit-")
		if !limit && !upstreamAllowed[name] && !strings.HasPrefix(name, "Anthropic-Ratelimit-") {
			continue
		}
		values = r.redactValues(values)
		h["Llm_provider-"+name] = values
		if limit {
			h[name] = values
		}
	}
	if id := h["Llm_provider-Request-Id"]; id != nil {
		h["Request-Id"] = id
	}
}

// minSecret is the length below which nothing is taken for a secret; most headers that
// are passed on are short numbers.
const minSecret = 8

// redactValues hides secrets that an upstream repeats in its headers.
func (r *Relay) redactValues(values []string) []string {
	for i, v := range values {
		if len(v) < minSecret {
			continue
		}
		if clean := r.Redact(v); clean != v {
			values = slices.Clone(values)
			values[i] = clean
		}
	}
	return values
}

// maxDroppedHeader bounds the header; the log has the rest.
const maxDroppedHeader = 1 << 10

func droppedHeader(drops []llm.Drop) string {
	var b strings.Builder
	for i, d := range drops {
		if b.Len() > maxDroppedHeader {
			b.WriteString("; and " + strconv.Itoa(len(drops)-i) + " more")
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(headerSafe(d.What))
		if d.Why != "" {
			b.WriteString(" (" + headerSafe(d.Why) + ")")
		}
	}
	return b.String()
}

// printable is s for a header: a name that a client chose may hold anything.
func printable(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return headerSafe(s)
		}
	}
	return s
}

// headerSafe keeps what a client named from breaking a header.
func headerSafe(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), 100)])
}
