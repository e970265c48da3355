package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	steadyRequests = 20_000
	steadyRounds   = 5
	// steadyGrowth is how much more memory than after the second round may be there
	// after the last: what a collector has not given back yet is no leak.
	steadyGrowth = 3 << 10
)

// steady measures the start, and the memory idle and after each 20,000 requests.
func (l *lab) steady(ctx context.Context) (*table, error) {
	t := &table{
		title:   "Start and memory (S8)",
		note:    fmt.Sprintf("Resident memory after each of %d rounds of %d requests, 64 clients: small chats, and in equal parts small chats, streams, 200 KB prompts, Chat to Gemini and streams from Anthropic.", steadyRounds, steadyRequests),
		columns: []string{"", "measured", "bar"},
	}
	starts, err := l.startTimes(ctx)
	if err != nil {
		return nil, err
	}
	middle := starts[len(starts)/2]
	t.add("start to ready, median of nine", fmt.Sprintf("%s (longest %s)", milliseconds(middle), milliseconds(starts[len(starts)-1])), "≤ 50 ms: "+held(middle <= 50*time.Millisecond))
	t.add("idle", mebibytes(l.idle), "≤ 25 MiB: "+held(l.idle <= 25<<10))
	for _, mixed := range []bool{false, true} {
		after, err := l.rounds20k(ctx, mixed)
		if err != nil {
			return nil, err
		}
		flat := after[len(after)-1] <= after[1]+steadyGrowth
		label, bar := "small chats", fmt.Sprintf("≤ 45 MiB, flat: %s", held(slices.Max(after) <= 45<<10 && flat))
		if mixed {
			label, bar = "mixed", "flat: "+held(flat)
		}
		cells := make([]string, len(after))
		for i, kib := range after {
			cells[i] = mebibytes(kib)
		}
		t.add(label, strings.Join(cells, ", "), bar)
	}
	return t, nil
}

func mebibytes(kib int64) string { return fmt.Sprintf("%.1f MiB", float64(kib)/1024) }

// rounds20k returns the memory after each round, in KiB.
func (l *lab) rounds20k(ctx context.Context, mixed bool) (after []int64, err error) {
	up := addresses{l.provider.lines[0], l.provider.lines[1], l.provider.lines[2]}
	g, err := l.gatewayWith(ctx, configuration(up))
	if err != nil {
		return nil, err
	}
	defer g.process.stop()
	kinds := []scenario{{model: modelText}}
	if mixed {
		kinds = append(kinds, scenario{model: modelStream, stream: true}, scenario{model: modelText, long: true},
			scenario{model: modelText, via: viaGemini}, scenario{model: modelStream, stream: true, via: viaAnthropic})
	}
	for range steadyRounds {
		for _, k := range kinds {
			k.connected = 64
			load := k.of(g)
			load.times = steadyRequests / len(kinds)
			if o := run(load); o.failed > 0 {
				return nil, fmt.Errorf("%d requests failed: %w", o.failed, o.err)
			}
		}
		kib, err := g.process.memory()
		if err != nil {
			return nil, err
		}
		after = append(after, kib)
	}
	return after, nil
}
