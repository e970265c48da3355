//go:build unix

package faults

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// site is a gateway in front of one script on every wire.
func site(t testing.TB, do script, settings string, change ...func(*gateway)) (*gateway, *server) {
	t.Helper()
	s := serve(t, do, nil)
	good := serve(t, healthy, nil)
	g := prepare(t, (&fault{formats: formats, settings: settings}).yaml(s, good))
	for _, f := range change {
		f(g)
	}
	g.start()
	t.Cleanup(func() { g.serves("spare") })
	return g, s
}

// dial opens a connection that ends with the test.
func (g *gateway) dial() *net.TCPConn {
	g.t.Helper()
	c, err := net.Dial("tcp", g.running.Addr)
	if err != nil {
		g.t.Fatal(err)
	}
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		g.t.Fatal(err)
	}
	g.t.Cleanup(func() { _ = c.Close() })
	return c.(*net.TCPConn)
}

// raw is a request as bytes; lines are more of its header.
func raw(path, body string, lines ...string) string {
	head := append([]string{"POST " + path + " HTTP/1.1", "Host: x", "Content-Type: application/json", "Authorization: Bearer " + masterKey, fmt.Sprintf("Content-Length: %d", len(body))}, lines...)
	return strings.Join(head, "\r\n") + "\r\n\r\n" + body
}

// put sends bytes on a connection of their own and reads the answer, if there is one.
func (g *gateway) put(d dialect, q question, text string) outcome {
	g.t.Helper()
	c := g.dial()
	defer c.Close()
	var sent sync.WaitGroup
	sent.Go(func() { _, _ = io.WriteString(c, text) }) // the gateway may close before it has all
	defer sent.Wait()
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return outcome{broken: err.Error()}
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	c.Close()
	return d.read(q, resp.StatusCode, resp.Header, string(body))
}

// everywhere runs f for each dialect, whole and streamed.
func everywhere(f func(d dialect, q question)) {
	for i, d := range dialects {
		for _, stream := range []bool{false, true} {
			f(d, question{model: formats[i].name, stream: stream, seed: i})
		}
	}
}

// leaving asks, waits until the upstream has done its part, leaves, and wants the
// upstream's connection closed: every wire from every dialect.
func leaving(t *testing.T, part func(c *call)) {
	arrived, gone := make(chan struct{}), make(chan struct{})
	g, _ := site(t, func(c *call) bool {
		part(c)
		arrived <- struct{}{}
		c.gone()
		gone <- struct{}{}
		return false
	}, "")
	for seed := range seeds {
		for i, w := range formats {
			d := dialects[(seed+i)%len(dialects)]
			q := question{model: w.name, stream: seed%2 == 0, seed: seed}
			c := g.dial()
			if _, err := io.WriteString(c, raw(d.path(q), d.body(q))); err != nil {
				t.Fatal(err)
			}
			<-arrived
			if seed%3 == 0 {
				_ = c.SetLinger(0) // leave with a reset
			}
			c.Close()
			select {
			case <-gone:
			case <-time.After(patience):
				t.Fatalf("%s to %s: the upstream is still open", d.name, w.name)
			}
		}
	}
}

func TestC01LeavesBeforeTheAnswer(t *testing.T) { leaving(t, func(*call) {}) }

func TestC02LeavesInTheMiddleOfAStream(t *testing.T) {
	leaving(t, func(c *call) {
		if c.stream {
			c.send(c.head(-1) + chunk(strings.Join(c.body()[:c.format.first+1+c.rng.IntN(4)], "")))
		}
	})
}

func TestC03LeavesInTheMiddleOfAWholeAnswer(t *testing.T) {
	leaving(t, func(c *call) {
		if !c.stream {
			head, body := c.answer()
			c.send(head + body[:c.rng.IntN(len(body))])
		}
	})
}

