//go:build unix

package faults

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "modernc.org/sqlite"

	"github.com/fairlead-gateway/fairlead/internal/app"
)

// signed answers with a call that carries reasoning state, so that the gateway writes to
// its file, and healthy answers what comes after.
func signed(c *call) bool {
	id := fmt.Sprintf("sig-%d-%s", c.seed, c.format.name)
	doc := `{"candidates":[{"content":{"role":"model","parts":[{"functionCall":{"name":"weather","args":{"city":"` + id + `"}},"thoughtSignature":"c2lnbmF0dXJl"}]},"finishReason":"STOP","index":0}],"modelVersion":"m","responseId":"` + id + `"}`
	if c.stream {
		doc = data(doc)
	}
	return c.send(c.head(len(doc)) + doc)
}

// keeping is a gateway with a data directory in front of an upstream with state.
func keeping(t *testing.T, dir string) *gateway {
	t.Helper()
	s := serve(t, signed, nil)
	g := prepare(t, keepingYAML(s, serve(t, healthy, nil), dir))
	g.start()
	t.Cleanup(func() { g.serves("spare") })
	return g
}

func keepingYAML(s, good *server, dir string) string {
	return "model_list:\n" + deployment("gemini", geminiFormat, "http://"+s.addr, "") + deployment("spare", chatFormat, "http://"+good.addr, "") +
		"router_settings: {num_retries: 0}\nfairlead_settings: {data_dir: " + dir + "}\n"
}

// calls asks for calls in every dialect and wants them all.
func (g *gateway) calls(from, to int) {
	g.t.Helper()
	var all sync.WaitGroup
	for seed := from; seed < to; seed++ {
		all.Go(func() {
			o := g.ask(dialects[seed%4], question{model: "gemini", stream: seed/4%2 == 0, seed: seed, tools: true})
			if o.status != http.StatusOK || o.calls == "" || o.failure != "" {
				g.t.Errorf("no call: %s", o)
			}
		})
	}
	all.Wait()
}

// database opens the gateway's file as another program would.
func database(t *testing.T, dir string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "reasoning.db")+"?_pragma=busy_timeout(5000)")
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	return db
}

func rows(t *testing.T, db *sql.DB) (n int) {
	t.Helper()
	if err := db.QueryRow("SELECT count(*) FROM turn").Scan(&n); err != nil {
		t.Error(err)
	}
	return n
}

