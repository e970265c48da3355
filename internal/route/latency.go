package route

import (
	"math"
	"time"
)

// latencyBased takes the deployment that answers fastest, or at random one that is
// not slower by more than the buffer. One that is not known yet is tried first, by one
// call at a time, unless it has failed in this minute.
type latencyBased struct {
	buffer float64
	memory retention
}

func (latencyBased) passes() string { return PassedSlow }

func (l latencyBased) pick(p *Plan, candidates []*member, now time.Time) int {
	return lowest(p, candidates, l.score(p, candidates, now))
}

// score ranks an untried deployment 0, one within the buffer 1, and a slower one, or
// an unknown one that is being tried, behind them.
func (l latencyBased) score(p *Plan, candidates []*member, now time.Time) func(*member) float64 {
	fastest := math.Inf(1)
	for _, m := range candidates {
		if d, known := m.health.latency(p.over.Stream, l.memory, now); known {
			fastest = min(fastest, d)
		}
	}
	limit := fastest * (1 + max(0, l.buffer))
	return func(m *member) float64 {
		d, known := m.health.latency(p.over.Stream, l.memory, now)
		switch {
		case !known && m.health.pressure(now) == 1:
			return 0
		case !known:
			return math.MaxFloat64
		case d <= limit:
			return 1
		}
		return 1 + d
	}
}

// twoChoices draws two deployments and takes the one under less pressure, all but
// always: by the square of their ratio, so that equals share, a slow one is still
// looked at now and then, and noise decides nothing. Two drawn at random are enough to
// keep load even, and unlike the best of all they do not send everybody to the same
// one (Mitzenmacher, The Power of Two Choices in Randomized Load Balancing, 2001).
type twoChoices struct{ memory retention }

func (twoChoices) passes() string { return PassedChoices }

func (c twoChoices) pick(p *Plan, candidates []*member, now time.Time) int {
	a, b := two(p, len(candidates))
	x, y := candidates[a], candidates[b]
	pressure, other := x.health.pressure(now), y.health.pressure(now)
	first, known := x.health.latency(p.over.Stream, c.memory, now)
	second, both := y.health.latency(p.over.Stream, c.memory, now)
	if known && both {
		noise := quickest(p.over.Stream)
		pressure, other = pressure*max(first, noise), other*max(second, noise)
	}
	if chance := 1 / (1 + (pressure/other)*(pressure/other)); p.table.rand() < chance {
		return a
	}
	return b
}

// two draws two different numbers below n.
func two(p *Plan, n int) (a, b int) {
	a = min(int(p.table.rand()*float64(n)), n-1)
	b = min(int(p.table.rand()*float64(n-1)), n-2)
	if b >= a {
		b++
	}
	return a, b
}

// quickest is the latency in seconds below which differences matter to nobody.
func quickest(stream bool) float64 {
	if stream {
		return 0.005
	}
	return 0.001
}

// pressure grows with the calls in flight and with the failures of the minute.
func (h *health) pressure(now time.Time) float64 {
	return float64(h.inflight.Load()+1) * h.failureShare(now)
}
