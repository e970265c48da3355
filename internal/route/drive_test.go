package route

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

var start = time.Date(2026, 5, 4, 10, 0, 0, 0, time.UTC)

func number(n int) *int { return &n }

func span(d time.Duration) *time.Duration { return &d }

// fault is an upstream's failure of a class and status.
func fault(kind llm.ErrorKind, status int) *llm.Error {
	return &llm.Error{Kind: kind, Status: status, Message: kind.String(), Upstream: true, UpstreamStatus: status}
}

var (
	broken  = fault(llm.KindInternal, 500)
	limited = fault(llm.KindRateLimit, 429)
	badKey  = fault(llm.KindAuthentication, 401)
	refusal = fault(llm.KindBadRequest, 400)
	tooLong = fault(llm.KindContextWindow, 400)
	unfit   = fault(llm.KindContentPolicy, 400)
)

// group makes deployments of one name with the given ids.
func groupOf(name string, ids ...string) []Deployment {
	out := make([]Deployment, len(ids))
	for i, id := range ids {
		out[i] = Deployment{ID: id, Group: name, Upstream: name + "-upstream"}
	}
	return out
}

// to are fallbacks by their names.
func to(names ...string) []Fallback {
	var out []Fallback
	for _, name := range names {
		out = append(out, Fallback{Model: name})
	}
	return out
}

func join(lists ...[]Deployment) []Deployment {
	var out []Deployment
	for _, l := range lists {
		out = append(out, l...)
	}
	return out
}

// call is one attempt as a test sees it.
type call struct {
	ID       string
	Wait     time.Duration
	Fallback int
}

// drive runs a request whose deployments fail as failures say (by id; none
// succeeds), and returns the calls and the client's error.
func drive(t *testing.T, table *Table, model string, o Overrides, now time.Time, failures map[string]*llm.Error) ([]call, *llm.Error) {
	t.Helper()
	plan, e := table.Plan(model, o)
	if e != nil {
		return nil, e
	}
	var calls []call
	for {
		step, e := plan.Next(now)
		if e != nil {
			return calls, e
		}
		if len(calls) == 50 {
			t.Fatal("the plan does not end")
		}
		if !plan.Start(step, now) {
			continue
		}
		calls = append(calls, call{step.Deployment.ID, step.Wait, step.Fallback})
		failure := failures[step.Deployment.ID]
		if failure == nil {
			plan.Succeeded(step, now)
			return calls, nil
		}
		plan.Failed(step, failure, now)
	}
}

func ids(calls []call) []string {
	out := make([]string, len(calls))
	for i, c := range calls {
		out[i] = c.ID
	}
	return out
}

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Set(pairs[i], pairs[i+1])
	}
	return h
}

// begin starts one call and leaves it in flight.
func begin(t *testing.T, table *Table, model string, o Overrides, now time.Time) (*Plan, Step) {
	t.Helper()
	plan, e := table.Plan(model, o)
	if e != nil {
		t.Fatal(e)
	}
	step, e := plan.Next(now)
	if e != nil {
		t.Fatal(e)
	}
	if !plan.Start(step, now) {
		t.Fatal("the step does not start")
	}
	return plan, step
}

// refused returns the error of a request that nothing can answer.
func refused(t *testing.T, table *Table, model string, o Overrides, now time.Time) *llm.Error {
	t.Helper()
	calls, e := drive(t, table, model, o, now, nil)
	if e == nil {
		t.Fatalf("%v answered", ids(calls))
	}
	return e
}

// share is the share of n requests that id answers, each done before the next.
func share(t *testing.T, table *Table, o Overrides, id string, n int) float64 {
	t.Helper()
	hits := 0
	for range n {
		calls, e := drive(t, table, "lb", o, start, nil)
		if e != nil {
			t.Fatal(e)
		}
		if calls[0].ID == id {
			hits++
		}
	}
	return float64(hits) / float64(n)
}

func near(got, want float64) bool { return got > want-0.05 && got < want+0.05 }

// seeded is chance that is the same in every run.
func seeded() func() float64 { return rand.New(rand.NewPCG(1, 2)).Float64 }
