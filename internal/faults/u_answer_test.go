//go:build unix

package faults

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestU05NeverAnswers(t *testing.T) {
	survive(t,
		fault{name: "the deployment's timeout", do: (*call).gone, options: ", timeout: 0.4"},
		fault{name: "the limit for all answers", do: (*call).gone, settings: "response_header_timeout: 0.5"},
	)
}

func TestU06HeaderDrips(t *testing.T) {
	survive(t, fault{name: "a byte at a time", options: ", timeout: 0.5", do: func(c *call) bool {
		head, _ := c.answer()
		return c.drip(head, 1, 50*time.Millisecond)
	}})
}

func TestU07BodyDrips(t *testing.T) {
	dripping := func(c *call) bool {
		head, body := c.answer()
		return c.send(head) && c.drip(body, len(body)/6+1, 100*time.Millisecond)
	}
	stops := func(c *call) bool {
		head, body := c.answer()
		return c.send(head+body[:len(body)/2]) && c.gone()
	}
	survive(t,
		fault{name: "each pause below the limit, all together above", do: dripping, settings: "idle_timeout: 0.4", alone: right},
		fault{name: "a pause above the limit", do: stops, settings: "idle_timeout: 0.5", spared: either},
	)
}

func TestU08ResetOnAReusedConnection(t *testing.T) {
	var mu sync.Mutex
	seen := map[string]int{}
	survive(t,
		fault{name: "closed while idle", alone: right, clients: few, do: func(c *call) bool { return healthy(c) && c.nth < 1 }},
		fault{name: "after the request", alone: right, clients: few, do: func(c *call) bool {
			if c.nth == 0 {
				return healthy(c)
			}
			mu.Lock()
			defer mu.Unlock()
			seen[fmt.Sprint(c.format.name, c.stream, c.seed)]++
			return c.reset()
		}},
	)
	// Each of these came twice by itself: alone and with a spare.
	for what, n := range seen {
		if n > 2 {
			t.Errorf("%s met %d resets: sent again more than once", what, n)
		}
	}
}

func TestU09ResetBeforeTheFirstEvent(t *testing.T) {
	survive(t,
		fault{name: "after the header", do: func(c *call) bool {
			head, _ := c.answer()
			c.send(head)
			return c.reset()
		}},
		fault{name: "after events without content", shape: streamOnly, do: func(c *call) bool {
			c.send(c.head(-1))
			for _, ev := range c.body()[:c.format.first] {
				c.send(chunk(ev))
			}
			return c.reset()
		}},
	)
}

// cut sends the head and a part of the body that chance chooses.
func cut(c *call) bool {
	head, body := c.answer()
	return c.send(head + body[:c.rng.IntN(len(body))])
}

func TestU10ResetInTheMiddle(t *testing.T) {
	survive(t,
		fault{name: "reset", chance: true, alone: either, spared: either, do: func(c *call) bool { cut(c); return c.reset() }},
		fault{name: "close", chance: true, alone: either, spared: either, do: func(c *call) bool { cut(c); return false }},
		fault{name: "a whole answer", shape: wholeOnly, chance: true, do: func(c *call) bool { cut(c); return c.reset() }},
		fault{name: "a stream with content", shape: streamOnly, chance: true, spared: refused, do: func(c *call) bool {
			events := c.body()
			c.send(c.head(-1))
			for _, ev := range events[:c.format.first+1+c.rng.IntN(4)] {
				c.send(chunk(ev))
			}
			return false
		}},
	)
}

func TestU11CleanEndWithoutATerminalEvent(t *testing.T) {
	some := func(c *call) string {
		return strings.Join(c.body()[:c.format.first+1+c.rng.IntN(4)], "")
	}
	survive(t,
		fault{name: "chunks end", shape: streamOnly, chance: true, spared: refused, do: func(c *call) bool {
			return c.send(c.head(-1) + chunk(some(c)) + lastChunk)
		}},
		fault{name: "the connection ends", shape: streamOnly, chance: true, spared: refused, do: func(c *call) bool {
			c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" + some(c))
			return false
		}},
		fault{name: "no event at all", shape: streamOnly, do: func(c *call) bool { return c.send(c.head(-1) + lastChunk) }},
		fault{name: "an empty body", shape: wholeOnly, do: func(c *call) bool { return c.send(c.head(0)) }},
		fault{name: "half a document", shape: wholeOnly, chance: true, do: func(c *call) bool {
			body := c.format.whole(said)
			body = body[:1+c.rng.IntN(len(body)-1)]
			return c.send(c.head(len(body)) + body)
		}},
	)
}

