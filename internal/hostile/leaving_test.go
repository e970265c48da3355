package hostile_test

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/testkit"
)

// dial opens a raw connection that ends with the test.
func (g *gateway) dial() *net.TCPConn {
	g.t.Helper()
	c, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(testkit.Patience)); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

func send(t *testing.T, c net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
}

// until waits for ch, or fails the test.
func until(t *testing.T, what string, ch <-chan struct{}) {
	t.Helper()
	select {
	case <-ch:
	case <-time.After(testkit.Patience):
		t.Fatalf("this never happened: %s", what)
	}
}

// families are the formats an upstream may speak.
var families = []struct {
	model string
	fake  func(testing.TB, ...testkit.Option) *testkit.Fake
	// middle is after how many events a stream is in full flow.
	middle int
}{
	{"openai/gpt-4o", testkit.NewOpenAI, 4},
	{"anthropic/claude-sonnet-4-5", testkit.NewAnthropic, 5},
	{"gemini/gemini-2.5-flash", testkit.NewGemini, 1},
	{"deepseek/deepseek-v4-flash", testkit.NewDeepSeek, 4},
}

func TestC01C02C03AClientThatLeavesClosesTheUpstream(t *testing.T) {
	const long = `[{"role":"user","content":"<<text:one two three four five six seven eight nine ten>>"}]`
	for _, fam := range families {
		for phase, more := range map[string]string{"waiting for the whole answer": "", "waiting for the first event": `,"stream":true`, "in the middle of a stream": `,"stream":true`} {
			t.Run(fam.model+" "+phase, func(t *testing.T) {
				f := fam.fake(t)
				g := start(t, "model_list:\n"+deployment("m", fam.model, f)+"general_settings: {master_key: "+masterKey+"}\nrouter_settings: {num_retries: 3}\n")
				f.Always(testkit.Hang())
				middle := strings.HasPrefix(phase, "in the middle")
				if middle {
					f.Always(testkit.PauseAfterEvents(fam.middle, nil))
				}
				c := g.dial()
				send(t, c, request("POST", "/v1/chat/completions", completion("m", long, more)))
				until(t, "the request arrives upstream", f.Arrived())
				if middle {
					if _, err := io.ReadFull(c, make([]byte, 200)); err != nil {
						t.Fatal(err)
					}
				}
				if err := c.SetLinger(0); err != nil { // leave with a reset
					t.Fatal(err)
				}
				_ = c.Close()
				until(t, "the upstream is closed", f.Gone())
				if n := len(f.Requests()); n != 1 {
					t.Errorf("%d requests upstream; a client that left is not retried for", n)
				}
			})
		}
	}
}

func TestC01AClientThatLeavesInItsOwnRequestCostsNothing(t *testing.T) {
	f := testkit.NewOpenAI(t)
	g := start(t, "model_list:\n"+deployment("gpt", "openai/gpt-4o", f)+"general_settings: {master_key: "+masterKey+"}\n")
	text := request("POST", "/v1/chat/completions", completion("gpt", said, ""))
	for cut := 1; cut < len(text); cut += 7 {
		c := g.dial()
		send(t, c, text[:cut])
		if err := c.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		b, _ := io.ReadAll(c)
		if head := string(b); head != "" && !strings.HasPrefix(head, "HTTP/1.1 4") {
			t.Fatalf("after %d bytes: %s", cut, head)
		}
	}
	if n := len(f.Requests()); n != 0 {
		t.Errorf("%d halves of requests went upstream", n)
	}
	g.alive()
}

func TestC15IdleConnectionsDoNotKeepOthersOut(t *testing.T) {
	g := start(t, three(t, ""))
	for range 300 {
		send(t, g.dial(), "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n")
	}
	g.alive()
}
