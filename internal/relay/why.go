package relay

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/upstream"
)

// Why is the record of what happened to one request and why: where it could have
// gone, where it went, what failed and how long everything took. It holds nothing of
// prompts, answers or keys. Durations are milliseconds; what did not happen is absent.
type Why struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	Model   string    `json:"model"`
	Format  string    `json:"format"`
	Stream  bool      `json:"stream"`
	Status  int       `json:"status"`
	Kind    string    `json:"error_kind,omitempty"`
	Message string    `json:"error,omitempty"`
	Finish  string    `json:"finish_reason,omitempty"`

	// Pinged says that a keepalive decided the status before there was an answer.
	Pinged    bool `json:"keepalive_before_answer,omitempty"`
	Retries   int  `json:"retries"`
	Fallbacks int  `json:"fallbacks"`
	// Continued is how often a deployment went on with a stream that had broken off.
	Continued int           `json:"continued_mid_stream,omitempty"`
	Repairs   []string      `json:"repairs,omitempty"`
	Restored  WhyRestored   `json:"restored"`
	Dropped   string        `json:"dropped,omitempty"`
	Decisions []WhyDecision `json:"decisions"`
	Attempts  []WhyAttempt  `json:"attempts"`

	// Input and Output are tokens; Cost is in USD, "" when it is not known.
	Input  int64  `json:"input_tokens,omitempty"`
	Output int64  `json:"output_tokens,omitempty"`
	Cost   string `json:"cost_usd,omitempty"`

	// FirstByte is when the upstream began to answer, FirstToken when it said
	// something, both since the request came.
	FirstByte  float64 `json:"first_byte_ms,omitempty"`
	FirstToken float64 `json:"first_token_ms,omitempty"`
	Total      float64 `json:"total_ms"`
}

// WhyRestored counts reasoning state that the client had lost.
type WhyRestored struct {
	Signatures int `json:"signatures"`
	Thinking   int `json:"thinking_blocks"`
}

// WhyDecision is one decision of the plan.
type WhyDecision struct {
	Group      string  `json:"group"`
	Deployment string  `json:"deployment,omitempty"`
	Upstream   string  `json:"upstream,omitempty"`
	What       string  `json:"what"`
	Wait       float64 `json:"wait_ms,omitempty"`
	Kind       string  `json:"error_kind,omitempty"`
	Status     int     `json:"status,omitempty"`
	// Over are those that could have answered as well.
	Over []WhyPassed `json:"over,omitempty"`
}

// WhyPassed is a deployment that was not chosen, and why.
type WhyPassed struct {
	Deployment string `json:"deployment"`
	Upstream   string `json:"upstream,omitempty"`
	Why        string `json:"why"`
}

// WhyAttempt is one call of a deployment.
type WhyAttempt struct {
	Deployment string `json:"deployment"`
	Group      string `json:"group"`
	Upstream   string `json:"upstream,omitempty"`
	// Key names the vendor's key: the variable or credential that holds it.
	Key string `json:"key,omitempty"`
	// Start is when it began since the request came, Took how long it lasted. The rest
	// counts from Start: when the request had been translated and was sent, when the
	// upstream began to answer (connecting included), and when it said something.
	Start      float64 `json:"start_ms"`
	Took       float64 `json:"took_ms"`
	Sent       float64 `json:"sent_ms,omitempty"`
	FirstByte  float64 `json:"first_byte_ms,omitempty"`
	FirstToken float64 `json:"first_token_ms,omitempty"`
	// Connection says whether the call went over a connection of an earlier call
	// ("kept"), opened one ("new"), or waited for the one that another call was opening
	// ("awaited"); "" is not known, as through a proxy. Connect is how long a new one took
	// after Sent, the resolution of the name included, or how long was waited; TLS is the
	// handshake after it.
	Connection string  `json:"connection,omitempty"`
	Connect    float64 `json:"connect_ms,omitempty"`
	TLS        float64 `json:"tls_ms,omitempty"`
	// Status is the upstream's, else the one that the failure means; 200 when it
	// answered.
	Status  int    `json:"status"`
	Kind    string `json:"error_kind,omitempty"`
	Message string `json:"error,omitempty"`
	// Lost says that it was cancelled because another call spoke first; Cost is what that
	// one cost in USD, absent without a price, and Estimated that its vendor did not say
	// and it is the cost of what it was asked.
	Lost      bool   `json:"lost,omitempty"`
	Cost      string `json:"cost_usd,omitempty"`
	Estimated bool   `json:"cost_estimated,omitempty"`
}

// The bounds of what is remembered: the last requests, and of each a few kilobytes at
// most.
const (
	maxRemembered   = 2048
	maxWhyDecisions = 16
	maxWhyAttempts  = 8
	maxWhyText      = 160
)