func TestL01DatabaseLocked(t *testing.T) {
	dir := t.TempDir()
	g := keeping(t, dir)
	g.calls(0, 8)
	db := database(t, dir)
	if _, err := db.Exec("BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	g.calls(8, 72) // nobody waits for the file
	if _, err := db.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what waited is written", func() bool { return rows(t, db) >= 8 })
	db.Close()
}

func TestL02DiskFull(t *testing.T) {
	dir := t.TempDir()
	g := prepare(t, keepingYAML(serve(t, signed, nil), serve(t, healthy, nil), dir))
	g.stdout = writerFunc(func([]byte) (int, error) { return 0, syscall.ENOSPC })
	g.start()
	// A limit on the size of files fails writes as a full disk does; as a signal it
	// would end the process.
	signal.Ignore(syscall.SIGXFSZ)
	defer signal.Reset(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 32 << 10, Max: before.Max}); err != nil {
		t.Fatal(err)
	}
	g.calls(0, 200)
	eventually(t, "the log tells of it", func() bool { return strings.Contains(g.log.String(), "cannot be written to disk") })
	g.serves("spare")
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	db := database(t, dir)
	n := rows(t, db)
	g.calls(200, 232)
	eventually(t, "state is written again", func() bool { return rows(t, db) > n })
	db.Close()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

// refusesToStart returns what the gateway says instead of starting.
func refusesToStart(t *testing.T, dir string) string {
	t.Helper()
	s := serve(t, healthy, nil)
	g := prepare(t, keepingYAML(s, s, dir))
	before := descriptors()
	r, err := app.Start(context.Background(), app.Options{
		Args: []string{"--config", g.config, "--host", "127.0.0.1"}, Env: environment, Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: g.log,
	})
	if err == nil {
		r.Close()
		t.Fatal("the gateway started")
	}
	eventually(t, "a start that failed leaves nothing open", func() bool { return descriptors() <= before })
	return err.Error()
}

func TestL03ReadOnlyFileSystem(t *testing.T) {
	if text := refusesToStart(t, "/proc/self/nowhere"); !strings.Contains(text, "data directory /proc/self/nowhere cannot be created") {
		t.Errorf("it says %q", text)
	}
	dir := t.TempDir()
	g := keeping(t, dir)
	g.calls(0, 4)
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	g.calls(4, 40)
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestL04DatabaseIsMissingCorruptOrNewer(t *testing.T) {
	t.Run("missing while it runs", func(t *testing.T) {
		dir := t.TempDir()
		g := keeping(t, dir)
		g.calls(0, 4)
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		g.calls(4, 40)
	})
	t.Run("corrupt", func(t *testing.T) {
		dir := t.TempDir()
		path := filepath.Join(dir, "reasoning.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		if text := refusesToStart(t, dir); !strings.Contains(text, path) || !strings.Contains(text, "move it away") {
			t.Errorf("it says %q", text)
		}
	})
	t.Run("newer", func(t *testing.T) {
		dir := t.TempDir()
		db := database(t, dir)
		if _, err := db.Exec("PRAGMA user_version = 7"); err != nil {
			t.Fatal(err)
		}
		db.Close()
		if text := refusesToStart(t, dir); !strings.Contains(text, "newer Fairlead") {
			t.Errorf("it says %q", text)
		}
	})
}

// asGateway in the environment makes this test binary run as the gateway itself, so
// that a test can kill it.
const asGateway = "FAULTS_RUN_GATEWAY"

// TestMainOfTheChild is no test: it is the gateway of a child process.
func TestMainOfTheChild(t *testing.T) {
	config := os.Getenv(asGateway)
	if config == "" {
		t.Skip("only in a child process")
	}
	if n := os.Getenv("FAULTS_FILES"); n != "" {
		var limit syscall.Rlimit
		if _, err := fmt.Sscan(n, &limit.Cur); err != nil {
			t.Fatal(err)
		}
		limit.Max = limit.Cur
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--config", config, "--host", "127.0.0.1"}
	if addr := os.Getenv("FAULTS_PPROF"); addr != "" {
		args = append(args, "--pprof", addr)
	}
	os.Exit(app.Main(context.Background(), app.Options{
		Args: args, Env: environment, Stdin: strings.NewReader(""), Stdout: os.Stdout, Stderr: os.Stderr,
	}))
}

var listening = regexp.MustCompile(`listening .*\((127\.0\.0\.1:\d+)\)`)

// child is a gateway in a process of its own.
type child struct {
	cmd  *exec.Cmd
	addr string
	log  *output
}

func startChild(t *testing.T, config string, env ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(os.Args[0], "-test.run=^TestMainOfTheChild$"), log: &output{}}
	c.cmd.Env = append(append(os.Environ(), asGateway+"="+config), env...)
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	eventually(t, "the child listens", func() bool {
		m := listening.FindStringSubmatch(c.log.String())
		if m != nil {
			c.addr = m[1]
		}
		return m != nil
	})
	return c
}

func (c *child) kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait() // of a killed process: an error either way
}

// of makes a client of the child.
func (c *child) of(t *testing.T) *gateway {
	g := &gateway{t: t, running: &app.Running{Addr: c.addr}, client: &http.Client{Timeout: patience, Transport: &http.Transport{DisableCompression: true}}}
	t.Cleanup(g.client.CloseIdleConnections)
	return g
}

func TestL08KilledAtAnyInstant(t *testing.T) {
	dir := t.TempDir()
	g := prepare(t, keepingYAML(serve(t, signed, nil), serve(t, healthy, nil), dir))
	for round := range 6 {
		c := startChild(t, g.config)
		client := c.of(t)
		client.serves("spare")
		var all sync.WaitGroup
		var answered atomic.Int64
		for i := range 8 {
			all.Go(func() {
				for seed := i; ; seed += 8 {
					if o := client.ask(dialects[i%4], question{model: "gemini", seed: seed, tools: true}); o.calls == "" {
						return // killed
					}
					answered.Add(1)
				}
			})
		}
		eventually(t, "requests are answered", func() bool { return answered.Load() > int64(7*round*round+1) })
		c.kill()
		all.Wait()
		db := database(t, dir)
		var verdict string
		if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
			t.Fatalf("round %d: the file is %q, %v", round, verdict, err)
		}
		db.Close()
	}
	startChild(t, g.config).of(t).serves("spare")
}

func TestL13NoDescriptorsLeft(t *testing.T) {
	g := prepare(t, "model_list:\n"+deployment("spare", chatFormat, "http://"+serve(t, healthy, nil).addr, ""))
	c := startChild(t, g.config, "FAULTS_FILES=40")
	client := c.of(t)
	client.serves("spare")
	var held []io.Closer
	for range 80 {
		held = append(held, client.dial())
	}
	for _, h := range held {
		h.Close()
	}
	eventually(t, "the gateway accepts again", func() bool {
		o := client.ask(chatDialect, question{model: "spare"})
		return o.right()
	})
	client.serves("spare")
}

