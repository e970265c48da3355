package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidwall/gjson"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
	"github.com/fairlead-gateway/fairlead/internal/testkit/redisserver"
)

var (
	met  = regexp.MustCompile(`(limits, cooldowns and conversations are shared)`)
	back = regexp.MustCompile(`(the Redis server is back)`)
)

// node starts a gateway that shares its state through a server. A busy test machine may
// let it answer late: what happens then is tested elsewhere.
func node(t *testing.T, s *redisserver.Server, settings string, deployments ...string) *gateway {
	t.Helper()
	return nodeWith(t, s, "", settings, deployments...)
}

// nodeWith is node with settings of fairlead_settings too.
func nodeWith(t *testing.T, s *redisserver.Server, own, settings string, deployments ...string) *gateway {
	t.Helper()
	host, port, _ := strings.Cut(s.Addr, ":")
	g := start(t, modelList(fmt.Sprintf("router_settings: {num_retries: 0, redis_host: %s, redis_port: %q%s}\nfairlead_settings: {redis_timeout: 5%s}", host, port, settings, own), deployments...))
	if g.log.Find(0, met, g.done) == "" {
		t.Fatal("the node does not find the server")
	}
	return g
}

// minute is that of the server too: it runs on this machine.
func minute() int64 { return time.Now().Unix() / 60 }

// rounds is how often a test that must not see the end of a minute begins anew when it
// did: on a slow machine it takes a good part of one.
const rounds = 10

// flood sends n requests at once to each node and returns how many were answered, and
// how many with something other than a 429.
func flood(model string, n int, nodes ...*gateway) (answered, failed int64) {
	var ok, bad atomic.Int64
	var wg sync.WaitGroup
	for _, g := range nodes {
		for range n {
			wg.Go(func() {
				resp, err := g.do(context.Background(), plain(model, "hi"))
				if err != nil {
					bad.Add(1)
					return
				}
				defer resp.Body.Close()
				switch resp.StatusCode {
				case http.StatusOK:
					ok.Add(1)
				case http.StatusTooManyRequests:
				default:
					bad.Add(1)
				}
			})
		}
	}
	wg.Wait()
	return ok.Load(), bad.Load()
}

func TestTwoNodesKeepARequestLimitExactly(t *testing.T) {
	for round := range rounds {
		s, f := redisserver.Start(t), testkit.NewOpenAI(t)
		d := deployment("m", "openai/gpt-4o", f, "rpm: 60")
		a, b := node(t, s, ", enable_pre_call_checks: true", d), node(t, s, ", enable_pre_call_checks: true", d)
		began := minute()
		answered, failed := flood("m", 50, a, b)
		if minute() != began && round < rounds-1 {
			continue // the limit began anew meanwhile
		}
		if answered != 60 || failed != 0 || len(f.Requests()) != 60 {
			t.Errorf("%d answered, %d failed, %d arrived; want 60, 0, 60", answered, failed, len(f.Requests()))
		}
		return
	}
}

func TestTwoNodesKeepPlacesInFlightTogether(t *testing.T) {
	s, f := redisserver.Start(t), testkit.NewOpenAI(t)
	f.Inject(testkit.Hang())
	d := deployment("m", "openai/gpt-4o", f, "max_parallel_requests: 1")
	const own = ", max_queue: 0"
	a, b := nodeWith(t, s, own, "", d), nodeWith(t, s, own, "", d)
	release := occupy(t, a, f)
	if r := b.post(plain("m", "hi")); r.status != 429 || !strings.Contains(r.body, "max_parallel_requests") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	release()
	deadline := time.Now().Add(testkit.Patience)
	r := b.post(plain("m", "hi"))
	for ; r.status == 429 && time.Now().Before(deadline); r = b.post(plain("m", "hi")) {
		continue // the other node is about to give its place back
	}
	r.ok()
}

