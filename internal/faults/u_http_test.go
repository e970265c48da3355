//go:build unix

package faults

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// packed is the right answer under a Content-Encoding.
func packed(encoding string, pack func(string) string) script {
	return func(c *call) bool {
		body := pack(strings.Join(c.body(), ""))
		return c.send(c.head(len(body), "Content-Encoding: "+encoding) + body)
	}
}

func gzipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(s)) // to memory: cannot fail
	_ = w.Close()
	return b.String()
}

func deflated(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

func TestU19Compression(t *testing.T) {
	same := func(s string) string { return s }
	bomb := gzipped(strings.Repeat(" ", 8<<20))
	survive(t,
		fault{name: "gzip that nobody asked for", do: packed("gzip", gzipped), alone: right},
		fault{name: "deflate that nobody asked for", do: packed("deflate", deflated), alone: right},
		fault{name: "gzip that is none", do: packed("gzip", same)},
		fault{name: "gzip cut off", do: packed("gzip", func(s string) string { z := gzipped(s); return z[:len(z)/2] }), spared: either},
		fault{name: "deflate that is none", do: packed("deflate", same)},
		fault{name: "an unknown compression", do: packed("br", same)},
		fault{name: "two compressions", do: packed("gzip, br", gzipped)},
		fault{name: "a bomb", shape: wholeOnly, settings: "max_response_mb: 0.1", do: packed("gzip", func(string) string { return bomb })},
		fault{name: "a bomb in a stream", shape: streamOnly, settings: "max_event_mb: 0.1", do: packed("gzip", func(string) string { return bomb })},
	)
}

func TestU20Framing(t *testing.T) {
	length := func(more int) script {
		return func(c *call) bool {
			body := strings.Join(c.body(), "")
			c.send(c.head(len(body)+more) + body)
			return false
		}
	}
	broken := func(change func(body string) string) script {
		return func(c *call) bool {
			head, body := c.answer()
			if !c.stream {
				head, body = c.head(-1), chunk(body)+lastChunk
			}
			c.send(head + change(body))
			return false
		}
	}
	header := func(framing string) script {
		return func(c *call) bool {
			_, body := c.answer()
			c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + framing + "\r\n\r\n" + body)
			return false
		}
	}
	survive(t,
		fault{name: "length too long", do: length(10), alone: either, spared: either},
		fault{name: "length too long, whole", do: length(10), shape: wholeOnly},
		fault{name: "length too short", do: length(-10), alone: either, spared: either},
		fault{name: "length too short, whole", do: length(-10), shape: wholeOnly},
		fault{name: "chunk size is no number", do: broken(func(b string) string { return "zz" + b })},
		fault{name: "chunk size is negative", do: broken(func(b string) string { return "-" + b })},
		fault{name: "chunk size beyond 64 bits", do: broken(func(b string) string { return "ffffffffffffffffff" + b })},
		fault{name: "a chunk too short", do: broken(func(b string) string { return "f" + b }), alone: either, spared: either},
		fault{name: "no end of chunks", do: broken(func(b string) string { return strings.TrimSuffix(b, lastChunk) }), alone: either, spared: either},
		fault{name: "two lengths", do: header("Content-Length: 5\r\nContent-Length: 6")},
		fault{name: "a negative length", do: header("Content-Length: -5")},
		fault{name: "an unknown encoding", do: header("Transfer-Encoding: zip, chunked")},
		fault{name: "no HTTP at all", do: func(c *call) bool { c.send("SSH-2.0-OpenSSH_9.6\r\n"); return false }},
		fault{name: "noise", do: func(c *call) bool { c.send("\x00\x01\xff\xfe\r\n\r\n\r\n"); return false }},
		fault{name: "a status of four digits", do: func(c *call) bool {
			c.send("HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n")
			return false
		}},
	)
}

// An answer that breaks the rules leaves its connection unusable: what follows on it
// belongs to no request.
func TestU20ConnectionIsNotReusedAfterABrokenAnswer(t *testing.T) {
	survive(t, fault{name: "a second answer in the first", shape: wholeOnly, alone: right, do: func(c *call) bool {
		head, body := c.answer()
		forged := c.format.whole("forged")
		return c.send(head + body + c.head(len(forged)) + forged)
	}})
}

func TestU21InterimAnswers(t *testing.T) {
	before := func(interim string) script {
		return func(c *call) bool {
			head, body := c.answer()
			return c.send(interim + head + body)
		}
	}
	const hints = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
	survive(t,
		fault{name: "100", do: before("HTTP/1.1 100 Continue\r\n\r\n"), alone: right},
		fault{name: "102 and 103", do: before("HTTP/1.1 102 Processing\r\n\r\n" + hints), alone: right},
		fault{name: "101", do: before("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")},
		fault{name: "without an end", do: bounded(t, func(c *call) bool { return c.endless(hints, 64<<20) })},
	)
}