func TestL15Panics(t *testing.T) {
	var left atomic.Int64
	g := prepare(t, (&fault{formats: formats}).yaml(serve(t, healthy, nil), serve(t, healthy, nil)))
	g.panics = true
	g.now = func() time.Time {
		if left.Add(-1) == 0 {
			panic("injected")
		}
		return time.Now()
	}
	g.start()
	lost := 0
	for n := range int64(14) {
		for i, d := range dialects {
			left.Store(n + 1)
			o := g.ask(d, question{model: formats[(i+int(n))%4].name, stream: n%2 == 0})
			if !o.lost && !o.right() && !o.refused() {
				t.Errorf("%s, panic %d: %s", d.name, n, o)
			}
			if !o.right() {
				lost++
			}
			left.Store(0)
			g.idle()
			g.client.CloseIdleConnections() // one may end with a panic after the answer
			g.serves("spare")
		}
	}
	if lost == 0 {
		t.Error("no panic struck a request")
	}
}

func TestL16LogIsBlocked(t *testing.T) {
	block := make(chan struct{})
	s := serve(t, healthy, nil)
	g := prepare(t, (&fault{formats: formats}).yaml(s, s))
	var once atomic.Bool
	g.stdout = writerFunc(func(p []byte) (int, error) {
		if once.Load() {
			<-block
		}
		return len(p), nil
	})
	g.start()
	once.Store(true)
	for range 3 {
		(&fault{alone: right, failures: &atomic.Int64{}}).together(t, g, (&fault{formats: formats, chance: true}).cases())
	}
	close(block)
}

func TestL12ClockJumps(t *testing.T) {
	var offset atomic.Int64
	bad := atomic.Bool{}
	broken := serve(t, func(c *call) bool {
		if bad.Load() {
			return c.send(status(500, c.format.failure(500, "it did not work out"), "application/json"))
		}
		return healthy(c)
	}, nil)
	var list strings.Builder
	for _, w := range formats {
		list.WriteString(deployment(w.name, w, "http://"+broken.addr, "") + deployment(w.name, w, "http://"+broken.addr, ", organization: second"))
	}
	g := prepare(t, "model_list:\n"+list.String()+"router_settings: {num_retries: 0, allowed_fails: 0, cooldown_time: 3600}\n")
	g.now = func() time.Time { return time.Now().Round(0).Add(time.Duration(offset.Load())) }
	g.start()
	all := func(want verdict) {
		t.Helper()
		for i, d := range dialects {
			for _, w := range formats {
				if o := g.ask(d, question{model: w.name, stream: i%2 == 0}); !want(&o) {
					t.Errorf("%s to %s: %s", d.name, w.name, o)
				}
			}
		}
	}
	for _, jump := range []time.Duration{24 * time.Hour, -48 * time.Hour, time.Hour, -time.Hour, 365 * 24 * time.Hour} {
		offset.Add(int64(jump))
		all(right)
	}
	bad.Store(true)
	all(refused)
	all(refused) // everything rests
	bad.Store(false)
	offset.Add(-int64(24 * time.Hour)) // nothing may rest for a day and an hour now
	offset.Add(int64(2 * time.Hour))
	all(right)
}

var stopping = regexp.MustCompile(`(stopping)`)

// lasting is a gateway that can be sent signals.
func lasting(t *testing.T, yaml string) (*gateway, chan os.Signal, chan error) {
	t.Helper()
	g := start(t, yaml)
	signals, done := make(chan os.Signal, 2), make(chan error, 1)
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { done <- g.running.Wait(ctx, signals) })
	t.Cleanup(func() {
		cancel()
		all.Wait()
	})
	return g, signals, done
}

func (g *gateway) says(pattern *regexp.Regexp, from int) string {
	g.t.Helper()
	var found []string
	eventually(g.t, "the log says "+pattern.String(), func() bool {
		found = pattern.FindStringSubmatch(g.log.String()[from:])
		return found != nil
	})
	if found == nil {
		return ""
	}
	return found[1]
}