func TestARequestWaitsForAPlaceThatAnotherNodeGivesBack(t *testing.T) {
	s, f := redisserver.Start(t), testkit.NewOpenAI(t)
	f.Inject(testkit.Hang())
	d := deployment("m", "openai/gpt-4o", f, "max_parallel_requests: 1")
	const own = ", max_queue_wait: 20, first_ping_after: 0.001, ping_interval: 0.001" // who waits gets a keepalive
	a, b := nodeWith(t, s, own, "", d), nodeWith(t, s, own, "", d)
	release := occupy(t, a, f)
	waits := b.open(context.Background(), streamed(plain("m", "waits")))
	defer waits.Body.Close()
	if n := len(f.Requests()); n != 1 {
		t.Fatalf("%d calls at once", n)
	}
	release()
	body, err := io.ReadAll(waits.Body)
	if err != nil || !strings.Contains(string(body), "[DONE]") {
		t.Errorf("%v: %s", err, body)
	}
}

func TestAConversationStaysWithItsDeploymentAtEveryNode(t *testing.T) {
	s, first, second := redisserver.Start(t), testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	list := []string{deployment("m", "openai/gpt-4o", first), deployment("m", "openai/gpt-4o", second)}
	a, b := node(t, s, "", list...), node(t, s, "", list...)
	for i := range 8 {
		first.Forget()
		second.Forget()
		ask, said := user(fmt.Sprintf("question %d", i)), `{"role":"assistant","content":"answer"}`
		a.post(chat("m", ask)).ok()
		told := fmt.Sprintf("*%d", i+1)
		for deadline := time.Now().Add(testkit.Patience); s.Do("KEYS", "fairlead:stay:*") != told && time.Now().Before(deadline); {
			continue // nobody waits for that to be told
		}
		a.post(chat("m", ask, said, user("more"))).ok()
		b.post(chat("m", ask, said, user("and more"))).ok()
		if n, m := len(first.Requests()), len(second.Requests()); n != 0 && m != 0 {
			t.Errorf("conversation %d went %d times here and %d times there", i, n, m)
		}
	}
}

func TestAClientThatAsksOneAfterTheOtherFindsItsPlaceFree(t *testing.T) {
	s, f := redisserver.Start(t), testkit.NewOpenAI(t)
	g := node(t, s, "", deployment("m", "openai/gpt-4o", f, "max_parallel_requests: 1"))
	for range 50 {
		g.post(plain("m", "hi")).ok()
	}
}

func TestACooldownOfOneNodeIsSeenByTheOther(t *testing.T) {
	s, first, second := redisserver.Start(t), testkit.NewOpenAI(t), testkit.NewOpenAI(t)
	list := []string{deployment("m", "openai/gpt-4o", first, "order: 1"), deployment("m", "openai/gpt-4o", second, "order: 2")}
	a, b := node(t, s, ", cooldown_time: 60", list...), node(t, s, ", cooldown_time: 60", list...)
	first.Always(testkit.Fail(401))
	a.post(plain("m", "hi")) // no retry: the client sees it
	first.Heal()
	first.Forget()
	deadline := time.Now().Add(testkit.Patience)
	for gjson.Get(b.send(http.MethodGet, "/health", "").body, "unhealthy_count").Int() == 0 && time.Now().Before(deadline) {
		continue // the next beat tells it
	}
	for range 3 {
		b.post(plain("m", "hi")).ok()
	}
	if n := len(first.Requests()); n != 0 {
		t.Errorf("%d requests went to a deployment that rests", n)
	}
}

func TestReasoningStateOfOneNodeIsRestoredByTheOther(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		s, f := redisserver.Start(t), testkit.NewGemini(t)
		d := deployment("smart", "gemini/gemini-3.1-pro-preview", f, short)
		a, b := node(t, s, "", d), node(t, s, "", d)
		m := firstTurn(a, chat("smart", user(askParis)), stream)
		id := gjson.Get(m, "tool_calls.0.id").String()
		b.post(chat("smart", user(askParis), call(id, "weather", paris), result(id, "sun"))).ok()
		carries(t, f.Last(t), given(t, m))
		unrefused(t, f)
	})
}