func TestU12NeverEnds(t *testing.T) {
	survive(t,
		fault{name: "a stream of content", shape: streamOnly, settings: "total_timeout: 0.6", do: func(c *call) bool {
			events := c.body()
			c.send(c.head(-1) + chunk(strings.Join(events[:c.format.first+1], "")))
			more := chunk(strings.Replace(events[c.format.first], quoted(said), `""`, 1))
			return c.drip(strings.Repeat(more, 4000), len(more), 10*time.Millisecond)
		}, alone: failed, spared: func(o *outcome) bool { return failed(o) || o.right() }},
		fault{name: "a stream of content without pauses", shape: streamOnly, settings: "max_stream_mb: 0.1", do: bounded(t, func(c *call) bool {
			events := c.body()
			c.send(c.head(-1) + chunk(strings.Join(events[:c.format.first+1], "")))
			return c.endless(chunk(strings.Repeat(strings.Replace(events[c.format.first], quoted(said), `""`, 1), 500)), 1<<30)
		}), alone: failed, spared: failed},
		fault{name: "a stream of comments without pauses", shape: streamOnly, settings: "max_stream_mb: 0.1", do: bounded(t, func(c *call) bool {
			return c.send(c.head(-1)) && c.endless(chunk(strings.Repeat(": still here\n\n", 500)), 1<<30)
		})},
		fault{name: "a stream of comments", shape: streamOnly, settings: "total_timeout: 0.6", do: func(c *call) bool {
			c.send(c.head(-1))
			return c.drip(strings.Repeat(chunk(": still here\n\n"), 4000), len(chunk(": still here\n\n")), 10*time.Millisecond)
		}},
		fault{name: "white space before a document", shape: wholeOnly, settings: "total_timeout: 0.6", do: func(c *call) bool {
			c.send(c.head(-1))
			return c.drip(strings.Repeat(chunk("\n\n"), 4000), len(chunk("\n\n")), 10*time.Millisecond)
		}},
	)
}

func quoted(s string) string { return quote(pieces(s)[0]) }

// failed is an error in the dialect's shape after any text.
func failed(o *outcome) bool { return o.broken == "" && o.failure != "" && !o.finished }

func TestU13StreamFallsSilent(t *testing.T) {
	pinged := func(o *outcome) bool { return o.refused() && keepalive.MatchString(o.body) }
	survive(t,
		fault{name: "after content", shape: streamOnly, settings: "idle_timeout: 0.6, ping_interval: 0.1", alone: pinged, spared: pinged, do: func(c *call) bool {
			return c.send(c.head(-1)+chunk(strings.Join(c.body()[:c.format.first+2], ""))) && c.gone()
		}},
		fault{name: "before content", shape: streamOnly, settings: "idle_timeout: 0.6, ping_interval: 0.1, first_ping_after: 0.1", alone: pinged, do: func(c *call) bool {
			return c.send(c.head(-1)) && c.gone()
		}},
		fault{name: "keepalives without tokens", shape: streamOnly, settings: "between_tokens_timeout: 0.6", spared: refused, do: func(c *call) bool {
			c.send(c.head(-1) + chunk(strings.Join(c.body()[:c.format.first+2], "")))
			return c.drip(strings.Repeat(chunk(": ping\n\n"), 1000), len(chunk(": ping\n\n")), 20*time.Millisecond)
		}},
	)
}

// keepalive is one in the form of any dialect: a comment, an event, an empty line.
var keepalive = regexp.MustCompile(`(?m)^(:|event: ping$)|\A\n|\n\n\n`)

// dialectsOfSSE are ways to write the same events that a reader must take alike.
var dialectsOfSSE = map[string]func(ev string) string{
	"line ends CR LF":      func(ev string) string { return strings.ReplaceAll(ev, "\n", "\r\n") },
	"line ends CR":         func(ev string) string { return strings.ReplaceAll(ev, "\n", "\r") },
	"comments":             func(ev string) string { return ": hello\n" + ev + ":\n\n" },
	"no space":             func(ev string) string { return strings.ReplaceAll(ev, ": {", ":{") },
	"ids and retry":        func(ev string) string { return "id: 7\nretry: 100\n" + ev },
	"unknown fields":       func(ev string) string { return "foo: bar\nbaz\n" + ev },
	"data in many lines":   func(ev string) string { return strings.Replace(ev, `,"`, ",\ndata: \"", 1) },
	"empty events between": func(ev string) string { return "\n\n" + ev + "\n" },
	"event without data":   func(ev string) string { return "event: nothing\n\n" + ev },
	"an empty data line":   func(ev string) string { return "data:\n\n" + ev },
}

func TestU14UnusualServerSentEvents(t *testing.T) {
	list := []fault{
		{name: "byte order mark", shape: streamOnly, alone: right, do: func(c *call) bool {
			return c.send(c.head(-1) + chunk("\ufeff"+strings.Join(c.body(), "")) + lastChunk)
		}},
		{name: "no empty line at the end", shape: streamOnly, alone: either, spared: either, do: func(c *call) bool {
			return c.send(c.head(-1) + chunk(strings.TrimRight(strings.Join(c.body(), ""), "\n")) + lastChunk)
		}},
		{name: "an unknown event", shape: streamOnly, alone: either, spared: either, do: func(c *call) bool {
			events := c.body()
			at := c.format.first + 1
			return c.send(c.head(-1) + chunk(strings.Join(events[:at], "")+"event: surprise\ndata: {\"type\":\"surprise\"}\n\n"+strings.Join(events[at:], "")) + lastChunk)
		}},
	}
	for name, write := range dialectsOfSSE {
		list = append(list, fault{name: name, shape: streamOnly, alone: right, do: func(c *call) bool {
			var b strings.Builder
			for _, ev := range c.body() {
				b.WriteString(write(ev))
			}
			return c.send(c.head(-1) + chunk(b.String()) + lastChunk)
		}})
	}
	survive(t, list...)
}

