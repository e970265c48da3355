package relay

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/auth"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
)

// Finding is what a look at a deployment in the background has found.
type Finding struct {
	Deployment, Group, Name string
	At                      time.Time
	Healthy                 bool
	// Took is how long the answer took, 0 when nobody had to be asked: it had answered a
	// request a short while ago.
	Took time.Duration
	// Status and Message are those of a failure.
	Status  int
	Message string
}

// History keeps findings beyond the memory and the life of the process.
type History interface {
	// KeepFinding takes the record of a finding. It never waits, and what goes wrong is
	// the history's to tell.
	KeepFinding(deployment, group string, healthy bool, at time.Time, record []byte)
	// Findings returns records, the newest first, and how many there are in all: of a
	// deployment or group by its name, "" for all, healthy or not, nil for both.
	Findings(name string, healthy *bool, limit, offset int) (records [][]byte, total int, err error)
	// LastFindings returns the last record of each deployment.
	LastFindings() ([][]byte, error)
}

// maxFindings bounds what is remembered of one deployment.
const maxFindings = 50

// checks looks at deployments in the background.
type checks struct {
	mu       sync.Mutex
	stop     context.CancelFunc
	done     chan struct{}
	last     time.Time // when a round began
	recall   sync.Once
	findings map[string][]Finding
}

// CheckDeployments begins to look at the deployments of a configuration, where it wants
// that, instead of those of the one before.
func (r *Relay) CheckDeployments(m *Models) {
	r.StopChecks()
	c := &r.checks
	if m.Config.General.HealthChecks.Background {
		c.recall.Do(r.recallFindings)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.forget(m)
	if !m.Config.General.HealthChecks.Background {
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop, c.done = stop, make(chan struct{})
	go r.check(ctx, m, c.done)
}

// StopChecks ends the looks in the background, and waits for their end.
func (r *Relay) StopChecks() {
	c := &r.checks
	c.mu.Lock()
	stop, done := c.stop, c.done
	c.stop = nil
	c.mu.Unlock()
	if stop != nil {
		stop()
		<-done
	}
}

// forget drops what was found of deployments that are no more; mu is held.
func (c *checks) forget(m *Models) {
	for id := range c.findings {
		if !slices.ContainsFunc(m.deployments, func(d *Deployment) bool { return d.Config.ID == id }) {
			delete(c.findings, id)
		}
	}
}

// check makes a round each interval.
func (r *Relay) check(ctx context.Context, m *Models, done chan<- struct{}) {
	defer close(done)
	interval := m.Config.General.HealthChecks.Interval
	for {
		r.checks.mu.Lock()
		wait := r.checks.last.Add(interval).Sub(r.Now())
		r.checks.mu.Unlock()
		if sleep(ctx, wait, nil) != nil {
			return
		}
		r.checks.mu.Lock()
		r.checks.last = r.Now()
		r.checks.mu.Unlock()
		r.round(ctx, m)
	}
}

// round looks at every deployment, a few at a time.
func (r *Relay) round(ctx context.Context, m *Models) {
	var wg sync.WaitGroup
	places := make(chan struct{}, m.Config.General.HealthChecks.Concurrency)
	for _, d := range m.deployments {
		if !m.checkable(d) {
			continue
		}
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-places }()
			r.look(ctx, m, d)
		})
	}
	wg.Wait()
}

// checkable reports whether a deployment can be called for the sake of it: with a
// conversation or an embedding, which cost next to nothing.
func (m *Models) checkable(d *Deployment) bool {
	check, groups := d.Config.HealthCheck(), m.Config.General.HealthChecks.Groups
	if check.Off || len(groups) > 0 && !slices.Contains(groups, d.Config.ModelName) || d.Config.Wildcard && check.Model == "" {
		return false
	}
	switch d.Info.Mode() {
	case "", "chat", "responses", "completion", "embedding":
		return true
	}
	return false
}

// look finds out whether a deployment is well. One that has answered within the interval
// is not asked.
func (r *Relay) look(ctx context.Context, m *Models, d *Deployment) {
	h, id := &m.Config.General.HealthChecks, d.Config.ID
	f := Finding{Deployment: id, Group: d.Config.ModelName, Name: d.FullName(), At: r.Now(), Healthy: true}
	if r.answered(m, id, f.At) {
		r.found(f)
		return
	}
	e, asked := r.ask(ctx, m, d)
	if !asked || ctx.Err() != nil {
		return // it is busy, or the gateway ends
	}
	now := r.Now()
	f.Took = now.Sub(f.At)
	if e != nil {
		f.Healthy, f.Status, f.Message = false, e.Status, shortly(r.Redact(e.Message))
		r.Log.Warn("a deployment does not answer", "deployment", id, "group", f.Group, "upstream", f.Name, "status", f.Status, "error", f.Message)
	}
	r.found(f)
	if h.Routing && (e == nil || !h.IgnoreTransient || !transient(e)) {
		m.Table.Probed(id, e == nil, h.Staleness, now)
	}
}

// answered reports whether a deployment has answered a request within the interval; an
// earlier look is none.
func (r *Relay) answered(m *Models, id string, now time.Time) bool {
	at := m.Table.LastSuccess(id)
	if now.Sub(at) >= m.Config.General.HealthChecks.Interval {
		return false
	}
	last, ok := r.Found(id)
	return !ok || last.Took == 0 || at.After(last.At.Add(last.Took))
}

// transient reports whether a failure says that a deployment is busy rather than ill.
func transient(e *llm.Error) bool { return e.Kind == llm.KindRateLimit || e.Kind == llm.KindTimeout }

