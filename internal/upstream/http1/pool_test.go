package http1

import (
	"bufio"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// repeating answers every request of every connection.
func repeating(c net.Conn, r *bufio.Reader) {
	for readRequest(r) {
		if _, err := io.WriteString(c, okAnswer); err != nil {
			return
		}
	}
}

// together makes a call to each host, so that all have a connection at the same
// time.
func together(t *testing.T, c *Client, hosts ...string) {
	t.Helper()
	var open []*Response
	for _, host := range hosts {
		a := &Response{}
		if err := c.Do(t.Context(), &Request{Method: "POST", URL: &url.URL{Scheme: "http", Host: host}, Limits: long}, a); err != nil {
			t.Fatal(err)
		}
		open = append(open, a)
	}
	for _, a := range open {
		if _, err := io.ReadAll(a); err != nil {
			t.Fatal(err)
		}
	}
}

func (p *pool) idle(host string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.hosts[target{host: host}])
}

func TestPoolIsBoundedPerHostAndInTotal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, repeating)
		c.MaxIdle, c.MaxIdlePerHost = 5, 3
		together(t, c, "a", "a", "a", "a", "b", "b", "b", "c")
		if a, b, d := c.pool.idle("a"), c.pool.idle("b"), c.pool.idle("c"); a != 3 || b != 2 || d != 0 {
			t.Errorf("%d %d %d", a, b, d)
		}
	})
}

func TestUnusedConnectionsAreClosedInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, repeating)
		together(t, c, "a", "a", "b")
		time.Sleep(45 * time.Second)
		together(t, c, "a")
		time.Sleep(30 * time.Second)
		if a, b := c.pool.idle("a"), c.pool.idle("b"); a != 1 || b != 0 {
			t.Errorf("after 75 s: %d %d", a, b)
		}
		time.Sleep(45 * time.Second)
		synctest.Wait()
		if len(c.pool.hosts) != 0 || c.pool.n != 0 || c.pool.sweep != nil {
			t.Errorf("after 120 s: %v", c.pool.hosts)
		}
		together(t, c, "a")
		if c.pool.idle("a") != 1 {
			t.Error("no connection is kept afterwards")
		}
	})
}

func TestOldConnectionIsNotTakenEvenBeforeTheSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		conn := scriptOf(okAnswer)
		c := scripted(t, conn, scriptOf(okAnswer))
		together(t, c, "a")
		c.IdleTimeout = time.Second // the sweep comes after a minute
		time.Sleep(2 * time.Second)
		together(t, c, "a")
		if !conn.closed {
			t.Error("it was taken")
		}
	})
}

func TestCloseIdleClosesWhatComesBackUntilTheNextCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := piped(t, repeating)
		a := &Response{}
		if err := c.Do(t.Context(), &Request{Method: "POST", URL: upURL, Limits: long}, a); err != nil {
			t.Fatal(err)
		}
		c.CloseIdle()
		if body, err := io.ReadAll(a); err != nil || string(body) != "ok" || c.pool.idle("up") != 0 {
			t.Errorf("%q %v, %d kept", body, err, c.pool.idle("up"))
		}
		together(t, c, "up")
		if c.pool.idle("up") != 1 {
			t.Error("nothing is kept afterwards")
		}
	})
}

// TestR05ManyCallsLeaveNothingBehind mixes good calls with faults and people who
// leave; client and TestMain see what stays open.
func TestR05ManyCallsLeaveNothingBehind(t *testing.T) {
	u := server(t, func(n int, c *net.TCPConn, r *bufio.Reader) {
		for i := 0; readRequest(r); i++ {
			switch (n + i) % 7 {
			case 3:
				return
			case 4:
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok")
				return
			case 5:
				_, _ = io.WriteString(c, okHeader+"2\r\nok\r\n")
				_, _ = r.ReadByte()
				return
			default:
				_, _ = io.WriteString(c, okAnswer)
			}
		}
	})
	c := tcp(t)
	var good atomic.Int32
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			chance := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 300 {
				good.Add(once(c, u, chance))
			}
		})
	}
	wg.Wait()
	if good.Load() < 100 {
		t.Errorf("only %d calls were answered", good.Load())
	}
}

// once makes a call of random size and leaves it at a random time.
func once(c *Client, u *url.URL, chance *rand.Rand) int32 {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if chance.IntN(3) == 0 {
		go cancel()
	}
	a := &Response{}
	body := make([]byte, chance.IntN(64<<10))
	if c.Do(ctx, &Request{Method: "POST", URL: u, Body: body, Limits: long}, a) != nil {
		return 0
	}
	defer a.Close()
	n, err := a.Read(make([]byte, 2))
	if n == 0 || err != nil && err != io.EOF {
		return 0
	}
	return 1
}
