package share

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/route"
)

// fake is a server in memory, for one deployment's requests and places.
type fake struct {
	mu       sync.Mutex
	err      error         // of every question
	slow     time.Duration // before every answer
	nodes    map[string]bool
	requests map[string]int64
	leases   map[string]bool
	calls    []string // what was asked, in order
	ended    []Settlement
	resting  map[string]time.Time
	stays    map[Conversation]route.Stay
}

func newFake() *fake {
	return &fake{nodes: map[string]bool{}, requests: map[string]int64{}, leases: map[string]bool{}, resting: map[string]time.Time{}, stays: map[Conversation]route.Stay{}}
}

// forget is what a restart does.
func (f *fake) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nodes, f.requests, f.leases, f.resting = map[string]bool{}, map[string]int64{}, map[string]bool{}, map[string]time.Time{}
}

func (f *fake) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// ask begins a question; done ends it.
func (f *fake) ask(ctx context.Context, what string) (done func(), err error) {
	f.mu.Lock()
	slow := f.slow
	f.mu.Unlock()
	if slow > 0 {
		select {
		case <-time.After(slow):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	f.mu.Lock()
	if f.err != nil {
		defer f.mu.Unlock()
		return nil, f.err
	}
	f.calls = append(f.calls, what)
	return f.mu.Unlock, nil
}

func (f *fake) Ready(ctx context.Context) error {
	done, err := f.ask(ctx, "ready")
	if err == nil {
		done()
	}
	return err
}

func (f *fake) Admit(ctx context.Context, c Call) (Answer, error) {
	done, err := f.ask(ctx, "admit")
	if err != nil {
		return Answer{}, err
	}
	defer done()
	for _, lease := range c.Freed {
		delete(f.leases, lease)
	}
	a := Answer{Now: time.Now(), Requests: f.total()}
	a.Full = c.Limits.Parallel > 0 && int64(len(f.leases)) >= c.Limits.Parallel
	if a.Refused = a.Full || c.Limits.Requests > 0 && a.Requests >= c.Limits.Requests; a.Refused {
		return a, nil
	}
	f.requests[c.Node]++
	a.Requests++
	if c.Lease != "" {
		f.leases[c.Lease] = true
	}
	return a, nil
}

func (f *fake) total() (n int64) {
	for _, r := range f.requests {
		n += r
	}
	return n
}

func (f *fake) Settle(ctx context.Context, _ string, ended []Settlement) error {
	done, err := f.ask(ctx, "settle")
	if err != nil {
		return err
	}
	defer done()
	for _, s := range ended {
		delete(f.leases, s.Lease)
	}
	f.ended = append(f.ended, ended...)
	return nil
}

func (f *fake) Cool(ctx context.Context, resting []Cooldown) error {
	done, err := f.ask(ctx, "cool")
	if err != nil {
		return err
	}
	defer done()
	for _, c := range resting {
		f.resting[c.Deployment] = time.Now().Add(c.For)
	}
	return nil
}

func (f *fake) Report(ctx context.Context, node string, loads []Load) error {
	done, err := f.ask(ctx, "report")
	if err != nil {
		return err
	}
	defer done()
	for _, l := range loads {
		f.requests[node] = max(f.requests[node], l.Requests)
		for _, lease := range l.Leases {
			f.leases[lease] = true
		}
	}
	return nil
}

func (f *fake) Beat(ctx context.Context, node string) (Pulse, error) {
	done, err := f.ask(ctx, "beat")
	if err != nil {
		return Pulse{}, err
	}
	defer done()
	p := Pulse{Known: f.nodes[node], Now: time.Now(), Resting: map[string]time.Time{}}
	f.nodes[node] = true
	p.Nodes = len(f.nodes)
	for id, until := range f.resting {
		p.Resting[id] = until
	}
	return p, nil
}

func (f *fake) Stay(ctx context.Context, c Conversation) (route.Stay, bool, error) {
	done, err := f.ask(ctx, "stay")
	if err != nil {
		return route.Stay{}, false, err
	}
	defer done()
	s, ok := f.stays[c]
	return s, ok, nil
}

func (f *fake) Stayed(ctx context.Context, moved []Stayed) error {
	done, err := f.ask(ctx, "stayed")
	if err != nil {
		return err
	}
	defer done()
	for _, m := range moved {
		f.stays[m.Conversation] = m.Stay
	}
	return nil
}

func (f *fake) Leave(ctx context.Context, node string) error {
	done, err := f.ask(ctx, "leave")
	if err != nil {
		return err
	}
	defer done()
	delete(f.nodes, node)
	return nil
}

// node is a started node with what it says and hears.
type node struct {
	*Node
	log *bytes.Buffer

	mu     sync.Mutex
	rested map[string]time.Time
}

func begin(t *testing.T, s Server, id string) *node {
	t.Helper()
	n := &node{log: &bytes.Buffer{}, rested: map[string]time.Time{}}
	n.Node = New(Options{
		Server: s, ID: id, Log: slog.New(slog.NewTextHandler(n.log, nil)), Now: time.Now, Redact: strings.TrimSpace,
		Rested: func(id string, until time.Time) {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.rested[id] = until
		},
	})
	n.Start(func(context.Context) error { return nil })
	synctest.Wait()
	return n
}

// pass lets so much time pass.
func pass(d time.Duration) {
	time.Sleep(d) // of the bubble: nobody waits
	synctest.Wait()
}

// take admits n calls and returns the tickets of those that were let in.
func (n *node) take(limits route.Limits, calls int) (in []*route.Ticket) {
	for range calls {
		if t, _ := n.Admit("d", limits, 1, time.Now()); t != nil {
			in = append(in, t)
		}
	}
	return in
}

var errGone = errors.New("connection refused")

func TestNodesTogetherKeepALimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a, b := begin(t, f, "a"), begin(t, f, "b")
		defer a.Close()
		defer b.Close()
		limits := route.Limits{Requests: 10}
		if n, m := len(a.take(limits, 7)), len(b.take(limits, 7)); n != 7 || m != 3 {
			t.Errorf("%d and %d, want 7 and 3", n, m)
		}
	})
}

func TestWithoutAServerEachNodeHasItsShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a, b := begin(t, f, "a"), begin(t, f, "b")
		defer a.Close()
		defer b.Close()
		pass(time.Second) // now a knows of b
		f.fail(errGone)
		if n := len(a.take(route.Limits{Requests: 10}, 20)); n != 5 {
			t.Errorf("%d of 10 requests, want its half", n)
		}
		tickets := a.take(route.Limits{Parallel: 4}, 9)
		if len(tickets) != 2 {
			t.Errorf("%d of 4 places, want its half", len(tickets))
		}
		a.Leave(tickets[0])
		if n := len(a.take(route.Limits{Parallel: 4}, 9)); n != 1 {
			t.Errorf("%d places after one was given back", n)
		}
		if n := len(b.take(route.Limits{Requests: 1}, 9)); n != 1 {
			t.Errorf("%d of 1 request: a share is never nothing", n)
		}
		if _, usage := a.Admit("d", route.Limits{Requests: 10}, 0, time.Now()); usage.Requests != 10 {
			t.Errorf("a refusal does not say that the limit is reached: %+v", usage)
		}
	})
}

func TestTokensWithoutAServerKeepToTheShare(t *testing.T) {
	l := &load{leases: map[string]struct{}{}}
	limits := route.Limits{Tokens: 1000}
	first, _ := l.alone(&route.Ticket{Counted: true, Reserved: 300}, limits, 2, 7)
	if second, u := l.alone(&route.Ticket{Counted: true, Reserved: 300}, limits, 2, 7); second != nil || u.Tokens+300 <= limits.Tokens || u.Tokens+200 > limits.Tokens {
		t.Errorf("%+v: 300 do not fit into the rest of 200, and 200 do", u)
	}
	first.Used = 100
	l.leave(first, 7)
	if l.tokens != 100 {
		t.Errorf("%d tokens after the end", l.tokens)
	}
	if s, tells := l.leave(&route.Ticket{Counted: true, Minute: 7, Reserved: 5, Used: 9}, 8); !tells || l.tokens != 9 || s.Minute != 7 {
		t.Errorf("a minute later: %d tokens, told %+v", l.tokens, s)
	}
}

func TestTheLogSaysOnceThatTheServerIsGoneAndBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		pass(time.Minute)
		f.fail(errGone)
		for range 50 {
			a.take(route.Limits{Requests: 1000}, 3)
			pass(100 * time.Millisecond)
		}
		f.fail(nil)
		pass(5 * time.Second)
		if log := a.log.String(); strings.Count(log, "does not answer") != 1 || strings.Count(log, "is back") != 1 || !strings.Contains(log, "connection refused") {
			t.Errorf("%s", log)
		}
	})
}

func TestAServerThatComesAndGoesDoesNotFillTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		pass(time.Minute)
		for range 20 {
			f.fail(errGone)
			pass(time.Second)
			f.fail(nil)
			pass(time.Second)
		}
		if n := strings.Count(a.log.String(), "\n"); n > 3 {
			t.Errorf("%d lines:\n%s", n, a.log)
		}
	})
}

func TestAServerThatIsNotThereAtTheStartIsFoundLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		f.fail(errGone)
		a := begin(t, f, "a")
		defer a.Close()
		if n := len(a.take(route.Limits{Requests: 5}, 9)); n != 5 {
			t.Errorf("%d of 5", n)
		}
		f.fail(nil)
		pass(time.Second)
		if f.total() != 5 {
			t.Errorf("the server knows of %d requests, want 5", f.total())
		}
		if n := len(a.take(route.Limits{Requests: 8}, 9)); n != 3 {
			t.Errorf("%d more of 8", n)
		}
	})
}

func TestALateServerIsAskedThriceAndThenLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		f.mu.Lock()
		f.slow = time.Hour
		f.mu.Unlock()
		began := time.Now()
		if n := len(a.take(route.Limits{Requests: 100}, 50)); n != 50 {
			t.Errorf("%d of 50 were let in", n)
		}
		if waited := time.Since(began); waited > 4*defaultTimeout {
			t.Errorf("50 requests waited %v together", waited)
		}
	})
}

