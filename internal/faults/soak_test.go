//go:build soak

package faults

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// soakTime is how long the soak lasts without SOAK_TIME.
const soakTime = 30 * time.Minute

const (
	// faulty is the share of requests that meet a fault, in percent.
	faulty = 30
	// workers are the clients at once.
	workers = 32
	// slopeLimit is how much memory 100,000 requests may leave, in bytes.
	slopeLimit = 1 << 20
	// samples of memory, descriptors and goroutines; the first third is warming up.
	soakSamples = 60
)

// upstreamFaults are what an upstream does when the seed says so. The first hang until a
// limit of time passes: they are drawn seldom, or all clients would wait all the time.
var upstreamFaults = []script{
	(*call).gone,
	func(c *call) bool { return c.send(c.head(-1)+chunk(strings.Join(c.body()[:1], ""))) && c.gone() },
	(*call).reset,
	func(c *call) bool { cut(c); return c.reset() },
	func(c *call) bool { cut(c); return false },
	func(c *call) bool { return c.send(c.head(-1) + lastChunk) },
	func(c *call) bool {
		return c.send(status(500, c.format.failure(500, "it did not work out"), "application/json"))
	},
	func(c *call) bool {
		return c.send(status(429, c.format.failure(429, "too many"), "application/json", "Retry-After: 1"))
	},
	func(c *call) bool { return c.send(status(503, "<html>down</html>", "text/html")) },
	func(c *call) bool { return c.send(status(200, "<html>welcome</html>", "text/html")) },
	func(c *call) bool { return c.send(status(302, "", "text/plain", "Location: http://127.0.0.1:1/")) },
	func(c *call) bool { return c.send(c.head(-1) + chunk(data(`{"choices":[{`)) + lastChunk) },
	func(c *call) bool {
		return c.send(c.head(-1) + chunk(strings.Join(c.body()[:min(c.format.first+2, len(c.body()))], "")+c.format.errorEvent) + lastChunk)
	},
	func(c *call) bool { return c.send(c.head(-1) + "zz\r\n") },
	func(c *call) bool {
		return c.send("HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("a", 300<<10) + "\r\n\r\n")
	},
	func(c *call) bool { return c.send(c.head(1<<30)) && c.endless(strings.Repeat("x", 64<<10), 4<<20) },
	packed("gzip", func(s string) string { return s }),
	packed("gzip", gzipped),
}

// hangs is how many of them hang.
const hangs = 2

// lot is what chance decides of a request.
type lot struct {
	kase
	upstream bool // the upstream fails
	client   int  // which fault of a client, 0 for none
}

const clientFaults = 4

func draw(rng *rand.Rand) lot {
	w := formats[rng.IntN(len(formats))]
	l := lot{kase: kase{d: dialects[rng.IntN(len(dialects))], format: w.name, spare: rng.IntN(2) == 0}}
	l.q = question{model: w.name, stream: rng.IntN(2) == 0}
	if l.spare {
		l.q.model += "-spared"
	}
	if rng.IntN(100) >= faulty {
		return l
	}
	n := rng.IntN(len(upstreamFaults) + clientFaults)
	if n == 0 && rng.IntN(4) == 0 {
		n = rng.IntN(hangs)
	} else if n < hangs {
		n += hangs
	}
	if n < len(upstreamFaults) {
		l.upstream, l.q.seed = true, n+1
	} else {
		l.client = n - len(upstreamFaults) + 1
	}
	return l
}

// meet sends a request with the fault that was drawn; false means that the answer was
// neither right nor an error in its dialect's shape.
func (g *gateway) meet(l lot, rng *rand.Rand) (outcome, bool) {
	var text string
	switch l.client {
	case 0:
		o := g.ask(l.d, l.q)
		return o, either(&o) && (l.upstream || o.right())
	case 1: // leaves
		ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rng.IntN(3000))*time.Microsecond)
		defer cancel()
		return g.askWithin(ctx, l.d, l.q), true
	case 2:
		text = raw(l.d.path(l.q), "{\"model\":\xff")
	case 3:
		text = raw(l.d.path(l.q), gzipped(l.d.body(l.q)), "Content-Encoding: gzip")
	default:
		text = strings.Replace(raw(l.d.path(l.q), l.d.body(l.q)), "Host: x", "Host: x\r\nHost: y", 1)
	}
	c, err := net.Dial("tcp", g.running.Addr)
	if err != nil {
		return outcome{broken: err.Error()}, false
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(patience))
	_, _ = io.WriteString(c, text)
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return outcome{broken: err.Error()}, false
	}
	defer resp.Body.Close()
	return outcome{status: resp.StatusCode}, resp.StatusCode >= 400 && resp.StatusCode < 500
}

// sample is what the gateway's process holds after n requests.
type sample struct {
	n, resident, heap, descriptors, goroutines float64
}

