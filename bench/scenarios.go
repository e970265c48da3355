package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// scenario is one way of loading the contestants.
type scenario struct {
	name, what string
	model      string
	stream     bool
	long       bool
	via        string // a prefix of the model; the floor gets the plain one
	connected  int
	rate       int
}

var scenarios = []scenario{
	{name: "S1", what: "small chat, 16 connections", model: modelText, connected: 16},
	{name: "S1-one", what: "small chat, one connection", model: modelText, connected: 1},
	{name: "S1-rate", what: "small chat, 1,000 requests a second", model: modelText, connected: 64, rate: 1000},
	{name: "S2", what: "stream of 50 chunks, passed through", model: modelStream, stream: true, connected: 16},
	{name: "S4", what: "prompt of 200 KB with 50 tools", model: modelText, long: true, connected: 16},
	{name: "S5-gemini", what: "Chat to Gemini, over S1 of the floor", model: modelText, via: viaGemini, connected: 16},
	{name: "S5-anthropic", what: "Chat to Anthropic, over S1 of the floor", model: modelText, via: viaAnthropic, connected: 16},
	{name: "S5-gemini-stream", what: "50 chunks from Gemini, over S2 of the floor", model: modelStream, stream: true, via: viaGemini, connected: 16},
	{name: "S5-anthropic-stream", what: "50 chunks from Anthropic, over S2 of the floor", model: modelStream, stream: true, via: viaAnthropic, connected: 16},
	{name: "S1-tls", what: "small chat, TLS upstream, HTTP/1.1", model: modelText, via: viaTLS1, connected: 16},
	{name: "S1-h2", what: "small chat, TLS upstream, HTTP/2", model: modelText, via: viaTLS2, connected: 16},
	{name: "S2-tls", what: "stream, TLS upstream, HTTP/1.1", model: modelStream, stream: true, via: viaTLS1, connected: 16},
	{name: "S2-h2", what: "stream, TLS upstream, HTTP/2", model: modelStream, stream: true, via: viaTLS2, connected: 16},
}

func names() []string {
	out := []string{"S3"}
	for _, t := range trials {
		out = append(out, t.name)
	}
	for _, s := range scenarios {
		out = append(out, s.name)
	}
	slices.Sort(out)
	return out
}

// of is the load of a scenario for one contestant.
func (s *scenario) of(c *contestant) *load {
	address, model := c.plain, s.model
	switch {
	case c.model != nil:
		model = c.model(s.via, model)
	case c.prefixed:
		model = s.via + model
	case s.via == viaTLS1:
		address = c.tls1
	case s.via == viaTLS2:
		address = c.tls2
	}
	l := &load{address: address, stream: s.stream, connections: s.connected, rate: s.rate}
	if s.long {
		l.request = longRequest(address, model)
	} else {
		l.request = request(address, model, s.stream, "")
	}
	return l
}

// figures of one contestant in one scenario, a value a round.
type figures struct {
	perThousand []float64 // seconds of CPU for 1,000 requests
	outcome     outcome
	err         error // why it was loaded no further
}

// turn loads a contestant for a while; what warms up does not count.
func (f *figures) turn(s *scenario, c *contestant, slice time.Duration, counts bool) error {
	load := s.of(c)
	load.duration = slice
	before, err := c.process.cpu()
	if err != nil {
		return err
	}
	o := run(load)
	after, err := c.process.cpu()
	if err != nil {
		return err
	}
	if o.done == 0 {
		return fmt.Errorf("%s answered nothing: %w", c.name, o.err)
	}
	if counts {
		f.perThousand = append(f.perThousand, (after-before).Seconds()*1000/float64(o.done))
		f.outcome.merge(o)
	}
	return nil
}

func (l *lab) wanted(name string) bool {
	return l.settings.only == "" || slices.Contains(strings.Split(l.settings.only, ","), name)
}

