package e2e_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// slowAndQuick is a hedging gateway over two deployments of which the first is asked
// first.
func slowAndQuick(t *testing.T, settings string) (g *gateway, slow, quick *testkit.Fake) {
	t.Helper()
	slow = testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: "S"}))
	quick = testkit.NewOpenAI(t, testkit.WithReplies(testkit.Reply{Text: "Q"}))
	g = start(t, modelList("router_settings: {num_retries: 0, allowed_fails: 100}\nfairlead_settings: {"+settings+"}",
		deployment("m", "openai/gpt-4o", slow, "order: 1"), deployment("m", "openai/gpt-4o", quick, "order: 2")))
	return g, slow, quick
}

func TestTheFirstOfTwoDeploymentsToSpeakAnswersAndTheOtherIsCancelled(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, slow, quick := slowAndQuick(t, "hedge_after: 0.02")
		slow.Inject(testkit.Hang())
		body := plain("m", "hi")
		if stream {
			body = streamed(body)
		}
		r := g.post(body).ok()
		if !strings.Contains(r.body, `"Q"`) || strings.Contains(r.body, `"S"`) {
			t.Errorf("the answer: %s", r.body)
		}
		within(t, "the slow one to be left", slow.Gone())
		if n, m := len(slow.Requests()), len(quick.Requests()); n != 1 || m != 1 {
			t.Errorf("%d and %d calls", n, m)
		}
		id := r.header.Get("x-litellm-call-id")
		line := g.log.Find(0, requestLine, g.done)
		if !strings.Contains(line, "status=200") {
			t.Errorf("the log: %s", line)
		}
		if !strings.Contains(g.log.String(), "another deployment spoke first") {
			t.Error("the log says nothing of the call that was cancelled")
		}
		w := g.why(id).ok()
		if lost := w.get(`attempts.#(lost==true)`); lost.Get("cost_usd").Float() <= 0 || !lost.Get("cost_estimated").Bool() {
			t.Errorf("the cost of the one that was cancelled: %s", lost.Raw)
		}
		if !w.get(`attempts.#(lost==true).deployment`).Exists() || w.get(`attempts.#(status==200).lost`).Bool() ||
			!w.get(`decisions.#(what=="asked beside one that says nothing")`).Exists() || !w.get(`decisions.#(what=="cancelled, another spoke first")`).Exists() {
			t.Errorf("why: %s", w.body)
		}
	})
}

func TestAFirstDeploymentThatSpeaksInTimeIsNotHedged(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		g, slow, quick := slowAndQuick(t, "hedge_after: 15")
		body := plain("m", "hi")
		if stream {
			body = streamed(body)
		}
		if r := g.post(body).ok(); !strings.Contains(r.body, `"S"`) {
			t.Errorf("the answer: %s", r.body)
		}
		if n, m := len(slow.Requests()), len(quick.Requests()); n != 1 || m != 0 {
			t.Errorf("%d and %d calls", n, m)
		}
	})
}

func TestAHedgeIsNoPingPongOfFailures(t *testing.T) {
	bothWays(t, func(t *testing.T, stream bool) {
		body := plain("m", "hi")
		if stream {
			body = streamed(body)
		}
		// The second fails at once; the first still answers.
		g, slow, quick := slowAndQuick(t, "hedge_after: 0.01")
		hold := make(chan struct{})
		slow.Inject(testkit.Wait(hold))
		quick.Inject(testkit.Fail(500))
		go func() {
			<-quick.Arrived()
			close(hold)
		}()
		if r := g.post(body).ok(); !strings.Contains(r.body, `"S"`) {
			t.Errorf("the answer: %s", r.body)
		}
		// Both fail: the client gets the error of the last.
		slow.Inject(testkit.Fail(503).After(quick.Arrived()))
		quick.Inject(testkit.Fail(500))
		if r := g.post(body); r.status < 500 {
			t.Errorf("%d %s", r.status, r.body)
		}
	})
}

func TestAHedgedStreamGetsKeepalivesAndItsAnswerOnce(t *testing.T) {
	g, slow, quick := slowAndQuick(t, "hedge_after: 0.05, ping_interval: 0.005, first_ping_after: 0.005")
	hold := make(chan struct{})
	slow.Inject(testkit.Hang())
	quick.Inject(testkit.Wait(hold))
	resp := g.open(context.Background(), streamed(plain("m", "hi")))
	defer resp.Body.Close()
	within(t, "the second to be asked", quick.Arrived())
	close(hold)
	all, err := io.ReadAll(resp.Body)
	body := string(all)
	if err != nil || !strings.HasPrefix(body, ":") || strings.Count(body, "[DONE]") != 1 || strings.Contains(body, `"S"`) {
		t.Errorf("%v %s", err, body)
	}
}

func TestAClientThatLeavesAHedgedCallLeavesBoth(t *testing.T) {
	g, slow, quick := slowAndQuick(t, "hedge_after: 0.01")
	slow.Inject(testkit.Hang())
	quick.Inject(testkit.Hang())
	ctx, leave := context.WithCancel(context.Background())
	go func() {
		if resp, err := g.do(ctx, plain("m", "hi")); err == nil {
			_ = resp.Body.Close()
		}
	}()
	within(t, "the second to be asked", quick.Arrived())
	leave()
	within(t, "the first to be left", slow.Gone())
	within(t, "the second to be left", quick.Gone())
	if line := g.log.Find(0, requestLine, g.done); !strings.Contains(line, "status=499") {
		t.Errorf("the log: %s", line)
	}
}