func (c *child) sample(t *testing.T, n int64, profiles string) sample {
	t.Helper()
	s := sample{n: float64(n)}
	s.heap = profiled(t, profiles+"/debug/pprof/heap?gc=1&debug=1", "# HeapAlloc = ")
	s.goroutines = profiled(t, profiles+"/debug/pprof/goroutine?debug=1", "goroutine profile: total ")
	entries, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	s.descriptors = float64(len(entries))
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", c.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	var size, pages float64
	if _, err := fmt.Sscan(string(b), &size, &pages); err != nil {
		t.Fatal(err)
	}
	s.resident = pages * float64(os.Getpagesize())
	return s
}

// profiled reads the number behind a word of a profile.
func profiled(t *testing.T, url, word string) (n float64) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), word)
	if _, err := fmt.Sscan(rest, &n); err != nil {
		t.Fatalf("%s has no %q", url, word)
	}
	return n
}

// slope is how much more is held after each 100,000 requests, by least squares.
func slope(all []sample, of func(sample) float64) float64 {
	var n, x, y, xx, xy float64
	for _, s := range all {
		n, x, y, xx, xy = n+1, x+s.n, y+of(s), xx+s.n*s.n, xy+s.n*of(s)
	}
	return 100_000 * (n*xy - x*y) / (n*xx - x*x)
}

// lowest keeps of each few samples the one with the smallest heap: what requests in
// flight hold for a moment is no leak.
func lowest(all []sample) []sample {
	var out []sample
	for group := range slices.Chunk(all, 5) {
		out = append(out, slices.MinFunc(group, func(a, b sample) int { return cmp.Compare(a.heap, b.heap) }))
	}
	return out
}

func TestSoak(t *testing.T) {
	length := soakTime
	if text := os.Getenv("SOAK_TIME"); text != "" {
		var err error
		if length, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	bad := serve(t, func(c *call) bool {
		if c.seed > 0 && c.seed <= len(upstreamFaults) {
			return upstreamFaults[c.seed-1](c)
		}
		return healthy(c)
	}, nil)
	f := fault{formats: formats, options: ", timeout: 2", settings: "idle_timeout: 2, max_response_mb: 1"}
	g := prepare(t, f.yaml(bad, serve(t, healthy, nil)))
	port := freePort(t)
	c := startChild(t, g.config, "FAULTS_PPROF="+port, "NO_COLOR=1")
	c.log.muted.Store(true)
	client := c.of(t)
	client.client.Transport.(*http.Transport).MaxIdleConnsPerHost = workers

	var stop atomic.Bool
	var done, lefts, rights, refusals, bads atomic.Int64
	var all sync.WaitGroup
	for i := range workers {
		all.Go(func() {
			rng := rand.New(rand.NewPCG(uint64(i), 1))
			for !stop.Load() {
				l := draw(rng)
				o, ok := client.meet(l, rng)
				done.Add(1)
				switch {
				case !ok:
					if bads.Add(1) <= told {
						t.Errorf("%s, upstream %v, client %d: %s", l, l.upstream, l.client, o)
					}
				case l.client == 1:
					lefts.Add(1)
				case o.right():
					rights.Add(1)
				default:
					refusals.Add(1)
				}
			}
		})
	}
	var samples []sample
	tick := time.NewTicker(length / soakSamples)
	defer tick.Stop()
	for range soakSamples {
		<-tick.C
		s := c.sample(t, done.Load(), "http://"+port)
		samples = append(samples, s)
		t.Logf("%9.0f requests  %6.1f MiB resident  %6.1f MiB heap  %4.0f descriptors  %4.0f goroutines", s.n, s.resident/(1<<20), s.heap/(1<<20), s.descriptors, s.goroutines)
	}
	stop.Store(true)
	all.Wait()
	steady := samples[soakSamples/3:]
	heap := slope(lowest(steady), func(s sample) float64 { return s.heap })
	resident := slope(steady, func(s sample) float64 { return s.resident })
	files := slope(steady, func(s sample) float64 { return s.descriptors })
	t.Logf("%d requests: %d right, %d refused, %d left, %d wrong", done.Load(), rights.Load(), refusals.Load(), lefts.Load(), bads.Load())
	t.Logf("per 100,000 requests: %+.3f MiB heap, %+.3f MiB resident, %+.2f descriptors", heap/(1<<20), resident/(1<<20), files)
	if heap > slopeLimit {
		t.Errorf("100,000 requests leave %.1f MiB", heap/(1<<20))
	}
	client.serves("spare")
	client.client.CloseIdleConnections()
	eventually(t, "descriptors and goroutines are given back", func() bool {
		s := c.sample(t, done.Load(), "http://"+port)
		return s.descriptors <= steady[0].descriptors+8 && s.goroutines < 100
	})
}

// freePort is an address of this host that nobody listens on.
func freePort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

func TestSoakReloads(t *testing.T) { reloading(t, 1000) }