func TestU22Redirects(t *testing.T) {
	other := serve(t, healthy, nil)
	var list []fault
	for _, code := range []int{300, 301, 302, 303, 304, 307, 308} {
		list = append(list, fault{name: fmt.Sprint(code), do: func(c *call) bool {
			return c.send(status(code, "", "text/plain", "Location: http://"+other.addr+"/v1/elsewhere"))
		}})
	}
	survive(t, list...)
	if n := other.hits.Load(); n != 0 {
		t.Errorf("%d redirects were followed to another host, with the key", n)
	}
}

func TestU23ErrorsOfTheUpstream(t *testing.T) {
	var list []fault
	for _, code := range []int{400, 401, 402, 403, 404, 405, 408, 409, 413, 418, 422, 424, 429, 451, 499, 500, 501, 502, 503, 504, 520, 529, 599} {
		list = append(list, fault{name: fmt.Sprint(code), spared: either, do: func(c *call) bool {
			kind := []string{"JSON", "page", "empty", "list"}[c.seed%4]
			text := map[string]string{"JSON": c.format.failure(code, "it did not work out"), "page": "<html>It did not work out</html>", "list": "[1]"}[kind]
			return c.send(status(code, text, map[string]string{"JSON": "application/json", "page": "text/html"}[kind]))
		}, also: func(t testing.TB, o *outcome) {
			if o.failure != "" && (o.status < 400 || o.status/100 == 5 != (code/100 == 5)) && code != 499 && code != 408 && code != 401 && code != 403 {
				t.Errorf("the upstream's %d became %d: %s", code, o.status, o)
			}
		}})
	}
	list = append(list,
		fault{name: "200 with an error", shape: wholeOnly, do: func(c *call) bool {
			return c.send(status(200, c.format.failure(500, "it did not work out"), "application/json"))
		}},
		fault{name: "200 with an error instead of a stream", shape: streamOnly, do: func(c *call) bool {
			return c.send(status(200, c.format.failure(500, "it did not work out"), "application/json"))
		}},
		fault{name: "an error event first", shape: streamOnly, do: func(c *call) bool {
			return c.send(c.head(-1) + chunk(c.format.errorEvent) + lastChunk)
		}},
		fault{name: "an error event after content", shape: streamOnly, chance: true, spared: refused, do: func(c *call) bool {
			events := c.body()[:c.format.first+1+c.rng.IntN(4)]
			return c.send(c.head(-1) + chunk(strings.Join(events, "")+c.format.errorEvent) + lastChunk)
		}},
	)
	survive(t, list...)
}

func TestU24RetryAfter(t *testing.T) {
	var list []fault
	for _, value := range []string{"1", "0", "-5", "31536000", "99999999999999999999", "soon", "1.5", "", time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat), time.Now().AddDate(1, 0, 0).UTC().Format(http.TimeFormat), time.Now().AddDate(-1, 0, 0).UTC().Format(http.TimeFormat)} {
		more := []string{"X-Nothing: 1", "X-Should-Retry: true", "X-Should-Retry: false", "Retry-After-Ms: 99999999999"}
		list = append(list, fault{name: value, do: func(c *call) bool {
			return c.send(status(429, c.format.failure(429, "too many requests"), "application/json", "Retry-After: "+value, more[c.seed%4]))
		}, also: func(t testing.TB, o *outcome) {
			if o.failure != "" && o.status != http.StatusTooManyRequests {
				t.Errorf("429 became %s", o)
			}
		}})
	}
	survive(t, list...)
}

var hidden = regexp.MustCompile(`(?i)nominated|x-upstream-secret|set-cookie|strict-transport|x-injected`)

func TestU26Headers(t *testing.T) {
	clean := func(t testing.TB, o *outcome) {
		for name, values := range o.header {
			if text := name + ": " + strings.Join(values, ","); hidden.MatchString(text) && !strings.HasPrefix(strings.ToLower(name), "llm_provider-") {
				t.Errorf("a header of the upstream came through: %s", text)
			}
		}
		if got := o.header["Content-Type"]; o.broken == "" && len(got) != 1 {
			t.Errorf("content types %q", got)
		}
	}
	with := func(lines ...string) script {
		return func(c *call) bool {
			head, body := c.answer()
			return c.send(strings.Replace(head, "\r\n", "\r\n"+strings.Join(lines, "\r\n")+"\r\n", 1) + body)
		}
	}
	survive(t,
		fault{name: "1 MiB in one", do: with("X-Long: " + strings.Repeat("a", 1<<20))},
		fault{name: "20,000 of them", do: with(strings.TrimSuffix(strings.Repeat("X-A: b\r\n", 20_000), "\r\n"))},
		fault{name: "a bare carriage return", do: with("X-A: b\rX-Injected: c"), alone: either, also: clean},
		fault{name: "a NUL", do: with("X-A: b\x00c"), alone: either, also: clean},
		fault{name: "a folded line", do: with("X-A: b\r\n X-Injected: c"), alone: either, also: clean},
		fault{name: "no colon", do: with("nonsense")},
		fault{name: "space before the colon", do: with("X-A : b")},
		fault{name: "two content types", do: with("Content-Type: text/html"), alone: either, also: clean},
		fault{name: "nominated and hop-by-hop", do: with("Connection: Nominated", "Nominated: 1", "Keep-Alive: timeout=5", "Set-Cookie: a=b", "X-Upstream-Secret: s", "Strict-Transport-Security: max-age=1"), alone: right, also: clean},
	)
}

