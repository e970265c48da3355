package relay

import (
	"context"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/config"
	"github.com/fairlead-gateway/fairlead/internal/llm"
	"github.com/fairlead-gateway/fairlead/internal/obs"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/wire"
	"github.com/fairlead-gateway/fairlead/internal/wire/anthropic"
	"github.com/fairlead-gateway/fairlead/internal/wire/gemini"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaichat"
	"github.com/fairlead-gateway/fairlead/internal/wire/openairesponses"
	"github.com/fairlead-gateway/fairlead/internal/wire/openaitext"
)

// pings are the dialects with their keepalive.
var pings = []struct {
	name    string
	dialect wire.Dialect
	array   bool
	ping    string
}{
	{"chat", openaichat.Dialect{}, false, ": ping\n\n"},
	{"messages", anthropic.Dialect{}, false, "event: ping\ndata: {\"type\":\"ping\"}\n\n"},
	{"responses", openairesponses.Dialect{}, false, ": ping\n\n"},
	{"text completions", &openaitext.Dialect{Errors: openaichat.Dialect{}.Error}, false, ": ping\n\n"},
	{"generateContent", gemini.Dialect{}, false, "\n"},
	{"generateContent as an array", gemini.Dialect{}, true, "\n"},
}

// client notes what it gets and when, in seconds since it asked.
type client struct {
	header http.Header
	since  time.Time
	status int
	writes []written
	block  time.Duration // how long a write takes
}

type written struct {
	at   int
	text string
}

func (c *client) Header() http.Header { return c.header }
func (c *client) WriteHeader(status int) {
	if c.status != 0 {
		panic("two statuses")
	}
	c.status = status
}

func (c *client) Write(b []byte) (int, error) {
	c.writes = append(c.writes, written{int(time.Since(c.since) / time.Second), string(b)})
	time.Sleep(c.block)
	return len(b), nil
}

// pinged are the seconds at which a write was this ping and nothing else.
func (c *client) pinged(ping string) (at []int) {
	for _, w := range c.writes {
		if w.text == ping {
			at = append(at, w.at)
		}
	}
	return at
}

// streaming makes a streamed exchange with a client that notes everything.
func streaming(d wire.Dialect, array bool) (*exchange, *client) {
	c := &client{header: http.Header{}, since: time.Now()}
	cfg := &config.Config{Fairlead: config.DefaultFairleadSettings()}
	plan, _ := route.New(route.Settings{}, []route.Deployment{{ID: "d", Group: "m"}}).Plan("m", route.Overrides{})
	step, _ := plan.Next(time.Now())
	x := &exchange{
		relay: &Relay{Now: time.Now, Redactor: func() *obs.Redactor { return obs.NewRedactor(nil) }}, w: c,
		rq: &Request{
			ID: "1", Start: time.Now(), Dialect: d, JSONArray: array, Models: &Models{Config: cfg},
			LLM: &llm.Request{Model: "m", Stream: true},
		},
		dep: &Deployment{Config: &config.Deployment{}}, target: &wire.Target{Provider: "p", Model: "u"},
		call: &wire.Call{}, plan: plan, step: step,
	}
	return x, c
}

// after is an event that comes after a silence.
type after struct {
	silence time.Duration
	ev      llm.Event
}

// played are events as an upstream sends them.
func (x *exchange) played(events ...after) iter.Seq2[llm.Event, error] {
	return func(yield func(llm.Event, error) bool) {
		for _, e := range events {
			if err := x.flush(); err != nil {
				yield(llm.Event{}, err)
				return
			}
			time.Sleep(e.silence)
			if !yield(e.ev, nil) {
				return
			}
		}
	}
}

func word(s string) llm.Event { return llm.Event{Kind: llm.EventText, Delta: s} }

func TestASilentStreamIsPingedEveryFiveSeconds(t *testing.T) {
	for _, d := range pings {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(d.dialect, d.array)
				x.keepAlive()
				err := x.relayEvents(context.Background(), x.played(
					after{time.Second, word("a")}, after{4 * time.Second, word("b")}, after{13 * time.Second, word("c")},
					after{0, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}},
				))
				x.alive.stop()
				if err != nil {
					t.Fatal(err)
				}
				if got := c.pinged(d.ping); !slices.Equal(got, []int{10, 15}) {
					t.Errorf("pings at %v of %v", got, c.writes)
				}
				n := len(c.writes)
				time.Sleep(time.Hour)
				if len(c.writes) != n {
					t.Errorf("after the end came %v", c.writes[n:])
				}
			})
		})
	}
}

