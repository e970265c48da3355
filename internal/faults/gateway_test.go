//go:build unix

package faults

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead-gateway/fairlead/internal/app"
)

func TestMain(m *testing.M) {
	askNames()
	goleak.VerifyTestMain(m)
}

// masterKey is the gateway's key, upstreamKey the key of every deployment: neither may
// show in an answer or in the log.
const (
	masterKey   = "sk-canary-master"
	upstreamKey = "sk-canary-upstream"
)

// patience ends what would otherwise hang. Nothing waits for it unless a test fails, so it
// is long enough for a machine that is ten times slower and busy with other tests.
const patience = 2 * time.Minute

// output keeps what the program prints.
type output struct {
	mu    sync.Mutex
	b     bytes.Buffer
	muted atomic.Bool // keeps no more
}

func (o *output) Write(p []byte) (int, error) {
	if o.muted.Load() {
		return len(p), nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// gateway is a running program and a client of it.
type gateway struct {
	t       testing.TB
	running *app.Running
	config  string
	log     *output
	client  *http.Client
	args    []string // more of the command line
	panics  bool     // the log may tell of panics
	now     func() time.Time
	stall   time.Duration
	hurried bool        // its settings have limits of time that a busy machine can reach
	tls     *tls.Config // of the client, when the gateway speaks TLS
	stdout  io.Writer   // where the log goes too; nil keeps it only
}

// start runs the gateway until the test ends. What the test has left behind when it
// has ended fails it: a call in flight, a goroutine, a descriptor.
func start(t testing.TB, yaml string) *gateway {
	t.Helper()
	g := prepare(t, yaml)
	g.start()
	return g
}

func prepare(t testing.TB, yaml string) *gateway {
	t.Helper()
	g := &gateway{t: t, config: filepath.Join(t.TempDir(), "config.yaml"), log: &output{}, now: time.Now}
	g.configure(yaml)
	return g
}

// start launches a gateway that is the only one of its test.
func (g *gateway) start() {
	g.t.Helper()
	nothingLeft(g.t)
	g.launch()
}

// nothingLeft fails the test when, at its end, there are more goroutines or descriptors
// than now.
func nothingLeft(t testing.TB) {
	before, ignored := descriptors(), goleak.IgnoreCurrent()
	t.Cleanup(func() {
		if t.Failed() {
			return
		}
		eventually(t, "the descriptors are given back", func() bool { return descriptors() <= before })
		var left error
		eventually(t, "the goroutines end", func() bool {
			left = goleak.Find(ignored)
			return left == nil
		})
		if left != nil {
			t.Error(left)
		}
	})
}

func (g *gateway) launch() {
	g.t.Helper()
	t := g.t
	var err error
	out := io.Writer(g.log)
	if g.stdout != nil {
		out = io.MultiWriter(g.log, g.stdout)
	}
	g.running, err = app.StartAt(context.Background(), app.Options{
		Args: append([]string{"--config", g.config, "--host", "127.0.0.1"}, g.args...),
		Env:  environment, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: out, Stall: g.stall,
	}, g.now)
	if err != nil {
		t.Fatalf("the gateway does not start: %v\n%s", err, g.log)
	}
	g.client = &http.Client{Timeout: patience, Transport: &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64, TLSClientConfig: g.tls}}
	t.Cleanup(func() {
		g.idle()
		g.client.CloseIdleConnections()
		g.running.Close()
		g.clean()
		if t.Failed() {
			text := g.log.String()
			t.Logf("the gateway said:\n%s", text[max(0, len(text)-600):])
		}
	})
}

// environment has the port and nothing else.
func environment(name string) (string, bool) { return "0", name == "PORT" }

// configure writes the configuration whole, as editors do.
func (g *gateway) configure(yaml string) {
	g.t.Helper()
	yaml += "\ngeneral_settings: {master_key: " + masterKey + "}\n"
	if err := os.WriteFile(g.config+".next", []byte(yaml), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(g.config+".next", g.config); err != nil {
		g.t.Fatal(err)
	}
}

func (g *gateway) url() string {
	if g.tls != nil {
		return "https://" + g.running.Addr
	}
	return "http://" + g.running.Addr
}

// idle fails the test when a request or a call is still counted as in flight.
func (g *gateway) idle() {
	g.t.Helper()
	eventually(g.t, "nothing is in flight", func() bool {
		requests, calls := g.running.InFlight()
		return requests == 0 && calls == 0
	})
}

// clean fails the test when the log shows what it never may.
func (g *gateway) clean() {
	g.t.Helper()
	text := g.log.String()
	if g.panics {
		text = strings.ReplaceAll(text, "panic", "")
	}
	for _, word := range unwanted {
		if at := strings.Index(text, word); at >= 0 {
			g.t.Errorf("the log says …%s", text[max(0, at-200):min(len(text), at+1500)])
		}
	}
}

// unwanted are secrets, caught panics and counts below nothing.
var unwanted = []string{"canary", "panic", "in=-", "out=-", "cached=-", "reasoning=-", "cost=-", "first=-", "total=-"}

// eventually waits for something that the gateway does by itself after an answer.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		if holds() {
			return
		}
	}
	t.Errorf("this never happened: %s", what)
}

// descriptors counts the open files of the process, 0 where the system does not tell.
func descriptors() int {
	if runtime.GOOS != "linux" {
		return 0
	}
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// ask sends a question in a dialect and reads the whole answer.
func (g *gateway) ask(d dialect, q question) outcome {
	return g.askWithin(context.Background(), d, q)
}

func (g *gateway) askWithin(ctx context.Context, d dialect, q question) outcome {
	resp, err := g.open(ctx, d, q)
	if err != nil {
		return outcome{broken: err.Error(), lost: true}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	o := d.read(q, resp.StatusCode, resp.Header, string(body))
	if err != nil {
		o.broken, o.lost = "the answer cannot be read: "+err.Error(), true
	}
	return o
}

func (g *gateway) open(ctx context.Context, d dialect, q question) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url()+d.path(q), strings.NewReader(d.body(q)))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+masterKey)
	return g.client.Do(req)
}

// serves fails the test unless the next request of every dialect is answered.
func (g *gateway) serves(model string) {
	g.t.Helper()
	for i, d := range dialects {
		q := question{model: model, stream: i%2 == 0}
		o := g.ask(d, q)
		for n := 0; g.hurried && n < again && !o.right() && o.refused(); n++ {
			o = g.ask(d, q)
		}
		if !o.right() {
			g.t.Errorf("afterwards the gateway does not serve %s: %s", d.name, o)
		}
	}
}