var (
	usageOf = regexp.MustCompile(`"(completion_tokens|output_tokens|candidatesTokenCount)":7`)
	usages  = regexp.MustCompile(`"(usage|usageMetadata)":\{`)
)

func TestU27Usage(t *testing.T) {
	rewritten := func(change func(ev string) string) script {
		return func(c *call) bool {
			body := change(strings.Join(c.body(), ""))
			return c.send(c.head(len(body)) + body)
		}
	}
	var list []fault
	for _, n := range []string{"-7", "1000000000000000000", "1e18", "9999999999999999999999", "7.5", "null", `"7"`, "{}", "[]", "true"} {
		list = append(list, fault{name: n, alone: right, do: rewritten(func(b string) string { return usageOf.ReplaceAllString(b, `"$1":`+n) })})
	}
	list = append(list,
		fault{name: "none", alone: right, do: rewritten(func(b string) string { return usages.ReplaceAllString(b, `"nothing":{`) })},
		fault{name: "not an object", alone: right, do: rewritten(func(b string) string { return usages.ReplaceAllString(b, `"$1":7,"nothing":{`) })},
		fault{name: "twice", shape: streamOnly, formats: []format{chatFormat}, alone: right, do: rewritten(func(b string) string {
			i := strings.LastIndex(b, "data: {")
			return b[:i] + b[i:strings.LastIndex(b, data("[DONE]"))] + b[i:]
		})},
	)
	survive(t, list...)
}

// called: the client has a call, or the error says what was wrong.
func called(o *outcome) bool {
	return o.broken == "" && (o.finished && o.failure == "" || o.failure != "" && len(o.failure) >= 10)
}

func TestU28ToolCalls(t *testing.T) {
	args := func(text string) script {
		return func(c *call) bool {
			body := c.format.call(text, c.stream)
			return c.send(c.head(len(body)) + body)
		}
	}
	deltas := func(calls ...string) script {
		return func(c *call) bool {
			out := ""
			for _, text := range calls {
				out += data(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"faux","choices":[{"index":0,"delta":{"tool_calls":[` + text + `]},"finish_reason":null}]}`)
			}
			out += data(`{"id":"c1","object":"chat.completion.chunk","created":1,"model":"faux","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`) + data("[DONE]")
			return c.send(c.head(-1) + chunk(out) + lastChunk)
		}
	}
	var list []fault
	for name, text := range map[string]string{"good": `{"city":"Rome"}`, "empty": `{}`, "a list": `[1]`, "a number": `7`} {
		list = append(list, fault{name: "arguments " + name, tools: true, do: args(text), alone: called, spared: called})
	}
	for _, text := range []string{``, `{`, `{"city":`, `not JSON`, `{"a":1}{"b":2}`, "\u0000"} {
		list = append(list, fault{name: "arguments " + text, tools: true, formats: []format{chatFormat, responsesFormat}, do: args(text), alone: called, spared: called})
	}
	for name, calls := range map[string][]string{
		"no index":            {`{"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`},
		"no id":               {`{"index":0,"type":"function","function":{"name":"weather","arguments":"{}"}}`},
		"no name":             {`{"index":0,"id":"a","type":"function","function":{"arguments":"{}"}}`},
		"nothing":             {`{}`},
		"arguments first":     {`{"index":0,"function":{"arguments":"{\"city\":"}}`, `{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"1}"}}`},
		"out of order":        {`{"index":1,"id":"b","type":"function","function":{"name":"weather","arguments":"{}"}}`, `{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`},
		"interleaved":         {`{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{"}}`, `{"index":1,"id":"b","type":"function","function":{"name":"weather","arguments":"{"}}`, `{"index":0,"function":{"arguments":"}"}}`, `{"index":1,"function":{"arguments":"}"}}`},
		"a huge index":        {`{"index":1000000000000,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`},
		"a negative index":    {`{"index":-1,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`},
		"arguments an object": {`{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":{"city":"Rome"}}}`},
		"the same id twice":   {`{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`, `{"index":1,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`},
		"calls are no list":   {`7`},
	} {
		list = append(list, fault{name: name, tools: true, shape: streamOnly, formats: []format{chatFormat}, do: deltas(calls...), alone: called, spared: called})
	}
	survive(t, list...)
}
