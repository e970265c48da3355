package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead-gateway/fairlead/internal/app"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestMain(m *testing.M) {
	// Google's client brings a library that starts this with the process.
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("go.opencensus.io/stats/view.(*worker).start"))
}

// gateway is a running program and a client of it.
type gateway struct {
	t      *testing.T
	url    string
	config string // path of the configuration file
	log    *testkit.Transcript
	client *http.Client
	// signals reach the program as those of the system do; done is closed when it
	// has ended.
	signals chan os.Signal
	done    chan struct{}
	stop    func()
}

// within waits for ch, or fails the test after long enough.
func within(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(testkit.Patience):
		t.Fatalf("this never happened: %s", what)
	}
}

// start runs the gateway with a configuration and these environment variables.
func start(t *testing.T, yaml string, env ...string) *gateway {
	t.Helper()
	g := &gateway{t: t, config: filepath.Join(t.TempDir(), "config.yaml"), log: testkit.NewTranscript()}
	g.configure(yaml)
	g.run(env)
	g.client = &http.Client{Transport: &http.Transport{DisableCompression: true}, Timeout: testkit.Patience}
	t.Cleanup(func() {
		g.client.CloseIdleConnections()
		g.stop()
		if t.Failed() {
			t.Logf("the gateway said:\n%s", g.log)
		}
	})
	return g
}

// listening is the line in which the program says where it listens.
var listening = regexp.MustCompile(`listening .*\((127\.0\.0\.1:\d+)\)`)

// run starts the program as its binary does and returns when it listens.
func (g *gateway) run(env []string) {
	g.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	g.signals, g.done = make(chan os.Signal, 2), make(chan struct{})
	go func() {
		defer close(g.done)
		app.Main(ctx, app.Options{
			Args: []string{"--config", g.config, "--host", "127.0.0.1"}, Signals: g.signals,
			Env: testkit.Environment(append(env, "PORT", "0")), Stdin: strings.NewReader(""), Stdout: g.log, Stderr: g.log,
		})
	}()
	g.stop = func() {
		cancel()
		<-g.done
	}
	addr := g.log.Find(0, listening, g.done)
	if addr == "" {
		g.t.Fatalf("the gateway does not start:\n%s", g.log)
	}
	g.url = "http://" + addr
}

// configure writes the configuration file whole, as editors do: a new file that
// takes the place of the old one.
func (g *gateway) configure(yaml string) {
	g.t.Helper()
	next := g.config + ".next"
	if err := os.WriteFile(next, []byte(yaml), 0o600); err != nil {
		g.t.Fatal(err)
	}
	if err := os.Rename(next, g.config); err != nil {
		g.t.Fatal(err)
	}
}

// deployment is one row of a model_list; options are further YAML lines of
// litellm_params ("timeout: 1").
func deployment(name, model string, f *testkit.Fake, options ...string) string {
	s := fmt.Sprintf("- model_name: %s\n  litellm_params:\n    model: %s\n    api_base: %s\n    api_key: %s\n", name, model, f.URL(), f.Key())
	for _, o := range options {
		s += "    " + o + "\n"
	}
	return s
}

// modelList puts deployments together; settings follow as YAML of the top level.
func modelList(settings string, deployments ...string) string {
	return "model_list:\n" + strings.Join(deployments, "") + settings + "\n"
}

const noRetries = "router_settings: {num_retries: 0}"

// reply is an answer that a client got.
type reply struct {
	t      *testing.T
	status int
	header http.Header
	body   string
}

// post sends a chat request; pairs are headers.
func (g *gateway) post(body string, pairs ...string) reply {
	g.t.Helper()
	return g.send(http.MethodPost, "/v1/chat/completions", body, pairs...)
}

// open sends a chat request and returns as soon as the head of the answer is here.
func (g *gateway) open(ctx context.Context, body string, pairs ...string) *http.Response {
	g.t.Helper()
	resp, err := g.do(ctx, body, pairs...)
	if err != nil {
		g.t.Fatal(err)
	}
	return resp
}

func (g *gateway) do(ctx context.Context, body string, pairs ...string) (*http.Response, error) {
	return g.request(ctx, http.MethodPost, "/v1/chat/completions", body, pairs...)
}

// send makes any request and reads the whole answer.
func (g *gateway) send(method, path, body string, pairs ...string) reply {
	g.t.Helper()
	resp, err := g.request(context.Background(), method, path, body, pairs...)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		g.t.Fatalf("the answer cannot be read: %v (%s)", err, b)
	}
	return reply{g.t, resp.StatusCode, resp.Header, string(b)}
}

func (g *gateway) request(ctx context.Context, method, path, body string, pairs ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, g.url+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(pairs); i += 2 {
		req.Header.Set(pairs[i], pairs[i+1])
	}
	return g.client.Do(req)
}

// unrefused fails the test when a fake refused something that the test did not
// expect.
func unrefused(t *testing.T, fakes ...*testkit.Fake) {
	t.Helper()
	for _, f := range fakes {
		for _, text := range f.Refusals() {
			t.Errorf("a provider refused the gateway's request: %s", text)
		}
	}
}

// requestLine is what the log says of a finished request.
var requestLine = regexp.MustCompile(`(?:INF |WRN |ERR |msg=)(request id.*)\n`)
