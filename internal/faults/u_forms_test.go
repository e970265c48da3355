//go:build unix

package faults

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// under sends the right answer under another content type; "" leaves the header out.
func under(kind string) script {
	return func(c *call) bool {
		line := "Content-Type: " + kind + "\r\n"
		if kind == "" {
			line = ""
		}
		body := strings.Join(c.body(), "")
		return c.send(fmt.Sprintf("HTTP/1.1 200 OK\r\n%sContent-Length: %d\r\n\r\n%s", line, len(body), body))
	}
}

// What an answer is its beginning tells, when its type does not.
func TestU15AnswerUnderAnotherType(t *testing.T) {
	var list []fault
	for _, kind := range []string{"", "text/plain", "application/json", "text/event-stream", "TEXT/EVENT-STREAM; CHARSET=UTF-8", "application/x-ndjson", ";;;"} {
		list = append(list, fault{name: "type " + kind, do: under(kind), alone: right})
	}
	list = append(list,
		fault{name: "blank lines first", shape: streamOnly, alone: right, do: func(c *call) bool {
			body := "\r\n\n" + strings.Join(c.body(), "")
			return c.send(status(200, body, "text/plain"))
		}},
		fault{name: "nothing but blank lines", shape: streamOnly, do: func(c *call) bool {
			return c.send(status(200, strings.Repeat("\n", 10_000), "text/plain"))
		}},
	)
	survive(t, list...)
}

// atTheEnd: to a client of the same format all of the answer passes in the last event.
func atTheEnd(o *outcome) bool {
	return o.right() || o.broken == "" && o.finished && o.text == "" && strings.Contains(o.body, `"output_text","text":`+quote(said))
}

func TestU15AnswerOfTheOtherKind(t *testing.T) {
	survive(t,
		fault{name: "whole in place of a stream", shape: streamOnly, alone: right, do: func(c *call) bool {
			return c.send(status(200, c.format.whole(said), "application/json"))
		}},
		fault{name: "a stream in place of a whole answer", shape: wholeOnly, alone: right, do: func(c *call) bool {
			return c.send(status(200, strings.Join(c.format.events(said), ""), "text/event-stream"))
		}},
		fault{name: "half a stream in place of a whole answer", shape: wholeOnly, do: func(c *call) bool {
			events := c.format.events(said)
			return c.send(status(200, strings.Join(events[:c.format.first+2], ""), "text/event-stream"))
		}},
		fault{name: "a list of documents", formats: []format{geminiFormat}, shape: streamOnly, alone: right, do: func(c *call) bool {
			var docs []string
			for _, ev := range c.body() {
				docs = append(docs, strings.TrimSpace(strings.TrimPrefix(ev, "data: ")))
			}
			return c.send(status(200, "["+strings.Join(docs, "\n,\n")+"]", "application/json"))
		}},
		fault{name: "events that hold lists of documents", formats: []format{geminiFormat}, shape: streamOnly, alone: right, do: func(c *call) bool {
			out := data("null")
			for pair := range slices.Chunk(c.body(), 2) {
				for i := range pair {
					pair[i] = strings.TrimSpace(strings.TrimPrefix(pair[i], "data: "))
				}
				out += data("[" + strings.Join(pair, ",") + "]")
			}
			return c.send(c.head(-1) + chunk(out) + lastChunk)
		}},
		fault{name: "all of it in the last event", formats: []format{responsesFormat}, shape: streamOnly, alone: atTheEnd, spared: atTheEnd, do: func(c *call) bool {
			events := c.body()
			return c.send(c.head(-1) + chunk(events[0]+events[len(events)-1]) + lastChunk)
		}},
		fault{name: "messages in place of deltas", formats: []format{chatFormat}, shape: streamOnly, alone: right, do: func(c *call) bool {
			return c.send(c.head(-1) + chunk(strings.ReplaceAll(strings.Join(c.body(), ""), `"delta":`, `"message":`)) + lastChunk)
		}},
		fault{name: "no choice at all", formats: []format{chatFormat}, shape: wholeOnly, do: func(c *call) bool {
			return c.send(status(200, `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[]}`, "application/json"))
		}},
		fault{name: "a choice that is none", formats: []format{chatFormat}, shape: wholeOnly, do: func(c *call) bool {
			return c.send(status(200, `{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[null]}`, "application/json"))
		}},
		fault{name: "failed without a reason", formats: []format{responsesFormat}, shape: wholeOnly, do: func(c *call) bool {
			return c.send(status(200, responseDoc("failed", ""), "application/json"))
		}},
		fault{name: "completed and failed", formats: []format{responsesFormat}, shape: streamOnly, spared: refused, do: func(c *call) bool {
			events := c.body()
			return c.send(c.head(-1) + chunk(strings.Join(events[:c.format.first+2], "")+named(`{"type":"response.completed","sequence_number":7,"response":`+responseDoc("failed", "")+`}`)) + lastChunk)
		}},
	)
}

// errorsOfOthers are errors within a stream as servers in front of a vendor, and other
// vendors, write them.
var errorsOfOthers = []string{
	`{"object":"error","message":"the model has crashed","type":"InternalServerError","param":null,"code":500}`,
	`{"code":"InternalError","message":"the model has crashed","request_id":"r"}`,
	`{"error":{"message":"the model has crashed","code":503}}`,
	`{"error":"the model has crashed"}`,
	`{"type":"error","error":{"type":"overloaded_error","message":"the model has crashed"}}`,
	`{"detail":"the model has crashed"}`,
	`the model has crashed`,
}