// ask calls a deployment with a request of its own, and is false when it has no place
// for one.
func (r *Relay) ask(ctx context.Context, m *Models, d *Deployment) (failure *llm.Error, asked bool) {
	check := d.Config.HealthCheck()
	plan, step, ok := m.Table.Probe(d.Config.ID, r.Now())
	if !ok {
		return nil, false
	}
	defer plan.Close()
	if check.Model != "" {
		step.Model = check.Model
	}
	ctx, cancel := context.WithTimeout(ctx, check.Timeout)
	defer cancel()
	attempt, x, err := r.question(m, d, plan, check.Tokens)
	if err != nil {
		return llm.AsError(err), true
	}
	x.begin(step, r.Now())
	err = attempt(ctx)
	plan.Observed(step, route.Feedback{Cost: x.paid()}, r.Now())
	if err == nil {
		plan.Succeeded(step, r.Now())
		return nil, true
	}
	failure = llm.AsError(err)
	if ctx.Err() != nil {
		failure = &llm.Error{Kind: llm.KindTimeout, Status: http.StatusRequestTimeout, Message: "It did not answer within " + check.Timeout.String() + "."}
	}
	return failure, true
}

// question is the smallest request that a deployment answers.
func (r *Relay) question(m *Models, d *Deployment, plan *route.Plan, tokens int64) (func(context.Context) error, *exchange, error) {
	body := rawjson.Value(`{"model":"check","messages":[{"role":"user","content":"ping"}],"max_tokens":` + strconv.FormatInt(tokens, 10) + `}`)
	embeds := d.Info.Mode() == "embedding"
	if embeds {
		body = rawjson.Value(`{"model":"check","input":"ping"}`)
	}
	rq := &Request{
		ID: "health-check", Start: r.Now(), Header: http.Header{}, Principal: auth.Principal{Tenant: "health check"}, Models: m,
		Dialect: openaichat.Dialect{}, LLM: &llm.Request{Model: "check", Body: body},
	}
	x := &exchange{relay: r, rq: rq, w: &nowhere{}, plan: plan}
	if embeds {
		f := &forward{exchange: x, task: TaskEmbeddings}
		return f.attempt, x, nil
	}
	req, err := rq.Dialect.Decode(body)
	if err != nil {
		return nil, nil, err
	}
	req.LenientParams = true
	rq.LLM = req
	return x.attempt, x, nil
}

// paid is what a call cost in pico-dollars, as far as that is known.
func (x *exchange) paid() int64 {
	if x.price(); !x.priced {
		return 0
	}
	return int64(x.cost.Total)
}

// nowhere is a client that nobody is.
type nowhere struct{ header http.Header }

// Header implements http.ResponseWriter.
func (n *nowhere) Header() http.Header {
	if n.header == nil {
		n.header = http.Header{}
	}
	return n.header
}

// WriteHeader implements http.ResponseWriter.
func (n *nowhere) WriteHeader(int) {}

// Write implements http.ResponseWriter.
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }

func (c *checks) add(f Finding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.findings == nil {
		c.findings = map[string][]Finding{}
	}
	list := append(c.findings[f.Deployment], f)
	c.findings[f.Deployment] = list[max(0, len(list)-maxFindings):]
}

// found remembers a finding.
func (r *Relay) found(f Finding) {
	r.checks.add(f)
	if r.History == nil {
		return
	}
	if record, err := json.Marshal(f); err == nil { // it has texts, times and numbers only
		r.History.KeepFinding(f.Deployment, f.Group, f.Healthy, f.At, record)
	}
}

// recallFindings takes over what was found last before the start.
func (r *Relay) recallFindings() {
	if r.History == nil {
		return
	}
	records, err := r.History.LastFindings()
	if err != nil {
		r.Log.Warn("what was found of deployments before the start is not known", "error", err)
	}
	for _, f := range r.readFindings(records) {
		r.checks.add(f)
	}
}

// readFindings decodes records; a damaged one is passed over.
func (r *Relay) readFindings(records [][]byte) []Finding {
	out := make([]Finding, 0, len(records))
	for _, record := range records {
		var f Finding
		if err := json.Unmarshal(record, &f); err != nil {
			r.Log.Warn("the record of a finding on disk is damaged; it is passed over", "error", err)
			continue
		}
		out = append(out, f)
	}
	return out
}

// FindingsOf returns what looks in the background have found, the newest first, and how
// many there are in all: from the history, or the last 50 of each deployment from memory.
// Name is a deployment or a group, "" for all; healthy nil is both.
func (r *Relay) FindingsOf(name string, healthy *bool, limit, offset int) (list []Finding, total int) {
	if r.History != nil {
		records, total, err := r.History.Findings(name, healthy, limit, offset)
		if err == nil {
			return r.readFindings(records), total
		}
		r.Log.Warn("the history of checks is told from memory", "error", err)
	}
	list = slices.DeleteFunc(r.Findings(), func(f Finding) bool {
		return name != "" && name != f.Group && name != f.Deployment || healthy != nil && *healthy != f.Healthy
	})
	total = len(list)
	return list[min(offset, total):min(offset+limit, total)], total
}

// Findings returns what looks in the background have found and memory holds, the newest
// first.
func (r *Relay) Findings() []Finding {
	r.checks.mu.Lock()
	defer r.checks.mu.Unlock()
	var out []Finding
	for _, list := range r.checks.findings {
		out = append(out, list...)
	}
	slices.SortStableFunc(out, func(a, b Finding) int { return b.At.Compare(a.At) })
	return out
}

// Found returns the last finding of a deployment.
func (r *Relay) Found(id string) (Finding, bool) {
	r.checks.mu.Lock()
	defer r.checks.mu.Unlock()
	list := r.checks.findings[id]
	if len(list) == 0 {
		return Finding{}, false
	}
	return list[len(list)-1], true
}
