package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

const (
	// overloadMemory is GOMEMLIMIT of the gateway of the trial.
	overloadMemory = "256MiB"
	// overloadTimes is how many times the clients of the best rate are too many.
	overloadTimes = 10
	// recoverIn is how soon it must be as before.
	recoverIn = 2 * time.Second
	// manyStreams are more than the memory has room for, of which halfStreams it has.
	manyStreams, halfStreams = 8000, 4000
	overloadSlice            = 1500 * time.Millisecond
)

// overload asks for ten times what the gateway can do.
func (l *lab) overload(ctx context.Context) (*table, error) {
	up := addresses{l.provider.lines[0], l.provider.lines[1], l.provider.lines[2]}
	g, err := l.gatewayWith(ctx, configuration(up), "GOMEMLIMIT="+overloadMemory)
	if err != nil {
		return nil, err
	}
	defer g.process.stop()
	t := &table{
		title: "Ten times too much (R11, L14)",
		note: fmt.Sprintf("GOMEMLIMIT=%s. The best of three numbers of clients, then ten times as many, then, %v after they have gone, the first number again. "+
			"Clients send again at once, also when they are refused with 503, which counts as shed. Goodput is what was answered; memory is the most that was resident.", overloadMemory, recoverIn),
		columns: []string{"", "peak", "ten times the clients", "shed", "failed", "p99 of the answered", "after it", "memory", "bar: goodput and after ≥ 90 % of the peak, nothing fails"},
	}
	small := func(n int) *load {
		return &load{address: g.plain, request: request(g.plain, modelText, false, ""), connections: n, duration: overloadSlice}
	}
	large := func(n int) *load {
		load := small(n)
		load.request = request(g.plain, modelText, false, megabyte)
		return load
	}
	if err := l.tenfold(t, g, "small chats", []int{16, 32, 64}, small); err != nil {
		return nil, err
	}
	if err := l.tenfold(t, g, "bodies of 1 MB", []int{4, 8, 16}, large); err != nil {
		return nil, err
	}
	return t, l.tooManyStreams(t, g, small)
}

// outcomeOf runs a load and returns with it the answers a second, and the most memory.
func outcomeOf(load *load, g *contestant) (o *outcome, rate float64, kib int64) {
	var stop atomic.Bool
	most := make(chan int64)
	go func() {
		var high int64
		for ; !stop.Load(); time.Sleep(50 * time.Millisecond) {
			if kib, err := g.process.memory(); err == nil {
				high = max(high, kib)
			}
		}
		most <- high
	}()
	began := time.Now()
	o = run(load)
	rate = float64(o.done) / time.Since(began).Seconds()
	stop.Store(true)
	return o, rate, <-most
}

// tenfold finds the best number of clients, and takes ten times as many.
func (l *lab) tenfold(t *table, g *contestant, label string, numbers []int, of func(clients int) *load) error {
	run(of(numbers[0])) // warms up
	best, peak := 0, 0.0
	for range 2 {
		for _, n := range numbers {
			if _, rate, _ := outcomeOf(of(n), g); rate > peak {
				best, peak = n, rate
			}
		}
	}
	if best == 0 {
		return fmt.Errorf("%s: nothing was answered", label)
	}
	over := of(overloadTimes * best)
	over.duration = 4 * time.Second
	o, rate, kib := outcomeOf(over, g)
	time.Sleep(recoverIn)
	_, after, _ := outcomeOf(of(best), g)
	l.overRow(t, fmt.Sprintf("%s, %d clients", label, best), peak, rate, after/peak, o, kib)
	return nil
}

func (l *lab) overRow(t *table, label string, peak, rate, after float64, o *outcome, kib int64) {
	failed := o.failed - o.shed
	text := fmt.Sprint(failed)
	if failed > 0 {
		text = fmt.Sprintf("%d (%v)", failed, o.err)
	}
	t.add(label, fmt.Sprintf("%.0f/s", peak), fmt.Sprintf("%.0f/s (%.0f %%)", rate, 100*rate/peak), fmt.Sprint(o.shed), text, milliseconds(quantile(o.latency, 0.99)),
		fmt.Sprintf("%.0f %%", 100*after), mebibytes(kib), held(failed == 0 && rate >= 0.9*peak && after >= 0.9))
}

// tooManyStreams opens more slow streams than the memory has room for.
func (l *lab) tooManyStreams(t *table, g *contestant, small func(int) *load) error {
	streams := func(n int) *load {
		return &load{
			address: g.plain, request: request(g.plain, modelDrip, true, ""), stream: true, connections: n,
			ramp: 2 * time.Second, duration: 2 * chunks / dripChunks * dripPause,
		}
	}
	_, usual, _ := outcomeOf(small(16), g)
	_, peak, _ := outcomeOf(streams(halfStreams), g)
	o, rate, kib := outcomeOf(streams(manyStreams), g)
	time.Sleep(recoverIn)
	_, after, _ := outcomeOf(small(16), g)
	if peak == 0 || usual == 0 {
		return fmt.Errorf("no stream was answered")
	}
	l.overRow(t, fmt.Sprintf("%d slow streams (peak: %d)", manyStreams, halfStreams), peak, rate, after/usual, o, kib)
	return nil
}