func TestU23ErrorsOfOtherFormatsWithinAStream(t *testing.T) {
	var list []fault
	for _, doc := range errorsOfOthers {
		// The events after it, to the good end, do not undo it.
		list = append(list, fault{name: "named " + doc, shape: streamOnly, spared: refused, do: func(c *call) bool {
			events, at := c.body(), c.format.first+2
			return c.send(c.head(-1) + chunk(strings.Join(events[:at], "")+"event: error\n"+data(doc)+strings.Join(events[at:], "")) + lastChunk)
		}}, fault{name: "first " + doc, shape: streamOnly, do: func(c *call) bool {
			return c.send(c.head(-1) + chunk("event: error\n"+data(doc)+strings.Join(c.body(), "")) + lastChunk)
		}})
	}
	unnamed := errorsOfOthers[0]
	list = append(list, fault{name: "without a name", shape: streamOnly, spared: refused, do: func(c *call) bool {
		events, at := c.body(), c.format.first+2
		return c.send(c.head(-1) + chunk(strings.Join(events[:at], "")+data(unnamed)+strings.Join(events[at:], "")) + lastChunk)
	}})
	survive(t, list...)
}

// An error whose text cannot be read is one all the same.
func TestU19CompressionOfAnErrorThatIsNotKnown(t *testing.T) {
	var list []fault
	for _, code := range []int{400, 429, 503} {
		list = append(list, fault{name: fmt.Sprint(code), spared: either, do: func(c *call) bool {
			return c.send(status(code, "\x0b\x02\x80abc\x03", "application/json", "Content-Encoding: br"))
		}, also: func(t testing.TB, o *outcome) {
			if o.failure != "" && o.status/100 != code/100 {
				t.Errorf("the upstream's %d became %s", code, o)
			}
		}})
	}
	survive(t, list...)
}

// All of an answer but the end of its connection has come: it is right.
func TestU20AnswerIsWholeBeforeItsFramingBreaks(t *testing.T) {
	survive(t,
		fault{name: "trailers that are none", shape: streamOnly, alone: right, do: func(c *call) bool {
			c.send(c.head(-1) + chunk(strings.Join(c.body(), "")) + "0\r\nnonsense\r\n\r\n")
			return false
		}},
		fault{name: "gzip with a wrong sum", shape: streamOnly, alone: right, do: packed("gzip", func(s string) string {
			z := gzipped(s)
			return z[:len(z)-8] + "\x01\x02\x03\x04" + z[len(z)-4:]
		})},
	)
}

// calls is the right answer when weather is called so many times.
func calls(n int) verdict {
	return func(o *outcome) bool {
		return o.broken == "" && o.finished && o.failure == "" && strings.Count(o.calls, "weather") == n
	}
}

func TestU28NamesOfCalls(t *testing.T) {
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
	for _, k := range []struct {
		name   string
		want   verdict
		spared verdict
		deltas []string
	}{
		{"the name comes late", calls(1), calls(1), []string{`{"index":0,"id":"a","type":"function","function":{"arguments":"{\"city\":"}}`, `{"index":0,"function":{"name":"weather","arguments":"1}"}}`}},
		{"the id comes late", calls(1), calls(1), []string{`{"index":0,"type":"function","function":{"name":"weather","arguments":""}}`, `{"index":0,"id":"a"}`, `{"index":0,"function":{"arguments":"{}"}}`}},
		{"name and id come late", calls(1), calls(1), []string{`{"index":0,"function":{"arguments":"{\"city\":"}}`, `{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"1}"}}`}},
		{"whole calls at one index, without ids", calls(2), calls(2), []string{`{"index":0,"type":"function","function":{"name":"weather","arguments":"{\"city\":1}"}}`, `{"index":0,"type":"function","function":{"name":"weather","arguments":"{\"city\":2}"}}`}},
		{"two calls with one id", calls(2), calls(2), []string{`{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{\"city\":1}"}}`, `{"index":1,"id":"a","type":"function","function":{"name":"weather","arguments":""}}`, `{"index":1,"function":{"arguments":"{\"city\":2}"}}`}},
		{"null among the calls", calls(1), calls(1), []string{`null`, `{"index":0,"id":"a","type":"function","function":{"name":"weather","arguments":"{}"}}`}},
		{"no name ever", failed, right, []string{`{"index":0,"id":"a","type":"function","function":{"arguments":"{}"}}`}},
	} {
		list = append(list, fault{name: k.name, tools: true, shape: streamOnly, formats: []format{chatFormat}, do: deltas(k.deltas...), alone: k.want, spared: k.spared})
	}
	list = append(list, fault{name: "no name in a whole answer", tools: true, shape: wholeOnly, formats: []format{chatFormat}, do: func(c *call) bool {
		return c.send(status(200, strings.Replace(c.format.call(`{}`, false), `"name":"weather"`, `"name":""`, 1), "application/json"))
	}})
	survive(t, list...)
}

// A refusal of the second API says that there is none only when chat completions answer.
func TestU23OneRefusalDoesNotGiveUpTheSecondAPI(t *testing.T) {
	s := serve(t, func(c *call) bool {
		if c.seed == 1 || c.format.name != responsesFormat.name {
			return c.send(status(http.StatusNotFound, "<html>not here</html>", "text/html"))
		}
		return healthy(c)
	}, nil)
	f := fault{formats: []format{responsesFormat}}
	g := start(t, f.yaml(s, s))
	for seed, want := range []verdict{right, refused, right} {
		if o := g.ask(responsesDialect, question{model: responsesFormat.name, seed: seed}); !want(&o) {
			t.Errorf("request %d: %s", seed, o)
		}
	}
}
