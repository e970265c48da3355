package share

import (
	"context"
	"sync"
	"time"
)

const (
	// beatEvery is how often the server is asked for cooldowns, or whether it is back.
	beatEvery = 500 * time.Millisecond
	// renewEvery is how often places in flight are held on to.
	renewEvery = 5 * time.Second
	// connectTime limits a new connection.
	connectTime = time.Second
	// batch bounds what is told at once.
	batch = 256
	// almostOver is what is not worth saying of a cooldown: clocks differ by so much.
	almostOver = 100 * time.Millisecond
	// quiet is how long a server must have been there for its absence to be news again.
	quiet = 10 * time.Second
)

// run is the node's only goroutine.
func (n *Node) run() {
	defer close(n.done)
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	renewed := time.Now()
	n.beat(false)
	for {
		select {
		case <-n.stop:
			n.goodbye()
			return
		case s := <-n.ended:
			n.settle(collect(s, n.ended))
		case c := <-n.resting:
			n.cool(collect(c, n.resting))
		case m := <-n.moved:
			moved := collect(m, n.moved)
			n.Do(func(ctx context.Context) error { return n.o.Server.Stayed(ctx, moved) })
		case now := <-tick.C:
			renew := now.Sub(renewed) >= renewEvery
			if renew {
				renewed = now
			}
			n.beat(renew)
		}
	}
}

// collect takes what waits besides the first.
func collect[T any](first T, from <-chan T) []T {
	all := []T{first}
	for len(all) < batch {
		select {
		case next := <-from:
			all = append(all, next)
		default:
			return all
		}
	}
	return all
}

func (n *Node) settle(ended []Settlement) {
	if !n.Do(func(ctx context.Context) error { return n.o.Server.Settle(ctx, n.o.ID, ended) }) {
		return
	}
	for _, s := range ended {
		if s.Lease != "" {
			n.load(s.Deployment).heard([]string{s.Lease})
		}
	}
}

func (n *Node) cool(resting []Cooldown) {
	n.Do(func(ctx context.Context) error { return n.o.Server.Cool(ctx, resting) })
}

// beat keeps the node alive at the server, and finds the server again.
func (n *Node) beat(renew bool) {
	if !n.up.Load() {
		n.comeBack()
		return
	}
	var p Pulse
	if !n.Do(func(ctx context.Context) (err error) { p, err = n.o.Server.Beat(ctx, n.o.ID); return err }) {
		return
	}
	n.heard(p)
	if !p.Known {
		n.behind.Store(reports) // it has begun anew, so quickly that nobody noticed
	}
	if behind := n.behind.Load(); behind > 0 {
		if n.report(false) == nil {
			n.behind.CompareAndSwap(behind, behind-1)
		}
	} else if renew {
		_ = n.report(true)
	}
	n.Do(n.beaten)
}

// comeBack looks whether the server is there. What this node has is told before anybody
// counts there again.
func (n *Node) comeBack() {
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	if err := n.o.Server.Ready(ctx); err != nil {
		n.state.down(n, err)
		return
	}
	ctx, cancel = context.WithTimeout(context.Background(), n.o.Timeout)
	defer cancel()
	p, err := n.o.Server.Beat(ctx, n.o.ID)
	if err != nil {
		n.state.down(n, err)
		return
	}
	n.heard(p)
	n.behind.Store(reports - 1)
	if err := n.reportWithin(ctx, false); err != nil {
		n.state.down(n, err)
		return
	}
	n.late.Store(0)
	n.up.Store(true)
	n.state.back(n)
	n.Do(n.beaten)
}

// report puts right what the server knows.
func (n *Node) report(renew bool) (err error) {
	n.Do(func(ctx context.Context) error {
		err = n.reportWithin(ctx, renew)
		return err
	})
	return err
}

func (n *Node) reportWithin(ctx context.Context, renew bool) error {
	loads, resting := n.known(renew)
	if len(loads) > 0 {
		if err := n.o.Server.Report(ctx, n.o.ID, loads); err != nil {
			return err
		}
	}
	if len(resting) == 0 || renew {
		return nil
	}
	return n.o.Server.Cool(ctx, resting)
}

// known is what this node has; what is over is forgotten.
func (n *Node) known(renew bool) (loads []Load, resting []Cooldown) {
	now := n.o.Now()
	minute := n.minute(now)
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, l := range n.loads {
		if r, ok := l.report(id, minute, renew); ok {
			loads = append(loads, r)
		}
	}
	for id, until := range n.rests {
		if !now.Before(until) {
			delete(n.rests, id)
			continue
		}
		resting = append(resting, Cooldown{Deployment: id, For: until.Sub(now)})
	}
	return loads, resting
}

// heard takes over what the server says.
func (n *Node) heard(p Pulse) {
	now := n.o.Now()
	n.skew.Store(int64(p.Now.Sub(now)))
	n.nodes.Store(int64(max(1, p.Nodes)))
	for id, until := range p.Resting {
		if left := until.Sub(p.Now); left > almostOver {
			n.o.Rested(id, now.Add(left))
		}
	}
}

// goodbye tells what is left to tell.
func (n *Node) goodbye() {
	if !n.up.Swap(false) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTime)
	defer cancel()
	var left []Settlement
	for len(n.ended) > 0 {
		left = append(left, <-n.ended)
	}
	if len(left) > 0 && n.o.Server.Settle(ctx, n.o.ID, left) != nil {
		return
	}
	_ = n.o.Server.Leave(ctx, n.o.ID) // it forgets the node soon anyway
}

// state says in the log when the server goes and comes, once each.
type state struct {
	mu    sync.Mutex
	told  bool // that it is gone
	since time.Time
	begun bool // it was there once
	came  time.Time
}

func (s *state) down(n *Node, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.told || s.begun && now.Sub(s.came) < quiet && s.came.After(s.since) && !s.since.IsZero() {
		return
	}
	s.told, s.since = true, now
	n.o.Log.Warn("the Redis server does not answer: until it does, this node keeps to its own share of every limit, and shares neither cooldowns nor conversations",
		"error", n.o.Redact(err.Error()))
}

func (s *state) back(n *Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !s.begun
	s.begun, s.came = true, time.Now()
	switch {
	case s.told && !first:
		n.o.Log.Info("the Redis server is back: limits hold over all nodes again", "away", s.came.Sub(s.since).Round(time.Millisecond))
	case first:
		n.o.Log.Info("limits, cooldowns and conversations are shared with the other nodes of the Redis server", "nodes", n.nodes.Load())
	}
	s.told = false
}