// trail is what is noted of a request. It is compact, since that happens with every
// one: a Why is made of it when somebody asks.
type trail struct {
	id, model, format, message string
	start                      time.Time
	total, firstByte, first    time.Duration
	status                     int
	kind                       llm.ErrorKind
	failed, stream, pinged     bool
	finish                     llm.Finish
	retries, fallbacks         int
	continued                  int
	restored                   WhyRestored
	repairs                    []string
	dropped, cost              string
	in, out                    int64
	decisions                  []route.Decision
	passed                     []route.Passed
	attempts                   []outcome
}

// outcome is an attempt that has ended.
type outcome struct {
	deployment, group, provider, model, key, message string
	start, took                                      time.Duration
	sent, firstByte, first                           time.Duration // since start, 0 for never
	opening                                          upstream.Opening
	status                                           int
	kind                                             llm.ErrorKind
	failed                                           bool
	// lost says that another call was quicker; cost is what it cost all the same, in USD,
	// "" without a price, estimated when its vendor did not say.
	lost, estimated bool
	cost            string
}

// trails remembers the last requests.
type trails struct {
	mu   sync.Mutex
	ring []trail
	next int
}

func (t *trails) add(tr *trail) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ring) < maxRemembered {
		t.ring = append(t.ring, *tr)
		return
	}
	t.ring[t.next] = *tr
	t.next = (t.next + 1) % maxRemembered
}

// find returns the last request with an id.
func (t *trails) find(id string) (trail, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.ring {
		at := (t.next - 1 - i + 2*len(t.ring)) % len(t.ring)
		if t.ring[at].id == id {
			return t.ring[at], true
		}
	}
	return trail{}, false
}

// Archive keeps records of requests beyond the memory and the life of the process.
type Archive interface {
	// Save takes the record of a request; encode makes its bytes, later and on another
	// goroutine. It never waits, and what goes wrong is the archive's to tell.
	Save(id string, encode func() []byte)
	// Load returns the last record with an id.
	Load(id string) ([]byte, bool)
}

// Why tells what happened to a request, by the id of its x-litellm-call-id header.
// false means that it is not, or no longer, remembered.
func (r *Relay) Why(id string) (Why, bool) {
	if t, ok := r.trails.find(id); ok {
		return t.why(), true
	}
	if r.Archive == nil {
		return Why{}, false
	}
	record, ok := r.Archive.Load(id)
	if !ok {
		return Why{}, false
	}
	var w Why
	if err := json.Unmarshal(record, &w); err != nil {
		r.Log.Warn("the record of a request on disk is damaged; it is passed over", "id", id, "error", err)
		return Why{}, false
	}
	return w, true
}

// encode is the record as the archive keeps it: what is shown, and nothing else.
func (t *trail) encode() []byte {
	record, err := json.Marshal(t.why())
	if err != nil {
		return nil // it has texts and numbers only
	}
	return record
}

// noteCall keeps an attempt that has ended, with e when it failed.
func (x *exchange) noteCall(e *llm.Error, now time.Time) {
	if len(x.calls) >= maxWhyAttempts {
		return
	}
	c := outcome{
		deployment: x.step.Deployment.ID, group: clip(x.step.Group), start: x.tried.Sub(x.rq.Start), took: now.Sub(x.tried), status: x.status,
	}
	c.sent, c.firstByte, c.first = x.sinceTried(x.sent), x.sinceTried(x.headed), x.sinceTried(x.firstToken)
	c.opening = x.link
	if x.target != nil {
		c.provider, c.model, c.key = x.target.Provider, clip(x.target.Model), x.dep.keyAlias
	}
	if e != nil {
		c.failed, c.kind, c.status, c.message = true, e.Kind, e.Status, shortly(x.relay.Redact(e.Message))
		if e.UpstreamStatus != 0 {
			c.status = e.UpstreamStatus
		}
	}
	x.calls = append(x.calls, c)
}

// sinceTried is when something was since the attempt began, 0 when it was not in it.
func (x *exchange) sinceTried(at time.Time) time.Duration { return max(0, at.Sub(x.tried)) }

// remember keeps what happened to the request.
func (x *exchange) remember(status int, e *llm.Error, now time.Time) {
	t := trail{
		id: x.rq.ID, model: clip(x.rq.LLM.Model), start: x.rq.Start, total: now.Sub(x.rq.Start),
		status: status, stream: x.rq.LLM.Stream, pinged: x.alive.opened, finish: x.finish,
		retries: x.retries, fallbacks: x.step.Fallback, attempts: x.calls,
		restored: WhyRestored{x.restored.Signatures, x.restored.Blocks},
	}
	if x.rq.Dialect != nil {
		t.format = x.rq.Dialect.Name()
	}
	if e != nil {
		t.failed, t.kind, t.message = true, e.Kind, shortly(x.relay.Redact(e.Message))
	}
	if x.plan != nil {
		d := x.plan.Decisions()
		t.decisions = append(t.decisions, d[:min(len(d), maxWhyDecisions)]...)
		t.passed = x.plan.PassedOver()
	}
	if x.cont != nil {
		t.continued = x.cont.times
	}
	x.rememberAnswer(&t)
	x.relay.trails.add(&t)
	if x.relay.Archive != nil {
		kept := t
		x.relay.Archive.Save(t.id, kept.encode)
	}
}