func TestC04ReadsNothing(t *testing.T) {
	gone := make(chan struct{}, 1)
	g, _ := site(t, func(c *call) bool {
		events := c.body()
		c.send(c.head(-1) + chunk(strings.Join(events[:c.format.first+1], "")))
		// The system takes megabytes before it says that the client takes none: in large
		// events, since each costs the gateway as much as a small one.
		large := strings.Replace(events[c.format.first], quoted(said), quote(strings.Repeat("x", 8<<10)), 1)
		c.endless(chunk(strings.Repeat(large, 8)), 1<<40)
		gone <- struct{}{}
		return false
	}, "", func(g *gateway) { g.stall = 400 * time.Millisecond })
	for i, d := range dialects {
		q := question{model: formats[(i+1)%4].name, stream: true, seed: i}
		c := g.dial()
		_ = c.SetReadBuffer(4 << 10)
		if _, err := io.WriteString(c, raw(d.path(q), d.body(q))); err != nil {
			t.Fatal(err)
		}
	}
	for range dialects {
		select {
		case <-gone:
		case <-time.After(patience):
			t.Fatal("a client that reads nothing holds its upstream for ever")
		}
	}
}

// closes wants the gateway to end a connection by itself, with an error or none.
func closes(t *testing.T, g *gateway, c net.Conn) string {
	t.Helper()
	b, err := io.ReadAll(c)
	var late net.Error
	if e, ok := err.(net.Error); ok {
		late = e
	}
	if late != nil && late.Timeout() {
		t.Error("the gateway holds a connection that sends nothing")
	}
	return string(b)
}

func TestC05HeaderDrips(t *testing.T) {
	g, s := site(t, healthy, "", func(g *gateway) { g.stall = 2 * time.Second })
	var all sync.WaitGroup
	for _, head := range []string{"", "P", "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A"} {
		c := g.dial()
		if _, err := io.WriteString(c, head); err != nil {
			t.Fatal(err)
		}
		over := make(chan struct{})
		all.Go(func() {
			tick := time.NewTicker(300 * time.Millisecond)
			defer tick.Stop()
			for head != "" {
				select {
				case <-tick.C:
				case <-over:
					return
				}
				if _, err := io.WriteString(c, "a"); err != nil {
					return
				}
			}
		})
		all.Go(func() {
			defer close(over)
			if head != "" {
				closes(t, g, c)
			}
		})
	}
	all.Wait()
	if n := s.hits.Load(); n != 0 {
		t.Errorf("%d requests went upstream", n)
	}
}

func TestC06BodyStalls(t *testing.T) {
	g, s := site(t, healthy, "", func(g *gateway) { g.stall = 400 * time.Millisecond })
	var all sync.WaitGroup
	everywhere(func(d dialect, q question) {
		all.Go(func() {
			text := raw(d.path(q), d.body(q))
			if o := g.put(d, q, text[:len(text)-10]); !o.refused() || o.status != http.StatusRequestTimeout {
				t.Errorf("%s: %s", d.name, o)
			}
		})
	})
	all.Wait()
	if n := s.hits.Load(); n != 0 {
		t.Errorf("%d halves of requests went upstream", n)
	}
}

// refusals wants every text to be refused with this status in the dialect's shape, and
// nothing of it upstream.
func refusals(t *testing.T, g *gateway, s *server, code int, texts func(d dialect, q question) map[string]string) {
	t.Helper()
	var all sync.WaitGroup
	everywhere(func(d dialect, q question) {
		for name, text := range texts(d, q) {
			all.Go(func() {
				if o := g.put(d, q, text); !o.refused() || o.status != code {
					t.Errorf("%s, %s: want %d, got %s", d.name, name, code, o)
				}
			})
		}
	})
	all.Wait()
	if n := s.hits.Load(); n != 0 {
		t.Errorf("%d of them went upstream", n)
	}
}

func TestC07GiantBody(t *testing.T) {
	g, s := site(t, healthy, "max_body_mb: 1")
	giant := strings.Repeat("x", 3<<20)
	refusals(t, g, s, http.StatusRequestEntityTooLarge, func(d dialect, q question) map[string]string {
		path := d.path(q)
		chunked := strings.Replace(raw(path, ""), "Content-Length: 0", "Transfer-Encoding: chunked", 1)
		return map[string]string{
			"sent":     raw(path, giant),
			"declared": strings.Replace(raw(path, ""), "Length: 0", "Length: 99999999999", 1),
			"chunked":  chunked + chunk(giant),
		}
	})
}

// Over TLS it is net/http that answers.
func TestC07GiantBodyOverTLS(t *testing.T) {
	g := secured(t, serve(t, healthy, nil))
	everywhere(func(d dialect, q question) {
		c, err := tls.Dial("tcp", g.running.Addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(c, strings.Replace(raw(d.path(q), ""), "Length: 0", "Length: 99999999999", 1))
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %v %v", d.name, resp, err)
		}
	})
}

