package redis

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/fairlead-gateway/fairlead/internal/rawjson"
	"github.com/fairlead-gateway/fairlead/internal/reasoning"
	"github.com/fairlead-gateway/fairlead/internal/responses"
	"github.com/fairlead-gateway/fairlead/internal/route"
	"github.com/fairlead-gateway/fairlead/internal/share"
	"github.com/fairlead-gateway/fairlead/internal/testkit/redisserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a time limit that a busy test machine keeps.
const slow = time.Minute

func open(t *testing.T, o Options) *Server {
	t.Helper()
	o.Timeout = slow
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func at(t *testing.T, s *redisserver.Server) *Server {
	t.Helper()
	return open(t, Options{Addrs: []string{s.Addr}})
}

// always lets every question through.
type always struct{ t *testing.T }

func (a always) Do(ask func(ctx context.Context) error) bool {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), slow)
	defer cancel()
	if err := ask(ctx); err != nil {
		a.t.Errorf("the server did not answer: %v", err)
		return false
	}
	return true
}

// never is a gate without a server.
type never struct{}

func (never) Do(func(ctx context.Context) error) bool { return false }

// sameMinute runs what must not see the end of a minute of the server's clock; when it
// did, it runs it again.
func sameMinute(t *testing.T, s *Server, run func(round int) error) {
	t.Helper()
	minute := func() int64 {
		now, err := s.client.Time(t.Context()).Result()
		if err != nil {
			t.Fatal(err)
		}
		return now.Unix() / 60
	}
	const rounds = 10
	for round := range rounds {
		before := minute()
		err := run(round)
		if minute() == before || round == rounds-1 {
			if err != nil {
				t.Error(err)
			}
			return
		}
	}
}