func TestWhatTheServerForgotIsReportedBeforeAnybodyCountsThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		limits := route.Limits{Requests: 10, Parallel: 100}
		a.take(limits, 6)
		f.fail(errGone)
		pass(time.Second)
		f.forget()
		f.mu.Lock()
		f.calls = nil
		f.mu.Unlock()
		f.fail(nil)
		pass(time.Second)
		if i := slices.Index(f.calls, "report"); i < 0 || slices.Contains(f.calls[:i], "admit") {
			t.Errorf("asked in this order: %v", f.calls)
		}
		if f.total() != 6 || len(f.leases) != 6 {
			t.Errorf("the server knows of %d requests and %d places, want 6", f.total(), len(f.leases))
		}
	})
}

func TestARestartThatNobodyNoticedIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		a.take(route.Limits{Requests: 10}, 6)
		a.Cooled("d", time.Now().Add(time.Minute))
		f.forget()
		pass(time.Second)
		if f.total() != 6 || f.resting["d"].IsZero() {
			t.Errorf("the server knows of %d requests and %v", f.total(), f.resting)
		}
	})
}

func TestCooldownsReachTheOthersWithinASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a, b := begin(t, f, "a"), begin(t, f, "b")
		defer a.Close()
		defer b.Close()
		until := time.Now().Add(time.Minute)
		a.Cooled("d", until)
		pass(time.Second)
		b.mu.Lock()
		defer b.mu.Unlock()
		if !b.rested["d"].Equal(until) {
			t.Errorf("%v, want until %v", b.rested, until)
		}
	})
}

func TestWhereAConversationIsReachesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a, b := begin(t, f, "a"), begin(t, f, "b")
		defer a.Close()
		defer b.Close()
		c := route.Conversation{7}
		a.Stayed(c, "m", route.Stay{Deployment: "d"}, time.Hour)
		synctest.Wait()
		if s, ok := b.Stay(c, "m"); !ok || s.Deployment != "d" {
			t.Errorf("%+v %v", s, ok)
		}
		f.fail(errGone)
		if _, ok := b.Stay(c, "m"); ok {
			t.Error("known without a server")
		}
	})
}

func TestPlacesInFlightAreHeldOnTo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		tickets := a.take(route.Limits{Parallel: 5}, 2)
		pass(10 * time.Second)
		f.mu.Lock()
		f.calls = nil
		f.mu.Unlock()
		pass(LeaseFor)
		if n := strings.Count(fmt.Sprint(f.calls), "report"); n < 3 {
			t.Errorf("%d reports within the life of a lease", n)
		}
		for _, ticket := range tickets {
			a.Leave(ticket)
		}
		pass(time.Second)
		if len(f.leases) != 0 {
			t.Errorf("%d places are held", len(f.leases))
		}
	})
}

func TestAPlaceThatWasGivenBackIsFreeForTheNextCallAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := New(Options{Server: f, ID: "a", Log: slog.New(slog.DiscardHandler), Now: time.Now, Redact: strings.TrimSpace})
		a.up.Store(true) // and nobody reads the queue
		limits := route.Limits{Parallel: 1}
		for range 2 * maxFreed {
			ticket, usage := a.Admit("d", limits, 0, time.Now())
			if ticket == nil {
				t.Fatalf("refused: %+v", usage)
			}
			a.Leave(ticket)
		}
		if n := len(a.load("d").freed); n > 1 {
			t.Errorf("%d ends are told again and again", n)
		}
	})
}

func TestOnlyWhatMattersIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		for _, ticket := range a.take(route.Limits{Requests: 50}, 20) {
			ticket.Used = 700
			a.Leave(ticket)
		}
		pass(time.Second)
		if len(f.ended) != 0 {
			t.Errorf("%d ends were told though only requests are limited", len(f.ended))
		}
	})
}

func TestTheEndTellsWhatIsLeftToTell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		for _, ticket := range a.take(route.Limits{Parallel: 50}, 20) {
			a.Leave(ticket)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
		if len(f.leases) != 0 || len(f.nodes) != 0 {
			t.Errorf("%d places and %d nodes are left", len(f.leases), len(f.nodes))
		}
		a.Cooled("d", time.Now().Add(time.Minute)) // harmless after the end
		a.Leave(a.take(route.Limits{Parallel: 50}, 1)[0])
	})
}

func TestMoreEndsThanCanWaitAreReportedLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		a := begin(t, f, "a")
		defer a.Close()
		tickets := a.take(route.Limits{Tokens: 1 << 40}, queueLength+500)
		f.mu.Lock() // nobody is heard for the moment
		for _, ticket := range tickets {
			ticket.Used = 2
			a.Leave(ticket)
		}
		f.calls = nil
		f.mu.Unlock()
		pass(time.Second)
		if !slices.Contains(f.calls, "report") {
			t.Errorf("%v", f.calls[max(0, len(f.calls)-10):])
		}
	})
}