// silent is an upstream that says nothing until its caller leaves, or it is let go; asked
// and left tell of the calls.
func silent(t *testing.T) (url string, asked, left, let chan struct{}) {
	t.Helper()
	asked, left, let = make(chan struct{}, 9), make(chan struct{}, 9), make(chan struct{})
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // else nobody sees the caller leave
		asked <- struct{}{}
		select {
		case <-r.Context().Done():
			left <- struct{}{}
		case <-let:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"data":[]}`)
		}
	}))
	t.Cleanup(up.Close)
	return up.URL, asked, left, let
}

// racing is a gateway that hedges between two upstreams of which the first is asked first.
func racing(t *testing.T, first, second string) *gateway {
	t.Helper()
	entry := "- model_name: m\n  litellm_params: {model: openai/x, api_base: %s, api_key: sk-0, order: %d}\n"
	return start(t, modelList("router_settings: {num_retries: 0}\nfairlead_settings: {hedge_after: 0.02}",
		fmt.Sprintf(entry, first, 1), fmt.Sprintf(entry, second, 2)))
}

func TestTheFirstOfTwoDeploymentsAnswersATaskToo(t *testing.T) {
	url, _, left, _ := silent(t)
	quick := upstreamWith(t, map[string][]cannedAnswer{
		"/embeddings": {jsonAnswer(`{"data":[{"embedding":[1]}],"usage":{"prompt_tokens":3}}`)}, "/moderations": {jsonAnswer(`{"results":[]}`)},
	})
	g := racing(t, url, quick.URL)
	for path, want := range map[string]string{"/v1/embeddings": `"embedding":[1]`, "/v1/moderations": `"results"`} {
		r := g.send("POST", path, `{"model":"m","input":"hi"}`).ok()
		if !strings.Contains(r.body, want) || r.header.Get("x-litellm-model-id") == "" {
			t.Errorf("%s: %s", path, r.body)
		}
		within(t, "the silent one to be left", left)
		if w := g.why(r.header.Get("x-litellm-call-id")).ok(); !w.get(`attempts.#(lost==true).deployment`).Exists() {
			t.Errorf("%s: why: %s", path, w.body)
		}
	}
}

func TestTheCostOfATaskThatWasCancelledIsEstimated(t *testing.T) {
	url, _, left, _ := silent(t)
	canned := map[string][]cannedAnswer{
		"/embeddings": {jsonAnswer(`{"data":[]}`)}, "/moderations": {jsonAnswer(`{"results":[]}`)}, "/rerank": {jsonAnswer(`{"results":[]}`)},
	}
	for price, asks := range map[string]map[string][2]string{
		"input_cost_per_token: 1": {
			"a text":               {"/v1/embeddings", `{"model":"m","input":"one two three"}=3.0`},
			"a list":               {"/v1/embeddings", `{"model":"m","input":["one","two three"]}=3.0`},
			"tokens":               {"/v1/embeddings", `{"model":"m","input":[[7,8],[9,10,11]]}=5.0`},
			"a moderation":         {"/v1/moderations", `{"model":"m","input":[{"type":"text","text":"one two"}]}=2.0`},
			"nothing that counts":  {"/v1/embeddings", `{"model":"m","input":[]}=`},
			"documents and a text": {"/v1/rerank", `{"model":"m","query":"one","documents":["one two",{"text":"three"}]}=5.0`},
		},
		"input_cost_per_query: 0.5": {"a search": {"/v1/rerank", `{"model":"m","query":"one","documents":["two"]}=0.5`}},
		"rpm: 100000":               {"without a price": {"/v1/embeddings", `{"model":"m","input":"one"}=`}},
	} {
		quick := upstreamWith(t, canned)
		entry := "- model_name: m\n  litellm_params: {model: hosted_vllm/x, api_base: %s, order: %d, " + price + "}\n"
		g := start(t, modelList("router_settings: {num_retries: 0}\nfairlead_settings: {hedge_after: 0.02}", fmt.Sprintf(entry, url, 1), fmt.Sprintf(entry, quick.URL, 2)))
		for name, ask := range asks {
			body, want, _ := strings.Cut(ask[1], "=")
			r := g.send("POST", ask[0], body).ok()
			within(t, "the silent one to be left", left)
			id := r.header.Get("x-litellm-call-id")
			g.log.Find(0, regexp.MustCompile(`request id.*`+id), g.done)
			lost := g.why(id).ok().get(`attempts.#(lost==true)`)
			if lost.Get("cost_usd").String() != want || lost.Get("cost_estimated").Bool() != (want != "") {
				t.Errorf("%s: want %q: %s", name, want, lost.Raw)
			}
		}
		g.stop()
	}
}

func TestWhatIsDearIsNotAskedOfTwo(t *testing.T) {
	url, asked, _, let := silent(t)
	quick := upstreamWith(t, map[string][]cannedAnswer{"/embeddings": {jsonAnswer(`{"data":[]}`)}})
	g := racing(t, url, quick.URL)
	answered := make(chan reply)
	go func() { answered <- g.send("POST", "/v1/images/generations", `{"model":"m","prompt":"a cat"}`) }()
	within(t, "the silent one to be asked", asked)
	// An embedding that is hedged meanwhile shows that the time for it has passed.
	g.send("POST", "/v1/embeddings", `{"model":"m","input":"hi"}`).ok()
	close(let)
	if r := <-answered; r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	quick.mu.Lock()
	defer quick.mu.Unlock()
	for _, call := range quick.seen {
		if strings.Contains(call.path, "images") {
			t.Errorf("asked for %s", call.path)
		}
	}
}