func TestBeforeTheAnswerAStreamIsPingedOnlyAfterHalfAMinute(t *testing.T) {
	for _, d := range pings {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(d.dialect, d.array)
				x.keepAlive()
				time.Sleep(29 * time.Second)
				err := x.relayEvents(context.Background(), x.played(
					after{0, llm.Event{Kind: llm.EventStart, Response: &llm.Response{ID: "r"}}}, // promises nothing yet
					after{10 * time.Second, word("a")}, after{0, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}},
				))
				x.alive.stop()
				if err != nil || c.status != http.StatusOK || c.header.Get("Content-Type") == "" {
					t.Errorf("status %d, %v", c.status, err)
				}
				if got := c.pinged(d.ping); !slices.Equal(got, []int{30, 35}) {
					t.Errorf("pings at %v of %v", got, c.writes)
				}
			})
		})
	}
}

func TestAnAnswerThatBeginsLateInAnIntervalIsWatchedFromThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, c := streaming(openaichat.Dialect{}, false)
		x.keepAlive()
		_ = x.relayEvents(context.Background(), x.played(
			after{7 * time.Second, word("a")}, after{6 * time.Second, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}},
		))
		x.alive.stop()
		if got := c.pinged(": ping\n\n"); !slices.Equal(got, []int{12}) {
			t.Errorf("pings at %v of %v", got, c.writes)
		}
	})
}

func TestPingsCanBeTurnedOff(t *testing.T) {
	cases := map[string]struct {
		interval, first time.Duration
		want            []int
	}{
		"all of them":       {0, 30 * time.Second, nil},
		"before the answer": {5 * time.Second, 0, []int{65}},
	}
	for name, tt := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(openaichat.Dialect{}, false)
				f := &x.rq.Models.Config.Fairlead
				f.PingInterval, f.FirstPingAfter = tt.interval, tt.first
				x.keepAlive()
				_ = x.relayEvents(context.Background(), x.played(after{time.Minute, word("a")}, after{6 * time.Second, word("b")}))
				x.alive.stop()
				if got := c.pinged(": ping\n\n"); !slices.Equal(got, tt.want) {
					t.Errorf("pings at %v of %v", got, c.writes)
				}
			})
		})
	}
}

// tries begins an attempt at a deployment with a keepalive of its own, nil for none.
func (x *exchange) tries(keepalive *time.Duration) {
	x.dep = &Deployment{Config: &config.Deployment{Keepalive: keepalive}}
	x.attempting()
}

func TestADeploymentMayHaveAKeepaliveOfItsOwn(t *testing.T) {
	ten, none := 10*time.Second, time.Duration(0)
	for name, tt := range map[string]struct {
		all, first time.Duration // of the settings
		tried      []*time.Duration
		want       []int
	}{
		"its own":             {5 * time.Second, 30 * time.Second, []*time.Duration{&ten}, []int{10, 20, 30, 49, 59}},
		"none":                {5 * time.Second, 30 * time.Second, []*time.Duration{&none}, nil},
		"though others none":  {0, 0, []*time.Duration{&ten}, []int{10, 20, 30, 49, 59}},
		"the last that began": {5 * time.Second, 30 * time.Second, []*time.Duration{&ten, &none, nil}, []int{30, 35, 44, 49, 54, 59, 64}},
		"after a fallback":    {0, 0, []*time.Duration{&ten, nil}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(openaichat.Dialect{}, false)
				x.rq.Models.paced = true
				f := &x.rq.Models.Config.Fairlead
				f.PingInterval, f.FirstPingAfter = tt.all, tt.first
				x.dep = nil
				x.keepAlive()
				for _, keepalive := range tt.tried {
					x.tries(keepalive)
				}
				err := x.relayEvents(context.Background(), x.played(
					after{39500 * time.Millisecond, word("a")}, after{28 * time.Second, word("b")}, after{0, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}},
				))
				x.alive.stop()
				got := c.pinged(": ping\n\n")
				if err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("pinged at %v, want %v (error %v)", got, tt.want, err)
				}
			})
		})
	}
}

