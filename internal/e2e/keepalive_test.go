package e2e_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// impatient is a gateway that sends keepalives all the time.
const impatient = "router_settings: {num_retries: 0}\nfairlead_settings: {ping_interval: 0.005, first_ping_after: 0.005}\n"

const anthropicPing = "event: ping\ndata: {\"type\":\"ping\"}\n\n"

// pinged asks for a stream and returns when the first keepalive is there, with a
// function that lets go and reads the rest.
func (d dialect) pinged(t *testing.T, g *gateway, q question, release func()) (answer, reply) {
	t.Helper()
	resp, err := g.request(context.Background(), http.MethodPost, d.path(q), d.body(q))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	first, err := lines.ReadString('\n')
	if err != nil || strings.Contains(first, "data:") {
		t.Fatalf("%q before the keepalive: %v", first, err)
	}
	release()
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	r := reply{t, resp.StatusCode, resp.Header, unpinged(first + string(rest))}
	return d.read(t, q, r), r
}

// unpinged is an answer without the keepalives before its start, which clients read away.
func unpinged(body string) string {
	for strings.HasPrefix(body, anthropicPing) {
		body = body[len(anthropicPing):]
	}
	return body
}

func TestAfterAKeepaliveAFallbackIsStillFree(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		everyFamily(t, func(t *testing.T, fam family) {
			bad, good := fam.fake(t), testkit.NewOpenAI(t)
			g := start(t, modelList(impatient+"litellm_settings: {fallbacks: [{m: [spare]}]}",
				deployment("m", fam.model, bad), deployment("spare", "openai/gpt-4o", good)))
			down := make(chan struct{})
			bad.Inject(testkit.Fail(503).After(down))
			a, r := d.pinged(t, g, ask("m", speech).streaming(true), func() { close(down) })
			if a.text != "one two three four five six seven" || a.failure != nil || r.status != http.StatusOK {
				t.Errorf("%d %+v of %q", r.status, a, r.body)
			}
		})
	})
}

func TestKeepaliveThatOpensTheStreamSaysWhatIsCalled(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, modelList("fairlead_settings: {ping_interval: 0.005, first_ping_after: 0.5}", deployment("m", "openai/gpt-4o", f))) // something is called by then
	released := make(chan struct{})
	f.Inject(testkit.PauseAfterEvents(0, released))
	d := dialects[0]
	_, r := d.pinged(t, g, ask("m", speech).streaming(true), func() { close(released) })
	for name, want := range map[string]string{
		"X-Litellm-Model-Group": "m", "X-Litellm-Model-Name": "openai/gpt-4o", "X-Litellm-Attempted-Retries": "0", "X-Litellm-Attempted-Fallbacks": "0",
	} {
		if got := r.header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if r.header.Get("X-Litellm-Model-Id") == "" {
		t.Error("no deployment is named")
	}
}

func TestAfterAKeepaliveAFailureIsTheDialectsErrorInTheStream(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		f := testkit.NewOpenAI(t)
		g := start(t, modelList(impatient, deployment("m", "openai/gpt-4o", f)))
		down := make(chan struct{})
		f.Inject(testkit.Fail(503).After(down))
		a, r := d.pinged(t, g, ask("m", speech).streaming(true), func() { close(down) })
		if a.failure == nil || a.failure.message == "" || a.text != "" || r.status != http.StatusOK {
			t.Errorf("%d %+v of %q", r.status, a, r.body)
		}
	})
}

func TestKeepalivesBetweenEventsLeaveTheAnswerWhole(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		everyFamily(t, func(t *testing.T, fam family) {
			f := fam.fake(t)
			g := start(t, modelList(impatient, deployment("m", fam.model, f)))
			more := make(chan struct{})
			f.Inject(testkit.PauseAfterEvents(fam.first+5, more))
			q := ask("m", speech).streaming(true)
			resp, err := g.request(context.Background(), http.MethodPost, d.path(q), d.body(q))
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := readUntilPingAfter(t, resp.Body, "o")
			close(more)
			rest, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			a := d.read(t, q, reply{t, resp.StatusCode, resp.Header, unpinged(body + string(rest))})
			if a.text != "one two three four five six seven" || a.failure != nil {
				t.Errorf("%+v of %q", a, body+string(rest))
			}
		})
	})
}

