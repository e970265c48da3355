package http2

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

// result is how a call ended.
type result struct {
	text string
	err  error
}

// start makes a call on the side.
func start(t *testing.T, c *Conn) <-chan result {
	done := make(chan result, 1)
	go func() {
		text, err := send(t.Context(), c, "{}")
		done <- result{text, err}
	}()
	synctest.Wait()
	return done
}

func TestGOAWAYLetsAnswersBeFinished(t *testing.T) {
	for name, why := range map[string]http2.ErrCode{"gracefully": http2.ErrCodeNo, "with an error": http2.ErrCodeEnhanceYourCalm} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			p := &peer{window: wide}
			p.end = func(p *peer, id uint32) bool {
				if n++; n < 3 {
					return true
				}
				return p.WriteGoAway(3, why, []byte("because")) == nil
			}
			c := to(t, p)
			one := start(t, c)
			three := start(t, again(t, c))
			five := start(t, again(t, c))
			if r := <-five; !Unseen(r.err) {
				t.Errorf("%s: behind the last: %v", name, r)
			}
			if c.reserve() {
				t.Errorf("%s: it takes more", name)
			}
			p.do(func() { p.answer(1) })
			if r := <-one; r.err != nil || r.text != "ok" {
				t.Errorf("%s: %v", name, r)
			}
			// A second one may be stricter, never milder.
			p.do(func() { _ = p.WriteGoAway(1, http2.ErrCodeNo, nil) })
			if r := <-three; !Unseen(r.err) {
				t.Errorf("%s: then behind the last: %v", name, r)
			}
			synctest.Wait()
			if !c.ended() {
				t.Errorf("%s: it is kept", name)
			}
		})
	}
}

func TestReservedStreamOfAConnectionThatIsLeftIsUnseen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &peer{window: wide, end: func(p *peer, id uint32) bool { return p.answer(id) && p.WriteGoAway(id, http2.ErrCodeNo, nil) == nil }}
		c := again(t, to(t, p))
		if r := <-start(t, c); r.err != nil {
			t.Fatal(r.err)
		}
		if r := <-start(t, c); !Unseen(r.err) {
			t.Error(r.err)
		}
		if !c.ended() {
			t.Error("it is kept")
		}
	})
}

// TestConnectionThatEndsInTheMiddle: no answer is made up, and none is said to be unseen.
func TestConnectionThatEndsInTheMiddle(t *testing.T) {
	var reset *ResetError
	for name, script := range map[string]func(p *peer, id uint32) bool{
		"before the answer": func(*peer, uint32) bool { return false },
		"in the body": func(p *peer, id uint32) bool {
			return p.begin(id) && p.WriteData(id, false, []byte("o")) == nil && false
		},
		"in a frame": func(p *peer, id uint32) bool {
			_, _ = p.conn.Write([]byte("\x00\x00\x05\x00\x00\x00\x00\x00\x01ok"))
			return false
		},
		"with an error": func(p *peer, id uint32) bool { return p.WriteGoAway(id, http2.ErrCodeInternal, nil) == nil && false },
	} {
		synctest.Test(t, func(t *testing.T) {
			text, err := send(t.Context(), to(t, answers(script)), "{}")
			switch {
			case err == nil || err == io.EOF || Unseen(err):
				t.Errorf("%s: %q %v", name, text, err)
			case name == "with an error" && (!errors.As(err, &reset) || !reset.Whole || reset.Error() == ""):
				t.Errorf("%s: %v", name, err)
			case name == "in the body" && text != "o":
				t.Errorf("%s: %q", name, text)
			}
		})
	}
}

func TestStreamThatTheUpstreamResets(t *testing.T) {
	for name, script := range map[string]func(p *peer, id uint32) bool{
		"before the answer": func(p *peer, id uint32) bool { return p.WriteRSTStream(id, http2.ErrCodeInternal) == nil },
		"in the body": func(p *peer, id uint32) bool {
			return p.begin(id) && p.WriteData(id, false, []byte("o")) == nil && p.WriteRSTStream(id, http2.ErrCodeNo) == nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := to(t, answers(script))
			var reset *ResetError
			if _, err := send(t.Context(), c, "{}"); !errors.As(err, &reset) || reset.Whole || Unseen(err) || !strings.Contains(err.Error(), "stream with code") {
				t.Errorf("%s: %v", name, err)
			}
			if r := <-start(t, again(t, c)); r.err != nil || r.text != "ok" {
				t.Errorf("%s: then %v", name, r)
			}
		})
	}
}

func TestNumberOfStreamsIsTheUpstreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := answering()
		c := to(t, p)
		synctest.Wait()
		allow := func(n uint32) {
			p.do(func() { _ = p.WriteSettings(http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: n}) })
		}
		allow(2)
		again(t, c)
		if c.reserve() {
			t.Error("three streams of two")
		}
		allow(3)
		again(t, c)
		allow(0)
		for range 3 {
			if r := <-start(t, c); r.err != nil || r.text != "ok" {
				t.Error(r)
			}
			if c.reserve() {
				t.Error("one of none")
			}
		}
		allow(1)
		again(t, c)
	})
}

func TestNumbersOfStreamsCanBeUsedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := again(t, to(t, answers((*peer).answer)))
		c.nextID = maxStreamID
		if r := <-start(t, c); r.err == nil { // the peer knows no stream of this number, and answers
			t.Log(r)
		}
		if c.reserve() {
			t.Error("another one")
		}
		if r := <-start(t, c); !Unseen(r.err) {
			t.Error(r.err)
		}
		if !c.ended() {
			t.Error("it is kept")
		}
	})
}

// TestStreamsThatWereResetCount until the upstream is known to have heard of it.
func TestStreamsThatWereResetCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deaf := true
		var pings int
		p := &peer{window: wide, streams: 3, end: func(*peer, uint32) bool { return true }}
		p.frame = func(p *peer, f http2.Frame) bool {
			if f, ok := f.(*http2.PingFrame); ok {
				pings++
				return deaf || p.WritePing(true, f.Data) == nil
			}
			return true
		}
		c := to(t, p)
		synctest.Wait()
		hasty := func() {
			q := request("{}")
			q.Limits.Header = time.Second
			if _, err := call(t.Context(), c, q); err == nil {
				t.Error("an answer")
			}
			synctest.Wait()
		}
		hasty()
		hasty2 := again(t, c)
		again(t, c)
		if c.reserve() {
			t.Error("a stream that the upstream may still count does not count")
		}
		p.do(func() { deaf = false; _ = p.WritePing(true, [8]byte{}) })
		if !c.reserve() || c != hasty2 {
			t.Error("one of which the upstream has heard counts")
		}
		// An upstream that says nothing but that is not asked again.
		for range 3 {
			hasty()
		}
		if pings != 1 {
			t.Errorf("%d pings", pings)
		}
		again(t, c)
		p.do(func() { p.end = (*peer).answer })
		if r := <-start(t, c); r.err != nil {
			t.Error(r.err)
		}
		p.do(func() { p.end = func(*peer, uint32) bool { return true } })
		again(t, c)
		hasty()
		if pings != 2 {
			t.Errorf("%d pings", pings)
		}
	})
}

func TestSilentConnectionIsProbedAndGivenUp(t *testing.T) {
	for name, answered := range map[string]int{"that is dead": 0, "that answers twice": 2} {
		synctest.Test(t, func(t *testing.T) {
			var asked []time.Duration
			began := time.Now()
			p := &peer{window: wide, end: func(*peer, uint32) bool { return true }}
			p.frame = func(p *peer, f http2.Frame) bool {
				if f, ok := f.(*http2.PingFrame); ok {
					asked = append(asked, time.Since(began))
					return len(asked) > answered || p.WritePing(true, f.Data) == nil
				}
				return true
			}
			pool := NewPool(Options{IdleTimeout: time.Hour, PingAfter: 15 * time.Second, MaxHeaderBytes: 1 << 10})
			defer pool.CloseIdle()
			r := <-start(t, pool.test("up", dialled(t, p)))
			want, took := time.Duration(answered+2)*15*time.Second, time.Since(began)
			synctest.Wait()
			if !errors.Is(r.err, errSilent) || took != want || len(asked) != answered+1 {
				t.Errorf("%s: %v, after %v, pings %v", name, r.err, took, asked)
			}
		})
	}
}

func TestConnectionOverWhichAFrameComesSlowlyIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := NewPool(Options{IdleTimeout: time.Hour, PingAfter: 15 * time.Second, MaxHeaderBytes: 1 << 10})
		defer pool.CloseIdle()
		c := pool.test("up", dialled(t, answers(func(p *peer, id uint32) bool {
			p.begin(id)
			_, _ = p.conn.Write([]byte("\x00\x00\x14\x00\x01\x00\x00\x00\x01"))
			for range 20 {
				time.Sleep(10 * time.Second)
				_, _ = p.conn.Write([]byte("x"))
			}
			return true
		})))
		if r := <-start(t, c); r.err != nil || len(r.text) != 20 {
			t.Error(r)
		}
	})
}

func TestUnusedConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := NewPool(Options{IdleTimeout: time.Minute, PingAfter: time.Hour, MaxHeaderBytes: 1 << 10})
		c := pool.test("up", dialled(t, &peer{window: wide, end: func(p *peer, id uint32) bool {
			time.Sleep(90 * time.Second) // which is no idle time
			return p.answer(id)
		}}))
		for range 2 {
			if r := <-start(t, c); r.err != nil {
				t.Fatal(r.err)
			}
			time.Sleep(59 * time.Second)
			again(t, c)
		}
		if r := <-start(t, c); r.err != nil {
			t.Fatal(r.err)
		}
		time.Sleep(60 * time.Second)
		synctest.Wait()
		if !c.ended() {
			t.Error("it is open")
		}
	})
}

func TestStagesHaveLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		limits http1.Limits
		script func(p *peer, id uint32) bool
		want   http1.TimeoutError
		after  time.Duration
	}{
		"header":                  {http1.Limits{Header: 2 * time.Second, Idle: time.Second, Total: time.Minute}, func(p *peer, id uint32) bool { return true }, http1.TimeoutError{Stage: http1.StageHeader, Limit: 2 * time.Second}, 2 * time.Second},
		"header within the total": {http1.Limits{Header: time.Hour, Idle: time.Second, Total: time.Minute}, func(p *peer, id uint32) bool { return true }, http1.TimeoutError{Stage: http1.StageTotal, Limit: time.Minute}, time.Minute},
		"interim answers":         {http1.Limits{Header: 2 * time.Second, Idle: time.Second, Total: time.Minute}, func(p *peer, id uint32) bool { time.Sleep(time.Second); return p.head(id, false, ":status", "103") }, http1.TimeoutError{Stage: http1.StageHeader, Limit: 2 * time.Second}, 2 * time.Second},
		"idle":                    {http1.Limits{Header: time.Minute, Idle: 3 * time.Second, Total: time.Hour}, (*peer).begin, http1.TimeoutError{Stage: http1.StageIdle, Limit: 3 * time.Second}, 3 * time.Second},
		"total":                   {http1.Limits{Header: time.Minute, Idle: 3 * time.Second, Total: 10 * time.Second}, drip, http1.TimeoutError{Stage: http1.StageTotal, Limit: 10 * time.Second}, 10 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			c := to(t, answers(tc.script))
			q := request("{}")
			q.Limits = tc.limits
			began := time.Now()
			_, err := call(t.Context(), c, q)
			var late *http1.TimeoutError
			if took := time.Since(began); !errors.As(err, &late) || *late != tc.want || took != tc.after {
				t.Errorf("%s: %v, after %v", name, err, took)
			}
			time.Sleep(time.Minute)
			if r := <-start(t, again(t, c)); r.err != nil {
				t.Errorf("%s: then %v", name, r.err)
			}
		})
	}
}

// drip sends a byte every two seconds for a while.
func drip(p *peer, id uint32) bool {
	p.begin(id)
	for range 20 {
		time.Sleep(2 * time.Second)
		if p.WriteData(id, false, []byte("x")) != nil {
			return false
		}
	}
	return true
}

func TestLimitsCountFromTheBeginOfTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, answers(func(*peer, uint32) bool { return true }))
		q := request("{}")
		q.Limits.Header, q.Began = 10*time.Second, time.Now()
		time.Sleep(4 * time.Second)
		began := time.Now()
		var late *http1.TimeoutError
		if _, err := call(t.Context(), c, q); !errors.As(err, &late) || time.Since(began) != 6*time.Second {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
	})
}

func TestAnswerThatIsHurriedHasNoMoreTimeThanThat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := to(t, answers((*peer).begin))
		q := request("{}")
		q.Limits.Header, q.Limits.Idle, q.Limits.Total = time.Minute, time.Hour, time.Hour
		a := &Response{}
		if err := c.Do(t.Context(), q, a); err != nil {
			t.Fatal(err)
		}
		defer a.Close()
		a.Hurry(10 * time.Second)
		a.Hurry(time.Minute) // which gives none back
		began := time.Now()
		var late *http1.TimeoutError
		if _, err := io.ReadAll(a); !errors.As(err, &late) || time.Since(began) != 10*time.Second {
			t.Errorf("%v, after %v", err, time.Since(began))
		}
	})
}