// rememberAnswer adds what the answer was and cost.
func (x *exchange) rememberAnswer(t *trail) {
	if !x.headed.IsZero() {
		t.firstByte = x.headed.Sub(x.rq.Start)
	}
	if !x.firstToken.IsZero() {
		t.first = x.firstToken.Sub(x.rq.Start)
	}
	for _, r := range x.repairs {
		t.repairs = append(t.repairs, string(r))
	}
	if x.call != nil && len(x.call.Dropped) > 0 {
		t.dropped = droppedHeader(x.call.Dropped)
	}
	if u := x.usage; u != nil {
		t.in, t.out = u.Input, u.Output
	}
	if x.priced {
		t.cost = x.cost.Total.String()
	}
}

// shortly cuts a text of an upstream for the record.
func shortly(s string) string {
	if len(s) <= maxWhyText {
		return s
	}
	return s[:maxWhyText] + "…"
}

func (t *trail) why() Why {
	w := Why{
		ID: t.id, Time: t.start.UTC(), Model: t.model, Format: t.format, Stream: t.stream, Status: t.status, Message: t.message,
		Finish: string(t.finish), Pinged: t.pinged, Retries: t.retries, Fallbacks: t.fallbacks, Repairs: t.repairs, Continued: t.continued, Restored: t.restored,
		Dropped: t.dropped, Input: t.in, Output: t.out, Cost: t.cost,
		FirstByte: inMilliseconds(t.firstByte), FirstToken: inMilliseconds(t.first), Total: inMilliseconds(t.total),
		Decisions: make([]WhyDecision, len(t.decisions)), Attempts: make([]WhyAttempt, len(t.attempts)),
	}
	if t.failed {
		w.Kind = t.kind.String()
	}
	for i, d := range t.decisions {
		w.Decisions[i] = whyDecision(d)
	}
	for _, p := range t.passed {
		if p.For < len(w.Decisions) {
			d := &w.Decisions[p.For]
			d.Over = append(d.Over, WhyPassed{Deployment: p.Deployment, Upstream: p.Name, Why: p.Why})
		}
	}
	for i := range t.attempts {
		w.Attempts[i] = t.attempts[i].why()
	}
	return w
}

func whyDecision(d route.Decision) WhyDecision {
	w := WhyDecision{Group: clip(d.Group), Deployment: d.Deployment, Upstream: d.Name, What: d.What, Wait: inMilliseconds(d.Wait)}
	if d.What == route.DecisionFailed {
		w.Kind, w.Status = d.Kind.String(), int(d.Status)
	}
	return w
}

func (c *outcome) why() WhyAttempt {
	a := WhyAttempt{
		Deployment: c.deployment, Group: c.group, Start: inMilliseconds(c.start), Took: inMilliseconds(c.took), Status: c.status, Message: c.message,
		Sent: inMilliseconds(c.sent), FirstByte: inMilliseconds(c.firstByte), FirstToken: inMilliseconds(c.first),
		Connection: string(c.opening.How), Connect: inMilliseconds(c.opening.Connect), TLS: inMilliseconds(c.opening.TLS),
		Key: c.key, Lost: c.lost, Cost: c.cost, Estimated: c.estimated && c.cost != "",
	}
	if c.provider != "" {
		a.Upstream = c.provider + "/" + c.model
	}
	if c.failed {
		a.Kind = c.kind.String()
	}
	return a
}

func inMilliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// maxWhyHeader bounds the header.
const maxWhyHeader = 2 << 10

// whyHeader tells who may see everything, and asks with x-fairlead-why, what was decided
// until the answer began: in one line, the rest being told by the id.
func (x *exchange) whyHeader(h http.Header) {
	if len(x.rq.Header["X-Fairlead-Why"]) == 0 || !x.rq.Principal.Admin || x.plan == nil {
		return
	}
	var b strings.Builder
	for i, d := range x.plan.Decisions() {
		if b.Len() > maxWhyHeader {
			b.WriteString("; ...")
			break
		}
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(printable(cmp.Or(d.Deployment, d.Group)) + " " + d.What)
		if d.What == route.DecisionFailed {
			b.WriteString(" with " + strconv.Itoa(int(d.Status)) + " " + d.Kind.String())
		}
		for _, p := range x.plan.PassedOver() {
			if p.For == i {
				b.WriteString(", not " + printable(p.Deployment) + " (" + p.Why + ")")
			}
		}
	}
	h["X-Fairlead-Why"] = []string{b.String()}
}
