package route

import (
	"math"
	"time"
)

// The values of Settings.Strategy, by LiteLLM's names.
const (
	SimpleShuffle = "simple-shuffle"
	LeastBusy     = "least-busy"
	LatencyBased  = "latency-based-routing"
	UsageBased    = "usage-based-routing"
	UsageBasedV2  = "usage-based-routing-v2"
	CostBased     = "cost-based-routing"
)

// strategy chooses one of several healthy deployments. A new one is a type with
// this method and a line in newStrategy.
type strategy interface {
	// pick returns an index into candidates, which has at least two.
	pick(p *Plan, candidates []*member, now time.Time) int
	// passes is why the candidates that it did not pick were not.
	passes() string
}

// newStrategy returns how a group is chosen from.
func newStrategy(s *Settings, members []*member) strategy {
	switch s.Strategy {
	case LeastBusy:
		return leastBusy{}
	case LatencyBased:
		return latencyBased{buffer: s.LatencyBuffer, memory: newRetention(s)}
	case UsageBased, UsageBasedV2:
		return usageBased{}
	case CostBased:
		return costBased{}
	case "":
		if !sharedOut(members) {
			return twoChoices{memory: newRetention(s)}
		}
	}
	return shuffle{}
}

// limiting reports whether a strategy keeps to rpm and tpm by itself, as LiteLLM's do.
func limiting(name string) bool {
	switch name {
	case LatencyBased, UsageBased, UsageBasedV2, CostBased:
		return true
	}
	return false
}

// sharedOut reports whether the operator has said how a group's requests are shared.
func sharedOut(members []*member) bool {
	for _, m := range members {
		if m.Weight > 0 || m.RPM > 0 || m.TPM > 0 {
			return true
		}
	}
	return false
}

// lowest returns the candidate with the lowest score, one of them at random when
// several have it.
func lowest(p *Plan, candidates []*member, score func(*member) float64) int {
	best, ties, at := math.Inf(1), 0, 0
	for i, m := range candidates {
		switch s := score(m); {
		case s < best:
			best, ties, at = s, 1, i
		case s == best:
			ties++
			if p.table.rand()*float64(ties) < 1 {
				at = i
			}
		}
	}
	return at
}

// leastBusy takes the deployment with the fewest calls in flight.
type leastBusy struct{}

func (leastBusy) passes() string { return PassedBusy }

func (leastBusy) pick(p *Plan, candidates []*member, _ time.Time) int {
	return lowest(p, candidates, func(m *member) float64 { return float64(m.health.inflight.Load()) })
}

// usageBased takes the deployment with the fewest tokens in this minute, then the
// fewest requests. Its limits are kept before: those that are over are no candidates.
type usageBased struct{}

func (usageBased) passes() string { return PassedUsed }

func (usageBased) pick(p *Plan, candidates []*member, now time.Time) int {
	return lowest(p, candidates, func(m *member) float64 {
		requests, tokens := m.health.usage(now)
		return float64(tokens) + float64(requests)/1e6 // requests decide only between equals
	})
}

// unknownPrice is what a deployment without a price counts as, as in LiteLLM: more
// than any.
const unknownPrice = 5.0

// costBased takes the cheapest deployment. At the one that has the conversation in its
// cache, the tokens that are there cost what cached ones do.
type costBased struct{}

func (costBased) passes() string { return PassedDear }

func (costBased) pick(p *Plan, candidates []*member, now time.Time) int {
	warm, share := "", 0.0
	if s, ok := p.stay(now); ok {
		warm, share = s.Deployment, p.warmShare(s, now)
	}
	return lowest(p, candidates, func(m *member) float64 {
		switch {
		case !m.Priced:
			return unknownPrice
		case m.ID == warm:
			return m.Price - share*m.CacheSaving
		}
		return m.Price
	})
}
