package route

// strategy chooses one of several healthy deployments. A new one is a type with
// this method, in a file of its own, and a line in newStrategy.
type strategy interface {
	// pick returns an index into candidates, which has at least two. rand gives
	// numbers in [0,1).
	pick(candidates []*member, rand func() float64) int
}

// newStrategy returns the strategy of a routing_strategy. The configuration says
// that a name without an implementation is approximated.
func newStrategy(string) strategy { return shuffle{} }