// secured is a gateway that speaks TLS, in front of one server on every wire.
func secured(t *testing.T, s *server, settings ...string) *gateway {
	t.Helper()
	cert, key := newAuthority(t).files(t)
	good := serve(t, healthy, nil)
	g := prepare(t, (&fault{formats: formats, settings: strings.Join(settings, ", ")}).yaml(s, good))
	g.args = []string{"--ssl_certfile_path", cert, "--ssl_keyfile_path", key}
	g.tls = &tls.Config{InsecureSkipVerify: true} // the test's own certificate
	g.start()
	return g
}

// bodies are refusals of what stands in a body.
func bodies(t *testing.T, make func(body string) map[string]string) {
	t.Helper()
	g, s := site(t, healthy, "")
	refusals(t, g, s, http.StatusBadRequest, func(d dialect, q question) map[string]string {
		out := map[string]string{}
		for name, body := range make(d.body(q)) {
			out[name] = raw(d.path(q), body)
		}
		return out
	})
}

// extended puts a member at the end of a body.
func extended(body, member string) string { return strings.TrimSuffix(body, "}") + "," + member + "}" }

func TestC08DeepNesting(t *testing.T) {
	bodies(t, func(body string) map[string]string {
		return map[string]string{
			"300 lists":            extended(body, `"x":`+strings.Repeat("[", 300)+strings.Repeat("]", 300)),
			"10,001 objects":       extended(body, `"x":`+strings.Repeat(`{"a":`, 10_001)+"1"+strings.Repeat("}", 10_001)),
			"a million and no end": extended(body, `"x":`+strings.Repeat("[", 1_000_000)),
		}
	})
}

func TestC09AmbiguousKeys(t *testing.T) {
	bodies(t, func(body string) map[string]string {
		return map[string]string{
			"twice":        extended(body, `"x":1,"x":2`),
			"once escaped": extended(body, `"x":1,"\u0078":2`),
		}
	})
}

func TestC10BadText(t *testing.T) {
	bodies(t, func(body string) map[string]string {
		out := map[string]string{}
		for name, text := range map[string]string{
			"invalid UTF-8": "\xff\xfe", "overlong": "\xc0\xaf", "surrogate as UTF-8": "\xed\xa0\x80", "lone high surrogate": `\ud800`,
			"lone low surrogate": `\udc00`, "NUL": "\x00", "a line break": "\n", "a bad escape": `\x41`,
		} {
			out[name] = strings.Replace(body, "seed=", text+"seed=", 1)
		}
		return out
	})
}

func TestC11WrongTypes(t *testing.T) {
	bodies(t, func(body string) map[string]string {
		out := map[string]string{"cut off": body[:len(body)-3], "two": body + body, "nothing": "", "null": "null", "a list": "[]", "text": `"x"`, "a number": "1e308", "noise": "\x00\x01\x02", "a form": "model=a&b=c", "NaN": extended(body, `"x":NaN`)}
		return out
	})
	g, _ := site(t, healthy, "")
	everywhere(func(d dialect, q question) {
		for _, more := range []string{
			`"temperature":1e308`, `"temperature":"hot"`, `"max_tokens":-1`, `"max_output_tokens":-1`, `"top_p":[]`, `"tools":7`, `"tools":[7]`, `"stop":{}`, `"metadata":7`,
			`"tool_choice":[]`, `"reasoning":7`, `"thinking":"much"`, `"generationConfig":[]`, `"generationConfig":{"maxOutputTokens":"x","stopSequences":7}`, `"safetySettings":{}`,
			`"x":` + "[" + strings.Repeat("1,", 1_000_000) + "1]", `"messages2":null`, `"seed":` + strings.Repeat("9", 5000),
		} {
			q.tools = false
			o := g.put(d, q, raw(d.path(q), extended(d.body(q), more)))
			if !either(&o) || o.status >= 500 {
				t.Errorf("%s with %.60s: %s", d.name, more, o)
			}
		}
	})
}