func TestU15PayloadIsNotWhatItShouldBe(t *testing.T) {
	replaced := func(with string) script {
		return func(c *call) bool {
			events := c.body()
			i := c.rng.IntN(len(events))
			events[i] = data(with)
			return c.send(c.head(-1) + chunk(strings.Join(events, "")) + lastChunk)
		}
	}
	answer := func(kind, body string) script {
		return func(c *call) bool { return c.send(status(200, body, kind)) }
	}
	var list []fault
	for _, text := range []string{`{"choices":[{`, `null`, `[]`, `"text"`, `{}`, `{"choices":null,"candidates":7,"type":3}`, `<html>`, "\xff\xfe", `{"a":1}{"b":2}`, "17"} {
		list = append(list,
			fault{name: "an event " + text, shape: streamOnly, chance: true, do: replaced(text), alone: tolerant, spared: tolerant},
			fault{name: "an answer " + text, shape: wholeOnly, do: answer("application/json", text)})
	}
	list = append(list,
		fault{name: "a page", do: answer("text/html", "<!doctype html><title>Welcome</title>")},
		fault{name: "a page as JSON", do: answer("application/json", "<!doctype html><title>Welcome</title>")},
		fault{name: "a page as a stream", shape: streamOnly, do: answer("text/event-stream", "<!doctype html>\n<title>Welcome</title>\n")},
		fault{name: "no type", do: answer("", "")},
	)
	survive(t, list...)
}

// tolerant: an event that says nothing may be passed over; then the text lacks a piece.
func tolerant(o *outcome) bool { return o.broken == "" && (o.finished || o.failure != "") }

// taken is the most that the gateway may take of an answer that it limits to 0.1 MiB: the
// limit, and what the system buffers on the way.
const taken = 24 << 20

// bounded fails the test when the gateway took more of an answer than it may.
func bounded(t *testing.T, do script) script {
	return func(c *call) bool {
		open := do(c)
		if n := c.Conn.(counting).n.Load(); n > taken {
			t.Errorf("the gateway took %d bytes of one answer", n)
		}
		return open
	}
}

func TestU16HugeLine(t *testing.T) {
	line := strings.Repeat("x", 1<<20)
	survive(t, fault{name: "an event of 64 MiB", shape: streamOnly, settings: "max_event_mb: 0.1", do: bounded(t, func(c *call) bool {
		c.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: ")
		return c.endless(line, 64<<20)
	})})
}

func TestU17HugeAnswer(t *testing.T) {
	text := strings.Repeat("x", 1<<20)
	survive(t,
		fault{name: "declared", shape: wholeOnly, settings: "max_response_mb: 0.1", do: bounded(t, func(c *call) bool {
			return c.send(c.head(1<<30)) && c.endless(text, 1<<30)
		})},
		fault{name: "in chunks", shape: wholeOnly, settings: "max_response_mb: 0.1", do: bounded(t, func(c *call) bool {
			return c.send(c.head(-1)) && c.endless(chunk(text), 1<<30)
		})},
		fault{name: "an error", settings: "max_response_mb: 0.1", do: bounded(t, func(c *call) bool {
			return c.send("HTTP/1.1 500 Oops\r\nConnection: close\r\n\r\n") && c.endless(text, 1<<30)
		})},
	)
}

func TestU18SplitAnywhere(t *testing.T) {
	g, cases := splitting(t)
	(&fault{alone: right, failures: &atomic.Int64{}}).together(t, g, cases)
}

// splitStep is the distance of the places: every one, but under the race detector, which
// makes a request many times as dear. There each run takes others, from a first that
// chance chooses.
var splitStep = map[bool]int{false: 1, true: 7}[raceDetector]

// splitting is a gateway whose upstreams split the body where the seed says, and a case
// for every place.
func splitting(t *testing.T) (*gateway, []kase) {
	t.Helper()
	f := fault{formats: formats, alone: right}
	s := serve(t, func(c *call) bool {
		whole := strings.Join(c.body(), "")
		at := min(c.seed, len(whole))
		out := c.head(-1)
		for _, part := range []string{whole[:at], whole[at:]} {
			if part != "" {
				out += chunk(part)
			}
		}
		return c.send(out + lastChunk)
	}, nil)
	g := start(t, f.yaml(s, s))
	var cases []kase
	first := 1 + rand.IntN(splitStep)
	t.Logf("every %d. place from %d on", splitStep, first)
	for i, w := range formats {
		length := len(strings.Join((&call{format: &w, stream: true}).body(), ""))
		for at := first; at < length; at += splitStep {
			d := dialects[(at/splitStep+i)%len(dialects)]
			cases = append(cases, kase{d: d, format: w.name, q: question{model: w.name, stream: true, seed: at}})
		}
	}
	return g, cases
}
