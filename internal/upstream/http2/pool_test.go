package http2

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/http2"

	"github.com/fairlead-gateway/fairlead/internal/upstream/http1"
)

func answering() *peer { return &peer{window: wide, end: (*peer).answer} }

func TestConnectionIsSharedAndKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t)
		if c, release := p.Take(t.Context(), "up", time.Minute, nil); c != nil || release != nil {
			t.Fatal("a host that nobody knows has a connection, or makes others wait")
		}
		first := p.test("up", dialled(t, answering()))
		if text, err := send(t.Context(), first, "{}"); err != nil || text != "ok" {
			t.Fatalf("%q %v", text, err)
		}
		for range 3 {
			c, release := p.Take(t.Context(), "up", time.Minute, nil)
			if c != first || release != nil {
				t.Fatal("another connection")
			}
			if text, err := send(t.Context(), c, "{}"); err != nil || text != "ok" {
				t.Fatalf("%q %v", text, err)
			}
		}
		if c, _ := p.Take(t.Context(), "down", time.Minute, nil); c != nil {
			t.Error("a connection to another host")
		}
	})
}

func TestConnectionThatIsNotNeededAnyMoreIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t)
		first := p.test("up", dialled(t, answering()))
		late := dialled(t, answering())
		if c := p.test("up", late); c != first {
			t.Error("the first one has room, and was not taken")
		}
		if _, err := late.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the late one is open: %v", err)
		}
		for range 2 {
			if _, err := send(t.Context(), first, "{}"); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestFullConnectionLeadsToAnother(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t)
		first := p.test("up", dialled(t, &peer{window: wide, streams: 1, end: (*peer).answer}))
		synctest.Wait() // for the settings
		c, release := p.Take(t.Context(), "up", time.Minute, nil)
		if c != nil || release == nil {
			t.Fatal("a second stream where one is allowed")
		}
		second := p.test("up", dialled(t, answering()))
		release()
		if second == first {
			t.Fatal("the full one again")
		}
		for _, c := range []*Conn{first, second} {
			if text, err := send(t.Context(), c, "{}"); err != nil || text != "ok" {
				t.Errorf("%q %v", text, err)
			}
		}
	})
}

// TestOneOpensAndOthersWait has three callers meet a host whose connection has ended.
func TestOneOpensAndOthersWait(t *testing.T) {
	for name, comes := range map[string]bool{"a connection": true, "none": false} {
		synctest.Test(t, func(t *testing.T) {
			p := newPool(t)
			gone := dialled(t, answering())
			if _, err := send(t.Context(), p.test("up", gone), "{}"); err != nil {
				t.Fatal(err)
			}
			gone.Close()
			synctest.Wait()
			c, release := p.Take(t.Context(), "up", time.Minute, nil)
			if c != nil || release == nil {
				t.Fatal("the connection that ended is given")
			}
			got := make(chan *Conn, 3)
			var waited [2]http1.Opening
			ctx, leave := context.WithCancel(t.Context())
			for i, patience := range []time.Duration{time.Minute, time.Second} {
				go func() {
					c, release := p.Take(ctx, "up", patience, &waited[i])
					if release != nil {
						t.Error("a second caller may make others wait")
					}
					got <- c
				}()
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if len(got) != 1 || <-got != nil {
				t.Error("patience has no end, or begins with one")
			}
			var opened *Conn
			if comes {
				opened = p.test("up", dialled(t, answering()))
			}
			release()
			release()
			if c := <-got; c != opened {
				t.Errorf("%s: %p, want %p", name, c, opened)
			}
			if want := [2]http1.Opening{{How: http1.Awaited, Connect: 2 * time.Second}, {How: http1.Awaited, Connect: time.Second}}; waited != want {
				t.Errorf("%s: waited %+v", name, waited)
			}
			leave()
			if comes {
				for range 2 {
					if _, err := send(t.Context(), opened, "{}"); err != nil {
						t.Error(err)
					}
				}
				return
			}
			if _, release = p.Take(t.Context(), "up", time.Minute, nil); release == nil {
				t.Error("nobody may open a connection any more")
			}
			release()
		})
	}
}

func TestUpstreamSaysWhatItHasNotLookedAt(t *testing.T) {
	for name, tc := range map[string]struct {
		nth    int // of the requests on the connection
		end    func(p *peer, id uint32) bool
		unseen bool
	}{
		"REFUSED_STREAM": {1, func(p *peer, id uint32) bool { return p.WriteRSTStream(id, http2.ErrCodeRefusedStream) == nil }, true},
		"INTERNAL_ERROR": {1, func(p *peer, id uint32) bool { return p.WriteRSTStream(id, http2.ErrCodeInternal) == nil }, false},
		"GOAWAY":         {2, func(p *peer, id uint32) bool { return p.WriteGoAway(id-2, http2.ErrCodeNo, nil) == nil }, true},
		"an end":         {2, func(*peer, uint32) bool { return false }, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := newPool(t).test("up", dialled(t, &peer{window: wide, end: func(p *peer, id uint32) bool {
				if n++; n < tc.nth {
					return p.answer(id)
				}
				return tc.end(p, id)
			}}))
			var err error
			for i := range tc.nth {
				if i > 0 {
					again(t, c)
				}
				_, err = send(t.Context(), c, "{}")
			}
			if err == nil || Unseen(err) != tc.unseen {
				t.Errorf("%s: %v, unseen %v", name, err, !tc.unseen)
			}
		})
	}
	if Unseen(io.EOF) || Unseen(&ResetError{Code: uint32(codeRefused), Whole: true}) {
		t.Error("any end is a refusal")
	}
}

func TestCloseIdleLeavesCallsInFlightAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t)
		idle, busy := dialled(t, answering()), dialled(t, answering())
		if _, err := send(t.Context(), p.test("idle", idle), "{}"); err != nil {
			t.Fatal(err)
		}
		c := p.test("busy", busy)
		synctest.Wait()
		p.CloseIdle()
		if _, err := idle.Write(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the idle one is open: %v", err)
		}
		if text, err := send(t.Context(), c, "{}"); err != nil || text != "ok" {
			t.Errorf("%q %v", text, err)
		}
		if len(p.hosts) != 0 {
			t.Error("it is remembered")
		}
		synctest.Wait()
		if _, err := busy.Write(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("the other one is never closed: %v", err)
		}
	})
}

func TestMemoryOfHostsIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPool(t)
		for i := range maxHosts {
			p.hosts[strings.Repeat("x", i+3)] = &host{}
		}
		c := p.test("up", dialled(t, answering()))
		if _, err := send(t.Context(), c, "{}"); err != nil || len(p.hosts) != 1 {
			t.Errorf("%d hosts, %v", len(p.hosts), err)
		}
	})
}

func TestConnectionThatCannotBeSpokenOnIsAnError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		nc := dialled(t, answering())
		nc.Close()
		if _, err := send(t.Context(), newPool(t).test("up", nc), "{}"); err == nil {
			t.Error("a closed connection answers")
		}
	})
}
