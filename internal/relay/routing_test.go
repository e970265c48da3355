package relay

import (
	"errors"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/route"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// answered is an exchange with the deployment that the plan takes next, whose answer
// began at noon, after d.
func answered(t *testing.T, table *route.Table, stream bool, d time.Duration) *exchange {
	t.Helper()
	plan, _ := table.Plan("m", route.Overrides{Stream: stream})
	step, refused := plan.Next(noon)
	if refused != nil {
		t.Fatal(refused)
	}
	return &exchange{
		relay: &Relay{Now: func() time.Time { return noon }}, rq: &Request{LLM: &llm.Request{Model: "m", Stream: stream}},
		plan: plan, step: step, sent: noon.Add(-d),
	}
}

func TestTheFirstTokenOfAStreamTellsTheLatency(t *testing.T) {
	table := route.New(route.Settings{Strategy: route.LatencyBased}, []route.Deployment{{ID: "a", Group: "m"}, {ID: "b", Group: "m"}})
	took := map[string]time.Duration{}
	for _, d := range []time.Duration{3 * time.Second, time.Second} {
		x := answered(t, table, true, d)
		took[x.step.Deployment.ID] = d
		x.observe(&llm.Event{Kind: llm.EventStart})
		ev := word("hello")
		x.observe(&ev)
	}
	if len(took) != 2 {
		t.Fatalf("tried %v, want both", took)
	}
	if x := answered(t, table, true, 0); took[x.step.Deployment.ID] != time.Second {
		t.Errorf("the next stream goes to the slower one")
	}
}

func TestFeedbackIsTheWholeTimeAndTheTokensOfAnAnswer(t *testing.T) {
	table := route.New(route.Settings{}, []route.Deployment{{ID: "a", Group: "m"}})
	for name, c := range map[string]struct {
		stream bool
		began  time.Duration // before noon; 0 not at all
		err    error
		want   time.Duration
	}{
		"whole: until it was there": {false, time.Second, nil, 3 * time.Second},
		"stream: until its end":     {true, time.Second, nil, 4 * time.Second},
		"failed":                    {true, time.Second, errors.New("broke off"), 0},
		"not an answer":             {false, 0, nil, 0},
	} {
		x := answered(t, table, c.stream, 4*time.Second)
		x.usage = &llm.Usage{Input: 10, Output: 5}
		if c.began > 0 {
			x.firstToken = noon.Add(-c.began)
		}
		if f := x.feedback(c.err); f.Total != c.want || f.Tokens != 15 || f.Output != 5 {
			t.Errorf("%s: %+v, want %v", name, f, c.want)
		}
	}
}
