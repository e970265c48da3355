package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestSummaryTellsProbesFromRefusalsAndCountsState(t *testing.T) {
	got := summary([]testkit.Request{
		{Status: http.StatusOK, State: testkit.State{Real: 2, Placeholders: 1}},
		{Status: http.StatusBadRequest, Refused: "no such field"},
		{Status: http.StatusNotFound, Refused: "Invalid URL (POST /v1/responses)"},
		{Status: http.StatusNotFound},
		{Status: http.StatusNotFound, Refused: "The model does not exist"},
	})
	if got.Answered != 1 || got.Probes != 2 || got.Real != 2 || got.Placeholders != 1 {
		t.Errorf("got %+v", got)
	}
	if want := []string{"no such field", "The model does not exist"}; !slices.Equal(got.Refused, want) {
		t.Errorf("refused %q, want %q", got.Refused, want)
	}
}

func TestObedientFollowsTheSchemaOfThePrompt(t *testing.T) {
	turn := &testkit.Turn{JSON: true, User: "a city", System: `Follow this: {"type":"object","properties":{"name":{"type":"string"}}} Thanks.`}
	if got := obedient(turn).Text; got != `{"name":"fake"}` {
		t.Errorf("got %s", got)
	}
	if got := obedient(&testkit.Turn{JSON: true, System: "JSON please"}).Text; got != `{"ok":true}` {
		t.Errorf("without a schema: got %s", got)
	}
}

func TestEagerCallsOnlyALoneToolThatNothingElseIsSaidOf(t *testing.T) {
	lone := []testkit.Tool{{Name: "City", Schema: map[string]any{"type": "object"}}}
	if got := eager(&testkit.Turn{User: "a city", Tools: lone}).Calls; len(got) != 1 || got[0].Name != "City" {
		t.Errorf("a lone tool: calls %v", got)
	}
	for name, turn := range map[string]*testkit.Turn{
		"two tools":   {User: "a city", Tools: append(lone, testkit.Tool{Name: "Other"})},
		"a directive": {User: "<<text:no>>", Tools: lone},
		"a result":    {User: "a city", Tools: lone, Results: []testkit.Result{{Name: "City", Text: "fine"}}},
	} {
		if got := eager(turn).Calls; len(got) != 0 {
			t.Errorf("%s: calls %v", name, got)
		}
	}
}