func TestAClientMayAskForAKeepaliveWhereTheDeploymentLetsIt(t *testing.T) {
	ten, none := 10*time.Second, time.Duration(0)
	for name, tt := range map[string]struct {
		all, first time.Duration // of the settings
		deployment config.Deployment
		wish       time.Duration
		want       []int
	}{
		"slower":                {5 * time.Second, 30 * time.Second, config.Deployment{ClientKeepalive: true}, 20 * time.Second, []int{30, 59}},
		"quicker":               {5 * time.Second, 30 * time.Second, config.Deployment{ClientKeepalive: true, Keepalive: &ten}, 6 * time.Second, []int{10, 16, 22, 28, 34, 45, 51, 57, 63}},
		"none":                  {5 * time.Second, 30 * time.Second, config.Deployment{ClientKeepalive: true}, 0, nil},
		"not before the answer": {0, 30 * time.Second, config.Deployment{ClientKeepalive: true}, 10 * time.Second, []int{49, 59}},
		"within bounds":         {0, 0, config.Deployment{ClientKeepalive: true}, 24 * time.Hour, nil},
		"where it may not":      {5 * time.Second, 0, config.Deployment{}, 20 * time.Second, []int{44, 49, 54, 59, 64}},
		"where there is none":   {5 * time.Second, 0, config.Deployment{ClientKeepalive: true, Keepalive: &none}, 20 * time.Second, nil},
		"with what is its own":  {0, 0, config.Deployment{ClientKeepalive: true, Keepalive: &ten}, 20 * time.Second, []int{10, 30, 59}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(openaichat.Dialect{}, false)
				x.rq.Models.paced = true
				f := &x.rq.Models.Config.Fairlead
				f.PingInterval, f.FirstPingAfter = tt.all, tt.first
				x.controls.Keepalive, x.dep = &tt.wish, nil
				x.keepAlive()
				x.dep = &Deployment{Config: &tt.deployment}
				x.attempting()
				err := x.relayEvents(context.Background(), x.played(
					after{39500 * time.Millisecond, word("a")}, after{28 * time.Second, word("b")}, after{0, llm.Event{Kind: llm.EventFinish, Finish: llm.FinishStop}},
				))
				x.alive.stop()
				if got := c.pinged(": ping\n\n"); err != nil || !slices.Equal(got, tt.want) {
					t.Errorf("pinged at %v, want %v (error %v)", got, tt.want, err)
				}
			})
		})
	}
}

func TestAWholeAnswerIsNeverPinged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, c := streaming(openaichat.Dialect{}, false)
		x.rq.LLM.Stream = false
		x.keepAlive()
		time.Sleep(time.Hour)
		x.alive.stop()
		if len(c.writes) != 0 || c.status != 0 {
			t.Errorf("status %d and %v", c.status, c.writes)
		}
	})
}

func TestAClientThatReadsSlowlyIsNotPingedInAnEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		x, c := streaming(openaichat.Dialect{}, false)
		c.block = 20 * time.Second
		x.keepAlive()
		_ = x.relayEvents(context.Background(), x.played(after{0, word("a")}, after{0, word("b")}))
		x.alive.stop()
		if got := c.pinged(": ping\n\n"); got != nil {
			t.Errorf("pings at %v of %v", got, c.writes)
		}
	})
}

func TestAStreamThatWasOpenedByAPingFailsWithinTheStream(t *testing.T) {
	for _, d := range pings {
		t.Run(d.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				x, c := streaming(d.dialect, d.array)
				x.keepAlive()
				time.Sleep(31 * time.Second)
				err := x.unanswered(&llm.Error{Kind: llm.KindUnavailable, Status: 503, Message: "all of them are down"})
				x.alive.stop()
				last := c.writes[len(c.writes)-1].text
				if _, ok := err.(*BegunError); !ok || !strings.Contains(last, "all of them are down") || c.status != http.StatusOK {
					t.Errorf("%v, status %d, the client got %v", err, c.status, c.writes)
				}
			})
		})
	}
}
