package main

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"
)

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// head begins the report: what was run, where, and how to read it.
func (l *lab) head(b *strings.Builder) {
	command := "go run ./bench"
	if args := os.Args[1:]; len(args) > 0 {
		command += " " + strings.Join(args, " ")
	}
	fmt.Fprintf(b, `# Benchmarks

Made by `+"`%s`"+` on %s with %s, %d CPUs (%s). Another machine gives other times and much the same ratios.
`, command, time.Now().Format("2006-01-02"), runtime.Version(), cpus(), processor())
	if !l.wantedAny() {
		return
	}
	fmt.Fprintf(b, `
The floor is `+"`net/http/httputil.ReverseProxy`"+`, thirty lines of Go that neither check a key nor read a body. Fairlead checks the key, routes, counts
tokens and money, and writes its log line. Both forward to the same fake provider; the answer of every request is checked. The contestants take turns in
%d rounds of %v; the table has medians. CPU is the process's own, user and system, for 1,000 requests; the ratio is over the floor in the same run.

| scenario | | CPU for 1,000 | ratio | p50 | p99 | p99.9 | first byte p50 | failed |
|---|---|---|---|---|---|---|---|---|
`, l.settings.rounds, l.settings.slice)
}

// wantedAny reports whether a scenario of the contestants is wanted.
func (l *lab) wantedAny() bool {
	return slices.ContainsFunc(scenarios, func(s scenario) bool { return l.wanted(s.name) })
}

// cpus counts those of the machine, not those that this process may use.
func cpus() int {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return runtime.NumCPU()
	}
	return strings.Count(string(text), "processor\t")
}

func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown"
	}
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(line, "model name"); ok {
			return strings.TrimSpace(strings.TrimLeft(name, "\t :"))
		}
	}
	return runtime.GOARCH
}

func (l *lab) rows(b *strings.Builder, s *scenario, all []*figures) {
	floor := median(all[0].perThousand)
	for i, f := range all {
		label := ""
		if i == 0 {
			label = s.name + ": " + s.what
		}
		cpu := median(f.perThousand)
		fmt.Fprintf(b, "| %s | %s | %.3f s | %.2f | %s | %s | %s | %s | %d |\n", label, l.all[i].name, cpu, cpu/floor,
			milliseconds(quantile(f.outcome.latency, 0.5)), milliseconds(quantile(f.outcome.latency, 0.99)), milliseconds(quantile(f.outcome.latency, 0.999)),
			milliseconds(quantile(f.outcome.first, 0.5)), f.outcome.failed)
	}
}