func TestL09SIGTERMWithLiveStreams(t *testing.T) {
	more := make(chan struct{})
	var open atomic.Int64
	s := serve(t, func(c *call) bool {
		head, body := c.answer()
		c.send(head + body[:len(body)/2])
		open.Add(1)
		<-more
		return c.send(body[len(body)/2:])
	}, nil)
	g, signals, done := lasting(t, (&fault{formats: formats}).yaml(s, s))
	cases := (&fault{formats: formats, chance: true}).cases()
	var all sync.WaitGroup
	for _, k := range cases {
		all.Go(func() {
			if o := g.ask(k.d, k.q); !o.right() {
				t.Errorf("%s was cut off: %s", k, o)
			}
		})
	}
	eventually(t, "all have begun", func() bool { return open.Load() == int64(len(cases)) })
	signals <- syscall.SIGTERM
	g.says(stopping, 0)
	resp, err := g.client.Get(g.url() + "/health/readiness")
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readiness: %v %v", resp, err)
	} else {
		resp.Body.Close()
	}
	close(more)
	all.Wait()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := g.client.Get(g.url() + "/health/readiness"); err == nil {
		t.Error("a connection was accepted after the end")
	}
}

func TestL09SecondSIGTERMEndsAtOnce(t *testing.T) {
	var open atomic.Int64
	s := serve(t, func(c *call) bool {
		head, body := c.answer()
		c.send(head + body[:len(body)/2])
		open.Add(1)
		return c.gone()
	}, nil)
	g, signals, done := lasting(t, (&fault{formats: formats}).yaml(s, s))
	var all sync.WaitGroup
	for i, d := range dialects {
		all.Go(func() {
			if o := g.ask(d, question{model: formats[i].name, stream: true}); o.right() {
				t.Errorf("a good end was faked: %s", o)
			}
		})
	}
	eventually(t, "all have begun", func() bool { return open.Load() == 4 })
	signals <- syscall.SIGTERM
	signals <- syscall.SIGTERM
	if err := <-done; err != nil && !errors.Is(err, http.ErrServerClosed) {
		t.Error(err)
	}
	all.Wait()
}

var reloaded = regexp.MustCompile(`(configuration reloaded|configuration was not reloaded)`)

// reload writes a configuration, has it read and returns what the log says.
func (g *gateway) reload(signals chan<- os.Signal, yaml string) string {
	g.t.Helper()
	from := len(g.log.String())
	g.configure(yaml)
	signals <- syscall.SIGHUP
	return g.says(reloaded, from)
}

func TestL10BadConfiguration(t *testing.T) {
	s := serve(t, healthy, nil)
	good := (&fault{formats: formats}).yaml(s, s)
	g, signals, _ := lasting(t, good)
	for name, text := range map[string]string{
		"no YAML": "model_list: [", "half": good[:len(good)/2] + "\n  {", "noise": "\x00\x01", "a missing variable": strings.Replace(good, masterKey, "os.environ/NOWHERE", 1) + "\n- [",
		"an anchor that is itself": "a: &a [*a]", "a number": "17", "wrong kind": "model_list: {a: b}}",
	} {
		if got := g.reload(signals, text); got != "configuration was not reloaded" {
			t.Errorf("%s: %q", name, got)
		}
		g.serves("chat")
	}
	if got := g.reload(signals, good); got != "configuration reloaded" {
		t.Errorf("the good one again: %q", got)
	}
	g.serves("gemini")
}

// reloads is how often L11 reloads; the soak does it a thousand times.
const reloads = 100

func TestL11NoRequestFailsDuringReloads(t *testing.T) { reloading(t, reloads) }

func reloading(t *testing.T, times int) {
	one, two := serve(t, healthy, nil), serve(t, healthy, nil)
	yamls := []string{(&fault{formats: formats}).yaml(one, one), (&fault{formats: formats}).yaml(two, two)}
	g, signals, _ := lasting(t, yamls[0])
	var stop atomic.Bool
	var clients sync.WaitGroup
	var asked atomic.Int64
	for i := range 8 {
		clients.Go(func() {
			for n := i; !stop.Load(); n++ {
				if o := g.ask(dialects[n%4], question{model: formats[n/4%4].name, stream: n%2 == 0, seed: n}); !o.right() {
					t.Errorf("request %d: %s", n, o)
				}
				asked.Add(1)
			}
		})
	}
	for n := range times {
		if got := g.reload(signals, yamls[(n+1)%2]); got != "configuration reloaded" {
			t.Errorf("reload %d: %q", n, got)
		}
	}
	stop.Store(true)
	clients.Wait()
	if one.hits.Load() == 0 || two.hits.Load() == 0 {
		t.Error("the reloads had no effect")
	}
	t.Logf("%d reloads, %d requests", times, asked.Load())
}
