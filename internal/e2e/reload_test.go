package e2e_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

var reloaded = regexp.MustCompile(`(configuration reloaded|configuration was not reloaded)`)

// reload asks for the configuration to be read again, as an operator does, and
// returns what the log says when that is done.
func (g *gateway) reload() string {
	g.t.Helper()
	from := g.log.Size()
	g.signals <- syscall.SIGHUP
	return g.log.Find(from, reloaded, g.done)
}

func TestL11NoRequestFailsDuringReloads(t *testing.T) {
	a, b := testkit.NewOpenAI(t), testkit.NewAnthropic(t)
	one := modelList(noRetries, deployment("m", "openai/gpt-4o", a))
	two := modelList(noRetries, deployment("m", sonnet, b))
	g := start(t, one)
	var stop atomic.Bool
	var clients sync.WaitGroup
	for i := range 4 {
		clients.Go(func() {
			for n := 0; !stop.Load(); n++ {
				body := plain("m", fmt.Sprintf("<<text:%d-%d>>", i, n))
				if n%2 == 0 {
					body = streamed(body)
				}
				resp, err := g.do(context.Background(), body)
				if err != nil {
					t.Errorf("request %d-%d: %v", i, n, err)
					return
				}
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("request %d-%d: %v %d %s", i, n, err, resp.StatusCode, text)
				}
			}
		})
	}
	for n := range 20 {
		g.configure([]string{two, one}[n%2])
		if got := g.reload(); got != "configuration reloaded" {
			t.Errorf("reload %d: %q", n, got)
		}
	}
	stop.Store(true)
	clients.Wait()
	if len(a.Requests()) == 0 || len(b.Requests()) == 0 {
		t.Errorf("%d and %d requests: the reload had no effect", len(a.Requests()), len(b.Requests()))
	}
}

func TestL10BadFileLeavesTheOldConfigurationServing(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	for _, bad := range []string{"model_list: [", "model_list: {a: b}}", "\x00"} {
		g.configure(bad)
		if got := g.reload(); got != "configuration was not reloaded" {
			t.Errorf("%q: %q", bad, got)
		}
		g.post(plain("m", "hi")).ok()
	}
	g.configure(modelList(noRetries, deployment("other", "openai/gpt-4o", f)))
	g.reload()
	g.post(plain("other", "hi")).ok()
}

func TestStreamThatBeganBeforeAReloadEndsAsItBegan(t *testing.T) {
	a, b := testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", a)))
	more := make(chan struct{})
	a.Inject(testkit.PauseAfterEvents(2, more))
	resp := g.open(context.Background(), streamed(plain("m", speech)))
	defer resp.Body.Close()
	g.configure(modelList(noRetries, deployment("m", "openai/gpt-4o", b)))
	g.reload()
	close(more)
	if text, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(text), "[DONE]") {
		t.Errorf("%v %q", err, text)
	}
}

func TestL09DrainLetsStreamsFinishAndRefusesTheRest(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	more := make(chan struct{})
	f.Inject(testkit.PauseAfterEvents(2, more))
	resp := g.open(context.Background(), streamed(plain("m", speech)))
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	if _, err := lines.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	from := g.log.Size()
	g.signals <- syscall.SIGTERM
	if g.log.Find(from, regexp.MustCompile("(stopping)"), g.done) == "" {
		t.Fatal("the log does not say that it stops")
	}
	close(more)
	if text, err := io.ReadAll(lines); err != nil || !strings.Contains(string(text), "[DONE]") {
		t.Errorf("the stream was cut off: %v %q", err, text)
	}
	within(t, "the program ended", g.done)
	if _, err := g.do(context.Background(), plain("m", "hi")); err == nil {
		t.Error("a connection was accepted after the end")
	}
}

func TestL09SecondSignalEndsAtOnce(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList(noRetries, deployment("m", "openai/gpt-4o", f)))
	f.Inject(testkit.PauseAfterEvents(2, make(chan struct{})))
	resp := g.open(context.Background(), streamed(plain("m", speech)))
	defer resp.Body.Close()
	g.signals <- syscall.SIGTERM
	g.signals <- syscall.SIGTERM
	within(t, "the program ended", g.done)
	within(t, "the upstream's connection was closed", f.Gone())
}
