package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
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
	overloadSlice            = time.Second
	overloadRounds           = 7
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
		note: fmt.Sprintf("GOMEMLIMIT=%s. The best of three numbers of clients, and ten times as many, in turns: medians of %d, since the machine is not the same from one second to the next. "+
			"Then, %v after the last have gone, the first number again. Clients send again at once, also when they are refused with 503, which counts as shed. "+
			"Goodput is what was answered; memory is the most that was resident.", overloadMemory, overloadRounds, recoverIn),
		columns: []string{"", "peak", "ten times the clients", "CPU an answer", "shed", "failed", "p99 of the answered", "after it", "memory", "bar: goodput and after ≥ 90 % of the peak, nothing fails"},
	}
	small := func(n int) *load { return smallChats(g, n) }
	large := func(n int) *load {
		load := small(n)
		load.request = request(g.plain, modelText, false, megabyte)
		return load
	}
	if err := tenfold(t, g, "small chats", []int{16, 32, 64}, small); err != nil {
		return nil, err
	}
	plain := func(n int) *load { return smallChats(l.floor, n) }
	if err := tenfold(t, l.floor, "the same through ReverseProxy", []int{16, 32, 64}, plain); err != nil {
		return nil, err
	}
	if err := tenfold(t, g, "bodies of 1 MB", []int{4, 8, 16}, large); err != nil {
		return nil, err
	}
	return t, tooManyStreams(t, g, small)
}

func smallChats(c *contestant, clients int) *load {
	return &load{address: c.plain, request: request(c.plain, modelText, false, ""), connections: clients, duration: overloadSlice}
}

// strain is what a load did to a gateway.
type strain struct {
	outcome
	rates, costs []float64 // answers a second, seconds of CPU for 1,000 answers
	memory       int64     // the most that was resident, KiB
}

// add runs a load.
func (s *strain) add(load *load, g *contestant) error {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		var high int64
		for {
			if kib, err := g.process.memory(); err == nil {
				high = max(high, kib)
			}
			select {
			case <-stop:
				most <- high
				return
			case <-time.After(50 * time.Millisecond):
			}
		}
	}()
	began := time.Now()
	before, err := g.process.cpu()
	o := run(load)
	after, gone := g.process.cpu()
	close(stop)
	s.memory = max(s.memory, <-most)
	switch {
	case err != nil || gone != nil:
		return fmt.Errorf("the gateway has died: %w", errors.Join(err, gone))
	case o.done == 0:
		return fmt.Errorf("nothing was answered: %w", o.err)
	}
	s.merge(o)
	s.rates = append(s.rates, float64(o.done)/time.Since(began).Seconds())
	s.costs = append(s.costs, 1000*(after-before).Seconds()/float64(o.done))
	return nil
}

// tenfold finds the best number of clients, and takes ten times as many.
func tenfold(t *table, g *contestant, label string, numbers []int, of func(clients int) *load) error {
	best, peak := 0, 0.0
	for range 3 { // the first warms up
		for _, n := range numbers {
			var s strain
			if err := s.add(of(n), g); err != nil {
				return err
			}
			if s.rates[0] > peak {
				best, peak = n, s.rates[0]
			}
		}
	}
	var usual, over, after strain
	var ratios, afters []float64
	for range overloadRounds {
		if err := errors.Join(usual.add(of(best), g), over.add(of(overloadTimes*best), g)); err != nil {
			return err
		}
		ratios = append(ratios, over.rates[len(over.rates)-1]/usual.rates[len(usual.rates)-1])
	}
	time.Sleep(recoverIn)
	for range 3 {
		if err := after.add(of(best), g); err != nil {
			return err
		}
		afters = append(afters, after.rates[len(after.rates)-1]/median(usual.rates))
	}
	overRow(t, fmt.Sprintf("%s, %d clients", label, best), &usual, &over, median(ratios), slices.Max(afters))
	return nil
}

func overRow(t *table, label string, usual, over *strain, ratio, after float64) {
	slices.Sort(over.latency)
	failed := over.failed - over.shed
	text := fmt.Sprint(failed)
	if failed > 0 {
		text = fmt.Sprintf("%d (%v)", failed, over.err)
	}
	shed := fmt.Sprint(over.shed)
	if over.shed > 0 {
		slices.Sort(over.refusals)
		shed += ", p50 " + milliseconds(quantile(over.refusals, 0.5))
	}
	cost := median(over.costs) / median(usual.costs)
	t.add(label, fmt.Sprintf("%.0f/s", median(usual.rates)), fmt.Sprintf("%.0f/s (%.0f %%)", median(over.rates), 100*ratio), fmt.Sprintf("× %.2f", cost), shed, text,
		milliseconds(quantile(over.latency, 0.99)), fmt.Sprintf("%.0f %%", 100*after), mebibytes(over.memory), held(failed == 0 && ratio >= 0.9 && after >= 0.9))
}

// tooManyStreams opens more slow streams than the memory has room for.
func tooManyStreams(t *table, g *contestant, small func(int) *load) error {
	streams := func(n int) *load {
		return &load{
			address: g.plain, request: request(g.plain, modelDrip, true, ""), stream: true, connections: n,
			ramp: 2 * time.Second, duration: 2 * chunks / dripChunks * dripPause,
		}
	}
	var before, usual, over, after strain
	for range 3 {
		if err := before.add(small(16), g); err != nil {
			return err
		}
	}
	if err := errors.Join(usual.add(streams(halfStreams), g), over.add(streams(manyStreams), g)); err != nil {
		return err
	}
	time.Sleep(recoverIn)
	for range 3 {
		if err := after.add(small(16), g); err != nil {
			return err
		}
	}
	overRow(t, fmt.Sprintf("%d slow streams (peak: %d)", manyStreams, halfStreams), &usual, &over, over.rates[0]/usual.rates[0], slices.Max(after.rates)/median(before.rates))
	return nil
}