func admitted(t *testing.T, s *Server, c share.Call) share.Answer {
	t.Helper()
	a, err := s.Admit(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestRequestsOfAMinuteAreExactOverNodes(t *testing.T) {
	server := redisserver.Start(t)
	a, b := at(t, server), at(t, server)
	sameMinute(t, a, func(round int) error {
		var in atomic.Int64
		var wg sync.WaitGroup
		for g := range 8 {
			wg.Go(func() {
				for range 50 {
					answer, err := []*Server{a, b}[g%2].Admit(t.Context(), share.Call{Node: fmt.Sprint(g % 2), Deployment: fmt.Sprint("d", round), Limits: route.Limits{Requests: 100}})
					if err == nil && !answer.Refused {
						in.Add(1)
					}
				}
			})
		}
		wg.Wait()
		if in.Load() != 100 {
			return fmt.Errorf("%d of 400 were let in, want 100", in.Load())
		}
		return nil
	})
}

func TestTokensAreReservedAndSettled(t *testing.T) {
	s := at(t, redisserver.Start(t))
	sameMinute(t, s, func(round int) error {
		c := share.Call{Node: "n", Deployment: fmt.Sprint("d", round), Limits: route.Limits{Tokens: 1000}, Tokens: 600}
		first := admitted(t, s, c)
		if first.Refused || !admitted(t, s, c).Refused {
			return fmt.Errorf("600 of 1000 tokens twice: %+v", first)
		}
		end := share.Settlement{Deployment: c.Deployment, Minute: first.Now.Unix() / 60, Reserved: 600, Used: 100}
		if err := s.Settle(t.Context(), "n", []share.Settlement{end}); err != nil {
			return err
		}
		if again := admitted(t, s, c); again.Refused || again.Tokens != 700 {
			return fmt.Errorf("after a settlement of 100: %+v", again)
		}
		return nil
	})
}

func TestTokensOfAMinuteThatIsOverCountInTheNext(t *testing.T) {
	s := at(t, redisserver.Start(t))
	sameMinute(t, s, func(round int) error {
		c := share.Call{Node: "n", Deployment: fmt.Sprint("d", round), Limits: route.Limits{Tokens: 1000}, Tokens: 1}
		if err := s.Settle(t.Context(), "n", []share.Settlement{{Deployment: c.Deployment, Minute: 1, Reserved: 600, Used: 900}}); err != nil {
			return err
		}
		if a := admitted(t, s, c); a.Tokens != 901 {
			return fmt.Errorf("%+v", a)
		}
		return nil
	})
}

func TestPlacesInFlightAreGivenBackAndHealWhenANodeDies(t *testing.T) {
	s := at(t, redisserver.Start(t))
	c := share.Call{Node: "n", Deployment: "d", Lease: "1", Limits: route.Limits{Parallel: 1}}
	if admitted(t, s, c).Refused {
		t.Fatal("the first place is refused")
	}
	c.Lease = "2"
	if a := admitted(t, s, c); !a.Refused || !a.Full {
		t.Fatalf("%+v", a)
	}
	if err := s.Settle(t.Context(), "n", []share.Settlement{{Deployment: "d", Lease: "1"}}); err != nil {
		t.Fatal(err)
	}
	if admitted(t, s, c).Refused {
		t.Fatal("a place that was given back is refused")
	}
	c.Lease, c.Freed = "2b", []string{"2"}
	if admitted(t, s, c).Refused {
		t.Fatal("a place that is given back with the question is refused")
	}
	c.Lease, c.Freed = "2", []string{"2b"}
	admitted(t, s, c)
	c.Freed = nil
	leases := s.counts("d")[1]
	score, err := s.client.ZScore(t.Context(), leases, "2").Result()
	if now := float64(time.Now().UnixMilli()); err != nil || score < now || score > now+float64((share.LeaseFor+slow).Milliseconds()) {
		t.Fatalf("the lease ends at %f (%v), now is %f", score, err, now)
	}
	if err := s.client.ZIncrBy(t.Context(), leases, -1e6, "2").Err(); err != nil { // its node died long ago
		t.Fatal(err)
	}
	c.Lease = "3"
	if admitted(t, s, c).Refused {
		t.Error("the place of a dead node is held for ever")
	}
}

func TestAReportPutsRightWhatTheServerForgot(t *testing.T) {
	s := at(t, redisserver.Start(t))
	sameMinute(t, s, func(round int) error {
		c := share.Call{Node: "a", Deployment: fmt.Sprint("d", round), Lease: "x", Limits: route.Limits{Requests: 100, Parallel: 10}}
		minute := admitted(t, s, c).Now.Unix() / 60
		if err := s.client.FlushAll(t.Context()).Err(); err != nil {
			return err
		}
		load := share.Load{Deployment: c.Deployment, Minute: minute, Requests: 57, Tokens: 5, Leases: []string{"x", "y"}}
		if err := s.Report(t.Context(), "a", []share.Load{load, load}); err != nil { // once more changes nothing
			return err
		}
		c.Node, c.Lease = "b", "z"
		if a := admitted(t, s, c); a.Requests != 58 || a.Tokens != 5 {
			return fmt.Errorf("%+v", a)
		}
		if n := s.client.ZCard(t.Context(), s.counts(c.Deployment)[1]).Val(); n != 3 {
			return fmt.Errorf("%d places are taken, want 3", n)
		}
		old := share.Load{Deployment: c.Deployment, Minute: minute - 1, Requests: 90}
		if err := s.Report(t.Context(), "a", []share.Load{old}); err != nil {
			return err
		}
		if a := admitted(t, s, c); a.Requests != 59 {
			return fmt.Errorf("the report of a minute ago counts now: %+v", a)
		}
		return nil
	})
}

func TestAServerThatLostTheScriptsLearnsThemAgain(t *testing.T) {
	s := at(t, redisserver.Start(t))
	if err := s.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.client.ScriptFlush(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(t.Context(), "n", []share.Settlement{{Deployment: "d", Used: 5}, {Deployment: "e", Used: 6}}); err != nil {
		t.Fatal(err)
	}
	if a := admitted(t, s, share.Call{Node: "n", Deployment: "d", Limits: route.Limits{Tokens: 9}, Tokens: 1}); a.Tokens != 6 {
		t.Errorf("%+v", a)
	}
}

func TestABeatTellsOfNodesAndCooldowns(t *testing.T) {
	s := at(t, redisserver.Start(t))
	first, err := s.Beat(t.Context(), "a")
	if err != nil || first.Known || first.Nodes != 1 || len(first.Resting) != 0 {
		t.Fatalf("%+v %v", first, err)
	}
	if err := s.Cool(t.Context(), []share.Cooldown{{Deployment: "d", For: time.Minute}, {Deployment: "e", For: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Cool(t.Context(), []share.Cooldown{{Deployment: "e", For: time.Second}}); err != nil {
		t.Fatal(err)
	}
	p, err := s.Beat(t.Context(), "b")
	if err != nil || p.Nodes != 2 || len(p.Resting) != 2 {
		t.Fatalf("%+v %v", p, err)
	}
	if left := p.Resting["e"].Sub(p.Now); left < 50*time.Minute {
		t.Errorf("a shorter cooldown cut a longer one: %v are left", left)
	}
	if err := s.Cool(t.Context(), []share.Cooldown{{Deployment: "e", For: -time.Second}, {Deployment: "never", For: 0}}); err != nil {
		t.Fatal(err)
	}
	if p, _ := s.Beat(t.Context(), "b"); len(p.Resting) != 1 {
		t.Errorf("%v rest after one has ended its rest", p.Resting)
	}
	if p, _ := s.Beat(t.Context(), "b"); !p.Known {
		t.Error("a node is not known")
	}
	if err := s.Leave(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if p, _ := s.Beat(t.Context(), "b"); p.Nodes != 1 {
		t.Errorf("%d nodes after one has left", p.Nodes)
	}
}

func turn(sig string) *reasoning.Turn {
	return &reasoning.Turn{Provider: "gemini", Calls: []reasoning.Call{{ID: "c", Name: "f", Arguments: "{}", Signature: sig}}}
}

func TestTurnsOfOneNodeAreFoundByAnother(t *testing.T) {
	server := redisserver.Start(t)
	log := slog.New(slog.DiscardHandler)
	a, b := at(t, server).Turns(always{t}, log, time.Now), at(t, server).Turns(always{t}, log, time.Now)
	keys := []reasoning.Key{{1}, {2}, {3}}
	a.Save(keys[:2], turn("first"), time.Now().Add(time.Hour))
	a.Save(keys[1:2], turn("second"), time.Now().Add(time.Hour))
	a.Save(keys[2:], turn("over"), time.Now().Add(-time.Hour))
	got := b.LoadAll(keys)
	if len(got) != 2 || got[keys[0]].Calls[0].Signature != "first" || got[keys[1]].Calls[0].Signature != "second" {
		t.Errorf("%+v", got)
	}
	if one, ok := b.Load(keys[0]); !ok || one.Provider != "gemini" {
		t.Errorf("%+v", one)
	}
	gone := b.server.Turns(never{}, log, time.Now)
	gone.Save(keys, turn("x"), time.Now().Add(time.Hour))
	if _, ok := gone.Load(keys[0]); ok {
		t.Error("found without a server")
	}
}

func TestADamagedTurnIsPassedOver(t *testing.T) {
	s := at(t, redisserver.Start(t))
	var log bytes.Buffer
	turns := s.Turns(always{t}, slog.New(slog.NewTextHandler(&log, nil)), time.Now)
	k := reasoning.Key{1}
	s.client.Set(t.Context(), turns.key(k), "id", time.Hour)
	s.client.Set(t.Context(), turns.turnKey("id"), "{", time.Hour)
	if _, ok := turns.Load(k); ok || !strings.Contains(log.String(), "damaged") {
		t.Errorf("log: %s", &log)
	}
}

func record(id, previous string) responses.Record {
	return responses.NewRecord(rawjson.String("question "+id), previous, rawjson.Value(`{"id":"`+id+`","output":[{"id":"msg_`+id+`","type":"message"}]}`))
}

func TestAnswersOfOneNodeGoOnAtAnother(t *testing.T) {
	server := redisserver.Start(t)
	log := slog.New(slog.DiscardHandler)
	memory := func() *responses.Memory { return responses.NewMemory(responses.Limits{}, nil, time.Now) }
	a, b := at(t, server).Answers(always{t}, memory(), log), at(t, server).Answers(always{t}, memory(), log)
	for _, r := range []responses.Record{record("r1", ""), record("r2", "r1")} {
		if err := a.Save("tenant", r); err != nil {
			t.Fatal(err)
		}
	}
	items, err := responses.Chain(b, "tenant", "r2")
	if err != nil || len(items) != 4 {
		t.Fatalf("%d items, %v", len(items), err)
	}
	fresh := at(t, server).Answers(always{t}, memory(), log)
	if item, ok, err := fresh.Item("tenant", "msg_r1"); !ok || err != nil || item.Get("type").Text() != "message" {
		t.Errorf("%s %v %v", item, ok, err)
	}
	if _, ok, _ := fresh.Get("another", "r1"); ok {
		t.Error("another tenant reads it")
	}
	if ok, err := b.Delete("tenant", "r1"); !ok || err != nil {
		t.Errorf("%v %v", ok, err)
	}
	if err := a.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*Answers{"its maker": a, "a new node": at(t, server).Answers(always{t}, memory(), log)} {
		if _, ok, err := s.Get("tenant", "r1"); ok || err != nil {
			t.Errorf("%s still has a deleted answer (%v)", name, err)
		}
	}
}

func TestADamagedAnswerIsPassedOver(t *testing.T) {
	s := at(t, redisserver.Start(t))
	var log bytes.Buffer
	answers := s.Answers(always{t}, responses.NewMemory(responses.Limits{}, nil, time.Now), slog.New(slog.NewTextHandler(&log, nil)))
	s.client.HSet(t.Context(), answers.key("answer", "t", "r1"), bodyField, "{")
	if _, ok, err := answers.Get("t", "r1"); ok || err != nil || !strings.Contains(log.String(), "damaged") {
		t.Errorf("%v %v, log: %s", ok, err, &log)
	}
}

func TestADeletionIsToldWhenTheServerIsBack(t *testing.T) {
	s := at(t, redisserver.Start(t))
	log := slog.New(slog.DiscardHandler)
	other := s.Answers(always{t}, responses.NewMemory(responses.Limits{}, nil, time.Now), log)
	if err := other.Save("t", record("r1", "")); err != nil {
		t.Fatal(err)
	}
	away := s.Answers(never{}, responses.NewMemory(responses.Limits{}, nil, time.Now), log)
	if err := away.Save("t", record("r1", "")); err != nil {
		t.Fatal(err)
	}
	if ok, _ := away.Delete("t", "r1"); !ok {
		t.Fatal("not deleted here")
	}
	if err := away.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := other.Beat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := other.Get("t", "r1"); ok {
		t.Error("the other node still has it")
	}
}

func TestWhereAConversationIsIsKnownToAll(t *testing.T) {
	server := redisserver.Start(t)
	a, b := at(t, server), at(t, server)
	c := share.Conversation{ID: route.Conversation{1}, Group: "m"}
	is := route.Stay{Deployment: "d", At: time.UnixMilli(1700000000123), Tokens: 77}
	if err := a.Stayed(t.Context(), []share.Stayed{{Conversation: c, Stay: is, For: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := b.Stay(t.Context(), c); !ok || err != nil || got != is {
		t.Errorf("%+v %v %v", got, ok, err)
	}
	c.Group = "other"
	if _, ok, err := b.Stay(t.Context(), c); ok || err != nil {
		t.Errorf("another group has it too (%v)", err)
	}
	b.client.Set(t.Context(), b.stayKey(c), "{", time.Hour)
	if _, ok, err := b.Stay(t.Context(), c); ok || err != nil {
		t.Errorf("a damaged value counts (%v)", err)
	}
}

func TestEveryKeyIsNamespacedAndEnds(t *testing.T) {
	server := redisserver.Start(t)
	s := open(t, Options{Addrs: []string{server.Addr}, Namespace: "team"})
	log := slog.New(slog.DiscardHandler)
	admitted(t, s, share.Call{Node: "n", Deployment: "d", Lease: "1", Limits: route.Limits{Parallel: 9, Requests: 9, Tokens: 9}, Tokens: 1})
	if _, err := s.Beat(t.Context(), "n"); err != nil {
		t.Fatal(err)
	}
	if err := s.Cool(t.Context(), []share.Cooldown{{Deployment: "d", For: time.Minute}}); err != nil {
		t.Fatal(err)
	}
	if err := s.Stayed(t.Context(), []share.Stayed{{Stay: route.Stay{Deployment: "d"}, For: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	s.Turns(always{t}, log, time.Now).Save([]reasoning.Key{{1}}, turn("x"), time.Now().Add(time.Hour))
	answers := s.Answers(always{t}, responses.NewMemory(responses.Limits{}, nil, time.Now), log)
	if err := answers.Save("t", record("r1", "")); err != nil {
		t.Fatal(err)
	}
	if err := answers.Save("t", record("r2", "")); err != nil {
		t.Fatal(err)
	}
	if _, err := answers.Delete("t", "r1"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Spend(t.Context(), []route.Spending{{Of: "p", Spent: 1, Untold: 1, Since: time.Now(), Period: time.Hour}}); err != nil {
		t.Fatal(err)
	}
	keys := s.client.Keys(t.Context(), "*").Val()
	if len(keys) < 11 {
		t.Errorf("only %d keys: %v", len(keys), keys)
	}
	for _, key := range keys {
		if ttl := s.client.PTTL(t.Context(), key).Val(); ttl <= 0 || !strings.HasPrefix(key, "team:fairlead:") {
			t.Errorf("%s lives %v", key, ttl)
		}
	}
}

func BenchmarkAdmit(b *testing.B) {
	server := redisserver.Start(b)
	s, err := Open(Options{Addrs: []string{server.Addr}, Timeout: slow})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	c := share.Call{Node: "n", Deployment: "d", Lease: "1", Limits: route.Limits{Parallel: 100, Requests: 1 << 40, Tokens: 1 << 40}, Tokens: 100}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Admit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
