package conformance

import (
	"cmp"
	"compress/gzip"
	"flag"
	"fmt"
	"hash/fnv"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/conformance/golden"
)

// outcome is one case that was run.
type outcome struct {
	golden.Result
	cost string // x-litellm-response-cost of the gateway's answer
	took time.Duration
}

func TestGolden(t *testing.T) {
	pack, rules := readPack(t), readRules(t)
	deviations := readDeviations(t, "deviations.txt")
	vectors, whole := selected(pack)
	outcomes := runAll(t, vectors, rules)
	used := map[string]bool{}
	for _, v := range vectors {
		t.Run(v.Case, func(t *testing.T) {
			o, ran := outcomes[v.Case]
			if !ran {
				t.Fatal("not run: its gateway did not start")
			}
			d := deviationFor(v.Case, deviations)
			switch {
			case o.Passed():
			case d != nil:
				used[d.Glob] = true
				t.Logf("deviates: %s\n%s", d.Reason, report(&o))
			default:
				t.Error(report(&o))
			}
		})
	}
	if whole {
		wantUsed(t, deviations, used)
	}
}

// wantUsed fails for deviations that are none any more.
func wantUsed(t *testing.T, deviations []golden.Deviation, used map[string]bool) {
	t.Helper()
	for _, d := range deviations {
		if !used[d.Glob] {
			t.Errorf("the deviation %q covers no case that differs: remove its line", d.Glob)
		}
	}
}

// selected keeps the vectors that -run asks for, so that one case takes no longer than it needs; whole is false when
// that is not all.
func selected(vectors []*golden.Vector) (out []*golden.Vector, whole bool) {
	_, name, ok := strings.Cut(flag.Lookup("test.run").Value.String(), "/")
	pattern, err := regexp.Compile(name)
	if !ok || err != nil {
		return vectors, true
	}
	for _, v := range vectors {
		if pattern.MatchString(v.Case) {
			out = append(out, v)
		}
	}
	return out, false
}

// Four of five cases are recorded with the configuration "nokey": its families are spread over several gateways.
const shards = 4

// gateways that run at once; most of the time they wait for timeouts, retries and cooldowns.
const atOnce = 8

// group names the cases that share one gateway, in the order of the pack. Cases of routing leave cooldowns behind, so
// each has a fresh gateway, except the sequences that are about cooldowns.
func group(v *golden.Vector) string {
	if strings.HasPrefix(v.Case, "fb_") {
		if i := strings.Index(v.Case, "cooldown_"); i > 0 {
			return v.Config + " " + v.Case[:i]
		}
		return v.Config + " " + v.Case
	}
	if v.Config != "nokey" {
		return v.Config
	}
	h := fnv.New32()
	h.Write([]byte(v.Family))
	return fmt.Sprint(v.Config, " ", h.Sum32()%shards)
}

// runAll runs the vectors that no test has run yet and returns the outcomes by case.
func runAll(t *testing.T, vectors []*golden.Vector, rules []golden.Rule) map[string]outcome {
	t.Helper()
	groups := map[string][]*golden.Vector{}
	var order []string
	for _, v := range vectors {
		if _, ran := done.outcomes[v.Case]; ran {
			continue
		}
		g := group(v)
		if groups[g] == nil {
			order = append(order, g)
		}
		groups[g] = append(groups[g], v)
	}
	slices.SortStableFunc(order, func(a, b string) int { return cmp.Compare(len(groups[b]), len(groups[a])) })
	slots := make(chan struct{}, atOnce)
	var wg sync.WaitGroup
	for _, name := range order {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			runGroup(t, groups[name], rules)
		})
	}
	wg.Wait()
	return done.outcomes
}

// done holds the cases that were run, for all tests of the package.
var done = struct {
	sync.Mutex
	outcomes map[string]outcome
}{outcomes: map[string]outcome{}}

// runGroup drives the cases of one group, one after the other, through one gateway.
func runGroup(t *testing.T, vectors []*golden.Vector, rules []golden.Rule) {
	g, err := startGateway(t.TempDir(), vectors[0].Config)
	if err != nil {
		t.Error(err)
		return
	}
	defer g.close()
	for _, v := range vectors {
		if v.SleepBefore > 0 { // a cooldown has to be over, and the gateway's clock is the real one
			time.Sleep(time.Duration(v.SleepBefore * float64(time.Second)))
		}
		o, err := g.run(v, rules)
		if err != nil {
			t.Errorf("%s: %v", v.Case, err)
			continue
		}
		done.Lock()
		done.outcomes[v.Case] = o
		done.Unlock()
	}
}

// report shows a case's differences.
func report(o *outcome) string {
	var b strings.Builder
	fmt.Fprintf(&b, "status %d after %v", o.Status, o.took.Round(time.Millisecond))
	if o.Must {
		b.WriteString(", a rule stricter than LiteLLM is not met")
	}
	list(&b, "REQ ", o.Request)
	list(&b, "RESP", o.Response)
	return b.String()
}

const shownDifferences = 8 // of each side of a case

func list(b *strings.Builder, side string, differences []golden.Difference) {
	for i, d := range differences {
		if i == shownDifferences {
			fmt.Fprintf(b, "\n  … %d more", len(differences)-i)
			return
		}
		fmt.Fprintf(b, "\n  %s %s", side, d)
	}
}

func deviationFor(name string, deviations []golden.Deviation) *golden.Deviation {
	for i := range deviations {
		if golden.Matches(deviations[i].Glob, name) {
			return &deviations[i]
		}
	}
	return nil
}

func readPack(t *testing.T) []*golden.Vector {
	t.Helper()
	z, err := gzip.NewReader(open(t, "testdata/golden-public.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	pack, err := golden.ReadPack(z)
	if err != nil {
		t.Fatal(err)
	}
	return pack
}

func readRules(t *testing.T) []golden.Rule {
	t.Helper()
	rules, err := golden.ReadRules(open(t, "testdata/better.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	return rules
}

func readDeviations(t *testing.T, path string) []golden.Deviation {
	t.Helper()
	d, err := golden.ReadDeviations(open(t, path))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}
