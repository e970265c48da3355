package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

const (
	reloads       = 1000
	lifecycleRate = 500
	// drainStreams are open when the gateway is told to stop.
	drainStreams = 200
	// lookEvery is how often a load balancer asks for readiness.
	lookEvery = 100 * time.Millisecond
)

// lifecycle reloads a gateway a thousand times under load, and stops one.
func (l *lab) lifecycle(ctx context.Context) (*table, error) {
	t := &table{
		title:   "Reloads and the end under load (L09, L11)",
		note:    fmt.Sprintf("%d requests a second of 32 clients, every other one streamed.", lifecycleRate),
		columns: []string{"", "requests", "failed", "", "bar"},
	}
	if err := l.reloading(ctx, t); err != nil {
		return nil, err
	}
	return t, l.ending(ctx, t)
}

// twoKinds loads a gateway with whole and streamed answers at the trial's rate.
func twoKinds(address string, length time.Duration) (whole, streamed *load) {
	whole = &load{address: address, request: request(address, modelText, false, ""), connections: 16, rate: lifecycleRate / 2, duration: length}
	streamed = &load{address: address, request: request(address, modelStream, true, ""), stream: true, connections: 16, rate: lifecycleRate / 2, duration: length}
	return whole, streamed
}

// reloading changes the file and sends SIGHUP, again and again.
func (l *lab) reloading(ctx context.Context, t *table) error {
	up := addresses{l.provider.lines[0], l.provider.lines[1], l.provider.lines[2]}
	files := []string{configuration(up), strings.ReplaceAll(configuration(up), "sk-bench-upstream", "sk-bench-upstream-2")}
	g, err := l.gatewayWith(ctx, files[0])
	if err != nil {
		return err
	}
	defer g.process.stop()
	whole, streamed := twoKinds(g.plain, time.Hour)
	var stop atomic.Bool
	whole.stop, streamed.stop = &stop, &stop
	done := make(chan *outcome, 2)
	for _, load := range []*load{whole, streamed} {
		go func() { done <- run(load) }()
	}
	began := time.Now()
	err = nil
	for n := 0; n < reloads && err == nil && ctx.Err() == nil; n++ {
		err = g.reload(files[(n+1)%2], n+1)
	}
	took := time.Since(began)
	stop.Store(true)
	o := <-done
	o.merge(<-done)
	if err != nil {
		return err
	}
	t.add(fmt.Sprintf("%d reloads", reloads), strconv.Itoa(o.done), reasons(o), fmt.Sprintf("one every %s", milliseconds(took/reloads)), "0: "+held(o.failed == 0))
	return nil
}

func reasons(o *outcome) string {
	if o.err == nil {
		return strconv.Itoa(o.failed)
	}
	return fmt.Sprintf("%d (%v)", o.failed, o.err)
}

// reload replaces the file and waits until the log tells of the nth reload.
func (c *contestant) reload(config string, n int) error {
	next := c.file + ".next"
	if err := os.WriteFile(next, []byte(config), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, c.file); err != nil {
		return err
	}
	if err := send(c.process.pid, sigReload); err != nil {
		return err
	}
	_, err := c.tells("configuration reloaded", n)
	return err
}

// balanced are clients behind a load balancer: it asks for readiness, and sends to the
// second gateway what comes after the first has said no.
type balanced struct {
	addresses [2]string
	second    atomic.Bool
}

func (b *balanced) address() string {
	if b.second.Load() {
		return b.addresses[1]
	}
	return b.addresses[0]
}

// look asks for readiness until it is refused.
func (b *balanced) look(ctx context.Context) {
	client := &http.Client{Timeout: time.Second}
	for ; ctx.Err() == nil; time.Sleep(lookEvery) {
		resp, err := client.Get("http://" + b.addresses[0] + "/health/readiness")
		if err == nil {
			resp.Body.Close()
		}
		if err != nil || resp.StatusCode != http.StatusOK {
			b.second.Store(true)
			return
		}
	}
}

// ending sends SIGTERM under load.
func (l *lab) ending(ctx context.Context, t *table) error {
	up := addresses{l.provider.lines[0], l.provider.lines[1], l.provider.lines[2]}
	first, err := l.gatewayWith(ctx, configuration(up))
	if err != nil {
		return err
	}
	defer first.process.stop()
	second, err := l.gatewayWith(ctx, configuration(up))
	if err != nil {
		return err
	}
	defer second.process.stop()
	b := &balanced{addresses: [2]string{first.plain, second.plain}}
	whole, streamed := twoKinds("", 4*time.Second)
	whole.to, streamed.to = b.address, b.address
	slow := &load{address: first.plain, request: request(first.plain, modelSlow, true, ""), stream: true, connections: drainStreams, times: drainStreams}
	streams, short := make(chan *outcome, 1), make(chan *outcome, 2)
	go func() { streams <- run(slow) }()
	for _, load := range []*load{whole, streamed} {
		go func() { short <- run(load) }()
	}
	time.Sleep(1500 * time.Millisecond)
	go b.look(ctx)
	told := time.Now()
	if err := send(first.process.pid, syscall.SIGTERM); err != nil {
		return err
	}
	o := <-short
	o.merge(<-short)
	s := <-streams
	_ = first.process.cmd.Wait()
	lasted := time.Since(told)
	t.add("SIGTERM, short requests", strconv.Itoa(o.done), reasons(o), "behind a load balancer that asks for readiness every "+lookEvery.String(), "0: "+held(o.failed == 0))
	t.add("SIGTERM, open streams", strconv.Itoa(s.done+s.failed), reasons(s), fmt.Sprintf("the process ended after %.1f s", lasted.Seconds()), "all finish: "+held(s.failed == 0 && s.done == drainStreams))
	return nil
}
