package main

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// flakyRequests are sent to each model of the trial.
const flakyRequests = 50_000

// flaky measures what clients see of an upstream of which a fifth of the calls fails,
// with 500, 503 or 429: two deployments, two retries.
func (l *lab) flaky(ctx context.Context) (*table, error) {
	g, err := l.gatewayWith(ctx, flakyConfig(l.provider.lines[0]))
	if err != nil {
		return nil, err
	}
	defer g.process.stop()
	// Three calls of five may fail one after the other, 0.8 %, and three sigma more.
	p := math.Pow(0.2, 3)
	theory := p + 3*math.Sqrt(p*(1-p)/flakyRequests)
	t := &table{
		title:   "A fifth of the upstream's calls fails (S6)",
		note:    fmt.Sprintf("With 500, 503 or 429; two deployments, two retries, 16 clients, %d requests each.", flakyRequests),
		columns: []string{"", "failed", "p50", "p99", "longest", "p99 / p50", "bar"},
	}
	uncooled, err := l.gatewayWith(ctx, strings.Replace(flakyConfig(l.provider.lines[0]), "router_settings: {", "router_settings: {disable_cooldowns: true, ", 1))
	if err != nil {
		return nil, err
	}
	defer uncooled.process.stop()
	for _, c := range []struct {
		label   string
		gateway *contestant
		model   string
		most    float64
	}{
		{"for comparison: nothing fails", g, "spare", -1},
		{"no fallback", g, "flaky", theory},
		{"no fallback, cooldowns off", uncooled, "flaky", theory},
		{"a fallback group", g, "flaky-spared", 0},
	} {
		address := c.gateway.plain
		o := run(&load{address: address, request: request(address, c.model, false, ""), connections: 16, times: flakyRequests})
		failed := float64(o.failed) / float64(o.done+o.failed)
		spread := float64(quantile(o.latency, 0.99)) / float64(max(1, quantile(o.latency, 0.5)))
		bar := ""
		if c.most >= 0 {
			bar = fmt.Sprintf("≤ %.2f %%, ≤ 10 ×: %s", 100*c.most, held(failed <= c.most && spread <= 10))
		}
		t.add(c.label, fmt.Sprintf("%d (%.2f %%)", o.failed, 100*failed), milliseconds(quantile(o.latency, 0.5)), milliseconds(quantile(o.latency, 0.99)), milliseconds(quantile(o.latency, 1)),
			strconv.FormatFloat(spread, 'f', 1, 64), bar)
	}
	return t, nil
}

func flakyConfig(up string) string {
	var b strings.Builder
	b.WriteString("model_list:\n")
	for _, m := range [][2]string{{"flaky", modelFlaky}, {"flaky-spared", modelFlaky}, {"spare", modelText}} {
		for i := range 2 { // two keys make two deployments
			fmt.Fprintf(&b, "  - model_name: %s\n    litellm_params: {model: openai/%s, api_base: %q, api_key: sk-%d}\n", m[0], m[1], "http://"+up+"/v1", i)
		}
	}
	fmt.Fprintf(&b, "router_settings: {num_retries: 2, fallbacks: [{flaky-spared: [spare]}]}\ngeneral_settings: {master_key: %s}\n", masterKey)
	return b.String()
}
