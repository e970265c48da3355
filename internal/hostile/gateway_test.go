package hostile_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tidwall/gjson"
	"go.uber.org/goleak"

	"github.com/fairlead-gateway/fairlead/internal/app"
	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// masterKey is the gateway's key in these tests; it is a canary as well.
const masterKey = "sk-canary-master-0001"

// gateway is a running program.
type gateway struct {
	t       *testing.T
	addr    string
	config  string
	log     *testkit.Transcript
	signals chan os.Signal
	done    chan struct{}
	code    int // exit code, set before done is closed
}

var listening = regexp.MustCompile(`listening .*\((127\.0\.0\.1:\d+)\)`)

// start runs the program with a configuration; pairs are environment variables.
func start(t *testing.T, yaml string, pairs ...string) *gateway {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	write(t, path, yaml)
	g := run(t, []string{"--config", path, "--host", "127.0.0.1"}, pairs)
	g.config = path
	if g.addr = g.log.Find(0, listening, g.done); g.addr == "" {
		t.Fatalf("the gateway does not start:\n%s", g.log)
	}
	return g
}

// run starts the program and stops it with the test.
func run(t *testing.T, args, pairs []string) *gateway {
	g := &gateway{t: t, log: testkit.NewTranscript(), signals: make(chan os.Signal, 2), done: make(chan struct{})}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(g.done)
		g.code = app.Main(ctx, app.Options{
			Args: args, Env: testkit.Environment(append(pairs, "PORT", "0")), Stdin: strings.NewReader(""), Stdout: g.log, Stderr: g.log, Signals: g.signals,
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-g.done
		g.clean()
	})
	return g
}

// clean fails the test when the program printed a secret or a control character,
// or caught a panic.
func (g *gateway) clean() {
	g.t.Helper()
	text := g.log.String()
	if i := strings.Index(text, "canary"); i >= 0 {
		g.t.Errorf("a secret shows: …%s…", text[max(0, i-80):min(len(text), i+40)])
	}
	if i := strings.Index(text, "panic"); i >= 0 {
		g.t.Errorf("a panic: %s", text[i:min(len(text), i+2000)])
	}
	if i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && r < ' ' || r == 0x7f }); i >= 0 {
		g.t.Errorf("a control character was printed: %q", text[max(0, i-80):min(len(text), i+40)])
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path+".next", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".next", path); err != nil {
		t.Fatal(err)
	}
}

// deployment is one row of a model_list.
func deployment(name, model string, f *testkit.Fake) string {
	return fmt.Sprintf("- {model_name: %q, litellm_params: {model: %q, api_base: %q, api_key: %q}}\n", name, model, f.URL(), f.Key())
}

// three is a configuration with one model of each format: gpt, claude, gem.
func three(t *testing.T, settings string) string {
	return "model_list:\n" + deployment("gpt", "openai/gpt-4o", testkit.NewOpenAI(t)) +
		deployment("claude", "anthropic/claude-sonnet-4-5", testkit.NewAnthropic(t)) +
		deployment("gem", "gemini/gemini-2.5-flash", testkit.NewGemini(t)) +
		"general_settings: {master_key: " + masterKey + "}\nrouter_settings: {num_retries: 0}\n" + settings
}

// answer is what came back over a raw connection.
type answer struct {
	status int
	head   string
	body   string
}

// raw sends bytes and reads until the gateway closes. A connection that it
// refuses to serve may end without an answer.
func (g *gateway) raw(text string) answer {
	g.t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(testkit.Patience)); err != nil {
		g.t.Fatal(err)
	}
	go func() { _, _ = io.WriteString(c, text) }() // the gateway may close before it has all
	b, _ := io.ReadAll(c)
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	a := answer{head: head, body: body}
	_, _ = fmt.Sscanf(head, "HTTP/1.1 %d", &a.status)
	return a
}

// request builds a request with the right key; lines are further header lines.
func request(method, path, body string, lines ...string) string {
	head := []string{method + " " + path + " HTTP/1.1", "Host: localhost", "Connection: close", "Authorization: Bearer " + masterKey}
	if body != "" {
		head = append(head, fmt.Sprintf("Content-Length: %d", len(body)))
	}
	return strings.Join(append(head, lines...), "\r\n") + "\r\n\r\n" + body
}

// chat sends a chat request of the right form with this body.
func (g *gateway) chat(body string, lines ...string) answer {
	g.t.Helper()
	return g.raw(request("POST", "/v1/chat/completions", body, lines...))
}

// alive fails the test unless the gateway still serves.
func (g *gateway) alive() {
	g.t.Helper()
	if a := g.raw(request("GET", "/health/liveliness", "")); a.status != http.StatusOK {
		g.t.Fatalf("the gateway does not serve any more: %d %s", a.status, a.body)
	}
	if a := g.chat(`{"model":"gpt","messages":[{"role":"user","content":"still there?"}]}`); a.status != http.StatusOK {
		g.t.Fatalf("the gateway answers no chat any more: %d %s", a.status, a.body)
	}
}

// explains fails the test unless the answer is an error in OpenAI's form whose
// message is a sentence.
func (a answer) explains(t *testing.T, what string) {
	t.Helper()
	e := gjson.Get(a.body, "error")
	if !e.IsObject() || len(e.Get("message").String()) < 15 || e.Get("type").String() == "" || !e.Get("code").Exists() {
		t.Errorf("%s: %d, not an error that explains itself: %.300s", what, a.status, a.body)
	}
}
