package hostile_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

var reloaded = regexp.MustCompile(`(configuration reloaded|configuration was not reloaded)`)

// reload asks for the configuration to be read again and returns what the log
// says of it.
func (g *gateway) reload() string {
	g.t.Helper()
	from := len(g.log.String())
	g.signals <- syscall.SIGHUP
	said := g.log.Find(from, reloaded, g.done)
	if said == "" {
		g.t.Fatalf("the reload was never told of:\n%s", g.log)
	}
	return said
}

func TestL10BadFilesNeverReplaceTheGoodConfiguration(t *testing.T) {
	good := three(t, "")
	g := start(t, good)
	for name, text := range map[string]string{
		"broken YAML":      "model_list: [\n",
		"empty":            "",
		"half of the file": good[:len(good)/3],
		"another file":     "<!doctype html>\n",
		"a guardrail":      good + "guardrails: [{guardrail_name: g, litellm_params: {guardrail: presidio, mode: pre_call}}]\n",
		"custom_auth":      strings.Replace(good, "general_settings: {", "general_settings: {custom_auth: a.b, ", 1),
		"binary":           "\x00\x01\x02\xff",
		"a bomb":           "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c,*c,*c,*c]\n<",
	} {
		write(t, g.config, text)
		if said := g.reload(); !strings.Contains(said, "was not reloaded") {
			t.Errorf("%s: %s", name, said)
		}
		g.alive()
	}
	if err := os.Remove(g.config); err != nil {
		t.Fatal(err)
	}
	if said := g.reload(); !strings.Contains(said, "was not reloaded") {
		t.Errorf("missing file: %s", said)
	}
	g.alive()
	write(t, g.config, good+"litellm_settings: {drop_params: true}\n")
	if said := g.reload(); said != "configuration reloaded" {
		t.Errorf("the good file: %s", said)
	}
	g.alive()
}

func TestL11ReloadsUnderLoadFailNoRequest(t *testing.T) {
	good := three(t, "")
	g := start(t, good)
	var (
		wg     sync.WaitGroup
		stop   atomic.Bool
		served atomic.Int64
	)
	for i := range 4 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			body := completion([]string{"gpt", "claude", "gem", "gpt"}[i], said, []string{"", `,"stream":true`, "", `,"stream":true`}[i])
			for !stop.Load() {
				a := g.chat(body)
				if a.status != http.StatusOK || strings.Contains(body, "stream") && !strings.Contains(a.body, "[DONE]") {
					t.Errorf("during a reload: %d %.300s", a.status, a.body)
					return
				}
				served.Add(1)
			}
		}()
	}
	for i := range 30 {
		text := good + fmt.Sprintf("litellm_settings: {num_retries: %d}\n", i)
		if i%3 == 2 {
			text = "model_list: [\n"
		}
		write(t, g.config, text)
		g.reload()
	}
	stop.Store(true)
	wg.Wait()
	if served.Load() < 4 {
		t.Errorf("only %d requests were served meanwhile", served.Load())
	}
}

// streaming opens a stream that pauses until ch is closed and returns when its
// head is here.
func (g *gateway) streaming(f *testkit.Fake) *net.TCPConn {
	g.t.Helper()
	c := g.dial()
	send(g.t, c, request("POST", "/v1/chat/completions", completion("m", `[{"role":"user","content":"<<text:one two three four five six seven>>"}]`, `,"stream":true`)))
	until(g.t, "the stream begins upstream", f.Arrived())
	if _, err := io.ReadFull(c, make([]byte, 100)); err != nil {
		g.t.Fatal(err)
	}
	return c
}

var stopping = regexp.MustCompile(`(stopping)`)

func TestL09StreamsFinishAfterSIGTERM(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, "model_list:\n"+deployment("m", "openai/gpt-4o", f)+"general_settings: {master_key: "+masterKey+"}\n")
	release := make(chan struct{})
	f.Always(testkit.PauseAfterEvents(4, release))
	var streams []*net.TCPConn
	for range 5 {
		streams = append(streams, g.streaming(f))
	}
	g.signals <- syscall.SIGTERM
	if g.log.Find(0, stopping, g.done) == "" {
		t.Fatalf("the signal was never told of:\n%s", g.log)
	}
	close(release)
	for i, c := range streams {
		b, err := io.ReadAll(c)
		if err != nil || !strings.Contains(string(b), "[DONE]") {
			t.Errorf("stream %d was cut off: %v %.200s", i, err, b)
		}
	}
	until(t, "the program ends", g.done)
	if g.code != 0 {
		t.Errorf("exit code %d", g.code)
	}
}

func TestL09ASecondSignalEndsAtOnceAndFakesNoEnd(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, "model_list:\n"+deployment("m", "openai/gpt-4o", f)+"general_settings: {master_key: "+masterKey+"}\n")
	f.Always(testkit.PauseAfterEvents(4, nil))
	c := g.streaming(f)
	g.signals <- syscall.SIGTERM
	if g.log.Find(0, stopping, g.done) == "" {
		t.Fatal("the signal was never told of")
	}
	g.signals <- syscall.SIGTERM
	until(t, "the program ends", g.done)
	b, _ := io.ReadAll(c)
	if text := string(b); strings.Contains(text, "[DONE]") || strings.Contains(text, `"finish_reason":"stop"`) || strings.HasSuffix(text, "\r\n0\r\n\r\n") {
		t.Errorf("a good end was faked: %s", text)
	}
}

func TestABusyPortIsOneSentenceWithTheRemedy(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	path := filepath.Join(t.TempDir(), "config.yaml")
	write(t, path, "model_list: []\n")
	port := ln.Addr().(*net.TCPAddr).Port
	g := run(t, []string{"--config", path, "--host", "127.0.0.1", "--port", fmt.Sprint(port)}, nil)
	until(t, "the program ends", g.done)
	if text := g.log.String(); g.code != 1 || !strings.Contains(text, fmt.Sprintf("port %d is taken", port)) || !strings.Contains(text, "--port") || strings.Contains(text, "goroutine") {
		t.Errorf("exit code %d: %s", g.code, text)
	}
}