func TestC12FramingThatTwoParsersReadDifferently(t *testing.T) {
	g, s := site(t, healthy, "")
	everywhere(func(d dialect, q question) {
		good := raw(d.path(q), d.body(q))
		for name, change := range map[string][2]string{
			"two lengths":        {"Content-Length:", "Content-Length: 3\r\nContent-Length:"},
			"a signed length":    {"Content-Length: ", "Content-Length: +"},
			"a list of lengths":  {"Content-Length: ", "Content-Length: 2, "},
			"space before colon": {"Content-Length:", "Content-Length :"},
			"unknown encoding":   {"Content-Length:", "Transfer-Encoding: xchunked\r\nX-Length:"},
			"two encodings":      {"Content-Length:", "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\nX-Length:"},
			"two hosts":          {"Host: x", "Host: x\r\nHost: y"},
			"no host":            {"Host: x\r\n", ""},
			"a bare return":      {"Host: x\r\n", "Host: x\r\nX-A: b\rX-B: c\r\n"},
			"a NUL":              {"Host: x", "Host: x\r\nX-A: b\x00c"},
			"version 9.9":        {"HTTP/1.1", "HTTP/9.9"},
			"100 KB of header":   {"Host: x", "Host: x\r\nX-A: " + strings.Repeat("a", 100_000)},
		} {
			c := g.dial()
			_, _ = io.WriteString(c, strings.Replace(good, change[0], change[1], 1))
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			if late := net.Error(nil); errors.As(err, &late) && late.Timeout() {
				t.Errorf("%s, %s: no answer and no end", d.name, name)
			}
			if err == nil && (resp.StatusCode < 400 || resp.StatusCode == 500 || resp.StatusCode == 502) {
				t.Errorf("%s, %s: status %d", d.name, name, resp.StatusCode)
			}
			c.Close()
		}
	})
	if n := s.hits.Load(); n != 0 {
		t.Errorf("%d of them went upstream", n)
	}
}

func TestC13CompressedBody(t *testing.T) {
	g, s := site(t, healthy, "")
	var bomb bytes.Buffer
	w := gzip.NewWriter(&bomb)
	_, _ = w.Write(make([]byte, 8<<20)) // to memory: cannot fail
	_ = w.Close()
	refusals(t, g, s, http.StatusUnsupportedMediaType, func(d dialect, q question) map[string]string {
		out := map[string]string{"a bomb": raw(d.path(q), bomb.String(), "Content-Encoding: gzip")}
		for _, e := range []string{"gzip", "deflate", "br", "zstd", "gzip, gzip"} {
			out[e] = raw(d.path(q), gzipped(d.body(q)), "Content-Encoding: "+e)
		}
		return out
	})
}

func TestC14Multipart(t *testing.T) {
	g, _ := site(t, func(c *call) bool { return c.send(status(200, `{"text":"heard"}`, "application/json")) }, "max_body_mb: 8")
	part := func(name, more, value string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"" + name + "\"" + more + "\r\n\r\n" + value + "\r\n"
	}
	model := part("model", "", "chat")
	file := part("file", `; filename="a.wav"`, "RIFF")
	for name, body := range map[string]string{
		"good":                  model + file + "--b--\r\n",
		"dashes behind the end": model + file + "--b--" + strings.Repeat("-", 1_000_000),
		"only dashes":           strings.Repeat("-", 4_000_000),
		"no end":                model + file,
		"10,000 parts":          model + strings.Repeat(part("x", "", "1"), 10_000) + file + "--b--\r\n",
		"a path for a name":     model + part("file", `; filename="../../../../etc/passwd"`, "RIFF") + "--b--\r\n",
		"no model":              file + "--b--\r\n",
		"two models":            model + model + file + "--b--\r\n",
		"a header of 1 MiB":     model + part("file", `; filename="`+strings.Repeat("a", 1<<20)+`"`, "RIFF") + "--b--\r\n",
		"empty":                 "",
	} {
		for _, boundary := range []string{"b", "b\r\nX-A: c", ""} {
			text := raw("/v1/audio/transcriptions", body)
			text = strings.Replace(text, "application/json", "multipart/form-data; boundary="+boundary, 1)
			o := g.put(chatDialect, question{}, text)
			if o.status == 0 || o.status >= 500 {
				t.Errorf("%s with the boundary %q: %s", name, boundary, o)
			}
			if name == "good" && boundary == "b" && o.status != http.StatusOK {
				t.Errorf("a good form: %s", o)
			}
		}
	}
}