// readUntilPingAfter reads an answer until a keepalive has come after its first
// content: one more write, when the upstream is silent.
func readUntilPingAfter(t *testing.T, body io.Reader, content string) string {
	t.Helper()
	var got strings.Builder
	buf := make([]byte, 4<<10)
	for {
		n, err := body.Read(buf)
		if err != nil {
			t.Fatalf("%v after %q", err, got.String())
		}
		piece := string(buf[:n])
		seen := strings.Contains(got.String(), content)
		got.WriteString(piece)
		if seen && (strings.HasSuffix(piece, "ping\n\n") || strings.HasSuffix(piece, "\"ping\"}\n\n") || strings.Trim(piece, "\n") == "") {
			return got.String()
		}
	}
}

func TestAClientThatLeavesAfterAKeepaliveClosesTheUpstream(t *testing.T) {
	everyDialect(t, func(t *testing.T, d dialect) {
		f := testkit.NewOpenAI(t)
		g := start(t, modelList(impatient, deployment("m", "openai/gpt-4o", f)))
		f.Inject(testkit.Hang())
		q := ask("m", speech).streaming(true)
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		resp, err := g.request(ctx, http.MethodPost, d.path(q), d.body(q))
		if err != nil {
			t.Fatal(err)
		}
		within(t, "the upstream got the request", f.Arrived()) // the keepalive may come sooner
		resp.Body.Close()
		cancel()
		within(t, "the upstream's connection was closed", f.Gone())
		if line := g.log.Find(0, requestLine, g.done); !strings.Contains(line, "ClientDisconnected") {
			t.Errorf("the log says %s", line)
		}
	})
}

// TestTimeoutsOfTokensNameTheirStage: an upstream that holds its connection with
// keepalives and says nothing is left for another.
func TestTimeoutsOfTokensNameTheirStage(t *testing.T) {
	never := make(chan struct{})
	cases := []struct {
		name, setting string
		fault         func(family) testkit.Fault
		text          string
	}{
		{"header", "response_header_timeout: 0.1", func(family) testkit.Fault { return testkit.Hang() }, "did not begin to answer within 100ms"},
		{"first token", "first_token_timeout: 0.1", func(fam family) testkit.Fault { return testkit.PauseAfterEvents(fam.first, never) }, "did not send its first token within 100ms"},
		{"between tokens", "between_tokens_timeout: 0.1", func(fam family) testkit.Fault { return testkit.PauseAfterEvents(fam.first+2, never) }, "did not send another token within 100ms"},
	}
	everyFamily(t, func(t *testing.T, fam family) {
		for _, tt := range cases {
			t.Run(tt.name, func(t *testing.T) {
				f := fam.fake(t)
				g := start(t, modelList(noRetries+"\nfairlead_settings: {"+tt.setting+"}", deployment("m", fam.model, f)))
				f.Inject(tt.fault(fam))
				r := g.post(streamed(plain("m", speech)))
				if !strings.Contains(r.body, tt.text) {
					t.Errorf("%d %s", r.status, r.body)
				}
				if want := http.StatusRequestTimeout; tt.name != "between tokens" && r.status != want {
					t.Errorf("status %d, want %d", r.status, want)
				}
				if tt.name == "between tokens" && !strings.Contains(r.body, "[DONE]") {
					t.Errorf("the stream has no end: %s", r.body)
				}
				within(t, "the upstream's connection was closed", f.Gone())
				if line := g.log.Find(0, requestLine, g.done); !strings.Contains(line, "kind=Timeout") {
					t.Errorf("the log says %s", line)
				}
			})
		}
	})
}

func TestALateFirstTokenFallsBack(t *testing.T) {
	slow, good := testkit.NewOpenAI(t), testkit.NewAnthropic(t)
	g := start(t, modelList(noRetries+"\nfairlead_settings: {first_token_timeout: 0.3}\nlitellm_settings: {fallbacks: [{m: [spare]}]}",
		deployment("m", "openai/gpt-4o", slow), deployment("spare", sonnet, good)))
	var r reply
	for range 20 { // the limit is the spare's too, and a busy machine may reach it
		slow.Inject(testkit.Hang())
		if r = g.post(streamed(plain("m", speech))); r.status == http.StatusOK {
			break
		}
	}
	r = r.assembled()
	if r.content() != "one two three four five six seven" || r.header.Get("x-litellm-attempted-fallbacks") != "1" {
		t.Errorf("%s", r.body)
	}
}