// runAll measures everything that is wanted and writes the report.
func (l *lab) runAll(ctx context.Context) (string, error) {
	var b strings.Builder
	l.head(&b)
	for i := range scenarios {
		s := &scenarios[i]
		if !l.wanted(s.name) || ctx.Err() != nil {
			continue
		}
		fmt.Fprintln(os.Stderr, s.name, s.what)
		all, err := l.rounds(s)
		if err != nil {
			return "", fmt.Errorf("%s: %w", s.name, err)
		}
		l.rows(&b, s, all)
	}
	if l.wanted("S3") && ctx.Err() == nil {
		if err := l.slowStreams(&b); err != nil {
			return "", fmt.Errorf("S3: %w", err)
		}
	}
	err := l.tryAll(ctx, &b)
	return b.String(), err
}

// rounds loads the contestants in turns; the first round warms up.
func (l *lab) rounds(s *scenario) ([]*figures, error) {
	all := turns(s, l.all, l.settings.rounds, l.settings.slice)
	for _, f := range all {
		if f.err != nil {
			return nil, f.err
		}
	}
	return all, nil
}

// turns are those rounds; a contestant that answers nothing has no further turn.
func turns(s *scenario, contestants []*contestant, rounds int, slice time.Duration) []*figures {
	all := make([]*figures, len(contestants))
	for i := range all {
		all[i] = &figures{}
	}
	for round := range rounds + 1 {
		for i, c := range contestants {
			if all[i].err == nil {
				all[i].err = all[i].turn(s, c, slice, round > 0)
			}
		}
	}
	for _, f := range all {
		slices.Sort(f.outcome.latency)
		slices.Sort(f.outcome.first)
	}
	return all
}

// slowStreams measures what an open stream costs, and how late its chunks are.
func (l *lab) slowStreams(b *strings.Builder) error {
	fmt.Fprintln(os.Stderr, "S3", l.settings.streams, "slow streams")
	direct := run(&load{address: l.provider.lines[0], request: request(l.provider.lines[0], modelSlow, true, ""), stream: true, connections: l.settings.streams, times: l.settings.streams})
	fmt.Fprintf(b, "\n%d slow streams at once (S3): a chunk every %v\n\n| | errors | memory a stream | first byte p50, p99 over direct | gap p99 over direct | memory 20 s after |\n|---|---|---|---|---|---|\n", l.settings.streams, slowPause)
	for _, c := range l.all {
		before, err := c.process.memory()
		if err != nil {
			return err
		}
		peak := make(chan int64, 1)
		go func() {
			time.Sleep(chunks * slowPause * 3 / 5)
			m, _ := c.process.memory()
			peak <- m
		}()
		o := run(&load{address: c.plain, request: request(c.plain, modelSlow, true, ""), stream: true, connections: l.settings.streams, times: l.settings.streams})
		most := <-peak
		time.Sleep(20 * time.Second)
		after, err := c.process.memory()
		if err != nil {
			return err
		}
		fmt.Fprintf(b, "| %s | %d | %.1f KiB | %s, %s | %s | %.1f MiB (before: %.1f) |\n", c.name, o.failed, float64(most-before)/float64(l.settings.streams),
			over(o.first, direct.first, 0.5), over(o.first, direct.first, 0.99), over(o.gaps, direct.gaps, 0.99), float64(after)/1024, float64(before)/1024)
	}
	return nil
}

func over(a, direct []time.Duration, q float64) string {
	return milliseconds(quantile(a, q) - quantile(direct, q))
}

// startTimes are those of nine starts, sorted.
func (l *lab) startTimes(ctx context.Context) ([]time.Duration, error) {
	var out []time.Duration
	for range 9 {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		_, port, _ := net.SplitHostPort(address)
		p, err := startGateway(ctx, l.settings.binary, l.ours.file, port)
		if err != nil {
			return nil, err
		}
		p.stop()
		out = append(out, p.ready)
	}
	slices.Sort(out)
	return out, nil
}