func TestAConversationByIDGoesOnAtAnotherNode(t *testing.T) {
	s, f := redisserver.Start(t), testkit.NewOpenAI(t)
	d := deployment("m", "openai/gpt-4o", f)
	a, b := node(t, s, "", d), node(t, s, "", d)
	first := a.send(http.MethodPost, "/v1/responses", `{"model":"m","input":"first words"}`).ok().get("id").String()
	b.send(http.MethodPost, "/v1/responses", `{"model":"m","input":"and now?","previous_response_id":`+quote(first)+`}`).ok()
	if sent := string(f.Last(t).Body); !strings.Contains(sent, "first words") || !strings.Contains(sent, "and now?") {
		t.Errorf("the conversation is lost: %s", sent)
	}
	if r := b.send(http.MethodDelete, "/v1/responses/"+first, ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	deadline := time.Now().Add(testkit.Patience)
	r := a.send(http.MethodGet, "/v1/responses/"+first, "")
	for ; r.status == 200 && time.Now().Before(deadline); r = a.send(http.MethodGet, "/v1/responses/"+first, "") {
		continue // the next beat tells it
	}
	if r.status != 404 {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// load keeps both nodes busy until stop is called, which returns how many requests
// were answered and how many failed.
func load(nodes ...*gateway) (stop func() (answered, failed int64)) {
	var ok, bad atomic.Int64
	var wg sync.WaitGroup
	done := make(chan struct{})
	for _, g := range nodes {
		for range 3 {
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					n, m := flood("m", 1, g)
					if ok.Add(n); n == 0 {
						bad.Add(1)
					}
					bad.Add(m)
				}
			})
		}
	}
	return func() (int64, int64) {
		close(done)
		wg.Wait()
		return ok.Load(), bad.Load()
	}
}

func TestTheServerDiesUnderLoadAndComesBack(t *testing.T) {
	for round := range rounds {
		began := minute()
		s, f := redisserver.Start(t), testkit.NewOpenAI(t)
		list := []string{
			deployment("m", "openai/gpt-4o", f, "rpm: 100000000", "tpm: 100000000000", "max_parallel_requests: 1000"),
			deployment("few", "openai/gpt-4o-mini", f, "rpm: 40"),
		}
		a, b := node(t, s, ", enable_pre_call_checks: true", list...), node(t, s, ", enable_pre_call_checks: true", list...)
		stop := load(a, b)
		before, bad := flood("few", 5, a, b)
		s.Kill()
		alone, worse := flood("few", 5, a, b)
		s.Resume()
		for _, g := range []*gateway{a, b} {
			if g.log.Find(0, back, g.done) == "" {
				t.Error("a node does not find the server again")
			}
		}
		after, worst := flood("few", 40, a, b)
		answered, failed := stop()
		if failed += bad + worse + worst; failed != 0 || answered == 0 {
			t.Errorf("%d requests failed, %d were answered", failed, answered)
		}
		if minute() != began && round < rounds-1 {
			continue // the limit began anew meanwhile
		}
		if before != 10 || alone != 10 || after != 20 {
			t.Errorf("%d, then without a server %d, then %d of 40 were answered; want 10, 10, 20", before, alone, after)
		}
		return
	}
}

func TestWithoutTheServerANodeStartsAndAnswers(t *testing.T) {
	s, f := redisserver.Start(t), testkit.NewOpenAI(t)
	s.Kill()
	g := start(t, modelList("router_settings: {num_retries: 0, enable_pre_call_checks: true, redis_url: \"redis://:canary-pw@"+s.Addr+"\"}",
		deployment("m", "openai/gpt-4o", f, "rpm: 3")))
	answered, failed := flood("m", 5, g)
	if answered < 3 || failed != 0 {
		t.Errorf("%d answered, %d failed", answered, failed)
	}
	if g.log.Find(0, regexp.MustCompile(`(the Redis server does not answer)`), g.done) == "" {
		t.Error("nobody says that the server is not there")
	}
	if strings.Contains(g.log.String(), "canary-pw") {
		t.Error("the log shows the password")
	}
}
