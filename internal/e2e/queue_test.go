package e2e_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// busyOne is a gateway whose only deployment takes one call at a time and has one, which
// ends with done. Who waits gets a keepalive at once, so that a test knows that it does.
func busyOne(t *testing.T, settings string) (g *gateway, f *testkit.Fake, done func()) {
	t.Helper()
	f = testkit.NewOpenAI(t)
	hold, ended := make(chan struct{}), make(chan struct{})
	f.Inject(testkit.Wait(hold))
	g = start(t, modelList(noRetries+"\nfairlead_settings: {first_ping_after: 0.001, ping_interval: 0.001, "+settings+"}",
		deployment("m", "openai/gpt-4o", f, "max_parallel_requests: 1")))
	go func() {
		defer close(ended)
		g.post(plain("m", "first")).ok()
	}()
	within(t, "the first request to arrive", f.Arrived())
	return g, f, func() {
		close(hold)
		within(t, "the first request to end", ended)
	}
}

func TestARequestWaitsForAPlaceAndWhySaysSo(t *testing.T) {
	g, f, done := busyOne(t, "")
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	gone := g.open(ctx, streamed(plain("m", "leaves")))
	defer gone.Body.Close()
	waits := g.open(context.Background(), streamed(with(plain("m", "waits"), "priority", "3")))
	defer waits.Body.Close()
	if n := len(f.Requests()); n != 1 {
		t.Fatalf("%d calls at once", n)
	}
	leave()
	g.log.Find(0, requestLine, g.done) // the line of the one that left
	done()
	body, err := io.ReadAll(waits.Body)
	if err != nil || !strings.Contains(string(body), "[DONE]") {
		t.Fatalf("%v: %s", err, body)
	}
	id := waits.Header.Get("x-litellm-call-id")
	w := g.why(id)
	for w.status == 404 {
		w = g.why(id) // it is written after the answer
	}
	if q := w.get(`decisions.#(what=="given a place in the queue")`); q.Get("wait_ms").Float() <= 0 {
		t.Errorf("why: %s", w.body)
	}
	sent := f.Requests()
	if len(sent) != 2 || strings.Contains(string(sent[1].Body), "priority") {
		t.Errorf("%d calls, the last: %s", len(sent), sent[len(sent)-1].Body)
	}
}

func TestAFullQueueAnswers429WithRetryAfter(t *testing.T) {
	g, _, done := busyOne(t, "max_queue: 1")
	defer done()
	waits := g.open(context.Background(), streamed(plain("m", "waits")))
	defer waits.Body.Close()
	r := g.post(plain("m", "one too many"))
	if r.status != 429 || r.header.Get("Retry-After") != "1" || !strings.Contains(r.body, "max_queue") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := g.post(with(plain("m", "wrong"), "priority", `"high"`)); r.status != 400 || !strings.Contains(r.body, "priority") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

func TestWaitingTooLongIs429(t *testing.T) {
	g, f, done := busyOne(t, "max_queue_wait: 0.01")
	defer done()
	r := g.post(plain("m", "too late"))
	if r.status != 429 || !strings.Contains(r.body, "max_queue_wait") || len(f.Requests()) != 1 {
		t.Errorf("%d %s", r.status, r.body)
	}
}
