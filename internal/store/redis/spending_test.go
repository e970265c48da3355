package redis

import (
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/testkit/redisserver"
)

// tell says of one budget what a node has spent, and returns what all have.
func tell(t *testing.T, s *Server, spent, untold int64, since time.Time) route.Spending {
	t.Helper()
	all, err := s.Spend(t.Context(), []route.Spending{
		{Of: "deployment other", Period: time.Hour},
		{Of: "provider openai", Spent: spent, Untold: untold, Since: since, Period: time.Hour},
	})
	if err != nil {
		t.Fatal(err)
	}
	if all[0].Spent != 0 || !all[0].Since.IsZero() {
		t.Errorf("of the other budget: %+v", all[0])
	}
	return all[1]
}

func TestWhatNodesSpendOfABudgetAddsUp(t *testing.T) {
	server := redisserver.Start(t)
	a, b := at(t, server), at(t, server)
	const large = 8_000_000_000_000_000_123 // more than a number of Lua holds
	begun := time.UnixMilli(time.Now().UnixMilli())
	if got := tell(t, a, large, large, begun); got.Spent != large || !got.Since.Equal(begun) {
		t.Errorf("the first: %+v", got)
	}
	if got := tell(t, b, 0, 0, time.Time{}); got.Spent != large || !got.Since.Equal(begun) {
		t.Errorf("one that has spent nothing hears %+v", got)
	}
	if got := tell(t, b, large+7, 7, begun.Add(time.Second)); got.Spent != large+7 || !got.Since.Equal(begun) {
		t.Errorf("the second: %+v", got)
	}
	if got := tell(t, a, large, 0, begun); got.Spent != large+7 {
		t.Errorf("the first hears %+v", got)
	}
}

func TestAServerThatForgotABudgetIsToldTheWhole(t *testing.T) {
	server := redisserver.Start(t)
	a := at(t, server)
	begun := time.UnixMilli(time.Now().UnixMilli())
	tell(t, a, 5, 5, begun)
	a.client.FlushAll(t.Context())
	a.client.ScriptFlush(t.Context())
	if got := tell(t, a, 9, 4, begun); got.Spent != 9 {
		t.Errorf("%+v", got)
	}
}

func TestABudgetWhosePeriodIsOverBeginsAnew(t *testing.T) {
	server := redisserver.Start(t)
	a := at(t, server)
	now := time.UnixMilli(time.Now().UnixMilli())
	if got := tell(t, a, 5, 5, now.Add(-2*time.Hour)); got.Spent != 0 || !got.Since.IsZero() {
		t.Errorf("a period that is over counts: %+v", got)
	}
	a.client.HSet(t.Context(), a.spendKey("provider openai"), "since", now.Add(-2*time.Hour).UnixMilli(), "spent", 77)
	if got := tell(t, a, 3, 3, now); got.Spent != 3 || !got.Since.Equal(now) {
		t.Errorf("%+v", got)
	}
}

func TestASpendingInAnUnknownFormIsAnError(t *testing.T) {
	server := redisserver.Start(t)
	a := at(t, server)
	now := time.Now()
	a.client.HSet(t.Context(), a.spendKey("p"), "since", now.UnixMilli(), "spent", "many")
	if all, err := a.Spend(t.Context(), []route.Spending{{Of: "p", Period: time.Hour}}); err == nil {
		t.Errorf("%+v", all)
	}
}
