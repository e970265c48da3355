package main

import (
	"bufio"
	"bytes"
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// baseline is what the Go benchmarks said when somebody last wrote it down.
const baseline = "bench/baseline.txt"

// tolerated is the growth that is not mentioned.
const tolerated = 0.10

// micro runs the Go benchmarks and compares them with the baseline. Times of another
// machine are made comparable by the median of all their ratios: what matters is the
// one that got slower than the rest.
func micro(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("bench micro", flag.ContinueOnError)
	write := f.Bool("write", false, "write the baseline anew")
	count := f.String("benchtime", "200ms", "time for each benchmark")
	if err := f.Parse(args); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-benchtime", *count, "-count", "3", "./internal/...")
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("the benchmarks failed: %w\n%s", err, text)
	}
	now := parse(text)
	if *write {
		return os.WriteFile(baseline, now.text(), 0o644)
	}
	old, err := os.ReadFile(baseline)
	if err != nil {
		return fmt.Errorf("%w; go run ./bench micro -write makes it", err)
	}
	fmt.Print(compare(parse(old), now))
	return nil
}

// result is the best of a benchmark's runs: time in ns, bytes and allocations for one
// operation.
type result struct{ ns, bytes, allocs float64 }

type results map[string]result

// parse reads what go test prints. Names get their package in front.
func parse(text []byte) results {
	out := results{}
	pkg := ""
	for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
		line := s.Text()
		if rest, ok := strings.CutPrefix(line, "pkg: "); ok {
			pkg = rest[strings.Index(rest, "internal/")+len("internal/"):]
			continue
		}
		f := strings.Fields(line)
		if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
			continue
		}
		r := result{math.Inf(1), math.Inf(1), math.Inf(1)}
		for i := 2; i+1 < len(f); i += 2 {
			v, err := strconv.ParseFloat(f[i], 64)
			if err != nil {
				break
			}
			switch f[i+1] {
			case "ns/op":
				r.ns = v
			case "B/op":
				r.bytes = v
			case "allocs/op":
				r.allocs = v
			}
		}
		name, _, _ := strings.Cut(f[0], "-")
		key := pkg + "." + strings.TrimPrefix(name, "Benchmark")
		if old, ok := out[key]; ok {
			r = result{min(r.ns, old.ns), min(r.bytes, old.bytes), min(r.allocs, old.allocs)}
		}
		out[key] = r
	}
	return out
}

// text is the baseline file, in the form that parse reads.
func (r results) text() []byte {
	var b bytes.Buffer
	pkg := ""
	for _, key := range sortedKeys(r) {
		at := strings.LastIndexByte(key, '.')
		if p := key[:at]; p != pkg {
			pkg = p
			fmt.Fprintf(&b, "pkg: internal/%s\n", pkg)
		}
		v := r[key]
		fmt.Fprintf(&b, "Benchmark%s 1 %.1f ns/op %.0f B/op %.0f allocs/op\n", key[at+1:], v.ns, v.bytes, v.allocs)
	}
	return b.Bytes()
}

func sortedKeys(r results) []string {
	var keys []string
	for k := range r {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// compare names every benchmark that grew by more than is tolerated.
func compare(old, now results) string {
	var ratios []float64
	for k, n := range now {
		if o, ok := old[k]; ok {
			ratios = append(ratios, n.ns/o.ns)
		}
	}
	if len(ratios) == 0 {
		return "The baseline has none of these benchmarks.\n"
	}
	speed := median(ratios)
	var b strings.Builder
	fmt.Fprintf(&b, "%d benchmarks; this machine takes %.2f times as long as the one of the baseline (median).\n", len(ratios), speed)
	worse := 0
	for _, k := range sortedKeys(now) {
		o, ok := old[k]
		if !ok {
			fmt.Fprintf(&b, "  new      %s\n", k)
			continue
		}
		n := now[k]
		for _, g := range []struct {
			what     string
			was, now float64
		}{{"time", o.ns * speed, n.ns}, {"bytes", o.bytes, n.bytes}, {"allocations", o.allocs, n.allocs}} {
			if g.now > g.was*(1+tolerated) && g.now-g.was >= 1 {
				fmt.Fprintf(&b, "  worse    %s: %s %.0f, was %.0f (+%.0f %%)\n", k, g.what, g.now, g.was, 100*(g.now/g.was-1))
				worse++
			}
		}
	}
	if worse == 0 {
		b.WriteString("None is more than 10 % worse.\n")
	}
	return b.String()
}