func TestC15IdleConnections(t *testing.T) {
	g, _ := site(t, healthy, "")
	for range 400 {
		if _, err := io.WriteString(g.dial(), "POST /v1/messages HTTP/1.1\r\nHost: x\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	g.serves("chat")
}

func TestC15ConnectionsBeyondTheLimit(t *testing.T) {
	const limit = 20
	g, _ := site(t, healthy, fmt.Sprintf("max_connections: %d", limit))
	ask := func(c net.Conn, d dialect) int {
		q := question{model: "chat"}
		if _, err := io.WriteString(c, raw(d.path(q), d.body(q))); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	var open []*net.TCPConn
	for range limit {
		c := g.dial()
		if code := ask(c, chatDialect); code != http.StatusOK {
			t.Errorf("within the limit: %d", code)
		}
		open = append(open, c)
	}
	for _, d := range dialects {
		if code := ask(g.dial(), d); code != http.StatusServiceUnavailable {
			t.Errorf("beyond the limit: %d", code)
		}
	}
	for _, c := range open {
		if code := ask(c, chatDialect); code != http.StatusOK {
			t.Errorf("afterwards, within the limit: %d", code)
		}
		c.Close()
	}
	eventually(t, "others are taken", func() bool { return ask(g.dial(), chatDialect) == http.StatusOK })
}

func TestC15ConnectionsBeyondTheLimitOverTLS(t *testing.T) {
	g := secured(t, serve(t, healthy, nil), "max_connections: 2")
	dial := func() *tls.Conn {
		c, err := tls.Dial("tcp", g.running.Addr, &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return nil
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	first, second := dial(), dial()
	if first == nil || second == nil || dial() != nil {
		t.Fatal("want two connections and no third")
	}
	first.Close()
	second.Close()
	eventually(t, "others are taken", func() bool {
		c := dial()
		if c == nil {
			return false
		}
		c.Close()
		return true
	})
}

func TestC15RapidResets(t *testing.T) {
	g := secured(t, serve(t, (*call).gone, nil))
	conn, err := tls.Dial("tcp", g.running.Addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var drained sync.WaitGroup
	drained.Go(func() { _, _ = io.Copy(io.Discard, conn) })
	_, _ = io.WriteString(conn, http2.ClientPreface)
	fr := http2.NewFramer(conn, nil)
	_ = fr.WriteSettings()
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for i := range uint32(3000) {
		block.Reset()
		for _, f := range [][2]string{{":method", "POST"}, {":scheme", "https"}, {":authority", "x"}, {":path", "/v1/chat/completions"}, {"authorization", "Bearer " + masterKey}} {
			_ = enc.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]})
		}
		q := question{model: "chat", stream: true}
		if fr.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*i + 1, BlockFragment: block.Bytes(), EndHeaders: true}) != nil ||
			fr.WriteData(2*i+1, true, []byte(chatDialect.body(q))) != nil || fr.WriteRSTStream(2*i+1, http2.ErrCodeCancel) != nil {
			break // the gateway has had enough
		}
	}
	g.serves("spare")
	conn.Close()
	drained.Wait()
}

func TestC16IdenticalRequestsAtTheEdgeOfALimit(t *testing.T) {
	var most, now atomic.Int64
	release := make(chan struct{})
	s := serve(t, func(c *call) bool {
		n := now.Add(1)
		defer now.Add(-1)
		for {
			if m := most.Load(); n <= m || most.CompareAndSwap(m, n) {
				break
			}
		}
		<-release
		return healthy(c)
	}, nil)
	var list strings.Builder
	for _, w := range formats {
		list.WriteString(deployment(w.name, w, "http://"+s.addr, ", max_parallel_requests: 3"))
	}
	g := start(t, "model_list:\n"+list.String()+"router_settings: {num_retries: 0}\nfairlead_settings: {max_queue: 0}\n")
	var rights, refusals atomic.Int64
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			o := g.ask(dialects[i%4], question{model: formats[i/4%4].name, stream: i/16%2 == 0})
			switch {
			case o.right():
				rights.Add(1)
			case o.refused() && o.status == http.StatusTooManyRequests:
				refusals.Add(1)
			default:
				t.Errorf("%s", o)
			}
		})
	}
	eventually(t, "all others are refused", func() bool { return refusals.Load() == 200-12 })
	close(release)
	all.Wait()
	if rights.Load() != 12 || most.Load() != 12 {
		t.Errorf("%d answers and %d at once, want exactly 3 for each of 4 deployments", rights.Load(), most.Load())
	}
}
