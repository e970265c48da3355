package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/fairlead-gateway/fairlead/conformance/golden"
	"github.com/fairlead-gateway/fairlead/internal/app"
)

// environment is what the vectors were recorded with; %s stands for the upstream's address.
var environment = map[string]string{
	"OPENAI_API_KEY":     "sk-env-openai",
	"ANTHROPIC_API_KEY":  "sk-env-anthropic",
	"GEMINI_API_KEY":     "sk-env-gemini",
	"OPENAI_API_BASE":    "http://%s",
	"ANTHROPIC_API_BASE": "http://%s",
	"GEMINI_API_BASE":    "http://%s",

	"LITELLM_LOCAL_MODEL_COST_MAP":                        "True",
	"LITELLM_TELEMETRY":                                   "False",
	"LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
}

func environmentFor(config, upstream string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		v, ok := environment[name]
		v = strings.ReplaceAll(v, "%s", upstream)
		if name == "OPENAI_API_BASE" && config == "extra" {
			v += "/v1"
		}
		return v, ok
	}
}

// gateway is one running program with its scripted upstream.
type gateway struct {
	addr     string // host:port
	stop     func()
	upstream *upstream
	client   *http.Client
}

// startGateway starts the program as its binary does, with one of the recorded configurations.
func startGateway(dir, config string) (*gateway, error) {
	u, err := startUpstream()
	if err != nil {
		return nil, err
	}
	path, err := writeConfig(dir, config, u.addr)
	if err != nil {
		return nil, err
	}
	running, err := startApp(path, environmentFor(config, u.addr))
	if err != nil {
		u.server.Close()
		return nil, fmt.Errorf("the gateway does not start with configuration %s: %w", config, err)
	}
	return newGateway(running.Addr, running.Close, u), nil
}

const startAttempts = 3 // a free port may be taken by another program before the gateway listens on it

func startApp(config string, env func(string) (string, bool)) (running *app.Running, err error) {
	for range startAttempts {
		out := &output{}
		running, err = app.StartAt(context.Background(), app.Options{
			Args: []string{"--config", config, "--host", "127.0.0.1", "--port", freePort()}, Env: env, Stdout: out, Stderr: out,
		}, recordingClock)
		if err == nil {
			return running, nil
		}
		err = fmt.Errorf("%w\n%s", err, out)
	}
	return nil, err
}

// clockShift makes the gateway believe that it is the hour in which the vectors were recorded, a Monday morning with
// off-peak prices.
var clockShift = time.Until(time.Unix(1795407375, 0))

func recordingClock() time.Time { return time.Now().Add(clockShift) }

// freePort finds a port by letting the system choose one; an explicit 0 means LiteLLM's default to the command line.
func freePort() string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port
}

func newGateway(addr string, stop func(), u *upstream) *gateway {
	transport := &http.Transport{DisableKeepAlives: true, DisableCompression: true}
	return &gateway{addr: addr, stop: stop, upstream: u, client: &http.Client{Transport: transport, Timeout: answerTimeout}}
}

func (g *gateway) close() {
	g.stop()
	g.upstream.server.Close()
}

// writeConfig writes a recorded configuration with the upstream's address into a directory of its own below dir.
func writeConfig(dir, config, upstream string) (string, error) {
	text, err := os.ReadFile(filepath.Join("testdata", "configs", config+".yaml"))
	if err != nil {
		return "", err
	}
	own, err := os.MkdirTemp(dir, config)
	if err != nil {
		return "", err
	}
	path := filepath.Join(own, config+".yaml")
	return path, os.WriteFile(path, bytes.ReplaceAll(text, []byte(golden.UpstreamToken), []byte(upstream)), 0o600)
}

const answerTimeout = time.Minute

// output keeps what the gateway prints.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// run drives one case: first turn if there is one, request, verdict.
func (g *gateway) run(v *golden.Vector, rules []golden.Rule) (outcome, error) {
	v, err := v.At(g.upstream.addr)
	if err != nil {
		return outcome{}, err
	}
	var firstTurn error
	if first := v.FirstTurn(); first != nil {
		_, answer := g.exchange(first, rules)
		firstTurn = errors.New("the first turn was not answered with 200")
		if answer.Status == http.StatusOK {
			v, firstTurn = v.ContinueFrom(answer.Body)
		}
	}
	start := time.Now()
	calls, answer := g.exchange(v, rules)
	o := outcome{Result: golden.Evaluate(v, calls, answer, rules), cost: answer.Headers[costHeader], took: time.Since(start)}
	if firstTurn != nil {
		o.Response = append(o.Response, golden.Difference{Pointer: "/first turn", Want: "the recorded first turn works", Got: firstTurn.Error()})
	}
	return o, nil
}

// exchange plays the upstream's script while the client's request is under way.
func (g *gateway) exchange(v *golden.Vector, rules []golden.Rule) ([]golden.Call, golden.Answer) {
	g.upstream.begin(golden.NewScript(v, rules))
	answer := g.send(v.Request)
	return g.upstream.end(), answer
}

// send is the client: any failure to get an answer is status 0.
func (g *gateway) send(c golden.Call) golden.Answer {
	response, err := g.request(c)
	if err != nil {
		return golden.Answer{Body: asJSON([]byte("client: " + err.Error()))}
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		body = append(body, "<<"+err.Error()+">>"...)
	}
	return golden.Answer{Status: response.StatusCode, Headers: flat(response.Header), Body: asJSON(body)}
}

func (g *gateway) request(c golden.Call) (*http.Response, error) {
	path, query, _ := strings.Cut(c.Path, "?")
	u := &url.URL{Scheme: "http", Host: g.addr, Opaque: path, RawQuery: query}
	r := &http.Request{Method: c.Method, URL: u, Host: g.addr, Header: http.Header{}}
	if body := bodyBytes(c.Body); body != nil {
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	for k, v := range c.Headers {
		r.Header.Set(k, v)
	}
	return g.client.Do(r)
}

// bodyBytes is what goes over the wire: raw text for a JSON string, nothing for null.
func bodyBytes(body json.RawMessage) []byte {
	var text string
	switch {
	case len(body) == 0 || string(body) == "null":
		return nil
	case json.Unmarshal(body, &text) == nil:
		return []byte(text)
	}
	return body
}
